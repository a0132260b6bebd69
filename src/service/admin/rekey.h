/* Rows that grant something, sealed anew with the key that makes MACs now, while the one before
 * still verifies (adapter/trust_rotate.h): so that nothing is lost when that one is retired. What
 * no key verifies stays as it is, and grants nothing. Each row is a transaction of its own, and one
 * that has been sealed anew is left alone: a second run goes on where the first one ended.
 *
 * Source: ADR 47.
 */
#ifndef SLUICE_SERVICE_ADMIN_REKEY_H
#define SLUICE_SERVICE_ADMIN_REKEY_H

#include "service/admin/policies.h"

struct admin_rekey {
	struct store *store; /* all borrowed */
	const struct catalogue *catalogue;
	const struct mac_keys *identity_keys;
	const struct mac_keys *policy_keys;
	struct admin_actor by;
};

struct admin_rekey_count {
	size_t renewed; /* by this run */
	size_t current; /* before it */
	size_t void_;   /* that no key verifies */
};

struct admin_rekey_report {
	struct admin_rekey_count api_keys;
	struct admin_rekey_count accounts;
	struct admin_rekey_count users;
	struct admin_rekey_count policies; /* the one in force */
	struct admin_rekey_count allow_list;
};

/* A fault leaves the rows before it renewed. */
MUST_CHECK bool admin_rekey(const struct admin_rekey *admin, int64_t now_ms,
			    struct admin_rekey_report *ret_report, struct err *err);

#endif
