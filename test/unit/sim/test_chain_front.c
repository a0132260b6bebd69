/* Several nodes behind one port. */
#include "chain_fixture.h"

static struct sim_front *front_of(struct fixture *f, unsigned switch_per_mille,
				  unsigned spread_per_mille)
{
	const struct sim_front_options options = { switch_per_mille, spread_per_mille };
	return sim_front_new(f->chain, &options, sim_random_of(9));
}

static uint64_t head_number(struct sim_front *front)
{
	struct chain_head head;
	struct err err;
	assert_true(chain_head(sim_front_port(front), &head, &err));
	return head.number;
}

static void sticks_until_it_fails(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 3);
	struct sim_front *front = front_of(f, 0, 0);
	struct chain_head head;
	struct err err = { 0 };
	mine(f, 20);
	sim_node_settings(f->nodes[1])->lag = 1;
	sim_node_settings(f->nodes[2])->lag = 2;
	assert_int_equal(head_number(front), 21);
	assert_int_equal(head_number(front), 21);
	sim_node_settings(f->nodes[0])->state = SIM_NODE_DOWN;
	assert_int_equal(head_number(front), 20);
	sim_node_settings(f->nodes[0])->state = SIM_NODE_UP;
	assert_int_equal(head_number(front), 20);
	for (size_t i = 0; i < 3; i++)
		sim_node_settings(f->nodes[i])->state = SIM_NODE_HANGS;
	assert_false(chain_head(sim_front_port(front), &head, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	sim_node_settings(f->nodes[2])->state = SIM_NODE_UP;
	assert_int_equal(head_number(front), 19);
	sim_front_free(front);
	fixture_free(f);
}

static void wanders_when_told(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 3);
	struct sim_front *front = front_of(f, 1000, 0);
	unsigned seen[3] = { 0 };
	mine(f, 20);
	sim_node_settings(f->nodes[1])->lag = 1;
	sim_node_settings(f->nodes[2])->lag = 2;
	for (unsigned i = 0; i < 300; i++)
		seen[21 - head_number(front)]++;
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(seen[i], 60, 140);
	sim_front_options(front)->switch_per_mille = 0;
	uint64_t number = head_number(front);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(head_number(front), number);
	chain_close(sim_front_port(front));
	fixture_free(f);
}

static void sends_to_one_or_all(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 3);
	struct sim_front *front = front_of(f, 0, 0);
	struct tx tx = coin_tx(0, address_number(1), 1);
	struct signed_tx made = sign(f, 0, &tx);
	struct str raw = str_from_bytes(made.bytes, made.len);
	struct chain_send send;
	for (size_t i = 0; i < 3; i++)
		sim_node_settings(f->nodes[i])->gossip_per_mille = 0;
	/* An unknown answer is final for this call; the next one goes to another node. */
	sim_node_settings(f->nodes[0])->state = SIM_NODE_DOWN;
	chain_send_many(sim_front_port(front), &raw, 1, &send);
	assert_int_equal(send.state, CHAIN_SEND_UNKNOWN);
	assert_int_equal(sim_node_pool_len(f->nodes[1]), 0);
	chain_send_many(sim_front_port(front), &raw, 1, &send);
	assert_int_equal(send.state, CHAIN_SEND_ACCEPTED);
	assert_true(sim_node_has(f->nodes[1], made.hash));
	assert_false(sim_node_has(f->nodes[2], made.hash));
	sim_front_options(front)->spread_per_mille = 1000;
	chain_send_many(sim_front_port(front), &raw, 1, &send);
	assert_int_equal(send.state, CHAIN_SEND_KNOWN);
	assert_true(sim_node_has(f->nodes[2], made.hash));
	sim_front_free(front);
	fixture_free(f);
}

static void names_its_nodes(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 2);
	struct sim_front *front = front_of(f, 0, 0);
	struct chain *node;
	struct err err;
	assert_int_equal(chain_nodes_len(sim_front_port(front)), 2);
	assert_true(chain_node(sim_front_port(front), 1, &node, &err));
	assert_ptr_equal(node, sim_node_port(f->nodes[1]));
	sim_front_free(front);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sticks_until_it_fails),
		cmocka_unit_test(wanders_when_told),
		cmocka_unit_test(sends_to_one_or_all),
		cmocka_unit_test(names_its_nodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
