/* An old copy took the store's place: what the checkers know of rows follows it, and what was
 * signed in the lost hour they keep, for the chain may still pay it. From then on a promise is one
 * to a client's key, whatever row it has. */
#include "sim/check.h"

#include "core/tx.h"

#define REPEAT_MS 600000 /* in which clients repeat their keys */

/* ---- what is lost ---- */

void sim_check_lose(struct sim_world *world)
{
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[i];
		bool ended = order->row != 0 && order->stage >= WITHDRAWAL_COMPLETED;
		order->told_version = order->version;
		if (ended && (order->stage == WITHDRAWAL_COMPLETED ||
			      sim_has_void(world, order, order->stage)))
			order->told = order->stage;
	}
}

static void end_forget(struct sim_world *world, enum withdrawal_stage stage)
{
	struct sim_summary *summary = world->summary;
	summary->completed -= stage == WITHDRAWAL_COMPLETED ? 1 : 0;
	summary->failed -= stage == WITHDRAWAL_FAILED ? 1 : 0;
	summary->rejected -= stage == WITHDRAWAL_REJECTED ? 1 : 0;
	summary->canceled -= stage == WITHDRAWAL_CANCELED ? 1 : 0;
}

/* Its client asks again, and does not know that it is news. */
static void order_lose(struct sim_world *world, struct sim_order *order)
{
	world->summary->accepted -= order->accepted ? 1 : 0;
	world->summary->lost++;
	order->accepted = false;
	order->row = 0;
	order->id = order->id_stored = (struct id){ 0 };
	order->stage = WITHDRAWAL_ACCEPTED;
	order->version = 0;
	order->cancel_requested = false;
	order->cancel_step = order->held_step = 0;
	memset(order->held_reason, 0, sizeof order->held_reason);
}

static void order_reload(struct sim_world *world, struct sim_order *order)
{
	int64_t value[3] = { 0 };
	size_t len = 0;
	CHECK(sim_ask_of_id(world,
			    "SELECT stage, version, cancel_requested FROM withdrawals WHERE id = ?",
			    order->id_stored, value, 3));
	order->stage = (enum withdrawal_stage)value[0];
	order->version = (uint64_t)value[1];
	order->cancel_requested = value[2] != 0;
	memset(order->held_reason, 0, sizeof order->held_reason);
	(void)sim_ask_bytes(world, "SELECT held_reason FROM withdrawals WHERE rowid = ?",
			    order->row, order->held_reason, REASON_LEN_MAX, &len);
	/* Who has seen events that are lost takes what comes now for newer. */
	if (order->stage < WITHDRAWAL_COMPLETED && order->version <= order->told_version)
		sim_fail(world, "events", "%s: version %llu is told after %llu", order->key,
			 (unsigned long long)order->version,
			 (unsigned long long)order->told_version);
}

static void order_restore(struct sim_world *world, struct sim_order *order)
{
	struct id stored = { 0 };
	size_t len = 0;
	enum withdrawal_stage ended = order->stage;
	if (order->row == 0)
		return;
	bool is_there = sim_ask_bytes(world, "SELECT id FROM withdrawals WHERE rowid = ?",
				      order->row, stored.bytes, sizeof stored.bytes, &len) &&
			id_equal(stored, order->id_stored);
	if (is_there)
		order_reload(world, order);
	else
		order_lose(world, order);
	if (ended != order->stage)
		end_forget(world, ended);
	order->repeats_left = order->repeats_left > 0 ? order->repeats_left : 1;
	order->post_at =
		world->now_ms + (int64_t)sim_random_below(&world->restore.random, REPEAT_MS);
}

/* ---- slots ---- */

static void slot_reload(struct sim_world *world, struct sim_slot *slot)
{
	slot->stage = (enum transfer_stage)sim_ask_i64(
		world, "SELECT stage FROM transfers WHERE rowid = ?", slot->row);
	slot->outcome = (enum transfer_outcome)sim_ask_i64(
		world, "SELECT outcome FROM transfers WHERE rowid = ?", slot->row);
	slot->attempts = (unsigned)sim_ask_i64(
		world, "SELECT attempts FROM transfers WHERE rowid = ?", slot->row);
	slot->canceled = sim_ask_i64(world,
				     "SELECT COUNT(*) FROM attempts a JOIN transfers t ON "
				     "t.id = a.transfer_id WHERE t.rowid = ? AND a.is_cancel <> 0",
				     slot->row) > 0;
	slot->signed_epoch = 0;
	slot->sender = 0;
	slot->stale_since = 0;
	sim_check_fees_reload(world, slot);
}

static void slot_restore(struct sim_world *world, struct sim_slot *slot)
{
	int64_t nonce =
		sim_ask_i64(world, "SELECT nonce FROM transfers WHERE rowid = ?", slot->row);
	int64_t wallet =
		sim_ask_i64(world, "SELECT wallet_id FROM transfers WHERE rowid = ?", slot->row);
	if (nonce >= 0 && (uint64_t)nonce == slot->nonce && wallet == slot->wallet + 1) {
		slot_reload(world, slot);
		return;
	}
	slot->is_lost = true;
	slot->row = -1;
}

static void nonces_restore(struct sim_world *world)
{
	for (unsigned wallet = 0; wallet < SIM_WALLETS; wallet++) {
		int64_t next = sim_ask_i64(world,
					   "SELECT next_nonce FROM wallets WHERE rowid = ? AND "
					   "entered = 1",
					   wallet + 1);
		world->nonces_known[wallet] = next >= 0;
		world->next_nonce[wallet] = next >= 0 ? (uint64_t)next : 0;
	}
}

void sim_check_restored(struct sim_world *world)
{
	uint64_t lost = world->summary->lost;
	world->log_seen = sim_ask_i64(world, "SELECT MAX(n) FROM sim_log WHERE n > ?", 0);
	for (size_t i = 0; i < world->orders_len; i++)
		order_restore(world, &world->orders[i]);
	for (size_t i = 0; i < world->slots_len; i++)
		slot_restore(world, &world->slots[i]);
	nonces_restore(world);
	sim_check_switches_changed(world);
	sim_check_votes_restored(world);
	world->summary->restores++;
	sim_tell(world, "people: the copy takes the store's place; %llu withdrawals are lost",
		 (unsigned long long)(world->summary->lost - lost));
}

/* ---- from then on ---- */

/* Whom the slot pays by these bytes: its order, or the one that it had in the lost hour. */
const struct sim_order *sim_order_paid(const struct sim_world *world, const struct sim_slot *slot,
				       const struct tx *tx)
{
	if (slot->order >= 0 && sim_pays_order(world, &world->orders[slot->order], tx))
		return &world->orders[slot->order];
	for (size_t i = 0; i < world->slots_len; i++) {
		const struct sim_slot *lost = &world->slots[i];
		if (lost->is_lost && lost->wallet == slot->wallet && lost->nonce == slot->nonce &&
		    lost->order >= 0 && sim_pays_order(world, &world->orders[lost->order], tx))
			return &world->orders[lost->order];
	}
	return NULL;
}

const struct sim_slot *sim_slot_found(const struct sim_world *world, const struct sim_slot *lost)
{
	for (size_t i = world->slots_len; i > 0; i--) {
		const struct sim_slot *slot = &world->slots[i - 1];
		if (!slot->is_lost && slot->wallet == lost->wallet && slot->nonce == lost->nonce)
			return slot;
	}
	return lost;
}

bool sim_is_later_round(struct sim_world *world, const struct sim_order *order,
			const struct sim_slot *slot)
{
	return slot->is_lost && order->stage == WITHDRAWAL_QUEUED &&
	       slot->round >= sim_ask_i64(world, "SELECT round FROM withdrawals WHERE rowid = ?",
					  order->row);
}

bool sim_was_paid_later(struct sim_world *world, const struct sim_order *order,
			const struct sim_payments *paid)
{
	struct sim_mined consumer;
	for (size_t i = 0; paid->count == 1 && i < world->slots_len; i++) {
		const struct sim_slot *slot = &world->slots[i];
		if (slot->order == (int)(order - world->orders) &&
		    sim_is_later_round(world, order, slot) &&
		    sim_chain_consumer(world->model, slot->wallet, slot->nonce, &consumer) &&
		    hash32_equal(consumer.tx_hash, paid->newest.tx_hash))
			return true;
	}
	return false;
}

/* T1 by the client's key: what was signed for it in the lost hour can pay nobody any more. */
void sim_check_lost(struct sim_world *world, int order)
{
	struct sim_payments paid;
	for (size_t i = 0; i < world->slots_len; i++) {
		const struct sim_slot *slot = &world->slots[i];
		struct sim_mined consumer;
		if (!slot->is_lost || slot->order != order || slot->paid_at == 0)
			continue;
		if (!sim_chain_consumer(world->model, slot->wallet, slot->nonce, &consumer) ||
		    consumer.block_number > sim_final_height(world))
			sim_fail(world, "T1",
				 "%s gets a slot, and nonce %llu of the lost hour may pay it",
				 world->orders[order].key, (unsigned long long)slot->nonce);
		sim_chain_payments(world->model, (unsigned)world->orders[order].asset,
				   world->orders[order].to, &paid);
		if (paid.count > 0)
			sim_fail(world, "T1", "%s gets a slot, and was paid in the lost hour",
				 world->orders[order].key);
	}
}

/* T9: what a client was told, and the journal or the chain knows of, does not change. */
void sim_check_told(struct sim_world *world, const struct sim_order *order)
{
	if (order->told != 0 && order->stage >= WITHDRAWAL_COMPLETED && order->stage != order->told)
		sim_fail(world, "T9", "%s ended in stage %d before the restore, and now in %d",
			 order->key, (int)order->told, (int)order->stage);
}

/* ---- who is bound to what paid him ---- */

void sim_check_bound(struct sim_world *world, struct id transfer, struct id withdrawal)
{
	int64_t value[2] = { 0 };
	struct sim_mined consumer;
	CHECK(sim_ask_of_id(world, "SELECT rowid FROM withdrawals WHERE id = ?", withdrawal, value,
			    1));
	struct sim_order *order = sim_order_of_row(world, value[0]);
	CHECK(sim_ask_of_id(world,
			    "SELECT t.rowid, i.round FROM transfers t JOIN transfer_items i ON "
			    "i.transfer_id = t.id WHERE t.id = ?",
			    transfer, value, 2));
	struct sim_slot *slot = sim_slot_of_row(world, value[0]);
	CHECK(order != NULL && slot != NULL);
	int index = (int)(order - world->orders);
	if (slot->order >= 0 && slot->order != index)
		sim_fail(world, "bound", "wallet %u nonce %llu has an order, and gets another one",
			 slot->wallet, (unsigned long long)slot->nonce);
	slot->order = index;
	slot->round = (unsigned)value[1];
	world->summary->bound++;
	sim_tell(world, "%s: bound to wallet %u nonce %llu", order->key, slot->wallet,
		 (unsigned long long)slot->nonce);
	if (!sim_chain_consumer(world->model, slot->wallet, slot->nonce, &consumer) ||
	    !consumer.success || !address_equal(consumer.paid_to, order->to) ||
	    !u256_equal(consumer.paid, order->amount.units))
		sim_fail(world, "bound", "%s is bound to nonce %llu, which did not pay it",
			 order->key, (unsigned long long)slot->nonce);
}
