/* Two signers append to one journal, over connections of their own: whoever comes between any two
 * statements of the other's look for the end, rows stand behind one another in the end. Only where
 * a look is not alone with the database; so on MariaDB. */
#include "fault_db.h"
#include "journal_place.h"
#include "mysql_server.h"

struct rival {
	struct place *place;
	uint8_t number;
};

static struct journal *appender_open(struct db *db)
{
	const struct journal_sql_options options = { .deployment = deployment,
						     .mac_key = mac_key,
						     .is_made = true };
	struct journal *journal = NULL;
	struct err err = { 0 };
	if (!journal_sql_open(db, &options, &journal, &err))
		fail_msg("%s", err.text);
	return journal;
}

/* A payment, and behind it a cancellation for which an earlier attempt's row serves: the rows end
 * in another table than the one that was read last. */
static void rival_append(void *context)
{
	struct rival *rival = context;
	struct journal_entry entries[2] = { payment(rival->number, rival->number), payment(1, 1) };
	enum journal_verdict verdicts[2] = { JOURNAL_DIFFERENT, JOURNAL_DIFFERENT };
	struct err err = { 0 };
	entries[1].slot.nonce = 200u + rival->number;
	entries[1].kind = JOURNAL_CANCEL;
	entries[1].has_right = entries[1].has_attempt = false;
	if (!journal_append_many(rival->place->journal, entries, 2, verdicts, &err))
		fail_msg("%s", err.text);
	assert_int_equal(verdicts[0], JOURNAL_WRITTEN);
	assert_int_equal(verdicts[1], JOURNAL_WRITTEN);
}

/* A bump: one row, of an attempt. */
static void bump(struct journal *journal, uint32_t number)
{
	struct journal_entry entry = payment(1, 1);
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	struct err err = { 0 };
	entry.has_right = false;
	entry.attempt_number = number;
	if (!journal_append_many(journal, &entry, 1, &verdict, &err))
		fail_msg("%s", err.text);
	assert_int_equal(verdict, JOURNAL_WRITTEN);
}

static void rows_stand_behind_one_another(void **state)
{
	struct place *place = *state;
	struct journal_entry first = payment(1, 1);
	uint32_t attempts = 1;
	assert_int_equal(append(place, &first), JOURNAL_WRITTEN);
	/* The look for the end, and the turn: behind that nobody comes. */
	for (size_t at = 1; at <= 2; at++) {
		struct db *db = fault_db_open(mysql_server_open(place->path, "appender"));
		struct journal *ours = appender_open(db);
		struct rival rival = { place, (uint8_t)(10 + at) };
		bump(ours, ++attempts);
		reopen(place);
		fault_db_plan(db, (struct fault_plan){ .kind = FAULT_CALL,
						       .where = FAULT_AT_STEP,
						       .at = at,
						       .call = rival_append,
						       .context = &rival });
		bump(ours, ++attempts);
		assert_true(fault_db_fired(db));
		journal_close(ours);
		(void)verified_rows(place);
		reopen(place);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(rows_stand_behind_one_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
