/* The one way in which a withdrawal changes after its acceptance: compare-and-set under the row's
 * lock, with event, audit record, outgoing wake-up and incoming acknowledgement in the same
 * transaction. */
#include "adapter/store_sql_batch.h"
#include "adapter/store_sql_room.h"
#include "adapter/store_sql_vote.h"

#include "base/defence.h"
#include "base/json.h"

#include <string.h>

void withdrawal_take(struct sql *sql, struct withdrawal *ret_row)
{
	struct intent *intent = &ret_row->intent;
	memset(ret_row, 0, sizeof *ret_row);
	intent->id = sql_take_id(sql);
	sql_take_text(sql, intent->account, sizeof intent->account);
	intent->chain_id = sql_take_u64(sql);
	sql_take_text(sql, intent->asset, sizeof intent->asset);
	intent->is_native = sql_take_i64(sql) != 0;
	intent->contract = sql_take_address(sql);
	uint64_t decimals = sql_take_u64(sql);
	intent->decimals = (unsigned)(decimals < DECIMALS_MAX ? decimals : DECIMALS_MAX);
	intent->to = sql_take_address(sql);
	intent->amount.units = sql_take_u256(sql);
	sql_take_bytes(sql, intent->key_hash, sizeof intent->key_hash);
	sql_take_text(sql, intent->external_id, sizeof intent->external_id);
	sql_take_bytes(sql, intent->fingerprint, sizeof intent->fingerprint);
	intent->created_at = sql_take_i64(sql);
	sql_take_text(sql, intent->created_by, sizeof intent->created_by);
	sql_take_text(sql, intent->key_owner, sizeof intent->key_owner);
	sql_take_text(sql, ret_row->correlation_id, sizeof ret_row->correlation_id);
	sql_take_text(sql, ret_row->metadata, sizeof ret_row->metadata);
	ret_row->intent_mac = sql_take_mac(sql);
	ret_row->approval.policy_version = sql_take_u64(sql);
	ret_row->approval.approved_at = sql_take_i64(sql);
	ret_row->approval.expires_at = sql_take_i64(sql);
	ret_row->approval_mac = sql_take_mac(sql);
	ret_row->stage = (enum withdrawal_stage)sql_take_i64(sql);
	ret_row->version = sql_take_u64(sql);
	ret_row->round = sql_take_u32(sql);
	ret_row->cancel_requested = sql_take_i64(sql) != 0;
	sql_take_text(sql, ret_row->wait_reason, sizeof ret_row->wait_reason);
	ret_row->funds_since = sql_take_i64(sql);
	sql_take_text(sql, ret_row->held_reason, sizeof ret_row->held_reason);
	sql_take_text(sql, ret_row->failure_code, sizeof ret_row->failure_code);
	ret_row->transfer = sql_take_id(sql);
	ret_row->due_at = sql_take_i64(sql);
	ret_row->updated_at = sql_take_i64(sql);
}

#define WITHDRAWAL_LOAD "SELECT " WITHDRAWAL_COLUMNS " FROM withdrawals WHERE id = ?"

bool withdrawal_load(struct db *db, struct id id, struct withdrawal *ret_row, bool *ret_found,
		     struct err *err)
{
	struct sql sql = sql_prepare(
		db, db->writing ? WITHDRAWAL_LOAD " {for update}" : WITHDRAWAL_LOAD, err);
	sql_put_id(&sql, id);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		withdrawal_take(&sql, ret_row);
	return sql_end(&sql);
}

/* All of them by one statement, which on a cluster is one round trip. */
static bool withdrawals_load(struct db *db, const struct id *ids, size_t n,
			     struct withdrawal *ret_rows, bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT " WITHDRAWAL_COLUMNS
				     " FROM withdrawals WHERE id IN (" SQL_MARKS_BATCH ")",
				     err);
	sql_put_ids(&sql, ids, n);
	for (size_t i = 0; i < n; i++)
		ret_found[i] = false;
	while (sql_next(&sql)) {
		struct withdrawal row;
		withdrawal_take(&sql, &row);
		for (size_t i = 0; i < n; i++) {
			if (!id_equal(row.intent.id, ids[i]))
				continue;
			ret_rows[i] = row;
			ret_found[i] = true;
		}
	}
	return sql_end(&sql);
}

bool store_sql_load(struct store *store, const struct id *ids, size_t n,
		    struct withdrawal *ret_rows, bool *ret_found, struct err *err)
{
	struct db *db = db_of(store);
	if (!db_begin(db, false, err))
		return false;
	bool good = n == 1 ? withdrawal_load(db, ids[0], ret_rows, ret_found, err)
			   : withdrawals_load(db, ids, n, ret_rows, ret_found, err);
	db_rollback(db);
	return good;
}

/* The part of a row that a change is judged by. */
struct current {
	bool found;
	enum withdrawal_stage stage;
	uint64_t version;
	struct id transfer;
	char correlation_id[CORRELATION_ID_LEN_MAX + 1];
	char wait_reason[REASON_LEN_MAX + 1];
	int64_t funds_since;
	char held_reason[REASON_LEN_MAX + 1];
};

static void current_take(struct sql *sql, struct current *ret_current)
{
	ret_current->stage = (enum withdrawal_stage)sql_take_i64(sql);
	ret_current->version = sql_take_u64(sql);
	ret_current->transfer = sql_take_id(sql);
	sql_take_text(sql, ret_current->correlation_id, sizeof ret_current->correlation_id);
	sql_take_text(sql, ret_current->wait_reason, sizeof ret_current->wait_reason);
	ret_current->funds_since = sql_take_i64(sql);
	sql_take_text(sql, ret_current->held_reason, sizeof ret_current->held_reason);
	ret_current->found = true;
}

/* Of changes of as many rows, each another one; locked, in the order of their ids. */
static bool currents_load(struct db *db, const struct store_change *changes, const size_t *places,
			  size_t n, struct current ret_currents[BATCH_MAX], struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"SELECT id, stage, version, transfer_id, correlation_id, wait_reason, funds_since, "
		"held_reason FROM withdrawals WHERE id IN (" SQL_MARKS_BATCH
		") ORDER BY id {for update}",
		err);
	struct id ids[BATCH_MAX];
	for (size_t i = 0; i < n; i++) {
		ids[i] = changes[places[i]].withdrawal;
		ret_currents[i] = (struct current){ .found = false };
	}
	sql_put_ids(&sql, ids, n);
	while (sql_next(&sql)) {
		struct id id = sql_take_id(&sql);
		size_t at = id_find(ids, n, id);
		if (at < n)
			current_take(&sql, &ret_currents[at]);
	}
	return sql_end(&sql);
}

/* T4 and T6, judged again under the lock: the transfer that is left must be final and provably
 * unpaid; or paid, when the withdrawal is to be completed (which comes with the transfer's own
 * success, in store_sql_observe.c). */
static bool leaving_is_allowed(struct db *db, const struct store_change *change,
			       const struct current *current, bool *ret_allowed, struct err *err)
{
	*ret_allowed = true;
	if (!DEFENCE("left_when_unpaid"))
		return true;
	if (change->from != WITHDRAWAL_ASSIGNED || change->to == WITHDRAWAL_ASSIGNED)
		return true;
	struct transfer transfer = { 0 };
	bool found = false;
	if (!transfer_load(db, current->transfer, &transfer, &found, err))
		return false;
	bool proven = change->to == WITHDRAWAL_COMPLETED
			      ? transfer.outcome == OUTCOME_SUCCEEDED
			      : lifecycle_outcome_is_unpaid(transfer.outcome);
	*ret_allowed = found && transfer.stage == TRANSFER_FINAL && proven;
	return true;
}

static int64_t funds_since(const struct store_change *change, const struct current *current,
			   int64_t now_ms)
{
	if (change->from != change->to)
		return 0;
	switch (change->funds) {
	case STORE_FUNDS_KEPT:
		return current->funds_since;
	case STORE_FUNDS_LACKING:
		return current->funds_since != 0 ? current->funds_since : now_ms;
	case STORE_FUNDS_THERE:
		return 0;
	}
	return 0;
}

static bool is_quiet(const struct store_change *change, const struct current *current,
		     int64_t now_ms)
{
	const char *reason = change->wait_reason == NULL ? "" : change->wait_reason;
	if (funds_since(change, current, now_ms) != current->funds_since)
		return false;
	return change->from == change->to && !change->request_cancel && !change->request_speed_up &&
	       !change->has_approval && !change->next_round && change->vote == NULL &&
	       change->held_reason == NULL && strcmp(reason, current->wait_reason) == 0;
}

static void put_due(struct sql *sql, const struct store_change *change, int64_t now_ms)
{
	if (lifecycle_is_terminal(change->to) || !DEFENCE("waiting_is_due"))
		sql_put_null(sql);
	else
		sql_put_i64(sql, change->due_at != 0 ? change->due_at
						     : now_ms + lifecycle_due_in_ms(change->to));
}

/* Waiting on for the same reason is no news: only the time of the next look moves. */
static bool due_update(struct db *db, const struct store_change *change, int64_t now_ms,
		       struct err *err)
{
	struct sql sql = sql_prepare(db, "UPDATE withdrawals SET due_at = ? WHERE id = ?", err);
	put_due(&sql, change, now_ms);
	sql_put_id(&sql, change->withdrawal);
	return sql_later_one(&sql);
}

/* The row is locked and judged. What an editor wrote into its version or stage reads here as
 * something else, and comparing it once more would fail the batch, and with it what belongs to
 * others. */
static bool row_update(struct db *db, const struct store_change *change,
		       const struct current *current, int64_t now_ms, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		"UPDATE withdrawals SET stage = ?, version = {next version}, round = {least}(round, 2147483646) + ?, "
		"cancel_requested = CASE WHEN ? THEN 1 ELSE cancel_requested END, "
		"wait_reason = ?, funds_since = ?, held_reason = COALESCE(?, held_reason), "
		"failure_code = COALESCE(?, failure_code), due_at = ?, updated_at = ? "
		"WHERE id = ?",
		err);
	sql_put_i64(&sql, change->to);
	sql_put_i64(&sql, change->next_round ? 1 : 0);
	sql_put_i64(&sql, change->request_cancel ? 1 : 0);
	sql_put_text(&sql, change->wait_reason == NULL ? "" : change->wait_reason);
	sql_put_i64(&sql, funds_since(change, current, now_ms));
	sql_put_text(&sql, change->held_reason);
	sql_put_text(&sql, change->failure_code);
	put_due(&sql, change, now_ms);
	sql_put_i64(&sql, now_ms);
	sql_put_id(&sql, change->withdrawal);
	return sql_later_one(&sql);
}

static bool approval_update(struct db *db, const struct store_change *change, struct err *err)
{
	if (!change->has_approval)
		return true;
	struct sql sql = sql_prepare(db,
				     "UPDATE withdrawals SET policy_version = ?, approved_at = ?, "
				     "expires_at = ?, approval_key_id = ?, approval_mac = ? "
				     "WHERE id = ?",
				     err);
	sql_put_u64(&sql, change->approval.policy_version);
	sql_put_i64(&sql, change->approval.approved_at);
	sql_put_i64(&sql, change->approval.expires_at);
	sql_put_mac(&sql, &change->approval_mac);
	sql_put_id(&sql, change->withdrawal);
	return sql_later_one(&sql);
}

static bool change_event_add(struct store_news *news, const struct store_change *change,
			     struct err *err)
{
	char detail[EVENT_DETAIL_LEN_MAX + 1] = "";
	struct buf out = buf_of(detail, sizeof detail);
	const char *reason = change->failure_code != NULL  ? change->failure_code
			     : change->held_reason != NULL ? change->held_reason
							   : change->wait_reason;
	bool has_reason = reason != NULL && reason[0] != 0;
	if (has_reason || change->rule != NULL || change->vote != NULL ||
	    change->screening != NULL) {
		buf_byte(&out, '{');
		if (has_reason)
			json_write_member_text(&out, "code", reason);
		if (change->rule != NULL)
			json_write_member_text(&out, "rule", change->rule);
		if (change->screening != NULL)
			json_write_member_text(&out, "screening", change->screening);
		if (change->vote != NULL)
			json_write_member_text(&out, "person", change->vote->person);
		buf_byte(&out, '}');
	}
	struct event_row event = { .withdrawal = change->withdrawal,
				   .sequence = change->version + 1,
				   .type = change->event,
				   .stage = change->to,
				   .detail = buf_terminated(&out) };
	return store_news_event(news, &event, err);
}

static enum queue_name queue_woken(const struct store_change *change)
{
	if (change->from != change->to)
		return lifecycle_withdrawal_wakes(change->from, change->to);
	if (change->vote != NULL || (change->request_cancel && change->from < WITHDRAWAL_QUEUED))
		return QUEUE_REQUEST;
	/* Asked anew, and nobody has said anything yet. */
	if (change->has_approval && change->approval.expires_at == APPROVAL_ASKS)
		return QUEUE_NONE;
	return change->request_cancel || change->request_speed_up || change->has_approval ||
			       change->next_round
		       ? QUEUE_SIGNING
		       : QUEUE_NONE;
}

/* False: there is no room for it, and nothing may be written. */
static bool room_change(struct room *room, struct store_change *change)
{
	if (room == NULL)
		return true;
	if (change->claims_len > 0)
		room_take(room, change);
	if (change->room == STORE_ROOM_TAKEN && room_is_given_back(change->from, change->to))
		room_release(room, change->withdrawal);
	return change->room == STORE_ROOM_TAKEN;
}

static bool change_write(struct store_news *news, struct store_change *change,
			 const struct current *current, struct err *err)
{
	struct db *db = news->db;
	int64_t now_ms = news->by->now_ms;
	CHECK(change->from == change->to ||
	      lifecycle_withdrawal_allows(change->from, change->to, news->by->actor));
	change->applied = true;
	if (is_quiet(change, current, now_ms))
		return due_update(db, change, now_ms, err);
	return row_update(db, change, current, now_ms, err) && approval_update(db, change, err) &&
	       (change->vote == NULL || vote_row_add(db, change->vote, err)) &&
	       change_event_add(news, change, err) &&
	       store_news_wake(news, queue_woken(change), change->withdrawal,
			       current->correlation_id, err);
}

/* Nobody but a person acts on a held row; holding and releasing it are such acts' own words. That
 * its client wants it no more ends a hold that asks for nothing else. */
static bool is_current(const struct store_change *change, const struct current *current,
		       const struct store_by *by)
{
	if (current->stage != change->from || current->version != change->version)
		return false;
	if (change->request_cancel && change->held_reason != NULL && change->held_reason[0] == 0 &&
	    lifecycle_cancel_ends_hold(current->held_reason))
		return true;
	return current->held_reason[0] == 0 || by->actor == ACTOR_PERSON ||
	       !DEFENCE("held_is_left_alone");
}

/* A row that went on has its own wake-up; there is nothing to bury. */
static bool ack_end(struct store_news *news, const struct store_change *change,
		    const struct current *current, struct err *err)
{
	enum queue_name dlq = (enum queue_name)(change->ack.queue + QUEUE_DLQ_OFFSET);
	store_news_end(news, &change->ack);
	return !change->bury || !change->applied ||
	       store_news_wake(news, dlq, change->ack.subject, current->correlation_id, err);
}

static bool change_apply(struct store_news *news, struct room *room, struct store_change *change,
			 const struct current *current, struct err *err)
{
	struct db *db = news->db;
	bool allowed = false;
	change->applied = false;
	change->room = STORE_ROOM_TAKEN;
	CHECK(!change->bury ||
	      (change->ack.queue >= QUEUE_REQUEST && change->ack.queue <= QUEUE_MONITOR));
	if (current->found && is_current(change, current, news->by)) {
		if (!leaving_is_allowed(db, change, current, &allowed, err))
			return false;
		if (change->request_speed_up &&
		    !transfer_speed_up(db, current->transfer, &allowed, err))
			return false;
		if (allowed && !room_change(room, change))
			return true;
		if (allowed && !change_write(news, change, current, err))
			return false;
	}
	return ack_end(news, change, current, err);
}

struct change_batch {
	struct store_change *changes;
	size_t n;
	const struct store_by *by;
};

static struct id change_id(const void *items, size_t at)
{
	return ((const struct store_change *)items)[at].withdrawal;
}

/* The changes of a batch, pass by pass; before the first of them is written, all windows that any
 * of them needs are locked. */
static bool changes_apply(struct store_news *news, struct change_batch *batch, struct room **room,
			  struct err *err)
{
	struct current currents[BATCH_MAX];
	size_t places[BATCH_MAX];
	size_t part[BATCH_MAX];
	size_t len = batch->n;
	items_order(change_id, batch->changes, batch->n, places);
	for (size_t pass = 0; len > 0; pass++) {
		len = items_pass(change_id, batch->changes, places, batch->n, pass, part);
		if (len > 0 && !currents_load(news->db, batch->changes, part, len, currents, err))
			return false;
		if (pass == 0 &&
		    !room_open(news->db, batch->changes, batch->n, news->by->now_ms, room, err))
			return false;
		for (size_t i = 0; i < len; i++)
			if (!change_apply(news, *room, &batch->changes[part[i]], &currents[i], err))
				return false;
	}
	return true;
}

static bool batch_change(struct db *db, void *context, struct err *err)
{
	struct change_batch *batch = context;
	struct store_news news = store_news_of(db, batch->by);
	struct room *room = NULL;
	bool good = changes_apply(&news, batch, &room, err) &&
		    (room == NULL || room_write(room, err)) && store_news_write(&news, err);
	room_close(room);
	return good;
}

bool store_sql_change(struct store *store, struct store_change *changes, size_t n,
		      const struct store_by *by, struct err *err)
{
	struct change_batch batch = { changes, n, by };
	return sql_write(db_of(store), batch_change, &batch, err);
}
