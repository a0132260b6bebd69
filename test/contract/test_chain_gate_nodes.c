/* The gate over nodes that go and come back, and over such that stand still: simulated ones, so
 * that each is away, or stuck, when it is told to be. */
#include "../unit/sim/chain_fixture.h"

#include "adapter/chain_gate.h"

#define NODES 3

struct place {
	struct clock clock;      /* the first member */
	int64_t now_ms, tick_ms; /* each look at the clock takes so long */
	struct fixture *world;
	struct catalogue catalogue;
	struct chain *gate;
	bool stuck[NODES];
	struct log log;
	unsigned lines, alarms;
	char line[256]; /* the last */
};

static int64_t place_now(struct clock *clock)
{
	struct place *place = (struct place *)(void *)clock;
	place->now_ms += place->tick_ms;
	return place->now_ms;
}

static const struct clock_ops place_clock = { place_now, place_now };

static void place_hear(void *listener, enum log_level level, const struct log_about *about,
		       const char *message)
{
	struct place *place = listener;
	if (about->alarm) {
		assert_string_equal(about->action, "node_of_another_chain");
		place->alarms++;
		snprintf(place->line, sizeof place->line, "%s", message);
		return;
	}
	assert_int_equal(level, LOG_WARN);
	assert_string_equal(about->action, "node_left");
	place->lines++;
	snprintf(place->line, sizeof place->line, "%s", message);
}

static void place_open(struct place *place, size_t nodes, unsigned blocks)
{
	*place = (struct place){ .clock = { &place_clock },
				 .now_ms = 7000000,
				 .world = fixture_new(1, nodes) };
	place->log = (struct log){ .hear = place_hear, .listener = place };
	place->catalogue.chains_len = 1;
	place->catalogue.chains[0].chain_id = CHAIN_ID;
	struct chain_gate_options options = { .catalogue = &place->catalogue,
					      .len = nodes,
					      .clock = &place->clock,
					      .log = &place->log };
	for (size_t i = 0; i < options.len; i++)
		options.nodes[i] = sim_node_port(place->world->nodes[i]);
	place->gate = chain_gate_new(&options);
	mine(place->world, blocks);
}

static void place_make(struct place *place)
{
	place_open(place, 2, 20);
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

/* The same for what is sent: another node has it too, and has the turn after no answer. */
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
	assert_int_equal(sent[0].state, CHAIN_SEND_ACCEPTED);
	assert_int_equal(sent[1].state, CHAIN_SEND_KNOWN);
	place_leave(&place);
}

/* Only the first one is away, and comes back. The other one, which answered all the time, is not
 * asked again who it is. */
static void come_back(struct place *place)
{
	state_set(place, SIM_NODE_DOWN, SIM_NODE_UP);
	assert_answers(place, 18);
	state_set(place, SIM_NODE_UP, SIM_NODE_DOWN);
}

static void comes_back_as_another_chain(void **state)
{
	struct place place;
	struct err err = { 0 };
	(void)state;
	place_make(&place);
	assert_int_equal(chain_gate_prove(place.gate, &err), CHAIN_GATE_OPEN);
	/* It names the chain that it always did, which from here on is another one. */
	place.catalogue.chains[0].chain_id = CHAIN_ID + 1;
	assert_answers(&place, 21);
	come_back(&place);
	for (int i = 0; i < 10; i++)
		assert_away(&place);
	assert_int_equal(place.alarms, 1);
	assert_non_null(strstr(place.line, "node 1 says chain id"));
	assert_false(chain_gate_is_mismatch(place.gate, &err));
	/* Also for who asks it by itself. */
	struct chain *port;
	assert_false(chain_node(place.gate, 0, &port, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	place.catalogue.chains[0].chain_id = CHAIN_ID;
	assert_answers(&place, 21);
	assert_int_equal(place.alarms, 1);
	place_leave(&place);
}

static void comes_back_with_other_decimals(void **state)
{
	struct place place;
	(void)state;
	place_make(&place);
	place.catalogue.assets_len = 1;
	place.catalogue.assets[0].contract = place.world->contract;
	place.catalogue.assets[0].decimals = 6;
	assert_answers(&place, 21);
	place.catalogue.assets[0].decimals = 18;
	assert_answers(&place, 21);
	state_set(&place, SIM_NODE_DOWN, SIM_NODE_DOWN);
	assert_away(&place);
	state_set(&place, SIM_NODE_UP, SIM_NODE_DOWN);
	assert_away(&place);
	assert_int_equal(place.alarms, 1);
	assert_non_null(strstr(place.line, "are 6, not 18"));
	place.catalogue.assets[0].decimals = 6;
	assert_answers(&place, 21);
	place_leave(&place);
}

/* A role that waited for all of its tokens at once would seem to hang. */
static void a_slow_node_is_proved_bit_by_bit(void **state)
{
	struct place place;
	struct err err = { 0 };
	int calls = 1;
	(void)state;
	place_open(&place, 1, 20);
	place.catalogue.assets_len = 20;
	for (size_t i = 0; i < place.catalogue.assets_len; i++) {
		place.catalogue.assets[i].contract = place.world->contract;
		place.catalogue.assets[i].decimals = 6;
	}
	place.tick_ms = GATE_PROOF_MS / 5;
	while (chain_gate_prove(place.gate, &err) != CHAIN_GATE_OPEN && calls < 100)
		calls++;
	assert_in_range(calls, 4, 6);
	place_leave(&place);
}

static bool has_node(struct place *place, size_t index, const struct signed_tx *payment)
{
	struct chain *port = NULL;
	enum chain_lookup lookup = CHAIN_LOOKUP_ABSENT;
	struct err err = { 0 };
	assert_true(chain_node(place->gate, index, &port, &err));
	assert_true(chain_lookups(port, &payment->hash, 1, &lookup, &err));
	return lookup == CHAIN_LOOKUP_PENDING;
}

/* ---- nodes that stand still ---- */

#define STEP_S 5

static struct sim_node_settings *node(struct place *place, size_t index)
{
	return sim_node_settings(place->world->nodes[index]);
}

/* Two blocks in five seconds; a node that is stuck gets none of them. */
static void blocks_come(struct place *place)
{
	mine(place->world, 2);
	for (size_t i = 0; i < place->world->nodes_len; i++)
		node(place, i)->lag += place->stuck[i] ? 2 : 0;
}

/* Whose turn is it? Nodes are told apart by the tip that they suggest. */
static uint64_t turn_of(struct place *place)
{
	struct chain_head head = { 0 };
	struct err err = { 0 };
	assert_true(chain_head(place->gate, &head, &err));
	return u64_of(head.tip.value) - TIP;
}

static void world_make(struct place *place, size_t nodes)
{
	place_open(place, nodes, 1000);
	for (size_t i = 0; i < nodes; i++)
		node(place, i)->tip_suggested = TIP + i;
}

/* The first node keeps to itself what it takes; and when it refuses, it says nothing of the rest.
 */
static void what_is_sent_comes_to_all_nodes(void **state)
{
	struct place place;
	struct chain_send sent = { 0 };
	(void)state;
	world_make(&place, 3);
	for (size_t i = 0; i < NODES; i++)
		node(&place, i)->gossip_per_mille = 0;
	struct tx tx = coin_tx(0, address_number(7), 1000);
	struct signed_tx payment = sign(place.world, 0, &tx);
	struct str raw = str_from_bytes(payment.bytes, payment.len);
	chain_send_many(place.gate, &raw, 1, &sent);
	assert_int_equal(sent.state, CHAIN_SEND_ACCEPTED);
	assert_true(has_node(&place, 0, &payment));
	assert_true(has_node(&place, 1, &payment));
	assert_false(has_node(&place, 2, &payment));
	/* One that is away is not waited for again at once, and costs the others nothing. */
	node(&place, 2)->state = SIM_NODE_DOWN;
	chain_send_many(place.gate, &raw, 1, &sent);
	assert_int_equal(sent.state, CHAIN_SEND_KNOWN);
	node(&place, 2)->state = SIM_NODE_UP;
	for (int i = 0; i < 4; i++)
		chain_send_many(place.gate, &raw, 1, &sent);
	assert_false(has_node(&place, 2, &payment));
	place.now_ms += GATE_FAILED_MS;
	for (int i = 0; i < 2; i++)
		chain_send_many(place.gate, &raw, 1, &sent);
	assert_int_equal(sent.state, CHAIN_SEND_KNOWN);
	assert_true(has_node(&place, 2, &payment));
	/* What is refused everywhere is refused in the first one's words. */
	struct str junk = STR("\x02");
	chain_send_many(place.gate, &junk, 1, &sent);
	assert_int_equal(sent.state, CHAIN_SEND_INVALID);
	assert_int_equal(turn_of(&place), 0);
	place_leave(&place);
}

/* So many seconds in which somebody asks for the head all the time, and it is this node's. */
static void assert_turn(struct place *place, int seconds, uint64_t wanted)
{
	for (int i = 0; i < seconds; i += STEP_S) {
		place->now_ms += STEP_S * 1000;
		blocks_come(place);
		assert_int_equal(turn_of(place), wanted);
	}
}

/* Until it is another one's turn: in so many seconds at the most. */
static void assert_turns(struct place *place, int seconds, uint64_t wanted)
{
	uint64_t from = turn_of(place);
	uint64_t turn = from;
	for (int i = 0; i < seconds && turn == from; i += STEP_S) {
		place->now_ms += STEP_S * 1000;
		blocks_come(place);
		turn = turn_of(place);
	}
	assert_int_equal(turn, wanted);
}

/* It is left after a minute, and stays left when it goes on: the other one does too. */
static void first_node_is_stuck_and_left(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 3);
	assert_turn(&place, 300, 0);
	place.stuck[0] = true;
	assert_turn(&place, 60, 0);
	assert_turns(&place, 15, 1);
	assert_turn(&place, 600, 1);
	place.stuck[0] = false;
	node(&place, 0)->lag = 0;
	assert_turn(&place, 600, 1);
	/* The next of them stands still, and the one after it is stuck too. */
	place.stuck[1] = place.stuck[2] = true;
	assert_turn(&place, 60, 1);
	assert_turns(&place, 15, 0);
	assert_turn(&place, 600, 0);
	assert_int_equal(place.lines, 2);
	assert_non_null(strstr(place.line, ": node 2 stands still at block "));
	assert_non_null(strstr(place.line, ", node 1 goes on "));
	place_leave(&place);
}

/* Who never asks for a head is not kept at the stuck node either. */
static void a_stuck_node_is_left_by_other_calls(void **state)
{
	struct place place;
	struct chain_block block = { 0 };
	struct err err = { 0 };
	int seconds = 0;
	(void)state;
	world_make(&place, 3);
	place.stuck[0] = true;
	uint64_t number = sim_node_head(place.world->nodes[0]) + 1;
	while (!block.known && seconds < 300) {
		seconds += STEP_S;
		place.now_ms += STEP_S * 1000;
		blocks_come(&place);
		assert_true(chain_blocks(place.gate, &number, 1, &block, &err));
	}
	assert_in_range(seconds, 60, 90);
	place_leave(&place);
}

/* Nothing is better anywhere: it stays where it is. */
static void nobody_turns_when_all_stand_still(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 3);
	assert_turn(&place, 30, 0);
	place.stuck[0] = place.stuck[1] = place.stuck[2] = true;
	assert_turn(&place, 1200, 0);
	place.stuck[2] = false;
	node(&place, 2)->lag = 1;
	assert_turns(&place, 45, 2);
	place_leave(&place);
}

/* The last block before a halt reached the other node, and not this one: that is no rise that
 * counts, or each halt would turn everybody. */
static void nobody_turns_for_one_block(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 2);
	node(&place, 0)->lag = 5;
	assert_turn(&place, 30, 0);
	place.stuck[0] = true;
	blocks_come(&place);
	place.stuck[1] = true;
	assert_turn(&place, 1200, 0);
	place_leave(&place);
}

/* What rose while this one stood for a moment counts no more when this one has gone on. */
static void nobody_turns_for_rises_of_before(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 2);
	assert_turn(&place, 30, 0);
	place.stuck[0] = true;
	assert_turn(&place, 55, 0);
	place.stuck[0] = false;
	node(&place, 0)->lag = 1;
	assert_turn(&place, 30, 0);
	place.stuck[0] = place.stuck[1] = true;
	assert_turn(&place, 1200, 0);
	place_leave(&place);
}

/* That another node is ahead, however far, is no reason: it may lie. */
static void nobody_turns_to_who_is_ahead(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 2);
	node(&place, 0)->lag = 900;
	assert_turn(&place, 1200, 0);
	place_leave(&place);
}

/* Another machine answers behind its address, far behind: it rises, and not above what was seen. */
static void a_node_that_fell_back_is_left(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 2);
	assert_turn(&place, 30, 0);
	node(&place, 0)->lag = 900;
	assert_turn(&place, 55, 0);
	assert_turns(&place, 20, 1);
	assert_turn(&place, 600, 1);
	place_leave(&place);
}

/* A node that still catches up has nothing that the stuck one lacks. */
static void nobody_turns_to_who_is_behind(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 3);
	node(&place, 1)->lag = 900;
	node(&place, 2)->lag = 3;
	place.stuck[0] = place.stuck[2] = true;
	assert_turn(&place, 300, 0);
	place.stuck[2] = false;
	node(&place, 2)->lag = 3;
	assert_turns(&place, 45, 2);
	place_leave(&place);
}

/* One is stuck, and the other is away when it has the turn: they do not change with each call. */
static void nobody_turns_back_at_once(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 2);
	assert_turn(&place, 30, 0);
	place.stuck[0] = true;
	assert_turn(&place, 60, 0);
	node(&place, 1)->state = SIM_NODE_DOWN;
	assert_turn(&place, 5, 0);
	node(&place, 1)->state = SIM_NODE_UP;
	assert_turn(&place, 15, 0);
	assert_turns(&place, 75, 1);
	place_leave(&place);
}

/* As long as the head rises no other node is asked: one that was away then has not to be waited
 * for. */
static void nobody_else_is_asked_before(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 2);
	node(&place, 1)->state = SIM_NODE_DOWN;
	assert_turn(&place, 5, 0);
	node(&place, 1)->state = SIM_NODE_UP;
	place.stuck[0] = true;
	assert_turn(&place, 55, 0);
	assert_turns(&place, 10, 1);
	place_leave(&place);
}

/* A node that does not answer is asked again after a minute, and keeps no other from its turn. */
static void a_node_that_is_away_is_asked_again(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 2);
	assert_turn(&place, 30, 0);
	node(&place, 1)->state = SIM_NODE_DOWN;
	place.stuck[0] = true;
	assert_turn(&place, 35, 0);
	node(&place, 1)->state = SIM_NODE_UP;
	assert_turn(&place, 60, 0);
	assert_turns(&place, 15, 1);
	place_leave(&place);

	world_make(&place, 3);
	assert_turn(&place, 30, 0);
	node(&place, 1)->state = SIM_NODE_HANGS;
	place.stuck[0] = true;
	assert_turn(&place, 60, 0);
	assert_turns(&place, 15, 2);
	place_leave(&place);
}

/* What no node answers ends where it began, and is no reason to begin to wait anew. */
static void a_stuck_node_is_left_whatever_fails(void **state)
{
	struct place place;
	struct err err = { 0 };
	int seconds = 0;
	(void)state;
	world_make(&place, 3);
	place.stuck[0] = true;
	while (turn_of(&place) == 0 && seconds < 300) {
		struct chain_transfer_query query = { .first = 1 << 20,
						      .last = 1 << 20,
						      .contracts = &place.world->contract,
						      .contracts_len = 1,
						      .wallets = place.world->wallets,
						      .wallets_len = 1 };
		struct chain_transfer transfers[CHAIN_TRANSFERS_MAX];
		struct hash32 last;
		size_t n = 0;
		assert_false(chain_transfers(place.gate, &query, transfers, &n, &last, &err));
		seconds += STEP_S;
		place.now_ms += STEP_S * 1000;
		blocks_come(&place);
	}
	assert_in_range(seconds, 60, 90);
	assert_int_equal(turn_of(&place), 1);
	place_leave(&place);
}

/* Who asks once in a while sees the head higher each time, whoever else is asked. */
static void nobody_turns_who_asks_seldom(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 3);
	for (int i = 0; i < 50; i++) {
		place.now_ms += 3600000;
		blocks_come(&place);
		assert_int_equal(turn_of(&place), 0);
	}
	place_leave(&place);
}

/* One answer that is too high hides for no longer than a minute that its node stands still. */
static void a_head_that_never_came(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 2);
	node(&place, 0)->lag = node(&place, 1)->lag = 900;
	assert_turn(&place, 30, 0);
	node(&place, 0)->lag = 0;
	assert_turn(&place, 5, 0);
	node(&place, 0)->lag = 900;
	assert_turn(&place, 300, 0);
	place.stuck[0] = true;
	assert_turn(&place, 60, 0);
	assert_turns(&place, 15, 1);
	assert_turn(&place, 60, 1);
	place_leave(&place);
}

/* Nor is it kept for ever by who stays with it. */
static void a_head_that_never_comes(void **state)
{
	struct place place;
	(void)state;
	world_make(&place, 2);
	node(&place, 1)->lag = 900;
	place.stuck[0] = true;
	assert_turn(&place, 540, 0);
	assert_turns(&place, 120, 1);
	assert_turn(&place, 300, 1);
	place_leave(&place);
}

/* Two machines behind one address, both of which stand still, at blocks of their own. */
static void machines_that_stand_are_left(void **state)
{
	struct place place;
	uint64_t turn = 0;
	(void)state;
	world_make(&place, 2);
	assert_turn(&place, 30, 0);
	place.stuck[0] = true;
	for (int i = 0; i < 300 && turn == 0; i += STEP_S) {
		place.now_ms += STEP_S * 1000;
		blocks_come(&place);
		node(&place, 0)->lag ^= 1;
		turn = turn_of(&place);
	}
	assert_int_equal(turn, 1);
	place_leave(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_node_is_stuck_and_left),
		cmocka_unit_test(a_stuck_node_is_left_by_other_calls),
		cmocka_unit_test(a_stuck_node_is_left_whatever_fails),
		cmocka_unit_test(a_node_that_fell_back_is_left),
		cmocka_unit_test(nobody_turns_when_all_stand_still),
		cmocka_unit_test(nobody_turns_for_one_block),
		cmocka_unit_test(nobody_turns_for_rises_of_before),
		cmocka_unit_test(nobody_turns_back_at_once),
		cmocka_unit_test(nobody_else_is_asked_before),
		cmocka_unit_test(nobody_turns_to_who_is_ahead),
		cmocka_unit_test(nobody_turns_to_who_is_behind),
		cmocka_unit_test(nobody_turns_who_asks_seldom),
		cmocka_unit_test(a_node_that_is_away_is_asked_again),
		cmocka_unit_test(comes_back_as_another_chain),
		cmocka_unit_test(comes_back_with_other_decimals),
		cmocka_unit_test(a_slow_node_is_proved_bit_by_bit),
		cmocka_unit_test(breaker_never_closes_on_nodes),
		cmocka_unit_test(a_head_that_never_came),
		cmocka_unit_test(a_head_that_never_comes),
		cmocka_unit_test(machines_that_stand_are_left),
		cmocka_unit_test(breaker_never_closes_on_sends),
		cmocka_unit_test(what_is_sent_comes_to_all_nodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
