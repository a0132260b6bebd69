#include "service/admin/users.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

#define CHANGE_TRIES 4 /* the row moves under us at most this often */

/* A name is typed, shown and searched for: no spaces, no look-alikes. */
static bool name_check(struct str name, struct err *err)
{
	bool ok = name.len > 0 && name.len <= USER_NAME_LEN_MAX;
	for (size_t i = 0; ok && i < name.len; i++)
		ok = isalnum((unsigned char)name.at[i]) ||
		     (name.at[i] != 0 && strchr("-_.@+", name.at[i]) != NULL);
	if (!ok)
		return err_set(err, ERR_REFUSED,
			       "a user's name has 1 to %d letters, digits and '-_.@+'",
			       USER_NAME_LEN_MAX);
	return true;
}

/* "": every account. */
static bool account_check(struct str account, struct err *err)
{
	return account.len == 0 || admin_account_name_check(account, err);
}

static bool account_bind(const struct admin_users *admin, const char *account, int64_t now_ms,
			 struct err *err)
{
	const struct admin_accounts accounts = { .store = admin->store,
						 .identity_keys = admin->identity_keys,
						 .by = admin->by };
	bool declared = false;
	bool good = admin_account_bind(&accounts, admin->accounts, account, now_ms, &declared, err);
	if (admin->declared != NULL)
		*admin->declared = declared;
	return good;
}

bool admin_password_check(struct str password, struct err *err)
{
	if (password.len < PASSWORD_LEN_MIN || password.len > PASSWORD_LEN_MAX ||
	    !utf8_is_valid(password))
		return err_set(err, ERR_REFUSED, "a password has %d to %d bytes of UTF-8",
			       PASSWORD_LEN_MIN, PASSWORD_LEN_MAX);
	return true;
}

bool admin_user_add(const struct admin_users *admin, const char *name, const char *account,
		    enum user_role role, const char *password_hash, int64_t now_ms,
		    struct store_user *ret_user, struct err *err)
{
	uint8_t random[10];
	struct store_user user = {
		.role = role, .created_at = now_ms, .generation = 1, .version = 1
	};
	struct store_by by = admin_by(&admin->by, now_ms);
	if (!name_check(str_from(name), err) || !account_check(str_from(account), err))
		return false;
	if (!admin_reaches(&admin->by, account) && DEFENCE("user_is_of_own_account"))
		return err_refuse(err, "account_forbidden", "you make users of account %s alone",
				  admin->by.account);
	if (!account_bind(admin, account, now_ms, err))
		return false;
	entropy_fill(admin->entropy, random, sizeof random);
	user.id = id_make(now_ms, random);
	CHECK(str_copy(str_from(name), user.name, sizeof user.name));
	CHECK(str_copy(str_from(account), user.account, sizeof user.account));
	CHECK(str_copy(str_from(password_hash), user.password, sizeof user.password));
	store_user_seal(admin->identity_keys, &user);
	if (!store_user_add(admin->store, &user, &by, err))
		return false;
	*ret_user = user;
	return true;
}

bool admin_user_create(const struct admin_users *admin, const char *name, const char *account,
		       enum user_role role, struct str password, int64_t now_ms,
		       struct store_user *ret_user, struct err *err)
{
	char text[PASSWORD_HASH_LEN + 1] = { 0 };
	return name_check(str_from(name), err) && account_check(str_from(account), err) &&
	       admin_password_check(password, err) &&
	       password_hash(admin->hasher, password, admin->entropy, text, err) &&
	       admin_user_add(admin, name, account, role, text, now_ms, ret_user, err);
}

bool admin_user_find(const struct admin_users *admin, const char *name, struct store_user *ret_user,
		     struct err *err)
{
	bool found = false;
	if (!name_check(str_from(name), err) ||
	    !store_user_find(admin->store, str_from(name), ret_user, &found, err))
		return false;
	if (!found ||
	    (!admin_reaches(&admin->by, ret_user->account) && DEFENCE("user_is_of_own_account")))
		return err_refuse(err, "user_unknown", "there is no user \"%s\"", name);
	if (!store_user_is_sealed(admin->identity_keys, ret_user))
		return err_set(err, ERR_REFUSED,
			       "the row of user \"%s\" was changed by somebody else; it grants "
			       "nothing",
			       name);
	return true;
}

/* Changes the row as it stands. `edit` says whether there is anything to change. */
enum user_care {
	USER_CARE_NONE,
	USER_CARE_NOT_OWN, /* over the API, not of oneself */
	USER_CARE_ADMIN,   /* and not of the last admin */
};

static bool own_check(const struct admin_users *admin, enum user_care care,
		      const struct store_user *user, struct err *err)
{
	bool is_own = admin->by.person != NULL &&
		      str_equal_fold(str_from(admin->by.person), str_from(user->name));
	return care == USER_CARE_NONE || !is_own ||
	       err_refuse(err, "own_user", "another person has to do that to %s", user->name);
}

static bool is_admin_of_all(const struct store_user *user)
{
	return user->role == USER_ROLE_ADMIN && user->account[0] == 0 && user->disabled_at == 0;
}

static bool user_change(const struct admin_users *admin, const char *name, const char *action,
			enum user_care care,
			bool (*edit)(struct store_user *user, const void *context),
			const void *context, int64_t now_ms, struct store_user *ret_user,
			struct err *err)
{
	struct store_by by = admin_by(&admin->by, now_ms);
	for (int i = 0; i < CHANGE_TRIES; i++) {
		struct store_user user;
		if (!admin_user_find(admin, name, &user, err))
			return false;
		struct store_user_change change = { .user = &user,
						    .version = user.version,
						    .action = action,
						    .keeps_admin = admin->by.person != NULL &&
								   care == USER_CARE_ADMIN &&
								   is_admin_of_all(&user) };
		enum user_role before = user.role;
		*ret_user = user;
		if (!own_check(admin, care, &user, err))
			return false;
		if (!edit(&user, context))
			return true;
		change.role_before = user.role != before ? before : 0;
		user.version++;
		user.generation++; /* what it has begun ends with this */
		store_user_seal(admin->identity_keys, &user);
		if (!store_user_change(admin->store, &change, &by, err))
			return false;
		*ret_user = user;
		if (change.applied)
			return true;
	}
	return err_set(err, ERR_NOT_DONE, "user \"%s\" is being changed by others", name);
}

static bool edit_disable(struct store_user *user, const void *context)
{
	if (user->disabled_at != 0)
		return false;
	user->disabled_at = *(const int64_t *)context;
	return true;
}

static bool edit_password(struct store_user *user, const void *context)
{
	memcpy(user->password, context, sizeof user->password);
	return true;
}

static bool edit_totp(struct store_user *user, const void *context)
{
	(void)context;
	user->totp = TOTP_NONE;
	memset(user->totp_seed, 0, sizeof user->totp_seed);
	return true;
}

bool admin_user_disable(const struct admin_users *admin, const char *name, int64_t now_ms,
			struct store_user *ret_user, struct err *err)
{
	return user_change(admin, name, "user_disabled", USER_CARE_ADMIN, edit_disable, &now_ms,
			   now_ms, ret_user, err);
}

bool admin_user_set_password(const struct admin_users *admin, const char *name,
			     const char *password_hash, int64_t now_ms, struct store_user *ret_user,
			     struct err *err)
{
	char text[PASSWORD_HASH_LEN + 1] = { 0 };
	CHECK(str_copy(str_from(password_hash), text, sizeof text));
	return user_change(admin, name, "user_password_reset", USER_CARE_NOT_OWN, edit_password,
			   text, now_ms, ret_user, err);
}

bool admin_user_reset_password(const struct admin_users *admin, const char *name,
			       struct str password, int64_t now_ms, struct store_user *ret_user,
			       struct err *err)
{
	char text[PASSWORD_HASH_LEN + 1] = { 0 };
	return admin_password_check(password, err) &&
	       password_hash(admin->hasher, password, admin->entropy, text, err) &&
	       admin_user_set_password(admin, name, text, now_ms, ret_user, err);
}

bool admin_user_reset_totp(const struct admin_users *admin, const char *name, int64_t now_ms,
			   struct store_user *ret_user, struct err *err)
{
	return user_change(admin, name, "user_totp_reset", USER_CARE_NOT_OWN, edit_totp, NULL,
			   now_ms, ret_user, err);
}

static bool edit_role(struct store_user *user, const void *context)
{
	enum user_role role = *(const enum user_role *)context;
	bool is_other = user->role != role;
	user->role = role;
	return is_other;
}

bool admin_user_set_role(const struct admin_users *admin, const char *name, enum user_role role,
			 int64_t now_ms, struct store_user *ret_user, struct err *err)
{
	return user_change(admin, name, "user_role_changed", USER_CARE_ADMIN, edit_role, &role,
			   now_ms, ret_user, err);
}

static bool edit_nothing(struct store_user *user, const void *context)
{
	(void)user;
	(void)context;
	return true; /* the generation is what ends them */
}

bool admin_user_end_sessions(const struct admin_users *admin, const char *name, int64_t now_ms,
			     struct store_user *ret_user, struct err *err)
{
	return user_change(admin, name, "user_sessions_revoked", USER_CARE_NONE, edit_nothing, NULL,
			   now_ms, ret_user, err);
}

bool admin_users_list(const struct admin_users *admin, const char *after,
		      struct store_user *ret_users, bool *ret_sealed, size_t cap, size_t *ret_len,
		      struct err *err)
{
	struct store_names names = { admin->by.account != NULL ? admin->by.account : "", after };
	size_t len = 0;
	if (!store_users_list(admin->store, &names, ret_users, cap, &len, err))
		return false;
	for (size_t i = 0; i < len; i++)
		ret_sealed[i] = store_user_is_sealed(admin->identity_keys, &ret_users[i]);
	*ret_len = len;
	return true;
}
