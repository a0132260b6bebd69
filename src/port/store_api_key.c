#include "port/store_api_key.h"

#include "base/check.h"

#include <string.h>

#define LABEL      "sluice api_keys 3"
#define FIELDS_MAX 1536

_Static_assert(sizeof(struct store_api_key) < FIELDS_MAX, "all columns and their lengths fit");

static struct str fields_of(const struct store_api_key *key, char *storage)
{
	struct buf out = buf_of(storage, FIELDS_MAX);
	buf_prefixed(&out, key->id, strnlen(key->id, sizeof key->id));
	buf_prefixed(&out, key->secret_hash, sizeof key->secret_hash);
	buf_prefixed(&out, key->account, strnlen(key->account, sizeof key->account));
	buf_prefixed(&out, key->name, strnlen(key->name, sizeof key->name));
	buf_prefixed_u64(&out, (uint64_t)key->created_at);
	buf_prefixed_u64(&out, (uint64_t)key->revoked_at);
	buf_prefixed_u64(&out, (uint64_t)key->expires_at);
	buf_prefixed_u64(&out, key->scopes);
	buf_prefixed(&out, key->ranges, strnlen(key->ranges, sizeof key->ranges));
	buf_prefixed(&out, key->created_by, strnlen(key->created_by, sizeof key->created_by));
	CHECK(!out.overflow);
	return buf_view(&out);
}

void store_api_key_seal(const struct mac_keys *keys, struct store_api_key *key)
{
	char storage[FIELDS_MAX];
	CHECK(key->id[0] != 0 && key->account[0] != 0 && key->created_by[0] != 0);
	key->mac = row_mac_make(keys, LABEL, fields_of(key, storage));
}

bool store_api_key_is_sealed(const struct mac_keys *keys, const struct store_api_key *key)
{
	char storage[FIELDS_MAX];
	return row_mac_verify(keys, LABEL, fields_of(key, storage), &key->mac);
}
