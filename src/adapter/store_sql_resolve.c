/* The exits for people: what each of them decided, and what the signer made of it once two agreed.
 * A case is a withdrawal (and its slot) at a version: whatever has changed since, the decision is
 * not about that any more. */
#include "adapter/store_sql_parts.h"
#include "adapter/store_sql_room.h"

#include "base/defence.h"
#include "base/json.h"
#include "core/reason.h"

#include <string.h>

#define DECISION_COLUMNS                                                                 \
	"withdrawal_id, transfer_id, version, shown, person, key_id, verdict, tx_hash, " \
	"decided_at, mac_key_id, mac"

/* ---- decisions ---- */

static void case_put(struct sql *sql, const struct resolve_case *of)
{
	sql_put_bytes(sql, of->withdrawal.bytes, ID_BYTES);
	sql_put_bytes(sql, of->transfer.bytes, ID_BYTES);
	sql_put_u64(sql, of->version);
	sql_put_hash(sql, of->shown);
}

static void decision_take(struct sql *sql, struct decision *ret_decision)
{
	memset(ret_decision, 0, sizeof *ret_decision);
	sql_take_bytes(sql, ret_decision->of.withdrawal.bytes, ID_BYTES);
	sql_take_bytes(sql, ret_decision->of.transfer.bytes, ID_BYTES);
	ret_decision->of.version = sql_take_u64(sql);
	ret_decision->of.shown = sql_take_hash(sql);
	sql_take_text(sql, ret_decision->person, sizeof ret_decision->person);
	sql_take_text(sql, ret_decision->key_id, sizeof ret_decision->key_id);
	ret_decision->verdict = (enum resolve_verdict)sql_take_i64(sql);
	ret_decision->tx_hash = sql_take_hash(sql);
	ret_decision->decided_at = sql_take_i64(sql);
	ret_decision->mac = sql_take_mac(sql);
}

/* Row and slot of a case as they stand now. */
struct standing {
	bool has_row;
	struct withdrawal row;
	bool has_slot;
	struct transfer slot;
	struct id paid_from; /* the final slot of the row that was mined with the named hash, or
				the one that the row is bound to; or zero */
	bool binds;
};

static bool case_stands(const struct resolve_case *of, const struct standing *now)
{
	if (!now->has_row && !now->has_slot)
		return false;
	struct resolve_case stands =
		resolve_case_of(now->has_row ? &now->row : NULL, now->has_slot ? &now->slot : NULL);
	return resolve_case_equal(of, &stands);
}

static bool standing_load(struct db *db, const struct resolve_case *of, struct standing *ret_now,
			  bool *ret_current, struct err *err)
{
	memset(ret_now, 0, sizeof *ret_now);
	if (!id_is_zero(of->withdrawal) &&
	    !withdrawal_load(db, of->withdrawal, &ret_now->row, &ret_now->has_row, err))
		return false;
	if (!id_is_zero(of->transfer) &&
	    !transfer_load(db, of->transfer, &ret_now->slot, &ret_now->has_slot, err))
		return false;
	bool whole = ret_now->has_row == !id_is_zero(of->withdrawal) &&
		     ret_now->has_slot == !id_is_zero(of->transfer);
	*ret_current = whole && case_stands(of, ret_now) &&
		       (!ret_now->has_slot || id_equal(ret_now->slot.withdrawal, of->withdrawal));
	return true;
}

static bool decision_write(struct db *db, const struct decision *decision, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "REPLACE INTO decisions (" DECISION_COLUMNS
				     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				     err);
	case_put(&sql, &decision->of);
	sql_put_text(&sql, decision->person);
	sql_put_text(&sql, decision->key_id);
	sql_put_i64(&sql, decision->verdict);
	sql_put_bytes(&sql, decision->tx_hash.bytes, sizeof decision->tx_hash.bytes);
	sql_put_i64(&sql, decision->decided_at);
	sql_put_mac(&sql, &decision->mac);
	return sql_run(&sql, NULL);
}

static void decision_tell(struct buf *out, const struct decision *decision)
{
	buf_byte(out, '{');
	json_write_member_text(out, "verdict", resolve_verdict_text(decision->verdict));
	if (!hash32_is_zero(decision->tx_hash))
		json_write_member_text(out, "tx_hash", hash32_text(decision->tx_hash).at);
	json_write_member_text(out, "person", decision->person);
	buf_byte(out, '}');
}

struct put {
	const struct decision *decision;
	const struct store_by *by;
	bool current;
};

static bool put_write(struct db *db, void *context, struct err *err)
{
	struct put *put = context;
	const struct decision *decision = put->decision;
	struct standing now;
	char detail[512];
	struct buf out = buf_of(detail, sizeof detail);
	if (!standing_load(db, &decision->of, &now, &put->current, err))
		return false;
	if (!put->current)
		return true;
	decision_tell(&out, decision);
	struct id subject = now.has_row ? decision->of.withdrawal : decision->of.transfer;
	return decision_write(db, decision, err) &&
	       audit_add(db, "decided", subject, buf_terminated(&out), put->by, err);
}

bool store_sql_decision_put(struct store *store, const struct decision *decision,
			    const struct store_by *by, bool *ret_current, struct err *err)
{
	struct put put = { decision, by, false };
	if (!sql_write(db_of(store), put_write, &put, err))
		return false;
	*ret_current = put.current;
	return true;
}

bool store_sql_decisions(struct store *store, const struct resolve_case *of,
			 struct decision *ret_decisions, size_t cap, size_t *ret_len,
			 struct err *err)
{
	static const struct resolve_case any = { .version = 0 };
	size_t len = 0;
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT " DECISION_COLUMNS
				     " FROM decisions d WHERE answer = '' AND (? = 1 OR "
				     "(withdrawal_id = ? AND transfer_id = ? AND version = ? AND "
				     "shown = ?)) "
				     "AND (? = 0 OR EXISTS (SELECT 1 FROM api_keys k WHERE "
				     "k.id = d.key_id AND k.revoked_at = 0 AND "
				     "(k.scopes & ?) <> 0)) "
				     /* What one person said stands in nobody's way. */
				     "ORDER BY EXISTS (SELECT 1 FROM decisions o WHERE "
				     "o.withdrawal_id = d.withdrawal_id AND "
				     "o.transfer_id = d.transfer_id AND o.version = d.version "
				     "AND o.shown = d.shown AND o.answer = '' AND "
				     "o.person <> d.person) DESC, "
				     "withdrawal_id, transfer_id, version, shown, "
				     "decided_at, person LIMIT ?",
				     err);
	sql_put_i64(&sql, of == NULL);
	case_put(&sql, of == NULL ? &any : of);
	sql_put_i64(&sql, DEFENCE("revoked_decides_nothing"));
	sql_put_u64(&sql, PERMISSION_BIT(PERMISSION_WITHDRAWALS_RESOLVE));
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		decision_take(&sql, &ret_decisions[len++]);
	*ret_len = len;
	return sql_end(&sql);
}

bool store_sql_attempt_owner(struct store *store, struct hash32 tx_hash, struct id *ret_transfer,
			     struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT transfer_id FROM attempts WHERE tx_hash = ?", err);
	sql_put_hash(&sql, tx_hash);
	*ret_transfer = (struct id){ 0 };
	if (sql_next(&sql))
		*ret_transfer = sql_take_id(&sql);
	return sql_end(&sql);
}

/* ---- what becomes of it ---- */

static const char *act_text(enum store_resolve act)
{
	switch (act) {
	case STORE_RESOLVE_STALE:
		return "stale";
	case STORE_RESOLVE_REFUSE:
		return "resolve_refused";
	case STORE_RESOLVE_RELEASE:
		return "released";
	case STORE_RESOLVE_COMPLETE:
		return "completed";
	case STORE_RESOLVE_REQUEUE:
		return "requeued";
	case STORE_RESOLVE_CANCEL:
		return "canceled";
	case STORE_RESOLVE_RESEND:
	case STORE_RESOLVE_FILL:
		return "finality_lost";
	}
	return "unknown";
}

static bool decisions_answer(struct db *db, const struct store_resolution *item, struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "UPDATE decisions SET answer = ? WHERE withdrawal_id = ? AND "
			    "transfer_id = ? AND version = ? AND shown = ? AND answer = ''",
			    err);
	sql_put_text(&sql, act_text(item->act));
	case_put(&sql, &item->of);
	return sql_run(&sql, NULL);
}

static bool is_taken_back(const struct store_resolution *item)
{
	return item->act == STORE_RESOLVE_RESEND || item->act == STORE_RESOLVE_FILL;
}

static void detail_write(struct buf *out, const struct store_resolution *item,
			 const struct standing *now)
{
	buf_byte(out, '{');
	if (item->code != NULL)
		json_write_member_text(out, "code", item->code);
	if (item->act == STORE_RESOLVE_COMPLETE ||
	    (item->act == STORE_RESOLVE_RELEASE && !hash32_is_zero(item->tx_hash)))
		json_write_member_text(out, "tx_hash", hash32_text(item->tx_hash).at);
	if (is_taken_back(item)) {
		json_write_member_text(out, "tx_hash", hash32_text(now->slot.mined_hash).at);
		json_write_member_u64(out, "block_number", now->slot.mined_block);
	}
	if (now->has_row && now->row.held_reason[0] != 0)
		json_write_member_text(out, "held", now->row.held_reason);
	else if (now->has_slot && now->slot.held_reason[0] != 0)
		json_write_member_text(out, "held", now->slot.held_reason);
	json_write_name(out, "people");
	buf_byte(out, '[');
	for (size_t i = 0; i < 2 && item->people[i] != NULL; i++) {
		buf_text(out, i == 0 ? "" : ",");
		json_write_string(out, str_from(item->people[i]));
	}
	buf_text(out, "]}");
}

static enum withdrawal_stage stage_after(const struct store_resolution *item,
					 enum withdrawal_stage stage)
{
	if (item->act == STORE_RESOLVE_COMPLETE)
		return WITHDRAWAL_COMPLETED;
	if (item->act == STORE_RESOLVE_REQUEUE)
		return WITHDRAWAL_QUEUED;
	return item->act == STORE_RESOLVE_CANCEL ? WITHDRAWAL_CANCELED : stage;
}

static bool paid_from_load(struct db *db, const struct store_resolution *item, struct standing *now,
			   struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT t.id FROM transfers t JOIN transfer_items i ON "
				     "i.transfer_id = t.id WHERE i.withdrawal_id = ? AND "
				     "t.mined_hash = ? AND t.stage = ?",
				     err);
	now->paid_from = (struct id){ 0 };
	sql_put_id(&sql, item->of.withdrawal);
	sql_put_hash(&sql, item->tx_hash);
	sql_put_i64(&sql, TRANSFER_FINAL);
	if (item->act == STORE_RESOLVE_COMPLETE && sql_next(&sql))
		now->paid_from = sql_take_id(&sql);
	return sql_end(&sql);
}

/* The slot that the journal has for the row, and that no row has. */
static bool bound_load(struct db *db, const struct store_resolution *item, struct standing *now,
		       struct err *err)
{
	struct transfer slot = { 0 };
	bool found = false;
	if (item->act != STORE_RESOLVE_COMPLETE || id_is_zero(item->bound))
		return true;
	if (!transfer_load(db, item->bound, &slot, &found, err))
		return false;
	now->binds = found && slot.stage == TRANSFER_FINAL && id_is_zero(slot.withdrawal) &&
		     slot.wallet_id == item->wallet_id && !now->has_slot;
	if (now->binds)
		now->paid_from = slot.id;
	return true;
}

static bool bound_write(struct db *db, const struct store_resolution *item,
			const struct standing *now, struct err *err)
{
	bool taken = false;
	if (!now->binds)
		return true;
	struct sql sql = sql_prepare(db,
				     "INSERT INTO transfer_items (transfer_id, position, "
				     "withdrawal_id, round, outcome) SELECT id, 0, ?, ?, outcome "
				     "FROM transfers WHERE id = ?",
				     err);
	sql_put_id(&sql, item->of.withdrawal);
	sql_put_i64(&sql, item->bound_round);
	sql_put_id(&sql, item->bound);
	return sql_run(&sql, &taken) &&
	       (!taken ||
		err_set(err, ERR_REFUSED, "the round of the withdrawal has a slot already"));
}

/* T4, T6, T9, judged again under the lock: only what the signer looked at is changed. */
static bool is_allowed(const struct store_resolution *item, const struct standing *now)
{
	const struct withdrawal *row = &now->row;
	bool held = now->has_row && row->held_reason[0] != 0 && !lifecycle_is_terminal(row->stage);
	bool over = held && row->stage == WITHDRAWAL_ASSIGNED && now->has_slot &&
		    id_equal(row->transfer, now->slot.id) && now->slot.stage == TRANSFER_FINAL;
	switch (item->act) {
	case STORE_RESOLVE_STALE:
	case STORE_RESOLVE_REFUSE:
		return true;
	case STORE_RESOLVE_RELEASE:
		return held || (now->has_slot && now->slot.held_reason[0] != 0);
	case STORE_RESOLVE_COMPLETE:
		return over ||
		       (held && row->stage == WITHDRAWAL_QUEUED && !id_is_zero(now->paid_from));
	case STORE_RESOLVE_REQUEUE:
		return over && now->slot.outcome != OUTCOME_SUCCEEDED;
	case STORE_RESOLVE_CANCEL:
		/* In the queue, and its key was another request's. */
		return (over && now->slot.outcome != OUTCOME_SUCCEEDED) ||
		       (held && row->stage == WITHDRAWAL_QUEUED && !now->has_slot);
	case STORE_RESOLVE_RESEND:
	case STORE_RESOLVE_FILL:
		return now->has_slot && now->slot.stage == TRANSFER_FINAL && now->slot.attempts > 0;
	}
	return false;
}

static bool row_write(struct db *db, const struct store_resolution *item,
		      const struct standing *now, enum withdrawal_stage to,
		      const struct store_by *by, struct err *err)
{
	const struct withdrawal *row = &now->row;
	const char *taken_back = reason_code(REASON_FINAL_TAKEN_BACK);
	bool stays_held = item->act == STORE_RESOLVE_REFUSE ||
			  (is_taken_back(item) && strcmp(row->held_reason, taken_back) != 0);
	bool keeps_due = lifecycle_is_terminal(to) || item->act == STORE_RESOLVE_REFUSE;
	struct sql sql = sql_prepare(
		db,
		"UPDATE withdrawals SET stage = ?, version = {next version}, round = {least}(round, 2147483646) + ?, "
		"held_reason = ?, wait_reason = ?, failure_code = ?, funds_since = 0, due_at = ?, "
		"transfer_id = ?, updated_at = ? WHERE id = ?",
		err);
	sql_put_i64(&sql, to);
	sql_put_i64(&sql, item->act == STORE_RESOLVE_REQUEUE ? 1 : 0);
	sql_put_text(&sql, stays_held ? row->held_reason : "");
	sql_put_text(&sql, item->act == STORE_RESOLVE_REFUSE && row->held_reason[0] != 0
				   ? item->code
				   : "");
	sql_put_text(&sql, item->act == STORE_RESOLVE_CANCEL ? item->code : row->failure_code);
	if (lifecycle_is_terminal(to))
		sql_put_null(&sql);
	else
		sql_put_i64(&sql, keeps_due ? row->due_at : by->now_ms);
	sql_put_id(&sql, id_is_zero(now->paid_from) ? row->transfer : now->paid_from);
	sql_put_i64(&sql, by->now_ms);
	sql_put_id(&sql, row->intent.id);
	return sql_run(&sql, NULL);
}

/* Who goes on with it. A released row with a slot goes on by its slot, and by its end. */
static enum queue_name queue_after(const struct store_resolution *item, enum withdrawal_stage to)
{
	if (item->act == STORE_RESOLVE_REQUEUE)
		return lifecycle_withdrawal_wakes(WITHDRAWAL_ASSIGNED, to);
	if (item->act != STORE_RESOLVE_RELEASE || lifecycle_is_terminal(to))
		return QUEUE_NONE;
	return to < WITHDRAWAL_QUEUED ? QUEUE_REQUEST : QUEUE_SIGNING;
}

static bool row_resolve(struct db *db, const struct store_resolution *item,
			const struct standing *now, const char *detail, const struct store_by *by,
			struct err *err)
{
	const struct withdrawal *row = &now->row;
	enum withdrawal_stage to = stage_after(item, row->stage);
	if (!now->has_row)
		return audit_add(db, act_text(item->act), item->of.transfer, detail, by, err);
	/* What was put back to the queue is bound again to the slot that paid it. */
	bool binds = row->stage == WITHDRAWAL_QUEUED && !id_is_zero(now->paid_from);
	/* And what is canceled has had its slot under another id. */
	bool had = row->stage == WITHDRAWAL_QUEUED && item->act == STORE_RESOLVE_CANCEL;
	enum withdrawal_stage from = binds || had ? WITHDRAWAL_ASSIGNED : row->stage;
	CHECK(to == row->stage || lifecycle_withdrawal_allows(from, to, by->actor));
	struct event_row event = { .withdrawal = row->intent.id,
				   .sequence = row->version + 1,
				   .type = act_text(item->act),
				   .stage = to,
				   .detail = detail };
	if (room_is_given_back(row->stage, to) && !room_release_one(db, row->intent.id, err))
		return false;
	return row_write(db, item, now, to, by, err) && event_row_add(db, &event, by, err) &&
	       message_put(db, queue_after(item, to), row->intent.id, row->correlation_id,
			   by->now_ms, err);
}

static bool slot_release(struct db *db, const struct transfer *slot, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "UPDATE transfers SET held_reason = '', version = {next version} WHERE id = ?",
		err);
	sql_put_id(&sql, slot->id);
	return sql_run(&sql, NULL);
}

static bool slot_resend(struct db *db, const struct store_resolution *item,
			const struct transfer *slot, const struct store_by *by, struct err *err)
{
	CHECK(lifecycle_transfer_allows(slot->stage, TRANSFER_BROADCAST, by->actor));
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET stage = ?, outcome = 0, mined_hash = NULL, mined_block = 0, "
		"mined_block_hash = NULL, held_reason = '', wish = ?, wish_reason = ?, "
		"wish_attempts_seen = attempts, "
		"stage_at = ?, version = {next version} WHERE id = ?",
		err);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	bool fills = item->act == STORE_RESOLVE_FILL;
	sql_put_i64(&sql, fills ? WISH_BUMP : WISH_REBROADCAST);
	sql_put_i64(&sql, fills ? WISH_REASON_CANCEL : WISH_REASON_NONE);
	sql_put_i64(&sql, by->now_ms);
	sql_put_id(&sql, slot->id);
	if (!sql_run(&sql, NULL))
		return false;
	struct sql items =
		sql_prepare(db, "UPDATE transfer_items SET outcome = 0 WHERE transfer_id = ?", err);
	sql_put_id(&items, slot->id);
	return sql_run(&items, NULL);
}

/* A refusal changes a slot without a withdrawal too, so that its decisions are not heard again. */
static bool slot_resolve(struct db *db, const struct store_resolution *item,
			 const struct standing *now, const struct store_by *by, struct err *err)
{
	if (is_taken_back(item))
		return slot_resend(db, item, &now->slot, by, err);
	if (item->act == STORE_RESOLVE_RELEASE && now->slot.held_reason[0] != 0)
		return slot_release(db, &now->slot, err);
	if (item->act != STORE_RESOLVE_REFUSE || now->has_row)
		return true;
	struct sql sql =
		sql_prepare(db, "UPDATE transfers SET version = {next version} WHERE id = ?", err);
	sql_put_id(&sql, now->slot.id);
	return sql_run(&sql, NULL);
}

struct resolve {
	struct store_resolution *item;
	const struct store_by *by;
};

static bool resolve_write(struct db *db, void *context, struct err *err)
{
	const struct resolve *resolve = context;
	struct store_resolution *item = resolve->item;
	struct standing now;
	bool current = false;
	char detail[512];
	struct buf out = buf_of(detail, sizeof detail);
	item->result = STORE_WRITTEN;
	if (item->wallet_id != 0 &&
	    !wallet_fence(db, item->wallet_id, item->epoch, false, &item->result, err))
		return false;
	if (item->result != STORE_WRITTEN)
		return true;
	if (!standing_load(db, &item->of, &now, &current, err) ||
	    !paid_from_load(db, item, &now, err) || !bound_load(db, item, &now, err))
		return false;
	if (item->act == STORE_RESOLVE_STALE)
		return current || decisions_answer(db, item, err);
	if ((!current && DEFENCE("resolve_compares")) || !is_allowed(item, &now)) {
		item->result = STORE_MOVED;
		return true;
	}
	detail_write(&out, item, &now);
	return bound_write(db, item, &now, err) &&
	       row_resolve(db, item, &now, buf_terminated(&out), resolve->by, err) &&
	       (!now.has_slot || slot_resolve(db, item, &now, resolve->by, err)) &&
	       decisions_answer(db, item, err);
}

bool store_sql_case_resolve(struct store *store, struct store_resolution *resolution,
			    const struct store_by *by, struct err *err)
{
	struct resolve resolve = { resolution, by };
	return sql_write(db_of(store), resolve_write, &resolve, err);
}
