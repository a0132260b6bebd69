#include "sim/chain_pool.h"

#include "../testing.h"

static struct sim_pool pool; /* too large for the stack of a test */

static void put(uint64_t nonce, uint32_t tx)
{
	assert_true(sim_pool_put(&pool, 1, (struct sim_pool_entry){ nonce, tx }));
}

static void keeps_the_order_of_nonces(void **state)
{
	(void)state;
	pool = (struct sim_pool){ 0 };
	put(7, 70);
	put(5, 50);
	put(6, 60);
	put(9, 90);
	assert_int_equal(sim_pool_find(&pool, 1, 6)->tx, 60);
	assert_null(sim_pool_find(&pool, 1, 8));
	assert_null(sim_pool_find(&pool, 1, 10));
	assert_null(sim_pool_find(&pool, 0, 6));
	assert_int_equal(sim_pool_executable(&pool, 1, 5), 3);
	assert_int_equal(sim_pool_executable(&pool, 1, 4), 0);
	assert_int_equal(sim_pool_executable(&pool, 1, 9), 1);
	assert_int_equal(sim_pool_len(&pool), 4);
}

static void one_to_a_nonce(void **state)
{
	(void)state;
	pool = (struct sim_pool){ 0 };
	put(5, 50);
	put(5, 51);
	assert_int_equal(sim_pool_find(&pool, 1, 5)->tx, 51);
	assert_int_equal(sim_pool_len(&pool), 1);
}

static void forgets_what_is_consumed(void **state)
{
	(void)state;
	pool = (struct sim_pool){ 0 };
	for (uint64_t nonce = 3; nonce < 10; nonce++)
		put(nonce, (uint32_t)nonce);
	sim_pool_prune(&pool, 1, 6);
	assert_null(sim_pool_find(&pool, 1, 5));
	assert_int_equal(sim_pool_find(&pool, 1, 6)->tx, 6);
	sim_pool_prune(&pool, 1, 100);
	assert_int_equal(sim_pool_len(&pool), 0);
}

static void full_keeps_the_lowest(void **state)
{
	(void)state;
	pool = (struct sim_pool){ 0 };
	for (uint32_t i = 0; i < SIM_POOL_MAX; i++)
		put(10 + 2 * (uint64_t)i, i);
	assert_false(sim_pool_put(&pool, 1, (struct sim_pool_entry){ 9999, 1 }));
	assert_null(sim_pool_find(&pool, 1, 9999));
	assert_false(sim_pool_put(&pool, 1, (struct sim_pool_entry){ 11, 1 }));
	assert_non_null(sim_pool_find(&pool, 1, 11));
	assert_null(sim_pool_find(&pool, 1, 10 + 2 * (SIM_POOL_MAX - 1)));
	assert_int_equal(sim_pool_len(&pool), SIM_POOL_MAX);
}

static void evicts_a_share(void **state)
{
	(void)state;
	struct sim_random random = sim_random_of(1);
	pool = (struct sim_pool){ 0 };
	for (uint32_t i = 0; i < 200; i++)
		put(i, i);
	assert_int_equal(sim_pool_evict(&pool, &random, 0), 0);
	size_t gone = sim_pool_evict(&pool, &random, 500);
	assert_in_range(gone, 70, 130);
	assert_int_equal(sim_pool_len(&pool), 200 - gone);
	for (uint64_t i = 0; i < 200; i++) {
		const struct sim_pool_entry *entry = sim_pool_find(&pool, 1, i);
		assert_true(entry == NULL || entry->tx == i);
	}
	(void)sim_pool_evict(&pool, &random, 1000);
	assert_int_equal(sim_pool_len(&pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_order_of_nonces),
		cmocka_unit_test(one_to_a_nonce),
		cmocka_unit_test(forgets_what_is_consumed),
		cmocka_unit_test(full_keeps_the_lowest),
		cmocka_unit_test(evicts_a_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
