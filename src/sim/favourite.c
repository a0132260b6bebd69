/* Each seed has a port call of its own that goes wrong far more often than the others, so that what
 * is called now and then goes wrong too. What hardly any seed would call is the favourite of more
 * seeds, and they have the families that lead to it. */
#include "sim/world.h"

#define RARE_SHARE    500 /* per mille of the seeds */
#define FAULT_SHARE   300 /* per mille of its calls */
#define RARE_FAULTS   500
#define PORT_FAMILIES (SIM_FAMILY_STORE | SIM_FAMILY_NODE | SIM_FAMILY_CRASH | SIM_FAMILY_PAUSE)
#define LIE(name)     (1U << SIM_LIE_##name)

static const struct rare {
	enum sim_call call;
	unsigned families; /* all of which it takes */
	unsigned lies;     /* any of which it takes, where nobody else leads to it */
} rares[] = {
	{ SIM_CALL_STORE_STOP, SIM_FAMILY_LIAR, LIE(INVALID) | LIE(FORK) | LIE(NONCE) },
	{ SIM_CALL_CHAIN_FIND, SIM_FAMILY_LIAR, LIE(NONCE) | LIE(STRANGER) | LIE(ABSENT) },
	{ SIM_CALL_STORE_TURN_CANCEL, SIM_FAMILY_CANCEL, 0 },
	{ SIM_CALL_QUEUE_EXTEND, SIM_FAMILY_PAUSE, 0 },
	{ SIM_CALL_STORE_DECISION_PUT, SIM_FAMILY_FOREIGN, 0 },
	{ SIM_CALL_STORE_ATTEMPT_OWNER, SIM_FAMILY_FOREIGN, 0 },
	{ SIM_CALL_STORE_CASE_RESOLVE, SIM_FAMILY_FOREIGN, 0 },
	{ SIM_CALL_STORE_CONTROLS_CHANGE, SIM_FAMILY_CONTROLS, 0 },
	{ SIM_CALL_STORE_OF_KEY, SIM_FAMILY_CONTROLS, 0 },
	{ SIM_CALL_STORE_PROPOSALS, SIM_FAMILY_CONTROLS, 0 },
	{ SIM_CALL_STORE_PROPOSAL_ADD, SIM_FAMILY_CONTROLS, 0 },
	{ SIM_CALL_STORE_PROPOSAL_CHANGE, SIM_FAMILY_CONTROLS, 0 },
	{ SIM_CALL_STORE_PROPOSAL_LOAD, SIM_FAMILY_CONTROLS, 0 },
	{ SIM_CALL_STORE_USER_LOAD, SIM_FAMILY_CONTROLS, 0 },
	{ SIM_CALL_STORE_VOTES_LOAD, SIM_FAMILY_APPROVALS, 0 },
	{ SIM_CALL_STORE_POLICIES, SIM_FAMILY_APPROVALS, 0 },
};
#define RARES (sizeof rares / sizeof *rares)

static const struct rare *rare_of(enum sim_call call)
{
	for (size_t i = 0; i < RARES; i++)
		if (rares[i].call == call)
			return &rares[i];
	return NULL;
}

/* Those that can go wrong with it now. */
static size_t faults_of(const struct sim_world *world, enum sim_call call, unsigned families,
			enum sim_fault ret_faults[SIM_FAULTS])
{
	size_t n = 0;
	for (enum sim_fault fault = 0; fault < SIM_FAULTS; fault++)
		if (sim_fault_fits(call, fault, families) &&
		    (fault != SIM_PAUSE || world->depth < SIM_NEST_MAX))
			ret_faults[n++] = fault;
	return n;
}

/* One of those that a run with these faults calls now and then; NULL: there is none. */
static const struct rare *rare_choose(struct sim_world *world)
{
	const struct rare *possible[RARES];
	size_t n = 0;
	for (size_t i = 0; i < RARES; i++)
		if ((rares[i].families & ~world->options->faults) == 0)
			possible[n++] = &rares[i];
	return n > 0 ? possible[sim_random_below(&world->own, n)] : NULL;
}

void sim_favourite_choose(struct sim_world *world)
{
	enum sim_fault faults[SIM_FAULTS];
	/* Without the last one, which came later, so that older seeds have theirs. */
	size_t from = (size_t)sim_random_below(&world->own, SIM_CALL_CHAIN_TRANSACTIONS);
	const struct rare *rare =
		sim_random_chance(&world->own, RARE_SHARE) ? rare_choose(world) : NULL;
	world->favourite = SIM_CALLS;
	if (rare != NULL) {
		world->favourite = rare->call;
		world->families |= (rare->families | PORT_FAMILIES) & world->options->faults;
		if (sim_has(world, SIM_FAMILY_FOREIGN))
			world->families &= ~SIM_FAMILY_RESTORE;
		sim_tell(world, "what is called rarely goes wrong: %s", sim_call_text(rare->call));
		return;
	}
	for (size_t i = 0; i < SIM_CALLS && world->favourite == SIM_CALLS; i++) {
		enum sim_call call = (enum sim_call)((from + i) % SIM_CALLS);
		if (faults_of(world, call, world->families, faults) > 0)
			world->favourite = call;
	}
}

enum sim_fault sim_favourite_roll(struct sim_world *world, enum sim_call call)
{
	enum sim_fault faults[SIM_FAULTS];
	size_t n = faults_of(world, call, world->families, faults);
	unsigned share = rare_of(call) != NULL ? RARE_FAULTS : FAULT_SHARE;
	if (n == 0 || !sim_random_chance(&world->own, share))
		return SIM_FAULTS;
	return faults[sim_random_below(&world->own, n)];
}

unsigned sim_favourite_lies(const struct sim_world *world)
{
	const struct rare *rare = rare_of(world->favourite);
	return rare != NULL ? rare->lies : 0;
}
