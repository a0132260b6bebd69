/* What the monitor saw becomes what the store says: mined, back to broadcast, final; and with a
 * final success, the withdrawal is completed in the same transaction (T6). */
#include "adapter/store_sql_batch.h"

#include "base/defence.h"
#include "core/reason.h"

#include <string.h>

bool lease_fence(struct db *db, const struct store_lease *lease, bool *ret_held, struct err *err)
{
	int64_t changed = 0;
	struct sql sql = sql_prepare(
		db, "UPDATE leases SET renewals = {next renewals} WHERE name = ? AND epoch = ?",
		err);
	sql_put_text(&sql, lease->name);
	sql_put_u64(&sql, lease->epoch);
	if (!sql_run_count(&sql, &changed))
		return false;
	*ret_held = changed == 1 || !DEFENCE("monitor_fence");
	return true;
}

/* The slot is locked and judged: see row_update in store_sql_change.c. */
static bool transfer_move(struct db *db, const struct store_observation *item,
			  const struct transfer *row, int64_t now_ms, struct err *err)
{
	bool back = item->to < TRANSFER_MINED;
	struct sql sql = sql_prepare(
		db,
		"UPDATE transfers SET stage = ?, outcome = ?, mined_hash = ?, mined_block = ?, "
		"mined_block_hash = ?, stage_at = ?, version = {next version} "
		"WHERE id = ?",
		err);
	sql_put_i64(&sql, item->to);
	sql_put_i64(&sql, item->outcome);
	sql_put_hash(&sql, back ? (struct hash32){ 0 } : item->mined_hash);
	sql_put_u64(&sql, back ? 0 : item->mined_block);
	sql_put_hash(&sql, back ? (struct hash32){ 0 } : item->mined_block_hash);
	sql_put_i64(&sql, now_ms);
	sql_put_id(&sql, row->id);
	return sql_later_one(&sql);
}

static bool items_settle(struct db *db, const struct store_observation *item, struct err *err)
{
	struct sql sql =
		sql_prepare(db, "UPDATE transfer_items SET outcome = ? WHERE transfer_id = ?", err);
	sql_put_i64(&sql, item->outcome);
	sql_put_id(&sql, item->transfer);
	return sql_later_any(&sql);
}

/* Of a withdrawal what its completion is judged by. */
struct settled {
	struct id id; /* zero: not read, or changed since: to be read by itself */
	enum withdrawal_stage stage;
	uint64_t version;
	struct id transfer;
	bool cancel_requested;
	char held_reason[REASON_LEN_MAX + 1];
};

struct observe {
	struct store_observation *items;
	size_t n;
	const struct store_lease *lease;
	const struct store_by *by;
	struct store_news *news;
	struct transfer *rows; /* of the items, by their places in the batch */
	bool *found;
	bool *ours; /* success is by an attempt of the slot, and one that pays */
	struct settled settled[BATCH_MAX];
	size_t settled_len;
};

static struct settled *settled_of(struct observe *batch, struct id withdrawal)
{
	for (size_t i = 0; i < batch->settled_len; i++)
		if (id_equal(batch->settled[i].id, withdrawal))
			return &batch->settled[i];
	return NULL;
}

static bool withdrawal_complete(struct observe *batch, const struct store_observation *item,
				struct settled *row, struct err *err)
{
	char detail[256];
	struct buf out = buf_of(detail, sizeof detail);
	struct sql sql = sql_prepare(batch->news->db,
				     "UPDATE withdrawals SET stage = ?, version = {next version}, "
				     "due_at = NULL, wait_reason = '', held_reason = '', "
				     "updated_at = ? WHERE id = ?",
				     err);
	CHECK(lifecycle_withdrawal_allows(row->stage, WITHDRAWAL_COMPLETED, batch->by->actor));
	sql_put_i64(&sql, WITHDRAWAL_COMPLETED);
	sql_put_i64(&sql, batch->by->now_ms);
	sql_put_id(&sql, row->id);
	buf_format(&out, "{\"tx_hash\":\"%s\",\"block_number\":%llu",
		   hash32_text(item->mined_hash).at, (unsigned long long)item->mined_block);
	if (row->held_reason[0] != 0)
		buf_format(&out, ",\"released\":\"%s\"", row->held_reason);
	if (row->cancel_requested)
		buf_text(&out, ",\"cancel\":\"too_late\"");
	buf_byte(&out, '}');
	struct event_row event = { .withdrawal = row->id,
				   .sequence = row->version + 1,
				   .type = "completed",
				   .stage = WITHDRAWAL_COMPLETED,
				   .detail = buf_terminated(&out) };
	row->id = (struct id){ 0 }; /* another slot of it reads it again */
	return sql_later_one(&sql) && store_news_event(batch->news, &event, err);
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
		db, "UPDATE transfers SET held_reason = ?, version = {next version} WHERE id = ?",
		err);
	sql_put_text(&slot, reason);
	sql_put_id(&slot, transfer->id);
	if (!sql_run(&slot, NULL))
		return false;
	struct sql sql = sql_prepare(
		db, "UPDATE withdrawals SET version = {next version}, updated_at = ? WHERE id = ?",
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

static bool is_bound(const struct settled *row, const struct transfer *transfer)
{
	return row->stage == WITHDRAWAL_ASSIGNED && id_equal(row->transfer, transfer->id);
}

static struct settled settled_by(const struct withdrawal *row)
{
	struct settled settled = { .id = row->intent.id,
				   .stage = row->stage,
				   .version = row->version,
				   .transfer = row->transfer,
				   .cancel_requested = row->cancel_requested };
	memcpy(settled.held_reason, row->held_reason, sizeof settled.held_reason);
	return settled;
}

/* A final transfer's withdrawal: completed when paid; otherwise the signer is woken, and decides. A
 * hold that doubts the withdrawal outlives the payment: what was paid may not be what the row says,
 * and a person compares. */
static bool withdrawal_settle(struct observe *batch, struct store_observation *item,
			      const struct transfer *transfer, struct err *err)
{
	struct db *db = batch->news->db;
	const struct store_by *by = batch->by;
	struct withdrawal row;
	bool found = false;
	if (!withdrawal_load(db, transfer->withdrawal, &row, &found, err))
		return false;
	struct settled settled = found ? settled_by(&row) : (struct settled){ .version = 0 };
	if (found && lifecycle_is_terminal(row.stage))
		return ended_settle(db, item, transfer, &row, by, err);
	if (!found || !is_bound(&settled, transfer)) /* edited: final all the same, and told */
		return audit_add(db, "settled_without_withdrawal", transfer->id, "", by, err);
	if (item->outcome != OUTCOME_SUCCEEDED)
		return store_news_wake(batch->news, QUEUE_SIGNING, row.intent.id,
				       row.correlation_id, err);
	if (DEFENCE("held_is_left_alone") && !lifecycle_paid_ends_hold(row.held_reason))
		return audit_add(db, "paid_while_held", transfer->id, "", by, err);
	return withdrawal_complete(batch, item, &settled, err);
}

/* What most of a batch is needs no more of its withdrawal than was read of all of them together. */
static bool final_settle(struct observe *batch, struct store_observation *item,
			 const struct transfer *transfer, struct err *err)
{
	if (id_is_zero(transfer->withdrawal))
		return true;
	struct settled *row = settled_of(batch, transfer->withdrawal);
	bool is_plain = row != NULL && is_bound(row, transfer) && row->held_reason[0] == 0 &&
			item->outcome == OUTCOME_SUCCEEDED;
	return is_plain ? withdrawal_complete(batch, item, row, err)
			: withdrawal_settle(batch, item, transfer, err);
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
				     "version = {next version}, updated_at = ? WHERE id = ?",
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
	struct sql sql =
		sql_prepare(db,
			    "UPDATE transfers SET held_reason = ?, version = {next version} "
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

/* Of another slot of the same withdrawal what was read with the others may not be true any more. */
static void settled_forget(struct observe *batch, struct id withdrawal)
{
	struct settled *row = id_is_zero(withdrawal) ? NULL : settled_of(batch, withdrawal);
	if (row != NULL)
		row->id = (struct id){ 0 };
}

static bool item_observe(struct observe *batch, size_t at, struct err *err)
{
	struct db *db = batch->news->db;
	struct store_observation *item = &batch->items[at];
	const struct transfer *row = &batch->rows[at];
	const struct store_by *by = batch->by;
	item->result = STORE_MOVED;
	if (!batch->found[at] || row->version != item->version || row->held_reason[0] != 0)
		return true;
	item->result = STORE_WRITTEN;
	if (!batch->ours[at])
		item->held_reason = reason_code(REASON_SUCCESS_WITHOUT_ATTEMPT);
	else if (!was_seen(item, row))
		item->held_reason = reason_code(REASON_SLOT_ROWS_MISMATCH);
	if (item->held_reason != NULL) {
		settled_forget(batch, row->withdrawal);
		return transfer_hold(db, item, row, by, err);
	}
	CHECK(lifecycle_transfer_allows(row->stage, item->to, by->actor));
	CHECK(item->to >= TRANSFER_MINED ||
	      (item->to == TRANSFER_RESERVED) == (row->attempts == 0));
	if (!transfer_move(db, item, row, by->now_ms, err))
		return false;
	if (item->to == TRANSFER_FINAL)
		return items_settle(db, item, err) && final_settle(batch, item, row, err);
	if (item->outcome != OUTCOME_NONE)
		settled_forget(batch, row->withdrawal);
	return doubt_hold(db, item, row, by, err);
}

static struct id observation_id(const void *items, size_t at)
{
	return ((const struct store_observation *)items)[at].transfer;
}

static bool is_success(const struct store_observation *item)
{
	return item->to == TRANSFER_FINAL && item->outcome == OUTCOME_SUCCEEDED;
}

/* The last barrier before "paid": the transaction is one of the slot's own attempts, and one that
 * pays. */
static bool successes_look(struct observe *batch, const size_t *places, size_t n, struct err *err)
{
	struct sql sql = sql_prepare(batch->news->db,
				     "SELECT transfer_id, tx_hash, is_cancel FROM attempts "
				     "WHERE transfer_id IN (" SQL_MARKS_BATCH ")",
				     err);
	struct id ids[BATCH_MAX];
	for (size_t i = 0; i < n; i++) {
		ids[i] = observation_id(batch->items, places[i]);
		batch->ours[places[i]] =
			!is_success(&batch->items[places[i]]) || !DEFENCE("success_is_ours");
	}
	sql_put_ids(&sql, ids, n);
	while (sql_next(&sql)) {
		struct id id = sql_take_id(&sql);
		struct hash32 hash = sql_take_hash(&sql);
		bool pays = sql_take_i64(&sql) == 0;
		for (size_t i = 0; i < n; i++) {
			const struct store_observation *item = &batch->items[places[i]];
			if (batch->found[places[i]] && id_equal(ids[i], id) && pays &&
			    hash32_equal(item->mined_hash, hash) &&
			    !batch->rows[places[i]].is_cancel)
				batch->ours[places[i]] = true;
		}
	}
	return sql_end(&sql);
}

static bool settled_load(struct observe *batch, const struct id *withdrawals, size_t n,
			 struct err *err)
{
	struct sql sql = sql_prepare(
		batch->news->db,
		"SELECT id, stage, version, transfer_id, cancel_requested, held_reason "
		"FROM withdrawals WHERE id IN (" SQL_MARKS_BATCH ") ORDER BY id {for update}",
		err);
	sql_put_ids(&sql, withdrawals, n);
	while (batch->settled_len < BATCH_MAX && sql_next(&sql)) {
		struct settled *row = &batch->settled[batch->settled_len++];
		row->id = sql_take_id(&sql);
		row->stage = (enum withdrawal_stage)sql_take_i64(&sql);
		row->version = sql_take_u64(&sql);
		row->transfer = sql_take_id(&sql);
		row->cancel_requested = sql_take_i64(&sql) != 0;
		sql_take_text(&sql, row->held_reason, sizeof row->held_reason);
	}
	return sql_end(&sql);
}

/* Of successes: which attempt it was, and the withdrawal that it pays. */
static bool finals_look(struct observe *batch, const size_t *places, size_t n, struct err *err)
{
	struct id withdrawals[BATCH_MAX];
	size_t len = 0;
	bool any = false;
	batch->settled_len = 0;
	for (size_t i = 0; i < n; i++) {
		batch->ours[places[i]] = true;
		if (!batch->found[places[i]] || !is_success(&batch->items[places[i]]))
			continue;
		any = true;
		if (!id_is_zero(batch->rows[places[i]].withdrawal))
			withdrawals[len++] = batch->rows[places[i]].withdrawal;
	}
	return (!any || successes_look(batch, places, n, err)) &&
	       (len == 0 || settled_load(batch, withdrawals, len, err));
}

/* Each of another slot. */
static bool part_observe(struct observe *batch, const size_t *places, size_t n, struct err *err)
{
	if (!transfers_lock(batch->news->db, observation_id, batch->items, places, n, batch->rows,
			    batch->found, err) ||
	    !finals_look(batch, places, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!item_observe(batch, places[i], err))
			return false;
	return true;
}

static bool parts_observe(struct observe *batch, struct err *err)
{
	size_t places[BATCH_MAX];
	size_t part[BATCH_MAX];
	size_t len = batch->n;
	items_order(observation_id, batch->items, batch->n, places);
	for (size_t pass = 0; len > 0; pass++) {
		len = items_pass(observation_id, batch->items, places, batch->n, pass, part);
		if (len > 0 && !part_observe(batch, part, len, err))
			return false;
	}
	return true;
}

static bool batch_observe(struct db *db, void *context, struct err *err)
{
	struct observe *batch = context;
	struct store_news news = store_news_of(db, batch->by);
	struct transfer rows[BATCH_MAX];
	bool found[BATCH_MAX];
	bool ours[BATCH_MAX];
	bool held = false;
	batch->news = &news;
	batch->rows = rows;
	batch->found = found;
	batch->ours = ours;
	if (!lease_fence(db, batch->lease, &held, err))
		return false;
	for (size_t i = 0; i < batch->n; i++) {
		batch->items[i].result = STORE_FENCED;
		batch->items[i].is_otherwise = false; /* as an undone try may have said */
	}
	if (!held)
		return true;
	return slots_withdrawals_lock(db, observation_id, batch->items, batch->n, err) &&
	       parts_observe(batch, err) && store_news_write(&news, err);
}

bool store_sql_observe(struct store *store, struct store_observation *items, size_t n,
		       const struct store_lease *lease, const struct store_by *by, struct err *err)
{
	struct observe batch = { .items = items, .n = n, .lease = lease, .by = by };
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
