/* New blocks, from what waits in all pools; and reorgs, which are new blocks on an older one. */
#include "base/keccak.h"
#include "sim/chain_parts.h"

#define BASE_FEE_STEP    20  /* a twentieth a block at most: what bor allows */
#define ODD_CHOICE       150 /* per mille: not the best tip, other sender, other attempt */
#define REBUILT_SPACE    700 /* per mille: reorgs shift transactions between blocks */
#define REBUILT_MORE_MAX 2
#define SECOND_MS        1000

/* What one wallet could have in the block that is being built. */
struct candidate {
	bool there;
	uint32_t tx;
	uint64_t tip; /* effective */
};

struct building {
	uint32_t block;
	uint64_t gas_left;
	unsigned space_per_mille;
	struct candidate candidates[SIM_CHAIN_WALLETS];
};

/* ---- the base fee ---- */

static uint64_t fee_walk(struct sim_chain *chain, uint64_t fee)
{
	uint64_t step = fee / BASE_FEE_STEP;
	uint64_t moved = sim_random_between(&chain->random, fee - step, fee + step);
	if (fee > chain->options.base_fee_max)
		return fee - step;
	if (fee < chain->options.base_fee_min)
		return fee + step + 1;
	/* Half of the steps lead home. */
	if (sim_random_chance(&chain->random, 500))
		moved = fee > chain->options.base_fee ? fee - step / 2 : fee + step / 2;
	if (moved > chain->options.base_fee_max)
		return chain->options.base_fee_max;
	return moved < chain->options.base_fee_min ? chain->options.base_fee_min : moved;
}

static uint64_t fee_next(struct sim_chain *chain)
{
	if (chain->fee_set_blocks == 0)
		return fee_walk(chain, chain->blocks[sim_head_block(chain)].base_fee);
	chain->fee_set_blocks--;
	return chain->fee_set;
}

/* ---- what goes into a block ---- */

static void source_look(const struct sim_chain *chain, const struct building *building,
			const struct sim_pool *pool, unsigned wallet, bool odd,
			struct candidate *candidate)
{
	const struct sim_tree_block *block = &chain->blocks[building->block];
	const struct sim_pool_entry *entry =
		sim_pool_find(pool, wallet, block->state.nonces[wallet]);
	if (entry == NULL)
		return;
	const struct sim_tx *tx = &chain->txs[entry->tx];
	if (!sim_tx_fits(tx, &block->state, block->base_fee) || tx->gas_limit > building->gas_left)
		return;
	uint64_t room = tx->cap - block->base_fee;
	uint64_t tip = tx->tip < room ? tx->tip : room;
	bool better = !candidate->there || (odd ? tip < candidate->tip : tip > candidate->tip);
	if (better)
		*candidate = (struct candidate){ .there = true, .tx = entry->tx, .tip = tip };
}

/* Pools may hold different attempts of one nonce: mostly the best one is taken. */
static struct candidate candidate_of(struct sim_chain *chain, const struct building *building,
				     unsigned wallet)
{
	struct candidate candidate = { .there = false };
	bool odd = sim_random_chance(&chain->random, ODD_CHOICE);
	for (size_t i = 0; i < chain->nodes_len; i++)
		source_look(chain, building, &chain->nodes[i]->pool, wallet, odd, &candidate);
	source_look(chain, building, &chain->taken_back, wallet, odd, &candidate);
	/* No space in this block: the wallet's later ones have none either. */
	if (candidate.there && !sim_random_chance(&chain->random, building->space_per_mille))
		candidate.there = false;
	return candidate;
}

/* The wallet whose turn it is; SIM_NONE when nothing is left. */
static unsigned wallet_choose(struct sim_chain *chain, const struct building *building)
{
	unsigned chosen = SIM_NONE;
	size_t seen = 0;
	bool odd = sim_random_chance(&chain->random, ODD_CHOICE);
	for (unsigned i = 0; i < chain->wallets_len; i++) {
		const struct candidate *candidate = &building->candidates[i];
		if (!candidate->there)
			continue;
		seen++;
		bool better =
			chosen == SIM_NONE || candidate->tip > building->candidates[chosen].tip;
		if (odd ? sim_random_below(&chain->random, seen) == 0 : better)
			chosen = i;
	}
	return chosen;
}

static void include(struct sim_chain *chain, struct building *building, uint32_t tx)
{
	struct sim_tree_block *block = &chain->blocks[building->block];
	const struct sim_call *call = &chain->txs[tx].call;
	struct sim_inclusion inclusion = sim_execute(chain, &block->state, tx, block->base_fee);
	bool understood =
		inclusion.is_token ? inclusion.mode == SIM_TOKEN_GOOD : !call->is_transfer;
	sim_block_include(chain, building->block, &inclusion);
	building->gas_left -= inclusion.gas_used;
	chain->counts.txs_mined++;
	chain->counts.txs_reverted += !inclusion.success;
	chain->counts.txs_odd += inclusion.success && !understood;
}

static void foreign_include(struct sim_chain *chain, struct building *building, unsigned wallet)
{
	const struct sim_tree_block *block = &chain->blocks[building->block];
	struct address sender = chain->parties[chain->wallets[wallet]].address;
	uint8_t name[32] = "foreign";
	struct sim_tx tx = { .is_foreign = true,
			     .from = sender,
			     .nonce = block->state.nonces[wallet],
			     .tip = 1,
			     .cap = block->base_fee + 1,
			     .gas_limit = 2 * SIM_GAS_PLAIN };
	struct buf out = buf_of(name + 8, sizeof name - 8);
	buf_u64(&out, chain->txs_len);
	buf_u64(&out, tx.nonce);
	keccak256(name, sizeof name, tx.hash.bytes);
	tx.call = sim_call_of(chain, sender, chain->foreign[wallet].to,
			      chain->foreign[wallet].value, NULL, 0);
	/* Who has the key takes what is there. */
	if (!sim_tx_fits(&tx, &block->state, block->base_fee))
		tx.call.value = u256_zero();
	if (!sim_tx_fits(&tx, &block->state, block->base_fee))
		return;
	chain->foreign[wallet].waits = false;
	chain->counts.foreign++;
	include(chain, building, sim_tx_add(chain, &tx));
}

static void block_fill(struct sim_chain *chain, struct building *building)
{
	for (unsigned i = 0; i < chain->wallets_len; i++) {
		if (chain->foreign[i].waits)
			foreign_include(chain, building, i);
		building->candidates[i] = candidate_of(chain, building, i);
	}
	while (chain->blocks[building->block].inclusions_len < chain->options.block_txs_max) {
		unsigned wallet = wallet_choose(chain, building);
		if (wallet == SIM_NONE)
			return;
		uint32_t tx = building->candidates[wallet].tx;
		building->candidates[wallet].there = false;
		/* Others may have used the gas since it was found. */
		if (chain->txs[tx].gas_limit > building->gas_left)
			continue;
		include(chain, building, tx);
		building->candidates[wallet] = candidate_of(chain, building, wallet);
	}
}

static void block_build(struct sim_chain *chain, uint32_t branch, int64_t now_ms,
			unsigned space_per_mille)
{
	int64_t parent_ms = chain->blocks[sim_head_block(chain)].time_ms;
	int64_t time_ms = now_ms > parent_ms ? now_ms : parent_ms + SECOND_MS;
	struct building building = { .gas_left = chain->options.gas_limit,
				     .space_per_mille = space_per_mille };
	building.block = sim_block_begin(chain, branch, time_ms, fee_next(chain));
	if (chain->branches[branch].first == SIM_NONE) {
		chain->branches[branch].first = building.block;
		chain->branches[branch].number = chain->blocks[building.block].number;
	}
	block_fill(chain, &building);
	sim_block_end(chain, building.block);
}

/* The head is the newest block: nodes hear of it, and gossip arrives. */
static void moment_add(struct sim_chain *chain)
{
	struct sim_moment moment = { .head = sim_head_block(chain),
				     .finalized = sim_chain_finalized(chain) };
	uint64_t number = chain->blocks[moment.head].number;
	uint64_t lag = chain->options.finality_lag;
	if (chain->options.has_finality && !chain->finality_stalls && number > lag &&
	    number - lag > moment.finalized)
		moment.finalized = number - lag;
	chain->moments = sim_grown(chain->moments, &chain->moments_cap, chain->moments_len + 1,
				   sizeof *chain->moments);
	chain->moments[chain->moments_len++] = moment;
	for (size_t i = 0; i < chain->nodes_len; i++)
		sim_node_sync(chain->nodes[i]);
	sim_gossip_deliver(chain);
}

void sim_chain_mine(struct sim_chain *chain, int64_t now_ms)
{
	block_build(chain, (uint32_t)chain->branches_len - 1, now_ms, chain->space_per_mille);
	moment_add(chain);
}

/* ---- reorgs ---- */

/* Oldest first, so that a full pool keeps the lowest nonces. */
static void taken_back_collect(struct sim_chain *chain, uint64_t from, unsigned keep_per_mille)
{
	for (uint64_t number = from; number < chain->canonical_len; number++) {
		const struct sim_tree_block *block = &chain->blocks[chain->canonical[number]];
		for (uint32_t i = 0; i < block->inclusions_len; i++) {
			uint32_t tx = chain->inclusions[block->inclusions + i].tx;
			const struct sim_pool_entry entry = { .nonce = chain->txs[tx].nonce,
							      .tx = tx };
			chain->counts.taken_back++;
			if (sim_random_chance(&chain->random, keep_per_mille))
				(void)sim_pool_put(&chain->taken_back, chain->txs[tx].call.wallet,
						   entry);
		}
	}
}

static uint32_t branch_add(struct sim_chain *chain, unsigned keep_per_mille)
{
	chain->branches = sim_grown(chain->branches, &chain->branches_cap, chain->branches_len + 1,
				    sizeof *chain->branches);
	chain->branches[chain->branches_len] = (struct sim_branch){
		.first = SIM_NONE, .parent = sim_head_block(chain), .keep_per_mille = keep_per_mille
	};
	return (uint32_t)chain->branches_len++;
}

static uint64_t reorg(struct sim_chain *chain, uint64_t depth, unsigned keep_per_mille,
		      int64_t now_ms)
{
	uint64_t head = sim_chain_head(chain);
	uint64_t fork = head - depth;
	CHECK(keep_per_mille <= 1000);
	if (depth == 0)
		return 0;
	taken_back_collect(chain, fork + 1, keep_per_mille);
	while (sim_chain_head(chain) > fork)
		sim_block_unwind(chain);
	uint32_t branch = branch_add(chain, keep_per_mille);
	uint64_t more = sim_random_below(&chain->random, REBUILT_MORE_MAX + 1);
	int64_t fork_ms = chain->blocks[sim_head_block(chain)].time_ms;
	uint64_t n = depth + 1 + more;
	for (unsigned i = 0; i < SIM_CHAIN_WALLETS; i++)
		chain->foreign[i].waits = false;
	for (uint64_t i = 1; i <= n; i++) {
		int64_t time_ms = fork_ms + (now_ms - fork_ms) * (int64_t)i / (int64_t)n;
		block_build(chain, branch, time_ms, REBUILT_SPACE);
	}
	chain->taken_back = (struct sim_pool){ 0 };
	chain->counts.reorgs++;
	if (depth > chain->counts.reorg_deepest)
		chain->counts.reorg_deepest = depth;
	moment_add(chain);
	return depth;
}

uint64_t sim_chain_reorg(struct sim_chain *chain, uint64_t depth, unsigned keep_per_mille,
			 int64_t now_ms)
{
	uint64_t most = sim_chain_head(chain) - sim_chain_finalized(chain);
	return reorg(chain, depth < most ? depth : most, keep_per_mille, now_ms);
}

uint64_t sim_chain_reorg_final(struct sim_chain *chain, uint64_t depth, unsigned keep_per_mille,
			       int64_t now_ms)
{
	uint64_t head = sim_chain_head(chain);
	uint64_t taken = depth < head ? depth : head;
	bool is_final = chain->options.has_finality && head - taken < sim_chain_finalized(chain);
	chain->counts.reorgs_final += is_final;
	return reorg(chain, taken, keep_per_mille, now_ms);
}
