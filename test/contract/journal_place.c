#include "journal_place.h"

#include "../place.h"
#include "mysql_server.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

const uint8_t mac_key[32] = "the key of the journal's MACs ..";
const struct id deployment = { .bytes = { 1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10 } };
const struct address hot = { .bytes = { 0xaa, 1 } };
const struct address cold = { .bytes = { 0xbb, 2 } };
const struct address token = { .bytes = { 0xcc, 3 } };
const struct address native = { .bytes = { 0 } };

bool is_on_mysql(void)
{
	const char *backend = getenv("SLUICE_STORE_BACKEND");
	return backend != NULL && strcmp(backend, "mysql") == 0;
}

struct db *open_db(const char *path)
{
	struct db_sqlite_options options = { .path = path, .busy_ms = 60000 };
	struct err err = { 0 };
	struct db *db = NULL;

	if (is_on_mysql())
		return mysql_server_open(path, "root");
	if (!db_sqlite_open(&options, &db, &err))
		fail_msg("%s", err.text);
	return db;
}

struct db *open_appender(const char *path)
{
	return is_on_mysql() ? mysql_server_open(path, "appender") : open_db(path);
}

struct journal *open_journal(const char *path, struct err *err)
{
	const struct journal_sql_options options = { .deployment = deployment,
						     .mac_key = mac_key,
						     .is_made = is_on_mysql() };
	struct db *db = open_appender(path);
	struct journal *journal = NULL;

	if (journal_sql_open(db, &options, &journal, err))
		return journal;
	db_close(db);
	return NULL;
}

void reopen(struct place *place)
{
	struct err err = { 0 };

	journal_close(place->journal);
	place->journal = open_journal(place->path, &err);
	if (!place->journal)
		fail_msg("%s", err.text);
}

/* The signer's user may insert and select, and nothing else. */
static void schema_make(struct place *place)
{
	char grant[160];
	struct err err = { 0 };

	mysql_server_database(place->path, sizeof place->path);
	struct db *db = mysql_server_open(place->path, "root");
	if (!journal_sql_create(db, &err))
		fail_msg("%s", err.text);
	db_close(db);
	mysql_server_say("CREATE USER IF NOT EXISTS ", "appender");
	snprintf(grant, sizeof grant, "GRANT INSERT, SELECT ON %s.* TO ", place->path);
	mysql_server_say(grant, "appender");
}

static void directory_make(struct place *place)
{
	snprintf(place->dir, sizeof place->dir, "%s/sluice-journal-XXXXXX", test_place());
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->path, sizeof place->path, "%s/journal.db", place->dir);
}

int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);

	assert_non_null(place);
	if (is_on_mysql())
		schema_make(place);
	else
		directory_make(place);
	*state = place;
	reopen(place);
	return 0;
}

static void directory_remove(const struct place *place)
{
	pid_t child = fork();

	if (child == 0) {
		execlp("rm", "rm", "-rf", place->dir, (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
}

int place_remove(void **state)
{
	struct place *place = *state;

	journal_close(place->journal);
	if (is_on_mysql())
		mysql_server_say("DROP DATABASE ", place->path);
	else
		directory_remove(place);
	free(place);
	return 0;
}

struct journal_entry payment(uint8_t number, uint64_t nonce)
{
	struct journal_entry entry = {
		.has_slot = true,
		.slot = { .chain_id = 137, .wallet = hot, .nonce = nonce },
		.kind = JOURNAL_PAY,
		.payload_hash = { .bytes = { 0x11, number } },
		.has_right = true,
		.right = { .withdrawal = { .bytes = { 0x22, number } },
			   .pay_tag = { 0x33, number },
			   .slot = { .chain_id = 137, .wallet = hot, .nonce = nonce },
			   .chain_id = 137,
			   .asset = token,
			   .amount = { u256_from_u64(1000u + number) },
			   .time_ms = 5000 + number },
		.has_attempt = true,
		.attempt_number = 1,
		.fee_ceiling = { u256_from_u64(700) },
	};

	return entry;
}

struct journal_entry void_of(uint8_t number, uint32_t round)
{
	struct journal_entry entry = { .has_right = true, .right = payment(number, 0).right };

	entry.right.round = round;
	entry.right.is_void = true;
	snprintf(entry.right.void_stage, sizeof entry.right.void_stage, "rejected");
	snprintf(entry.right.void_code, sizeof entry.right.void_code, "signer_limit");
	return entry;
}

enum journal_verdict append(struct place *place, const struct journal_entry *entry)
{
	enum journal_verdict verdict;
	struct err err = { 0 };

	if (!journal_append_many(place->journal, entry, 1, &verdict, &err))
		fail_msg("%s", err.text);
	return verdict;
}

size_t rights(struct place *place, uint8_t number, struct journal_right *ret_rights, size_t cap)
{
	const struct journal_right right = payment(number, 0).right;
	struct err err = { 0 };
	size_t len = 0;

	if (!journal_rights_of(place->journal, right.withdrawal, right.pay_tag, ret_rights, cap,
			       &len, &err))
		fail_msg("%s", err.text);
	return len;
}

int64_t verified_rows(struct place *place)
{
	struct err err = { 0 };
	int64_t rows = -1;

	if (!journal_sql_verify(place->journal, &rows, &err))
		fail_msg("%s", err.text);
	return rows;
}

struct journal_purse purse_of(struct address wallet, struct address asset)
{
	return (struct journal_purse){ .chain_id = 137, .wallet = wallet, .asset = asset };
}
