/* What one person says about a withdrawal that a rule asks people about. */
#ifndef SLUICE_SERVICE_ADMIN_APPROVALS_H
#define SLUICE_SERVICE_ADMIN_APPROVALS_H

#include "service/admin/actor.h"

struct admin_approvals {
	struct store *store; /* borrowed */
	const struct catalogue *catalogue;
	const struct mac_keys *policy_keys;
	struct admin_actor by; /* has an id */
};

struct admin_word {
	struct id withdrawal;
	enum vote_verdict verdict;
	struct hash32 digest; /* of what the person was shown */
	bool is_signed;
	uint8_t signature[ED25519_SIGNATURE_BYTES];
};

/* Is it a withdrawal that people are asked about now? */
bool admin_is_asked(const struct withdrawal *row);
/* Writes it, and wakes the processor; saying the same twice is saying it once. *ret_row: as it was
 * judged. REFUSED with a code: "withdrawal_unknown", "not_asked", "digest_differs",
 * "initiator_forbidden", "said_otherwise", "approvals_full", "signature_invalid",
 * "changed_meanwhile". */
MUST_CHECK bool admin_word_say(const struct admin_approvals *admin, const struct admin_word *word,
			       int64_t now_ms, struct withdrawal *ret_row, struct err *err);

#endif
