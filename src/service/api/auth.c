#include "service/api/auth.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/secret.h"
#include "core/api_key.h"
#include "port/store_api_key.h"
#include "service/api/access_token.h"

#include <stdlib.h>
#include <string.h>

/* Two tables, so that guessed ids, however many, never push a real key out. An entry's place is
 * given by its id; neighbours up to WAYS away share it. */
#define GRANTS_LEN   256
#define REFUSALS_LEN 1024
#define WAYS         4

struct auth_grant {
	int64_t until_ms; /* 0: free */
	struct principal principal;
	uint8_t secret_hash[SHA256_BYTES];
};

struct auth_refusal {
	int64_t until_ms;
	char key_id[API_KEY_ID_LEN];
};

struct auth {
	const struct mac_keys *keys;
	int64_t cache_ms;
	struct auth_grant grants[GRANTS_LEN];
	struct auth_refusal refusals[REFUSALS_LEN];
};

struct auth *auth_new(const struct mac_keys *keys, int64_t cache_ms)
{
	CHECK(keys->len > 0 && cache_ms > 0);
	struct auth *auth = calloc(1, sizeof *auth);
	CHECK(auth != NULL);
	auth->keys = keys;
	auth->cache_ms = cache_ms;
	return auth;
}

void auth_free(struct auth *auth)
{
	if (auth == NULL)
		return;
	secret_wipe(auth, sizeof *auth);
	free(auth);
}

enum problem auth_credential_read(size_t count, struct str value, struct credential *ret_credential)
{
	struct credential credential;
	struct str scheme, text;
	if (count == 0)
		return PROBLEM_AUTHORIZATION_MISSING;
	if (count > 1 || !str_cut(value, ' ', &scheme, &text) ||
	    !str_equal_fold(scheme, STR("Bearer")) ||
	    !api_key_read(str_trim(text), &credential.key_id, &credential.secret))
		return PROBLEM_AUTHORIZATION_MALFORMED;
	*ret_credential = credential;
	return PROBLEM_NONE;
}

bool auth_token_read(size_t count, struct str value, struct str *ret_token)
{
	struct str scheme, text;
	if (count != 1 || !str_cut(value, ' ', &scheme, &text) ||
	    !str_equal_fold(scheme, STR("Bearer")))
		return false;
	*ret_token = str_trim(text);
	return access_token_is_shaped(*ret_token);
}

/* FNV-1a: where an entry stands, nothing more. */
static size_t place_of(struct str key_id)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < key_id.len; i++)
		hash = (hash ^ (uint8_t)key_id.at[i]) * UINT64_C(0x100000001b3);
	return (size_t)(hash >> 32);
}

static const struct auth_grant *find_grant(const struct auth *auth, struct str key_id,
					   int64_t now_ms)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct auth_grant *grant = &auth->grants[(place_of(key_id) + i) % GRANTS_LEN];
		if (grant->until_ms > now_ms && str_equal_text(key_id, grant->principal.id))
			return grant;
	}
	return NULL;
}

static bool is_refused(const struct auth *auth, struct str key_id, int64_t now_ms)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct auth_refusal *refusal =
			&auth->refusals[(place_of(key_id) + i) % REFUSALS_LEN];
		if (refusal->until_ms > now_ms &&
		    memcmp(key_id.at, refusal->key_id, API_KEY_ID_LEN) == 0)
			return true;
	}
	return false;
}

enum auth_verdict auth_judge(const struct auth *auth, const struct credential *credential,
			     int64_t now_ms, struct principal *ret_principal)
{
	uint8_t hash[SHA256_BYTES];
	CHECK(credential->key_id.len == API_KEY_ID_LEN);
	const struct auth_grant *grant = find_grant(auth, credential->key_id, now_ms);
	if (grant == NULL)
		return is_refused(auth, credential->key_id, now_ms) ? AUTH_REFUSED : AUTH_UNKNOWN;
	api_key_hash(credential->secret, hash);
	if (!bytes_equal_constant_time(hash, grant->secret_hash, sizeof hash))
		return AUTH_REFUSED;
	*ret_principal = grant->principal;
	return AUTH_GRANTED;
}

static struct principal principal_of(const struct store_api_key *row)
{
	permission_set resolve = PERMISSION_BIT(PERMISSION_WITHDRAWALS_RESOLVE);
	struct principal by = { .kind = PRINCIPAL_KEY,
				.reach = row->may_resolve ? REACH_CASES : REACH_ACCOUNT,
				.permissions = permissions_of_keys() &
					       (row->may_resolve ? permissions_all() : ~resolve) };
	CHECK(str_copy(str_from(row->id), by.id, sizeof by.id));
	CHECK(str_copy(str_from(row->account), by.account, sizeof by.account));
	CHECK(str_copy(str_from(row->name), by.name, sizeof by.name));
	return by;
}

/* The entry of this id, else the one that ends first. */
static void remember_grant(struct auth *auth, const struct store_api_key *row, int64_t until_ms)
{
	size_t place = place_of(str_from(row->id));
	struct auth_grant *best = &auth->grants[place % GRANTS_LEN];
	for (size_t i = 0; i < WAYS; i++) {
		struct auth_grant *grant = &auth->grants[(place + i) % GRANTS_LEN];
		if (strcmp(grant->principal.id, row->id) == 0) {
			best = grant;
			break;
		}
		if (grant->until_ms < best->until_ms)
			best = grant;
	}
	best->until_ms = until_ms;
	best->principal = principal_of(row);
	memcpy(best->secret_hash, row->secret_hash, sizeof best->secret_hash);
}

static void forget_grant(struct auth *auth, struct str key_id)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct auth_grant *grant = &auth->grants[(place_of(key_id) + i) % GRANTS_LEN];
		if (str_equal_text(key_id, grant->principal.id))
			secret_wipe(grant, sizeof *grant);
	}
}

static void remember_refusal(struct auth *auth, struct str key_id, int64_t until_ms)
{
	size_t place = place_of(key_id);
	struct auth_refusal *best = &auth->refusals[place % REFUSALS_LEN];
	for (size_t i = 1; i < WAYS; i++) {
		struct auth_refusal *refusal = &auth->refusals[(place + i) % REFUSALS_LEN];
		if (refusal->until_ms < best->until_ms)
			best = refusal;
	}
	best->until_ms = until_ms;
	memcpy(best->key_id, key_id.at, API_KEY_ID_LEN);
}

bool auth_learn(struct auth *auth, struct str key_id, const struct store_api_key *row,
		int64_t now_ms)
{
	CHECK(key_id.len == API_KEY_ID_LEN);
	/* A row under another id than asked for is an edited store too. */
	bool is_sealed = row == NULL || (str_equal_text(key_id, row->id) &&
					 store_api_key_is_sealed(auth->keys, row));
	if (row != NULL && is_sealed && row->revoked_at == 0) {
		remember_grant(auth, row, now_ms + auth->cache_ms);
		return true;
	}
	forget_grant(auth, key_id);
	remember_refusal(auth, key_id, now_ms + auth->cache_ms);
	return is_sealed;
}
