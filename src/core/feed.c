#include "core/feed.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/defence.h"
#include "base/hash.h"
#include "base/hex.h"

#include <string.h>

#define TAG_LABEL      "sluice feed row 1"
#define SEAL_LABEL     "sluice feed seal 1"
#define TAG_INPUT_MAX  256
#define SEAL_INPUT_MAX 512

bool feed_tag_make(const struct feed_keys *keys, uint32_t key_id, const struct feed_row *row,
		   uint8_t ret_tag[FEED_TAG_BYTES])
{
	char storage[TAG_INPUT_MAX];
	struct buf in = buf_of(storage, sizeof storage);
	uint8_t mac[32];
	const uint8_t *key = NULL;
	CHECK(row->position > 0);
	for (size_t i = 0; i < keys->keys.len; i++)
		if (keys->keys.keys[i].id == key_id)
			key = keys->keys.keys[i].key;
	if (key == NULL)
		return false;
	buf_prefixed(&in, TAG_LABEL, sizeof TAG_LABEL - 1);
	buf_prefixed(&in, keys->deployment.bytes, sizeof keys->deployment.bytes);
	buf_prefixed_u64(&in, row->kind);
	buf_prefixed_u64(&in, (uint64_t)row->position);
	buf_prefixed(&in, row->digest, sizeof row->digest);
	CHECK(!in.overflow);
	hmac_sha256(key, 32, in.at, in.len, mac);
	memcpy(ret_tag, mac, FEED_TAG_BYTES);
	return true;
}

static size_t rows_of(const struct feed_seal *seal)
{
	return seal->rows[FEED_EVENTS] + seal->rows[FEED_AUDIT];
}

/* What the MAC is over; false for a seal that we cannot have made. */
static bool fields_write(const struct feed_keys *keys, const struct feed_seal *seal,
			 struct buf *out)
{
	uint8_t tags[SHA256_BYTES];
	buf_prefixed(out, keys->deployment.bytes, sizeof keys->deployment.bytes);
	buf_prefixed_u64(out, seal->number);
	buf_prefixed_u64(out, seal->life);
	for (size_t i = 0; i < FEED_KINDS; i++) {
		if (seal->rows[i] > FEED_ROWS_MAX)
			return false;
		buf_prefixed_u64(out, (uint64_t)seal->to[i]);
		buf_prefixed_u64(out, seal->rows[i]);
	}
	buf_prefixed_u64(out, (uint64_t)seal->sealed_at);
	buf_prefixed_u64(out, (uint64_t)seal->complete_at);
	buf_prefixed(out, seal->previous, sizeof seal->previous);
	sha256(seal->tags, rows_of(seal) * FEED_TAG_BYTES, tags);
	buf_prefixed(out, tags, sizeof tags);
	CHECK(!out->overflow);
	return true;
}

void feed_seal_make(const struct feed_keys *keys, struct feed_seal *seal,
		    const struct feed_row *rows)
{
	char storage[SEAL_INPUT_MAX];
	struct buf fields = buf_of(storage, sizeof storage);
	CHECK(keys->keys.len > 0 && seal->number > 0);
	for (size_t i = 0; i < rows_of(seal); i++)
		CHECK(feed_tag_make(keys, keys->keys.keys[0].id, &rows[i], seal->tags[i]));
	CHECK(fields_write(keys, seal, &fields));
	seal->mac = row_mac_make(&keys->keys, SEAL_LABEL, buf_view(&fields));
}

bool feed_seal_verify(const struct feed_keys *keys, const struct feed_seal *seal)
{
	char storage[SEAL_INPUT_MAX];
	struct buf fields = buf_of(storage, sizeof storage);
	if (!DEFENCE("seal_mac"))
		return true;
	return fields_write(keys, seal, &fields) &&
	       row_mac_verify(&keys->keys, SEAL_LABEL, buf_view(&fields), &seal->mac);
}

struct feed_head feed_head_of(const struct feed_seal *seal)
{
	struct feed_head head = { .number = seal->number, .life = seal->life };
	memcpy(head.mac, seal->mac.bytes, sizeof head.mac);
	return head;
}

bool feed_head_equal(const struct feed_head *a, const struct feed_head *b)
{
	return a->number == b->number && a->life == b->life &&
	       memcmp(a->mac, b->mac, sizeof a->mac) == 0;
}

void feed_head_write(const struct feed_head *head, char ret_text[FEED_HEAD_LEN_MAX + 1])
{
	struct buf out = buf_of(ret_text, FEED_HEAD_LEN_MAX + 1);
	buf_decimal(&out, head->number);
	buf_byte(&out, '.');
	buf_decimal(&out, head->life);
	buf_byte(&out, '.');
	hex_write(&out, head->mac, sizeof head->mac);
	CHECK(!out.overflow);
	(void)buf_terminated(&out);
}

bool feed_head_read(struct str text, struct feed_head *ret_head)
{
	struct str number, life, rest, mac;
	struct feed_head head;
	if (!str_cut(text, '.', &number, &rest) || !str_cut(rest, '.', &life, &mac) ||
	    !str_to_u64(number, &head.number) || !str_to_u64(life, &head.life) ||
	    head.number == 0 || !hex_read(mac, head.mac, sizeof head.mac))
		return false;
	*ret_head = head;
	return true;
}
