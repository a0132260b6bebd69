/* Violations made at a port: what a process was told, or what stands there, is not what it was when
 * the checkers look. */
#include "sim/check.h"

static void rows_change(struct sim_world *world, const char *statement)
{
	struct err err = { 0 };
	CHECK(db_exec(world->db, statement, &err));
}

static void told_nothing(struct sim_process *process)
{
	sim_seen_reset(process->seen, process->seen->step);
}

static void slots_undrain(struct sim_world *world)
{
	for (size_t i = 0; i < world->slots_len; i++) {
		world->slots[i].stage = TRANSFER_SIGNED;
		world->slots[i].sender = 0;
		world->slots[i].signed_epoch = 0;
	}
}

static void orders_cancel(struct sim_world *world)
{
	for (size_t i = 0; i < world->orders_len; i++)
		world->orders[i].cancel_requested = true;
}

static void receivers_forget(struct sim_world *world)
{
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[i];
		order->repeats_left = 0;
		if (order->rounds > 0)
			memset(&order->to, 0xbd, sizeof order->to);
	}
}

static void limits_lower(struct sim_world *world)
{
	for (size_t i = 0; i < world->catalogue.assets_len; i++)
		world->catalogue.assets[i].payment_max.units = u256_from_u64(1);
}

struct port_plant {
	enum sim_plant plant;
	enum sim_call call;
	void (*act)(struct sim_world *world);
};

static void epochs_raise(struct sim_world *world)
{
	rows_change(world, "UPDATE wallets SET lease_epoch = lease_epoch + 1");
}

static void row_moves(struct sim_world *world)
{
	world->before[0].version--;
}

static void message_opens(struct sim_world *world)
{
	world->before[0].message_open = true;
}

static void wish_goes(struct sim_world *world)
{
	for (size_t i = 0; i < BATCH_MAX; i++)
		world->before[i].wish = WISH_NONE;
}

static void slots_grow(struct sim_world *world)
{
	rows_change(world, "UPDATE transfers SET gas_limit = 1000000000000 WHERE stage < 4");
}

static void depth_grows(struct sim_world *world)
{
	world->catalogue.chains[0].depth_paid += 100;
}

static const struct port_plant at_ports[] = {
	{ SIM_PLANT_OLD_EPOCH, SIM_CALL_STORE_RESERVE, epochs_raise },
	{ SIM_PLANT_MOVED, SIM_CALL_STORE_RESERVE, row_moves },
	{ SIM_PLANT_UNWISHED, SIM_CALL_STORE_ATTEMPTS_ADD, wish_goes },
	{ SIM_PLANT_UNDRAINED, SIM_CALL_STORE_RESERVE, slots_undrain },
	{ SIM_PLANT_LOST_WAKE_UP, SIM_CALL_STORE_CHANGE, message_opens },
	{ SIM_PLANT_SIGNED_CANCELED, SIM_CALL_STORE_ATTEMPTS_ADD, orders_cancel },
	{ SIM_PLANT_OVERDRAWN, SIM_CALL_STORE_RESERVE, slots_grow },
	{ SIM_PLANT_LIMIT, SIM_CALL_STORE_ATTEMPTS_ADD, limits_lower },
	{ SIM_PLANT_STRANGER, SIM_CALL_STORE_ATTEMPTS_SENT, receivers_forget },
	{ SIM_PLANT_SHALLOW, SIM_CALL_STORE_OBSERVE, depth_grows },
};

void sim_plant_port(struct sim_process *process, enum sim_call call)
{
	struct sim_world *world = process->world;
	enum sim_plant plant = world->options->plant;
	if (plant == SIM_PLANT_UNASKED && call == SIM_CALL_STORE_RESERVE)
		told_nothing(process);
	if (plant == SIM_PLANT_UNPROVEN && call == SIM_CALL_STORE_OBSERVE)
		told_nothing(process);
	for (size_t i = 0; i < sizeof at_ports / sizeof *at_ports; i++)
		if (at_ports[i].plant == plant && at_ports[i].call == call)
			at_ports[i].act(world);
}
