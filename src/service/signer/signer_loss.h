/* What is left to decide when the journal was lost, or somebody else has used a wallet: payouts
 * that the chain has and whose withdrawals nobody knows, and withdrawals of which nobody knows
 * whether they were paid (doc/protocol.md, "A lost journal"). All of it stands in the journal. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_LOSS_H
#define SLUICE_SERVICE_SIGNER_SIGNER_LOSS_H

#include "port/store_recover.h"
#include "service/signer/signer_trust.h"

/* loss.c */
/* Losses that a journal can have; after the last one everything needs people for good. */
#define LOSSES_MAX 64
/* Was the loss of this life of the store marked? Whatever the clocks say. */
MUST_CHECK bool signer_loss_is_marked(struct signer *self, const struct store_incarnation *life,
				      bool *ret_marked, struct err *err);
/* Whatever was accepted until now may have been paid, canceled or refused by a journal that is
 * gone. Needed once per loss. chain_ms: the newest block's time, which bounds what a clock that is
 * ahead says. */
MUST_CHECK bool signer_loss_mark(struct signer *self, const struct store_incarnation *life,
				 int64_t chain_ms, struct err *err);
/* What is remembered of losses is of one batch: the next one looks again. */
void signer_loss_forget(struct signer *self);
/* The name of payouts that pay exactly what a row asks for, and whose withdrawals nobody knows. */
void signer_payout_name(const struct signer *self, const struct withdrawal *row,
			struct journal_name *ret_name);
/* Does the row need people before it is paid, canceled or refused? *ret_hold: NULL, or the reason:
 * it is older than a loss, or equals (asset, receiver, amount) a payout whose withdrawal is not
 * known. What two people have released does not, until the journal is lost again or another such
 * payout is found. */
MUST_CHECK bool signer_loss_judge(struct signer *self, const struct withdrawal *row,
				  const char **ret_hold, struct err *err);
/* Two people say that the row was not paid: it goes on, if the above is what it is held for.
 * another: a transaction of which they say that it paid another one; or zero. *ret_may false: some
 * payout of exactly this is nobody's, and `another` is none of those. */
MUST_CHECK bool signer_loss_release(struct signer *self, const struct withdrawal *row,
				    struct hash32 another, bool *ret_may, struct err *err);
/* Writes a payment that the chain has, and nobody knows whose, into the journal. payload: what it
 * pays, with the slot's chain, wallet and nonce. kind: JOURNAL_PAY, which becomes JOURNAL_FOREIGN
 * where the slot's rows do not allow it; or JOURNAL_FOREIGN. */
MUST_CHECK bool signer_payout_add(struct signer *self, const struct transfer *payload,
				  enum journal_kind kind, struct hash32 tx_hash, struct err *err);
/* The same for a slot of a restored store that has paid and has no withdrawal, whoever the journal
 * knows it to be of: who asks for exactly that under another key needs people. Told once, as long
 * as nobody has it. */
MUST_CHECK bool signer_payout_tell(struct signer *self, const struct transfer *slot,
				   struct err *err);
/* The slot is about to have a withdrawal, this one: for it nobody is called any more. */
MUST_CHECK bool signer_payout_close(struct signer *self, const struct withdrawal *row,
				    const struct transfer *slot, struct err *err);
/* The slot of this transaction, if it is such a payout, and of exactly what the row asks for;
 * whether it was claimed or not. */
MUST_CHECK bool signer_payout_find(struct signer *self, const struct withdrawal *row,
				   struct hash32 tx_hash, struct transfer *ret_slot,
				   bool *ret_found, struct err *err);
/* Two people say that this transaction of the slot paid the row: the right of its round is spent on
 * it. DIFFERENT: it paid another one, or the right is gone. */
MUST_CHECK bool signer_payout_claim(struct signer *self, const struct withdrawal *row,
				    const struct transfer *slot, struct hash32 tx_hash,
				    enum journal_verdict *ret_verdict, struct err *err);
/* Is all that the journal has of the wallet from the store's next nonce on, below `to`, a
 * stranger's, or a payout without a withdrawal? Then the store is no old one: it waits for the
 * slots of what was found on the chain (unknown.c). */
MUST_CHECK bool signer_payouts_told(struct signer *self, const struct signer_wallet *wallet,
				    uint64_t to, bool *ret_told, struct err *err);

/* rebuild.c, of a recovery */
/* Slots of the store whose bytes the wallet has signed go into a journal that was lost, some of
 * them per call. */
MUST_CHECK bool signer_rebuild(struct signer *self, bool *ret_rebuilt, struct err *err);
/* A transaction of a wallet that a block has and the journal does not know. */
MUST_CHECK bool signer_found_journal(struct signer *self, const struct signer_wallet *wallet,
				     const struct transfer *slot, const struct attempt *attempt,
				     struct err *err);

#endif
