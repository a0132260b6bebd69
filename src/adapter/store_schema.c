#include "adapter/store_schema.h"

#include "adapter/sql_row.h"
#include "base/hash.h"

#include <string.h>

/* Why it looks so:
 *
 * - Rows that are read by id have a UUIDv7, which grows at its end; random index pages are what
 * limits acceptance, so there are two on `withdrawals` (idempotency key, external id) and one on
 * `attempts`.
 * - A list belongs to one account and walks withdrawals_account. A batch touches a page of it per
 * account: with 50 accounts in every batch acceptance takes about a seventh longer, with a few it
 * cannot be measured; without it a list takes as long as all withdrawals are many.
 * - events.sequence is the withdrawal's version; `feed` is its place in the feed of all events,
 * given later by one sequencer; so it is of audit. One index finds a place, keeps it of one row
 * alone, and has those without one beside each other.
 * - feed_seals: what the rows of a batch said when they got their places (core/feed.h).
 * - messages is outbox and embedded queue in one: at most one waiting wake-up per row and queue.
 *   message_claims: who works on what came out of an external transport, and how often it was
 *   received without verdict; gone with the verdict.
 * - idempotency: requests other than withdrawals that carried a key; for 30 days.
 * - proposals: what one person asks for and another one has to confirm; kept for ever, few.
 * - policy_windows: what a limit let through lately, a row for each whom it counts together; made
 * in C, under its lock. policy_reservations: what a withdrawal has taken of them.
 * - allow_list: sealed, under a hash of account, chain and receiver. known_receivers: who was the
 * first of an account with these first and last digits, under a hash of both.
 * - replica_marks: what each API process wrote last, for its own eyes in the replica
 * (port/replica.h).
 * - controls_head has one row from the beginning, so that one that is gone shows, and so that
 * whoever reserves has something to lock (core/control.h).
 * - incarnations has a row for each time that an older copy of this store took its place.
 * - A slot's unique key is for ever; no row of transfers, transfer_items, attempts, events or audit
 * is ever deleted.
 */
static const char *const step_1[] = {
	"CREATE TABLE chains (chain_id BIGINT PRIMARY KEY, name {text 32} NOT NULL, "
	"finalized_mark BIGINT NOT NULL DEFAULT 0, reconciled_block BIGINT NOT NULL DEFAULT 0)",

	"CREATE TABLE assets (chain_id BIGINT NOT NULL, symbol {text 16} NOT NULL, "
	"is_native INTEGER NOT NULL, contract {blob 20} NOT NULL, decimals INTEGER NOT NULL, "
	"PRIMARY KEY (chain_id, symbol))",

	"CREATE TABLE wallets (id {serial}, chain_id BIGINT NOT NULL, "
	"address {blob 20} NOT NULL, key_ref {text 128} NOT NULL, first_nonce BIGINT NOT NULL "
	"DEFAULT 0, next_nonce BIGINT NOT NULL DEFAULT 0, entered INTEGER NOT NULL DEFAULT 0, "
	"stop_reason {text 48} NOT NULL DEFAULT '', lease_holder {text 64} NOT NULL DEFAULT '', "
	"lease_epoch BIGINT NOT NULL DEFAULT 0, fence_check BIGINT NOT NULL DEFAULT 0, "
	"recover_to BIGINT NOT NULL DEFAULT 0, UNIQUE (chain_id, address))",

	"CREATE TABLE incarnations (number BIGINT PRIMARY KEY, at BIGINT NOT NULL, "
	"who {text 64} NOT NULL, journal_lost INTEGER NOT NULL)",

	"CREATE TABLE leases (name {text 80} PRIMARY KEY, holder {text 64} NOT NULL, "
	"epoch BIGINT NOT NULL, renewals BIGINT NOT NULL, "
	"wanted_by {text 64} NOT NULL DEFAULT '')",

	"CREATE TABLE withdrawals (id {id} NOT NULL UNIQUE, account {text 64} NOT NULL, "
	"chain_id BIGINT NOT NULL, asset {text 16} NOT NULL, is_native INTEGER NOT NULL, "
	"contract {blob 20} NOT NULL, decimals INTEGER NOT NULL, receiver {blob 20} NOT NULL, "
	"amount {u256} NOT NULL, key_hash {blob 16} NOT NULL, external_id {text 128}, "
	"external_hash {blob 16}, fingerprint {blob 32} NOT NULL, created_at BIGINT NOT NULL, "
	"created_by {text 64} NOT NULL, key_owner {text 64} NOT NULL DEFAULT '', correlation_id {text 64} NOT NULL, "
	"metadata {text}, intent_key_id INTEGER NOT NULL, "
	"intent_mac {blob 32} NOT NULL, policy_version BIGINT NOT NULL DEFAULT 0, "
	"approved_at BIGINT NOT NULL DEFAULT 0, expires_at BIGINT NOT NULL DEFAULT 0, "
	"approval_key_id INTEGER NOT NULL DEFAULT 0, approval_mac {blob 32}, "
	"stage INTEGER NOT NULL, version BIGINT NOT NULL, round INTEGER NOT NULL DEFAULT 0, "
	"cancel_requested INTEGER NOT NULL DEFAULT 0, wait_reason {text 48} NOT NULL DEFAULT '', "
	"funds_since BIGINT NOT NULL DEFAULT 0, "
	"held_reason {text 48} NOT NULL DEFAULT '', failure_code {text 48} NOT NULL DEFAULT '', "
	"transfer_id {id}, due_at BIGINT, updated_at BIGINT NOT NULL)",
	"CREATE UNIQUE INDEX withdrawals_key ON withdrawals (key_hash)",
	"CREATE UNIQUE INDEX withdrawals_external ON withdrawals (external_hash)",
	"CREATE INDEX withdrawals_account ON withdrawals (account, id, stage)",
	"CREATE INDEX withdrawals_due ON withdrawals (due_at)",

	"CREATE TABLE transfers (id {id} NOT NULL UNIQUE, wallet_id INTEGER NOT NULL, "
	"chain_id BIGINT NOT NULL, wallet {blob 20} NOT NULL, nonce BIGINT NOT NULL, "
	"stage INTEGER NOT NULL, outcome INTEGER NOT NULL DEFAULT 0, is_cancel INTEGER NOT NULL, "
	"destination {blob 20} NOT NULL, value {u256} NOT NULL, is_token INTEGER NOT NULL, "
	"receiver {blob 20} NOT NULL, amount {u256} NOT NULL, gas_limit BIGINT NOT NULL, "
	"payload_hash {blob 32} NOT NULL, wish INTEGER NOT NULL DEFAULT 0, "
	"wish_reason INTEGER NOT NULL DEFAULT 0, wish_attempts_seen INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, "
	"mined_hash {blob 32}, mined_block BIGINT NOT NULL DEFAULT 0, mined_block_hash {blob 32}, "
	"stage_at BIGINT NOT NULL, sent_at BIGINT NOT NULL DEFAULT 0, "
	"held_reason {text 48} NOT NULL DEFAULT '', version BIGINT NOT NULL DEFAULT 1, "
	"UNIQUE (wallet_id, nonce))",
	"CREATE INDEX transfers_stage ON transfers (wallet_id, stage, mined_block)",

	"CREATE TABLE transfer_items (transfer_id {id} NOT NULL, position INTEGER NOT NULL, "
	"withdrawal_id {id} NOT NULL, round INTEGER NOT NULL, outcome INTEGER NOT NULL DEFAULT 0, "
	"PRIMARY KEY (transfer_id, position)) {without rowid}",
	"CREATE UNIQUE INDEX transfer_items_round ON transfer_items (withdrawal_id, round)",

	"CREATE TABLE attempts (transfer_id {id} NOT NULL, number INTEGER NOT NULL, "
	"is_cancel INTEGER NOT NULL, reason INTEGER NOT NULL DEFAULT 0, tip {u256} NOT NULL, cap {u256} NOT NULL, "
	"gas_limit BIGINT NOT NULL, tx_hash {blob 32} NOT NULL UNIQUE, raw {blob 1024} NOT NULL, "
	"signed_at BIGINT NOT NULL, sent_at BIGINT NOT NULL DEFAULT 0, "
	"PRIMARY KEY (transfer_id, number))",

	"CREATE TABLE messages (queue INTEGER NOT NULL, subject {id} NOT NULL, "
	"correlation_id {text 64} NOT NULL, created_at BIGINT NOT NULL, visible_at BIGINT NOT NULL, "
	"receives INTEGER NOT NULL DEFAULT 0, generation BIGINT NOT NULL DEFAULT 1, "
	"claim {blob 16}, PRIMARY KEY (queue, subject)) {without rowid}",
	"CREATE INDEX messages_visible ON messages (queue, visible_at)",

	"CREATE TABLE message_claims (queue INTEGER NOT NULL, subject {id} NOT NULL, "
	"receives INTEGER NOT NULL, claimed_until BIGINT NOT NULL, claim {blob 16} NOT NULL, "
	"PRIMARY KEY (queue, subject)) {without rowid}",

	"CREATE TABLE events (withdrawal_id {id} NOT NULL, sequence BIGINT NOT NULL, "
	"at BIGINT NOT NULL, type {text 48} NOT NULL, actor INTEGER NOT NULL, "
	"stage INTEGER NOT NULL, detail {text 512} NOT NULL, feed BIGINT, "
	"PRIMARY KEY (withdrawal_id, sequence)) {without rowid}",
	"CREATE UNIQUE INDEX events_feed ON events (feed)",

	"CREATE TABLE audit (id {serial}, at BIGINT NOT NULL, actor INTEGER NOT NULL, "
	"who {text 64} NOT NULL, request_id {text 64} NOT NULL, action {text 48} NOT NULL, "
	"subject {id}, detail {text 512} NOT NULL, feed BIGINT)",
	"CREATE UNIQUE INDEX audit_feed ON audit (feed)",

	"CREATE TABLE feed_seals (number BIGINT PRIMARY KEY, life BIGINT NOT NULL, "
	"events_to BIGINT NOT NULL, events_rows INTEGER NOT NULL, audit_to BIGINT NOT NULL, "
	"audit_rows INTEGER NOT NULL, sealed_at BIGINT NOT NULL, complete_at BIGINT NOT NULL, "
	"previous {blob 32} NOT NULL, tags {blob 8192} NOT NULL, mac_key_id INTEGER NOT NULL, "
	"mac {blob 32} NOT NULL)",

	"CREATE TABLE accounts (name {text 64} PRIMARY KEY, created_at BIGINT NOT NULL, "
	"created_by {text 64} NOT NULL, disabled_at BIGINT NOT NULL, mac_key_id INTEGER NOT NULL, "
	"mac {blob 32} NOT NULL)",

	"CREATE TABLE api_keys (id {text 32} PRIMARY KEY, secret_hash {blob 32} NOT NULL, "
	"account {text 64} NOT NULL, name {text 64} NOT NULL, created_at BIGINT NOT NULL, "
	"revoked_at BIGINT NOT NULL DEFAULT 0, expires_at BIGINT NOT NULL DEFAULT 0, "
	"scopes BIGINT NOT NULL, ranges {text 799} NOT NULL DEFAULT '', created_by {text 64} NOT NULL, "
	"mac_key_id INTEGER NOT NULL, mac {blob 32} NOT NULL, "
	"last_used_at BIGINT NOT NULL DEFAULT 0, last_used_from {text 45} NOT NULL DEFAULT '')",

	"CREATE TABLE users (id {id} NOT NULL UNIQUE, name {text 64} NOT NULL UNIQUE, "
	"account {text 64} NOT NULL, role INTEGER NOT NULL, password {text 128} NOT NULL, "
	"created_at BIGINT NOT NULL, disabled_at BIGINT NOT NULL, generation BIGINT NOT NULL, "
	"version BIGINT NOT NULL, totp INTEGER NOT NULL, totp_seed {blob 52} NOT NULL, "
	"totp_step BIGINT NOT NULL DEFAULT 0, mac_key_id INTEGER NOT NULL, mac {blob 32} NOT NULL)",

	"CREATE TABLE sessions (id {id} NOT NULL UNIQUE, user_id {id} NOT NULL, "
	"generation BIGINT NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL, "
	"refreshed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, revoked_at BIGINT NOT NULL, "
	"second_factor_at BIGINT NOT NULL, refresh_hash {blob 32} NOT NULL, "
	"peer {text 48} NOT NULL, mac_key_id INTEGER NOT NULL, mac {blob 32} NOT NULL)",
	"CREATE INDEX sessions_user ON sessions (user_id, id)",

	"CREATE TABLE session_tokens (session_id {id} NOT NULL, hash {blob 32} NOT NULL, "
	"used_at BIGINT NOT NULL, PRIMARY KEY (session_id, hash)) {without rowid}",

	"CREATE TABLE decisions (withdrawal_id {blob 16} NOT NULL, transfer_id {blob 16} NOT NULL, "
	"version BIGINT NOT NULL, shown {blob 32} NOT NULL, person {text 64} NOT NULL, "
	"key_id {text 36} NOT NULL, "
	"verdict INTEGER NOT NULL, tx_hash {blob 32} NOT NULL, decided_at BIGINT NOT NULL, "
	"answer {text 48} NOT NULL DEFAULT '', mac_key_id INTEGER NOT NULL, "
	"mac {blob 32} NOT NULL, "
	"PRIMARY KEY (withdrawal_id, transfer_id, version, person)) {without rowid}",
	"CREATE INDEX decisions_open ON decisions (answer)",

	"CREATE TABLE idempotency (principal {text 64} NOT NULL, key_hash {blob 32} NOT NULL, "
	"fingerprint {blob 32} NOT NULL, attempt {id} NOT NULL, at BIGINT NOT NULL, "
	"status INTEGER NOT NULL, answer {document} NOT NULL, "
	"PRIMARY KEY (principal, key_hash)) {without rowid}",
	"CREATE INDEX idempotency_at ON idempotency (at)",

	"CREATE TABLE controls (scope INTEGER NOT NULL, name {text 64} NOT NULL, "
	"stops INTEGER NOT NULL, version BIGINT NOT NULL, since BIGINT NOT NULL, "
	"who {text 64} NOT NULL, reason {text 120} NOT NULL, PRIMARY KEY (scope, name))",

	"CREATE TABLE controls_head (id INTEGER PRIMARY KEY, version BIGINT NOT NULL, "
	"reset_version BIGINT NOT NULL, changed_at BIGINT NOT NULL, mac_key_id INTEGER NOT NULL, "
	"mac {blob 32} NOT NULL)",
	"{insert new} controls_head (id, version, reset_version, changed_at, mac_key_id, mac) "
	"VALUES (1, 0, 0, 0, 0, '')",
	"CREATE TABLE policies (version BIGINT PRIMARY KEY, document {document} NOT NULL, "
	"digest {blob 32} NOT NULL, set_at BIGINT NOT NULL, set_by {text 64} NOT NULL, "
	"mac_key_id INTEGER NOT NULL, mac {blob 32} NOT NULL)",

	"CREATE TABLE proposals (id {id} NOT NULL UNIQUE, kind INTEGER NOT NULL, "
	"state INTEGER NOT NULL, version BIGINT NOT NULL, digest {blob 32} NOT NULL, "
	"text {document} NOT NULL, account {text 64} NOT NULL, proposed_by {text 64} NOT NULL, "
	"created_at BIGINT NOT NULL, "
	"expires_at BIGINT NOT NULL, first_person {text 64} NOT NULL, first_id {text 36} NOT NULL, "
	"ended_by {text 64} NOT NULL, ended_at BIGINT NOT NULL, mac_key_id INTEGER NOT NULL, "
	"mac {blob 32} NOT NULL)",

	"CREATE TABLE approvals (withdrawal_id {id} NOT NULL, policy_version BIGINT NOT NULL, "
	"person {text 64} NOT NULL, shown {blob 32} NOT NULL, verdict INTEGER NOT NULL, "
	"decided_at BIGINT NOT NULL, signature {blob 64}, mac_key_id INTEGER NOT NULL, "
	"mac {blob 32} NOT NULL, "
	"PRIMARY KEY (withdrawal_id, policy_version, person)) {without rowid}",

	"CREATE TABLE policy_windows (limit_key {blob 32} PRIMARY KEY, parts {blob 8192} NOT NULL, "
	"until_at BIGINT NOT NULL)",
	"CREATE INDEX policy_windows_until ON policy_windows (until_at)",

	"CREATE TABLE policy_reservations (withdrawal_id {id} NOT NULL, limit_key {blob 32} NOT NULL, "
	"part_start BIGINT NOT NULL, amount {u256} NOT NULL, until_at BIGINT NOT NULL, "
	"PRIMARY KEY (withdrawal_id, limit_key)) {without rowid}",
	"CREATE INDEX policy_reservations_until ON policy_reservations (until_at)",

	"CREATE TABLE allow_list (entry_key {blob 32} PRIMARY KEY, account {text 64} NOT NULL, "
	"chain_id BIGINT NOT NULL, receiver {blob 20} NOT NULL, label {text 64} NOT NULL, "
	"added_by {text 64} NOT NULL, added_at BIGINT NOT NULL, active_at BIGINT NOT NULL, "
	"mac_key_id INTEGER NOT NULL, mac {blob 32} NOT NULL)",
	"CREATE INDEX allow_list_account ON allow_list (account, entry_key)",
	"CREATE TABLE known_receivers (ends_key {blob 32} PRIMARY KEY, account {text 64} NOT NULL, "
	"receiver {blob 20} NOT NULL, since BIGINT NOT NULL)",

	"CREATE TABLE wallet_balances (chain_id BIGINT NOT NULL, wallet {blob 20} NOT NULL, "
	"asset {text 16} NOT NULL, amount {u256} NOT NULL, block BIGINT NOT NULL, "
	"at BIGINT NOT NULL, PRIMARY KEY (chain_id, wallet, asset))",

	"CREATE TABLE replica_marks (writer {id} NOT NULL PRIMARY KEY, mark BIGINT NOT NULL, "
	"written_at BIGINT NOT NULL)",
	NULL,
};

struct schema_step {
	int version;
	const char *const *statements; /* ended by NULL */
};

static const struct schema_step steps[] = {
	{ 1, step_1 },
};
_Static_assert(sizeof steps / sizeof steps[0] == STORE_SCHEMA_MAX, "every version has its step");

static void checksum_of(const struct schema_step *step, uint8_t ret_checksum[SHA256_BYTES])
{
	struct buf text = buf_new(65536);
	for (size_t i = 0; step->statements[i] != NULL; i++) {
		buf_text(&text, step->statements[i]);
		buf_byte(&text, '\n');
	}
	CHECK(!text.overflow);
	sha256(text.at, text.len, ret_checksum);
	buf_free(&text);
}

/* The step's recorded checksum, if it was applied. */
static bool applied_load(struct db *db, int version, bool *ret_applied,
			 uint8_t ret_checksum[SHA256_BYTES], struct err *err)
{
	struct sql sql =
		sql_prepare(db, "SELECT checksum FROM schema_migrations WHERE version = ?", err);
	sql_put_i64(&sql, version);
	*ret_applied = sql_next(&sql);
	if (*ret_applied)
		sql_take_bytes(&sql, ret_checksum, SHA256_BYTES);
	return sql_end(&sql);
}

static bool step_apply(struct db *db, const struct schema_step *step, int64_t now_ms,
		       struct err *err)
{
	uint8_t checksum[SHA256_BYTES];
	uint8_t recorded[SHA256_BYTES] = { 0 };
	bool applied = false;
	checksum_of(step, checksum);
	if (!applied_load(db, step->version, &applied, recorded, err))
		return false;
	if (applied && memcmp(checksum, recorded, sizeof checksum) != 0)
		return err_set(err, ERR_REFUSED,
			       "schema version %d was made by another build: its checksum differs",
			       step->version);
	if (applied)
		return true;
	for (size_t i = 0; step->statements[i] != NULL; i++)
		if (!db_exec(db, step->statements[i], err))
			return err_wrap(err, "schema version %d", step->version);
	struct sql sql = sql_prepare(
		db,
		"INSERT INTO schema_migrations (version, applied_at, checksum) VALUES (?, ?, ?)",
		err);
	sql_put_i64(&sql, step->version);
	sql_put_i64(&sql, now_ms);
	sql_put_bytes(&sql, checksum, sizeof checksum);
	return sql_run(&sql, NULL);
}

static bool version_load(struct db *db, int64_t *ret_version, struct err *err)
{
	struct sql sql =
		sql_prepare(db, "SELECT COALESCE(MAX(version), 0) FROM schema_migrations", err);
	if (sql_next(&sql))
		*ret_version = sql_take_i64(&sql);
	return sql_end(&sql);
}

static bool steps_apply(struct db *db, int64_t now_ms, struct err *err)
{
	int64_t version = 0;
	if (!db_exec(db,
		     "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, "
		     "applied_at BIGINT NOT NULL, checksum {blob 32} NOT NULL)",
		     err) ||
	    !version_load(db, &version, err))
		return false;
	if (version > STORE_SCHEMA_MAX)
		return err_set(err, ERR_REFUSED,
			       "the schema has version %d, newer than this program's %d",
			       (int)version, STORE_SCHEMA_MAX);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (!step_apply(db, &steps[i], now_ms, err))
			return false;
	return true;
}

static bool migrate_locked(struct db *db, int64_t now_ms, struct err *err)
{
	if (!db_begin(db, true, err))
		return false;
	if (!steps_apply(db, now_ms, err)) {
		db_rollback(db);
		return false;
	}
	return db_commit(db, err);
}

bool store_schema_migrate(struct db *db, int64_t now_ms, struct err *err)
{
	if (!db_schema_lock(db, err))
		return false;
	bool done = migrate_locked(db, now_ms, err);
	db_schema_unlock(db);
	return done;
}

bool store_schema_version(struct db *db, int *ret_version, struct err *err)
{
	int64_t version = 0;
	if (!version_load(db, &version, err))
		return false;
	*ret_version = (int)version;
	return true;
}

bool store_schema_check(struct db *db, struct err *err)
{
	int64_t version = 0;
	if (!version_load(db, &version, err))
		return err_wrap(err, "the store has no schema yet: run `sluice migrate`");
	if (version < STORE_SCHEMA_MIN || version > STORE_SCHEMA_MAX)
		return err_set(
			err, ERR_REFUSED,
			"the schema has version %d; this program takes %d to %d: run `sluice "
			"migrate` with the right version",
			(int)version, STORE_SCHEMA_MIN, STORE_SCHEMA_MAX);
	return true;
}
