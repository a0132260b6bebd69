/* Pause switches, in the store, by people who run Sluice. */
#ifndef SLUICE_SERVICE_ADMIN_CONTROLS_H
#define SLUICE_SERVICE_ADMIN_CONTROLS_H

#include "port/store_control.h"
#include "service/admin/proposals.h"

struct admin_controls {
	struct store *store; /* all borrowed */
	const struct mac_keys *keys;
	struct admin_actor by;
	struct entropy *entropy;              /* of proposals, as the next one; or NULL */
	const struct mac_keys *identity_keys; /* seal them */
};

/* What a person wants of one switch. */
struct admin_control_wish {
	enum control_scope scope;
	const char *name; /* as it is typed; "" for CONTROL_ALL */
	unsigned stops;
	const char *reason; /* 1 to CONTROL_REASON_LEN_MAX bytes of UTF-8, no control characters */
};

/* The switches as they are, and whether they are what people set. Whether they are the newest ones
 * only the signer knows. */
MUST_CHECK bool admin_controls_list(const struct admin_controls *admin, int64_t now_ms,
				    struct control_set *ret_set, bool *ret_sealed, struct err *err);
/* REFUSED: it is paused so already; there is no room; the switches are not what people set. With
 * resets the last is no reason: the wish is to pause all, what else is believed stays, and what is
 * not goes; the set begins anew, and signers that doubted it believe it. */
MUST_CHECK bool admin_controls_pause(const struct admin_controls *admin,
				     const struct admin_control_wish *wish, bool resets,
				     int64_t now_ms, struct control_set *ret_set, struct err *err);
/* REFUSED: it is not paused; or as above. is_alone: although it takes two people, which the audit
 * tells. */
MUST_CHECK bool admin_controls_unpause(const struct admin_controls *admin,
				       const struct admin_control_wish *wish, bool is_alone,
				       int64_t now_ms, struct control_set *ret_set,
				       struct err *err);
/* The same in two steps, by two people. REFUSED also when the switches have changed in between, in
 * whatever: what was looked at is not what would be lifted. ret_done false: one more has to
 * confirm, since who proposed it is nobody who can be told apart. */
MUST_CHECK bool admin_controls_propose(const struct admin_controls *admin,
				       const struct admin_control_wish *wish, int64_t now_ms,
				       struct store_proposal *ret_proposal, struct err *err);
MUST_CHECK bool admin_controls_confirm(const struct admin_controls *admin, struct id proposal,
				       int64_t now_ms, struct control_set *ret_set, bool *ret_done,
				       struct err *err);
/* Of what a proposal is made: the last change of the switch that it would lift, or the last new
 * beginning of all. 0: there is no such switch. */
uint64_t admin_control_version(const struct control_set *set, const struct control *row);
/* What a proposal would lift; `row` keeps its texts. False for a text that nobody proposed. */
MUST_CHECK bool admin_control_wish_read(struct str text, struct control *ret_row);
struct admin_proposals admin_controls_proposals(const struct admin_controls *admin);

#endif
