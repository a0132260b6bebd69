#include "life.h"

#include "../place.h"
#include "adapter/chain_jsonrpc.h"
#include "adapter/db_mysql.h"
#include "adapter/db_sqlite.h"
#include "adapter/entropy_os.h"
#include "adapter/journal_sql.h"
#include "adapter/keys_keystore.h"
#include "adapter/keys_keystore_file.h"
#include "adapter/queue_store.h"
#include "adapter/store_sql.h"
#include "base/hash.h"
#include "base/hex.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(function, ...)                                       \
	do {                                                      \
		struct err err_ = { 0 };                          \
		if (!function(__VA_ARGS__, &err_))                \
			fail_msg("%s: %s", #function, err_.text); \
	} while (0)

static int64_t clock_real(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t life_now(struct clock *clock)
{
	return clock_real(CLOCK_REALTIME) + ((struct life_clock *)(void *)clock)->skew_ms;
}

/* A machine that has just been started has not run for as long as a test goes back. */
#define UP_MS (INT64_C(10) * 365 * 24 * 3600 * 1000)

static int64_t life_monotonic(struct clock *clock)
{
	return UP_MS + clock_real(CLOCK_MONOTONIC) + ((struct life_clock *)(void *)clock)->skew_ms;
}

static const struct clock_ops life_clock_ops = { life_now, life_monotonic };

static int64_t log_now(void *clock)
{
	return clock_now_ms(clock);
}

/* The private keys of the development chain's accounts 1 to 3, as its own start-up text prints
 * them. */
static const char *const dev_keys[] = {
	"59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
	"5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
	"7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
};
#define DEV_KEYS 3

static void keys_open(struct life *life)
{
	struct keys_keystore_file files[DEV_KEYS];
	static char names[DEV_KEYS][8];
	static char paths[DEV_KEYS][96];
	for (size_t i = 0; i < DEV_KEYS; i++) {
		uint8_t key[32];
		snprintf(names[i], sizeof names[i], "w%zu", i + 1);
		snprintf(paths[i], sizeof paths[i], "%s/%s.json", life->dir, names[i]);
		assert_true(hex_read(str_from(dev_keys[i]), key, sizeof key));
		if (access(paths[i], F_OK) != 0) /* it exists when a second signer joins */
			MUST(keystore_write, paths[i], str_from_bytes(key, sizeof key),
			     KEYSTORE_KEY, STR("life"), 2, &life->entropy);
		files[i] = (struct keys_keystore_file){ names[i], paths[i], STR("life") };
	}
	struct keys_keystore_options options = { files, DEV_KEYS, &life->entropy };
	MUST(keys_keystore_open, &options, &life->keys);
}

static void chain_make(struct chain_params *chain)
{
	snprintf(chain->name, sizeof chain->name, "dev");
	chain->chain_id = 31337;
	chain->has_finality = true;
	chain->depth_paid = 2;
	chain->depth_unpaid = 6;
	chain->fees.tip_min.value = u256_from_u64(1000000000);
	chain->fees.cap_max.value = u256_from_u64(500000000000);
	chain->bump_after_ms = 10000;
	chain->rebroadcast_after_ms = 2000;
	chain->poll_ms = 50;
	chain->native_gas_limit = 100000;
}

static void catalogue_make(struct life *life)
{
	struct catalogue *catalogue = &life->catalogue;
	chain_make(&catalogue->chains[0]);
	catalogue->chains_len = 1;
	struct asset *coin = &catalogue->assets[0];
	snprintf(coin->symbol, sizeof coin->symbol, "POL");
	coin->is_native = true;
	coin->decimals = 18;
	coin->minimum.units = u256_from_u64(10);
	struct asset *token = &catalogue->assets[1];
	snprintf(token->symbol, sizeof token->symbol, "TUSD");
	token->decimals = 6;
	token->gas_ceiling = 200000;
	token->payment_max.units = u256_from_u64(900000000);
	assert_int_equal(address_read(str_from(getenv("SLUICE_TEST_TOKEN")), &token->contract),
			 ADDRESS_OK);
	catalogue->assets_len = 2;
	for (size_t i = 0; i < DEV_KEYS; i++) {
		struct wallet_params *wallet = &catalogue->wallets[i];
		snprintf(wallet->key_ref, sizeof wallet->key_ref, "w%zu", i + 1);
		MUST(keys_address, life->keys, wallet->key_ref, &wallet->address);
		wallet->in_flight_max = 4;
		wallet->fresh = false;
	}
	catalogue->wallets_len = DEV_KEYS;
}

static struct mac_keys mac_keys_of(struct life *life, size_t index)
{
	struct mac_keys keys = { .keys = { { 1, life->keys_bytes[index] } }, .len = 1 };
	if (index != 0 || life->intent_key_id == 0)
		return keys;
	keys.keys[0].id = life->intent_key_id;
	if (life->intent_key_before != NULL)
		keys.keys[keys.len++] =
			(struct mac_key){ life->intent_key_id - 1, life->intent_key_before };
	return keys;
}

struct feed_keys life_feed_keys(struct life *life)
{
	return (struct feed_keys){ mac_keys_of(life, 5), life->deployment };
}

static void signer_open(struct life *life)
{
	struct signer_options options = { .store = life->ports.store,
					  .queue = life->ports.queue,
					  .cache = life->cache,
					  .clock = &life->clock.base,
					  .entropy = &life->entropy,
					  .keys = life->ports.keys,
					  .journal = life->ports.journal,
					  .chains = { life->ports.chain },
					  .catalogue = &life->catalogue,
					  .log = &life->log,
					  .metrics = NULL,
					  .deployment = life->deployment,
					  .intent_keys = mac_keys_of(life, 0),
					  .approval_keys = mac_keys_of(life, 1),
					  .controls_keys = mac_keys_of(life, 4),
					  .pay_tag_key = life->keys_bytes[2],
					  .instance = life->instance,
					  .visibility_ms = 60000,
					  .funds_wait_ms = 1000,
					  .passed_over_ms = life->passed_over_ms,
					  .deny_list = life->deny_list,
					  .freeze = life->freeze,
					  .recovers = life->recovers,
					  .journal_lost = life->journal_lost,
					  .accepts_strangers = life->accepts_strangers,
					  .entry_wait_ms = 10 };
	if (!life->recovers)
		options.feed_keys = life_feed_keys(life).keys;
	life->signer = signer_new(&options);
}

static void monitor_open(struct life *life)
{
	struct monitor_options options = { .store = life->ports.store,
					   .queue = life->ports.queue,
					   .clock = &life->clock.base,
					   .chains = { life->ports.chain },
					   .catalogue = &life->catalogue,
					   .log = &life->log,
					   .metrics = NULL,
					   .instance = life->watcher,
					   .recovers = life->recovers,
					   .balances_interval_ms = 100000 };
	if (!life->recovers)
		options.feed_keys = life_feed_keys(life);
	life->monitor = monitor_new(&options);
}

/* Dies with its processor, and all that it was asked. */
static void screen_renew(struct life *life)
{
	screen_close(life->screen);
	life->screen = life->screen_open != NULL ? life->screen_open(life) : NULL;
}

static void processor_open(struct life *life)
{
	screen_renew(life);
	struct processor_options options = { .store = life->ports.store,
					     .queue = life->ports.queue,
					     .clock = &life->clock.base,
					     .deny_list = life->deny_list,
					     .screen = life->screen,
					     .catalogue = &life->catalogue,
					     .log = &life->log,
					     .metrics = NULL,
					     .approval_keys = mac_keys_of(life, 1),
					     .policy_keys = mac_keys_of(life, 6),
					     .chains = { life->ports.chain },
					     .instance = "processor-life",
					     .ends_by_signer = life->ends_by_signer,
					     .approval_life_ms = life->approval_life_ms,
					     .visibility_ms = 30000,
					     .sweep_interval_ms = 1 };
	life->processor = processor_new(&options);
}

struct db *life_mysql(const char *database)
{
	struct db_mysql_options options = { .socket = getenv("SLUICE_TEST_MYSQL_SOCKET"),
					    .user = "root",
					    .database = database,
					    .wait_ms = 1000 };
	struct db *db = NULL;
	MUST(db_mysql_open, &options, &db);
	return db;
}

static struct db *db_open(const struct life *life, const char *name, const char *suffix)
{
	char path[112];
	struct db_sqlite_options options = { .path = path };
	struct db *db = NULL;
	if (life->database[0] != 0) {
		snprintf(path, sizeof path, "%s%s", life->database, suffix);
		return life_mysql(path);
	}
	snprintf(path, sizeof path, "%s/%s.db", life->dir, name);
	MUST(db_sqlite_open, &options, &db);
	return db;
}

static void stores_open(struct life *life)
{
	life->db = db_open(life, "store", "");
	MUST(store_sql_migrate, life->db, clock_now_ms(&life->clock.base));
	MUST(store_sql_open, life->db, &life->store);
	MUST(queue_store_open, life->db, &life->clock.base, &life->entropy, NULL, &life->queue);
	struct journal_sql_options journal = { .deployment = life->deployment,
					       .mac_key = life->keys_bytes[3] };
	life->journal_db = db_open(life, "journal", "j");
	MUST(journal_sql_open, life->journal_db, &journal, &life->journal);
}

static void log_open(struct life *life)
{
	char path[96];
	snprintf(path, sizeof path, "%s/log", life->dir);
	life->log_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(life->log_fd >= 0);
	life->log = (struct log){ .fd = life->log_fd,
				  .level = LOG_INFO,
				  .service = "sluice-life",
				  .now_ms = log_now,
				  .clock = &life->clock.base };
}

static void ports_open(struct life *life)
{
	struct http_client_options rpc = { .url = getenv("SLUICE_TEST_RPC") };
	MUST(http_client_open, &rpc, &life->rpc);
	struct chain_jsonrpc_options chain = { .url = getenv("SLUICE_TEST_RPC"),
					       .deadline_ms = 5000 };
	MUST(chain_jsonrpc_open, &chain, &life->chain);
	stores_open(life);
	keys_open(life);
}

static void services_open(struct life *life)
{
	life->ports = (struct life_ports){ life->store, life->queue, life->journal, life->keys,
					   life->chain };
	signer_open(life);
	monitor_open(life);
	processor_open(life);
}

static void services_close(struct life *life)
{
	signer_free(life->signer);
	monitor_free(life->monitor);
	processor_free(life->processor);
	screen_close(life->screen);
	life->screen = NULL;
}

static void stores_close(struct life *life)
{
	journal_close(life->journal);
	queue_close(life->queue);
	store_close(life->store);
	db_close(life->db);
}

static void ports_close(struct life *life)
{
	chain_close(life->chain);
	keys_close(life->keys);
	stores_close(life);
	http_client_close(life->rpc);
}

void life_stop(struct life *life)
{
	assert_null(life->fault);
	services_close(life);
	stores_close(life);
}

void life_start(struct life *life)
{
	stores_open(life);
	services_open(life);
}

static void file_move(const struct life *life, const char *from, const char *to)
{
	char from_path[112];
	char to_path[112];
	snprintf(from_path, sizeof from_path, "%s/%s", life->dir, from);
	snprintf(to_path, sizeof to_path, "%s/%s", life->dir, to);
	assert_int_equal(rename(from_path, to_path), 0);
}

void life_back_up(struct life *life)
{
	life_sql(life, "VACUUM INTO '%s/backup.db'", life->dir);
}

void life_restore(struct life *life)
{
	life_stop(life); /* the last connection takes the write-ahead log along */
	file_move(life, "backup.db", "store.db");
	life_start(life);
}

/* Every test finds the chain as the first one did. */
static void chain_remember(struct life *life)
{
	const char *answer = life_rpc(life, "evm_snapshot", "[]");
	const char *result = strstr(answer, "\"result\":\"");
	unsigned long long number = 0;
	assert_non_null(result);
	assert_int_equal(sscanf(result, "\"result\":\"0x%llx\"", &number), 1);
	snprintf(life->snapshot, sizeof life->snapshot, "[\"0x%llx\"]", number);
}

static struct life *life_new(void)
{
	struct life *life = calloc(1, sizeof *life);
	assert_non_null(life);
	life->clock.base.ops = &life_clock_ops;
	life->instance = "signer-life";
	life->watcher = "monitor-life";
	life->approval_life_ms = 86400000;
	life->passed_over_ms = 600000;
	entropy_os_init(&life->entropy);
	return life;
}

static void server_say(const char *what, const char *database, const char *suffix)
{
	char sql[96];
	struct db *db = life_mysql("mysql");
	snprintf(sql, sizeof sql, "%s DATABASE %s%s", what, database, suffix);
	MUST(db_exec, db, sql);
	db_close(db);
}

/* Where there is a server, the life's store and journal are databases of it. */
static void databases_make(struct life *life)
{
	if (getenv("SLUICE_TEST_MYSQL_SOCKET") == NULL)
		return;
	snprintf(life->database, sizeof life->database, "life%d_%llu", (int)getpid(),
		 (unsigned long long)clock_monotonic_ms(&life->clock.base));
	server_say("CREATE", life->database, "");
	server_say("CREATE", life->database, "j");
}

static void databases_drop(const struct life *life)
{
	if (life->database[0] == 0)
		return;
	server_say("DROP", life->database, "");
	server_say("DROP", life->database, "j");
}

int life_set_up(void **state)
{
	struct life *life = life_new();
	snprintf(life->dir, sizeof life->dir, "%s/sluice-life-XXXXXX", test_place());
	assert_non_null(mkdtemp(life->dir));
	entropy_fill(&life->entropy, life->keys_bytes, sizeof life->keys_bytes);
	life->deployment = id_make(clock_now_ms(&life->clock.base), life->keys_bytes[0]);
	log_open(life);
	databases_make(life);
	ports_open(life);
	chain_remember(life);
	catalogue_make(life);
	MUST(store_catalogue_pin, life->store, &life->catalogue);
	life_policy_set(life, LIFE_POLICY);
	services_open(life);
	/* Two looks at each wallet, some time apart, before it enters. */
	life_sign(life);
	life_wait(life, 1000);
	life_sign(life);
	*state = life;
	return 0;
}

int life_tear_down(void **state)
{
	struct life *life = *state;
	services_close(life);
	bool is_intact = life_feed_is_intact(life);
	(void)life_rpc(life, "anvil_dropAllTransactions", "[]");
	(void)life_rpc(life, "evm_revert", life->snapshot);
	ports_close(life);
	databases_drop(life);
	close(life->log_fd);
	pid_t child = fork();
	if (child == 0) {
		execlp("rm", "rm", "-rf", life->dir, (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	free(life->fault);
	free(life);
	return is_intact ? 0 : -1;
}

struct life *life_join(struct life *life)
{
	struct life *other = life_new();
	memcpy(other->dir, life->dir, sizeof other->dir);
	memcpy(other->database, life->database, sizeof other->database);
	memcpy(other->keys_bytes, life->keys_bytes, sizeof other->keys_bytes);
	other->clock.skew_ms = life->clock.skew_ms;
	other->deployment = life->deployment;
	other->instance = "signer-second";
	other->watcher = "monitor-second";
	other->log = life->log;
	other->log_fd = life->log_fd;
	other->catalogue = life->catalogue;
	ports_open(other);
	services_open(other);
	return other;
}

void life_part(struct life *other)
{
	services_close(other);
	ports_close(other);
	free(other);
}

static struct address fresh_address(struct life *life)
{
	struct address address;
	entropy_fill(&life->entropy, address.bytes, sizeof address.bytes);
	return address;
}

enum store_accept_result life_order(struct life *life, const char *external_id, const char *symbol,
				    uint64_t units, struct address to, struct withdrawal *ret_row)
{
	const struct asset *asset = catalogue_asset(&life->catalogue, 31337, str_from(symbol));
	static struct store_accept item;
	struct withdrawal *row = &item.withdrawal;
	struct mac_keys keys = mac_keys_of(life, 0);
	uint8_t random[10];
	char key[32];
	memset(&item, 0, sizeof item);
	assert_non_null(asset);
	entropy_fill(&life->entropy, random, sizeof random);
	snprintf(key, sizeof key, "life-%llu", (unsigned long long)++life->made);
	struct intent *intent = &row->intent;
	intent->created_at = clock_now_ms(&life->clock.base);
	intent->id = id_make(intent->created_at, random);
	snprintf(intent->account, sizeof intent->account, "default");
	snprintf(intent->created_by, sizeof intent->created_by, "life");
	snprintf(intent->key_owner, sizeof intent->key_owner, "olga");
	snprintf(intent->external_id, sizeof intent->external_id, "%s", external_id);
	snprintf(intent->asset, sizeof intent->asset, "%s", symbol);
	snprintf(row->correlation_id, sizeof row->correlation_id, "trace-%s", key);
	intent->chain_id = 31337;
	intent->is_native = asset->is_native;
	intent->contract = asset->contract;
	intent->decimals = asset->decimals;
	intent->to = to;
	intent->amount.units = u256_from_u64(units);
	key_hash_make("default", str_from(key), intent->key_hash);
	sha256(key, strlen(key), intent->fingerprint);
	row->intent_mac = intent_mac_make(&keys, life->deployment, intent);
	row->stage = WITHDRAWAL_ACCEPTED;
	row->version = 1;
	row->due_at = intent->created_at + lifecycle_due_in_ms(WITHDRAWAL_ACCEPTED);
	row->updated_at = intent->created_at;
	item.who = "life";
	MUST(store_accept_withdrawals, life->store, &item, 1);
	*ret_row = *row;
	return item.result;
}

struct withdrawal life_accept_to(struct life *life, const char *symbol, uint64_t units,
				 struct address to)
{
	struct withdrawal row;
	assert_int_equal(life_order(life, "", symbol, units, to, &row), STORE_ACCEPTED);
	return row;
}

struct withdrawal life_accept(struct life *life, const char *symbol, uint64_t units)
{
	return life_accept_to(life, symbol, units, fresh_address(life));
}

#define STEPS_MAX 20

static const char *const role_names[] = { "processor", "signer", "monitor" };

void life_restart(struct life *life, enum life_role role)
{
	switch (role) {
	case LIFE_PROCESSOR:
		processor_free(life->processor);
		processor_open(life);
		break;
	case LIFE_SIGNER:
		signer_free(life->signer);
		signer_open(life);
		break;
	case LIFE_MONITOR:
		monitor_free(life->monitor);
		monitor_open(life);
		break;
	}
}

void life_die(struct life *life)
{
	longjmp(life->death, 1);
}

static bool step(struct life *life, enum life_role role, bool *ret_worked, struct err *err)
{
	switch (role) {
	case LIFE_PROCESSOR:
		return processor_step(life->processor, ret_worked, err);
	case LIFE_SIGNER:
		return signer_step(life->signer, ret_worked, err);
	case LIFE_MONITOR:
		return monitor_step(life->monitor, ret_worked, err);
	}
	return false;
}

/* True: there may be more to do at once. A fault of a neighbour ends the work, as a death does. */
static bool role_step(struct life *life, enum life_role role)
{
	struct err err = { 0 };
	bool worked = false;
	if (setjmp(life->death) != 0) {
		life_restart(life, role);
		return false;
	}
	if (step(life, role, &worked, &err))
		return worked;
	if (strstr(err.text, "injected") == NULL)
		print_message("%s: %s: %s\n", role_names[role], err_kind_text(err.kind), err.text);
	return false;
}

static void role_work(struct life *life, enum life_role role)
{
	for (int i = 0; i < STEPS_MAX && role_step(life, role); i++)
		;
}

void life_process(struct life *life)
{
	role_work(life, LIFE_PROCESSOR);
}

void life_sign(struct life *life)
{
	role_work(life, LIFE_SIGNER);
}

void life_watch(struct life *life)
{
	role_work(life, LIFE_MONITOR);
}

#define BLOCK_MS 250

void life_run(struct life *life, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		life_process(life);
		life_sign(life);
		life_mine(life, 1);
		life_wait(life, BLOCK_MS);
		life_watch(life);
	}
}

const char *life_rpc(struct life *life, const char *method, const char *params)
{
	static char answer[65536];
	char body[4096];
	struct http_client_response response;
	snprintf(body, sizeof body,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	struct http_pair header = { STR("Content-Type"), STR("application/json") };
	struct http_client_request request = {
		.method = HTTP_POST, .headers = &header, .headers_len = 1, .body = str_from(body)
	};
	http_client_request(life->rpc, &request, 10000, &response);
	assert_int_equal(response.delivery, HTTP_ANSWERED);
	snprintf(answer, sizeof answer, "%.*s", STR_ARG(response.body));
	return answer;
}

void life_mine(struct life *life, int blocks)
{
	char params[32];
	snprintf(params, sizeof params, "[\"0x%x\"]", (unsigned)blocks);
	(void)life_rpc(life, "anvil_mine", params);
}

struct store_view life_view(struct life *life, struct id id)
{
	static struct store_view view;
	bool found = false;
	MUST(store_withdrawal_view, life->store, id, &view, &found);
	assert_true(found);
	return view;
}

struct u256 life_balance(struct life *life, const char *symbol, struct address owner)
{
	const struct asset *asset = catalogue_asset(&life->catalogue, 31337, str_from(symbol));
	struct chain_balance_query query = { .owner = owner,
					     .is_token = !asset->is_native,
					     .token = asset->contract };
	struct chain_balance balance = { 0 };
	MUST(chain_balances, life->chain, CHAIN_BLOCK_LATEST, &query, 1, &balance);
	assert_true(balance.known);
	return balance.units;
}

size_t life_alarms(struct life *life, const char *action)
{
	static char text[1 << 20];
	char wanted[128];
	size_t count = 0;
	ssize_t len = pread(life->log_fd, text, sizeof text - 1, 0);
	assert_true(len >= 0);
	text[len] = 0;
	snprintf(wanted, sizeof wanted, "\"event.action\":\"%s\"", action);
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		if (strstr(line, wanted) != NULL && strstr(line, "alarm") != NULL)
			count++;
	return count;
}

void life_sql(struct life *life, const char *format, ...)
{
	char path[96];
	char text[4096];
	va_list arguments;
	snprintf(path, sizeof path, "%s/store.db", life->dir);
	va_start(arguments, format);
	int len = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	assert_true(len > 0 && (size_t)len < sizeof text);
	pid_t child = fork();
	if (child == 0) {
		execlp("sqlite3", "sqlite3", "-bail", path, text, (char *)NULL);
		_exit(127);
	}
	int status = 0;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

int64_t life_number(struct life *life, const char *literal, const struct id *id)
{
	struct err err = { 0 };
	int64_t number = 0;
	struct db_statement *statement = db_prepare(life->db, literal, &err);
	if (statement == NULL)
		fail_msg("%s: %s", literal, err.text);
	if (id != NULL)
		db_bind_bytes(life->db, statement, 1, id->bytes, sizeof id->bytes);
	if (db_step(life->db, statement, &err) == DB_ROW)
		number = db_column_i64(life->db, statement, 0);
	db_reset(life->db, statement);
	return number;
}

static const char *bytes_text(const char *before, const char *after, const void *bytes, size_t len)
{
	static char texts[8][300];
	static size_t next;
	char *text = texts[next++ % COUNT_OF(texts)];
	struct buf out = buf_of(text, sizeof texts[0]);
	buf_text(&out, before);
	hex_write(&out, bytes, len);
	buf_text(&out, after);
	return buf_terminated(&out);
}

const char *life_blob(const void *bytes, size_t len)
{
	return bytes_text("x'", "'", bytes, len);
}

const char *life_hex(const void *bytes, size_t len)
{
	return bytes_text("0x", "", bytes, len);
}

void life_wait(struct life *life, int64_t ms)
{
	life->clock.skew_ms += ms;
}
