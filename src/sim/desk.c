/* The people at the desk: who they are, and when they come by. */
#include "sim/check.h"

#include "port/store_people.h"
#include "sim/desk_job.h"

#include <stdio.h>

#define DESK_STREAM  0x6465736b
#define SHARE        400   /* per mille of the seeds, of each family */
#define GAP_MS_MAX   15000 /* between two who come by */
#define TWO_SHARE    500   /* of the seeds in which two people lift a switch */
#define FIRST_POLICY 1

static const char *const ids[SIM_APPROVERS] = {
	"00000000-0000-7000-8000-000000000000",
	"00000001-0000-7000-8000-000000000000",
	"00000002-0000-7000-8000-000000000000",
	"00000003-0000-7000-8000-000000000000",
};
static const char *const names[SIM_APPROVERS] = { "ann", "ben", "cem", "dot" };

struct job *sim_desk_job(struct sim_world *world, enum desk_act act, unsigned person)
{
	struct job *job = world->jobs + world->depth * SIM_JOBS;
	CHECK(person < SIM_APPROVERS);
	memset(job, 0, sizeof *job);
	job->kind = JOB_DESK;
	job->desk.act = act;
	job->by.kind = PRINCIPAL_USER;
	job->by.reach = REACH_ALL;
	job->by.has_second_factor = true;
	(void)snprintf(job->by.id, sizeof job->by.id, "%s", ids[person]);
	(void)snprintf(job->by.name, sizeof job->by.name, "%s", names[person]);
	return job;
}

void sim_desk_families(struct sim_world *world)
{
	const unsigned families[] = { SIM_FAMILY_CONTROLS, SIM_FAMILY_APPROVALS };
	world->desk.random = sim_random_of(world->options->seed ^ DESK_STREAM);
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		bool chosen = sim_random_chance(&world->desk.random, SHARE);
		if (chosen && (world->options->faults & families[i]) != 0)
			world->families |= families[i];
	}
}

/* Who proposes has to be there still when another one confirms. */
static void users_make(struct sim_world *world)
{
	struct mac_keys keys = { .keys = { { 1, world->keys_bytes[0] } }, .len = 1 };
	struct store_by by = {
		.actor = ACTOR_PERSON, .who = "sim", .request_id = "", .now_ms = world->now_ms
	};
	struct err err = { 0 };
	for (unsigned i = 0; i < SIM_APPROVERS; i++) {
		struct store_user user = { .role = USER_ROLE_APPROVER,
					   .created_at = world->now_ms,
					   .generation = 1,
					   .version = 1 };
		CHECK(id_read(str_from(ids[i]), &user.id));
		(void)snprintf(user.name, sizeof user.name, "%s", names[i]);
		store_user_seal(&keys, &user);
		CHECK(store_user_add(world->store, &user, &by, &err));
	}
}

void sim_desk_open(struct sim_world *world)
{
	struct sim_desk *desk = &world->desk;
	bool is_two = sim_random_chance(&desk->random, TWO_SHARE);
	desk->at = INT64_MAX;
	desk->unpause_people = is_two || sim_call_is_of_proposals(world->favourite) ? 2 : 1;
	desk->policies[FIRST_POLICY] = 0; /* everybody is paid: world.c */
	desk->policy = FIRST_POLICY;
	if (!sim_has(world, SIM_FAMILY_CONTROLS | SIM_FAMILY_APPROVALS))
		return;
	users_make(world);
	sim_check_switches_changed(world);
	if (sim_has(world, SIM_FAMILY_APPROVALS))
		sim_approvers_begin(world);
	desk->at = world->now_ms;
}

int64_t sim_desk_next(const struct sim_world *world)
{
	return world->faults_on ? world->desk.at : INT64_MAX;
}

void sim_desk_act(struct sim_world *world)
{
	struct sim_desk *desk = &world->desk;
	desk->at = world->now_ms + (int64_t)sim_random_below(&desk->random, GAP_MS_MAX);
	if (sim_has(world, SIM_FAMILY_CONTROLS))
		sim_switches_act(world);
	if (sim_has(world, SIM_FAMILY_APPROVALS))
		sim_approvers_act(world);
	sim_check_changes(world);
}

void sim_desk_calm(struct sim_world *world)
{
	if (world->depth > 0)
		return;
	if (sim_has(world, SIM_FAMILY_CONTROLS))
		sim_switches_lift(world);
	if (sim_has(world, SIM_FAMILY_APPROVALS))
		sim_approvers_answer(world);
	sim_check_changes(world);
}
