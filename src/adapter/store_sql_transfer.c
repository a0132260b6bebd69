/* Reservations: nonce taken, slot written, withdrawal bound, all in one transaction (T1, T2). And
 * how transfers are read. */
#include "adapter/store_sql_parts.h"
#include "base/defence.h"
#include "core/transfer.h"

#include <string.h>

_Static_assert(WITHDRAWAL_ASSIGNED == 4, "CANCEL_WANTED has its number");

void transfer_take(struct sql *sql, struct transfer *ret_row)
{
	memset(ret_row, 0, sizeof *ret_row);
	ret_row->id = sql_take_id(sql);
	ret_row->wallet_id = sql_take_i64(sql);
	ret_row->chain_id = sql_take_u64(sql);
	ret_row->wallet = sql_take_address(sql);
	ret_row->nonce = sql_take_u64(sql);
	ret_row->stage = (enum transfer_stage)sql_take_i64(sql);
	ret_row->outcome = (enum transfer_outcome)sql_take_i64(sql);
	ret_row->is_cancel = sql_take_i64(sql) != 0;
	ret_row->withdrawal = sql_take_id(sql);
	ret_row->round = sql_take_u32(sql);
	ret_row->to = sql_take_address(sql);
	ret_row->value.value = sql_take_u256(sql);
	ret_row->is_token = sql_take_i64(sql) != 0;
	ret_row->receiver = sql_take_address(sql);
	ret_row->amount.units = sql_take_u256(sql);
	ret_row->gas_limit = sql_take_u64(sql);
	ret_row->payload_hash = sql_take_hash(sql);
	ret_row->wish = (enum wish)sql_take_i64(sql);
	ret_row->wish_reason = (enum wish_reason)sql_take_i64(sql);
	ret_row->wish_attempts_seen = sql_take_u32(sql);
	ret_row->attempts = sql_take_u32(sql);
	ret_row->mined_hash = sql_take_hash(sql);
	ret_row->mined_block = sql_take_u64(sql);
	ret_row->mined_block_hash = sql_take_hash(sql);
	ret_row->stage_at = sql_take_i64(sql);
	ret_row->sent_at = sql_take_i64(sql);
	sql_take_text(sql, ret_row->held_reason, sizeof ret_row->held_reason);
	ret_row->version = sql_take_u64(sql);
	sql_take_text(sql, ret_row->correlation_id, sizeof ret_row->correlation_id);
	ret_row->cancel_wanted = sql_take_i64(sql) != 0;
}

#define TRANSFER_LOAD "SELECT " TRANSFER_COLUMNS TRANSFER_FROM "WHERE t.id = ?"

bool transfer_load(struct db *db, struct id id, struct transfer *ret_row, bool *ret_found,
		   struct err *err)
{
	struct sql sql =
		sql_prepare(db, db->writing ? TRANSFER_LOAD " {for update}" : TRANSFER_LOAD, err);
	sql_put_id(&sql, id);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		transfer_take(&sql, ret_row);
	return sql_end(&sql);
}

bool store_sql_transfer(struct store *store, struct id id, struct transfer *ret_row,
			bool *ret_found, struct err *err)
{
	return transfer_load(db_of(store), id, ret_row, ret_found, err);
}

bool store_sql_of_round(struct store *store, struct id withdrawal, uint32_t round,
			struct transfer *ret_row, bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT " TRANSFER_COLUMNS " FROM transfer_items i "
				     "JOIN transfers t ON t.id = i.transfer_id "
				     "LEFT JOIN withdrawals w ON w.id = i.withdrawal_id "
				     "WHERE i.withdrawal_id = ? AND i.round = ?",
				     err);
	sql_put_id(&sql, withdrawal);
	sql_put_i64(&sql, round);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		transfer_take(&sql, ret_row);
	return sql_end(&sql);
}

#define TRANSFERS_SELECT(stages)                                                     \
	"SELECT " TRANSFER_COLUMNS TRANSFER_FROM "WHERE t.wallet_id = ? AND " stages \
	" AND t.mined_block BETWEEN ? AND ? AND t.nonce >= ? "                       \
	"AND (? = 0 OR t.held_reason = '') "                                         \
	"AND (? = 0 OR t.held_reason NOT IN ('', 'payout_unbound') OR "              \
	"(t.outcome = 4 AND (t.stage = 4 OR "                                        \
	"(w.stage = 4 AND w.held_reason <> '' AND w.transfer_id = t.id)))) "         \
	"AND (? = 0 OR t.outcome = 4) "                                              \
	"AND (? = 0 OR t.stage < ? OR t.wish <> 0 OR " CANCEL_WANTED ") "            \
	"AND (? = 0 OR t.mined_block > ? OR t.nonce > ?) "                           \
	"ORDER BY t.mined_block, t.nonce LIMIT ?"

bool store_sql_transfers(struct store *store, const struct store_transfer_filter *filter,
			 struct transfer *ret_rows, size_t *ret_len, struct err *err)
{
	size_t len = 0;
	/* One stage is found by the index, however many rows of the others there are. */
	struct sql sql = sql_prepare(db_of(store),
				     filter->first == filter->last
					     ? TRANSFERS_SELECT("t.stage = ? AND ? = t.stage")
					     : TRANSFERS_SELECT("t.stage BETWEEN ? AND ?"),
				     err);
	sql_put_i64(&sql, filter->wallet_id);
	sql_put_i64(&sql, filter->first);
	sql_put_i64(&sql, filter->last);
	sql_put_u64(&sql, filter->has_after && filter->after_block > filter->mined_block_min
				  ? filter->after_block
				  : filter->mined_block_min);
	sql_put_i64(&sql, filter->mined_block_max > INT64_MAX ? INT64_MAX
							      : (int64_t)filter->mined_block_max);
	sql_put_u64(&sql, filter->nonce_min);
	sql_put_i64(&sql, filter->without_held);
	sql_put_i64(&sql, filter->unresolved);
	sql_put_i64(&sql, filter->foreign);
	sql_put_i64(&sql, filter->for_signer);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	sql_put_i64(&sql, filter->has_after);
	sql_put_u64(&sql, filter->after_block);
	sql_put_u64(&sql, filter->after_nonce);
	sql_put_i64(&sql, (int64_t)filter->limit);
	while (len < filter->limit && sql_next(&sql))
		transfer_take(&sql, &ret_rows[len++]);
	*ret_len = len;
	return sql_end(&sql);
}

static void taken_add(struct store_taken *items, size_t n, struct address contract,
		      struct u256 units)
{
	for (size_t i = 0; i < n; i++)
		if (address_equal(items[i].contract, contract))
			items[i].amount.units = u256_add_saturated(items[i].amount.units, units);
}

/* Each half is found by the index on stages: the table keeps all that was ever paid. */
#define TAKEN_COLUMNS "SELECT is_token, destination, value, amount, gas_limit FROM transfers "

bool store_sql_taken(struct store *store, int64_t wallet_id, uint64_t block,
		     struct store_taken *items, size_t n, uint64_t *ret_gas, struct err *err)
{
	static const struct address coin = { { 0 } };
	uint64_t gas = 0;
	struct sql sql = sql_prepare(db_of(store),
				     TAKEN_COLUMNS "WHERE wallet_id = ? AND stage BETWEEN ? AND ? "
						   "UNION ALL " TAKEN_COLUMNS
						   "WHERE wallet_id = ? AND stage IN (?, ?) "
						   "AND mined_block > ?",
				     err);
	sql_put_i64(&sql, wallet_id);
	sql_put_i64(&sql, TRANSFER_RESERVED);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	sql_put_i64(&sql, wallet_id);
	sql_put_i64(&sql, TRANSFER_MINED);
	sql_put_i64(&sql, TRANSFER_FINAL);
	sql_put_i64(&sql, block > INT64_MAX ? INT64_MAX : (int64_t)block);
	for (size_t i = 0; i < n; i++)
		items[i].amount.units = u256_zero();
	while (sql_next(&sql)) {
		bool is_token = sql_take_i64(&sql) != 0;
		struct address destination = sql_take_address(&sql);
		struct u256 value = sql_take_u256(&sql);
		struct u256 amount = sql_take_u256(&sql);
		taken_add(items, n, coin, value);
		if (is_token)
			taken_add(items, n, destination, amount);
		if (__builtin_add_overflow(gas, sql_take_u64(&sql), &gas))
			gas = UINT64_MAX;
	}
	*ret_gas = gas;
	return sql_end(&sql);
}

struct reserve {
	struct store_reservation *items;
	size_t n;
	const struct store_by *by;
};

static bool nonce_load(struct db *db, int64_t wallet_id, uint64_t *ret_next, struct err *err)
{
	struct sql sql = sql_prepare(db, "SELECT next_nonce FROM wallets WHERE id = ?", err);
	sql_put_i64(&sql, wallet_id);
	if (sql_next(&sql))
		*ret_next = sql_take_u64(&sql);
	return sql_end(&sql);
}

static bool nonce_save(struct db *db, int64_t wallet_id, uint64_t next, struct err *err)
{
	struct sql sql = sql_prepare(db, "UPDATE wallets SET next_nonce = ? WHERE id = ?", err);
	sql_put_u64(&sql, next);
	sql_put_i64(&sql, wallet_id);
	return sql_run(&sql, NULL);
}

#define ASSIGN                                                      \
	"UPDATE withdrawals SET stage = ?, version = version + 1, " \
	"transfer_id = ?, wait_reason = '', funds_since = 0, due_at = ?, updated_at = ? "
#define AS_IT_WAS_READ "WHERE id = ? AND version = ? AND stage = ? AND round = ? "
#define AS_IT_IS       "WHERE id = ? AND ? >= 0 AND ? >= 0 AND round = ? "
#define FREE           "AND held_reason = '' AND cancel_requested = 0"

static const char *assign_text(void)
{
	if (!DEFENCE("assign_compares"))
		return DEFENCE("assign_sees_cancel") ? ASSIGN AS_IT_IS FREE : ASSIGN AS_IT_IS;
	return DEFENCE("assign_sees_cancel") ? ASSIGN AS_IT_WAS_READ FREE : ASSIGN AS_IT_WAS_READ;
}

static bool withdrawal_assign(struct db *db, const struct store_reservation *item, int64_t now_ms,
			      int64_t *ret_changed, struct err *err)
{
	struct sql sql = sql_prepare(db, assign_text(), err);
	sql_put_i64(&sql, WITHDRAWAL_ASSIGNED);
	sql_put_id(&sql, item->transfer.id);
	sql_put_i64(&sql, now_ms + lifecycle_due_in_ms(WITHDRAWAL_ASSIGNED));
	sql_put_i64(&sql, now_ms);
	sql_put_id(&sql, item->withdrawal);
	sql_put_u64(&sql, item->version);
	sql_put_i64(&sql, WITHDRAWAL_QUEUED);
	sql_put_i64(&sql, item->transfer.round);
	return sql_run_count(&sql, ret_changed);
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
	return sql_run(&sql, NULL);
}

/* T1: a round of a withdrawal has one slot. *ret_exists: it has one already; only an edited row
 * gets here so. */
static bool transfer_item_insert(struct db *db, const struct store_reservation *item,
				 bool *ret_exists, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "INSERT INTO transfer_items (transfer_id, position, "
				     "withdrawal_id, round) VALUES (?, 0, ?, ?)",
				     err);
	sql_put_id(&sql, item->transfer.id);
	sql_put_id(&sql, item->withdrawal);
	sql_put_i64(&sql, item->transfer.round);
	return sql_run(&sql, ret_exists);
}

static bool transfer_item_delete(struct db *db, struct id transfer, struct err *err)
{
	struct sql sql = sql_prepare(db, "DELETE FROM transfer_items WHERE transfer_id = ?", err);
	sql_put_id(&sql, transfer);
	return sql_run(&sql, NULL);
}

static bool assigned_event_add(struct db *db, const struct store_reservation *item,
			       const struct store_by *by, struct err *err)
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
	return event_row_add(db, &event, by, err);
}

/* Binds the withdrawal; sets item->result when it cannot be. */
static bool item_bind(struct db *db, struct store_reservation *item, const struct store_by *by,
		      struct err *err)
{
	bool exists = false;
	int64_t changed = 0;
	if (!transfer_item_insert(db, item, &exists, err))
		return false;
	item->result = STORE_EXISTS;
	if (exists && DEFENCE("one_slot_per_round"))
		return true;
	CHECK(lifecycle_withdrawal_allows(WITHDRAWAL_QUEUED, WITHDRAWAL_ASSIGNED, by->actor));
	if (!withdrawal_assign(db, item, by->now_ms, &changed, err))
		return false;
	item->result = changed == 1 ? STORE_WRITTEN : STORE_MOVED;
	return changed == 1 ? assigned_event_add(db, item, by, err)
			    : transfer_item_delete(db, item->transfer.id, err);
}

static bool item_reserve(struct db *db, struct store_reservation *item, uint64_t *next,
			 const struct store_by *by, struct err *err)
{
	struct transfer *row = &item->transfer;
	CHECK(!item->recovers || (row->is_cancel && id_is_zero(item->withdrawal)));
	row->nonce = *next;
	row->stage = TRANSFER_RESERVED;
	row->stage_at = by->now_ms;
	row->version = 1;
	row->payload_hash = transfer_payload_hash(row);
	item->result = STORE_WRITTEN;
	if (!id_is_zero(item->withdrawal) && !item_bind(db, item, by, err))
		return false;
	if (!message_end(db, &item->ack, by->now_ms, err))
		return false;
	if (item->result != STORE_WRITTEN)
		return true;
	*next += 1;
	return transfer_insert(db, row, by->now_ms, err);
}

/* Slots for what is known already are taken while the wallet is stopped, and only then. */
static bool recovery_fence(struct db *db, int64_t wallet_id, enum store_write *fence,
			   struct err *err)
{
	bool recovers = false;
	if (!wallet_recovers(db, wallet_id, &recovers, err))
		return false;
	if (*fence == STORE_WRITTEN && !recovers)
		*fence = STORE_PAUSED;
	return true;
}

/* Somebody made a row at a nonce that the wallet has not given yet. It would fail all that is
 * reserved with it, of whichever wallet. */
static bool nonce_is_taken(struct db *db, int64_t wallet_id, uint64_t next, bool *ret_taken,
			   struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT 1 FROM transfers WHERE wallet_id = ? AND nonce >= ? LIMIT 1", err);
	sql_put_i64(&sql, wallet_id);
	sql_put_u64(&sql, next);
	*ret_taken = sql_next(&sql) && DEFENCE("taken_nonce_stops_its_wallet");
	return sql_end(&sql);
}

/* Items [from, to) of one wallet. The messages of a wallet that takes none are the caller's to
 * answer. */
static bool wallet_reserve(struct db *db, const struct reserve *batch, size_t from, size_t to,
			   struct err *err)
{
	int64_t wallet_id = batch->items[from].transfer.wallet_id;
	bool recovers = batch->items[from].recovers;
	enum store_write fence = STORE_FENCED;
	uint64_t next = 0;
	bool taken = false;
	if (!wallet_fence(db, wallet_id, batch->items[from].epoch, !recovers, &fence, err) ||
	    (recovers && !recovery_fence(db, wallet_id, &fence, err)))
		return false;
	if (fence == STORE_WRITTEN && (!nonce_load(db, wallet_id, &next, err) ||
				       !nonce_is_taken(db, wallet_id, next, &taken, err)))
		return false;
	if (taken)
		fence = STORE_TAKEN;
	if (fence != STORE_WRITTEN) {
		for (size_t i = from; i < to; i++)
			batch->items[i].result = fence;
		return true;
	}
	for (size_t i = from; i < to; i++)
		if (!item_reserve(db, &batch->items[i], &next, batch->by, err))
			return false;
	return nonce_save(db, wallet_id, next, err);
}

/* One fence serves both: the same wallet, by the same lease. */
static bool is_same_owner(const struct store_reservation *a, const struct store_reservation *b)
{
	return a->transfer.wallet_id == b->transfer.wallet_id && a->epoch == b->epoch &&
	       a->recovers == b->recovers;
}

static bool batch_reserve(struct db *db, void *context, struct err *err)
{
	const struct reserve *batch = context;
	size_t from = 0;
	for (size_t i = 1; i <= batch->n; i++) {
		if (i < batch->n && is_same_owner(&batch->items[from], &batch->items[i]))
			continue;
		if (!wallet_reserve(db, batch, from, i, err))
			return false;
		from = i;
	}
	return true;
}

bool store_sql_reserve(struct store *store, struct store_reservation *items, size_t n,
		       const struct store_by *by, struct err *err)
{
	struct reserve batch = { items, n, by };
	return sql_write(db_of(store), batch_reserve, &batch, err);
}

struct turn_cancel {
	const struct transfer *before; /* as it was read */
	struct transfer row;           /* what it becomes */
	uint64_t epoch;
	const struct store_by *by;
	enum store_write result;
};

static bool turn_cancel_write(struct db *db, void *context, struct err *err)
{
	struct turn_cancel *turn = context;
	struct transfer *row = &turn->row;
	int64_t changed = 0;
	*row = *turn->before;
	CHECK(row->stage == TRANSFER_RESERVED && row->attempts == 0);
	CHECK(lifecycle_transfer_allows(TRANSFER_RESERVED, TRANSFER_RESERVED, turn->by->actor));
	if (!wallet_fence(db, row->wallet_id, turn->epoch, false, &turn->result, err))
		return false;
	if (turn->result != STORE_WRITTEN)
		return true;
	transfer_make_cancel(row);
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET is_cancel = 1, is_token = 0, destination = ?, receiver = ?, "
		"value = ?, amount = ?, payload_hash = ?, version = version + 1 "
		"WHERE id = ? AND version = ? AND stage = ? AND attempts = 0",
		err);
	sql_put_address(&sql, row->to);
	sql_put_address(&sql, row->receiver);
	sql_put_u256(&sql, row->value.value);
	sql_put_u256(&sql, row->amount.units);
	sql_put_hash(&sql, row->payload_hash);
	sql_put_id(&sql, row->id);
	sql_put_u64(&sql, row->version);
	sql_put_i64(&sql, TRANSFER_RESERVED);
	if (!sql_run_count(&sql, &changed))
		return false;
	turn->result = changed == 1 ? STORE_WRITTEN : STORE_MOVED;
	if (changed != 1)
		return true;
	row->version++;
	return audit_add(db, "slot_turned_cancel", row->id, "", turn->by, err);
}

bool store_sql_turn_cancel(struct store *store, struct transfer *transfer, uint64_t epoch,
			   const struct store_by *by, enum store_write *ret_result, struct err *err)
{
	struct turn_cancel turn = { .before = transfer, .epoch = epoch, .by = by };
	if (!sql_write(db_of(store), turn_cancel_write, &turn, err))
		return false;
	if (turn.result == STORE_WRITTEN)
		*transfer = turn.row;
	*ret_result = turn.result;
	return true;
}
