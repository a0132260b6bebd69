#include "port/password.h"

#include "base/check.h"

bool password_hash(const struct password_hasher *hasher, struct str password,
		   struct entropy *entropy, char ret_text[PASSWORD_HASH_LEN + 1], struct err *err)
{
	CHECK(hasher != NULL && hasher->ops != NULL && entropy != NULL);
	CHECK(password.len > 0 && password.len <= PASSWORD_LEN_MAX);
	return hasher->ops->hash(hasher, password, entropy, ret_text, err);
}

bool password_verify(const struct password_hasher *hasher, struct str password, const char *text,
		     bool *ret_equal, bool *ret_weak, struct err *err)
{
	CHECK(hasher != NULL && hasher->ops != NULL && text != NULL);
	CHECK(password.len > 0 && password.len <= PASSWORD_LEN_MAX);
	bool is_equal = false, is_weak = false;
	if (!hasher->ops->verify(hasher, password, text, &is_equal, &is_weak, err))
		return false;
	*ret_equal = is_equal;
	*ret_weak = is_weak;
	return true;
}
