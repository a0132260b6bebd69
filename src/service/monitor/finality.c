/* What is final stays so, or a person is told (T9). The newest block with a final transfer stands
 * for all of them: a chain that took back an older one has another hash there too. */
#include "service/monitor/monitor_parts.h"
#include "service/monitor/pages.h"

#include "base/defence.h"
#include "core/reason.h"

/* After a start the rows of so many blocks are looked through for the newest final one. */
#define FINAL_BLOCKS_BACK 1024

void monitor_final_note(struct monitor_chain *chain, uint64_t number, struct hash32 hash)
{
	/* What is in doubt is not forgotten over what the other chain says. */
	if (chain->final_doubts == 0 && number >= chain->final_block.number)
		chain->final_block = (struct watched_block){ .number = number, .hash = hash };
}

/* Pages come in the order of their blocks: the last row of each is its newest. */
static bool page_note(struct monitor *self, size_t n, struct err *err)
{
	(void)err;
	const struct transfer *last = &self->rows[n - 1];
	monitor_final_note(self->chain, last->mined_block, last->mined_block_hash);
	return true;
}

static bool final_load(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	/* The mark may be the word of one node that was wrong: the lower one is not too high. */
	uint64_t head = chain->head.number;
	uint64_t top = chain->mark > 0 && chain->mark < head ? chain->mark : head;
	uint64_t from = top > FINAL_BLOCKS_BACK ? top - FINAL_BLOCKS_BACK : 0;
	if (chain->final_loaded)
		return true;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].chain_id == chain->params->chain_id &&
		    !monitor_pages_walk(self, &self->wallets[i], TRANSFER_FINAL, from, UINT64_MAX,
					page_note, err))
			return false;
	chain->final_loaded = true;
	return true;
}

static bool chain_stop(struct monitor *self, struct err *err)
{
	struct log_about about = { .action = "final_taken_back", .alarm = true };
	bool is_news = false;
	for (size_t i = 0; i < self->wallets_len; i++) {
		if (!monitor_is_of_chain(self, &self->wallets[i]))
			continue;
		is_news |= self->wallets[i].stop_reason[0] == 0;
		if (!monitor_wallet_stop(self, self->wallets[i].id, REASON_FINAL_TAKEN_BACK, err))
			return false;
	}
	if (!is_news)
		return true;
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "final_taken_back chain %s has another block %llu than the one in which payments "
		 "were final: its wallets stop",
		 self->chain->params->name, (unsigned long long)self->chain->final_block.number);
	return true;
}

static bool slot_mark(struct monitor *self, const struct transfer *row, struct err *err)
{
	struct chain_block block = { 0 };
	if (!monitor_canonical(self, row->mined_block, &block, err) || !monitor_room(self, err))
		return false;
	if (!block.known || hash32_equal(block.hash, row->mined_block_hash))
		return true;
	monitor_observe(self, row)->held_reason = reason_code(REASON_FINAL_TAKEN_BACK);
	monitor_log(self, row, "transfer_taken_back", &row->mined_hash,
		    "was final, and its block is gone: people resolve it", true);
	return true;
}

/* Each slot whose block is gone is held, so that people see which ones they have to resolve. */
static bool page_mark(struct monitor *self, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!slot_mark(self, &self->rows[i], err))
			return false;
	return true;
}

/* Then the newest final slot that is left stands for the others. */
static bool taken_back_mark(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	uint64_t number = chain->final_block.number;
	uint64_t from = number > FINAL_BLOCKS_BACK ? number - FINAL_BLOCKS_BACK : 0;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (monitor_is_of_chain(self, &self->wallets[i]) &&
		    !monitor_pages_walk(self, &self->wallets[i], TRANSFER_FINAL, from, UINT64_MAX,
					page_mark, err))
			return false;
	if (!monitor_flush(self, err))
		return false;
	chain->final_block = (struct watched_block){ 0 };
	chain->final_doubts = 0;
	chain->final_loaded = false;
	return true;
}

/* Two nodes have another block there, where there are two, and none has it still: one that does
 * lags, or the one that named the head is on a chain of its own. Who does not answer has not said
 * that it is gone. */
static bool final_is_gone(struct monitor *self)
{
	const struct watched_block *final = &self->chain->final_block;
	size_t needed = DEFENCE("gone_by_two") ? chain_nodes_needed(self->client) : 1;
	size_t gone = 0;
	for (size_t i = 0; i < chain_nodes_len(self->client); i++) {
		struct chain_block block = { 0 };
		struct chain *node = NULL;
		if (!chain_node(self->client, i, &node, NULL) ||
		    !chain_blocks(node, &final->number, 1, &block, NULL) || !block.known)
			continue;
		if (hash32_equal(block.hash, final->hash))
			return false;
		gone++;
	}
	return gone >= needed;
}

/* The wallets stop by one node's word; the slots are people's by two. */
static bool taken_back_act(struct monitor *self, struct err *err)
{
	if (!chain_stop(self, err))
		return false;
	if (final_is_gone(self))
		return taken_back_mark(self, err);
	self->chain->final_doubts = 0;
	return true;
}

/* Several heads in a row, so that a node that contradicts itself for a moment stops nobody; then
 * once. */
bool monitor_finality(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	struct chain_block block = { 0 };
	if (!final_load(self, err))
		return false;
	/* Until the chain is seen to have it still, nothing beside or above it becomes final: a
	 * newer final block would stand in its place after a start, and nobody would hear of it. */
	chain->final_bound = UINT64_MAX;
	if (!hash32_is_zero(chain->final_block.hash) && chain->final_doubts < FOREIGN_SIGHTINGS)
		chain->final_bound = chain->final_block.number - 1;
	/* A node that does not have the height lags, and says nothing; so does one that has a block
	 * there which it does not call final itself, from before a reorg. */
	uint64_t reach =
		chain->params->has_finality ? monitor_finalized(chain) : chain->head.number;
	if (!chain->new_head || hash32_is_zero(chain->final_block.hash) ||
	    reach < chain->final_block.number)
		return true;
	if (!monitor_canonical(self, chain->final_block.number, &block, err))
		return false;
	if (!block.known)
		return true;
	if (hash32_equal(block.hash, chain->final_block.hash)) {
		chain->final_bound = UINT64_MAX;
		chain->final_doubts = 0;
		return true;
	}
	/* A head whose step failed comes again, and counts once. */
	if (chain->final_doubts > 0 && hash32_equal(chain->head.hash, chain->final_doubted_by))
		return true;
	if (chain->final_doubts + 1 == FOREIGN_SIGHTINGS && DEFENCE("final_watch"))
		return taken_back_act(self, err);
	chain->final_doubts++;
	chain->final_doubted_by = chain->head.hash;
	return true;
}
