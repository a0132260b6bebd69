#include "../testing.h"

static void writes_until_full(void **state)
{
	(void)state;
	char storage[8];
	struct buf out = buf_of(storage, sizeof storage);
	buf_text(&out, "abc");
	buf_byte(&out, 'd');
	buf_str(&out, STR("efgh"));
	assert_false(out.overflow);
	assert_str_equal(buf_view(&out), "abcdefgh");
	buf_bytes(&out, NULL, 0);
	assert_false(out.overflow);
	buf_byte(&out, 'i');
	assert_true(out.overflow);
	assert_str_equal(buf_view(&out), "abcdefgh");
}

static void overflow_stays(void **state)
{
	(void)state;
	char storage[4];
	struct buf out = buf_of(storage, sizeof storage);
	buf_text(&out, "12345");
	assert_true(out.overflow);
	assert_int_equal(out.len, 0);
	buf_text(&out, "1");
	buf_format(&out, "%d", 1);
	assert_true(out.overflow);
	assert_int_equal(out.len, 0);
	buf_reset(&out);
	assert_false(out.overflow);
	buf_text(&out, "1234");
	assert_str_equal(buf_view(&out), "1234");
}

static void formats(void **state)
{
	(void)state;
	char storage[8];
	struct buf out = buf_of(storage, sizeof storage);
	buf_format(&out, "%d-%s", 12, "ab");
	assert_str_equal(buf_view(&out), "12-ab");
	buf_format(&out, "%s", "xy"); /* fits with its terminator */
	assert_false(out.overflow);
	buf_format(&out, "%s", "z"); /* would fit without it, but was cut */
	assert_true(out.overflow);
	assert_str_equal(buf_view(&out), "12-abxy");
}

static void writes_decimals(void **state)
{
	(void)state;
	static const uint64_t values[] = { 0, 9, 10, 255, 1000000007, UINT64_MAX };
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		char storage[20], expected[24];
		struct buf out = buf_of(storage, sizeof storage);
		snprintf(expected, sizeof expected, "%llu", (unsigned long long)values[i]);
		buf_decimal(&out, values[i]);
		assert_false(out.overflow);
		assert_str_equal(buf_view(&out), expected);
		out = buf_of(storage, strlen(expected) - 1);
		buf_decimal(&out, values[i]);
		assert_true(out.overflow);
		assert_int_equal(out.len, 0);
	}
}

static void writes_big_endian(void **state)
{
	(void)state;
	uint8_t storage[12];
	static const uint8_t expected[] = { 0x01, 0x02, 0x03, 0x04, 0xf1, 0xf2,
					    0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8 };
	struct buf out = buf_of(storage, sizeof storage);
	buf_u32(&out, 0x01020304);
	buf_u64(&out, 0xf1f2f3f4f5f6f7f8);
	assert_false(out.overflow);
	assert_memory_equal(storage, expected, sizeof expected);
}

static void prefixes_lengths(void **state)
{
	(void)state;
	uint8_t storage[32];
	static const uint8_t expected[] = { 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0, 0,
					    0, 0, 8, 0, 0,   0,   0, 0, 0, 1, 0 };
	struct buf out = buf_of(storage, sizeof storage);
	buf_prefixed(&out, "ab", 2);
	buf_prefixed(&out, NULL, 0);
	buf_prefixed_u64(&out, 256);
	assert_int_equal(out.len, sizeof expected);
	assert_memory_equal(storage, expected, sizeof expected);
	assert_aborts(buf_prefixed(&out, "", (size_t)UINT32_MAX + 1));
}

static void terminates(void **state)
{
	(void)state;
	char storage[4];
	struct buf out = buf_of(storage, sizeof storage);
	assert_string_equal(buf_terminated(&out), "");
	buf_text(&out, "abc");
	assert_string_equal(buf_terminated(&out), "abc");
	assert_int_equal(out.len, 3);
	assert_false(out.overflow);
	buf_byte(&out, 'd');
	assert_false(out.overflow);
	assert_string_equal(buf_terminated(&out), "abc");
	assert_true(out.overflow);
	struct buf nothing = buf_of(storage, 0);
	assert_aborts(buf_terminated(&nothing));
}

static void owns_memory(void **state)
{
	(void)state;
	struct buf out = buf_new(16);
	buf_text(&out, "0123456789abcdef");
	assert_false(out.overflow);
	assert_str_equal(buf_view(&out), "0123456789abcdef");
	buf_free(&out);
	assert_null(out.at);
	assert_int_equal(out.cap, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_until_full), cmocka_unit_test(overflow_stays),
		cmocka_unit_test(formats),           cmocka_unit_test(writes_big_endian),
		cmocka_unit_test(prefixes_lengths),  cmocka_unit_test(terminates),
		cmocka_unit_test(owns_memory),       cmocka_unit_test(writes_decimals),
	};
	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
