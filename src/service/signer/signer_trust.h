/* What the signer asks before money moves: who wrote this row, is the right to be paid still there,
 * what became of the round before, do the limits allow it. Answers are reasons: NULL is yes. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_TRUST_H
#define SLUICE_SERVICE_SIGNER_SIGNER_TRUST_H

#include "service/signer/signer_parts.h"

/* trust.c */
/* Is the row exactly what API and processor granted? NULL, or why not (a held_reason). */
const char *signer_row_distrust(const struct signer *self, const struct withdrawal *row);
/* The same for a slot that is to pay the row (NULL: there is none). */
const char *signer_slot_distrust(const struct signer *self, const struct signer_wallet *wallet,
				 const struct transfer *slot, const struct withdrawal *row);
/* The rights that the journal holds under a row's id or pay tag. */
MUST_CHECK bool signer_rights_load(struct signer *self, const struct withdrawal *row,
				   struct journal_right ret_rights[ATTEMPTS_MAX], size_t *ret_len,
				   struct err *err);
/* Under which name a row's rights stand. */
void signer_row_name(const struct signer *self, const struct withdrawal *row,
		     struct journal_name *ret_name);

/* names.c */
/* As journal_rights_of; what the batch's look found to have none is not asked again. */
MUST_CHECK bool signer_rights_under(struct signer *self, const struct journal_name *name,
				    struct journal_right *ret_rights, size_t cap, size_t *ret_len,
				    struct err *err);
/* Looks for the names of the first n rows that are queued; until it is forgotten. */
void signer_names_look(struct signer *self, size_t n);
void signer_names_forget(struct signer *self);

/* What the journal says of a queued row (*ret_distrust: NULL, or why it may not be paid), and of an
 * assigned one with its slot. A void is no distrust: it ends the row. */
MUST_CHECK bool signer_queued_judge(struct signer *self, const struct withdrawal *row,
				    const char **ret_distrust, struct err *err);
MUST_CHECK bool signer_rights_judge(struct signer *self, const struct transfer *slot,
				    const struct withdrawal *row, const char **ret_distrust,
				    struct err *err);
/* The right of a slot's round; row: believed. */
void signer_right_fill(const struct signer *self, const struct transfer *slot,
		       const struct withdrawal *row, const struct journal_slot *key,
		       struct journal_right *ret_right);
/* A distrust: the withdrawal was ended, by another signer or in another life. */
#define RIGHT_IS_VOID "right_is_void"
/* *ret_signed: its amount needs no approver's signature, or has one. */
MUST_CHECK bool signer_signature_look(struct signer *self, const struct withdrawal *row,
				      bool *ret_signed, struct err *err);
/* Is the right of the slot's round there to be spent on this slot? *ret_distrust: NULL, or why not.
 * *ret_spent: it was already, on this very slot. *ret_wait: not yet, the round before is not proved
 * unpaid. */
MUST_CHECK bool signer_slot_may_pay(struct signer *self, const struct transfer *slot,
				    const struct withdrawal *row, const char **ret_distrust,
				    bool *ret_spent, bool *ret_wait, struct err *err);
/* Does a slot's self-transfer spend the right of its round? Only of a row (NULL: none is believed)
 * that is bound to it, and where the slot might pay: whoever writes rows gives no right away, and
 * puts no round behind one that was paid. The nonce is filled all the same; people say then what
 * became of the round. *ret_wait: not yet. */
MUST_CHECK bool signer_slot_may_end(struct signer *self, const struct transfer *slot,
				    const struct withdrawal *row, bool *ret_may, bool *ret_wait,
				    struct err *err);
/* Stored bytes that hash to the stored hash, and what they say. */
bool signer_attempt_read(const struct attempt *attempt, struct tx *ret_tx,
			 struct tx_signature *ret_signature);
/* Has the wallet signed them, for this nonce? Then also: do they pay somebody? */
bool signer_attempt_is_signed(const struct signer *self, const struct signer_wallet *wallet,
			      uint64_t nonce, const struct attempt *attempt, struct tx *ret_tx,
			      bool *ret_pays);
/* What stored bytes are. */
struct attempt_word {
	bool ours;     /* the wallet's own transaction of this slot, as journaled; then: */
	bool pays;     /* the payload, not a cancellation */
	bool canceled; /* the journal has a cancellation of the slot: it signs nothing else any more
			*/
};
MUST_CHECK bool signer_attempt_judge(struct signer *self, const struct signer_wallet *wallet,
				     const struct transfer *slot, const struct attempt *attempt,
				     struct tx *ret_tx, struct attempt_word *ret_word,
				     struct err *err);

/* Which of the n attempts in self->attempts goes out again: the newest; of a completed row, unless
 * people said that something else paid it, the newest that pays. */
MUST_CHECK bool signer_attempt_choose(struct signer *self, const struct withdrawal *row,
				      const struct transfer *slot, size_t n, size_t *ret_chosen,
				      struct err *err);

/* limits.c */
/* Hour and day limits of a wallet for one more payment. *ret_reason: NULL, or what it waits for. */
MUST_CHECK bool signer_limit_judge(struct signer *self, const struct signer_wallet *wallet,
				   const struct asset *asset, struct amount amount,
				   const char **ret_reason, struct err *err);
/* Counts a payment that was chosen, or no longer one that was given up. */
void signer_limit_take(struct signer *self, const struct signer_wallet *wallet,
		       const struct asset *asset, struct amount amount);
void signer_limit_give_back(struct signer *self, const struct signer_wallet *wallet,
			    const struct asset *asset, struct amount amount);

/* adopt.c */
/* A queued row whose round the journal has as spent by `right`. *ret_answered false: nothing
 * explains it but an editor. */
MUST_CHECK bool signer_adopt(struct signer *self, const struct withdrawal *row,
			     const struct journal_right *right, const struct message_ack *ack,
			     bool *ret_answered, struct err *err);
/* The store's row of a journaled slot. */
MUST_CHECK bool signer_slot_load(struct signer *self, const struct journal_slot *slot,
				 struct transfer *ret_transfer, bool *ret_found, struct err *err);

/* ending.c */
/* The chain's own word, read by the signer, about a round of a withdrawal and all before it: what
 * became of the slots that the journal names. UNPAID: none of them paid. */
enum round_verdict {
	ROUND_UNPROVEN = 1, /* nothing is certain yet */
	ROUND_UNPAID = 2,   /* reverted, or our cancellation: deep and finalized */
	ROUND_PAID = 3,     /* whatever the rows say */
	ROUND_LOST = 4,     /* rows that must be there are missing, or not ours */
};
MUST_CHECK bool signer_round_judge(struct signer *self, const struct withdrawal *row,
				   uint32_t round, enum round_verdict *ret_verdict,
				   struct err *err);
/* Is the block as deep as "unpaid" asks for, and finalized? */
bool signer_is_deep(const struct chain_params *params, const struct chain_head *head,
		    uint64_t block);
/* Are the blocks that a verdict hangs on the canonical ones of the same node? */
MUST_CHECK bool signer_view_agrees(struct chain *node, const struct chain_head *head,
				   const struct chain_receipt *receipt, bool *ret_agrees,
				   struct err *err);
/* How many nodes have to say the same: two, where there are two. */
size_t signer_nodes_needed(const struct chain *chain);
MUST_CHECK bool signer_void_append(struct signer *self, const struct withdrawal *row,
				   uint32_t round, enum withdrawal_stage to, enum refusal refusal,
				   enum journal_verdict *ret_verdict, struct err *err);
/* A held_reason for the last two, else NULL. */
const char *signer_round_distrust(enum round_verdict verdict);

/* verify.c */
/* Which of the collected works may go on; drops the others, and turns what must not be paid any
 * more into its self-transfer. */
MUST_CHECK bool signer_works_verify(struct signer *self, struct err *err);
/* Slot, attempts, journal and withdrawal are read one after the other. Before a person is called
 * the slot is read once more: if it has moved since, by the hand of another owner, then what looked
 * wrong was torn, and this step drops the slot. */
MUST_CHECK bool signer_work_drop_if_torn(struct signer *self, struct slot_work *work,
					 struct err *err);
/* A reserved slot of the batch turns into its self-transfer, and goes on as that. */
MUST_CHECK bool signer_work_turn_cancel(struct signer *self, struct slot_work *work,
					const char *reason, struct err *err);
/* The next attempt of a slot that may be out pays nobody; from the fees of the newest one. */
void signer_work_cancel_sent(const struct signer *self, struct slot_work *work);
/* The most gas of a payout of the asset (NULL: of a self-transfer). */
uint64_t signer_gas_ceiling(const struct catalogue *catalogue, size_t chain,
			    const struct asset *asset);
uint64_t signer_work_gas_limit(const struct signer *self, const struct slot_work *work);

/* price.c */
/* Gas limit and fees of all that will be signed; what cannot have them now is dropped, what can
 * never have them turns into its self-transfer. */
MUST_CHECK bool signer_works_price(struct signer *self, struct err *err);

/* reserve.c */
enum blame {
	BLAME_NOBODY = 1,   /* it does not revert any more */
	BLAME_RECEIVER = 2, /* the same amount goes to the wallet itself */
	BLAME_ASSET = 3,    /* it does not: paused, or the wallet is blocked */
	BLAME_UNKNOWN = 4,
};
/* A payout that reverts: who is to blame, now? All configured nodes have to say so; whatever one of
 * them does not know, or is away for, blames nobody. */
enum blame signer_revert_judge(struct signer *self, const struct signer_wallet *wallet,
			       const struct transfer *transfer);

#endif
