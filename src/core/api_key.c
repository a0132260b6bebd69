#include "core/api_key.h"

#include "base/check.h"
#include "base/hex.h"

static bool is_lower_hex(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

bool api_key_read(struct str text, struct str *ret_id, struct str *ret_secret)
{
	struct str id, secret;
	if (text.len != API_KEY_TEXT_LEN || !str_starts_with(text, STR("slk_")) ||
	    !str_cut(str_skip(text, 4), '_', &id, &secret))
		return false;
	if (id.len != API_KEY_ID_LEN || !is_lower_hex(id) || !is_lower_hex(secret))
		return false;
	CHECK(secret.len == API_KEY_SECRET_LEN);
	*ret_id = id;
	*ret_secret = secret;
	return true;
}

void api_key_write(const uint8_t id[8], const uint8_t secret[32], struct buf *out)
{
	size_t before = out->len;
	buf_text(out, "slk_");
	hex_write(out, id, API_KEY_ID_LEN / 2);
	buf_byte(out, '_');
	hex_write(out, secret, API_KEY_SECRET_LEN / 2);
	CHECK(out->overflow || out->len - before == API_KEY_TEXT_LEN);
}

void api_key_hash(struct str secret, uint8_t ret_hash[SHA256_BYTES])
{
	CHECK(secret.len == API_KEY_SECRET_LEN);
	sha256(secret.at, secret.len, ret_hash);
}
