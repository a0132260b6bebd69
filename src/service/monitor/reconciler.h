/* Compares what the chain says that our wallets did in some blocks with what the store says: every
 * mined nonce has one slot and the reverse, every token that left is a slot's payment and the
 * reverse, and native payments are the transactions of their slots. Used by the monitor, all the
 * time, and by `sluice reconcile`. It writes nothing. */
#ifndef SLUICE_SERVICE_MONITOR_RECONCILER_H
#define SLUICE_SERVICE_MONITOR_RECONCILER_H

#include "core/catalogue.h"
#include "port/chain.h"
#include "port/store_transfer.h"

#define DIFFERENCES_MAX    64
#define DIFFERENCE_LEN     160
#define RECONCILE_ROWS     64
#define RECONCILE_NO_NONCE UINT64_MAX

/* How far the monitor is with a chain. */
struct reconcile_cursor {
	bool loaded;
	int64_t at;       /* monotonic: when it goes on */
	uint64_t block;   /* compared up to here; */
	uint64_t written; /* as the store has it */
	uint64_t span;    /* blocks at a time */
	bool stands;      /* the window cannot be compared, */
	int64_t since;    /* monotonic: from here on; */
	bool told;        /* and a person knows */
	unsigned doubts;  /* heads in a row at which something differed */
	struct hash32 doubted_by;
};

struct reconcile_difference {
	int64_t wallet_id;
	struct address wallet;
	uint64_t nonce;            /* RECONCILE_NO_NONCE: no slot explains it */
	struct hash32 tx_hash;     /* zero: there is none */
	char text[DIFFERENCE_LEN]; /* what the chain says, and what the store says */
};

/* What left the wallets, by asset of the catalogue. */
struct reconcile_sum {
	struct amount chain;
	struct amount store;
};

struct reconciler {
	struct store *store; /* all borrowed */
	struct chain *client;
	const struct catalogue *catalogue;
	size_t chain;                 /* index into the catalogue */
	const struct wallet *wallets; /* all that the store knows */
	size_t wallets_len;
	/* Results: of one window, or added up over several. */
	struct reconcile_difference differences[DIFFERENCES_MAX];
	size_t differences_len;
	uint64_t differences_all; /* also those that are not kept: each wallet has one at least */
	uint64_t slots;           /* compared */
	struct reconcile_sum sums[ASSETS_MAX];
	/* Storage. */
	struct chain_transfer logs[CHAIN_TRANSFERS_MAX];
	bool log_is_explained[CHAIN_TRANSFERS_MAX];
	size_t logs_len;
	struct transfer rows[RECONCILE_ROWS];
	struct attempt attempts[ATTEMPTS_MAX];
};

/* Blocks first to last, all of whose slots are final or held. ret_last: the hash of the last one,
 * as the node has it that answered. Adds to the results. REFUSED: too much for one window, ask for
 * less; of one block each wallet is asked for by itself. */
MUST_CHECK bool reconciler_compare(struct reconciler *self, uint64_t first, uint64_t last,
				   struct hash32 *ret_last, struct err *err);
/* The wallets' nonces at a block, of which nodes still have the state: below them all slots are
 * mined by then, above them none. */
MUST_CHECK bool reconciler_compare_nonces(struct reconciler *self, uint64_t block, struct err *err);

#endif
