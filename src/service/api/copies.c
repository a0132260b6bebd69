#include "service/api/copies.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/hash.h"
#include "service/api/view.h"

#include <string.h>

#define COPY_FORMAT 1
#define MAC_LABEL   "sluice status copy 1"
/* Format, MAC and its key's number, version, time, account's length. */
#define HEAD_BYTES (1 + 4 + sizeof(((struct mac_tag *)0)->bytes) + 8 + 8 + 1)

#define FIELDS_MAX 256

_Static_assert(VIEW_WITHDRAWAL_MAX + COPY_FRAME_MAX <= CACHE_VALUE_MAX, "a copy fits");
_Static_assert(HEAD_BYTES + ACCOUNT_LEN_MAX <= COPY_FRAME_MAX, "its frame fits");

void copy_key_write(struct id withdrawal, struct buf *out)
{
	buf_text(out, "w:");
	buf_text(out, id_text(withdrawal).at);
}

/* What the MAC is over. */
static struct str fields_write(const struct copy *copy, struct id deployment, struct buf *fields)
{
	uint8_t digest[SHA256_BYTES];
	buf_prefixed(fields, deployment.bytes, sizeof deployment.bytes);
	buf_prefixed(fields, copy->withdrawal.bytes, sizeof copy->withdrawal.bytes);
	buf_prefixed_u64(fields, copy->version);
	buf_prefixed_u64(fields, (uint64_t)copy->made_ms);
	buf_prefixed(fields, copy->account.at, copy->account.len);
	sha256(copy->body.at, copy->body.len, digest);
	buf_prefixed(fields, digest, sizeof digest);
	CHECK(!fields->overflow);
	return buf_view(fields);
}

void copy_write(const struct copy *copy, const struct mac_keys *keys, struct id deployment,
		struct buf *out)
{
	char storage[FIELDS_MAX];
	struct buf fields = buf_of(storage, sizeof storage);
	CHECK(copy->account.len >= 1 && copy->account.len <= ACCOUNT_LEN_MAX);
	CHECK(copy->body.len >= 1 && copy->body.len <= VIEW_WITHDRAWAL_MAX);
	struct mac_tag tag = row_mac_make(keys, MAC_LABEL, fields_write(copy, deployment, &fields));
	buf_byte(out, COPY_FORMAT);
	buf_u32(out, tag.key_id);
	buf_bytes(out, tag.bytes, sizeof tag.bytes);
	buf_u64(out, copy->version);
	buf_u64(out, (uint64_t)copy->made_ms);
	buf_byte(out, (uint8_t)copy->account.len);
	buf_str(out, copy->account);
	buf_str(out, copy->body);
}

static uint64_t take_number(struct str *rest, size_t bytes)
{
	uint64_t number = 0;
	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | (uint8_t)rest->at[i];
	*rest = str_skip(*rest, bytes);
	return number;
}

/* The parts, of whatever it is; false when they are not there. */
static bool parts_read(struct str value, struct mac_tag *ret_tag, struct copy *ret_copy)
{
	struct str rest = value;
	if (value.len <= HEAD_BYTES || value.len > CACHE_VALUE_MAX ||
	    take_number(&rest, 1) != COPY_FORMAT)
		return false;
	ret_tag->key_id = (uint32_t)take_number(&rest, 4);
	memcpy(ret_tag->bytes, rest.at, sizeof ret_tag->bytes);
	rest = str_skip(rest, sizeof ret_tag->bytes);
	ret_copy->version = take_number(&rest, 8);
	uint64_t made_ms = take_number(&rest, 8);
	size_t account_len = take_number(&rest, 1);
	if (made_ms > INT64_MAX || account_len < 1 || account_len > ACCOUNT_LEN_MAX ||
	    rest.len <= account_len)
		return false;
	ret_copy->made_ms = (int64_t)made_ms;
	ret_copy->account = (struct str){ rest.at, account_len };
	ret_copy->body = str_skip(rest, account_len);
	return true;
}

/* No difference of times: what is read may be any number. */
static bool is_of_now(int64_t made_ms, int64_t now_ms, int64_t life_ms)
{
	return made_ms <= now_ms + COPY_SKEW_MS && made_ms >= now_ms - life_ms;
}

bool copy_read(struct str value, struct id withdrawal, const struct mac_keys *keys,
	       struct id deployment, int64_t now_ms, int64_t life_ms, struct copy *ret_copy)
{
	char storage[FIELDS_MAX];
	struct buf fields = buf_of(storage, sizeof storage);
	struct copy copy = { .withdrawal = withdrawal };
	struct mac_tag tag;
	if (!parts_read(value, &tag, &copy))
		return false;
	if (!is_of_now(copy.made_ms, now_ms, life_ms) && DEFENCE("copy_is_of_now"))
		return false;
	if (!row_mac_verify(keys, MAC_LABEL, fields_write(&copy, deployment, &fields), &tag) &&
	    DEFENCE("copy_mac"))
		return false;
	*ret_copy = copy;
	return true;
}
