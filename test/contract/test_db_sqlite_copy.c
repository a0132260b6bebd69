/* adapter/db_sqlite_copy.h: a copy while others write, and a file that is held for oneself. */
#include "adapter/db_sqlite_copy.h"
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

static void path_beside(const struct place *place, const char *name, char ret_path[128])
{
	snprintf(ret_path, 128, "%s/%s", place->dir, name);
}

static void file_copy(const char *from, const char *to)
{
	pid_t child = fork();
	int status = -1;
	if (child == 0) {
		execlp("cp", "cp", from, to, (char *)NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

static void fill(struct db *db, int64_t from, int64_t to)
{
	struct err err = { 0 };

	assert_true(db_begin(db, true, &err));
	for (int64_t i = from; i < to; i++) {
		struct db_statement *insert =
			db_prepare(db, "INSERT INTO rows (id, bytes) VALUES (?, ?)", &err);
		char bytes[512] = { 0 };
		assert_non_null(insert);
		db_bind_i64(db, insert, 1, i);
		db_bind_bytes(db, insert, 2, bytes, sizeof bytes);
		assert_int_equal(db_step(db, insert, &err), DB_DONE);
	}
	assert_true(db_commit(db, &err));
}

static int64_t count_rows(const char *path)
{
	struct db_sqlite_options options = { .path = path, .read_only = true };
	struct err err = { 0 };
	struct db *db = NULL;
	assert_true(db_sqlite_open(&options, &db, &err));
	struct db_statement *count = db_prepare(db, "SELECT COUNT(*) FROM rows", &err);
	assert_non_null(count);
	assert_int_equal(db_step(db, count, &err), DB_ROW);
	int64_t rows = db_column_i64(db, count, 0);
	db_reset(db, count);
	db_close(db);
	return rows;
}

struct copying {
	struct db *db;
	int64_t told;
	int64_t all;
};

/* In the middle of the copy somebody writes. */
static void copying_write(void *context, int64_t done, int64_t all)
{
	struct copying *copying = context;
	if (copying->told++ == 0)
		fill(copying->db, 10000, 10100);
	assert_true(done <= all);
	copying->all = all;
}

static void copy_is_one_snapshot_while_others_write(void **state)
{
	struct place *place = *state;
	struct db *db = open_db(place->path);
	struct copying copying = { .db = db };
	struct err err = { 0 };
	struct stat status;
	char to[128], wal[128];
	path_beside(place, "copy.db", to);
	path_beside(place, "copy.db-wal", wal);
	assert_true(db_exec(db, "CREATE TABLE rows (id BIGINT PRIMARY KEY, bytes {blob})", &err));
	fill(db, 0, 10000);
	struct db_sqlite_copy copy = {
		.from = place->path, .to = to, .progress = copying_write, .context = &copying
	};
	assert_true(db_sqlite_copy(&copy, &err));
	assert_true(copying.told > 1 && copying.all > 0);
	assert_int_equal(count_rows(to), 10000);
	assert_int_equal(stat(to, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_not_equal(stat(wal, &status), 0);
	/* What stands there is never touched. */
	assert_false(db_sqlite_copy(&copy, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(count_rows(to), 10000);
	assert_int_equal(count_rows(place->path), 10100);
	db_close(db);
}

static void copy_that_fails_leaves_nothing(void **state)
{
	struct place *place = *state;
	struct err err = { 0 };
	struct stat status;
	char to[128];
	path_beside(place, "copy.db", to);
	struct db_sqlite_copy copy = { .from = place->path, .to = to };
	assert_false(db_sqlite_copy(&copy, &err)); /* there is no such database */
	assert_int_not_equal(stat(to, &status), 0);
}

/* What a process that was killed has left: the file, and a log that holds all of its rows. */
static void leave(struct place *place, char ret_path[128], char ret_wal[128])
{
	char from_wal[128];
	struct err err = { 0 };
	struct stat status;
	struct db *db = open_db(place->path);
	path_beside(place, "left.db", ret_path);
	path_beside(place, "left.db-wal", ret_wal);
	assert_true(db_exec(db, "CREATE TABLE rows (id BIGINT PRIMARY KEY, bytes {blob})", &err));
	fill(db, 0, 50);
	snprintf(from_wal, sizeof from_wal, "%s-wal", place->path);
	file_copy(place->path, ret_path);
	file_copy(from_wal, ret_wal);
	db_close(db);
	assert_int_equal(stat(ret_wal, &status), 0);
	assert_true(status.st_size > 50 * 512);
}

static void folded_it_needs_no_log(void **state)
{
	struct place *place = *state;
	struct err err = { 0 };
	char path[128], wal[128];
	leave(place, path, wal);
	assert_true(db_sqlite_fold(path, &err));
	(void)unlink(wal);
	assert_int_equal(count_rows(path), 50);
	assert_true(db_sqlite_fold(path, &err)); /* again */
	assert_int_equal(count_rows(path), 50);
}

/* Somebody reads it: what is not whole is not said to be. */
static void what_is_read_is_not_folded(void **state)
{
	struct place *place = *state;
	struct db_sqlite_options options = { .path = place->path, .read_only = true };
	struct err err = { 0 };
	struct db *reader = NULL;
	struct db *db = open_db(place->path);
	assert_true(db_exec(db, "CREATE TABLE rows (id BIGINT PRIMARY KEY, bytes {blob})", &err));
	fill(db, 0, 50);
	assert_true(db_sqlite_open(&options, &reader, &err));
	assert_true(db_begin(reader, false, &err));
	struct db_statement *count = db_prepare(reader, "SELECT COUNT(*) FROM rows", &err);
	assert_int_equal(db_step(reader, count, &err), DB_ROW);
	fill(db, 50, 60);
	assert_false(db_sqlite_fold(place->path, &err));
	db_reset(reader, count);
	db_rollback(reader);
	db_close(reader);
	db_close(db);
	assert_int_equal(count_rows(place->path), 60);
}

static void what_is_no_database_is_not_folded(void **state)
{
	struct place *place = *state;
	struct err err = { 0 };
	struct stat status;
	static const char text[] = "no database, but what somebody wrote over it";
	FILE *file = fopen(place->path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, sizeof text, file), sizeof text);
	assert_int_equal(fclose(file), 0);
	assert_false(db_sqlite_fold(place->path, &err));
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_size, sizeof text);
}

static void claim_is_for_one(void **state)
{
	struct place *place = *state;
	struct db_sqlite_options options = { .path = place->path };
	struct db *db = open_db(place->path);
	struct db *second = NULL;
	struct err err = { 0 };
	int fd = -1;
	int other = -1;
	assert_false(db_sqlite_claim(place->path, &fd, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	db_close(db);
	assert_true(db_sqlite_claim(place->path, &fd, &err));
	assert_false(db_sqlite_open(&options, &second, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_false(db_sqlite_claim(place->path, &other, &err));
	close(fd);
	db_close(open_db(place->path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(copy_is_one_snapshot_while_others_write),
		AT_PLACE(copy_that_fails_leaves_nothing),
		AT_PLACE(folded_it_needs_no_log),
		AT_PLACE(what_is_read_is_not_folded),
		AT_PLACE(what_is_no_database_is_not_folded),
		AT_PLACE(claim_is_for_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
