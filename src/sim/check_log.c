/* What changed in the store since the last look, as the database itself tells it: temporary
 * triggers write every change of a row that matters into a log, in the same transaction. So no
 * move is missed, however short it stood, and nothing that was rolled back is seen. */
#include "sim/check.h"

static const char *const statements[] = {
	"CREATE TEMP TABLE sim_log (n INTEGER PRIMARY KEY AUTOINCREMENT, what INTEGER NOT NULL, "
	"row_id INTEGER NOT NULL, a INTEGER, b INTEGER, c INTEGER, d INTEGER, e INTEGER)",

	"CREATE TEMP TRIGGER sim_1 AFTER INSERT ON main.withdrawals BEGIN "
	"INSERT INTO sim_log (what, row_id, a, b) VALUES (1, NEW.rowid, NEW.stage, NEW.version); END",

	"CREATE TEMP TRIGGER sim_2 AFTER UPDATE OF stage, version ON main.withdrawals BEGIN "
	"INSERT INTO sim_log (what, row_id, a, b, c, d, e) VALUES "
	"(2, NEW.rowid, OLD.stage, NEW.stage, OLD.version, NEW.version, NEW.cancel_requested); END",

	"CREATE TEMP TRIGGER sim_3 AFTER UPDATE OF id, account, chain_id, asset, receiver, amount, "
	"key_hash, intent_mac ON main.withdrawals BEGIN "
	"INSERT INTO sim_log (what, row_id) VALUES (3, NEW.rowid); END",
	"CREATE TEMP TRIGGER sim_3d AFTER DELETE ON main.withdrawals BEGIN "
	"INSERT INTO sim_log (what, row_id) VALUES (3, OLD.rowid); END",

	"CREATE TEMP TRIGGER sim_4 AFTER INSERT ON main.transfers BEGIN "
	"INSERT INTO sim_log (what, row_id, a, b, c) VALUES "
	"(4, NEW.rowid, NEW.wallet_id, NEW.nonce, NEW.stage); END",

	"CREATE TEMP TRIGGER sim_5 AFTER UPDATE OF stage, outcome ON main.transfers BEGIN "
	"INSERT INTO sim_log (what, row_id, a, b, c, d) VALUES "
	"(5, NEW.rowid, OLD.stage, NEW.stage, OLD.outcome, NEW.outcome); END",

	"CREATE TEMP TRIGGER sim_6 AFTER UPDATE OF wallet_id, nonce, chain_id, wallet "
	"ON main.transfers BEGIN INSERT INTO sim_log (what, row_id) VALUES (6, NEW.rowid); END",
	"CREATE TEMP TRIGGER sim_6p AFTER UPDATE OF payload_hash ON main.transfers "
	"WHEN OLD.stage <> 1 BEGIN INSERT INTO sim_log (what, row_id) VALUES (6, NEW.rowid); END",
	"CREATE TEMP TRIGGER sim_6d AFTER DELETE ON main.transfers BEGIN "
	"INSERT INTO sim_log (what, row_id) VALUES (6, OLD.rowid); END",

	/* All that was ever stored: an editor may take it away while somebody has it in hand. */
	"CREATE TEMP TABLE sim_stored (tx_hash BLOB PRIMARY KEY, wallet_id INTEGER NOT NULL, "
	"nonce INTEGER NOT NULL)",
	"CREATE TEMP TRIGGER sim_7 AFTER INSERT ON main.attempts BEGIN "
	"INSERT INTO sim_log (what, row_id, a) VALUES (7, NEW.rowid, NEW.number); "
	"INSERT OR IGNORE INTO sim_stored SELECT NEW.tx_hash, wallet_id, nonce "
	"FROM main.transfers WHERE id = NEW.transfer_id; END",

	"CREATE TEMP TRIGGER sim_8 AFTER UPDATE OF transfer_id, number, is_cancel, tip, cap, "
	"gas_limit, tx_hash, raw ON main.attempts BEGIN "
	"INSERT INTO sim_log (what, row_id) VALUES (8, NEW.rowid); END",
	"CREATE TEMP TRIGGER sim_8d AFTER DELETE ON main.attempts BEGIN "
	"INSERT INTO sim_log (what, row_id) VALUES (8, OLD.rowid); END",

	"CREATE TEMP TRIGGER sim_9 AFTER UPDATE OF stop_reason ON main.wallets "
	"WHEN NEW.stop_reason <> OLD.stop_reason AND NEW.stop_reason <> '' BEGIN "
	"INSERT INTO sim_log (what, row_id) VALUES (9, NEW.rowid); END",

	"CREATE TEMP TRIGGER sim_10 AFTER INSERT ON main.controls_head BEGIN "
	"INSERT INTO sim_log (what, row_id) VALUES (10, NEW.rowid); END",

	"CREATE TEMP TRIGGER sim_11 AFTER INSERT ON main.approvals BEGIN "
	"INSERT INTO sim_log (what, row_id, a, b, c, d) VALUES "
	"(11, (SELECT w.rowid FROM main.withdrawals w WHERE w.id = NEW.withdrawal_id), "
	"NEW.policy_version, NEW.verdict, NEW.decided_at, "
	"CAST(substr(NEW.person, 1, 8) AS INTEGER)); END",

	"CREATE TEMP TRIGGER sim_12 AFTER UPDATE OF policy_version, approved_at, expires_at "
	"ON main.withdrawals WHEN NEW.approved_at <> OLD.approved_at OR NEW.expires_at <> "
	"OLD.expires_at OR NEW.policy_version <> OLD.policy_version BEGIN "
	"INSERT INTO sim_log (what, row_id, a, b, c, d) VALUES "
	"(12, NEW.rowid, NEW.policy_version, NEW.approved_at, NEW.expires_at, OLD.stage); END",
};

bool sim_check_open(struct sim_world *world, struct err *err)
{
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
		if (!db_exec(world->db, statements[i], err))
			return false;
	return true;
}

#define CHANGES_MAX 512

static size_t changes_read(struct sim_world *world, struct sim_change *ret_changes)
{
	struct err err = { 0 };
	size_t n = 0;
	struct db_statement *statement = db_prepare(
		world->db,
		"SELECT what, row_id, a, b, c, d, e, n FROM sim_log WHERE n > ? ORDER BY n", &err);
	CHECK(statement != NULL);
	db_bind_i64(world->db, statement, 1, world->log_seen);
	while (n < CHANGES_MAX && db_step(world->db, statement, &err) == DB_ROW) {
		struct sim_change *change = &ret_changes[n++];
		change->what = (enum sim_what)db_column_i64(world->db, statement, 0);
		change->row = db_column_i64(world->db, statement, 1);
		for (int i = 0; i < 5; i++)
			change->value[i] = db_column_i64(world->db, statement, 2 + i);
		change->n = db_column_i64(world->db, statement, 7);
	}
	db_reset(world->db, statement);
	return n;
}

void sim_check_changes(struct sim_world *world)
{
	struct sim_change changes[CHANGES_MAX];
	size_t n;
	while (!world->failed && (n = changes_read(world, changes)) > 0) {
		for (size_t i = 0; i < n && !world->failed; i++)
			sim_check_change(world, &changes[i]);
		world->log_seen = changes[n - 1].n;
	}
}

int64_t sim_ask_i64(struct sim_world *world, const char *literal, int64_t row)
{
	struct err err = { 0 };
	int64_t number = -1;
	struct db_statement *statement = db_prepare(world->db, literal, &err);
	CHECK(statement != NULL);
	db_bind_i64(world->db, statement, 1, row);
	if (db_step(world->db, statement, &err) == DB_ROW)
		number = db_column_i64(world->db, statement, 0);
	db_reset(world->db, statement);
	return number;
}

bool sim_ask_bytes(struct sim_world *world, const char *literal, int64_t row, void *ret_bytes,
		   size_t cap, size_t *ret_len)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(world->db, literal, &err);
	CHECK(statement != NULL);
	db_bind_i64(world->db, statement, 1, row);
	bool found = db_step(world->db, statement, &err) == DB_ROW &&
		     !db_column_is_null(world->db, statement, 0);
	if (found) {
		struct str bytes = db_column_bytes(world->db, statement, 0);
		*ret_len = bytes.len < cap ? bytes.len : cap;
		if (*ret_len > 0)
			memcpy(ret_bytes, bytes.at, *ret_len);
	}
	db_reset(world->db, statement);
	return found;
}

bool sim_ask_of_id(struct sim_world *world, const char *literal, struct id id, int64_t *ret_values,
		   int n)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(world->db, literal, &err);
	CHECK(statement != NULL);
	db_bind_bytes(world->db, statement, 1, id.bytes, sizeof id.bytes);
	bool found = db_step(world->db, statement, &err) == DB_ROW;
	for (int i = 0; found && i < n; i++)
		ret_values[i] = db_column_i64(world->db, statement, i);
	db_reset(world->db, statement);
	return found;
}

static bool hash_take(struct sim_world *world, struct db_statement *statement,
		      struct hash32 *ret_hash)
{
	struct err err = { 0 };
	bool found = db_step(world->db, statement, &err) == DB_ROW;
	if (found) {
		struct str bytes = db_column_bytes(world->db, statement, 0);
		CHECK(bytes.len == sizeof ret_hash->bytes);
		memcpy(ret_hash->bytes, bytes.at, sizeof ret_hash->bytes);
	}
	db_reset(world->db, statement);
	return found;
}

bool sim_slot_hash(struct sim_world *world, const struct sim_slot *slot, unsigned number,
		   struct hash32 *ret_hash)
{
	struct err err = { 0 };
	struct db_statement *statement =
		db_prepare(world->db,
			   "SELECT a.tx_hash FROM transfers t JOIN attempts a ON "
			   "a.transfer_id = t.id WHERE t.rowid = ? AND a.number = ?",
			   &err);
	CHECK(statement != NULL);
	db_bind_i64(world->db, statement, 1, slot->row);
	db_bind_i64(world->db, statement, 2, number);
	return hash_take(world, statement, ret_hash);
}

bool sim_attempt_hash(struct sim_world *world, struct id transfer, unsigned number,
		      struct hash32 *ret_hash)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(
		world->db, "SELECT tx_hash FROM attempts WHERE transfer_id = ? AND number = ?",
		&err);
	CHECK(statement != NULL);
	db_bind_bytes(world->db, statement, 1, transfer.bytes, sizeof transfer.bytes);
	db_bind_i64(world->db, statement, 2, number);
	return hash_take(world, statement, ret_hash);
}
