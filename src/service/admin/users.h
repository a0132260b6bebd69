/* Users for people who run Sluice: the first admin, and whoever lost a password or a telephone.
 * Knows neither terminal nor HTTP. */
#ifndef SLUICE_SERVICE_ADMIN_USERS_H
#define SLUICE_SERVICE_ADMIN_USERS_H

#include "base/secret.h"
#include "port/entropy.h"
#include "port/password.h"
#include "port/store_people.h"
#include "service/admin/accounts.h"

struct admin_users {
	struct store *store; /* all borrowed */
	struct entropy *entropy;
	const struct mac_keys *identity_keys;
	const struct password_hasher *hasher;
	struct admin_actor by;
	enum admin_account_rule accounts; /* of what is made */
	bool *declared; /* set when the account was declared on the way; NULL: nobody asks */
};

/* What a password may be: PASSWORD_LEN_MIN to PASSWORD_LEN_MAX bytes of UTF-8. REFUSED otherwise;
 * the text never shows any of it. */
MUST_CHECK bool admin_password_check(struct str password, struct err *err);

/* account "": every account. REFUSED for a bad name, account or password, and for a name that is
 * taken. */
MUST_CHECK bool admin_user_create(const struct admin_users *admin, const char *name,
				  const char *account, enum user_role role, struct str password,
				  int64_t now_ms, struct store_user *ret_user, struct err *err);
/* The row of a user within reach. REFUSED when there is none, or somebody has edited it. */
MUST_CHECK bool admin_user_find(const struct admin_users *admin, const char *name,
				struct store_user *ret_user, struct err *err);
/* Ends all that the user has begun, within the life of the API's cache; a disabled one stays as it
 * is. REFUSED when there is no such user, or somebody has edited the row: then it grants nothing
 * already. */
MUST_CHECK bool admin_user_disable(const struct admin_users *admin, const char *name,
				   int64_t now_ms, struct store_user *ret_user, struct err *err);
/* The same with a password's hash, made elsewhere. REFUSED (account_forbidden) also for another
 * account than whoever asks belongs to. */
MUST_CHECK bool admin_user_add(const struct admin_users *admin, const char *name,
			       const char *account, enum user_role role, const char *password_hash,
			       int64_t now_ms, struct store_user *ret_user, struct err *err);
MUST_CHECK bool admin_user_set_password(const struct admin_users *admin, const char *name,
					const char *password_hash, int64_t now_ms,
					struct store_user *ret_user, struct err *err);
/* Likewise. Over the API nobody changes himself, nor the last admin of all accounts (own_user,
 * last_admin): on a host people can. */
MUST_CHECK bool admin_user_set_role(const struct admin_users *admin, const char *name,
				    enum user_role role, int64_t now_ms,
				    struct store_user *ret_user, struct err *err);
/* Only ends what the user has begun. */
MUST_CHECK bool admin_user_end_sessions(const struct admin_users *admin, const char *name,
					int64_t now_ms, struct store_user *ret_user,
					struct err *err);
/* Likewise, with a new password; and by `admin_user_reset_totp` without a second factor, until the
 * user enrols one again. */
MUST_CHECK bool admin_user_reset_password(const struct admin_users *admin, const char *name,
					  struct str password, int64_t now_ms,
					  struct store_user *ret_user, struct err *err);
MUST_CHECK bool admin_user_reset_totp(const struct admin_users *admin, const char *name,
				      int64_t now_ms, struct store_user *ret_user, struct err *err);
/* Up to `cap` users that the actor reaches, by name, after the name of an earlier page ("": from
 * the beginning); ret_sealed[i]: the row is what some holder of the identity grants wrote. */
MUST_CHECK bool admin_users_list(const struct admin_users *admin, const char *after,
				 struct store_user *ret_users, bool *ret_sealed, size_t cap,
				 size_t *ret_len, struct err *err);

#endif
