/* Wake-ups that the store itself writes: the sweeper's, and what comes back from a dead-letter
 * queue. */
#include "adapter/store_sql_parts.h"
#include "base/defence.h"
#include "core/reason.h"
#include "core/timing.h"

#include <string.h>

/* Nothing is due later than in an hour. A time beyond that was written while the clock was wrong,
 * and would freeze its row until then: it counts as due. */
#define DUE_AHEAD_MS (2 * INT64_C(3600) * 1000)

struct due_row {
	struct id id;
	enum withdrawal_stage stage;
	char correlation_id[CORRELATION_ID_LEN_MAX + 1];
	char wait_reason[REASON_LEN_MAX + 1];
};

/* Rows that are due in (after, until]. */
static bool due_load(struct db *db, int64_t after_ms, int64_t until_ms, struct due_row *ret_rows,
		     size_t cap, size_t *ret_len, struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "SELECT id, stage, correlation_id, wait_reason FROM withdrawals "
			    "WHERE due_at > ? AND due_at <= ? AND held_reason = '' "
			    "ORDER BY due_at LIMIT ?",
			    err);
	size_t len = 0;
	sql_put_i64(&sql, after_ms);
	sql_put_i64(&sql, until_ms);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql)) {
		ret_rows[len].id = sql_take_id(&sql);
		ret_rows[len].stage = (enum withdrawal_stage)sql_take_i64(&sql);
		sql_take_text(&sql, ret_rows[len].correlation_id,
			      sizeof ret_rows[len].correlation_id);
		sql_take_text(&sql, ret_rows[len].wait_reason, sizeof ret_rows[len].wait_reason);
		len++;
	}
	*ret_len = len;
	return sql_end(&sql);
}

/* Who can move a row of this stage on. An assigned one may wait for the signer (its transfer is
 * final and unpaid); the monitor needs no wake-up, it reads its transfers at every head. */
static enum queue_name queue_of(const struct due_row *row)
{
	if (strcmp(row->wait_reason, reason_code(REASON_APPROVAL_EXPIRED)) == 0 ||
	    strcmp(row->wait_reason, reason_code(REASON_APPROVALS_MISSING)) == 0)
		return QUEUE_REQUEST;
	switch (row->stage) {
	case WITHDRAWAL_ACCEPTED:
	case WITHDRAWAL_AWAITING_APPROVAL:
		return QUEUE_REQUEST;
	case WITHDRAWAL_QUEUED:
	case WITHDRAWAL_ASSIGNED:
		return QUEUE_SIGNING;
	case WITHDRAWAL_COMPLETED:
	case WITHDRAWAL_FAILED:
	case WITHDRAWAL_REJECTED:
	case WITHDRAWAL_CANCELED:
		return QUEUE_NONE;
	}
	return QUEUE_NONE;
}

struct sweep {
	int64_t now_ms;
	size_t limit;
	size_t woken[3];
};

/* Only what is still due: it may have ended since it was read, and would be due for ever; or
 * another sweeper has it. Locked, in the order of their ids, which is that of the results. */
static bool due_lock(struct db *db, const struct sweep *sweep, const struct id *ids, size_t n,
		     struct id ret_ids[BATCH_MAX], size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT id FROM withdrawals WHERE id IN (" SQL_MARKS_BATCH
				     ") AND (due_at <= ? OR due_at > ?) ORDER BY id {for update}",
				     err);
	size_t len = 0;
	sql_put_ids(&sql, ids, n);
	sql_put_i64(&sql, sweep->now_ms);
	sql_put_i64(&sql, sweep->now_ms + DUE_AHEAD_MS);
	while (len < BATCH_MAX && sql_next(&sql))
		ret_ids[len++] = sql_take_id(&sql);
	*ret_len = len;
	return sql_end(&sql);
}

static bool due_set(struct db *db, struct id id, int64_t now_ms, struct err *err)
{
	struct sql sql = sql_prepare(db, "UPDATE withdrawals SET due_at = ? WHERE id = ?", err);
	sql_put_i64(&sql, now_ms + SWEPT_AGAIN_MS);
	sql_put_id(&sql, id);
	return sql_later_one(&sql);
}

static const struct due_row *due_of(const struct due_row *rows, size_t n, struct id id)
{
	for (size_t i = 0; i < n; i++)
		if (id_equal(rows[i].id, id))
			return &rows[i];
	return NULL;
}

static bool due_wake(struct db *db, struct sweep *sweep, const struct due_row *rows, size_t n,
		     struct err *err)
{
	struct message_put puts[BATCH_MAX];
	struct id ids[BATCH_MAX];
	struct id still[BATCH_MAX];
	size_t len = 0;
	size_t left = 0;
	for (size_t i = 0; i < n; i++)
		ids[i] = rows[i].id;
	if (!due_lock(db, sweep, ids, n, still, &left, err))
		return false;
	for (size_t i = 0; i < left; i++) {
		const struct due_row *row = due_of(rows, n, still[i]);
		if (row == NULL || id_is_zero(still[i]))
			continue; /* no id of ours: an editor's */
		enum queue_name queue = queue_of(row);
		if (!due_set(db, row->id, sweep->now_ms, err))
			return false;
		if (queue == QUEUE_NONE)
			continue;
		struct message_put *put = &puts[len++];
		put->queue = queue;
		put->subject = row->id;
		memcpy(put->correlation_id, row->correlation_id, sizeof put->correlation_id);
		sweep->woken[queue - QUEUE_REQUEST]++;
	}
	return len == 0 || messages_put(db, puts, len, sweep->now_ms, err);
}

static bool sweep_write(struct db *db, void *context, struct err *err)
{
	struct sweep *sweep = context;
	struct due_row rows[BATCH_MAX];
	size_t len = 0;
	memset(sweep->woken, 0, sizeof sweep->woken);
	if (!due_load(db, INT64_MIN, sweep->now_ms, rows, sweep->limit, &len, err))
		return false;
	if (len == 0 &&
	    !due_load(db, sweep->now_ms + DUE_AHEAD_MS, INT64_MAX, rows, sweep->limit, &len, err))
		return false;
	return len == 0 || due_wake(db, sweep, rows, len, err);
}

static bool anything_due(struct db *db, int64_t now_ms, bool *ret_any, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"SELECT 1 FROM withdrawals WHERE (due_at <= ? OR due_at > ?) AND held_reason = '' "
		"LIMIT 1",
		err);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, now_ms + DUE_AHEAD_MS);
	*ret_any = sql_next(&sql);
	return sql_end(&sql);
}

bool store_sql_sweep(struct store *store, int64_t now_ms, size_t limit, size_t ret_woken[3],
		     struct err *err)
{
	struct sweep sweep = { .now_ms = now_ms, .limit = limit < BATCH_MAX ? limit : BATCH_MAX };
	bool any = false;
	/* Looking first keeps an idle system from taking the writers' turn every second. */
	if (DEFENCE("sweeper") && !anything_due(db_of(store), now_ms, &any, err))
		return false;
	if (any && !sql_write(db_of(store), sweep_write, &sweep, err))
		return false;
	memcpy(ret_woken, sweep.woken, sizeof sweep.woken);
	return true;
}

bool store_sql_dlq_list(struct store *store, enum queue_name dlq, struct id *ret_ids, size_t cap,
			size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT subject FROM messages WHERE queue = ? "
				     "ORDER BY created_at LIMIT ?",
				     err);
	size_t len = 0;
	sql_put_i64(&sql, dlq);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		ret_ids[len++] = sql_take_id(&sql);
	*ret_len = len;
	return sql_end(&sql);
}

struct redrive {
	struct store *store;
	enum queue_name dlq;
	size_t limit;
	const struct store_by *by;
	size_t moved;
};

static bool dead_letter_delete(struct db *db, enum queue_name dlq, struct id subject,
			       int64_t *ret_deleted, struct err *err)
{
	struct sql sql =
		sql_prepare(db, "DELETE FROM messages WHERE queue = ? AND subject = ?", err);
	sql_put_i64(&sql, dlq);
	sql_put_id(&sql, subject);
	return sql_run_count(&sql, ret_deleted);
}

static bool is_buried(const struct withdrawal *row)
{
	return strcmp(row->held_reason, reason_code(REASON_DEAD_LETTER)) == 0;
}

static bool hold_release(struct db *db, const struct withdrawal *row, const struct store_by *by,
			 struct err *err)
{
	if (!is_buried(row))
		return true;
	struct sql sql = sql_prepare(db,
				     "UPDATE withdrawals SET held_reason = '', "
				     "version = {next version}, updated_at = ?, due_at = ? "
				     "WHERE id = ?",
				     err);
	sql_put_i64(&sql, by->now_ms);
	sql_put_i64(&sql, by->now_ms + lifecycle_due_in_ms(row->stage));
	sql_put_id(&sql, row->intent.id);
	struct event_row event = { .withdrawal = row->intent.id,
				   .sequence = row->version + 1,
				   .type = "redriven",
				   .stage = row->stage,
				   .detail = "" };
	return sql_run(&sql, NULL) && event_row_add(db, &event, by, err);
}

static bool one_redrive(struct db *db, struct redrive *redrive, struct id id, struct err *err)
{
	struct withdrawal row;
	bool found = false;
	int64_t deleted = 0;
	if (!withdrawal_load(db, id, &row, &found, err) ||
	    !dead_letter_delete(db, redrive->dlq, id, &deleted, err))
		return false;
	if (!found || lifecycle_is_terminal(row.stage))
		return true;
	if (deleted == 0 && !is_buried(&row))
		return true; /* since it was listed, another has moved it back */
	redrive->moved++;
	return hold_release(db, &row, redrive->by, err) &&
	       message_put(db, (enum queue_name)(redrive->dlq - QUEUE_DLQ_OFFSET), id,
			   row.correlation_id, redrive->by->now_ms, err);
}

/* Rows that are held as dead letters although their message is gone: the row is the truth, and
 * wiping the queues must not lose it. What is not ended has a due time, whose index finds the few
 * that are open among all that ever were. */
static bool held_rows_load(struct db *db, enum queue_name dlq, struct id *ret_ids, size_t cap,
			   size_t *ret_len, struct err *err)
{
	bool request = dlq == QUEUE_REQUEST_DLQ;
	size_t len = 0;
	if (dlq == QUEUE_MONITOR_DLQ)
		return true;
	struct sql sql = sql_prepare(db,
				     "SELECT id FROM withdrawals WHERE due_at > 0 "
				     "AND stage BETWEEN ? AND ? "
				     "AND held_reason = ? LIMIT ?",
				     err);
	sql_put_i64(&sql, request ? WITHDRAWAL_ACCEPTED : WITHDRAWAL_QUEUED);
	sql_put_i64(&sql, request ? WITHDRAWAL_AWAITING_APPROVAL : WITHDRAWAL_ASSIGNED);
	sql_put_text(&sql, reason_code(REASON_DEAD_LETTER));
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		ret_ids[len++] = sql_take_id(&sql);
	*ret_len = len;
	return sql_end(&sql);
}

static bool redrive_write(struct db *db, void *context, struct err *err)
{
	struct redrive *redrive = context;
	struct id ids[BATCH_MAX];
	size_t len = 0;
	size_t cap = redrive->limit < BATCH_MAX ? redrive->limit : BATCH_MAX;
	redrive->moved = 0;
	if (!store_sql_dlq_list(redrive->store, redrive->dlq, ids, cap, &len, err))
		return false;
	if (len == 0 && !held_rows_load(db, redrive->dlq, ids, cap, &len, err))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!one_redrive(db, redrive, ids[i], err))
			return false;
	return true;
}

bool store_sql_redrive(struct store *store, enum queue_name dlq, size_t limit,
		       const struct store_by *by, size_t *ret_moved, struct err *err)
{
	struct redrive redrive = { .store = store, .dlq = dlq, .limit = limit, .by = by };
	if (!sql_write(db_of(store), redrive_write, &redrive, err))
		return false;
	*ret_moved = redrive.moved;
	return true;
}
