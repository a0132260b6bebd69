/* What gets into a block, and in which order. */
#include "chain_fixture.h"

static void waits_for_lower_nonces(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct tx first = coin_tx(0, address_number(1), 1),
		  second = coin_tx(1, address_number(2), 1);
	struct hash32 hash = submit(f, 0, &second);
	mine(f, 3);
	assert_int_equal(receipt_of(f->nodes[0], hash).state, CHAIN_RECEIPT_ABSENT);
	assert_int_equal(nonce_of(f, 0, CHAIN_BLOCK_PENDING, 0), 0);
	submit(f, 0, &first);
	assert_int_equal(nonce_of(f, 0, CHAIN_BLOCK_PENDING, 0), 2);
	assert_int_equal(nonce_of(f, 0, CHAIN_BLOCK_LATEST, 0), 0);
	mine(f, 1);
	assert_int_equal(receipt_of(f->nodes[0], hash).state, CHAIN_RECEIPT_FOUND);
	assert_int_equal(nonce_of(f, 0, CHAIN_BLOCK_LATEST, 0), 2);
	assert_int_equal(sim_node_pool_len(f->nodes[0]), 0);
	fixture_free(f);
}

static void waits_for_the_base_fee(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct tx tx = coin_tx(0, address_number(1), 1);
	struct hash32 hash = submit(f, 0, &tx);
	struct sim_block block;
	sim_chain_base_fee_set(f->chain, CAP + 1, 3);
	mine(f, 3);
	assert_int_equal(receipt_of(f->nodes[0], hash).state, CHAIN_RECEIPT_ABSENT);
	sim_chain_base_fee_set(f->chain, CAP, 1);
	mine(f, 1);
	assert_int_equal(receipt_of(f->nodes[0], hash).state, CHAIN_RECEIPT_FOUND);
	assert_int_equal(u64_of(receipt_of(f->nodes[0], hash).gas_price.value), CAP);
	assert_true(sim_chain_block(f->chain, sim_chain_head(f->chain), &block));
	assert_int_equal(block.base_fee, CAP);
	fixture_free(f);
}

static void the_fee_walks_home(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(5, 1);
	struct sim_block block;
	uint64_t before = 5000 * GWEI;
	sim_chain_base_fee_set(f->chain, before, 1);
	mine(f, 1);
	for (unsigned i = 0; i < 300; i++) {
		mine(f, 1);
		assert_true(sim_chain_block(f->chain, sim_chain_head(f->chain), &block));
		uint64_t step = before / 20 + 1;
		assert_in_range(block.base_fee, before - step, before + step);
		before = block.base_fee;
	}
	assert_in_range(before, 10 * GWEI, 200 * GWEI);
	fixture_free(f);
}

static void space_is_limited(void **state)
{
	(void)state;
	const struct sim_chain_options options = {
		.chain_id = CHAIN_ID, .has_finality = true, .finality_lag = 4, .block_txs_max = 2
	};
	struct fixture *f = fixture_new_with(1, 1, &options);
	struct sim_block block;
	for (uint64_t i = 0; i < 5; i++) {
		struct tx tx = coin_tx(i, address_number(i), 1);
		submit(f, 0, &tx);
	}
	mine(f, 1);
	assert_true(sim_chain_block(f->chain, sim_chain_head(f->chain), &block));
	assert_int_equal(block.txs_len, 2);
	sim_chain_space_set(f->chain, 0);
	mine(f, 2);
	assert_int_equal(sim_chain_nonce(f->chain, 0), 2);
	sim_chain_space_set(f->chain, 1000);
	mine(f, 2);
	assert_int_equal(sim_chain_nonce(f->chain, 0), 5);
	fixture_free(f);
}

static void gas_is_limited(void **state)
{
	(void)state;
	const struct sim_chain_options options = { .chain_id = CHAIN_ID, .gas_limit = 100000 };
	struct fixture *f = fixture_new_with(1, 1, &options);
	for (unsigned wallet = 0; wallet < 3; wallet++) {
		struct tx tx = token_tx(f, 0, address_number(wallet), 1);
		submit(f, wallet, &tx);
	}
	/* 60,000 are used, and 80,000 must be free. */
	for (uint64_t i = 1; i <= 3; i++) {
		mine(f, 1);
		assert_int_equal(sim_chain_counts(f->chain)->txs_mined, i);
	}
	fixture_free(f);
}

/* Two nodes hold different attempts of one nonce: either may win, one does. */
static void one_attempt_wins(void **state)
{
	(void)state;
	unsigned wins[2] = { 0 };
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct fixture *f = fixture_new(seed, 2);
		struct tx tx = coin_tx(0, address_number(1), 1);
		struct signed_tx attempts[2];
		for (size_t i = 0; i < 2; i++) {
			sim_node_settings(f->nodes[i])->gossip_per_mille = 0;
			attempts[i] = sign(f, 0, &tx);
			assert_int_equal(send_to(f->nodes[i], &attempts[i]).state,
					 CHAIN_SEND_ACCEPTED);
			tx = coin_tx(0, f->wallets[0], 0);
			tx.fees.tip.value = u256_from_u64(40 * GWEI);
			tx.fees.cap.value = u256_from_u64(140 * GWEI);
		}
		mine(f, 2);
		size_t found = 0;
		for (size_t i = 0; i < 2; i++) {
			bool mined = receipt_of(f->nodes[1 - i], attempts[i].hash).state ==
				     CHAIN_RECEIPT_FOUND;
			found += mined;
			wins[i] += mined;
		}
		assert_int_equal(found, 1);
		assert_int_equal(sim_chain_nonce(f->chain, 0), 1);
		assert_int_equal(sim_node_pool_len(f->nodes[0]), 0);
		assert_int_equal(sim_node_pool_len(f->nodes[1]), 0);
		fixture_free(f);
	}
	assert_true(wins[0] > 0);
	assert_true(wins[1] > wins[0]);
}

static void unfunded_waits(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct tx all = coin_tx(0, address_number(1), 0), next = coin_tx(1, address_number(2), 1);
	/* The pool does not see the first one's cost once it is mined elsewhere: fees rise. */
	assert_true(u256_mul_u64(u256_from_u64(999), 1000000000000000000U, &all.value.value));
	submit(f, 0, &all);
	mine(f, 1);
	next.value = (struct wei){ sim_chain_balance(f->chain, 0, 0) };
	assert_int_equal(offer(f, 0, &next), CHAIN_SEND_FUNDS);
	sim_chain_fund(f->chain, 0, 0, u256_from_u64(30000 * CAP));
	mine(f, 1);
	struct hash32 hash = submit(f, 0, &next);
	mine(f, 1);
	assert_int_equal(receipt_of(f->nodes[0], hash).state, CHAIN_RECEIPT_FOUND);
	fixture_free(f);
}

static void foreign_takes_the_nonce(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct address thief = address_number(66);
	struct sim_mined mined;
	struct sim_payments paid;
	struct tx tx = coin_tx(0, address_number(1), 1);
	struct hash32 hash = submit(f, 0, &tx);
	sim_chain_foreign(f->chain, 0, thief, u256_from_u64(12345));
	mine(f, 2);
	assert_true(sim_chain_consumer(f->chain, 0, 0, &mined));
	assert_true(mined.is_foreign);
	assert_false(hash32_equal(mined.tx_hash, hash));
	sim_chain_payments(f->chain, 0, thief, &paid);
	assert_int_equal(u64_of(paid.sum), 12345);
	assert_int_equal(lookup_of(f->nodes[0], hash), CHAIN_LOOKUP_ABSENT);
	assert_int_equal(lookup_of(f->nodes[0], mined.tx_hash), CHAIN_LOOKUP_MINED);
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_NONCE_TOO_LOW);
	assert_false(sim_chain_consumer(f->chain, 0, 1, &mined));
	fixture_free(f);
}

static void a_wallet_with_a_past(void **state)
{
	(void)state;
	const struct sim_chain_options options = { .chain_id = CHAIN_ID };
	struct sim_chain *chain = sim_chain_new(&options, sim_random_of(1));
	struct sim_mined mined;
	unsigned wallet = sim_chain_wallet_add(chain, address_number(1), 41);
	sim_chain_fund(chain, wallet, 0, u256_from_u64(UINT64_MAX));
	sim_chain_foreign(chain, wallet, address_number(2), u256_from_u64(1));
	sim_chain_mine(chain, 1000);
	assert_int_equal(sim_chain_nonce(chain, wallet), 42);
	assert_false(sim_chain_consumer(chain, wallet, 40, &mined));
	assert_true(sim_chain_consumer(chain, wallet, 41, &mined));
	assert_int_equal(sim_chain_finalized(chain), 0);
	sim_chain_free(chain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_lower_nonces), cmocka_unit_test(waits_for_the_base_fee),
		cmocka_unit_test(the_fee_walks_home),     cmocka_unit_test(space_is_limited),
		cmocka_unit_test(gas_is_limited),         cmocka_unit_test(one_attempt_wins),
		cmocka_unit_test(unfunded_waits),         cmocka_unit_test(foreign_takes_the_nonce),
		cmocka_unit_test(a_wallet_with_a_past),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
