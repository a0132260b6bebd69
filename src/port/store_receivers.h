/* What the store knows of receivers: the allow-list, whose entries are believed by their seal, a
 * MAC with the policy grants' keys over all of them; and whom each account knows, for a look at who
 * looks like whom. The promises of store.h hold.
 *
 * Source: doc/policy.md.
 */
#ifndef SLUICE_PORT_STORE_RECEIVERS_H
#define SLUICE_PORT_STORE_RECEIVERS_H

#include "core/intent.h"
#include "core/policy_rules.h"
#include "port/store.h"
#include "port/store_proposal.h"

#define ALLOW_LABEL_LEN_MAX 64
#define ALLOW_KEY_BYTES     32

struct store_allow_entry {
	char account[ACCOUNT_LEN_MAX + 1];
	uint64_t chain_id;
	struct address receiver;
	char label[ALLOW_LABEL_LEN_MAX + 1]; /* for people */
	char added_by[PRINCIPAL_LEN_MAX + 1];
	int64_t added_at;
	int64_t active_at; /* after its cool-down */
	struct mac_tag mac;
	uint8_t place[ALLOW_KEY_BYTES]; /* of the row in the list, whatever it says: its id */
};

/* A receiver of an account, and what is known. */
struct store_receiver {
	const struct intent *intent; /* whose: account, chain, to; borrowed */
	bool is_listed;
	struct store_allow_entry entry; /* then; whether to believe it is the caller's to judge */
	bool is_known;                  /* somebody of these first and last digits, */
	struct address known;           /* and the first one who was */
};

/* Fills n (1 to BATCH_MAX) receivers, in one look. */
MUST_CHECK bool store_receivers_look(struct store *store, struct store_receiver *receivers,
				     size_t n, struct err *err);
/* Their accounts know them from now on; who had these digits first stays. */
MUST_CHECK bool store_receivers_learn(struct store *store, const struct intent *const *intents,
				      size_t n, int64_t now_ms, struct err *err);

/* Adds a sealed entry, and who it is about is known. ends: the proposal that asked for it, which
 * ends in the same transaction; NULL: none did. *ret_added false: there is one, or the proposal has
 * moved, and nothing is written. */
MUST_CHECK bool store_allow_add(struct store *store, const struct store_allow_entry *entry,
				struct store_proposal_change *ends, const struct store_by *by,
				bool *ret_added, struct err *err);
/* By place and seal, as it was read. *ret_removed false: it is not there so any more; or as above.
 */
MUST_CHECK bool store_allow_remove(struct store *store, const struct store_allow_entry *entry,
				   struct store_proposal_change *ends, const struct store_by *by,
				   bool *ret_removed, struct err *err);
/* The row of a place, whatever it says. */
MUST_CHECK bool store_allow_load(struct store *store, const uint8_t place[ALLOW_KEY_BYTES],
				 struct store_allow_entry *ret_entry, bool *ret_found,
				 struct err *err);
/* Another seal in place of `before`. *ret_done false: it has another one by now. */
MUST_CHECK bool store_allow_reseal(struct store *store, const struct store_allow_entry *entry,
				   const struct mac_tag *before, const struct store_by *by,
				   bool *ret_done, struct err *err);
/* Up to cap entries behind the place of `after` (NULL: from the first one), in the order of their
 * places. account: those that say that they are of this one; "": all. */
MUST_CHECK bool store_allow_list(struct store *store, const char *account,
				 const struct store_allow_entry *after,
				 struct store_allow_entry *ret_entries, size_t cap, size_t *ret_len,
				 struct err *err);

/* Under which key an entry of that account, chain and receiver is. */
void store_allow_key(const char *account, uint64_t chain_id, struct address receiver,
		     uint8_t ret_key[ALLOW_KEY_BYTES]);
/* The same of those whom an account knows: by the first and last two bytes, on every chain. */
void store_known_key(const char *account, struct address receiver,
		     uint8_t ret_key[ALLOW_KEY_BYTES]);
/* What the policy is told of a receiver that was looked at (but for the deny-list). *ret_broken: it
 * is listed by a row that somebody else has written, which does not count. */
struct policy_receiver store_receiver_facts(const struct store_receiver *receiver,
					    const struct mac_keys *keys,
					    const struct policy *policy, int64_t policy_set_at,
					    int64_t now_ms, bool *ret_broken);
/* Does the policy have a use for what the store knows? */
bool store_receivers_are_asked(const struct policy *policy);
/* Sets the place and the MAC. */
void store_allow_seal(const struct mac_keys *keys, struct store_allow_entry *entry);
/* Does the row stand where what it says belongs? */
bool store_allow_is_at_home(const struct store_allow_entry *entry);
/* False: it grants nothing, and somebody has edited the store. */
bool store_allow_is_sealed(const struct mac_keys *keys, const struct store_allow_entry *entry);

#endif
