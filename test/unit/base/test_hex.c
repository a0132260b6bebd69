#include "base/hex.h"

#include "../testing.h"

static void writes(void **state)
{
	(void)state;
	static const uint8_t bytes[] = { 0x00, 0x0f, 0xa5, 0xff };
	char storage[10];
	struct buf out = buf_of(storage, sizeof storage);
	hex_write(&out, bytes, sizeof bytes);
	assert_str_equal(buf_view(&out), "000fa5ff");
	buf_reset(&out);
	hex_write_0x(&out, bytes, sizeof bytes);
	assert_str_equal(buf_view(&out), "0x000fa5ff");
	assert_false(out.overflow);
	buf_reset(&out);
	hex_write_0x(&out, NULL, 0);
	assert_str_equal(buf_view(&out), "0x");
}

static void reads_every_byte_in_any_case(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		char text[3];
		uint8_t got = 0;
		snprintf(text, sizeof text, "%02x", byte);
		assert_true(hex_read(str_from(text), &got, 1));
		assert_int_equal(got, byte);
		snprintf(text, sizeof text, "%02X", byte);
		assert_true(hex_read(str_from(text), &got, 1));
		assert_int_equal(got, byte);
	}
}

static void refuses_what_is_no_digit(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		const char text[2] = { '0', (char)byte };
		const char turned[2] = { (char)byte, '0' };
		uint8_t got = 77;
		bool is_digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
				(byte >= 'A' && byte <= 'F');
		assert_int_equal(hex_read((struct str){ text, 2 }, &got, 1), is_digit);
		if (!is_digit)
			assert_int_equal(got, 77);
		assert_int_equal(hex_read((struct str){ turned, 2 }, &got, 1), is_digit);
	}
}

static void wants_the_exact_length(void **state)
{
	(void)state;
	uint8_t bytes[2];
	assert_true(hex_read(STR(""), bytes, 0));
	assert_true(hex_read(STR("0102"), bytes, 2));
	assert_false(hex_read(STR("010"), bytes, 2));
	assert_false(hex_read(STR("010"), bytes, 1));
	assert_false(hex_read(STR("01"), bytes, 2));
	assert_false(hex_read(STR("010203"), bytes, 2));
	assert_true(hex_read_0x(STR("0x0102"), bytes, 2));
	assert_false(hex_read_0x(STR("0102"), bytes, 2));
	assert_false(hex_read_0x(STR("0X0102"), bytes, 2));
	assert_false(hex_read_0x(STR("0x01"), bytes, 2));
}

static void reads_any_length_up_to_cap(void **state)
{
	(void)state;
	uint8_t bytes[2] = { 9, 9 };
	size_t len = 7;
	assert_false(hex_read_0x_any(STR("0x010203"), bytes, sizeof bytes, &len));
	assert_false(hex_read_0x_any(STR("0x0"), bytes, sizeof bytes, &len));
	assert_false(hex_read_0x_any(STR("0x0g"), bytes, sizeof bytes, &len));
	assert_false(hex_read_0x_any(STR("01"), bytes, sizeof bytes, &len));
	assert_false(hex_read_0x_any(STR(""), bytes, sizeof bytes, &len));
	assert_int_equal(len, 7);
	assert_int_equal(bytes[0], 9);
	assert_true(hex_read_0x_any(STR("0x"), bytes, sizeof bytes, &len));
	assert_int_equal(len, 0);
	assert_true(hex_read_0x_any(STR("0x0102"), bytes, sizeof bytes, &len));
	assert_int_equal(len, 2);
	assert_int_equal(bytes[1], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes),
		cmocka_unit_test(reads_every_byte_in_any_case),
		cmocka_unit_test(refuses_what_is_no_digit),
		cmocka_unit_test(wants_the_exact_length),
		cmocka_unit_test(reads_any_length_up_to_cap),
	};
	return cmocka_run_group_tests_name("base/hex", tests, NULL, NULL);
}
