/* Reservations: nonce taken, slot written, withdrawal bound, all in one transaction (T1, T2). The
 * batch locks its wallets and its withdrawals, looks at all that an item is judged by, and then
 * writes what may be written: on a cluster a dozen round trips, however many items there are. */
#include "adapter/store_sql_batch.h"
#include "adapter/store_sql_control.h"

#include "base/defence.h"
#include "core/transfer.h"

#include <string.h>

/* A withdrawal that is to be bound, locked. */
struct bound_row {
	struct id id;
	bool found;
	enum withdrawal_stage stage;
	uint64_t version;
	uint32_t round;
	bool is_free; /* neither held nor to be canceled */
};

struct reserve {
	struct store_reservation *items;
	size_t n;
	const struct store_by *by;
	struct store_news *news;
	struct wallet_locked wallets[BATCH_MAX];
	bool has_next[BATCH_MAX]; /* of each: somebody made a row at a nonce that it has to give */
	bool gave[BATCH_MAX];     /* a nonce, in this batch */
	size_t wallets_len;
	struct controls_now controls;
	bool store_paused; /* an old store pays from no wallet at all (reason_pauses_store) */
	struct bound_row rows[BATCH_MAX];
	size_t rows_len;
	bool round_exists[BATCH_MAX]; /* of each item: its round has a slot already */
};

/* --- what is there ------------------------------------------------------------------------------
 */

static struct wallet_locked *wallet_of(struct reserve *batch, int64_t id)
{
	for (size_t i = 0; i < batch->wallets_len; i++)
		if (batch->wallets[i].id == id)
			return &batch->wallets[i];
	return NULL;
}

static struct bound_row *row_of(struct reserve *batch, struct id id)
{
	for (size_t i = 0; i < batch->rows_len; i++)
		if (id_equal(batch->rows[i].id, id))
			return &batch->rows[i];
	return NULL;
}

static void ids_collect(struct reserve *batch)
{
	batch->wallets_len = batch->rows_len = 0;
	for (size_t i = 0; i < batch->n; i++) {
		const struct store_reservation *item = &batch->items[i];
		if (wallet_of(batch, item->transfer.wallet_id) == NULL)
			batch->wallets[batch->wallets_len++].id = item->transfer.wallet_id;
		if (id_is_zero(item->withdrawal) || row_of(batch, item->withdrawal) != NULL)
			continue;
		batch->rows[batch->rows_len++] =
			(struct bound_row){ .id = item->withdrawal, .found = false };
	}
}

/* What the wallets' own rows do not say, looked at when they are locked. */
static bool wallets_look(struct db *db, struct reserve *batch, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"SELECT w.id, EXISTS (SELECT 1 FROM transfers t WHERE t.wallet_id = w.id "
		"AND t.nonce >= w.next_nonce), (SELECT COUNT(*) FROM wallets WHERE stop_reason "
		"IN ('recovering', 'recovered')) FROM wallets w WHERE w.id IN (" SQL_MARKS_BATCH
		")",
		err);
	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_i64(&sql, batch->wallets[i < batch->wallets_len ? i : 0].id);
	memset(batch->has_next, 0, sizeof batch->has_next);
	batch->store_paused = false;
	while (sql_next(&sql)) {
		const struct wallet_locked *wallet = wallet_of(batch, sql_take_i64(&sql));
		bool has_next = sql_take_i64(&sql) != 0;
		batch->store_paused |= sql_take_i64(&sql) > 0;
		if (wallet != NULL)
			batch->has_next[wallet - batch->wallets] = has_next;
	}
	return sql_end(&sql);
}

static void rows_put(struct sql *sql, const struct reserve *batch)
{
	struct id ids[BATCH_MAX];
	for (size_t i = 0; i < batch->rows_len; i++)
		ids[i] = batch->rows[i].id;
	sql_put_ids(sql, ids, batch->rows_len);
}

/* In the order of their ids. */
static bool rows_lock(struct db *db, struct reserve *batch, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"SELECT id, stage, version, round, held_reason = '' AND cancel_requested = 0 "
		"FROM withdrawals WHERE id IN (" SQL_MARKS_BATCH ") ORDER BY id {for update}",
		err);
	rows_put(&sql, batch);
	while (sql_next(&sql)) {
		struct bound_row *row = row_of(batch, sql_take_id(&sql));
		if (row == NULL)
			continue;
		row->found = true;
		row->stage = (enum withdrawal_stage)sql_take_i64(&sql);
		row->version = sql_take_u64(&sql);
		row->round = sql_take_u32(&sql);
		row->is_free = sql_take_i64(&sql) != 0;
	}
	return sql_end(&sql);
}

static void round_note(struct reserve *batch, struct id withdrawal, uint32_t round)
{
	for (size_t i = 0; i < batch->n; i++)
		if (id_equal(batch->items[i].withdrawal, withdrawal) &&
		    batch->items[i].transfer.round == round)
			batch->round_exists[i] = true;
}

/* T1: a round of a withdrawal has one slot; only an edited row has it already. Whoever binds has
 * the withdrawal locked. */
static bool rounds_look(struct db *db, struct reserve *batch, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT withdrawal_id, round FROM transfer_items "
				     "WHERE withdrawal_id IN (" SQL_MARKS_BATCH ")",
				     err);
	rows_put(&sql, batch);
	while (sql_next(&sql)) {
		struct id id = sql_take_id(&sql);
		round_note(batch, id, sql_take_u32(&sql));
	}
	return sql_end(&sql);
}

static bool batch_look(struct db *db, struct reserve *batch, struct err *err)
{
	ids_collect(batch);
	memset(batch->round_exists, 0, sizeof batch->round_exists);
	memset(batch->gave, 0, sizeof batch->gave);
	if (!controls_version_lock(db, &batch->controls, err) ||
	    !wallets_lock(db, batch->wallets, batch->wallets_len, err) ||
	    !wallets_look(db, batch, err))
		return false;
	return batch->rows_len == 0 || (rows_lock(db, batch, err) && rounds_look(db, batch, err));
}

/* --- what is written ----------------------------------------------------------------------------
 */

static bool withdrawal_assign(struct db *db, const struct store_reservation *item, int64_t now_ms,
			      struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "UPDATE withdrawals SET stage = ?, version = {next version}, "
				     "transfer_id = ?, wait_reason = '', funds_since = 0, "
				     "due_at = ?, updated_at = ? WHERE id = ?",
				     err);
	sql_put_i64(&sql, WITHDRAWAL_ASSIGNED);
	sql_put_id(&sql, item->transfer.id);
	sql_put_i64(&sql, now_ms + lifecycle_due_in_ms(WITHDRAWAL_ASSIGNED));
	sql_put_i64(&sql, now_ms);
	sql_put_id(&sql, item->withdrawal);
	return sql_later_one(&sql);
}

static bool transfer_insert(struct db *db, const struct transfer *row, int64_t now_ms,
			    struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"INSERT INTO transfers (id, wallet_id, chain_id, wallet, nonce, stage, is_cancel, "
		"destination, value, is_token, receiver, amount, gas_limit, payload_hash, stage_at) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		err);
	sql_put_id(&sql, row->id);
	sql_put_i64(&sql, row->wallet_id);
	sql_put_u64(&sql, row->chain_id);
	sql_put_address(&sql, row->wallet);
	sql_put_u64(&sql, row->nonce);
	sql_put_i64(&sql, TRANSFER_RESERVED);
	sql_put_i64(&sql, row->is_cancel);
	sql_put_address(&sql, row->to);
	sql_put_u256(&sql, row->value.value);
	sql_put_i64(&sql, row->is_token);
	sql_put_address(&sql, row->receiver);
	sql_put_u256(&sql, row->amount.units);
	sql_put_u64(&sql, row->gas_limit);
	sql_put_hash(&sql, row->payload_hash);
	sql_put_i64(&sql, now_ms);
	return sql_later_one(&sql);
}

static bool transfer_item_insert(struct db *db, const struct store_reservation *item,
				 struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "INSERT INTO transfer_items (transfer_id, position, "
				     "withdrawal_id, round) VALUES (?, 0, ?, ?)",
				     err);
	sql_put_id(&sql, item->transfer.id);
	sql_put_id(&sql, item->withdrawal);
	sql_put_i64(&sql, item->transfer.round);
	return sql_later_one(&sql);
}

static bool nonce_save(struct db *db, const struct wallet_locked *wallet, struct err *err)
{
	struct sql sql = sql_prepare(db, "UPDATE wallets SET next_nonce = ? WHERE id = ?", err);
	sql_put_u64(&sql, wallet->next_nonce);
	sql_put_i64(&sql, wallet->id);
	return sql_later_one(&sql);
}

static bool assigned_event_add(struct store_news *news, const struct store_reservation *item,
			       struct err *err)
{
	char detail[128];
	struct buf out = buf_of(detail, sizeof detail);
	buf_format(&out, "{\"wallet\":\"%s\",\"nonce\":%llu}",
		   address_text(item->transfer.wallet).at,
		   (unsigned long long)item->transfer.nonce);
	struct event_row event = { .withdrawal = item->withdrawal,
				   .sequence = item->version + 1,
				   .type = "assigned",
				   .stage = WITHDRAWAL_ASSIGNED,
				   .detail = buf_terminated(&out) };
	return store_news_event(news, &event, err);
}

/* --- items --------------------------------------------------------------------------------------
 */

/* Is the withdrawal as it was read, and free? */
static bool row_compares(const struct bound_row *row, const struct store_reservation *item)
{
	if (row == NULL || !row->found || row->round != item->transfer.round)
		return false;
	if (!row->is_free && DEFENCE("assign_sees_cancel"))
		return false;
	return (row->version == item->version && row->stage == WITHDRAWAL_QUEUED) ||
	       !DEFENCE("assign_compares");
}

/* Binds the withdrawal, once; sets item->result when it cannot be. */
static bool item_bind(struct reserve *batch, size_t at, struct err *err)
{
	struct db *db = batch->news->db;
	struct store_reservation *item = &batch->items[at];
	struct bound_row *row = row_of(batch, item->withdrawal);
	bool exists = batch->round_exists[at];
	if (exists && DEFENCE("one_slot_per_round")) {
		item->result = STORE_EXISTS;
		return true;
	}
	if (!row_compares(row, item)) {
		item->result = STORE_MOVED;
		return true;
	}
	CHECK(lifecycle_withdrawal_allows(WITHDRAWAL_QUEUED, WITHDRAWAL_ASSIGNED,
					  batch->by->actor));
	row->stage = WITHDRAWAL_ASSIGNED;
	row->version++;
	round_note(batch, item->withdrawal, item->transfer.round);
	/* One that is there already is no reason without its defence. */
	return (exists || transfer_item_insert(db, item, err)) &&
	       withdrawal_assign(db, item, batch->by->now_ms, err) &&
	       assigned_event_add(batch->news, item, err);
}

static bool item_reserve(struct reserve *batch, size_t at, struct wallet_locked *wallet,
			 struct err *err)
{
	struct store_reservation *item = &batch->items[at];
	struct transfer *row = &item->transfer;
	CHECK(!item->recovers || (row->is_cancel && id_is_zero(item->withdrawal)));
	row->nonce = wallet->next_nonce;
	row->stage = TRANSFER_RESERVED;
	row->stage_at = batch->by->now_ms;
	row->version = 1;
	row->payload_hash = transfer_payload_hash(row);
	item->result = STORE_WRITTEN;
	if (!id_is_zero(item->withdrawal) && !item_bind(batch, at, err))
		return false;
	store_news_end(batch->news, &item->ack);
	if (item->result != STORE_WRITTEN)
		return true;
	wallet->next_nonce++;
	batch->gave[wallet - batch->wallets] = true;
	return transfer_insert(batch->news->db, row, batch->by->now_ms, err);
}

/* Slots for what is known already are taken while the wallet is stopped, and only then. */
static bool is_for_recovery(const struct wallet_locked *wallet)
{
	return wallet->entered && wallet->stop_reason[0] != 0 &&
	       strcmp(wallet->stop_reason, "recovered") != 0;
}

static bool may_reserve(const struct reserve *batch, const struct wallet_locked *wallet)
{
	return wallet->entered && wallet->stop_reason[0] == 0 &&
	       (!batch->store_paused || !DEFENCE("old_store_reserves_nothing"));
}

/* What the wallet says to an item. A row that somebody made at a nonce that it has not given yet
 * would fail all that is reserved with it, of whichever wallet. */
static enum store_write wallet_judge(const struct reserve *batch,
				     const struct wallet_locked *wallet,
				     const struct store_reservation *item)
{
	enum store_write fence = wallet_locked_fence(wallet, item->epoch);
	if (fence != STORE_WRITTEN)
		return fence;
	if (item->recovers ? !is_for_recovery(wallet) : !may_reserve(batch, wallet))
		return STORE_PAUSED;
	if (!item->recovers && !controls_are(&batch->controls, item->controls))
		return STORE_PAUSED;
	bool taken = batch->has_next[wallet - batch->wallets];
	return taken && DEFENCE("taken_nonce_stops_its_wallet") ? STORE_TAKEN : STORE_WRITTEN;
}

/* The messages of a wallet that takes none are the caller's to answer. */
static bool batch_reserve(struct db *db, void *context, struct err *err)
{
	struct reserve *batch = context;
	struct store_news news = store_news_of(db, batch->by);
	batch->news = &news;
	if (!batch_look(db, batch, err))
		return false;
	for (size_t i = 0; i < batch->n; i++) {
		struct store_reservation *item = &batch->items[i];
		struct wallet_locked *wallet = wallet_of(batch, item->transfer.wallet_id);
		item->result = wallet_judge(batch, wallet, item);
		if (item->result == STORE_WRITTEN && !item_reserve(batch, i, wallet, err))
			return false;
	}
	for (size_t i = 0; i < batch->wallets_len; i++)
		if (batch->gave[i] && !nonce_save(db, &batch->wallets[i], err))
			return false;
	return store_news_write(&news, err);
}

bool store_sql_reserve(struct store *store, struct store_reservation *items, size_t n,
		       const struct store_by *by, struct err *err)
{
	struct reserve batch = { .items = items, .n = n, .by = by };
	return sql_write(db_of(store), batch_reserve, &batch, err);
}
