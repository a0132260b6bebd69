/* The allow-list, for people who run Sluice: receivers that rules of the policy may ask for. Knows
 * neither terminal nor HTTP. Source: doc/policy.md. */
#ifndef SLUICE_SERVICE_ADMIN_ALLOW_LIST_H
#define SLUICE_SERVICE_ADMIN_ALLOW_LIST_H

#include "port/store_policy.h"
#include "port/store_receivers.h"
#include "service/admin/actor.h"

struct admin_allow_list {
	struct store *store; /* all borrowed */
	const struct catalogue *catalogue;
	const struct mac_keys *policy_keys;
	struct admin_actor by; /* for the audit record */
};

/* What people name an entry by. */
struct admin_allow_name {
	const char *account, *chain, *receiver; /* as texts; the chain by its configured name */
};

/* Adds one, which counts after the cool-down of the policy in force; of one that is not to be
 * believed, after a day. REFUSED: what is named is not there, or on the list already. */
MUST_CHECK bool admin_allow_add(const struct admin_allow_list *admin,
				const struct admin_allow_name *name, const char *label,
				int64_t now_ms, struct store_allow_entry *ret_entry,
				struct err *err);
/* Takes one off, at once. REFUSED: it is not there. */
MUST_CHECK bool admin_allow_remove(const struct admin_allow_list *admin,
				   const struct admin_allow_name *name, int64_t now_ms,
				   struct err *err);
/* The next page; ret_sealed[i]: some holder of the policy grants wrote it. */
MUST_CHECK bool admin_allow_page(const struct admin_allow_list *admin,
				 const struct store_allow_entry *after,
				 struct store_allow_entry *ret_entries, bool *ret_sealed,
				 size_t cap, size_t *ret_len, struct err *err);

#endif
