#include "adapter/sql_message.h"

#include "adapter/sql_row.h"

/* A waiting message becomes visible now; one that is being worked on keeps its claim, and its
 * raised generation opens it again when that claim ends. */
static bool message_renew(struct db *db, enum queue_name queue, struct id subject, int64_t now_ms,
			  int64_t *ret_changed, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"UPDATE messages SET generation = generation + 1, "
		"visible_at = CASE WHEN claim IS NULL AND visible_at > ? THEN ? ELSE visible_at END "
		"WHERE queue = ? AND subject = ?",
		err);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, queue);
	sql_put_id(&sql, subject);
	return sql_run_count(&sql, ret_changed);
}

bool message_put(struct db *db, enum queue_name queue, struct id subject,
		 const char *correlation_id, int64_t now_ms, struct err *err)
{
	if (queue == QUEUE_NONE)
		return true;
	int64_t changed = 0;
	if (!message_renew(db, queue, subject, now_ms, &changed, err))
		return false;
	if (changed > 0)
		return true;
	struct sql sql = sql_prepare(db,
				     "INSERT INTO messages (queue, subject, correlation_id, "
				     "created_at, visible_at) VALUES (?, ?, ?, ?, ?)",
				     err);
	sql_put_i64(&sql, queue);
	sql_put_id(&sql, subject);
	sql_put_text(&sql, correlation_id);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, now_ms);
	return sql_run(&sql, NULL);
}

bool message_end(struct db *db, const struct message_ack *ack, int64_t now_ms, struct err *err)
{
	if (ack->queue == QUEUE_NONE)
		return true;
	int64_t deleted = 0;
	struct sql sql =
		sql_prepare(db,
			    "DELETE FROM messages WHERE queue = ? AND subject = ? AND claim = ? "
			    "AND generation = ?",
			    err);
	sql_put_i64(&sql, ack->queue);
	sql_put_id(&sql, ack->subject);
	sql_put_bytes(&sql, ack->token, sizeof ack->token);
	sql_put_u64(&sql, ack->generation);
	if (!sql_run_count(&sql, &deleted))
		return false;
	if (deleted > 0)
		return true;
	struct sql open = sql_prepare(db,
				      "UPDATE messages SET claim = NULL, visible_at = ?, "
				      "receives = 0 WHERE queue = ? AND subject = ? AND claim = ?",
				      err);
	sql_put_i64(&open, now_ms);
	sql_put_i64(&open, ack->queue);
	sql_put_id(&open, ack->subject);
	sql_put_bytes(&open, ack->token, sizeof ack->token);
	return sql_run(&open, NULL);
}
