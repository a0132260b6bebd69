/* Whether a session is still good, and whose it is: verdicts about rows in this process' memory, as
 * auth.h has them about API keys, and for as long. So a revoked session and a disabled user are
 * felt within that time, also by access tokens that have not expired. Used by the loop thread
 * alone. */
#ifndef SLUICE_SERVICE_API_SESSIONS_H
#define SLUICE_SERVICE_API_SESSIONS_H

#include "port/store_people.h"
#include "service/api/access_token.h"
#include "service/api/auth.h"

struct sessions;

/* keys: borrowed; they verify the rows' MACs. cache_ms > 0: how long a verdict is believed. */
struct sessions *sessions_new(const struct mac_keys *keys, int64_t cache_ms);
void sessions_free(struct sessions *sessions); /* accepts NULL */

/* Judges from memory. now_ms: monotonic; at_ms: of the wall clock. ret_principal is written when
 * granted. */
enum auth_verdict sessions_judge(const struct sessions *sessions,
				 const struct access_claims *claims, int64_t now_ms, int64_t at_ms,
				 struct principal *ret_principal);
/* Remembers the rows of a session and its user; NULL where there is none. False when a MAC is
 * broken: the row grants nothing, and the caller raises an alarm. */
bool sessions_learn(struct sessions *sessions, struct id session, const struct store_session *row,
		    const struct store_user *user, int64_t now_ms);
/* What is said of it next is asked of the store: after it was changed here. */
void sessions_forget(struct sessions *sessions, struct id session);

/* Are these rows, both sealed, those of a session that is good now? Pure. */
bool session_is_good(const struct store_session *row, const struct store_user *user, int64_t at_ms);
/* Who that user is in a session with a second factor, or in one without. */
void session_principal(const struct store_user *user, bool second_factor,
		       struct principal *ret_principal);

#endif
