/* One EVM chain, as a port. Calls are synchronous with a deadline of the adapter's configuration;
 * concurrency lives inside a batch. One result per item: a call that fails as a whole gives every
 * item the state "unknown" and says why in `err`.
 *
 * Reads that decide something name one explicit block. Source: Ethereum JSON-RPC (execution-apis).
 */
#ifndef SLUICE_PORT_CHAIN_H
#define SLUICE_PORT_CHAIN_H

#include "base/err.h"
#include "core/abi.h"
#include "core/address.h"
#include "core/amount.h"
#include "core/chain_answer.h"
#include "core/limits.h"
#include "port/chain_code.h"
#include "port/chain_transfer.h"

#include <stddef.h>
#include <stdint.h>

struct chain;

#define CHAIN_BATCH_MAX 128
/* Nodes that are no archives keep the states of so many blocks; geth and bor of 128. */
#define CHAIN_STATE_BLOCKS 120
#define CHAIN_TEXT_LEN     160
#define CHAIN_LOGS_MAX     8

struct chain_head {
	uint64_t number;
	struct hash32 hash;
	struct hash32 parent; /* zero when the node does not tell */
	int64_t time_ms;      /* the block's own timestamp */
	struct wei base_fee;  /* of that block */
	struct wei tip;       /* eth_maxPriorityFeePerGas; zero when the node does not answer it */
	uint64_t gas_limit;   /* of that block */
	bool has_finalized;   /* false: the node does not know `finalized` */
	uint64_t finalized_number;
	struct hash32 finalized_hash;
};

struct chain_call {
	struct address from;
	struct address to;
	struct wei value;
	const uint8_t *data; /* borrowed; NULL when data_len is 0 */
	size_t data_len;
};

struct chain_estimate {
	enum chain_estimate_state state;
	uint64_t gas; /* when OK */
	char text[CHAIN_TEXT_LEN];
};

struct chain_balance_query {
	struct address owner;
	bool is_token;
	struct address token; /* when is_token */
};

struct chain_balance {
	bool known;
	struct u256 units;
};

struct chain_nonce {
	bool known;
	uint64_t count; /* transactions sent: the next nonce */
};

struct chain_send {
	enum chain_send_state state;
	char text[CHAIN_TEXT_LEN];
};

enum chain_receipt_state {
	CHAIN_RECEIPT_FOUND,
	CHAIN_RECEIPT_ABSENT, /* this node, now: proves nothing */
	CHAIN_RECEIPT_UNKNOWN,
};

struct chain_receipt {
	enum chain_receipt_state state;
	bool success; /* status 1 */
	struct hash32 tx_hash;
	struct hash32 block_hash;
	uint64_t block_number;
	uint64_t gas_used;
	struct wei gas_price; /* effective */
	struct address from;
	struct address to; /* zero for a creation */
	struct abi_log logs[CHAIN_LOGS_MAX];
	size_t logs_len; /* as in the receipt; above CHAIN_LOGS_MAX the rest is not kept */
};

enum chain_lookup {
	CHAIN_LOOKUP_PENDING,
	CHAIN_LOOKUP_MINED,
	CHAIN_LOOKUP_ABSENT,
	CHAIN_LOOKUP_UNKNOWN,
};

struct chain_block {
	bool known;
	struct hash32 hash;
	struct hash32 parent; /* zero when the node does not tell */
};

/* A transaction of a block, found by its hash or by who sent it. */
struct chain_wanted {
	struct hash32 tx_hash; /* zero: whichever has this sender and nonce */
	struct address from;
	uint64_t nonce;
};

enum chain_found_state {
	CHAIN_FOUND,
	CHAIN_FOUND_ABSENT, /* this node's block of that number does not hold it */
	CHAIN_FOUND_UNKNOWN,
};

struct chain_found {
	enum chain_found_state state;
	struct hash32 block_hash; /* when FOUND or ABSENT */
	struct hash32 tx_hash;
	struct address from;
	struct address to; /* zero for a creation */
	uint64_t nonce;
	struct wei value;
	size_t data_len; /* bytes of calldata */
	int64_t time_ms; /* the block's own timestamp */
};

/* Blocks that are read whole, or searched for logs, in one call. */
#define CHAIN_SCAN_BLOCKS_MAX 16
#define CHAIN_SCAN_TXS_MAX    512

/* A transaction in a block. */
struct chain_transaction {
	struct address from;
	uint64_t nonce;
	uint64_t block;
	struct hash32 hash;
	uint8_t raw[TX_BYTES_MAX]; /* its signed bytes, which have that hash */
	size_t raw_len;            /* 0: not of the kind that we make (type, access list, length) */
};

#define CHAIN_BLOCK_LATEST  UINT64_MAX
#define CHAIN_BLOCK_PENDING (UINT64_MAX - 1) /* nonces only */

struct chain_ops {
	bool (*identity)(struct chain *chain, uint64_t *ret_chain_id, struct err *err);
	bool (*head)(struct chain *chain, struct chain_head *ret_head, struct err *err);
	bool (*estimate_many)(struct chain *chain, const struct chain_call *calls, size_t n,
			      struct chain_estimate *ret_estimates, struct err *err);
	bool (*balances)(struct chain *chain, uint64_t block,
			 const struct chain_balance_query *queries, size_t n,
			 struct chain_balance *ret_balances, struct err *err);
	bool (*nonces)(struct chain *chain, uint64_t block, const struct address *wallets, size_t n,
		       struct chain_nonce *ret_nonces, struct err *err);
	bool (*codes)(struct chain *chain, const struct address *addresses, size_t n,
		      enum chain_code *ret_codes, struct err *err);
	bool (*decimals)(struct chain *chain, struct address token, unsigned *ret_decimals,
			 struct err *err);
	void (*send_many)(struct chain *chain, const struct str *raw, size_t n,
			  struct chain_send *ret_sends);
	bool (*receipts)(struct chain *chain, const struct hash32 *hashes, size_t n,
			 struct chain_receipt *ret_receipts, struct err *err);
	bool (*lookups)(struct chain *chain, const struct hash32 *hashes, size_t n,
			enum chain_lookup *ret_lookups, struct err *err);
	bool (*blocks)(struct chain *chain, const uint64_t *numbers, size_t n,
		       struct chain_block *ret_blocks, struct err *err);
	bool (*find)(struct chain *chain, uint64_t block, const struct chain_wanted *wanted,
		     struct chain_found *ret_found, struct err *err);
	bool (*transactions)(struct chain *chain, uint64_t first, size_t blocks,
			     const struct address *senders, size_t n,
			     struct chain_transaction *ret_transactions, size_t cap,
			     size_t *ret_len, size_t *ret_blocks, struct err *err);
	bool (*transfers)(struct chain *chain, const struct chain_transfer_query *query,
			  struct chain_transfer *ret_transfers, size_t *ret_len,
			  struct hash32 *ret_last, struct err *err);
	/* Both NULL: the chain is one node. */
	size_t (*nodes_len)(const struct chain *chain);
	bool (*node)(struct chain *chain, size_t index, struct chain **ret_node, struct err *err);
	void (*close)(struct chain *chain);
};

struct chain {
	const struct chain_ops *ops;
	uint64_t failures; /* calls that failed as a whole; counted by port/chain.c */
};

/* n is 1 to CHAIN_BATCH_MAX everywhere. False: nothing could be asked, results are not written. */
MUST_CHECK bool chain_identity(struct chain *chain, uint64_t *ret_chain_id, struct err *err);
MUST_CHECK bool chain_head(struct chain *chain, struct chain_head *ret_head, struct err *err);
MUST_CHECK bool chain_estimate_many(struct chain *chain, const struct chain_call *calls, size_t n,
				    struct chain_estimate *ret_estimates, struct err *err);
/* At one block, or CHAIN_BLOCK_LATEST. */
MUST_CHECK bool chain_balances(struct chain *chain, uint64_t block,
			       const struct chain_balance_query *queries, size_t n,
			       struct chain_balance *ret_balances, struct err *err);
MUST_CHECK bool chain_nonces(struct chain *chain, uint64_t block, const struct address *wallets,
			     size_t n, struct chain_nonce *ret_nonces, struct err *err);
/* What is at an address in the latest block. */
MUST_CHECK bool chain_codes(struct chain *chain, const struct address *addresses, size_t n,
			    enum chain_code *ret_codes, struct err *err);
MUST_CHECK bool chain_decimals(struct chain *chain, struct address token, unsigned *ret_decimals,
			       struct err *err);
/* Sends n raw transactions in order. Never fails as a whole: what is not known is UNKNOWN. */
void chain_send_many(struct chain *chain, const struct str *raw, size_t n,
		     struct chain_send *ret_sends);
MUST_CHECK bool chain_receipts(struct chain *chain, const struct hash32 *hashes, size_t n,
			       struct chain_receipt *ret_receipts, struct err *err);
/* Does this node know the transaction at all? */
MUST_CHECK bool chain_lookups(struct chain *chain, const struct hash32 *hashes, size_t n,
			      enum chain_lookup *ret_lookups, struct err *err);
/* Canonical hashes at heights, with those of their parents. */
MUST_CHECK bool chain_blocks(struct chain *chain, const uint64_t *numbers, size_t n,
			     struct chain_block *ret_blocks, struct err *err);
/* Looks through one block, with all its transactions: for what is rare. */
MUST_CHECK bool chain_find(struct chain *chain, uint64_t block, const struct chain_wanted *wanted,
			   struct chain_found *ret_found, struct err *err);
/* The transactions of these senders in the canonical blocks from `first` on, in their order.
 * blocks: 1 to CHAIN_SCAN_BLOCKS_MAX. ret_blocks: how many of them were read, all of whose are
 * there; fewer when the rest does not fit cap, or the node does not have them yet. */
MUST_CHECK bool chain_transactions(struct chain *chain, uint64_t first, size_t blocks,
				   const struct address *senders, size_t n,
				   struct chain_transaction *ret_transactions, size_t cap,
				   size_t *ret_len, size_t *ret_blocks, struct err *err);
/* The Transfer logs of more than nothing that a query asks for, in the canonical blocks, in their
 * order: up to CHAIN_TRANSFERS_MAX. ret_last: the hash that the node has for the last block, so
 * that it is known of which chain it spoke. REFUSED when there are more: ask for fewer blocks, or
 * fewer wallets. NOT_DONE also when the node does not have the last block. */
MUST_CHECK bool chain_transfers(struct chain *chain, const struct chain_transfer_query *query,
				struct chain_transfer *ret_transfers, size_t *ret_len,
				struct hash32 *ret_last, struct err *err);
/* So many nodes have to say the same, where there are as many. */
#define CHAIN_NODES_AGREE_MIN 2
/* The nodes behind the chain, for what must not hang on the word of one; at least 1. */
size_t chain_nodes_len(const struct chain *chain);
/* How many of them have to say the same: CHAIN_NODES_AGREE_MIN, or the only one. */
size_t chain_nodes_needed(const struct chain *chain);
/* One of them, borrowed, once it has proved to be of the chain. */
MUST_CHECK bool chain_node(struct chain *chain, size_t index, struct chain **ret_node,
			   struct err *err);
void chain_close(struct chain *chain); /* accepts NULL */

#endif
