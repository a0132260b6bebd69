/* Attempts: bytes and hash are stored before they leave (T3); that they left is stored after. */
#include "adapter/store_sql_batch.h"
#include "adapter/store_sql_control.h"
#include "core/wish.h"

#include <string.h>

struct slot_state {
	bool found;
	int64_t wallet_id;
	enum transfer_stage stage;
	uint32_t attempts;
};

static struct id added_id(const void *items, size_t at)
{
	return ((const struct store_attempt *)items)[at].attempt.transfer;
}

/* Of attempts of as many slots; locked, in the order of their ids. */
static bool slot_states_load(struct db *db, const struct store_attempt *items, const size_t *places,
			     size_t n, struct slot_state ret_states[BATCH_MAX], struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT id, wallet_id, stage, attempts FROM transfers "
				     "WHERE id IN (" SQL_MARKS_BATCH ") ORDER BY id {for update}",
				     err);
	struct id ids[BATCH_MAX];
	for (size_t i = 0; i < n; i++) {
		ids[i] = added_id(items, places[i]);
		ret_states[i] = (struct slot_state){ .found = false };
	}
	sql_put_ids(&sql, ids, n);
	while (sql_next(&sql)) {
		struct id id = sql_take_id(&sql);
		size_t at = id_find(ids, n, id);
		if (at == n)
			continue;
		ret_states[at].found = true;
		ret_states[at].wallet_id = sql_take_i64(&sql);
		ret_states[at].stage = (enum transfer_stage)sql_take_i64(&sql);
		ret_states[at].attempts = sql_take_u32(&sql);
	}
	return sql_end(&sql);
}

static const char attempt_insert[] =
	"INSERT INTO attempts (transfer_id, number, is_cancel, reason, tip, cap, "
	"gas_limit, tx_hash, raw, signed_at, sent_at) "
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

static void attempt_put(struct sql *sql, const struct attempt *attempt)
{
	sql_put_id(sql, attempt->transfer);
	sql_put_i64(sql, attempt->number);
	sql_put_i64(sql, attempt->is_cancel);
	sql_put_i64(sql, attempt->reason);
	sql_put_u256(sql, attempt->fees.tip.value);
	sql_put_u256(sql, attempt->fees.cap.value);
	sql_put_u64(sql, attempt->gas_limit);
	sql_put_hash(sql, attempt->tx_hash);
	sql_put_bytes(sql, attempt->raw, attempt->raw_len);
	sql_put_i64(sql, attempt->signed_at);
	sql_put_i64(sql, attempt->sent_at);
}

bool attempt_row_add(struct db *db, const struct attempt *attempt, bool *ret_conflict,
		     struct err *err)
{
	struct sql sql = sql_prepare(db, attempt_insert, err);
	attempt_put(&sql, attempt);
	return sql_run(&sql, ret_conflict);
}

static bool transfer_signed(struct db *db, const struct attempt *attempt, int64_t now_ms,
			    struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET stage_at = CASE WHEN stage = ? THEN ? ELSE stage_at END, "
		"stage = CASE WHEN stage = ? THEN ? ELSE stage END, attempts = ?, wish = 0, "
		"version = {next version} WHERE id = ?",
		err);
	sql_put_i64(&sql, TRANSFER_RESERVED);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, TRANSFER_RESERVED);
	sql_put_i64(&sql, TRANSFER_SIGNED);
	sql_put_i64(&sql, attempt->number);
	sql_put_id(&sql, attempt->transfer);
	return sql_later_one(&sql);
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

struct add_batch {
	struct store_attempt *items;
	size_t n;
	const struct store_by *by;
	struct controls_now controls;
};

/* *ret_conflict: one of them stands in somebody's way, and none was stored. */
static bool attempts_insert(struct db *db, const struct store_attempt *items, const size_t *places,
			    size_t n, bool *ret_conflict, struct err *err)
{
	struct sql sql = sql_prepare(db, attempt_insert, err);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_put_next_row(&sql);
		attempt_put(&sql, &items[places[i]].attempt);
	}
	return sql_run(&sql, ret_conflict);
}

/* All together; where one conflicts, it is found one by one, and keeps no other out. */
static bool attempts_add(struct db *db, const struct add_batch *batch, const size_t *places,
			 size_t n, struct err *err)
{
	bool conflict = false;
	if (n > 0 && !attempts_insert(db, batch->items, places, n, &conflict, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct store_attempt *item = &batch->items[places[i]];
		bool taken = conflict;
		if (conflict && n > 1 && !attempt_row_add(db, &item->attempt, &taken, err))
			return false;
		item->result = STORE_WRITTEN;
		if (!(taken ? rest_judge(db, item, err)
			    : transfer_signed(db, &item->attempt, batch->by->now_ms, err)))
			return false;
	}
	return true;
}

/* What is signed for the first time by switches that others have changed since is not stored, and
 * so never sent. */
static bool is_paused(const struct add_batch *batch, const struct store_attempt *item)
{
	return item->attempt.number == 1 && !item->recovers &&
	       !controls_are(&batch->controls, item->controls);
}

/* Each of another slot. What its slot does not take is judged by what stands there. */
static bool part_add(struct db *db, const struct add_batch *batch, const size_t *places, size_t n,
		     struct err *err)
{
	struct slot_state states[BATCH_MAX];
	size_t good[BATCH_MAX];
	size_t len = 0;
	if (!slot_states_load(db, batch->items, places, n, states, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct store_attempt *item = &batch->items[places[i]];
		const struct slot_state *state = &states[i];
		if (item->result != STORE_WRITTEN)
			continue;
		bool fits = state->found && state->wallet_id == item->wallet_id &&
			    state->stage <= TRANSFER_BROADCAST &&
			    state->attempts + 1 == item->attempt.number;
		if (fits && is_paused(batch, item))
			item->result = STORE_PAUSED;
		else if (fits)
			good[len++] = places[i];
		else if (!rest_judge(db, item, err))
			return false;
	}
	return attempts_add(db, batch, good, len, err);
}

static bool batch_add(struct db *db, void *context, struct err *err)
{
	struct add_batch *batch = context;
	struct store_fence fences[BATCH_MAX];
	size_t places[BATCH_MAX];
	size_t part[BATCH_MAX];
	size_t len = batch->n;
	items_order(added_id, batch->items, batch->n, places);
	for (size_t i = 0; i < batch->n; i++) {
		struct store_attempt *item = &batch->items[i];
		fences[i] = (struct store_fence){ item->wallet_id, item->epoch, &item->result };
	}
	if (!controls_version_lock(db, &batch->controls, err) ||
	    !fences_ask(db, fences, batch->n, err))
		return false;
	for (size_t pass = 0; len > 0; pass++) {
		len = items_pass(added_id, batch->items, places, batch->n, pass, part);
		if (len > 0 && !part_add(db, batch, part, len, err))
			return false;
	}
	return true;
}

bool store_sql_attempts_add(struct store *store, struct store_attempt *items, size_t n,
			    const struct store_by *by, struct err *err)
{
	struct add_batch batch = { .items = items, .n = n, .by = by };
	return sql_write(db_of(store), batch_add, &batch, err);
}

/* What an attempt belongs to, as it stands when it was sent. */
struct sent_state {
	bool found;
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

struct sent_batch {
	struct store_sent *items;
	size_t n;
	const struct store_by *by;
	struct store_news *news;
	struct sent_state *states; /* of the items, by their places in the batch */
	bool told;                 /* the monitor is woken already */
};

static struct id sent_id(const void *items, size_t at)
{
	return ((const struct store_sent *)items)[at].transfer;
}

static void sent_state_take(struct sql *sql, struct sent_state *ret_state)
{
	ret_state->found = true;
	ret_state->stage = (enum transfer_stage)sql_take_i64(sql);
	ret_state->tx_hash = sql_take_hash(sql);
	ret_state->is_cancel = sql_take_i64(sql) != 0;
	ret_state->reason = (enum wish_reason)sql_take_i64(sql);
	ret_state->was_sent = sql_take_i64(sql) != 0;
	ret_state->withdrawal = sql_take_id(sql);
	ret_state->withdrawal_stage = (enum withdrawal_stage)sql_take_i64(sql);
	ret_state->bound_to = sql_take_id(sql);
	ret_state->version = sql_take_u64(sql);
	sql_take_text(sql, ret_state->correlation_id, sizeof ret_state->correlation_id);
}

/* Of attempts of as many slots, whose other attempts come along; locked. */
static bool sent_states_load(struct db *db, const struct sent_batch *batch, const size_t *places,
			     size_t n, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"SELECT a.transfer_id, a.number, t.stage, a.tx_hash, a.is_cancel, a.reason, a.sent_at, "
		"w.id, w.stage, w.transfer_id, w.version, w.correlation_id "
		"FROM attempts a JOIN transfers t ON t.id = a.transfer_id "
		"LEFT JOIN transfer_items i ON i.transfer_id = t.id AND i.position = 0 "
		"LEFT JOIN withdrawals w ON w.id = i.withdrawal_id "
		"WHERE a.transfer_id IN (" SQL_MARKS_BATCH ") ORDER BY a.transfer_id {for update}",
		err);
	struct id ids[BATCH_MAX];
	for (size_t i = 0; i < n; i++) {
		ids[i] = sent_id(batch->items, places[i]);
		batch->states[places[i]] = (struct sent_state){ .found = false };
	}
	sql_put_ids(&sql, ids, n);
	while (sql_next(&sql)) {
		struct id id = sql_take_id(&sql);
		uint32_t number = sql_take_u32(&sql);
		size_t at = id_find(ids, n, id);
		if (at < n && batch->items[places[at]].number == number)
			sent_state_take(&sql, &batch->states[places[at]]);
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
	return sql_later_one(&sql);
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
	return sql_later_one(&sql);
}

static bool slot_broadcast(struct db *db, const struct store_sent *item, const struct store_by *by,
			   struct err *err)
{
	CHECK(lifecycle_transfer_allows(TRANSFER_SIGNED, TRANSFER_BROADCAST, by->actor));
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET sent_at = ?, wish = CASE WHEN wish = ? THEN 0 ELSE wish END, "
		"stage = ?, stage_at = ?, version = {next version} WHERE id = ?",
		err);
	sql_put_i64(&sql, by->now_ms);
	sql_put_i64(&sql, WISH_REBROADCAST);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	sql_put_i64(&sql, by->now_ms);
	sql_put_id(&sql, item->transfer);
	return sql_later_one(&sql);
}

/* Another slot of the batch may be of the same withdrawal: its event comes after this one. */
static void version_raise(const struct sent_batch *batch, struct id withdrawal)
{
	for (size_t i = 0; i < batch->n; i++)
		if (id_equal(batch->states[i].withdrawal, withdrawal))
			batch->states[i].version++;
}

/* The withdrawal's own event: readers learn the hash. */
static bool sent_event(struct sent_batch *batch, size_t at, const char *type, struct err *err)
{
	const struct store_sent *item = &batch->items[at];
	const struct sent_state *state = &batch->states[at];
	char detail[160];
	struct buf out = buf_of(detail, sizeof detail);
	struct sql sql = sql_prepare(
		batch->news->db,
		"UPDATE withdrawals SET version = {next version}, updated_at = ? WHERE id = ?",
		err);
	sql_put_i64(&sql, batch->by->now_ms);
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
	version_raise(batch, state->withdrawal);
	return sql_later_one(&sql) && store_news_event(batch->news, &event, err);
}

/* Is the attempt's slot the one that its withdrawal says it is bound to? */
static bool is_bound(const struct store_sent *item, const struct sent_state *state)
{
	return !id_is_zero(state->withdrawal) && id_equal(state->bound_to, item->transfer) &&
	       state->withdrawal_stage == WITHDRAWAL_ASSIGNED;
}

static bool broadcast_event(struct sent_batch *batch, size_t at, struct err *err)
{
	const struct sent_state *state = &batch->states[at];
	if (!is_bound(&batch->items[at], state))
		return true;
	/* The monitor reads all its transfers when it is woken: one wake-up serves the batch. */
	enum queue_name queue = batch->told ? QUEUE_NONE : QUEUE_MONITOR;
	batch->told = true;
	return sent_event(batch, at, "broadcast", err) &&
	       store_news_wake(batch->news, queue, state->withdrawal, state->correlation_id, err);
}

/* A replacement goes out for the first time: the withdrawal may end by another hash from now on. */
static bool replaced_event(struct sent_batch *batch, size_t at, struct err *err)
{
	const struct store_sent *item = &batch->items[at];
	const struct sent_state *state = &batch->states[at];
	bool is_news = item->may_be_out && item->number > 1 && !state->was_sent;
	if (!is_news || !is_bound(item, state))
		return true;
	return sent_event(batch, at, state->is_cancel ? "cancellation_sent" : "bumped", err);
}

static bool item_sent(struct sent_batch *batch, size_t at, struct err *err)
{
	struct db *db = batch->news->db;
	struct store_sent *item = &batch->items[at];
	const struct sent_state *state = &batch->states[at];
	item->result = state->found ? STORE_WRITTEN : STORE_MOVED;
	if (!state->found)
		return true;
	if (!attempt_sent(db, item, batch->by->now_ms, err))
		return false;
	if (!item->may_be_out || state->stage != TRANSFER_SIGNED)
		return slot_resent(db, item, batch->by->now_ms, err) &&
		       replaced_event(batch, at, err);
	return slot_broadcast(db, item, batch->by, err) && broadcast_event(batch, at, err);
}

/* Each of another slot. */
static bool part_sent(struct sent_batch *batch, const size_t *places, size_t n, struct err *err)
{
	if (!sent_states_load(batch->news->db, batch, places, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (batch->items[places[i]].result == STORE_WRITTEN &&
		    !item_sent(batch, places[i], err))
			return false;
	return true;
}

static bool batch_sent(struct db *db, void *context, struct err *err)
{
	struct sent_batch *batch = context;
	struct store_news news = store_news_of(db, batch->by);
	struct sent_state states[BATCH_MAX] = { 0 };
	struct store_fence fences[BATCH_MAX];
	size_t places[BATCH_MAX];
	size_t part[BATCH_MAX];
	size_t len = batch->n;
	batch->news = &news;
	batch->states = states;
	batch->told = false;
	items_order(sent_id, batch->items, batch->n, places);
	for (size_t i = 0; i < batch->n; i++) {
		struct store_sent *item = &batch->items[i];
		fences[i] = (struct store_fence){ item->wallet_id, item->epoch, &item->result };
	}
	if (!fences_ask(db, fences, batch->n, err) ||
	    !slots_withdrawals_lock(db, sent_id, batch->items, batch->n, err))
		return false;
	for (size_t pass = 0; len > 0; pass++) {
		len = items_pass(sent_id, batch->items, places, batch->n, pass, part);
		if (len > 0 && !part_sent(batch, part, len, err))
			return false;
	}
	return store_news_write(&news, err);
}

bool store_sql_attempts_sent(struct store *store, struct store_sent *items, size_t n,
			     const struct store_by *by, struct err *err)
{
	struct sent_batch batch = { .items = items, .n = n, .by = by };
	return sql_write(db_of(store), batch_sent, &batch, err);
}

#define ATTEMPTS_SELECT                                                                      \
	"SELECT transfer_id, number, is_cancel, reason, tip, cap, gas_limit, tx_hash, raw, " \
	"signed_at, sent_at FROM attempts WHERE transfer_id "

static void attempt_take(struct sql *sql, struct attempt *ret_row)
{
	ret_row->transfer = sql_take_id(sql);
	ret_row->number = sql_take_u32(sql);
	ret_row->is_cancel = sql_take_i64(sql) != 0;
	ret_row->reason = (enum wish_reason)sql_take_i64(sql);
	ret_row->fees.tip.value = sql_take_u256(sql);
	ret_row->fees.cap.value = sql_take_u256(sql);
	ret_row->gas_limit = sql_take_u64(sql);
	ret_row->tx_hash = sql_take_hash(sql);
	ret_row->raw_len = sql_take_blob(sql, ret_row->raw, sizeof ret_row->raw);
	ret_row->signed_at = sql_take_i64(sql);
	ret_row->sent_at = sql_take_i64(sql);
}

bool store_sql_attempts(struct store *store, const struct id *transfers, size_t n,
			struct attempt *ret_rows, size_t cap, size_t *ret_len, struct err *err)
{
	size_t len = 0;
	struct sql sql = sql_prepare(db_of(store),
				     n == 1 ? ATTEMPTS_SELECT "= ? ORDER BY number"
					    : ATTEMPTS_SELECT "IN (" SQL_MARKS_BATCH
							      ") ORDER BY transfer_id, number",
				     err);
	if (n == 1)
		sql_put_id(&sql, transfers[0]);
	else
		sql_put_ids(&sql, transfers, n);
	while (len < cap && sql_next(&sql))
		attempt_take(&sql, &ret_rows[len++]);
	*ret_len = len;
	return sql_end(&sql);
}
