/* Blocks that are taken back: what comes again, what is forgotten, and what stays true. */
#include "chain_fixture.h"

static struct hash32 hash_at(const struct fixture *f, uint64_t number)
{
	struct sim_block block;
	assert_true(sim_chain_block(f->chain, number, &block));
	return block.hash;
}

static void submit_some(struct fixture *f, uint64_t first, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		struct tx tx = coin_tx(first + i, address_number(100 + first + i), 1);
		submit(f, 0, &tx);
	}
}

static void other_blocks_and_one_more(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	mine(f, 20);
	struct hash32 fork = hash_at(f, 18), gone = hash_at(f, 19);
	assert_int_equal(sim_chain_head(f->chain), 21);
	assert_int_equal(sim_chain_reorg(f->chain, 3, 1000, f->now_ms), 3);
	assert_in_range(sim_chain_head(f->chain), 22, 24);
	assert_true(hash32_equal(hash_at(f, 18), fork));
	assert_false(hash32_equal(hash_at(f, 19), gone));
	struct sim_block block;
	assert_true(sim_chain_block(f->chain, 19, &block));
	assert_true(hash32_equal(block.parent, fork));
	assert_false(sim_chain_block(f->chain, sim_chain_head(f->chain) + 1, &block));
	fixture_free(f);
}

static void what_is_kept_comes_again(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 2);
	mine(f, 20);
	submit_some(f, 0, 10);
	mine(f, 2);
	assert_int_equal(sim_chain_nonce(f->chain, 0), 10);
	sim_chain_space_set(f->chain, 0);
	assert_int_equal(sim_chain_reorg(f->chain, 2, 1000, f->now_ms), 2);
	uint64_t again = sim_chain_nonce(f->chain, 0);
	assert_int_equal(sim_node_pool_len(f->nodes[0]), 10 - again);
	assert_int_equal(sim_node_pool_len(f->nodes[1]), 10 - again);
	sim_chain_space_set(f->chain, 1000);
	mine(f, 1);
	assert_int_equal(sim_chain_nonce(f->chain, 0), 10);
	for (uint64_t i = 0; i < 10; i++) {
		struct sim_payments paid;
		sim_chain_payments(f->chain, 0, address_number(100 + i), &paid);
		assert_int_equal(paid.count, 1);
		assert_int_equal(u64_of(paid.sum), 1);
	}
	assert_int_equal(sim_chain_counts(f->chain)->taken_back, 10);
	fixture_free(f);
}

/* What no pool holds is in no block, even if the reorg remembered it. */
static void what_is_evicted_does_not_come(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	mine(f, 20);
	submit_some(f, 0, 10);
	mine(f, 1);
	assert_int_equal(sim_chain_reorg(f->chain, 1, 1000, f->now_ms), 1);
	uint64_t again = sim_chain_nonce(f->chain, 0);
	assert_true(again < 10);
	assert_int_equal(sim_node_evict(f->nodes[0], 1000), 10 - again);
	mine(f, 3);
	assert_int_equal(sim_chain_nonce(f->chain, 0), again);
	fixture_free(f);
}

/* What one node forgets another may still hold. */
static void nodes_remember_each_for_itself(void **state)
{
	(void)state;
	size_t differ = 0;
	for (uint64_t seed = 0; seed < 10; seed++) {
		struct fixture *f = fixture_new(seed, 3);
		mine(f, 20);
		submit_some(f, 0, 16);
		mine(f, 1);
		assert_int_equal(sim_chain_reorg(f->chain, 1, 500, f->now_ms), 1);
		differ += sim_node_pool_len(f->nodes[0]) != sim_node_pool_len(f->nodes[1]);
		fixture_free(f);
	}
	assert_true(differ > 3);
}

static void what_is_dropped_is_forgotten(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 2);
	mine(f, 20);
	struct tx tx = coin_tx(0, address_number(1), 1);
	struct hash32 hash = submit(f, 0, &tx);
	mine(f, 2);
	struct u256 rich = sim_chain_balance(f->chain, 1, 0);
	struct sim_mined mined;
	struct sim_payments paid;
	assert_true(sim_chain_mined(f->chain, hash, &mined));
	assert_int_equal(sim_chain_reorg(f->chain, 2, 0, f->now_ms), 2);
	mine(f, 5);
	assert_false(sim_chain_mined(f->chain, hash, &mined));
	assert_true(sim_chain_was_mined(f->chain, hash));
	assert_false(sim_chain_consumer(f->chain, 0, 0, &mined));
	sim_chain_payments(f->chain, 0, address_number(1), &paid);
	assert_int_equal(paid.count, 0);
	assert_true(u256_is_zero(paid.sum));
	assert_true(u256_equal(sim_chain_balance(f->chain, 0, 0), rich));
	assert_true(u256_is_zero(sim_chain_fees_paid(f->chain, 0)));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(receipt_of(f->nodes[i], hash).state, CHAIN_RECEIPT_ABSENT);
		assert_int_equal(lookup_of(f->nodes[i], hash), CHAIN_LOOKUP_ABSENT);
	}
	/* The same bytes are as good as before. */
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_ACCEPTED);
	mine(f, 1);
	assert_true(sim_chain_mined(f->chain, hash, &mined));
	fixture_free(f);
}

static void another_attempt_on_the_other_branch(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct sim_mined mined;
	mine(f, 20);
	struct tx payment = coin_tx(0, address_number(1), 7), cancel = coin_tx(0, f->wallets[0], 0);
	struct hash32 first = submit(f, 0, &payment);
	mine(f, 1);
	assert_int_equal(sim_chain_reorg(f->chain, 1, 0, f->now_ms), 1);
	struct hash32 second = submit(f, 0, &cancel);
	mine(f, 1);
	assert_true(sim_chain_consumer(f->chain, 0, 0, &mined));
	assert_true(hash32_equal(mined.tx_hash, second));
	assert_int_equal(receipt_of(f->nodes[0], first).state, CHAIN_RECEIPT_ABSENT);
	assert_int_equal(offer(f, 0, &payment), CHAIN_SEND_NONCE_TOO_LOW);
	struct sim_payments paid;
	sim_chain_payments(f->chain, 0, address_number(1), &paid);
	assert_int_equal(paid.count, 0);
	fixture_free(f);
}

static void a_lagging_node_tells_of_the_old_branch(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 2);
	mine(f, 20);
	struct tx tx = coin_tx(0, address_number(1), 1);
	struct hash32 hash = submit(f, 0, &tx);
	mine(f, 2);
	struct hash32 old = receipt_of(f->nodes[0], hash).block_hash;
	sim_node_settings(f->nodes[1])->lag = 1;
	assert_int_equal(sim_chain_reorg(f->chain, 2, 1000, f->now_ms), 2);
	mine(f, 0);
	struct chain_receipt receipt = receipt_of(f->nodes[1], hash);
	assert_int_equal(receipt.state, CHAIN_RECEIPT_FOUND);
	assert_true(hash32_equal(receipt.block_hash, old));
	assert_int_equal(head_of(f->nodes[1]).number, 23);
	mine(f, 1);
	receipt = receipt_of(f->nodes[1], hash);
	assert_false(receipt.state == CHAIN_RECEIPT_FOUND && hash32_equal(receipt.block_hash, old));
	fixture_free(f);
}

static void never_below_the_finalized_block(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	mine(f, 20);
	uint64_t mark = sim_chain_finalized(f->chain);
	struct hash32 final = hash_at(f, mark);
	assert_int_equal(mark, sim_chain_head(f->chain) - 4);
	assert_int_equal(sim_chain_reorg(f->chain, 100, 1000, f->now_ms), 4);
	assert_true(hash32_equal(hash_at(f, mark), final));
	/* When finality stalls there is more to take back. */
	sim_chain_finality_stall(f->chain, true);
	mark = sim_chain_finalized(f->chain);
	mine(f, 250);
	assert_int_equal(sim_chain_finalized(f->chain), mark);
	assert_int_equal(sim_chain_reorg(f->chain, 250, 1000, f->now_ms), 250);
	assert_int_equal(sim_chain_counts(f->chain)->reorg_deepest, 250);
	sim_chain_finality_stall(f->chain, false);
	mine(f, 1);
	assert_int_equal(sim_chain_finalized(f->chain), sim_chain_head(f->chain) - 4);
	assert_int_equal(sim_chain_counts(f->chain)->reorgs_final, 0);
	fixture_free(f);
}

static void unless_it_is_asked_for(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	mine(f, 20);
	uint64_t mark = sim_chain_finalized(f->chain);
	struct hash32 final = hash_at(f, mark);
	assert_int_equal(sim_chain_reorg_final(f->chain, 10, 1000, f->now_ms), 10);
	assert_false(hash32_equal(hash_at(f, mark), final));
	assert_true(sim_chain_finalized(f->chain) >= mark);
	assert_int_equal(sim_chain_counts(f->chain)->reorgs_final, 1);
	fixture_free(f);
}

static void a_stranger_who_was_late_is_forgotten(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	mine(f, 20);
	sim_chain_foreign(f->chain, 0, address_number(1), u256_from_u64(1));
	assert_int_equal(sim_chain_reorg(f->chain, 1, 1000, f->now_ms), 1);
	mine(f, 2);
	assert_int_equal(sim_chain_nonce(f->chain, 0), 0);
	assert_int_equal(sim_chain_counts(f->chain)->foreign, 0);
	fixture_free(f);
}

static void deposits_stay(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	mine(f, 20);
	struct u256 before = sim_chain_balance(f->chain, 0, f->token);
	sim_chain_fund(f->chain, 0, f->token, u256_from_u64(55));
	mine(f, 1);
	assert_int_equal(sim_chain_reorg(f->chain, 3, 0, f->now_ms), 3);
	assert_int_equal(u64_of(sim_chain_balance(f->chain, 0, f->token)), u64_of(before) + 55);
	assert_true(u256_equal(sim_chain_balance(f->chain, 0, f->token),
			       sim_chain_funded(f->chain, 0, f->token)));
	fixture_free(f);
}

static void reorgs_shift_and_reorder(void **state)
{
	(void)state;
	unsigned shifted = 0;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct fixture *f = fixture_new(seed, 1);
		uint64_t before[3], after[3];
		mine(f, 20);
		for (unsigned wallet = 0; wallet < 3; wallet++) {
			struct sim_mined mined;
			struct tx tx = coin_tx(0, address_number(wallet), 1);
			submit(f, wallet, &tx);
			mine(f, 1);
			assert_true(sim_chain_consumer(f->chain, wallet, 0, &mined));
			before[wallet] = mined.block_number;
		}
		assert_int_equal(sim_chain_reorg(f->chain, 3, 1000, f->now_ms), 3);
		mine(f, 1);
		for (unsigned wallet = 0; wallet < 3; wallet++) {
			struct sim_mined mined;
			assert_true(sim_chain_consumer(f->chain, wallet, 0, &mined));
			after[wallet] = mined.block_number;
		}
		shifted += memcmp(before, after, sizeof before) != 0;
		fixture_free(f);
	}
	assert_true(shifted > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_blocks_and_one_more),
		cmocka_unit_test(what_is_kept_comes_again),
		cmocka_unit_test(what_is_evicted_does_not_come),
		cmocka_unit_test(nodes_remember_each_for_itself),
		cmocka_unit_test(what_is_dropped_is_forgotten),
		cmocka_unit_test(another_attempt_on_the_other_branch),
		cmocka_unit_test(a_lagging_node_tells_of_the_old_branch),
		cmocka_unit_test(never_below_the_finalized_block),
		cmocka_unit_test(unless_it_is_asked_for),
		cmocka_unit_test(a_stranger_who_was_late_is_forgotten),
		cmocka_unit_test(deposits_stay),
		cmocka_unit_test(reorgs_shift_and_reorder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
