/* Key sets: whatever comes is refused with a reason, or gives keys; and then no key of it takes a
 * signature that is none. */
#include "fuzz.h"

#include "adapter/token_keys_jwks.h"

#define TEXT STR("header.claims")

static void check_verify(const struct jwks *jwks)
{
	static const char zero[256];
	static const char *const ids[] = { "a", "b", "c", "" };
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		for (int algorithm = TOKEN_RS256; algorithm <= TOKEN_EDDSA; algorithm++)
			for (size_t len = 0; len <= sizeof zero; len += 64)
				CHECK(jwks_verify(jwks, str_from(ids[i]),
						  (enum token_algorithm)algorithm, TEXT,
						  str_from_bytes(zero, len)) != TOKEN_VERIFIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct jwks *jwks = NULL;
	struct err err = { 0 };
	if (!jwks_read(str_from_bytes(bytes, len), &jwks, &err)) {
		CHECK(err.kind == ERR_REFUSED && err.text[0] != 0);
		return 0;
	}
	CHECK(jwks_len(jwks) > 0 && jwks_len(jwks) <= JWKS_KEYS_MAX);
	check_verify(jwks);
	jwks_free(jwks);
	return 0;
}
