/* Many rows by one INSERT (db_bind_next_row): all of them or none, whatever the database makes of
 * it. */
#include "store_fixture.h"

#define INSERT_THING "INSERT INTO things (id, name, size, note) VALUES (?, ?, ?, ?)"

struct thing {
	uint8_t id;
	const char *name; /* NULL: refused */
	int64_t size;
	const char *note; /* or NULL */
};

static int things_make(void **state)
{
	(void)fixture_set_up_bare(state);
	struct fixture *f = *state;
	MUST(db_exec, f->db,
	     "CREATE TABLE things (id {id} PRIMARY KEY, name {text 40} NOT NULL, size BIGINT NOT "
	     "NULL, note {blob 4096} UNIQUE, CHECK (size < 1000)) {without rowid}");
	return 0;
}

static void thing_bind(struct db *db, struct db_statement *statement, const struct thing *thing)
{
	static uint8_t id[ID_BYTES]; /* another one for each row: it lives no longer */
	memset(id, thing->id, sizeof id);
	db_bind_bytes(db, statement, 1, id, sizeof id);
	if (thing->name != NULL)
		db_bind_text(db, statement, 2, str_from(thing->name));
	db_bind_i64(db, statement, 3, thing->size);
	if (thing->note != NULL)
		db_bind_bytes(db, statement, 4, thing->note, strlen(thing->note));
}

static enum db_step things_insert(struct db *db, const struct thing *things, size_t n,
				  struct err *ret_err)
{
	struct db_statement *statement = db_prepare(db, INSERT_THING, ret_err);
	assert_non_null(statement);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			db_bind_next_row(db, statement);
		thing_bind(db, statement, &things[i]);
	}
	return db_step(db, statement, ret_err);
}

static enum db_step things_store(struct fixture *f, const struct thing *things, size_t n)
{
	struct err err = { 0 };
	MUST(db_begin, f->db, true);
	enum db_step step = things_insert(f->db, things, n, &err);
	if (step == DB_FAILED)
		db_rollback(f->db);
	else
		MUST(db_commit, f->db);
	return step;
}

static int64_t things(struct fixture *f)
{
	return fixture_number(f, "SELECT COUNT(*) FROM things");
}

static void assert_thing(struct fixture *f, const struct thing *thing)
{
	struct err err = { 0 };
	struct id id;
	memset(id.bytes, thing->id, sizeof id.bytes);
	struct db_statement *statement =
		db_prepare(f->db, "SELECT name, size, note FROM things WHERE id = ?", &err);
	assert_non_null(statement);
	db_bind_bytes(f->db, statement, 1, id.bytes, ID_BYTES);
	assert_int_equal(db_step(f->db, statement, &err), DB_ROW);
	assert_true(str_equal_text(db_column_bytes(f->db, statement, 0), thing->name));
	assert_int_equal(db_column_i64(f->db, statement, 1), thing->size);
	assert_int_equal(db_column_is_null(f->db, statement, 2), thing->note == NULL);
	if (thing->note != NULL)
		assert_true(str_equal_text(db_column_bytes(f->db, statement, 2), thing->note));
	db_reset(f->db, statement);
}

static void rows_come_back(void **state)
{
	struct fixture *f = *state;
	static char long_note[4001];
	memset(long_note, 'n', sizeof long_note - 1);
	const struct thing rows[] = {
		{ 1, "one", 1, NULL },   { 2, "", -5, "a note" },
		{ 3, "Größe", 999, "" }, { 4, "four", INT64_MIN, long_note },
		{ 5, "one", 0, NULL },
	};
	assert_int_equal(things_store(f, rows, COUNT_OF(rows)), DB_DONE);
	assert_int_equal(things(f), COUNT_OF(rows));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_thing(f, &rows[i]);
}

/* The bytes of one run are none of the next one's. */
static void a_statement_is_used_again_with_fewer_rows(void **state)
{
	struct fixture *f = *state;
	const struct thing many[] = { { 1, "a", 1, "x" }, { 2, "b", 2, NULL }, { 3, "c", 3, "y" } };
	const struct thing two[] = { { 4, "d", 4, NULL }, { 5, "e", 5, NULL } };
	const struct thing one = { 6, "f", 6, "z" };
	assert_int_equal(things_store(f, many, 3), DB_DONE);
	assert_int_equal(things_store(f, two, 2), DB_DONE);
	assert_int_equal(things_store(f, &one, 1), DB_DONE);
	assert_int_equal(things(f), 6);
	assert_thing(f, &two[1]);
	assert_thing(f, &one);
}

static void as_many_as_there_may_be(void **state)
{
	struct fixture *f = *state;
	struct thing rows[DB_ROWS_MAX + 1];
	struct err err = { 0 };
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = (struct thing){ (uint8_t)(i + 1), "row", (int64_t)i, NULL };
	assert_int_equal(things_store(f, rows, DB_ROWS_MAX), DB_DONE);
	assert_int_equal(things(f), DB_ROWS_MAX);
	MUST(db_begin, f->db, true);
	assert_aborts((void)things_insert(f->db, rows, DB_ROWS_MAX + 1, &err));
	db_rollback(f->db);
}

/* Wherever it stands, and whether it meets a row of before, one of its own statement, or a check.
 */
static void one_that_conflicts_takes_the_others_with_it(void **state)
{
	struct fixture *f = *state;
	static const struct thing bad[] = {
		{ 0x40, "its id is taken", 1, NULL },
		{ 0x50, "its note is taken", 1, "taken" },
		{ 0x50, "is too large", 1000, NULL },
	};
	const struct thing before[] = { { 0x40, "before", 1, "taken" } };
	assert_int_equal(things_store(f, before, 1), DB_DONE);
	for (size_t kind = 0; kind < COUNT_OF(bad); kind++)
		for (size_t at = 0; at < 4; at++) {
			struct thing rows[4];
			struct err err = { 0 };
			const struct thing same = { 0x30, "in the same transaction", 1, NULL };
			const struct thing later = { 0x31, "later on", 1, NULL };
			for (size_t i = 0; i < 4; i++)
				rows[i] = (struct thing){ (uint8_t)(i + 1), "new", 1, NULL };
			rows[at] = bad[kind];
			MUST(db_begin, f->db, true);
			assert_int_equal(things_insert(f->db, &same, 1, &err), DB_DONE);
			assert_int_equal(things_insert(f->db, rows, 4, &err), DB_CONFLICT);
			assert_int_equal(things_insert(f->db, &later, 1, &err), DB_DONE);
			MUST(db_commit, f->db);
			assert_int_equal(things(f), 3);
			assert_thing(f, &same);
			assert_thing(f, &later);
			fixture_edit(f, "DELETE FROM things WHERE size = 1 AND note IS NULL");
		}
	const struct thing twice[] = { { 1, "a", 1, NULL },
				       { 2, "b", 1, NULL },
				       { 1, "a", 1, NULL } };
	assert_int_equal(things_store(f, twice, 3), DB_CONFLICT);
	assert_int_equal(things(f), 1);
}

static void one_that_fails_fails_them_all(void **state)
{
	struct fixture *f = *state;
	for (size_t at = 0; at < 3; at++) {
		struct thing rows[3] = { { 1, "a", 1, NULL },
					 { 2, "b", 1, NULL },
					 { 3, "c", 1, NULL } };
		rows[at].name = NULL;
		assert_int_equal(things_store(f, rows, 3), DB_FAILED);
		assert_int_equal(things(f), 0);
	}
}

static void rows_that_were_not_run_are_dropped(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	const struct thing rows[] = { { 1, "a", 1, NULL }, { 2, "b", 2, NULL } };
	const struct thing other = { 3, "c", 3, NULL };
	/* By another db_prepare; by db_reset; by the end of the transaction. */
	for (int way = 0; way < 3; way++) {
		MUST(db_begin, f->db, true);
		struct db_statement *statement = db_prepare(f->db, INSERT_THING, &err);
		assert_non_null(statement);
		for (size_t i = 0; i < 2; i++) {
			thing_bind(f->db, statement, &rows[i]);
			db_bind_next_row(f->db, statement);
		}
		if (way == 1)
			db_reset(f->db, statement);
		if (way == 2) {
			db_rollback(f->db);
			MUST(db_begin, f->db, true);
		}
		assert_int_equal(things_insert(f->db, &other, 1, &err), DB_DONE);
		MUST(db_commit, f->db);
		assert_int_equal(things(f), 1);
		fixture_edit(f, "DELETE FROM things");
	}
}

/* A row belongs to a write transaction. */
static void outside_of_a_write_it_aborts(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	const struct thing row = { 1, "a", 1, NULL };
	struct db_statement *statement = db_prepare(f->db, INSERT_THING, &err);
	assert_non_null(statement);
	thing_bind(f->db, statement, &row);
	assert_aborts(db_bind_next_row(f->db, statement));
}

#define ROWS_TEST(test) cmocka_unit_test_setup_teardown(test, things_make, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROWS_TEST(rows_come_back),
		ROWS_TEST(a_statement_is_used_again_with_fewer_rows),
		ROWS_TEST(as_many_as_there_may_be),
		ROWS_TEST(one_that_conflicts_takes_the_others_with_it),
		ROWS_TEST(one_that_fails_fails_them_all),
		ROWS_TEST(rows_that_were_not_run_are_dropped),
		ROWS_TEST(outside_of_a_write_it_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
