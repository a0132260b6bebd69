#include "adapter/journal_sql.h"

#include "adapter/journal_sql_control.h"
#include "adapter/journal_sql_feed.h"
#include "adapter/journal_sql_row.h"
#include "base/defence.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

struct journal_sql {
	struct journal base;
	struct db *db;
	const uint8_t *key;
	struct journal_head head; /* as of the last commit or walk of this process */
	uint8_t meta_mac[32];     /* where the chain starts */
};

static struct journal_sql *journal_sql_of(struct journal *journal)
{
	return (struct journal_sql *)journal;
}

/* Others commit while we wait for our turn, and then it is another one. With ten signers that do
 * nothing else one misses so many in a row never. */
#define TURN_TRIES_MAX 200

/* --- append -------------------------------------------------------------------------------------
 */

/* What stands in the journal about one entry, and what of it is still to be written. */
struct entry_state {
	bool different;
	bool has_cancel;
	bool write_slot;
	bool write_right;
	bool write_attempt;
	bool write_resolution;
	bool write_feed;
	bool write_controls;
};

/* All but the time: an entry that is derived again after a crash carries a later one. */
static bool rights_equal(const struct journal_right *a, const struct journal_right *b)
{
	return id_equal(a->withdrawal, b->withdrawal) && a->round == b->round &&
	       memcmp(a->pay_tag, b->pay_tag, sizeof a->pay_tag) == 0 && a->is_void == b->is_void &&
	       strcmp(a->void_stage, b->void_stage) == 0 &&
	       strcmp(a->void_code, b->void_code) == 0 && a->chain_id == b->chain_id &&
	       (a->is_void || slots_equal(&a->slot, &b->slot)) &&
	       address_equal(a->asset, b->asset) && amount_compare(a->amount, b->amount) == 0;
}

static struct sql select_slot_rows(struct journal_sql *journal, const struct journal_slot *slot,
				   struct err *err)
{
	struct sql sql = sql_prepare(journal->db,
				     "SELECT " JOURNAL_SLOT_COLUMNS
				     " FROM slots WHERE chain_id = ? AND wallet = ? AND nonce = ?",
				     err);

	sql_put_u64(&sql, slot->chain_id);
	sql_put_address(&sql, slot->wallet);
	sql_put_u64(&sql, slot->nonce);
	return sql;
}

static bool look_at_slot(struct journal_sql *journal, const struct journal_entry *entry,
			 struct entry_state *state, struct err *err)
{
	struct sql sql = select_slot_rows(journal, &entry->slot, err);
	struct journal_slot_row row;
	bool verified = true;

	state->write_slot = true;
	while (verified && sql_next(&sql)) {
		verified = journal_slot_take(&sql, journal->key, &row, err);
		if (!verified)
			break;
		state->has_cancel |= row.kind == JOURNAL_CANCEL;
		if (row.kind != entry->kind)
			continue;
		state->write_slot = false;
		state->different |= !hash32_equal(row.payload_hash, entry->payload_hash);
	}
	return sql_end(&sql) && verified;
}

static bool look_at_attempt(struct journal_sql *journal, const struct journal_entry *entry,
			    struct entry_state *state, struct err *err)
{
	struct sql sql = sql_prepare(journal->db,
				     "SELECT " JOURNAL_ATTEMPT_COLUMNS
				     " FROM attempts WHERE chain_id = ? AND wallet = ? AND "
				     "nonce = ? AND number = ?",
				     err);
	struct journal_attempt_row row;
	bool verified = true;

	sql_put_u64(&sql, entry->slot.chain_id);
	sql_put_address(&sql, entry->slot.wallet);
	sql_put_u64(&sql, entry->slot.nonce);
	sql_put_u64(&sql, entry->attempt_number);
	state->write_attempt = !sql_next(&sql);
	if (!sql.failed && !state->write_attempt) {
		verified = journal_attempt_take(&sql, journal->key, &row, err);
		if (verified)
			state->different |= wei_compare(row.fee_ceiling, entry->fee_ceiling) != 0;
	}
	return sql_end(&sql) && verified;
}

/* Under the withdrawal's id or its tag, in the order of rounds. */
static struct sql select_right_rows(struct journal_sql *journal, const struct id *withdrawal,
				    const uint8_t pay_tag[32], struct err *err)
{
	struct sql sql = sql_prepare(journal->db,
				     "SELECT " JOURNAL_RIGHT_COLUMNS
				     " FROM rights WHERE withdrawal = ? OR pay_tag = ? "
				     "ORDER BY round, sequence",
				     err);

	sql_put_bytes(&sql, withdrawal->bytes, sizeof withdrawal->bytes);
	sql_put_bytes(&sql, pay_tag, 32);
	return sql;
}

static bool look_at_right(struct journal_sql *journal, const struct journal_entry *entry,
			  struct entry_state *state, struct err *err)
{
	const struct journal_right *right = &entry->right;
	struct sql sql = select_right_rows(journal, &right->withdrawal, right->pay_tag, err);
	struct journal_right_row row;
	bool verified = true, ended = false;

	state->write_right = true;
	while (verified && sql_next(&sql)) {
		verified = journal_right_take(&sql, journal->key, &row, err);
		if (!verified)
			break;
		ended |= row.right.is_void;
		if (row.right.round != right->round)
			continue;
		state->write_right = false;
		state->different |= !rights_equal(&row.right, right);
	}
	/* A void ends all rounds. */
	state->different |= state->write_right && ended;
	return sql_end(&sql) && verified;
}

static bool resolutions_equal(const struct journal_resolution *a,
			      const struct journal_resolution *b)
{
	return id_equal(a->withdrawal, b->withdrawal) && a->round == b->round &&
	       a->is_paid == b->is_paid && a->chain_id == b->chain_id &&
	       hash32_equal(a->tx_hash, b->tx_hash);
}

/* Of this round, or of this transaction. */
static bool look_at_resolution(struct journal_sql *journal, const struct journal_entry *entry,
			       struct entry_state *state, struct err *err)
{
	const struct journal_resolution *resolution = &entry->resolution;
	struct sql sql = sql_prepare(journal->db,
				     "SELECT " JOURNAL_RESOLUTION_COLUMNS
				     " FROM resolutions WHERE (withdrawal = ? AND round = ?) OR "
				     "(chain_id = ? AND tx_hash = ? AND is_paid = ?)",
				     err);
	struct journal_resolution_row row;
	bool verified = true;

	sql_put_id(&sql, resolution->withdrawal);
	sql_put_u64(&sql, resolution->round);
	sql_put_u64(&sql, resolution->chain_id);
	sql_put_hash(&sql, resolution->tx_hash);
	sql_put_i64(&sql, resolution->is_paid);
	state->write_resolution = true;
	while (sql_next(&sql)) {
		verified = journal_resolution_take(&sql, journal->key, &row, err);
		if (!verified)
			break;
		state->write_resolution = false;
		state->different |= !resolutions_equal(&row.resolution, resolution) &&
				    DEFENCE("one_round_per_transaction");
	}
	return sql_end(&sql) && verified;
}

/* What was seen of the store. */
static bool look_at_seen(struct journal_sql *journal, const struct journal_entry *entry,
			 struct entry_state *state, struct err *err)
{
	return (!entry->has_feed_head ||
		journal_feed_look(journal->db, journal->key, &entry->feed_head.head,
				  &state->write_feed, &state->different, err)) &&
	       (!entry->has_controls ||
		journal_controls_look(journal->db, journal->key, &entry->controls,
				      &state->write_controls, &state->different, err));
}

static bool look_at_entry(struct journal_sql *journal, const struct journal_entry *entry,
			  struct entry_state *ret_state, struct err *err)
{
	struct entry_state state = { 0 };
	bool writes;

	if (entry->has_slot && !look_at_slot(journal, entry, &state, err))
		return false;
	if (entry->has_attempt && !look_at_attempt(journal, entry, &state, err))
		return false;
	if (entry->has_right && !look_at_right(journal, entry, &state, err))
		return false;
	if (entry->has_resolution && !look_at_resolution(journal, entry, &state, err))
		return false;
	if (!look_at_seen(journal, entry, &state, err))
		return false;
	/* Once a slot has a cancel row it signs cancellations only. */
	writes = state.write_slot || state.write_right || state.write_attempt;
	if (entry->has_slot && entry->kind == JOURNAL_PAY && !entry->is_on_chain)
		state.different |= DEFENCE("after_cancel_no_payment") && state.has_cancel && writes;
	*ret_state = state;
	return true;
}

static bool write_entry(struct journal_sql *journal, const struct journal_entry *entry,
			const struct entry_state *state, struct journal_head *head, struct err *err)
{
	struct journal_slot_row slot = { .slot = entry->slot,
					 .kind = entry->kind,
					 .payload_hash = entry->payload_hash };
	struct journal_right_row right = { .right = entry->right };
	struct journal_attempt_row attempt = { .slot = entry->slot,
					       .number = entry->attempt_number,
					       .fee_ceiling = entry->fee_ceiling };
	struct journal_resolution_row resolution = { .resolution = entry->resolution };
	struct journal_feed_row feed = { .head = entry->feed_head };
	struct journal_controls_row controls = { .controls = entry->controls };

	if (state->write_slot && !journal_slot_insert(journal->db, journal->key, head, &slot, err))
		return false;
	if (state->write_right &&
	    !journal_right_insert(journal->db, journal->key, head, &right, err))
		return false;
	if (state->write_attempt &&
	    !journal_attempt_insert(journal->db, journal->key, head, &attempt, err))
		return false;
	if (state->write_resolution &&
	    !journal_resolution_insert(journal->db, journal->key, head, &resolution, err))
		return false;
	if (state->write_feed && !journal_feed_insert(journal->db, journal->key, head, &feed, err))
		return false;
	return !state->write_controls ||
	       journal_controls_insert(journal->db, journal->key, head, &controls, err);
}

static bool append_entry(struct journal_sql *journal, const struct journal_entry *entry,
			 struct journal_head *head, enum journal_verdict *ret_verdict,
			 struct err *err)
{
	struct entry_state state;

	if (!look_at_entry(journal, entry, &state, err))
		return false;
	if (state.different) {
		*ret_verdict = JOURNAL_DIFFERENT;
		return true;
	}
	if (!state.write_slot && !state.write_right && !state.write_attempt &&
	    !state.write_resolution && !state.write_feed && !state.write_controls) {
		*ret_verdict = JOURNAL_EQUAL;
		return true;
	}
	if (!write_entry(journal, entry, &state, head, err))
		return false;
	*ret_verdict = JOURNAL_WRITTEN;
	return true;
}

/* Nobody has anything of them. */
static bool append_new(struct journal_sql *journal, const struct journal_entry *entries, size_t n,
		       struct journal_head *head, enum journal_verdict *ret_verdicts,
		       struct err *err)
{
	const struct entry_state all = { .write_slot = true,
					 .write_right = true,
					 .write_attempt = true };

	for (size_t i = 0; i < n; i++) {
		if (!write_entry(journal, &entries[i], &all, head, err))
			return false;
		ret_verdicts[i] = JOURNAL_WRITTEN;
	}
	return true;
}

/* Another process may have appended since: its rows are verified, and ours go behind them. */
static bool find_head(struct journal_sql *journal, struct err *err)
{
	int64_t last;
	bool is_kept;

	if (!journal_last_sequence(journal->db, &last, err) ||
	    !journal_head_is_kept(journal->db, &journal->head, &is_kept, err))
		return false;
	if (last < journal->head.sequence)
		return err_set(err, ERR_REFUSED, "journal: rows after %lld were removed",
			       (long long)last);
	if (DEFENCE("journal_head_is_kept") && !is_kept)
		return err_set(err, ERR_REFUSED, "journal: row %lld is another one than it was",
			       (long long)journal->head.sequence);
	return journal_walk(journal->db, journal->key, &journal->head, last, false, err);
}

/* From here to the commit nobody else appends: who has found the same head waits at this row, and
 * meets it, or (when we roll back) has the turn. */
static bool take_turn(struct journal_sql *journal, bool *ret_missed, struct err *err)
{
	struct sql sql = sql_prepare(journal->db, "INSERT INTO turns (first) VALUES (?)", err);

	sql_put_i64(&sql, journal->head.sequence + 1);
	if (!sql_run(&sql, ret_missed))
		return false;
	return !*ret_missed || err_set(err, ERR_NOT_DONE, "journal: others go on appending to it");
}

static bool append_entries(struct journal_sql *journal, const struct journal_entry *entries,
			   size_t n, struct journal_head *ret_head,
			   enum journal_verdict *ret_verdicts, bool *ret_missed, struct err *err)
{
	bool fresh = false;

	if (!find_head(journal, err) || !take_turn(journal, ret_missed, err) ||
	    !journal_are_new(journal->db, entries, n, &fresh, err))
		return false;
	*ret_head = journal->head;
	if (fresh)
		return append_new(journal, entries, n, ret_head, ret_verdicts, err);
	for (size_t i = 0; i < n; i++)
		if (!append_entry(journal, &entries[i], ret_head, &ret_verdicts[i], err))
			return false;
	return true;
}

/* *ret_again: others were in the way. */
static bool append_once(struct journal_sql *journal, const struct journal_entry *entries, size_t n,
			enum journal_verdict *ret_verdicts, bool *ret_again, struct err *err)
{
	enum journal_verdict verdicts[BATCH_MAX];
	struct journal_head head;
	bool missed = false;

	*ret_again = false;
	if (!db_begin(journal->db, true, err))
		return false;
	if (!append_entries(journal, entries, n, &head, verdicts, &missed, err)) {
		db_rollback(journal->db);
		*ret_again = missed || db_may_repeat(journal->db);
		return false;
	}
	if (head.sequence == journal->head.sequence) {
		db_rollback(journal->db); /* nothing new: what is there is durable already */
	} else if (!db_commit(journal->db, err)) {
		*ret_again = db_may_repeat(journal->db);
		return false;
	}
	journal->head = head;
	memcpy(ret_verdicts, verdicts, n * sizeof verdicts[0]);
	return true;
}

static bool journal_sql_append_many(struct journal *base, const struct journal_entry *entries,
				    size_t n, enum journal_verdict *ret_verdicts, struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	bool again = true;

	CHECK(n <= BATCH_MAX);
	for (int tries = 0; again && tries < TURN_TRIES_MAX; tries++)
		if (append_once(journal, entries, n, ret_verdicts, &again, err))
			return true;
	return false;
}

/* --- reading ------------------------------------------------------------------------------------
 */

static bool journal_sql_rights_of(struct journal *base, struct id withdrawal,
				  const uint8_t pay_tag[32], struct journal_right *ret_rights,
				  size_t cap, size_t *ret_len, struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	struct sql sql = select_right_rows(journal, &withdrawal, pay_tag, err);
	struct journal_right_row row;
	bool verified = true;
	size_t len = 0;

	while (len < cap && sql_next(&sql)) {
		verified = journal_right_take(&sql, journal->key, &row, err);
		if (!verified)
			break;
		ret_rights[len++] = row.right;
	}
	if (!sql_end(&sql) || !verified)
		return false;
	*ret_len = len;
	return true;
}

static bool journal_sql_rights_any(struct journal *base, const struct journal_name *names, size_t n,
				   bool *ret_any, struct err *err)
{
	return journal_names_any(journal_sql_of(base)->db, names, n, ret_any, err);
}

static bool attempts_of(struct journal_sql *journal, const struct journal_slot *slot,
			struct wei *ret_fee_ceiling_max, uint32_t *ret_attempts, struct err *err)
{
	struct sql sql = sql_prepare(journal->db,
				     "SELECT " JOURNAL_ATTEMPT_COLUMNS " FROM attempts WHERE "
				     "chain_id = ? AND wallet = ? AND nonce = ? ORDER BY number",
				     err);
	struct wei highest = { u256_zero() };
	struct journal_attempt_row row;
	uint32_t attempts = 0;
	bool verified = true;

	sql_put_u64(&sql, slot->chain_id);
	sql_put_address(&sql, slot->wallet);
	sql_put_u64(&sql, slot->nonce);
	while (sql_next(&sql)) {
		verified = journal_attempt_take(&sql, journal->key, &row, err);
		if (!verified)
			break;
		attempts = row.number;
		if (wei_compare(row.fee_ceiling, highest) > 0)
			highest = row.fee_ceiling;
	}
	if (!sql_end(&sql) || !verified)
		return false;
	*ret_fee_ceiling_max = highest;
	*ret_attempts = attempts;
	return true;
}

static bool journal_sql_slot_of(struct journal *base, const struct journal_slot *slot,
				bool *ret_has_pay, bool *ret_has_cancel,
				struct hash32 *ret_pay_hash, struct wei *ret_fee_ceiling_max,
				uint32_t *ret_attempts, struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	struct sql sql = select_slot_rows(journal, slot, err);
	bool verified = true, has_pay = false, has_cancel = false;
	struct hash32 pay_hash = { 0 };
	struct journal_slot_row row;

	while (sql_next(&sql)) {
		verified = journal_slot_take(&sql, journal->key, &row, err);
		if (!verified)
			break;
		if (row.kind == JOURNAL_PAY || (row.kind == JOURNAL_FOREIGN && !has_pay))
			pay_hash = row.payload_hash;
		has_pay |= row.kind == JOURNAL_PAY;
		has_cancel |= row.kind == JOURNAL_CANCEL;
	}
	if (!sql_end(&sql) || !verified)
		return false;
	if (!attempts_of(journal, slot, ret_fee_ceiling_max, ret_attempts, err))
		return false;
	*ret_has_pay = has_pay;
	*ret_has_cancel = has_cancel;
	*ret_pay_hash = pay_hash;
	return true;
}

/* Read before the rights that it bounds: what is appended in between is behind it. */
static bool last_right(struct journal_sql *journal, int64_t *ret_sequence, struct err *err)
{
	struct sql sql = sql_prepare(journal->db, "SELECT max(sequence) FROM rights", err);
	int64_t sequence = sql_next(&sql) ? sql_take_i64(&sql) : 0;

	if (!sql_end(&sql))
		return false;
	*ret_sequence = sequence;
	return true;
}

/* Adds the rights of a span, up to a place in the journal, to the total or (if there is one) to the
 * window. */
static bool purse_add_up(struct journal_sql *journal, const struct journal_purse *purse,
			 const struct journal_span *span, int64_t last, struct amount *total,
			 struct limit_window *window, struct err *err)
{
	struct sql sql = sql_prepare(journal->db,
				     "SELECT " JOURNAL_RIGHT_COLUMNS
				     " FROM rights WHERE wallet = ? AND chain_id = ? AND "
				     "asset = ? AND time_ms >= ? AND withdrawal > ? AND "
				     "sequence <= ?",
				     err);
	struct journal_right_row row;
	bool verified = true;

	sql_put_address(&sql, purse->wallet);
	sql_put_u64(&sql, purse->chain_id);
	sql_put_address(&sql, purse->asset);
	sql_put_i64(&sql, span->since_ms);
	sql_put_bytes(&sql, span->above.bytes, sizeof span->above.bytes);
	sql_put_i64(&sql, last);
	while (verified && sql_next(&sql)) {
		verified = journal_right_take(&sql, journal->key, &row, err);
		if (!verified)
			break;
		/* At the end of the range "as much as can be written" is above every limit. */
		total->units = u256_add_saturated(total->units, row.right.amount.units);
		if (window)
			limit_window_add(window, row.right.time_ms, row.right.amount);
	}
	return sql_end(&sql) && verified;
}

static bool journal_sql_sum(struct journal *base, const struct journal_purse *purse,
			    const struct journal_span *span, struct amount *ret_total,
			    int64_t *ret_sequence, struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	struct amount total = { u256_zero() };
	int64_t last;

	if (!last_right(journal, &last, err) ||
	    !purse_add_up(journal, purse, span, last, &total, NULL, err))
		return false;
	*ret_total = total;
	*ret_sequence = last;
	return true;
}

static bool journal_sql_window(struct journal *base, const struct journal_purse *purse,
			       int64_t now_ms, struct limit_window *ret_window,
			       int64_t *ret_sequence, struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	const struct journal_span day = { .since_ms = limit_window_since(now_ms) };
	struct amount total = { u256_zero() };
	int64_t last;

	limit_window_reset(ret_window, now_ms);
	if (!last_right(journal, &last, err) ||
	    !purse_add_up(journal, purse, &day, last, &total, ret_window, err))
		return false;
	*ret_sequence = last;
	return true;
}

static bool journal_sql_rights_after(struct journal *base, int64_t sequence,
				     struct journal_listed *ret_rights, size_t cap, size_t *ret_len,
				     struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	struct sql sql = sql_prepare(journal->db,
				     "SELECT " JOURNAL_RIGHT_COLUMNS
				     " FROM rights WHERE sequence > ? ORDER BY sequence LIMIT ?",
				     err);
	struct journal_right_row row;
	bool verified = true;
	size_t len = 0;

	sql_put_i64(&sql, sequence);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql)) {
		verified = journal_right_take(&sql, journal->key, &row, err);
		if (!verified)
			break;
		ret_rights[len].sequence = row.link.sequence;
		ret_rights[len++].right = row.right;
	}
	if (!sql_end(&sql) || !verified)
		return false;
	*ret_len = len;
	return true;
}

static bool journal_sql_next_nonce(struct journal *base, uint64_t chain_id, struct address wallet,
				   bool *ret_any, uint64_t *ret_next_nonce, struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	struct sql sql = sql_prepare(journal->db,
				     "SELECT " JOURNAL_SLOT_COLUMNS " FROM slots WHERE "
				     "chain_id = ? AND wallet = ? ORDER BY nonce DESC LIMIT 1",
				     err);
	struct journal_slot_row row = { 0 };
	bool verified = true, any;

	sql_put_u64(&sql, chain_id);
	sql_put_address(&sql, wallet);
	any = sql_next(&sql);
	if (any)
		verified = journal_slot_take(&sql, journal->key, &row, err);
	if (!sql_end(&sql) || !verified)
		return false;
	*ret_any = any;
	*ret_next_nonce = any ? row.slot.nonce + 1 : 0;
	return true;
}

static bool journal_sql_resolution_of(struct journal *base, struct id withdrawal, uint32_t round,
				      bool *ret_any, struct journal_resolution *ret_resolution,
				      struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	struct sql sql = sql_prepare(journal->db,
				     "SELECT " JOURNAL_RESOLUTION_COLUMNS
				     " FROM resolutions WHERE withdrawal = ? AND round = ?",
				     err);
	struct journal_resolution_row row = { 0 };
	bool verified = true, any;

	sql_put_id(&sql, withdrawal);
	sql_put_u64(&sql, round);
	any = sql_next(&sql);
	if (any)
		verified = journal_resolution_take(&sql, journal->key, &row, err);
	if (!sql_end(&sql) || !verified)
		return false;
	*ret_any = any;
	*ret_resolution = row.resolution;
	return true;
}

static bool journal_sql_feed_heads_after(struct journal *base, int64_t sequence,
					 struct journal_feed_head *ret_heads, size_t cap,
					 size_t *ret_len, struct err *err)
{
	struct journal_sql *self = journal_sql_of(base);
	return journal_feed_after(self->db, self->key, sequence, ret_heads, cap, ret_len, err);
}

static bool journal_sql_feed_head_last(struct journal *base, bool *ret_any,
				       struct journal_feed_head *ret_head, struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	return journal_feed_last(journal->db, journal->key, ret_any, ret_head, err);
}

static bool journal_sql_controls_last(struct journal *base, bool *ret_any,
				      struct journal_controls *ret_controls, struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	return journal_controls_newest(journal->db, journal->key, ret_any, ret_controls, err);
}

/* --- open, close, verify ------------------------------------------------------------------------
 */

static void journal_sql_close(struct journal *base)
{
	struct journal_sql *journal = journal_sql_of(base);

	db_close(journal->db);
	free(journal);
}

static const struct journal_ops journal_sql_ops = {
	.append_many = journal_sql_append_many,
	.rights_of = journal_sql_rights_of,
	.rights_any = journal_sql_rights_any,
	.slot_of = journal_sql_slot_of,
	.sum = journal_sql_sum,
	.window = journal_sql_window,
	.rights_after = journal_sql_rights_after,
	.next_nonce = journal_sql_next_nonce,
	.resolution_of = journal_sql_resolution_of,
	.feed_heads_after = journal_sql_feed_heads_after,
	.feed_head_last = journal_sql_feed_head_last,
	.controls_last = journal_sql_controls_last,
	.close = journal_sql_close,
};

/* Pins the deployment in a new journal, unless another signer is just doing it. One that has rows
 * but no pin was tampered with. */
static bool pin_deployment(struct journal_sql *journal, struct id deployment, struct err *err)
{
	struct sql sql;
	int64_t last;
	bool taken;

	if (!journal_last_sequence(journal->db, &last, err))
		return false;
	if (last != 0)
		return err_set(err, ERR_REFUSED, "journal: its deployment was removed");
	sql = sql_prepare(journal->db, "INSERT INTO meta (id, deployment, mac) VALUES (0, ?, ?)",
			  err);
	sql_put_id(&sql, deployment);
	sql_put_bytes(&sql, journal->meta_mac, sizeof journal->meta_mac);
	return sql_run(&sql, &taken);
}

static bool load_deployment(struct journal_sql *journal, struct id *ret_pinned, uint8_t ret_mac[32],
			    bool *ret_any, struct err *err)
{
	struct sql sql =
		sql_prepare(journal->db, "SELECT deployment, mac FROM meta WHERE id = 0", err);

	*ret_any = sql_next(&sql);
	if (*ret_any) {
		*ret_pinned = sql_take_id(&sql);
		sql_take_bytes(&sql, ret_mac, 32);
	}
	return sql_end(&sql);
}

static bool check_deployment(struct journal_sql *journal, struct id deployment, struct err *err)
{
	struct id pinned = { 0 };
	uint8_t mac[32] = { 0 };
	bool any;

	if (!load_deployment(journal, &pinned, mac, &any, err))
		return false;
	if (!any && (!pin_deployment(journal, deployment, err) ||
		     !load_deployment(journal, &pinned, mac, &any, err)))
		return false;
	CHECK(any);
	if (!id_equal(pinned, deployment))
		return err_set(err, ERR_REFUSED, "journal: belongs to deployment %s, not to %s",
			       id_text(pinned).at, id_text(deployment).at);
	if (!bytes_equal_constant_time(mac, journal->meta_mac, sizeof mac))
		return err_set(err, ERR_REFUSED, "journal: made with another key, or edited");
	return true;
}

static bool check_tail(struct journal_sql *journal, struct err *err)
{
	int64_t last;
	bool is_tail;

	if (!journal_last_sequence(journal->db, &last, err))
		return false;
	is_tail = last > JOURNAL_SQL_TAIL;
	journal->head.sequence = is_tail ? last - JOURNAL_SQL_TAIL : 0;
	memcpy(journal->head.mac, journal->meta_mac, sizeof journal->head.mac);
	return journal_walk(journal->db, journal->key, &journal->head, last, is_tail, err);
}

static bool open_in_transaction(struct journal_sql *journal,
				const struct journal_sql_options *options, struct err *err)
{
	return (options->is_made || journal_sql_create(journal->db, err)) &&
	       check_deployment(journal, options->deployment, err) && check_tail(journal, err);
}

bool journal_sql_open(struct db *db, const struct journal_sql_options *options,
		      struct journal **ret_journal, struct err *err)
{
	struct journal_sql *journal;

	CHECK(db && options && options->mac_key && !id_is_zero(options->deployment));
	if (!db_begin(db, true, err))
		return false;
	journal = calloc(1, sizeof *journal);
	CHECK(journal);
	journal->base.ops = &journal_sql_ops;
	journal->db = db;
	journal->key = options->mac_key;
	journal_meta_mac(journal->key, options->deployment, journal->meta_mac);
	if (!open_in_transaction(journal, options, err)) {
		db_rollback(db);
		free(journal);
		return false;
	}
	if (!db_commit(db, err)) {
		free(journal);
		return false;
	}
	*ret_journal = &journal->base;
	return true;
}

bool journal_sql_verify(struct journal *base, int64_t *ret_rows, struct err *err)
{
	struct journal_sql *journal = journal_sql_of(base);
	struct journal_head head = { 0 };
	int64_t last;
	bool verified;

	memcpy(head.mac, journal->meta_mac, sizeof head.mac);
	if (!db_begin(journal->db, false, err))
		return false;
	verified = journal_last_sequence(journal->db, &last, err) &&
		   journal_walk(journal->db, journal->key, &head, last, false, err);
	db_rollback(journal->db);
	if (!verified)
		return false;
	if (last < journal->head.sequence)
		return err_set(err, ERR_REFUSED, "journal: rows after %lld were removed",
			       (long long)last);
	*ret_rows = last;
	return true;
}
