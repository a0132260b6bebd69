/* What one person asks for and another one confirms: the store's part. A row says what is to be
 * done, by the digest of its text; in place of which version; who stands for it so far; and until
 * when. It grants half of a decision, and does so only with its MAC, made with the identity grants'
 * keys over all columns, the text by its digest.
 *
 * Rows change by compare-and-set of their MAC. The change that a proposal asks for and its end are
 * one transaction (store_controls_change, store_policy_confirm).
 *
 * Source: ADR 41.
 */
#ifndef SLUICE_PORT_STORE_PROPOSAL_H
#define SLUICE_PORT_STORE_PROPOSAL_H

#include "core/intent.h"
#include "port/store.h"

#define PROPOSALS_MAX           32     /* open ones of a kind, of one account's people */
#define PROPOSALS_OF_ONE_MAX    4      /* of one person */
#define PROPOSAL_TEXT_BYTES_MAX 262144 /* a policy is the longest */

/* Stored: numbered, and never renumbered. */
enum proposal_kind {
	PROPOSAL_UNPAUSE = 1,    /* its version is that of the switches */
	PROPOSAL_POLICY = 2,     /* that of the policy in force; 0: there is none */
	PROPOSAL_ALLOW_LIST = 3, /* when the entry was added that it is about; 0: there is none */
};
enum proposal_state {
	PROPOSAL_OPEN = 1,
	PROPOSAL_DONE = 2,
	PROPOSAL_REJECTED = 3,
};

struct store_proposal {
	struct id id;
	enum proposal_kind kind;
	enum proposal_state state;
	uint64_t version;                  /* of what it changes; void when that is another one */
	uint8_t digest[32];                /* SHA-256 of the text */
	char account[ACCOUNT_LEN_MAX + 1]; /* of who proposes; "": all accounts */
	char proposed_by[PRINCIPAL_LEN_MAX + 1]; /* for people to read */
	int64_t created_at;
	int64_t expires_at;
	char first_person[PRINCIPAL_NAME_LEN_MAX + 1]; /* who stands for it; "": nobody yet */
	char first_id[ID_TEXT_LEN + 1];                /* of that user */
	char ended_by[PRINCIPAL_LEN_MAX + 1];
	int64_t ended_at; /* 0: it has not */
	struct mac_tag mac;
};

/* The row as it is to be, sealed. */
struct store_proposal_change {
	const struct store_proposal *proposal; /* borrowed */
	struct mac_tag before;                 /* of the row as it was read */
	const char *action;                    /* of the audit record; borrowed */
	bool applied;                          /* result; false: the row has moved */
};

/* REFUSED while PROPOSALS_MAX of the kind and account are open, or PROPOSALS_OF_ONE_MAX of who
 * proposes: the people of one account take no room from those of another. */
MUST_CHECK bool store_proposal_add(struct store *store, const struct store_proposal *proposal,
				   struct str text, const struct store_by *by, struct err *err);
MUST_CHECK bool store_proposal_change(struct store *store, struct store_proposal_change *change,
				      const struct store_by *by, struct err *err);
/* ret_text: of PROPOSAL_TEXT_BYTES_MAX; or NULL, then only the row is read. */
MUST_CHECK bool store_proposal_load(struct store *store, struct id id,
				    struct store_proposal *ret_proposal, struct buf *ret_text,
				    bool *ret_found, struct err *err);
/* The open ones of a kind that have not expired: of people of this account, oldest first, then of
 * people of all accounts; with "" of these first, then of everybody. */
MUST_CHECK bool store_proposals_list(struct store *store, enum proposal_kind kind,
				     const char *account, int64_t now_ms,
				     struct store_proposal *ret_proposals, size_t cap,
				     size_t *ret_len, struct err *err);

/* Sets the MAC; every other column is final. */
void store_proposal_seal(const struct mac_keys *keys, struct store_proposal *proposal);
/* False: it grants nothing, and somebody has edited the store. */
bool store_proposal_is_sealed(const struct mac_keys *keys, const struct store_proposal *proposal);
/* Is that the text it was made for? */
bool store_proposal_is_of(const struct store_proposal *proposal, struct str text);

#endif
