/* T9: what was final was taken back, and people say that its bytes may go out again. */
#include "service/signer/signer_resolve.h"

#include "base/defence.h"
#include "core/transfer.h"
#include "core/tx.h"

/* The block is named by the row, which anybody may have written: it has the slot only where the
 * nonce is taken. */
static bool nonce_is_taken(struct chain *node, const struct transfer *slot, bool *ret_taken,
			   struct err *err)
{
	struct chain_head head;
	struct chain_nonce count = { 0 };
	if (!chain_head(node, &head, err) ||
	    !chain_nonces(node, head.number, &slot->wallet, 1, &count, err) || !count.known)
		return false;
	*ret_taken = count.count > slot->nonce || !DEFENCE("block_has_the_nonce");
	return true;
}

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
		bool taken = false;
		if (!chain_node(nodes, i, &node, err) ||
		    !nonce_is_taken(node, &work->slot, &taken, err) ||
		    !chain_blocks(node, &number, 1, &block, err) || !block.known)
			continue;
		bool same = taken && hash32_equal(block.hash, work->slot.mined_block_hash);
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
		return signer_case_end(self, work, STORE_RESOLVE_REFUSE,
				       reason_code(REASON_RESOLVE_STILL_IN_DOUBT), err);
	return signer_case_end(self, work, STORE_RESOLVE_FILL, NULL, err);
}

/* The bytes that go out again: do they pay somebody who has gone on without them? */
static bool bytes_look(struct signer *self, const struct work_case *work,
		       struct resolve_back_facts *facts, struct err *err)
{
	struct attempt_word word = { 0 };
	struct tx tx;
	bool elsewhere = false;
	size_t n = 0;
	size_t chosen = 0;
	if (!store_attempts_load(self->options.store, work->slot.id, self->attempts, ATTEMPTS_MAX,
				 &n, err))
		return false;
	if (n == 0)
		return true;
	chosen = n - 1;
	if (work->has_row && !signer_attempt_choose(self, &work->row, &work->slot, n, &chosen, err))
		return false;
	if (!signer_attempt_judge(self, work->wallet, &work->slot, &self->attempts[chosen], &tx,
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

bool signer_back_resolve(struct signer *self, const struct work_case *work, struct err *err)
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
		return signer_case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(reason), err);
	case RESOLVE_RELEASE:
		if (work->slot.held_reason[0] != 0)
			return signer_case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
		return signer_case_end(self, work, STORE_RESOLVE_REFUSE,
				       reason_code(REASON_RESOLVE_BLOCK_STANDS), err);
	case RESOLVE_UNPAID:
		return signer_case_end(self, work, STORE_RESOLVE_RESEND, NULL, err);
	case RESOLVE_FILL:
		return back_fill(self, work, err);
	}
	return true;
}

bool signer_otherwise_resolve(struct signer *self, const struct work_case *work, struct err *err)
{
	enum reason reason = REASON_NONE;
	if (resolve_otherwise_decide(&work->decision, &work->slot, &reason) == RESOLVE_RELEASE)
		return signer_case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
	return signer_case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(reason), err);
}
