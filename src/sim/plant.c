/* Violations made on purpose, behind the services' back: each has to be caught by the checker of
 * its rule. Made as soon as there is a row to make it of, or at the end. */
#include "sim/check.h"

#include "core/tx.h"

static const char *const texts[SIM_PLANTS] = {
	[SIM_PLANT_NONE] = "none",
	[SIM_PLANT_TWO_LIVE] = "two-live",
	[SIM_PLANT_NONCE_GAP] = "nonce-gap",
	[SIM_PLANT_UNSTORED] = "unstored",
	[SIM_PLANT_LEFT_EARLY] = "left-early",
	[SIM_PLANT_FAILED_PAID] = "failed-paid",
	[SIM_PLANT_NOT_PAID] = "not-paid",
	[SIM_PLANT_OTHER_PAYLOAD] = "other-payload",
	[SIM_PLANT_TWICE] = "twice",
	[SIM_PLANT_FINAL_CHANGED] = "final-changed",
	[SIM_PLANT_LEAK] = "leak",
	[SIM_PLANT_STUCK] = "stuck",
	[SIM_PLANT_NO_CONSUMER] = "no-consumer",
	[SIM_PLANT_PAID_AFTER_CANCEL] = "paid-after-cancel",
	[SIM_PLANT_BUMP_TOO_LOW] = "bump-too-low",
	[SIM_PLANT_BUMP_TOO_SOON] = "bump-too-soon",
	[SIM_PLANT_FEE_ABOVE_LIMIT] = "fee-above-limit",
	[SIM_PLANT_OLD_EPOCH] = "old-epoch",
	[SIM_PLANT_MOVED] = "moved",
	[SIM_PLANT_UNASKED] = "unasked",
	[SIM_PLANT_NO_VOID] = "no-void",
	[SIM_PLANT_UNPROVEN] = "unproven",
	[SIM_PLANT_UNWISHED] = "unwished",
	[SIM_PLANT_NOT_OUT] = "not-out",
	[SIM_PLANT_UNDRAINED] = "undrained",
	[SIM_PLANT_LOST_WAKE_UP] = "lost-wake-up",
	[SIM_PLANT_SIGNED_CANCELED] = "signed-canceled",
	[SIM_PLANT_HELD] = "held",
	[SIM_PLANT_FALSE_ALARM] = "false-alarm",
	[SIM_PLANT_STOPPED] = "stopped",
	[SIM_PLANT_OVERDRAWN] = "overdrawn",
	[SIM_PLANT_LIMIT] = "limit",
	[SIM_PLANT_STRANGER] = "stranger",
	[SIM_PLANT_SHALLOW] = "shallow",
	[SIM_PLANT_STALE] = "stale",
	[SIM_PLANT_TAKEN_BACK] = "taken-back",
	[SIM_PLANT_UNNOTICED] = "unnoticed",
	[SIM_PLANT_REFUSED] = "refused",
	[SIM_PLANT_PAID_AGAIN] = "paid-again",
	[SIM_PLANT_EDITED_AUDIT] = "edited-audit",
	[SIM_PLANT_UNHEEDED] = "unheeded",
	[SIM_PLANT_UNAPPROVED] = "unapproved",
};

const char *sim_plant_text(enum sim_plant plant)
{
	CHECK(plant < SIM_PLANTS);
	return texts[plant];
}

/* How many rows it changed. */
static int64_t change(struct sim_world *world, const char *statement)
{
	struct err err = { 0 };
	CHECK(db_exec(world->db, statement, &err));
	return db_changes(world->db);
}

#define SLOT_COLUMNS                                                                              \
	"wallet_id, chain_id, wallet, stage, is_cancel, destination, value, is_token, receiver, " \
	"amount, gas_limit, payload_hash, stage_at"

/* fees: of tip and cap; age: behind the first attempt, as SQL. */
#define FIRST_ATTEMPT_AGAIN(number, is_cancel, hash, fees, age)                                \
	"INSERT INTO attempts (transfer_id, number, is_cancel, tip, cap, gas_limit, tx_hash, " \
	"raw, signed_at) SELECT transfer_id, " number ", " is_cancel ", " fees ", gas_limit, " \
	"zeroblob(31) || " hash ", raw, signed_at + " age " FROM attempts WHERE rowid = "      \
	"(SELECT MIN(a.rowid) FROM attempts a JOIN transfers t ON t.id = a.transfer_id WHERE " \
	"t.stage < 5 AND t.attempts = 1)"
#define BUMP(fees, age) FIRST_ATTEMPT_AGAIN("2", "0", "x'01'", fees, age)
#define FEES_OF(cap)    "zeroblob(24) || x'" cap "', zeroblob(24) || x'" cap "'"
#define FEES_300        FEES_OF("00000045d964b800") /* gwei */
#define FEES_400        FEES_OF("0000005d21dba000")
#define FEES_600        FEES_OF("0000008bb2c97000")

static bool two_live(struct sim_world *world)
{
	struct err err = { 0 };
	CHECK(db_begin(world->db, true, &err));
	int64_t made =
		change(world, "INSERT INTO transfers (id, nonce, " SLOT_COLUMNS ") SELECT "
			      "x'00000000000070008000000000000001', (SELECT MAX(u.nonce) + 1 FROM "
			      "transfers u WHERE u.wallet_id = t.wallet_id), " SLOT_COLUMNS
			      " FROM transfers t WHERE stage < 4 AND EXISTS (SELECT 1 FROM "
			      "transfer_items i WHERE i.transfer_id = t.id) LIMIT 1");
	if (made > 0)
		made = change(world,
			      "INSERT INTO transfer_items (transfer_id, position, withdrawal_id, "
			      "round) SELECT x'00000000000070008000000000000001', 0, "
			      "i.withdrawal_id, i.round + 1 FROM transfer_items i JOIN transfers t "
			      "ON t.id = i.transfer_id WHERE t.stage < 4 LIMIT 1");
	CHECK(db_commit(world->db, &err));
	return made > 0;
}

/* The key's new row gets a slot, as if nobody had asked the journal. */
static bool slot_give(struct sim_world *world, int64_t row)
{
	struct err err = { 0 };
	CHECK(db_begin(world->db, true, &err));
	int64_t made =
		change(world, "INSERT INTO transfers (id, nonce, " SLOT_COLUMNS ") SELECT "
			      "x'00000000000070008000000000000003', (SELECT MAX(u.nonce) + 1 FROM "
			      "transfers u WHERE u.wallet_id = t.wallet_id), " SLOT_COLUMNS
			      " FROM transfers t LIMIT 1");
	struct db_statement *statement = db_prepare(
		world->db,
		"INSERT INTO transfer_items (transfer_id, position, withdrawal_id, round) SELECT "
		"x'00000000000070008000000000000003', 0, id, 0 FROM withdrawals WHERE rowid = ?",
		&err);
	CHECK(statement != NULL);
	db_bind_i64(world->db, statement, 1, row);
	CHECK(db_step(world->db, statement, &err) == DB_DONE);
	db_reset(world->db, statement);
	CHECK(db_commit(world->db, &err));
	return made > 0;
}

static bool paid_again(struct sim_world *world)
{
	for (size_t i = 0; i < world->slots_len; i++) {
		const struct sim_slot *slot = &world->slots[i];
		if (!slot->is_lost || slot->order < 0 || slot->paid_at == 0)
			continue;
		const struct sim_order *order = &world->orders[slot->order];
		if (order->row != 0 && order->stage == WITHDRAWAL_QUEUED &&
		    order->told == WITHDRAWAL_COMPLETED)
			return slot_give(world, order->row);
	}
	return false;
}

static bool nonce_gap(struct sim_world *world)
{
	return change(world, "INSERT INTO transfers (id, nonce, " SLOT_COLUMNS ") SELECT "
			     "x'00000000000070008000000000000002', MAX(nonce) + 2, " SLOT_COLUMNS
			     " FROM transfers GROUP BY wallet_id LIMIT 1") > 0;
}

static void payment_elsewhere(struct sim_world *world, const struct sim_slot *slot, struct buf *raw)
{
	struct tx tx = { .chain_id = world->catalogue.chains[0].chain_id,
			 .nonce = slot->nonce,
			 .gas_limit = 21000,
			 .value = { u256_from_u64(1) } };
	struct tx_signature signature = { .r = { 1 }, .s = { 1 } };
	memset(tx.to.bytes, 0xbd, sizeof tx.to.bytes);
	tx.fees.cap.value = tx.fees.tip.value = u256_from_u64(1);
	tx_write_signed(&tx, &signature, raw);
}

static bool unstored(struct sim_world *world)
{
	uint8_t bytes[TX_BYTES_MAX];
	struct buf raw = buf_of(bytes, sizeof bytes);
	if (world->slots_len == 0)
		return false;
	payment_elsewhere(world, &world->slots[0], &raw);
	sim_check_sent(world, buf_view(&raw));
	return true;
}

static bool other_payload(struct sim_world *world)
{
	struct err err = { 0 };
	uint8_t bytes[TX_BYTES_MAX];
	struct buf raw = buf_of(bytes, sizeof bytes);
	if (world->slots_len == 0 || world->slots[0].stage >= TRANSFER_FINAL)
		return false;
	payment_elsewhere(world, &world->slots[0], &raw);
	struct hash32 hash = tx_hash_of(buf_view(&raw));
	CHECK(db_begin(world->db, true, &err));
	struct db_statement *statement = db_prepare(
		world->db,
		"INSERT INTO attempts (transfer_id, number, is_cancel, tip, cap, gas_limit, "
		"tx_hash, raw, signed_at) SELECT id, attempts + 1, 0, " FEES_300 ", 21000, ?, ?, "
		"9000000000000000 FROM transfers WHERE rowid = ?",
		&err);
	CHECK(statement != NULL);
	db_bind_bytes(world->db, statement, 1, hash.bytes, sizeof hash.bytes);
	db_bind_bytes(world->db, statement, 2, bytes, raw.len);
	db_bind_i64(world->db, statement, 3, world->slots[0].row);
	CHECK(db_step(world->db, statement, &err) == DB_DONE);
	db_reset(world->db, statement);
	CHECK(db_commit(world->db, &err));
	sim_check_changes(world);
	sim_check_sent(world, buf_view(&raw));
	return true;
}

static bool paid_after_cancel(struct sim_world *world)
{
	struct err err = { 0 };
	CHECK(db_begin(world->db, true, &err));
	bool made = change(world, FIRST_ATTEMPT_AGAIN("2", "1", "x'01'", FEES_300, "60000")) > 0 &&
		    change(world, FIRST_ATTEMPT_AGAIN("3", "0", "x'02'", FEES_400, "120000")) > 0;
	CHECK(db_commit(world->db, &err));
	return made;
}

#define ASSIGNED_BECOMES(stage)                                                              \
	"UPDATE withdrawals SET stage = " stage ", version = version + 1 WHERE rowid = "     \
	"(SELECT w.rowid FROM withdrawals w JOIN transfers t ON t.id = w.transfer_id WHERE " \
	"w.stage = 4 AND t.stage < 4 LIMIT 1)"

#define FINAL_BLOCK_GONE "UPDATE transfers SET mined_block_hash = zeroblob(32) WHERE stage = 5"

static bool false_alarm(struct sim_world *world)
{
	log_line(&world->log, LOG_ERROR,
		 &(struct log_about){ .action = "withdrawal_held",
				      .trace_id = world->orders[0].key,
				      .alarm = true },
		 "withdrawal_held round_was_paid");
	return true;
}

static bool taken_back(struct sim_world *world)
{
	world->causes |= SIM_CAUSE_TAKE_BACK;
	return change(world, FINAL_BLOCK_GONE) > 0;
}

/* A switch that the checkers know of, and the signer does not. */
static bool unheeded(struct sim_world *world)
{
	world->desk.set.rows[0] =
		(struct control){ .scope = CONTROL_ALL, .stops = CONTROL_SIGNING };
	world->desk.set.len = 1;
	return true;
}

static bool stuck(struct sim_world *world)
{
	if (world->sqs != NULL)
		(void)sim_sqs_wipe(world->sqs);
	return change(world, "UPDATE withdrawals SET due_at = NULL WHERE stage = 3") > 0 &&
	       change(world, "DELETE FROM messages WHERE queue = 2") >= 0;
}

/* Each by an edit of rows, or by what it does; false: there is no row for it yet. */
static const struct step_plant {
	enum sim_plant plant;
	const char *statement;
	bool (*act)(struct sim_world *world);
} at_steps[] = {
	{ SIM_PLANT_TWO_LIVE, NULL, two_live },
	{ SIM_PLANT_PAID_AGAIN, NULL, paid_again },
	{ SIM_PLANT_NONCE_GAP, NULL, nonce_gap },
	{ SIM_PLANT_UNSTORED, NULL, unstored },
	{ SIM_PLANT_OTHER_PAYLOAD, NULL, other_payload },
	{ SIM_PLANT_PAID_AFTER_CANCEL, NULL, paid_after_cancel },
	{ SIM_PLANT_BUMP_TOO_LOW, BUMP("tip, cap", "60000"), NULL },
	{ SIM_PLANT_BUMP_TOO_SOON, BUMP(FEES_300, "4999"), NULL },
	{ SIM_PLANT_FEE_ABOVE_LIMIT, BUMP(FEES_600, "60000"), NULL },
	{ SIM_PLANT_LEFT_EARLY, ASSIGNED_BECOMES("3"), NULL },
	{ SIM_PLANT_FAILED_PAID, ASSIGNED_BECOMES("6"), NULL },
	{ SIM_PLANT_NOT_PAID, ASSIGNED_BECOMES("5"), NULL },
	{ SIM_PLANT_FINAL_CHANGED,
	  "UPDATE transfers SET stage = 4, version = version + 1 WHERE "
	  "rowid = (SELECT MIN(rowid) FROM transfers WHERE stage = 5)",
	  NULL },
	{ SIM_PLANT_NO_CONSUMER,
	  "UPDATE transfers SET stage = 5, outcome = 1 WHERE rowid = "
	  "(SELECT MAX(rowid) FROM transfers WHERE stage = 4)",
	  NULL },
	{ SIM_PLANT_STUCK, NULL, stuck },
	{ SIM_PLANT_NO_VOID,
	  "UPDATE withdrawals SET stage = 6, version = version + 1 WHERE rowid = "
	  "(SELECT MIN(rowid) FROM withdrawals WHERE stage = 3)",
	  NULL },
	{ SIM_PLANT_REFUSED,
	  "UPDATE withdrawals SET stage = 6, failure_code = 'receiver_refuses', "
	  "version = version + 1 WHERE rowid = "
	  "(SELECT MIN(rowid) FROM withdrawals WHERE stage = 3)",
	  NULL },
	{ SIM_PLANT_HELD,
	  "UPDATE withdrawals SET held_reason = 'intent_mac_invalid', "
	  "version = version + 1 WHERE rowid = 1",
	  NULL },
	{ SIM_PLANT_STOPPED, "UPDATE wallets SET stop_reason = 'nonces_not_dense' WHERE id = 1",
	  NULL },
	{ SIM_PLANT_FALSE_ALARM, NULL, false_alarm },
	{ SIM_PLANT_UNHEEDED, NULL, unheeded },
	{ SIM_PLANT_UNAPPROVED,
	  "UPDATE withdrawals SET stage = 3, expires_at = 9000000000000000, version = version + 1 "
	  "WHERE rowid = (SELECT MIN(rowid) FROM withdrawals WHERE stage = 2)",
	  NULL },
	{ SIM_PLANT_TAKEN_BACK, NULL, taken_back },
};

static bool plant(struct sim_world *world)
{
	for (size_t i = 0; i < sizeof at_steps / sizeof *at_steps; i++) {
		const struct step_plant *step = &at_steps[i];
		if (step->plant == world->options->plant)
			return step->act != NULL ? step->act(world)
						 : change(world, step->statement) > 0;
	}
	return false;
}

/* A slot that was mined, as if its block had gone long ago. */
static void stale_plant(struct sim_world *world)
{
	(void)change(world, FINAL_BLOCK_GONE);
	for (size_t i = 0; i < world->slots_len; i++) {
		world->slots[i].stage = TRANSFER_MINED;
		world->slots[i].stale_since = world->born_ms;
	}
	world->now_ms += 24 * 3600 * 1000LL;
	sim_check_calm(world);
}

void sim_plant(struct sim_world *world)
{
	if (world->options->plant == SIM_PLANT_NONE || world->planted || world->depth > 0)
		return;
	world->planted = plant(world);
	sim_check_changes(world);
}

/* The row of the nonce that is about to go to a stranger says that it ended otherwise, and was
 * edited in some other way. */
static void unnoticed_plant(struct sim_world *world)
{
	world->causes |= SIM_CAUSE_FOREIGN;
	CHECK(world->slots_len < SIM_SLOTS_MAX);
	world->slots[world->slots_len++] =
		(struct sim_slot){ .nonce = sim_chain_nonce(world->model, 0),
				   .stage = TRANSFER_FINAL,
				   .outcome = OUTCOME_REPLACED,
				   .order = -1,
				   .is_edited = true };
}

/* Somebody pays out of our wallets what no row knows of: twice to a stranger, once to a receiver
 * who has been paid. */
void sim_plant_end(struct sim_world *world)
{
	struct address to = world->orders[0].to;
	for (size_t i = 0; i < world->orders_len; i++)
		if (world->orders[i].stage == WITHDRAWAL_COMPLETED && world->orders[i].asset == 0)
			to = world->orders[i].to;
	uint64_t units = 1;
	if (world->options->plant == SIM_PLANT_EDITED_AUDIT)
		(void)change(world, "UPDATE audit SET who = 'nobody' WHERE feed = 1");
	if (world->options->plant == SIM_PLANT_STALE)
		stale_plant(world);
	if (world->options->plant == SIM_PLANT_UNNOTICED)
		unnoticed_plant(world);
	if (world->options->plant == SIM_PLANT_LEAK || world->options->plant == SIM_PLANT_UNNOTICED)
		memset(to.bytes, 0xbd, sizeof to.bytes);
	else if (world->options->plant != SIM_PLANT_TWICE)
		return;
	sim_chain_foreign(world->model, 0, to, u256_from_u64(units));
	sim_chain_mine(world->model, world->now_ms);
	sim_chain_mine(world->model, world->now_ms);
}
