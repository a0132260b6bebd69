#include "adapter/sql_message.h"

#include "adapter/sql_row.h"
#include "base/defence.h"

#define PUT_TRIES_MAX 8

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

static bool message_insert(struct db *db, enum queue_name queue, struct id subject,
			   const char *correlation_id, int64_t now_ms, bool *ret_taken,
			   struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "INSERT INTO messages (queue, subject, correlation_id, "
				     "created_at, visible_at) VALUES (?, ?, ?, ?, ?)",
				     err);
	sql_put_i64(&sql, queue);
	sql_put_id(&sql, subject);
	sql_put_text(&sql, correlation_id);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, now_ms);
	return sql_run(&sql, ret_taken);
}

/* Where several write at once, the row may come between the look and the insert, and go again. */
bool message_put(struct db *db, enum queue_name queue, struct id subject,
		 const char *correlation_id, int64_t now_ms, struct err *err)
{
	for (int tries = 0; queue != QUEUE_NONE; tries++) {
		int64_t changed = 0;
		bool taken = false;
		if (!message_renew(db, queue, subject, now_ms, &changed, err))
			return false;
		if (changed > 0)
			return true;
		if (!message_insert(db, queue, subject, correlation_id, now_ms, &taken, err))
			return false;
		if (!taken)
			return true;
		if (tries == PUT_TRIES_MAX)
			return err_set(err, ERR_NOT_DONE, "a wake-up comes and goes");
	}
	return true;
}

/* A wake-up of a transport has no row here any more, only its claim. */
static bool received_end(struct db *db, const struct message_ack *ack, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "DELETE FROM message_claims WHERE queue = ? AND subject = ? AND claim = ?",
		err);
	sql_put_i64(&sql, ack->queue);
	sql_put_id(&sql, ack->subject);
	sql_put_bytes(&sql, ack->token, sizeof ack->token);
	return sql_run(&sql, NULL);
}

#define MESSAGE_END "DELETE FROM messages WHERE queue = ? AND subject = ? "

static const char *message_end_text(void)
{
	if (!DEFENCE("message_generation"))
		return MESSAGE_END "AND claim = ? AND ? >= 0";
	if (!DEFENCE("claim_token"))
		return MESSAGE_END "AND LENGTH(?) > 0 AND generation = ?";
	return MESSAGE_END "AND claim = ? AND generation = ?";
}

bool message_end(struct db *db, const struct message_ack *ack, int64_t now_ms, struct err *err)
{
	if (ack->queue == QUEUE_NONE)
		return true;
	if (ack->is_received)
		return received_end(db, ack, err);
	int64_t deleted = 0;
	struct sql sql = sql_prepare(db, message_end_text(), err);
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

struct ends {
	const struct message_ack *acks;
	size_t n;
	int64_t now_ms;
};

struct id ack_id(const void *acks, size_t at)
{
	return ((const struct message_ack *)acks)[at].subject;
}

static bool ends_write(struct db *db, void *context, struct err *err)
{
	const struct ends *ends = context;
	size_t places[BATCH_MAX];
	items_order(ack_id, ends->acks, ends->n, places);
	for (size_t i = 0; i < ends->n; i++)
		if (!message_end(db, &ends->acks[places[i]], ends->now_ms, err))
			return false;
	return true;
}

bool messages_end(struct db *db, const struct message_ack *acks, size_t n, int64_t now_ms,
		  struct err *err)
{
	struct ends ends = { acks, n, now_ms };
	return sql_write(db, ends_write, &ends, err);
}

bool messages_nameless_delete(struct db *db, enum queue_name name, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"DELETE FROM messages WHERE queue = ? AND (subject < X'' OR "
		"LENGTH(HEX(subject)) <> 32 OR subject = X'00000000000000000000000000000000')",
		err);
	sql_put_i64(&sql, name);
	return sql_run(&sql, NULL);
}

bool messages_stats(struct db *db, enum queue_name name, int64_t now_ms,
		    struct queue_stats *ret_stats, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"SELECT COALESCE(SUM(CASE WHEN visible_at <= ? THEN 1 ELSE 0 END), 0), "
		"COALESCE(SUM(CASE WHEN visible_at > ? AND claim IS NULL THEN 1 ELSE 0 END), 0), "
		"COALESCE(SUM(CASE WHEN visible_at > ? AND claim IS NOT NULL THEN 1 ELSE 0 END), 0), "
		"MIN(created_at) FROM messages WHERE queue = ?",
		err);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, name);
	if (sql_next(&sql)) {
		ret_stats->queue = name;
		ret_stats->waiting = sql_take_u64(&sql);
		ret_stats->delayed = sql_take_u64(&sql);
		ret_stats->claimed = sql_take_u64(&sql);
		bool is_empty = ret_stats->waiting + ret_stats->delayed + ret_stats->claimed == 0;
		ret_stats->oldest_ms = is_empty ? 0 : now_ms - (int64_t)sql_take_u64(&sql);
	}
	return sql_end(&sql);
}
