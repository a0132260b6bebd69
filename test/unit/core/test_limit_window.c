#include "core/limit_window.h"

#include "../testing.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOW    (INT64_C(1700000000) * 1000 + 7) /* 13 s and 7 ms into a minute */

static struct amount amount(uint64_t units)
{
	return (struct amount){ u256_from_u64(units) };
}

static void assert_sums(const struct limit_window *window, uint64_t hour, uint64_t day)
{
	assert_int_equal(amount_compare(window->hour, amount(hour)), 0);
	assert_int_equal(amount_compare(window->day, amount(day)), 0);
}

static void adds_to_the_sums_it_belongs_to(void **state)
{
	(void)state;
	struct limit_window window;
	limit_window_reset(&window, NOW);
	assert_sums(&window, 0, 0);
	limit_window_add(&window, NOW, amount(1));
	assert_sums(&window, 1, 1);
	limit_window_add(&window, NOW - HOUR, amount(2));
	assert_sums(&window, 3, 3);
	limit_window_add(&window, NOW - HOUR - MINUTE, amount(4));
	assert_sums(&window, 3, 7);
	limit_window_add(&window, NOW - DAY, amount(8));
	assert_sums(&window, 3, 15);
	limit_window_add(&window, NOW - DAY - MINUTE, amount(16));
	assert_sums(&window, 3, 15);
}

/* The minute at the edge counts whole. */
static void edge_counts_whole(void **state)
{
	(void)state;
	struct limit_window window;
	int64_t since = limit_window_since(NOW);
	assert_true(since <= NOW - DAY && since > NOW - DAY - MINUTE && since % MINUTE == 0);
	limit_window_reset(&window, NOW);
	limit_window_add(&window, since, amount(1));
	assert_sums(&window, 0, 1);
	limit_window_add(&window, since - 1, amount(2));
	assert_sums(&window, 0, 1);
	limit_window_add(&window, since + DAY - HOUR, amount(4));
	assert_sums(&window, 4, 5);
	limit_window_add(&window, since + DAY - HOUR - 1, amount(8));
	assert_sums(&window, 4, 13);
	assert_int_equal(limit_window_since(DAY + 2 * MINUTE + 1), 2 * MINUTE);
	assert_int_equal(limit_window_since(HOUR), 0);
}

static void moves_on_and_forgets(void **state)
{
	(void)state;
	struct limit_window window;
	limit_window_reset(&window, NOW);
	limit_window_add(&window, NOW, amount(5));
	assert_true(limit_window_advance(&window, NOW));
	assert_true(limit_window_advance(&window, NOW + HOUR));
	assert_sums(&window, 5, 5);
	limit_window_add(&window, NOW + HOUR, amount(6));
	assert_true(limit_window_advance(&window, NOW + HOUR + MINUTE));
	assert_sums(&window, 6, 11);
	assert_true(limit_window_advance(&window, NOW + DAY));
	assert_sums(&window, 0, 11);
	assert_true(limit_window_advance(&window, NOW + DAY + MINUTE));
	assert_sums(&window, 0, 6);
	assert_true(limit_window_advance(&window, NOW + DAY + HOUR + MINUTE));
	assert_sums(&window, 0, 0);
	limit_window_add(&window, NOW + DAY + HOUR + MINUTE, amount(7));
	assert_true(limit_window_advance(&window, NOW + 400 * DAY));
	assert_sums(&window, 0, 0);
}

/* At the beginning of time there are fewer minutes than a day has. */
static void starts_at_zero(void **state)
{
	(void)state;
	struct limit_window window;
	limit_window_reset(&window, 0);
	limit_window_add(&window, 0, amount(3));
	assert_true(limit_window_advance(&window, 2 * MINUTE));
	assert_sums(&window, 3, 3);
	assert_true(limit_window_advance(&window, DAY + MINUTE));
	assert_sums(&window, 0, 0);
}

static void clock_set_back_is_not_known(void **state)
{
	(void)state;
	struct limit_window window;
	limit_window_reset(&window, NOW);
	assert_true(limit_window_advance(&window, NOW - 10000)); /* the same minute */
	assert_false(limit_window_advance(&window, NOW - MINUTE));
}

/* Dated ahead of the clock: it counts now, and is not forgotten an hour or a day from now. */
static void what_is_ahead_counts(void **state)
{
	(void)state;
	struct limit_window window;
	limit_window_reset(&window, NOW);
	limit_window_add(&window, NOW + 3 * HOUR, amount(1));
	limit_window_add(&window, NOW + 2 * HOUR, amount(2));
	limit_window_add(&window, NOW + 5 * HOUR, amount(4));
	assert_sums(&window, 7, 7);
	assert_true(limit_window_advance(&window, NOW + 2 * HOUR - MINUTE));
	assert_sums(&window, 7, 7);
	assert_false(limit_window_advance(&window, NOW + 2 * HOUR));
}

static void sums_stay_at_the_end_of_the_range(void **state)
{
	(void)state;
	struct limit_window window;
	limit_window_reset(&window, NOW);
	limit_window_add(&window, NOW, (struct amount){ u256_max() });
	limit_window_add(&window, NOW - MINUTE, amount(9));
	limit_window_add(&window, NOW, amount(1));
	assert_true(u256_equal(window.hour.units, u256_max()));
	assert_true(u256_equal(window.day.units, u256_max()));
	assert_true(limit_window_advance(&window, NOW + DAY));
	assert_true(u256_equal(window.day.units, u256_max()));
	assert_true(limit_window_advance(&window, NOW + DAY + MINUTE));
	assert_sums(&window, 0, 0);
}

static void negative_times_are_bugs(void **state)
{
	(void)state;
	struct limit_window window;
	limit_window_reset(&window, NOW);
	assert_aborts(limit_window_add(&window, -1, amount(1)));
	assert_aborts(limit_window_reset(&window, -1));
}

/* Beside the plain sum over all payments: never below it, and above it by what lies in one minute
 * at most. */
static void never_below_the_exact_sum(void **state)
{
	(void)state;
	enum { PAYMENTS = 4000 };
	static int64_t times[PAYMENTS];
	static struct limit_window window;
	uint64_t seed = 88172645463325252U;
	int64_t now = NOW;
	limit_window_reset(&window, now);
	for (size_t n = 0; n < PAYMENTS; n++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		now += (int64_t)(seed % 90000);
		assert_true(limit_window_advance(&window, now));
		limit_window_add(&window, now, amount(1));
		times[n] = now;
		uint64_t least = 0, most = 0, day_least = 0, day_most = 0;
		for (size_t i = 0; i <= n; i++) {
			least += times[i] >= now - HOUR;
			most += times[i] >= now - HOUR - MINUTE;
			day_least += times[i] >= now - DAY;
			day_most += times[i] >= now - DAY - MINUTE;
		}
		assert_true(amount_compare(window.hour, amount(least)) >= 0);
		assert_true(amount_compare(window.hour, amount(most)) <= 0);
		assert_true(amount_compare(window.day, amount(day_least)) >= 0);
		assert_true(amount_compare(window.day, amount(day_most)) <= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_to_the_sums_it_belongs_to),
		cmocka_unit_test(edge_counts_whole),
		cmocka_unit_test(moves_on_and_forgets),
		cmocka_unit_test(starts_at_zero),
		cmocka_unit_test(clock_set_back_is_not_known),
		cmocka_unit_test(what_is_ahead_counts),
		cmocka_unit_test(sums_stay_at_the_end_of_the_range),
		cmocka_unit_test(negative_times_are_bugs),
		cmocka_unit_test(never_below_the_exact_sum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
