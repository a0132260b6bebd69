/* People at the pause switches: they set them and lift them, over the API or at a terminal, alone
 * or two of them; and when nothing goes wrong any more they lift all. */
#include "sim/check.h"

#include "service/admin/controls.h"
#include "sim/desk_job.h"

#include <stdio.h>

#define TERMINAL_SHARE 200 /* per mille: not over the API */
#define LIFT_SHARE     550 /* of what they do while there are some */
#define REJECT_SHARE   100
#define MANY           6 /* then they only lift */

static bool chance(struct sim_world *world, unsigned per_mille)
{
	return sim_random_chance(&world->desk.random, per_mille);
}

static unsigned below(struct sim_world *world, unsigned n)
{
	return (unsigned)sim_random_below(&world->desk.random, n);
}

static struct mac_keys keys_of(const struct sim_world *world, size_t index)
{
	return (struct mac_keys){ .keys = { { 1, world->keys_bytes[index] } }, .len = 1 };
}

/* ---- over the API ---- */

struct switch_wish {
	enum control_scope scope;
	char name[CONTROL_NAME_LEN_MAX + 1];
	unsigned stops;
};

static enum problem desk_ask(struct sim_world *world, enum desk_act act, unsigned person,
			     const struct switch_wish *wish, const char *subject)
{
	struct sim_process *api = sim_process_of_role(world, SIM_API);
	char stops[CONTROL_STOPS_LEN_MAX + 1];
	struct buf out = buf_of(stops, sizeof stops);
	struct job *job = sim_desk_job(world, act, person);
	if (api == NULL)
		return PROBLEM_STORE_UNAVAILABLE;
	if (wish != NULL) {
		control_stops_write(wish->stops, &out);
		job->desk.fields[0] = str_from(control_scope_text(wish->scope));
		job->desk.fields[1] = str_from(wish->name);
		job->desk.fields[2] = buf_view(&out);
		job->desk.fields[3] = STR("because");
	}
	(void)snprintf(job->desk.subject, sizeof job->desk.subject, "%s", subject);
	if (!sim_process_answer(api, &job, 1))
		return PROBLEM_STORE_UNAVAILABLE;
	buf_free(&job->body);
	return job->problem;
}

/* ---- at a terminal ---- */

static bool terminal_ask(struct sim_world *world, const struct switch_wish *wish, bool pauses,
			 bool resets)
{
	const struct mac_keys keys = keys_of(world, 4);
	const struct admin_controls admin = { .store = world->store,
					      .keys = &keys,
					      .by = admin_actor_local("root") };
	const struct admin_control_wish asked = { wish->scope, wish->name, wish->stops, "because" };
	struct control_set set;
	struct err err = { 0 };
	return pauses ? admin_controls_pause(&admin, &asked, resets, world->now_ms, &set, &err)
		      : admin_controls_unpause(&admin, &asked, true, world->now_ms, &set, &err);
}

static void tell(struct sim_world *world, const char *what, const struct switch_wish *wish,
		 bool done)
{
	sim_tell(world, "people: %s %s %s%s, %u%s", what, control_scope_text(wish->scope),
		 wish->name, wish->name[0] != 0 ? "" : "all", wish->stops,
		 done ? "" : ", and do not hear that it is done");
}

/* ---- what they want ---- */

static void name_choose(struct sim_world *world, struct switch_wish *wish)
{
	const struct catalogue *catalogue = &world->catalogue;
	char *name = wish->name;
	switch (wish->scope) {
	case CONTROL_ALL:
		name[0] = 0;
		break;
	case CONTROL_CHAIN:
		(void)snprintf(name, sizeof wish->name, "%llu",
			       (unsigned long long)catalogue->chains[0].chain_id);
		break;
	case CONTROL_ASSET:
		(void)snprintf(name, sizeof wish->name, "%s",
			       catalogue->assets[below(world, 2)].symbol);
		break;
	case CONTROL_ACCOUNT:
		(void)snprintf(name, sizeof wish->name, "%s",
			       below(world, 2) ? "default" : "other");
		break;
	case CONTROL_WALLET:
		(void)snprintf(
			name, sizeof wish->name, "%s",
			address_text(catalogue->wallets[below(world, SIM_WALLETS)].address).at);
		break;
	}
}

static void pause_some(struct sim_world *world)
{
	struct switch_wish wish = { .scope = (enum control_scope)(
					    CONTROL_ALL + (int)below(world, CONTROL_SCOPES)) };
	name_choose(world, &wish);
	wish.stops = 1 + below(world, CONTROL_STOPS_ALL);
	bool done = chance(world, TERMINAL_SHARE)
			    ? terminal_ask(world, &wish, true, false)
			    : desk_ask(world, DESK_PAUSE, below(world, SIM_APPROVERS), &wish, "") ==
				      PROBLEM_NONE;
	world->summary->pauses++;
	tell(world, "pause", &wish, done);
}

/* One that waits for a second person; NULL text: none does. */
static bool proposal_find(struct sim_world *world, struct id_text *ret_id)
{
	struct store_proposal rows[PROPOSALS_MAX];
	struct err err = { 0 };
	size_t len = 0;
	CHECK(store_proposals_list(world->store, PROPOSAL_UNPAUSE, "", world->now_ms, rows,
				   PROPOSALS_MAX, &len, &err));
	if (len > 0)
		*ret_id = id_text(rows[below(world, (unsigned)len)].id);
	return len > 0;
}

static void second_act(struct sim_world *world)
{
	struct id_text id;
	if (!proposal_find(world, &id))
		return;
	bool rejects = world->faults_on && chance(world, REJECT_SHARE);
	enum problem problem = desk_ask(world, rejects ? DESK_UNPAUSE_REJECT : DESK_UNPAUSE_CONFIRM,
					below(world, SIM_APPROVERS), NULL, id.at);
	sim_tell(world, "people: a proposal to unpause is %s: %s",
		 rejects ? "rejected" : "confirmed",
		 problem == PROBLEM_NONE ? "heard" : problem_code(problem));
}

static void lift(struct sim_world *world, const struct control *row, unsigned stops,
		 bool at_terminal)
{
	struct switch_wish wish = { .scope = row->scope, .stops = stops };
	(void)snprintf(wish.name, sizeof wish.name, "%s", row->name);
	bool done = at_terminal ? terminal_ask(world, &wish, false, false)
				: desk_ask(world, DESK_UNPAUSE, below(world, SIM_APPROVERS), &wish,
					   "") == PROBLEM_NONE;
	world->summary->unpauses++;
	tell(world, "unpause", &wish, done);
	if (!at_terminal && world->desk.unpause_people > 1)
		second_act(world);
}

/* A restored store has switches that the signer knows to be old: it doubts them until people have
 * begun anew. */
static void reset_once(struct sim_world *world)
{
	const struct switch_wish all = { .scope = CONTROL_ALL, .stops = CONTROL_SIGNING };
	if (world->desk.is_reset || !sim_restore_was(world))
		return;
	world->desk.is_reset = true;
	tell(world, "pause anew", &all, terminal_ask(world, &all, true, true));
	sim_check_changes(world);
}

void sim_switches_act(struct sim_world *world)
{
	const struct control_set *set = &world->desk.set;
	reset_once(world);
	if (set->len > 0 && (set->len >= MANY || chance(world, LIFT_SHARE))) {
		const struct control row = set->rows[below(world, (unsigned)set->len)];
		unsigned stops =
			chance(world, 500) ? row.stops : 1 + below(world, CONTROL_STOPS_ALL);
		lift(world, &row, stops, chance(world, TERMINAL_SHARE));
	} else {
		pause_some(world);
	}
}

void sim_switches_lift(struct sim_world *world)
{
	const struct control_set before = world->desk.set;
	reset_once(world);
	for (size_t i = 0; i < before.len; i++)
		lift(world, &before.rows[i], before.rows[i].stops, chance(world, TERMINAL_SHARE));
}
