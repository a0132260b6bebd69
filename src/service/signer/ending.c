/* Ends without payment. "Unpaid" is the dangerous verdict: the signer reads it from the chain
 * itself, and writes a void into the journal before the store says so. */
#include "service/signer/signer_parts.h"

#include <string.h>

#define PROOF_WAIT_MS 15000

/* The attempt of a slot that the chain consumed, with its receipt. */
struct consumed {
	bool found;
	struct attempt attempt;
	struct chain_receipt receipt;
};

static bool consumed_find(struct signer *self, size_t chain, const struct transfer *slot,
			  struct consumed *ret_consumed, struct err *err)
{
	struct hash32 hashes[ATTEMPTS_MAX];
	struct chain_receipt receipts[ATTEMPTS_MAX];
	size_t n = 0;
	ret_consumed->found = false;
	if (!store_attempts_load(self->options.store, slot->id, self->attempts, ATTEMPTS_MAX, &n,
				 err))
		return false;
	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		hashes[i] = self->attempts[i].tx_hash;
	if (!chain_receipts(self->options.chains[chain], hashes, n, receipts, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (receipts[i].state != CHAIN_RECEIPT_FOUND)
			continue;
		ret_consumed->found = true;
		ret_consumed->attempt = self->attempts[i];
		ret_consumed->receipt = receipts[i];
	}
	return true;
}

static bool is_deep(const struct chain_params *params, const struct chain_head *head,
		    uint64_t block)
{
	bool deep = head->number >= block && head->number - block >= params->depth_unpaid;
	if (!params->has_finality)
		return deep;
	return deep && head->has_finalized && head->finalized_number >= block;
}

/* The slot on which the journal says that this round was spent. The store's row may have been
 * edited; the journal is the signer's own. */
static bool journaled_slot(struct signer *self, const struct withdrawal *row, uint32_t round,
			   struct journal_slot *ret_slot, bool *ret_found, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	uint8_t tag[32];
	size_t n = 0;
	*ret_found = false;
	pay_tag_make(self->options.pay_tag_key, &row->intent, tag);
	if (!journal_rights_of(self->options.journal, row->intent.id, tag, rights, ATTEMPTS_MAX, &n,
			       err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (rights[i].round != round || rights[i].is_void)
			continue;
		*ret_slot = rights[i].slot;
		*ret_found = true;
	}
	return true;
}

/* Do the consumed transaction's own bytes belong to the journaled slot, and did they not pay? */
static bool proves_unpaid(const struct consumed *consumed, const struct journal_slot *slot)
{
	struct tx tx;
	struct tx_signature signature;
	struct str raw = str_from_bytes(consumed->attempt.raw, consumed->attempt.raw_len);
	bool ours = tx_read_signed(raw, &tx, &signature) && tx.nonce == slot->nonce &&
		    tx.chain_id == slot->chain_id &&
		    hash32_equal(tx_hash_of(raw), consumed->attempt.tx_hash) &&
		    address_equal(consumed->receipt.from, slot->wallet);
	if (!ours)
		return false;
	bool cancels = address_equal(tx.to, slot->wallet) && u256_is_zero(tx.value.value) &&
		       tx.data_len == 0;
	return !consumed->receipt.success || cancels;
}

bool signer_round_is_unpaid(struct signer *self, const struct withdrawal *row, uint32_t round,
			    bool *ret_unpaid, struct err *err)
{
	struct transfer transfer;
	struct journal_slot slot = { 0 };
	struct consumed consumed;
	struct chain_head head;
	bool found = false;
	bool journaled = false;
	*ret_unpaid = false;
	const struct chain_params *params =
		catalogue_chain_by_id(self->options.catalogue, row->intent.chain_id);
	if (!store_transfer_of_round(self->options.store, row->intent.id, round, &transfer, &found,
				     err) ||
	    !journaled_slot(self, row, round, &slot, &journaled, err))
		return false;
	if (!found || !journaled || params == NULL)
		return true;
	size_t chain = (size_t)(params - self->options.catalogue->chains);
	if (!consumed_find(self, chain, &transfer, &consumed, err) ||
	    !signer_head(self, chain, 1000, &head, err))
		return false;
	*ret_unpaid = consumed.found && is_deep(params, &head, consumed.receipt.block_number) &&
		      proves_unpaid(&consumed, &slot);
	return true;
}

static bool void_append(struct signer *self, const struct withdrawal *row, enum withdrawal_stage to,
			enum refusal refusal, enum journal_verdict *ret_verdict, struct err *err)
{
	struct journal_entry entry = { .has_right = true };
	struct journal_right *right = &entry.right;
	right->withdrawal = row->intent.id;
	/* The next free round: an assigned row's own round is spent already. */
	right->round = row->stage == WITHDRAWAL_ASSIGNED ? row->round + 1 : row->round;
	pay_tag_make(self->options.pay_tag_key, &row->intent, right->pay_tag);
	right->is_void = true;
	CHECK(str_copy(str_from(withdrawal_stage_text(to)), right->void_stage,
		       sizeof right->void_stage));
	CHECK(str_copy(str_from(refusal_code(refusal)), right->void_code, sizeof right->void_code));
	right->chain_id = row->intent.chain_id;
	right->asset = row->intent.contract;
	right->amount = row->intent.amount;
	right->time_ms = clock_now_ms(self->options.clock);
	return journal_append_many(self->options.journal, &entry, 1, ret_verdict, err);
}

bool signer_end(struct signer *self, const struct withdrawal *row, enum withdrawal_stage to,
		enum refusal refusal, const struct message_ack *ack, struct err *err)
{
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	if (!void_append(self, row, to, refusal, &verdict, err))
		return false;
	if (verdict == JOURNAL_DIFFERENT) {
		signer_change_hold(self, row, "right_already_spent", ack, false);
		return true;
	}
	CHECK(self->changes_len < BATCH_MAX);
	self->changes[self->changes_len++] =
		(struct store_change){ .withdrawal = row->intent.id,
				       .version = row->version,
				       .from = row->stage,
				       .to = to,
				       .event = withdrawal_stage_text(to),
				       .failure_code = refusal_code(refusal),
				       .ack = *ack };
	signer_log(self, row, "withdrawal_ended", refusal_code(refusal), false);
	return true;
}

bool signer_end_by_void(struct signer *self, const struct withdrawal *row,
			const struct journal_right *right, const struct message_ack *ack,
			struct err *err)
{
	enum withdrawal_stage to = WITHDRAWAL_CANCELED;
	enum refusal refusal = REFUSAL_CANCELED;
	if (!withdrawal_stage_read(str_from(right->void_stage), &to) ||
	    !refusal_read(str_from(right->void_code), &refusal) || !lifecycle_is_terminal(to)) {
		signer_change_hold(self, row, "journal_void_unreadable", ack, false);
		return true;
	}
	return signer_end(self, row, to, refusal, ack, err);
}

static void requeue(struct signer *self, const struct withdrawal *row,
		    const struct message_ack *ack)
{
	CHECK(self->changes_len < BATCH_MAX);
	self->changes[self->changes_len++] = (struct store_change){ .withdrawal = row->intent.id,
								    .version = row->version,
								    .from = row->stage,
								    .to = WITHDRAWAL_QUEUED,
								    .event = "requeued",
								    .next_round = true,
								    .ack = *ack };
	signer_log(self, row, "withdrawal_requeued", "", true);
}

#define REVERTS_MAX 2

/* A first revert goes round once more, alone. A second one is the receiver's doing only if the
 * asset moves otherwise; if it does not (paused, wallet blocked), the payout waits. */
static bool reverted_end(struct signer *self, const struct withdrawal *row,
			 const struct transfer *slot, const struct message_ack *ack,
			 struct err *err)
{
	const struct signer_wallet *wallet = signer_wallet_of(self, slot->wallet_id);
	bool receiver = false;
	if (row->round + 1 < REVERTS_MAX || wallet == NULL) {
		requeue(self, row, ack);
		return true;
	}
	if (!signer_receiver_is_to_blame(self, wallet, slot, &receiver, err))
		return false;
	if (receiver)
		return signer_end(self, row, WITHDRAWAL_FAILED, REFUSAL_RECEIVER_REFUSES, ack, err);
	signer_change_wait(self, row, "asset_reverts", PROOF_WAIT_MS, ack);
	return true;
}

bool signer_end_assigned(struct signer *self, const struct withdrawal *row,
			 const struct message_ack *ack, struct err *err)
{
	struct transfer slot;
	bool found = false;
	bool unpaid = false;
	if (!store_transfer_load(self->options.store, row->transfer, &slot, &found, err))
		return false;
	if (!found || slot.stage != TRANSFER_FINAL || !lifecycle_outcome_is_unpaid(slot.outcome)) {
		self->idle[self->idle_len++] = *ack;
		return true;
	}
	const char *distrust = signer_row_distrust(self, row);
	if (distrust != NULL) {
		signer_change_hold(self, row, distrust, ack, false);
		return true;
	}
	if (!signer_round_is_unpaid(self, row, row->round, &unpaid, err))
		return false;
	if (!unpaid) {
		signer_change_wait(self, row, "not_proven_unpaid", PROOF_WAIT_MS, ack);
		return true;
	}
	if (row->cancel_requested)
		return signer_end(self, row, WITHDRAWAL_CANCELED, REFUSAL_CANCELED, ack, err);
	if (slot.outcome == OUTCOME_REVERTED)
		return reverted_end(self, row, &slot, ack, err);
	requeue(self, row, ack);
	return true;
}
