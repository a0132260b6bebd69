/* What the journal adds up: for limits, and for what is set aside. */
#include "journal_place.h"

static uint64_t sum(struct place *place, struct address wallet, struct address asset,
		    int64_t since_ms)
{
	const struct journal_purse purse = purse_of(wallet, asset);
	const struct journal_span span = { .since_ms = since_ms };
	struct amount total;
	struct err err = { 0 };
	int64_t sequence;
	uint64_t value = 0;

	if (!journal_sum_of(place->journal, &purse, &span, &total, &sequence, &err))
		fail_msg("%s", err.text);
	assert_true(u256_to_u64(total.units, &value));
	return value;
}

static void sums(void **state)
{
	struct place *place = *state;
	const struct journal_purse purse = purse_of(hot, token);
	struct journal_span all = { .since_ms = 0 };
	struct journal_entry entry;
	struct amount total;
	struct err err = { 0 };
	int64_t sequence;

	for (uint8_t i = 1; i <= 4; i++) {
		entry = payment(i, i);
		if (i == 3)
			entry.right.asset = native;
		if (i == 4)
			entry.slot.wallet = entry.right.slot.wallet = cold;
		assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	}
	entry = void_of(5, 0);
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_int_equal(sum(place, hot, token, 0), 1001 + 1002);
	assert_int_equal(sum(place, hot, token, 5002), 1002);
	assert_int_equal(sum(place, hot, token, 5003), 0);
	assert_int_equal(sum(place, hot, native, 0), 1003);
	assert_int_equal(sum(place, cold, token, 0), 1004);
	/* Of younger withdrawals alone. */
	all.above = payment(1, 1).right.withdrawal;
	assert_true(journal_sum_of(place->journal, &purse, &all, &total, &sequence, &err));
	assert_true(u256_equal(total.units, u256_from_u64(1002)));
	all.above = payment(2, 2).right.withdrawal;
	assert_true(journal_sum_of(place->journal, &purse, &all, &total, &sequence, &err));
	assert_true(u256_is_zero(total.units));
	all.above = (struct id){ 0 };
	/* Above the range is as much as can be written, never a small number. */
	entry = payment(6, 6);
	entry.right.amount.units = u256_max();
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_true(journal_sum_of(place->journal, &purse, &all, &total, &sequence, &err));
	assert_true(u256_equal(total.units, u256_max()));
}

static struct journal_entry payment_at(uint8_t number, int64_t time_ms)
{
	struct journal_entry entry = payment(number, number);

	entry.right.time_ms = time_ms;
	return entry;
}

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    (1440 * MINUTE_MS)

/* The same rights as a window: the edges are core/limit_window's, so are those that are ahead. */
static void windows(void **state)
{
	struct place *place = *state;
	static const int64_t ages[] = { 0,      MINUTE_MS,          61 * MINUTE_MS,
					DAY_MS, DAY_MS + MINUTE_MS, -5 * MINUTE_MS };
	const int64_t now = 3 * DAY_MS;
	const struct journal_purse purse = purse_of(hot, token);
	struct limit_window window, expected;
	struct err err = { 0 };
	int64_t sequence = 0;

	limit_window_reset(&expected, now);
	for (uint8_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
		struct journal_entry entry = payment_at((uint8_t)(i + 1), now - ages[i]);
		assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
		limit_window_add(&expected, now - ages[i], entry.right.amount);
	}
	struct journal_entry entry = payment_at(20, now), end = void_of(21, 0);
	entry.slot.wallet = entry.right.slot.wallet = cold;
	assert_int_equal(append(place, &entry), JOURNAL_WRITTEN);
	assert_int_equal(append(place, &end), JOURNAL_WRITTEN);
	assert_true(journal_window_of(place->journal, &purse, now, &window, &sequence, &err));
	assert_memory_equal(&window, &expected, sizeof window);
	assert_false(u256_is_zero(window.later.units));
	assert_int_equal(sequence, verified_rows(place)); /* the void is the last row */
	/* Nothing is there of another asset, wallet or chain; the place is the journal's all the
	 * same. */
	struct journal_purse others[] = { purse_of(hot, native), purse_of(cold, native), purse };
	others[2].chain_id = 1;
	for (size_t i = 0; i < 3; i++) {
		assert_true(journal_window_of(place->journal, &others[i], now, &window, &sequence,
					      &err));
		assert_true(u256_is_zero(window.day.units));
		assert_int_equal(sequence, verified_rows(place));
	}
}

/* Whoever wrote them, in pages, from any place on. */
static void rights_are_listed_in_their_order(void **state)
{
	struct place *place = *state;
	struct journal_listed listed[4];
	struct err err = { 0 };
	struct place other = { .journal = open_journal(place->path, &err) };
	struct journal_entry entry;
	int64_t after = 0, sums_at = 0;
	size_t len = 0;

	assert_non_null(other.journal);
	assert_true(journal_rights_after(place->journal, 0, listed, 4, &len, &err));
	assert_int_equal(len, 0);
	for (uint8_t i = 1; i <= 5; i++) {
		entry = payment(i, i);
		assert_int_equal(append(i % 2 ? place : &other, &entry), JOURNAL_WRITTEN);
	}
	entry = void_of(6, 0);
	assert_int_equal(append(&other, &entry), JOURNAL_WRITTEN);
	for (uint8_t number = 1; number <= 6; after = listed[len - 1].sequence) {
		assert_true(journal_rights_after(place->journal, after, listed, 4, &len, &err));
		assert_int_equal(len, number == 1 ? 4 : 2);
		for (size_t i = 0; i < len; i++, number++) {
			assert_int_equal(listed[i].right.withdrawal.bytes[1], number);
			assert_int_equal(listed[i].right.is_void, number == 6);
		}
	}
	assert_true(journal_rights_after(place->journal, after, listed, 4, &len, &err));
	assert_int_equal(len, 0);
	/* A sum goes on where it ended. */
	const struct journal_purse purse = purse_of(hot, token);
	const struct journal_span all = { .since_ms = 0 };
	struct amount total;
	assert_true(journal_sum_of(place->journal, &purse, &all, &total, &sums_at, &err));
	assert_int_equal(sums_at, after);
	journal_close(other.journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_PLACE(sums),
		AT_PLACE(windows),
		AT_PLACE(rights_are_listed_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
