#include "base/u256.h"

#include "../testing.h"

static bool equals_column(struct u256 value, struct str column)
{
	return u256_equal(value, column_u256(column));
}

/* A result and whether there is one, against a column that is a number or "-". */
static bool agrees(bool is_there, struct u256 result, struct str column)
{
	return is_there ? !is_nothing(column) && equals_column(result, column) : is_nothing(column);
}

static void adds_subtracts_multiplies(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("u256.tsv");
	struct str column[9];
	while (vectors_next(&vectors, column, 9)) {
		struct u256 a = column_u256(column[0]);
		struct u256 b = column_u256(column[1]);
		struct u256 low64, result = u256_zero();
		uint64_t small = 0;
		uint8_t bytes[U256_BYTES];
		u256_to_bytes(b, bytes);
		assert_true(u256_from_bytes_short(bytes + 24, 8, &low64));
		assert_true(u256_to_u64(low64, &small));
		bool is_right = agrees(u256_add(a, b, &result), result, column[3]);
		is_right = is_right && agrees(u256_sub(a, b, &result), result, column[4]);
		is_right = is_right && agrees(u256_mul(a, b, &result), result, column[5]);
		is_right = is_right && agrees(u256_mul_u64(a, small, &result), result, column[6]);
		if (!is_right)
			fail_msg("u256.tsv line %d", vectors.number);
	}
	vectors_close(&vectors, 300);
}

static void divides(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("u256.tsv");
	struct str column[9];
	while (vectors_next(&vectors, column, 9)) {
		struct u256 a = column_u256(column[0]);
		struct u256 b = column_u256(column[1]);
		uint8_t bytes[U256_BYTES];
		uint64_t divisor = 0, remainder = 7;
		u256_to_bytes(b, bytes);
		for (int i = 24; i < 32; i++)
			divisor = divisor << 8 | bytes[i];
		if (divisor == 0) {
			assert_true(is_nothing(column[7]));
			continue;
		}
		struct u256 quotient = u256_div_u64(a, divisor, &remainder);
		struct u256 up = u256_div_u64_up(a, divisor);
		struct u256 more = u256_add_saturated(quotient, u256_from_u64(1));
		if (!equals_column(quotient, column[7]) || remainder != column_u64(column[8]) ||
		    !u256_equal(up, remainder == 0 ? quotient : more))
			fail_msg("u256.tsv line %d", vectors.number);
	}
	vectors_close(&vectors, 300);
	uint64_t remainder;
	assert_aborts(u256_div_u64(u256_max(), 0, &remainder));
	assert_aborts(u256_div_u64_up(u256_max(), 0));
}

static void orders(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("u256.tsv");
	struct str column[9];
	while (vectors_next(&vectors, column, 9)) {
		struct u256 a = column_u256(column[0]);
		struct u256 b = column_u256(column[1]);
		int order = str_equal_text(column[2], "-1") ? -1 : (int)column_u64(column[2]);
		assert_int_equal(u256_compare(a, b), order);
		assert_int_equal(u256_compare(b, a), -order);
		assert_int_equal(u256_equal(a, b), order == 0);
		assert_true(u256_equal(u256_min_of(a, b), order < 0 ? a : b));
		assert_true(u256_equal(u256_max_of(a, b), order < 0 ? b : a));
	}
	vectors_close(&vectors, 300);
}

/* Laws that need no expected values. */
static void keeps_the_laws(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("u256.tsv");
	struct str column[9];
	while (vectors_next(&vectors, column, 9)) {
		struct u256 a = column_u256(column[0]);
		struct u256 b = column_u256(column[1]);
		struct u256 x, y;
		bool has_sum = u256_add(a, b, &x);
		assert_int_equal(u256_add(b, a, &y), has_sum);
		assert_true(u256_equal(u256_add_saturated(a, b), has_sum ? x : u256_max()));
		if (has_sum) {
			assert_true(u256_equal(x, y));
			assert_true(u256_sub(x, b, &y) && u256_equal(y, a));
		}
		bool has_product = u256_mul(a, b, &x);
		assert_int_equal(u256_mul(b, a, &y), has_product);
		assert_true(!has_product || u256_equal(x, y));
		bool has_difference = u256_sub(a, b, &x);
		assert_int_equal(has_difference, u256_compare(a, b) >= 0);
		assert_true(u256_equal(u256_sub_saturated(a, b), has_difference ? x : u256_zero()));
	}
	vectors_close(&vectors, 300);
}

static void writes_nothing_on_failure(void **state)
{
	(void)state;
	struct u256 one = u256_from_u64(1);
	struct u256 kept = u256_from_u64(77);
	assert_false(u256_add(u256_max(), one, &kept));
	assert_false(u256_sub(u256_zero(), one, &kept));
	assert_false(u256_mul(u256_max(), u256_max(), &kept));
	assert_false(u256_mul_u64(u256_max(), 2, &kept));
	assert_false(u256_from_decimal(STR("x"), &kept));
	assert_false(u256_from_hex(STR("0xg"), &kept));
	assert_false(u256_from_bytes_short((const uint8_t[33]){ 0 }, 33, &kept));
	uint64_t small = 78;
	assert_false(u256_to_u64(u256_max(), &small));
	assert_int_equal(small, 78);
	assert_true(u256_equal(kept, u256_from_u64(77)));
}

static void converts_text_and_bytes(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("u256_text.tsv");
	struct str column[3];
	while (vectors_next(&vectors, column, 3)) {
		struct u256 value = column_u256(column[0]);
		struct u256 again;
		uint8_t bytes[U256_BYTES], wanted[U256_BYTES];
		char storage[U256_DECIMAL_LEN_MAX];
		struct buf out = buf_of(storage, sizeof storage);
		u256_write_decimal(value, &out);
		/* All 78 digits fit without a terminator only when written in chunks that do. */
		assert_true(out.overflow || str_equal(buf_view(&out), column[0]));
		assert_true(u256_from_hex(column[1], &again) && u256_equal(again, value));
		assert_true(u256_from_hex(column[2], &again) && u256_equal(again, value));
		assert_int_equal(column_bytes(column[2], wanted, sizeof wanted), U256_BYTES);
		u256_to_bytes(value, bytes);
		assert_memory_equal(bytes, wanted, sizeof wanted);
		assert_true(u256_equal(u256_from_bytes(bytes), value));

		char roomy[U256_DECIMAL_LEN_MAX + 1];
		out = buf_of(roomy, sizeof roomy);
		u256_write_decimal(value, &out);
		assert_true(str_equal(buf_view(&out), column[0]));
		buf_reset(&out);
		u256_write_hex(value, &out);
		assert_true(str_equal(buf_view(&out), column[1]));
	}
	vectors_close(&vectors, 270);
}

static void takes_short_bytes(void **state)
{
	(void)state;
	static const uint8_t bytes[U256_BYTES] = { 1, 2, 3 };
	struct u256 value = u256_max();
	assert_true(u256_from_bytes_short(NULL, 0, &value));
	assert_true(u256_is_zero(value));
	assert_true(u256_from_bytes_short(bytes, 2, &value));
	assert_true(u256_equal(value, u256_from_u64(258)));
	assert_true(u256_from_bytes_short(bytes, sizeof bytes, &value));
	assert_true(u256_equal(value, u256_from_bytes(bytes)));
}

static void fits_64_bits_or_not(void **state)
{
	(void)state;
	uint64_t small = 0;
	struct u256 above;
	assert_true(u256_to_u64(u256_from_u64(UINT64_MAX), &small));
	assert_true(small == UINT64_MAX);
	assert_true(u256_add(u256_from_u64(UINT64_MAX), u256_from_u64(1), &above));
	assert_false(u256_to_u64(above, &small));
	assert_true(u256_is_zero(u256_zero()));
	assert_false(u256_is_zero(above));
	/* Each bit alone. */
	struct u256 bit = u256_from_u64(1);
	for (int i = 0; i < 255; i++) {
		assert_false(u256_is_zero(bit));
		assert_int_equal(u256_to_u64(bit, &small), i < 64);
		assert_true(u256_mul_u64(bit, 2, &bit));
	}
	assert_false(u256_is_zero(bit));
}

static void refuses_bad_text(void **state)
{
	(void)state;
	static const char *const bad_decimals[] = {
		"",
		"00",
		"01",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1.0",
		"1e3",
		"0x1",
		"1/",
		"1:",
		"115792089237316195423570985008687907853269984665640564039457584007913129639936",
		"115792089237316195423570985008687907853269984665640564039457584007913129639940",
		"999999999999999999999999999999999999999999999999999999999999999999999999999999",
		"1000000000000000000000000000000000000000000000000000000000000000000000000000000",
	};
	static const char *const bad_hexes[] = {
		"",
		"0x",
		"1",
		"0X1",
		"0xg",
		"0x1 ",
		"x1",
		"-0x1",
		"0x-1",
		"0x10000000000000000000000000000000000000000000000000000000000000000",
		"0x00000000000000000000000000000000000000000000000000000000000000001",
	};
	struct u256 value;
	for (size_t i = 0; i < COUNT_OF(bad_decimals); i++)
		assert_false(u256_from_decimal(str_from(bad_decimals[i]), &value));
	for (size_t i = 0; i < COUNT_OF(bad_hexes); i++)
		assert_false(u256_from_hex(str_from(bad_hexes[i]), &value));
	assert_true(u256_from_hex(STR("0x00fF"), &value));
	assert_true(u256_equal(value, u256_from_u64(255)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_subtracts_multiplies),
		cmocka_unit_test(divides),
		cmocka_unit_test(orders),
		cmocka_unit_test(keeps_the_laws),
		cmocka_unit_test(writes_nothing_on_failure),
		cmocka_unit_test(converts_text_and_bytes),
		cmocka_unit_test(takes_short_bytes),
		cmocka_unit_test(fits_64_bits_or_not),
		cmocka_unit_test(refuses_bad_text),
	};
	return cmocka_run_group_tests_name("base/u256", tests, NULL, NULL);
}
