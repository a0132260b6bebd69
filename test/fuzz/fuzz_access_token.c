/* Access tokens: whatever comes is refused, unless it is one of ours; and then it is written again
 * as it came. The bytes are taken as a token, and as the claims of one under the right MAC. */
#include "fuzz.h"

#include "base/base64.h"
#include "base/hash.h"
#include "service/api/access_token.h"

#define AT_MS  INT64_C(1700000000000)
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"1\"}"

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const struct mac_keys keys = { .keys = { { .id = 1, .key = key_bytes } }, .len = 1 };
static const struct id deployment = { { 1, 2, 3, 4, 5, 6, 0x70, 8, 0x80 } };

static bool claims_equal(const struct access_claims *a, const struct access_claims *b)
{
	return id_equal(a->user, b->user) && id_equal(a->session, b->session) &&
	       id_equal(a->token, b->token) && a->issued_at == b->issued_at &&
	       a->expires_at == b->expires_at && a->second_factor == b->second_factor;
}

static void check(struct str text)
{
	char bytes[ACCESS_TOKEN_MAX];
	struct buf again = buf_of(bytes, sizeof bytes);
	struct access_claims claims, same;
	enum access_verdict verdict = access_token_read(&keys, deployment, text, AT_MS, &claims);
	if (!access_token_is_shaped(text))
		CHECK(verdict == ACCESS_REFUSED);
	if (verdict != ACCESS_GRANTED)
		return;
	CHECK(claims.expires_at > AT_MS && claims.expires_at > claims.issued_at);
	CHECK(claims.expires_at - claims.issued_at <= ACCESS_TOKEN_LIFE_MS);
	access_token_write(&keys, deployment, &claims, &again);
	CHECK(!again.overflow);
	CHECK(access_token_read(&keys, deployment, buf_view(&again), AT_MS, &same) ==
	      ACCESS_GRANTED);
	CHECK(claims_equal(&claims, &same));
}

static void check_claims(struct str claims)
{
	uint8_t tag[SHA256_BYTES];
	struct buf out = buf_new(2 * claims.len + 256);
	base64url_write(&out, HEADER, sizeof HEADER - 1);
	buf_byte(&out, '.');
	base64url_write(&out, claims.at, claims.len);
	hmac_sha256(key_bytes, sizeof key_bytes, out.at, out.len, tag);
	buf_byte(&out, '.');
	base64url_write(&out, tag, sizeof tag);
	CHECK(!out.overflow);
	check(buf_view(&out));
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	check(str_from_bytes(bytes, len));
	check_claims(str_from_bytes(bytes, len));
	return 0;
}
