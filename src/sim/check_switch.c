/* Pauses: what was committed after a switch is not what the switch forbids. Reservations and first
 * signatures have the version of the switches locked, so that not a moment is allowed; before a
 * send, where no transaction is, the sender has to have looked in that step, and to heed what it
 * saw; what is accepted may be as late as the promise says. */
#include "sim/check.h"

#include "port/store_control.h"

#include <stdio.h>

#define INTAKE_MS 5000
#define PAYS      (CONTROL_SIGNING | CONTROL_BROADCAST)

void sim_check_switches_changed(struct sim_world *world)
{
	struct sim_desk *desk = &world->desk;
	struct err err = { 0 };
	CHECK(store_controls_load(world->store, &desk->set, &err));
	desk->commits[desk->commits_len % SIM_SWITCH_COMMITS].version = desk->set.version;
	desk->commits[desk->commits_len++ % SIM_SWITCH_COMMITS].at = world->now_ms;
}

/* When a version was committed; long ago, where nobody remembers. */
static int64_t committed_at(const struct sim_desk *desk, uint64_t version)
{
	for (size_t i = 0; i < desk->commits_len && i < SIM_SWITCH_COMMITS; i++)
		if (desk->commits[i].version == version)
			return desk->commits[i].at;
	return 0;
}

/* Who would be paid, and by which wallet; an order or wallet of -1 is nobody's. */
struct subject {
	const struct sim_order *order; /* NULL: it pays nobody */
	int wallet;                    /* -1: none is chosen yet */
};

static bool is_named(const struct sim_world *world, const struct control *row,
		     const struct subject *subject)
{
	const struct catalogue *catalogue = &world->catalogue;
	char chain[24];
	switch (row->scope) {
	case CONTROL_ALL:
		return true;
	case CONTROL_CHAIN:
		(void)snprintf(chain, sizeof chain, "%llu",
			       (unsigned long long)catalogue->chains[0].chain_id);
		return strcmp(row->name, chain) == 0;
	case CONTROL_ASSET:
		return subject->order != NULL &&
		       strcmp(row->name, catalogue->assets[subject->order->asset].symbol) == 0;
	case CONTROL_ACCOUNT:
		return subject->order != NULL && strcmp(row->name, "default") == 0;
	case CONTROL_WALLET:
		return subject->wallet >= 0 &&
		       strcmp(row->name,
			      address_text(catalogue->wallets[subject->wallet].address).at) == 0;
	}
	return false;
}

/* The switch that forbids it; NULL: none does. known: only what was there by that version. */
static const struct control *switch_of(const struct sim_world *world, unsigned stops,
				       const struct subject *subject, uint64_t known)
{
	const struct control_set *set = &world->desk.set;
	for (size_t i = 0; i < set->len; i++) {
		const struct control *row = &set->rows[i];
		if ((row->stops & stops) != 0 && row->version <= known &&
		    is_named(world, row, subject))
			return row;
	}
	return NULL;
}

static struct subject subject_of(const struct sim_world *world, const struct sim_slot *slot,
				 bool pays)
{
	return (struct subject){ pays && slot->order >= 0 ? &world->orders[slot->order] : NULL,
				 (int)slot->wallet };
}

/* A recovering wallet's self-transfers go on. */
static bool is_recovery(const struct sim_world *world)
{
	return world->importing || world->acting == NULL || world->acting->role == SIM_DESK;
}

void sim_check_paused_accept(struct sim_world *world, const struct sim_order *order)
{
	const struct subject subject = { order, -1 };
	const struct control *row =
		switch_of(world, CONTROL_INTAKE, &subject, world->desk.set.version);
	if (row == NULL || world->acting == NULL || world->acting->seen->has_stood)
		return;
	int64_t late = world->now_ms - committed_at(&world->desk, row->version);
	if (late > INTAKE_MS)
		sim_fail(world, "pause", "%s is accepted %lld ms after the intake was paused",
			 order->key, (long long)late);
}

void sim_check_paused_reserve(struct sim_world *world, const struct sim_slot *slot)
{
	const struct subject subject = subject_of(world, slot, true);
	if (is_recovery(world) || slot->order < 0)
		return;
	if (switch_of(world, PAYS, &subject, world->desk.set.version) != NULL)
		sim_fail(world, "pause", "wallet %u nonce %llu is reserved for %s, who is paused",
			 slot->wallet, (unsigned long long)slot->nonce,
			 world->orders[slot->order].key);
}

void sim_check_paused_sign(struct sim_world *world, const struct sim_slot *slot, bool cancels)
{
	const struct subject subject = subject_of(world, slot, !cancels);
	bool is_first = slot->attempts == 1;
	uint64_t known = is_first || world->acting == NULL ? world->desk.set.version
							   : world->acting->controls_version;
	unsigned stops = is_first ? PAYS : CONTROL_BROADCAST;
	if (is_recovery(world) || slot->is_stuffed)
		return;
	if (switch_of(world, stops, &subject, known) != NULL)
		sim_fail(world, "pause", "wallet %u nonce %llu is signed, attempt %u, and paused",
			 slot->wallet, (unsigned long long)slot->nonce, slot->attempts);
}

void sim_check_paused_send(struct sim_world *world, const struct sim_slot *slot, bool pays)
{
	const struct subject subject = subject_of(world, slot, pays);
	const struct sim_process *sender = world->acting;
	bool is_first = slot->sender == 0 && slot->stage < TRANSFER_BROADCAST;
	unsigned stops = is_first ? PAYS : CONTROL_BROADCAST;
	const struct control *row =
		sender == NULL ? NULL : switch_of(world, stops, &subject, sender->controls_version);
	if (is_recovery(world) || !sim_has(world, SIM_FAMILY_CONTROLS))
		return;
	if (sender->controls_step != sender->seen->step)
		sim_fail(world, "pause",
			 "wallet %u nonce %llu is sent, and nobody looked at the switches",
			 slot->wallet, (unsigned long long)slot->nonce);
	else if (row != NULL)
		sim_fail(world, "pause", "wallet %u nonce %llu is sent over switch %s %s, %u",
			 slot->wallet, (unsigned long long)slot->nonce,
			 control_scope_text(row->scope), row->name, row->stops);
}
