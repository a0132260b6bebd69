/* Mined slots: their blocks must stay on the canonical chain, and once they are deep and finalized
 * the receipt is read again and judged by core/confirm. */
#include "service/monitor/monitor_parts.h"

#include <string.h>

/* After a start the watched blocks come from the rows. */
static bool blocks_load(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	if (chain->blocks_loaded)
		return true;
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct store_transfer_filter filter = { .wallet_id = self->wallets[i].id,
							.first = TRANSFER_MINED,
							.last = TRANSFER_MINED,
							.mined_block_max = UINT64_MAX,
							.limit = WATCH_BATCH };
		size_t n = WATCH_BATCH;
		if (self->wallets[i].chain_id != chain->params->chain_id)
			continue;
		while (n == WATCH_BATCH) {
			if (!store_transfers_load(self->options.store, &filter, self->rows, &n,
						  err))
				return false;
			for (size_t k = 0; k < n; k++)
				monitor_block_watch(chain, self->rows[k].mined_block,
						    self->rows[k].mined_block_hash);
			if (n > 0)
				filter.mined_block_min = self->rows[n - 1].mined_block + 1;
		}
	}
	chain->blocks_loaded = true;
	return true;
}

/* A slot whose block is gone, or whose receipt now stands elsewhere. */
static bool moved_observe(struct monitor *self, const struct watched *watched, struct err *err)
{
	bool is_cancel = false;
	const struct chain_receipt *receipt = monitor_receipt_of(self, watched, &is_cancel);
	const struct transfer *row = &watched->row;
	if (receipt == NULL && monitor_is_unknown(self, watched))
		return true; /* no answer is no news */
	if (receipt != NULL && hash32_equal(receipt->block_hash, row->mined_block_hash))
		return true;
	if (!monitor_room(self, err))
		return false;
	struct store_observation *item = monitor_observe(self, row);
	metric_count(self->reorged, 1);
	if (receipt == NULL) {
		item->to = TRANSFER_BROADCAST;
		monitor_log(self, row, "transfer_reorged", &row->mined_hash, "", false);
		return true;
	}
	item->to = TRANSFER_MINED;
	item->mined_hash = receipt->tx_hash;
	item->mined_block = receipt->block_number;
	item->mined_block_hash = receipt->block_hash;
	monitor_block_watch(self->chain, receipt->block_number, receipt->block_hash);
	monitor_log(self, row, "transfer_mined_again", &receipt->tx_hash, "", false);
	return true;
}

/* One page of mined slots, with their receipts. */
static bool page_walk(struct monitor *self, size_t n,
		      bool (*act)(struct monitor *, const struct watched *, struct err *),
		      struct err *err)
{
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
	return true;
}

/* Walks all mined slots of one wallet between two blocks. What is held waits for a person and is
 * not looked at: however many there are, they keep nobody else from being completed. */
static bool mined_walk(struct monitor *self, const struct wallet *wallet, uint64_t from,
		       uint64_t to,
		       bool (*act)(struct monitor *, const struct watched *, struct err *),
		       struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = wallet->id,
						.first = TRANSFER_MINED,
						.last = TRANSFER_MINED,
						.mined_block_min = from,
						.mined_block_max = to,
						.without_held = true,
						.limit = WATCH_BATCH };
	size_t n = WATCH_BATCH;
	while (n == WATCH_BATCH) {
		if (!store_transfers_load(self->options.store, &filter, self->rows, &n, err))
			return false;
		if (n == 0)
			return true;
		filter.has_after = true;
		filter.after_block = self->rows[n - 1].mined_block;
		filter.after_nonce = self->rows[n - 1].nonce;
		if (!page_walk(self, n, act, err))
			return false;
	}
	return true;
}

static bool block_recheck(struct monitor *self, uint64_t number, struct err *err)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].chain_id == self->chain->params->chain_id &&
		    !mined_walk(self, &self->wallets[i], number, number, moved_observe, err))
			return false;
	return true;
}

/* Compares the watched blocks with the canonical ones. A node that does not have a height (it lags,
 * or the chain was rolled back) says nothing about hashes, but the slots there are asked for again.
 */
static bool blocks_compare(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	for (size_t from = 0; from < chain->blocks_len; from += CHAIN_BATCH_MAX) {
		uint64_t numbers[CHAIN_BATCH_MAX];
		struct hash32 hashes[CHAIN_BATCH_MAX];
		struct chain_block blocks[CHAIN_BATCH_MAX];
		size_t left = chain->blocks_len - from;
		size_t n = left < CHAIN_BATCH_MAX ? left : CHAIN_BATCH_MAX;
		for (size_t i = 0; i < n; i++) {
			numbers[i] = chain->blocks[from + i].number;
			hashes[i] = chain->blocks[from + i].hash;
		}
		if (!chain_blocks(self->client, numbers, n, blocks, err))
			return false;
		for (size_t i = 0; i < n; i++) {
			if (blocks[i].known && hash32_equal(blocks[i].hash, hashes[i]))
				continue;
			if (!block_recheck(self, numbers[i], err))
				return false;
			if (blocks[i].known)
				monitor_block_watch(chain, numbers[i], blocks[i].hash);
		}
	}
	return true;
}

/* Blocks below the dangerous verdict's depth hold nothing that is not final. */
static void blocks_forget(struct monitor_chain *chain)
{
	size_t kept = 0;
	for (size_t i = 0; i < chain->blocks_len; i++) {
		uint64_t number = chain->blocks[i].number;
		bool deep = chain->head.number > number + chain->params->depth_unpaid + 1;
		if (!deep || (chain->params->has_finality && number > chain->mark))
			chain->blocks[kept++] = chain->blocks[i];
	}
	chain->blocks_len = kept;
}

/* The chain's own word for a verdict, asked in this step; slots come in the order of blocks, so one
 * answer serves all of a block. */
static bool is_canonical(struct monitor *self, const struct chain_receipt *receipt,
			 bool *ret_canonical, struct err *err)
{
	if (!self->asked.known || self->asked_number != receipt->block_number) {
		self->asked_number = receipt->block_number;
		self->asked.known = false;
		if (!chain_blocks(self->client, &receipt->block_number, 1, &self->asked, err))
			return false;
	}
	*ret_canonical = self->asked.known && hash32_equal(self->asked.hash, receipt->block_hash);
	return true;
}

static void final_observe(struct monitor *self, const struct watched *watched,
			  const struct chain_receipt *receipt, enum transfer_outcome outcome)
{
	struct store_observation *item = monitor_observe(self, &watched->row);
	item->to = TRANSFER_FINAL;
	item->outcome = outcome;
	item->mined_hash = receipt->tx_hash;
	item->mined_block = receipt->block_number;
	item->mined_block_hash = receipt->block_hash;
	monitor_final_note(self->chain, receipt->block_number, receipt->block_hash);
	metric_count(self->final[outcome], 1);
	monitor_log(self, &watched->row,
		    outcome == OUTCOME_SUCCEEDED ? "withdrawal_completed" : "transfer_final_unpaid",
		    &receipt->tx_hash, transfer_outcome_text(outcome),
		    outcome != OUTCOME_SUCCEEDED);
}

static bool deep_judge(struct monitor *self, const struct watched *watched, struct err *err)
{
	bool is_cancel = false;
	bool canonical = false;
	enum transfer_outcome outcome = OUTCOME_NONE;
	const struct chain_receipt *receipt = monitor_receipt_of(self, watched, &is_cancel);
	if (receipt == NULL || !hash32_equal(receipt->block_hash, watched->row.mined_block_hash))
		return moved_observe(self, watched, err);
	if (!is_canonical(self, receipt, &canonical, err) || !monitor_room(self, err))
		return false;
	struct confirm_facts facts = { .transfer = &watched->row,
				       .attempt_is_cancel = is_cancel,
				       .success = receipt->success,
				       .to = receipt->to,
				       .block = receipt->block_number,
				       .canonical = canonical,
				       .logs = receipt->logs,
				       .logs_len = receipt->logs_len,
				       .logs_cap = CHAIN_LOGS_MAX,
				       .head = self->chain->head.number,
				       .finalized = self->chain->mark };
	switch (confirm_decide(self->chain->params, &facts, &outcome)) {
	case CONFIRM_WAIT:
		break;
	case CONFIRM_FINAL:
		final_observe(self, watched, receipt, outcome);
		break;
	case CONFIRM_HOLD:
		monitor_observe(self, &watched->row)->held_reason = "success_without_proof";
		monitor_log(self, &watched->row, "transfer_held", &receipt->tx_hash,
			    "status 1 without the payment's proof", true);
		break;
	}
	return true;
}

bool monitor_settle(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	uint64_t block = 0;
	if (!blocks_load(self, err))
		return false;
	self->busy |= chain->blocks_len > 0;
	self->asked.known = false;
	if (!chain->new_head)
		return true;
	/* What is mined now must be in the store before its block is compared. */
	if (!monitor_flush(self, err) || !blocks_compare(self, err) || !monitor_flush(self, err))
		return false;
	if (!confirm_final_block(chain->params, chain->head.number, chain->mark, &block))
		return true;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].chain_id == chain->params->chain_id &&
		    !mined_walk(self, &self->wallets[i], 0, block, deep_judge, err))
			return false;
	blocks_forget(chain);
	return true;
}
