/* Somebody writes the store behind Sluice's back: what `sluice audit verify` says of it
 * (audit-edited of the named failures). */
#include "feed_fixture.h"

#include "core/timing.h"

#include <stdlib.h>

/* Twelve audit records and two withdrawals' events, in three seals. */
static int set_up(void **state)
{
	(void)fixture_set_up(state);
	struct fixture *f = *state;
	for (int i = 0; i < 3; i++) {
		feed_audit_add(f, 4);
		(void)fixture_queue(f, (const char *[]){ "one", "two", "three" }[i]);
		feed_seal_all(f);
		fixture_wait(f, 3600000);
	}
	feed_assert_intact(f);
	return 0;
}

/* What was edited need not be sound. */
static int tear_down(void **state)
{
	(void)fixture_tear_down(state);
	return 0;
}

static void assert_found(struct fixture *f, enum audit_finding_kind kind, const char *word)
{
	struct walked walked = feed_walk(f, NULL);
	assert_true(walked.len == 1);
	assert_true(walked.kinds[0] == kind);
	assert_int_equal(walked.report.findings, 1);
	assert_non_null(strstr(walked.texts[0], word));
}

static void audit_edited_a_row_is_named(void **state)
{
	struct fixture *f = *state;
	static const char *const edits[] = {
		"UPDATE audit SET detail = '{\"paid\":1}' WHERE feed = 5",
		"UPDATE audit SET who = 'nobody' WHERE feed = 5",
		"UPDATE audit SET at = at + 1 WHERE feed = 5",
		"UPDATE audit SET actor = 1 WHERE feed = 5",
		"UPDATE audit SET action = '' WHERE feed = 5",
		"UPDATE audit SET request_id = 'x' WHERE feed = 5",
		"UPDATE audit SET subject = NULL WHERE feed = 5",
		"UPDATE audit SET id = id + 1000 WHERE feed = 5",
	};
	size_t found = 0;
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		struct err err = { 0 };
		assert_true(db_begin(f->db, true, &err));
		assert_true(db_exec(f->db, edits[i], &err));
		struct walked walked = feed_walk(f, NULL);
		db_rollback(f->db);
		if (walked.len == 0) /* of one without a subject */
			continue;
		found++;
		assert_int_equal(walked.len, 1);
		assert_int_equal(walked.kinds[0], AUDIT_ROW_CHANGED);
		assert_non_null(strstr(walked.texts[0], "position 5"));
	}
	assert_true(found >= COUNT_OF(edits) - 1);
	feed_assert_intact(f);
}

static void an_event_that_is_changed_is_named(void **state)
{
	struct fixture *f = *state;
	fixture_edit(f, "UPDATE events SET type = 'completed' WHERE feed = 2");
	assert_found(f, AUDIT_ROW_CHANGED, "event 2 of withdrawal");
	fixture_edit(f, "UPDATE events SET stage = 5 WHERE feed = 4");
	struct walked walked = feed_walk(f, NULL);
	assert_int_equal(walked.len, 2);
	assert_int_equal(walked.kinds[1], AUDIT_ROW_CHANGED);
}

/* Longer than anybody reads it: it says something else all the same. */
static void what_is_too_long_is_changed(void **state)
{
	struct fixture *f = *state;
	fixture_edit(f, "INSERT INTO audit (at, actor, who, request_id, action, detail) "
			"SELECT MAX(at), 5, 'x', '', 'said_nothing', '' FROM audit");
	feed_seal_all(f);
	feed_assert_intact(f);
	fixture_edit(f, "UPDATE audit SET detail = hex(zeroblob(1000000)) "
			"WHERE action = 'said_nothing'");
	assert_found(f, AUDIT_ROW_CHANGED, "position 21");
}

static void rows_that_are_removed_leave_a_gap(void **state)
{
	struct fixture *f = *state;
	fixture_edit(f, "DELETE FROM audit WHERE feed = 3");
	assert_found(f, AUDIT_ROW_REMOVED, "positions 3 to 3");
	fixture_edit(f, "DELETE FROM audit WHERE feed IN (4, 5)");
	assert_found(f, AUDIT_ROW_REMOVED, "positions 3 to 5");
	fixture_edit(f, "DELETE FROM events WHERE feed = 1");
	struct walked walked = feed_walk(f, NULL);
	assert_int_equal(walked.len, 2);
}

static void the_last_row_that_is_removed_is_missed(void **state)
{
	struct fixture *f = *state;
	int64_t last = fixture_number(f, "SELECT MAX(feed) FROM audit");
	char word[64];
	fixture_edit(f, fixture_is_of_one_host()
				? "DELETE FROM audit WHERE feed = (SELECT MAX(feed) FROM audit)"
				: "DELETE FROM audit ORDER BY feed DESC LIMIT 1");
	snprintf(word, sizeof word, "positions %d to %d", (int)last, (int)last);
	assert_found(f, AUDIT_ROW_REMOVED, word);
}

/* It has the position of another one, or one that nobody gave. */
static void rows_that_are_added_are_named(void **state)
{
	struct fixture *f = *state;
	fixture_edit(f, "DELETE FROM audit WHERE feed = 3");
	fixture_edit(f, "INSERT INTO audit (at, actor, who, request_id, action, detail, feed) "
			"VALUES (1700000000000, 5, 'x', '', 'y', '', 3)");
	assert_found(f, AUDIT_ROW_CHANGED, "position 3");
	fixture_edit(f, "INSERT INTO audit (at, actor, who, request_id, action, detail, feed) "
			"VALUES (1700000000000, 5, 'x', '', 'y', '', 1000)");
	fixture_edit(f, "INSERT INTO audit (at, actor, who, request_id, action, detail, feed) "
			"VALUES (1700000000000, 5, 'x', '', 'y', '', -5)");
	struct walked walked = feed_walk(f, NULL);
	assert_int_equal(walked.len, 3);
	assert_int_equal(walked.kinds[0], AUDIT_ROW_ADDED);
	assert_int_equal(walked.kinds[1], AUDIT_ROW_CHANGED);
	assert_int_equal(walked.kinds[2], AUDIT_ROW_ADDED);
}

static void two_that_changed_places_are_both_named(void **state)
{
	struct fixture *f = *state;
	fixture_edit(f, "UPDATE audit SET feed = -1 WHERE feed = 3");
	fixture_edit(f, "UPDATE audit SET feed = 3 WHERE feed = 4");
	fixture_edit(f, "UPDATE audit SET feed = 4 WHERE feed = -1");
	struct walked walked = feed_walk(f, NULL);
	assert_int_equal(walked.len, 2);
	assert_int_equal(walked.kinds[0], AUDIT_ROW_CHANGED);
	assert_int_equal(walked.kinds[1], AUDIT_ROW_CHANGED);
}

/* Without a position it gets one, as a row of now; but it says that it is of then. */
static void audit_edited_a_row_of_an_old_time(void **state)
{
	struct fixture *f = *state;
	fixture_edit(f, "INSERT INTO audit (at, actor, who, request_id, action, detail) "
			"VALUES (1700000000000, 5, 'x', '', 'back_then', '')");
	fixture_wait(f, 3600000);
	feed_seal_all(f);
	assert_found(f, AUDIT_ROW_BACKDATED, "2023-11-14T22:13:20.000Z");
}

/* What nobody was there to seal is of its time. */
static void rows_of_a_long_silence_are_not(void **state)
{
	struct fixture *f = *state;
	feed_audit_add(f, 2 * FEED_ROWS_MAX + 4);
	fixture_wait(f, 3600000);
	feed_audit_add(f, 4);
	fixture_wait(f, 3600000);
	feed_seal_all(f);
	feed_assert_intact(f);
}

static void audit_edited_a_seal_is_named(void **state)
{
	struct fixture *f = *state;
	fixture_edit(f, "UPDATE feed_seals SET audit_to = audit_to - 1 WHERE number = 2");
	assert_found(f, AUDIT_SEAL_CHANGED, "seal 2");
	fixture_edit(f, "UPDATE feed_seals SET audit_to = audit_to + 1 WHERE number = 2");
	feed_assert_intact(f);
	fixture_edit(f, "UPDATE feed_seals SET life = 7 WHERE number = 2");
	assert_found(f, AUDIT_SEAL_CHANGED, "seal 2");
	fixture_edit(f, "UPDATE feed_seals SET life = 0, mac_key_id = 9 WHERE number = 2");
	assert_found(f, AUDIT_SEAL_CHANGED, "key that is not here");
}

static void a_seal_that_is_removed_is_missed(void **state)
{
	struct fixture *f = *state;
	fixture_edit(f, "DELETE FROM feed_seals WHERE number = 2");
	assert_found(f, AUDIT_SEAL_REMOVED, "2 to 2");
}

/* With its rows, from the beginning on. */
static void a_beginning_that_is_cut_off_is_missed(void **state)
{
	struct fixture *f = *state;
	fixture_edit(f, "DELETE FROM audit WHERE feed <= (SELECT audit_to FROM feed_seals WHERE "
			"number = 1)");
	fixture_edit(f, "DELETE FROM events WHERE feed <= (SELECT events_to FROM feed_seals WHERE "
			"number = 1)");
	fixture_edit(f, "DELETE FROM feed_seals WHERE number = 1");
	assert_found(f, AUDIT_SEAL_REMOVED, "1 to 1");
}

static struct feed_head head_now(struct fixture *f)
{
	struct feed_seal seal;
	bool any = false;
	MUST(store_feed_newest, f->store, &seal, &any);
	assert_true(any);
	return feed_head_of(&seal);
}

static void end_cut(struct fixture *f)
{
	fixture_edit(f, "DELETE FROM audit WHERE feed > (SELECT audit_to FROM feed_seals WHERE "
			"number = 2)");
	fixture_edit(f, "DELETE FROM events WHERE feed > (SELECT events_to FROM feed_seals WHERE "
			"number = 2)");
	fixture_edit(f, "DELETE FROM feed_seals WHERE number > 2");
}

/* The end, with its seal: nothing inside of the store tells. */
static void audit_edited_an_end_is_known_outside(void **state)
{
	struct fixture *f = *state;
	struct feed_head head = head_now(f);
	struct walked walked = feed_walk(f, &head);
	assert_int_equal(walked.len, 0);
	assert_int_equal(walked.report.heads, 1);
	end_cut(f);
	assert_int_equal(feed_walk(f, NULL).len, 0);
	walked = feed_walk(f, &head);
	assert_true(walked.len == 1);
	assert_int_equal(walked.kinds[0], AUDIT_CUT);
	/* And it is gone on from there: the positions are given anew. */
	feed_audit_add(f, 4);
	feed_seal_all(f);
	walked = feed_walk(f, &head);
	assert_int_equal(walked.len, 1);
	assert_int_equal(walked.kinds[0], AUDIT_HEAD_DIFFERS);
}

/* A seal of ours, in a store that has gone on without it. */
static void audit_edited_a_seal_of_another_copy(void **state)
{
	struct fixture *f = *state;
	bool is_unlinked = false;
	fixture_edit(f, "CREATE TABLE copied AS SELECT * FROM feed_seals WHERE number = 3");
	fixture_edit(f, "DELETE FROM feed_seals WHERE number > 1");
	fixture_edit(f, "UPDATE audit SET feed = NULL WHERE feed > (SELECT MAX(audit_to) FROM "
			"feed_seals)");
	fixture_edit(f, "UPDATE events SET feed = NULL WHERE feed > (SELECT MAX(events_to) FROM "
			"feed_seals)");
	feed_seal_all(f);
	fixture_edit(f, "INSERT INTO feed_seals SELECT * FROM copied");
	fixture_edit(f, "DROP TABLE copied");
	struct walked walked = feed_walk(f, NULL);
	for (size_t i = 0; i < walked.len; i++)
		is_unlinked |= walked.kinds[i] == AUDIT_SEAL_UNLINKED;
	assert_true(is_unlinked);
}

/* All of it, so that the feed begins anew. */
static void a_feed_that_is_made_anew_is_known_outside(void **state)
{
	struct fixture *f = *state;
	struct feed_head head = head_now(f);
	fixture_edit(f, "DELETE FROM feed_seals");
	fixture_edit(f, "UPDATE audit SET feed = NULL");
	fixture_edit(f, "UPDATE events SET feed = NULL");
	fixture_edit(f, "UPDATE audit SET who = 'somebody else'");
	feed_seal_all(f);
	assert_int_equal(feed_walk(f, NULL).len, 0);
	struct walked walked = feed_walk(f, &head);
	assert_int_equal(walked.len, 1);
	assert_int_equal(walked.kinds[0], AUDIT_CUT);
}

/* Who has written the end knows of it, and goes on behind: the gap stays. */
static void audit_edited_an_end_is_told_at_once(void **state)
{
	struct fixture *f = *state;
	struct instance a;
	instance_start(f, &a, "a");
	fixture_wait(f, LEASE_TERM_MS);
	assert_true(instance_run(f, &a));
	end_cut(f);
	assert_true(instance_run(f, &a));
	assert_true(a.alarms == 1);
	feed_audit_add(f, 4);
	assert_true(instance_run(f, &a));
	assert_true(a.alarms == 1);
	assert_found(f, AUDIT_SEAL_REMOVED, "3 to 3");
	instance_end(&a);
}

/* Nothing goes on from what is not ours; and it does again, when people have put it right. */
static void a_seal_that_is_forged_ends_the_work(void **state)
{
	struct fixture *f = *state;
	struct instance a;
	fixture_edit(f,
		     "INSERT INTO feed_seals SELECT 1000, life, events_to, events_rows, audit_to, "
		     "audit_rows, sealed_at, complete_at, previous, tags, mac_key_id, mac FROM "
		     "feed_seals WHERE number = 3");
	instance_start(f, &a, "a");
	fixture_wait(f, LEASE_TERM_MS);
	feed_audit_add(f, 4);
	assert_true(instance_run(f, &a));
	assert_int_equal(a.alarms, 1);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE feed IS NULL"), 4);
	fixture_edit(f, "DELETE FROM feed_seals WHERE number = 1000");
	assert_true(instance_run(f, &a));
	feed_assert_intact(f);
	instance_end(&a);
}

static void a_position_that_is_taken_ends_the_work(void **state)
{
	struct fixture *f = *state;
	struct instance a;
	fixture_edit(f, "UPDATE audit SET feed = feed + 3 WHERE feed = (SELECT audit_to FROM "
			"feed_seals WHERE number = 3)");
	instance_start(f, &a, "a");
	fixture_wait(f, LEASE_TERM_MS);
	feed_audit_add(f, 4);
	assert_true(instance_run(f, &a));
	assert_int_equal(a.alarms, 1);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE feed IS NULL"), 4);
	fixture_edit(f, "UPDATE audit SET feed = feed - 3 WHERE feed > (SELECT audit_to FROM "
			"feed_seals WHERE number = 3)");
	assert_true(instance_run(f, &a));
	feed_assert_intact(f);
	instance_end(&a);
}

int main(void)
{
#define EDIT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EDIT_TEST(audit_edited_a_row_is_named),
		EDIT_TEST(an_event_that_is_changed_is_named),
		EDIT_TEST(rows_that_are_removed_leave_a_gap),
		EDIT_TEST(the_last_row_that_is_removed_is_missed),
		EDIT_TEST(rows_that_are_added_are_named),
		EDIT_TEST(two_that_changed_places_are_both_named),
		EDIT_TEST(audit_edited_a_row_of_an_old_time),
		EDIT_TEST(rows_of_a_long_silence_are_not),
		EDIT_TEST(audit_edited_a_seal_is_named),
		EDIT_TEST(a_seal_that_is_removed_is_missed),
		EDIT_TEST(a_beginning_that_is_cut_off_is_missed),
		EDIT_TEST(audit_edited_an_end_is_known_outside),
		EDIT_TEST(audit_edited_a_seal_of_another_copy),
		EDIT_TEST(a_feed_that_is_made_anew_is_known_outside),
		EDIT_TEST(audit_edited_an_end_is_told_at_once),
		EDIT_TEST(a_seal_that_is_forged_ends_the_work),
		EDIT_TEST(a_position_that_is_taken_ends_the_work),
		EDIT_TEST(what_is_too_long_is_changed), /* a server takes none */
	};
	size_t n = COUNT_OF(tests) - (fixture_is_of_one_host() ? 0 : 1);
	return _cmocka_run_group_tests("store_feed_edited", tests, n, NULL, NULL);
}
