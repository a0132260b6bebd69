/* Positions in the order of commits, given by one sequencer at a time, whoever dies or stands still
 * meanwhile. */
#include "feed_fixture.h"

#include "core/timing.h"
#include "port/store_recover.h"

static int64_t last_position(struct fixture *f)
{
	return fixture_number(f, "SELECT COALESCE(MAX(feed), 0) FROM audit");
}

/* What a reader sees, it sees from its beginning on: as many rows as the last position says. */
static void assert_dense(struct fixture *f)
{
	int64_t last = last_position(f);
	assert_int_equal(fixture_number(f, "SELECT COUNT(feed) FROM audit"), last);
	assert_int_equal(fixture_number(f, "SELECT COUNT(feed) FROM events"),
			 fixture_number(f, "SELECT COALESCE(MAX(feed), 0) FROM events"));
	assert_int_equal(fixture_number(f, "SELECT COUNT(DISTINCT feed) FROM audit"), last);
}

static void each_row_has_a_place(void **state)
{
	struct fixture *f = *state;
	(void)fixture_broadcast(f, "one", 0);
	(void)fixture_queue(f, "two");
	feed_seal_all(f);
	assert_dense(f);
	feed_assert_intact(f);
	int64_t before = last_position(f);
	(void)fixture_queue(f, "three");
	feed_seal_all(f);
	assert_dense(f);
	assert_true(last_position(f) > before);
	feed_assert_intact(f);
}

/* Of a withdrawal the events are in the order of its versions. */
static void events_of_a_row_keep_their_order(void **state)
{
	struct fixture *f = *state;
	(void)fixture_broadcast(f, "one", 0);
	(void)fixture_broadcast(f, "two", 1);
	feed_seal_all(f);
	assert_true(fixture_number(f, "SELECT COUNT(*) FROM events") > 5);
	assert_int_equal(
		fixture_number(f, "SELECT COUNT(*) FROM events a JOIN events b ON "
				  "a.withdrawal_id = b.withdrawal_id AND a.sequence < b.sequence "
				  "WHERE a.feed > b.feed"),
		0);
}

/* More than a transaction takes: several seals, each of the rows behind the last ones. */
static void a_backlog_is_sealed_in_batches(void **state)
{
	struct fixture *f = *state;
	feed_audit_add(f, 3 * FEED_ROWS_MAX + 10);
	feed_seal_all(f);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM feed_seals"), 4);
	assert_dense(f);
	feed_assert_intact(f);
}

/* What began earlier and commits later has the later position: who has read up to there before has
 * missed nothing. */
static void what_commits_later_stands_later(void **state)
{
	struct fixture *f = *state;
	struct db *slow = fixture_connect(f);
	struct err err = { 0 };
	assert_true(db_begin(slow, true, &err));
	assert_true(db_exec(slow,
			    "INSERT INTO audit (at, actor, who, request_id, action, detail) "
			    "VALUES (1700000000000, 5, 'slow', '', 'did_it_slowly', '{}')",
			    &err));
	feed_audit_add(f, 3);
	feed_seal_all(f);
	int64_t read = last_position(f);
	assert_true(read > 0);
	assert_dense(f);
	assert_true(db_commit(slow, &err));
	db_close(slow);
	feed_seal_all(f);
	assert_int_equal(fixture_number(f, "SELECT feed FROM audit WHERE who = 'slow'"), read + 1);
	/* Its own number is below those of rows that stand before it. */
	assert_true(fixture_number(f, "SELECT COUNT(*) FROM audit a JOIN audit b ON a.id < b.id "
				      "WHERE a.feed > b.feed") > 0);
	assert_dense(f);
	feed_assert_intact(f);
}

/* ---- two of them ---- */

static void the_other_one_stands_by(void **state)
{
	struct fixture *f = *state;
	struct instance a, b;
	instance_start(f, &a, "a");
	instance_start(f, &b, "b");
	feed_audit_add(f, 3);
	assert_true(instance_run(f, &a));
	feed_audit_add(f, 3);
	int64_t before = last_position(f);
	for (int i = 0; i < 4; i++) {
		struct err err = { 0 };
		bool worked = false;
		assert_true(sequencer_step(b.sequencer, &worked, &err));
		fixture_wait(f, 100);
	}
	assert_int_equal(last_position(f), before);
	instance_end(&a); /* it died, and its lock or its term is over */
	fixture_wait(f, LEASE_TERM_MS);
	assert_true(instance_run(f, &b));
	assert_dense(f);
	feed_assert_intact(f);
	assert_int_equal(b.alarms, 0);
	instance_end(&b);
}

/* Who ends gives the lease up: the other one waits for no term. */
static void who_leaves_is_followed_at_once(void **state)
{
	struct fixture *f = *state;
	struct instance a, b;
	struct err err = { 0 };
	bool worked = false;
	instance_start(f, &a, "a");
	instance_start(f, &b, "b");
	feed_audit_add(f, 3);
	assert_true(sequencer_step(a.sequencer, &worked, &err));
	assert_true(sequencer_step(b.sequencer, &worked, &err));
	feed_audit_add(f, 3);
	sequencer_leave(a.sequencer);
	instance_end(&a);
	fixture_wait(f, LEASES_LOOK_MS);
	assert_true(sequencer_step(b.sequencer, &worked, &err));
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE feed IS NULL"), 0);
	assert_dense(f);
	instance_end(&b);
}

/* The other one takes over while the first stands still at any of its statements, and works. */
struct sleep {
	struct fixture *f;
	struct db *db;
	struct instance other;
};

/* A session that stands still within a transaction is ended by the server, as db_mysql asks it to:
 * here at once, since the clock of the test is not the server's. */
static void session_end(struct sleep *sleep)
{
	struct err err = { 0 };
	char sql[64];
	if (!sleep->db->in_transaction)
		return;
	struct db_statement *id = db_prepare(sleep->db, "SELECT CONNECTION_ID()", &err);
	assert_non_null(id);
	assert_int_equal(db_step(sleep->db, id, &err), DB_ROW);
	snprintf(sql, sizeof sql, "KILL CONNECTION %lld",
		 (long long)db_column_i64(sleep->db, id, 0));
	db_reset(sleep->db, id);
	fixture_edit(sleep->f, sql);
}

static void sleeps(void *context)
{
	struct sleep *sleep = context;
	struct fixture *f = sleep->f;
	session_end(sleep);
	instance_run(f, &sleep->other);
	fixture_wait(f, LEASE_TERM_MS);
	assert_true(instance_run(f, &sleep->other));
}

/* False: its step has no statement of that number. */
static bool sleep_at(struct fixture *f, uint64_t at)
{
	struct sleep sleep = { .f = f };
	struct instance a;
	struct err err = { 0 };
	bool worked = false;
	instance_start(f, &a, "a");
	instance_start(f, &sleep.other, "b");
	sleep.db = a.db;
	fixture_wait(f, LEASE_TERM_MS);
	assert_true(instance_run(f, &a));
	feed_audit_add(f, 3);
	fault_db_plan(a.db, (struct fault_plan){ .kind = FAULT_CALL,
						 .where = FAULT_AT_ANY,
						 .at = at,
						 .call = sleeps,
						 .context = &sleep });
	(void)!sequencer_step(a.sequencer, &worked, &err);
	bool fired = fault_db_fired(a.db);
	fault_db_plan(a.db, (struct fault_plan){ .kind = FAULT_NONE });
	(void)instance_run(f, &a);
	feed_audit_add(f, 1);
	(void)instance_run(f, &a);
	(void)instance_run(f, &sleep.other);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE feed IS NULL"), 0);
	assert_dense(f);
	feed_assert_intact(f);
	assert_int_equal(a.alarms + sleep.other.alarms, 0);
	instance_end(&a);
	instance_end(&sleep.other);
	return fired;
}

static void who_stood_still_writes_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t at = 1;
	while (sleep_at(f, at))
		at++;
	print_message("# %d points\n", (int)at);
	assert_true(at > 20);
}

/* ---- answers that do not come ---- */

static bool commit_breaks(struct fixture *f, enum fault_kind kind, enum fault_where where,
			  uint64_t at)
{
	struct instance a;
	instance_start(f, &a, "a");
	fixture_wait(f, LEASE_TERM_MS);
	assert_true(instance_run(f, &a));
	feed_audit_add(f, 3);
	char key[32];
	snprintf(key, sizeof key, "more-%d-%d", kind, (int)at);
	(void)fixture_queue(f, key);
	fault_db_plan(a.db, (struct fault_plan){ .kind = kind, .where = where, .at = at });
	(void)instance_run(f, &a);
	bool fired = fault_db_fired(a.db);
	fault_db_plan(a.db, (struct fault_plan){ .kind = FAULT_NONE });
	assert_true(instance_run(f, &a));
	assert_dense(f);
	feed_assert_intact(f);
	assert_int_equal(a.alarms, 0);
	instance_end(&a);
	return fired;
}

static void an_answer_that_is_lost_is_looked_for(void **state)
{
	struct fixture *f = *state;
	assert_true(commit_breaks(f, FAULT_COMMIT_LOST, FAULT_AT_COMMIT, 1));
	assert_true(commit_breaks(f, FAULT_COMMIT_DONE, FAULT_AT_COMMIT, 1));
}

static void what_breaks_anywhere_leaves_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t at = 1;
	while (commit_breaks(f, FAULT_FAIL, FAULT_AT_ANY, at))
		at++;
	assert_true(at > 10);
}

/* ---- the port ---- */

static struct feed_seal seal_of(struct feed_row *rows, size_t n, uint64_t number, int64_t from)
{
	struct feed_keys keys = feed_keys();
	struct feed_seal seal = { .number = number,
				  .rows = { 0, n },
				  .to = { 0, from + (int64_t)n } };
	for (size_t i = 0; i < n; i++)
		rows[i].position = ++from;
	feed_seal_make(&keys, &seal, rows);
	return seal;
}

static void audit_edited_what_has_a_position_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct store_lease lease = { .name = FEED_LEASE };
	struct feed_row rows[8];
	enum store_write result = 0;
	bool taken = false;
	size_t n = 0;
	feed_audit_add(f, 3);
	MUST(store_lease_take, f->store, &lease, "a", f->clock.now_ms, &taken);
	assert_true(taken);
	MUST(store_feed_pending, f->store, FEED_AUDIT, rows, 8, &n);
	assert_int_equal(n, fixture_number(f, "SELECT COUNT(*) FROM audit"));
	struct feed_seal seal = seal_of(rows, n, 1, 0);
	MUST(store_feed_append, f->store, &lease, &seal, rows, &result);
	assert_int_equal(result, STORE_WRITTEN);
	struct digest before = fixture_digest(f);
	MUST(store_feed_append, f->store, &lease, &seal, rows, &result);
	assert_int_equal(result, STORE_MOVED); /* there is one of that number */
	struct feed_seal again = seal_of(rows, n, 2, (int64_t)n);
	MUST(store_feed_append, f->store, &lease, &again, rows, &result);
	assert_true(result == STORE_MOVED); /* they have theirs */
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	struct store_lease stale = lease;
	stale.epoch += 1;
	feed_audit_add(f, 1);
	before = fixture_digest(f);
	MUST(store_feed_pending, f->store, FEED_AUDIT, rows, 8, &n);
	again = seal_of(rows, n, 2, seal.to[FEED_AUDIT]);
	MUST(store_feed_append, f->store, &stale, &again, rows, &result);
	assert_int_equal(result, STORE_FENCED);
	fixture_edit(f, "UPDATE audit SET feed = NULL WHERE feed = 2");
	fixture_edit(f, "UPDATE audit SET feed = 4 WHERE feed = 3");
	MUST(store_feed_append, f->store, &lease, &again, rows, &result);
	assert_int_equal(result, STORE_TAKEN);
	fixture_edit(f, "UPDATE audit SET feed = 3 WHERE feed = 4");
	fixture_edit(f, "UPDATE audit SET feed = 2 WHERE id = 2");
	after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM feed_seals"), 1);
}

/* An older copy of the store lives on: its seals say so. */
static void a_restored_store_begins_a_life(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	uint64_t number = 0;
	feed_audit_add(f, 3);
	feed_seal_all(f);
	MUST(store_recover_begin, f->store, 1, false, &by, &number);
	feed_seal_all(f);
	struct walked walked = feed_walk(f, NULL);
	assert_int_equal(walked.len, 1);
	assert_int_equal(walked.kinds[0], AUDIT_RESTORED);
	assert_int_equal(walked.report.findings, 0);
	assert_int_equal(walked.report.head.life, number);
}

int main(void)
{
#define FEED_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
#define BARE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up_bare, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		FEED_TEST(each_row_has_a_place),
		FEED_TEST(events_of_a_row_keep_their_order),
		FEED_TEST(a_backlog_is_sealed_in_batches),
		FEED_TEST(the_other_one_stands_by),
		FEED_TEST(who_leaves_is_followed_at_once),
		FEED_TEST(an_answer_that_is_lost_is_looked_for),
		FEED_TEST(what_breaks_anywhere_leaves_all_or_nothing),
		BARE_TEST(audit_edited_what_has_a_position_keeps_it),
		FEED_TEST(a_restored_store_begins_a_life),
		/* Not on one host: one writes at a time there, and a lock tells who lives. */
		FEED_TEST(what_commits_later_stands_later),
		FEED_TEST(who_stood_still_writes_nothing),
	};
	size_t n = COUNT_OF(tests) - (fixture_is_of_one_host() ? 2 : 0);
	return _cmocka_run_group_tests("store_feed", tests, n, NULL, NULL);
}
