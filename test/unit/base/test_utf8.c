#include "base/utf8.h"

#include "../testing.h"

/* Encodes a code point in `len` bytes, however wrong that is. */
static struct str encode(uint32_t point, size_t len, char storage[4])
{
	static const uint8_t lead[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };
	for (size_t i = len - 1; i > 0; i--) {
		storage[i] = (char)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	storage[0] = (char)(lead[len] | point);
	return (struct str){ storage, len };
}

static size_t right_len(uint32_t point)
{
	return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/* RFC 3629 by its definition: the shortest form of every scalar value, and nothing else. */
static void takes_exactly_the_scalar_values(void **state)
{
	(void)state;
	static const uint32_t ends[] = { 0, 0x80, 0x800, 0x10000, 0x200000 };
	char storage[4];
	for (size_t len = 1; len <= 4; len++) {
		for (uint32_t point = 0; point < ends[len]; point++) {
			bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
			bool is_right =
				len == right_len(point) && !is_surrogate && point <= 0x10ffff;
			if (utf8_is_valid(encode(point, len, storage)) != is_right)
				fail_msg("U+%X in %zu bytes", point, len);
		}
	}
}

static void refuses_broken_sequences(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc2",
		"\xe2\x82",
		"\xf0\x9f\x98",
		"\xc2\x41",
		"\xe2\x82\x41",
		"\xe2\x41\x82",
		"\xf0\x9f\x98\x41",
		"\xf0\x9f\x41\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xfe",
		"ok\xc3",
		"\xc3\xa9\xc3",
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(utf8_is_valid(str_from(bad[i])));
	assert_false(utf8_is_valid((struct str){ "ab\xe2\x82\xac", 4 })); /* cut, not ended */
	assert_true(utf8_is_valid(STR("")));
	assert_true(utf8_is_valid(STR("a\0b")));
	assert_true(utf8_is_valid(STR("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80")));
}

/* ASCII is skipped in steps of eight: a wrong byte anywhere in and around them is seen. */
static void sees_every_place_of_a_long_text(void **state)
{
	(void)state;
	char text[27];
	memset(text, 'a', sizeof text);
	for (size_t len = 0; len <= sizeof text; len++) {
		assert_true(utf8_is_valid((struct str){ text, len }));
		for (size_t i = 0; i < len; i++) {
			text[i] = '\x80';
			assert_false(utf8_is_valid((struct str){ text, len }));
			text[i] = 'a';
		}
	}
}

static void knows_visible_ascii(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		const char text[3] = { 'a', (char)byte, 'a' };
		bool is_visible = byte >= 0x21 && byte <= 0x7e;
		assert_int_equal(ascii_is_visible((struct str){ text, 2 }), is_visible);
		assert_int_equal(ascii_is_visible((struct str){ text + 1, 2 }), is_visible);
	}
	assert_true(ascii_is_visible(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_exactly_the_scalar_values),
		cmocka_unit_test(refuses_broken_sequences),
		cmocka_unit_test(sees_every_place_of_a_long_text),
		cmocka_unit_test(knows_visible_ascii),
	};
	return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
