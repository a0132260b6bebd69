/* The continuous reconciliation (T10): some blocks at a time, behind finality, what the chain says
 * is compared with what the store says. What differs stops its wallet and calls a person; nothing
 * is ever paid, or not paid, by it. */
#include "service/monitor/monitor_parts.h"

#include "base/defence.h"
#include "core/reason.h"
#include "port/store_recover.h"

#include <string.h>

#define RECONCILE_BLOCKS      64
#define RECONCILE_INTERVAL_MS 1000
/* Blocks in which nothing happened are written down now and then. */
#define RECONCILE_WRITE_BLOCKS 32
/* A window that cannot be compared for so long is told of, once: all behind it waits. */
#define RECONCILE_STILL_MS 300000

/* A store that was restored is brought up to the chain first. */
static bool is_judged(const struct monitor *self)
{
	bool any = false;
	for (size_t i = 0; i < self->wallets_len; i++) {
		enum reason reason = REASON_NONE;
		if (!monitor_is_of_chain(self, &self->wallets[i]))
			continue;
		any |= self->wallets[i].entered;
		if (reason_read(str_from(self->wallets[i].stop_reason), &reason) &&
		    (reason == REASON_RECOVERING || reason == REASON_JOURNAL_IS_AHEAD))
			return false;
	}
	return any;
}

static bool lowest_load(struct monitor *self, const struct wallet *wallet,
			enum transfer_stage first, enum transfer_stage last,
			struct transfer *ret_row, bool *ret_found, struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = wallet->id,
						.first = first,
						.last = last,
						.mined_block_max = UINT64_MAX,
						.without_held = true,
						.limit = 1 };
	size_t n = 0;
	if (!store_transfers_load(self->options.store, &filter, ret_row, &n, err))
		return false;
	*ret_found = n > 0;
	return true;
}

/* Up to where all is settled: below every slot that is mined and not final. *ret_block 0: nowhere,
 * since a slot waits whose nonce a block has. */
static bool settled_look(struct monitor *self, uint64_t *ret_block, struct err *err)
{
	for (size_t i = 0; i < self->wallets_len; i++) {
		const struct wallet *wallet = &self->wallets[i];
		struct transfer row;
		bool found = false;
		if (!monitor_is_of_chain(self, wallet))
			continue;
		if (!lowest_load(self, wallet, TRANSFER_MINED, TRANSFER_MINED, &row, &found, err))
			return false;
		if (found && row.mined_block <= *ret_block)
			*ret_block = row.mined_block - 1;
		if (!lowest_load(self, wallet, TRANSFER_RESERVED, TRANSFER_BROADCAST, &row, &found,
				 err))
			return false;
		if (found && (!self->latest[i].known || row.nonce < self->latest[i].count))
			*ret_block = 0;
	}
	return true;
}

/* The first time it begins with the first slot that is final, or here. */
static bool cursor_load(struct monitor *self, uint64_t upper, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	if (chain->reconcile.loaded)
		return true;
	if (!store_reconciled_load(self->options.store, chain->params->chain_id,
				   &chain->reconcile.block, err))
		return false;
	uint64_t low = upper;
	for (size_t i = 0; i < self->wallets_len && chain->reconcile.block == 0; i++) {
		struct transfer row;
		bool found = false;
		if (!monitor_is_of_chain(self, &self->wallets[i]))
			continue;
		if (!lowest_load(self, &self->wallets[i], TRANSFER_FINAL, TRANSFER_FINAL, &row,
				 &found, err))
			return false;
		if (found && row.mined_block > 0 && row.mined_block - 1 < low)
			low = row.mined_block - 1;
	}
	if (chain->reconcile.block == 0)
		chain->reconcile.block = low;
	chain->reconcile.span = RECONCILE_BLOCKS;
	chain->reconcile.loaded = true;
	return true;
}

static void difference_tell(struct monitor *self, const struct reconcile_difference *one)
{
	struct address_text address = address_text(one->wallet);
	struct hash32_text hash = hash32_text(one->tx_hash);
	struct log_about about = { .action = "reconciliation_differs",
				   .wallet = address.at,
				   .alarm = true };
	if (!hash32_is_zero(one->tx_hash))
		about.tx_hash = hash.at;
	metric_count(self->alarms, 1);
	metric_count(self->differences, 1);
	if (one->nonce == RECONCILE_NO_NONCE)
		log_line(self->options.log, LOG_ERROR, &about, "reconciliation_differs %s",
			 one->text);
	else
		log_line(self->options.log, LOG_ERROR, &about,
			 "reconciliation_differs nonce %llu %s", (unsigned long long)one->nonce,
			 one->text);
}

static void rest_tell(struct monitor *self)
{
	const struct log_about about = { .action = "reconciliation_differs", .alarm = true };
	uint64_t rest = self->reconciler->differences_all - self->reconciler->differences_len;
	if (rest == 0)
		return;
	metric_count(self->alarms, 1);
	metric_count(self->differences, (int64_t)rest);
	log_line(self->options.log, LOG_ERROR, &about,
		 "reconciliation_differs %llu times more: `sluice reconcile` counts them",
		 (unsigned long long)rest);
}

static bool differences_act(struct monitor *self, struct err *err)
{
	rest_tell(self);
	for (size_t i = 0; i < self->reconciler->differences_len; i++) {
		const struct reconcile_difference *one = &self->reconciler->differences[i];
		difference_tell(self, one);
		if (!monitor_wallet_stop(self, one->wallet_id, REASON_RECONCILIATION_DIFFERS, err))
			return false;
	}
	return true;
}

static bool cursor_move(struct monitor *self, uint64_t last, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	chain->reconcile.doubts = 0;
	chain->reconcile.block = last;
	if (chain->reconcile.span < RECONCILE_BLOCKS)
		chain->reconcile.span *= 2;
	metric_set(self->reconciled, (int64_t)last);
	bool is_news = self->reconciler->slots > 0 || self->reconciler->differences_len > 0 ||
		       last >= chain->reconcile.written + RECONCILE_WRITE_BLOCKS;
	if (!is_news)
		return true;
	chain->reconcile.written = last;
	return store_reconciled_raise(self->options.store, chain->params->chain_id, last,
				      &chain->lease, err);
}

/* Is the block final by the node's own head, and the one that was compared? */
static bool node_has(struct monitor *self, struct chain *node, uint64_t last, struct hash32 hash)
{
	struct chain_head head;
	struct chain_block block;
	uint64_t upper = 0;
	return chain_head(node, &head, NULL) &&
	       confirm_final_block(self->chain->params, head.number,
				   head.has_finalized ? head.finalized_number : 0, &upper) &&
	       upper >= last && chain_blocks(node, &last, 1, &block, NULL) && block.known &&
	       hash32_equal(block.hash, hash);
}

/* Blocks that one node has alone would take the cursor above the chain, from where it never comes
 * back. */
static bool is_seconded(struct monitor *self, uint64_t last, struct hash32 hash)
{
	size_t len = chain_nodes_len(self->client);
	unsigned agree = 0;
	if (len < CHAIN_NODES_AGREE_MIN || !DEFENCE("compared_by_two"))
		return true;
	for (size_t i = 0; i < len && agree < CHAIN_NODES_AGREE_MIN; i++) {
		struct chain *node = NULL;
		if (chain_node(self->client, i, &node, NULL) && node_has(self, node, last, hash))
			agree++;
	}
	return agree >= CHAIN_NODES_AGREE_MIN;
}

/* One window. *ret_agreed false: the node's chain is not the one of this step, or it lags. */
static bool window_compare(struct monitor *self, uint64_t first, uint64_t last, bool *ret_agreed,
			   struct err *err)
{
	struct monitor_chain *chain = self->chain;
	struct reconciler *reconciler = self->reconciler;
	struct chain_block block;
	struct hash32 hash;
	reconciler->store = self->options.store;
	reconciler->client = self->client;
	reconciler->catalogue = self->options.catalogue;
	reconciler->chain = (size_t)(chain - self->chains);
	reconciler->wallets = self->wallets;
	reconciler->wallets_len = self->wallets_len;
	reconciler->differences_len = 0;
	reconciler->differences_all = 0;
	reconciler->slots = 0;
	*ret_agreed = false;
	if (!reconciler_compare(reconciler, first, last, &hash, err) ||
	    !monitor_canonical(self, last, &block, err))
		return false;
	if (!block.known || !hash32_equal(block.hash, hash))
		return true;
	if (!is_seconded(self, last, hash))
		return err_set(err, ERR_NOT_DONE, "no two nodes have block %llu as final",
			       (unsigned long long)last);
	*ret_agreed = true;
	return chain->head.number - last > CHAIN_STATE_BLOCKS ||
	       reconciler_compare_nonces(reconciler, last, err);
}

static bool window_judge(struct monitor *self, uint64_t last, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	if (self->reconciler->differences_len == 0)
		return cursor_move(self, last, err);
	/* Several heads in a row, so that a node that contradicts itself stops nobody. */
	if (chain->reconcile.doubts > 0 &&
	    hash32_equal(chain->head.hash, chain->reconcile.doubted_by))
		return true;
	chain->reconcile.doubted_by = chain->head.hash;
	if (++chain->reconcile.doubts < FOREIGN_SIGHTINGS)
		return true;
	return differences_act(self, err) && cursor_move(self, last, err);
}

/* What a node cannot tell now it tells later, or of fewer blocks; all else of the chain goes on. */
static void window_stands(struct monitor *self, const struct err *fault)
{
	struct reconcile_cursor *cursor = &self->chain->reconcile;
	int64_t now = clock_monotonic_ms(self->options.clock);
	struct log_about about = { .action = "reconciliation_stands_still",
				   .alarm = true,
				   .err = fault };
	if (cursor->span > 1)
		cursor->span /= 2;
	if (!cursor->stands)
		cursor->since = now;
	cursor->stands = true;
	if (cursor->told || now - cursor->since < RECONCILE_STILL_MS)
		return;
	cursor->told = true;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "reconciliation_stands_still %s behind block %llu since %lld ms",
		 self->chain->params->name, (unsigned long long)cursor->block,
		 (long long)(now - cursor->since));
}

/* Nodes lag, and take their mark back, by less. */
static bool is_above(const struct monitor_chain *chain, uint64_t upper)
{
	return chain->reconcile.block > upper &&
	       chain->reconcile.block - upper > 2 * RECONCILE_BLOCKS;
}

bool monitor_reconcile(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	int64_t now = clock_monotonic_ms(self->options.clock);
	uint64_t upper = 0;
	bool agreed = false;
	struct err fault = { 0 };
	if (now < chain->reconcile.at || !chain->linked || !is_judged(self) ||
	    !confirm_final_block(chain->params, chain->head.number, monitor_finalized(chain),
				 &upper))
		return true;
	chain->reconcile.at = now + RECONCILE_INTERVAL_MS;
	if (!cursor_load(self, upper, err))
		return false;
	if (is_above(chain, upper) && DEFENCE("cursor_above_is_told")) {
		(void)err_set(&fault, ERR_NOT_DONE, "the chain is final only up to block %llu",
			      (unsigned long long)upper);
		window_stands(self, &fault);
		return true;
	}
	if (!settled_look(self, &upper, err))
		return false;
	if (upper <= chain->reconcile.block)
		return true;
	uint64_t last = upper;
	if (last > chain->reconcile.block + chain->reconcile.span)
		last = chain->reconcile.block + chain->reconcile.span;
	bool compared =
		window_compare(self, chain->reconcile.block + 1, last, &agreed, &fault) && agreed;
	if (!compared) {
		window_stands(self, &fault);
		return true;
	}
	chain->reconcile.stands = chain->reconcile.told = false;
	return window_judge(self, last, err);
}
