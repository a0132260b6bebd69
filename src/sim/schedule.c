/* What happens next, and when. Processes step when they wake, blocks come in their time, and now
 * and then the outside misbehaves: nodes, chain, clocks, somebody at the power switch. */
#include "sim/world.h"

#include <string.h>

#define TROUBLE_MS_MIN 500
#define TROUBLE_MS_MAX 20000
#define CALM_MS_MIN    500
#define CALM_MS_MAX    60000
#define KEEP_PER_MILLE 700
#define REORG_SHORT    5
#define REORG_LONG     40
#define SPIKE_BLOCKS   60
#define GWEI           1000000000ULL
#define SPIKE_GWEI_MAX 900
#define TIP_GWEI_MAX   200
#define SKEW_MS_MAX    7200000
#define FLIP_SHARE     700
#define SPLIT_LAG_MAX  40

static struct sim_node *some_node(struct sim_world *world)
{
	return world->nodes[sim_between(world, 0, (int64_t)world->nodes_len - 1)];
}

/* ---- troubles, each with what it takes to end it ---- */

static void trouble_kill(struct sim_world *world)
{
	struct sim_process *process =
		&world->processes[sim_between(world, 0, SIM_PROCESSES_MAX - 1)];
	if (process->alive)
		sim_process_kill(process);
}

static void trouble_node(struct sim_world *world)
{
	struct sim_node *node = some_node(world);
	struct sim_node_settings *settings = sim_node_settings(node);
	switch (sim_between(world, 0, 11)) {
	case 0:
		settings->state = SIM_NODE_DOWN;
		break;
	case 1:
		settings->state = SIM_NODE_HANGS;
		break;
	case 2:
		settings->lag = (uint64_t)sim_between(world, 1, 12);
		break;
	case 3:
		sim_tell(world, "a node forgets %zu transactions",
			 sim_node_evict(node, (unsigned)sim_between(world, 1, 1000)));
		break;
	case 4:
		settings->unknown_per_mille = (unsigned)sim_between(world, 1, 300);
		break;
	case 5:
		settings->finalized_back = (uint64_t)sim_between(world, 1, 10);
		break;
	case 6:
		settings->no_finalized = true;
		break;
	case 7:
		sim_chain_finality_stall(world->model, true);
		break;
	case 8:
		sim_chain_space_set(world->model, (unsigned)sim_between(world, 0, 500));
		break;
	case 9:
	case 10:
		settings->split_lag = (uint64_t)sim_between(world, 1, SPLIT_LAG_MAX);
		break;
	default:
		settings->pool_full = true;
		break;
	}
	sim_tell(world, "node: state %d, lag %llu", (int)settings->state,
		 (unsigned long long)settings->lag);
}

static int64_t reorg_most(struct sim_world *world)
{
	if (sim_chance(world, 700))
		return REORG_SHORT;
	return sim_chance(world, 700) ? REORG_LONG : SIM_REORG_MAX;
}

static void trouble_reorg(struct sim_world *world)
{
	uint64_t depth = (uint64_t)sim_between(world, 1, reorg_most(world));
	unsigned keep = (unsigned)sim_between(world, 0, 1000);
	uint64_t back = sim_chain_reorg(world->model, depth, keep, world->now_ms);
	world->summary->reorgs += back > 0 ? 1 : 0;
	world->reorgs += back > 0 ? 1 : 0;
	world->is_reorged |= back > 0;
	sim_check_block(world);
	sim_tell(world, "chain: %llu blocks are taken back", (unsigned long long)back);
}

static void trouble_fees(struct sim_world *world)
{
	uint64_t gwei = (uint64_t)sim_between(world, 1, SPIKE_GWEI_MAX);
	sim_chain_base_fee_set(world->model, gwei * GWEI,
			       (uint64_t)sim_between(world, 1, SPIKE_BLOCKS));
	sim_tell(world, "chain: the base fee is %llu gwei", (unsigned long long)gwei);
}

/* Others pay more for their place in a block; or nodes take nothing below it. */
static void trouble_tips(struct sim_world *world)
{
	uint64_t gwei = (uint64_t)sim_between(world, 25, TIP_GWEI_MAX);
	bool refuses = sim_chance(world, 500);
	for (size_t i = 0; i < world->nodes_len; i++) {
		struct sim_node_settings *settings = sim_node_settings(world->nodes[i]);
		settings->tip_suggested = gwei * GWEI;
		if (refuses)
			settings->tip_min = gwei * GWEI;
	}
	sim_tell(world, "chain: the market's tip is %llu gwei", (unsigned long long)gwei);
}

/* Blocks come, and nothing of ours is in them, whatever it pays. */
static void trouble_full(struct sim_world *world)
{
	sim_chain_space_set(world->model, 0);
	sim_tell(world, "chain: blocks are full");
}

static void trouble_clock(struct sim_world *world)
{
	struct sim_process *process =
		&world->processes[sim_between(world, 0, SIM_PROCESSES_MAX - 1)];
	if (!process->alive)
		return;
	process->clock.skew_ms = sim_between(world, -SKEW_MS_MAX, SKEW_MS_MAX);
	sim_tell(world, "%s: its clock is off by %lld ms", process->instance,
		 (long long)process->clock.skew_ms);
}

/* A second incarnation, as a rolling restart or a mistaken supervisor makes it. */
static void trouble_overlap(struct sim_world *world)
{
	struct sim_process *process = sim_process_free_slot(world);
	if (process != NULL)
		sim_process_start(world, process,
				  (enum sim_role)sim_between(world, SIM_PROCESSOR, SIM_MONITOR),
				  true);
}

static void trouble_token(struct sim_world *world)
{
	sim_chain_token_mode_set(world->model, 1, SIM_TOKEN_PAUSED);
	sim_tell(world, "chain: the token is paused");
}

static void trouble_funds(struct sim_world *world)
{
	unsigned wallet = (unsigned)sim_between(world, 0, SIM_WALLETS - 1);
	sim_wallet_trickle(world, wallet);
	sim_tell(world, "chain: some money comes to wallet %u", wallet);
}

struct trouble {
	unsigned family;
	void (*start)(struct sim_world *world);
};

static const struct trouble troubles[] = {
	{ SIM_FAMILY_CRASH, trouble_kill },
	{ SIM_FAMILY_CRASH, sim_client_redrive },
	{ SIM_FAMILY_NODE, trouble_node },
	{ SIM_FAMILY_NODE, trouble_node },
	{ SIM_FAMILY_REORG, trouble_reorg },
	{ SIM_FAMILY_REORG, trouble_reorg },
	{ SIM_FAMILY_FEES, trouble_fees },
	{ SIM_FAMILY_FEES, trouble_tips },
	{ SIM_FAMILY_FEES, trouble_full },
	{ SIM_FAMILY_CLOCK, trouble_clock },
	{ SIM_FAMILY_OVERLAP, trouble_overlap },
	{ SIM_FAMILY_RECEIVER, trouble_token },
	{ SIM_FAMILY_MESSAGES, sim_queue_trouble },
	{ SIM_FAMILY_FUNDS, trouble_funds },
	{ SIM_FAMILY_EDITOR, sim_editor_act },
	{ SIM_FAMILY_FOREIGN, sim_outside_foreign },
	{ SIM_FAMILY_TAKE_BACK, sim_outside_take_back },
};

/* Beside the others, so that they come as often as they would without it. */
static const struct {
	unsigned family;
	unsigned per_mille; /* of all troubles */
	void (*start)(struct sim_world *world);
} late_troubles[] = {
	{ SIM_FAMILY_LIAR, 300, sim_outside_lie },
	{ SIM_FAMILY_FOREIGN, 300, sim_outside_foreign },
	{ SIM_FAMILY_FOREIGN, 1000, sim_people_act },
	{ SIM_FAMILY_LIAR, 300, sim_people_act },
	{ SIM_FAMILY_EDITOR, 700, sim_forge },
};

static void nodes_calm(struct sim_world *world)
{
	for (size_t i = 0; i < world->nodes_len; i++) {
		struct sim_node_settings *settings = sim_node_settings(world->nodes[i]);
		settings->state = SIM_NODE_UP;
		settings->lag = 0;
		if (!world->faults_on)
			settings->split_lag = settings->lies = 0;
		settings->unknown_per_mille = 0;
		settings->finalized_back = 0;
		settings->pool_full = false;
		settings->no_finalized = false;
		settings->tip_suggested = 0;
		settings->tip_min = sim_node_settings_default().tip_min;
	}
}

static void clocks_calm(struct sim_world *world)
{
	world->skew_ms = 0;
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++)
		world->processes[i].clock.skew_ms = 0;
}

void sim_schedule_calm(struct sim_world *world)
{
	nodes_calm(world);
	clocks_calm(world);
	sim_chain_finality_stall(world->model, false);
	sim_chain_space_set(world->model, 1000);
	sim_chain_token_mode_set(world->model, 1, SIM_TOKEN_GOOD);
	sim_chain_base_fee_set(world->model, 30 * GWEI, 1);
	sim_tell(world, "the outside calms down");
}

static void outside_act(struct sim_world *world)
{
	const struct trouble *trouble =
		&troubles[sim_between(world, 0, (int64_t)(sizeof troubles / sizeof *troubles) - 1)];
	if (world->faults_on && sim_has(world, trouble->family))
		trouble->start(world);
	for (size_t i = 0; i < sizeof late_troubles / sizeof *late_troubles; i++)
		if (world->faults_on && sim_has(world, late_troubles[i].family) &&
		    sim_random_chance(&world->own, late_troubles[i].per_mille))
			late_troubles[i].start(world);
	world->trouble_at =
		world->now_ms + sim_between(world, TROUBLE_MS_MIN, world->trouble_ms_max);
}

/* ---- the loop ---- */

static struct sim_process *next_process(struct sim_world *world, int64_t *ret_at)
{
	struct sim_process *next = NULL;
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++) {
		struct sim_process *process = &world->processes[i];
		if (process->busy || process->wake_at == INT64_MAX || process->role == SIM_ROLES)
			continue;
		if (process->alive && process->role == SIM_API)
			continue; /* the client steps it */
		if (next == NULL || process->wake_at < next->wake_at)
			next = process;
	}
	*ret_at = next != NULL ? next->wake_at : INT64_MAX;
	return next;
}

static void time_set(struct sim_world *world, int64_t at)
{
	if (at <= world->now_ms)
		return;
	world->monotonic_ms += at - world->now_ms;
	world->now_ms = at;
}

static void process_act(struct sim_world *world, struct sim_process *process)
{
	if (process->alive)
		sim_process_step(process);
	else
		sim_process_start(world, process, process->role, process->is_extra);
	sim_plant(world);
	if (process->alive && process->is_extra && world->now_ms > process->dies_at)
		sim_process_kill(process);
}

/* A receiver that an estimate finds willing, and a block does not. */
static void receivers_flip(struct sim_world *world, bool refuse)
{
	struct sim_receiver receiver = { .reverts = refuse, .blocked = refuse };
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[i];
		if (order->flips == 0 || order->stage != WITHDRAWAL_ASSIGNED)
			continue;
		sim_chain_receiver_set(world->model, order->to, &receiver);
		order->flips -= refuse ? 0 : 1;
	}
}

static void block_act(struct sim_world *world)
{
	bool flips = world->faults_on && sim_has(world, SIM_FAMILY_RECEIVER) &&
		     sim_chance(world, FLIP_SHARE);
	if (flips)
		receivers_flip(world, true);
	sim_chain_mine(world->model, world->now_ms);
	if (flips)
		receivers_flip(world, false);
	sim_check_block(world);
	world->summary->blocks++;
	world->block_at = world->now_ms + world->block_ms;
}

/* One event, the earliest. False: there is none until then. */
static bool event_act(struct sim_world *world, int64_t until_ms)
{
	int64_t process_at = INT64_MAX;
	struct sim_process *process = next_process(world, &process_at);
	int64_t client_at = sim_client_next(world);
	int64_t first = process_at;
	first = client_at < first ? client_at : first;
	first = world->block_at < first ? world->block_at : first;
	first = world->trouble_at < first ? world->trouble_at : first;
	first = world->calm_at < first ? world->calm_at : first;
	int64_t desk_at = sim_desk_next(world);
	first = desk_at < first ? desk_at : first;
	int64_t restore_at = sim_restore_next(world);
	first = restore_at < first ? restore_at : first;
	if (first > until_ms)
		return false;
	time_set(world, first);
	if (first == restore_at) {
		sim_restore_act(world);
	} else if (first == desk_at) {
		sim_desk_act(world);
	} else if (first == world->calm_at) {
		sim_schedule_calm(world);
		world->calm_at = world->now_ms + sim_between(world, CALM_MS_MIN, CALM_MS_MAX);
	} else if (first == world->block_at) {
		block_act(world);
	} else if (first == world->trouble_at) {
		outside_act(world);
	} else if (first == client_at) {
		sim_client_act(world);
	} else {
		process_act(world, process);
	}
	return true;
}

void sim_schedule_run(struct sim_world *world, int64_t until_ms)
{
	while (!world->failed && event_act(world, until_ms))
		;
	time_set(world, until_ms);
}
