#include "../testing.h"

static void makes_slices(void **state)
{
	(void)state;
	assert_int_equal(str_from(NULL).len, 0);
	assert_int_equal(str_from("").len, 0);
	assert_str_equal(str_from("abc"), "abc");
	assert_str_equal(str_from_bytes("abcdef", 3), "abc");
	assert_str_equal(STR("literal"), "literal");
}

static void compares(void **state)
{
	(void)state;
	struct str empty = { NULL, 0 };
	assert_true(str_equal(STR("a"), STR("a")));
	assert_false(str_equal(STR("a"), STR("b")));
	assert_false(str_equal(STR("a"), STR("ab")));
	assert_true(str_equal(empty, STR("")));
	assert_true(str_equal_text(STR("abc"), "abc"));
	assert_false(str_equal_text(STR("abc"), "abd"));
	assert_true(str_starts_with(STR("abc"), STR("ab")));
	assert_true(str_starts_with(STR("abc"), empty));
	assert_false(str_starts_with(STR("abc"), STR("b")));
	assert_false(str_starts_with(STR("a"), STR("ab")));
	assert_true(str_starts_with(STR("ab"), STR("ab")));
}

static void folds_case(void **state)
{
	(void)state;
	struct str empty = { NULL, 0 };
	assert_true(str_equal_fold(STR("Content-Type"), STR("content-TYPE")));
	assert_true(str_equal_fold(empty, empty));
	assert_false(str_equal_fold(STR("a"), STR("b")));
	assert_false(str_equal_fold(STR("a"), STR("aa")));
	assert_true(str_contains_fold(STR("error: Nonce Too Low."), STR("nonce too low")));
	assert_true(str_contains_fold(STR("abc"), STR("C")));
	assert_true(str_contains_fold(STR("abc"), STR("AB")));
	assert_true(str_contains_fold(empty, empty));
	assert_false(str_contains_fold(empty, STR("a")));
	assert_false(str_contains_fold(STR("abc"), STR("abcd")));
	assert_false(str_contains_fold(STR("abc"), STR("d")));
}

static void skips_and_cuts(void **state)
{
	(void)state;
	struct str before, after;
	struct str empty = { NULL, 0 };
	assert_str_equal(str_skip(STR("abc"), 1), "bc");
	assert_str_equal(str_skip(STR("abc"), 3), "");
	assert_str_equal(str_skip(empty, 0), "");
	assert_aborts(str_skip(STR("abc"), 4));

	assert_true(str_cut(STR("key=value=x"), '=', &before, &after));
	assert_str_equal(before, "key");
	assert_str_equal(after, "value=x");
	assert_true(str_cut(STR("="), '=', &before, &after));
	assert_int_equal(before.len, 0);
	assert_int_equal(after.len, 0);
	before = STR("untouched");
	assert_false(str_cut(STR("key"), '=', &before, &after));
	assert_false(str_cut(empty, '=', &before, &after));
	assert_str_equal(before, "untouched");
}

static void trims(void **state)
{
	(void)state;
	assert_str_equal(str_trim(STR(" \t a b\t ")), "a b");
	assert_str_equal(str_trim(STR("a")), "a");
	assert_str_equal(str_trim(STR(" \t")), "");
	assert_str_equal(str_trim(STR("")), "");
	assert_str_equal(str_trim(STR(" ")), "");
	assert_str_equal(str_trim(STR("\t")), "");
	assert_str_equal(str_trim(STR("\na\n")), "\na\n");
}

static void reads_numbers(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "00",
					   "01",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "1e3",
					   "1.",
					   "0x1",
					   "/",
					   ":",
					   "18446744073709551616",
					   "18446744073709551620",
					   "99999999999999999999" };
	uint64_t value = 7;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(str_to_u64(str_from(bad[i]), &value));
	assert_int_equal(value, 7);
	assert_true(str_to_u64(STR("0"), &value));
	assert_int_equal(value, 0);
	assert_true(str_to_u64(STR("1234567890"), &value));
	assert_int_equal(value, 1234567890);
	assert_true(str_to_u64(STR("18446744073709551615"), &value));
	assert_true(value == UINT64_MAX);
}

static void copies_what_fits(void **state)
{
	(void)state;
	char text[4] = "old";
	struct str empty = { NULL, 0 };
	assert_false(str_copy(STR("four"), text, sizeof text));
	assert_false(str_copy(STR("a\0b"), text, sizeof text));
	assert_false(str_copy(STR("\0"), text, sizeof text));
	assert_false(str_copy(empty, text, 0));
	assert_string_equal(text, "old");
	assert_true(str_copy(STR("new"), text, sizeof text));
	assert_string_equal(text, "new");
	assert_true(str_copy(STR("x"), text, sizeof text));
	assert_string_equal(text, "x");
	assert_true(str_copy(empty, text, sizeof text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_slices),
		cmocka_unit_test(compares),
		cmocka_unit_test(folds_case),
		cmocka_unit_test(skips_and_cuts),
		cmocka_unit_test(trims),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(copies_what_fits),
	};
	return cmocka_run_group_tests_name("base/str", tests, NULL, NULL);
}
