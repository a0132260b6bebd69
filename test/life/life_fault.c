#include "life_fault.h"

#include "port/store_ops.h"

#include <stdlib.h>
#include <string.h>

struct life_fault {
	struct store store;
	struct queue queue;
	struct journal journal;
	struct keys keys;
	struct chain chain;
	struct life *life;
	struct life_fault_plan plan;
	uint64_t seen;
	const char *hit;
	uint64_t rights_listed;
	enum life_fault_mode now; /* of the call that runs */
};

#define CONTAINER(pointer, member) \
	((struct life_fault *)(void *)((char *)(pointer) - offsetof(struct life_fault, member)))

uint64_t life_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

static enum life_fault_mode storm(struct life_fault_plan *plan)
{
	if (life_random(&plan->seed) % 1000 >= plan->at)
		return LIFE_FAULT_NONE;
	return (enum life_fault_mode)(LIFE_FAULT_FAIL + life_random(&plan->seed) % 3);
}

/* Which fault this call is to have. */
static enum life_fault_mode mode_of(struct life_fault *fault, const char *call)
{
	struct life_fault_plan *plan = &fault->plan;
	if (plan->mode == LIFE_FAULT_NONE || (plan->call != NULL && strcmp(plan->call, call) != 0))
		return LIFE_FAULT_NONE;
	fault->seen++;
	if (plan->mode == LIFE_FAULT_STORM)
		return storm(plan);
	return plan->at == 0 || plan->at == fault->seen ? plan->mode : LIFE_FAULT_NONE;
}

/* Counts the call. False: it fails here. */
static bool enter(struct life_fault *fault, const char *call, struct err *err)
{
	fault->now = mode_of(fault, call);
	if (fault->now != LIFE_FAULT_NONE)
		fault->hit = call;
	if (fault->now == LIFE_FAULT_ACT)
		fault->plan.act(fault->life, fault->plan.row);
	if (fault->now == LIFE_FAULT_FAIL)
		return err_set(err, ERR_NOT_DONE, "injected: %s failed", call);
	return true;
}

static bool leave(struct life_fault *fault, bool done, struct err *err)
{
	enum life_fault_mode now = fault->now;
	fault->now = LIFE_FAULT_NONE;
	if (now == LIFE_FAULT_KILL)
		life_die(fault->life);
	if (now == LIFE_FAULT_AFTER)
		fault->plan.act(fault->life, fault->plan.row);
	if (now == LIFE_FAULT_LOSE && done)
		return err_set(err, ERR_MAYBE_DONE, "injected: the answer of %s is lost",
			       fault->hit);
	return done;
}

#define FORWARD(member, self, call, name)                   \
	struct life_fault *fault = CONTAINER(self, member); \
	if (!enter(fault, name, err))                       \
		return false;                               \
	return leave(fault, fault->life->member->ops->call, err)

#define STORE(call, name)   FORWARD(store, self, call, "store_" name)
#define REAL_STORE          fault->life->store
#define QUEUE(call, name)   FORWARD(queue, self, call, "queue_" name)
#define REAL_QUEUE          fault->life->queue
#define JOURNAL(call, name) FORWARD(journal, self, call, "journal_" name)
#define REAL_JOURNAL        fault->life->journal
#define CHAIN(call, name)   FORWARD(chain, self, call, "chain_" name)
#define REAL_CHAIN          fault->life->chain

/* --- store: what processor, signer and monitor call ---------------------------------------------
 */

static bool withdrawals_load(struct store *self, const struct id *ids, size_t n,
			     struct withdrawal *ret_rows, bool *ret_found, struct err *err)
{
	STORE(withdrawals_load(REAL_STORE, ids, n, ret_rows, ret_found, err), "withdrawals_load");
}

static bool withdrawals_change(struct store *self, struct store_change *changes, size_t n,
			       const struct store_by *by, struct err *err)
{
	STORE(withdrawals_change(REAL_STORE, changes, n, by, err), "withdrawals_change");
}

static bool sweep(struct store *self, int64_t now_ms, size_t limit, size_t ret_woken[3],
		  struct err *err)
{
	STORE(sweep(REAL_STORE, now_ms, limit, ret_woken, err), "sweep");
}

static bool wallets_load(struct store *self, struct wallet *ret_wallets, size_t cap,
			 size_t *ret_len, struct err *err)
{
	STORE(wallets_load(REAL_STORE, ret_wallets, cap, ret_len, err), "wallets_load");
}

static bool leases_take(struct store *self, struct store_lease *const *leases, size_t n,
			const char *holder, int64_t now_ms, bool *ret_taken, struct err *err)
{
	STORE(leases_take(REAL_STORE, leases, n, holder, now_ms, ret_taken, err), "lease_take");
}

static bool wallet_enter(struct store *self, int64_t wallet_id, uint64_t epoch,
			 uint64_t first_nonce, const struct store_by *by, struct err *err)
{
	STORE(wallet_enter(REAL_STORE, wallet_id, epoch, first_nonce, by, err), "wallet_enter");
}

static bool wallet_stop(struct store *self, int64_t wallet_id, const char *reason,
			const struct store_lease *lease, const struct store_by *by, bool *ret_held,
			struct err *err)
{
	STORE(wallet_stop(REAL_STORE, wallet_id, reason, lease, by, ret_held, err), "wallet_stop");
}

static bool transfers_reserve(struct store *self, struct store_reservation *items, size_t n,
			      const struct store_by *by, struct err *err)
{
	STORE(transfers_reserve(REAL_STORE, items, n, by, err), "transfers_reserve");
}

static bool transfer_turn_cancel(struct store *self, struct transfer *transfer, uint64_t epoch,
				 const struct store_by *by, enum store_write *ret_result,
				 struct err *err)
{
	STORE(transfer_turn_cancel(REAL_STORE, transfer, epoch, by, ret_result, err),
	      "transfer_turn_cancel");
}

static bool attempts_add(struct store *self, struct store_attempt *items, size_t n,
			 const struct store_by *by, struct err *err)
{
	STORE(attempts_add(REAL_STORE, items, n, by, err), "attempts_add");
}

static bool attempts_sent(struct store *self, struct store_sent *items, size_t n,
			  const struct store_by *by, struct err *err)
{
	STORE(attempts_sent(REAL_STORE, items, n, by, err), "attempts_sent");
}

static bool transfers_observe(struct store *self, struct store_observation *items, size_t n,
			      const struct store_lease *lease, const struct store_by *by,
			      struct err *err)
{
	STORE(transfers_observe(REAL_STORE, items, n, lease, by, err), "transfers_observe");
}

static bool transfers_wish(struct store *self, const struct store_wish *wishes, size_t n,
			   const struct store_by *by, struct err *err)
{
	STORE(transfers_wish(REAL_STORE, wishes, n, by, err), "transfers_wish");
}

static bool transfers_load(struct store *self, const struct store_transfer_filter *filter,
			   struct transfer *ret_rows, size_t *ret_len, struct err *err)
{
	STORE(transfers_load(REAL_STORE, filter, ret_rows, ret_len, err), "transfers_load");
}

static bool taken_load(struct store *self, int64_t wallet_id, uint64_t block,
		       struct store_taken *items, size_t n, uint64_t *ret_gas, struct err *err)
{
	STORE(taken_load(REAL_STORE, wallet_id, block, items, n, ret_gas, err), "taken_load");
}

static bool transfer_load(struct store *self, struct id id, struct transfer *ret_row,
			  bool *ret_found, struct err *err)
{
	STORE(transfer_load(REAL_STORE, id, ret_row, ret_found, err), "transfer_load");
}

static bool attempts_load(struct store *self, const struct id *transfers, size_t n,
			  struct attempt *ret_rows, size_t cap, size_t *ret_len, struct err *err)
{
	STORE(attempts_load(REAL_STORE, transfers, n, ret_rows, cap, ret_len, err),
	      "attempts_load");
}

static bool transfer_of_round(struct store *self, struct id withdrawal, uint32_t round,
			      struct transfer *ret_row, bool *ret_found, struct err *err)
{
	STORE(transfer_of_round(REAL_STORE, withdrawal, round, ret_row, ret_found, err),
	      "transfer_of_round");
}

static bool mark_raise(struct store *self, struct store_mark *mark, struct err *err)
{
	STORE(mark_raise(REAL_STORE, mark, err), "mark_raise");
}

static bool balances_save(struct store *self, const struct store_balance *balances, size_t n,
			  struct err *err)
{
	STORE(balances_save(REAL_STORE, balances, n, err), "balances_save");
}

static bool transfer_of_slot(struct store *self, int64_t wallet_id, uint64_t nonce,
			     struct transfer *ret_row, bool *ret_found, struct err *err)
{
	STORE(transfer_of_slot(REAL_STORE, wallet_id, nonce, ret_row, ret_found, err),
	      "transfer_of_slot");
}

static bool transfer_bind(struct store *self, struct store_binding *item, const struct store_by *by,
			  struct err *err)
{
	STORE(transfer_bind(REAL_STORE, item, by, err), "transfer_bind");
}

static bool incarnation_load(struct store *self, struct store_incarnation *ret_last,
			     struct err *err)
{
	STORE(incarnation_load(REAL_STORE, ret_last, err), "incarnation_load");
}

static bool recover_begin(struct store *self, uint64_t number_min, bool journal_lost,
			  const struct store_by *by, uint64_t *ret_number, struct err *err)
{
	STORE(recover_begin(REAL_STORE, number_min, journal_lost, by, ret_number, err),
	      "recover_begin");
}

static bool wallet_recover(struct store *self, int64_t wallet_id, uint64_t epoch,
			   uint64_t recover_to, struct err *err)
{
	STORE(wallet_recover(REAL_STORE, wallet_id, epoch, recover_to, err), "wallet_recover");
}

static bool wallet_recovered(struct store *self, int64_t wallet_id, uint64_t epoch,
			     const struct store_by *by, bool *ret_done, struct err *err)
{
	STORE(wallet_recovered(REAL_STORE, wallet_id, epoch, by, ret_done, err),
	      "wallet_recovered");
}

static bool attempt_import(struct store *self, struct store_import *item, const struct store_by *by,
			   struct err *err)
{
	STORE(attempt_import(REAL_STORE, item, by, err), "attempt_import");
}

static bool withdrawals_open(struct store *self, struct id after, struct id *ret_ids, size_t cap,
			     size_t *ret_len, struct err *err)
{
	STORE(withdrawals_open(REAL_STORE, after, ret_ids, cap, ret_len, err), "withdrawals_open");
}

static bool reconciled_load(struct store *self, uint64_t chain_id, uint64_t *ret_block,
			    struct err *err)
{
	STORE(reconciled_load(REAL_STORE, chain_id, ret_block, err), "reconciled_load");
}

static bool reconciled_raise(struct store *self, uint64_t chain_id, uint64_t block,
			     const struct store_lease *lease, struct err *err)
{
	STORE(reconciled_raise(REAL_STORE, chain_id, block, lease, err), "reconciled_raise");
}

static bool decision_put(struct store *self, const struct decision *decision,
			 const struct store_by *by, bool *ret_current, struct err *err)
{
	STORE(decision_put(REAL_STORE, decision, by, ret_current, err), "decision_put");
}

static bool decisions_load(struct store *self, const struct resolve_case *of,
			   struct decision *ret_decisions, size_t cap, size_t *ret_len,
			   struct err *err)
{
	STORE(decisions_load(REAL_STORE, of, ret_decisions, cap, ret_len, err), "decisions_load");
}

static bool attempt_owner(struct store *self, struct hash32 tx_hash, struct id *ret_transfer,
			  struct err *err)
{
	STORE(attempt_owner(REAL_STORE, tx_hash, ret_transfer, err), "attempt_owner");
}

static bool case_resolve(struct store *self, struct store_resolution *resolution,
			 const struct store_by *by, struct err *err)
{
	STORE(case_resolve(REAL_STORE, resolution, by, err), "case_resolve");
}

static bool controls_load(struct store *self, struct control_set *ret_set, struct err *err)
{
	STORE(controls_load(REAL_STORE, ret_set, err), "controls_load");
}

static bool withdrawal_of_key(struct store *self, const uint8_t *key_hash,
			      struct withdrawal *ret_row, bool *ret_found, struct err *err)
{
	STORE(withdrawal_of_key(REAL_STORE, key_hash, ret_row, ret_found, err),
	      "withdrawal_of_key");
}

static bool controls_change(struct store *self, struct store_control_change *change,
			    const struct store_by *by, struct err *err)
{
	STORE(controls_change(REAL_STORE, change, by, err), "controls_change");
}

static bool policy_add(struct store *self, const struct store_policy *policy, struct str document,
		       struct store_proposal_change *ends, const struct store_by *by,
		       bool *ret_added, struct err *err)
{
	STORE(policy_add(REAL_STORE, policy, document, ends, by, ret_added, err), "policy_add");
}

static bool policy_load(struct store *self, uint64_t known, struct store_policy *ret_policy,
			struct buf *ret_document, bool *ret_found, struct err *err)
{
	STORE(policy_load(REAL_STORE, known, ret_policy, ret_document, ret_found, err),
	      "policy_load");
}

static bool votes_load(struct store *self, struct id withdrawal, uint64_t policy_version,
		       struct vote ret_votes[VOTES_MAX], size_t *ret_len, struct err *err)
{
	STORE(votes_load(REAL_STORE, withdrawal, policy_version, ret_votes, ret_len, err),
	      "votes_load");
}

static bool policy_forget(struct store *self, int64_t now_ms, size_t limit, size_t *ret_forgotten,
			  struct err *err)
{
	STORE(policy_forget(REAL_STORE, now_ms, limit, ret_forgotten, err), "policy_forget");
}

static bool receivers_look(struct store *self, struct store_receiver *receivers, size_t n,
			   struct err *err)
{
	STORE(receivers_look(REAL_STORE, receivers, n, err), "receivers_look");
}

static bool receivers_learn(struct store *self, const struct intent *const *intents, size_t n,
			    int64_t now_ms, struct err *err)
{
	STORE(receivers_learn(REAL_STORE, intents, n, now_ms, err), "receivers_learn");
}

static bool feed_newest(struct store *self, struct feed_seal *ret_seal, bool *ret_any,
			struct err *err)
{
	STORE(feed_newest(REAL_STORE, ret_seal, ret_any, err), "feed_newest");
}

static bool feed_next(struct store *self, uint64_t after, struct feed_seal *ret_seal, bool *ret_any,
		      struct err *err)
{
	STORE(feed_next(REAL_STORE, after, ret_seal, ret_any, err), "feed_next");
}

static bool feed_pending(struct store *self, enum feed_kind kind, struct feed_row *ret_rows,
			 size_t cap, size_t *ret_len, struct err *err)
{
	STORE(feed_pending(REAL_STORE, kind, ret_rows, cap, ret_len, err), "feed_pending");
}

static bool feed_append(struct store *self, const struct store_lease *lease,
			const struct feed_seal *seal, const struct feed_row *rows,
			enum store_write *ret_result, struct err *err)
{
	STORE(feed_append(REAL_STORE, lease, seal, rows, ret_result, err), "feed_append");
}

static const struct store_ops store_ops = {
	.withdrawals_load = withdrawals_load,
	.withdrawals_change = withdrawals_change,
	.sweep = sweep,
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
	.policy_add = policy_add,
	.policy_load = policy_load,
	.policy_forget = policy_forget,
	.votes_load = votes_load,
	.receivers_look = receivers_look,
	.receivers_learn = receivers_learn,
	.feed_pending = feed_pending,
	.feed_append = feed_append,
	.controls_load = controls_load,
	.controls_change = controls_change,
	.withdrawal_of_key = withdrawal_of_key,
};

/* --- queue
 * --------------------------------------------------------------------------------------
 */

static bool claim(struct queue *self, enum queue_name name, size_t max, int64_t visibility_ms,
		  struct message *ret_messages, size_t *ret_len, struct err *err)
{
	QUEUE(claim(REAL_QUEUE, name, max, visibility_ms, ret_messages, ret_len, err), "claim");
}

static bool extend(struct queue *self, const struct message_ack *acks, size_t n,
		   int64_t visibility_ms, struct err *err)
{
	QUEUE(extend(REAL_QUEUE, acks, n, visibility_ms, err), "extend");
}

static bool ack(struct queue *self, const struct message_ack *acks, size_t n, struct err *err)
{
	QUEUE(ack(REAL_QUEUE, acks, n, err), "ack");
}

static void notify(struct queue *self, enum queue_name name)
{
	queue_notify(CONTAINER(self, queue)->life->queue, name);
}

static const struct queue_ops queue_ops = {
	.claim = claim, .extend = extend, .ack = ack, .notify = notify
};

/* --- journal
 * ------------------------------------------------------------------------------------
 */

static bool append_many(struct journal *self, const struct journal_entry *entries, size_t n,
			enum journal_verdict *ret_verdicts, struct err *err)
{
	JOURNAL(append_many(REAL_JOURNAL, entries, n, ret_verdicts, err), "append_many");
}

static bool rights_of(struct journal *self, struct id withdrawal, const uint8_t pay_tag[32],
		      struct journal_right *ret_rights, size_t cap, size_t *ret_len,
		      struct err *err)
{
	JOURNAL(rights_of(REAL_JOURNAL, withdrawal, pay_tag, ret_rights, cap, ret_len, err),
		"rights_of");
}

static bool rights_any(struct journal *self, const struct journal_name *names, size_t n,
		       bool *ret_any, struct err *err)
{
	JOURNAL(rights_any(REAL_JOURNAL, names, n, ret_any, err), "rights_any");
}

static bool slot_of(struct journal *self, const struct journal_slot *slot, bool *ret_has_pay,
		    bool *ret_has_cancel, struct hash32 *ret_pay_hash,
		    struct wei *ret_fee_ceiling_max, uint32_t *ret_attempts, struct err *err)
{
	JOURNAL(slot_of(REAL_JOURNAL, slot, ret_has_pay, ret_has_cancel, ret_pay_hash,
			ret_fee_ceiling_max, ret_attempts, err),
		"slot_of");
}

static bool sum(struct journal *self, const struct journal_purse *purse,
		const struct journal_span *span, struct amount *ret_total, int64_t *ret_sequence,
		struct err *err)
{
	JOURNAL(sum(REAL_JOURNAL, purse, span, ret_total, ret_sequence, err), "sum_of");
}

static bool window(struct journal *self, const struct journal_purse *purse, int64_t now_ms,
		   struct limit_window *ret_window, int64_t *ret_sequence, struct err *err)
{
	JOURNAL(window(REAL_JOURNAL, purse, now_ms, ret_window, ret_sequence, err), "window_of");
}

static bool rights_after(struct journal *self, int64_t sequence, struct journal_listed *ret_rights,
			 size_t cap, size_t *ret_len, struct err *err)
{
	struct life_fault *fault = CONTAINER(self, journal);
	struct journal *real = fault->life->journal;
	if (!enter(fault, "journal_rights_after", err))
		return false;
	bool done = real->ops->rights_after(real, sequence, ret_rights, cap, ret_len, err);
	fault->rights_listed += done ? *ret_len : 0;
	return leave(fault, done, err);
}

static bool next_nonce(struct journal *self, uint64_t chain_id, struct address wallet,
		       bool *ret_any, uint64_t *ret_next_nonce, struct err *err)
{
	JOURNAL(next_nonce(REAL_JOURNAL, chain_id, wallet, ret_any, ret_next_nonce, err),
		"next_nonce");
}

static bool resolution_of(struct journal *self, struct id withdrawal, uint32_t round, bool *ret_any,
			  struct journal_resolution *ret_resolution, struct err *err)
{
	JOURNAL(resolution_of(REAL_JOURNAL, withdrawal, round, ret_any, ret_resolution, err),
		"resolution_of");
}

static bool feed_head_last(struct journal *self, bool *ret_any, struct journal_feed_head *ret_head,
			   struct err *err)
{
	JOURNAL(feed_head_last(REAL_JOURNAL, ret_any, ret_head, err), "feed_head_last");
}

static bool controls_last(struct journal *self, bool *ret_any,
			  struct journal_controls *ret_controls, struct err *err)
{
	JOURNAL(controls_last(REAL_JOURNAL, ret_any, ret_controls, err), "controls_last");
}

static const struct journal_ops journal_ops = {
	.append_many = append_many,
	.rights_of = rights_of,
	.rights_any = rights_any,
	.slot_of = slot_of,
	.sum = sum,
	.window = window,
	.rights_after = rights_after,
	.next_nonce = next_nonce,
	.resolution_of = resolution_of,
	.feed_head_last = feed_head_last,
	.controls_last = controls_last,
};

/* --- keys
 * ---------------------------------------------------------------------------------------
 */

static void sign_many(struct keys *self, const struct keys_request *requests, size_t n,
		      struct keys_result *ret_results)
{
	struct life_fault *fault = CONTAINER(self, keys);
	struct err err = { 0 };
	bool done = enter(fault, "keys_sign_many", &err);
	if (done) {
		keys_sign_many(fault->life->keys, requests, n, ret_results);
		done = leave(fault, true, &err);
	}
	for (size_t i = 0; i < n && !done; i++) {
		memset(&ret_results[i], 0, sizeof ret_results[i]);
		ret_results[i].err = err;
		ret_results[i].err.kind = ERR_NOT_DONE; /* a signature that nobody has is none */
	}
}

static const struct keys_ops keys_ops = { .sign_many = sign_many };

/* --- chain
 * --------------------------------------------------------------------------------------
 */

static bool head(struct chain *self, struct chain_head *ret_head, struct err *err)
{
	CHAIN(head(REAL_CHAIN, ret_head, err), "head");
}

static bool estimate_many(struct chain *self, const struct chain_call *calls, size_t n,
			  struct chain_estimate *ret_estimates, struct err *err)
{
	CHAIN(estimate_many(REAL_CHAIN, calls, n, ret_estimates, err), "estimate_many");
}

static bool balances(struct chain *self, uint64_t block, const struct chain_balance_query *queries,
		     size_t n, struct chain_balance *ret_balances, struct err *err)
{
	CHAIN(balances(REAL_CHAIN, block, queries, n, ret_balances, err), "balances");
}

static bool nonces(struct chain *self, uint64_t block, const struct address *wallets, size_t n,
		   struct chain_nonce *ret_nonces, struct err *err)
{
	CHAIN(nonces(REAL_CHAIN, block, wallets, n, ret_nonces, err), "nonces");
}

static bool codes(struct chain *self, const struct address *addresses, size_t n,
		  enum chain_code *ret_codes, struct err *err)
{
	CHAIN(codes(REAL_CHAIN, addresses, n, ret_codes, err), "codes");
}

/* A lost answer of a send is one that nobody knows; so is a send that never was. */
static void send_many(struct chain *self, const struct str *raw, size_t n,
		      struct chain_send *ret_sends)
{
	struct life_fault *fault = CONTAINER(self, chain);
	struct err err = { 0 };
	bool done = enter(fault, "chain_send_many", &err);
	if (fault->now == LIFE_FAULT_TOO_LOW) {
		for (size_t i = 0; i < n; i++)
			ret_sends[i] =
				(struct chain_send){ CHAIN_SEND_NONCE_TOO_LOW, "it says so" };
		return;
	}
	if (done) {
		chain_send_many(fault->life->chain, raw, n, ret_sends);
		if (fault->now == LIFE_FAULT_DOUBLE)
			chain_send_many(fault->life->chain, raw, n, ret_sends);
		done = leave(fault, true, &err);
	}
	for (size_t i = 0; i < n && !done; i++) {
		ret_sends[i].state = CHAIN_SEND_UNKNOWN;
		(void)snprintf(ret_sends[i].text, sizeof ret_sends[i].text, "no answer");
	}
}

/* Named in a plan, the call is answered, and its items are not: unknown when they fail,
 * absent when they are lost (another node, which lags). */
static bool receipts(struct chain *self, const struct hash32 *hashes, size_t n,
		     struct chain_receipt *ret_receipts, struct err *err)
{
	struct life_fault *fault = CONTAINER(self, chain);
	bool counted = enter(fault, "chain_receipts", err);
	bool named = fault->plan.call != NULL &&
		     (fault->now == LIFE_FAULT_FAIL || fault->now == LIFE_FAULT_LOSE);
	if (!counted && !named)
		return false;
	for (size_t i = 0; i < n && named; i++)
		ret_receipts[i].state = fault->now == LIFE_FAULT_LOSE ? CHAIN_RECEIPT_ABSENT
								      : CHAIN_RECEIPT_UNKNOWN;
	return named ||
	       leave(fault, chain_receipts(fault->life->chain, hashes, n, ret_receipts, err), err);
}

static bool lookups(struct chain *self, const struct hash32 *hashes, size_t n,
		    enum chain_lookup *ret_lookups, struct err *err)
{
	CHAIN(lookups(REAL_CHAIN, hashes, n, ret_lookups, err), "lookups");
}

static bool blocks(struct chain *self, const uint64_t *numbers, size_t n,
		   struct chain_block *ret_blocks, struct err *err)
{
	CHAIN(blocks(REAL_CHAIN, numbers, n, ret_blocks, err), "blocks");
}

static bool find(struct chain *self, uint64_t block, const struct chain_wanted *wanted,
		 struct chain_found *ret_found, struct err *err)
{
	CHAIN(find(REAL_CHAIN, block, wanted, ret_found, err), "find");
}

static bool transactions(struct chain *self, uint64_t first, size_t count,
			 const struct address *senders, size_t n,
			 struct chain_transaction *ret_transactions, size_t cap, size_t *ret_len,
			 size_t *ret_blocks, struct err *err)
{
	CHAIN(transactions(REAL_CHAIN, first, count, senders, n, ret_transactions, cap, ret_len,
			   ret_blocks, err),
	      "transactions");
}

static bool transfers(struct chain *self, const struct chain_transfer_query *query,
		      struct chain_transfer *ret_transfers, size_t *ret_len,
		      struct hash32 *ret_last, struct err *err)
{
	CHAIN(transfers(REAL_CHAIN, query, ret_transfers, ret_len, ret_last, err), "transfers");
}

static const struct chain_ops chain_ops = {
	.head = head,
	.estimate_many = estimate_many,
	.balances = balances,
	.codes = codes,
	.nonces = nonces,
	.send_many = send_many,
	.receipts = receipts,
	.lookups = lookups,
	.blocks = blocks,
	.transactions = transactions,
	.transfers = transfers,
	.find = find,
};

/* --- the plan
 * -----------------------------------------------------------------------------------
 */

void life_fault_install(struct life *life)
{
	struct life_fault *fault = calloc(1, sizeof *fault);
	assert_non_null(fault);
	assert_null(life->fault);
	fault->life = life;
	fault->hit = "";
	fault->store.ops = &store_ops;
	fault->queue.ops = &queue_ops;
	fault->journal.ops = &journal_ops;
	fault->keys.ops = &keys_ops;
	fault->chain.ops = &chain_ops;
	life->fault = fault;
	life->ports = (struct life_ports){ &fault->store, &fault->queue, &fault->journal,
					   &fault->keys, &fault->chain };
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
	life_restart(life, LIFE_PROCESSOR);
}

void life_fault_plan(struct life *life, struct life_fault_plan plan)
{
	life->fault->plan = plan;
	life->fault->seen = 0;
	life->fault->hit = "";
}

void life_fault_at(struct life *life, enum life_fault_mode mode, const char *call, uint64_t at)
{
	life_fault_plan(life, (struct life_fault_plan){ .mode = mode, .call = call, .at = at });
}

void life_fault_clear(struct life *life)
{
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_NONE });
}

uint64_t life_fault_rights_listed(const struct life *life)
{
	return life->fault->rights_listed;
}

uint64_t life_fault_seen(const struct life *life)
{
	return life->fault->seen;
}

const char *life_fault_hit(const struct life *life)
{
	return life->fault->hit;
}
