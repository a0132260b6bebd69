#include "base/err.h"

#include "../testing.h"

static void sets_kind_and_text(void **state)
{
	(void)state;
	struct err err = { 0 };
	assert_false(err_set(&err, ERR_MAYBE_DONE, "send to %s: %d", "node", 7));
	assert_int_equal(err.kind, ERR_MAYBE_DONE);
	assert_string_equal(err.text, "send to node: 7");
	assert_false(err_set(NULL, ERR_REFUSED, "nobody listens"));
	assert_aborts(err_set(&err, ERR_NONE, "no error"));
}

static void wraps(void **state)
{
	(void)state;
	struct err err = { 0 };
	err_set(&err, ERR_REFUSED, "nonce too low");
	assert_false(err_wrap(&err, "wallet %d", 3));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_string_equal(err.text, "wallet 3: nonce too low");
	assert_false(err_wrap(NULL, "nobody listens"));
	struct err none = { 0 };
	assert_aborts(err_wrap(&none, "no error yet"));
}

static void cuts_long_text(void **state)
{
	(void)state;
	struct err err = { 0 };
	char text[2 * ERR_TEXT_LEN];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	err_set(&err, ERR_NOT_DONE, "%s", text);
	assert_int_equal(strlen(err.text), ERR_TEXT_LEN - 1);
	err_wrap(&err, "prefix");
	assert_int_equal(strlen(err.text), ERR_TEXT_LEN - 1);
	assert_memory_equal(err.text, "prefix: xxx", 11);
	err_wrap(&err, "%s", text); /* a prefix that fills all */
	assert_int_equal(strlen(err.text), ERR_TEXT_LEN - 1);
	assert_memory_equal(err.text, "xxx", 3);
	assert_int_equal(err.kind, ERR_NOT_DONE);
}

static void names_kinds(void **state)
{
	(void)state;
	assert_string_equal(err_kind_text(ERR_NONE), "none");
	assert_string_equal(err_kind_text(ERR_NOT_DONE), "not done");
	assert_string_equal(err_kind_text(ERR_MAYBE_DONE), "maybe done");
	assert_string_equal(err_kind_text(ERR_REFUSED), "refused");
	assert_string_equal(err_kind_text((enum err_kind)99), "none");
}

static void check_aborts(void **state)
{
	(void)state;
	CHECK(1 + 1 == 2);
	assert_aborts(CHECK(1 + 1 == 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_kind_and_text), cmocka_unit_test(wraps),
		cmocka_unit_test(cuts_long_text),     cmocka_unit_test(names_kinds),
		cmocka_unit_test(check_aborts),
	};
	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
