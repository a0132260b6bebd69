/* The gate over nodes that go and come back: simulated ones, so that each is away when it is told
 * to be. */
#include "../unit/sim/chain_fixture.h"

#include "adapter/chain_gate.h"

struct place {
	struct fixture *world;
	struct catalogue catalogue;
	struct chain *gate;
};

static void place_make(struct place *place)
{
	*place = (struct place){ .world = fixture_new(1, 2) };
	place->catalogue.chains_len = 1;
	place->catalogue.chains[0].chain_id = CHAIN_ID;
	struct chain_gate_options options = { .catalogue = &place->catalogue, .len = 2 };
	for (size_t i = 0; i < options.len; i++)
		options.nodes[i] = sim_node_port(place->world->nodes[i]);
	place->gate = chain_gate_new(&options);
	mine(place->world, 20);
	/* So that its answers are known from those of the other one. */
	sim_node_settings(place->world->nodes[1])->lag = 3;
}

static void place_leave(struct place *place)
{
	chain_close(place->gate);
	fixture_free(place->world);
}

static void state_set(struct place *place, enum sim_node_state first, enum sim_node_state second)
{
	sim_node_settings(place->world->nodes[0])->state = first;
	sim_node_settings(place->world->nodes[1])->state = second;
}

static void assert_answers(struct place *place, uint64_t head_number)
{
	struct chain_head head = { 0 };
	struct err err = { 0 };
	assert_true(chain_head(place->gate, &head, &err));
	assert_int_equal(head.number, head_number);
}

static void assert_away(struct place *place)
{
	struct chain_head head;
	struct err err = { 0 };
	assert_false(chain_head(place->gate, &head, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
}

/* However long a node was away, and however often it was asked in vain: the first call after it is
 * back is answered. */
static void breaker_never_closes_on_nodes(void **state)
{
	struct place place;
	(void)state;
	place_make(&place);
	assert_answers(&place, 21);
	for (int i = 0; i < 1000; i++) {
		state_set(&place, SIM_NODE_DOWN, SIM_NODE_UP);
		assert_answers(&place, 18);
	}
	state_set(&place, SIM_NODE_UP, SIM_NODE_DOWN);
	assert_answers(&place, 21);
	for (int i = 0; i < 1000; i++) {
		state_set(&place, SIM_NODE_HANGS, SIM_NODE_DOWN);
		assert_away(&place);
	}
	state_set(&place, SIM_NODE_DOWN, SIM_NODE_UP);
	assert_answers(&place, 18);
	place_leave(&place);
}

/* The same for what is sent: one node at a time, and the next one after no answer. */
static void breaker_never_closes_on_sends(void **state)
{
	struct place place;
	struct chain_send sent[2];
	(void)state;
	place_make(&place);
	assert_answers(&place, 21);
	struct tx tx = coin_tx(0, address_number(7), 1000);
	struct signed_tx payment = sign(place.world, 0, &tx);
	struct str raw = str_from_bytes(payment.bytes, payment.len);
	state_set(&place, SIM_NODE_DOWN, SIM_NODE_UP);
	sim_node_settings(place.world->nodes[1])->lag = 0;
	for (size_t i = 0; i < COUNT_OF(sent); i++)
		chain_send_many(place.gate, &raw, 1, &sent[i]);
	assert_int_equal(sent[0].state, CHAIN_SEND_UNKNOWN);
	assert_int_equal(sent[1].state, CHAIN_SEND_ACCEPTED);
	place_leave(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaker_never_closes_on_nodes),
		cmocka_unit_test(breaker_never_closes_on_sends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
