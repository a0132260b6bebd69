/* One run: a world is made from its seed, goes through its troubles, calms down, and is judged. */
#include "sim/world.h"

#include "adapter/db_sqlite.h"
#include "adapter/journal_sql.h"
#include "adapter/queue_store.h"
#include "adapter/store_sql.h"
#include "port/store_policy.h"
#include "service/api/work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIRTH_MS           1760000000000LL
#define CHAIN_ID           424242
#define GWEI               1000000000ULL
#define OWN_STREAM         0x6f776e
#define RESTORE_STREAM     0x6f6c64
#define DEPTH_PAID         4
#define PAYMENT_MAX        95000000LL
#define HOUR_MAX           600000000LL
#define TAIL_LINES         60
#define CALM_BOUND_MS      (4 * 3600 * 1000LL) /* of T11 */
#define LOOK_MS            20000
#define SWITCH_LESS        10
#define CALM_LOOKS         3
#define TRICKLE_GWEI_MAX   200000000 /* 0.2 coins: gas of a dozen payouts at the cap */
#define TRICKLE_TOKENS_MAX 400000000
#define FUND_UNITS         "1000000000000000000000" /* 1,000 native coins; as much of the token */

void sim_tell(struct sim_world *world, const char *format, ...)
{
	char *line = world->story[world->story_next++ % SIM_STORY_LINES];
	va_list arguments;
	int len = snprintf(line, sizeof *world->story, "%9.3f ",
			   (double)(world->now_ms - world->born_ms) / 1000.0);
	va_start(arguments, format);
	(void)vsnprintf(line + len, sizeof *world->story - (size_t)len, format, arguments);
	va_end(arguments);
	if (world->options->tell != NULL && world->options->whole_story)
		world->options->tell(world->options->context, line);
}

void sim_fail(struct sim_world *world, const char *rule, const char *format, ...)
{
	char text[160];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	sim_tell(world, "VIOLATION %s: %s", rule, text);
	if (world->failed)
		return;
	world->failed = true;
	(void)err_set(&world->failure, ERR_REFUSED, "%s: %s (seed %llu, step %llu)", rule, text,
		      (unsigned long long)world->options->seed, (unsigned long long)world->steps);
}

static void log_hear(void *listener, enum log_level level, const struct log_about *about,
		     const char *message)
{
	struct sim_world *world = listener;
	(void)level;
	if (about != NULL && about->alarm) {
		world->alarms++;
		sim_check_alarm(world, about->action, about->trace_id, message);
	}
	sim_tell(world, "  log: %s%s%s%s", about != NULL && about->alarm ? "ALARM " : "", message,
		 about != NULL && about->trace_id != NULL ? " of " : "",
		 about != NULL && about->trace_id != NULL ? about->trace_id : "");
}

/* ---- set-up ---- */

static void chain_params_make(struct sim_world *world, struct chain_params *chain)
{
	(void)snprintf(chain->name, sizeof chain->name, "sim");
	chain->chain_id = CHAIN_ID;
	chain->has_finality = world->has_finality;
	/* Depth alone has to be deeper than any reorg of the run. */
	chain->depth_paid = world->has_finality ? DEPTH_PAID : SIM_REORG_MAX + 1;
	chain->depth_unpaid = chain->depth_paid + world->depth_unpaid;
	chain->fees.tip_min.value = u256_from_u64(25 * GWEI);
	chain->fees.cap_max.value = u256_from_u64(500 * GWEI);
	/* Room for a payment of the token at 100 gwei, and for little more. */
	if (sim_chance(world, 500))
		chain->fees.slot_fee_max = (struct wei){ u256_from_u64(
			(uint64_t)sim_between(world, 20, 100) * GWEI * 1000000) };
	chain->bump_after_ms = 20000;
	chain->rebroadcast_after_ms = 5000;
	chain->poll_ms = 1000;
	chain->native_gas_limit = 100000;
}

static void assets_make(struct catalogue *catalogue, struct address contract)
{
	struct asset *coin = &catalogue->assets[0];
	(void)snprintf(coin->symbol, sizeof coin->symbol, "POL");
	coin->is_native = true;
	coin->decimals = 18;
	coin->minimum.units = u256_from_u64(10);
	struct asset *token = &catalogue->assets[1];
	(void)snprintf(token->symbol, sizeof token->symbol, "TUSD");
	token->decimals = 6;
	token->contract = contract;
	token->gas_ceiling = 200000;
	token->hour_max.units = u256_from_u64(UINT64_MAX);
	catalogue->assets_len = 2;
}

/* Of a payment, and of an hour: such that some wait, and some are refused. */
static void limits_make(struct sim_world *world)
{
	for (size_t i = 0; i < 2; i++) {
		struct asset *asset = &world->catalogue.assets[i];
		asset->payment_max.units = u256_from_u64(PAYMENT_MAX);
		asset->hour_max.units =
			u256_from_u64((uint64_t)sim_between(world, PAYMENT_MAX, HOUR_MAX));
	}
}

/* A person thinks that it may be more. */
static void limits_raise(struct sim_world *world)
{
	for (size_t i = 0; i < 2; i++)
		world->catalogue.assets[i].hour_max.units = u256_from_u64(UINT64_MAX);
}

static void wallets_make(struct sim_world *world)
{
	struct catalogue *catalogue = &world->catalogue;
	struct err err = { 0 };
	for (size_t i = 0; i < SIM_WALLETS; i++) {
		struct wallet_params *wallet = &catalogue->wallets[i];
		(void)snprintf(wallet->key_ref, sizeof wallet->key_ref, "sim/%zu", i);
		CHECK(keys_address(world->keys, wallet->key_ref, &wallet->address, &err));
		wallet->in_flight_max =
			(unsigned)sim_between(world, 1, sim_chance(world, 150) ? 64 : 16);
		wallet->fresh = i == 0;
		(void)sim_chain_wallet_add(world->model, wallet->address,
					   i == 0 ? 0 : (uint64_t)sim_between(world, 0, 50));
	}
	catalogue->wallets_len = SIM_WALLETS;
}

static void nodes_make(struct sim_world *world)
{
	world->nodes_len = (size_t)sim_between(world, 1, SIM_NODES_MAX);
	/* Whom only a liar brings to it has somebody to lie. */
	if (sim_favourite_lies(world) != 0 && world->nodes_len < 2)
		world->nodes_len = 2;
	for (size_t i = 0; i < world->nodes_len; i++) {
		struct sim_node_settings settings = sim_node_settings_default();
		settings.flavour =
			(enum sim_node_flavour)sim_between(world, 0, SIM_NODE_FLAVOURS - 1);
		if (sim_has(world, SIM_FAMILY_NODE)) {
			settings.executable_max = (unsigned)sim_between(world, 4, 32);
			settings.gapped_max = (unsigned)sim_between(world, 0, 64);
			settings.state_blocks = sim_chance(world, 300) ? 128 : 0;
			settings.gossip_per_mille = (unsigned)sim_between(world, 300, 1000);
			settings.gossip_delay_max = (unsigned)sim_between(world, 0, 3);
			settings.split_lag =
				sim_chance(world, 150) ? (uint64_t)sim_between(world, 1, 8) : 0;
		}
		world->nodes[i] = sim_node_add(world->model, &settings);
	}
	struct sim_front_options front = { 0 };
	if (sim_has(world, SIM_FAMILY_NODE)) {
		front.switch_per_mille = (unsigned)sim_between(world, 0, 200);
		front.spread_per_mille = (unsigned)sim_between(world, 0, 1000);
	}
	/* A liar is asked again and again. */
	if (sim_favourite_lies(world) != 0)
		front.switch_per_mille /= SWITCH_LESS;
	world->front =
		sim_front_new(world->model, &front, sim_random_fork(&world->random, "front"));
}

/* Most chains are final soon; some leave room for long reorgs. */
static uint64_t finality_lag(struct sim_world *world)
{
	return (uint64_t)(sim_chance(world, 800) ? sim_between(world, 2, 16)
						 : sim_between(world, 64, SIM_REORG_MAX));
}

static void chain_make(struct sim_world *world)
{
	struct sim_chain_options options = { .chain_id = CHAIN_ID,
					     .time_ms = world->now_ms - 2000,
					     .has_finality = world->has_finality,
					     .finality_lag = finality_lag(world) };
	struct catalogue *catalogue = &world->catalogue;
	struct address contract;
	memset(contract.bytes, 0x70, sizeof contract.bytes);
	world->model = sim_chain_new(&options, sim_random_fork(&world->random, "chain"));
	chain_params_make(world, &catalogue->chains[0]);
	catalogue->chains_len = 1;
	assets_make(catalogue, contract);
	if (world->has_limits)
		limits_make(world);
	wallets_make(world);
	(void)sim_chain_token_add(world->model, contract, catalogue->assets[1].decimals, 50000);
	nodes_make(world);
}

static void wallets_fund(struct sim_world *world)
{
	struct u256 units;
	CHECK(u256_from_decimal(STR(FUND_UNITS), &units));
	for (unsigned wallet = 0; wallet < SIM_WALLETS; wallet++)
		for (unsigned asset = 0; asset < 2; asset++)
			sim_chain_fund(world->model, wallet, asset, units);
}

void sim_wallet_trickle(struct sim_world *world, unsigned wallet)
{
	uint64_t coins = (uint64_t)sim_between(world, 1, TRICKLE_GWEI_MAX) * GWEI;
	uint64_t tokens = (uint64_t)sim_between(world, 1, TRICKLE_TOKENS_MAX);
	sim_chain_fund(world->model, wallet, 0, u256_from_u64(coins));
	sim_chain_fund(world->model, wallet, 1, u256_from_u64(tokens));
}

/* Plenty, or hardly enough for gas and a few payouts. */
static void wallets_start(struct sim_world *world)
{
	if (!sim_has(world, SIM_FAMILY_FUNDS)) {
		wallets_fund(world);
		return;
	}
	for (unsigned wallet = 0; wallet < SIM_WALLETS; wallet++)
		sim_wallet_trickle(world, wallet);
}

static bool stores_open(struct sim_world *world, struct err *err)
{
	struct db_sqlite_options memory = { .path = ":memory:" };
	struct journal_sql_options options = { .deployment = world->deployment,
					       .mac_key = world->keys_bytes[3] };
	struct db *journal = NULL;
	if (!db_sqlite_open(&memory, &world->db, err) ||
	    !store_sql_migrate(world->db, world->now_ms, err) ||
	    !store_sql_open(world->db, &world->store, err) ||
	    !queue_store_open(world->db, &world->clock.base, &world->entropy.base, NULL,
			      &world->queue, err))
		return false;
	if (!db_sqlite_open(&memory, &journal, err))
		return false;
	if (!journal_sql_open(journal, &options, &world->journal, err)) {
		db_close(journal);
		return false;
	}
	sim_queue_open(world);
	return sim_check_open(world, err) &&
	       store_catalogue_pin(world->store, &world->catalogue, err);
}

/* What they do to a store that is restored has no answer here yet: a seed has the one or the
 * others.
 */
static void restore_part(struct sim_world *world)
{
	const unsigned others = SIM_FAMILY_EDITOR | SIM_FAMILY_FOREIGN | SIM_FAMILY_TAKE_BACK;
	if (!sim_has(world, SIM_FAMILY_RESTORE) || !sim_has(world, others))
		return;
	world->families &=
		sim_random_chance(&world->restore.random, 500) ? ~others : ~SIM_FAMILY_RESTORE;
}

/* A seed's own mix: none of the families has to be in every run, or they would hide each other. */
static void mix_make(struct sim_world *world)
{
	for (unsigned i = 0; (1U << i) < SIM_FAMILY_CONTROLS; i++) {
		bool is_late = (1U << i) >= SIM_FAMILY_LIAR;
		struct sim_random *random = (1U << i) == SIM_FAMILY_RESTORE ? &world->restore.random
					    : is_late                       ? &world->own
									    : &world->random;
		if ((world->options->faults & (1U << i)) != 0 &&
		    sim_random_chance(random, is_late ? 400 : 600))
			world->families |= 1U << i;
	}
	restore_part(world);
	sim_desk_families(world);
	static const unsigned strong[SIM_FAULTS] = { 60000, 30000, 8000, 8000, 8000 };
	unsigned strength = (unsigned)sim_between(world, 0, 1000);
	for (enum sim_fault fault = 0; fault < SIM_FAULTS; fault++)
		world->per_million[fault] = strong[fault] * strength / 1000;
	world->trouble_ms_max = sim_between(world, 2000, 60000);
	world->block_ms = sim_chance(world, 500) ? 2000 : sim_between(world, 250, 12000);
	world->depth_unpaid = (uint64_t)sim_between(world, 6, 40);
	world->has_finality = sim_chance(world, 850);
	world->short_approvals = sim_chance(world, 200);
	world->has_limits = sim_chance(world, 200);
	sim_favourite_choose(world);
	/* Whose clock jumps may pay too early or too late: by its own it keeps the hour. */
	if (world->has_limits)
		world->families &= ~SIM_FAMILY_CLOCK;
	world->edits_slots = sim_has(world, SIM_FAMILY_EDITOR) && sim_chance(world, 500);
	world->forges = sim_has(world, SIM_FAMILY_EDITOR) && sim_random_chance(&world->own, 500);
}

static int64_t log_now(void *context)
{
	return ((const struct sim_world *)context)->now_ms;
}

static struct sim_world *world_new(const struct sim_options *options, struct sim_summary *summary)
{
	struct sim_world *world = calloc(1, sizeof *world);
	CHECK(world != NULL);
	world->options = options;
	world->summary = summary;
	world->slots = calloc(SIM_SLOTS_MAX, sizeof *world->slots);
	world->told = calloc(SIM_PROCESSES_MAX, sizeof *world->told);
	world->story = calloc(SIM_STORY_LINES, sizeof *world->story);
	world->jobs = calloc((SIM_NEST_MAX + 1) * SIM_JOBS, sizeof *world->jobs);
	CHECK(world->slots != NULL && world->told != NULL && world->story != NULL &&
	      world->jobs != NULL);
	world->now_ms = world->born_ms = BIRTH_MS;
	world->monotonic_ms = 1000;
	world->random = sim_random_of(options->seed);
	world->own = sim_random_of(options->seed ^ OWN_STREAM);
	world->restore.random = sim_random_of(options->seed ^ RESTORE_STREAM);
	world->log = (struct log){ .level = LOG_DEBUG,
				   .service = "sluice-sim",
				   .now_ms = log_now,
				   .clock = world,
				   .hear = log_hear,
				   .listener = world };
	sim_entropy_init(&world->entropy, sim_random_fork(&world->random, "entropy"));
	sim_clock_init(&world->clock, world);
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++) {
		world->processes[i].role = SIM_ROLES;
		world->processes[i].wake_at = INT64_MAX;
	}
	return world;
}

/* Everybody is paid, and counted: room is taken and given back all the time, and never lacks. */
static bool policy_open(struct sim_world *world, struct err *err)
{
	static const char document[] =
		"{\"rules\":[{\"name\":\"all\",\"effect\":\"allow\"}],\"limits\":["
		"{\"name\":\"all\",\"count\":1000000,\"window\":\"1h\"},"
		"{\"name\":\"each\",\"count\":1000000,\"window\":\"5m\",\"per\":[\"receiver\"]}]}";
	struct mac_keys keys = { .keys = { { 1, world->keys_bytes[6] } }, .len = 1 };
	struct store_by by = {
		.actor = ACTOR_PERSON, .who = "sim", .request_id = "", .now_ms = world->now_ms
	};
	struct store_policy policy = { .version = 1, .set_at = world->now_ms, .set_by = "sim" };
	bool added = false;
	store_policy_seal(&keys, str_from(document), &policy);
	return store_policy_add(world->store, &policy, str_from(document), &by, &added, err) &&
	       added;
}

static bool world_open(struct sim_world *world, struct err *err)
{
	mix_make(world);
	entropy_fill(&world->entropy.base, world->keys_bytes, sizeof world->keys_bytes);
	world->deployment = id_make(world->now_ms, world->keys_bytes[0]);
	world->keys = sim_keys_new(sim_random_fork(&world->random, "keys"));
	chain_make(world);
	wallets_start(world);
	if (sim_has(world, SIM_FAMILY_LIAR))
		sim_outside_lie(world);
	if (!stores_open(world, err) || !policy_open(world, err))
		return false;
	sim_desk_open(world);
	for (enum sim_role role = SIM_API; role <= SIM_MONITOR; role++)
		sim_process_start(world, &world->processes[role], role, false);
	world->block_at = world->now_ms + 1;
	world->trouble_at = world->now_ms + sim_between(world, 0, world->trouble_ms_max);
	world->calm_at = world->now_ms + world->trouble_ms_max;
	return true;
}

static void world_free(struct sim_world *world)
{
	sim_processes_free(world);
	queue_close(world->queue);
	sim_sqs_free(world->sqs);
	db_close(world->restore.copy);
	store_close(world->store);
	db_close(world->db);
	journal_close(world->journal);
	if (world->keys != NULL)
		keys_close(world->keys);
	sim_front_free(world->front);
	sim_chain_free(world->model);
	free(world->jobs);
	free(world->story);
	free(world->told);
	free(world->slots);
	free(world);
}

/* ---- the two phases ---- */

static void safety_run(struct sim_world *world)
{
	world->faults_on = true;
	sim_client_plan(world);
	int64_t last = world->orders_len > 0 ? world->orders[world->orders_len - 1].post_at : 0;
	int64_t end = last + sim_between(world, 0, 300000);
	end = sim_restore_plan(world, end);
	sim_schedule_run(world, end);
}

static void liveness_run(struct sim_world *world)
{
	int64_t bound = world->now_ms + CALM_BOUND_MS + sim_restore_bound_ms(world);
	world->faults_on = false;
	world->trouble_at = world->calm_at = INT64_MAX;
	sim_schedule_calm(world);
	sim_queue_calm(world);
	wallets_fund(world);
	limits_raise(world);
	/* Done is what stays done: what is still under way on the chain may not change it. */
	for (int calm = 0; !world->failed && calm < CALM_LOOKS && world->now_ms < bound;) {
		sim_client_redrive(world);
		sim_people_act(world);
		sim_desk_calm(world);
		sim_schedule_run(world, world->now_ms + LOOK_MS);
		calm = sim_check_is_done(world) ? calm + 1 : 0;
		sim_check_calm(world);
	}
	sim_plant_end(world);
	if (!world->failed)
		sim_check_end(world);
}

static void story_tell(struct sim_world *world)
{
	const struct sim_options *options = world->options;
	size_t first = world->story_next > TAIL_LINES ? world->story_next - TAIL_LINES : 0;
	if (options->tell == NULL || options->whole_story)
		return;
	for (size_t i = first; i < world->story_next; i++)
		options->tell(options->context, world->story[i % SIM_STORY_LINES]);
}

bool sim_run(const struct sim_options *options, struct sim_summary *summary, struct err *err)
{
	CHECK(options->withdrawals > 0 && options->withdrawals <= SIM_WITHDRAWALS_MAX);
	struct sim_world *world = world_new(options, summary);
	bool opened = world_open(world, err);
	if (opened) {
		safety_run(world);
		liveness_run(world);
	}
	bool passed = opened && !world->failed;
	if (opened && world->failed) {
		story_tell(world);
		*err = world->failure;
	}
	sim_queue_count(world);
	summary->seeds++;
	summary->steps += world->steps;
	world_free(world);
	return passed;
}
