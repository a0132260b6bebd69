/* Ends without payment. "Unpaid" is the dangerous verdict: the signer reads it from the chain
 * itself, and writes a void into the journal before the store says so. */
#include "service/signer/signer_ending.h"
#include "service/signer/signer_loss.h"

#include "base/defence.h"
#include "core/reason.h"
#include "core/transfer.h"

#include <string.h>

/* The attempt of a slot that the chain consumed for good, with its receipt. */
struct consumed {
	bool found;
	size_t attempt; /* index */
	struct chain_receipt receipt;
};

/* The slot on which the journal says that this round was spent. The store's row may have been
 * edited; the journal is the signer's own. */
static bool journaled_slot(struct signer *self, const struct withdrawal *row, uint32_t round,
			   struct journal_slot *ret_slot, bool *ret_found, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	size_t n = 0;
	*ret_found = false;
	if (!signer_rights_load(self, row, rights, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		/* Under another id: the same request, in a store that was lost (adopt.c). */
		if (rights[i].round != round || rights[i].is_void)
			continue;
		*ret_slot = rights[i].slot;
		*ret_found = true;
	}
	return true;
}

/* The round's attempts, each by its own bytes a transaction of the journaled slot. *ret_good false:
 * they are not, or there are none. */
static bool attempts_read(struct signer *self, const struct withdrawal *row, uint32_t round,
			  struct tx ret_txs[ATTEMPTS_MAX], size_t *ret_len,
			  struct journal_slot *ret_slot, bool *ret_good, struct err *err)
{
	struct transfer transfer;
	bool found = false;
	bool journaled = false;
	*ret_len = 0;
	*ret_good = false;
	if (!store_transfer_of_round(self->options.store, row->intent.id, round, &transfer, &found,
				     err) ||
	    !journaled_slot(self, row, round, ret_slot, &journaled, err))
		return false;
	if (journaled && !found && !signer_slot_load(self, ret_slot, &transfer, &found, err))
		return false;
	if (!found || !journaled)
		return true;
	if (!store_attempts_load(self->options.store, transfer.id, self->attempts, ATTEMPTS_MAX,
				 ret_len, err))
		return false;
	*ret_good = *ret_len > 0;
	for (size_t i = 0; i < *ret_len; i++) {
		struct tx_signature signature;
		*ret_good &= signer_attempt_read(&self->attempts[i], &ret_txs[i], &signature) &&
			     ret_txs[i].nonce == ret_slot->nonce &&
			     ret_txs[i].chain_id == ret_slot->chain_id;
	}
	return true;
}

bool signer_is_deep(const struct chain_params *params, const struct chain_head *head,
		    uint64_t block)
{
	uint64_t depth = DEFENCE("depth_unpaid") ? params->depth_unpaid : 0;
	bool deep = head->number >= block && head->number - block >= depth;
	if (!params->has_finality || !DEFENCE("finalized"))
		return deep;
	return deep && head->has_finalized && head->finalized_number >= block;
}

/* The blocks that a verdict hangs on are the canonical ones of this very answer: the receipt's, and
 * those that the head names. A receipt of a block that was taken back, and answers of two nodes
 * behind one address, prove nothing. */
bool signer_view_agrees(struct chain *node, const struct chain_head *head,
			const struct chain_receipt *receipt, bool *ret_agrees, struct err *err)
{
	const uint64_t numbers[3] = { receipt->block_number, head->number, head->finalized_number };
	const struct hash32 hashes[3] = { receipt->block_hash, head->hash, head->finalized_hash };
	struct chain_block blocks[3];
	size_t n = head->has_finalized ? 3 : 2;
	*ret_agrees = false;
	if (receipt->block_number > head->number)
		return true;
	if (!chain_blocks(node, numbers, n, blocks, err))
		return false;
	*ret_agrees = true;
	if (!DEFENCE("unpaid_is_canonical"))
		return true;
	for (size_t i = 0; i < n; i++)
		*ret_agrees &= blocks[i].known && hash32_equal(blocks[i].hash, hashes[i]);
	return true;
}

/* What one node says of the slot: exactly one of its attempts is in a block, deep and finalized. */
static bool consumed_find(struct signer *self, struct chain *node,
			  const struct chain_params *params, const struct journal_slot *slot,
			  size_t n, struct consumed *ret_consumed, struct err *err)
{
	struct hash32 hashes[ATTEMPTS_MAX];
	struct chain_receipt receipts[ATTEMPTS_MAX];
	struct chain_head head;
	size_t found = 0;
	bool clear = true;
	ret_consumed->found = false;
	for (size_t i = 0; i < n; i++)
		hashes[i] = self->attempts[i].tx_hash;
	if (!chain_receipts(node, hashes, n, receipts, err) || !chain_head(node, &head, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		clear &= receipts[i].state != CHAIN_RECEIPT_UNKNOWN;
		if (receipts[i].state != CHAIN_RECEIPT_FOUND)
			continue;
		clear &= address_equal(receipts[i].from, slot->wallet);
		ret_consumed->attempt = i;
		ret_consumed->receipt = receipts[i];
		found++;
	}
	if (!clear || found != 1 ||
	    !signer_is_deep(params, &head, ret_consumed->receipt.block_number))
		return true;
	return signer_view_agrees(node, &head, &ret_consumed->receipt, &ret_consumed->found, err);
}

static bool says_the_same(const struct consumed *a, const struct consumed *b)
{
	return a->attempt == b->attempt && a->receipt.success == b->receipt.success &&
	       hash32_equal(a->receipt.block_hash, b->receipt.block_hash);
}

/* No node's word is enough where there are others: at least two have it, and none another one. One
 * that is away, or lags, says nothing. */
size_t signer_nodes_needed(const struct chain *chain)
{
	return DEFENCE("nodes_agree") ? chain_nodes_needed(chain) : 1;
}

static bool nodes_ask(struct signer *self, struct chain *chain, const struct chain_params *params,
		      const struct journal_slot *slot, size_t n, struct consumed *ret_consumed,
		      struct err *err)
{
	size_t len = chain_nodes_len(chain);
	size_t needed = signer_nodes_needed(chain);
	size_t agree = 0;
	ret_consumed->found = false;
	for (size_t i = 0; i < len; i++) {
		struct consumed one = { .found = false };
		struct chain *node = NULL;
		if (!chain_node(chain, i, &node, err) ||
		    !consumed_find(self, node, params, slot, n, &one, err)) {
			if (len == 1)
				return false;
			continue;
		}
		if (!one.found)
			continue;
		if (DEFENCE("nodes_agree") && agree > 0 && !says_the_same(ret_consumed, &one)) {
			ret_consumed->found = false;
			return true;
		}
		*ret_consumed = one;
		agree++;
	}
	ret_consumed->found = agree >= needed;
	return true;
}

/* What people said of a round: under the row's id, or that of the same request in a store that was
 * lost. */
static bool resolution_find(struct signer *self, const struct withdrawal *row, uint32_t round,
			    struct journal_resolution *ret_resolution, bool *ret_any,
			    struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	struct journal *journal = self->options.journal;
	size_t n = 0;
	if (!journal_resolution_of(journal, row->intent.id, round, ret_any, ret_resolution, err) ||
	    !signer_rights_load(self, row, rights, &n, err))
		return false;
	for (size_t i = 0; i < n && !*ret_any && DEFENCE("resolution_by_tag"); i++)
		if (rights[i].round == round &&
		    !journal_resolution_of(journal, rights[i].withdrawal, round, ret_any,
					   ret_resolution, err))
			return false;
	return true;
}

/* What people said holds for the transaction that they spoke of: once the chain has taken it back,
 * only the chain can tell. That it was paid holds for ever. */
static bool resolution_judge(struct signer *self, const struct withdrawal *row, uint32_t round,
			     bool *ret_resolved, enum round_verdict *ret_verdict, struct err *err)
{
	struct journal_resolution resolution;
	struct journal_slot key;
	struct transfer slot;
	bool found = false;
	bool journaled = false;
	if (!resolution_find(self, row, round, &resolution, ret_resolved, err))
		return false;
	if (!*ret_resolved)
		return true;
	*ret_verdict = resolution.is_paid ? ROUND_PAID : ROUND_UNPAID;
	if (resolution.is_paid)
		return true;
	if (!store_transfer_of_round(self->options.store, row->intent.id, round, &slot, &found,
				     err) ||
	    !journaled_slot(self, row, round, &key, &journaled, err) ||
	    (journaled && !found && !signer_slot_load(self, &key, &slot, &found, err)))
		return false;
	*ret_resolved = !DEFENCE("resolution_stands") || !found ||
			(slot.stage == TRANSFER_FINAL && slot.held_reason[0] == 0 &&
			 hash32_equal(slot.mined_hash, resolution.tx_hash));
	return true;
}

static bool one_round_judge(struct signer *self, const struct withdrawal *row, uint32_t round,
			    enum round_verdict *ret_verdict, struct err *err)
{
	struct tx txs[ATTEMPTS_MAX];
	struct journal_slot slot = { 0 };
	struct consumed consumed = { .found = false };
	size_t n = 0;
	bool good = false;
	const struct chain_params *params =
		catalogue_chain_by_id(self->options.catalogue, row->intent.chain_id);
	CHECK(params != NULL); /* only rows that are believed get here */
	size_t chain = (size_t)(params - self->options.catalogue->chains);
	bool resolved = false;
	if (!resolution_judge(self, row, round, &resolved, ret_verdict, err))
		return false;
	if (resolved)
		return true;
	*ret_verdict = ROUND_LOST;
	if (!attempts_read(self, row, round, txs, &n, &slot, &good, err))
		return false;
	if (!good)
		return true;
	if (!DEFENCE("unpaid_proof")) {
		*ret_verdict = ROUND_UNPAID;
		return true;
	}
	*ret_verdict = ROUND_UNPROVEN;
	/* A chain that is away is no verdict, and no fault of the other rows. */
	struct err fault = { 0 };
	if (!nodes_ask(self, self->options.chains[chain], params, &slot, n, &consumed, &fault))
		log_line(self->options.log, LOG_WARN,
			 &(struct log_about){ .action = "proof_waits", .err = &fault },
			 "the chain does not answer");
	if (!consumed.found)
		return true;
	const struct tx *tx = &txs[consumed.attempt];
	bool cancels = address_equal(tx->to, slot.wallet) && u256_is_zero(tx->value.value) &&
		       tx->data_len == 0;
	*ret_verdict = consumed.receipt.success && !cancels ? ROUND_PAID : ROUND_UNPAID;
	return true;
}

/* Each round before was proved unpaid when the next one began; the chain may have taken that back
 * since, and the store's word for it is an editor's as well: they are all proved again. */
bool signer_round_judge(struct signer *self, const struct withdrawal *row, uint32_t round,
			enum round_verdict *ret_verdict, struct err *err)
{
	if (!one_round_judge(self, row, round, ret_verdict, err))
		return false;
	if (!DEFENCE("all_rounds_are_proved"))
		return true;
	for (uint32_t r = 0; r < round && *ret_verdict == ROUND_UNPAID; r++)
		if (!one_round_judge(self, row, r, ret_verdict, err))
			return false;
	return true;
}

const char *signer_round_distrust(enum round_verdict verdict)
{
	switch (verdict) {
	case ROUND_UNPROVEN:
	case ROUND_UNPAID:
		return NULL;
	case ROUND_PAID:
		return reason_code(REASON_ROUND_WAS_PAID);
	case ROUND_LOST:
		return reason_code(REASON_SLOT_ROWS_MISSING);
	}
	return reason_code(REASON_SLOT_ROWS_MISSING);
}

static void void_make(const struct signer *self, const struct withdrawal *row, uint32_t round,
		      enum withdrawal_stage to, enum refusal refusal,
		      struct journal_entry *ret_entry)
{
	*ret_entry = (struct journal_entry){ .has_right = true };
	struct journal_right *right = &ret_entry->right;
	right->withdrawal = row->intent.id;
	right->round = round;
	pay_tag_make(self->options.pay_tag_key, &row->intent, right->pay_tag);
	right->is_void = true;
	CHECK(str_copy(str_from(withdrawal_stage_text(to)), right->void_stage,
		       sizeof right->void_stage));
	CHECK(str_copy(str_from(refusal_code(refusal)), right->void_code, sizeof right->void_code));
	right->chain_id = row->intent.chain_id;
	right->asset = row->intent.contract;
	right->amount = row->intent.amount;
	right->time_ms = clock_now_ms(self->options.clock);
}

bool signer_void_append(struct signer *self, const struct withdrawal *row, uint32_t round,
			enum withdrawal_stage to, enum refusal refusal,
			enum journal_verdict *ret_verdict, struct err *err)
{
	struct journal_entry entry;
	void_make(self, row, round, to, refusal, &entry);
	signer_names_forget(self); /* its name, and what stands under it, are used from here on */
	return journal_append_many(self->options.journal, &entry, 1, ret_verdict, err);
}

/* A void of this very withdrawal: it was ended, and the store has not heard of it yet. */
static bool void_find(struct signer *self, const struct withdrawal *row,
		      struct journal_right *ret_right, bool *ret_found, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	size_t n = 0;
	*ret_found = false;
	if (!signer_rights_load(self, row, rights, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!rights[i].is_void || !id_equal(rights[i].withdrawal, row->intent.id))
			continue;
		*ret_right = rights[i];
		*ret_found = true;
	}
	return true;
}

static void end_queue(struct signer *self, const struct withdrawal *row, enum withdrawal_stage to,
		      enum refusal refusal, const struct message_ack *ack)
{
	struct change_news news = { .action = "withdrawal_ended", .text = refusal_code(refusal) };
	struct store_change *change = signer_change_next(self, row, ack, news);
	change->to = to;
	change->event = withdrawal_stage_text(to);
	change->failure_code = refusal_code(refusal);
}

/* What a void says; false when this row cannot end so. */
static bool void_read(const struct withdrawal *row, const struct journal_right *right,
		      enum withdrawal_stage *ret_to, enum refusal *ret_refusal)
{
	return withdrawal_stage_read(str_from(right->void_stage), ret_to) &&
	       refusal_read(str_from(right->void_code), ret_refusal) &&
	       lifecycle_is_terminal(*ret_to) &&
	       lifecycle_withdrawal_allows(row->stage, *ret_to, ACTOR_SIGNER);
}

/* Another owner came first: its void ends the row as well as ours would have. Anything else under
 * this right is for a person. */
static bool end_differs(struct signer *self, const struct withdrawal *row,
			const struct message_ack *ack, struct err *err)
{
	struct journal_right right;
	enum withdrawal_stage to = WITHDRAWAL_CANCELED;
	enum refusal refusal = REFUSAL_CANCELED;
	bool found = false;
	if (!void_find(self, row, &right, &found, err))
		return false;
	if (found && void_read(row, &right, &to, &refusal))
		end_queue(self, row, to, refusal, ack);
	else
		return signer_hold_if_same(self, row, reason_code(REASON_RIGHT_ALREADY_SPENT), ack,
					   err);
	return true;
}

static bool end_in_round(struct signer *self, const struct withdrawal *row, uint32_t round,
			 enum withdrawal_stage to, enum refusal refusal,
			 const struct message_ack *ack, struct err *err)
{
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	if (!DEFENCE("void_first"))
		verdict = JOURNAL_WRITTEN;
	else if (!signer_void_append(self, row, round, to, refusal, &verdict, err))
		return false;
	if (verdict == JOURNAL_DIFFERENT)
		return end_differs(self, row, ack, err);
	end_queue(self, row, to, refusal, ack);
	return true;
}

bool signer_end(struct signer *self, const struct withdrawal *row, enum withdrawal_stage to,
		enum refusal refusal, const struct message_ack *ack, struct err *err)
{
	/* The next free round: an assigned row's own round is spent already. */
	uint32_t round = row->stage == WITHDRAWAL_ASSIGNED ? row->round + 1 : row->round;
	bool ahead = false;
	if (row->stage == WITHDRAWAL_QUEUED && DEFENCE("unpaid_by_the_chain_too") &&
	    !signer_ahead_any(self, row->intent.chain_id, &ahead, err))
		return false;
	if (ahead) {
		signer_change_wait(self, row, reason_code(REASON_CHAIN_IS_AHEAD), ack);
		return true;
	}
	if (self->ends.collects && row->stage == WITHDRAWAL_QUEUED && DEFENCE("void_first")) {
		CHECK(self->ends.len < BATCH_MAX);
		self->ends.items[self->ends.len++] = (struct row_end){ row, to, refusal, *ack };
		return true;
	}
	return end_in_round(self, row, round, to, refusal, ack, err);
}

static bool end_settle(struct signer *self, const struct row_end *end, enum journal_verdict verdict,
		       struct err *err)
{
	if (verdict == JOURNAL_DIFFERENT)
		return end_differs(self, end->row, &end->ack, err);
	end_queue(self, end->row, end->to, end->refusal, &end->ack);
	return true;
}

/* What many are refused is one commit of the journal, as what many are paid is. A part that is away
 * is no verdict about a row: it waits. */
void signer_ends_write(struct signer *self)
{
	struct journal_entry entries[BATCH_MAX];
	enum journal_verdict verdicts[BATCH_MAX];
	struct err err = { 0 };
	size_t n = self->ends.len;
	self->ends.len = 0;
	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct row_end *end = &self->ends.items[i];
		void_make(self, end->row, end->row->round, end->to, end->refusal, &entries[i]);
	}
	signer_names_forget(self); /* they are used from here on */
	bool written = journal_append_many(self->options.journal, entries, n, verdicts, &err);
	for (size_t i = 0; i < n; i++)
		if (!written || !end_settle(self, &self->ends.items[i], verdicts[i], &err))
			signer_row_wait(self, self->ends.items[i].row, &self->ends.items[i].ack,
					&err);
}

bool signer_end_by_void(struct signer *self, const struct withdrawal *row,
			const struct journal_right *right, const struct message_ack *ack,
			struct err *err)
{
	enum withdrawal_stage to = WITHDRAWAL_CANCELED;
	enum refusal refusal = REFUSAL_CANCELED;
	if (!void_read(row, right, &to, &refusal)) {
		signer_change_hold(self, row, reason_code(REASON_JOURNAL_VOID_UNREADABLE), ack,
				   false);
		return true;
	}
	/* Of the same request, in a store that was lost: it stands there for the tag. */
	if (!id_equal(right->withdrawal, row->intent.id)) {
		end_queue(self, row, to, refusal, ack);
		return true;
	}
	return end_in_round(self, row, right->round, to, refusal, ack, err);
}

static void requeue(struct signer *self, const struct withdrawal *row,
		    const struct message_ack *ack)
{
	struct change_news news = { .action = "withdrawal_requeued", .text = "", .alarm = true };
	struct store_change *change = signer_change_next(self, row, ack, news);
	change->to = WITHDRAWAL_QUEUED;
	change->event = "requeued";
	change->next_round = true;
}

/* From the second revert on the receiver may be refused; from this one on it is, if the asset moves
 * otherwise: an estimate that says "it works now" has then been wrong too often. */
#define REVERTS_TOLD_MIN 2
#define REVERTS_MAX      4

/* How often the chain has reverted this withdrawal, its newest round included. */
static bool reverts_count(struct signer *self, const struct withdrawal *row, uint32_t *ret_count,
			  struct err *err)
{
	*ret_count = 0;
	for (uint32_t round = 0; round <= row->round && round < ATTEMPTS_MAX; round++) {
		struct transfer slot;
		bool found = false;
		if (!store_transfer_of_round(self->options.store, row->intent.id, round, &slot,
					     &found, err))
			return false;
		*ret_count += found && slot.outcome == OUTCOME_REVERTED ? 1 : 0;
	}
	return true;
}

/* A first revert goes round once more, alone. A second one is the receiver's doing only if the
 * asset moves otherwise, now: if it does not (paused, wallet blocked), the payout waits; if the
 * payout itself would go through by now, what stood in its way was not the receiver. */
static bool reverted_end(struct signer *self, const struct withdrawal *row,
			 const struct transfer *slot, const struct message_ack *ack,
			 struct err *err)
{
	const struct signer_wallet *wallet = signer_wallet_of(self, slot->wallet_id);
	struct transfer derived = *slot;
	uint32_t reverts = 0;
	if (!reverts_count(self, row, &reverts, err))
		return false;
	if (reverts < REVERTS_TOLD_MIN || wallet == NULL) {
		requeue(self, row, ack);
		return true;
	}
	transfer_bind(&derived, &row->intent);
	enum blame blame = signer_revert_judge(self, wallet, &derived);
	bool refused = blame == BLAME_RECEIVER ||
		       (blame == BLAME_NOBODY && (row->intent.is_native || reverts >= REVERTS_MAX));
	if (refused)
		return signer_end(self, row, WITHDRAWAL_FAILED, REFUSAL_RECEIVER_REFUSES, ack, err);
	if (blame == BLAME_NOBODY)
		requeue(self, row, ack);
	else
		signer_change_wait(self, row,
				   reason_code(blame == BLAME_ASSET ? REASON_ASSET_REVERTS
								    : REASON_CHAIN_UNAVAILABLE),
				   ack);
	return true;
}

/* The transfer is final and did not pay. */
static bool unpaid_end(struct signer *self, const struct withdrawal *row,
		       const struct transfer *slot, const struct message_ack *ack, struct err *err)
{
	enum round_verdict verdict = ROUND_UNPROVEN;
	const char *hold = NULL;
	/* The proof comes last: what is slow before it does not make it old. */
	if (!signer_loss_judge(self, row, &hold, err) ||
	    !signer_round_judge(self, row, row->round, &verdict, err))
		return false;
	const char *distrust = signer_round_distrust(verdict);
	if (distrust != NULL)
		return signer_hold_if_same(self, row, distrust, ack, err);
	if (verdict == ROUND_UNPROVEN) {
		signer_change_wait(self, row, reason_code(REASON_NOT_PROVEN_UNPAID), ack);
		return true;
	}
	/* A later round may have paid it, before the journal was lost: people look at it there. */
	if (hold != NULL) {
		requeue(self, row, ack);
		return true;
	}
	if (row->cancel_requested)
		return signer_end(self, row, WITHDRAWAL_CANCELED, REFUSAL_CANCELED, ack, err);
	if (slot->outcome == OUTCOME_REVERTED)
		return reverted_end(self, row, slot, ack, err);
	requeue(self, row, ack);
	return true;
}

bool signer_end_assigned(struct signer *self, const struct withdrawal *row,
			 const struct message_ack *ack, struct err *err)
{
	struct transfer slot;
	struct journal_right ended;
	bool found = false;
	bool has_void = false;
	if (!store_transfer_load(self->options.store, row->transfer, &slot, &found, err))
		return false;
	bool bound = found && slot.round == row->round && id_equal(slot.withdrawal, row->intent.id);
	if (!bound || (slot.stage == TRANSFER_FINAL && slot.outcome == OUTCOME_SUCCEEDED))
		return signer_hold_if_same(self, row, reason_code(REASON_SLOT_ROWS_MISMATCH), ack,
					   err);
	/* Another hold stood there when it was seen, and is gone: still only people can judge it.
	 */
	if (slot.stage == TRANSFER_FINAL && slot.outcome == OUTCOME_FOREIGN)
		return signer_hold_if_same(self, row, reason_code(REASON_NONCE_CONSUMED_ELSEWHERE),
					   ack, err);
	if (slot.stage == TRANSFER_FINAL && slot.outcome == OUTCOME_UNPROVEN)
		return signer_hold_if_same(self, row, reason_code(REASON_SUCCESS_WITHOUT_PROOF),
					   ack, err);
	if (slot.stage != TRANSFER_FINAL || !lifecycle_outcome_is_unpaid(slot.outcome)) {
		self->idle[self->idle_len++] = *ack;
		return true;
	}
	const char *distrust = signer_row_distrust(self, row);
	if (distrust != NULL) {
		signer_change_hold(self, row, distrust, ack, false);
		return true;
	}
	if (!void_find(self, row, &ended, &has_void, err))
		return false;
	return has_void ? signer_end_by_void(self, row, &ended, ack, err)
			: unpaid_end(self, row, &slot, ack, err);
}
