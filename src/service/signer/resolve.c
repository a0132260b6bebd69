/* What two people decided about a withdrawal or a slot that nobody else may touch: the signer reads
 * the chain itself, judges (core/resolve), journals, and only then changes a row. One decision
 * alone does nothing; a row without its MAC is somebody else's, and an alarm. Whatever is not
 * certain yet waits: the decisions stay, and are looked at again. */
#include "service/signer/signer_trust.h"

#include "base/defence.h"
#include "core/resolve.h"
#include "core/timing.h"
#include "core/transfer.h"
#include "core/tx.h"

#include <string.h>

#define CASES_LOOK_MS LEASES_LOOK_MS
#define OPEN_MAX      64 /* decisions that are looked at in a step */

/* A case as it stands, and what two people said of it. */
struct work_case {
	struct decision decision;
	const char *people[2];
	bool has_row;
	struct withdrawal row;
	bool has_slot;
	struct transfer slot;
	struct signer_wallet *wallet; /* of the slot; without one, of the earlier slot */
	/* Another slot of the withdrawal, final by the transaction that people name. */
	bool has_earlier;
	struct transfer earlier;
};

static struct store_by people_by(const struct signer *self)
{
	struct store_by by = signer_by(self);
	by.actor = ACTOR_PERSON;
	return by;
}

static bool case_end(struct signer *self, const struct work_case *work, enum store_resolve act,
		     const char *code, struct err *err)
{
	struct store_by by = people_by(self);
	struct store_resolution item = {
		.of = work->decision.of,
		.act = act,
		.code = code,
		.tx_hash = work->decision.tx_hash,
		.people = { work->people[0], work->people[1] },
		.wallet_id = work->wallet != NULL ? work->wallet->row.id : 0,
		.epoch = work->wallet != NULL ? work->wallet->lease.epoch : 0
	};
	if (!store_case_resolve(self->options.store, &item, &by, err))
		return false;
	if (item.result != STORE_WRITTEN || act == STORE_RESOLVE_STALE)
		return true;
	bool refused = act == STORE_RESOLVE_REFUSE;
	const char *text = refused ? code : resolve_verdict_text(work->decision.verdict);
	if (work->has_row)
		signer_log(self, &work->row, refused ? "resolve_refused" : "resolved", text, true);
	else
		signer_log_slot(self, &work->slot, refused ? "resolve_refused" : "resolved", NULL,
				text, true);
	return true;
}

/* ---- what the nodes say of a transaction ---- */

struct tx_look {
	enum resolve_seen seen;
	bool by_all; /* every node says so */
	struct chain_receipt receipt;
	struct chain_found found;
};

static bool node_look(struct chain *node, const struct chain_params *params, struct hash32 hash,
		      struct tx_look *ret_look, struct err *err)
{
	const struct chain_wanted wanted = { .tx_hash = hash };
	struct chain_receipt *receipt = &ret_look->receipt;
	struct chain_head head;
	bool agrees = false;
	ret_look->seen = RESOLVE_SEEN_UNKNOWN;
	if (!chain_receipts(node, &hash, 1, receipt, err) || !chain_head(node, &head, err))
		return false;
	if (receipt->state == CHAIN_RECEIPT_ABSENT)
		ret_look->seen = RESOLVE_SEEN_ABSENT;
	if (receipt->state != CHAIN_RECEIPT_FOUND ||
	    !signer_is_deep(params, &head, receipt->block_number))
		return true;
	if (!signer_view_agrees(node, &head, receipt, &agrees, err) ||
	    !chain_find(node, receipt->block_number, &wanted, &ret_look->found, err))
		return false;
	if (agrees && ret_look->found.state == CHAIN_FOUND &&
	    hash32_equal(ret_look->found.block_hash, receipt->block_hash) &&
	    address_equal(ret_look->found.from, receipt->from))
		ret_look->seen = RESOLVE_SEEN_FINAL;
	return true;
}

static bool log_equal(const struct abi_log *a, const struct abi_log *b)
{
	if (!address_equal(a->contract, b->contract) || a->topics_len != b->topics_len ||
	    a->data_len != b->data_len)
		return false;
	for (size_t i = 0; i < a->topics_len && i < ABI_LOG_TOPICS_MAX; i++)
		if (!hash32_equal(a->topics[i], b->topics[i]))
			return false;
	size_t kept = a->data_len < ABI_LOG_DATA_MAX ? a->data_len : ABI_LOG_DATA_MAX;
	return memcmp(a->data, b->data, kept) == 0;
}

static bool logs_equal(const struct chain_receipt *a, const struct chain_receipt *b)
{
	if (a->logs_len != b->logs_len)
		return false;
	for (size_t i = 0; i < a->logs_len && i < CHAIN_LOGS_MAX; i++)
		if (!log_equal(&a->logs[i], &b->logs[i]))
			return false;
	return true;
}

/* In all that a verdict is made of: one node that lies decides nothing. */
static bool looks_equal(const struct tx_look *a, const struct tx_look *b)
{
	return hash32_equal(a->found.block_hash, b->found.block_hash) &&
	       a->receipt.success == b->receipt.success && a->found.nonce == b->found.nonce &&
	       address_equal(a->found.from, b->found.from) &&
	       address_equal(a->found.to, b->found.to) &&
	       wei_compare(a->found.value, b->found.value) == 0 &&
	       a->found.data_len == b->found.data_len &&
	       (logs_equal(&a->receipt, &b->receipt) || !DEFENCE("logs_agree"));
}

/* Two of them agree, where there are two, and none contradicts. "In no block" is what all say. */
static bool tx_look(struct signer *self, size_t chain, struct hash32 hash, struct tx_look *ret_look,
		    struct err *err)
{
	struct chain *nodes = self->options.chains[chain];
	const struct chain_params *params = &self->options.catalogue->chains[chain];
	size_t len = chain_nodes_len(nodes);
	size_t agree = 0;
	size_t absent = 0;
	ret_look->seen = RESOLVE_SEEN_UNKNOWN;
	for (size_t i = 0; i < len; i++) {
		struct tx_look one = { .seen = RESOLVE_SEEN_UNKNOWN };
		struct chain *node = NULL;
		if (!chain_node(nodes, i, &node, err) || !node_look(node, params, hash, &one, err))
			one.seen = RESOLVE_SEEN_UNKNOWN;
		absent += one.seen == RESOLVE_SEEN_ABSENT ? 1 : 0;
		if (one.seen != RESOLVE_SEEN_FINAL)
			continue;
		if (agree > 0 && !looks_equal(ret_look, &one)) {
			ret_look->seen = RESOLVE_SEEN_UNKNOWN;
			return true;
		}
		*ret_look = one;
		agree++;
	}
	ret_look->by_all = agree == len;
	ret_look->seen = agree >= signer_nodes_needed(nodes) ? RESOLVE_SEEN_FINAL
			 : absent == len                     ? RESOLVE_SEEN_ABSENT
							     : RESOLVE_SEEN_UNKNOWN;
	return true;
}

static struct resolve_tx tx_of(const struct tx_look *look)
{
	return (struct resolve_tx){ .from = look->found.from,
				    .to = look->found.to,
				    .value = look->found.value,
				    .data_len = look->found.data_len,
				    .success = look->receipt.success,
				    .logs = look->receipt.logs,
				    .logs_len = look->receipt.logs_len,
				    .logs_cap = CHAIN_LOGS_MAX };
}

static enum resolve_payment payment_of(const struct work_case *work, struct address wallet,
				       const struct tx_look *look)
{
	struct resolve_tx tx = tx_of(look);
	return resolve_payment_judge(&work->row.intent, wallet, &tx);
}

/* ---- what moved, where no log says so ---- */

/* Nodes forget the states of old blocks: then nothing is known, and nothing is wrong. */
static void node_balances(struct chain *node, const struct work_case *work,
			  const struct tx_look *look, struct resolve_balances *ret_balances)
{
	const struct intent *intent = &work->row.intent;
	const struct chain_balance_query queries[2] = {
		{ .owner = work->slot.wallet, .is_token = true, .token = intent->contract },
		{ .owner = intent->to, .is_token = true, .token = intent->contract },
	};
	ret_balances->known = look->receipt.block_number > 0;
	for (size_t i = 0; i < 2 && ret_balances->known; i++) {
		struct chain_balance found[2] = { { 0 } };
		struct err fault = { 0 };
		ret_balances->known = chain_balances(node, look->receipt.block_number - 1 + i,
						     queries, 2, found, &fault) &&
				      found[0].known && found[1].known;
		ret_balances->wallet[i] = found[0].units;
		ret_balances->receiver[i] = found[1].units;
	}
}

/* What any node says that moved counts; else what any says that did not. */
static bool moved_look(struct signer *self, const struct work_case *work,
		       const struct tx_look *look, enum resolve_moved *ret_moved, struct err *err)
{
	struct chain *nodes = self->options.chains[work->wallet->chain];
	const struct resolve_tx tx = tx_of(look);
	const struct store_transfer_filter filter = { .wallet_id = work->slot.wallet_id,
						      .first = TRANSFER_MINED,
						      .last = TRANSFER_FINAL,
						      .mined_block_min = look->receipt.block_number,
						      .mined_block_max = look->receipt.block_number,
						      .limit = 2 };
	struct transfer rows[2];
	struct resolve_balances balances = { 0 };
	size_t n = 0;
	*ret_moved = MOVED_UNKNOWN;
	if (!store_transfers_load(self->options.store, &filter, rows, &n, err))
		return false;
	balances.is_alone = n == 1;
	for (size_t i = 0; i < chain_nodes_len(nodes); i++) {
		struct chain *node = NULL;
		struct err fault = { 0 };
		if (!chain_node(nodes, i, &node, &fault))
			continue;
		node_balances(node, work, look, &balances);
		enum resolve_moved one =
			resolve_moved_judge(&work->row.intent, work->slot.wallet, &tx, &balances);
		if (one != MOVED_UNKNOWN && *ret_moved != MOVED_MAYBE)
			*ret_moved = one;
	}
	return true;
}

/* ---- a hold ---- */

/* Before the processor's decision there is only the API's word. */
static bool row_is_good(const struct signer *self, const struct withdrawal *row)
{
	const struct signer_options *options = &self->options;
	if (row->stage < WITHDRAWAL_QUEUED)
		return intent_mac_verify(&options->intent_keys, options->deployment, &row->intent,
					 &row->intent_mac);
	return signer_row_distrust(self, row) == NULL;
}

/* Row, slot and journal tell the same story. A void is one: it ends what is released. */
static bool story_is_good(struct signer *self, const struct work_case *work, bool *ret_good,
			  struct err *err)
{
	const char *distrust = NULL;
	*ret_good = row_is_good(self, &work->row);
	if (!*ret_good || work->row.stage < WITHDRAWAL_QUEUED)
		return true;
	if (!work->has_slot)
		return signer_queued_judge(self, &work->row, &distrust, err) &&
		       ((*ret_good = distrust == NULL), true);
	bool pays = !work->slot.is_cancel;
	if (pays)
		distrust = signer_slot_distrust(self, work->wallet, &work->slot, &work->row);
	if (distrust == NULL && !signer_rights_judge(self, &work->slot, &work->row, &distrust, err))
		return false;
	*ret_good = work->row.stage == WITHDRAWAL_ASSIGNED && distrust == NULL &&
		    work->row.round == work->slot.round &&
		    id_equal(work->row.transfer, work->slot.id);
	return true;
}

/* Does the journal know that the signer has made a payment of this nonce? */
static bool slot_pays(struct signer *self, const struct work_case *work, uint64_t nonce,
		      bool *ret_pays, bool *ret_any, struct err *err)
{
	struct journal_slot key = { work->slot.chain_id, work->slot.wallet, nonce };
	struct hash32 hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	bool cancels = false;
	if (!journal_slot_of(self->options.journal, &key, ret_pays, &cancels, &hash, &ceiling,
			     &attempts, err))
		return false;
	*ret_any = *ret_pays || cancels;
	return true;
}

/* A coin that moves is in the transaction itself; what a call to a token did only the token says.
 */
static bool looks_like_payload(const struct intent *intent, const struct chain_found *found)
{
	return !intent->is_native && address_equal(found->to, intent->contract) &&
	       found->data_len == ABI_TRANSFER_BYTES;
}

/* Is what was mined the slot's own payment, by the bytes that the signer made? */
static bool is_own_payment(struct signer *self, const struct work_case *work, bool *ret_own,
			   struct err *err)
{
	struct attempt_word word = { 0 };
	struct tx tx;
	size_t n = 0;
	*ret_own = false;
	if (!store_attempts_load(self->options.store, work->slot.id, self->attempts, ATTEMPTS_MAX,
				 &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!hash32_equal(self->attempts[i].tx_hash, work->slot.mined_hash))
			continue;
		if (!signer_attempt_judge(self, work->wallet, &work->slot, &self->attempts[i], &tx,
					  &word, err))
			return false;
		*ret_own = word.ours && word.pays;
	}
	return true;
}

static bool consumer_look(struct signer *self, const struct work_case *work, struct tx_look *look,
			  struct resolve_facts *facts, struct err *err)
{
	bool pays = false;
	bool any = false;
	if (!tx_look(self, work->wallet->chain, work->slot.mined_hash, look, err) ||
	    !slot_pays(self, work, work->slot.nonce, &pays, &any, err))
		return false;
	facts->consumer = look->seen;
	if (look->seen != RESOLVE_SEEN_FINAL)
		return true;
	/* The row named a transaction that has not this nonce: edited. */
	facts->row_is_good &= look->found.nonce == work->slot.nonce &&
			      address_equal(look->found.from, work->slot.wallet);
	facts->consumer_payment = payment_of(work, work->slot.wallet, look);
	facts->is_token_success = look->receipt.success && pays &&
				  looks_like_payload(&work->row.intent, &look->found);
	facts->seen_by_all = look->by_all;
	if (!facts->is_token_success || facts->consumer_payment == PAYMENT_PROVEN)
		return true;
	return moved_look(self, work, look, &facts->moved, err);
}

static bool named_look(struct signer *self, const struct work_case *work,
		       const struct tx_look *consumer, struct resolve_facts *facts, struct err *err)
{
	struct tx_look look = *consumer;
	struct hash32 named = work->decision.tx_hash;
	struct id owner;
	bool pays = false;
	bool any = false;
	bool same = hash32_equal(named, work->slot.mined_hash);
	if (!same && !tx_look(self, work->wallet->chain, named, &look, err))
		return false;
	facts->named = look.seen;
	if (!store_attempt_owner(self->options.store, named, &owner, err))
		return false;
	facts->named_is_anothers = !id_is_zero(owner) && !id_equal(owner, work->slot.id);
	if (look.seen != RESOLVE_SEEN_FINAL)
		return true;
	facts->named_payment = payment_of(work, work->slot.wallet, &look);
	if (same)
		return !look.receipt.success ||
		       is_own_payment(self, work, &facts->named_is_own, err);
	if (!address_equal(look.found.from, work->slot.wallet))
		return true;
	/* What the store has forgotten the journal knows: a payment of ours pays its own slot. */
	if (!slot_pays(self, work, look.found.nonce, &pays, &any, err))
		return false;
	facts->named_is_anothers |= pays && DEFENCE("named_by_its_slot");
	return true;
}

/* The journal spent a right of this very withdrawal on that slot: what is mined there is its own
 * payment, whatever the rows make of its rounds. */
static bool earlier_look(struct signer *self, const struct work_case *work,
			 struct resolve_facts *facts, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	struct tx_look look = { .seen = RESOLVE_SEEN_UNKNOWN };
	const struct transfer *slot = &work->earlier;
	bool spent = !DEFENCE("earlier_is_journaled");
	size_t n = 0;
	if (!signer_rights_load(self, &work->row, rights, &n, err) ||
	    !tx_look(self, work->wallet->chain, work->decision.tx_hash, &look, err))
		return false;
	for (size_t i = 0; i < n; i++)
		spent |= !rights[i].is_void && id_equal(rights[i].withdrawal, slot->withdrawal) &&
			 rights[i].slot.chain_id == slot->chain_id &&
			 rights[i].slot.nonce == slot->nonce &&
			 address_equal(rights[i].slot.wallet, slot->wallet);
	facts->named_is_earlier = true;
	facts->named = look.seen;
	if (look.seen != RESOLVE_SEEN_FINAL)
		return true;
	facts->named_is_anothers = !spent || look.found.nonce != slot->nonce ||
				   !address_equal(look.found.from, slot->wallet);
	facts->named_payment = payment_of(work, slot->wallet, &look);
	return true;
}

static bool facts_gather(struct signer *self, const struct work_case *work,
			 struct resolve_facts *facts, struct err *err)
{
	struct tx_look consumer = { .seen = RESOLVE_SEEN_UNKNOWN };
	*facts = (struct resolve_facts){ .verdict = work->decision.verdict,
					 .has_slot = work->has_slot,
					 .consumer = RESOLVE_SEEN_UNKNOWN,
					 .consumer_payment = PAYMENT_UNCLEAR,
					 .moved = MOVED_UNKNOWN,
					 .named = RESOLVE_SEEN_UNKNOWN,
					 .named_payment = PAYMENT_UNCLEAR };
	facts->slot_is_over = work->has_slot && work->slot.stage >= TRANSFER_MINED;
	/* What ends as paid is never paid again: of its rounds the journal needs no other story. */
	if (work->has_earlier)
		facts->row_is_good = row_is_good(self, &work->row);
	else if (!story_is_good(self, work, &facts->row_is_good, err))
		return false;
	if (!facts->row_is_good || (!facts->slot_is_over && !work->has_earlier))
		return true;
	if (facts->slot_is_over && !consumer_look(self, work, &consumer, facts, err))
		return false;
	if (work->has_earlier)
		return earlier_look(self, work, facts, err);
	return facts->verdict != RESOLVE_PAID_BY || named_look(self, work, &consumer, facts, err);
}

/* The resolution, with the slot and the right of the round where the journal lacks them: a slot
 * that was never signed has neither. */
static bool resolution_journal(struct signer *self, const struct work_case *work, bool is_paid,
			       enum journal_verdict *ret_verdict, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	const struct transfer *slot = work->has_earlier ? &work->earlier : &work->slot;
	struct journal_entry entry = { .has_resolution = true };
	bool pays = false;
	bool any = false;
	size_t n = 0;
	entry.resolution = (struct journal_resolution){
		.withdrawal = work->row.intent.id,
		.round = work->has_earlier ? slot->round : work->row.round,
		.is_paid = is_paid,
		.chain_id = slot->chain_id,
		.tx_hash = is_paid ? work->decision.tx_hash : slot->mined_hash,
		.time_ms = clock_now_ms(self->options.clock),
	};
	if (work->has_earlier) /* its slot and its right stand there */
		return journal_append_many(self->options.journal, &entry, 1, ret_verdict, err);
	if (!slot_pays(self, work, slot->nonce, &pays, &any, err) ||
	    !signer_rights_load(self, &work->row, rights, &n, err))
		return false;
	if (!any) {
		entry.has_slot = true;
		entry.slot = (struct journal_slot){ slot->chain_id, slot->wallet, slot->nonce };
		entry.kind = JOURNAL_FOREIGN;
		entry.payload_hash = slot->mined_hash;
		entry.has_right = n == work->row.round;
		signer_right_fill(self, slot, &work->row, &entry.slot, &entry.right);
	}
	return journal_append_many(self->options.journal, &entry, 1, ret_verdict, err);
}

static bool unpaid_end(struct signer *self, const struct work_case *work, struct err *err)
{
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	if (!work->row.cancel_requested)
		return case_end(self, work, STORE_RESOLVE_REQUEUE, NULL, err);
	if (!signer_void_append(self, &work->row, work->row.round + 1, WITHDRAWAL_CANCELED,
				REFUSAL_CANCELED, &verdict, err))
		return false;
	if (verdict == JOURNAL_DIFFERENT)
		return case_end(self, work, STORE_RESOLVE_REFUSE,
				reason_code(REASON_RESOLVE_STILL_IN_DOUBT), err);
	return case_end(self, work, STORE_RESOLVE_CANCEL, refusal_code(REFUSAL_CANCELED), err);
}

static bool decided_end(struct signer *self, const struct work_case *work, bool is_paid,
			struct err *err)
{
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	enum reason reason = is_paid ? REASON_RESOLVE_TX_OF_ANOTHER : REASON_RESOLVE_STILL_IN_DOUBT;
	/* What is only mined becomes final by the monitor: it judges what was held anew, and of a
	 * stranger's transaction, and of one that proves nothing, nobody judges but people, so that
	 * they wait for it. */
	if (DEFENCE("strangers_are_final") && work->has_slot &&
	    work->slot.stage != TRANSFER_FINAL &&
	    (work->slot.outcome == OUTCOME_FOREIGN || work->slot.outcome == OUTCOME_UNPROVEN))
		return true;
	if (work->has_slot && work->slot.stage != TRANSFER_FINAL)
		return case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
	if (!resolution_journal(self, work, is_paid, &verdict, err))
		return false;
	if (verdict == JOURNAL_DIFFERENT)
		return case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(reason), err);
	if (work->wallet != NULL && !work->has_earlier)
		signer_wallet_journaled(work->wallet, work->slot.nonce);
	return is_paid ? case_end(self, work, STORE_RESOLVE_COMPLETE, NULL, err)
		       : unpaid_end(self, work, err);
}

static bool hold_resolve(struct signer *self, const struct work_case *work, struct err *err)
{
	struct resolve_facts facts;
	enum reason reason = REASON_NONE;
	if (!facts_gather(self, work, &facts, err))
		return false;
	switch (resolve_decide(&facts, &reason)) {
	case RESOLVE_WAIT:
	case RESOLVE_FILL:
		return true;
	case RESOLVE_REFUSE:
		return case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(reason), err);
	case RESOLVE_RELEASE:
		return case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
	case RESOLVE_COMPLETE:
		return decided_end(self, work, true, err);
	case RESOLVE_UNPAID:
		return decided_end(self, work, false, err);
	}
	return true;
}

/* ---- T9: what was final was taken back ---- */

static bool block_look(struct signer *self, const struct work_case *work,
		       struct resolve_back_facts *facts, struct err *err)
{
	struct chain *nodes = self->options.chains[work->wallet->chain];
	const uint64_t number = work->slot.mined_block;
	size_t len = chain_nodes_len(nodes);
	size_t gone = 0;
	size_t there = 0;
	for (size_t i = 0; i < len; i++) {
		struct chain_block block = { 0 };
		struct chain *node = NULL;
		if (!chain_node(nodes, i, &node, err) ||
		    !chain_blocks(node, &number, 1, &block, err) || !block.known)
			continue;
		bool same = hash32_equal(block.hash, work->slot.mined_block_hash);
		there += same ? 1 : 0;
		gone += same ? 0 : 1;
	}
	facts->block_is_gone = gone >= signer_nodes_needed(nodes) && there == 0;
	facts->block_is_there = there >= signer_nodes_needed(nodes) && gone == 0;
	return true;
}

/* Have people said that a transaction of another nonce paid it? */
static bool paid_elsewhere(struct signer *self, const struct work_case *work, bool *ret_elsewhere,
			   struct err *err)
{
	struct journal_resolution said;
	bool any = false;
	if (work->has_row && !journal_resolution_of(self->options.journal, work->row.intent.id,
						    work->slot.round, &any, &said, err))
		return false;
	*ret_elsewhere = any && said.is_paid &&
			 !hash32_equal(said.tx_hash, work->slot.mined_hash) &&
			 DEFENCE("paid_elsewhere");
	return true;
}

/* The slot that its withdrawal is bound to by now: is a payment of it out, and not final? */
static bool later_look(struct signer *self, const struct work_case *work,
		       struct resolve_back_facts *facts, struct err *err)
{
	struct transfer later;
	struct attempt_word word = { 0 };
	struct tx tx;
	bool found = false;
	size_t n = 0;
	if (!work->has_row || work->row.stage != WITHDRAWAL_ASSIGNED)
		return true;
	if (!store_transfer_load(self->options.store, work->row.transfer, &later, &found, err))
		return false;
	if (!found || later.stage == TRANSFER_RESERVED || later.stage == TRANSFER_FINAL)
		return true;
	const struct signer_wallet *wallet = signer_wallet_of(self, later.wallet_id);
	facts->later_is_out = true;
	if (wallet == NULL)
		return true;
	if (!store_attempts_load(self->options.store, later.id, self->attempts, ATTEMPTS_MAX, &n,
				 err) ||
	    (n > 0 &&
	     !signer_attempt_judge(self, wallet, &later, &self->attempts[n - 1], &tx, &word, err)))
		return false;
	facts->later_is_out = !word.ours || word.pays;
	return true;
}

/* From here on the slot signs nothing but its cancellation; what it paid with is never sent again.
 */
static bool back_fill(struct signer *self, const struct work_case *work, struct err *err)
{
	const struct transfer *slot = &work->slot;
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	struct tx tx;
	struct journal_entry entry = { .has_slot = true,
				       .slot = { slot->chain_id, slot->wallet, slot->nonce },
				       .kind = JOURNAL_CANCEL };
	transfer_cancellation(slot, &tx);
	entry.payload_hash = tx_payload_hash(&tx, slot->wallet);
	if (!journal_append_many(self->options.journal, &entry, 1, &verdict, err))
		return false;
	if (verdict == JOURNAL_DIFFERENT)
		return case_end(self, work, STORE_RESOLVE_REFUSE,
				reason_code(REASON_RESOLVE_STILL_IN_DOUBT), err);
	return case_end(self, work, STORE_RESOLVE_FILL, NULL, err);
}

/* The newest bytes, which go out again: do they pay somebody who has gone on without them? */
static bool bytes_look(struct signer *self, const struct work_case *work,
		       struct resolve_back_facts *facts, struct err *err)
{
	struct attempt_word word = { 0 };
	struct tx tx;
	bool elsewhere = false;
	size_t n = 0;
	if (!store_attempts_load(self->options.store, work->slot.id, self->attempts, ATTEMPTS_MAX,
				 &n, err))
		return false;
	if (n == 0)
		return true;
	if (!signer_attempt_judge(self, work->wallet, &work->slot, &self->attempts[n - 1], &tx,
				  &word, err) ||
	    !paid_elsewhere(self, work, &elsewhere, err))
		return false;
	bool bound =
		work->has_row && id_equal(work->row.transfer, work->slot.id) &&
		(work->row.stage == WITHDRAWAL_ASSIGNED || work->row.stage == WITHDRAWAL_COMPLETED);
	facts->has_bytes = word.ours;
	facts->has_room = n < ATTEMPTS_MAX;
	facts->may_pay_again = word.pays && (!bound || elsewhere);
	return !facts->may_pay_again || later_look(self, work, facts, err);
}

static bool back_resolve(struct signer *self, const struct work_case *work, struct err *err)
{
	struct resolve_back_facts facts = { 0 };
	enum reason reason = REASON_NONE;
	if (!block_look(self, work, &facts, err) || !bytes_look(self, work, &facts, err))
		return false;
	switch (resolve_back_decide(&facts, &reason)) {
	case RESOLVE_WAIT:
	case RESOLVE_COMPLETE:
		return true;
	case RESOLVE_REFUSE:
		return case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(reason), err);
	case RESOLVE_RELEASE:
		if (work->slot.held_reason[0] != 0)
			return case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
		return case_end(self, work, STORE_RESOLVE_REFUSE,
				reason_code(REASON_RESOLVE_BLOCK_STANDS), err);
	case RESOLVE_UNPAID:
		return case_end(self, work, STORE_RESOLVE_RESEND, NULL, err);
	case RESOLVE_FILL:
		return back_fill(self, work, err);
	}
	return true;
}

/* ---- the cases ---- */

/* Do people name the transaction of another slot of the same withdrawal? */
static bool earlier_load(struct signer *self, struct work_case *work, struct err *err)
{
	struct hash32 named = work->decision.tx_hash;
	struct id owner;
	bool found = false;
	if (work->decision.verdict != RESOLVE_PAID_BY)
		return true;
	if (!store_attempt_owner(self->options.store, named, &owner, err))
		return false;
	if (id_is_zero(owner) || (work->has_slot && id_equal(owner, work->slot.id)))
		return true;
	if (!store_transfer_load(self->options.store, owner, &work->earlier, &found, err))
		return false;
	work->has_earlier = found && work->earlier.stage == TRANSFER_FINAL &&
			    hash32_equal(work->earlier.mined_hash, named) &&
			    id_equal(work->earlier.withdrawal, work->row.intent.id);
	return true;
}

static bool case_load(struct signer *self, struct work_case *work, bool *ret_current,
		      struct err *err)
{
	const struct resolve_case *of = &work->decision.of;
	bool wants_row = !id_is_zero(of->withdrawal);
	bool wants_slot = !id_is_zero(of->transfer);
	if (wants_row && !store_withdrawals_load(self->options.store, &of->withdrawal, 1,
						 &work->row, &work->has_row, err))
		return false;
	if (wants_slot && !store_transfer_load(self->options.store, of->transfer, &work->slot,
					       &work->has_slot, err))
		return false;
	if (work->has_row && !earlier_load(self, work, err))
		return false;
	if (work->has_slot || work->has_earlier)
		work->wallet = signer_wallet_of(self, work->has_slot ? work->slot.wallet_id
								     : work->earlier.wallet_id);
	uint64_t version = work->has_row ? work->row.version : work->slot.version;
	*ret_current = work->has_row == wants_row && work->has_slot == wants_slot &&
		       (version == of->version || !DEFENCE("decision_is_current"));
	return true;
}

static bool case_resolve(struct signer *self, struct work_case *work, bool decided, struct err *err)
{
	bool current = false;
	if (!case_load(self, work, &current, err))
		return false;
	if (!current)
		return case_end(self, work, STORE_RESOLVE_STALE, NULL, err);
	if (!decided)
		return true;
	/* Only the owner of the wallet acts on its slots. */
	if ((work->has_slot || work->has_earlier) && (work->wallet == NULL || !work->wallet->owned))
		return true;
	bool held = work->has_row && work->row.held_reason[0] != 0 &&
		    !lifecycle_is_terminal(work->row.stage);
	bool taken_back = work->has_slot && work->slot.stage == TRANSFER_FINAL &&
			  (!held || strcmp(work->slot.held_reason,
					   reason_code(REASON_FINAL_TAKEN_BACK)) == 0);
	if (taken_back)
		return back_resolve(self, work, err);
	return !held || hold_resolve(self, work, err);
}

/* A row without its MAC decides nothing. It is told of once, as far as that is remembered. */
static void forgery_tell(struct signer *self, const struct decision *decision)
{
	struct id subject = id_is_zero(decision->of.withdrawal) ? decision->of.transfer
								: decision->of.withdrawal;
	struct id_text id = id_text(subject);
	struct log_about about = { .action = "decision_mac_invalid",
				   .withdrawal_id = id.at,
				   .alarm = true };
	for (size_t i = 0; i < FORGERIES_TOLD; i++)
		if (id_equal(self->forgeries[i], subject))
			return;
	self->forgeries[self->forgeries_len++ % FORGERIES_TOLD] = subject;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "decision_mac_invalid a decision that nobody made is ignored");
}

/* The decisions of one case: rows[0] to rows[n - 1]. */
static bool group_resolve(struct signer *self, const struct decision *rows, size_t n,
			  struct err *err)
{
	struct decision sealed[DECISIONS_MAX];
	struct work_case work = { .has_row = false };
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		if (DEFENCE("decision_mac") &&
		    !decision_is_sealed(&self->options.controls_keys, &rows[i]))
			forgery_tell(self, &rows[i]);
		else if (len < DECISIONS_MAX)
			sealed[len++] = rows[i];
	}
	if (len == 0)
		return true;
	work.decision = sealed[0];
	bool decided = resolve_is_decided(sealed, len, &work.decision);
	work.people[0] = sealed[0].person;
	for (size_t i = 1; i < len && work.people[1] == NULL; i++)
		if (strcmp(sealed[i].person, sealed[0].person) != 0)
			work.people[1] = sealed[i].person;
	return case_resolve(self, &work, decided, err);
}

bool signer_resolve(struct signer *self, struct err *err)
{
	struct decision rows[OPEN_MAX];
	int64_t now = clock_monotonic_ms(self->options.clock);
	size_t n = 0;
	/* A restored store says nothing of what was paid until it is reconciled. */
	if (now < self->cases_at || self->store_paused)
		return true;
	if (!store_decisions_load(self->options.store, NULL, rows, OPEN_MAX, &n, err))
		return false;
	for (size_t from = 0, to = 0; from < n; from = to) {
		while (to < n && resolve_case_equal(&rows[from].of, &rows[to].of))
			to++;
		/* A node that is away keeps no other case waiting, and no slot. */
		struct err fault = { 0 };
		if (group_resolve(self, &rows[from], to - from, &fault))
			continue;
		log_line(self->options.log, LOG_WARN,
			 &(struct log_about){ .action = "resolve_waits", .err = &fault },
			 "a decision of people is carried out later");
	}
	self->cases_at = now + CASES_LOOK_MS;
	return true;
}
