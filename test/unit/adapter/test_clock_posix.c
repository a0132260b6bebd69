#include "adapter/clock_posix.h"

#include "../testing.h"

#include <time.h>

static void now_is_the_time_of_the_machine(void **state)
{
	(void)state;
	struct clock clock;
	clock_posix_init(&clock);
	int64_t before_ms = (int64_t)time(NULL) * 1000;
	int64_t now_ms = clock_now_ms(&clock);
	/* A second more on either side: time() may lag behind by the resolution of its clock. */
	assert_true(now_ms >= before_ms - 1000);
	assert_true(now_ms < ((int64_t)time(NULL) + 2) * 1000);
}

static void monotonic_never_goes_back(void **state)
{
	(void)state;
	struct clock clock;
	clock_posix_init(&clock);
	int64_t last_ms = clock_monotonic_ms(&clock);
	int64_t first_ms = last_ms;
	while (last_ms == first_ms) {
		int64_t next_ms = clock_monotonic_ms(&clock);
		assert_true(next_ms >= last_ms);
		last_ms = next_ms;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(now_is_the_time_of_the_machine),
		cmocka_unit_test(monotonic_never_goes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
