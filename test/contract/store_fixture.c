#include "store_fixture.h"

#include "adapter/db_sqlite.h"
#include "adapter/entropy_os.h"
#include "adapter/queue_store.h"
#include "adapter/store_sql.h"
#include "base/hash.h"
#include "core/intent.h"
#include "core/transfer.h"
#include "../place.h"
#include "mysql_server.h"

/* --- backends -----------------------------------------------------------------------------------
 */

static void sqlite_make(struct fixture *fixture)
{
	snprintf(fixture->path, sizeof fixture->path, "%s/store.db", fixture->dir);
}

static struct db *sqlite_connect(const struct fixture *fixture)
{
	/* Sanitizers and a hundred threads on two cores are slow; the deadline is not under test.
	 */
	struct db_sqlite_options options = { .path = fixture->path, .busy_ms = 60000 };
	struct err err = { 0 };
	struct db *db = NULL;
	if (!db_sqlite_open(&options, &db, &err))
		fprintf(stderr, "%s\n", err.text);
	CHECK(db != NULL);
	return db;
}

static void sqlite_remove(struct fixture *fixture)
{
	(void)fixture; /* the file goes with its directory */
}

/* On the server of run_with_mysql.mjs: a database for each fixture. */
static void mysql_make(struct fixture *fixture)
{
	mysql_server_database(fixture->path, sizeof fixture->path);
}

static struct db *mysql_connect(const struct fixture *fixture)
{
	return mysql_server_open(fixture->path, "root");
}

static void mysql_remove(struct fixture *fixture)
{
	mysql_server_say("DROP DATABASE ", fixture->path);
}

static const struct backend backends[] = {
	{ "sqlite", true, sqlite_make, sqlite_connect, sqlite_remove },
	{ "mysql", false, mysql_make, mysql_connect, mysql_remove },
};

static const struct backend *backend_chosen(void)
{
	const char *name = getenv("SLUICE_STORE_BACKEND");
	for (size_t i = 0; i < COUNT_OF(backends); i++)
		if (name == NULL || strcmp(name, backends[i].name) == 0)
			return &backends[i];
	fail_msg("no backend %s", name);
	return NULL;
}

bool fixture_is_of_one_host(void)
{
	return backend_chosen()->is_of_one_host;
}

struct db *fixture_connect(const struct fixture *fixture)
{
	return fixture->backend->connect(fixture);
}

struct store *fixture_store_over(struct db *db)
{
	struct err err = { 0 };
	struct store *store = NULL;
	if (!store_sql_open(db, &store, &err))
		fprintf(stderr, "%s\n", err.text);
	CHECK(store != NULL);
	return store;
}

/* --- clock --------------------------------------------------------------------------------------
 */

static int64_t clock_read(struct clock *clock)
{
	return ((struct fixture_clock *)(void *)clock)->now_ms;
}

static const struct clock_ops clock_ops = { .now_ms = clock_read, .monotonic_ms = clock_read };

void fixture_wait(struct fixture *fixture, int64_t ms)
{
	fixture->clock.now_ms += ms;
}

/* --- set-up -------------------------------------------------------------------------------------
 */

static struct address address_of(uint8_t first)
{
	struct address address = { { first } };
	memset(address.bytes + 1, 0x11, sizeof address.bytes - 1);
	return address;
}

static void catalogue_make(struct catalogue *catalogue)
{
	struct chain_params *chain = &catalogue->chains[0];
	snprintf(chain->name, sizeof chain->name, "polygon");
	chain->chain_id = FIXTURE_CHAIN_ID;
	catalogue->chains_len = 1;
	struct asset *coin = &catalogue->assets[0];
	snprintf(coin->symbol, sizeof coin->symbol, "POL");
	coin->is_native = true;
	coin->decimals = 18;
	struct asset *token = &catalogue->assets[1];
	snprintf(token->symbol, sizeof token->symbol, "USDC");
	token->contract = address_of(0xcc);
	token->decimals = 6;
	catalogue->assets_len = 2;
	for (size_t i = 0; i < FIXTURE_WALLETS; i++) {
		struct wallet_params *wallet = &catalogue->wallets[i];
		wallet->address = address_of((uint8_t)(0xa0 + i));
		snprintf(wallet->key_ref, sizeof wallet->key_ref, "hot-%zu", i);
		wallet->in_flight_max = IN_FLIGHT_DEFAULT;
	}
	catalogue->wallets_len = FIXTURE_WALLETS;
}

int fixture_set_up_bare(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	assert_non_null(fixture);
	fixture->backend = backend_chosen();
	snprintf(fixture->dir, sizeof fixture->dir, "%s/sluice-store-XXXXXX", test_place());
	assert_non_null(mkdtemp(fixture->dir));
	fixture->backend->make(fixture);
	fixture->clock = (struct fixture_clock){ { &clock_ops }, FIXTURE_FIRST_MS };
	entropy_os_init(&fixture->entropy);
	fixture->db = fixture_connect(fixture);
	MUST(store_sql_migrate, fixture->db, fixture->clock.now_ms);
	fixture->store = fixture_store_over(fixture->db);
	catalogue_make(&fixture->catalogue);
	*state = fixture;
	return 0;
}

static void wallet_enter(struct fixture *fixture, size_t index, uint64_t first_nonce)
{
	struct store_lease *lease = &fixture->leases[index];
	struct store_by by = fixture_by(fixture, ACTOR_SIGNER);
	bool taken = false;
	lease->wallet_id = fixture->wallets[index].id;
	snprintf(lease->name, sizeof lease->name, "wallet-%d", (int)lease->wallet_id);
	MUST(store_lease_take, fixture->store, lease, "signer-1", fixture->clock.now_ms, &taken);
	assert_true(taken);
	MUST(store_wallet_enter, fixture->store, lease->wallet_id, lease->epoch, first_nonce, &by);
	fixture->wallets[index] = fixture_wallet(fixture, index);
}

int fixture_set_up(void **state)
{
	(void)fixture_set_up_bare(state);
	struct fixture *fixture = *state;
	size_t len = 0;
	bool taken = false;
	MUST(store_catalogue_pin, fixture->store, &fixture->catalogue);
	MUST(store_wallets_load, fixture->store, fixture->wallets, FIXTURE_WALLETS, &len);
	assert_int_equal(len, FIXTURE_WALLETS);
	wallet_enter(fixture, 0, FIXTURE_FIRST_GAP);
	wallet_enter(fixture, 1, 0);
	snprintf(fixture->monitor.name, sizeof fixture->monitor.name, "monitor-%d",
		 FIXTURE_CHAIN_ID);
	MUST(store_lease_take, fixture->store, &fixture->monitor, "monitor-1",
	     fixture->clock.now_ms, &taken);
	assert_true(taken);
	return 0;
}

int fixture_tear_down(void **state)
{
	struct fixture *fixture = *state;
	bool sound = fixture_is_sound(fixture);
	store_close(fixture->store);
	db_close(fixture->db);
	fixture->backend->remove(fixture);
	pid_t child = fork();
	if (child == 0) {
		execlp("rm", "rm", "-rf", fixture->dir, (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	free(fixture);
	return sound ? 0 : -1;
}

/* --- values -------------------------------------------------------------------------------------
 */

struct id fixture_id(struct fixture *fixture)
{
	uint8_t random[10] = { 0 };
	uint64_t number = ++fixture->made;
	for (size_t i = 0; i < 8; i++)
		random[2 + i] = (uint8_t)(number >> (8 * (7 - i)));
	return id_make(fixture->clock.now_ms, random);
}

struct hash32 fixture_hash(struct fixture *fixture)
{
	struct hash32 hash;
	uint64_t number = ++fixture->made;
	sha256(&number, sizeof number, hash.bytes);
	return hash;
}

struct store_by fixture_by(const struct fixture *fixture, enum actor actor)
{
	return (struct store_by){ .actor = actor,
				  .who = actor_text(actor),
				  .request_id = "request-1",
				  .now_ms = fixture->clock.now_ms };
}

/* --- withdrawals --------------------------------------------------------------------------------
 */

void fixture_set_key(struct withdrawal *row, const char *account, const char *key)
{
	snprintf(row->intent.account, sizeof row->intent.account, "%s", account);
	key_hash_make(account, str_from(key), row->intent.key_hash);
	sha256(key, strlen(key), row->intent.fingerprint);
}

struct withdrawal fixture_withdrawal(struct fixture *fixture, const char *key)
{
	struct withdrawal row;
	memset(&row, 0, sizeof row);
	fixture_set_key(&row, "acme", key);
	row.intent.id = fixture_id(fixture);
	row.intent.chain_id = FIXTURE_CHAIN_ID;
	snprintf(row.intent.asset, sizeof row.intent.asset, "POL");
	row.intent.is_native = true;
	row.intent.decimals = 18;
	row.intent.to = address_of(0x52);
	row.intent.amount.units = u256_from_u64(1000 + fixture->made);
	row.intent.created_at = fixture->clock.now_ms;
	snprintf(row.intent.created_by, sizeof row.intent.created_by, "key-1");
	snprintf(row.intent.key_owner, sizeof row.intent.key_owner, "olga");
	snprintf(row.correlation_id, sizeof row.correlation_id, "trace-%d", (int)fixture->made);
	row.intent_mac.key_id = 7;
	memset(row.intent_mac.bytes, 0x4d, sizeof row.intent_mac.bytes);
	row.stage = WITHDRAWAL_ACCEPTED;
	row.version = 1;
	row.due_at = fixture->clock.now_ms + lifecycle_due_in_ms(WITHDRAWAL_ACCEPTED);
	row.updated_at = fixture->clock.now_ms;
	return row;
}

struct store_accept fixture_item(const struct withdrawal *row)
{
	return (struct store_accept){ .withdrawal = *row, .who = "key-1" };
}

struct withdrawal fixture_accept(struct fixture *fixture, const char *key)
{
	struct withdrawal row = fixture_withdrawal(fixture, key);
	struct store_accept item = fixture_item(&row);
	MUST(store_accept_withdrawals, fixture->store, &item, 1);
	assert_int_equal(item.result, STORE_ACCEPTED);
	return fixture_load(fixture, row.intent.id);
}

struct withdrawal fixture_queue(struct fixture *fixture, const char *key)
{
	struct withdrawal row = fixture_accept(fixture, key);
	struct store_change change = fixture_change(&row, WITHDRAWAL_QUEUED, "queued");
	assert_true(fixture_apply(fixture, &change, ACTOR_PROCESSOR));
	return fixture_load(fixture, row.intent.id);
}

struct withdrawal fixture_load(struct fixture *fixture, struct id id)
{
	struct withdrawal row;
	bool found = false;
	MUST(store_withdrawals_load, fixture->store, &id, 1, &row, &found);
	assert_true(found);
	return row;
}

struct store_change fixture_change(const struct withdrawal *row, enum withdrawal_stage to,
				   const char *event)
{
	return (struct store_change){ .withdrawal = row->intent.id,
				      .version = row->version,
				      .from = row->stage,
				      .to = to,
				      .event = event };
}

bool fixture_apply(struct fixture *fixture, struct store_change *change, enum actor actor)
{
	struct store_by by = fixture_by(fixture, actor);
	MUST(store_withdrawals_change, fixture->store, change, 1, &by);
	return change->applied;
}

static void assert_intent_equal(const struct intent *a, const struct intent *b)
{
	assert_memory_equal(a->id.bytes, b->id.bytes, ID_BYTES);
	assert_string_equal(a->account, b->account);
	assert_int_equal(a->chain_id, b->chain_id);
	assert_string_equal(a->asset, b->asset);
	assert_int_equal(a->is_native, b->is_native);
	assert_memory_equal(a->contract.bytes, b->contract.bytes, ADDRESS_BYTES);
	assert_int_equal(a->decimals, b->decimals);
	assert_memory_equal(a->to.bytes, b->to.bytes, ADDRESS_BYTES);
	assert_int_equal(amount_compare(a->amount, b->amount), 0);
	assert_memory_equal(a->key_hash, b->key_hash, KEY_HASH_BYTES);
	assert_string_equal(a->external_id, b->external_id);
	assert_memory_equal(a->fingerprint, b->fingerprint, sizeof a->fingerprint);
	assert_int_equal(a->created_at, b->created_at);
	assert_string_equal(a->created_by, b->created_by);
	assert_string_equal(a->key_owner, b->key_owner);
}

static void assert_mac_equal(const struct mac_tag *a, const struct mac_tag *b)
{
	assert_int_equal(a->key_id, b->key_id);
	assert_memory_equal(a->bytes, b->bytes, sizeof a->bytes);
}

void assert_withdrawal_equal(const struct withdrawal *a, const struct withdrawal *b)
{
	assert_intent_equal(&a->intent, &b->intent);
	assert_string_equal(a->correlation_id, b->correlation_id);
	assert_string_equal(a->metadata, b->metadata);
	assert_mac_equal(&a->intent_mac, &b->intent_mac);
	assert_int_equal(a->approval.policy_version, b->approval.policy_version);
	assert_int_equal(a->approval.approved_at, b->approval.approved_at);
	assert_int_equal(a->approval.expires_at, b->approval.expires_at);
	assert_mac_equal(&a->approval_mac, &b->approval_mac);
	assert_int_equal(a->stage, b->stage);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->round, b->round);
	assert_int_equal(a->cancel_requested, b->cancel_requested);
	assert_string_equal(a->wait_reason, b->wait_reason);
	assert_int_equal(a->funds_since, b->funds_since);
	assert_string_equal(a->held_reason, b->held_reason);
	assert_string_equal(a->failure_code, b->failure_code);
	assert_memory_equal(a->transfer.bytes, b->transfer.bytes, ID_BYTES);
	assert_int_equal(a->due_at, b->due_at);
	assert_int_equal(a->updated_at, b->updated_at);
}

/* --- transfers ----------------------------------------------------------------------------------
 */

struct store_reservation fixture_reservation(struct fixture *fixture, const struct withdrawal *row,
					     size_t wallet)
{
	struct store_reservation item = { .withdrawal = row->intent.id,
					  .version = row->version,
					  .epoch = fixture->leases[wallet].epoch };
	item.transfer.id = fixture_id(fixture);
	item.transfer.wallet_id = fixture->wallets[wallet].id;
	item.transfer.wallet = fixture->wallets[wallet].address;
	item.transfer.round = row->round;
	item.transfer.gas_limit = 21000;
	transfer_bind(&item.transfer, &row->intent);
	return item;
}

struct transfer fixture_reserve(struct fixture *fixture, const struct withdrawal *row,
				size_t wallet)
{
	struct store_reservation item = fixture_reservation(fixture, row, wallet);
	struct store_by by = fixture_by(fixture, ACTOR_SIGNER);
	MUST(store_transfers_reserve, fixture->store, &item, 1, &by);
	assert_int_equal(item.result, STORE_WRITTEN);
	return fixture_transfer(fixture, item.transfer.id);
}

static size_t wallet_index(const struct fixture *fixture, int64_t wallet_id)
{
	for (size_t i = 0; i < FIXTURE_WALLETS; i++)
		if (fixture->wallets[i].id == wallet_id)
			return i;
	fail_msg("no wallet %d", (int)wallet_id);
	return 0;
}

struct store_attempt fixture_attempt(struct fixture *fixture, const struct transfer *slot)
{
	struct store_attempt item;
	memset(&item, 0, sizeof item);
	struct attempt *attempt = &item.attempt;
	attempt->transfer = slot->id;
	attempt->number = slot->attempts + 1;
	attempt->is_cancel = slot->is_cancel;
	attempt->fees.tip.value = u256_from_u64(30000000000 + attempt->number);
	attempt->fees.cap.value = u256_from_u64(90000000000 + attempt->number);
	attempt->gas_limit = slot->gas_limit;
	attempt->tx_hash = fixture_hash(fixture);
	attempt->raw_len = 110;
	for (size_t i = 0; i < attempt->raw_len; i++)
		attempt->raw[i] = (uint8_t)(i * 7 + fixture->made);
	attempt->signed_at = fixture->clock.now_ms;
	item.wallet_id = slot->wallet_id;
	item.epoch = fixture->leases[wallet_index(fixture, slot->wallet_id)].epoch;
	return item;
}

struct transfer fixture_sign(struct fixture *fixture, const struct transfer *slot)
{
	struct store_attempt item = fixture_attempt(fixture, slot);
	struct store_by by = fixture_by(fixture, ACTOR_SIGNER);
	MUST(store_attempts_add, fixture->store, &item, 1, &by);
	assert_int_equal(item.result, STORE_WRITTEN);
	return fixture_transfer(fixture, slot->id);
}

struct store_sent fixture_sent(const struct fixture *fixture, const struct transfer *slot,
			       uint32_t number)
{
	return (struct store_sent){
		.transfer = slot->id,
		.number = number,
		.wallet_id = slot->wallet_id,
		.epoch = fixture->leases[wallet_index(fixture, slot->wallet_id)].epoch,
		.may_be_out = true,
	};
}

struct transfer fixture_send(struct fixture *fixture, const struct transfer *slot)
{
	struct store_sent item = fixture_sent(fixture, slot, slot->attempts);
	struct store_by by = fixture_by(fixture, ACTOR_SIGNER);
	MUST(store_attempts_sent, fixture->store, &item, 1, &by);
	assert_int_equal(item.result, STORE_WRITTEN);
	return fixture_transfer(fixture, slot->id);
}

struct store_observation fixture_observation(struct fixture *fixture, const struct transfer *slot,
					     enum transfer_stage to, enum transfer_outcome outcome)
{
	struct store_observation item = {
		.transfer = slot->id, .version = slot->version, .to = to, .outcome = outcome
	};
	struct attempt attempts[ATTEMPTS_MAX];
	size_t len = fixture_attempts(fixture, slot->id, attempts);
	if (to == TRANSFER_BROADCAST || len == 0)
		return item;
	item.mined_hash = attempts[len - 1].tx_hash;
	item.mined_block = 1000 + slot->nonce;
	memset(item.mined_block_hash.bytes, 0xb1, sizeof item.mined_block_hash.bytes);
	return item;
}

struct transfer fixture_observe(struct fixture *fixture, const struct transfer *slot,
				enum transfer_stage to, enum transfer_outcome outcome)
{
	struct store_observation item = fixture_observation(fixture, slot, to, outcome);
	struct store_by by = fixture_by(fixture, ACTOR_MONITOR);
	MUST(store_transfers_observe, fixture->store, &item, 1, &fixture->monitor, &by);
	assert_int_equal(item.result, STORE_WRITTEN);
	return fixture_transfer(fixture, slot->id);
}

struct transfer fixture_broadcast(struct fixture *fixture, const char *key, size_t wallet)
{
	struct withdrawal row = fixture_queue(fixture, key);
	struct transfer slot = fixture_reserve(fixture, &row, wallet);
	slot = fixture_sign(fixture, &slot);
	return fixture_send(fixture, &slot);
}

struct transfer fixture_transfer(struct fixture *fixture, struct id id)
{
	struct transfer slot;
	bool found = false;
	MUST(store_transfer_load, fixture->store, id, &slot, &found);
	assert_true(found);
	return slot;
}

size_t fixture_attempts(struct fixture *fixture, struct id transfer,
			struct attempt ret_rows[ATTEMPTS_MAX])
{
	size_t len = 0;
	MUST(store_attempts_load, fixture->store, transfer, ret_rows, ATTEMPTS_MAX, &len);
	return len;
}

struct wallet fixture_wallet(struct fixture *fixture, size_t index)
{
	struct wallet wallets[FIXTURE_WALLETS];
	size_t len = 0;
	MUST(store_wallets_load, fixture->store, wallets, FIXTURE_WALLETS, &len);
	assert_true(index < len);
	return wallets[index];
}

/* --- looking behind the port --------------------------------------------------------------------
 */

struct store_event fixture_last_event(struct fixture *fixture, struct id withdrawal)
{
	struct store_event events[64];
	size_t len = 0;
	MUST(store_events_list, fixture->store, withdrawal, 0, events, COUNT_OF(events), &len);
	assert_true(len > 0);
	return events[len - 1];
}

static int64_t number_read(struct fixture *fixture, struct db_statement *statement)
{
	struct err err = { 0 };
	if (db_step(fixture->db, statement, &err) != DB_ROW)
		fail_msg("no number: %s", err.text);
	int64_t number = db_column_i64(fixture->db, statement, 0);
	db_reset(fixture->db, statement);
	return number;
}

int64_t fixture_number(struct fixture *fixture, const char *sql)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(fixture->db, sql, &err);
	if (statement == NULL)
		fail_msg("%s", err.text);
	return number_read(fixture, statement);
}

int64_t fixture_number_of(struct fixture *fixture, const char *sql, struct id id)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(fixture->db, sql, &err);
	if (statement == NULL)
		fail_msg("%s", err.text);
	db_bind_bytes(fixture->db, statement, 1, id.bytes, ID_BYTES);
	return number_read(fixture, statement);
}

void fixture_edit(struct fixture *fixture, const char *sql)
{
	MUST(db_exec, fixture->db, sql);
}

static int64_t message_number(struct fixture *fixture, const char *sql, enum queue_name queue,
			      struct id subject)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(fixture->db, sql, &err);
	if (statement == NULL)
		fail_msg("%s", err.text);
	db_bind_i64(fixture->db, statement, 1, queue);
	db_bind_bytes(fixture->db, statement, 2, subject.bytes, ID_BYTES);
	return number_read(fixture, statement);
}

int64_t fixture_messages(struct fixture *fixture, enum queue_name queue, struct id subject)
{
	return message_number(fixture,
			      "SELECT COUNT(*) FROM messages WHERE queue = ? AND subject = ?",
			      queue, subject);
}

int64_t fixture_generation(struct fixture *fixture, enum queue_name queue, struct id subject)
{
	return message_number(fixture,
			      "SELECT COALESCE(MAX(generation), 0) FROM messages "
			      "WHERE queue = ? AND subject = ?",
			      queue, subject);
}

struct message fixture_claim(struct fixture *fixture, enum queue_name queue, struct id subject)
{
	struct queue *claims = NULL;
	struct message messages[BATCH_MAX];
	size_t len = 0;
	MUST(queue_store_open, fixture->db, &fixture->clock.base, &fixture->entropy, NULL, &claims);
	MUST(queue_claim, claims, queue, BATCH_MAX, 30000, messages, &len);
	queue_close(claims);
	assert_int_equal(len, 1);
	assert_true(id_equal(messages[0].ack.subject, subject));
	return messages[0];
}

struct table {
	const char *name;
	const char *sql;
	int columns;
};

static const struct table tables[] = {
	{ "chains", "SELECT * FROM chains ORDER BY chain_id", 3 },
	{ "assets", "SELECT * FROM assets ORDER BY chain_id, symbol", 5 },
	/* Without the counters that a fence moves: they are no state. */
	{ "wallets",
	  "SELECT id, chain_id, address, key_ref, first_nonce, next_nonce, entered, stop_reason, "
	  "lease_holder, lease_epoch FROM wallets ORDER BY id",
	  10 },
	{ "leases", "SELECT name, holder, epoch FROM leases ORDER BY name", 3 },
	{ "withdrawals", "SELECT * FROM withdrawals ORDER BY id", 35 },
	{ "transfers", "SELECT * FROM transfers ORDER BY id", 25 },
	{ "transfer_items", "SELECT * FROM transfer_items ORDER BY transfer_id, position", 5 },
	{ "attempts", "SELECT * FROM attempts ORDER BY transfer_id, number", 10 },
	{ "messages", "SELECT * FROM messages ORDER BY queue, subject", 8 },
	{ "message_claims", "SELECT * FROM message_claims ORDER BY queue, subject", 5 },
	{ "events", "SELECT * FROM events ORDER BY withdrawal_id, sequence", 8 },
	{ "audit", "SELECT * FROM audit ORDER BY id", 9 },
	{ "accounts", "SELECT * FROM accounts ORDER BY name", 6 },
	{ "api_keys", "SELECT * FROM api_keys ORDER BY id", 14 },
	{ "users", "SELECT * FROM users ORDER BY id", 14 },
	{ "sessions", "SELECT * FROM sessions ORDER BY id", 13 },
	{ "session_tokens", "SELECT * FROM session_tokens ORDER BY session_id, hash", 3 },
	{ "controls", "SELECT * FROM controls ORDER BY scope, name", 7 },
	{ "controls_head", "SELECT * FROM controls_head ORDER BY id", 6 },
	{ "policies", "SELECT * FROM policies ORDER BY version", 7 },
	{ "idempotency", "SELECT * FROM idempotency ORDER BY principal, key_hash", 7 },
	{ "proposals", "SELECT * FROM proposals ORDER BY id", 16 },
	{ "approvals", "SELECT * FROM approvals ORDER BY withdrawal_id, person", 9 },
	{ "policy_windows", "SELECT * FROM policy_windows ORDER BY limit_key", 3 },
	{ "policy_reservations",
	  "SELECT * FROM policy_reservations ORDER BY withdrawal_id, limit_key", 5 },
	{ "allow_list", "SELECT * FROM allow_list ORDER BY entry_key", 10 },
	{ "known_receivers", "SELECT * FROM known_receivers ORDER BY ends_key", 4 },
	{ "wallet_balances", "SELECT * FROM wallet_balances ORDER BY chain_id, wallet, asset", 6 },
};
_Static_assert(COUNT_OF(tables) == FIXTURE_TABLES, "a digest has a place for every table");

/* Each column is read as both of the types that the port knows: the wrong one is zero or empty. */
static void row_digest(struct db *db, struct db_statement *statement, int columns,
		       uint8_t digest[32])
{
	struct buf row = buf_new(16384);
	buf_bytes(&row, digest, 32);
	for (int i = 0; i < columns; i++) {
		struct str bytes = db_column_bytes(db, statement, i);
		buf_byte(&row, db_column_is_null(db, statement, i));
		buf_u64(&row, (uint64_t)db_column_i64(db, statement, i));
		buf_prefixed(&row, bytes.at, bytes.len);
	}
	assert_false(row.overflow);
	sha256(row.at, row.len, digest);
	buf_free(&row);
}

struct digest fixture_digest(struct fixture *fixture)
{
	struct digest digest;
	struct err err = { 0 };
	memset(&digest, 0, sizeof digest);
	for (size_t i = 0; i < FIXTURE_TABLES; i++) {
		struct db_statement *rows = db_prepare(fixture->db, tables[i].sql, &err);
		if (rows == NULL)
			fail_msg("%s", err.text);
		while (db_step(fixture->db, rows, &err) == DB_ROW)
			row_digest(fixture->db, rows, tables[i].columns, digest.tables[i]);
		assert_int_equal(err.kind, ERR_NONE);
	}
	return digest;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

void assert_digest_equal_at(const struct digest *a, const struct digest *b, const char *file,
			    int line)
{
	if (digest_equal(a, b))
		return;
	for (size_t i = 0; i < FIXTURE_TABLES; i++)
		if (memcmp(a->tables[i], b->tables[i], sizeof a->tables[i]) != 0)
			print_error("%s differs\n", tables[i].name);
	_fail(file, line);
}

/* --- what always holds --------------------------------------------------------------------------
 */

struct rule {
	const char *text;
	const char *violations; /* counts them */
};

static const struct rule rules[] = {
	{ "T1: a slot is one nonce of one wallet",
	  "SELECT COUNT(*) - COUNT(DISTINCT wallet_id * 1000000 + nonce) FROM transfers" },
	{ "T2: the nonces of a wallet are dense",
	  "SELECT COUNT(*) FROM wallets w WHERE w.next_nonce - w.first_nonce <> (SELECT COUNT(*) "
	  "FROM transfers t WHERE t.wallet_id = w.id AND t.nonce >= w.first_nonce AND "
	  "t.nonce < w.next_nonce)" },
	{ "no slot lies outside of its wallet's nonces",
	  "SELECT COUNT(*) FROM transfers t JOIN wallets w ON w.id = t.wallet_id "
	  "WHERE t.nonce < w.first_nonce OR t.nonce >= w.next_nonce" },
	{ "T3: a slot that is signed has its attempts, numbered from 1",
	  "SELECT COUNT(*) FROM transfers t WHERE t.attempts <> (SELECT COUNT(*) FROM attempts a "
	  "WHERE a.transfer_id = t.id AND a.number BETWEEN 1 AND t.attempts) OR "
	  "(t.stage IN (2, 3) AND t.attempts = 0) OR (t.stage = 1 AND t.attempts > 0)" },
	{ "no attempt lies outside of its slot",
	  "SELECT COUNT(*) FROM attempts a WHERE NOT EXISTS (SELECT 1 FROM transfers t "
	  "WHERE t.id = a.transfer_id AND a.number <= t.attempts)" },
	{ "an assigned or completed withdrawal is bound to the slot of its round",
	  "SELECT COUNT(*) FROM withdrawals w WHERE w.stage IN (4, 5) AND NOT EXISTS (SELECT 1 FROM "
	  "transfer_items i WHERE i.withdrawal_id = w.id AND i.round = w.round AND "
	  "i.transfer_id = w.transfer_id)" },
	/* Or foreign, and two people named the transaction that paid. */
	{ "T6: completed means that the slot is final and succeeded",
	  "SELECT COUNT(*) FROM withdrawals w WHERE w.stage = 5 AND NOT EXISTS (SELECT 1 FROM "
	  "transfers t WHERE t.id = w.transfer_id AND t.stage = 5 AND t.outcome IN (1, 4))" },
	{ "an item belongs to a slot and a withdrawal",
	  "SELECT COUNT(*) FROM transfer_items i WHERE NOT EXISTS (SELECT 1 FROM transfers t "
	  "WHERE t.id = i.transfer_id) OR NOT EXISTS (SELECT 1 FROM withdrawals w "
	  "WHERE w.id = i.withdrawal_id)" },
	{ "every version has its event, but for those that a restore jumps over",
	  "SELECT COUNT(*) FROM withdrawals w WHERE (w.version - (SELECT COUNT(*) FROM events e "
	  "WHERE e.withdrawal_id = w.id AND e.type <> 'restored' AND e.sequence BETWEEN 1 AND "
	  "w.version)) % 1000000 <> 0" },
	{ "the newest event tells the stage",
	  "SELECT COUNT(*) FROM withdrawals w JOIN events e ON e.withdrawal_id = w.id AND "
	  "e.sequence = w.version WHERE e.stage <> w.stage" },
	{ "no event is ahead of its withdrawal",
	  "SELECT COUNT(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM withdrawals w "
	  "WHERE w.id = e.withdrawal_id AND w.version >= e.sequence)" },
	{ "every event has its audit record, which may say from where besides",
	  "SELECT COUNT(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE "
	  "a.subject = e.withdrawal_id AND a.action = e.type AND a.at = e.at AND "
	  "a.actor = e.actor AND (a.detail = e.detail OR "
	  "a.detail LIKE '%\"address\":\"%\"}'))" },
	{ "what is not ended has a due time, what is ended has none",
	  "SELECT COUNT(*) FROM withdrawals WHERE (stage < 5) <> (due_at IS NOT NULL)" },
	{ "T10: what ended unpaid has no room in any window",
	  "SELECT COUNT(*) FROM policy_reservations r JOIN withdrawals w ON w.id = r.withdrawal_id "
	  "WHERE w.stage IN (6, 7, 8)" },
	{ "an observation has its block, anything else has none",
	  "SELECT COUNT(*) FROM transfers WHERE (stage >= 4) <> (mined_block > 0) OR "
	  "(stage >= 4) <> (mined_hash IS NOT NULL)" },
};

bool fixture_is_sound(struct fixture *fixture)
{
	bool sound = true;
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		int64_t violations = fixture_number(fixture, rules[i].violations);
		if (violations != 0)
			print_error("%d times broken: %s\n", (int)violations, rules[i].text);
		sound = sound && violations == 0;
	}
	return sound;
}
