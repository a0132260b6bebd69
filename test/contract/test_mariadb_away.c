/* A server that hangs while a role works: each transaction ends with its deadline, later ones at
 * once, and when the server goes on so do they. And a role that hangs within a transaction. On a
 * server of its own, which is stopped. */
#include "adapter/clock_posix.h"
#include "adapter/db_mysql.h"
#include "mysql_server.h"
#include "net/circuit_breaker.h"

#include "../unit/testing.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>

#define DEADLINE_MS 1000
#define IDLE_MS     2000 /* longer than a lock is waited for */
#define WAIT_MS     30000

struct place {
	struct clock clock;
	struct db *db;
	char name[64]; /* of the database */
	struct metrics *metrics;
	struct err err;
};

static pid_t server_pid(void)
{
	const char *text = getenv("SLUICE_TEST_MYSQL_PID");
	assert_non_null(text);
	return (pid_t)strtol(text, NULL, 10);
}

static int64_t now_ms(struct place *place)
{
	return clock_monotonic_ms(&place->clock);
}

static bool transact(struct place *place)
{
	bool done = db_begin(place->db, true, &place->err) && db_commit(place->db, &place->err);
	if (!done && place->db->in_transaction)
		db_rollback(place->db);
	return done;
}

static struct db *connect_as(struct place *place, const char *user)
{
	struct db *db = NULL;
	const struct db_mysql_options options = { .socket = getenv("SLUICE_TEST_MYSQL_SOCKET"),
						  .user = user,
						  .database = place->name,
						  .wait_ms = DEADLINE_MS,
						  .idle_ms = IDLE_MS,
						  .clock = &place->clock,
						  .metrics = place->metrics,
						  .neighbour = "store" };
	if (!db_mysql_open(&options, &db, &place->err))
		fail_msg("%s", place->err.text);
	return db;
}

static void place_open(struct place *place, const char *user)
{
	*place = (struct place){ .metrics = metrics_new() };
	mysql_server_database(place->name, sizeof place->name);
	clock_posix_init(&place->clock);
	place->db = connect_as(place, user);
	assert_true(transact(place));
}

static void place_close(struct place *place)
{
	db_close(place->db);
	metrics_free(place->metrics);
}

static bool thread_stands_still(const char *thread)
{
	char path[300], state = 0;
	(void)snprintf(path, sizeof path, "/proc/%d/task/%s/stat", (int)server_pid(), thread);
	FILE *stream = fopen(path, "re");
	if (stream == NULL)
		return true; /* it has ended */
	(void)!fscanf(stream, "%*d (%*[^)]) %c", &state);
	(void)fclose(stream);
	return state == 'T';
}

/* The signal comes to its threads one by one: one that answers once more has not hung yet. */
static void server_freeze(void)
{
	char path[64];
	bool still = false;
	(void)snprintf(path, sizeof path, "/proc/%d/task", (int)server_pid());
	assert_int_equal(kill(server_pid(), SIGSTOP), 0);
	while (!still) {
		DIR *threads = opendir(path);
		struct dirent *entry;
		assert_non_null(threads);
		still = true;
		while ((entry = readdir(threads)) != NULL)
			still &= entry->d_name[0] == '.' || thread_stands_still(entry->d_name);
		(void)closedir(threads);
	}
}

static void a_server_that_hangs_holds_nobody_up_for_long(void **state)
{
	struct place place;
	(void)state;
	place_open(&place, "root");
	server_freeze();
	int64_t from = now_ms(&place);
	for (int i = 0; i < BREAKER_RUN; i++) {
		assert_false(transact(&place));
		assert_int_equal(place.err.kind, ERR_NOT_DONE);
	}
	int64_t open_at = now_ms(&place);
	assert_true(open_at - from >= DEADLINE_MS);
	assert_false(transact(&place));
	assert_non_null(strstr(place.err.text, "left alone"));
	for (int i = 0; i < 100; i++)
		assert_false(transact(&place));
	assert_true(now_ms(&place) - open_at < 2 * DEADLINE_MS);
	assert_int_equal(kill(server_pid(), SIGCONT), 0);
	int64_t until = now_ms(&place) + BREAKER_OPEN_MS_MAX + WAIT_MS;
	while (!transact(&place) && now_ms(&place) < until)
		(void)poll(NULL, 0, 10);
	assert_true(transact(&place));
	place_close(&place);
}

static bool row_write(struct place *place, struct db *db)
{
	struct db_statement *statement = db_prepare(db, "UPDATE t SET n = n + 1", &place->err);
	return statement != NULL && db_step(db, statement, &place->err) == DB_DONE;
}

static bool row_change(struct place *place, struct db *db)
{
	bool done = db_begin(db, true, &place->err) && row_write(place, db) &&
		    db_commit(db, &place->err);
	if (!done)
		db_rollback(db);
	return done;
}

/* A process that was stopped between two statements has the row; whoever takes its work over gets
 * it within the time that the session may idle, and what the first one goes on with is undone. */
static void who_hangs_within_a_transaction_loses_its_locks(void **state)
{
	struct place place;
	(void)state;
	place_open(&place, "root");
	struct db *other = connect_as(&place, "root");
	assert_true(db_exec(place.db, "CREATE TABLE t (n BIGINT)", &place.err));
	assert_true(db_exec(place.db, "INSERT INTO t VALUES (0)", &place.err));
	assert_true(db_begin(place.db, true, &place.err));
	assert_true(row_write(&place, place.db));
	assert_false(row_change(&place, other)); /* it is locked */
	int64_t until = now_ms(&place) + WAIT_MS;
	while (!row_change(&place, other) && now_ms(&place) < until)
		(void)poll(NULL, 0, 10);
	assert_false(row_write(&place, place.db));
	assert_int_equal(place.err.kind, ERR_NOT_DONE);
	assert_false(db_commit(place.db, &place.err));
	assert_true(row_change(&place, place.db));
	struct db_statement *rows = db_prepare(other, "SELECT n FROM t", &place.err);
	assert_int_equal(db_step(other, rows, &place.err), DB_ROW);
	assert_int_equal(db_column_i64(other, rows, 0), 2);
	db_close(other);
	place_close(&place);
}

/* Outside of one it may idle, and what it reads next is answered, also when the server has ended
 * the session for it. */
static void a_session_that_was_ended_is_made_anew(void **state)
{
	struct place place;
	char kill_it[64];
	(void)state;
	place_open(&place, "root");
	struct db_statement *row = db_prepare(place.db, "SELECT CONNECTION_ID()", &place.err);
	assert_int_equal(db_step(place.db, row, &place.err), DB_ROW);
	snprintf(kill_it, sizeof kill_it, "%lld", (long long)db_column_i64(place.db, row, 0));
	mysql_server_say("KILL CONNECTION ", kill_it);
	(void)poll(NULL, 0, IDLE_MS / 2 + 1); /* as long as makes it ask */
	row = db_prepare(place.db, "SELECT CONNECTION_ID()", &place.err);
	assert_non_null(row);
	assert_int_equal(db_step(place.db, row, &place.err), DB_ROW);
	place_close(&place);
}

static bool write_one(struct place *place)
{
	struct db_statement *insert;
	bool done =
		db_begin(place->db, true, &place->err) &&
		(insert = db_prepare(place->db, "INSERT INTO t VALUES (1)", &place->err)) != NULL &&
		db_step(place->db, insert, &place->err) == DB_DONE &&
		db_commit(place->db, &place->err);
	if (!done)
		db_rollback(place->db);
	return done;
}

static int64_t connection_of(struct place *place)
{
	struct db_statement *ask = db_prepare(place->db, "SELECT CONNECTION_ID()", &place->err);
	assert_non_null(ask);
	assert_int_equal(db_step(place->db, ask, &place->err), DB_ROW);
	int64_t id = db_column_i64(place->db, ask, 0);
	db_reset(place->db, ask);
	return id;
}

/* After a fail-over the address leads to another server, and the connection still to this one. */
static void a_primary_that_became_a_replica_is_left(void **state)
{
	struct place place;
	(void)state;
	mysql_server_say("CREATE USER IF NOT EXISTS ", "writer");
	mysql_server_say("GRANT CREATE, SELECT, INSERT ON *.* TO ", "writer");
	struct db *root = mysql_server_open("mysql", "root");
	place_open(&place, "writer");
	assert_true(db_begin(place.db, true, &place.err));
	assert_true(db_exec(place.db, "CREATE TABLE t (a INT)", &place.err));
	assert_true(db_commit(place.db, &place.err));
	assert_true(write_one(&place));
	int64_t before = connection_of(&place);
	assert_true(db_exec(root, "SET GLOBAL read_only = ON", &place.err));
	assert_false(write_one(&place));
	assert_int_equal(place.err.kind, ERR_NOT_DONE);
	assert_false(write_one(&place));
	assert_non_null(strstr(place.err.text, "takes no writes"));
	assert_true(db_exec(root, "SET GLOBAL read_only = OFF", &place.err));
	int64_t until = now_ms(&place) + BREAKER_OPEN_MS_MAX + WAIT_MS;
	while (!write_one(&place) && now_ms(&place) < until)
		(void)poll(NULL, 0, 10);
	assert_int_not_equal(connection_of(&place), before);
	db_close(root);
	db_close(place.db);
	metrics_free(place.metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_primary_that_became_a_replica_is_left),
		cmocka_unit_test(a_server_that_hangs_holds_nobody_up_for_long),
		cmocka_unit_test(who_hangs_within_a_transaction_loses_its_locks),
		cmocka_unit_test(a_session_that_was_ended_is_made_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
