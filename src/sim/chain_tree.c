/* The tree of blocks. A branch is a run of neighbours in the array; only the newest one grows. The
 * canonical chain is the path to the newest block, and has its own index, in which payments and
 * consumed nonces are booked as blocks come and go. */
#include "base/keccak.h"
#include "sim/chain_parts.h"

uint32_t sim_head_block(const struct sim_chain *chain)
{
	CHECK(chain->canonical_len > 0);
	return chain->canonical[chain->canonical_len - 1];
}

uint32_t sim_ancestor(const struct sim_chain *chain, uint32_t head, uint64_t number)
{
	CHECK(number <= chain->blocks[head].number);
	const struct sim_branch *branch = &chain->branches[chain->blocks[head].branch];
	while (number < branch->number)
		branch = &chain->branches[chain->blocks[branch->parent].branch];
	return branch->first + (uint32_t)(number - branch->number);
}

uint32_t sim_common_ancestor(const struct sim_chain *chain, uint32_t a, uint32_t b)
{
	while (a != b) {
		/* An ancestor is always further ahead in the array. */
		if (a > b)
			a = chain->blocks[a].parent;
		else
			b = chain->blocks[b].parent;
	}
	return a;
}

uint32_t sim_inclusion_seen(const struct sim_chain *chain, uint32_t tx, uint32_t head)
{
	uint32_t at = chain->txs[tx].newest;
	while (at != SIM_NONE) {
		uint32_t block = chain->inclusions[at].block;
		uint64_t number = chain->blocks[block].number;
		if (number <= chain->blocks[head].number &&
		    sim_ancestor(chain, head, number) == block)
			return at;
		at = chain->inclusions[at].older_of_tx;
	}
	return SIM_NONE;
}

static void deposits_apply(const struct sim_chain *chain, struct sim_state *state)
{
	for (; state->deposits_len < chain->deposits_len; state->deposits_len++) {
		const struct sim_deposit *deposit = &chain->deposits[state->deposits_len];
		struct u256 *balance = &state->balances[deposit->wallet][deposit->asset];
		*balance = sim_plus(*balance, deposit->units);
	}
}

uint32_t sim_block_begin(struct sim_chain *chain, uint32_t branch, int64_t time_ms,
			 uint64_t base_fee)
{
	uint32_t parent = chain->canonical_len == 0 ? SIM_NONE : sim_head_block(chain);
	CHECK(chain->blocks_len < SIM_CHAIN_BLOCKS_MAX);
	chain->blocks = sim_grown(chain->blocks, &chain->blocks_cap, chain->blocks_len + 1,
				  sizeof *chain->blocks);
	uint32_t id = (uint32_t)chain->blocks_len++;
	struct sim_tree_block *block = &chain->blocks[id];
	*block = (struct sim_tree_block){ .parent = parent,
					  .branch = branch,
					  .time_ms = time_ms,
					  .base_fee = base_fee,
					  .inclusions = (uint32_t)chain->inclusions_len };
	if (parent != SIM_NONE) {
		block->number = chain->blocks[parent].number + 1;
		block->state = chain->blocks[parent].state;
	}
	deposits_apply(chain, &block->state);
	return id;
}

static void payment_book(struct sim_chain *chain, uint32_t id)
{
	struct sim_inclusion *inclusion = &chain->inclusions[id];
	struct sim_party *party = &chain->parties[inclusion->receiver];
	if (u256_is_zero(inclusion->paid))
		return;
	inclusion->older_of_receiver = party->payments[inclusion->asset].newest;
	party->payments[inclusion->asset].newest = id;
	party->payments[inclusion->asset].count++;
	party->payments[inclusion->asset].sum =
		sim_plus(party->payments[inclusion->asset].sum, inclusion->paid);
}

static void payment_unbook(struct sim_chain *chain, uint32_t id)
{
	const struct sim_inclusion *inclusion = &chain->inclusions[id];
	struct sim_party *party = &chain->parties[inclusion->receiver];
	if (u256_is_zero(inclusion->paid))
		return;
	CHECK(party->payments[inclusion->asset].newest == id);
	party->payments[inclusion->asset].newest = inclusion->older_of_receiver;
	party->payments[inclusion->asset].count--;
	party->payments[inclusion->asset].sum =
		sim_minus(party->payments[inclusion->asset].sum, inclusion->paid);
}

void sim_block_include(struct sim_chain *chain, uint32_t block,
		       const struct sim_inclusion *inclusion)
{
	CHECK(chain->blocks[block].inclusions_len < SIM_BLOCK_TXS_MAX);
	chain->inclusions = sim_grown(chain->inclusions, &chain->inclusions_cap,
				      chain->inclusions_len + 1, sizeof *chain->inclusions);
	uint32_t id = (uint32_t)chain->inclusions_len++;
	struct sim_tx *tx = &chain->txs[inclusion->tx];
	chain->inclusions[id] = *inclusion;
	chain->inclusions[id].block = block;
	chain->inclusions[id].older_of_tx = tx->newest;
	tx->newest = id;
	chain->blocks[block].inclusions_len++;
	payment_book(chain, id);
	/* Nonces are consumed in their order, so the newest stands last. */
	unsigned wallet = tx->call.wallet;
	size_t len = chain->consumers[wallet].len;
	CHECK(tx->nonce - chain->first_nonces[wallet] == len);
	chain->consumers[wallet].inclusions =
		sim_grown(chain->consumers[wallet].inclusions, &chain->consumers[wallet].cap,
			  len + 1, sizeof *chain->consumers[wallet].inclusions);
	chain->consumers[wallet].inclusions[len] = id;
	chain->consumers[wallet].len++;
}

static struct hash32 hash_of(const struct sim_chain *chain, const struct sim_tree_block *block)
{
	uint8_t storage[64 + 32 * SIM_BLOCK_TXS_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	struct hash32 hash;
	buf_u32(&out, block->branch);
	buf_u64(&out, block->number);
	if (block->parent != SIM_NONE)
		buf_bytes(&out, chain->blocks[block->parent].hash.bytes, 32);
	for (uint32_t i = 0; i < block->inclusions_len; i++) {
		const struct sim_inclusion *inclusion = &chain->inclusions[block->inclusions + i];
		buf_bytes(&out, chain->txs[inclusion->tx].hash.bytes, 32);
	}
	CHECK(!out.overflow);
	keccak256(storage, out.len, hash.bytes);
	return hash;
}

void sim_block_end(struct sim_chain *chain, uint32_t id)
{
	struct sim_tree_block *block = &chain->blocks[id];
	block->hash = hash_of(chain, block);
	chain->canonical = sim_grown(chain->canonical, &chain->canonical_cap,
				     chain->canonical_len + 1, sizeof *chain->canonical);
	CHECK(block->number == chain->canonical_len);
	chain->canonical[chain->canonical_len++] = id;
	chain->counts.blocks++;
}

void sim_block_unwind(struct sim_chain *chain)
{
	CHECK(chain->canonical_len > 1);
	const struct sim_tree_block *block = &chain->blocks[sim_head_block(chain)];
	for (uint32_t i = block->inclusions_len; i-- > 0;) {
		uint32_t id = block->inclusions + i;
		unsigned wallet = chain->txs[chain->inclusions[id].tx].call.wallet;
		size_t len = chain->consumers[wallet].len;
		payment_unbook(chain, id);
		CHECK(len > 0 && chain->consumers[wallet].inclusions[len - 1] == id);
		chain->consumers[wallet].len--;
	}
	chain->canonical_len--;
}
