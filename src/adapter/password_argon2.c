#include "adapter/password_argon2.h"

#include "base/check.h"
#include "base/secret.h"

#include <argon2.h>
#include <stdio.h>
#include <string.h>

#define SALT_BYTES  16 /* RFC 9106, section 4 */
#define HASH_BYTES  32
#define TIMES_MAX   4 /* a stored hash may want at most so many times today's cost */
#define MEMORY_TEXT "$argon2id$v=19$m=%u,t=%u,p=%u$%n"

static const struct password_argon2 *self_of(const struct password_hasher *hasher)
{
	return (const struct password_argon2 *)(const void *)hasher;
}

static bool argon2_make(const struct password_hasher *hasher, struct str password,
			struct entropy *entropy, char ret_text[PASSWORD_HASH_LEN + 1],
			struct err *err)
{
	const struct password_argon2 *self = self_of(hasher);
	uint8_t salt[SALT_BYTES];
	entropy_fill(entropy, salt, sizeof salt);
	int error = argon2id_hash_encoded(self->passes, self->memory_kib, self->lanes, password.at,
					  password.len, salt, sizeof salt, HASH_BYTES, ret_text,
					  PASSWORD_HASH_LEN + 1);
	if (error == ARGON2_OK)
		return true;
	return err_set(err, ERR_NOT_DONE, "argon2id: %s", argon2_error_message(error));
}

/* The parameters of a stored hash. False: another form, or a cost that nobody here asked for. */
static bool parameters_read(const struct password_argon2 *self, const char *text, bool *ret_weak)
{
	unsigned memory, passes, lanes;
	int end = 0;
	if (strnlen(text, PASSWORD_HASH_LEN + 1) > PASSWORD_HASH_LEN ||
	    sscanf(text, MEMORY_TEXT, &memory, &passes, &lanes, &end) != 3 || end == 0)
		return false;
	if (memory > TIMES_MAX * self->memory_kib || passes > TIMES_MAX * self->passes ||
	    lanes > TIMES_MAX * self->lanes)
		return false;
	*ret_weak = memory < self->memory_kib || passes < self->passes || lanes < self->lanes;
	return true;
}

static bool argon2_compare(const struct password_hasher *hasher, struct str password,
			   const char *text, bool *ret_equal, bool *ret_weak, struct err *err)
{
	if (!parameters_read(self_of(hasher), text, ret_weak))
		return err_set(err, ERR_REFUSED, "this is no password hash of ours");
	int error = argon2id_verify(text, password.at, password.len);
	*ret_equal = error == ARGON2_OK;
	if (error == ARGON2_OK || error == ARGON2_VERIFY_MISMATCH)
		return true;
	enum err_kind kind = error == ARGON2_MEMORY_ALLOCATION_ERROR ? ERR_NOT_DONE : ERR_REFUSED;
	return err_set(err, kind, "argon2id: %s", argon2_error_message(error));
}

void password_argon2_init(struct password_argon2 *hasher)
{
	static const struct password_ops ops = { argon2_make, argon2_compare };
	*hasher = (struct password_argon2){ .base = { &ops },
					    .memory_kib = ARGON2_MEMORY_KIB,
					    .passes = ARGON2_PASSES,
					    .lanes = ARGON2_LANES };
}
