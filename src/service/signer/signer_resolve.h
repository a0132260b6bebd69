/* What the files of resolve share. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_RESOLVE_H
#define SLUICE_SERVICE_SIGNER_SIGNER_RESOLVE_H

#include "core/resolve.h"
#include "service/signer/signer_trust.h"

/* A case as it stands, and what two people said of it. */
struct work_case {
	struct decision decision;
	const char *people[2];
	bool has_row;
	struct withdrawal row;
	bool has_slot;
	struct transfer slot;
	struct signer_wallet *wallet; /* of the slot; without one, of the earlier slot */
	/* Another slot of the withdrawal, final by the transaction that people name. */
	bool has_earlier;
	struct transfer earlier;
	/* Or, in `earlier`, a slot of the same request in a store that was lost: the row is bound
	 * to it as its round. */
	bool binds;
};

/* resolve.c */
MUST_CHECK bool signer_resolve(struct signer *self, struct err *err);
/* Writes the end of a case, with its event and the two people in the audit. code: of a refusal, or
 * of an unpaid end; NULL otherwise. */
MUST_CHECK bool signer_case_end(struct signer *self, const struct work_case *work,
				enum store_resolve act, const char *code, struct err *err);

/* resolve_look.c */
struct tx_look {
	enum resolve_seen seen;
	bool by_all; /* every node says so */
	struct chain_receipt receipt;
	struct chain_found found;
};

/* Two nodes agree on it, where there are two, and none contradicts. "In no block" is what all say.
 */
MUST_CHECK bool signer_tx_look(struct signer *self, size_t chain, struct hash32 hash,
			       struct tx_look *ret_look, struct err *err);
/* What a transaction that is final did for the withdrawal, sent by this wallet. */
enum resolve_payment signer_payment_of(const struct work_case *work, struct address wallet,
				       const struct tx_look *look);
/* What balances before and after its block say, where no log does. */
MUST_CHECK bool signer_moved_look(struct signer *self, const struct work_case *work,
				  const struct tx_look *look, enum resolve_moved *ret_moved,
				  struct err *err);

/* resolve_hold.c */
MUST_CHECK bool signer_hold_resolve(struct signer *self, const struct work_case *work,
				    struct err *err);
/* What the chain says of a slot that is over, whose row is believed, and of what people named. */
MUST_CHECK bool signer_slot_facts(struct signer *self, const struct work_case *work,
				  struct resolve_facts *ret_facts, struct err *err);

/* resolve_spent.c */
/* *ret_answered false: no right of the row's round is spent on a slot without a withdrawal. */
MUST_CHECK bool signer_spent_resolve(struct signer *self, const struct work_case *work,
				     bool *ret_answered, struct err *err);

/* resolve_back.c */
MUST_CHECK bool signer_back_resolve(struct signer *self, const struct work_case *work,
				    struct err *err);
/* What became of it, and is not what the client was told. */
MUST_CHECK bool signer_otherwise_resolve(struct signer *self, const struct work_case *work,
					 struct err *err);

#endif
