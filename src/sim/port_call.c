/* Each call of a port by a process goes through here: whether it goes wrong, and how, is decided by
 * the run's dice; what it did to the store is looked at by the checkers before anything else
 * happens. */
#include "sim/world.h"

#define PAUSE_SHORT_MS 200
#define OTHERS_MS      8000  /* then somebody else may take its place */
#define PAUSE_LONG_MS  40000 /* longer than a lease, a visibility, a request */

static bool is_on(const struct sim_process *process, enum sim_call call, enum sim_fault fault)
{
	const struct sim_world *world = process->world;
	return sim_fault_fits(call, fault, world->families) &&
	       (fault != SIM_PAUSE || world->depth < SIM_NEST_MAX);
}

/* Polls are most of all calls; what is called now and then goes wrong more often, or hardly ever
 * would. */
#define RARE_SHARE    50 /* one in so many calls */
#define RARER_SHARE   500
#define RARE_FACTOR   4
#define RARER_FACTOR  12
#define RAREST_SHARE  20000
#define RAREST_FACTOR 100
#define FAULT_MAX     150000 /* of a million calls */

static unsigned fault_rate(struct sim_world *world, enum sim_call call, enum sim_fault fault)
{
	uint64_t seen = world->seen[call];
	unsigned factor = seen * RAREST_SHARE < world->calls  ? RAREST_FACTOR
			  : seen * RARER_SHARE < world->calls ? RARER_FACTOR
			  : seen * RARE_SHARE < world->calls  ? RARE_FACTOR
							      : 1;
	unsigned rate = world->per_million[fault] * factor;
	return rate < FAULT_MAX ? rate : FAULT_MAX;
}

static enum sim_fault roll(const struct sim_process *process, enum sim_call call)
{
	struct sim_world *world = process->world;
	uint64_t dice = sim_random_below(&world->random, 1000000);
	world->seen[call]++;
	world->calls++;
	if (!world->faults_on)
		return SIM_FAULTS;
	world->summary->calls[call]++;
	if (call == world->favourite)
		return sim_favourite_roll(world, call);
	for (enum sim_fault fault = 0; fault < SIM_FAULTS; fault++) {
		unsigned rate = fault_rate(world, call, fault);
		if (dice < rate)
			return is_on(process, call, fault) ? fault : SIM_FAULTS;
		dice -= rate;
	}
	return SIM_FAULTS;
}

static void die(struct sim_process *process)
{
	longjmp(process->death, 1);
}

/* Others go on meanwhile; it may come back to find its leases gone, or not at all. */
static void stand_still(struct sim_process *process)
{
	struct sim_world *world = process->world;
	int64_t ms = sim_chance(world, 300) ? sim_between(world, PAUSE_SHORT_MS, PAUSE_LONG_MS)
					    : sim_between(world, 1, PAUSE_SHORT_MS);
	sim_tell(world, "%s stands still for %lld ms", process->instance, (long long)ms);
	if (ms > OTHERS_MS && sim_has(world, SIM_FAMILY_OVERLAP) && sim_chance(world, 500))
		sim_process_second(process);
	process->seen->has_stood = true;
	world->depth++;
	sim_schedule_run(world, world->now_ms + ms);
	world->depth--;
	if (process->doomed)
		die(process);
}

bool sim_call_enter(struct sim_process *process, enum sim_call call, enum sim_fault *ret_fault,
		    struct err *err)
{
	struct sim_world *world = process->world;
	sim_aim(process, call);
	if (world->failed || process->doomed)
		die(process);
	enum sim_fault fault = roll(process, call);
	*ret_fault = fault;
	world->acting = process;
	if (fault == SIM_FAULTS)
		return true;
	world->summary->hits[fault][call]++;
	sim_tell(world, "%s: %s %s", process->instance, sim_call_text(call), sim_fault_text(fault));
	if (fault == SIM_KILL_BEFORE)
		die(process);
	if (fault == SIM_PAUSE)
		stand_still(process);
	world->acting = process;
	if (fault == SIM_FAIL)
		return err_set(err, ERR_NOT_DONE, "%s failed", sim_call_text(call));
	return true;
}

bool sim_call_leave(struct sim_process *process, enum sim_call call, enum sim_fault fault,
		    bool done, struct err *err)
{
	struct sim_world *world = process->world;
	if (sim_call_writes(call) && call <= SIM_CALL_QUEUE_ACK)
		sim_check_changes(world);
	if (world->failed || fault == SIM_KILL_AFTER)
		die(process);
	if (fault == SIM_LOSE && done)
		return err_set(err, ERR_MAYBE_DONE, "the answer of %s is lost",
			       sim_call_text(call));
	return done;
}
