/* What a store learns that was replaced by an older copy of itself: that it was; the slots and
 * attempts that the chain and the journal know; and which of them paid whom. */
#include "adapter/store_sql_parts.h"

#include "base/defence.h"
#include "core/reason.h"
#include "port/store_recover.h"

#include <string.h>

static bool is_old_load(struct db *db, struct store_incarnation *ret_last, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT 1 FROM wallets WHERE stop_reason IN (?, ?, ?) LIMIT 1", err);
	sql_put_text(&sql, reason_code(REASON_RECOVERING));
	sql_put_text(&sql, reason_code(REASON_RECOVERED));
	sql_put_text(&sql, reason_code(REASON_JOURNAL_IS_AHEAD));
	bool stopped = sql_next(&sql) && DEFENCE("replaced_is_restored");
	ret_last->is_old = ret_last->number > 0 || stopped;
	return sql_end(&sql);
}

static bool incarnation_load(struct db *db, struct store_incarnation *ret_last, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT number, journal_lost, at FROM incarnations "
				     "ORDER BY number DESC LIMIT 1",
				     err);
	*ret_last = (struct store_incarnation){ 0 };
	if (sql_next(&sql)) {
		ret_last->number = sql_take_u64(&sql);
		ret_last->journal_lost = sql_take_i64(&sql) != 0;
		ret_last->at = sql_take_i64(&sql);
	}
	return sql_end(&sql) && is_old_load(db, ret_last, err);
}

bool store_sql_incarnation(struct store *store, struct store_incarnation *ret_last, struct err *err)
{
	return incarnation_load(db_of(store), ret_last, err);
}

struct begin {
	uint64_t number_min;
	bool loses_journal;
	uint64_t number; /* what it becomes */
	uint64_t jump;   /* of the versions */
	bool journal_lost;
	const struct store_by *by;
};

static bool incarnation_insert(struct db *db, const struct begin *begin, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "INSERT INTO incarnations (number, at, who, journal_lost) VALUES (?, ?, ?, ?)",
		err);
	sql_put_u64(&sql, begin->number);
	sql_put_i64(&sql, begin->by->now_ms);
	sql_put_text(&sql, begin->by->who);
	sql_put_i64(&sql, begin->journal_lost);
	return sql_run(&sql, NULL);
}

/* Nobody else begins, or pays, until this is done: who comes now finds what it leaves. */
static bool wallets_lock(struct db *db, struct err *err)
{
	struct sql sql =
		sql_prepare(db, "UPDATE wallets SET fence_check = {next fence_check}", err);
	return sql_run(&sql, NULL);
}

/* Whatever they were stopped for: what the chain and the journal say comes first. */
static bool wallets_stop(struct db *db, struct err *err)
{
	struct sql sql = sql_prepare(db, "UPDATE wallets SET stop_reason = ?, recover_to = 0", err);
	sql_put_text(&sql, reason_code(REASON_RECOVERING));
	return sql_run(&sql, NULL);
}

/* Who was accepted since the rows were locked has not jumped. */
#define OPEN_ROWS "stage < ? AND version > ?"

static void open_rows_put(struct sql *sql, const struct begin *begin)
{
	sql_put_i64(sql, WITHDRAWAL_COMPLETED);
	sql_put_u64(sql, begin->jump);
}

static bool open_rows_event(struct db *db, const struct begin *begin, struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "INSERT INTO events (withdrawal_id, sequence, at, type, actor, stage, "
			    "detail) SELECT id, version, ?, 'restored', ?, stage, '' "
			    "FROM withdrawals WHERE " OPEN_ROWS,
			    err);
	sql_put_i64(&sql, begin->by->now_ms);
	sql_put_i64(&sql, begin->by->actor);
	open_rows_put(&sql, begin);
	return sql_run(&sql, NULL);
}

static bool open_rows_audit(struct db *db, const struct begin *begin, struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "INSERT INTO audit (at, actor, who, request_id, action, subject, "
			    "detail) SELECT ?, ?, ?, ?, 'restored', id, '' "
			    "FROM withdrawals WHERE " OPEN_ROWS,
			    err);
	sql_put_i64(&sql, begin->by->now_ms);
	sql_put_i64(&sql, begin->by->actor);
	sql_put_text(&sql, begin->by->who);
	sql_put_text(&sql, begin->by->request_id);
	open_rows_put(&sql, begin);
	return sql_run(&sql, NULL);
}

/* The rows first, which locks them: what is written of them is written of the same ones, as they
 * stand. */
static bool open_rows_jump(struct db *db, const struct begin *begin, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"UPDATE withdrawals SET version = {least}(version, 4611686018427387904) + ?, "
		"updated_at = ? WHERE stage < ?",
		err);
	sql_put_u64(&sql, begin->jump);
	sql_put_i64(&sql, begin->by->now_ms);
	sql_put_i64(&sql, WITHDRAWAL_COMPLETED);
	return sql_run(&sql, NULL) && open_rows_event(db, begin, err) &&
	       open_rows_audit(db, begin, err);
}

/* Who had not come to their approval at the backup may have ended since, and their clients been
 * told: no journal has that. A dead letter is let go on by one person, who is asked about its
 * message. What is to be canceled anyway only the signer ends, who asks the journal. */
#define UNDECIDED "stage < ? AND held_reason IN ('', ?) AND cancel_requested = 0 AND version > ?"

static void undecided_put(struct sql *sql, const struct begin *begin)
{
	sql_put_i64(sql, WITHDRAWAL_QUEUED);
	sql_put_text(sql, reason_code(REASON_DEAD_LETTER));
	sql_put_u64(sql, begin->jump);
}

static bool undecided_event(struct db *db, const struct begin *begin, const char *detail,
			    struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "INSERT INTO events (withdrawal_id, sequence, at, type, actor, stage, "
			    "detail) SELECT id, version + 1, ?, 'held', ?, stage, ? "
			    "FROM withdrawals WHERE " UNDECIDED,
			    err);
	sql_put_i64(&sql, begin->by->now_ms);
	sql_put_i64(&sql, begin->by->actor);
	sql_put_text(&sql, detail);
	undecided_put(&sql, begin);
	return sql_run(&sql, NULL);
}

static bool undecided_audit(struct db *db, const struct begin *begin, const char *detail,
			    struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "INSERT INTO audit (at, actor, who, request_id, action, subject, "
			    "detail) SELECT ?, ?, ?, ?, 'held', id, ? "
			    "FROM withdrawals WHERE " UNDECIDED,
			    err);
	sql_put_i64(&sql, begin->by->now_ms);
	sql_put_i64(&sql, begin->by->actor);
	sql_put_text(&sql, begin->by->who);
	sql_put_text(&sql, begin->by->request_id);
	sql_put_text(&sql, detail);
	undecided_put(&sql, begin);
	return sql_run(&sql, NULL);
}

static bool undecided_hold(struct db *db, const struct begin *begin, struct err *err)
{
	const char *code = reason_code(REASON_RESTORED_UNDECIDED);
	char detail[64];
	struct buf out = buf_of(detail, sizeof detail);
	if (!DEFENCE("undecided_is_held"))
		return true;
	buf_format(&out, "{\"code\":\"%s\"}", code);
	(void)buf_terminated(&out);
	if (!undecided_event(db, begin, detail, err) || !undecided_audit(db, begin, detail, err))
		return false;
	struct sql sql =
		sql_prepare(db,
			    "UPDATE withdrawals SET version = {next version}, wait_reason = '', "
			    "held_reason = ? WHERE " UNDECIDED,
			    err);
	sql_put_text(&sql, code);
	undecided_put(&sql, begin);
	return sql_run(&sql, NULL);
}

/* A loss of the life before lasts until people have let it pay again. */
static bool loss_is_open(struct db *db, bool *inout_lost, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT 1 FROM wallets WHERE stop_reason = ? OR stop_reason = ? LIMIT 1", err);
	sql_put_text(&sql, reason_code(REASON_RECOVERING));
	sql_put_text(&sql, reason_code(REASON_RECOVERED));
	*inout_lost |= sql_next(&sql);
	return sql_end(&sql);
}

/* What the backup had not compared yet lies above the first slot that is final in it, or else above
 * its finalized mark, if it has one: blocks are read from there on. Written down at once: monitors
 * raise the mark, and a recovery that was killed would begin above what it has not found. After the
 * open rows are locked: what becomes final now is known, or waits. */
static bool blocks_begin(struct db *db, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"UPDATE chains SET reconciled_block = COALESCE((SELECT MIN(t.mined_block) - 1 FROM "
		"transfers t WHERE t.chain_id = chains.chain_id AND t.stage = ? AND "
		"t.mined_block > 1), CASE finalized_mark WHEN 0 THEN 1 ELSE finalized_mark END) "
		"WHERE reconciled_block = 0",
		err);
	sql_put_i64(&sql, TRANSFER_FINAL);
	return sql_run(&sql, NULL);
}

static bool begin_write(struct db *db, void *context, struct err *err)
{
	struct begin *begin = context;
	struct store_incarnation last;
	char detail[96];
	struct buf out = buf_of(detail, sizeof detail);
	if (!wallets_lock(db, err) || !incarnation_load(db, &last, err))
		return false;
	begin->number = last.number < begin->number_min ? begin->number_min : last.number + 1;
	begin->journal_lost = begin->loses_journal;
	/* Above what was told in the lives between, too: a backup may be restored once more. */
	begin->jump = (begin->number - last.number) * RECOVER_VERSION_JUMP;
	if (last.journal_lost && !loss_is_open(db, &begin->journal_lost, err))
		return false;
	buf_format(&out, "{\"incarnation\":%llu,\"journal_lost\":%s}",
		   (unsigned long long)begin->number, begin->journal_lost ? "true" : "false");
	return incarnation_insert(db, begin, err) && wallets_stop(db, err) &&
	       open_rows_jump(db, begin, err) && blocks_begin(db, err) &&
	       undecided_hold(db, begin, err) &&
	       audit_add(db, "store_restored", (struct id){ 0 }, buf_terminated(&out), begin->by,
			 err);
}

bool store_sql_recover_begin(struct store *store, uint64_t number_min, bool journal_lost,
			     const struct store_by *by, uint64_t *ret_number, struct err *err)
{
	struct begin begin = { .number_min = number_min, .loses_journal = journal_lost, .by = by };
	if (!sql_write(db_of(store), begin_write, &begin, err))
		return false;
	*ret_number = begin.number;
	return true;
}

struct recover {
	int64_t wallet_id;
	uint64_t epoch;
	uint64_t recover_to;
	const struct store_by *by;
	bool done;
};

static bool fence(struct db *db, const struct recover *recover, struct err *err)
{
	enum store_write result = STORE_FENCED;
	if (!wallet_fence(db, recover->wallet_id, recover->epoch, false, &result, err))
		return false;
	if (result != STORE_WRITTEN)
		return err_set(err, ERR_REFUSED, "the wallet's lease is somebody else's now");
	return true;
}

static bool recover_write(struct db *db, void *context, struct err *err)
{
	struct recover *recover = context;
	if (!fence(db, recover, err))
		return false;
	struct sql sql =
		sql_prepare(db,
			    "UPDATE wallets SET recover_to = ? WHERE id = ? AND (recover_to = 0 OR "
			    "(recover_to > ? AND next_nonce < recover_to))",
			    err);
	sql_put_u64(&sql, recover->recover_to);
	sql_put_i64(&sql, recover->wallet_id);
	sql_put_u64(&sql, recover->recover_to);
	return sql_run(&sql, NULL);
}

bool store_sql_wallet_recover(struct store *store, int64_t wallet_id, uint64_t epoch,
			      uint64_t recover_to, struct err *err)
{
	struct recover recover = { wallet_id, epoch, recover_to, NULL, false };
	return sql_write(db_of(store), recover_write, &recover, err);
}

static bool recovered_write(struct db *db, void *context, struct err *err)
{
	struct recover *recover = context;
	char detail[64];
	struct buf out = buf_of(detail, sizeof detail);
	int64_t changed = 0;
	if (!fence(db, recover, err))
		return false;
	struct sql sql = sql_prepare(db,
				     "UPDATE wallets SET stop_reason = ? WHERE id = ? "
				     "AND stop_reason IN (?, ?) AND (entered = 0 OR "
				     "(recover_to > 0 AND next_nonce >= recover_to))",
				     err);
	sql_put_text(&sql, reason_code(REASON_RECOVERED));
	sql_put_i64(&sql, recover->wallet_id);
	sql_put_text(&sql, reason_code(REASON_RECOVERING));
	sql_put_text(&sql, reason_code(REASON_JOURNAL_IS_AHEAD));
	if (!sql_run_count(&sql, &changed))
		return false;
	recover->done = changed == 1;
	if (!recover->done)
		return true;
	buf_format(&out, "{\"wallet\":%d}", (int)recover->wallet_id);
	return audit_add(db, "wallet_recovered", (struct id){ 0 }, buf_terminated(&out),
			 recover->by, err);
}

bool store_sql_wallet_recovered(struct store *store, int64_t wallet_id, uint64_t epoch,
				const struct store_by *by, bool *ret_done, struct err *err)
{
	struct recover recover = { wallet_id, epoch, 0, by, false };
	if (!sql_write(db_of(store), recovered_write, &recover, err))
		return false;
	*ret_done = recover.done;
	return true;
}

/* ---- attempts that the chain knows ---- */

/* Has it ended as a stranger's, by this very transaction? Nobody has been told of what it paid, and
 * the monitor judges it anew: that is ours by now. Where it has a withdrawal, people are called. */
static bool ended_as_foreign(const struct store_import *item, const struct transfer *row)
{
	return row->stage == TRANSFER_FINAL && row->outcome == OUTCOME_FOREIGN &&
	       row->held_reason[0] == 0 && id_is_zero(row->withdrawal) &&
	       hash32_equal(row->mined_hash, item->attempt.tx_hash) &&
	       DEFENCE("foreign_is_reopened");
}

static bool import_reopen(struct db *db, const struct store_import *item, int64_t now_ms,
			  struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET stage = ?, outcome = 0, mined_hash = NULL, mined_block = 0, "
		"mined_block_hash = NULL, stage_at = ? WHERE id = ?",
		err);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	sql_put_i64(&sql, now_ms);
	sql_put_id(&sql, item->transfer);
	return sql_run(&sql, NULL);
}

/* Its bytes were out: it is in a block, or was. A monitor that saw it there first took it for a
 * stranger's. */
static bool import_stage(struct db *db, const struct store_import *item, int64_t now_ms,
			 struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET stage_at = CASE WHEN stage < ? THEN ? ELSE stage_at END, "
		"stage = CASE WHEN stage < ? THEN ? ELSE stage END, "
		"outcome = CASE WHEN mined_hash = ? THEN 0 ELSE outcome END, attempts = ?, "
		"wish = 0, sent_at = ?, version = {next version} WHERE id = ?",
		err);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	sql_put_i64(&sql, now_ms);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	sql_put_hash(&sql, item->attempt.tx_hash);
	sql_put_i64(&sql, item->attempt.number);
	sql_put_i64(&sql, now_ms);
	sql_put_id(&sql, item->transfer);
	return sql_run(&sql, NULL);
}

/* A slot that was believed to pay nobody turns out to be a payment. */
static bool import_payload(struct db *db, const struct store_import *item, struct err *err)
{
	const struct transfer *payload = &item->payload;
	if (item->attempt.is_cancel)
		return true;
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET is_cancel = 0, is_token = ?, destination = ?, receiver = ?, "
		"value = ?, amount = ?, payload_hash = ? WHERE id = ? AND is_cancel = 1",
		err);
	sql_put_i64(&sql, payload->is_token);
	sql_put_address(&sql, payload->to);
	sql_put_address(&sql, payload->receiver);
	sql_put_u256(&sql, payload->value.value);
	sql_put_u256(&sql, payload->amount.units);
	sql_put_hash(&sql, payload->payload_hash);
	sql_put_id(&sql, item->transfer);
	return sql_run(&sql, NULL);
}

static bool hash_exists(struct db *db, const struct store_import *item, bool *ret_exists,
			struct err *err)
{
	struct sql sql = sql_prepare(db, "SELECT 1 FROM attempts WHERE tx_hash = ?", err);
	sql_put_hash(&sql, item->attempt.tx_hash);
	*ret_exists = sql_next(&sql);
	return sql_end(&sql);
}

struct import {
	struct store_import *item;
	const struct store_by *by;
};

static bool import_write(struct db *db, void *context, struct err *err)
{
	const struct import *import = context;
	struct store_import *item = import->item;
	struct transfer row;
	bool found = false;
	bool conflict = false;
	if (!wallet_fence(db, item->wallet_id, item->epoch, false, &item->result, err))
		return false;
	if (item->result != STORE_WRITTEN)
		return true;
	if (!hash_exists(db, item, &found, err))
		return false;
	item->result = STORE_EXISTS;
	if (found)
		return true;
	item->result = STORE_MOVED;
	if (!transfer_load(db, item->transfer, &row, &found, err))
		return false;
	bool reopens = found && ended_as_foreign(item, &row);
	if (!found || row.version != item->version || row.wallet_id != item->wallet_id ||
	    (row.stage == TRANSFER_FINAL && !reopens) || row.attempts >= ATTEMPTS_MAX)
		return true;
	item->attempt.transfer = row.id;
	item->attempt.number = row.attempts + 1;
	item->attempt.reason = WISH_REASON_NONE;
	item->attempt.signed_at = item->attempt.sent_at = import->by->now_ms;
	if (!attempt_row_add(db, &item->attempt, &conflict, err))
		return false;
	if (conflict)
		return err_set(err, ERR_REFUSED, "the slot's attempts are not numbered in order");
	item->result = STORE_WRITTEN;
	return (!reopens || import_reopen(db, item, import->by->now_ms, err)) &&
	       import_stage(db, item, import->by->now_ms, err) && import_payload(db, item, err) &&
	       audit_add(db, "attempt_imported", row.id, "", import->by, err);
}

bool store_sql_import(struct store *store, struct store_import *item, const struct store_by *by,
		      struct err *err)
{
	struct import import = { item, by };
	return sql_write(db_of(store), import_write, &import, err);
}

/* ---- who was paid by a slot ---- */

static bool slot_bind(struct db *db, const struct store_binding *item, bool *ret_taken,
		      struct err *err)
{
	struct sql slot = sql_prepare(db,
				      "UPDATE transfers SET held_reason = '', "
				      "version = {next version} WHERE id = ?",
				      err);
	sql_put_id(&slot, item->transfer);
	if (!sql_run(&slot, NULL))
		return false;
	struct sql sql = sql_prepare(db,
				     "INSERT INTO transfer_items (transfer_id, position, "
				     "withdrawal_id, round) VALUES (?, 0, ?, ?)",
				     err);
	sql_put_id(&sql, item->transfer);
	sql_put_id(&sql, item->withdrawal);
	sql_put_i64(&sql, item->round);
	return sql_run(&sql, ret_taken);
}

static bool withdrawal_bind(struct db *db, const struct store_binding *item,
			    const struct transfer *slot, const struct store_by *by, struct err *err)
{
	char detail[128];
	struct buf out = buf_of(detail, sizeof detail);
	CHECK(lifecycle_withdrawal_allows(WITHDRAWAL_QUEUED, WITHDRAWAL_ASSIGNED, by->actor));
	struct sql sql = sql_prepare(
		db,
		"UPDATE withdrawals SET stage = ?, version = {next version}, transfer_id = ?, "
		"wait_reason = '', funds_since = 0, due_at = ?, updated_at = ? WHERE id = ?",
		err);
	sql_put_i64(&sql, WITHDRAWAL_ASSIGNED);
	sql_put_id(&sql, item->transfer);
	sql_put_i64(&sql, by->now_ms + lifecycle_due_in_ms(WITHDRAWAL_ASSIGNED));
	sql_put_i64(&sql, by->now_ms);
	sql_put_id(&sql, item->withdrawal);
	buf_format(&out, "{\"wallet\":\"%s\",\"nonce\":%llu,\"bound\":true}",
		   address_text(slot->wallet).at, (unsigned long long)slot->nonce);
	struct event_row event = { .withdrawal = item->withdrawal,
				   .sequence = item->version + 1,
				   .type = "assigned",
				   .stage = WITHDRAWAL_ASSIGNED,
				   .detail = buf_terminated(&out) };
	return sql_run(&sql, NULL) && event_row_add(db, &event, by, err);
}

static bool slot_is_unbound(const struct store_binding *item, const struct transfer *slot)
{
	return slot->version == item->transfer_version && slot->wallet_id == item->wallet_id &&
	       slot->stage == TRANSFER_MINED && !slot->is_cancel && id_is_zero(slot->withdrawal) &&
	       strcmp(slot->held_reason, reason_code(REASON_PAYOUT_UNBOUND)) == 0;
}

struct bind {
	struct store_binding *item;
	const struct store_by *by;
};

static bool bind_write(struct db *db, void *context, struct err *err)
{
	const struct bind *bind = context;
	struct store_binding *item = bind->item;
	struct transfer slot = { 0 };
	struct withdrawal row = { 0 };
	bool has_slot = false;
	bool has_row = false;
	bool taken = false;
	if (!wallet_fence(db, item->wallet_id, item->epoch, false, &item->result, err) ||
	    !message_end(db, &item->ack, bind->by->now_ms, err))
		return false;
	if (item->result != STORE_WRITTEN)
		return true;
	if (!transfer_load(db, item->transfer, &slot, &has_slot, err) ||
	    !withdrawal_load(db, item->withdrawal, &row, &has_row, err))
		return false;
	item->result = STORE_MOVED;
	if (!has_slot || !slot_is_unbound(item, &slot) || !has_row ||
	    row.version != item->version || row.stage != WITHDRAWAL_QUEUED ||
	    row.round != item->round || row.held_reason[0] != 0)
		return true;
	if (!slot_bind(db, item, &taken, err))
		return false;
	if (taken)
		return err_set(err, ERR_REFUSED, "the round of the withdrawal has a slot already");
	item->result = STORE_WRITTEN;
	return withdrawal_bind(db, item, &slot, bind->by, err) &&
	       audit_add(db, "slot_bound", slot.id, "", bind->by, err) &&
	       message_put(db, QUEUE_MONITOR, row.intent.id, row.correlation_id, bind->by->now_ms,
			   err);
}

bool store_sql_bind(struct store *store, struct store_binding *item, const struct store_by *by,
		    struct err *err)
{
	struct bind bind = { item, by };
	return sql_write(db_of(store), bind_write, &bind, err);
}

bool store_sql_of_slot(struct store *store, int64_t wallet_id, uint64_t nonce,
		       struct transfer *ret_row, bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT " TRANSFER_COLUMNS TRANSFER_FROM
				     "WHERE t.wallet_id = ? AND t.nonce = ?",
				     err);
	sql_put_i64(&sql, wallet_id);
	sql_put_u64(&sql, nonce);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		transfer_take(&sql, ret_row);
	return sql_end(&sql);
}

bool store_sql_open_rows(struct store *store, struct id after, struct id *ret_ids, size_t cap,
			 size_t *ret_len, struct err *err)
{
	size_t len = 0;
	struct sql sql = sql_prepare(
		db_of(store),
		"SELECT id FROM withdrawals WHERE due_at IS NOT NULL AND id > ? ORDER BY id LIMIT ?",
		err);
	sql_put_bytes(&sql, after.bytes, sizeof after.bytes);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		ret_ids[len++] = sql_take_id(&sql);
	*ret_len = len;
	return sql_end(&sql);
}

bool store_sql_reconciled(struct store *store, uint64_t chain_id, uint64_t *ret_block,
			  struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT reconciled_block FROM chains WHERE chain_id = ?", err);
	sql_put_u64(&sql, chain_id);
	*ret_block = sql_next(&sql) ? sql_take_u64(&sql) : 0;
	return sql_end(&sql);
}

struct reconciled {
	const struct store_lease *lease;
	uint64_t chain_id;
	uint64_t block;
	bool held;
};

static bool reconciled_write(struct db *db, void *context, struct err *err)
{
	struct reconciled *reconciled = context;
	if (!lease_fence(db, reconciled->lease, &reconciled->held, err))
		return false;
	if (!reconciled->held)
		return err_set(err, ERR_NOT_DONE, "somebody else watches the chain by now");
	struct sql sql = sql_prepare(db,
				     "UPDATE chains SET reconciled_block = ? WHERE chain_id = ? "
				     "AND reconciled_block < ?",
				     err);
	sql_put_u64(&sql, reconciled->block);
	sql_put_u64(&sql, reconciled->chain_id);
	sql_put_u64(&sql, reconciled->block);
	return sql_run(&sql, NULL);
}

bool store_sql_reconciled_raise(struct store *store, uint64_t chain_id, uint64_t block,
				const struct store_lease *lease, struct err *err)
{
	struct reconciled reconciled = { lease, chain_id, block, false };
	return sql_write(db_of(store), reconciled_write, &reconciled, err);
}
