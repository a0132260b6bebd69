#include "core/timing.h"

#include "../testing.h"

static void a_time_is_told_in_its_largest_unit(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = { { 0, "0 s" },          { 500, "500 ms" },   { 1000, "1 s" },
		      { 90000, "90 s" },     { 3600000, "1 h" },  { 3600001, "3600001 ms" },
		      { 5400000, "5400 s" }, { 86400000, "24 h" } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[32];
		struct buf out = buf_of(text, sizeof text);
		timing_write(cases[i].ms, &out);
		assert_str_equal(buf_view(&out), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_told_in_its_largest_unit),
	};
	return cmocka_run_group_tests_name("core/timing", tests, NULL, NULL);
}
