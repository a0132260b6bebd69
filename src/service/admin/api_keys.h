/* API keys for people who run Sluice: made, revoked, listed. The secret is seen once, by the caller
 * of admin_api_key_create; the store keeps its hash under a seal that only the holder of the
 * identity grants can make. Knows neither terminal nor HTTP. */
#ifndef SLUICE_SERVICE_ADMIN_API_KEYS_H
#define SLUICE_SERVICE_ADMIN_API_KEYS_H

#include "base/secret.h"
#include "core/api_key.h"
#include "core/intent.h"
#include "port/entropy.h"
#include "port/store.h"

#define ADMIN_API_KEYS_MAX 1024 /* of one deployment, revoked ones included */

struct admin_api_keys {
	struct store *store; /* all borrowed */
	struct entropy *entropy;
	const struct mac_keys *identity_keys;
	const char *who; /* for the audit record: the user's name */
};

/* Adds a key for an account. name: 1 to 64 bytes of UTF-8 without control characters; account: 1 to
 * ACCOUNT_LEN_MAX letters, digits, '-', '_'. ret_text: API_KEY_TEXT_LEN bytes of new secret memory,
 * freed by the caller. may_resolve: it may decide about withdrawals and slots of all accounts; its
 * name is the person's. REFUSED for a bad name or account. */
MUST_CHECK bool admin_api_key_create(const struct admin_api_keys *admin, const char *account,
				     const char *name, bool may_resolve, int64_t now_ms,
				     struct secret *ret_text, struct store_api_key *ret_key,
				     struct err *err);
/* Revokes a key for ever; felt by the API within the life of its cache. A revoked one stays as it
 * is. REFUSED when there is no such key, or its seal is broken: then it grants nothing already. */
MUST_CHECK bool admin_api_key_revoke(const struct admin_api_keys *admin, const char *id,
				     int64_t now_ms, struct store_api_key *ret_key,
				     struct err *err);
/* Up to ADMIN_API_KEYS_MAX keys, oldest first; ret_sealed[i]: the row is what some
 * holder of the identity grants wrote. */
MUST_CHECK bool admin_api_keys_list(const struct admin_api_keys *admin,
				    struct store_api_key *ret_keys, bool *ret_sealed,
				    size_t *ret_len, struct err *err);

#endif
