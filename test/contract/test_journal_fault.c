/* A journal whose commit breaks: what surely was not written is written again, what may be there is
 * looked up, and nothing is there twice. */
#include "journal_place.h"

#include "fault_db.h"

#define ROWS 3 /* of a payment */

/* The place's journal, over a connection whose first commit breaks so. */
static struct db *break_commit(struct place *place, enum fault_kind kind)
{
	const struct journal_sql_options options = { .deployment = deployment,
						     .mac_key = mac_key,
						     .is_made = true };
	struct fault_plan plan = { .kind = kind, .where = FAULT_AT_COMMIT, .at = 1 };
	struct db *db = fault_db_open(open_appender(place->path));
	struct err err = { 0 };

	journal_close(place->journal);
	place->journal = NULL;
	if (!journal_sql_open(db, &options, &place->journal, &err))
		fail_msg("%s", err.text);
	fault_db_plan(db, plan);
	return db;
}

static void a_commit_that_gave_way_is_done_again(void **state)
{
	struct place *place = *state;
	const struct journal_entry entry = payment(1, 7);
	struct db *db = break_commit(place, FAULT_GIVE_WAY);

	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_true(fault_db_fired(db));
	assert_int_equal(verified_rows(place), ROWS);
	reopen(place);
	assert_int_equal(append(place, &entry), JOURNAL_EQUAL);
	assert_int_equal(verified_rows(place), ROWS);
}

static void expect_unclear(struct place *place, enum fault_kind kind, enum journal_verdict then)
{
	const struct journal_entry entry = payment(1, 7);
	enum journal_verdict verdict;
	struct err err = { 0 };

	(void)break_commit(place, kind);
	assert_false(journal_append_many(place->journal, &entry, 1, &verdict, &err));
	assert_int_equal(err.kind, ERR_MAYBE_DONE);
	assert_int_equal(append(place, &entry), then);
	assert_int_equal(verified_rows(place), ROWS);
}

static void a_commit_that_may_be_done_is_looked_up(void **state)
{
	expect_unclear(*state, FAULT_COMMIT_DONE, JOURNAL_EQUAL);
}

static void a_commit_that_was_lost_is_done_by_the_next(void **state)
{
	expect_unclear(*state, FAULT_COMMIT_LOST, JOURNAL_WRITTEN);
}

static void a_commit_that_fails_is_said_to_have_failed(void **state)
{
	struct place *place = *state;
	const struct journal_entry entry = payment(1, 7);
	enum journal_verdict verdict;
	struct err err = { 0 };

	(void)break_commit(place, FAULT_FAIL);
	assert_false(journal_append_many(place->journal, &entry, 1, &verdict, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_int_equal(verified_rows(place), 0);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(a_commit_that_gave_way_is_done_again),
		AT_PLACE(a_commit_that_may_be_done_is_looked_up),
		AT_PLACE(a_commit_that_was_lost_is_done_by_the_next),
		AT_PLACE(a_commit_that_fails_is_said_to_have_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
