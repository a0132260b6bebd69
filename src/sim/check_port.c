#include "sim/check_port.h"

#include "sim/check.h"

/* ---- leases ---- */

static void epoch_check(struct sim_process *process, int64_t wallet_id, uint64_t epoch,
			const char *what)
{
	struct sim_world *world = process->world;
	int64_t current =
		sim_ask_i64(world, "SELECT lease_epoch FROM wallets WHERE id = ?", wallet_id);
	if (current != (int64_t)epoch)
		sim_fail(world, "fence", "%s %s for wallet %lld with epoch %llu, and %lld is now",
			 process->instance, what, (long long)wallet_id - 1,
			 (unsigned long long)epoch, (long long)current);
}

static void chain_epoch_check(struct sim_process *process, const struct store_lease *lease)
{
	struct sim_world *world = process->world;
	struct err err = { 0 };
	int64_t current = -1;
	struct db_statement *statement =
		db_prepare(world->db, "SELECT epoch FROM leases WHERE name = ?", &err);
	CHECK(statement != NULL);
	db_bind_text(world->db, statement, 1, str_from(lease->name));
	if (db_step(world->db, statement, &err) == DB_ROW)
		current = db_column_i64(world->db, statement, 0);
	db_reset(world->db, statement);
	if (current != (int64_t)lease->epoch)
		sim_fail(world, "fence", "%s observes with epoch %llu, and %lld is now",
			 process->instance, (unsigned long long)lease->epoch, (long long)current);
}

/* ---- wake-ups ---- */

static size_t message_ask(struct sim_world *world, const struct message_ack *ack, bool *ret_current)
{
	struct err err = { 0 };
	size_t found = 0;
	struct db_statement *statement = db_prepare(
		world->db,
		"SELECT claim IS NOT NULL AND claim = ? AND generation = ? FROM messages "
		"WHERE queue = ? AND subject = ?",
		&err);
	CHECK(statement != NULL);
	db_bind_bytes(world->db, statement, 1, ack->token, sizeof ack->token);
	db_bind_i64(world->db, statement, 2, (int64_t)ack->generation);
	db_bind_i64(world->db, statement, 3, ack->queue);
	db_bind_bytes(world->db, statement, 4, ack->subject.bytes, sizeof ack->subject.bytes);
	if (db_step(world->db, statement, &err) == DB_ROW) {
		*ret_current = db_column_i64(world->db, statement, 0) != 0;
		found = 1;
	}
	db_reset(world->db, statement);
	return found;
}

static void ack_before(struct sim_world *world, size_t i, const struct message_ack *ack)
{
	bool current = true;
	world->before[i].message_open = false;
	if (ack->queue == QUEUE_NONE || message_ask(world, ack, &current) == 0)
		return;
	world->before[i].message_open = !current;
}

static void ack_after(struct sim_process *process, size_t i, const struct message_ack *ack)
{
	bool current = false;
	if (!process->world->before[i].message_open ||
	    message_ask(process->world, ack, &current) > 0)
		return;
	sim_fail(process->world, "messages",
		 "%s ended a wake-up that was renewed, or claimed by somebody else, since",
		 process->instance);
}

void sim_before_acks(struct sim_process *process, const struct message_ack *acks, size_t n)
{
	for (size_t i = 0; i < n && i < BATCH_MAX; i++)
		ack_before(process->world, i, &acks[i]);
}

void sim_after_acks(struct sim_process *process, const struct message_ack *acks, size_t n)
{
	sim_plant_port(process, SIM_CALL_QUEUE_ACK);
	for (size_t i = 0; i < n && i < BATCH_MAX; i++)
		ack_after(process, i, &acks[i]);
}

/* ---- withdrawals ---- */

static void withdrawal_before(struct sim_world *world, size_t i, struct id id)
{
	struct sim_before *before = &world->before[i];
	int64_t value[5] = { -1, 0, 0, 0, 0 };
	(void)sim_ask_of_id(world,
			    "SELECT version, stage, held_reason <> '', cancel_requested, round "
			    "FROM withdrawals WHERE id = ?",
			    id, value, 5);
	before->version = value[0];
	before->stage = (int)value[1];
	before->held = value[2] != 0;
	before->cancel_requested = value[3] != 0;
	before->round = (unsigned)value[4];
}

void sim_before_change(struct sim_process *process, const struct store_change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		withdrawal_before(process->world, i, changes[i].withdrawal);
		ack_before(process->world, i, &changes[i].ack);
	}
}

void sim_after_change(struct sim_process *process, const struct store_change *changes, size_t n)
{
	struct sim_world *world = process->world;
	sim_plant_port(process, SIM_CALL_STORE_CHANGE);
	for (size_t i = 0; i < n && !world->failed; i++) {
		const struct store_change *change = &changes[i];
		const struct sim_before *before = &world->before[i];
		ack_after(process, i, &change->ack);
		if (!change->applied)
			continue;
		if (before->version != (int64_t)change->version ||
		    before->stage != (int)change->from)
			sim_fail(world, "moved", "%s changed a withdrawal that had moved since",
				 process->instance);
		else if (before->held && change->from != change->to)
			sim_fail(world, "hold", "%s moved a withdrawal that is held",
				 process->instance);
		if (change->from == WITHDRAWAL_ASSIGNED && change->to == WITHDRAWAL_QUEUED)
			sim_check_round_proof(process, change->withdrawal, before->round + 1);
	}
}

/* ---- reservations ---- */

void sim_before_reserve(struct sim_process *process, const struct store_reservation *items,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		withdrawal_before(process->world, i, items[i].withdrawal);
		ack_before(process->world, i, &items[i].ack);
	}
}

/* Somebody wants other bytes than these, for which keys, fees or nodes may be missing now. */
static bool is_wished_for(struct sim_world *world, const struct sim_slot *slot)
{
	return (slot->order >= 0 && world->orders[slot->order].cancel_requested) ||
	       sim_ask_i64(world, "SELECT wish FROM transfers WHERE rowid = ?", slot->row) != 0;
}

/* What others signed and left behind goes out before a new nonce is taken. */
static void drain_check(struct sim_process *process, int64_t wallet_id, uint64_t epoch)
{
	struct sim_world *world = process->world;
	for (size_t i = world->slots_len; i > 0; i--) {
		const struct sim_slot *slot = &world->slots[i - 1];
		if (slot->wallet + 1 != wallet_id || slot->stage != TRANSFER_SIGNED ||
		    slot->is_edited || slot->is_lost || slot->signed_epoch == epoch ||
		    slot->sender == process->born || is_wished_for(world, slot))
			continue;
		sim_fail(
			world, "drain",
			"%s takes a nonce of wallet %u before it sent nonce %llu, signed by others",
			process->instance, slot->wallet, (unsigned long long)slot->nonce);
		return;
	}
}

static void right_check(struct sim_process *process, const struct store_reservation *item)
{
	const struct sim_seen_rights *rights = sim_seen_rights_of(process->seen, item->withdrawal);
	if (rights == NULL || rights->has_void || rights->len != item->transfer.round)
		sim_fail(process->world, "journal",
			 "%s takes a nonce for round %u, and the journal did not say that it is "
			 "the next one",
			 process->instance, item->transfer.round);
	else if (item->transfer.round > 0)
		sim_check_round_proof(process, item->withdrawal, item->transfer.round);
}

/* A nonce that somebody may have used since the backup, or has used, for nobody. */
static bool is_filler(const struct sim_world *world, const struct store_reservation *item)
{
	struct sim_mined consumer;
	return item->recovers &&
	       (sim_restore_was(world) ||
		sim_chain_consumer(world->model, (unsigned)item->transfer.wallet_id - 1,
				   item->transfer.nonce, &consumer));
}

void sim_after_reserve(struct sim_process *process, const struct store_reservation *items, size_t n)
{
	struct sim_world *world = process->world;
	sim_plant_port(process, SIM_CALL_STORE_RESERVE);
	for (size_t i = 0; i < n && !world->failed; i++) {
		const struct store_reservation *item = &items[i];
		const struct sim_before *before = &world->before[i];
		ack_after(process, i, &item->ack);
		if (item->result != STORE_WRITTEN)
			continue;
		epoch_check(process, item->transfer.wallet_id, item->epoch, "takes a nonce");
		if (is_filler(world, item))
			continue;
		if (before->version != (int64_t)item->version ||
		    before->stage != WITHDRAWAL_QUEUED || before->held || before->cancel_requested)
			sim_fail(world, "moved",
				 "%s takes a nonce for a withdrawal that had moved, was held or "
				 "canceled since",
				 process->instance);
		right_check(process, item);
		drain_check(process, item->transfer.wallet_id, item->epoch);
		sim_check_purse(world, (unsigned)item->transfer.wallet_id - 1);
	}
}

/* ---- attempts ---- */

void sim_before_attempts(struct sim_process *process, const struct store_attempt *items, size_t n)
{
	struct sim_world *world = process->world;
	for (size_t i = 0; i < n; i++) {
		int64_t value[4] = { 0 };
		(void)sim_ask_of_id(
			world,
			"SELECT t.wish, t.wish_attempts_seen, t.attempts, EXISTS (SELECT 1 FROM "
			"transfer_items i JOIN withdrawals w ON w.id = i.withdrawal_id WHERE "
			"i.transfer_id = t.id AND w.cancel_requested <> 0) FROM transfers t "
			"WHERE t.id = ?",
			items[i].attempt.transfer, value, 4);
		world->before[i].wish = (enum wish)value[0];
		world->before[i].wish_seen = value[1];
		world->before[i].attempts = value[2];
		world->before[i].cancel_requested = value[3] != 0;
	}
}

/* A second signature answers a wish that speaks of the first; a third one, of the second. */
static void wish_check(struct sim_process *process, size_t i, const struct store_attempt *item)
{
	const struct sim_before *before = &process->world->before[i];
	bool wished = before->wish == WISH_BUMP && before->wish_seen == before->attempts;
	if (item->attempt.number > 1 && !wished &&
	    !(before->cancel_requested && item->attempt.is_cancel))
		sim_fail(process->world, "wish",
			 "%s signs attempt %u, and nobody who knew of the one before asked for it",
			 process->instance, item->attempt.number);
}

void sim_after_attempts(struct sim_process *process, const struct store_attempt *items, size_t n)
{
	struct sim_world *world = process->world;
	sim_plant_port(process, SIM_CALL_STORE_ATTEMPTS_ADD);
	for (size_t i = 0; i < n && !world->failed; i++) {
		if (items[i].result != STORE_WRITTEN)
			continue;
		epoch_check(process, items[i].wallet_id, items[i].epoch, "signs");
		wish_check(process, i, &items[i]);
	}
}

/* No answer of a node is a verdict, but one: that the bytes are nothing that it could take. */
void sim_after_sent(struct sim_process *process, const struct store_sent *items, size_t n)
{
	struct sim_world *world = process->world;
	sim_plant_port(process, SIM_CALL_STORE_ATTEMPTS_SENT);
	for (size_t i = 0; i < n && !world->failed; i++) {
		struct hash32 hash;
		if (items[i].result != STORE_WRITTEN)
			continue;
		epoch_check(process, items[i].wallet_id, items[i].epoch, "records a send");
		if (!sim_attempt_hash(world, items[i].transfer, items[i].number, &hash))
			continue;
		const struct sim_seen_send *send = sim_seen_send_of(process->seen, hash);
		if (!items[i].may_be_out && (send == NULL || send->state != CHAIN_SEND_INVALID))
			sim_fail(world, "T5", "%s says of bytes that may be out that they are not",
				 process->instance);
	}
}

void sim_after_turn_cancel(struct sim_process *process, const struct transfer *transfer,
			   uint64_t epoch, enum store_write result)
{
	if (result == STORE_WRITTEN)
		epoch_check(process, transfer->wallet_id, epoch, "turns a slot");
}

void sim_after_bind(struct sim_process *process, const struct store_binding *item)
{
	if (item->result != STORE_WRITTEN)
		return;
	epoch_check(process, item->wallet_id, item->epoch, "binds a slot");
	sim_check_bound(process->world, item->transfer, item->withdrawal);
}

void sim_after_import(struct sim_process *process, const struct store_import *item)
{
	struct sim_world *world = process->world;
	if (item->result != STORE_WRITTEN)
		return;
	epoch_check(process, item->wallet_id, item->epoch, "imports an attempt");
	world->summary->imported++;
	world->importing = true;
	sim_check_changes(world);
	world->importing = false;
}

/* ---- pauses ---- */

void sim_after_controls(struct sim_process *process, const struct control_set *set)
{
	process->controls_version = set->version;
	process->controls_step = process->seen->step;
}

/* ---- observations ---- */

void sim_before_observe(struct sim_process *process, const struct store_observation *items,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t value[1] = { -1 };
		(void)sim_ask_of_id(process->world, "SELECT version FROM transfers WHERE id = ?",
				    items[i].transfer, value, 1);
		process->world->before[i].version = value[0];
	}
}

void sim_after_observe(struct sim_process *process, const struct store_observation *items, size_t n,
		       const struct store_lease *lease)
{
	struct sim_world *world = process->world;
	sim_plant_port(process, SIM_CALL_STORE_OBSERVE);
	for (size_t i = 0; i < n && !world->failed; i++) {
		if (items[i].result != STORE_WRITTEN)
			continue;
		chain_epoch_check(process, lease);
		if (world->before[i].version != (int64_t)items[i].version)
			sim_fail(world, "moved", "%s moved a slot that had moved since",
				 process->instance);
		if (items[i].to == TRANSFER_FINAL && items[i].held_reason == NULL)
			sim_check_final_proof(process, &items[i]);
	}
}
