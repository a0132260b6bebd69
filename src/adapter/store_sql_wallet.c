/* Wallets, leases, marks and balances; and the pins that keep configuration and rows the same. */
#include "adapter/store_sql_batch.h"

#include "base/defence.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* An old store pays from no wallet at all, until people let it (reason_pauses_store). */
static bool reserving_judge(struct db *db, int64_t wallet_id, enum store_write *ret_result,
			    struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"SELECT entered, stop_reason, (SELECT COUNT(*) FROM wallets WHERE stop_reason IN "
		"('recovering', 'recovered')) FROM wallets WHERE id = ?",
		err);
	sql_put_i64(&sql, wallet_id);
	if (sql_next(&sql)) {
		char reason[REASON_LEN_MAX + 1];
		bool entered = sql_take_i64(&sql) != 0;
		sql_take_text(&sql, reason, sizeof reason);
		if (!entered || reason[0] != 0 ||
		    (sql_take_i64(&sql) > 0 && DEFENCE("old_store_reserves_nothing")))
			*ret_result = STORE_PAUSED;
	}
	return sql_end(&sql);
}

bool wallet_fence(struct db *db, int64_t wallet_id, uint64_t epoch, bool reserving,
		  enum store_write *ret_result, struct err *err)
{
	int64_t changed = 0;
	*ret_result = STORE_FENCED;
	if (epoch == 0 &&
	    DEFENCE("wallet_fence")) /* none; but also what a wallet has that was never leased */
		return true;
	struct sql sql = sql_prepare(db,
				     "UPDATE wallets SET fence_check = {next fence_check} "
				     "WHERE id = ? AND lease_epoch = ?",
				     err);
	sql_put_i64(&sql, wallet_id);
	sql_put_u64(&sql, epoch);
	if (!sql_run_count(&sql, &changed))
		return false;
	if (!DEFENCE("wallet_fence"))
		changed = 1;
	*ret_result = changed == 1 ? STORE_WRITTEN : STORE_FENCED;
	if (changed != 1 || !reserving)
		return true;
	return reserving_judge(db, wallet_id, ret_result, err);
}

/* In the order of their ids. */
bool wallets_lock(struct db *db, struct wallet_locked *rows, size_t n, struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "SELECT id, lease_epoch, entered, next_nonce, stop_reason FROM wallets "
			    "WHERE id IN (" SQL_MARKS_BATCH ") ORDER BY id {for update}",
			    err);
	CHECK(n > 0 && n <= BATCH_MAX);
	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_i64(&sql, rows[i < n ? i : 0].id);
	for (size_t i = 0; i < n; i++)
		rows[i].found = false;
	while (sql_next(&sql)) {
		int64_t id = sql_take_i64(&sql);
		size_t at = 0;
		while (at < n && rows[at].id != id)
			at++;
		if (at == n)
			continue;
		rows[at].found = true;
		rows[at].lease_epoch = sql_take_u64(&sql);
		rows[at].entered = sql_take_i64(&sql) != 0;
		rows[at].next_nonce = sql_take_u64(&sql);
		sql_take_text(&sql, rows[at].stop_reason, sizeof rows[at].stop_reason);
	}
	return sql_end(&sql);
}

/* An epoch of zero is none; but also what a wallet has that was never leased. */
enum store_write wallet_locked_fence(const struct wallet_locked *row, uint64_t epoch)
{
	bool ours = row->found && epoch != 0 && row->lease_epoch == epoch;
	return ours || !DEFENCE("wallet_fence") ? STORE_WRITTEN : STORE_FENCED;
}

static struct wallet_locked *locked_of(struct wallet_locked *rows, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

bool fences_ask(struct db *db, const struct store_fence *fences, size_t n, struct err *err)
{
	struct wallet_locked rows[BATCH_MAX];
	size_t len = 0;
	CHECK(n > 0 && n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		if (locked_of(rows, len, fences[i].wallet_id) == NULL)
			rows[len++].id = fences[i].wallet_id;
	if (!wallets_lock(db, rows, len, err))
		return false;
	for (size_t i = 0; i < n; i++)
		*fences[i].result = wallet_locked_fence(locked_of(rows, len, fences[i].wallet_id),
							fences[i].epoch);
	return true;
}

bool wallet_recovers(struct db *db, int64_t wallet_id, bool *ret_recovers, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT 1 FROM wallets WHERE id = ? AND entered = 1 AND "
				     "stop_reason NOT IN ('', 'recovered')",
				     err);
	sql_put_i64(&sql, wallet_id);
	*ret_recovers = sql_next(&sql);
	return sql_end(&sql);
}

bool wallet_stop(struct db *db, int64_t wallet_id, const char *reason, const struct store_by *by,
		 struct err *err)
{
	char detail[128];
	struct buf out = buf_of(detail, sizeof detail);
	int64_t changed = 0;
	struct sql sql = sql_prepare(
		db,
		"UPDATE wallets SET stop_reason = ? WHERE id = ? AND (stop_reason = '' OR "
		"(? = 'not_recovered' AND stop_reason IN ('recovering', 'journal_is_ahead')))",
		err);
	sql_put_text(&sql, reason);
	sql_put_i64(&sql, wallet_id);
	sql_put_text(&sql, reason);
	if (!sql_run_count(&sql, &changed))
		return false;
	if (changed == 0)
		return true;
	buf_format(&out, "{\"wallet\":%d,\"reason\":\"%s\"}", (int)wallet_id, reason);
	return audit_add(db, "wallet_stopped", (struct id){ 0 }, buf_terminated(&out), by, err);
}

struct stop {
	int64_t wallet_id;
	const char *reason;
	const struct store_lease *lease; /* NULL: of nobody */
	const struct store_by *by;
	bool held;
};

/* A wallet's lease is asked at the wallet, a chain's at its own row. */
static bool stop_fence(struct db *db, struct stop *stop, struct err *err)
{
	enum store_write fence = STORE_FENCED;
	stop->held = true;
	if (stop->lease == NULL || !DEFENCE("stop_is_fenced"))
		return true;
	if (stop->lease->wallet_id == 0)
		return lease_fence(db, stop->lease, &stop->held, err);
	if (!wallet_fence(db, stop->lease->wallet_id, stop->lease->epoch, false, &fence, err))
		return false;
	stop->held = fence == STORE_WRITTEN;
	return true;
}

static bool stop_write(struct db *db, void *context, struct err *err)
{
	struct stop *stop = context;
	return stop_fence(db, stop, err) &&
	       (!stop->held || wallet_stop(db, stop->wallet_id, stop->reason, stop->by, err));
}

bool store_sql_stop(struct store *store, int64_t wallet_id, const char *reason,
		    const struct store_lease *lease, const struct store_by *by, bool *ret_held,
		    struct err *err)
{
	struct stop stop = { wallet_id, reason, lease, by, false };
	if (!sql_write(db_of(store), stop_write, &stop, err))
		return false;
	*ret_held = stop.held;
	return true;
}

struct start {
	int64_t wallet_id;
	const char *stop_reason;
	const char *why;
	const struct store_by *by;
	bool started;
};

static bool start_write(struct db *db, void *context, struct err *err)
{
	struct start *start = context;
	char detail[2048];
	struct buf out = buf_of(detail, sizeof detail);
	int64_t changed = 0;
	struct sql sql = sql_prepare(
		db, "UPDATE wallets SET stop_reason = '' WHERE id = ? AND stop_reason = ?", err);
	sql_put_i64(&sql, start->wallet_id);
	sql_put_text(&sql, start->stop_reason);
	if (!sql_run_count(&sql, &changed))
		return false;
	start->started = changed == 1;
	if (!start->started)
		return true;
	buf_byte(&out, '{');
	json_write_member_i64(&out, "wallet", start->wallet_id);
	json_write_member_text(&out, "stopped", start->stop_reason);
	json_write_member_text(&out, "reason", start->why);
	buf_byte(&out, '}');
	CHECK(!out.overflow);
	return audit_add(db, "wallet_started", (struct id){ 0 }, buf_terminated(&out), start->by,
			 err);
}

bool store_sql_start(struct store *store, int64_t wallet_id, const char *stop_reason,
		     const char *why, const struct store_by *by, bool *ret_started, struct err *err)
{
	struct start start = { wallet_id, stop_reason, why, by, false };
	if (!sql_write(db_of(store), start_write, &start, err))
		return false;
	*ret_started = start.started;
	return true;
}

/* Neither another name under a known id, nor another id under a known name: a client that says
 * "polygon" means one chain for ever. */
static bool chain_compare(struct db *db, const struct chain_params *chain, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT chain_id, name FROM chains WHERE chain_id = ? OR name = ?", err);
	uint64_t id = chain->chain_id;
	char name[CHAIN_NAME_LEN_MAX + 1] = "";
	bool same = true;
	sql_put_u64(&sql, chain->chain_id);
	sql_put_text(&sql, chain->name);
	while (same && sql_next(&sql)) {
		id = sql_take_u64(&sql);
		sql_take_text(&sql, name, sizeof name);
		same = id == chain->chain_id && strcmp(name, chain->name) == 0;
	}
	if (!sql_end(&sql))
		return false;
	if (!same)
		return err_set(err, ERR_REFUSED, "chain %s (%llu) is pinned as %s (%llu)",
			       chain->name, (unsigned long long)chain->chain_id, name,
			       (unsigned long long)id);
	return true;
}

static bool chain_pin(struct db *db, const struct chain_params *chain, struct err *err)
{
	struct sql sql = sql_prepare(db, "{insert new} chains (chain_id, name) VALUES (?, ?)", err);
	sql_put_u64(&sql, chain->chain_id);
	sql_put_text(&sql, chain->name);
	return sql_run(&sql, NULL) && chain_compare(db, chain, err);
}

static bool asset_compare(struct db *db, const struct asset *asset, uint64_t chain_id,
			  struct err *err)
{
	bool same = false;
	struct sql sql = sql_prepare(db,
				     "SELECT is_native, contract, decimals FROM assets "
				     "WHERE chain_id = ? AND symbol = ?",
				     err);
	sql_put_u64(&sql, chain_id);
	sql_put_text(&sql, asset->symbol);
	if (sql_next(&sql)) {
		same = (sql_take_i64(&sql) != 0) == asset->is_native;
		same = address_equal(sql_take_address(&sql), asset->contract) && same;
		same = sql_take_u64(&sql) == asset->decimals && same;
	}
	if (!sql_end(&sql))
		return false;
	if (!same)
		return err_set(err, ERR_REFUSED,
			       "asset %s is pinned with another contract or other decimals: a "
			       "symbol is never rebound; configure a new symbol",
			       asset->symbol);
	return true;
}

static bool asset_pin(struct db *db, const struct asset *asset, uint64_t chain_id, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "{insert new} assets (chain_id, symbol, is_native, contract, "
				     "decimals) VALUES (?, ?, ?, ?, ?)",
				     err);
	sql_put_u64(&sql, chain_id);
	sql_put_text(&sql, asset->symbol);
	sql_put_i64(&sql, asset->is_native);
	sql_put_bytes(&sql, asset->contract.bytes, ADDRESS_BYTES);
	sql_put_i64(&sql, asset->decimals);
	return sql_run(&sql, NULL) && asset_compare(db, asset, chain_id, err);
}

static bool wallet_compare(struct db *db, const struct wallet_params *wallet, uint64_t chain_id,
			   struct err *err)
{
	char key_ref[KEY_REF_LEN_MAX + 1] = "";
	struct sql sql = sql_prepare(
		db, "SELECT key_ref FROM wallets WHERE chain_id = ? AND address = ?", err);
	sql_put_u64(&sql, chain_id);
	sql_put_bytes(&sql, wallet->address.bytes, ADDRESS_BYTES);
	if (sql_next(&sql))
		sql_take_text(&sql, key_ref, sizeof key_ref);
	if (!sql_end(&sql))
		return false;
	if (strcmp(key_ref, wallet->key_ref) != 0)
		return err_set(err, ERR_REFUSED, "wallet %s is pinned to key %s, not %s",
			       address_text(wallet->address).at, key_ref, wallet->key_ref);
	return true;
}

static bool wallet_pin(struct db *db, const struct wallet_params *wallet, uint64_t chain_id,
		       struct err *err)
{
	struct sql sql = sql_prepare(
		db, "{insert new} wallets (chain_id, address, key_ref) VALUES (?, ?, ?)", err);
	sql_put_u64(&sql, chain_id);
	sql_put_bytes(&sql, wallet->address.bytes, ADDRESS_BYTES);
	sql_put_text(&sql, wallet->key_ref);
	return sql_run(&sql, NULL) && wallet_compare(db, wallet, chain_id, err);
}

/* Those that have left the configuration keep their rows and their slots: all of them are watched,
 * and one more than there is room for would be seen by nobody. */
static bool wallets_fit(struct db *db, struct err *err)
{
	int64_t count = 0;
	struct sql sql = sql_prepare(db, "SELECT COUNT(*) FROM wallets", err);
	if (sql_next(&sql))
		count = sql_take_i64(&sql);
	if (!sql_end(&sql))
		return false;
	return count <= WALLETS_MAX ||
	       err_set(err, ERR_REFUSED,
		       "the store has %lld wallets with those of this configuration, and those that "
		       "left it count: %d are possible; use one of them again",
		       (long long)count, WALLETS_MAX);
}

static bool catalogue_write(struct db *db, void *context, struct err *err)
{
	const struct catalogue *catalogue = *(const struct catalogue **)context;
	for (size_t i = 0; i < catalogue->chains_len; i++)
		if (!chain_pin(db, &catalogue->chains[i], err))
			return false;
	for (size_t i = 0; i < catalogue->assets_len; i++) {
		const struct asset *asset = &catalogue->assets[i];
		if (!asset_pin(db, asset, catalogue_chain_id_of(catalogue, asset), err))
			return false;
	}
	for (size_t i = 0; i < catalogue->wallets_len; i++) {
		const struct wallet_params *wallet = &catalogue->wallets[i];
		uint64_t chain_id = catalogue->chains[wallet->chain].chain_id;
		if (!wallet_pin(db, wallet, chain_id, err))
			return false;
	}
	return wallets_fit(db, err);
}

bool store_sql_pin(struct store *store, const struct catalogue *catalogue, struct err *err)
{
	return sql_write(db_of(store), catalogue_write, &catalogue, err);
}

bool store_sql_wallets(struct store *store, struct wallet *ret_wallets, size_t cap, size_t *ret_len,
		       struct err *err)
{
	size_t len = 0;
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT id, chain_id, address, first_nonce, next_nonce, "
				     "entered, stop_reason, recover_to, lease_epoch, "
				     "(SELECT COUNT(*) FROM transfers t WHERE "
				     "t.wallet_id = wallets.id AND t.stage BETWEEN ? AND ?) "
				     "FROM wallets ORDER BY id LIMIT ?",
				     err);
	sql_put_i64(&sql, TRANSFER_RESERVED);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql)) {
		struct wallet *wallet = &ret_wallets[len++];
		wallet->id = sql_take_i64(&sql);
		wallet->chain_id = sql_take_u64(&sql);
		wallet->address = sql_take_address(&sql);
		wallet->first_nonce = sql_take_u64(&sql);
		wallet->next_nonce = sql_take_u64(&sql);
		wallet->entered = sql_take_i64(&sql) != 0;
		sql_take_text(&sql, wallet->stop_reason, sizeof wallet->stop_reason);
		wallet->recover_to = sql_take_u64(&sql);
		wallet->lease_epoch = sql_take_u64(&sql);
		wallet->in_flight = (size_t)sql_take_u64(&sql);
	}
	*ret_len = len;
	return sql_end(&sql);
}

struct enter {
	int64_t wallet_id;
	uint64_t epoch;
	uint64_t first_nonce;
	const struct store_by *by;
};

static bool enter_write(struct db *db, void *context, struct err *err)
{
	const struct enter *enter = context;
	enum store_write fence = STORE_FENCED;
	int64_t changed = 0;
	char detail[96];
	struct buf out = buf_of(detail, sizeof detail);
	if (!wallet_fence(db, enter->wallet_id, enter->epoch, false, &fence, err))
		return false;
	if (fence != STORE_WRITTEN)
		return err_set(err, ERR_REFUSED, "the wallet's lease is somebody else's now");
	struct sql sql = sql_prepare(db,
				     "UPDATE wallets SET entered = 1, first_nonce = ?, "
				     "next_nonce = ? WHERE id = ? AND entered = 0",
				     err);
	sql_put_u64(&sql, enter->first_nonce);
	sql_put_u64(&sql, enter->first_nonce);
	sql_put_i64(&sql, enter->wallet_id);
	buf_format(&out, "{\"wallet\":%d,\"first_nonce\":%llu}", (int)enter->wallet_id,
		   (unsigned long long)enter->first_nonce);
	if (!sql_run_count(&sql, &changed))
		return false;
	return changed == 0 || audit_add(db, "wallet_entered", (struct id){ 0 },
					 buf_terminated(&out), enter->by, err);
}

bool store_sql_enter(struct store *store, int64_t wallet_id, uint64_t epoch, uint64_t first_nonce,
		     const struct store_by *by, struct err *err)
{
	struct enter enter = { wallet_id, epoch, first_nonce, by };
	return sql_write(db_of(store), enter_write, &enter, err);
}

static bool mark_load(struct db *db, uint64_t chain_id, uint64_t *ret_mark, struct err *err)
{
	struct sql sql =
		sql_prepare(db, "SELECT finalized_mark FROM chains WHERE chain_id = ?", err);
	sql_put_u64(&sql, chain_id);
	bool found = sql_next(&sql);
	if (found)
		*ret_mark = sql_take_u64(&sql);
	if (!sql_end(&sql))
		return false;
	if (!found)
		return err_set(err, ERR_REFUSED, "there is no chain %llu in the store",
			       (unsigned long long)chain_id);
	return true;
}

struct mark_raise {
	uint64_t chain_id;
	uint64_t finalized; /* what is asked for, then what stands there */
};

static bool mark_write(struct db *db, void *context, struct err *err)
{
	struct mark_raise *raise = context;
	struct sql sql = sql_prepare(
		db,
		DEFENCE("mark_only_rises")
			? "UPDATE chains SET finalized_mark = ? WHERE chain_id = ? AND finalized_mark < ?"
			: "UPDATE chains SET finalized_mark = ? WHERE chain_id = ? AND ? >= 0",
		err);
	sql_put_u64(&sql, raise->finalized);
	sql_put_u64(&sql, raise->chain_id);
	sql_put_u64(&sql, raise->finalized);
	return sql_run(&sql, NULL) && mark_load(db, raise->chain_id, &raise->finalized, err);
}

bool store_sql_mark(struct store *store, struct store_mark *mark, struct err *err)
{
	uint64_t stored = 0;
	struct mark_raise raise = { mark->chain_id, mark->finalized };
	if (!mark_load(db_of(store), mark->chain_id, &stored, err))
		return false;
	if (mark->finalized <= stored && DEFENCE("mark_only_rises"))
		raise.finalized = stored;
	else if (!sql_write(db_of(store), mark_write, &raise, err))
		return false;
	mark->finalized = raise.finalized;
	return true;
}

struct balances {
	const struct store_balance *balances;
	size_t n;
};

static bool balances_write(struct db *db, void *context, struct err *err)
{
	const struct balances *batch = context;
	for (size_t i = 0; i < batch->n; i++) {
		const struct store_balance *balance = &batch->balances[i];
		struct sql sql =
			sql_prepare(db,
				    "REPLACE INTO wallet_balances (chain_id, wallet, asset, "
				    "amount, block, at) VALUES (?, ?, ?, ?, ?, ?)",
				    err);
		sql_put_u64(&sql, balance->chain_id);
		sql_put_address(&sql, balance->wallet);
		sql_put_text(&sql, balance->asset);
		sql_put_u256(&sql, balance->amount.units);
		sql_put_u64(&sql, balance->block);
		sql_put_i64(&sql, balance->at_ms);
		if (!sql_later_any(&sql))
			return false;
	}
	return true;
}

bool store_sql_balances_save(struct store *store, const struct store_balance *balances, size_t n,
			     struct err *err)
{
	struct balances batch = { balances, n };
	return sql_write(db_of(store), balances_write, &batch, err);
}

bool store_sql_balances_list(struct store *store, struct store_balance *ret_balances, size_t cap,
			     size_t *ret_len, struct err *err)
{
	size_t len = 0;
	struct sql sql =
		sql_prepare(db_of(store),
			    "SELECT chain_id, wallet, asset, amount, block, at "
			    "FROM wallet_balances ORDER BY chain_id, wallet, asset LIMIT ?",
			    err);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql)) {
		struct store_balance *balance = &ret_balances[len++];
		balance->chain_id = sql_take_u64(&sql);
		balance->wallet = sql_take_address(&sql);
		sql_take_text(&sql, balance->asset, sizeof balance->asset);
		balance->amount.units = sql_take_u256(&sql);
		balance->block = sql_take_u64(&sql);
		balance->at_ms = sql_take_i64(&sql);
	}
	*ret_len = len;
	return sql_end(&sql);
}
