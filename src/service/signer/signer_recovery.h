/* What recover.c and scan.c share. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_RECOVERY_H
#define SLUICE_SERVICE_SIGNER_SIGNER_RECOVERY_H

#include "service/signer/signer_recover.h"
#include "service/signer/signer_trust.h"

/* How far the blocks of a chain were read. */
struct scan {
	bool begun;
	bool reached;        /* the head, once */
	uint64_t low;        /* where it began */
	uint64_t next;       /* to be read */
	uint64_t step;       /* by which it begins lower the next time */
	uint64_t reached_at; /* head when it was reached last */
};

struct recovery {
	struct scan scans[CHAINS_MAX];
	struct chain_transaction transactions[CHAIN_SCAN_TXS_MAX];
	uint64_t imported;
	uint64_t block;
	uint64_t block_head;
	struct id bind_after;
	bool bind_moved;
	struct signer_stranger strangers[STRANGERS_MAX];
	size_t strangers_len;
	/* A lost journal: the slots of each wallet that are written anew. */
	uint64_t rebuilt_to[WALLETS_MAX];
	uint64_t rebuild_end[WALLETS_MAX];
};

void signer_recovery_init(struct signer *self);
void signer_recovery_deinit(struct signer *self);
/* wallet.c: is it stopped because the store is an old one? */
bool signer_wallet_recovers(const struct signer_wallet *wallet);
/* Takes the next n nonces for self-transfers. */
MUST_CHECK bool signer_fillers_reserve(struct signer *self, struct signer_wallet *wallet, size_t n,
				       struct err *err);
/* Reads on. ret_scanned: all chains were read up to their heads, at least once. */
MUST_CHECK bool signer_scan(struct signer *self, bool *ret_scanned, bool *ret_worked,
			    struct err *err);
/* wallet.c: does the store hold signed slots from `journaled` on, which the journal lacks? */
MUST_CHECK bool signer_journal_lacks(struct signer *self, const struct signer_wallet *wallet,
				     uint64_t journaled, bool *ret_lacks, struct err *err);

#endif
