/* The store's part for pause switches (core/control.h): read by all roles, changed by people. The
 * promises of store.h hold.
 */
#ifndef SLUICE_PORT_STORE_CONTROL_H
#define SLUICE_PORT_STORE_CONTROL_H

#include "core/control.h"
#include "port/store_proposal.h"

/* One change of the whole set, with its audit record. */
struct store_control_change {
	uint64_t version;              /* of the set that it was made of; 0: its head was gone */
	const struct control_set *set; /* sealed; borrowed */
	bool resets;                   /* may put a head where there is none */
	const char *action;            /* of the audit record; borrowed */
	const char *detail;            /* JSON; borrowed */
	struct store_proposal_change *ends; /* what asked for it; NULL: nothing did. Not applied:
					       neither is the change */
	bool applied;                       /* result; false: somebody else was first */
};

/* The set as it stands, in one look; whether to believe it is the caller's to judge. */
MUST_CHECK bool store_controls_load(struct store *store, struct control_set *ret_set,
				    struct err *err);
/* What is reserved or signed by an older version is not written any more once this is done. */
MUST_CHECK bool store_controls_change(struct store *store, struct store_control_change *change,
				      const struct store_by *by, struct err *err);

/* The withdrawal under an idempotency key's hash: what was accepted before a pause is answered as
 * ever. */
MUST_CHECK bool store_withdrawal_of_key(struct store *store, const uint8_t key_hash[KEY_HASH_BYTES],
					struct withdrawal *ret_row, bool *ret_found,
					struct err *err);

#endif
