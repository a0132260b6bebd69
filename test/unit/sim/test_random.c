#include "sim/random.h"

#include "../testing.h"

/* The first numbers of splitmix64 for a state of zero, as published with its reference code. */
static void test_known_numbers(void **state)
{
	(void)state;
	struct sim_random random = { .state = 0 };
	assert_true(sim_random_next(&random) == 0xe220a8397b1dcdafU);
	assert_true(sim_random_next(&random) == 0x6e789e6aa1b965f4U);
	assert_true(sim_random_next(&random) == 0x06c45d188009454fU);
}

static void test_same_seed_same_numbers(void **state)
{
	(void)state;
	struct sim_random a = sim_random_of(7);
	struct sim_random b = sim_random_of(7);
	struct sim_random c = sim_random_of(8);
	unsigned same = 0;
	for (unsigned i = 0; i < 100; i++) {
		uint64_t next = sim_random_next(&a);
		assert_true(next == sim_random_next(&b));
		same += next == sim_random_next(&c);
	}
	assert_int_equal(same, 0);
}

static void test_forks_are_apart(void **state)
{
	(void)state;
	struct sim_random a = sim_random_of(7);
	struct sim_random b = sim_random_of(7);
	struct sim_random chain = sim_random_fork(&a, "chain");
	struct sim_random queue = sim_random_fork(&b, "queue");
	assert_true(a.state == b.state);
	assert_true(sim_random_next(&chain) != sim_random_next(&queue));
}

static void test_ranges(void **state)
{
	(void)state;
	struct sim_random random = sim_random_of(1);
	unsigned seen[7] = { 0 };
	for (unsigned i = 0; i < 7000; i++)
		seen[sim_random_below(&random, 7)]++;
	for (unsigned i = 0; i < 7; i++)
		assert_in_range(seen[i], 850, 1150);
	for (unsigned i = 0; i < 1000; i++)
		assert_in_range(sim_random_between(&random, 3, 5), 3, 5);
	assert_int_equal(sim_random_between(&random, 9, 9), 9);
	(void)sim_random_between(&random, 0, UINT64_MAX);
}

static void test_chances(void **state)
{
	(void)state;
	struct sim_random random = sim_random_of(1);
	unsigned hits = 0;
	for (unsigned i = 0; i < 10000; i++) {
		hits += sim_random_chance(&random, 250);
		assert_false(sim_random_chance(&random, 0));
		assert_true(sim_random_chance(&random, 1000));
	}
	assert_in_range(hits, 2300, 2700);
}

static void test_fill(void **state)
{
	(void)state;
	struct sim_random a = sim_random_of(3);
	struct sim_random b = sim_random_of(3);
	uint8_t bytes[12] = { 0 };
	sim_random_fill(&a, bytes, 11);
	uint64_t word = sim_random_next(&b);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(bytes[i], (uint8_t)(word >> (8 * i)));
	assert_int_equal(bytes[11], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_numbers),
		cmocka_unit_test(test_same_seed_same_numbers),
		cmocka_unit_test(test_forks_are_apart),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_chances),
		cmocka_unit_test(test_fill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
