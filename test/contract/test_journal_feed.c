/* What the signer has seen of the store, in the journal: the ends of its feed, and its switches. */
#include "journal_place.h"

static void edit(struct place *place, const char *sql)
{
	struct db *db = open_db(place->path);
	struct err err = { 0 };

	if (!db_exec(db, sql, &err))
		fail_msg("%s: %s", sql, err.text);
	db_close(db);
}

static struct journal_entry feed_head(uint64_t life, uint64_t number, uint8_t mac)
{
	struct journal_entry entry = { .has_feed_head = true };
	entry.feed_head = (struct journal_feed_head){ .head = { .life = life, .number = number },
						      .time_ms = 5000 };
	memset(entry.feed_head.head.mac, mac, sizeof entry.feed_head.head.mac);
	return entry;
}

static struct journal_entry controls(uint64_t version, uint8_t mac)
{
	struct journal_entry entry = { .has_controls = true,
				       .controls = { .version = version, .time_ms = 5000 } };
	memset(entry.controls.mac, mac, sizeof entry.controls.mac);
	return entry;
}

/* Sets of switches, one of a version; the last one is that of the highest, whenever it came. */
static void sets_of_switches_are_kept(void **state)
{
	struct place *place = *state;
	struct journal_controls last;
	struct journal_entry entry = controls(5, 7);
	struct err err = { 0 };
	bool any = true;

	assert_true(journal_controls_last(place->journal, &any, &last, &err));
	assert_false(any);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	entry.controls.time_ms = 6000;
	assert_int_equal(append(place, &entry), JOURNAL_EQUAL);
	entry = controls(5, 8);
	assert_int_equal(append(place, &entry), JOURNAL_DIFFERENT);
	entry = controls(4, 8);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_true(journal_controls_last(place->journal, &any, &last, &err));
	assert_true(any && last.version == 5 && last.mac[31] == 7 && last.time_ms == 5000);
	assert_int_equal(verified_rows(place), 2);
}

/* The heads of the feed, one of a number; the last one is what was appended last. */
static void heads_of_the_feed_are_kept(void **state)
{
	struct place *place = *state;
	struct journal_feed_head heads[4];
	struct journal_entry entry = feed_head(0, 5, 7);
	struct err err = { 0 };
	bool any = true;
	size_t len = 0;

	assert_true(journal_feed_head_last(place->journal, &any, &heads[0], &err));
	assert_false(any);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	entry.feed_head.time_ms = 6000;
	assert_int_equal(append(place, &entry), JOURNAL_EQUAL);
	entry = feed_head(0, 5, 8);
	assert_int_equal(append(place, &entry), JOURNAL_DIFFERENT);
	entry = feed_head(1, 5, 8);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	entry = feed_head(0, 9, 9);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_true(journal_feed_head_last(place->journal, &any, &heads[0], &err));
	assert_true(any && heads[0].head.number == 9 && heads[0].head.mac[31] == 9);
	assert_true(journal_feed_heads_after(place->journal, 0, heads, 4, &len, &err));
	assert_int_equal(len, 3);
	assert_int_equal(heads[0].head.number, 5);
	assert_int_equal(heads[0].time_ms, 5000);
	assert_int_equal(heads[1].head.life, 1);
	assert_true(
		journal_feed_heads_after(place->journal, heads[1].sequence, heads, 4, &len, &err));
	assert_int_equal(len, 1);
	assert_int_equal(heads[0].head.number, 9);
	assert_int_equal(verified_rows(place), 3);
}

static void edited_rows_are_found(void **state)
{
	static const char *const edits[] = {
		"UPDATE controls SET version = 1",
		"UPDATE controls SET set_mac = X'00'",
		"UPDATE controls SET time_ms = 1",
		"UPDATE controls SET previous = X'00'",
		"DELETE FROM controls",
		"UPDATE feed_heads SET life = 1",
		"UPDATE feed_heads SET number = 1",
		"UPDATE feed_heads SET seal_mac = X'00'",
		"UPDATE feed_heads SET time_ms = 1",
		"UPDATE feed_heads SET previous = X'00'",
		"DELETE FROM feed_heads",
		"UPDATE feed_heads SET sequence = sequence + 1",
	};
	for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
		struct place *place;
		struct journal_entry entry = feed_head(0, 7, 7);
		struct journal_entry set = controls(3, 7);
		struct journal_entry before;
		struct err err = { 0 };
		int64_t rows;

		place_make((void **)&place);
		before = payment(1, 1);
		assert_int_equal(append(place, &before), JOURNAL_WRITTEN);
		assert_int_equal(append(place, &set), JOURNAL_WRITTEN);
		assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
		edit(place, edits[i]);
		if (journal_sql_verify(place->journal, &rows, &err))
			fail_msg("verified after: %s", edits[i]);
		assert_int_equal(err.kind, ERR_REFUSED);
		place_remove((void **)&place);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(heads_of_the_feed_are_kept),
		AT_PLACE(sets_of_switches_are_kept),
		cmocka_unit_test(edited_rows_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
