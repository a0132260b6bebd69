/* Looks at every world that any order of events leads to, and counts the orders. */
#include "small_world.h"

#include "../unit/testing.h"

#define WORLDS_MAX (1u << 20)
#define PLACES     (1u << 21) /* of the table: twice as many */
#define EDGES_MAX  (1u << 23)
/* As many events as one withdrawal needs from its acceptance to its end in a second round, and the
 * other one to be paid. */
#define LENGTH_MAX 40

struct search {
	struct world *worlds;
	uint32_t *parents;
	uint32_t len;
	uint32_t *places; /* one above the index of a world; 0: free */
	uint32_t *edges;  /* the worlds that follow, of all worlds in turn */
	uint32_t *first_edges;
	size_t edges_len;
	struct seen_moves moves;
};

static struct search *search_new(void)
{
	struct search *search = calloc(1, sizeof *search);
	assert_non_null(search);
	search->worlds = malloc(WORLDS_MAX * sizeof *search->worlds);
	search->parents = malloc(WORLDS_MAX * sizeof *search->parents);
	search->places = calloc(PLACES, sizeof *search->places);
	search->edges = malloc(EDGES_MAX * sizeof *search->edges);
	search->first_edges = malloc((WORLDS_MAX + 1) * sizeof *search->first_edges);
	assert_true(search->worlds != NULL && search->parents != NULL && search->places != NULL &&
		    search->edges != NULL && search->first_edges != NULL);
	return search;
}

static void search_reset(struct search *search)
{
	memset(search->places, 0, PLACES * sizeof *search->places);
	search->len = 0;
	search->edges_len = 0;
}

static void search_free(struct search *search)
{
	free(search->worlds);
	free(search->parents);
	free(search->places);
	free(search->edges);
	free(search->first_edges);
	free(search);
}

static uint64_t world_hash(const struct world *world)
{
	const uint8_t *bytes = (const uint8_t *)world;
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < sizeof *world; i++)
		hash = (hash ^ bytes[i]) * 1099511628211u;
	return hash ^ hash >> 29;
}

/* The index of a world, which is added when it is new. */
static uint32_t world_index(struct search *search, const struct world *world, uint32_t parent)
{
	for (uint64_t at = world_hash(world);; at++) {
		uint32_t *place = &search->places[at % PLACES];
		if (*place == 0) {
			assert_true(search->len < WORLDS_MAX);
			search->worlds[search->len] = *world;
			search->parents[search->len] = parent;
			*place = ++search->len;
			return *place - 1;
		}
		if (memcmp(&search->worlds[*place - 1], world, sizeof *world) == 0)
			return *place - 1;
	}
}

static void world_print(const struct world *world)
{
	for (size_t w = 0; w < WITHDRAWALS; w++) {
		const struct world_withdrawal *row = &world->withdrawals[w];
		print_error("  %s(sum %u round %u slot %u%s hold %u)",
			    withdrawal_stage_text((enum withdrawal_stage)row->stage), row->sum,
			    row->round, row->slot, row->cancel_requested ? " cancel" : "",
			    row->hold);
	}
	for (size_t n = 0; n < SLOTS; n++) {
		const struct world_slot *slot = &world->slots[n];
		const struct world_receipt *chain = &world->chain[n];
		print_error("  %s(%s of %u%s attempts %u-%x out %x seen %u, chain %u-%u age %u%s)",
			    transfer_stage_text((enum transfer_stage)slot->stage),
			    transfer_outcome_text((enum transfer_outcome)slot->outcome),
			    slot->owner, slot->is_cancel ? " self" : "", slot->attempts,
			    slot->cancels, slot->out, slot->seen.attempt, chain->attempt,
			    chain->result, chain->age, chain->finalized ? " finalized" : "");
	}
	print_error("\n");
}

/* The events that led there, the last one first. */
static void history_print(const struct search *search, uint32_t index)
{
	while (index != 0) {
		world_print(&search->worlds[index]);
		index = search->parents[index];
	}
}

static void broken_fail(const struct search *search, const char *broken, const struct world *world,
			uint32_t from)
{
	if (broken == NULL)
		return;
	world_print(world);
	history_print(search, from);
	fail_msg("%s", broken);
}

static void worlds_visit(struct search *search, uint32_t index)
{
	struct world next[SUCCESSORS_MAX];
	const struct world world = search->worlds[index];
	size_t n = world_successors(&world, &search->moves, next);
	if (n == 0)
		broken_fail(search, world_broken_at_the_end(&world), &world, index);
	search->first_edges[index] = (uint32_t)search->edges_len;
	for (size_t i = 0; i < n; i++) {
		broken_fail(search, world_broken_on_the_way(&world, &next[i]), &next[i], index);
		broken_fail(search, world_broken_rule(&next[i]), &next[i], index);
		assert_true(search->edges_len < EDGES_MAX);
		search->edges[search->edges_len++] = world_index(search, &next[i], index);
	}
	search->first_edges[index + 1] = (uint32_t)search->edges_len;
}

/* Orders of exactly n events, for each n: the sum over all ways into each world. */
static long double orders_count(const struct search *search)
{
	long double *ways = calloc(search->len, sizeof *ways);
	long double *next = calloc(search->len, sizeof *next);
	long double all = 0;
	assert_true(ways != NULL && next != NULL);
	ways[0] = 1;
	for (int length = 1; length <= LENGTH_MAX; length++) {
		memset(next, 0, search->len * sizeof *next);
		for (uint32_t i = 0; i < search->len; i++)
			for (uint32_t e = search->first_edges[i];
			     ways[i] > 0 && e < search->first_edges[i + 1]; e++)
				next[search->edges[e]] += ways[i];
		long double *swap = ways;
		ways = next;
		next = swap;
		for (uint32_t i = 0; i < search->len; i++)
			all += ways[i];
	}
	free(ways);
	free(next);
	return all;
}

/* What the tables allow and nothing in the world ever does, is a row too many. */
static void moves_compare(const struct seen_moves *moves)
{
	for (int actor = ACTOR_API; actor <= ACTOR_PERSON; actor++) {
		for (int from = 0; from <= WITHDRAWAL_CANCELED; from++)
			for (int to = WITHDRAWAL_ACCEPTED; to <= WITHDRAWAL_CANCELED; to++)
				if (moves->withdrawal[from][to][actor] !=
				    lifecycle_withdrawal_allows((enum withdrawal_stage)from,
								(enum withdrawal_stage)to,
								(enum actor)actor))
					fail_msg("nothing moves a withdrawal from %d to %d by %s",
						 from, to, actor_text((enum actor)actor));
		for (int from = 0; from <= TRANSFER_FINAL; from++)
			for (int to = TRANSFER_RESERVED; to <= TRANSFER_FINAL; to++)
				if (moves->transfer[from][to][actor] !=
				    lifecycle_transfer_allows((enum transfer_stage)from,
							      (enum transfer_stage)to,
							      (enum actor)actor))
					fail_msg("nothing moves a transfer from %d to %d by %s",
						 from, to, actor_text((enum actor)actor));
	}
}

struct trouble {
	const char *name;
	uint8_t reorgs;
	uint8_t reverts;
	uint8_t strangers;
	uint8_t cancels;
	uint8_t holds;
};

/* As much of each as two withdrawals and two nonces can take, alone and in pairs. */
static const struct trouble troubles[] = {
	{ .name = "reorgs", .reorgs = 2 },
	{ .name = "reverts", .reverts = 2 },
	{ .name = "strangers", .strangers = 2 },
	{ .name = "cancels", .cancels = 2 },
	{ .name = "dead letters", .holds = 2 },
	{ .name = "reorg, stranger", .reorgs = 1, .strangers = 1 },
	{ .name = "reorg, reverts", .reorgs = 1, .reverts = 2 },
	{ .name = "reorg, cancel", .reorgs = 1, .cancels = 1 },
	{ .name = "revert, cancel", .reverts = 1, .cancels = 1 },
	{ .name = "stranger, cancel", .strangers = 1, .cancels = 1 },
	{ .name = "revert, dead letter", .reverts = 1, .holds = 1 },
	{ .name = "reorg, dead letter", .reorgs = 1, .holds = 1 },
};

static void every_order_of_events_keeps_the_rules(void **state)
{
	struct search *search = search_new();
	(void)state;
	for (size_t t = 0; t < COUNT_OF(troubles); t++) {
		struct world start = world_start();
		start.reorgs = troubles[t].reorgs;
		start.reverts = troubles[t].reverts;
		start.strangers = troubles[t].strangers;
		start.cancels = troubles[t].cancels;
		start.holds = troubles[t].holds;
		search_reset(search);
		(void)world_index(search, &start, 0);
		for (uint32_t i = 0; i < search->len; i++)
			worlds_visit(search, i);
		print_message("# %-20s %8u worlds, %9zu events between them, %.3Le orders of up to "
			      "%d events\n",
			      troubles[t].name, search->len, search->edges_len,
			      orders_count(search), LENGTH_MAX);
	}
	moves_compare(&search->moves);
	search_free(search);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_of_events_keeps_the_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
