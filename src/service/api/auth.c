#include "service/api/auth.h"

#include "base/check.h"
#include "base/defence.h"
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
	size_t ranges_len; /* 0: from anywhere */
	struct ip_range ranges[API_KEY_RANGES_MAX];
	bool is_used; /* since it was told */
	int64_t told_ms;
	struct ip_address used_from;
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

static struct auth_grant *find_grant(struct auth *auth, struct str key_id, int64_t now_ms)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct auth_grant *grant = &auth->grants[(place_of(key_id) + i) % GRANTS_LEN];
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

enum auth_verdict auth_judge(struct auth *auth, const struct credential *credential,
			     struct ip_address from, int64_t now_ms,
			     struct principal *ret_principal)
{
	uint8_t hash[SHA256_BYTES];
	CHECK(credential->key_id.len == API_KEY_ID_LEN);
	struct auth_grant *grant = find_grant(auth, credential->key_id, now_ms);
	if (grant == NULL)
		return is_refused(auth, credential->key_id, now_ms) ? AUTH_REFUSED : AUTH_UNKNOWN;
	api_key_hash(credential->secret, hash);
	if (!bytes_equal_constant_time(hash, grant->secret_hash, sizeof hash))
		return AUTH_REFUSED;
	if (grant->ranges_len > 0 && !ip_ranges_have(grant->ranges, grant->ranges_len, from) &&
	    DEFENCE("key_has_its_places"))
		return AUTH_ADDRESS;
	grant->is_used = true;
	grant->used_from = from;
	*ret_principal = grant->principal;
	return AUTH_GRANTED;
}

static struct principal principal_of(const struct store_api_key *row)
{
	bool resolves = permission_set_has(row->scopes, PERMISSION_WITHDRAWALS_RESOLVE);
	struct principal by = { .kind = PRINCIPAL_KEY,
				.reach = resolves ? REACH_CASES : REACH_ACCOUNT,
				.permissions = row->scopes };
	CHECK(str_copy(str_from(row->id), by.id, sizeof by.id));
	CHECK(str_copy(str_from(row->account), by.account, sizeof by.account));
	CHECK(str_copy(str_from(row->name), by.name, sizeof by.name));
	CHECK(str_copy(str_from(row->created_by), by.owner, sizeof by.owner));
	return by;
}

/* The entry of this id, else the one that ends first. */
static struct auth_grant *place_grant(struct auth *auth, const struct store_api_key *row)
{
	size_t place = place_of(str_from(row->id));
	struct auth_grant *best = &auth->grants[place % GRANTS_LEN];
	for (size_t i = 0; i < WAYS; i++) {
		struct auth_grant *grant = &auth->grants[(place + i) % GRANTS_LEN];
		if (strcmp(grant->principal.id, row->id) == 0) {
			return grant;
		}
		if (grant->until_ms < best->until_ms)
			best = grant;
	}
	secret_wipe(best, sizeof *best);
	best->told_ms = INT64_MIN / 2;
	return best;
}

static void remember_grant(struct auth *auth, const struct store_api_key *row,
			   const struct ip_range *ranges, size_t ranges_len, int64_t until_ms)
{
	struct auth_grant *grant = place_grant(auth, row);
	memcpy(grant->ranges, ranges, ranges_len * sizeof *ranges);
	grant->ranges_len = ranges_len;
	grant->until_ms = until_ms;
	grant->principal = principal_of(row);
	memcpy(grant->secret_hash, row->secret_hash, sizeof grant->secret_hash);
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

/* How long the row may be believed; 0: not at all. */
static int64_t life_of(const struct auth *auth, const struct store_api_key *row, int64_t wall_ms)
{
	if (row->revoked_at != 0 && DEFENCE("revoked_key_is_refused"))
		return 0;
	if (row->expires_at == 0 || !DEFENCE("expired_key_is_refused"))
		return auth->cache_ms;
	int64_t left_ms = row->expires_at - wall_ms;
	if (left_ms <= 0)
		return 0;
	return left_ms < auth->cache_ms ? left_ms : auth->cache_ms;
}

bool auth_learn(struct auth *auth, struct str key_id, const struct store_api_key *row,
		struct auth_now now)
{
	CHECK(key_id.len == API_KEY_ID_LEN);
	struct ip_range ranges[API_KEY_RANGES_MAX];
	size_t ranges_len = 0;
	/* A row under another id than asked for is an edited store too. */
	bool is_sealed =
		row == NULL ||
		(str_equal_text(key_id, row->id) && store_api_key_is_sealed(auth->keys, row) &&
		 ip_ranges_read(str_from(row->ranges), ranges, API_KEY_RANGES_MAX, &ranges_len));
	int64_t life_ms = row != NULL && is_sealed ? life_of(auth, row, now.wall_ms) : 0;
	if (life_ms > 0) {
		remember_grant(auth, row, ranges, ranges_len, now.monotonic_ms + life_ms);
		return true;
	}
	forget_grant(auth, key_id);
	remember_refusal(auth, key_id, now.monotonic_ms + auth->cache_ms);
	return is_sealed;
}

size_t auth_uses_take(struct auth *auth, struct auth_now now,
		      struct store_api_key_use ret_uses[API_KEY_USES_MAX])
{
	size_t len = 0;
	for (size_t i = 0; i < GRANTS_LEN && len < API_KEY_USES_MAX; i++) {
		struct auth_grant *grant = &auth->grants[i];
		if (!grant->is_used || now.monotonic_ms - grant->told_ms < API_KEY_USE_LEAST_MS)
			continue;
		struct store_api_key_use *use = &ret_uses[len++];
		*use = (struct store_api_key_use){ .at_ms = now.wall_ms, .from = grant->used_from };
		CHECK(str_copy(str_from(grant->principal.id), use->id, sizeof use->id));
		grant->is_used = false;
		grant->told_ms = now.monotonic_ms;
	}
	return len;
}
