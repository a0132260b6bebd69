/* The row "store" of doc/security.md, "Who is taken over, and what is to be had": every column of
 * every table is edited, in all of its rows, while withdrawals stand at each of their stages.
 * Nobody gets what he did not ask for, nobody gets it twice. */
#include "life_fault.h"
#include "life_judge.h"
#include "life_world.h"

#include <stdio.h>

#define COLUMNS_MAX 64
#define NAME_MAX_   48

/* What changes is seen by the feed's own tests; what says which build made the schema stops all. */
#define NOT_EDITED "('events', 'audit', 'feed_seals', 'schema_migrations')"

/* One of each: final, sent, reserved, approved, and just accepted. */
#define ROWS 5

struct names {
	char at[COLUMNS_MAX][NAME_MAX_];
	size_t len;
};

/* sql: at an address of its own for as long as the life is, by which the statement is known. */
static void names_read(struct life *life, const char *sql, struct names *ret_names)
{
	struct err err = { 0 };
	struct db_statement *statement = db_prepare(life->db, sql, &err);
	if (statement == NULL)
		fail_msg("%s: %s", sql, err.text);
	ret_names->len = 0;
	while (db_step(life->db, statement, &err) == DB_ROW) {
		assert_true(ret_names->len < COLUMNS_MAX);
		snprintf(ret_names->at[ret_names->len++], NAME_MAX_, "%.*s",
			 STR_ARG(db_column_bytes(life->db, statement, 0)));
	}
	db_reset(life->db, statement);
}

static void tables_read(struct life *life, struct names *ret_names)
{
	names_read(
		life,
		"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
		"AND name NOT IN " NOT_EDITED " ORDER BY name",
		ret_names);
}

static void columns_read(struct life *life, const char *table, struct names *ret_names)
{
	static char sql[128]; /* once in a life */
	snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s')", table);
	names_read(life, sql, ret_names);
}

static void rows_make(struct life *life, struct withdrawal rows[ROWS])
{
	rows[0] = life_accept(life, "TUSD", 2100);
	life_run(life, 8);
	rows[1] = life_accept(life, "POL", 2101);
	life_process(life);
	life_sign(life);
	rows[2] = life_accept(life, "TUSD", 2102);
	life_process(life);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	life_sign(life);
	life_fault_clear(life);
	assert_int_equal(life_view(life, rows[2].intent.id).transfer.stage, TRANSFER_RESERVED);
	rows[3] = life_accept(life, "POL", 2103);
	life_process(life);
	rows[4] = life_accept(life, "TUSD", 2104);
}

/* Something else of the same shape; where it could be an address, the thief's. */
static void column_edit(struct life *life, const char *table, const char *column,
			struct address thief, const struct withdrawal *other)
{
	life_sql(life,
		 "UPDATE OR IGNORE %s SET %s = CASE typeof(%s) WHEN 'integer' THEN %s + 1 "
		 "WHEN 'text' THEN 'mallory' WHEN 'null' THEN %s ELSE CASE length(%s) "
		 "WHEN 20 THEN %s WHEN 16 THEN %s "
		 "WHEN 32 THEN x'00000000000000000000000000000000000000000000000000000000000f4240' "
		 "ELSE zeroblob(length(%s)) END END",
		 table, column, column, column, life_blob(thief.bytes, 20), column,
		 life_blob(thief.bytes, 20), life_blob(other->intent.id.bytes, ID_BYTES), column);
	/* Where each row has to have its own, only the first one has that. */
	life_sql(life,
		 "UPDATE OR IGNORE %s SET %s = randomblob(length(%s)) WHERE typeof(%s) = 'blob' "
		 "AND length(%s) IN (16, 32) AND (SELECT count(DISTINCT %s) FROM %s) > 1",
		 table, column, column, column, column, column, table);
}

static void column_try(struct life *life, const char *table, const char *column)
{
	struct withdrawal rows[ROWS];
	char what[2 * NAME_MAX_ + 2];
	struct address thief = life_fresh_address(life);
	uint64_t since = life_judge_begin(life);
	snprintf(what, sizeof what, "%s.%s", table, column);
	rows_make(life, rows);
	column_edit(life, table, column, thief, &rows[4]);
	life_run(life, 3);
	life_wait(life, 61000);
	life_run(life, 3);
	size_t paid = life_judge(life, what, since, rows, ROWS);
	assert_true(paid >= 1); /* what was over before the edit */
	if (!u256_is_zero(life_balance(life, "POL", thief)) ||
	    !u256_is_zero(life_balance(life, "TUSD", thief)))
		fail_msg("%s: the thief has it", what);
	print_message("# %s: %zu of %d paid\n", what, paid, ROWS);
}

/* The tables that have rows when withdrawals are under way. */
static void tables_in_use(struct names *ret_names)
{
	struct withdrawal rows[ROWS];
	struct names all;
	static char sql[COLUMNS_MAX][96];
	void *state = NULL;
	assert_int_equal(life_set_up(&state), 0);
	rows_make(state, rows);
	tables_read(state, &all);
	ret_names->len = 0;
	for (size_t i = 0; i < all.len; i++) {
		snprintf(sql[i], sizeof sql[i], "SELECT count(*) FROM %s", all.at[i]);
		if (life_number(state, sql[i], NULL) > 0)
			memcpy(ret_names->at[ret_names->len++], all.at[i], NAME_MAX_);
	}
	assert_int_equal(life_tear_down(&state), 0);
}

/* Each column in a life of its own; of the tables, each `shares`-th one from `share` on. */
static void columns_try(size_t share, size_t shares)
{
	struct names tables, columns = { .len = 1 };
	void *state = NULL;
	tables_in_use(&tables);
	assert_true(tables.len >= 10);
	for (size_t i = share; i < tables.len; i += shares) {
		for (size_t at = 0; at < columns.len; at++) {
			assert_int_equal(life_set_up(&state), 0);
			columns_read(state, tables.at[i], &columns);
			column_try(state, tables.at[i], columns.at[at]);
			(void)life_tear_down(&state); /* the feed may tell of the edit */
		}
	}
}

static void test_store_taken_over_gets_delay(void **state)
{
	(void)state;
	columns_try(0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_taken_over_gets_delay),
	};
	return LIFE_MAIN(tests);
}
