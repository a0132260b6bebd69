/* People who log in, as rows: users, their sessions, and the refresh tokens that a session has
 * used. Part of the store's port. A row of users or sessions grants something, and does so only
 * with its MAC, made with the identity grants' keys over all columns but the step of the last
 * one-time code: to set that back repeats a code of this minute, nothing more.
 *
 * Rows change by compare-and-set of their version, in one transaction with the audit record. A
 * session is void when it is of an older generation than its user: disabling, a new password and a
 * lost second factor raise the user's.
 *
 * Source: doc/protocol.md 3; ADR 30, 31.
 */
#ifndef SLUICE_PORT_STORE_PEOPLE_H
#define SLUICE_PORT_STORE_PEOPLE_H

#include "core/intent.h"
#include "core/permission.h"
#include "core/totp.h"
#include "port/password.h"
#include "port/secrets.h"
#include "port/store.h"

#define USER_NAME_LEN_MAX  PRINCIPAL_NAME_LEN_MAX
#define TOTP_SEALED_LEN    (TOTP_SEED_BYTES + SECRETS_OVERHEAD)
#define PEER_LEN_MAX       45 /* an IPv6 address with an IPv4 one at its end */
#define REFRESH_HASH_BYTES 32
#define SESSIONS_MAX       64 /* that a list shows; newest first */

/* Stored: numbered, and never renumbered. */
enum totp_state {
	TOTP_NONE = 0,
	TOTP_PENDING = 1, /* the seed was shown, no code of it was */
	TOTP_CONFIRMED = 2,
};

struct store_user {
	struct id id;
	char name[USER_NAME_LEN_MAX + 1];  /* unique; what one logs in with */
	char account[ACCOUNT_LEN_MAX + 1]; /* "": every account */
	enum user_role role;
	char password[PASSWORD_HASH_LEN + 1];
	int64_t created_at;
	int64_t disabled_at; /* 0: enabled */
	uint64_t generation; /* of its sessions, from 1 */
	uint64_t version;    /* from 1 */
	enum totp_state totp;
	uint8_t totp_seed[TOTP_SEALED_LEN]; /* sealed; zero without one */
	struct mac_tag mac;
	int64_t totp_step; /* of the last code that was used; read only, outside the MAC */
};

struct store_session {
	struct id id;
	struct id user;
	uint64_t generation; /* the user's when it began */
	uint64_t version;    /* from 1 */
	int64_t created_at;
	int64_t refreshed_at;
	int64_t expires_at;
	int64_t revoked_at;                       /* 0: valid */
	int64_t second_factor_at;                 /* 0: none was shown */
	uint8_t refresh_hash[REFRESH_HASH_BYTES]; /* SHA-256 of the token that is good now */
	char peer[PEER_LEN_MAX + 1];              /* where it began */
	struct mac_tag mac;
};

/* Set the MAC; every other column is final. */
void store_user_seal(const struct mac_keys *keys, struct store_user *user);
void store_session_seal(const struct mac_keys *keys, struct store_session *session);
/* False: the row is to be treated as absent, and somebody has edited the store. */
bool store_user_is_sealed(const struct mac_keys *keys, const struct store_user *user);
bool store_session_is_sealed(const struct mac_keys *keys, const struct store_session *session);
/* Where a user's sealed seed stands. */
struct secrets_place store_user_totp_place(const struct store_user *user);

/* A change of a user: the row as it is to be, sealed, version one above `version`. */
struct store_user_change {
	const struct store_user *user;
	uint64_t version;   /* expected */
	int64_t totp_step;  /* 0, or of the code that is used up by this; has to be a later one */
	const char *action; /* for the audit: "user_disabled" */
	bool keeps_admin;   /* it is of an admin of all accounts: REFUSED (last_admin) when no other
			       one is enabled */
	enum user_role role_before; /* for the audit; 0: it did not change */
	bool applied;               /* result; false: the row had moved, or the code was used */
};

/* A new session, or a change of one. The user's version is compared besides, so that nothing begins
 * for one who was disabled in between. */
struct store_session_change {
	const struct store_session *session;
	uint64_t version;          /* expected; 0: it is new */
	uint64_t user_version;     /* expected; 0: whatever it is */
	int64_t totp_step;         /* as above; with user_version alone */
	const uint8_t *used_token; /* hash of the refresh token that is used up; NULL: none */
	const char *action;
	bool applied;
};

/* REFUSED when there is one of this name. */
MUST_CHECK bool store_user_add(struct store *store, const struct store_user *user,
			       const struct store_by *by, struct err *err);
MUST_CHECK bool store_user_find(struct store *store, struct str name, struct store_user *ret_user,
				bool *ret_found, struct err *err);
MUST_CHECK bool store_user_load(struct store *store, struct id id, struct store_user *ret_user,
				bool *ret_found, struct err *err);
/* Up to `cap`, by name. */
MUST_CHECK bool store_users_list(struct store *store, const struct store_names *names,
				 struct store_user *ret_users, size_t cap, size_t *ret_len,
				 struct err *err);
MUST_CHECK bool store_user_change(struct store *store, struct store_user_change *change,
				  const struct store_by *by, struct err *err);
/* A new session takes with it the user's own that ended SESSION_KEPT_MS ago. */
#define SESSION_KEPT_MS (INT64_C(30) * 24 * 3600 * 1000)
MUST_CHECK bool store_session_change(struct store *store, struct store_session_change *change,
				     const struct store_by *by, struct err *err);
MUST_CHECK bool store_session_load(struct store *store, struct id id,
				   struct store_session *ret_session, bool *ret_found,
				   struct err *err);
/* Those of a user that have not ended, newest first. */
MUST_CHECK bool store_sessions_list(struct store *store, struct id user, int64_t now_ms,
				    struct store_session *ret_sessions, size_t cap, size_t *ret_len,
				    struct err *err);
/* Was this token the session's, before another one took its place? */
MUST_CHECK bool store_token_was_used(struct store *store, struct id session,
				     const uint8_t hash[REFRESH_HASH_BYTES], bool *ret_used,
				     struct err *err);
/* Has the user ever begun a session from there that is still known? */
MUST_CHECK bool store_peer_is_known(struct store *store, struct id user, const char *peer,
				    bool *ret_known, struct err *err);

#endif
