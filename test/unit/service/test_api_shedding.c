/* Who is let in, by a store of so many milliseconds for each. */
#include "service/api/shedding.h"

#include "../testing.h"

#define WAIT_MS 1000

static struct shedding shedding_of(int64_t each_ms)
{
	struct shedding shedding = { .wait_max_ms = WAIT_MS };
	shedding_learn(&shedding, 1000, 1000 * each_ms);
	return shedding;
}

/* How many are there when the next one is refused. */
static size_t room_of(const struct shedding *shedding)
{
	size_t n = 0;
	while (n < 100000 && shedding_admits(shedding, n, 0))
		n++;
	return n;
}

static void overload_drowns_nobody_waits_in_vain(void **state)
{
	(void)state;
	struct shedding fast = shedding_of(1), slow = shedding_of(2);
	assert_in_range(room_of(&fast), 990, 1000);
	assert_in_range(room_of(&slow), 490, 500);
	/* A group or four share a commit, whatever it costs. */
	struct shedding frozen = shedding_of(1000);
	assert_int_equal(room_of(&frozen), SHEDDING_FREE);
}

static void nothing_is_known_of_many_by_few(void **state)
{
	struct shedding shedding = { .wait_max_ms = WAIT_MS };
	(void)state;
	shedding_learn(&shedding, 1, 500);
	shedding_learn(&shedding, SHEDDING_FREE / 2 - 1, 5000);
	assert_int_equal(room_of(&shedding), 100000);
}

static void it_follows_the_store(void **state)
{
	struct shedding shedding = shedding_of(1);
	(void)state;
	for (int i = 0; i < 64; i++)
		shedding_learn(&shedding, 500, 500 * 3);
	assert_in_range(room_of(&shedding), 320, 345);
	for (int i = 0; i < 64; i++)
		shedding_learn(&shedding, 320, 320);
	assert_in_range(room_of(&shedding), 900, 1000);
}

/* It finishes nothing, and nothing is learned of it. */
static void a_store_that_stands_still_gets_no_more(void **state)
{
	struct shedding shedding = { .wait_max_ms = WAIT_MS };
	(void)state;
	assert_true(shedding_admits(&shedding, 5000, WAIT_MS));
	assert_false(shedding_admits(&shedding, 5000, WAIT_MS + 1));
	assert_true(shedding_admits(&shedding, SHEDDING_FREE - 1, WAIT_MS + 1));
}

static void without_a_bound_nobody_is_refused(void **state)
{
	struct shedding shedding = shedding_of(1000);
	(void)state;
	shedding.wait_max_ms = 0;
	assert_int_equal(room_of(&shedding), 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overload_drowns_nobody_waits_in_vain),
		cmocka_unit_test(nothing_is_known_of_many_by_few),
		cmocka_unit_test(it_follows_the_store),
		cmocka_unit_test(a_store_that_stands_still_gets_no_more),
		cmocka_unit_test(without_a_bound_nobody_is_refused),
	};
	return cmocka_run_group_tests_name("service/api_shedding", tests, NULL, NULL);
}
