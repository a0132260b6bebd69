/* What nodes answer: at their own head, in their own state. */
#include "chain_fixture.h"

static void a_lagging_node_sees_less(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 2);
	mine(f, 20);
	struct tx tx = coin_tx(0, address_number(1), 1);
	sim_node_settings(f->nodes[1])->lag = 3;
	struct hash32 hash = submit(f, 0, &tx);
	mine(f, 1);
	assert_int_equal(head_of(f->nodes[0]).number, 22);
	assert_int_equal(head_of(f->nodes[1]).number, 19);
	assert_int_equal(sim_node_head(f->nodes[1]), 19);
	assert_int_equal(head_of(f->nodes[0]).finalized_number, 18);
	assert_int_equal(head_of(f->nodes[1]).finalized_number, 15);
	assert_int_equal(receipt_of(f->nodes[0], hash).state, CHAIN_RECEIPT_FOUND);
	assert_int_equal(receipt_of(f->nodes[1], hash).state, CHAIN_RECEIPT_ABSENT);
	assert_int_equal(lookup_of(f->nodes[1], hash), CHAIN_LOOKUP_PENDING);
	assert_int_equal(nonce_of(f, 0, CHAIN_BLOCK_LATEST, 0), 1);
	assert_int_equal(nonce_of(f, 1, CHAIN_BLOCK_LATEST, 0), 0);
	assert_int_equal(nonce_of(f, 1, CHAIN_BLOCK_PENDING, 0), 1);
	uint64_t numbers[] = { 19, 20 };
	struct chain_block blocks[2], known[2];
	struct err err;
	assert_true(chain_blocks(sim_node_port(f->nodes[1]), numbers, 2, blocks, &err));
	assert_true(chain_blocks(sim_node_port(f->nodes[0]), numbers, 2, known, &err));
	assert_true(blocks[0].known && !blocks[1].known);
	assert_true(hash32_equal(blocks[0].hash, known[0].hash));
	assert_true(hash32_equal(known[1].parent, known[0].hash));
	assert_true(hash32_equal(head_of(f->nodes[1]).hash, known[0].hash));
	assert_true(hash32_equal(head_of(f->nodes[1]).parent, known[0].parent));
	mine(f, 3);
	assert_int_equal(receipt_of(f->nodes[1], hash).state, CHAIN_RECEIPT_FOUND);
	assert_int_equal(sim_node_pool_len(f->nodes[1]), 0);
	fixture_free(f);
}

/* Another machine answers behind the same address. */
static void a_head_can_step_back(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	mine(f, 20);
	struct tx tx = coin_tx(0, address_number(1), 1);
	struct hash32 hash = submit(f, 0, &tx);
	mine(f, 2);
	assert_int_equal(lookup_of(f->nodes[0], hash), CHAIN_LOOKUP_MINED);
	sim_node_settings(f->nodes[0])->lag = 5;
	assert_int_equal(lookup_of(f->nodes[0], hash), CHAIN_LOOKUP_PENDING);
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_KNOWN);
	mine(f, 1);
	assert_int_equal(sim_chain_nonce(f->chain, 0), 1);
	sim_node_settings(f->nodes[0])->lag = 0;
	assert_int_equal(lookup_of(f->nodes[0], hash), CHAIN_LOOKUP_MINED);
	assert_int_equal(sim_node_pool_len(f->nodes[0]), 0);
	/* Further back than there are blocks. */
	sim_node_settings(f->nodes[0])->lag = 1000;
	assert_int_equal(head_of(f->nodes[0]).number, 0);
	assert_true(hash32_is_zero(head_of(f->nodes[0]).parent));
	fixture_free(f);
}

static void finalized_as_answered(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	mine(f, 20);
	struct sim_block block;
	struct chain_head head = head_of(f->nodes[0]);
	assert_true(head.has_finalized);
	assert_int_equal(head.finalized_number, 17);
	assert_true(sim_chain_block(f->chain, 17, &block));
	assert_true(hash32_equal(block.hash, head.finalized_hash));
	sim_node_settings(f->nodes[0])->finalized_back = 6;
	assert_int_equal(head_of(f->nodes[0]).finalized_number, 11);
	sim_node_settings(f->nodes[0])->finalized_back = 600;
	assert_int_equal(head_of(f->nodes[0]).finalized_number, 0);
	sim_node_settings(f->nodes[0])->no_finalized = true;
	assert_false(head_of(f->nodes[0]).has_finalized);
	assert_int_equal(u64_of(head.tip.value), 25 * GWEI);
	sim_node_settings(f->nodes[0])->tip_suggested = 77;
	assert_int_equal(u64_of(head_of(f->nodes[0]).tip.value), 77);
	fixture_free(f);
}

static void old_state_is_pruned(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct chain_balance_query query = { .owner = f->wallets[0],
					     .is_token = true,
					     .token = f->contract };
	struct chain_balance balance;
	struct chain_nonce nonce;
	struct err err;
	mine(f, 20);
	struct chain *port = sim_node_port(f->nodes[0]);
	assert_true(chain_balances(port, 1, &query, 1, &balance, &err));
	assert_true(balance.known);
	assert_int_equal(u64_of(balance.units), 1000000);
	assert_true(chain_balances(port, 0, &query, 1, &balance, &err));
	assert_true(balance.known && u256_is_zero(balance.units));
	assert_true(chain_balances(port, 22, &query, 1, &balance, &err));
	assert_false(balance.known);
	sim_node_settings(f->nodes[0])->state_blocks = 5;
	assert_true(chain_nonces(port, 16, &f->wallets[0], 1, &nonce, &err));
	assert_false(nonce.known);
	assert_true(chain_nonces(port, 17, &f->wallets[0], 1, &nonce, &err));
	assert_true(nonce.known);
	fixture_free(f);
}

static void facts_of_the_chain(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct chain *port = sim_node_port(f->nodes[0]);
	uint64_t id;
	unsigned decimals;
	struct err err;
	assert_true(chain_identity(port, &id, &err));
	assert_int_equal(id, CHAIN_ID);
	assert_true(chain_decimals(port, f->contract, &decimals, &err));
	assert_int_equal(decimals, 6);
	assert_false(chain_decimals(port, address_number(1), &decimals, &err));
	assert_int_equal(chain_nodes_len(port), 1);
	chain_close(port);
	assert_true(chain_identity(port, &id, &err));
	fixture_free(f);
}

static void down_and_hanging(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct tx tx = coin_tx(0, address_number(1), 1);
	struct signed_tx made = sign(f, 0, &tx);
	struct chain_head head;
	struct err err = { 0 };
	sim_node_settings(f->nodes[0])->state = SIM_NODE_DOWN;
	assert_false(chain_head(sim_node_port(f->nodes[0]), &head, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_int_equal(send_to(f->nodes[0], &made).state, CHAIN_SEND_UNKNOWN);
	assert_false(sim_node_has(f->nodes[0], made.hash));
	sim_node_settings(f->nodes[0])->state = SIM_NODE_HANGS;
	assert_false(chain_head(sim_node_port(f->nodes[0]), &head, &err));
	assert_int_equal(send_to(f->nodes[0], &made).state, CHAIN_SEND_UNKNOWN);
	assert_true(sim_node_has(f->nodes[0], made.hash));
	assert_int_equal(sim_chain_counts(f->chain)->answers_lost, 1);
	assert_int_equal(sim_chain_counts(f->chain)->answers_refused, 3);
	mine(f, 1);
	assert_int_equal(sim_chain_nonce(f->chain, 0), 1);
	fixture_free(f);
}

static void single_answers_get_lost(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	size_t taken = 0;
	sim_node_settings(f->nodes[0])->unknown_per_mille = 1000;
	for (uint64_t i = 0; i < 16; i++) {
		struct tx tx = coin_tx(i, address_number(1), 1);
		struct signed_tx made = sign(f, 0, &tx);
		assert_int_equal(send_to(f->nodes[0], &made).state, CHAIN_SEND_UNKNOWN);
		taken += sim_node_has(f->nodes[0], made.hash);
		assert_int_equal(receipt_of(f->nodes[0], made.hash).state, CHAIN_RECEIPT_UNKNOWN);
		assert_int_equal(lookup_of(f->nodes[0], made.hash), CHAIN_LOOKUP_UNKNOWN);
	}
	assert_in_range(taken, 3, 13);
	fixture_free(f);
}

static void eviction(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 2);
	struct tx tx = coin_tx(0, address_number(1), 1);
	struct hash32 hash = submit(f, 0, &tx);
	assert_int_equal(sim_node_evict(f->nodes[0], 1000), 1);
	assert_int_equal(lookup_of(f->nodes[0], hash), CHAIN_LOOKUP_ABSENT);
	assert_int_equal(lookup_of(f->nodes[1], hash), CHAIN_LOOKUP_PENDING);
	assert_int_equal(sim_node_evict(f->nodes[1], 1000), 1);
	mine(f, 2);
	assert_int_equal(sim_chain_nonce(f->chain, 0), 0);
	assert_int_equal(offer(f, 0, &tx), CHAIN_SEND_ACCEPTED);
	mine(f, 1);
	assert_int_equal(sim_chain_nonce(f->chain, 0), 1);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lagging_node_sees_less), cmocka_unit_test(a_head_can_step_back),
		cmocka_unit_test(finalized_as_answered),    cmocka_unit_test(old_state_is_pruned),
		cmocka_unit_test(facts_of_the_chain),       cmocka_unit_test(down_and_hanging),
		cmocka_unit_test(single_answers_get_lost),  cmocka_unit_test(eviction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
