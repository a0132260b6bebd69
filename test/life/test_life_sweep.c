/* Somebody who can write the store puts the worst into every column, one after the other, while
 * payments are under way. No role ends by it, and where other people's payments do not hang on what
 * was edited, they are made. */
#include "life_world.h"

#include "adapter/sql_row.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define COLUMNS_MAX 400
#define PAUSE_MS    65000 /* past every time after which a row is looked at again */

struct column {
	char table[64], name[64], type[32];
};

static const char *const numbers[] = { "9223372036854775807", "-9223372036854775807 - 1" };
static const char *const texts[] = { "'\"'" };
static const char *const blobs[] = { "x'ff'" };

/* What others are paid by, whatever stands in the rows of somebody's own withdrawal. */
static bool is_ones_own(const char *table)
{
	static const char *const tables[] = { "withdrawals", "events",      "audit",
					      "messages",    "resolutions", "policy_reservations" };
	for (size_t i = 0; i < COUNT_OF(tables); i++)
		if (strcmp(table, tables[i]) == 0)
			return true;
	return false;
}

static size_t columns_list(struct life *life, struct column ret_columns[COLUMNS_MAX])
{
	struct err err = { 0 };
	size_t n = 0;
	struct sql sql = sql_prepare(
		life->db,
		life->database[0] != 0
			? "SELECT table_name, column_name, data_type FROM "
			  "information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 2"
			: "SELECT m.name, p.name, lower(p.type) FROM sqlite_master m, "
			  "pragma_table_info(m.name) p WHERE m.type = 'table' ORDER BY 1, 2",
		&err);
	while (sql_next(&sql)) {
		assert_true(n < COLUMNS_MAX);
		struct column *column = &ret_columns[n++];
		sql_take_text(&sql, column->table, sizeof column->table);
		sql_take_text(&sql, column->name, sizeof column->name);
		sql_take_text(&sql, column->type, sizeof column->type);
	}
	assert_true(sql_end(&sql) && n > 100);
	return n;
}

static size_t values_of(const struct column *column, const char *const **ret_values)
{
	*ret_values = numbers;
	if (strstr(column->type, "int") != NULL)
		return COUNT_OF(numbers);
	bool is_text = strstr(column->type, "char") != NULL || strstr(column->type, "text") != NULL;
	*ret_values = is_text ? texts : blobs;
	return is_text ? COUNT_OF(texts) : COUNT_OF(blobs);
}

/* One withdrawal that ended, one that was sent, one that was decided, one that was accepted. */
static void payments_begin(struct life *life)
{
	struct withdrawal done = life_accept(life, "POL", 100);
	life_run(life, 8);
	life_assert_paid(life, &done);
	(void)life_accept(life, "POL", 101);
	life_process(life);
	life_sign(life);
	(void)life_accept(life, "POL", 102);
	life_process(life);
	(void)life_accept(life, "POL", 103);
}

static bool is_paid(struct life *life, const struct withdrawal *row)
{
	return !u256_is_zero(life_balance(life, "POL", row->intent.to));
}

static void edit(struct life *life, const struct column *column, const char *value)
{
	char sql[256];
	struct err err = { 0 };
	bool is_mysql = life->database[0] != 0;
	(void)snprintf(sql, sizeof sql, "UPDATE %s %s SET %s = %s",
		       is_mysql ? "IGNORE" : "OR IGNORE", column->table, column->name, value);
	assert_true(db_begin(life->db, true, &err) && db_exec(life->db, sql, &err));
	assert_true(db_commit(life->db, &err));
}

static int edited(const struct column *column, const char *value)
{
	void *state = NULL;
	assert_int_equal(life_set_up(&state), 0);
	struct life *life = state;
	payments_begin(life);
	edit(life, column, value);
	struct withdrawal other = life_accept(life, "POL", 104);
	for (int i = 0; i < 3; i++) {
		life_run(life, 4);
		life_wait(life, PAUSE_MS);
	}
	bool good = is_paid(life, &other) || !is_ones_own(column->table);
	(void)life_tear_down(&state);
	return good ? 0 : 3;
}

/* In a process of its own: what ends it shows, and does not end the others. */
static bool case_run(const struct column *column, const char *value)
{
	int status = -1;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(edited(column, value));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status == 0)
		return true;
	print_error("%s.%s = %s: %s %d\n", column->table, column->name, value,
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return false;
}

static void test_row_ends_a_role(void **state)
{
	static struct column columns[COLUMNS_MAX];
	const char *const *values;
	const char *only = getenv("LIFE_SWEEP_TABLE");
	size_t bad = 0;
	void *first = NULL;
	(void)state;
	assert_int_equal(life_set_up(&first), 0);
	size_t n = columns_list(first, columns);
	(void)life_tear_down(&first);
	for (size_t i = 0; i < n; i++) {
		size_t len = values_of(&columns[i], &values);
		for (size_t k = 0; k < len; k++)
			if (only == NULL || strcmp(only, columns[i].table) == 0)
				bad += case_run(&columns[i], values[k]) ? 0 : 1;
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row_ends_a_role),
	};
	return LIFE_MAIN(tests);
}
