/* The truth about one simulated EVM chain: blocks, wallets, payments. What services see of it is a
 * node's view (sim/chain_node.h); checkers ask here.
 *
 * Blocks are a tree that only grows: a reorg leaves the old branch where it is, so that a node that
 * lags can go on telling of it. Every block keeps the whole state of the wallets. Transactions are
 * real signed bytes, read by core/tx and recovered once per hash.
 *
 * Only registered wallets have money, so only they send. A receiver is any address.
 *
 * Source: EIP-1559; doc/domain.md.
 */
#ifndef SLUICE_SIM_CHAIN_MODEL_H
#define SLUICE_SIM_CHAIN_MODEL_H

#include "core/address.h"
#include "core/amount.h"
#include "sim/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_NODES_MAX     3
#define SIM_CHAIN_WALLETS 8
#define SIM_CHAIN_TOKENS  4
#define SIM_CHAIN_ASSETS  (1 + SIM_CHAIN_TOKENS) /* 0 is the native coin, then the tokens */
/* Bounds of one run; at the bound it stops by CHECK. A run of 10,000 withdrawals has a tenth. */
#define SIM_CHAIN_BLOCKS_MAX (1U << 18)
#define SIM_CHAIN_TXS_MAX    (1U << 20)

struct sim_chain;

struct sim_chain_options {
	uint64_t chain_id;
	int64_t time_ms; /* of the genesis block, number 0 */
	bool has_finality;
	uint64_t finality_lag; /* blocks from the head down to the finalized one */
	uint64_t base_fee;     /* wei per gas, where the walk begins and tends to */
	uint64_t base_fee_min; /* of the walk; a fee that was set is not bounded */
	uint64_t base_fee_max;
	uint64_t gas_limit; /* of a block */
	size_t block_txs_max;
};

/* Zeros of the fees, gas limit and space mean: 30 gwei within 10 and 200, 30 M, 60. */
struct sim_chain *sim_chain_new(const struct sim_chain_options *options, struct sim_random random);
/* With its nodes; their fronts go before. Accepts NULL. */
void sim_chain_free(struct sim_chain *chain);

/* ---- who is there: before the first block ---- */

/* Returns the wallet's index. first_nonce: of a key that has a past. */
unsigned sim_chain_wallet_add(struct sim_chain *chain, struct address address,
			      uint64_t first_nonce);
/* Returns the asset's index, 1 and up. gas: what a transfer takes. */
unsigned sim_chain_token_add(struct sim_chain *chain, struct address contract, unsigned decimals,
			     uint64_t gas);
/* False when it is none. */
bool sim_chain_wallet_of(const struct sim_chain *chain, struct address address,
			 unsigned *ret_wallet);
bool sim_chain_asset_of(const struct sim_chain *chain, struct address contract,
			unsigned *ret_asset);

/* ---- how they behave: any time, for what is executed from then on ---- */

enum sim_token_mode {
	SIM_TOKEN_GOOD = 0,
	SIM_TOKEN_PAUSED,       /* reverts */
	SIM_TOKEN_SAYS_FALSE,   /* status 1, nothing moves, no log */
	SIM_TOKEN_NO_LOG,       /* moves, and no log says so */
	SIM_TOKEN_OTHER_AMOUNT, /* takes a hundredth (at least 1) for itself, and logs what arrives
				 */
	SIM_TOKEN_OTHER_LOG,    /* moves; the log is of another contract */
	SIM_TOKEN_TWO_LOGS,     /* moves once, and logs it twice */
	SIM_TOKEN_MODES
};
void sim_chain_token_mode_set(struct sim_chain *chain, unsigned asset, enum sim_token_mode mode);

struct sim_receiver {
	bool reverts; /* takes no native coin */
	bool blocked; /* every token reverts for it */
	/* Not GOOD: of transfers to it, above the token's own. */
	enum sim_token_mode token_mode;
};
void sim_chain_receiver_set(struct sim_chain *chain, struct address address,
			    const struct sim_receiver *receiver);

/* ---- what happens ---- */

/* Money from outside, in the next block and on every branch from then on. */
void sim_chain_fund(struct sim_chain *chain, unsigned wallet, unsigned asset, struct u256 units);
/* The next block, from what all nodes' pools hold. A time that is not after the parent's becomes
 * the parent's plus one second. */
void sim_chain_mine(struct sim_chain *chain, int64_t now_ms);
/* Takes the last `depth` blocks back and builds depth + 1 to depth + 3 others from what was in them
 * and what waits, in another order. Of every transaction that was taken back, and that is not mined
 * again at once, each node remembers so many in a thousand; the rest is forgotten. Never reaches
 * below the finalized block (without finality: any depth). Returns the blocks taken back: 0 when
 * none could be, and then nothing happened. */
uint64_t sim_chain_reorg(struct sim_chain *chain, uint64_t depth, unsigned keep_per_mille,
			 int64_t now_ms);
/* The same, also through the finalized block: T9. */
uint64_t sim_chain_reorg_final(struct sim_chain *chain, uint64_t depth, unsigned keep_per_mille,
			       int64_t now_ms);
/* The finalized block stands still. */
void sim_chain_finality_stall(struct sim_chain *chain, bool stalls);
/* Wei per gas of the next so many blocks; then it walks home, 5 % a block at most. */
void sim_chain_base_fee_set(struct sim_chain *chain, uint64_t base_fee, uint64_t blocks);
/* Of a thousand transactions that could be in a block, so many are (1000 at first). */
void sim_chain_space_set(struct sim_chain *chain, unsigned per_mille);
/* Somebody else uses the wallet's key: a native payment at the wallet's next nonce, which is in the
 * next block before all others. Forgotten when a reorg comes first. */
void sim_chain_foreign(struct sim_chain *chain, unsigned wallet, struct address to,
		       struct u256 value);

/* ---- the truth, at the head of the canonical chain ---- */

struct sim_block {
	uint64_t number;
	struct hash32 hash;
	struct hash32 parent;
	int64_t time_ms;
	uint64_t base_fee;
	size_t txs_len;
};
uint64_t sim_chain_head(const struct sim_chain *chain);
/* The highest that ever was final; 0 without finality. */
uint64_t sim_chain_finalized(const struct sim_chain *chain);
/* False above the head. */
bool sim_chain_block(const struct sim_chain *chain, uint64_t number, struct sim_block *ret_block);

/* A transaction in a block of the canonical chain. */
struct sim_mined {
	struct hash32 tx_hash;
	struct hash32 block_hash;
	uint64_t block_number;
	uint64_t nonce;
	unsigned wallet; /* that sent it */
	bool success;    /* status 1 */
	bool is_foreign;
	unsigned paid_asset;
	struct address paid_to;
	struct u256 paid; /* what arrived there; zero: it paid nobody */
	bool is_odd;      /* a token with status 1 that does not say what the bytes ask for */
};
/* Who took the nonce. False: nobody yet. O(1). */
bool sim_chain_consumer(const struct sim_chain *chain, unsigned wallet, uint64_t nonce,
			struct sim_mined *ret_mined);
/* False when it is in no block of the canonical chain. O(1) but for reorgs. */
bool sim_chain_mined(const struct sim_chain *chain, struct hash32 tx_hash,
		     struct sim_mined *ret_mined);

struct sim_payments {
	uint64_t count;
	struct u256 sum;
	struct sim_mined newest; /* when count > 0 */
};
/* What an address got from all wallets together. O(1). */
void sim_chain_payments(const struct sim_chain *chain, unsigned asset, struct address to,
			struct sim_payments *ret_payments);
/* Was this payment ever on any branch? For holds and alarms that a reorg explains. */
bool sim_chain_was_mined(const struct sim_chain *chain, struct hash32 tx_hash);

uint64_t sim_chain_nonce(const struct sim_chain *chain, unsigned wallet);
struct u256 sim_chain_balance(const struct sim_chain *chain, unsigned wallet, unsigned asset);
struct u256 sim_chain_fees_paid(const struct sim_chain *chain, unsigned wallet);
/* What came from sim_chain_fund. */
struct u256 sim_chain_funded(const struct sim_chain *chain, unsigned wallet, unsigned asset);

/* How often what happened: a zero where a run wanted more is a failure of the run. */
struct sim_chain_counts {
	uint64_t blocks;
	uint64_t txs_known;
	uint64_t txs_mined;
	uint64_t txs_reverted;
	uint64_t txs_odd; /* status 1, and not what the bytes ask for */
	uint64_t foreign;
	uint64_t reorgs;
	uint64_t reorgs_final;
	uint64_t reorg_deepest;
	uint64_t taken_back;      /* transactions in blocks that a reorg dropped */
	uint64_t replaced;        /* in pools */
	uint64_t evicted;         /* from pools */
	uint64_t sends[13];       /* by enum chain_send_state, over all nodes, gossip not */
	uint64_t answers_refused; /* calls to nodes that are down */
	uint64_t answers_lost;    /* sends that were taken, and not answered */
};
const struct sim_chain_counts *sim_chain_counts(const struct sim_chain *chain);

#endif
