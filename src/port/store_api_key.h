/* Rows of api_keys: how one is changed, and its seal.
 *
 * The seal: a MAC with the identity grants' keys over all its columns, made by
 * whoever adds, revokes or replaces it and verified by whoever lets it grant something. Pure; here
 * because the API and the commands need the same one. Source: doc/protocol.md 3. */
#ifndef SLUICE_PORT_STORE_API_KEY_H
#define SLUICE_PORT_STORE_API_KEY_H

#include "core/intent.h"
#include "port/store.h"

/* What becomes of a row that was read. */
struct store_api_key_change {
	struct mac_tag before;             /* of the row as it was read */
	const struct store_api_key *key;   /* the row from now on; of what was last used, nothing */
	const struct store_api_key *added; /* a row that enters beside it; NULL: none */
	const char *action;                /* for the audit: "api_key_revoked" */
	bool applied; /* the answer; false: the row has moved, and nothing is written */
};

/* One transaction, with an audit record for each row. REFUSED when there is a key of the id of
 * `added` already. */
MUST_CHECK bool store_api_key_change(struct store *store, struct store_api_key_change *change,
				     const struct store_by *by, struct err *err);

/* That a key was used. */
struct store_api_key_use {
	char id[API_KEY_ID_LEN + 1];
	int64_t at_ms;
	struct ip_address from;
};

#define API_KEY_USES_MAX     16
#define API_KEY_USE_LEAST_MS 60000 /* between two that are written of a key */

/* Writes 1 to API_KEY_USES_MAX of them, but for those of which a newer one is known, or one that is
 * not older by API_KEY_USE_LEAST_MS. Touches nothing that decides, and is not audited. */
MUST_CHECK bool store_api_keys_used(struct store *store, const struct store_api_key_use *uses,
				    size_t n, struct err *err);

/* Sets key->mac; every other column is final. */
void store_api_key_seal(const struct mac_keys *keys, struct store_api_key *key);
/* False: the row grants nothing, and somebody has edited the store. */
bool store_api_key_is_sealed(const struct mac_keys *keys, const struct store_api_key *key);

#endif
