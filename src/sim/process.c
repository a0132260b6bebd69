/* One incarnation of a role: what it remembers dies with it. */
#include "sim/world.h"

#include "adapter/queue_outbox.h"
#include "service/api/work.h"
#include "service/monitor/monitor.h"
#include "service/processor/processor.h"
#include "service/signer/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESPAWN_MS_MAX 3000
#define EXTRA_LIFE_MS  60000
#define FAULT_PAUSE_MS 300
#define SIGNER_IDLE_MS 500
#define SWEEP_MS       1000
#define VISIBILITY_MS  20000
#define FUNDS_WAIT_MS  5000
#define ENTRY_WAIT_MS  4000
#define PASSED_OVER_MS 20000
#define APPROVAL_MS    600000
#define SHORT_APPROVAL 20000

static const char *const role_texts[SIM_ROLES] = { "api", "processor", "signer", "monitor",
						   "reconcile" };

static struct mac_keys mac_keys_of(struct sim_world *world, size_t index)
{
	return (struct mac_keys){ .keys = { { 1, world->keys_bytes[index] } }, .len = 1 };
}

struct feed_keys sim_feed_keys(struct sim_world *world)
{
	return (struct feed_keys){ mac_keys_of(world, 5), world->deployment };
}

static void api_open(struct sim_process *process)
{
	struct sim_world *world = process->world;
	struct api_options options = { .store = &process->store.store,
				       .queue = &process->queue.queue,
				       .clock = &process->clock.base,
				       .entropy = &world->entropy.base,
				       .catalogue = &world->catalogue,
				       .log = &world->log,
				       .deployment = world->deployment,
				       .intent_keys = mac_keys_of(world, 0),
				       .identity_keys = mac_keys_of(world, 0),
				       .controls_keys = mac_keys_of(world, 4),
				       .policy_keys = mac_keys_of(world, 6),
				       .unpause_people = world->desk.unpause_people,
				       .instance = process->instance,
				       .ends_by_signer = world->options->seed % 3 == 0 };
	process->work = work_new(&options);
}

static void processor_open(struct sim_process *process)
{
	struct sim_world *world = process->world;
	struct processor_options options = {
		.store = &process->store.store,
		.queue = &process->queue.queue,
		.clock = &process->clock.base,
		.catalogue = &world->catalogue,
		.log = &world->log,
		.approval_keys = mac_keys_of(world, 1),
		.policy_keys = mac_keys_of(world, 6),
		.instance = process->instance,
		.ends_by_signer = world->options->seed % 3 == 0,
		.approval_life_ms = world->short_approvals ? SHORT_APPROVAL : APPROVAL_MS,
		.visibility_ms = VISIBILITY_MS,
		.sweep_interval_ms = SWEEP_MS,
	};
	process->processor = processor_new(&options);
}

static struct signer *signer_make(struct sim_process *process, bool recovers)
{
	struct sim_world *world = process->world;
	struct signer_options options = { .store = &process->store.store,
					  .queue = &process->queue.queue,
					  .clock = &process->clock.base,
					  .entropy = &world->entropy.base,
					  .keys = &process->keys.keys,
					  .journal = &process->journal.journal,
					  .chains = { &process->chain.chain },
					  .catalogue = &world->catalogue,
					  .log = &world->log,
					  .deployment = world->deployment,
					  .intent_keys = mac_keys_of(world, 0),
					  .approval_keys = mac_keys_of(world, 1),
					  .controls_keys = mac_keys_of(world, 4),
					  .pay_tag_key = world->keys_bytes[2],
					  .instance = process->instance,
					  .visibility_ms = VISIBILITY_MS,
					  .funds_wait_ms = FUNDS_WAIT_MS,
					  .entry_wait_ms = ENTRY_WAIT_MS,
					  .passed_over_ms = PASSED_OVER_MS,
					  .recovers = recovers };
	if (!recovers)
		options.feed_keys = mac_keys_of(world, 5);
	return signer_new(&options);
}

static struct monitor *monitor_make(struct sim_process *process, bool recovers)
{
	struct sim_world *world = process->world;
	struct monitor_options options = { .store = &process->store.store,
					   .queue = &process->queue.queue,
					   .clock = &process->clock.base,
					   .chains = { &process->chain.chain },
					   .catalogue = &world->catalogue,
					   .log = &world->log,
					   .instance = process->instance,
					   .balances_interval_ms = 30000,
					   .recovers = recovers };
	/* The command that recovers gives no positions. */
	if (!recovers)
		options.feed_keys = sim_feed_keys(world);
	return monitor_new(&options);
}

/* What it received and did not answer is in its memory. */
static void outbox_open(struct sim_process *process)
{
	struct sim_world *world = process->world;
	struct queue_outbox_options options = { .db = world->db,
						.transport = &process->transport.transport,
						.clock = &process->clock.base,
						.entropy = &world->entropy.base,
						.log = &world->log,
						.waiting_max = world->waiting_max };
	if (world->sqs != NULL)
		process->outbox = queue_outbox_new(&options);
}

void sim_process_start(struct sim_world *world, struct sim_process *process, enum sim_role role,
		       bool is_extra)
{
	CHECK(!process->alive && !process->busy);
	*process = (struct sim_process){ .role = role,
					 .world = world,
					 .is_extra = is_extra,
					 .born = world->born + 1,
					 .seen = &world->told[process - world->processes] };
	(void)snprintf(process->instance, sizeof process->instance, "%s-%u", role_texts[role],
		       ++world->born);
	sim_clock_init(&process->clock, world);
	process->clock.skew_ms = world->skew_ms;
	sim_ports_init(process);
	outbox_open(process);
	switch (role) {
	case SIM_API:
		api_open(process);
		break;
	case SIM_PROCESSOR:
		processor_open(process);
		break;
	case SIM_SIGNER:
		process->signer = signer_make(process, false);
		break;
	case SIM_MONITOR:
		process->monitor = monitor_make(process, false);
		break;
	case SIM_DESK:
		process->desk.signer = signer_make(process, true);
		process->desk.monitor = monitor_make(process, true);
		break;
	case SIM_ROLES:
		CHECK(false);
	}
	process->alive = true;
	process->wake_at = world->now_ms;
	process->dies_at = world->now_ms + sim_between(world, 0, EXTRA_LIFE_MS);
	sim_tell(world, "%s starts", process->instance);
}

struct sim_process *sim_process_free_slot(struct sim_world *world)
{
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++) {
		struct sim_process *process = &world->processes[i];
		if (!process->alive && !process->busy && process->wake_at == INT64_MAX)
			return process;
	}
	return NULL;
}

void sim_process_second(struct sim_process *process)
{
	struct sim_process *second = sim_process_free_slot(process->world);
	if (second != NULL && process->role != SIM_API)
		sim_process_start(process->world, second, process->role, true);
}

static void memory_free(struct sim_process *process)
{
	queue_close(process->outbox);
	process->outbox = NULL;
	switch (process->role) {
	case SIM_API:
		work_free(process->work);
		break;
	case SIM_PROCESSOR:
		processor_free(process->processor);
		break;
	case SIM_SIGNER:
		signer_free(process->signer);
		break;
	case SIM_MONITOR:
		monitor_free(process->monitor);
		break;
	case SIM_DESK:
		signer_free(process->desk.signer);
		monitor_free(process->desk.monitor);
		break;
	case SIM_ROLES:
		break;
	}
}

/* It is gone; its supervisor starts it again in a moment, unless it was one too many. */
static void bury(struct sim_process *process)
{
	struct sim_world *world = process->world;
	world->summary->kills++;
	memory_free(process);
	process->alive = process->busy = process->doomed = false;
	process->wake_at = process->is_extra
				   ? INT64_MAX
				   : world->now_ms + sim_between(world, 0, RESPAWN_MS_MAX);
	sim_tell(world, "%s is dead", process->instance);
}

void sim_process_kill(struct sim_process *process)
{
	if (process->busy)
		process->doomed = true;
	else if (process->alive)
		bury(process);
}

/* As the command does it: src/cmd/command_recover.c. */
static bool desk_begin(struct sim_process *process, struct err *err)
{
	struct sim_world *world = process->world;
	struct store_lease lease = { .wallet_id = 0 };
	bool taken = false;
	(void)snprintf(lease.name, sizeof lease.name, "monitor-%llu",
		       (unsigned long long)world->catalogue.chains[0].chain_id);
	if (!store_lease_take(&process->store.store, &lease, process->instance,
			      clock_now_ms(&process->clock.base), &taken, err))
		return false;
	if (!taken)
		return err_set(err, ERR_REFUSED, "another monitor watches the chain");
	process->desk.begun = signer_recover_begin(process->desk.signer, err);
	return process->desk.begun;
}

static bool desk_step(struct sim_process *process, bool *ret_worked, struct err *err)
{
	enum signer_recovery_phase phase;
	bool watched = false;
	if (!process->desk.begun && !desk_begin(process, err))
		return false;
	if (!signer_recover_step(process->desk.signer, &process->desk.state, ret_worked, err))
		return false;
	phase = process->desk.state.phase;
	if ((phase == RECOVERY_SLOTS || phase == RECOVERY_BINDING) &&
	    !monitor_step(process->desk.monitor, &watched, err))
		return false;
	return true;
}

/* It ended: it refused, or could not even begin, and somebody starts it again; or all is done,
 * which one that was killed at its end could not say any more. */
static void desk_look(struct sim_process *process, bool done, const struct err *err)
{
	bool failed = !done && (!process->desk.begun || err->kind == ERR_REFUSED);
	if ((done && process->desk.state.phase == RECOVERY_DONE) ||
	    (failed && sim_restore_is_recovered(process->world)))
		sim_restore_done(process);
	process->doomed |= failed || process->is_extra;
}

static bool work_step(struct sim_process *process, bool *ret_worked, struct err *err)
{
	switch (process->role) {
	case SIM_PROCESSOR:
		return processor_step(process->processor, ret_worked, err);
	case SIM_SIGNER:
		return signer_step(process->signer, ret_worked, err);
	case SIM_MONITOR:
		return monitor_step(process->monitor, ret_worked, err);
	case SIM_DESK:
		return desk_step(process, ret_worked, err);
	case SIM_API:
	case SIM_ROLES:
		break;
	}
	return true;
}

static int64_t idle_ms(const struct sim_process *process)
{
	switch (process->role) {
	case SIM_PROCESSOR:
		return SWEEP_MS;
	case SIM_SIGNER:
	case SIM_DESK:
		return SIGNER_IDLE_MS;
	case SIM_MONITOR:
		return monitor_idle_ms(process->monitor);
	case SIM_API:
	case SIM_ROLES:
		break;
	}
	return INT64_MAX / 2;
}

void sim_process_step(struct sim_process *process)
{
	struct sim_world *world = process->world;
	struct err err = { 0 };
	bool worked = false;
	sim_seen_reset(process->seen, ++world->steps);
	process->busy = true;
	if (setjmp(process->death) != 0) {
		bury(process);
		return;
	}
	bool done = work_step(process, &worked, &err);
	process->busy = false;
	if (!done)
		sim_tell(world, "%s: step failed, %s: %s", process->instance,
			 err_kind_text(err.kind), err.text);
	int64_t pause = !done    ? sim_between(world, 50, FAULT_PAUSE_MS)
			: worked ? sim_between(world, 1, 10)
				 : idle_ms(process);
	process->wake_at = world->now_ms + pause;
	if (process->role == SIM_DESK)
		desk_look(process, done, &err);
	if (process->doomed)
		bury(process);
}

/* Nobody gets what it had written. */
static bool answers_lose(struct sim_process *process, struct job **jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_free(&jobs[i]->body);
	bury(process);
	return false;
}

bool sim_process_answer(struct sim_process *process, struct job **jobs, size_t n)
{
	sim_seen_reset(process->seen, ++process->world->steps);
	process->busy = true;
	if (setjmp(process->death) != 0)
		return answers_lose(process, jobs, n);
	work_run(process->work, jobs, n);
	process->busy = false;
	return !process->doomed || answers_lose(process, jobs, n);
}

struct sim_process *sim_process_of_role(struct sim_world *world, enum sim_role role)
{
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++) {
		struct sim_process *process = &world->processes[i];
		if (process->alive && process->role == role && !process->busy)
			return process;
	}
	return NULL;
}

void sim_processes_free(struct sim_world *world)
{
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++)
		if (world->processes[i].alive)
			memory_free(&world->processes[i]);
}
