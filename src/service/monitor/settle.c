/* Mined slots: their blocks must stay on the canonical chain, and once they are deep and finalized
 * core/confirm judges: "paid" by what the receipt said when it was seen, since its block is still
 * canonical; anything else by the receipt, read again. */
#include "service/monitor/monitor_parts.h"
#include "service/monitor/pages.h"

#include "base/defence.h"
#include "core/reason.h"

/* A slot whose block is gone, or whose receipt now stands elsewhere. */
static bool moved_observe(struct monitor *self, const struct watched *watched, struct err *err)
{
	struct receipt_of of = { 0 };
	const struct chain_receipt *receipt = monitor_receipt_of(self, watched, &of);
	const struct transfer *row = &watched->row;
	bool canonical = true;
	if (DEFENCE("unknown_is_no_news") && receipt == NULL && monitor_is_unknown(self, watched)) {
		self->unanswered = true;
		return true; /* no answer is no news */
	}
	if (receipt != NULL && receipt->block_number == row->mined_block &&
	    hash32_equal(receipt->block_hash, row->mined_block_hash) &&
	    hash32_equal(receipt->tx_hash, row->mined_hash))
		return true;
	if (receipt != NULL && DEFENCE("moved_is_canonical") &&
	    !monitor_is_canonical(self, receipt->block_number, receipt->block_hash, &canonical,
				  err))
		return false;
	/* Of a block that the chain has not it is some other machine's word. */
	if (!canonical) {
		self->unanswered = true;
		return true;
	}
	if (!monitor_room(self, err))
		return false;
	struct store_observation *item = monitor_observe(self, row);
	metric_count(self->reorged, 1);
	if (receipt == NULL) {
		/* A slot that was never signed waits for its signature again. */
		item->to = row->attempts == 0 ? TRANSFER_RESERVED : TRANSFER_BROADCAST;
		monitor_log(self, row, "transfer_reorged", &row->mined_hash, "", false);
		return true;
	}
	monitor_fact_keep(self, row, receipt, of);
	item->to = TRANSFER_MINED;
	item->outcome = of.is_foreign ? OUTCOME_FOREIGN : OUTCOME_NONE;
	item->mined_hash = receipt->tx_hash;
	item->mined_block = receipt->block_number;
	item->mined_block_hash = receipt->block_hash;
	monitor_block_watch(self->chain, receipt->block_number, receipt->block_hash);
	monitor_log(self, row, "transfer_mined_again", &receipt->tx_hash, "", false);
	return true;
}

/* A receipt of this height, and of another block than the chain has there, is of a machine on some
 * other branch, the row's or a third one: no news, or the row would be of that branch and count as
 * compared. */
static bool recheck_observe(struct monitor *self, const struct watched *watched, struct err *err)
{
	struct receipt_of of = { 0 };
	const struct chain_receipt *receipt = monitor_receipt_of(self, watched, &of);
	if (receipt != NULL && receipt->block_number == watched->row.mined_block &&
	    !hash32_equal(receipt->block_hash, self->rechecked) &&
	    DEFENCE("old_branch_is_no_news")) {
		self->unanswered = true;
		return true;
	}
	return moved_observe(self, watched, err);
}

/* Looks at slots with their receipts. */
static bool page_ask(struct monitor *self, size_t n,
		     bool (*act)(struct monitor *, const struct watched *, struct err *),
		     struct err *err)
{
	struct id slots[WATCH_BATCH] = { { { 0 } } };
	for (size_t i = 0; i < n; i++)
		slots[i] = self->rows[i].id;
	if (!monitor_attempts_fetch(self, slots, n, err))
		return false;
	for (size_t done = 0; done < n;) {
		bool added = true;
		monitor_watched_reset(self);
		while (done < n && added) {
			if (!monitor_watched_add(self, &self->rows[done], &added, err))
				return false;
			done += added ? 1 : 0;
		}
		if (!monitor_receipts(self, err))
			return false;
		for (size_t i = 0; i < self->watched_len; i++)
			if (!act(self, &self->watched[i], err))
				return false;
	}
	monitor_attempts_forget(self);
	return true;
}

static bool page_recheck(struct monitor *self, size_t n, struct err *err)
{
	return page_ask(self, n, recheck_observe, err);
}

bool monitor_block_recheck(struct monitor *self, uint64_t number, struct hash32 canonical,
			   bool *ret_answered, struct err *err)
{
	self->unanswered = false;
	self->rechecked = canonical;
	/* A slot that another block gave up to this one is found here by its row. */
	if (!monitor_flush(self, err))
		return false;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (monitor_is_of_chain(self, &self->wallets[i]) &&
		    !monitor_pages_walk(self, &self->wallets[i], TRANSFER_MINED, number, number,
					page_recheck, err))
			return false;
	*ret_answered = !self->unanswered;
	return true;
}

/* Blocks below the dangerous verdict's depth hold nothing that is not final, but for what nodes do
 * not agree on. */
static void blocks_forget(struct monitor_chain *chain)
{
	size_t kept = 0;
	for (size_t i = 0; i < chain->blocks_len; i++) {
		uint64_t number = chain->blocks[i].number;
		bool deep = chain->head.number > number + chain->params->depth_unpaid + 1;
		if (!deep || (chain->params->has_finality && number > monitor_finalized(chain)))
			chain->blocks[kept++] = chain->blocks[i];
	}
	chain->blocks_len = kept;
}

/* By what the row says of its block, which is what was judged. */
static void final_observe(struct monitor *self, const struct transfer *row,
			  enum transfer_outcome outcome)
{
	struct store_observation *item = monitor_observe(self, row);
	item->to = TRANSFER_FINAL;
	item->outcome = outcome;
	item->mined_hash = row->mined_hash;
	item->mined_block = row->mined_block;
	item->mined_block_hash = row->mined_block_hash;
	monitor_final_note(self->chain, row->mined_block, row->mined_block_hash);
	metric_count(self->final[outcome], 1);
	/* A cancellation is our own doing, and whoever wanted one of its own accord has told. */
	bool is_paid = outcome == OUTCOME_SUCCEEDED || outcome == OUTCOME_UNPROVEN;
	monitor_log(self, row, is_paid ? "transfer_final" : "transfer_final_unpaid",
		    &row->mined_hash, transfer_outcome_text(outcome), outcome == OUTCOME_REVERTED);
}

/* Its withdrawal is held for people; the slot itself goes on to its end. */
static void unproven_observe(struct monitor *self, const struct transfer *row)
{
	struct store_observation *item = monitor_observe(self, row);
	item->to = TRANSFER_MINED;
	item->outcome = OUTCOME_UNPROVEN;
	item->mined_hash = row->mined_hash;
	item->mined_block = row->mined_block;
	item->mined_block_hash = row->mined_block_hash;
	monitor_log(self, row, "transfer_unproven", &row->mined_hash,
		    "status 1 without the payment's proof", true);
}

/* Only a restore makes such slots: it waits for the withdrawal that it paid. */
static void unbound_observe(struct monitor *self, const struct transfer *row)
{
	monitor_observe(self, row)->held_reason = reason_code(REASON_PAYOUT_UNBOUND);
	monitor_log(self, row, "payout_unbound", &row->mined_hash, "its withdrawal is not known",
		    true);
}

void monitor_claim_observe(struct monitor *self, const struct claim *claim)
{
	const struct transfer *row = &claim->row;
	if (claim->verdict == CONFIRM_HOLD)
		unproven_observe(self, row);
	else if (claim->outcome == OUTCOME_SUCCEEDED && id_is_zero(row->withdrawal))
		unbound_observe(self, row);
	else
		final_observe(self, row, claim->outcome);
}

static bool deep_judge(struct monitor *self, const struct watched *watched, struct err *err)
{
	struct receipt_of of = { 0 };
	bool canonical = false;
	enum transfer_outcome outcome = OUTCOME_NONE;
	const struct transfer *row = &watched->row;
	const struct chain_receipt *receipt = monitor_receipt_of(self, watched, &of);
	if (receipt == NULL)
		return moved_observe(self, watched, err);
	if (!monitor_is_canonical(self, receipt->block_number, receipt->block_hash, &canonical,
				  err))
		return false;
	/* A receipt of a block that the chain has not moves nothing. */
	if (!hash32_equal(receipt->block_hash, row->mined_block_hash) ||
	    !hash32_equal(receipt->tx_hash, row->mined_hash))
		return !canonical || moved_observe(self, watched, err);
	struct confirm_facts facts = { .transfer = row,
				       .is_foreign = of.is_foreign,
				       .attempt_is_cancel = of.is_cancel,
				       .success = receipt->success,
				       .to = receipt->to,
				       .block = receipt->block_number,
				       .canonical = canonical || !DEFENCE("receipt_is_canonical"),
				       .logs = receipt->logs,
				       .logs_len = receipt->logs_len,
				       .logs_cap = CHAIN_LOGS_MAX,
				       .head = self->chain->head.number,
				       .finalized = monitor_finalized(self->chain) };
	enum confirm verdict = confirm_decide(self->chain->params, &facts, &outcome);
	if (verdict == CONFIRM_WAIT)
		monitor_fact_keep(self, row, receipt, of);
	else
		monitor_claim(self, row, of, verdict, outcome);
	return true;
}

/* What is known of a slot since it was seen mined settles that it is paid, or that it has to wait;
 * ret_settled false: its receipt is to be read. */
static bool fact_judge(struct monitor *self, const struct transfer *row, bool *ret_settled,
		       struct err *err)
{
	const struct fact *fact = monitor_fact_of(self, row);
	bool canonical = false;
	enum transfer_outcome outcome = OUTCOME_NONE;
	*ret_settled = false;
	if (fact == NULL)
		return true;
	if (!monitor_is_canonical(self, fact->block, fact->block_hash, &canonical, err))
		return false;
	if (!canonical && DEFENCE("paid_is_canonical"))
		return true;
	struct confirm_facts facts = { .transfer = row,
				       .is_foreign = fact->is_foreign,
				       .attempt_is_cancel = fact->is_cancel,
				       .success = fact->success,
				       .to = fact->to,
				       .block = fact->block,
				       .canonical = true,
				       .logs = &fact->log,
				       .logs_len = fact->has_log ? 1 : 0,
				       .logs_cap = 1,
				       .head = self->chain->head.number,
				       .finalized = monitor_finalized(self->chain) };
	enum confirm verdict = confirm_decide(self->chain->params, &facts, &outcome);
	bool paid = verdict == CONFIRM_FINAL &&
		    (outcome == OUTCOME_SUCCEEDED || !DEFENCE("unpaid_is_read_again"));
	struct receipt_of of = { .is_cancel = fact->is_cancel, .is_foreign = fact->is_foreign };
	if (paid)
		monitor_claim(self, row, of, verdict, outcome);
	*ret_settled = paid || verdict == CONFIRM_WAIT;
	return true;
}

static bool page_judge(struct monitor *self, size_t n, struct err *err)
{
	size_t left = 0;
	self->claims_len = 0;
	for (size_t i = 0; i < n; i++) {
		bool settled = false;
		if (!fact_judge(self, &self->rows[i], &settled, err))
			return false;
		if (!settled)
			self->rows[left++] = self->rows[i];
	}
	return page_ask(self, left, deep_judge, err) && monitor_claims_settle(self, err);
}

bool monitor_settle(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	uint64_t block = 0;
	self->busy |= chain->blocks_len > 0;
	/* What is mined now must be in the store before its block is compared. */
	if (!monitor_flush(self, err) || !monitor_blocks_check(self, err) ||
	    !monitor_flush(self, err))
		return false;
	if (!chain->new_head || !confirm_final_block(chain->params, chain->head.number,
						     monitor_finalized(chain), &block))
		return true;
	self->unsettled = false;
	if (block > chain->final_bound)
		block = chain->final_bound;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (monitor_is_of_chain(self, &self->wallets[i]) &&
		    !monitor_pages_walk(self, &self->wallets[i], TRANSFER_MINED, 0, block,
					page_judge, err))
			return false;
	if (!self->unsettled)
		blocks_forget(chain);
	return true;
}
