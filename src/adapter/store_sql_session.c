/* Sessions as rows, and the refresh tokens that they have used. */
#include "adapter/store_sql_people.h"

#include <string.h>

#define SESSION_COLUMNS                                                            \
	"id, user_id, generation, version, created_at, refreshed_at, expires_at, " \
	"revoked_at, second_factor_at, refresh_hash, peer, mac_key_id, mac"

static void session_take(struct sql *sql, struct store_session *ret_session)
{
	memset(ret_session, 0, sizeof *ret_session);
	ret_session->id = sql_take_id(sql);
	ret_session->user = sql_take_id(sql);
	ret_session->generation = sql_take_u64(sql);
	ret_session->version = sql_take_u64(sql);
	ret_session->created_at = sql_take_i64(sql);
	ret_session->refreshed_at = sql_take_i64(sql);
	ret_session->expires_at = sql_take_i64(sql);
	ret_session->revoked_at = sql_take_i64(sql);
	ret_session->second_factor_at = sql_take_i64(sql);
	sql_take_bytes(sql, ret_session->refresh_hash, sizeof ret_session->refresh_hash);
	sql_take_text(sql, ret_session->peer, sizeof ret_session->peer);
	ret_session->mac = sql_take_mac(sql);
}

/* The columns that both statements write, in one order; the id comes last. */
static void session_put(struct sql *sql, const struct store_session *session)
{
	sql_put_id(sql, session->user);
	sql_put_u64(sql, session->generation);
	sql_put_u64(sql, session->version);
	sql_put_i64(sql, session->created_at);
	sql_put_i64(sql, session->refreshed_at);
	sql_put_i64(sql, session->expires_at);
	sql_put_i64(sql, session->revoked_at);
	sql_put_i64(sql, session->second_factor_at);
	sql_put_bytes(sql, session->refresh_hash, sizeof session->refresh_hash);
	sql_put_text(sql, session->peer);
	sql_put_mac(sql, &session->mac);
	sql_put_id(sql, session->id);
}

struct session_write {
	struct store_session_change *change;
	const struct store_by *by;
	bool has_moved; /* the session, after the user's row was held */
};

static bool old_delete(struct db *db, const char *text, struct id user, int64_t before,
		       struct err *err)
{
	struct sql sql = sql_prepare(db, text, err);
	sql_put_id(&sql, user);
	sql_put_i64(&sql, before);
	return sql_run(&sql, NULL);
}

static bool session_insert(struct db *db, const struct session_write *write, struct err *err)
{
	const struct store_session *session = write->change->session;
	int64_t before = write->by->now_ms - SESSION_KEPT_MS;
	if (!old_delete(db,
			"DELETE FROM session_tokens WHERE session_id IN (SELECT id FROM sessions "
			"WHERE user_id = ? AND expires_at < ?)",
			session->user, before, err) ||
	    !old_delete(db, "DELETE FROM sessions WHERE user_id = ? AND expires_at < ?",
			session->user, before, err))
		return false;
	struct sql sql = sql_prepare(
		db,
		"INSERT INTO sessions (user_id, generation, version, created_at, refreshed_at, "
		"expires_at, revoked_at, second_factor_at, refresh_hash, peer, mac_key_id, mac, "
		"id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		err);
	session_put(&sql, session);
	write->change->applied = true;
	return sql_run(&sql, NULL);
}

static bool session_update(struct db *db, const struct session_write *write, struct err *err)
{
	int64_t changed = 0;
	struct sql sql = sql_prepare(
		db,
		"UPDATE sessions SET user_id = ?, generation = ?, version = ?, created_at = ?, "
		"refreshed_at = ?, expires_at = ?, revoked_at = ?, second_factor_at = ?, "
		"refresh_hash = ?, peer = ?, mac_key_id = ?, mac = ? WHERE id = ? AND version = ?",
		err);
	session_put(&sql, write->change->session);
	sql_put_u64(&sql, write->change->version);
	if (!sql_run_count(&sql, &changed))
		return false;
	write->change->applied = changed == 1;
	return true;
}

static bool token_retire(struct db *db, const struct session_write *write, struct err *err)
{
	const struct store_session_change *change = write->change;
	struct sql sql = sql_prepare(
		db, "INSERT INTO session_tokens (session_id, hash, used_at) VALUES (?, ?, ?)", err);
	sql_put_id(&sql, change->session->id);
	sql_put_bytes(&sql, change->used_token, REFRESH_HASH_BYTES);
	sql_put_i64(&sql, write->by->now_ms);
	return sql_run(&sql, NULL);
}

static bool session_audit(struct db *db, const struct session_write *write, struct err *err)
{
	char detail[256];
	struct buf out = buf_of(detail, sizeof detail);
	const struct store_session *session = write->change->session;
	buf_format(&out, "{\"session\":\"%s\",\"user\":\"%s\",\"second_factor\":%s}",
		   id_text(session->id).at, id_text(session->user).at,
		   session->second_factor_at != 0 ? "true" : "false");
	return audit_add(db, write->change->action, session->user, buf_terminated(&out), write->by,
			 err);
}

static bool session_write(struct db *db, void *context, struct err *err)
{
	struct session_write *write = context;
	struct store_session_change *change = write->change;
	bool is_current = true;
	change->applied = write->has_moved = false;
	if (change->user_version > 0 && !user_hold(db, change->session->user, change->user_version,
						   change->totp_step, &is_current, err))
		return false;
	if (!is_current)
		return true;
	bool is_written = change->version == 0 ? session_insert(db, write, err)
					       : session_update(db, write, err);
	if (!is_written)
		return false;
	write->has_moved = !change->applied;
	if (write->has_moved) /* what was taken of the user's row goes back with the rest */
		return err_set(err, ERR_REFUSED, "the session has moved");
	if (change->used_token != NULL && !token_retire(db, write, err))
		return false;
	return session_audit(db, write, err);
}

bool store_sql_session_change(struct store *store, struct store_session_change *change,
			      const struct store_by *by, struct err *err)
{
	struct session_write write = { change, by, false };
	/* One that has moved is no fault: somebody else was first, and nothing is written. */
	return sql_write(db_of(store), session_write, &write, err) || write.has_moved;
}

bool store_sql_session_load(struct store *store, struct id id, struct store_session *ret_session,
			    bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT " SESSION_COLUMNS " FROM sessions WHERE id = ?", err);
	sql_put_id(&sql, id);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		session_take(&sql, ret_session);
	return sql_end(&sql);
}

bool store_sql_sessions_list(struct store *store, struct id user, int64_t now_ms,
			     struct store_session *ret_sessions, size_t cap, size_t *ret_len,
			     struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT " SESSION_COLUMNS " FROM sessions WHERE user_id = ? "
				     "AND expires_at > ? AND revoked_at = 0 "
				     "ORDER BY id DESC LIMIT ?",
				     err);
	size_t len = 0;
	sql_put_id(&sql, user);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		session_take(&sql, &ret_sessions[len++]);
	*ret_len = len;
	return sql_end(&sql);
}

bool store_sql_token_was_used(struct store *store, struct id session,
			      const uint8_t hash[REFRESH_HASH_BYTES], bool *ret_used,
			      struct err *err)
{
	struct sql sql = sql_prepare(
		db_of(store),
		"SELECT used_at FROM session_tokens WHERE session_id = ? AND hash = ?", err);
	sql_put_id(&sql, session);
	sql_put_bytes(&sql, hash, REFRESH_HASH_BYTES);
	*ret_used = sql_next(&sql);
	return sql_end(&sql);
}

bool store_sql_peer_is_known(struct store *store, struct id user, const char *peer, bool *ret_known,
			     struct err *err)
{
	struct sql sql =
		sql_prepare(db_of(store),
			    "SELECT id FROM sessions WHERE user_id = ? AND peer = ? LIMIT 1", err);
	sql_put_id(&sql, user);
	sql_put_text(&sql, peer);
	*ret_known = sql_next(&sql);
	return sql_end(&sql);
}
