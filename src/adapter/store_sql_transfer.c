/* How transfers are read; and a reserved one that becomes its self-transfer. */
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

bool transfers_lock(struct db *db, struct id (*id_of)(const void *items, size_t at),
		    const void *items, const size_t *places, size_t n, struct transfer *ret_rows,
		    bool *ret_found, struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "SELECT " TRANSFER_COLUMNS TRANSFER_FROM
			    "WHERE t.id IN (" SQL_MARKS_BATCH ") ORDER BY t.id {for update}",
			    err);
	struct id ids[BATCH_MAX];
	for (size_t i = 0; i < n; i++) {
		ids[i] = id_of(items, places[i]);
		ret_found[places[i]] = false;
	}
	sql_put_ids(&sql, ids, n);
	while (sql_next(&sql)) {
		struct transfer row;
		transfer_take(&sql, &row);
		size_t at = id_find(ids, n, row.id);
		if (at == n)
			continue;
		ret_rows[places[at]] = row;
		ret_found[places[at]] = true;
	}
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
		"value = ?, amount = ?, payload_hash = ?, version = {next version} "
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
