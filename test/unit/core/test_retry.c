#include "core/retry.h"

#include "../testing.h"

static const struct retry_policy policy = { .first_ms = 100, .max_ms = 5000 };

static void reconnect_storm_is_slowed_down(void **state)
{
	(void)state;
	static const int64_t whole[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
	for (uint32_t attempt = 0; attempt < COUNT_OF(whole); attempt++) {
		int64_t half = whole[attempt] / 2;
		assert_int_equal(retry_delay_ms(&policy, attempt, 0), half);
		assert_int_equal(retry_delay_ms(&policy, attempt, (uint32_t)half), whole[attempt]);
	}
	assert_int_equal(retry_delay_ms(&policy, UINT32_MAX, 0), 2500);
	const struct retry_policy odd = { .first_ms = 2, .max_ms = 5 };
	assert_int_equal(retry_delay_ms(&odd, 1, 0), 2); /* of 4 */
	assert_int_equal(retry_delay_ms(&odd, 2, 0), 3); /* of 5 */
}

static void reconnect_storm_is_spread(void **state)
{
	(void)state;
	uint32_t random = 12345;
	for (int i = 0; i < 10000; i++) {
		random = random * 1664525 + 1013904223;
		int64_t delay = retry_delay_ms(&policy, 3, random);
		assert_true(delay >= 400 && delay <= 800);
	}
	assert_true(retry_delay_ms(&policy, 3, UINT32_MAX) <= 800);
	assert_int_not_equal(retry_delay_ms(&policy, 3, 0), retry_delay_ms(&policy, 3, 100));
}

static void takes_the_ends_of_its_range(void **state)
{
	(void)state;
	const struct retry_policy one = { .first_ms = 1, .max_ms = 1 };
	const struct retry_policy longest = { .first_ms = INT64_MAX, .max_ms = INT64_MAX };
	const struct retry_policy wide = { .first_ms = 1, .max_ms = INT64_MAX };
	assert_int_equal(retry_delay_ms(&one, 0, 7), 1); /* never nothing */
	assert_true(retry_delay_ms(&longest, 9, 7) == INT64_MAX / 2 + 1 + 7);
	assert_true(retry_delay_ms(&wide, 1000, 0) == INT64_MAX / 2 + 1);
	const struct retry_policy zero = { .first_ms = 0, .max_ms = 1 };
	const struct retry_policy upside_down = { .first_ms = 2, .max_ms = 1 };
	assert_aborts(retry_delay_ms(&zero, 0, 0));
	assert_aborts(retry_delay_ms(&upside_down, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reconnect_storm_is_slowed_down),
		cmocka_unit_test(reconnect_storm_is_spread),
		cmocka_unit_test(takes_the_ends_of_its_range),
	};
	return cmocka_run_group_tests_name("core/retry", tests, NULL, NULL);
}
