/* Who is calling: API keys, and the verdicts about them in this process' memory. A verdict lives
 * for a few seconds, which is how long a revocation may take to be felt, and no longer than the
 * key; it never leaves the process. Used by the loop thread alone; the rows come from the store
 * thread.
 *
 * Source: doc/protocol.md 3.
 */
#ifndef SLUICE_SERVICE_API_AUTH_H
#define SLUICE_SERVICE_API_AUTH_H

#include "core/intent.h"
#include "core/permission.h"
#include "port/store_api_key.h"
#include "service/api/problem.h"

struct auth;

/* What an Authorization header presents; slices of the header. */
struct credential {
	struct str key_id;
	struct str secret;
};

enum auth_verdict {
	AUTH_GRANTED,
	AUTH_REFUSED,
	AUTH_ADDRESS, /* the key is right, and may not be used from there */
	AUTH_UNKNOWN, /* load the row, auth_learn, ask again */
};

/* keys: borrowed; they verify the rows' seals. cache_ms > 0: how long a verdict is believed. */
struct auth *auth_new(const struct mac_keys *keys, int64_t cache_ms);
void auth_free(struct auth *auth); /* accepts NULL; wipes */

/* PROBLEM_NONE and the parts of "Bearer slk_<id>_<secret>". count: header lines. */
enum problem auth_credential_read(size_t count, struct str value,
				  struct credential *ret_credential);
/* The token of "Bearer <token>", when it has the shape of a JWT: an access token. */
bool auth_token_read(size_t count, struct str value, struct str *ret_token);
/* One moment by both clocks. */
struct auth_now {
	int64_t monotonic_ms;
	int64_t wall_ms; /* what keys expire by */
};

/* Judges from memory. from: the client's address, and unknown it is in no range but that of all.
 * ret_principal is written when granted. */
enum auth_verdict auth_judge(struct auth *auth, const struct credential *credential,
			     struct ip_address from, int64_t monotonic_ms,
			     struct principal *ret_principal);
/* Remembers the row of a key id, or that there is none (row NULL), or that it is revoked or has
 * expired. False when the row's seal is broken: it grants nothing, and the caller raises an alarm.
 */
bool auth_learn(struct auth *auth, struct str key_id, const struct store_api_key *row,
		struct auth_now now);
/* Keys that were granted something since they were last told here, and were not told for
 * API_KEY_USE_LEAST_MS: up to API_KEY_USES_MAX of them, with the moment of the call. */
size_t auth_uses_take(struct auth *auth, struct auth_now now,
		      struct store_api_key_use ret_uses[API_KEY_USES_MAX]);

#endif
