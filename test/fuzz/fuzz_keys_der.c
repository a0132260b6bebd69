/* What key stores of others hand out: a signature that is taken has one form, and this is it; a
 * point that is taken is on the curve, whatever it came in. */
#include "fuzz.h"

#include "adapter/keys_der.h"

static size_t number_write(const uint8_t number[32], char *out)
{
	size_t from = 0;
	while (from < 31 && number[from] == 0)
		from++;
	size_t pad = (number[from] & 0x80) != 0 ? 1 : 0, len = 32 - from;
	out[0] = 0x02;
	out[1] = (char)(len + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, number + from, len);
	return 2 + pad + len;
}

static void signature_check(struct str der)
{
	uint8_t r[32], s[32];
	char again[80] = { 0x30 };
	if (!keys_der_signature(der, r, s))
		return;
	size_t len = number_write(r, again + 2);
	len += number_write(s, again + 2 + len);
	again[1] = (char)len;
	CHECK(str_equal(der, (struct str){ again, 2 + len }));
}

static void point_check(const uint8_t point[KEYS_POINT_BYTES])
{
	uint8_t bare[1 + KEYS_POINT_BYTES] = { 0x04 }, again[KEYS_POINT_BYTES];
	memcpy(bare + 1, point, KEYS_POINT_BYTES);
	CHECK(keys_der_ec_point(str_from_bytes(bare, sizeof bare), again));
	CHECK(memcmp(point, again, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str input = str_from_bytes(bytes, len);
	uint8_t point[KEYS_POINT_BYTES];
	char *copy = fuzz_copy(input);
	input.at = copy;
	signature_check(input);
	if (keys_der_public_key(input, point))
		point_check(point);
	if (keys_der_ec_point(input, point))
		point_check(point);
	if (keys_der_is_secp256k1(input))
		CHECK(input.len == 7);
	free(copy);
	return 0;
}
