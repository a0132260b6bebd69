#include "core/intent.h"

#include "base/hash.h"

#include <string.h>

#define INTENT_LABEL   "sluice intent 3"
#define APPROVAL_LABEL "sluice approval 2"
#define PAY_TAG_LABEL  "sluice pay tag 1"
#define MAC_INPUT_MAX  2048

static void prefixed_text(struct buf *out, const char *text)
{
	buf_prefixed(out, text, strlen(text));
}

static struct str intent_bytes(struct id deployment, const struct intent *intent, void *storage,
			       size_t cap)
{
	struct buf out = buf_of(storage, cap);
	uint8_t amount[U256_BYTES];
	u256_to_bytes(intent->amount.units, amount);
	prefixed_text(&out, INTENT_LABEL);
	buf_prefixed(&out, deployment.bytes, sizeof deployment.bytes);
	buf_prefixed(&out, intent->id.bytes, sizeof intent->id.bytes);
	prefixed_text(&out, intent->account);
	buf_prefixed_u64(&out, intent->chain_id);
	prefixed_text(&out, intent->is_native ? "native" : "token");
	prefixed_text(&out, intent->asset);
	buf_prefixed(&out, intent->contract.bytes, sizeof intent->contract.bytes);
	buf_prefixed_u64(&out, intent->decimals);
	buf_prefixed(&out, intent->to.bytes, sizeof intent->to.bytes);
	buf_prefixed(&out, amount, sizeof amount);
	buf_prefixed(&out, intent->key_hash, sizeof intent->key_hash);
	prefixed_text(&out, intent->external_id);
	buf_prefixed(&out, intent->fingerprint, sizeof intent->fingerprint);
	buf_prefixed_u64(&out, (uint64_t)intent->created_at);
	prefixed_text(&out, intent->created_by);
	prefixed_text(&out, intent->key_owner);
	CHECK(!out.overflow);
	return buf_view(&out);
}

struct hash32 intent_digest(const struct intent *intent)
{
	char columns[MAC_INPUT_MAX];
	struct hash32 digest;
	struct str bytes = intent_bytes((struct id){ 0 }, intent, columns, sizeof columns);
	sha256(bytes.at, bytes.len, digest.bytes);
	return digest;
}

/* The columns that were judged are in it, as well as the intent's MAC: the processor cannot verify
 * that, and who edits a row for as long as it is judged would have another one approved. */
static struct str approval_bytes(const struct intent *intent, const struct mac_tag *intent_mac,
				 const struct approval *approval, void *storage, size_t cap)
{
	struct buf out = buf_of(storage, cap);
	struct hash32 digest = intent_digest(intent);
	prefixed_text(&out, APPROVAL_LABEL);
	buf_prefixed(&out, digest.bytes, sizeof digest.bytes);
	buf_prefixed(&out, intent_mac->bytes, sizeof intent_mac->bytes);
	buf_prefixed_u64(&out, approval->policy_version);
	buf_prefixed_u64(&out, (uint64_t)approval->approved_at);
	buf_prefixed_u64(&out, (uint64_t)approval->expires_at);
	CHECK(!out.overflow);
	return buf_view(&out);
}

static struct mac_tag tag_make(const struct mac_keys *keys, struct str bytes)
{
	CHECK(keys->len > 0 && keys->len <= MAC_KEYS_MAX);
	struct mac_tag tag = { .key_id = keys->keys[0].id };
	hmac_sha256(keys->keys[0].key, 32, bytes.at, bytes.len, tag.bytes);
	return tag;
}

static bool tag_verify(const struct mac_keys *keys, struct str bytes, const struct mac_tag *tag)
{
	CHECK(keys->len <= MAC_KEYS_MAX);
	for (size_t i = 0; i < keys->len; i++) {
		if (keys->keys[i].id != tag->key_id)
			continue;
		uint8_t expected[32];
		hmac_sha256(keys->keys[i].key, 32, bytes.at, bytes.len, expected);
		return bytes_equal_constant_time(expected, tag->bytes, sizeof expected);
	}
	return false;
}

struct mac_tag intent_mac_make(const struct mac_keys *keys, struct id deployment,
			       const struct intent *intent)
{
	char storage[MAC_INPUT_MAX];
	return tag_make(keys, intent_bytes(deployment, intent, storage, sizeof storage));
}

bool intent_mac_verify(const struct mac_keys *keys, struct id deployment,
		       const struct intent *intent, const struct mac_tag *tag)
{
	char storage[MAC_INPUT_MAX];
	return tag_verify(keys, intent_bytes(deployment, intent, storage, sizeof storage), tag);
}

struct mac_tag approval_mac_make(const struct mac_keys *keys, const struct intent *intent,
				 const struct mac_tag *intent_mac, const struct approval *approval)
{
	char storage[MAC_INPUT_MAX];
	return tag_make(keys,
			approval_bytes(intent, intent_mac, approval, storage, sizeof storage));
}

bool approval_mac_verify(const struct mac_keys *keys, const struct intent *intent,
			 const struct mac_tag *intent_mac, const struct approval *approval,
			 const struct mac_tag *tag)
{
	char storage[MAC_INPUT_MAX];
	return tag_verify(
		keys, approval_bytes(intent, intent_mac, approval, storage, sizeof storage), tag);
}

static struct str row_bytes(const char *label, struct str fields, void *storage, size_t cap)
{
	struct buf out = buf_of(storage, cap);
	prefixed_text(&out, label);
	buf_prefixed(&out, fields.at, fields.len);
	CHECK(!out.overflow);
	return buf_view(&out);
}

struct mac_tag row_mac_make(const struct mac_keys *keys, const char *label, struct str fields)
{
	char storage[MAC_INPUT_MAX];
	return tag_make(keys, row_bytes(label, fields, storage, sizeof storage));
}

bool row_mac_verify(const struct mac_keys *keys, const char *label, struct str fields,
		    const struct mac_tag *tag)
{
	char storage[MAC_INPUT_MAX];
	return tag_verify(keys, row_bytes(label, fields, storage, sizeof storage), tag);
}

void pay_tag_make(const uint8_t key[32], const struct intent *intent, uint8_t ret_tag[32])
{
	char storage[256];
	struct buf out = buf_of(storage, sizeof storage);
	prefixed_text(&out, PAY_TAG_LABEL);
	prefixed_text(&out, intent->account);
	buf_prefixed(&out, intent->key_hash, sizeof intent->key_hash);
	CHECK(!out.overflow);
	hmac_sha256(key, 32, out.at, out.len, ret_tag);
}

void key_hash_make(const char *account, struct str key, uint8_t ret_hash[KEY_HASH_BYTES])
{
	char storage[ACCOUNT_LEN_MAX + 1 + IDEMPOTENCY_KEY_LEN_MAX + 1];
	uint8_t digest[SHA256_BYTES];
	struct buf out = buf_of(storage, sizeof storage);
	buf_bytes(&out, account, strlen(account) + 1); /* its terminator keeps the parts apart */
	buf_str(&out, key);
	CHECK(!out.overflow);
	sha256(out.at, out.len, digest);
	memcpy(ret_hash, digest, KEY_HASH_BYTES);
}
