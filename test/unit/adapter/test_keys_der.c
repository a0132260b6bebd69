#include "adapter/keys_der.h"

#include "../testing.h"

/* The generator of secp256k1 (SEC 2, 2.4.1). */
#define G_X    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define G_Y    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
#define HIGH_S "f83ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
#define SPKI   "3056301006072a8648ce3d020106052b8104000a034200"
#define CURVE  "06052b8104000a"

static size_t bytes_of(const char *hex, uint8_t *ret_bytes, size_t cap)
{
	size_t len = strlen(hex) / 2;
	assert_true(len <= cap);
	assert_true(hex_read(str_from(hex), ret_bytes, len));
	return len;
}

static bool signature_of(const char *hex, uint8_t r[32], uint8_t s[32])
{
	uint8_t bytes[256];
	size_t len = bytes_of(hex, bytes, sizeof bytes);
	/* Memory of exactly this size: the sanitizer sees a step too far. */
	char *exact = malloc(len > 0 ? len : 1);
	memcpy(exact, bytes, len);
	bool ok = keys_der_signature((struct str){ exact, len }, r, s);
	free(exact);
	return ok;
}

static void reads_signatures(void **state)
{
	uint8_t r[32], s[32], wanted[32] = { 0 };
	(void)state;
	assert_true(signature_of("3006020101020102", r, s));
	wanted[31] = 1;
	assert_memory_equal(r, wanted, 32);
	wanted[31] = 2;
	assert_memory_equal(s, wanted, 32);
	assert_true(signature_of("3007020101020200ff", r, s));
	wanted[31] = 0xff;
	assert_memory_equal(s, wanted, 32);
	/* 32 bytes with the first bit set, and 32 without. */
	assert_true(signature_of("30450220" G_X "022100" HIGH_S, r, s));
	bytes_of(G_X, wanted, 32);
	assert_memory_equal(r, wanted, 32);
	assert_int_equal(s[0], 0xf8);
}

static void refuses_what_is_no_signature(void **state)
{
	static const char *const wrong[] = {
		"",
		"30",
		"3000",
		"3006020101020102"
		"00",               /* more behind it */
		"3007020101020102", /* less than it says */
		"3005020101020102",
		"300702010102010200", /* more inside */
		"3003020101",         /* one number */
		"3009020101020102020103",
		"3106020101020102", /* another tag */
		"3006030101020102",
		"3006020101030102",
		"3005020002"
		"0102",             /* an empty number */
		"3006020100020102", /* zero */
		"3006020101020100",
		"3006020181020102",   /* negative */
		"300702020001020102", /* a zero that is not needed */
		"30810602010102"
		"0102", /* a long form of the length */
		"3080020101020102"
		"0000",
		"3046022101" G_X "022100" HIGH_S, /* 33 bytes */
		"30440220" G_X "0220" HIGH_S,     /* negative */
	};
	uint8_t r[32] = { 7 }, s[32] = { 7 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		if (signature_of(wrong[i], r, s))
			fail_msg("%s is taken", wrong[i]);
	assert_int_equal(r[0], 7);
	assert_int_equal(s[0], 7);
}

static bool public_key_of(const char *hex, uint8_t point[KEYS_POINT_BYTES])
{
	uint8_t bytes[256];
	size_t len = bytes_of(hex, bytes, sizeof bytes);
	return keys_der_public_key(str_from_bytes(bytes, len), point);
}

static void reads_public_keys(void **state)
{
	uint8_t point[KEYS_POINT_BYTES], wanted[KEYS_POINT_BYTES];
	(void)state;
	bytes_of(G_X G_Y, wanted, sizeof wanted);
	assert_true(public_key_of(SPKI "04" G_X G_Y, point));
	assert_memory_equal(point, wanted, sizeof wanted);
	assert_false(public_key_of(SPKI "04" G_X G_X, point));      /* not on the curve */
	assert_false(public_key_of(SPKI "04" G_X G_Y "00", point)); /* more behind it */
	assert_false(public_key_of(SPKI "06" G_X G_Y, point));      /* hybrid */
	assert_false(public_key_of(SPKI "02" G_X, point));          /* compressed */
	assert_false(public_key_of("", point));
	/* P-256: another identifier. */
	assert_false(public_key_of("3059301306072a8648ce3d020106082a8648ce3d030107034200"
				   "04" G_X G_Y,
				   point));
}

static bool point_of(const char *hex, uint8_t point[KEYS_POINT_BYTES])
{
	uint8_t bytes[256];
	size_t len = bytes_of(hex, bytes, sizeof bytes);
	return keys_der_ec_point(str_from_bytes(bytes, len), point);
}

static void reads_points_bare_and_wrapped(void **state)
{
	static const char *const right[] = { "04" G_X G_Y,
					     "0441"
					     "04" G_X G_Y,
					     "02" G_X,
					     "0421"
					     "02" G_X };
	static const char *const wrong[] = { "",
					     "04",
					     "0441",
					     "0440"
					     "04" G_X G_Y,
					     "0442"
					     "04" G_X G_Y,
					     "0341"
					     "04" G_X G_Y,
					     "04" G_X G_X,
					     "04" G_X G_Y "00",
					     "0441"
					     "04" G_X G_Y "00",
					     "00" G_X G_Y,
					     "05" G_X,
					     "04410441" G_X G_Y };
	uint8_t point[KEYS_POINT_BYTES], wanted[KEYS_POINT_BYTES];
	(void)state;
	bytes_of(G_X G_Y, wanted, sizeof wanted);
	for (size_t i = 0; i < COUNT_OF(right); i++) {
		assert_true(point_of(right[i], point));
		assert_memory_equal(point, wanted, sizeof wanted);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		if (point_of(wrong[i], point))
			fail_msg("%s is taken", wrong[i]);
}

/* One bare point in 256 begins as an OCTET STRING of 63 bytes does. */
static void a_bare_point_that_looks_wrapped_is_bare(void **state)
{
	uint8_t point[KEYS_POINT_BYTES], bare[1 + KEYS_POINT_BYTES] = { 0x04 };
	char compressed[] = "02"
			    "3f00000000000000000000000000000000000000000000000000000000000000";
	(void)state;
	/* The first x of this form that is on the curve. */
	for (unsigned last = 0; last < 256; last++) {
		snprintf(compressed + sizeof compressed - 3, 3, "%02x", last);
		if (!point_of(compressed, point))
			continue;
		memcpy(bare + 1, point, sizeof point);
		assert_int_equal(bare[1], 0x3f);
		uint8_t again[KEYS_POINT_BYTES];
		assert_true(keys_der_ec_point(str_from_bytes(bare, sizeof bare), again));
		assert_memory_equal(again, point, sizeof point);
		return;
	}
	fail_msg("no such point");
}

static void knows_its_curve(void **state)
{
	uint8_t bytes[32];
	(void)state;
	assert_true(keys_der_is_secp256k1(str_from_bytes(bytes, bytes_of(CURVE, bytes, 32))));
	assert_false(keys_der_is_secp256k1(
		str_from_bytes(bytes, bytes_of("06082a8648ce3d030107", bytes, 32))));
	assert_false(keys_der_is_secp256k1(
		str_from_bytes(bytes, bytes_of("06052b8104000b", bytes, 32))));
	assert_false(keys_der_is_secp256k1((struct str){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_signatures),
		cmocka_unit_test(refuses_what_is_no_signature),
		cmocka_unit_test(reads_public_keys),
		cmocka_unit_test(reads_points_bare_and_wrapped),
		cmocka_unit_test(a_bare_point_that_looks_wrapped_is_bare),
		cmocka_unit_test(knows_its_curve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
