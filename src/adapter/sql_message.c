#include "adapter/sql_message.h"

#include "adapter/sql_row.h"
#include "base/defence.h"

#include <string.h>

#define PUT_TRIES_MAX 8

/* A waiting message becomes visible now; one that is being worked on keeps its claim, and its
 * raised generation opens it again when that claim ends. */
static const char renew_text[] =
	"UPDATE messages SET generation = {next generation}, "
	"visible_at = CASE WHEN claim IS NULL AND visible_at > ? THEN ? ELSE visible_at END "
	"WHERE queue = ? AND subject = ?";

static void renew_put(struct sql *sql, enum queue_name queue, struct id subject, int64_t now_ms)
{
	sql_put_i64(sql, now_ms);
	sql_put_i64(sql, now_ms);
	sql_put_i64(sql, queue);
	sql_put_id(sql, subject);
}

static bool message_renew(struct db *db, enum queue_name queue, struct id subject, int64_t now_ms,
			  int64_t *ret_changed, struct err *err)
{
	struct sql sql = sql_prepare(db, renew_text, err);
	renew_put(&sql, queue, subject, now_ms);
	return sql_run_count(&sql, ret_changed);
}

static const char insert_text[] =
	"INSERT INTO messages (queue, subject, correlation_id, created_at, visible_at) "
	"VALUES (?, ?, ?, ?, ?)";

static void insert_put(struct sql *sql, enum queue_name queue, struct id subject,
		       const char *correlation_id, int64_t now_ms)
{
	sql_put_i64(sql, queue);
	sql_put_id(sql, subject);
	sql_put_text(sql, correlation_id);
	sql_put_i64(sql, now_ms);
	sql_put_i64(sql, now_ms);
}

static bool message_insert(struct db *db, enum queue_name queue, struct id subject,
			   const char *correlation_id, int64_t now_ms, bool *ret_taken,
			   struct err *err)
{
	struct sql sql = sql_prepare(db, insert_text, err);
	insert_put(&sql, queue, subject, correlation_id, now_ms);
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

/* --- many ---------------------------------------------------------------------------------------
 */

/* A message of a batch as it stands, locked. */
struct standing {
	struct id subject;
	uint8_t claim[16]; /* zero: of nobody */
	uint64_t generation;
};

/* By the primary key, and so in its order: MariaDB has no other plan for these columns, but may,
 * where few rows wait, look at more of the queue than it is asked for, and waits for whoever has
 * those. */
static bool standing_load(struct db *db, enum queue_name queue, const struct id *ids, size_t n,
			  struct standing ret_rows[BATCH_MAX], size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT subject, claim, generation FROM messages "
				     "WHERE queue = ? AND subject IN (" SQL_MARKS_BATCH
				     ") ORDER BY subject {for update}",
				     err);
	size_t len = 0;
	sql_put_i64(&sql, queue);
	sql_put_ids(&sql, ids, n);
	while (len < BATCH_MAX && sql_next(&sql)) {
		struct standing *row = &ret_rows[len++];
		row->subject = sql_take_id(&sql);
		sql_take_bytes(&sql, row->claim, sizeof row->claim);
		row->generation = sql_take_u64(&sql);
	}
	*ret_len = len;
	return sql_end(&sql);
}

static const struct standing *standing_of(const struct standing *rows, size_t len, struct id id)
{
	for (size_t i = 0; i < len; i++)
		if (id_equal(rows[i].subject, id))
			return &rows[i];
	return NULL;
}

static struct id put_id(const void *puts, size_t at)
{
	return ((const struct message_put *)puts)[at].subject;
}

/* Those that are not there. *ret_taken: one of them is by now, and none was inserted. */
static bool puts_insert(struct db *db, const struct message_put *const *puts, size_t n,
			int64_t now_ms, bool *ret_taken, struct err *err)
{
	struct sql sql = sql_prepare(db, insert_text, err);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_put_next_row(&sql);
		insert_put(&sql, puts[i]->queue, puts[i]->subject, puts[i]->correlation_id, now_ms);
	}
	return sql_run(&sql, ret_taken);
}

/* Who is there is renewed, the others are inserted; whom somebody else, or this batch, inserts at
 * the same time has them put one by one. */
static bool puts_write(struct db *db, const struct message_put *const *puts, size_t n,
		       int64_t now_ms, struct err *err)
{
	const struct message_put *fresh[BATCH_MAX];
	struct standing rows[BATCH_MAX];
	struct id ids[BATCH_MAX];
	size_t len = 0;
	size_t left = 0;
	bool taken = false;
	for (size_t i = 0; i < n; i++)
		ids[i] = puts[i]->subject;
	if (!standing_load(db, puts[0]->queue, ids, n, rows, &len, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (standing_of(rows, len, ids[i]) == NULL) {
			fresh[left++] = puts[i];
			continue;
		}
		struct sql sql = sql_prepare(db, renew_text, err);
		renew_put(&sql, puts[i]->queue, ids[i], now_ms);
		if (!sql_later_one(&sql))
			return false;
	}
	if (left > 0 && !puts_insert(db, fresh, left, now_ms, &taken, err))
		return false;
	for (size_t i = 0; i < left && taken; i++)
		if (!message_put(db, fresh[i]->queue, fresh[i]->subject, fresh[i]->correlation_id,
				 now_ms, err))
			return false;
	return true;
}

bool messages_put(struct db *db, const struct message_put *puts, size_t n, int64_t now_ms,
		  struct err *err)
{
	size_t places[BATCH_MAX];
	items_order(put_id, puts, n, places);
	for (enum queue_name queue = QUEUE_REQUEST; queue <= QUEUE_MONITOR_DLQ; queue++) {
		const struct message_put *of[BATCH_MAX];
		size_t len = 0;
		for (size_t i = 0; i < n; i++)
			if (puts[places[i]].queue == queue)
				of[len++] = &puts[places[i]];
		if (len == 1 &&
		    !message_put(db, queue, of[0]->subject, of[0]->correlation_id, now_ms, err))
			return false;
		if (len > 1 && !puts_write(db, of, len, now_ms, err))
			return false;
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
	return sql_later_any(&sql);
}

static bool row_delete(struct db *db, const struct message_ack *ack, struct err *err)
{
	struct sql sql =
		sql_prepare(db, "DELETE FROM messages WHERE queue = ? AND subject = ?", err);
	sql_put_i64(&sql, ack->queue);
	sql_put_id(&sql, ack->subject);
	return sql_later_any(&sql);
}

static bool row_open(struct db *db, const struct message_ack *ack, int64_t now_ms, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "UPDATE messages SET claim = NULL, visible_at = ?, "
				     "receives = 0 WHERE queue = ? AND subject = ?",
				     err);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, ack->queue);
	sql_put_id(&sql, ack->subject);
	return sql_later_any(&sql);
}

/* A claim that is another's by now ends nothing. */
static bool row_end(struct db *db, const struct message_ack *ack, const struct standing *row,
		    int64_t now_ms, struct err *err)
{
	if (row == NULL ||
	    (memcmp(row->claim, ack->token, sizeof row->claim) != 0 && DEFENCE("claim_token")))
		return true;
	if (row->generation == ack->generation || !DEFENCE("message_generation"))
		return row_delete(db, ack, err);
	return row_open(db, ack, now_ms, err);
}

static bool rows_end(struct db *db, const struct message_ack *const *acks, size_t n, int64_t now_ms,
		     struct err *err)
{
	struct standing rows[BATCH_MAX];
	struct id ids[BATCH_MAX];
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		ids[i] = acks[i]->subject;
	if (!standing_load(db, acks[0]->queue, ids, n, rows, &len, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!row_end(db, acks[i], standing_of(rows, len, ids[i]), now_ms, err))
			return false;
	return true;
}

struct id ack_id(const void *acks, size_t at)
{
	return ((const struct message_ack *)acks)[at].subject;
}

bool messages_end_here(struct db *db, const struct message_ack *acks, size_t n, int64_t now_ms,
		       struct err *err)
{
	size_t places[BATCH_MAX];
	items_order(ack_id, acks, n, places);
	for (enum queue_name queue = QUEUE_REQUEST; queue <= QUEUE_MONITOR_DLQ; queue++) {
		const struct message_ack *of[BATCH_MAX];
		size_t len = 0;
		for (size_t i = 0; i < n; i++) {
			const struct message_ack *ack = &acks[places[i]];
			if (ack->queue != queue)
				continue;
			if (!ack->is_received)
				of[len++] = ack;
			else if (!received_end(db, ack, err))
				return false;
		}
		if (len > 0 && !rows_end(db, of, len, now_ms, err))
			return false;
	}
	return true;
}

bool message_end(struct db *db, const struct message_ack *ack, int64_t now_ms, struct err *err)
{
	return messages_end_here(db, ack, 1, now_ms, err);
}

struct ends {
	const struct message_ack *acks;
	size_t n;
	int64_t now_ms;
};

static bool ends_write(struct db *db, void *context, struct err *err)
{
	const struct ends *ends = context;
	return messages_end_here(db, ends->acks, ends->n, ends->now_ms, err);
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
