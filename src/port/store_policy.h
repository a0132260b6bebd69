/* The store's policy part: the documents that were in force, newest last, and what their limits
 * have let through. A document is believed by its seal, a MAC with the policy grants' keys. Room in
 * the windows of limits is taken by store_withdrawals_change, in the transaction of the decision
 * that needs it, and given back in the transaction that ends its withdrawal unpaid. The promises of
 * store.h hold.
 *
 * Source: doc/policy.md.
 */
#ifndef SLUICE_PORT_STORE_POLICY_H
#define SLUICE_PORT_STORE_POLICY_H

#include "core/intent.h"
#include "core/policy_rules.h"
#include "core/vote.h"
#include "port/store_proposal.h"

struct store_policy {
	uint64_t version; /* from 1 */
	int64_t set_at;
	char set_by[PRINCIPAL_LEN_MAX + 1];
	uint8_t digest[32]; /* SHA-256 of the document */
	struct mac_tag mac; /* over all of the above */
	/* Of what is added: 0, or the number of the newest row, which is no policy of ours: what
	 * counts as far as this one goes, or it would not be the newest. */
	uint64_t replaces;
};

/* Adds a document as the one in force. *ret_added false: there is one of that version, or the row
 * that it replaces is not the newest. */
MUST_CHECK bool store_policy_add(struct store *store, const struct store_policy *policy,
				 struct str document, const struct store_by *by, bool *ret_added,
				 struct err *err);
/* The same, for a proposal that ends with it. *ret_added false: or that has moved. */
MUST_CHECK bool store_policy_confirm(struct store *store, const struct store_policy *policy,
				     struct str document, struct store_proposal_change *ends,
				     const struct store_by *by, bool *ret_added, struct err *err);
/* Those that were in force, newest first, without their documents: up to `cap` below a version. */
MUST_CHECK bool store_policies_list(struct store *store, uint64_t below,
				    struct store_policy *ret_policies, size_t cap, size_t *ret_len,
				    struct err *err);
/* The newest one. ret_document has room for POLICY_DOCUMENT_BYTES_MAX; it is filled when the
 * version is another one than `known`, and left empty otherwise. */
MUST_CHECK bool store_policy_load(struct store *store, uint64_t known,
				  struct store_policy *ret_policy, struct buf *ret_document,
				  bool *ret_found, struct err *err);
/* Is there room now for each of 1 to POLICY_LIMITS_MAX claims? Looks, and takes none. */
MUST_CHECK bool store_policy_room(struct store *store, const struct policy_claim *claims, size_t n,
				  enum store_room *ret_rooms, struct err *err);
/* Forgets up to `limit` windows and as many reservations that no limit asks about any more. */
MUST_CHECK bool store_policy_forget(struct store *store, int64_t now_ms, size_t limit,
				    size_t *ret_forgotten, struct err *err);

/* What people said about a withdrawal under that version of the policy, the oldest first, as far as
 * there is room; sealed or not. They are written by store_withdrawals_change. */
MUST_CHECK bool store_votes_load(struct store *store, struct id withdrawal, uint64_t policy_version,
				 struct vote ret_votes[VOTES_MAX], size_t *ret_len,
				 struct err *err);

/* Sets digest and mac. */
void store_policy_seal(const struct mac_keys *keys, struct str document,
		       struct store_policy *policy);
/* False: it grants nothing, and somebody has edited the store. */
bool store_policy_is_sealed(const struct mac_keys *keys, struct str document,
			    const struct store_policy *policy);

#endif
