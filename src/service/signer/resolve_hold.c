/* A hold: what people say of a withdrawal is compared with row, slot, journal and chain; the
 * journal has it before the store. */
#include "service/signer/signer_loss.h"
#include "service/signer/signer_resolve.h"

#include "base/defence.h"
#include "core/transfer.h"
#include "core/tx.h"

/* Before the processor's decision there is only the API's word. */
static bool row_is_good(const struct signer *self, const struct withdrawal *row)
{
	const struct signer_options *options = &self->options;
	if (row->stage < WITHDRAWAL_QUEUED)
		return intent_mac_verify(&options->intent_keys, options->deployment, &row->intent,
					 &row->intent_mac);
	return signer_row_distrust(self, row) == NULL;
}

/* Have people said "not paid" of this very transaction before? The store that says otherwise is an
 * older one: the rounds that the journal has besides began by that word. */
static bool is_said_before(struct signer *self, const struct work_case *work, bool *ret_said,
			   struct err *err)
{
	struct journal_resolution said;
	bool any = false;
	*ret_said = false;
	if (work->slot.stage != TRANSFER_FINAL)
		return true;
	if (!journal_resolution_of(self->options.journal, work->row.intent.id, work->slot.round,
				   &any, &said, err))
		return false;
	*ret_said = any && !said.is_paid && hash32_equal(said.tx_hash, work->slot.mined_hash);
	return true;
}

/* That a round was not paid says nothing of those before it, which an editor may hide behind one of
 * his own. */
static bool rounds_before_judge(struct signer *self, const struct work_case *work,
				struct resolve_facts *facts, struct err *err)
{
	enum round_verdict verdict = ROUND_UNPAID;
	if (facts->verdict != RESOLVE_NOT_PAID || work->row.round == 0 || !work->has_slot ||
	    !facts->row_is_good || !DEFENCE("rounds_before_are_judged"))
		return true;
	if (!signer_round_judge(self, &work->row, work->row.round - 1, &verdict, err))
		return false;
	facts->row_is_good = signer_round_distrust(verdict) == NULL;
	if (verdict == ROUND_UNPROVEN)
		facts->consumer = RESOLVE_SEEN_UNKNOWN; /* later */
	return true;
}

/* Row, slot and journal tell the same story. A void is one: it ends what is released. */
static bool story_is_good(struct signer *self, const struct work_case *work, bool *ret_good,
			  struct err *err)
{
	const char *distrust = NULL;
	bool said = false;
	*ret_good = row_is_good(self, &work->row);
	if (!*ret_good || work->row.stage < WITHDRAWAL_QUEUED)
		return true;
	if (!work->has_slot)
		return signer_queued_judge(self, &work->row, &distrust, err) &&
		       ((*ret_good = distrust == NULL), true);
	bool pays = !work->slot.is_cancel;
	if (pays)
		distrust = signer_slot_distrust(self, work->wallet, &work->slot, &work->row);
	if (!is_said_before(self, work, &said, err))
		return false;
	if (distrust == NULL && !said &&
	    !signer_rights_judge(self, &work->slot, &work->row, &distrust, err))
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
	if (!signer_tx_look(self, work->wallet->chain, work->slot.mined_hash, look, err) ||
	    !slot_pays(self, work, work->slot.nonce, &pays, &any, err))
		return false;
	facts->consumer = look->seen;
	if (look->seen != RESOLVE_SEEN_FINAL)
		return true;
	/* The row named a transaction that has not this nonce: edited. */
	facts->row_is_good &= look->found.nonce == work->slot.nonce &&
			      address_equal(look->found.from, work->slot.wallet);
	facts->consumer_payment = signer_payment_of(work, work->slot.wallet, look);
	facts->is_token_success = look->receipt.success && pays &&
				  looks_like_payload(&work->row.intent, &look->found);
	facts->seen_by_all = look->by_all;
	if (!facts->is_token_success || facts->consumer_payment == PAYMENT_PROVEN)
		return true;
	return signer_moved_look(self, work, look, &facts->moved, err);
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
	if (!same && !signer_tx_look(self, work->wallet->chain, named, &look, err))
		return false;
	facts->named = look.seen;
	if (!store_attempt_owner(self->options.store, named, &owner, err))
		return false;
	facts->named_is_anothers = !id_is_zero(owner) && !id_equal(owner, work->slot.id);
	if (look.seen != RESOLVE_SEEN_FINAL)
		return true;
	facts->named_payment = signer_payment_of(work, work->slot.wallet, &look);
	if (same)
		return !look.receipt.success ||
		       is_own_payment(self, work, &facts->named_is_own, err);
	if (!address_equal(look.found.from, work->slot.wallet))
		return true;
	facts->named_is_older = resolve_is_older(look.found.time_ms, work->row.intent.created_at);
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
	    !signer_tx_look(self, work->wallet->chain, work->decision.tx_hash, &look, err))
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
	facts->named_payment = signer_payment_of(work, slot->wallet, &look);
	return true;
}

static struct resolve_facts facts_of(const struct work_case *work)
{
	return (struct resolve_facts){
		.verdict = work->decision.verdict,
		.has_slot = work->has_slot,
		.slot_is_over = work->has_slot && work->slot.stage >= TRANSFER_MINED,
		.consumer = RESOLVE_SEEN_UNKNOWN,
		.consumer_payment = PAYMENT_UNCLEAR,
		.moved = MOVED_UNKNOWN,
		.named = RESOLVE_SEEN_UNKNOWN,
		.named_payment = PAYMENT_UNCLEAR,
	};
}

bool signer_slot_facts(struct signer *self, const struct work_case *work,
		       struct resolve_facts *ret_facts, struct err *err)
{
	struct tx_look consumer = { .seen = RESOLVE_SEEN_UNKNOWN };
	*ret_facts = facts_of(work);
	ret_facts->row_is_good = true;
	return consumer_look(self, work, &consumer, ret_facts, err) &&
	       (ret_facts->verdict != RESOLVE_PAID_BY ||
		named_look(self, work, &consumer, ret_facts, err));
}

static bool facts_gather(struct signer *self, const struct work_case *work,
			 struct resolve_facts *facts, struct err *err)
{
	struct tx_look consumer = { .seen = RESOLVE_SEEN_UNKNOWN };
	*facts = facts_of(work);
	/* What ends as paid is never paid again: of its rounds the journal needs no other story. */
	if (work->has_earlier)
		facts->row_is_good = row_is_good(self, &work->row);
	else if (!story_is_good(self, work, &facts->row_is_good, err))
		return false;
	if (!facts->row_is_good || (!facts->slot_is_over && !work->has_earlier))
		return true;
	if (facts->slot_is_over && (!consumer_look(self, work, &consumer, facts, err) ||
				    !rounds_before_judge(self, work, facts, err)))
		return false;
	if (work->has_earlier)
		return earlier_look(self, work, facts, err);
	return facts->verdict != RESOLVE_PAID_BY || named_look(self, work, &consumer, facts, err);
}

/* The slot and the right of the round, where the journal lacks them: a slot that was never signed
 * has neither, and a self-transfer may have been signed without a right. */
static bool right_add(struct signer *self, const struct work_case *work,
		      struct journal_entry *entry, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	const struct transfer *slot = &work->slot;
	bool pays = false;
	bool any = false;
	struct tx tx;
	size_t n = 0;
	if (!slot_pays(self, work, slot->nonce, &pays, &any, err) ||
	    !signer_rights_load(self, &work->row, rights, &n, err))
		return false;
	entry->has_right = n == work->row.round && !pays;
	entry->has_slot = entry->has_right || !any;
	if (!entry->has_slot)
		return true;
	entry->slot = (struct journal_slot){ slot->chain_id, slot->wallet, slot->nonce };
	transfer_cancellation(slot, &tx);
	entry->kind = any ? JOURNAL_CANCEL : JOURNAL_FOREIGN;
	entry->payload_hash = any ? tx_payload_hash(&tx, slot->wallet) : slot->mined_hash;
	signer_right_fill(self, slot, &work->row, &entry->slot, &entry->right);
	return true;
}

static bool resolution_journal(struct signer *self, const struct work_case *work, bool is_paid,
			       enum journal_verdict *ret_verdict, struct err *err)
{
	const struct transfer *slot = work->has_earlier ? &work->earlier : &work->slot;
	struct journal_entry entry = { .has_resolution = true };
	entry.resolution = (struct journal_resolution){
		.withdrawal = work->row.intent.id,
		.round = work->has_earlier ? slot->round : work->row.round,
		.is_paid = is_paid,
		.chain_id = slot->chain_id,
		.tx_hash = is_paid ? work->decision.tx_hash : slot->mined_hash,
		.time_ms = clock_now_ms(self->options.clock),
	};
	/* An earlier slot and its right stand there. */
	if (!work->has_earlier && !right_add(self, work, &entry, err))
		return false;
	return journal_append_many(self->options.journal, &entry, 1, ret_verdict, err);
}

static bool unpaid_end(struct signer *self, const struct work_case *work, struct err *err)
{
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	if (!work->row.cancel_requested)
		return signer_case_end(self, work, STORE_RESOLVE_REQUEUE, NULL, err);
	if (!signer_void_append(self, &work->row, work->row.round + 1, WITHDRAWAL_CANCELED,
				REFUSAL_CANCELED, &verdict, err))
		return false;
	/* The next round began before the store was restored: the queue finds what became of it. */
	if (verdict == JOURNAL_DIFFERENT)
		return signer_case_end(self, work, STORE_RESOLVE_REQUEUE, NULL, err);
	return signer_case_end(self, work, STORE_RESOLVE_CANCEL, refusal_code(REFUSAL_CANCELED),
			       err);
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
		/* Nor does anybody but them say what an earlier slot paid. */
		return work->has_earlier ||
		       signer_case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
	if (!resolution_journal(self, work, is_paid, &verdict, err))
		return false;
	if (verdict == JOURNAL_DIFFERENT)
		return signer_case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(reason), err);
	if (work->wallet != NULL && !work->has_earlier)
		signer_wallet_journaled(work->wallet, work->slot.nonce);
	return is_paid ? signer_case_end(self, work, STORE_RESOLVE_COMPLETE, NULL, err)
		       : unpaid_end(self, work, err);
}

/* ---- a payout whose withdrawal nobody knew ---- */

/* Its right is spent on that slot; then the hold ends, and the rest is what becomes of every right
 * that was spent before a restore (adopt.c). */
static bool payout_resolve(struct signer *self, const struct work_case *work,
			   const struct transfer *payout, struct err *err)
{
	struct tx_look look = { .seen = RESOLVE_SEEN_UNKNOWN };
	struct hash32 hash = work->decision.tx_hash;
	size_t chain = signer_wallet_of(self, payout->wallet_id)->chain;
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	enum reason refused = REASON_NONE;
	if (!signer_tx_look(self, chain, hash, &look, err))
		return false;
	if (look.seen == RESOLVE_SEEN_UNKNOWN)
		return true;
	if (look.seen == RESOLVE_SEEN_ABSENT)
		refused = REASON_RESOLVE_TX_NOT_FOUND;
	else if (!id_is_zero(payout->withdrawal) &&
		 !id_equal(payout->withdrawal, work->row.intent.id) && DEFENCE("named_is_unbound"))
		refused = REASON_RESOLVE_TX_OF_ANOTHER;
	else if (signer_payment_of(work, payout->wallet, &look) != PAYMENT_PROVEN ||
		 look.found.nonce != payout->nonce)
		refused = REASON_RESOLVE_TX_IS_NO_PAYMENT;
	else if (!signer_payout_claim(self, &work->row, payout, hash, &verdict, err))
		return false;
	else if (verdict == JOURNAL_DIFFERENT)
		refused = REASON_RESOLVE_TX_OF_ANOTHER;
	if (refused != REASON_NONE)
		return signer_case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(refused), err);
	return signer_case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
}

/* ---- what people said in a life that the store has lost ---- */

/* Have people named this transaction before, of the same request under whatever id? The slot of
 * that round pays nobody else. */
static bool said_paid_find(struct signer *self, struct work_case *work, bool *ret_found,
			   struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	size_t n = 0;
	*ret_found = false;
	if (!signer_rights_load(self, &work->row, rights, &n, err))
		return false;
	for (size_t i = 0; i < n && !*ret_found; i++) {
		struct journal_resolution said;
		bool any = false;
		if (rights[i].is_void || rights[i].round > work->row.round)
			continue;
		if (!journal_resolution_of(self->options.journal, rights[i].withdrawal,
					   rights[i].round, &any, &said, err) ||
		    !signer_slot_load(self, &rights[i].slot, &work->earlier, ret_found, err))
			return false;
		*ret_found &= any && said.is_paid &&
			      hash32_equal(said.tx_hash, work->decision.tx_hash) &&
			      id_is_zero(work->earlier.withdrawal);
		work->earlier.round = rights[i].round;
	}
	return true;
}

/* The same key may come with another request: what was named then has to pay this one. */
static bool said_paid_resolve(struct signer *self, struct work_case *work, struct err *err)
{
	struct tx_look look = { .seen = RESOLVE_SEEN_UNKNOWN };
	enum reason refused = REASON_NONE;
	work->wallet = signer_wallet_of(self, work->earlier.wallet_id);
	work->binds = true;
	if (work->wallet == NULL || !work->wallet->owned || work->earlier.stage != TRANSFER_FINAL)
		return true;
	if (!signer_tx_look(self, work->wallet->chain, work->decision.tx_hash, &look, err))
		return false;
	if (look.seen == RESOLVE_SEEN_UNKNOWN)
		return true;
	if (look.seen == RESOLVE_SEEN_ABSENT)
		refused = REASON_RESOLVE_TX_NOT_FOUND;
	else if (signer_payment_of(work, work->earlier.wallet, &look) != PAYMENT_PROVEN)
		refused = REASON_RESOLVE_TX_IS_NO_PAYMENT;
	if (refused != REASON_NONE)
		return signer_case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(refused), err);
	return signer_case_end(self, work, STORE_RESOLVE_COMPLETE, NULL, err);
}

static bool release(struct signer *self, const struct work_case *work, struct err *err)
{
	const struct decision *decision = &work->decision;
	bool may = true;
	if (decision->verdict == RESOLVE_NOT_PAID && work->has_row && !work->has_slot &&
	    !signer_loss_release(self, &work->row, decision->tx_hash, &may, err))
		return false;
	if (!may)
		return signer_case_end(self, work, STORE_RESOLVE_REFUSE,
				       reason_code(REASON_RESOLVE_EQUAL_IS_UNCLAIMED), err);
	return signer_case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
}

bool signer_hold_resolve(struct signer *self, const struct work_case *work, struct err *err)
{
	struct resolve_facts facts;
	struct transfer payout;
	bool names_paid = work->decision.verdict == RESOLVE_PAID_BY && !work->has_slot &&
			  work->row.stage == WITHDRAWAL_QUEUED && row_is_good(self, &work->row);
	bool is_payout = names_paid;
	bool is_said = false;
	bool is_spent = false;
	enum reason reason = REASON_NONE;
	if (is_payout &&
	    !signer_payout_find(self, &work->row, work->decision.tx_hash, &payout, &is_payout, err))
		return false;
	if (is_payout)
		return payout_resolve(self, work, &payout, err);
	struct work_case again = *work;
	if (names_paid && !said_paid_find(self, &again, &is_said, err))
		return false;
	if (is_said)
		return said_paid_resolve(self, &again, err);
	if (!signer_spent_resolve(self, work, &is_spent, err))
		return false;
	if (is_spent)
		return true;
	if (!facts_gather(self, work, &facts, err))
		return false;
	switch (resolve_decide(&facts, &reason)) {
	case RESOLVE_WAIT:
	case RESOLVE_FILL:
		return true;
	case RESOLVE_REFUSE:
		return signer_case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(reason), err);
	case RESOLVE_RELEASE:
		return release(self, work, err);
	case RESOLVE_COMPLETE:
		return decided_end(self, work, true, err);
	case RESOLVE_UNPAID:
		return decided_end(self, work, false, err);
	}
	return true;
}
