/* The transaction that has the nonce of a slot and is none of ours. That none of our hashes is in a
 * block says nothing of the slot: it ends only with that transaction in hand (T12), its block and
 * its receipt. The wallet's nonces at blocks lead to the block; where nodes keep no states that
 * old, the blocks are read. Nothing is ever paid again by what is found here: people and the signer
 * look. */
#include "service/monitor/monitor_parts.h"

#include "core/reason.h"

/* Blocks that are read in a step, with all their transactions. */
#define FOREIGN_BLOCKS_READ 4
/* So far down they are read before it is looked for anew: a day of two-second blocks. */
#define FOREIGN_BLOCKS_MAX 43200
/* A search by nonces takes twice as many questions as the distance has bits. */
#define FOREIGN_PROBES_MAX 64

/* The nonce's block lies above `low` (if that is known) and not above `high`. */
struct search {
	struct address wallet;
	uint64_t nonce;
	bool has_low;
	uint64_t low;
	uint64_t high;
};

static bool probe(struct monitor *self, struct search *search, uint64_t block, bool *ret_known,
		  struct err *err)
{
	struct chain_nonce count = { 0 };
	if (!chain_nonces(self->client, block, &search->wallet, 1, &count, err))
		return false;
	*ret_known = count.known;
	if (count.known && count.count > search->nonce) {
		search->high = block;
	} else if (count.known) {
		search->has_low = true;
		search->low = block;
	}
	return true;
}

/* Steps down that double, then halves. What a node does not know any more ends the search where it
 * is. */
static bool block_search(struct monitor *self, struct search *search, struct err *err)
{
	uint64_t step = 1;
	bool known = true;
	for (int i = 0; known && i < FOREIGN_PROBES_MAX; i++, step *= 2) {
		uint64_t below = search->high > step ? search->high - step : 0;
		if (search->has_low && search->high - search->low <= 1)
			return true;
		if (search->has_low)
			below = search->low + (search->high - search->low) / 2;
		else if (search->high == 0)
			return true;
		if (!probe(self, search, below, &known, err))
			return false;
	}
	return true;
}

bool monitor_foreign_observe(struct monitor *self, const struct transfer *row,
			     const struct chain_found *found, struct err *err)
{
	struct chain_receipt receipt;
	if (!chain_receipts(self->client, &found->tx_hash, 1, &receipt, err))
		return false;
	if (receipt.state != CHAIN_RECEIPT_FOUND ||
	    !hash32_equal(receipt.block_hash, found->block_hash))
		return true; /* two machines behind one address, or a reorg: with the next head */
	if (!monitor_room(self, err))
		return false;
	struct store_observation *item = monitor_observe(self, row);
	item->to = TRANSFER_MINED;
	item->outcome = OUTCOME_FOREIGN;
	item->mined_hash = receipt.tx_hash;
	item->mined_block = receipt.block_number;
	item->mined_block_hash = receipt.block_hash;
	monitor_fact_keep(self, row, &receipt, (struct receipt_of){ .is_foreign = true });
	monitor_block_watch(self->chain, receipt.block_number, receipt.block_hash);
	monitor_log(self, row, "transfer_is_foreign", &receipt.tx_hash,
		    "has a transaction that is none of ours: people decide what it paid", true);
	return true;
}

/* Is it one of the slot's own, whose receipt a node did not have? Then it is no stranger's. */
static bool is_own(struct monitor *self, const struct transfer *row, struct hash32 hash,
		   bool *ret_own, struct err *err)
{
	size_t n = 0;
	if (!store_attempts_load(self->options.store, row->id, self->attempts, ATTEMPTS_MAX, &n,
				 err))
		return false;
	*ret_own = false;
	for (size_t i = 0; i < n; i++)
		*ret_own |= hash32_equal(self->attempts[i].tx_hash, hash);
	return true;
}

/* Reads some blocks from `scan` down. */
static bool blocks_read(struct monitor *self, struct sighting *sighting, const struct transfer *row,
			struct chain_found *ret_found, bool *ret_own, struct err *err)
{
	struct chain_wanted wanted = { .from = row->wallet, .nonce = row->nonce };
	for (int i = 0; i < FOREIGN_BLOCKS_READ && sighting->scan > 0; i++) {
		if (!chain_find(self->client, sighting->scan, &wanted, ret_found, err))
			return false;
		if (ret_found->state == CHAIN_FOUND)
			return is_own(self, row, ret_found->tx_hash, ret_own, err);
		if (ret_found->state == CHAIN_FOUND_UNKNOWN)
			return true;
		sighting->scan--;
	}
	/* It is in none of them: a reorg has moved it. */
	if (self->nonces_block - sighting->scan > FOREIGN_BLOCKS_MAX)
		sighting->scan = 0;
	return true;
}

bool monitor_foreign_find(struct monitor *self, struct sighting *sighting,
			  const struct transfer *row, struct chain_found *ret_found, bool *ret_own,
			  struct err *err)
{
	struct search search = { .wallet = row->wallet,
				 .nonce = row->nonce,
				 .high = self->nonces_block };
	CHECK(self->nonces_read);
	*ret_own = false;
	ret_found->state = CHAIN_FOUND_UNKNOWN;
	if (sighting->scan == 0 || sighting->scan > self->nonces_block) {
		if (!block_search(self, &search, err))
			return false;
		sighting->scan = search.high;
	}
	return blocks_read(self, sighting, row, ret_found, ret_own, err);
}
