/* Somebody with the password of the database, who knows the schema and has no key. Whatever he
 * writes, nobody is paid twice, or what he did not ask for; delay and false words are his. */
#include "sim/check.h"

static void edit(struct sim_world *world, const char *what, const char *literal, int64_t row)
{
	struct err err = { 0 };
	CHECK(db_begin(world->db, true, &err));
	struct db_statement *statement = db_prepare(world->db, literal, &err);
	CHECK(statement != NULL);
	db_bind_i64(world->db, statement, 1, row);
	world->editing = world->has_edits = true;
	enum db_step step = db_step(world->db, statement, &err);
	CHECK(step == DB_DONE || step == DB_CONFLICT);
	db_reset(world->db, statement);
	CHECK(db_commit(world->db, &err));
	sim_check_changes(world);
	world->editing = false;
	sim_tell(world, "editor: row %lld %s", (long long)row, what);
}

struct edit {
	const char *what;
	const char *statement; /* of the one row */
};

static const struct edit of_withdrawals[] = {
	{ "is queued again", "UPDATE withdrawals SET stage = 3, version = version + 1, due_at = 0 "
			     "WHERE rowid = ?" },
	{ "has another receiver",
	  "UPDATE withdrawals SET receiver = x'00000000000000000000000000000000000bad01' "
	  "WHERE rowid = ? AND stage < 5" },
	{ "is a round ahead",
	  "UPDATE withdrawals SET stage = 3, round = round + 1, version = version + 1, "
	  "due_at = 0 WHERE rowid = ?" },
	{ "has another amount", "UPDATE withdrawals SET amount = zeroblob(31) || x'01' "
				"WHERE rowid = ? AND stage < 5" },
	{ "is in its first round", "UPDATE withdrawals SET stage = 3, round = 0, version = "
				   "version + 1, due_at = 0 WHERE rowid = ?" },
	{ "is to be canceled", "UPDATE withdrawals SET cancel_requested = 1 WHERE rowid = ?" },
	{ "is held",
	  "UPDATE withdrawals SET held_reason = 'edited' WHERE rowid = ? AND stage < 5" },
};

/* Old, and valid once: as it was when nothing of it was paid. */
static void replay(struct sim_world *world, struct sim_order *order)
{
	edit(world, "loses its slots",
	     "DELETE FROM transfer_items WHERE withdrawal_id = "
	     "(SELECT id FROM withdrawals WHERE rowid = ?)",
	     order->row);
	edit(world, "is as it was at first",
	     "UPDATE withdrawals SET stage = 3, round = 0, held_reason = '', wait_reason = '', "
	     "cancel_requested = 0, transfer_id = NULL, version = version + 1, due_at = 0 "
	     "WHERE rowid = ?",
	     order->row);
}

/* Of a slot: each only where it is more than noise. */
static const struct edit of_slots[] = {
	{ "is final, and reverted",
	  "UPDATE transfers SET stage = 5, outcome = 2, version = version + 1 WHERE rowid = ? AND stage IN (3, 4)" },
	{ "is final, and replaced",
	  "UPDATE transfers SET stage = 5, outcome = 3, version = version + 1 WHERE rowid = ? AND stage IN (3, 4)" },
	{ "was mined by another transaction",
	  "UPDATE transfers SET mined_hash = zeroblob(31) || x'01' WHERE rowid = ? AND stage = 4" },
	{ "was mined in another block", "UPDATE transfers SET mined_block_hash = zeroblob(31) || "
					"x'02' WHERE rowid = ? AND stage = 4" },
	{ "was mined long ago",
	  "UPDATE transfers SET mined_block = 1 WHERE rowid = ? AND stage = 4" },
	{ "is wished for by nobody", "UPDATE transfers SET wish = 2, wish_attempts_seen = "
				     "attempts + 1 WHERE rowid = ? AND stage = 3" },
};

/* Of what a slot that is not signed yet is to pay. */
static const struct edit of_payloads[] = {
	{ "pays another amount", "UPDATE transfers SET amount = zeroblob(31) || x'01', value = "
				 "CASE is_token WHEN 1 THEN value ELSE zeroblob(31) || x'01' END "
				 "WHERE rowid = ? AND stage = 1 AND is_cancel = 0" },
	{ "pays somebody else", "UPDATE transfers SET receiver = "
				"x'00000000000000000000000000000000000bad01' WHERE rowid = ? AND "
				"stage = 1 AND is_cancel = 0" },
	{ "has another payload", "UPDATE transfers SET payload_hash = zeroblob(31) || x'03' "
				 "WHERE rowid = ? AND stage = 1 AND is_cancel = 0" },
};

#define EDITS(list) (list), sizeof(list) / sizeof *(list)

/* A change that raised no version was not told. */
static void held_refresh(struct sim_world *world, struct sim_order *order)
{
	size_t len = 0;
	order->causes |= SIM_CAUSE_EDITED;
	memset(order->held_reason, 0, sizeof order->held_reason);
	(void)sim_ask_bytes(world, "SELECT held_reason FROM withdrawals WHERE rowid = ?",
			    order->row, order->held_reason, REASON_LEN_MAX, &len);
	order->held_step = world->steps;
}

static void some(struct sim_world *world, const struct edit *edits, size_t n, int64_t row)
{
	const struct edit *chosen = &edits[sim_between(world, 0, (int64_t)n - 1)];
	edit(world, chosen->what, chosen->statement, row);
}

static struct sim_slot *some_slot(struct sim_world *world, enum transfer_stage first,
				  enum transfer_stage last)
{
	size_t from = world->slots_len;
	size_t skip = from == 0 ? 0 : (size_t)sim_between(world, 0, (int64_t)from - 1);
	for (size_t i = 0; i < from; i++) {
		struct sim_slot *slot = &world->slots[(skip + i) % from];
		if (slot->stage >= first && slot->stage <= last && slot->order >= 0)
			return slot;
	}
	return NULL;
}

static void slot_edit(struct sim_world *world)
{
	struct sim_slot *slot = some_slot(world, TRANSFER_BROADCAST, TRANSFER_MINED);
	if (slot == NULL)
		return;
	world->has_slot_edits = slot->is_edited = true;
	world->orders[slot->order].causes |= SIM_CAUSE_EDITED;
	some(world, EDITS(of_slots), slot->row);
}

static void payload_edit(struct sim_world *world)
{
	struct sim_slot *slot = some_slot(world, TRANSFER_RESERVED, TRANSFER_RESERVED);
	if (slot == NULL || slot->attempts > 0)
		return;
	world->has_slot_edits = slot->is_bent = true;
	slot->bent_step = world->steps;
	world->orders[slot->order].causes |= SIM_CAUSE_EDITED;
	some(world, EDITS(of_payloads), slot->row);
}

/* The next nonce is another one: the store seems an old one, or has a gap. */
static void nonce_edit(struct sim_world *world)
{
	unsigned wallet = (unsigned)sim_between(world, 0, SIM_WALLETS - 1);
	if (!world->nonces_known[wallet] || world->nonce_edited[wallet] != 0)
		return;
	world->has_slot_edits = true;
	world->nonce_edited[wallet] = world->steps;
	for (size_t i = 0; i < world->slots_len; i++) {
		struct sim_slot *slot = &world->slots[i];
		if (slot->wallet != wallet || slot->nonce + 1 != world->next_nonce[wallet])
			continue;
		slot->is_edited = true;
		if (slot->order >= 0)
			world->orders[slot->order].causes |= SIM_CAUSE_EDITED;
	}
	if (sim_chance(world, 500))
		edit(world, "has a gap in its nonces",
		     "UPDATE wallets SET next_nonce = next_nonce + 2 WHERE id = ?", wallet + 1);
	else
		edit(world, "has lost its last nonce",
		     "DELETE FROM transfers WHERE wallet_id = ?1 AND nonce + 1 = (SELECT "
		     "next_nonce FROM wallets WHERE id = ?1)",
		     wallet + 1);
}

void sim_editor_act(struct sim_world *world)
{
	struct sim_order *order =
		&world->orders[sim_between(world, 0, (int64_t)world->orders_len - 1)];
	int64_t dice = sim_between(world, 0, 999);
	if (order->row == 0)
		return;
	if (dice < 450 || !world->edits_slots) {
		if (dice % 4 == 0)
			replay(world, order);
		else
			some(world, EDITS(of_withdrawals), order->row);
		held_refresh(world, order);
	} else if (dice < 900) {
		slot_edit(world);
	} else if (dice < 970) {
		payload_edit(world);
	} else {
		nonce_edit(world);
	}
}

/* ---- at the worst moment ---- */

static struct sim_order *order_in(struct sim_world *world, enum withdrawal_stage stage)
{
	size_t skip = (size_t)sim_between(world, 0, (int64_t)world->orders_len - 1);
	for (size_t i = 0; i < world->orders_len; i++) {
		struct sim_order *order = &world->orders[(skip + i) % world->orders_len];
		if (order->row != 0 && order->stage == stage)
			return order;
	}
	return NULL;
}

/* Final and unpaid, and then it is not: whoever is about to leave it has to look again. */
static void final_undo(struct sim_world *world)
{
	for (size_t i = world->slots_len; i > 0; i--) {
		const struct sim_slot *slot = &world->slots[i - 1];
		if (slot->stage != TRANSFER_FINAL || slot->outcome == OUTCOME_SUCCEEDED ||
		    slot->order < 0 || world->orders[slot->order].stage != WITHDRAWAL_ASSIGNED)
			continue;
		world->has_slot_edits = true;
		edit(world, "is not final any more",
		     "UPDATE transfers SET stage = 3, outcome = 0, version = version + 1 "
		     "WHERE rowid = ?",
		     slot->row);
		return;
	}
}

void sim_editor_strike(struct sim_world *world, enum sim_call call)
{
	struct sim_order *order = NULL;
	if (world->forges && sim_random_chance(&world->own, 300)) {
		sim_forge(world);
		return;
	}
	if (call == SIM_CALL_STORE_CHANGE && world->edits_slots) {
		final_undo(world);
		return;
	}
	if (call == SIM_CALL_STORE_RESERVE)
		order = order_in(world, WITHDRAWAL_QUEUED);
	else if (call == SIM_CALL_STORE_ATTEMPTS_ADD || call == SIM_CALL_STORE_OBSERVE)
		order = order_in(world, WITHDRAWAL_ASSIGNED);
	if (order == NULL)
		return;
	some(world, EDITS(of_withdrawals), order->row);
	held_refresh(world, order);
}
