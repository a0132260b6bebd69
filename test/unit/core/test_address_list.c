#include "core/address_list.h"

#include "../testing.h"

static void lines_are_addresses_comments_or_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum address_line is;
	} cases[] = {
		{ "", ADDRESS_LINE_EMPTY },
		{ " \t", ADDRESS_LINE_EMPTY },
		{ "\r", ADDRESS_LINE_EMPTY },
		{ "# 0x52908400098527886E0F7030069857D2E4169EE7", ADDRESS_LINE_EMPTY },
		{ "0x52908400098527886E0F7030069857D2E4169EE7", ADDRESS_LINE_ADDRESS },
		{ " 0x52908400098527886e0f7030069857d2e4169ee7 # who\r", ADDRESS_LINE_ADDRESS },
		{ "0x52908400098527886E0F7030069857D2E4169EE7\r", ADDRESS_LINE_ADDRESS },
		{ "0x8617E340B3D01FA5F11F306F4090FD50E238070d", ADDRESS_LINE_WRONG },
		{ "0x52908400098527886E0F7030069857D2E4169EE", ADDRESS_LINE_WRONG },
		{ "52908400098527886E0F7030069857D2E4169EE7", ADDRESS_LINE_WRONG },
		{ "0x52908400098527886E0F7030069857D2E4169EE7,x", ADDRESS_LINE_WRONG },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct address read = { { 0 } };
		if (address_line_read(str_from(cases[i].line), &read) != cases[i].is)
			fail_msg("%s", cases[i].line);
		if (cases[i].is == ADDRESS_LINE_ADDRESS)
			assert_int_equal(read.bytes[0], 0x52);
	}
}

static void every_entry_is_found_and_nothing_else(void **state)
{
	(void)state;
	struct address sorted[7];
	for (size_t len = 0; len <= COUNT_OF(sorted); len++) {
		for (size_t i = 0; i < len; i++)
			sorted[i] = (struct address){ { 2, [19] = (uint8_t)(2 * i + 1) } };
		for (unsigned last = 0; last < 16; last++) {
			struct address one = { { 2, [19] = (uint8_t)last } };
			assert_int_equal(address_list_has(sorted, len, one),
					 last % 2 == 1 && last < 2 * len);
		}
	}
	assert_true(address_compare((struct address){ { 1 } }, (struct address){ { 2 } }) < 0);
	assert_true(address_compare((struct address){ { 0xff } }, (struct address){ { 2 } }) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_addresses_comments_or_wrong),
		cmocka_unit_test(every_entry_is_found_and_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
