/* Trouble at the worst moment: between what a process has read and what it is about to write. */
#include "sim/world.h"

#define CANCEL_SHARE 60 /* per mille of such calls */
#define STRIKE_SHARE 30
#define DEATH_SHARE  300 /* of those that were met */

static bool is_about_slots(enum sim_call call)
{
	return call == SIM_CALL_JOURNAL_APPEND || call == SIM_CALL_KEYS_SIGN ||
	       call == SIM_CALL_STORE_ATTEMPTS_ADD || call == SIM_CALL_CHAIN_SEND ||
	       call == SIM_CALL_STORE_ATTEMPTS_SENT;
}

/* Its newest slot is on its way to its first send. */
static bool is_on_its_way(const struct sim_world *world, size_t index)
{
	for (size_t i = world->slots_len; i > 0; i--) {
		const struct sim_slot *slot = &world->slots[i - 1];
		if (slot->order == (int)index)
			return slot->stage <= TRANSFER_SIGNED;
	}
	return false;
}

static struct sim_order *cancel_choose(struct sim_world *world, enum sim_call call)
{
	enum withdrawal_stage stage =
		is_about_slots(call) ? WITHDRAWAL_ASSIGNED : WITHDRAWAL_QUEUED;
	size_t skip = (size_t)sim_between(world, 0, (int64_t)world->orders_len - 1);
	for (size_t i = 0; i < world->orders_len; i++) {
		size_t index = (skip + i) % world->orders_len;
		struct sim_order *order = &world->orders[index];
		if (order->accepted && !order->cancel_asked && order->stage == stage &&
		    (stage == WITHDRAWAL_QUEUED || is_on_its_way(world, index)))
			return order;
	}
	return NULL;
}

/* A client changes its mind; often enough nobody of those who were under way survives it. */
static void cancel_aim(struct sim_process *process, enum sim_call call)
{
	struct sim_world *world = process->world;
	struct sim_order *order = cancel_choose(world, call);
	if (order == NULL)
		return;
	sim_client_cancel(world, order);
	if (sim_has(world, SIM_FAMILY_CRASH) && sim_chance(world, DEATH_SHARE))
		process->doomed = true;
}

void sim_aim(struct sim_process *process, enum sim_call call)
{
	struct sim_world *world = process->world;
	bool is_reserve = call == SIM_CALL_STORE_RESERVE;
	if (!world->faults_on || process->role == SIM_API || world->depth >= SIM_NEST_MAX)
		return;
	if (sim_has(world, SIM_FAMILY_CANCEL) && (is_reserve || is_about_slots(call)) &&
	    sim_chance(world, CANCEL_SHARE))
		cancel_aim(process, call);
	if (sim_has(world, SIM_FAMILY_EDITOR) &&
	    (is_reserve || call == SIM_CALL_STORE_CHANGE || call == SIM_CALL_STORE_ATTEMPTS_ADD ||
	     call == SIM_CALL_STORE_OBSERVE) &&
	    sim_chance(world, STRIKE_SHARE))
		sim_editor_strike(world, call);
}
