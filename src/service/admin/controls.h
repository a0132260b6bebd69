/* Pause switches, in the store, by people who run Sluice. */
#ifndef SLUICE_SERVICE_ADMIN_CONTROLS_H
#define SLUICE_SERVICE_ADMIN_CONTROLS_H

#include "port/store_control.h"

struct admin_controls {
	struct store *store; /* all borrowed */
	const struct mac_keys *keys;
	const char *who; /* for switch and audit */
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
/* REFUSED: it is not paused; or as above. */
MUST_CHECK bool admin_controls_unpause(const struct admin_controls *admin,
				       const struct admin_control_wish *wish, int64_t now_ms,
				       struct control_set *ret_set, struct err *err);

#endif
