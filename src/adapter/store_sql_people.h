/* The store's functions for people who log in; store_sql_people.c, store_sql_session.c. */
#ifndef SLUICE_ADAPTER_STORE_SQL_PEOPLE_H
#define SLUICE_ADAPTER_STORE_SQL_PEOPLE_H

#include "adapter/store_sql_parts.h"
#include "port/store_people.h"

bool store_sql_user_add(struct store *store, const struct store_user *user,
			const struct store_by *by, struct err *err);
bool store_sql_user_find(struct store *store, struct str name, struct store_user *ret_user,
			 bool *ret_found, struct err *err);
bool store_sql_user_load(struct store *store, struct id id, struct store_user *ret_user,
			 bool *ret_found, struct err *err);
bool store_sql_users_list(struct store *store, const struct store_names *names,
			  struct store_user *ret_users, size_t cap, size_t *ret_len,
			  struct err *err);
bool store_sql_user_change(struct store *store, struct store_user_change *change,
			   const struct store_by *by, struct err *err);
bool store_sql_session_change(struct store *store, struct store_session_change *change,
			      const struct store_by *by, struct err *err);
bool store_sql_session_load(struct store *store, struct id id, struct store_session *ret_session,
			    bool *ret_found, struct err *err);
bool store_sql_sessions_list(struct store *store, struct id user, int64_t now_ms,
			     struct store_session *ret_sessions, size_t cap, size_t *ret_len,
			     struct err *err);
bool store_sql_token_was_used(struct store *store, struct id session,
			      const uint8_t hash[REFRESH_HASH_BYTES], bool *ret_used,
			      struct err *err);
bool store_sql_peer_is_known(struct store *store, struct id user, const char *peer, bool *ret_known,
			     struct err *err);

/* Takes the step of a one-time code, or only holds the row (step 0), while it stands at `version`.
 * *ret_current false: it has moved, or a code of that step or a later one was used. In a write. */
MUST_CHECK bool user_hold(struct db *db, struct id user, uint64_t version, int64_t totp_step,
			  bool *ret_current, struct err *err);

#endif
