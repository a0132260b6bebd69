#include "core/refresh_token.h"

#include "base/check.h"
#include "base/hex.h"

void refresh_token_write(struct id session, const uint8_t secret[REFRESH_SECRET_BYTES],
			 struct buf *out)
{
	size_t before = out->len;
	buf_text(out, "slr_");
	id_write(session, out);
	buf_byte(out, '_');
	hex_write(out, secret, REFRESH_SECRET_BYTES);
	CHECK(out->overflow || out->len - before == REFRESH_TOKEN_TEXT_LEN);
}

bool refresh_token_read(struct str text, struct id *ret_session, uint8_t ret_hash[SHA256_BYTES])
{
	struct str name, secret;
	struct id session;
	if (text.len != REFRESH_TOKEN_TEXT_LEN || !str_starts_with(text, STR("slr_")) ||
	    !str_cut(str_skip(text, 4), '_', &name, &secret) || !id_read(name, &session))
		return false;
	CHECK(secret.len == (size_t)2 * REFRESH_SECRET_BYTES);
	for (size_t i = 4; i < text.len; i++) {
		char c = text.at[i];
		bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
		if (!is_digit && c != '-' && c != '_')
			return false;
	}
	*ret_session = session;
	sha256(text.at, text.len, ret_hash);
	return true;
}
