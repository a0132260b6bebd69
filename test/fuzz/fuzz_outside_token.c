/* Tokens of an outside identity provider whose keys sign whatever there is: the bytes are taken as
 * a token, and as header and claims (a newline between them) of one. Who is believed has a name, a
 * role and an account or all, and a token that names a key and an algorithm of public keys. */
#include "fuzz.h"

#include "base/base64.h"
#include "service/api/outside_token.h"

#define AT_MS INT64_C(1700000000000)

static enum token_verdict keys_verify(struct token_keys *keys, struct str key_id,
				      enum token_algorithm algorithm, struct str text,
				      struct str signature)
{
	(void)keys;
	CHECK(key_id.len > 0 && text.len > 0 && signature.len > 0);
	CHECK(algorithm >= TOKEN_RS256 && algorithm <= TOKEN_EDDSA);
	return TOKEN_VERIFIED;
}

static bool keys_poll(struct token_keys *keys, int64_t now_ms)
{
	(void)keys, (void)now_ms;
	return false;
}

static void keys_close(struct token_keys *keys)
{
	(void)keys;
}

static const struct token_keys_ops ops = { keys_verify, keys_poll, keys_close };

static void check(struct outside *outside, struct str text)
{
	struct principal by, again;
	if (outside_judge(outside, text, AT_MS, &by) != OUTSIDE_GRANTED)
		return;
	CHECK(by.kind == PRINCIPAL_TOKEN && by.permissions != 0 && by.id[0] != 0);
	CHECK(strncmp(by.name, OUTSIDE_NAME_PREFIX, strlen(OUTSIDE_NAME_PREFIX)) == 0);
	CHECK((by.reach == REACH_ALL) == (by.account[0] == 0));
	CHECK(outside_judge(outside, text, AT_MS, &again) == OUTSIDE_GRANTED);
	CHECK(strcmp(by.id, again.id) == 0 && by.permissions == again.permissions);
	CHECK(outside_judge(outside, text, INT64_MAX, &again) == OUTSIDE_EXPIRED);
}

static void check_parts(struct outside *outside, struct str text)
{
	struct str header, claims;
	if (!str_cut(text, '\n', &header, &claims) || text.len > OUTSIDE_TOKEN_MAX)
		return;
	struct buf out = buf_new(2 * text.len + 64);
	base64url_write(&out, header.at, header.len);
	buf_byte(&out, '.');
	base64url_write(&out, claims.at, claims.len);
	buf_text(&out, ".AAAA");
	CHECK(!out.overflow);
	check(outside, buf_view(&out));
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct token_keys keys = { &ops };
	const struct outside_options options = { .keys = &keys,
						 .issuer = "https://idp",
						 .audience = "sluice",
						 .role_claim = "role",
						 .account_claim = "account",
						 .life_max_ms = 3600000 };
	struct outside *outside = outside_new(&options);
	check(outside, str_from_bytes(bytes, len));
	check_parts(outside, str_from_bytes(bytes, len));
	outside_free(outside);
	return 0;
}
