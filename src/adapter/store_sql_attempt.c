/* Attempts: bytes and hash are stored before they leave (T3); that they left is stored after. */
#include "adapter/store_sql_parts.h"
#include "core/wish.h"

#include <string.h>

/* The lease under which an item is written, and what its wallet says to that. */
struct fence {
	int64_t wallet_id;
	uint64_t epoch;
	enum store_write *result; /* the item's own */
};

static bool is_before(const struct fence *a, const struct fence *b)
{
	return a->wallet_id < b->wallet_id || (a->wallet_id == b->wallet_id && a->epoch < b->epoch);
}

static bool is_same(const struct fence *a, const struct fence *b)
{
	return a->wallet_id == b->wallet_id && a->epoch == b->epoch;
}

static void fence_add(struct fence *fences, size_t len, struct fence fence)
{
	size_t at = len;
	for (; at > 0 && is_before(&fence, &fences[at - 1]); at--)
		fences[at] = fences[at - 1];
	fences[at] = fence;
}

/* Each wallet is asked once, in the order of their ids, and before anything else is locked. */
static bool fences_ask(struct db *db, const struct fence *fences, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct fence *fence = &fences[i];
		if (i > 0 && is_same(fence, &fences[i - 1]))
			*fence->result = *fences[i - 1].result;
		else if (!wallet_fence(db, fence->wallet_id, fence->epoch, false, fence->result,
				       err))
			return false;
	}
	return true;
}

struct slot_state {
	int64_t wallet_id;
	enum transfer_stage stage;
	uint32_t attempts;
};

static bool slot_state_load(struct db *db, struct id transfer, struct slot_state *ret_state,
			    bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT wallet_id, stage, attempts FROM transfers WHERE id = ? {for update}",
		err);
	sql_put_id(&sql, transfer);
	*ret_found = sql_next(&sql);
	if (*ret_found) {
		ret_state->wallet_id = sql_take_i64(&sql);
		ret_state->stage = (enum transfer_stage)sql_take_i64(&sql);
		ret_state->attempts = sql_take_u32(&sql);
	}
	return sql_end(&sql);
}

bool attempt_row_add(struct db *db, const struct attempt *attempt, bool *ret_conflict,
		     struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"INSERT INTO attempts (transfer_id, number, is_cancel, reason, tip, cap, "
		"gas_limit, tx_hash, raw, signed_at, sent_at) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		err);
	sql_put_id(&sql, attempt->transfer);
	sql_put_i64(&sql, attempt->number);
	sql_put_i64(&sql, attempt->is_cancel);
	sql_put_i64(&sql, attempt->reason);
	sql_put_u256(&sql, attempt->fees.tip.value);
	sql_put_u256(&sql, attempt->fees.cap.value);
	sql_put_u64(&sql, attempt->gas_limit);
	sql_put_hash(&sql, attempt->tx_hash);
	sql_put_bytes(&sql, attempt->raw, attempt->raw_len);
	sql_put_i64(&sql, attempt->signed_at);
	sql_put_i64(&sql, attempt->sent_at);
	return sql_run(&sql, ret_conflict);
}

static bool transfer_signed(struct db *db, const struct attempt *attempt, int64_t now_ms,
			    struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET stage_at = CASE WHEN stage = ? THEN ? ELSE stage_at END, "
		"stage = CASE WHEN stage = ? THEN ? ELSE stage END, attempts = ?, wish = 0, "
		"version = version + 1 WHERE id = ?",
		err);
	sql_put_i64(&sql, TRANSFER_RESERVED);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, TRANSFER_RESERVED);
	sql_put_i64(&sql, TRANSFER_SIGNED);
	sql_put_i64(&sql, attempt->number);
	sql_put_id(&sql, attempt->transfer);
	return sql_run(&sql, NULL);
}

/* A hash that stands there already for this very slot is done: the commit was, and its answer lost.
 */
static bool hash_exists(struct db *db, const struct attempt *attempt, bool *ret_exists,
			struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT 1 FROM attempts WHERE tx_hash = ? AND transfer_id = ?", err);
	sql_put_hash(&sql, attempt->tx_hash);
	sql_put_id(&sql, attempt->transfer);
	*ret_exists = sql_next(&sql);
	return sql_end(&sql);
}

/* What stands in the way of an attempt: itself, or something else. */
static bool rest_judge(struct db *db, struct store_attempt *item, struct err *err)
{
	bool exists = false;
	if (!hash_exists(db, &item->attempt, &exists, err))
		return false;
	item->result = exists ? STORE_EXISTS : STORE_MOVED;
	return true;
}

static bool attempt_add(struct db *db, struct store_attempt *item, const struct store_by *by,
			struct err *err)
{
	const struct attempt *attempt = &item->attempt;
	struct slot_state state = { 0 };
	bool found = false;
	bool conflict = false;
	if (!slot_state_load(db, attempt->transfer, &state, &found, err))
		return false;
	if (!found || state.wallet_id != item->wallet_id || state.stage > TRANSFER_BROADCAST ||
	    state.attempts + 1 != attempt->number)
		return rest_judge(db, item, err);
	if (!attempt_row_add(db, attempt, &conflict, err))
		return false;
	if (conflict)
		return rest_judge(db, item, err);
	item->result = STORE_WRITTEN;
	return transfer_signed(db, attempt, by->now_ms, err);
}

struct add_batch {
	struct store_attempt *items;
	size_t n;
	const struct store_by *by;
};

static struct id added_id(const void *items, size_t at)
{
	return ((const struct store_attempt *)items)[at].attempt.transfer;
}

static bool batch_add(struct db *db, void *context, struct err *err)
{
	const struct add_batch *batch = context;
	struct fence fences[BATCH_MAX];
	size_t places[BATCH_MAX];
	items_order(added_id, batch->items, batch->n, places);
	for (size_t i = 0; i < batch->n; i++) {
		struct store_attempt *item = &batch->items[i];
		struct fence fence = { item->wallet_id, item->epoch, &item->result };
		fence_add(fences, i, fence);
	}
	if (!fences_ask(db, fences, batch->n, err))
		return false;
	for (size_t i = 0; i < batch->n; i++) {
		struct store_attempt *item = &batch->items[places[i]];
		if (item->result == STORE_WRITTEN && !attempt_add(db, item, batch->by, err))
			return false;
	}
	return true;
}

bool store_sql_attempts_add(struct store *store, struct store_attempt *items, size_t n,
			    const struct store_by *by, struct err *err)
{
	struct add_batch batch = { items, n, by };
	return sql_write(db_of(store), batch_add, &batch, err);
}

/* What an attempt belongs to, as it stands when it was sent. */
struct sent_state {
	enum transfer_stage stage;
	struct hash32 tx_hash;
	bool is_cancel;
	enum wish_reason reason; /* of the attempt */
	bool was_sent;           /* before */
	struct id withdrawal;    /* zero: none, or its row is not there */
	enum withdrawal_stage withdrawal_stage;
	struct id bound_to; /* the withdrawal's own word of its transfer */
	uint64_t version;
	char correlation_id[CORRELATION_ID_LEN_MAX + 1];
};

static bool sent_state_load(struct db *db, const struct store_sent *item,
			    struct sent_state *ret_state, bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"SELECT t.stage, a.tx_hash, a.is_cancel, a.reason, a.sent_at, w.id, w.stage, w.transfer_id, w.version, "
		"w.correlation_id FROM attempts a JOIN transfers t ON t.id = a.transfer_id "
		"LEFT JOIN transfer_items i ON i.transfer_id = t.id AND i.position = 0 "
		"LEFT JOIN withdrawals w ON w.id = i.withdrawal_id "
		"WHERE a.transfer_id = ? AND a.number = ? {for update}",
		err);
	sql_put_id(&sql, item->transfer);
	sql_put_i64(&sql, item->number);
	*ret_found = sql_next(&sql);
	if (*ret_found) {
		ret_state->stage = (enum transfer_stage)sql_take_i64(&sql);
		ret_state->tx_hash = sql_take_hash(&sql);
		ret_state->is_cancel = sql_take_i64(&sql) != 0;
		ret_state->reason = (enum wish_reason)sql_take_i64(&sql);
		ret_state->was_sent = sql_take_i64(&sql) != 0;
		ret_state->withdrawal = sql_take_id(&sql);
		ret_state->withdrawal_stage = (enum withdrawal_stage)sql_take_i64(&sql);
		ret_state->bound_to = sql_take_id(&sql);
		ret_state->version = sql_take_u64(&sql);
		sql_take_text(&sql, ret_state->correlation_id, sizeof ret_state->correlation_id);
	}
	return sql_end(&sql);
}

static bool attempt_sent(struct db *db, const struct store_sent *item, int64_t now_ms,
			 struct err *err)
{
	struct sql sql = sql_prepare(
		db, "UPDATE attempts SET sent_at = ? WHERE transfer_id = ? AND number = ?", err);
	sql_put_i64(&sql, now_ms);
	sql_put_id(&sql, item->transfer);
	sql_put_i64(&sql, item->number);
	return sql_run(&sql, NULL);
}

/* The same bytes again, or bytes that surely are not out: only the times are news. */
static bool slot_resent(struct db *db, const struct store_sent *item, int64_t now_ms,
			struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET sent_at = ?, wish = CASE WHEN wish = ? THEN 0 ELSE wish END "
		"WHERE id = ?",
		err);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, WISH_REBROADCAST);
	sql_put_id(&sql, item->transfer);
	return sql_run(&sql, NULL);
}

static bool slot_broadcast(struct db *db, const struct store_sent *item, const struct store_by *by,
			   struct err *err)
{
	CHECK(lifecycle_transfer_allows(TRANSFER_SIGNED, TRANSFER_BROADCAST, by->actor));
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET sent_at = ?, wish = CASE WHEN wish = ? THEN 0 ELSE wish END, "
		"stage = ?, stage_at = ?, version = version + 1 WHERE id = ? AND stage = ?",
		err);
	sql_put_i64(&sql, by->now_ms);
	sql_put_i64(&sql, WISH_REBROADCAST);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	sql_put_i64(&sql, by->now_ms);
	sql_put_id(&sql, item->transfer);
	sql_put_i64(&sql, TRANSFER_SIGNED);
	return sql_run(&sql, NULL);
}

/* The withdrawal's own event: readers learn the hash. */
static bool sent_event(struct db *db, const struct store_sent *item, const struct sent_state *state,
		       const char *type, const struct store_by *by, struct err *err)
{
	char detail[160];
	struct buf out = buf_of(detail, sizeof detail);
	struct sql sql = sql_prepare(
		db, "UPDATE withdrawals SET version = version + 1, updated_at = ? WHERE id = ?",
		err);
	sql_put_i64(&sql, by->now_ms);
	sql_put_id(&sql, state->withdrawal);
	buf_format(&out, "{\"tx_hash\":\"%s\"", hash32_text(state->tx_hash).at);
	if (item->number > 1)
		buf_format(&out, ",\"attempt\":%u,\"reason\":\"%s\"", item->number,
			   wish_reason_text(state->reason));
	buf_byte(&out, '}');
	struct event_row event = { .withdrawal = state->withdrawal,
				   .sequence = state->version + 1,
				   .type = type,
				   .stage = WITHDRAWAL_ASSIGNED,
				   .detail = buf_terminated(&out) };
	return sql_run(&sql, NULL) && event_row_add(db, &event, by, err);
}

/* Is the attempt's slot the one that its withdrawal says it is bound to? */
static bool is_bound(const struct store_sent *item, const struct sent_state *state)
{
	return !id_is_zero(state->withdrawal) && id_equal(state->bound_to, item->transfer) &&
	       state->withdrawal_stage == WITHDRAWAL_ASSIGNED;
}

static bool broadcast_event(struct db *db, const struct store_sent *item,
			    const struct sent_state *state, bool *wake, const struct store_by *by,
			    struct err *err)
{
	if (!is_bound(item, state))
		return true;
	/* The monitor reads all its transfers when it is woken: one wake-up serves the batch. */
	enum queue_name queue = *wake ? QUEUE_MONITOR : QUEUE_NONE;
	*wake = false;
	return sent_event(db, item, state, "broadcast", by, err) &&
	       message_put(db, queue, state->withdrawal, state->correlation_id, by->now_ms, err);
}

/* A replacement goes out for the first time: the withdrawal may end by another hash from now on. */
static bool replaced_event(struct db *db, const struct store_sent *item,
			   const struct sent_state *state, const struct store_by *by,
			   struct err *err)
{
	bool is_news = item->may_be_out && item->number > 1 && !state->was_sent;
	if (!is_news || !is_bound(item, state))
		return true;
	return sent_event(db, item, state, state->is_cancel ? "cancellation_sent" : "bumped", by,
			  err);
}

static bool item_sent(struct db *db, struct store_sent *item, bool *wake, const struct store_by *by,
		      struct err *err)
{
	struct sent_state state = { 0 };
	bool found = false;
	if (!sent_state_load(db, item, &state, &found, err))
		return false;
	item->result = found ? STORE_WRITTEN : STORE_MOVED;
	if (!found)
		return true;
	if (!attempt_sent(db, item, by->now_ms, err))
		return false;
	if (!item->may_be_out || state.stage != TRANSFER_SIGNED)
		return slot_resent(db, item, by->now_ms, err) &&
		       replaced_event(db, item, &state, by, err);
	return slot_broadcast(db, item, by, err) &&
	       broadcast_event(db, item, &state, wake, by, err);
}

struct sent_batch {
	struct store_sent *items;
	size_t n;
	const struct store_by *by;
};

static struct id sent_id(const void *items, size_t at)
{
	return ((const struct store_sent *)items)[at].transfer;
}

static bool batch_sent(struct db *db, void *context, struct err *err)
{
	const struct sent_batch *batch = context;
	struct fence fences[BATCH_MAX];
	size_t places[BATCH_MAX];
	bool wake = true;
	items_order(sent_id, batch->items, batch->n, places);
	for (size_t i = 0; i < batch->n; i++) {
		struct store_sent *item = &batch->items[i];
		struct fence fence = { item->wallet_id, item->epoch, &item->result };
		fence_add(fences, i, fence);
	}
	if (!fences_ask(db, fences, batch->n, err) ||
	    !slots_withdrawals_lock(db, sent_id, batch->items, batch->n, err))
		return false;
	for (size_t i = 0; i < batch->n; i++) {
		struct store_sent *item = &batch->items[places[i]];
		if (item->result == STORE_WRITTEN && !item_sent(db, item, &wake, batch->by, err))
			return false;
	}
	return true;
}

bool store_sql_attempts_sent(struct store *store, struct store_sent *items, size_t n,
			     const struct store_by *by, struct err *err)
{
	struct sent_batch batch = { items, n, by };
	return sql_write(db_of(store), batch_sent, &batch, err);
}

bool store_sql_attempts(struct store *store, struct id transfer, struct attempt *ret_rows,
			size_t cap, size_t *ret_len, struct err *err)
{
	size_t len = 0;
	struct sql sql =
		sql_prepare(db_of(store),
			    "SELECT number, is_cancel, reason, tip, cap, gas_limit, tx_hash, raw, "
			    "signed_at, sent_at FROM attempts WHERE transfer_id = ? "
			    "ORDER BY number",
			    err);
	sql_put_id(&sql, transfer);
	while (len < cap && sql_next(&sql)) {
		struct attempt *attempt = &ret_rows[len++];
		attempt->transfer = transfer;
		attempt->number = sql_take_u32(&sql);
		attempt->is_cancel = sql_take_i64(&sql) != 0;
		attempt->reason = (enum wish_reason)sql_take_i64(&sql);
		attempt->fees.tip.value = sql_take_u256(&sql);
		attempt->fees.cap.value = sql_take_u256(&sql);
		attempt->gas_limit = sql_take_u64(&sql);
		attempt->tx_hash = sql_take_hash(&sql);
		attempt->raw_len = sql_take_blob(&sql, attempt->raw, sizeof attempt->raw);
		attempt->signed_at = sql_take_i64(&sql);
		attempt->sent_at = sql_take_i64(&sql);
	}
	*ret_len = len;
	return sql_end(&sql);
}
