/* A server that hangs while a role works: each transaction ends with its deadline, later ones at
 * once, and when the server goes on so do they. On a server of its own, which is stopped. */
#include "adapter/clock_posix.h"
#include "adapter/db_mysql.h"
#include "mysql_server.h"
#include "net/circuit_breaker.h"

#include "../unit/testing.h"

#include <poll.h>

#define DEADLINE_MS 1000
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

static void place_open(struct place *place)
{
	*place = (struct place){ .metrics = metrics_new() };
	mysql_server_database(place->name, sizeof place->name);
	clock_posix_init(&place->clock);
	const struct db_mysql_options options = { .socket = getenv("SLUICE_TEST_MYSQL_SOCKET"),
						  .user = "root",
						  .database = place->name,
						  .wait_ms = DEADLINE_MS,
						  .clock = &place->clock,
						  .metrics = place->metrics,
						  .neighbour = "store" };
	if (!db_mysql_open(&options, &place->db, &place->err))
		fail_msg("%s", place->err.text);
	assert_true(transact(place));
}

static void a_server_that_hangs_holds_nobody_up_for_long(void **state)
{
	struct place place;
	(void)state;
	place_open(&place);
	assert_int_equal(kill(server_pid(), SIGSTOP), 0);
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
	db_close(place.db);
	metrics_free(place.metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_hangs_holds_nobody_up_for_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
