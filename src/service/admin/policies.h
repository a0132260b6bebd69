/* The policy, for people who run Sluice: checked, put in force, shown. Knows neither terminal nor
 * HTTP. Source: doc/policy.md. */
#ifndef SLUICE_SERVICE_ADMIN_POLICIES_H
#define SLUICE_SERVICE_ADMIN_POLICIES_H

#include "port/store_policy.h"
#include "service/admin/proposals.h"

struct admin_policies {
	struct store *store; /* all borrowed; NULL where only a document is checked */
	const struct catalogue *catalogue;
	const struct mac_keys *policy_keys;
	struct admin_actor by;
	struct entropy *entropy;              /* of proposals, as the next one; or NULL */
	const struct mac_keys *identity_keys; /* seal them */
};

struct admin_policy_summary {
	size_t rules, limits, screenings;
};

/* Is the document a policy for these chains and assets? REFUSED with the place of what is wrong. */
MUST_CHECK bool admin_policy_check(const struct admin_policies *admin, struct str document,
				   struct admin_policy_summary *ret_summary, struct err *err);
/* Checks it and puts it in force, felt by the processors with their next batch. REFUSED also when
 * somebody else has set another one at the same moment. */
MUST_CHECK bool admin_policy_set(const struct admin_policies *admin, struct str document,
				 int64_t now_ms, struct store_policy *ret_policy, struct err *err);
/* The same in two steps, by two people. digest: SHA-256 of what the second one has looked at, in
 * hexadecimal. REFUSED also when another policy is in force by then. ret_done false: one more has
 * to confirm, since who proposed it is nobody who can be told apart. */
MUST_CHECK bool admin_policy_propose(const struct admin_policies *admin, struct str document,
				     int64_t now_ms, struct store_proposal *ret_proposal,
				     struct err *err);
MUST_CHECK bool admin_policy_confirm(const struct admin_policies *admin, struct id proposal,
				     struct str digest, int64_t now_ms,
				     struct store_policy *ret_policy, bool *ret_done,
				     struct err *err);
struct admin_proposals admin_policy_proposals(const struct admin_policies *admin);
/* The newest one. ret_document: of POLICY_DOCUMENT_BYTES_MAX. ret_sealed: some holder of the policy
 * grants wrote it. */
MUST_CHECK bool admin_policy_load(const struct admin_policies *admin,
				  struct store_policy *ret_policy, struct buf *ret_document,
				  bool *ret_found, bool *ret_sealed, struct err *err);

#endif
