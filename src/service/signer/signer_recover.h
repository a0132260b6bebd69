/* After a restore: the signer brings a store that is older than the chain and the journal up to
 * them, before anything is paid from it (doc/protocol.md, "Backup and restore").
 *
 * A signer that was made with options.recovers takes no wake-ups and pays nobody. Between its steps
 * the caller steps a monitor, which writes what became of the slots. All is in rows: a process that
 * is killed in the middle goes on where it was. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_RECOVER_H
#define SLUICE_SERVICE_SIGNER_SIGNER_RECOVER_H

#include "service/signer/signer.h"

/* A transaction of a wallet that the journal does not know: none of ours. */
struct signer_stranger {
	struct address wallet;
	uint64_t nonce;
	struct hash32 tx_hash;
};
#define STRANGERS_MAX 32

enum signer_recovery_phase {
	RECOVERY_READING, /* blocks since the backup: the caller steps no monitor yet */
	RECOVERY_SLOTS,   /* slots are imported, filled, waited for until they are final */
	RECOVERY_BINDING, /* withdrawals are bound to what paid them */
	RECOVERY_DONE,    /* people may unpause */
};

/* How far it is: of this store, not of this process. */
struct signer_recovery {
	enum signer_recovery_phase phase;
	size_t wallets;      /* that have yet to recover */
	uint64_t slots_todo; /* nonces that have no slot yet */
	uint64_t in_flight;  /* slots that no block has */
	uint64_t imported;   /* transactions found by this process */
	uint64_t bound;      /* withdrawals bound by this process */
	uint64_t block;      /* read up to here; of the first chain that is still read */
	uint64_t block_head;
	struct signer_stranger strangers[STRANGERS_MAX];
	size_t strangers_len;
};

/* Are all wallets ours by now? Leases are taken as far as they are free. */
MUST_CHECK bool signer_recover_owns(struct signer *signer, bool *ret_owns, struct err *err);
/* Can this store be brought up to date? REFUSED: somebody else has a wallet; the journal is lost,
 * or lacks what the chain or the store knows. Begins a recovery where the journal is ahead of a
 * store that was replaced by hand. */
MUST_CHECK bool signer_recover_begin(struct signer *signer, struct err *err);
/* One bounded step. ret_worked: there may be more at once. */
MUST_CHECK bool signer_recover_step(struct signer *signer, struct signer_recovery *ret_recovery,
				    bool *ret_worked, struct err *err);

#endif
