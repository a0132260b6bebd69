#include "adapter/journal_sql.h"

/* `sequence` is the clustered key, so that rows are appended at the end of their table; the unique
 * keys are the rules of the protocol. `turns` has the first number of each transaction: two that
 * begin at the same one cannot both commit, by the key alone, and so without a right to lock. */
static const char *const schema[] = {
	"CREATE TABLE IF NOT EXISTS meta (id BIGINT NOT NULL PRIMARY KEY, deployment {id} NOT NULL, "
	"mac {u256} NOT NULL) {without rowid}",

	"CREATE TABLE IF NOT EXISTS slots (sequence BIGINT NOT NULL PRIMARY KEY, "
	"previous {u256} NOT NULL, mac {u256} NOT NULL, chain_id BIGINT NOT NULL, "
	"wallet {blob 20} NOT NULL, nonce BIGINT NOT NULL, kind BIGINT NOT NULL, "
	"payload_hash {u256} NOT NULL, UNIQUE (chain_id, wallet, nonce, kind)) {without rowid}",

	"CREATE TABLE IF NOT EXISTS rights (sequence BIGINT NOT NULL PRIMARY KEY, "
	"previous {u256} NOT NULL, mac {u256} NOT NULL, withdrawal {id} NOT NULL, "
	"round BIGINT NOT NULL, pay_tag {u256} NOT NULL, is_void BIGINT NOT NULL, "
	"void_stage {text 48} NOT NULL, void_code {text 48} NOT NULL, wallet {blob 20}, "
	"nonce BIGINT, chain_id BIGINT NOT NULL, asset {blob 20} NOT NULL, "
	"amount {u256} NOT NULL, time_ms BIGINT NOT NULL, UNIQUE (withdrawal, round), "
	"UNIQUE (pay_tag, round)) {without rowid}",

	"{index new} rights_by_wallet ON rights (wallet, chain_id, asset, time_ms)",

	"CREATE TABLE IF NOT EXISTS attempts (sequence BIGINT NOT NULL PRIMARY KEY, "
	"previous {u256} NOT NULL, mac {u256} NOT NULL, chain_id BIGINT NOT NULL, "
	"wallet {blob 20} NOT NULL, nonce BIGINT NOT NULL, number BIGINT NOT NULL, "
	"fee_ceiling {u256} NOT NULL, UNIQUE (chain_id, wallet, nonce, number)) {without rowid}",

	"CREATE TABLE IF NOT EXISTS resolutions (sequence BIGINT NOT NULL PRIMARY KEY, "
	"previous {u256} NOT NULL, mac {u256} NOT NULL, withdrawal {id} NOT NULL, "
	"round BIGINT NOT NULL, is_paid BIGINT NOT NULL, chain_id BIGINT NOT NULL, "
	"tx_hash {u256} NOT NULL, time_ms BIGINT NOT NULL, UNIQUE (withdrawal, round), "
	"UNIQUE (chain_id, tx_hash, is_paid)) {without rowid}",

	"CREATE TABLE IF NOT EXISTS feed_heads (sequence BIGINT NOT NULL PRIMARY KEY, "
	"previous {u256} NOT NULL, mac {u256} NOT NULL, life BIGINT NOT NULL, "
	"number BIGINT NOT NULL, seal_mac {u256} NOT NULL, time_ms BIGINT NOT NULL, "
	"UNIQUE (life, number)) {without rowid}",

	"CREATE TABLE IF NOT EXISTS controls (sequence BIGINT NOT NULL PRIMARY KEY, "
	"previous {u256} NOT NULL, mac {u256} NOT NULL, version BIGINT NOT NULL UNIQUE, "
	"set_mac {u256} NOT NULL, time_ms BIGINT NOT NULL) {without rowid}",

	"CREATE TABLE IF NOT EXISTS turns (first BIGINT NOT NULL PRIMARY KEY) {without rowid}",
};

bool journal_sql_create(struct db *db, struct err *err)
{
	for (size_t i = 0; i < sizeof schema / sizeof schema[0]; i++)
		if (!db_exec(db, schema[i], err))
			return false;
	return true;
}
