#include "core/address.h"

#include "../testing.h"

static void agrees_on_checksums(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("address.tsv");
	struct str column[3];
	while (vectors_next(&vectors, column, 3)) {
		struct address address = { { 0 } };
		enum address_read verdict = address_read(column[0], &address);
		enum address_read expected = ADDRESS_OK;
		if (str_equal_text(column[1], "checksum"))
			expected = ADDRESS_BAD_CHECKSUM;
		else if (str_equal_text(column[1], "malformed"))
			expected = ADDRESS_MALFORMED;
		else
			assert_str_equal(column[1], "ok");
		if (verdict != expected)
			fail_msg("address.tsv line %d: %d", vectors.number, verdict);
		struct address_text text = address_text(address);
		if (verdict == ADDRESS_OK && !str_equal_text(column[2], text.at))
			fail_msg("address.tsv line %d: %s", vectors.number, text.at);
	}
	vectors_close(&vectors, 350);
}

static void takes_text_of_one_case(void **state)
{
	(void)state;
	struct address upper, lower, mixed;
	assert_int_equal(address_read(STR("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED"), &upper),
			 ADDRESS_OK);
	assert_int_equal(address_read(STR("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"), &lower),
			 ADDRESS_OK);
	assert_int_equal(address_read(STR("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"), &mixed),
			 ADDRESS_OK);
	assert_true(address_equal(upper, lower) && address_equal(lower, mixed));
	/* Digits alone have no case. */
	assert_int_equal(address_read(STR("0x1111111111111111111111111111111111111111"), &upper),
			 ADDRESS_OK);
}

/* One letter of the other case makes text of mixed case, wherever and whichever it is. */
static void notices_a_single_letter(void **state)
{
	(void)state;
	static const char *const mixed[] = {
		"0xA11111111111111111111111111111111111111b",
		"0xaB11111111111111111111111111111111111111",
		"0xBa11111111111111111111111111111111111111",
		"0xB11111111111111111111111111111111111111a",
		"0xbA21111111111111111111111111111111111111",
		"0xf1111111111111111111111111111111111111F1",
	};
	struct address address;
	for (size_t i = 0; i < COUNT_OF(mixed); i++)
		assert_int_equal(address_read(str_from(mixed[i]), &address), ADDRESS_BAD_CHECKSUM);
}

static void refuses_what_is_no_address(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"0x",
		"5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
		"0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
		"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
		"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed0",
		" 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
		"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
		"XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS", /* ICAP */
		"vitalik.eth",
	};
	struct address address = { { 7 } };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(address_read(str_from(bad[i]), &address), ADDRESS_MALFORMED);
	assert_int_equal(address_read(STR("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"), &address),
			 ADDRESS_BAD_CHECKSUM);
	assert_int_equal(address.bytes[0], 7);
}

static void knows_zero(void **state)
{
	(void)state;
	struct address address = { { 0 } };
	struct hash32 hash = { { 0 } };
	assert_true(address_is_zero(address));
	assert_true(hash32_is_zero(hash));
	address.bytes[19] = 1;
	hash.bytes[31] = 1;
	assert_false(address_is_zero(address));
	assert_false(hash32_is_zero(hash));
}

/* Private key 1: the generator of secp256k1 itself, and an address that everybody knows. */
static void derives_from_public_key(void **state)
{
	(void)state;
	uint8_t point[64];
	assert_true(
		hex_read(STR("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
			     "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
			 point, sizeof point));
	assert_string_equal(address_text(address_of_public_key(point)).at,
			    "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
}

static void reads_and_writes_hashes(void **state)
{
	(void)state;
	static const char text[] =
		"0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
	struct hash32 hash = { { 0 } };
	struct hash32 other;
	assert_false(hash32_read(STR("0xddf2"), &hash));
	assert_false(hash32_read(str_skip(str_from(text), 2), &hash));
	assert_true(hash32_is_zero(hash));
	assert_true(hash32_read(str_from(text), &hash));
	assert_string_equal(hash32_text(hash).at, text);
	other = hash;
	assert_true(hash32_equal(hash, other));
	other.bytes[31] ^= 1;
	assert_false(hash32_equal(hash, other));
	char storage[66];
	struct buf out = buf_of(storage, sizeof storage);
	hash32_write(hash, &out);
	assert_str_equal(buf_view(&out), text);
	struct buf small = buf_of(storage, 41);
	address_write((struct address){ { 0 } }, &small);
	assert_true(small.overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_on_checksums),
		cmocka_unit_test(takes_text_of_one_case),
		cmocka_unit_test(notices_a_single_letter),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(knows_zero),
		cmocka_unit_test(derives_from_public_key),
		cmocka_unit_test(reads_and_writes_hashes),
	};
	return cmocka_run_group_tests_name("core/address", tests, NULL, NULL);
}
