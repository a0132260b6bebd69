/* What recover.c and scan.c share. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_RECOVERY_H
#define SLUICE_SERVICE_SIGNER_SIGNER_RECOVERY_H

#include "service/signer/signer_recover.h"
#include "service/signer/signer_trust.h"

/* What people can do beside a journal that is not the one that lived. */
#define LOST_ADVICE "put back the one that lived, or see --journal-lost"

/* How far the blocks of a chain were read. */
struct scan {
	bool begun;
	bool reached;        /* the head, once */
	uint64_t low;        /* where it began */
	uint64_t since;      /* where it began first: below is what was before the backup */
	uint64_t next;       /* to be read */
	uint64_t step;       /* by which it begins lower the next time */
	uint64_t reached_at; /* head when it was reached last */
};

/* Which slot of a wallet was looked at last. */
struct slot_place {
	bool any;
	uint64_t block;
	uint64_t nonce;
};

struct recovery {
	struct scan scans[CHAINS_MAX];
	struct chain_transaction transactions[CHAIN_SCAN_TXS_MAX];
	uint64_t imported;
	uint64_t block;
	uint64_t block_head;
	struct id bind_after;
	bool bind_moved;
	struct slot_place foreign[WALLETS_MAX]; /* that ended with a stranger's transaction */
	struct slot_place unbound[WALLETS_MAX]; /* that paid, and have no withdrawal */
	struct signer_stranger strangers[STRANGERS_MAX];
	size_t strangers_len;
	bool targeted[WALLETS_MAX]; /* by this run */
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
/* What makes a transaction an attempt of its slot. ret_ours false: it is none, by its signature or
 * by the journal. */
MUST_CHECK bool signer_import_fill(struct signer *self, const struct signer_wallet *wallet,
				   const struct transfer *slot,
				   const struct chain_transaction *transaction,
				   struct store_import *ret_import, bool *ret_ours,
				   struct err *err);
/* Ended as a stranger's, by a monitor that had seen the transaction first: such a block is read
 * again, whatever was read of its number before, and the transaction judged like all others.
 * *ret_settled, when it is true, becomes whether none is left. */
MUST_CHECK bool signer_foreign_read(struct signer *self, bool *ret_settled, struct err *err);

/* adopt.c */
/* All is bound that can be. Payouts of which the store does not know the withdrawals are told to
 * the journal (signer_payout_tell), some of them per call. */
MUST_CHECK bool signer_unbound_tell(struct signer *self, bool *ret_done, struct err *err);

/* old_journal.c */
/* The next nonce of a wallet, by whichever node has seen most of it; what waits in a pool was
 * signed as well. NOT_DONE when fewer nodes answer than have to agree. */
MUST_CHECK bool signer_nonce_seen(struct signer *self, const struct signer_wallet *wallet,
				  uint64_t block, uint64_t *ret_next, struct err *err);
/* What as many nodes as have to agree say of a wallet's next nonce, at least: by their blocks, and
 * with what waits in their pools. NOT_DONE as above. */
MUST_CHECK bool signer_nonces_agreed(struct signer *self, const struct signer_wallet *wallet,
				     uint64_t *ret_latest, uint64_t *ret_pending, struct err *err);
/* The time of the newest block that any node of any chain has. NOT_DONE as above. */
MUST_CHECK bool signer_head_time_seen(struct signer *self, int64_t *ret_ms, struct err *err);
/* REFUSED: the journal lacks nonces of the wallet that the chain or the store has. */
MUST_CHECK bool signer_journal_check(struct signer *self, const struct signer_wallet *wallet,
				     struct err *err);
/* A wallet that neither store nor journal knows: what it used before the backup is not Sluice's,
 * and since then it has sent nothing. Its blocks are read like those of the others. */
bool signer_entry_is_open(const struct signer_wallet *wallet);
/* Such a one has sent: it enters at nonce 0 where people said that the journal does not know all,
 * and its chain is read again; otherwise REFUSED. */
MUST_CHECK bool signer_entry_sent(struct signer *self, struct signer_wallet *wallet, uint64_t nonce,
				  struct err *err);
/* The same for what waits in a pool. To be asked until all is over. */
MUST_CHECK bool signer_entries_look(struct signer *self, struct err *err);
/* A transaction that is none of its slot's, as far as the journal says. REFUSED: nor has the
 * journal any payment there, so that it may be an old one. */
MUST_CHECK bool signer_found_check(struct signer *self, const struct signer_wallet *wallet,
				   const struct chain_transaction *transaction, struct err *err);
/* wallet.c: does the store hold signed slots from `journaled` on, which the journal lacks? */
MUST_CHECK bool signer_journal_lacks(struct signer *self, const struct signer_wallet *wallet,
				     uint64_t journaled, bool *ret_lacks, struct err *err);

#endif
