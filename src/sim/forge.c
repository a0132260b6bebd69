/* Somebody with the password of the database who makes rows of his own: slots, what they are for,
 * attempts with the bytes of others, decisions, approvals, copies of withdrawals, events, messages.
 * By plain SQL, as he would do it; what the schema refuses is refused, and counted. */
#include "sim/check.h"

#include "core/resolve.h"
#include "core/transfer.h"

#include <stdio.h>

#define ROUND_TO_COME 5
#define GAS_LIMIT     100000
#define WAIT_MS_MAX   3600000
#define RECEIVES_MAX  8
#define SEQUENCES     4

static uint64_t below(struct sim_world *world, uint64_t n)
{
	return sim_random_below(&world->own, n);
}

static bool chance(struct sim_world *world, unsigned per_mille)
{
	return sim_random_chance(&world->own, per_mille);
}

static struct id new_id(struct sim_world *world)
{
	uint8_t random[10];
	sim_random_fill(&world->own, random, sizeof random);
	return id_make(world->now_ms, random);
}

/* ---- one statement ---- */

static struct db_statement *statement_begin(struct sim_world *world, const char *literal)
{
	struct err err = { 0 };
	CHECK(db_begin(world->db, true, &err));
	struct db_statement *statement = db_prepare(world->db, literal, &err);
	CHECK(statement != NULL);
	world->editing = world->has_edits = true;
	return statement;
}

/* How many rows it wrote; -1: the schema refuses it. */
static int64_t statement_end(struct sim_world *world, struct db_statement *statement)
{
	struct err err = { 0 };
	enum db_step step = db_step(world->db, statement, &err);
	CHECK(step == DB_DONE || step == DB_CONFLICT);
	int64_t rows = step == DB_DONE ? db_changes(world->db) : -1;
	db_reset(world->db, statement);
	CHECK(db_commit(world->db, &err));
	sim_check_changes(world);
	world->editing = false;
	return rows;
}

/* True: there is such a row now. */
static bool insert_end(struct sim_world *world, struct db_statement *statement,
		       enum sim_insert insert, struct sim_order *order)
{
	int64_t rows = statement_end(world, statement);
	const char *key = order == NULL ? "nobody" : order->key;
	if (order != NULL && rows > 0)
		order->causes |= SIM_CAUSE_EDITED;
	world->summary->inserts[insert] += rows > 0 ? 1 : 0;
	world->summary->inserts_refused[insert] += rows < 0 ? 1 : 0;
	if (rows != 0)
		sim_tell(world, "editor: makes %s for %s%s", sim_insert_text(insert), key,
			 rows < 0 ? ", which the schema refuses" : "");
	return rows > 0;
}

/* An update or a deletion that goes with what is made; of an id and a row. */
static void also(struct sim_world *world, const char *literal, struct id id, int64_t row)
{
	struct db_statement *statement = statement_begin(world, literal);
	db_bind_bytes(world->db, statement, 1, id.bytes, sizeof id.bytes);
	db_bind_i64(world->db, statement, 2, row);
	(void)statement_end(world, statement);
}

static struct sim_order *some_order(struct sim_world *world)
{
	struct sim_order *order = &world->orders[below(world, world->orders_len)];
	return order->row == 0 ? NULL : order;
}

static struct sim_slot *any_slot(struct sim_world *world)
{
	return world->slots_len == 0 ? NULL : &world->slots[below(world, world->slots_len)];
}

/* ---- slots ---- */

/* What is known of the slots before the one that he makes. */
static const char *const of_earlier[] = {
	NULL,
	"UPDATE transfers SET outcome = 2 WHERE stage = 5 AND ?2 > 0 AND id IN "
	"(SELECT transfer_id FROM transfer_items WHERE withdrawal_id = ?1)",
	"DELETE FROM transfer_items WHERE withdrawal_id = ?1 AND ?2 > 0",
	"DELETE FROM transfers WHERE ?2 > 0 AND id IN "
	"(SELECT transfer_id FROM transfer_items WHERE withdrawal_id = ?1)",
};

static unsigned round_draw(struct sim_world *world, const struct sim_order *order)
{
	int64_t round =
		sim_ask_i64(world, "SELECT round FROM withdrawals WHERE rowid = ?", order->row);
	uint64_t dice = below(world, 10);
	if (dice == 0)
		return ROUND_TO_COME;
	return round < 0 ? 0 : (unsigned)round + (dice < 7 ? 1 : 0);
}

static enum transfer_stage stage_draw(struct sim_world *world)
{
	return chance(world, 500) ? TRANSFER_RESERVED
				  : (enum transfer_stage)(1 + below(world, TRANSFER_FINAL));
}

/* Of the wallet of another slot: its next nonce, or that slot's own. */
static struct transfer slot_draw(struct sim_world *world, const struct sim_order *order,
				 const struct sim_slot *other, bool at_used)
{
	const struct asset *asset = &world->catalogue.assets[order->asset];
	struct intent intent = { .id = order->id_stored,
				 .chain_id = world->catalogue.chains[0].chain_id,
				 .is_native = asset->is_native,
				 .contract = asset->contract,
				 .to = order->to,
				 .amount = order->amount };
	struct transfer row = { .id = new_id(world),
				.wallet_id = other->wallet + 1,
				.wallet = world->catalogue.wallets[other->wallet].address };
	row.nonce = at_used ? other->nonce
			    : (uint64_t)sim_ask_i64(world,
						    "SELECT next_nonce FROM wallets WHERE id = ?",
						    row.wallet_id);
	row.stage = stage_draw(world);
	row.outcome = row.stage == TRANSFER_FINAL
			      ? (enum transfer_outcome)below(world, OUTCOME_UNPROVEN + 1)
			      : OUTCOME_NONE;
	row.round = round_draw(world, order);
	transfer_bind(&row, &intent);
	row.payload_hash = transfer_payload_hash(&row);
	if (chance(world, 600))
		transfer_make_cancel(&row);
	return row;
}

static bool slot_write(struct sim_world *world, const struct transfer *row,
		       const struct sim_slot *other, struct sim_order *order)
{
	struct db_statement *statement = statement_begin(
		world,
		"INSERT INTO transfers (id, wallet_id, chain_id, wallet, nonce, stage, outcome, "
		"is_cancel, destination, value, is_token, receiver, amount, gas_limit, "
		"payload_hash, stage_at, mined_hash, mined_block, mined_block_hash) SELECT ?1, ?2, "
		"?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
		"(SELECT mined_hash FROM transfers WHERE rowid = ?17 AND ?6 > 3), "
		"COALESCE((SELECT mined_block FROM transfers WHERE rowid = ?17 AND ?6 > 3), 0), "
		"(SELECT mined_block_hash FROM transfers WHERE rowid = ?17 AND ?6 > 3)");
	uint8_t value[U256_BYTES], amount[U256_BYTES];
	u256_to_bytes(row->value.value, value);
	u256_to_bytes(row->amount.units, amount);
	db_bind_bytes(world->db, statement, 1, row->id.bytes, sizeof row->id.bytes);
	db_bind_i64(world->db, statement, 2, row->wallet_id);
	db_bind_i64(world->db, statement, 3, (int64_t)row->chain_id);
	db_bind_bytes(world->db, statement, 4, row->wallet.bytes, sizeof row->wallet.bytes);
	db_bind_i64(world->db, statement, 5, (int64_t)row->nonce);
	db_bind_i64(world->db, statement, 6, row->stage);
	db_bind_i64(world->db, statement, 7, row->outcome);
	db_bind_i64(world->db, statement, 8, row->is_cancel);
	db_bind_bytes(world->db, statement, 9, row->to.bytes, sizeof row->to.bytes);
	db_bind_bytes(world->db, statement, 10, value, sizeof value);
	db_bind_i64(world->db, statement, 11, row->is_token);
	db_bind_bytes(world->db, statement, 12, row->receiver.bytes, sizeof row->receiver.bytes);
	db_bind_bytes(world->db, statement, 13, amount, sizeof amount);
	db_bind_i64(world->db, statement, 14, GAS_LIMIT);
	db_bind_bytes(world->db, statement, 15, row->payload_hash.bytes,
		      sizeof row->payload_hash.bytes);
	db_bind_i64(world->db, statement, 16, world->now_ms);
	db_bind_i64(world->db, statement, 17, other->row);
	return insert_end(world, statement, SIM_INSERT_SLOT, order);
}

static bool item_write(struct sim_world *world, struct id transfer, unsigned position,
		       struct sim_order *order, unsigned round)
{
	struct db_statement *statement = statement_begin(
		world, "INSERT INTO transfer_items (transfer_id, position, withdrawal_id, round) "
		       "VALUES (?, ?, ?, ?)");
	db_bind_bytes(world->db, statement, 1, transfer.bytes, sizeof transfer.bytes);
	db_bind_i64(world->db, statement, 2, position);
	db_bind_bytes(world->db, statement, 3, order->id_stored.bytes,
		      sizeof order->id_stored.bytes);
	db_bind_i64(world->db, statement, 4, round);
	return insert_end(world, statement, SIM_INSERT_ITEM, order);
}

static void row_bind(struct sim_world *world, struct id transfer, const struct sim_order *order,
		     unsigned round)
{
	struct db_statement *statement = statement_begin(
		world, "UPDATE withdrawals SET stage = 4, round = ?3, transfer_id = ?1, "
		       "held_reason = '', cancel_requested = 0, version = version + 1, due_at = 0 "
		       "WHERE rowid = ?2");
	db_bind_bytes(world->db, statement, 1, transfer.bytes, sizeof transfer.bytes);
	db_bind_i64(world->db, statement, 2, order->row);
	db_bind_i64(world->db, statement, 3, round);
	(void)statement_end(world, statement);
	sim_tell(world, "editor: %s has it, in round %u", order->key, round);
}

/* The slot that has the nonce is gone, and its attempts are the new one's. */
static void slot_replace(struct sim_world *world, struct id id, int64_t row)
{
	also(world,
	     "UPDATE attempts SET transfer_id = ?1 WHERE transfer_id = "
	     "(SELECT id FROM transfers WHERE rowid = ?2)",
	     id, row);
	also(world,
	     "DELETE FROM transfer_items WHERE ?1 IS NOT NULL AND transfer_id = "
	     "(SELECT id FROM transfers WHERE rowid = ?2)",
	     id, row);
	also(world, "DELETE FROM transfers WHERE ?1 IS NOT NULL AND rowid = ?2", id, row);
	sim_tell(world, "editor: takes its place");
}

static void next_nonce_raise(struct sim_world *world, const struct transfer *slot)
{
	unsigned wallet = (unsigned)slot->wallet_id - 1;
	also(world,
	     "UPDATE wallets SET next_nonce = next_nonce + 1 WHERE ?1 IS NOT NULL AND id = ?2",
	     slot->id, slot->wallet_id);
	world->next_nonce[wallet] = slot->nonce + 1;
}

static void slot_insert(struct sim_world *world)
{
	struct sim_order *order = some_order(world);
	struct sim_slot *other = any_slot(world);
	if (order == NULL || other == NULL)
		return;
	bool at_used = chance(world, 200);
	struct transfer row = slot_draw(world, order, other, at_used);
	const char *earlier = of_earlier[below(world, sizeof of_earlier / sizeof *of_earlier)];
	world->has_slot_edits = other->is_edited = true;
	if (other->order >= 0)
		world->orders[other->order].causes |= SIM_CAUSE_EDITED;
	if (earlier != NULL) {
		order->causes |= SIM_CAUSE_EDITED;
		also(world, earlier, order->id_stored, 1);
	}
	if (at_used && chance(world, 700))
		slot_replace(world, row.id, other->row);
	world->nonce_edited[other->wallet] = world->steps;
	if (!slot_write(world, &row, other, order))
		return;
	if (!at_used && chance(world, 800))
		next_nonce_raise(world, &row);
	if (item_write(world, row.id, 0, order, row.round) && chance(world, 700))
		row_bind(world, row.id, order, row.round);
}

/* ---- what they are for, and what was signed ---- */

static bool slot_id(struct sim_world *world, const struct sim_slot *slot, struct id *ret_id)
{
	size_t len = 0;
	return sim_ask_bytes(world, "SELECT id FROM transfers WHERE rowid = ?", slot->row,
			     ret_id->bytes, sizeof ret_id->bytes, &len);
}

static void slot_touch(struct sim_world *world, struct sim_slot *slot)
{
	world->has_slot_edits = slot->is_edited = true;
	if (slot->order >= 0)
		world->orders[slot->order].causes |= SIM_CAUSE_EDITED;
}

static void item_insert(struct sim_world *world)
{
	struct sim_order *order = some_order(world);
	struct sim_slot *slot = any_slot(world);
	struct id id;
	if (order == NULL || slot == NULL || !slot_id(world, slot, &id))
		return;
	slot_touch(world, slot);
	(void)item_write(world, id, (unsigned)below(world, 2), order, round_draw(world, order));
}

/* The newest bytes of one slot are those of another as well, or instead. */
static void attempt_insert(struct sim_world *world)
{
	struct sim_slot *slot = any_slot(world);
	struct sim_slot *from = any_slot(world);
	struct id id, source;
	bool moves = chance(world, 300);
	if (slot == NULL || !slot_id(world, slot, &id) || !slot_id(world, from, &source))
		return;
	slot_touch(world, slot);
	slot_touch(world, from);
	struct db_statement *statement = statement_begin(
		world,
		"INSERT INTO attempts (transfer_id, number, is_cancel, reason, tip, cap, "
		"gas_limit, tx_hash, raw, signed_at, sent_at) SELECT ?1, (SELECT COALESCE(MAX("
		"b.number), 0) + ?3 FROM attempts b WHERE b.transfer_id = ?1), is_cancel, reason, "
		"tip, cap, gas_limit, CASE ?4 WHEN 1 THEN tx_hash ELSE ?5 END, raw, signed_at, "
		"sent_at FROM attempts WHERE transfer_id = ?2 ORDER BY number DESC LIMIT 1");
	struct hash32 hash;
	sim_random_fill(&world->own, hash.bytes, sizeof hash.bytes);
	db_bind_bytes(world->db, statement, 1, id.bytes, sizeof id.bytes);
	db_bind_bytes(world->db, statement, 2, source.bytes, sizeof source.bytes);
	db_bind_i64(world->db, statement, 3, chance(world, 800) ? 1 : 2);
	db_bind_i64(world->db, statement, 4, chance(world, 200) ? 1 : 0);
	db_bind_bytes(world->db, statement, 5, hash.bytes, sizeof hash.bytes);
	struct sim_order *order = slot->order < 0 ? NULL : &world->orders[slot->order];
	if (!insert_end(world, statement, SIM_INSERT_ATTEMPT, order))
		return;
	from->is_stuffed |= moves;
	if (moves)
		also(world,
		     "DELETE FROM attempts WHERE transfer_id = ?1 AND number = ?2 + (SELECT "
		     "MAX(number) FROM attempts WHERE transfer_id = ?1)",
		     source, 0);
	if (chance(world, 500))
		also(world,
		     "UPDATE transfers SET attempts = (SELECT COUNT(*) FROM attempts WHERE "
		     "transfer_id = ?1) WHERE id = ?1 AND ?2 = 0",
		     id, 0);
}

/* ---- words of others ---- */

/* Two people, with a MAC of another case when there is one. */
static void decision_write(struct sim_world *world, struct sim_order *order,
			   const struct resolve_case *of, const char *person)
{
	struct db_statement *statement = statement_begin(
		world,
		"INSERT INTO decisions (withdrawal_id, transfer_id, version, shown, person, "
		"key_id, verdict, tx_hash, decided_at, mac_key_id, mac) SELECT ?1, ?2, ?3, ?4, ?5, "
		"'key of ' || ?5, 2, zeroblob(32), ?6, 1, COALESCE((SELECT mac FROM decisions "
		"WHERE person = ?5 ORDER BY decided_at DESC LIMIT 1), zeroblob(32))");
	db_bind_bytes(world->db, statement, 1, of->withdrawal.bytes, sizeof of->withdrawal.bytes);
	db_bind_bytes(world->db, statement, 2, of->transfer.bytes, sizeof of->transfer.bytes);
	db_bind_i64(world->db, statement, 3, (int64_t)of->version);
	db_bind_bytes(world->db, statement, 4, of->shown.bytes, sizeof of->shown.bytes);
	db_bind_text(world->db, statement, 5, str_from(person));
	db_bind_i64(world->db, statement, 6, world->now_ms);
	(void)insert_end(world, statement, SIM_INSERT_DECISION, order);
}

static void decision_insert(struct sim_world *world)
{
	struct sim_order *order = some_order(world);
	struct store_view view;
	struct err err = { 0 };
	bool found = false;
	if (order == NULL)
		return;
	CHECK(store_withdrawal_view(world->store, order->id_stored, &view, &found, &err));
	if (!found)
		return;
	struct resolve_case of =
		resolve_case_of(&view.withdrawal, view.has_transfer ? &view.transfer : NULL);
	decision_write(world, order, &of, "ann");
	decision_write(world, order, &of, "ben");
}

/* The processor said yes to another one. */
static void approval_copy(struct sim_world *world)
{
	struct sim_order *order = some_order(world);
	const struct sim_order *from = some_order(world);
	if (order == NULL || from == NULL || order == from)
		return;
	struct db_statement *statement = statement_begin(
		world,
		"UPDATE withdrawals SET (policy_version, approved_at, expires_at, approval_key_id, "
		"approval_mac) = (SELECT policy_version, approved_at, expires_at, approval_key_id, "
		"approval_mac FROM withdrawals WHERE rowid = ?2), stage = CASE stage WHEN 1 THEN 3 "
		"ELSE stage END, version = version + 1 WHERE rowid = ?1 AND stage < 5");
	db_bind_i64(world->db, statement, 1, order->row);
	db_bind_i64(world->db, statement, 2, from->row);
	(void)insert_end(world, statement, SIM_INSERT_APPROVAL, order);
}

/* Another id and key; its MACs are of the row that it is a copy of. */
static void withdrawal_insert(struct sim_world *world)
{
	struct sim_order *order = some_order(world);
	if (order == NULL)
		return;
	struct db_statement *statement = statement_begin(
		world,
		"INSERT INTO withdrawals (id, account, chain_id, asset, is_native, contract, "
		"decimals, receiver, amount, key_hash, fingerprint, created_at, created_by, key_owner, correlation_id, "
		"intent_key_id, intent_mac, policy_version, approved_at, expires_at, "
		"approval_key_id, approval_mac, stage, version, due_at, updated_at) SELECT ?2, "
		"account, chain_id, asset, is_native, contract, decimals, receiver, amount, ?3, "
		"fingerprint, created_at, created_by, key_owner, 'forged', intent_key_id, intent_mac, policy_version, "
		"approved_at, expires_at, approval_key_id, approval_mac, ?4, 1, 0, updated_at "
		"FROM withdrawals WHERE rowid = ?1");
	struct id id = new_id(world);
	struct id key = new_id(world);
	db_bind_i64(world->db, statement, 1, order->row);
	db_bind_bytes(world->db, statement, 2, id.bytes, sizeof id.bytes);
	db_bind_bytes(world->db, statement, 3, key.bytes, sizeof key.bytes);
	db_bind_i64(world->db, statement, 4,
		    chance(world, 500) ? WITHDRAWAL_QUEUED : WITHDRAWAL_ACCEPTED);
	(void)insert_end(world, statement, SIM_INSERT_WITHDRAWAL, order);
}

static void event_insert(struct sim_world *world)
{
	struct sim_order *order = some_order(world);
	if (order == NULL)
		return;
	struct db_statement *statement = statement_begin(
		world, "INSERT INTO events (withdrawal_id, sequence, at, type, actor, stage, "
		       "detail) SELECT id, version + ?2, ?3, 'completed', 4, 5, '{}' "
		       "FROM withdrawals WHERE rowid = ?1");
	db_bind_i64(world->db, statement, 1, order->row);
	db_bind_i64(world->db, statement, 2, (int64_t)below(world, SEQUENCES));
	db_bind_i64(world->db, statement, 3, world->now_ms);
	(void)insert_end(world, statement, SIM_INSERT_EVENT, order);
}

/* Claimed by nobody, for a while, or received often enough. */
static void message_insert(struct sim_world *world)
{
	struct sim_order *order = some_order(world);
	if (order == NULL)
		return;
	struct db_statement *statement = statement_begin(
		world, "INSERT INTO messages (queue, subject, correlation_id, created_at, "
		       "visible_at, receives, claim) SELECT ?2, id, correlation_id, ?3, ?4, ?5, "
		       "CASE ?6 WHEN 1 THEN zeroblob(16) END FROM withdrawals WHERE rowid = ?1");
	db_bind_i64(world->db, statement, 1, order->row);
	db_bind_i64(world->db, statement, 2, (int64_t)(1 + below(world, 3)));
	db_bind_i64(world->db, statement, 3, world->now_ms);
	db_bind_i64(world->db, statement, 4, world->now_ms + (int64_t)below(world, WAIT_MS_MAX));
	db_bind_i64(world->db, statement, 5, (int64_t)below(world, RECEIVES_MAX));
	db_bind_i64(world->db, statement, 6, chance(world, 500) ? 1 : 0);
	(void)insert_end(world, statement, SIM_INSERT_MESSAGE, order);
}

/* ---- which ---- */

static const struct {
	const char *text;
	unsigned weight;
	void (*act)(struct sim_world *world);
} inserts[SIM_INSERTS] = {
	[SIM_INSERT_SLOT] = { "a slot", 8, slot_insert },
	[SIM_INSERT_ITEM] = { "an item", 2, item_insert },
	[SIM_INSERT_ATTEMPT] = { "an attempt", 2, attempt_insert },
	[SIM_INSERT_WITHDRAWAL] = { "a copy", 1, withdrawal_insert },
	[SIM_INSERT_DECISION] = { "a decision", 1, decision_insert },
	[SIM_INSERT_APPROVAL] = { "an approval", 1, approval_copy },
	[SIM_INSERT_EVENT] = { "an event", 1, event_insert },
	[SIM_INSERT_MESSAGE] = { "a message", 1, message_insert },
};
#define WEIGHTS 17

const char *sim_insert_text(enum sim_insert insert)
{
	CHECK(insert < SIM_INSERTS);
	return inserts[insert].text;
}

void sim_forge(struct sim_world *world)
{
	uint64_t dice = below(world, WEIGHTS);
	if (!world->forges)
		return;
	for (enum sim_insert i = 0; i < SIM_INSERTS; i++) {
		if (dice < inserts[i].weight) {
			inserts[i].act(world);
			return;
		}
		dice -= inserts[i].weight;
	}
}
