/* What other people have begun: sessions of users, seen and ended by who manages users. Within
 * reach alone, as in users.h; one's own are asked for elsewhere. */
#ifndef SLUICE_SERVICE_ADMIN_SESSIONS_H
#define SLUICE_SERVICE_ADMIN_SESSIONS_H

#include "service/admin/users.h"

/* Those that are open, newest first. *ret_broken: so many rows more somebody has edited, which open
 * nothing. REFUSED as admin_user_disable. */
MUST_CHECK bool admin_sessions_list(const struct admin_users *admin, const char *name,
				    int64_t now_ms, struct store_session ret_sessions[SESSIONS_MAX],
				    size_t *ret_len, size_t *ret_broken, struct err *err);
/* Ends one, felt within the life of the API's cache. REFUSED (session_unknown) when nobody of their
 * reach has an open one of this id. */
MUST_CHECK bool admin_session_end(const struct admin_users *admin, struct id session,
				  int64_t now_ms, struct store_session *ret_session,
				  struct err *err);

#endif
