/* The table of the SQL store, and the rows that every part of it writes. */
#include "adapter/store_sql.h"

#include "adapter/store_schema.h"
#include "adapter/store_sql_account.h"
#include "adapter/store_sql_control.h"
#include "adapter/store_sql_key.h"
#include "adapter/store_sql_once.h"
#include "adapter/store_sql_parts.h"
#include "adapter/store_sql_policy.h"
#include "adapter/store_sql_receivers.h"
#include "adapter/store_sql_people.h"
#include "adapter/store_sql_proposal.h"
#include "adapter/store_sql_vote.h"
#include "base/json.h"

#include <stdlib.h>

#define AUDIT_DETAIL_MAX 512 /* as wide as the column */

static void store_sql_close(struct store *store)
{
	free(store);
}

static const struct store_ops store_sql_ops = {
	.accept_withdrawals = store_sql_accept,
	.withdrawals_load = store_sql_load,
	.withdrawals_change = store_sql_change,
	.withdrawal_view = store_sql_view,
	.withdrawals_list = store_sql_list,
	.events_list = store_sql_events,
	.sweep = store_sql_sweep,
	.redrive = store_sql_redrive,
	.dlq_list = store_sql_dlq_list,
	.api_key_add = store_sql_key_add,
	.api_key_load = store_sql_key_load,
	.api_keys_list = store_sql_keys_list,
	.api_key_change = store_sql_key_change,
	.api_keys_used = store_sql_keys_used,
	.catalogue_pin = store_sql_pin,
	.wallets_load = store_sql_wallets,
	.leases_take = store_sql_leases,
	.wallet_enter = store_sql_enter,
	.wallet_stop = store_sql_stop,
	.wallet_start = store_sql_start,
	.transfers_reserve = store_sql_reserve,
	.transfer_turn_cancel = store_sql_turn_cancel,
	.attempts_add = store_sql_attempts_add,
	.attempts_sent = store_sql_attempts_sent,
	.transfers_observe = store_sql_observe,
	.transfers_wish = store_sql_wish,
	.transfers_load = store_sql_transfers,
	.taken_load = store_sql_taken,
	.transfer_load = store_sql_transfer,
	.attempts_load = store_sql_attempts,
	.transfer_of_round = store_sql_of_round,
	.mark_raise = store_sql_mark,
	.balances_save = store_sql_balances_save,
	.balances_list = store_sql_balances_list,
	.incarnation_load = store_sql_incarnation,
	.recover_begin = store_sql_recover_begin,
	.wallet_recover = store_sql_wallet_recover,
	.wallet_recovered = store_sql_wallet_recovered,
	.attempt_import = store_sql_import,
	.transfer_bind = store_sql_bind,
	.transfer_of_slot = store_sql_of_slot,
	.withdrawals_open = store_sql_open_rows,
	.reconciled_load = store_sql_reconciled,
	.reconciled_raise = store_sql_reconciled_raise,
	.controls_load = store_sql_controls_load,
	.controls_change = store_sql_controls_change,
	.withdrawal_of_key = store_sql_of_key,
	.decision_put = store_sql_decision_put,
	.decisions_load = store_sql_decisions,
	.attempt_owner = store_sql_attempt_owner,
	.case_resolve = store_sql_case_resolve,
	.feed_pending = store_sql_feed_pending,
	.feed_append = store_sql_feed_append,
	.feed_newest = store_sql_feed_newest,
	.feed_next = store_sql_feed_next,
	.feed_rows = store_sql_feed_rows,
	.user_add = store_sql_user_add,
	.user_find = store_sql_user_find,
	.user_load = store_sql_user_load,
	.users_list = store_sql_users_list,
	.user_change = store_sql_user_change,
	.session_change = store_sql_session_change,
	.session_load = store_sql_session_load,
	.sessions_list = store_sql_sessions_list,
	.token_was_used = store_sql_token_was_used,
	.peer_is_known = store_sql_peer_is_known,
	.policy_add = store_sql_policy_add,
	.policies_list = store_sql_policies_list,
	.audit_list = store_sql_audit_list,
	.once_load = store_sql_once_load,
	.once_answer = store_sql_once_answer,
	.policy_load = store_sql_policy_load,
	.policy_forget = store_sql_policy_forget,
	.votes_load = store_sql_votes_load,
	.policy_room = store_sql_policy_room,
	.proposal_add = store_sql_proposal_add,
	.proposal_change = store_sql_proposal_change,
	.proposal_load = store_sql_proposal_load,
	.proposals_list = store_sql_proposals_list,
	.receivers_look = store_sql_receivers_look,
	.receivers_learn = store_sql_receivers_learn,
	.allow_add = store_sql_allow_add,
	.allow_remove = store_sql_allow_remove,
	.allow_load = store_sql_allow_load,
	.allow_reseal = store_sql_allow_reseal,
	.allow_list = store_sql_allow_list,
	.account_add = store_sql_account_add,
	.account_change = store_sql_account_change,
	.account_load = store_sql_account_load,
	.accounts_list = store_sql_accounts_list,
	.close = store_sql_close,
};

bool store_sql_open(struct db *db, struct store **ret_store, struct err *err)
{
	if (!store_schema_check(db, err))
		return false;
	struct store_sql *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &store_sql_ops;
	self->db = db;
	*ret_store = &self->base;
	return true;
}

bool store_sql_migrate(struct db *db, int64_t now_ms, struct err *err)
{
	return store_schema_migrate(db, now_ms, err);
}

/* By the primary key, and so in its order. */
static bool withdrawals_lock(struct db *db, const struct id *ids, size_t n, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT version FROM withdrawals WHERE id IN (" SQL_MARKS_BATCH
				     ") ORDER BY id {for update}",
				     err);
	sql_put_ids(&sql, ids, n);
	while (sql_next(&sql))
		;
	return sql_end(&sql);
}

bool slots_withdrawals_lock(struct db *db, struct id (*id_of)(const void *items, size_t at),
			    const void *items, size_t n, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT withdrawal_id FROM transfer_items "
				     "WHERE transfer_id IN (" SQL_MARKS_BATCH ")",
				     err);
	struct id slots[BATCH_MAX];
	struct id withdrawals[BATCH_MAX];
	size_t len = 0;
	CHECK(n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		slots[i] = id_of(items, i);
	sql_put_ids(&sql, slots, n);
	while (len < BATCH_MAX && sql_next(&sql))
		withdrawals[len++] = sql_take_id(&sql);
	return sql_end(&sql) && (len == 0 || withdrawals_lock(db, withdrawals, len, err));
}

static const char audit_insert[] =
	"INSERT INTO audit (at, actor, who, request_id, action, subject, detail) "
	"VALUES (?, ?, ?, ?, ?, ?, ?)";

static void audit_put(struct sql *sql, const char *action, struct id subject, const char *detail,
		      const struct store_by *by)
{
	sql_put_i64(sql, by->now_ms);
	sql_put_i64(sql, by->actor);
	sql_put_text(sql, by->who);
	sql_put_text(sql, by->request_id);
	sql_put_text(sql, action);
	sql_put_id(sql, subject);
	sql_put_text(sql, detail);
}

/* The record's detail with where it was asked from, unless that does not fit any more. */
static const char *detail_from(const char *detail, const char *address, struct buf *out)
{
	struct str inner = str_from(detail);
	if (address == NULL || address[0] == 0)
		return detail;
	if (inner.len > 0 && inner.at[inner.len - 1] == '}')
		inner.len--;
	buf_str(out, inner.len > 0 ? inner : STR("{"));
	json_write_member_text(out, "address", address);
	buf_byte(out, '}');
	return out->overflow ? detail : buf_terminated(out);
}

bool audit_add(struct db *db, const char *action, struct id subject, const char *detail,
	       const struct store_by *by, struct err *err)
{
	char bytes[AUDIT_DETAIL_MAX + 1];
	struct buf out = buf_of(bytes, sizeof bytes);
	if (by->once != NULL && !once_claim(db, by->once, by->now_ms, err))
		return false;
	struct sql sql = sql_prepare(db, audit_insert, err);
	audit_put(&sql, action, subject, detail_from(detail, by->address, &out), by);
	return sql_run(&sql, NULL);
}

static bool events_insert(struct db *db, const struct event_row *events, const struct store_by *by,
			  size_t n, bool *ret_taken, struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "INSERT INTO events (withdrawal_id, sequence, at, type, actor, "
			    "stage, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
			    err);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_put_next_row(&sql);
		sql_put_id(&sql, events[i].withdrawal);
		sql_put_u64(&sql, events[i].sequence);
		sql_put_i64(&sql, by[i].now_ms);
		sql_put_text(&sql, events[i].type);
		sql_put_i64(&sql, by[i].actor);
		sql_put_i64(&sql, events[i].stage);
		sql_put_text(&sql, events[i].detail);
	}
	return sql_run(&sql, ret_taken);
}

bool event_row_add(struct db *db, const struct event_row *event, const struct store_by *by,
		   struct err *err)
{
	bool taken = false;
	if (!events_insert(db, event, by, 1, &taken, err))
		return false;
	/* Only an editor of the version gets here. The change itself stands, and the audit says so:
	 * a failure would take the whole batch down, and with it what belongs to others. */
	return audit_add(db, taken ? "event_sequence_taken" : event->type, event->withdrawal,
			 event->detail, by, err);
}

static bool event_rows_add_each(struct db *db, const struct event_row *events,
				const struct store_by *by, size_t n, struct err *err)
{
	bool good = true;
	for (size_t i = 0; i < n && good; i++)
		good = event_row_add(db, &events[i], &by[i], err);
	return good;
}

/* Their records say from where, and their key is taken with them: neither by many rows at once. */
static bool is_asked_by_people(const struct store_by *by, size_t n)
{
	bool found = false;
	for (size_t i = 0; i < n && !found; i++)
		found = by[i].once != NULL || by[i].address != NULL;
	return found;
}

bool event_rows_add(struct db *db, const struct event_row *events, const struct store_by *by,
		    size_t n, struct err *err)
{
	bool taken = false;
	if (is_asked_by_people(by, n))
		return event_rows_add_each(db, events, by, n, err);
	if (!events_insert(db, events, by, n, &taken, err))
		return false;
	if (taken)
		return event_rows_add_each(db, events, by, n, err);
	struct sql sql = sql_prepare(db, audit_insert, err);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_put_next_row(&sql);
		audit_put(&sql, events[i].type, events[i].withdrawal, events[i].detail, &by[i]);
	}
	return sql_run(&sql, NULL);
}
