/* The store as a process sees it. */
#include "sim/check_port.h"

#include <stdio.h>
#include <string.h>

#define STORE(call, function, ...)                                                \
	struct sim_process *process = ((struct sim_port *)(void *)self)->process; \
	struct store *real = process->world->store;                               \
	enum sim_fault fault;                                                     \
	if (!sim_call_enter(process, SIM_CALL_##call, &fault, err))               \
		return false;                                                     \
	return sim_call_leave(process, SIM_CALL_##call, fault,                    \
			      real->ops->function(real, __VA_ARGS__, err), err)

/* The same, with a look at what stands there before, and at what it did. */
#define STORE_WATCHED(call, before, after, expression)                            \
	struct sim_process *process = ((struct sim_port *)(void *)self)->process; \
	struct store *real = process->world->store;                               \
	enum sim_fault fault;                                                     \
	if (!sim_call_enter(process, SIM_CALL_##call, &fault, err))               \
		return false;                                                     \
	before;                                                                   \
	bool done = real->ops->expression;                                        \
	if (done)                                                                 \
		after;                                                            \
	return sim_call_leave(process, SIM_CALL_##call, fault, done, err)

static bool accept_withdrawals(struct store *self, struct store_accept *items, size_t n,
			       struct err *err)
{
	STORE(STORE_ACCEPT, accept_withdrawals, items, n);
}

static bool withdrawals_load(struct store *self, const struct id *ids, size_t n,
			     struct withdrawal *ret_rows, bool *ret_found, struct err *err)
{
	STORE(STORE_WITHDRAWALS_LOAD, withdrawals_load, ids, n, ret_rows, ret_found);
}

static bool withdrawals_change(struct store *self, struct store_change *changes, size_t n,
			       const struct store_by *by, struct err *err)
{
	STORE_WATCHED(STORE_CHANGE, sim_before_change(process, changes, n),
		      sim_after_change(process, changes, n),
		      withdrawals_change(real, changes, n, by, err));
}

static bool withdrawal_view(struct store *self, struct id id, struct store_view *ret_view,
			    bool *ret_found, struct err *err)
{
	STORE(STORE_VIEW, withdrawal_view, id, ret_view, ret_found);
}

static bool sweep(struct store *self, int64_t now_ms, size_t limit, size_t ret_woken[3],
		  struct err *err)
{
	STORE(STORE_SWEEP, sweep, now_ms, limit, ret_woken);
}

static bool redrive(struct store *self, enum queue_name dlq, size_t limit,
		    const struct store_by *by, size_t *ret_moved, struct err *err)
{
	STORE(STORE_REDRIVE, redrive, dlq, limit, by, ret_moved);
}

static bool wallets_load(struct store *self, struct wallet *ret_wallets, size_t cap,
			 size_t *ret_len, struct err *err)
{
	STORE(STORE_WALLETS_LOAD, wallets_load, ret_wallets, cap, ret_len);
}

static bool wallet_enter(struct store *self, int64_t wallet_id, uint64_t epoch,
			 uint64_t first_nonce, const struct store_by *by, struct err *err)
{
	STORE(STORE_ENTER, wallet_enter, wallet_id, epoch, first_nonce, by);
}

static bool wallet_stop(struct store *self, int64_t wallet_id, const char *reason,
			const struct store_lease *lease, const struct store_by *by, bool *ret_held,
			struct err *err)
{
	STORE(STORE_STOP, wallet_stop, wallet_id, reason, lease, by, ret_held);
}

static bool transfers_reserve(struct store *self, struct store_reservation *items, size_t n,
			      const struct store_by *by, struct err *err)
{
	STORE_WATCHED(STORE_RESERVE, sim_before_reserve(process, items, n),
		      sim_after_reserve(process, items, n),
		      transfers_reserve(real, items, n, by, err));
}

static bool transfer_turn_cancel(struct store *self, struct transfer *transfer, uint64_t epoch,
				 const struct store_by *by, enum store_write *ret_result,
				 struct err *err)
{
	STORE_WATCHED(STORE_TURN_CANCEL, sim_before_acks(process, NULL, 0),
		      sim_after_turn_cancel(process, transfer, epoch, *ret_result),
		      transfer_turn_cancel(real, transfer, epoch, by, ret_result, err));
}

static bool attempts_add(struct store *self, struct store_attempt *items, size_t n,
			 const struct store_by *by, struct err *err)
{
	STORE_WATCHED(STORE_ATTEMPTS_ADD, sim_before_attempts(process, items, n),
		      sim_after_attempts(process, items, n), attempts_add(real, items, n, by, err));
}

static void plant_sent(const struct sim_process *process, struct store_sent *items)
{
	items[0].may_be_out &= process->world->options->plant != SIM_PLANT_NOT_OUT;
}

static bool attempts_sent(struct store *self, struct store_sent *items, size_t n,
			  const struct store_by *by, struct err *err)
{
	STORE_WATCHED(STORE_ATTEMPTS_SENT, plant_sent(process, items),
		      sim_after_sent(process, items, n), attempts_sent(real, items, n, by, err));
}

static bool transfers_observe(struct store *self, struct store_observation *items, size_t n,
			      const struct store_lease *lease, const struct store_by *by,
			      struct err *err)
{
	STORE_WATCHED(STORE_OBSERVE, sim_before_observe(process, items, n),
		      sim_after_observe(process, items, n, lease),
		      transfers_observe(real, items, n, lease, by, err));
}

static bool transfers_wish(struct store *self, const struct store_wish *wishes, size_t n,
			   const struct store_by *by, struct err *err)
{
	STORE(STORE_WISH, transfers_wish, wishes, n, by);
}

static bool transfers_load(struct store *self, const struct store_transfer_filter *filter,
			   struct transfer *ret_rows, size_t *ret_len, struct err *err)
{
	STORE(STORE_TRANSFERS_LOAD, transfers_load, filter, ret_rows, ret_len);
}

static bool taken_load(struct store *self, int64_t wallet_id, uint64_t block,
		       struct store_taken *items, size_t n, uint64_t *ret_gas, struct err *err)
{
	STORE(STORE_TAKEN, taken_load, wallet_id, block, items, n, ret_gas);
}

static bool transfer_load(struct store *self, struct id id, struct transfer *ret_row,
			  bool *ret_found, struct err *err)
{
	STORE(STORE_TRANSFER_LOAD, transfer_load, id, ret_row, ret_found);
}

static bool attempts_load(struct store *self, const struct id *transfers, size_t n,
			  struct attempt *ret_rows, size_t cap, size_t *ret_len, struct err *err)
{
	STORE(STORE_ATTEMPTS_LOAD, attempts_load, transfers, n, ret_rows, cap, ret_len);
}

static bool transfer_of_round(struct store *self, struct id withdrawal, uint32_t round,
			      struct transfer *ret_row, bool *ret_found, struct err *err)
{
	STORE(STORE_OF_ROUND, transfer_of_round, withdrawal, round, ret_row, ret_found);
}

static bool mark_raise(struct store *self, struct store_mark *mark, struct err *err)
{
	STORE(STORE_MARK, mark_raise, mark);
}

static bool balances_save(struct store *self, const struct store_balance *balances, size_t n,
			  struct err *err)
{
	STORE(STORE_BALANCES, balances_save, balances, n);
}

static bool transfer_of_slot(struct store *self, int64_t wallet_id, uint64_t nonce,
			     struct transfer *ret_row, bool *ret_found, struct err *err)
{
	STORE(STORE_OF_SLOT, transfer_of_slot, wallet_id, nonce, ret_row, ret_found);
}

static bool transfer_bind(struct store *self, struct store_binding *item, const struct store_by *by,
			  struct err *err)
{
	STORE_WATCHED(STORE_BIND, sim_before_acks(process, &item->ack, 1),
		      sim_after_bind(process, item), transfer_bind(real, item, by, err));
}

static bool incarnation_load(struct store *self, struct store_incarnation *ret_last,
			     struct err *err)
{
	STORE(STORE_INCARNATION, incarnation_load, ret_last);
}

static bool recover_begin(struct store *self, uint64_t number_min, bool journal_lost,
			  const struct store_by *by, uint64_t *ret_number, struct err *err)
{
	STORE(STORE_RECOVER_BEGIN, recover_begin, number_min, journal_lost, by, ret_number);
}

static bool wallet_recover(struct store *self, int64_t wallet_id, uint64_t epoch,
			   uint64_t recover_to, struct err *err)
{
	STORE(STORE_WALLET_RECOVER, wallet_recover, wallet_id, epoch, recover_to);
}

static bool wallet_recovered(struct store *self, int64_t wallet_id, uint64_t epoch,
			     const struct store_by *by, bool *ret_done, struct err *err)
{
	STORE(STORE_WALLET_RECOVERED, wallet_recovered, wallet_id, epoch, by, ret_done);
}

static bool attempt_import(struct store *self, struct store_import *item, const struct store_by *by,
			   struct err *err)
{
	STORE_WATCHED(STORE_IMPORT, sim_before_acks(process, NULL, 0),
		      sim_after_import(process, item), attempt_import(real, item, by, err));
}

static bool withdrawals_open(struct store *self, struct id after, struct id *ret_ids, size_t cap,
			     size_t *ret_len, struct err *err)
{
	STORE(STORE_OPEN, withdrawals_open, after, ret_ids, cap, ret_len);
}

static bool reconciled_load(struct store *self, uint64_t chain_id, uint64_t *ret_block,
			    struct err *err)
{
	STORE(STORE_RECONCILED, reconciled_load, chain_id, ret_block);
}

static bool reconciled_raise(struct store *self, uint64_t chain_id, uint64_t block,
			     const struct store_lease *lease, struct err *err)
{
	STORE(STORE_RECONCILED_RAISE, reconciled_raise, chain_id, block, lease);
}

static bool decision_put(struct store *self, const struct decision *decision,
			 const struct store_by *by, bool *ret_current, struct err *err)
{
	STORE(STORE_DECISION_PUT, decision_put, decision, by, ret_current);
}

static bool decisions_load(struct store *self, const struct resolve_case *of,
			   struct decision *ret_decisions, size_t cap, size_t *ret_len,
			   struct err *err)
{
	STORE(STORE_DECISIONS, decisions_load, of, ret_decisions, cap, ret_len);
}

static bool attempt_owner(struct store *self, struct hash32 tx_hash, struct id *ret_transfer,
			  struct err *err)
{
	STORE(STORE_ATTEMPT_OWNER, attempt_owner, tx_hash, ret_transfer);
}

static bool case_resolve(struct store *self, struct store_resolution *resolution,
			 const struct store_by *by, struct err *err)
{
	STORE(STORE_CASE_RESOLVE, case_resolve, resolution, by);
}

static bool controls_load(struct store *self, struct control_set *ret_set, struct err *err)
{
	STORE_WATCHED(STORE_CONTROLS, (void)real, sim_after_controls(process, ret_set),
		      controls_load(real, ret_set, err));
}

static bool proposals_list(struct store *self, enum proposal_kind kind, const char *account,
			   int64_t now_ms, struct store_proposal *ret_proposals, size_t cap,
			   size_t *ret_len, struct err *err)
{
	STORE(STORE_PROPOSALS, proposals_list, kind, account, now_ms, ret_proposals, cap, ret_len);
}

static bool proposal_add(struct store *self, const struct store_proposal *proposal, struct str text,
			 const struct store_by *by, struct err *err)
{
	STORE(STORE_PROPOSAL_ADD, proposal_add, proposal, text, by);
}

static bool proposal_change(struct store *self, struct store_proposal_change *change,
			    const struct store_by *by, struct err *err)
{
	STORE(STORE_PROPOSAL_CHANGE, proposal_change, change, by);
}

static bool proposal_load(struct store *self, struct id id, struct store_proposal *ret_proposal,
			  struct buf *ret_text, bool *ret_found, struct err *err)
{
	STORE(STORE_PROPOSAL_LOAD, proposal_load, id, ret_proposal, ret_text, ret_found);
}

static bool user_load(struct store *self, struct id id, struct store_user *ret_user,
		      bool *ret_found, struct err *err)
{
	STORE(STORE_USER_LOAD, user_load, id, ret_user, ret_found);
}

static bool withdrawal_of_key(struct store *self, const uint8_t *key_hash,
			      struct withdrawal *ret_row, bool *ret_found, struct err *err)
{
	STORE(STORE_OF_KEY, withdrawal_of_key, key_hash, ret_row, ret_found);
}

static bool controls_change(struct store *self, struct store_control_change *change,
			    const struct store_by *by, struct err *err)
{
	STORE(STORE_CONTROLS_CHANGE, controls_change, change, by);
}

static bool feed_newest(struct store *self, struct feed_seal *ret_seal, bool *ret_any,
			struct err *err)
{
	STORE(STORE_FEED_NEWEST, feed_newest, ret_seal, ret_any);
}

static bool feed_next(struct store *self, uint64_t after, struct feed_seal *ret_seal, bool *ret_any,
		      struct err *err)
{
	STORE(STORE_FEED_NEXT, feed_next, after, ret_seal, ret_any);
}

static bool feed_pending(struct store *self, enum feed_kind kind, struct feed_row *ret_rows,
			 size_t cap, size_t *ret_len, struct err *err)
{
	STORE(STORE_FEED_PENDING, feed_pending, kind, ret_rows, cap, ret_len);
}

static bool feed_append(struct store *self, const struct store_lease *lease,
			const struct feed_seal *seal, const struct feed_row *rows,
			enum store_write *ret_result, struct err *err)
{
	STORE(STORE_FEED_APPEND, feed_append, lease, seal, rows, ret_result);
}

static bool policy_load(struct store *self, uint64_t known, struct store_policy *ret_policy,
			struct buf *ret_document, bool *ret_found, struct err *err)
{
	STORE(STORE_POLICY_LOAD, policy_load, known, ret_policy, ret_document, ret_found);
}

static bool policies_list(struct store *self, uint64_t below, struct store_policy *ret_policies,
			  size_t cap, size_t *ret_len, struct err *err)
{
	STORE(STORE_POLICIES, policies_list, below, ret_policies, cap, ret_len);
}

static bool votes_load(struct store *self, struct id withdrawal, uint64_t policy_version,
		       struct vote ret_votes[VOTES_MAX], size_t *ret_len, struct err *err)
{
	STORE(STORE_VOTES_LOAD, votes_load, withdrawal, policy_version, ret_votes, ret_len);
}

static bool policy_forget(struct store *self, int64_t now_ms, size_t limit, size_t *ret_forgotten,
			  struct err *err)
{
	STORE(STORE_POLICY_FORGET, policy_forget, now_ms, limit, ret_forgotten);
}

static bool receivers_look(struct store *self, struct store_receiver *receivers, size_t n,
			   struct err *err)
{
	STORE(STORE_RECEIVERS_LOOK, receivers_look, receivers, n);
}

static bool receivers_learn(struct store *self, const struct intent *const *intents, size_t n,
			    int64_t now_ms, struct err *err)
{
	STORE(STORE_RECEIVERS_LEARN, receivers_learn, intents, n, now_ms);
}

/* Who holds which lease. A file lock tells at once that an owner is dead; of one that lives, the
 * term has to pass, which only somebody who stands still lets happen. */
#define TERM_MS 10000

static struct sim_lease *lease_of(struct sim_world *world, const char *name)
{
	size_t count = sizeof world->leases / sizeof *world->leases;
	for (size_t i = 0; i < count; i++) {
		struct sim_lease *lease = &world->leases[i];
		if (lease->name[0] == 0)
			(void)snprintf(lease->name, sizeof lease->name, "%s", name);
		if (strcmp(lease->name, name) == 0)
			return lease;
	}
	CHECK(false);
	return NULL;
}

static bool lease_is_free(const struct sim_lease *lease, const struct sim_process *asking)
{
	const struct sim_process *owner = lease->owner;
	if (owner == NULL || owner == asking || !owner->alive)
		return true;
	if (strcmp(owner->instance, lease->holder) != 0) /* its slot has another tenant now */
		return true;
	return owner->world->now_ms - lease->renewed_ms > TERM_MS;
}

static bool lease_take(struct sim_process *process, struct store_lease *lease, const char *holder,
		       int64_t now_ms, bool *ret_taken, struct err *err)
{
	struct sim_world *world = process->world;
	struct store *real = world->store;
	struct sim_lease *known = lease_of(world, lease->name);
	if (!lease_is_free(known, process)) {
		*ret_taken = false;
		lease->epoch = 0;
		return true;
	}
	if (!real->ops->leases_take(real, &lease, 1, holder, now_ms, ret_taken, err))
		return false;
	if (*ret_taken) {
		known->owner = process;
		known->renewed_ms = world->now_ms;
		(void)snprintf(known->holder, sizeof known->holder, "%s", process->instance);
	}
	return true;
}

static bool leases_take(struct store *self, struct store_lease *const *leases, size_t n,
			const char *holder, int64_t now_ms, bool *ret_taken, struct err *err)
{
	struct sim_process *process = ((struct sim_port *)(void *)self)->process;
	enum sim_fault fault;
	bool done = true;
	if (!sim_call_enter(process, SIM_CALL_STORE_LEASE, &fault, err))
		return false;
	for (size_t i = 0; i < n && done; i++)
		done = lease_take(process, leases[i], holder, now_ms, &ret_taken[i], err);
	return sim_call_leave(process, SIM_CALL_STORE_LEASE, fault, done, err);
}

const struct store_ops sim_store_ops = {
	.accept_withdrawals = accept_withdrawals,
	.withdrawals_load = withdrawals_load,
	.withdrawals_change = withdrawals_change,
	.withdrawal_view = withdrawal_view,
	.sweep = sweep,
	.redrive = redrive,
	.wallets_load = wallets_load,
	.leases_take = leases_take,
	.wallet_enter = wallet_enter,
	.wallet_stop = wallet_stop,
	.transfers_reserve = transfers_reserve,
	.transfer_turn_cancel = transfer_turn_cancel,
	.attempts_add = attempts_add,
	.attempts_sent = attempts_sent,
	.transfers_observe = transfers_observe,
	.transfers_wish = transfers_wish,
	.transfers_load = transfers_load,
	.taken_load = taken_load,
	.transfer_load = transfer_load,
	.attempts_load = attempts_load,
	.transfer_of_round = transfer_of_round,
	.mark_raise = mark_raise,
	.balances_save = balances_save,
	.transfer_of_slot = transfer_of_slot,
	.transfer_bind = transfer_bind,
	.incarnation_load = incarnation_load,
	.recover_begin = recover_begin,
	.wallet_recover = wallet_recover,
	.wallet_recovered = wallet_recovered,
	.attempt_import = attempt_import,
	.withdrawals_open = withdrawals_open,
	.reconciled_load = reconciled_load,
	.reconciled_raise = reconciled_raise,
	.decision_put = decision_put,
	.decisions_load = decisions_load,
	.attempt_owner = attempt_owner,
	.case_resolve = case_resolve,
	.feed_newest = feed_newest,
	.feed_next = feed_next,
	.feed_pending = feed_pending,
	.feed_append = feed_append,
	.controls_load = controls_load,
	.controls_change = controls_change,
	.proposals_list = proposals_list,
	.proposal_add = proposal_add,
	.proposal_change = proposal_change,
	.proposal_load = proposal_load,
	.user_load = user_load,
	.withdrawal_of_key = withdrawal_of_key,
	.policies_list = policies_list,
	.policy_load = policy_load,
	.policy_forget = policy_forget,
	.votes_load = votes_load,
	.receivers_look = receivers_look,
	.receivers_learn = receivers_learn,
};
