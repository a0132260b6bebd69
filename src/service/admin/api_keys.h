/* API keys for people who run Sluice: made, revoked, listed. The secret is seen once, by the caller
 * of admin_api_key_create; the store keeps its hash under a seal that only the holder of the
 * identity grants can make. Knows neither terminal nor HTTP. */
#ifndef SLUICE_SERVICE_ADMIN_API_KEYS_H
#define SLUICE_SERVICE_ADMIN_API_KEYS_H

#include "base/secret.h"
#include "core/api_key.h"
#include "core/intent.h"
#include "core/permission.h"
#include "port/entropy.h"
#include "port/store.h"
#include "service/admin/accounts.h"

struct admin_api_keys {
	struct store *store; /* all borrowed */
	struct entropy *entropy;
	const struct mac_keys *identity_keys;
	struct admin_actor by;
	enum admin_account_rule accounts; /* of what is made */
	bool *declared; /* set when the account was declared on the way; NULL: nobody asks */
};

/* What a key shall be. */
struct admin_api_key_wish {
	const char *account;   /* 1 to ACCOUNT_LEN_MAX letters, digits, '-', '_' */
	const char *name;      /* 1 to 64 bytes of UTF-8 without control characters */
	permission_set scopes; /* at least one; none that a key can never hold. With
				  withdrawals:resolve it may decide about the withdrawals and slots
				  of all accounts, and its name is a person's */
	const char *ranges;    /* where it may be used from, a space between; "": anywhere */
	int64_t expires_at;    /* 0: never */
};

/* Adds a key. ret_text: API_KEY_TEXT_LEN bytes of new secret memory, freed by the caller. REFUSED
 * for a wish that cannot be. */
MUST_CHECK bool admin_api_key_create(const struct admin_api_keys *admin,
				     const struct admin_api_key_wish *wish, int64_t now_ms,
				     struct secret *ret_text, struct store_api_key *ret_key,
				     struct err *err);
/* A new key like an old one, which goes on for overlap_ms and expires then: one transaction. The
 * new one lives as long as the old one was meant to, from now on. REFUSED when there is no such key
 * that is valid. */
MUST_CHECK bool admin_api_key_rotate(const struct admin_api_keys *admin, const char *id,
				     int64_t overlap_ms, int64_t now_ms, struct secret *ret_text,
				     struct store_api_key *ret_old, struct store_api_key *ret_key,
				     struct err *err);
/* Revokes a key for ever; felt by the API within the life of its cache. A revoked one stays as it
 * is. REFUSED when there is no such key, or its seal is broken: then it grants nothing already. */
MUST_CHECK bool admin_api_key_revoke(const struct admin_api_keys *admin, const char *id,
				     int64_t now_ms, struct store_api_key *ret_key,
				     struct err *err);
/* Up to `cap` keys that the actor reaches, by id, after the id of an earlier page ("": from the
 * beginning); ret_sealed[i]: the row is what some holder of the identity grants wrote. */
MUST_CHECK bool admin_api_keys_list(const struct admin_api_keys *admin, const char *after,
				    struct store_api_key *ret_keys, bool *ret_sealed, size_t cap,
				    size_t *ret_len, struct err *err);

#endif
