/* Writes that nobody waits for (db_later): they are there for whoever reads next, and all of them,
 * or the transaction cannot be committed. */
#include "store_fixture.h"

#define INSERT_PART  "INSERT INTO parts (id, size, note) VALUES (?, ?, ?)"
#define RESIZE_PART  "UPDATE parts SET size = size + ? WHERE id = ?"
#define REMOVE_PARTS "DELETE FROM parts WHERE size = ?"
#define MANY         (2 * DB_ROWS_MAX + 3)

static int parts_make(void **state)
{
	(void)fixture_set_up_bare(state);
	struct fixture *f = *state;
	MUST(db_exec, f->db,
	     "CREATE TABLE parts (id BIGINT PRIMARY KEY, size BIGINT NOT NULL, note {blob 40}) "
	     "{without rowid}");
	return 0;
}

static bool part_insert(struct fixture *f, int64_t id, int64_t size, const char *note,
			struct err *err)
{
	char copy[8] = ""; /* lives no longer than the call */
	struct db_statement *statement = db_prepare(f->db, INSERT_PART, err);
	assert_non_null(statement);
	db_bind_i64(f->db, statement, 1, id);
	db_bind_i64(f->db, statement, 2, size);
	if (note != NULL) {
		snprintf(copy, sizeof copy, "%s", note);
		db_bind_bytes(f->db, statement, 3, copy, strlen(copy));
	}
	return db_later(f->db, statement, true, err);
}

static bool part_resize(struct fixture *f, int64_t id, int64_t by, bool changes_one,
			struct err *err)
{
	struct db_statement *statement = db_prepare(f->db, RESIZE_PART, err);
	assert_non_null(statement);
	db_bind_i64(f->db, statement, 1, by);
	db_bind_i64(f->db, statement, 2, id);
	return db_later(f->db, statement, changes_one, err);
}

static int64_t number(struct fixture *f, const char *sql)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(f->db, sql, &err);
	assert_non_null(statement);
	assert_int_equal(db_step(f->db, statement, &err), DB_ROW);
	int64_t value = db_column_i64(f->db, statement, 0);
	db_reset(f->db, statement);
	return value;
}

#define COUNT_PARTS "SELECT COUNT(*) FROM parts"
#define SUM_SIZES   "SELECT COALESCE(SUM(size), 0) + 0 FROM parts"
#define SUM_NOTES   "SELECT COUNT(*) FROM parts WHERE note = X'6E6F7465'"

static void parts_store(struct fixture *f, int64_t n)
{
	MUST(db_begin, f->db, true);
	for (int64_t i = 0; i < n; i++)
		MUST(part_insert, f, i, 1, i % 3 == 0 ? "note" : NULL);
	MUST(db_commit, f->db);
}

static void all_are_there_after_the_commit(void **state)
{
	struct fixture *f = *state;
	parts_store(f, MANY);
	assert_int_equal(number(f, COUNT_PARTS), MANY);
	assert_int_equal(number(f, SUM_NOTES), (MANY + 2) / 3);
	/* Rows of several statements, in turns; more of each than one statement may have. */
	MUST(db_begin, f->db, true);
	for (int64_t i = 0; i < MANY; i++) {
		MUST(part_insert, f, 1000 + i, 10, NULL);
		MUST(part_resize, f, i, 1, true);
	}
	MUST(db_commit, f->db);
	assert_int_equal(number(f, COUNT_PARTS), 2 * MANY);
	assert_int_equal(number(f, SUM_SIZES), 12 * MANY);
}

/* A read, a write that is waited for, and the same statement again. */
static void who_waits_finds_them(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	parts_store(f, 4);
	MUST(db_begin, f->db, true);
	MUST(part_insert, f, 10, 5, NULL);
	MUST(part_insert, f, 11, 5, NULL);
	assert_int_equal(number(f, COUNT_PARTS), 6);
	MUST(part_resize, f, 10, 1, true);
	MUST(part_resize, f, 11, 1, true);
	struct db_statement *statement = db_prepare(f->db, REMOVE_PARTS, &err);
	assert_non_null(statement);
	db_bind_i64(f->db, statement, 1, 6);
	assert_int_equal(db_step(f->db, statement, &err), DB_DONE);
	assert_int_equal(db_changes(f->db), 2);
	MUST(part_resize, f, 0, 6, true);
	statement = db_prepare(f->db, RESIZE_PART, &err);
	assert_non_null(statement);
	db_bind_i64(f->db, statement, 1, 100);
	db_bind_i64(f->db, statement, 2, 0);
	assert_int_equal(db_step(f->db, statement, &err), DB_DONE);
	assert_int_equal(db_changes(f->db), 1);
	MUST(db_exec, f->db, "UPDATE parts SET size = size * 2 WHERE size > 100");
	MUST(db_commit, f->db);
	assert_int_equal(number(f, SUM_SIZES), 3 + 2 * 107);
}

/* Of many that are to change one row each, one that changes none is found out, wherever it stands:
 * nothing of the transaction is left. */
static void one_that_changes_nothing_is_a_fault(void **state)
{
	struct fixture *f = *state;
	parts_store(f, 4);
	for (int64_t lost = 0; lost < 4; lost++)
		for (int64_t len = lost + 1; len <= 4; len++) {
			struct err err = { 0 };
			bool good = true;
			MUST(db_begin, f->db, true);
			for (int64_t i = 0; i < len && good; i++)
				good = part_resize(f, i == lost ? 99 : i, 7, true, &err);
			if (good)
				good = db_commit(f->db, &err);
			else
				db_rollback(f->db);
			assert_false(good);
			assert_int_equal(err.kind, ERR_NOT_DONE);
			assert_int_equal(number(f, SUM_SIZES), 4);
		}
}

/* Asked for no more than that it was done, it is no fault; a row that is as it was counts. */
static void any_number_may_change(void **state)
{
	struct fixture *f = *state;
	parts_store(f, 4);
	MUST(db_begin, f->db, true);
	for (int64_t i = 2; i < 6; i++)
		MUST(part_resize, f, i, 7, false);
	MUST(db_commit, f->db);
	assert_int_equal(number(f, SUM_SIZES), 4 + 14);
	MUST(db_begin, f->db, true);
	for (int64_t i = 0; i < 4; i++)
		MUST(part_resize, f, i, 0, true);
	MUST(db_commit, f->db);
}

/* What comes after it fails as well, and a commit is none. */
static void one_that_conflicts_is_a_fault(void **state)
{
	struct fixture *f = *state;
	parts_store(f, 4);
	for (int way = 0; way < 2; way++) {
		struct err err = { 0 };
		MUST(db_begin, f->db, true);
		bool good = part_insert(f, 20, 1, NULL, &err) && part_insert(f, 3, 1, NULL, &err);
		if (good && way == 1) {
			struct db_statement *statement = db_prepare(f->db, REMOVE_PARTS, &err);
			assert_non_null(statement);
			db_bind_i64(f->db, statement, 1, 1);
			assert_int_equal(db_step(f->db, statement, &err), DB_FAILED);
			good = db_commit(f->db, NULL);
		} else if (good) {
			good = db_commit(f->db, &err);
		} else {
			db_rollback(f->db);
		}
		assert_false(good);
		assert_int_equal(err.kind, ERR_NOT_DONE);
		assert_int_equal(number(f, COUNT_PARTS), 4);
	}
}

static void a_rollback_drops_them(void **state)
{
	struct fixture *f = *state;
	MUST(db_begin, f->db, true);
	MUST(part_insert, f, 1, 1, NULL);
	MUST(part_insert, f, 2, 1, NULL);
	db_rollback(f->db);
	MUST(db_begin, f->db, true);
	MUST(part_insert, f, 2, 1, NULL);
	MUST(db_commit, f->db);
	assert_int_equal(number(f, COUNT_PARTS), 1);
}

static void outside_of_a_write_it_aborts(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	assert_aborts((void)part_insert(f, 1, 1, NULL, &err));
}

#define LATER_TEST(test) cmocka_unit_test_setup_teardown(test, parts_make, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LATER_TEST(all_are_there_after_the_commit),      LATER_TEST(who_waits_finds_them),
		LATER_TEST(one_that_changes_nothing_is_a_fault), LATER_TEST(any_number_may_change),
		LATER_TEST(one_that_conflicts_is_a_fault),       LATER_TEST(a_rollback_drops_them),
		LATER_TEST(outside_of_a_write_it_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
