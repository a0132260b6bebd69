/* From the log of changes to the rules that each one has to keep. */
#include "sim/check.h"

uint64_t sim_final_height(const struct sim_world *world)
{
	const struct chain_params *chain = &world->catalogue.chains[0];
	uint64_t head = sim_chain_head(world->model);
	if (chain->has_finality)
		return sim_chain_finalized(world->model);
	return head > chain->depth_paid ? head - chain->depth_paid : 0;
}

struct sim_slot *sim_slot_of_row(struct sim_world *world, int64_t row)
{
	for (size_t i = world->slots_len; i > 0; i--)
		if (world->slots[i - 1].row == row)
			return &world->slots[i - 1];
	return NULL;
}

struct sim_order *sim_order_of_row(struct sim_world *world, int64_t row)
{
	for (size_t i = 0; i < world->orders_len; i++)
		if (world->orders[i].row == row)
			return &world->orders[i];
	return NULL;
}

const struct sim_slot *sim_slot_of_payment(const struct sim_world *world, unsigned wallet,
					   uint64_t nonce, struct address to)
{
	const struct sim_slot *found = NULL;
	for (size_t i = world->slots_len; i > 0; i--) {
		const struct sim_slot *slot = &world->slots[i - 1];
		if (slot->wallet != wallet || slot->nonce != nonce || slot->is_forged)
			continue;
		if (slot->order >= 0 && address_equal(world->orders[slot->order].to, to))
			return slot;
		if (found == NULL)
			found = slot;
	}
	return found;
}

const struct sim_slot *sim_slot_of_round(struct sim_world *world, struct id withdrawal,
					 unsigned round)
{
	for (size_t i = world->slots_len; i > 0; i--) {
		const struct sim_slot *slot = &world->slots[i - 1];
		if (slot->order < 0 || slot->is_forged || slot->round != round ||
		    !id_equal(world->orders[slot->order].id_stored, withdrawal))
			continue;
		return slot->is_lost ? sim_slot_found(world, slot) : slot;
	}
	return NULL;
}

/* The row says another stage now; whoever asks for the slot's stage is told so. */
static void slot_edited(struct sim_world *world, const struct sim_change *change)
{
	struct sim_slot *slot = sim_slot_of_row(world, change->row);
	if (slot == NULL)
		return;
	slot->is_edited = true;
	if (change->what != SIM_SLOT_MOVED)
		return;
	bool was_final = slot->stage == TRANSFER_FINAL;
	slot->stage = (enum transfer_stage)change->value[1];
	slot->outcome = (enum transfer_outcome)change->value[3];
	bool is_final = slot->stage == TRANSFER_FINAL;
	slot->is_end_edited = is_final && (!was_final || slot->is_end_edited);
	if (slot->order >= 0)
		world->orders[slot->order].causes |= SIM_CAUSE_EDITED;
}

/* Somebody with the database's password: what follows from it is not the services' doing. */
static void edited(struct sim_world *world, const struct sim_change *change)
{
	struct sim_order *order = NULL;
	if (change->what == SIM_SLOT_MOVED || change->what == SIM_SLOT_EDITED)
		slot_edited(world, change);
	if (change->what == SIM_SLOT_MADE)
		sim_check_slot_forged(world, change);
	if (change->what == SIM_ATTEMPT_MADE)
		sim_check_attempt_forged(world, change);
	if (change->what == SIM_WITHDRAWAL_EDITED || change->what == SIM_WITHDRAWAL_MOVED)
		order = sim_order_of_row(world, change->row);
	if (order == NULL)
		return;
	order->causes |= SIM_CAUSE_EDITED;
	if (change->what == SIM_WITHDRAWAL_MOVED) {
		size_t len = 0;
		memset(order->held_reason, 0, sizeof order->held_reason);
		(void)sim_ask_bytes(world, "SELECT held_reason FROM withdrawals WHERE rowid = ?",
				    order->row, order->held_reason, REASON_LEN_MAX, &len);
		order->cancel_requested &= change->value[4] != 0;
		order->stage = (enum withdrawal_stage)change->value[1];
		order->version = (uint64_t)change->value[3];
	}
}

void sim_check_change(struct sim_world *world, const struct sim_change *change)
{
	if (world->editing) {
		edited(world, change);
		return;
	}
	switch (change->what) {
	case SIM_WITHDRAWAL_MADE:
		sim_check_withdrawal_made(world, change);
		break;
	case SIM_WITHDRAWAL_MOVED:
		sim_check_withdrawal_moved(world, change);
		break;
	case SIM_WITHDRAWAL_EDITED:
		sim_fail(world, "T8", "row %lld of withdrawals: what was asked for has changed",
			 (long long)change->row);
		break;
	case SIM_SLOT_MADE:
		sim_check_slot_made(world, change);
		break;
	case SIM_SLOT_MOVED:
		sim_check_slot_moved(world, change);
		break;
	case SIM_SLOT_EDITED:
		/* It pays by the bytes that were imported; who they pay is looked at with them. */
		if (world->importing)
			break;
		sim_fail(world, "T2",
			 "row %lld of transfers: its slot or its fixed payload changed",
			 (long long)change->row);
		break;
	case SIM_ATTEMPT_MADE:
		sim_check_attempt_made(world, change);
		break;
	case SIM_WALLET_STOPPED:
		sim_check_stopped(world, (unsigned)change->row - 1);
		break;
	case SIM_SWITCHES_CHANGED:
		sim_check_switches_changed(world);
		break;
	case SIM_WORD_SAID:
		sim_check_word(world, change);
		break;
	case SIM_APPROVAL_CHANGED:
		sim_check_approval(world, change);
		break;
	case SIM_ATTEMPT_EDITED:
		sim_fail(world, "T3", "row %lld of attempts: it changed, or is gone",
			 (long long)change->row);
		break;
	}
}
