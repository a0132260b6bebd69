/* The nodes that services talk to, each with a view and a pool of its own, and the front that a
 * role has for all of them.
 *
 * A node sees the chain as it was some blocks ago: after a reorg it goes on telling of the old
 * branch until it has caught up. When its head moves to another branch it puts (some of) the
 * transactions of the blocks that it leaves back into its pool, as real ones do. It refuses what
 * real ones refuse, in the words of its flavour; core/chain_answer reads the words. Only a liar
 * (chain_lie.c) says what no node of this chain could.
 */
#ifndef SLUICE_SIM_CHAIN_NODE_H
#define SLUICE_SIM_CHAIN_NODE_H

#include "port/chain.h"
#include "sim/chain_model.h"

enum sim_node_flavour {
	SIM_NODE_GETH,
	SIM_NODE_BOR,
	SIM_NODE_ANVIL, /* refuses what is below the base fee at once */
	SIM_NODE_FLAVOURS
};

enum sim_node_state {
	SIM_NODE_UP,
	SIM_NODE_DOWN,  /* reads: NOT_DONE; sends: not taken, UNKNOWN */
	SIM_NODE_HANGS, /* reads: NOT_DONE; sends: taken as if it were up, UNKNOWN */
};

/* What a liar says; a set of them at once. */
enum sim_lie {
	SIM_LIE_REVERTED,  /* receipts: it reverted */
	SIM_LIE_PAID,      /* receipts: what is in no block, or reverted, has paid, long ago */
	SIM_LIE_LOGS,      /* receipts: it paid another amount, or somebody else */
	SIM_LIE_BLOCK,     /* receipts: of a block that nobody has */
	SIM_LIE_ABSENT,    /* receipts: it is in no block */
	SIM_LIE_NONCE,     /* wallets have sent more than they have, or less */
	SIM_LIE_STRANGER,  /* and what they are said to have sent is found in blocks */
	SIM_LIE_FINALIZED, /* its head is final */
	SIM_LIE_ESTIMATE,  /* receivers refuse, or everything does, or gas is dear */
	SIM_LIE_KNOWN,     /* sends: it has them already, and takes them not */
	SIM_LIE_INVALID,   /* sends: they are invalid; it takes some of them */
	SIM_LIE_FORK,      /* blocks are others, heads and receipts with them */
	SIM_LIES
};

/* May be changed at any time, and count from the next call on. */
struct sim_node_settings {
	enum sim_node_flavour flavour;
	enum sim_node_state state;
	uint64_t lag;       /* blocks; a head that steps back is another machine behind the URL */
	uint64_t split_lag; /* of a second machine behind the URL, for half of the calls; 0: none */
	uint64_t finalized_back;    /* so far below its own finalized block it answers */
	bool no_finalized;          /* does not know the tag */
	uint64_t tip_min;           /* wei per gas; refused below */
	uint64_t tip_suggested;     /* what it answers as the market's tip; 0: tip_min */
	struct u256 fee_cap;        /* wei per transaction, gas limit x cap; zero: none */
	unsigned executable_max;    /* per account in the pool; 1 to SIM_POOL_MAX / 2 */
	unsigned gapped_max;        /* per account; 0: "nonce too high"; to SIM_POOL_MAX / 2 */
	bool pool_full;             /* takes replacements only */
	unsigned gossip_per_mille;  /* of accepted ones reach each other node */
	unsigned gossip_delay_max;  /* blocks */
	unsigned unknown_per_mille; /* of single answers in a batch are lost */
	uint64_t state_blocks;  /* older state is pruned: nonces and balances unknown; 0: never */
	unsigned lies;          /* bits of enum sim_lie; 0: it is honest */
	unsigned lie_per_mille; /* of its answers; the rest are true */
	unsigned lie_kind;      /* which way nonces and estimates are bent */
	uint64_t lie_block;     /* where its false blocks begin, and its false payments lie */
};

struct sim_node;
struct sim_front;

/* Up, geth, no lag, tips of 25 gwei, 16 and 64 per account, gossip always and at once. */
struct sim_node_settings sim_node_settings_default(void);
/* Belongs to the chain. After the wallets and tokens. */
struct sim_node *sim_node_add(struct sim_chain *chain, const struct sim_node_settings *settings);
struct sim_node_settings *sim_node_settings(struct sim_node *node);
/* As a chain of one node; chain_close does nothing. */
struct chain *sim_node_port(struct sim_node *node);
/* Throws so many in a thousand out of the pool; 1000 is a restart. Returns how many went. */
size_t sim_node_evict(struct sim_node *node, unsigned per_mille);
size_t sim_node_pool_len(const struct sim_node *node);
bool sim_node_has(const struct sim_node *node, struct hash32 tx_hash);
/* The head as it sees it. */
uint64_t sim_node_head(struct sim_node *node);

/* All nodes of the chain behind one port: calls go to one until it fails as a whole, then to the
 * next in the same call. */
struct sim_front_options {
	unsigned switch_per_mille; /* calls that begin at another node for no reason */
	unsigned spread_per_mille; /* sends that go to every node; the first answer counts */
};
struct sim_front *sim_front_new(struct sim_chain *chain, const struct sim_front_options *options,
				struct sim_random random);
struct sim_front_options *sim_front_options(struct sim_front *front);
struct chain *sim_front_port(struct sim_front *front);
void sim_front_free(
	struct sim_front *front); /* accepts NULL; chain_close of its port does it too */

#endif
