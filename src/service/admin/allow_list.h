/* The allow-list, for people who run Sluice: receivers that rules of the policy may ask for. Knows
 * neither terminal nor HTTP. Source: doc/policy.md. */
#ifndef SLUICE_SERVICE_ADMIN_ALLOW_LIST_H
#define SLUICE_SERVICE_ADMIN_ALLOW_LIST_H

#include "port/store_policy.h"
#include "port/store_receivers.h"
#include "service/admin/proposals.h"

struct admin_allow_list {
	struct store *store; /* all borrowed */
	const struct catalogue *catalogue;
	const struct mac_keys *policy_keys;
	struct admin_actor by;                /* who belongs to an account has its list alone */
	struct entropy *entropy;              /* of proposals, as the next one; or NULL */
	const struct mac_keys *identity_keys; /* seal them */
};

/* What people name an entry by. */
struct admin_allow_name {
	const char *account, *chain, *receiver; /* as texts; the chain by its configured name */
};

/* What is to be done: with an entry that is there, as it was read, or with a new one, of which
 * account, chain, receiver and label are set. */
enum admin_allow_act {
	ADMIN_ALLOW_ADD = 1,
	ADMIN_ALLOW_REMOVE = 2,
};
struct admin_allow_wish {
	enum admin_allow_act act;
	struct store_allow_entry entry;
};

/* A new entry of that name. REFUSED: what is named is not there, or (account_forbidden) another
 * account's. */
MUST_CHECK bool admin_allow_new(const struct admin_allow_list *admin,
				const struct admin_allow_name *name, const char *label,
				struct admin_allow_wish *ret_wish, struct err *err);
/* The entry of that name, or of that place. REFUSED (allow_entry_unknown): there is none that they
 * can reach. */
MUST_CHECK bool admin_allow_named(const struct admin_allow_list *admin,
				  const struct admin_allow_name *name,
				  struct admin_allow_wish *ret_wish, struct err *err);
MUST_CHECK bool admin_allow_placed(const struct admin_allow_list *admin, struct str place,
				   struct admin_allow_wish *ret_wish, struct err *err);
/* Does it. What is added counts after the cool-down of the policy in force, or of one that is not
 * to be believed after a day; what is removed is off at once. wish: the entry as it is then.
 * REFUSED: it is on the list already (allow_listed_already), or has changed meanwhile. */
MUST_CHECK bool admin_allow_do(const struct admin_allow_list *admin, struct admin_allow_wish *wish,
			       int64_t now_ms, struct err *err);
/* The same in two steps, by two people. A proposal is void once the receiver is on the list, or off
 * it, or was added anew. ret_done false: one more has to confirm, since who proposed it is nobody
 * who can be told apart. */
MUST_CHECK bool admin_allow_propose(const struct admin_allow_list *admin,
				    const struct admin_allow_wish *wish, int64_t now_ms,
				    struct store_proposal *ret_proposal, struct err *err);
MUST_CHECK bool admin_allow_confirm(const struct admin_allow_list *admin, struct id proposal,
				    int64_t now_ms, struct admin_allow_wish *ret_wish,
				    bool *ret_done, struct err *err);
MUST_CHECK bool admin_allow_reject(const struct admin_allow_list *admin, struct id proposal,
				   int64_t now_ms, struct err *err);
/* What a proposal is about, and what the store has in that place now; REFUSED (proposal_unknown)
 * for an edited one, and for another account's. version: the proposal's, if it is not void. */
MUST_CHECK bool admin_allow_look(const struct admin_allow_list *admin, struct id proposal,
				 struct store_proposal *ret_proposal,
				 struct admin_allow_wish *ret_wish, uint64_t *ret_version,
				 struct err *err);
struct admin_proposals admin_allow_proposals(const struct admin_allow_list *admin);
/* The next page, of an account ("": of all); ret_sealed[i]: some holder of the policy grants wrote
 * it. */
MUST_CHECK bool admin_allow_page(const struct admin_allow_list *admin, const char *account,
				 const struct store_allow_entry *after,
				 struct store_allow_entry *ret_entries, bool *ret_sealed,
				 size_t cap, size_t *ret_len, struct err *err);

#endif
