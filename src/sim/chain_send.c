/* What a node takes into its pool, in the order in which geth looks; and what it tells the others.
 */
#include "sim/chain_parts.h"
#include "sim/chain_refusal.h"

#define BUMP_DIVISOR 10 /* a replacement pays a tenth more */

static enum sim_refusal refusal_of_fault(enum sim_tx_fault fault)
{
	switch (fault) {
	case SIM_TX_GOOD:
		return SIM_REFUSE_NOTHING;
	case SIM_TX_UNREADABLE:
		return SIM_REFUSE_UNREADABLE;
	case SIM_TX_CHAIN_ID:
		return SIM_REFUSE_CHAIN_ID;
	case SIM_TX_SIGNATURE:
		return SIM_REFUSE_SIGNATURE;
	case SIM_TX_FEES:
		return SIM_REFUSE_TIP_ABOVE_CAP;
	}
	return SIM_REFUSE_UNREADABLE;
}

/* Looks at the transaction alone, and at the node's settings. */
static enum sim_refusal form_refuse(const struct sim_node *node, const struct sim_tx *tx)
{
	const struct sim_node_settings *settings = &node->settings;
	uint64_t base_fee = node->chain->blocks[node->head].base_fee;
	if (!u256_is_zero(settings->fee_cap) &&
	    u256_compare(sim_times(tx->gas_limit, tx->cap), settings->fee_cap) > 0)
		return SIM_REFUSE_NODE_CAP;
	if (tx->gas_limit > node->chain->options.gas_limit)
		return SIM_REFUSE_BLOCK_GAS;
	if (tx->gas_limit < tx->call.gas_intrinsic)
		return SIM_REFUSE_INTRINSIC_GAS;
	if (tx->tip < settings->tip_min)
		return SIM_REFUSE_TIP_LOW;
	if (settings->flavour == SIM_NODE_ANVIL && tx->cap < base_fee)
		return SIM_REFUSE_BASE_FEE;
	return SIM_REFUSE_NOTHING;
}

/* What the wallet has must cover all that it has in the pool. */
static bool funds_suffice(const struct sim_node *node, const struct sim_tx *tx)
{
	unsigned wallet = tx->call.wallet;
	const struct sim_pool_queue *queue = &node->pool.wallets[wallet];
	struct u256 cost = sim_tx_cost(tx);
	for (size_t i = 0; i < queue->len; i++)
		if (queue->entries[i].nonce != tx->nonce)
			cost = u256_add_saturated(
				cost, sim_tx_cost(&node->chain->txs[queue->entries[i].tx]));
	const struct sim_state *state = &node->chain->blocks[node->head].state;
	return u256_compare(cost, state->balances[wallet][0]) <= 0;
}

static bool is_bump(uint64_t old_fee, uint64_t new_fee)
{
	return new_fee > old_fee && new_fee - old_fee >= old_fee / BUMP_DIVISOR;
}

/* A new nonce of the wallet, next to those in the pool. */
static enum sim_refusal room_refuse(const struct sim_node *node, const struct sim_tx *tx)
{
	unsigned wallet = tx->call.wallet;
	uint64_t next = node->chain->blocks[node->head].state.nonces[wallet];
	size_t executable = sim_pool_executable(&node->pool, wallet, next);
	size_t gapped = node->pool.wallets[wallet].len - executable;
	bool is_gapped = tx->nonce > next + executable;
	if (is_gapped && node->settings.gapped_max == 0)
		return SIM_REFUSE_NONCE_HIGH;
	if (node->settings.pool_full)
		return SIM_REFUSE_POOL_FULL;
	/* Blocks that were taken back can fill more of it than the limits allow. */
	if (node->pool.wallets[wallet].len == SIM_POOL_MAX)
		return SIM_REFUSE_ACCOUNT_LIMIT;
	if (is_gapped ? gapped >= node->settings.gapped_max
		      : executable >= node->settings.executable_max)
		return SIM_REFUSE_ACCOUNT_LIMIT;
	return SIM_REFUSE_NOTHING;
}

static enum sim_refusal place_refuse(const struct sim_node *node, const struct sim_tx *tx)
{
	const struct sim_pool_entry *entry = sim_pool_find(&node->pool, tx->call.wallet, tx->nonce);
	if (entry == NULL)
		return room_refuse(node, tx);
	const struct sim_tx *old = &node->chain->txs[entry->tx];
	if (!is_bump(old->tip, tx->tip) || !is_bump(old->cap, tx->cap))
		return SIM_REFUSE_REPLACEMENT;
	return SIM_REFUSE_NOTHING;
}

static enum sim_refusal refuse(const struct sim_node *node, const struct sim_tx *tx)
{
	const struct sim_state *state = &node->chain->blocks[node->head].state;
	enum sim_refusal refusal;
	if (sim_node_has(node, tx->hash))
		return SIM_REFUSE_KNOWN;
	refusal = form_refuse(node, tx);
	if (refusal != SIM_REFUSE_NOTHING)
		return refusal;
	if (tx->call.wallet == SIM_NONE)
		return SIM_REFUSE_FUNDS;
	if (tx->nonce < state->nonces[tx->call.wallet])
		return SIM_REFUSE_NONCE_LOW;
	if (!funds_suffice(node, tx))
		return SIM_REFUSE_FUNDS;
	return place_refuse(node, tx);
}

static enum sim_refusal take(struct sim_node *node, uint32_t id)
{
	struct sim_chain *chain = node->chain;
	const struct sim_tx *tx = &chain->txs[id];
	sim_node_sync(node);
	enum sim_refusal refusal = refuse(node, tx);
	if (refusal != SIM_REFUSE_NOTHING)
		return refusal;
	unsigned wallet = tx->call.wallet;
	bool replaces = sim_pool_find(&node->pool, wallet, tx->nonce) != NULL;
	chain->counts.replaced += replaces;
	CHECK(sim_pool_put(&node->pool, wallet,
			   (struct sim_pool_entry){ .nonce = tx->nonce, .tx = id }));
	return SIM_REFUSE_NOTHING;
}

static void gossip(struct sim_node *node, uint32_t tx)
{
	struct sim_chain *chain = node->chain;
	for (size_t i = 0; i < chain->nodes_len; i++) {
		if (i == node->index ||
		    !sim_random_chance(&node->random, node->settings.gossip_per_mille))
			continue;
		uint64_t delay = sim_random_below(&node->random,
						  (uint64_t)node->settings.gossip_delay_max + 1);
		if (delay == 0) {
			(void)take(chain->nodes[i], tx);
			continue;
		}
		chain->gossip = sim_grown(chain->gossip, &chain->gossip_cap, chain->gossip_len + 1,
					  sizeof *chain->gossip);
		chain->gossip[chain->gossip_len++] = (struct sim_gossip){
			.tx = tx, .node = i, .due = chain->moments_len + (size_t)delay
		};
	}
}

void sim_gossip_deliver(struct sim_chain *chain)
{
	size_t kept = 0;
	for (size_t i = 0; i < chain->gossip_len; i++) {
		struct sim_gossip item = chain->gossip[i];
		if (item.due > chain->moments_len)
			chain->gossip[kept++] = item;
		else
			(void)take(chain->nodes[item.node], item.tx);
	}
	chain->gossip_len = kept;
}

const char *sim_node_take(struct sim_node *node, struct str raw)
{
	uint32_t tx = SIM_NONE;
	enum sim_refusal refusal = refusal_of_fault(sim_tx_take(node->chain, raw, &tx));
	if (refusal == SIM_REFUSE_NOTHING)
		refusal = take(node, tx);
	if (refusal != SIM_REFUSE_NOTHING)
		return sim_refusal_text(refusal, node->settings.flavour);
	gossip(node, tx);
	return NULL;
}
