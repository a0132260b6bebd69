/* A backup is made at some moment; later all roles die, the copy takes the store's place as `sluice
 * restore` does it, and the journal is not touched. `reconcile --after-restore` runs, with all that
 * goes wrong, as often as it takes; then the roles start, and people unpause. Clients repeat all
 * their keys meanwhile. */
#include "sim/check.h"

#include "adapter/db_sqlite.h"
#include "adapter/store_sql.h"
#include "port/store_recover.h"
#include "service/admin/wallets.h"

#define LONG_SHARE   150 /* per mille of the seeds: hours between the copy and its return */
#define LONG_MS_MAX  7200000
#define BUSY_SHARE   750
#define SOON_SHARE   500
#define SOON_MS_MAX  60000
#define PEOPLE_MS    60000 /* until a person does what is next */
#define EARLY_SHARE  300   /* the roles run before anybody reconciles */
#define NO_ROOM_MS   1000
#define MORE_TIME_MS (4 * 3600 * 1000LL)

static int64_t own_below(struct sim_world *world, int64_t n)
{
	return n > 0 ? (int64_t)sim_random_below(&world->restore.random, (uint64_t)n) : 0;
}

int64_t sim_restore_plan(struct sim_world *world, int64_t end)
{
	struct sim_restore *restore = &world->restore;
	if (!sim_has(world, SIM_FAMILY_RESTORE))
		return end;
	/* Mostly while withdrawals come in. */
	int64_t last = world->orders[world->orders_len - 1].post_at;
	int64_t span = sim_random_chance(&world->restore.random, BUSY_SHARE) ? last : end;
	restore->stage = SIM_RESTORE_PLANNED;
	restore->at = world->now_ms + own_below(world, span - world->now_ms);
	if (sim_random_chance(&world->restore.random, LONG_SHARE))
		end += own_below(world, LONG_MS_MAX);
	int64_t most = end - restore->at;
	if (sim_random_chance(&world->restore.random, SOON_SHARE) && most > SOON_MS_MAX)
		most = SOON_MS_MAX;
	restore->replace_at = restore->at + own_below(world, most);
	return end;
}

int64_t sim_restore_bound_ms(const struct sim_world *world)
{
	return sim_has(world, SIM_FAMILY_RESTORE) ? MORE_TIME_MS : 0;
}

bool sim_restore_was(const struct sim_world *world)
{
	return world->restore.stage >= SIM_RESTORE_REPLACED;
}

int64_t sim_restore_next(const struct sim_world *world)
{
	enum sim_restore_stage stage = world->restore.stage;
	/* Who stands still in the middle of a call is not killed from here. */
	if (stage == SIM_RESTORE_NONE || stage == SIM_RESTORE_DONE || world->depth > 0)
		return INT64_MAX;
	return world->restore.at;
}

/* ---- processes ---- */

static bool is_there(const struct sim_world *world, enum sim_role role)
{
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++) {
		const struct sim_process *process = &world->processes[i];
		if (process->role == role && !process->is_extra &&
		    (process->alive || process->wake_at != INT64_MAX))
			return true;
	}
	return false;
}

/* False: there is no room for it now. */
static bool role_start(struct sim_world *world, enum sim_role role)
{
	struct sim_process *process = is_there(world, role) ? NULL : sim_process_free_slot(world);
	if (process != NULL)
		sim_process_start(world, process, role, false);
	return is_there(world, role);
}

/* It is dead, and its supervisor leaves it so. */
static void role_stop(struct sim_world *world, enum sim_role role)
{
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++) {
		struct sim_process *process = &world->processes[i];
		if (process->role != role || process->is_extra)
			continue;
		sim_process_kill(process);
		process->wake_at = INT64_MAX;
	}
}

static void all_kill(struct sim_world *world)
{
	for (size_t i = 0; i < SIM_PROCESSES_MAX; i++) {
		CHECK(!world->processes[i].busy);
		sim_process_kill(&world->processes[i]);
	}
}

/* ---- what happens, in this order ---- */

static void copy_make(struct sim_world *world)
{
	struct db_sqlite_options memory = { .path = ":memory:" };
	struct err err = { 0 };
	CHECK(db_sqlite_open(&memory, &world->restore.copy, &err));
	CHECK(db_sqlite_replace(world->restore.copy, world->db, &err));
	sim_tell(world, "people: a backup of the store is made");
	world->restore.stage = SIM_RESTORE_COPIED;
	world->restore.at = world->restore.replace_at;
}

static void store_replace(struct sim_world *world)
{
	struct store_by by = {
		.actor = ACTOR_PERSON, .who = "ann", .request_id = "", .now_ms = world->now_ms
	};
	struct store_incarnation last = { 0 };
	struct err err = { 0 };
	uint64_t number = 0;
	all_kill(world);
	sim_check_lose(world);
	CHECK(store_incarnation_load(world->store, &last, &err));
	store_close(world->store);
	CHECK(db_sqlite_replace(world->db, world->restore.copy, &err));
	CHECK(store_sql_open(world->db, &world->store, &err));
	CHECK(store_recover_begin(world->store, last.number + 1, false, &by, &number, &err));
	world->restore.stage = SIM_RESTORE_REPLACED;
	world->restore.at = world->now_ms + own_below(world, PEOPLE_MS);
	sim_check_restored(world);
	if (sim_random_chance(&world->restore.random, EARLY_SHARE))
		return;
	role_stop(world, SIM_SIGNER);
	role_stop(world, SIM_MONITOR);
}

static void reconcile_start(struct sim_world *world)
{
	role_stop(world, SIM_SIGNER);
	role_stop(world, SIM_MONITOR);
	bool started = role_start(world, SIM_DESK);
	world->restore.stage = started ? SIM_RESTORE_RECOVERING : SIM_RESTORE_REPLACED;
	world->restore.at = started ? INT64_MAX : world->now_ms + NO_ROOM_MS;
}

bool sim_restore_is_recovered(struct sim_world *world)
{
	return sim_ask_i64(world,
			   "SELECT COUNT(*) FROM wallets WHERE stop_reason <> 'recovered' AND "
			   "id > ?",
			   0) == 0;
}

void sim_restore_done(struct sim_process *desk)
{
	struct sim_world *world = desk->world;
	if (desk->desk.state.strangers_len > 0)
		sim_fail(world, "restore", "%zu transactions are taken for a stranger's",
			 desk->desk.state.strangers_len);
	desk->is_extra = true; /* nobody starts it again */
	sim_tell(world, "people: all is reconciled");
	world->restore.stage = SIM_RESTORE_RECOVERED;
	world->restore.at = world->now_ms + own_below(world, PEOPLE_MS);
}

static void roles_start(struct sim_world *world)
{
	if (!role_start(world, SIM_SIGNER) || !role_start(world, SIM_MONITOR)) {
		world->restore.at = world->now_ms + NO_ROOM_MS;
		return;
	}
	world->restore.stage = SIM_RESTORE_STARTED;
	world->restore.at = world->now_ms + own_below(world, PEOPLE_MS);
}

static void unpause(struct sim_world *world)
{
	struct admin_wallets admin = { .store = world->store,
				       .catalogue = &world->catalogue,
				       .who = "ann" };
	struct err err = { 0 };
	size_t started = 0;
	if (!admin_unpause(&admin, "reconciled", world->now_ms, &started, &err))
		sim_fail(world, "restore", "people cannot unpause: %s", err.text);
	sim_tell(world, "people: %zu wallets go on", started);
	world->restore.stage = SIM_RESTORE_DONE;
}

void sim_restore_act(struct sim_world *world)
{
	switch (world->restore.stage) {
	case SIM_RESTORE_PLANNED:
		copy_make(world);
		break;
	case SIM_RESTORE_COPIED:
		store_replace(world);
		break;
	case SIM_RESTORE_REPLACED:
		reconcile_start(world);
		break;
	case SIM_RESTORE_RECOVERED:
		roles_start(world);
		break;
	case SIM_RESTORE_STARTED:
		unpause(world);
		break;
	case SIM_RESTORE_NONE:
	case SIM_RESTORE_RECOVERING:
	case SIM_RESTORE_DONE:
		CHECK(false);
	}
	sim_check_changes(world);
}
