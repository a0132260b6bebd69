/* Several nodes behind one port, as adapter/chain_gate has them: one after the other until a call
 * succeeds; every answer comes from one node. */
#include "sim/chain_parts.h"

#include <stdlib.h>

struct sim_front {
	struct chain base;
	struct sim_chain *chain;
	struct sim_front_options options;
	struct sim_random random;
	size_t current;
};

static struct sim_front *front_of(struct chain *chain)
{
	return (struct sim_front *)chain;
}

static void turn(struct sim_front *front)
{
	front->current = (front->current + 1) % front->chain->nodes_len;
}

/* Sometimes the other node for no reason. */
static void wander(struct sim_front *front)
{
	if (sim_random_chance(&front->random, front->options.switch_per_mille))
		front->current = (size_t)sim_random_below(&front->random, front->chain->nodes_len);
}

#define FORWARD(call)                                                                    \
	struct sim_front *front = front_of(chain);                                       \
	wander(front);                                                                   \
	for (size_t i = 0; i < front->chain->nodes_len; i++, turn(front)) {              \
		struct chain *node = sim_node_port(front->chain->nodes[front->current]); \
		if (call)                                                                \
			return true;                                                     \
	}                                                                                \
	return false

static bool front_identity(struct chain *chain, uint64_t *ret_chain_id, struct err *err)
{
	FORWARD(chain_identity(node, ret_chain_id, err));
}

static bool front_head(struct chain *chain, struct chain_head *ret_head, struct err *err)
{
	FORWARD(chain_head(node, ret_head, err));
}

static bool front_estimate_many(struct chain *chain, const struct chain_call *calls, size_t n,
				struct chain_estimate *ret_estimates, struct err *err)
{
	FORWARD(chain_estimate_many(node, calls, n, ret_estimates, err));
}

static bool front_balances(struct chain *chain, uint64_t block,
			   const struct chain_balance_query *queries, size_t n,
			   struct chain_balance *ret_balances, struct err *err)
{
	FORWARD(chain_balances(node, block, queries, n, ret_balances, err));
}

static bool front_nonces(struct chain *chain, uint64_t block, const struct address *wallets,
			 size_t n, struct chain_nonce *ret_nonces, struct err *err)
{
	FORWARD(chain_nonces(node, block, wallets, n, ret_nonces, err));
}

static bool front_codes(struct chain *chain, const struct address *addresses, size_t n,
			enum chain_code *ret_codes, struct err *err)
{
	FORWARD(chain_codes(node, addresses, n, ret_codes, err));
}

static bool front_decimals(struct chain *chain, struct address token, unsigned *ret_decimals,
			   struct err *err)
{
	FORWARD(chain_decimals(node, token, ret_decimals, err));
}

static bool front_receipts(struct chain *chain, const struct hash32 *hashes, size_t n,
			   struct chain_receipt *ret_receipts, struct err *err)
{
	FORWARD(chain_receipts(node, hashes, n, ret_receipts, err));
}

static bool front_lookups(struct chain *chain, const struct hash32 *hashes, size_t n,
			  enum chain_lookup *ret_lookups, struct err *err)
{
	FORWARD(chain_lookups(node, hashes, n, ret_lookups, err));
}

static bool front_blocks(struct chain *chain, const uint64_t *numbers, size_t n,
			 struct chain_block *ret_blocks, struct err *err)
{
	FORWARD(chain_blocks(node, numbers, n, ret_blocks, err));
}

static bool front_find(struct chain *chain, uint64_t block, const struct chain_wanted *wanted,
		       struct chain_found *ret_found, struct err *err)
{
	FORWARD(chain_find(node, block, wanted, ret_found, err));
}

static bool front_transactions(struct chain *chain, uint64_t first, size_t blocks,
			       const struct address *senders, size_t n,
			       struct chain_transaction *ret_transactions, size_t cap,
			       size_t *ret_len, size_t *ret_blocks, struct err *err)
{
	FORWARD(chain_transactions(node, first, blocks, senders, n, ret_transactions, cap, ret_len,
				   ret_blocks, err));
}

static bool front_transfers(struct chain *chain, const struct chain_transfer_query *query,
			    struct chain_transfer *ret_transfers, size_t *ret_len,
			    struct hash32 *ret_last, struct err *err)
{
	FORWARD(chain_transfers(node, query, ret_transfers, ret_len, ret_last, err));
}

static void spread(struct sim_front *front, const struct str *raw, size_t n)
{
	struct chain_send ignored[CHAIN_BATCH_MAX];
	if (!sim_random_chance(&front->random, front->options.spread_per_mille))
		return;
	for (size_t i = 0; i < front->chain->nodes_len; i++)
		if (i != front->current)
			chain_send_many(sim_node_port(front->chain->nodes[i]), raw, n, ignored);
}

static void front_send_many(struct chain *chain, const struct str *raw, size_t n,
			    struct chain_send *ret_sends)
{
	struct sim_front *front = front_of(chain);
	size_t unknown = 0;
	wander(front);
	chain_send_many(sim_node_port(front->chain->nodes[front->current]), raw, n, ret_sends);
	spread(front, raw, n);
	while (unknown < n && ret_sends[unknown].state == CHAIN_SEND_UNKNOWN)
		unknown++;
	if (unknown == n)
		turn(front);
}

static size_t front_nodes_len(const struct chain *chain)
{
	return ((const struct sim_front *)chain)->chain->nodes_len;
}

static bool front_node(struct chain *chain, size_t index, struct chain **ret_node, struct err *err)
{
	(void)err;
	*ret_node = sim_node_port(front_of(chain)->chain->nodes[index]);
	return true;
}

static void front_close(struct chain *chain)
{
	sim_front_free(front_of(chain));
}

static const struct chain_ops front_ops = {
	.identity = front_identity,
	.head = front_head,
	.estimate_many = front_estimate_many,
	.balances = front_balances,
	.nonces = front_nonces,
	.codes = front_codes,
	.decimals = front_decimals,
	.send_many = front_send_many,
	.receipts = front_receipts,
	.lookups = front_lookups,
	.blocks = front_blocks,
	.find = front_find,
	.transactions = front_transactions,
	.transfers = front_transfers,
	.nodes_len = front_nodes_len,
	.node = front_node,
	.close = front_close,
};

struct sim_front *sim_front_new(struct sim_chain *chain, const struct sim_front_options *options,
				struct sim_random random)
{
	CHECK(chain->nodes_len > 0);
	struct sim_front *front = calloc(1, sizeof *front);
	CHECK(front != NULL);
	front->base.ops = &front_ops;
	front->chain = chain;
	front->options = *options;
	front->random = random;
	return front;
}

struct sim_front_options *sim_front_options(struct sim_front *front)
{
	return &front->options;
}

struct chain *sim_front_port(struct sim_front *front)
{
	return &front->base;
}

void sim_front_free(struct sim_front *front)
{
	free(front);
}
