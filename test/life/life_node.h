/* A node that lags, does not know, is in trouble of its own, or lies: a chain that stands before
 * the life's own, and bends its answers. */
#ifndef SLUICE_TEST_LIFE_LIFE_NODE_H
#define SLUICE_TEST_LIFE_LIFE_NODE_H

#include "life.h"

/* A chain before the real one; as the real one is while nothing of it is set. */
struct life_node {
	struct chain base;
	struct chain *real;
	uint64_t head;          /* as it named it last */
	struct chain_head last; /* the same, whole */
	uint64_t receipts_lag;  /* blocks that have no receipts yet */
	bool receipts_unknown;
	bool lookups_away;
	struct chain_receipt
		old; /* what a machine says that is on the old branch; FOUND: it answers */
	struct address says_paid;    /* in every log, unless zero */
	struct address says_refuses; /* what is sent to it natively, unless zero */
	bool says_reverted;          /* of every payment */
	bool says_other_block;       /* and in a block that is not the canonical one */
	const char *estimate_err;    /* what it says to every estimate, with estimate_code */
	int64_t estimate_code;
	uint64_t gas_more;   /* than an estimate says */
	uint64_t nonce_more; /* than a wallet has sent */
	uint64_t nonce_pending_more;
	uint64_t nonce_less;  /* than a wallet has sent, where it has */
	struct hash32 hides;  /* a transaction that its blocks do not show, unless zero; */
	struct hash32 fakes;  /* one that they show under another hash, */
	struct hash32 strips; /* and one without its bytes */
	bool away;            /* its head cannot be read */
	bool blocks_away;     /* nor its blocks by number */
	bool stuck;           /* at the head that it named last; it sends nothing on */
	uint64_t real_head;
	uint64_t invents;    /* so many blocks above the chain's own, final but for the last */
	bool swallows;       /* it takes all that is sent, and hands none on */
	bool pretends;       /* that what it swallowed is in its pool */
	bool final_unknown;  /* it names no finalized block */
	bool head_alone;     /* its parent is none of the blocks that it names */
	bool blocks_of_fork; /* blocks are named by a machine that has others */
	bool head_of_fork;   /* and so is the head */
	enum chain_send_state send;
	uint64_t sends_refused; /* so many are answered so, and not taken */
};

/* Before the life's chain; it is the caller's, and has to outlive the roles that ask it. */
struct life_node life_node_make(struct life *life);
/* The role asks this chain from now on: it starts again. */
void life_chain_give(struct life *life, enum life_role role, struct chain *chain);
/* A gate before 2 to RPC_ENDPOINTS_MAX nodes, asked in their order; ended by chain_close, after the
 * roles that ask it. */
struct chain *life_gate_make(struct life *life, struct life_node *nodes, size_t len);
/* Signer and monitor ask the node, and the signer has its wallets again. */
void life_node_give(struct life *life, struct life_node *node);

#endif
