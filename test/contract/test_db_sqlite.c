/* The contract of port/db.h on SQLite: statements, transactions, conflicts, and several processes
 * that share one file. */
#include "db_place.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SCHEMA                                                                                \
	"CREATE TABLE things (id {id} PRIMARY KEY, name {text 40} NOT NULL, size BIGINT NOT " \
	"NULL, note {blob}, CHECK (size < 1000)) {without rowid}"
#define INSERT_THING "INSERT INTO things (id, name, size, note) VALUES (?, ?, ?, ?)"

static struct db *open_with_schema(const char *path)
{
	struct db *db = open_db(path);
	struct err err = { 0 };

	if (!db_exec(db, SCHEMA, &err))
		fail_msg("%s", err.text);
	return db;
}

static enum db_step insert(struct db *db, const char *id, const char *name, int64_t size)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(db, INSERT_THING, &err);

	if (!statement)
		fail_msg("%s", err.text);
	db_bind_bytes(db, statement, 1, id, strlen(id));
	db_bind_text(db, statement, 2, str_from(name));
	db_bind_i64(db, statement, 3, size);
	db_bind_null(db, statement, 4);
	return db_step(db, statement, &err);
}

static int64_t count(struct db *db)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(db, "SELECT count(*) FROM things", &err);
	int64_t rows;

	if (!statement)
		fail_msg("%s", err.text);
	assert_int_equal(db_step(db, statement, &err), DB_ROW);
	rows = db_column_i64(db, statement, 0);
	db_reset(db, statement);
	return rows;
}

static void must_begin(struct db *db, bool write)
{
	struct err err = { 0 };

	if (!db_begin(db, write, &err))
		fail_msg("%s", err.text);
}

static void must_commit(struct db *db)
{
	struct err err = { 0 };

	if (!db_commit(db, &err))
		fail_msg("%s", err.text);
}

static void values_come_back(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path);
	static const uint8_t note[] = { 0, 1, 0, 0xff };
	struct err err = { 0 };
	struct db_statement *statement;

	must_begin(db, true);
	statement = db_prepare(db, INSERT_THING, &err);
	db_bind_bytes(db, statement, 1, "a", 1);
	db_bind_text(db, statement, 2, STR("n\xc3\xa4me"));
	db_bind_i64(db, statement, 3, INT64_MIN);
	db_bind_bytes(db, statement, 4, note, sizeof note);
	assert_int_equal(db_step(db, statement, &err), DB_DONE);
	assert_int_equal(db_changes(db), 1);
	statement = db_prepare(db, INSERT_THING, &err);
	db_bind_bytes(db, statement, 1, NULL, 0);
	db_bind_text(db, statement, 2, (struct str){ 0 });
	db_bind_i64(db, statement, 3, 7);
	assert_int_equal(db_step(db, statement, &err), DB_DONE);
	must_commit(db);

	statement = db_prepare(db, "SELECT id, name, size, note FROM things ORDER BY id", &err);
	assert_int_equal(db_step(db, statement, &err), DB_ROW);
	/* Empty bytes and empty text are not NULL; a parameter of the last use is not kept. */
	assert_false(db_column_is_null(db, statement, 0));
	assert_int_equal(db_column_bytes(db, statement, 0).len, 0);
	assert_false(db_column_is_null(db, statement, 1));
	assert_int_equal(db_column_i64(db, statement, 2), 7);
	assert_true(db_column_is_null(db, statement, 3));
	assert_int_equal(db_step(db, statement, &err), DB_ROW);
	assert_true(str_equal(db_column_bytes(db, statement, 0), STR("a")));
	assert_true(str_equal(db_column_bytes(db, statement, 1), STR("n\xc3\xa4me")));
	assert_true(db_column_i64(db, statement, 2) == INT64_MIN);
	assert_true(
		str_equal(db_column_bytes(db, statement, 3), str_from_bytes(note, sizeof note)));
	/* A wrong type reads as zero or empty. */
	assert_int_equal(db_column_i64(db, statement, 1), 0);
	assert_int_equal(db_column_bytes(db, statement, 2).len, 0);
	assert_int_equal(db_step(db, statement, &err), DB_DONE);
	db_close(db);
}

static void conflict_leaves_the_transaction_open(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path);

	must_begin(db, true);
	assert_int_equal(insert(db, "a", "first", 1), DB_DONE);
	assert_int_equal(insert(db, "a", "again", 2), DB_CONFLICT);
	assert_int_equal(insert(db, "b", "too big", 1000), DB_CONFLICT);
	assert_int_equal(insert(db, "c", "third", 3), DB_DONE);
	must_commit(db);
	assert_int_equal(count(db), 2);
	db_close(db);
}

static void insert_new_skips_what_exists(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path);
	struct err err = { 0 };

	must_begin(db, true);
	assert_int_equal(insert(db, "a", "first", 1), DB_DONE);
	for (int i = 0; i < 2; i++) {
		static const char sql[] =
			"{insert new} things (id, name, size) VALUES (?, '{text}', 5)";
		struct db_statement *statement = db_prepare(db, sql, &err);

		db_bind_bytes(db, statement, 1, i ? "b" : "a", 1);
		assert_int_equal(db_step(db, statement, &err), DB_DONE);
		assert_int_equal(db_changes(db), i);
	}
	must_commit(db);
	/* Marks inside quotes are text. */
	struct db_statement *statement =
		db_prepare(db, "SELECT name FROM things WHERE size = 5 {for update}", &err);
	assert_int_equal(db_step(db, statement, &err), DB_ROW);
	assert_true(str_equal(db_column_bytes(db, statement, 0), STR("{text}")));
	db_reset(db, statement);
	db_close(db);
}

static void bad_sql_is_refused(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path);
	struct err err = { 0 };

	assert_null(db_prepare(db, "SELECT {unknown} FROM things", &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_null(db_prepare(db, "SELECT nothing FROM nowhere", &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	/* Double quotes are names, never text. */
	assert_null(db_prepare(db, "SELECT \"nothing\" FROM things", &err));
	assert_false(db_exec(db, "CREATE TABLE things (id {id})", &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	db_close(db);
}

static void rollback_undoes(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path);

	must_begin(db, true);
	assert_int_equal(insert(db, "a", "first", 1), DB_DONE);
	db_rollback(db);
	db_rollback(db);
	assert_int_equal(count(db), 0);
	must_begin(db, true);
	assert_int_equal(insert(db, "a", "first", 1), DB_DONE);
	must_commit(db);
	db_close(db);
	db = open_db(place->path);
	assert_int_equal(count(db), 1);
	db_close(db);
}

static void read_transaction_sees_one_snapshot(void **state)
{
	struct place *place = *state;
	struct db *writer = open_with_schema(place->path);
	struct db *reader = open_db(place->path);

	must_begin(reader, false);
	assert_int_equal(count(reader), 0);
	must_begin(writer, true);
	assert_int_equal(insert(writer, "a", "first", 1), DB_DONE);
	must_commit(writer);
	assert_int_equal(count(reader), 0);
	must_commit(reader);
	assert_int_equal(count(reader), 1);
	db_close(reader);
	db_close(writer);
}

/* A half-read statement does not survive its transaction, so that no snapshot stays open. */
static void commit_ends_open_reads(void **state)
{
	struct place *place = *state;
	struct db *writer = open_with_schema(place->path);
	struct db *reader = open_db(place->path);
	struct err err = { 0 };
	struct db_statement *statement;

	must_begin(writer, true);
	assert_int_equal(insert(writer, "a", "first", 1), DB_DONE);
	assert_int_equal(insert(writer, "b", "second", 1), DB_DONE);
	must_commit(writer);
	must_begin(reader, false);
	statement = db_prepare(reader, "SELECT id FROM things", &err);
	assert_int_equal(db_step(reader, statement, &err), DB_ROW);
	must_commit(reader);
	must_begin(writer, true);
	assert_int_equal(insert(writer, "c", "third", 1), DB_DONE);
	must_commit(writer);
	assert_int_equal(count(reader), 3);
	db_close(reader);
	db_close(writer);
}

static void two_connections_of_one_process_exclude_each_other(void **state)
{
	struct place *place = *state;
	struct db *first = open_with_schema(place->path);
	struct db_sqlite_options options = { .path = place->path, .busy_ms = 20 };
	struct err err = { 0 };
	struct db *second = NULL;

	assert_true(db_sqlite_open(&options, &second, &err));
	must_begin(first, true);
	assert_false(db_begin(second, true, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_false(second->in_transaction);
	db_rollback(first);
	must_begin(second, true);
	db_rollback(second);

	assert_int_equal(db_host_lock(first, "wallet-1"), DB_LOCK_GAINED);
	assert_int_equal(db_host_lock(first, "wallet-1"), DB_LOCK_HELD);
	assert_int_equal(db_host_lock(second, "wallet-1"), DB_LOCK_TAKEN);
	assert_int_equal(db_host_lock(second, "wallet-2"), DB_LOCK_GAINED);
	db_close(first);
	assert_int_equal(db_host_lock(second, "wallet-1"), DB_LOCK_GAINED);
	db_close(second);
}

/* A link to the file has the same locks. */
static void link_is_the_same_database(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path), *linked;
	char link[128];

	snprintf(link, sizeof link, "%s/link.db", place->dir);
	assert_int_equal(symlink(place->path, link), 0);
	linked = open_db(link);
	assert_int_equal(db_host_lock(db, "wallet-1"), DB_LOCK_GAINED);
	assert_int_equal(db_host_lock(linked, "wallet-1"), DB_LOCK_TAKEN);
	db_close(linked);
	db_close(db);
}

static void file_is_private(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path);
	static const char *const suffixes[] = { "", "-wal", "-shm", "-next", "-turn" };

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		char name[128];
		struct stat status;

		snprintf(name, sizeof name, "%s%s", place->path, suffixes[i]);
		assert_int_equal(stat(name, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
	}
	db_close(db);
}

static void pragma(struct db *db, const char *sql, int64_t expected)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(db, sql, &err);

	assert_non_null(statement);
	assert_int_equal(db_step(db, statement, &err), DB_ROW);
	assert_int_equal(db_column_i64(db, statement, 0), expected);
	db_reset(db, statement);
}

static void durability_is_configured(void **state)
{
	struct place *place = *state;
	struct db_sqlite_options options = { .path = place->path, .cache_kb = 16384 };
	struct db *db = NULL;
	struct err err = { 0 };

	assert_true(db_sqlite_open(&options, &db, &err));
	pragma(db, "PRAGMA synchronous", 2);
	pragma(db, "PRAGMA foreign_keys", 1);
	pragma(db, "PRAGMA wal_autocheckpoint", 1000);
	pragma(db, "PRAGMA trusted_schema", 0);
	pragma(db, "PRAGMA cache_size", -16384);
	db_close(db);
}

static void read_only_never_writes(void **state)
{
	struct place *place = *state;
	struct db_sqlite_options options = { .path = place->path, .read_only = true };
	struct db *db = NULL, *writer;
	struct err err = { 0 };

	assert_false(db_sqlite_open(&options, &db, &err));
	assert_int_equal(access(place->path, F_OK), -1);
	writer = open_with_schema(place->path);
	assert_true(db_sqlite_open(&options, &db, &err));
	assert_int_equal(count(db), 0);
	assert_false(db_begin(db, true, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_false(db_exec(db, "DELETE FROM things", &err));
	db_close(db);
	db_close(writer);
}

static void garbage_is_refused(void **state)
{
	struct place *place = *state;
	struct db_sqlite_options options = { .path = place->path };
	struct db *db = NULL;
	struct err err = { 0 };
	int fd = open(place->path, O_CREAT | O_WRONLY, 0600);

	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "this is no database at all\n", 27), 27);
	close(fd);
	assert_false(db_sqlite_open(&options, &db, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	snprintf(place->path, sizeof place->path, "%s/no/such/dir.db", place->dir);
	assert_false(db_sqlite_open(&options, &db, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
}

static void memory_has_no_host(void **state)
{
	struct db *db = open_with_schema(":memory:");

	(void)state;
	must_begin(db, true);
	assert_int_equal(insert(db, "a", "first", 1), DB_DONE);
	must_commit(db);
	assert_int_equal(count(db), 1);
	assert_int_equal(db_host_lock(db, "wallet-1"), DB_LOCK_PRIVATE);
	db_close(db);
}

/* What is temporary stays, and statements that were prepared before see what came. */
static void memory_is_replaced_by_a_copy(void **state)
{
	struct db *lives = open_with_schema(":memory:");
	struct db *copy = open_with_schema(":memory:");
	struct err err = { 0 };

	(void)state;
	assert_true(
		db_exec(lives,
			"CREATE TEMP TABLE heard (name); CREATE TEMP TRIGGER ear AFTER INSERT ON "
			"main.things BEGIN INSERT INTO heard VALUES (1); END",
			&err));
	must_begin(lives, true);
	assert_int_equal(insert(lives, "a", "first", 1), DB_DONE);
	must_commit(lives);
	assert_true(db_sqlite_replace(copy, lives, &err));
	must_begin(lives, true);
	assert_int_equal(insert(lives, "b", "second", 2), DB_DONE);
	must_commit(lives);
	assert_int_equal(count(lives), 2);
	assert_true(db_sqlite_replace(lives, copy, &err));
	assert_int_equal(count(lives), 1);
	must_begin(lives, true);
	assert_int_equal(insert(lives, "b", "second", 2), DB_DONE);
	must_commit(lives);
	struct db_statement *heard = db_prepare(lives, "SELECT count(*) FROM heard", &err);
	assert_non_null(heard);
	assert_int_equal(db_step(lives, heard, &err), DB_ROW);
	assert_int_equal(db_column_i64(lives, heard, 0), 3);
	db_reset(lives, heard);
	assert_int_equal(count(copy), 1);
	db_close(copy);
	db_close(lives);
}

/* A page limit stands for the full disk: SQLite rolls back by itself, and nothing that follows may
 * commit alone. */
static void full_disk_undoes_all(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path);
	struct err err = { 0 };
	static char big[200000];
	enum db_step step;

	assert_true(db_exec(db, "PRAGMA max_page_count=20", &err));
	memset(big, 'x', sizeof big);
	must_begin(db, true);
	assert_int_equal(insert(db, "a", "first", 1), DB_DONE);
	struct db_statement *statement = db_prepare(db, INSERT_THING, &err);
	db_bind_bytes(db, statement, 1, "b", 1);
	db_bind_text(db, statement, 2, str_from_bytes(big, sizeof big));
	db_bind_i64(db, statement, 3, 1);
	step = db_step(db, statement, &err);
	assert_int_equal(step, DB_FAILED);
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_int_equal(insert(db, "c", "after", 1), DB_FAILED);
	assert_false(db_commit(db, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_int_equal(count(db), 0);
	db_close(db);
}

/* The file may not grow: COMMIT fails while it writes, and nobody can say what a recovery would
 * find. The connection goes on, and so do the others: the turn was given back. */
static void commit_that_breaks_off_is_unknown(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path), *other = open_db(place->path);
	struct rlimit limit, none;
	struct err err = { 0 };
	bool done;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = limit;
	none.rlim_cur = 4096;
	must_begin(db, true);
	assert_int_equal(insert(db, "a", "first", 1), DB_DONE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	done = db_commit(db, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_false(done);
	assert_int_equal(err.kind, ERR_MAYBE_DONE);
	assert_false(db->in_transaction);
	must_begin(other, true);
	assert_int_equal(insert(other, "b", "second", 1), DB_DONE);
	must_commit(other);
	must_begin(db, true);
	assert_int_equal(insert(db, "c", "third", 1), DB_DONE);
	must_commit(db);
	assert_int_equal(count(db), 2);
	db_close(other);
	db_close(db);
}

/* A constraint that is judged at COMMIT: known to be undone. */
static void commit_that_is_refused_is_not_done(void **state)
{
	struct place *place = *state;
	struct db *db = open_with_schema(place->path);
	struct err err = { 0 };

	assert_true(db_exec(db,
			    "CREATE TABLE parts (thing {id} REFERENCES things (id) "
			    "DEFERRABLE INITIALLY DEFERRED)",
			    &err));
	must_begin(db, true);
	assert_true(db_exec(db, "INSERT INTO parts (thing) VALUES (x'77')", &err));
	assert_false(db_commit(db, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	pragma(db, "SELECT count(*) FROM parts", 0);
	must_begin(db, true);
	db_rollback(db);
	db_close(db);
}

/* --- several processes -------------------------------------------------------------------------
 */

#define WRITERS      4
#define WRITES_EACH  60
#define KILLED_HOLDS 5

static int64_t read_size(struct db *db)
{
	struct err err = { 0 };
	struct db_statement *statement =
		db_prepare(db, "SELECT size FROM things WHERE id = ? {for update}", &err);
	int64_t size;

	CHECK(statement);
	db_bind_bytes(db, statement, 1, "n", 1);
	CHECK(db_step(db, statement, &err) == DB_ROW);
	size = db_column_i64(db, statement, 0);
	db_reset(db, statement);
	return size;
}

/* Read, then write what was read plus one: loses updates unless turns exclude each other. */
static void increment(struct db *db)
{
	struct err err = { 0 };
	struct db_statement *statement;
	int64_t size;

	CHECK(db_begin(db, true, &err));
	size = read_size(db);
	statement = db_prepare(db, "UPDATE things SET size = ? WHERE id = ?", &err);
	CHECK(statement);
	db_bind_i64(db, statement, 1, size + 1);
	db_bind_bytes(db, statement, 2, "n", 1);
	CHECK(db_step(db, statement, &err) == DB_DONE);
	CHECK(db_commit(db, &err));
}

static void start_counter(const char *path)
{
	struct db *db = open_with_schema(path);

	must_begin(db, true);
	assert_int_equal(insert(db, "n", "counter", 0), DB_DONE);
	must_commit(db);
	db_close(db);
}

static pid_t start_writer(const char *path, int writes)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child > 0)
		return child;
	struct db *db = open_db(path);
	for (int i = 0; i < writes; i++)
		increment(db);
	db_close(db);
	_exit(0);
}

static void processes_take_turns(void **state)
{
	struct place *place = *state;
	pid_t child[WRITERS];
	struct db *db;

	start_counter(place->path);
	for (int i = 0; i < WRITERS; i++)
		child[i] = start_writer(place->path, WRITES_EACH);
	for (int i = 0; i < WRITERS; i++) {
		int status;

		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	db = open_db(place->path);
	assert_int_equal(read_size(db), WRITERS * WRITES_EACH);
	db_close(db);
}

/* While one process writes without a pause, the others get turns in between: none of them has to
 * wait until it is through. */
static void busy_writer_starves_nobody(void **state)
{
	struct place *place = *state;
	struct db *db;
	pid_t child;

	start_counter(place->path);
	db = open_db(place->path);
	child = start_writer(place->path, 900);
	while (read_size(db) == 0)
		;
	for (int i = 0; i < 20; i++)
		increment(db);
	assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
	assert_true(read_size(db) < 900);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	increment(db);
	db_close(db);
}

static pid_t start_holder(const char *path, int *ret_ready_fd)
{
	int ready[2];
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct db *db = open_db(path);
		struct err err = { 0 };

		close(ready[0]);
		CHECK(db_host_lock(db, "wallet-1") == DB_LOCK_GAINED);
		CHECK(db_begin(db, true, &err));
		CHECK(db_exec(db, "UPDATE things SET size = 500", &err));
		CHECK(write(ready[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	*ret_ready_fd = ready[0];
	return child;
}

/* A holder that is killed in the middle of its transaction leaves nothing behind: neither its turn,
 * nor its host lock, nor its rows. */
static void killed_holder_leaves_nothing(void **state)
{
	struct place *place = *state;
	struct db_sqlite_options options = { .path = place->path, .busy_ms = 20 };
	struct err err = { 0 };
	struct db *db = NULL;
	char byte;

	start_counter(place->path);
	assert_true(db_sqlite_open(&options, &db, &err));
	for (int i = 0; i < KILLED_HOLDS; i++) {
		int ready_fd;
		pid_t holder = start_holder(place->path, &ready_fd);

		assert_int_equal(read(ready_fd, &byte, 1), 1);
		close(ready_fd);
		assert_false(db_begin(db, true, &err));
		assert_int_equal(err.kind, ERR_NOT_DONE);
		if (i == 0)
			assert_int_equal(db_host_lock(db, "wallet-1"), DB_LOCK_TAKEN);
		/* A stopped holder is waited for no longer than the deadline either. */
		kill(holder, SIGSTOP);
		assert_false(db_begin(db, true, &err));
		kill(holder, SIGKILL);
		waitpid(holder, NULL, 0);
		increment(db);
		assert_int_equal(read_size(db), i + 1);
	}
	assert_int_equal(db_host_lock(db, "wallet-1"), DB_LOCK_GAINED);
	db_close(db);
}

/* All openers of a new file meet at once; one of them creates it. */
static void opened_at_once(void **state)
{
	struct place *place = *state;
	pid_t child[8];

	for (size_t i = 0; i < 8; i++) {
		child[i] = fork();
		assert_true(child[i] >= 0);
		if (child[i] == 0) {
			db_close(open_db(place->path));
			_exit(0);
		}
	}
	for (size_t i = 0; i < 8; i++) {
		int status;

		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(values_come_back),
		AT_PLACE(conflict_leaves_the_transaction_open),
		AT_PLACE(insert_new_skips_what_exists),
		AT_PLACE(bad_sql_is_refused),
		AT_PLACE(rollback_undoes),
		AT_PLACE(read_transaction_sees_one_snapshot),
		AT_PLACE(commit_ends_open_reads),
		AT_PLACE(two_connections_of_one_process_exclude_each_other),
		AT_PLACE(link_is_the_same_database),
		AT_PLACE(file_is_private),
		AT_PLACE(durability_is_configured),
		AT_PLACE(read_only_never_writes),
		AT_PLACE(garbage_is_refused),
		AT_PLACE(full_disk_undoes_all),
		AT_PLACE(commit_that_breaks_off_is_unknown),
		AT_PLACE(commit_that_is_refused_is_not_done),
		cmocka_unit_test(memory_has_no_host),
		cmocka_unit_test(memory_is_replaced_by_a_copy),
		AT_PLACE(processes_take_turns),
		AT_PLACE(busy_writer_starves_nobody),
		AT_PLACE(killed_holder_leaves_nothing),
		AT_PLACE(opened_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
