/* Accounts: who owns withdrawals, keys and users. Part of the store's port. A row lets an account
 * take part, and does so only with its MAC, made with the identity grants' keys over all of its
 * columns. Rows change by compare-and-set of their MAC, in one transaction with the audit record.
 *
 * Source: ADR 48.
 */
#ifndef SLUICE_PORT_STORE_ACCOUNT_H
#define SLUICE_PORT_STORE_ACCOUNT_H

#include "core/intent.h"
#include "port/store.h"

#define ACCOUNTS_MAX 4096 /* of one deployment; none is ever removed */

struct store_account {
	char name[ACCOUNT_LEN_MAX + 1];
	int64_t created_at;
	char created_by[PRINCIPAL_LEN_MAX + 1]; /* a user's id, or a name of a host's user */
	int64_t disabled_at;                    /* 0: it takes in what is new */
	struct mac_tag mac;                     /* over all of the above */
};

/* What becomes of a row that was read. */
struct store_account_change {
	struct mac_tag before;               /* of the row as it was read */
	const struct store_account *account; /* sealed */
	const char *action;                  /* for the audit: "account_disabled" */
	bool applied;                        /* the answer; false: the row has moved */
};

/* *ret_added false: there is one of this name. REFUSED: there are ACCOUNTS_MAX. */
MUST_CHECK bool store_account_add(struct store *store, const struct store_account *account,
				  const struct store_by *by, bool *ret_added, struct err *err);
MUST_CHECK bool store_account_change(struct store *store, struct store_account_change *change,
				     const struct store_by *by, struct err *err);
MUST_CHECK bool store_account_load(struct store *store, const char *name,
				   struct store_account *ret_account, bool *ret_found,
				   struct err *err);
/* Up to `cap`, by name. */
MUST_CHECK bool store_accounts_list(struct store *store, struct store_account *ret_accounts,
				    size_t cap, size_t *ret_len, struct err *err);

/* Sets the MAC; every other column is final. */
void store_account_seal(const struct mac_keys *keys, struct store_account *account);
/* False: there is no such account, and somebody has edited the store. */
bool store_account_is_sealed(const struct mac_keys *keys, const struct store_account *account);

#endif
