/* What the monitor saw becomes what the store says: mined, back to broadcast, final; and with a
 * final success, the withdrawal is completed in the same transaction (T6). */
#include "adapter/store_sql_parts.h"

#include "base/defence.h"
#include "core/reason.h"

#include <string.h>

bool lease_fence(struct db *db, const struct store_lease *lease, bool *ret_held, struct err *err)
{
	int64_t changed = 0;
	struct sql sql = sql_prepare(
		db, "UPDATE leases SET renewals = renewals + 1 WHERE name = ? AND epoch = ?", err);
	sql_put_text(&sql, lease->name);
	sql_put_u64(&sql, lease->epoch);
	if (!sql_run_count(&sql, &changed))
		return false;
	*ret_held = changed == 1 || !DEFENCE("monitor_fence");
	return true;
}

static bool transfer_move(struct db *db, const struct store_observation *item,
			  const struct transfer *row, int64_t now_ms, struct err *err)
{
	bool back = item->to < TRANSFER_MINED;
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET stage = ?, outcome = ?, mined_hash = ?, mined_block = ?, "
		"mined_block_hash = ?, stage_at = ?, version = version + 1 "
		"WHERE id = ? AND version = ?",
		err);
	sql_put_i64(&sql, item->to);
	sql_put_i64(&sql, item->outcome);
	sql_put_hash(&sql, back ? (struct hash32){ 0 } : item->mined_hash);
	sql_put_u64(&sql, back ? 0 : item->mined_block);
	sql_put_hash(&sql, back ? (struct hash32){ 0 } : item->mined_block_hash);
	sql_put_i64(&sql, now_ms);
	sql_put_id(&sql, row->id);
	sql_put_u64(&sql, row->version);
	return sql_run(&sql, NULL);
}

static bool items_settle(struct db *db, const struct store_observation *item, struct err *err)
{
	struct sql sql =
		sql_prepare(db, "UPDATE transfer_items SET outcome = ? WHERE transfer_id = ?", err);
	sql_put_i64(&sql, item->outcome);
	sql_put_id(&sql, item->transfer);
	return sql_run(&sql, NULL);
}

static bool withdrawal_complete(struct db *db, const struct store_observation *item,
				const struct withdrawal *row, const struct store_by *by,
				struct err *err)
{
	char detail[256];
	struct buf out = buf_of(detail, sizeof detail);
	struct sql sql = sql_prepare(db,
				     "UPDATE withdrawals SET stage = ?, version = version + 1, "
				     "due_at = NULL, wait_reason = '', held_reason = '', "
				     "updated_at = ? WHERE id = ?",
				     err);
	sql_put_i64(&sql, WITHDRAWAL_COMPLETED);
	sql_put_i64(&sql, by->now_ms);
	sql_put_id(&sql, row->intent.id);
	buf_format(&out, "{\"tx_hash\":\"%s\",\"block_number\":%llu",
		   hash32_text(item->mined_hash).at, (unsigned long long)item->mined_block);
	if (row->held_reason[0] != 0)
		buf_format(&out, ",\"released\":\"%s\"", row->held_reason);
	if (row->cancel_requested)
		buf_text(&out, ",\"cancel\":\"too_late\"");
	buf_byte(&out, '}');
	struct event_row event = { .withdrawal = row->intent.id,
				   .sequence = row->version + 1,
				   .type = "completed",
				   .stage = WITHDRAWAL_COMPLETED,
				   .detail = buf_terminated(&out) };
	return sql_run(&sql, NULL) && event_row_add(db, &event, by, err);
}

/* The transaction that people named as the payment, if they did: is it the slot's own, and is it
 * the one that was mined? */
struct named {
	bool any;
	bool of_slot;
	bool was_mined;
};

static bool named_load(struct db *db, const struct store_observation *item,
		       const struct transfer *transfer, struct named *ret_named, struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "SELECT d.tx_hash = ?, EXISTS (SELECT 1 FROM attempts a WHERE "
			    "a.tx_hash = d.tx_hash AND a.transfer_id = ?) FROM decisions d WHERE "
			    "d.withdrawal_id = ? AND d.answer = 'completed' "
			    "ORDER BY d.decided_at DESC LIMIT 1",
			    err);
	sql_put_hash(&sql, item->mined_hash);
	sql_put_id(&sql, transfer->id);
	sql_put_id(&sql, transfer->withdrawal);
	*ret_named = (struct named){ .any = sql_next(&sql) };
	if (ret_named->any) {
		ret_named->was_mined = sql_take_i64(&sql) != 0;
		ret_named->of_slot = sql_take_i64(&sql) != 0;
	}
	return sql_end(&sql);
}

/* Does the end of a slot bear out what its withdrawal's client was told? What people said of
 * another transaction is true whatever becomes of the slot, unless that pays as well. */
static bool status_judge(struct db *db, const struct store_observation *item,
			 const struct transfer *transfer, const struct withdrawal *row,
			 bool *ret_stands, struct err *err)
{
	struct named named;
	bool told_paid =
		row->stage == WITHDRAWAL_COMPLETED && id_equal(row->transfer, transfer->id);
	*ret_stands = lifecycle_outcome_is_unpaid(item->outcome);
	if (!told_paid)
		return true;
	if (!named_load(db, item, transfer, &named, err))
		return false;
	*ret_stands = item->outcome == OUTCOME_SUCCEEDED
			      ? !named.any || named.of_slot
			      : named.any && (named.was_mined || !named.of_slot);
	return true;
}

/* The status stays, its event says what is true, and people are called. */
static bool otherwise_hold(struct db *db, struct store_observation *item,
			   const struct transfer *transfer, const struct withdrawal *row,
			   const struct store_by *by, struct err *err)
{
	const char *reason = reason_code(REASON_SETTLED_OTHERWISE);
	char detail[256];
	struct buf out = buf_of(detail, sizeof detail);
	struct sql slot = sql_prepare(
		db, "UPDATE transfers SET held_reason = ?, version = version + 1 WHERE id = ?",
		err);
	sql_put_text(&slot, reason);
	sql_put_id(&slot, transfer->id);
	if (!sql_run(&slot, NULL))
		return false;
	struct sql sql = sql_prepare(
		db, "UPDATE withdrawals SET version = version + 1, updated_at = ? WHERE id = ?",
		err);
	sql_put_i64(&sql, by->now_ms);
	sql_put_id(&sql, row->intent.id);
	buf_format(&out, "{\"outcome\":\"%s\",\"tx_hash\":\"%s\",\"block_number\":%llu}",
		   transfer_outcome_text(item->outcome), hash32_text(item->mined_hash).at,
		   (unsigned long long)item->mined_block);
	struct event_row event = { .withdrawal = row->intent.id,
				   .sequence = row->version + 1,
				   .type = reason,
				   .stage = row->stage,
				   .detail = buf_terminated(&out) };
	item->is_otherwise = true;
	return sql_run(&sql, NULL) && event_row_add(db, &event, by, err) &&
	       audit_add(db, reason, transfer->id, detail, by, err) &&
	       wallet_stop(db, transfer->wallet_id, reason, by, err);
}

/* Taken back, resolved, and final once more. */
static bool ended_settle(struct db *db, struct store_observation *item,
			 const struct transfer *transfer, const struct withdrawal *row,
			 const struct store_by *by, struct err *err)
{
	bool stands = true;
	if (!status_judge(db, item, transfer, row, &stands, err))
		return false;
	if (stands || !DEFENCE("status_is_compared"))
		return audit_add(db, "final_again", transfer->id, "", by, err);
	return otherwise_hold(db, item, transfer, row, by, err);
}

/* A final transfer's withdrawal: completed when paid; otherwise the signer is woken, and decides. A
 * hold that doubts the withdrawal outlives the payment: what was paid may not be what the row says,
 * and a person compares. */
static bool withdrawal_settle(struct db *db, struct store_observation *item,
			      const struct transfer *transfer, const struct store_by *by,
			      struct err *err)
{
	struct withdrawal row;
	bool found = false;
	if (id_is_zero(transfer->withdrawal))
		return true;
	if (!withdrawal_load(db, transfer->withdrawal, &row, &found, err))
		return false;
	bool bound =
		found && row.stage == WITHDRAWAL_ASSIGNED && id_equal(row.transfer, transfer->id);
	if (found && lifecycle_is_terminal(row.stage))
		return ended_settle(db, item, transfer, &row, by, err);
	if (!bound) /* an edited row: the transfer is final all the same, a person is told */
		return audit_add(db, "settled_without_withdrawal", transfer->id, "", by, err);
	if (item->outcome != OUTCOME_SUCCEEDED)
		return message_put(db, QUEUE_SIGNING, row.intent.id, row.correlation_id, by->now_ms,
				   err);
	if (DEFENCE("held_is_left_alone") && !lifecycle_paid_ends_hold(row.held_reason))
		return audit_add(db, "paid_while_held", transfer->id, "", by, err);
	CHECK(lifecycle_withdrawal_allows(row.stage, WITHDRAWAL_COMPLETED, by->actor));
	return withdrawal_complete(db, item, &row, by, err);
}

/* So that the client and the feeds see why it does not go on. An earlier hold keeps its reason. */
static bool withdrawal_hold(struct db *db, const char *reason, const struct transfer *transfer,
			    const struct store_by *by, struct err *err)
{
	struct withdrawal row;
	bool found = false;
	char detail[128];
	struct buf out = buf_of(detail, sizeof detail);
	if (id_is_zero(transfer->withdrawal))
		return true;
	if (!withdrawal_load(db, transfer->withdrawal, &row, &found, err))
		return false;
	if (!found || row.held_reason[0] != 0 || lifecycle_is_terminal(row.stage) ||
	    !id_equal(row.transfer, transfer->id))
		return true;
	struct sql sql = sql_prepare(db,
				     "UPDATE withdrawals SET held_reason = ?, "
				     "version = version + 1, updated_at = ? WHERE id = ?",
				     err);
	sql_put_text(&sql, reason);
	sql_put_i64(&sql, by->now_ms);
	sql_put_id(&sql, row.intent.id);
	buf_format(&out, "{\"code\":\"%s\"}", reason);
	struct event_row event = { .withdrawal = row.intent.id,
				   .sequence = row.version + 1,
				   .type = "held",
				   .stage = row.stage,
				   .detail = buf_terminated(&out) };
	return sql_run(&sql, NULL) && event_row_add(db, &event, by, err);
}

/* Holds the slot and its withdrawal. Unless the slot is mined its nonce stands in the way of all
 * later ones: the wallet reserves no more. */
static bool transfer_hold(struct db *db, const struct store_observation *item,
			  const struct transfer *row, const struct store_by *by, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "UPDATE transfers SET held_reason = ?, version = version + 1 "
				     "WHERE id = ? AND held_reason = ''",
				     err);
	sql_put_text(&sql, item->held_reason);
	sql_put_id(&sql, row->id);
	return sql_run(&sql, NULL) && withdrawal_hold(db, item->held_reason, row, by, err) &&
	       audit_add(db, "transfer_held", row->id, "", by, err) &&
	       (row->stage >= TRANSFER_MINED ||
		wallet_stop(db, row->wallet_id, item->held_reason, by, err));
}

/* A foreign transaction has the nonce: it may have paid the very same, or not. The withdrawal waits
 * for people, its slot goes on to its end, and the wallet takes no more. With our own payment that
 * proves nothing the wallet goes on. */
static bool doubt_hold(struct db *db, const struct store_observation *item,
		       const struct transfer *row, const struct store_by *by, struct err *err)
{
	const char *reason = reason_code(REASON_NONCE_CONSUMED_ELSEWHERE);
	if (item->to == TRANSFER_MINED && item->outcome == OUTCOME_UNPROVEN)
		return withdrawal_hold(db, reason_code(REASON_SUCCESS_WITHOUT_PROOF), row, by,
				       err) &&
		       audit_add(db, "slot_is_unproven", row->id, "", by, err);
	if (item->to != TRANSFER_MINED || item->outcome != OUTCOME_FOREIGN)
		return true;
	return withdrawal_hold(db, reason, row, by, err) &&
	       audit_add(db, "slot_is_foreign", row->id, "", by, err) &&
	       wallet_stop(db, row->wallet_id, reason, by, err);
}

/* The last barrier before "paid": the transaction is one of the slot's own attempts, and one that
 * pays.
 */
static bool success_is_ours(struct db *db, const struct store_observation *item,
			    const struct transfer *row, bool *ret_ours, struct err *err)
{
	*ret_ours = true;
	if (item->to != TRANSFER_FINAL || item->outcome != OUTCOME_SUCCEEDED)
		return true;
	struct sql sql = sql_prepare(
		db, "SELECT is_cancel FROM attempts WHERE tx_hash = ? AND transfer_id = ?", err);
	sql_put_hash(&sql, item->mined_hash);
	sql_put_id(&sql, row->id);
	*ret_ours = (sql_next(&sql) && sql_take_i64(&sql) == 0 && !row->is_cancel) ||
		    !DEFENCE("success_is_ours");
	return sql_end(&sql);
}

/* What a foreign transaction ends was seen as that before; what proves nothing too. A row that says
 * otherwise by now was edited. */
static bool was_seen(const struct store_observation *item, const struct transfer *row)
{
	if (item->held_reason != NULL || item->to != TRANSFER_FINAL)
		return true;
	CHECK(item->outcome != OUTCOME_NONE);
	return (item->outcome == OUTCOME_FOREIGN) == (row->outcome == OUTCOME_FOREIGN) &&
	       (item->outcome != OUTCOME_UNPROVEN || row->outcome == OUTCOME_UNPROVEN);
}

static bool item_observe(struct db *db, struct store_observation *item, const struct store_by *by,
			 struct err *err)
{
	struct transfer row;
	bool found = false;
	item->result = STORE_MOVED;
	item->is_otherwise = false;
	if (!transfer_load(db, item->transfer, &row, &found, err))
		return false;
	if (!found || row.version != item->version || row.held_reason[0] != 0)
		return true;
	item->result = STORE_WRITTEN;
	bool ours = false;
	if (!success_is_ours(db, item, &row, &ours, err))
		return false;
	if (!ours)
		item->held_reason = reason_code(REASON_SUCCESS_WITHOUT_ATTEMPT);
	else if (!was_seen(item, &row))
		item->held_reason = reason_code(REASON_SLOT_ROWS_MISMATCH);
	if (item->held_reason != NULL)
		return transfer_hold(db, item, &row, by, err);
	CHECK(lifecycle_transfer_allows(row.stage, item->to, by->actor));
	CHECK(item->to >= TRANSFER_MINED || (item->to == TRANSFER_RESERVED) == (row.attempts == 0));
	if (!transfer_move(db, item, &row, by->now_ms, err))
		return false;
	if (item->to != TRANSFER_FINAL)
		return doubt_hold(db, item, &row, by, err);
	return items_settle(db, item, err) && withdrawal_settle(db, item, &row, by, err);
}

struct observe {
	struct store_observation *items;
	size_t n;
	const struct store_lease *lease;
	const struct store_by *by;
};

static struct id observation_id(const void *items, size_t at)
{
	return ((const struct store_observation *)items)[at].transfer;
}

static bool batch_observe(struct db *db, void *context, struct err *err)
{
	const struct observe *batch = context;
	size_t places[BATCH_MAX];
	bool held = false;
	if (!lease_fence(db, batch->lease, &held, err) ||
	    (held && !slots_withdrawals_lock(db, observation_id, batch->items, batch->n, err)))
		return false;
	items_order(observation_id, batch->items, batch->n, places);
	for (size_t i = 0; i < batch->n; i++) {
		struct store_observation *item = &batch->items[places[i]];
		item->result = STORE_FENCED;
		item->is_otherwise = false; /* as an undone try may have said */
		if (held && !item_observe(db, item, batch->by, err))
			return false;
	}
	return true;
}

bool store_sql_observe(struct store *store, struct store_observation *items, size_t n,
		       const struct store_lease *lease, const struct store_by *by, struct err *err)
{
	struct observe batch = { items, n, lease, by };
	return sql_write(db_of(store), batch_observe, &batch, err);
}

struct wishes {
	const struct store_wish *wishes;
	size_t n;
};

static struct id wish_id(const void *items, size_t at)
{
	return ((const struct store_wish *)items)[at].transfer;
}

/* A wish to send again never replaces the wish for a higher fee. One about fewer attempts than
 * there are by now would never be acted on, and keep the next one out: it is not taken, and one
 * that stands there all the same (an editor's) is no obstacle. What is wished for without anybody's
 * asking writes no event: the attempt that comes of it does, with the reason. */
static bool batch_wish(struct db *db, void *context, struct err *err)
{
	const struct wishes *batch = context;
	size_t places[BATCH_MAX];
	items_order(wish_id, batch->wishes, batch->n, places);
	for (size_t i = 0; i < batch->n; i++) {
		const struct store_wish *wish = &batch->wishes[places[i]];
		struct sql sql =
			sql_prepare(db,
				    "UPDATE transfers SET wish = ?, wish_reason = ?, "
				    "wish_attempts_seen = ? "
				    "WHERE id = ? AND (wish < ? OR wish_attempts_seen <> attempts) "
				    "AND stage < ? AND attempts = ?",
				    err);
		sql_put_i64(&sql, wish->wish);
		sql_put_i64(&sql, wish->reason);
		sql_put_i64(&sql, wish->attempts_seen);
		sql_put_id(&sql, wish->transfer);
		sql_put_i64(&sql, wish->wish);
		sql_put_i64(&sql, TRANSFER_MINED);
		sql_put_i64(&sql, wish->attempts_seen);
		if (!sql_run(&sql, NULL))
			return false;
	}
	return true;
}

bool store_sql_wish(struct store *store, const struct store_wish *wishes, size_t n,
		    const struct store_by *by, struct err *err)
{
	(void)by; /* the reason says what it comes from, and no audit is written of it */
	struct wishes batch = { wishes, n };
	return sql_write(db_of(store), batch_wish, &batch, err);
}

bool transfer_speed_up(struct db *db, struct id transfer, bool *ret_written, struct err *err)
{
	int64_t changed = 0;
	struct sql sql = sql_prepare(db,
				     "UPDATE transfers SET wish = ?, wish_reason = ?, "
				     "wish_attempts_seen = attempts "
				     "WHERE id = ? AND stage IN (?, ?) AND attempts > 0",
				     err);
	sql_put_i64(&sql, WISH_BUMP);
	sql_put_i64(&sql, WISH_REASON_SPEED_UP);
	sql_put_id(&sql, transfer);
	sql_put_i64(&sql, TRANSFER_SIGNED);
	sql_put_i64(&sql, TRANSFER_BROADCAST);
	if (!sql_run_count(&sql, &changed))
		return false;
	*ret_written = changed == 1;
	return true;
}
