/* What the files of the simulated chain share, and nobody else sees.
 *
 *	chain_model.c    who is there, and the answers to checkers
 *	chain_tx.c       signed bytes become a known transaction
 *	chain_execute.c  what a transaction does to a state
 *	chain_tree.c     blocks, branches, and what is seen from a block
 *	chain_mine.c     new blocks, and reorgs
 *	chain_pool.c     what waits
 *	chain_refusal.c  the words of refusals
 *	chain_send.c     what a node takes
 *	chain_node.c     what a node answers
 *	chain_lie.c      and what a liar makes of it
 *	chain_front.c    several nodes behind one port
 *
 * Everything lies in arrays that only grow, and is named by its index.
 */
#ifndef SLUICE_SIM_CHAIN_PARTS_H
#define SLUICE_SIM_CHAIN_PARTS_H

#include "core/signature.h"
#include "sim/chain_model.h"
#include "sim/chain_node.h"
#include "sim/chain_pool.h"
#include "sim/chain_state.h"

#define SIM_BLOCK_TXS_MAX 256 /* of ours; the rest of a block is other people's */

struct sim_tree_block {
	struct hash32 hash;
	uint32_t parent; /* SIM_NONE for the genesis block */
	uint32_t branch;
	uint64_t number;
	int64_t time_ms;
	uint64_t base_fee;
	uint32_t inclusions;
	uint32_t inclusions_len;
	struct sim_state state; /* after it */
};

/* Blocks without a fork between them: neighbours in the array. */
struct sim_branch {
	uint32_t first;  /* block */
	uint64_t number; /* of that block */
	uint32_t parent;
	unsigned keep_per_mille; /* what a node remembers of the branch that it leaves for this */
};

/* What a node without lag would have answered when the head became this one. */
struct sim_moment {
	uint32_t head;
	uint64_t finalized;
};

struct sim_deposit {
	unsigned wallet;
	unsigned asset;
	struct u256 units;
};

struct sim_gossip {
	uint32_t tx;
	size_t node;
	size_t due; /* moment */
};

struct sim_chain {
	struct sim_chain_options options;
	struct sim_random random;
	struct signature_context *signatures;
	struct sim_chain_counts counts;

	struct sim_party *parties;
	size_t parties_len, parties_cap;
	struct sim_table party_of;
	uint32_t wallets[SIM_CHAIN_WALLETS]; /* parties */
	uint64_t first_nonces[SIM_CHAIN_WALLETS];
	size_t wallets_len;
	struct {
		uint32_t party;
		unsigned decimals;
		uint64_t gas;
		enum sim_token_mode mode;
	} tokens[SIM_CHAIN_ASSETS]; /* by asset */
	size_t assets_len;
	struct sim_deposit *deposits;
	size_t deposits_len, deposits_cap;

	struct sim_tx *txs;
	size_t txs_len, txs_cap;
	struct sim_table tx_of;
	struct sim_inclusion *inclusions;
	size_t inclusions_len, inclusions_cap;

	struct sim_tree_block *blocks;
	size_t blocks_len, blocks_cap;
	struct sim_branch *branches;
	size_t branches_len, branches_cap;
	uint32_t *canonical; /* block by number */
	size_t canonical_len, canonical_cap;
	struct {
		uint32_t *inclusions; /* canonical ones, by nonce from the first one on */
		size_t len, cap;
	} consumers[SIM_CHAIN_WALLETS];
	struct sim_moment *moments;
	size_t moments_len, moments_cap;

	bool finality_stalls;
	uint64_t fee_set;
	uint64_t fee_set_blocks;
	unsigned space_per_mille;
	struct {
		bool waits;
		struct address to;
		struct u256 value;
	} foreign[SIM_CHAIN_WALLETS];
	struct sim_pool taken_back; /* by the reorg under way */

	struct sim_node *nodes[SIM_NODES_MAX];
	size_t nodes_len;
	struct sim_gossip *gossip;
	size_t gossip_len, gossip_cap;
};

struct sim_node {
	struct chain base;
	struct sim_chain *chain;
	size_t index;
	struct sim_node_settings settings;
	struct sim_random random;
	struct sim_pool pool;
	uint32_t head; /* block */
	size_t moment;
	struct sim_random lies;  /* when it is a liar */
	struct hash32 invented;  /* a transaction of its own making; zero: none */
	uint64_t invented_block; /* in which it says that it is */
	struct hash32 invented_hash;
	struct address invented_from;
};

/* ---- chain_tree.c ---- */

/* The ancestor of `head` at this number, or head itself; CHECKs that the number is not above. */
uint32_t sim_ancestor(const struct sim_chain *chain, uint32_t head, uint64_t number);
uint32_t sim_common_ancestor(const struct sim_chain *chain, uint32_t a, uint32_t b);
/* The inclusion that is seen from this head, or SIM_NONE. */
uint32_t sim_inclusion_seen(const struct sim_chain *chain, uint32_t tx, uint32_t head);
/* Blocks at the end of the canonical chain. */
uint32_t sim_head_block(const struct sim_chain *chain);
uint32_t sim_block_begin(struct sim_chain *chain, uint32_t branch, int64_t time_ms,
			 uint64_t base_fee);
void sim_block_include(struct sim_chain *chain, uint32_t block,
		       const struct sim_inclusion *inclusion);
void sim_block_end(struct sim_chain *chain, uint32_t block);
/* Takes the head off the canonical chain, and its payments with it. */
void sim_block_unwind(struct sim_chain *chain);

/* ---- chain_node.c, chain_send.c ---- */

/* Moves the node's head to where its lag says. */
void sim_node_sync(struct sim_node *node);
/* NULL: taken. Otherwise the words of the refusal. */
const char *sim_node_take(struct sim_node *node, struct str raw);
/* ---- chain_lie.c: each bends what was answered, when the node is a liar ---- */

void sim_lie_head(struct sim_node *node, struct chain_head *head);
void sim_lie_receipt(struct sim_node *node, struct hash32 tx_hash, struct chain_receipt *receipt);
void sim_lie_nonce(struct sim_node *node, struct chain_nonce *nonce);
void sim_lie_estimate(struct sim_node *node, const struct chain_call *asked,
		      struct chain_estimate *estimate);
void sim_lie_block(struct sim_node *node, uint64_t number, struct chain_block *block);
void sim_lie_found(struct sim_node *node, uint64_t number, const struct chain_wanted *wanted,
		   struct chain_found *found);
/* True: this is the answer to a send, and whether the bytes are taken is ret_takes. */
bool sim_lie_send(struct sim_node *node, struct chain_send *send, bool *ret_takes);
void sim_lie_lookup(struct sim_node *node, enum chain_lookup *lookup);

/* Gossip that has arrived. */
void sim_gossip_deliver(struct sim_chain *chain);

#endif
