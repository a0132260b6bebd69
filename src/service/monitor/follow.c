/* The canonical chain, by the hashes of parents: a head whose ancestors are known says without
 * another question that everything below is as it was. Only what lies between the last known block
 * and the head is asked for, and only what the new chain replaces is looked at again.
 *
 * Nodes lag, and answer from different machines behind one address. Hashes link blocks whoever
 * names them; what does not link is asked for again with the next head, and never concluded from. A
 * head that is known already says that the node lags, no more. */
#include "service/monitor/monitor_parts.h"

#include "base/defence.h"

#include <string.h>

/* Below the known blocks or beside them so many are asked for at a time. */
#define WALK_BATCH 8

_Static_assert(WALK_BLOCKS_MAX < LINKS_MAX, "what is walked fits the links");
_Static_assert(WATCHED_BLOCKS_MAX < LINKS_MAX, "watched blocks are among the links");

static struct watched_block *block_find(struct monitor_chain *chain, uint64_t number)
{
	for (size_t i = 0; i < chain->blocks_len; i++)
		if (chain->blocks[i].number == number)
			return &chain->blocks[i];
	return NULL;
}

static void block_forget(struct monitor_chain *chain, uint64_t number)
{
	struct watched_block *block = block_find(chain, number);
	if (block != NULL)
		*block = chain->blocks[--chain->blocks_len];
}

/* Its slots were looked for: what they say is of this block. */
static void block_compared(struct monitor_chain *chain, uint64_t number, struct hash32 hash)
{
	struct watched_block *block = block_find(chain, number);
	if (block != NULL)
		block->hash = hash;
}

void monitor_block_watch(struct monitor_chain *chain, uint64_t number, struct hash32 hash)
{
	struct watched_block *known = block_find(chain, number);
	/* Slots of one height and two blocks: no hash is all of theirs. */
	if (known != NULL && !hash32_equal(known->hash, hash))
		known->hash = (struct hash32){ { 0 } };
	if (known != NULL)
		return;
	if (chain->blocks_len == WATCHED_BLOCKS_MAX) {
		memmove(&chain->blocks[0], &chain->blocks[1],
			(WATCHED_BLOCKS_MAX - 1) * sizeof chain->blocks[0]);
		chain->blocks_len--;
	}
	chain->blocks[chain->blocks_len++] =
		(struct watched_block){ .number = number, .hash = hash };
}

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
		if (!monitor_is_of_chain(self, &self->wallets[i]))
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

/* ---- from the head down to a known block ---- */

/* A walk: blocks from the head (index 0) down, each the parent of the one before. */
struct walk {
	uint64_t head;
	size_t len;
	struct hash32 parent; /* of the lowest */
};

static uint64_t walk_next(const struct walk *walk)
{
	return walk->head - walk->len;
}

enum walk_end {
	WALK_FOUND,    /* its parent is a known block */
	WALK_UNLINKED, /* what was answered does not link */
	WALK_FAR,      /* no known block in reach */
};

/* How many to ask for below the lowest: all down to the newest known block, then a few at a time.
 */
static size_t walk_step(const struct monitor *self, const struct walk *walk)
{
	uint64_t top = links_top(&self->chain->links);
	uint64_t next = walk_next(walk);
	size_t n = next > top ? (size_t)(next - top) : WALK_BATCH;
	size_t room = WALK_BLOCKS_MAX - walk->len;
	if (n > CHAIN_BATCH_MAX)
		n = CHAIN_BATCH_MAX;
	if (n > room)
		n = room;
	return n > next ? (size_t)next : n;
}

/* False in *ret_linked: the answers do not link. */
static bool walk_down(struct monitor *self, struct walk *walk, bool *ret_linked, struct err *err)
{
	uint64_t numbers[CHAIN_BATCH_MAX];
	struct chain_block blocks[CHAIN_BATCH_MAX];
	uint64_t next = walk_next(walk);
	size_t n = walk_step(self, walk);
	for (size_t i = 0; i < n; i++)
		numbers[i] = next - i;
	if (!chain_blocks(self->client, numbers, n, blocks, err))
		return false;
	*ret_linked = true;
	for (size_t i = 0; i < n && *ret_linked; i++) {
		*ret_linked = blocks[i].known && hash32_equal(blocks[i].hash, walk->parent);
		if (!*ret_linked)
			break;
		self->walk[walk->len++] = blocks[i].hash;
		walk->parent = blocks[i].parent;
	}
	return true;
}

static bool walk_find(struct monitor *self, struct walk *walk, enum walk_end *ret_end,
		      struct err *err)
{
	struct monitor_chain *chain = self->chain;
	const struct links *links = &chain->links;
	bool linked = true;
	*walk = (struct walk){ .head = chain->head.number, .len = 1, .parent = chain->head.parent };
	self->walk[0] = chain->head.hash;
	while (!links_has(links, walk_next(walk), walk->parent)) {
		*ret_end = WALK_FAR;
		if (walk_next(walk) <= links->low || walk->len == WALK_BLOCKS_MAX)
			return true;
		if (!walk_down(self, walk, &linked, err))
			return false;
		*ret_end = WALK_UNLINKED;
		if (!linked)
			return true;
	}
	*ret_end = WALK_FOUND;
	return true;
}

/* ---- what the links do not tell ---- */

/* Compares the watched blocks one by one, once: at a start, and when the head is too far from what
 * is known. The head is asked for with them, so that it is one chain that answers. */
static bool blocks_compare(struct monitor *self, bool *ret_compared, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	const size_t batch = CHAIN_BATCH_MAX - 1;
	*ret_compared = true;
	for (size_t from = 0; from < chain->blocks_len; from += batch) {
		uint64_t numbers[CHAIN_BATCH_MAX];
		struct watched_block asked[CHAIN_BATCH_MAX];
		struct chain_block blocks[CHAIN_BATCH_MAX];
		size_t n = 0;
		for (size_t i = from; i < chain->blocks_len && i < from + batch; i++) {
			/* What lies above the head is compared when the links get there. */
			if (chain->blocks[i].number >= chain->head.number)
				continue;
			asked[n] = chain->blocks[i];
			numbers[n++] = chain->blocks[i].number;
		}
		if (n == 0)
			continue;
		numbers[n] = chain->head.number;
		if (!chain_blocks(self->client, numbers, n + 1, blocks, err))
			return false;
		*ret_compared &= blocks[n].known && hash32_equal(blocks[n].hash, chain->head.hash);
		for (size_t i = 0; i < n; i++) {
			bool answered = true;
			*ret_compared &= blocks[i].known;
			if (!blocks[i].known || hash32_equal(blocks[i].hash, asked[i].hash))
				continue;
			if (!monitor_block_recheck(self, numbers[i], blocks[i].hash, &answered,
						   err))
				return false;
			*ret_compared &= answered;
			if (answered)
				block_compared(chain, numbers[i], blocks[i].hash);
		}
	}
	return true;
}

static bool links_restart(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	bool compared = false;
	/* As long as it is not compared nothing links, and it is tried with each head; also when it
	 * fails half-way: what a liar has moved until then lies below the links that were. */
	if (DEFENCE("restart_is_whole"))
		chain->links.len = 0;
	if (!blocks_compare(self, &compared, err))
		return false;
	if (compared)
		links_start(&chain->links, chain->head.number, chain->head.hash);
	else
		chain->links.len = 0;
	chain->linked = compared;
	return true;
}

bool monitor_follow(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	struct walk walk;
	enum walk_end end = WALK_FAR;
	if (!blocks_load(self, err))
		return false;
	chain->linked = links_has(&chain->links, chain->head.number, chain->head.hash);
	if (chain->linked || !chain->new_head)
		return true;
	bool in_reach = chain->links.len > 0 && chain->head.number > chain->links.low &&
			chain->head.number <= links_top(&chain->links) + WALK_BLOCKS_MAX;
	if (in_reach && !walk_find(self, &walk, &end, err))
		return false;
	if (end == WALK_UNLINKED && ++chain->unlinked < UNLINKED_HEADS_MAX)
		return true;
	chain->unlinked = 0;
	if (end != WALK_FOUND)
		return links_restart(self, err);
	links_cut(&chain->links, walk_next(&walk));
	for (size_t i = walk.len; i > 0; i--)
		links_add(&chain->links, self->walk[i - 1]);
	chain->linked = true;
	return true;
}

/* Slots of a block that is further above the head than heads ever lag: whoever named it lied, or
 * edited the row, and no head gets there. */
static bool far_blocks_check(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	for (size_t i = chain->blocks_len; chain->new_head && i > 0; i--) {
		uint64_t number = chain->blocks[i - 1].number;
		bool answered = false;
		if (number <= chain->head.number + WALK_BLOCKS_MAX)
			continue;
		if (!monitor_block_recheck(self, number, (struct hash32){ { 0 } }, &answered, err))
			return false;
		if (answered)
			block_forget(chain, number);
	}
	return true;
}

bool monitor_blocks_check(struct monitor *self, struct err *err)
{
	struct monitor_chain *chain = self->chain;
	if (!DEFENCE("reorg_watch"))
		return true;
	if (DEFENCE("far_block_is_none") && !far_blocks_check(self, err))
		return false;
	for (size_t i = 0; chain->linked && i < chain->blocks_len; i++) {
		struct watched_block block = chain->blocks[i];
		const struct hash32 *canonical = links_hash(&chain->links, block.number);
		bool answered = true;
		if (canonical == NULL || hash32_equal(*canonical, block.hash))
			continue;
		if (!monitor_block_recheck(self, block.number, *canonical, &answered, err))
			return false;
		/* A slot that moved may have put its new block among them, and the oldest out. */
		if (answered)
			block_compared(chain, block.number, *canonical);
	}
	return true;
}

uint64_t monitor_finalized(const struct monitor_chain *chain)
{
	const struct chain_head *head = &chain->head;
	if (!head->has_finalized)
		return 0;
	const struct hash32 *known =
		chain->linked ? links_hash(&chain->links, head->finalized_number) : NULL;
	if (known != NULL && !hash32_equal(*known, head->finalized_hash))
		return 0;
	if (!DEFENCE("own_finalized"))
		return chain->mark;
	return head->finalized_number < chain->mark ? head->finalized_number : chain->mark;
}

/* What the links do not reach is asked for together with the head, so that it is the head's own
 * chain that answers; another one's answer counts as none. */
bool monitor_canonical(struct monitor *self, uint64_t number, struct chain_block *ret_block,
		       struct err *err)
{
	struct monitor_chain *chain = self->chain;
	const struct hash32 *known = chain->linked ? links_hash(&chain->links, number) : NULL;
	const uint64_t numbers[] = { number, chain->head.number };
	struct chain_block blocks[2];
	*ret_block = (struct chain_block){ 0 };
	if (known != NULL) {
		ret_block->known = true;
		ret_block->hash = *known;
		return true;
	}
	if (!chain_blocks(self->client, numbers, 2, blocks, err))
		return false;
	if (blocks[1].known && hash32_equal(blocks[1].hash, chain->head.hash))
		*ret_block = blocks[0];
	return true;
}

/* The chain's own word for a verdict; slots come in the order of blocks, so one answer serves all
 * of a block. */
bool monitor_is_canonical(struct monitor *self, uint64_t number, struct hash32 hash,
			  bool *ret_canonical, struct err *err)
{
	if (!self->asked.known || self->asked_number != number) {
		self->asked_number = number;
		self->asked.known = false;
		if (!monitor_canonical(self, number, &self->asked, err))
			return false;
	}
	*ret_canonical = self->asked.known && hash32_equal(self->asked.hash, hash);
	return true;
}
