#include "core/policy_window.h"

#include "../testing.h"

#include <string.h>

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)
#define PART (DAY / POLICY_WINDOW_PARTS)
#define NOON (1000 * DAY)

static struct policy_window window;

static struct policy_claim claim_of(int64_t at, uint64_t units, uint64_t units_max, uint32_t count)
{
	return (struct policy_claim){ .window_ms = DAY,
				      .at = at,
				      .amount = { u256_from_u64(units) },
				      .amount_max = { u256_from_u64(units_max) },
				      .count_max = count };
}

static bool take(int64_t at, uint64_t units, uint64_t units_max, uint32_t count)
{
	struct policy_claim claim = claim_of(at, units, units_max, count);
	int64_t start = -1;
	bool taken = policy_window_take(&window, &claim, &start);
	assert_int_equal(taken, start != -1);
	return taken;
}

static int setup(void **state)
{
	(void)state;
	memset(&window, 0, sizeof window);
	return 0;
}

static void what_fits_exactly_is_taken(void **state)
{
	(void)state;
	assert_true(take(NOON, 60, 100, 0));
	assert_false(take(NOON + 1, 41, 100, 0));
	assert_true(take(NOON + 1, 40, 100, 0));
	assert_false(take(NOON + 2, 1, 100, 0));
	assert_true(take(NOON + 2, 1, 0, 0)); /* no bound at all */
	assert_int_equal(window.len, 1);
}

static void a_count_is_a_bound_of_its_own(void **state)
{
	(void)state;
	assert_true(take(NOON, 1, 0, 2));
	assert_true(take(NOON, 1, 0, 2));
	assert_false(take(NOON, 1, 0, 2));
}

/* A part counts whole for as long as any moment of it is in the window. */
static void the_window_rolls_and_forgets_never_too_early(void **state)
{
	(void)state;
	assert_true(take(NOON + PART - 1, 100, 100, 0));
	assert_false(take(NOON + DAY - 1, 1, 100, 0));
	assert_false(take(NOON + DAY + PART - 2, 1, 100, 0));
	assert_true(take(NOON + DAY + PART, 100, 100, 0));
}

/* Decided late, it counts when it was created, and may not spoil a window that came after. */
static void what_comes_late_is_counted_where_it_belongs(void **state)
{
	(void)state;
	assert_true(take(NOON + 2 * DAY, 100, 100, 0));
	assert_true(take(NOON, 100, 100, 0));
	assert_false(take(NOON + DAY - 1, 1, 100, 0));
	assert_false(take(NOON + DAY + 1, 1, 100, 0)); /* the later one's window begins there */
	assert_int_equal(window.len, 2);
	assert_int_equal(window.parts[0].start, NOON);
}

/* What fits where it belongs has to fit every later window that it is still inside, too. */
static void what_comes_late_takes_no_room_of_a_later_window(void **state)
{
	(void)state;
	assert_true(take(NOON + DAY, 90, 100, 0));
	assert_false(take(NOON + DAY - PART, 11, 100, 0));
	assert_false(take(NOON, 11, 100, 0));
	assert_int_equal(window.len, 1);
	assert_true(take(NOON, 10, 100, 0));
	assert_true(take(NOON - PART, 90, 100, 0)); /* of the later window no moment more */
	assert_int_equal(window.len, 3);
	assert_false(take(NOON - PART, 1, 100, 0)); /* the window of NOON is full now */
}

/* Older than what is kept: in the oldest part, where it counts for longer than it should. */
static void what_is_older_than_all_counts_in_the_oldest_part(void **state)
{
	(void)state;
	struct policy_claim claim = claim_of(NOON - 10 * DAY, 7, 100, 0);
	int64_t start;
	assert_true(take(NOON, 1, 100, 0));
	assert_true(policy_window_take(&window, &claim, &start));
	assert_int_equal(start, NOON - 2 * DAY);
}

static void a_full_window_keeps_within_its_room(void **state)
{
	(void)state;
	for (int i = 0; i < 5 * POLICY_WINDOW_PARTS; i++)
		assert_true(take(NOON + i * PART, 1, 0, 0));
	assert_int_equal(window.len, POLICY_WINDOW_KEPT);
	assert_true(take(NOON + 100 * DAY, 1, 0, 0));
	assert_int_equal(window.len, 1);
}

/* A sum at the end of the range stays above every bound. */
static void sums_do_not_wrap(void **state)
{
	(void)state;
	struct policy_claim claim = claim_of(NOON, 1, 0, 0);
	int64_t start;
	claim.amount.units = u256_max();
	assert_true(policy_window_take(&window, &claim, &start));
	assert_true(take(NOON, 5, 0, 0));
	assert_false(take(NOON, 1, UINT64_MAX, 0));
}

static void room_is_given_back_to_its_own_part(void **state)
{
	(void)state;
	assert_true(take(NOON, 60, 100, 0));
	assert_true(take(NOON + PART, 40, 100, 2));
	policy_window_release(&window, NOON, (struct amount){ u256_from_u64(60) });
	assert_true(u256_is_zero(window.parts[0].amount.units));
	assert_int_equal(window.parts[0].count, 0);
	assert_true(take(NOON + PART, 60, 100, 2));
	/* Twice, or of a part that is gone: nothing. */
	policy_window_release(&window, NOON, (struct amount){ u256_from_u64(60) });
	policy_window_release(&window, NOON - DAY, (struct amount){ u256_from_u64(60) });
	assert_false(take(NOON + PART, 1, 100, 0));
}

static void what_is_written_reads_back(void **state)
{
	(void)state;
	uint8_t storage[POLICY_WINDOW_BYTES_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	static struct policy_window back;
	for (int i = 0; i < POLICY_WINDOW_KEPT; i++)
		assert_true(take(NOON + i * PART, (uint64_t)i + 1, 0, 0));
	policy_window_write(&window, &out);
	assert_false(out.overflow);
	assert_int_equal(out.len, sizeof storage);
	assert_true(policy_window_read(buf_view(&out), &back));
	assert_int_equal(back.len, window.len);
	for (size_t i = 0; i < back.len; i++) {
		assert_int_equal(back.parts[i].start, window.parts[i].start);
		assert_int_equal(back.parts[i].count, window.parts[i].count);
		assert_true(u256_equal(back.parts[i].amount.units, window.parts[i].amount.units));
	}
	assert_true(policy_window_read((struct str){ 0 }, &back));
	assert_int_equal(back.len, 0);
}

static void what_nobody_of_us_wrote_is_no_window(void **state)
{
	(void)state;
	uint8_t storage[2 * POLICY_WINDOW_BYTES_MAX] = { 0 };
	struct buf out = buf_of(storage, sizeof storage);
	static struct policy_window back;
	assert_true(take(NOON, 1, 0, 0));
	assert_true(take(NOON + PART, 1, 0, 0));
	policy_window_write(&window, &out);
	assert_false(policy_window_read((struct str){ (char *)storage, out.len - 1 }, &back));
	assert_false(policy_window_read((struct str){ (char *)storage, sizeof storage }, &back));
	memcpy(storage + out.len / 2, storage, 8); /* two parts of one start */
	assert_false(policy_window_read(buf_view(&out), &back));
	storage[0] = 0x80; /* before 1970 */
	assert_false(policy_window_read(buf_view(&out), &back));
}

static void only_parts_of_its_length_are_sound(void **state)
{
	(void)state;
	assert_true(policy_window_is_sound(&window, DAY, NOON + 2 * DAY));
	assert_true(take(NOON, 1, 0, 0));
	assert_true(take(NOON + 2 * DAY, 1, 0, 0));
	assert_true(policy_window_is_sound(&window, DAY, NOON + 2 * DAY));
	window.parts[1].start++;
	assert_false(policy_window_is_sound(&window, DAY, NOON + 2 * DAY));
	window.parts[1].start += PART - 1;
	assert_false(policy_window_is_sound(&window, DAY, NOON + 2 * DAY));
	window.parts[1].start = NOON + PART;
	assert_true(policy_window_is_sound(&window, DAY, NOON + 2 * DAY));
	window.parts[1].count = UINT32_MAX;
	assert_false(policy_window_is_sound(&window, DAY, NOON + 2 * DAY));
}

/* Everybody's claims would count as of then. */
static void parts_of_next_year_are_not_sound(void **state)
{
	(void)state;
	assert_true(take(NOON, 1, 0, 0));
	assert_true(policy_window_is_sound(&window, DAY, NOON));
	assert_true(policy_window_is_sound(&window, DAY, NOON - DAY));
	assert_false(policy_window_is_sound(&window, DAY, NOON - DAY - 1));
	window.parts[0].start = NOON + 365 * DAY;
	assert_false(policy_window_is_sound(&window, DAY, NOON));
}

static void impossible_claims_abort(void **state)
{
	(void)state;
	struct policy_claim claim = claim_of(NOON, 1, 0, 0);
	int64_t start;
	claim.window_ms = POLICY_WINDOW_MS_MIN - 1;
	assert_aborts((void)!policy_window_take(&window, &claim, &start));
	claim.window_ms = POLICY_WINDOW_MS_MAX + 1;
	assert_aborts((void)!policy_window_take(&window, &claim, &start));
	claim = claim_of(-1, 1, 0, 0);
	assert_aborts((void)!policy_window_take(&window, &claim, &start));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_fits_exactly_is_taken, setup),
		cmocka_unit_test_setup(a_count_is_a_bound_of_its_own, setup),
		cmocka_unit_test_setup(the_window_rolls_and_forgets_never_too_early, setup),
		cmocka_unit_test_setup(what_comes_late_is_counted_where_it_belongs, setup),
		cmocka_unit_test_setup(what_comes_late_takes_no_room_of_a_later_window, setup),
		cmocka_unit_test_setup(what_is_older_than_all_counts_in_the_oldest_part, setup),
		cmocka_unit_test_setup(a_full_window_keeps_within_its_room, setup),
		cmocka_unit_test_setup(sums_do_not_wrap, setup),
		cmocka_unit_test_setup(room_is_given_back_to_its_own_part, setup),
		cmocka_unit_test_setup(what_is_written_reads_back, setup),
		cmocka_unit_test_setup(what_nobody_of_us_wrote_is_no_window, setup),
		cmocka_unit_test_setup(only_parts_of_its_length_are_sound, setup),
		cmocka_unit_test_setup(parts_of_next_year_are_not_sound, setup),
		cmocka_unit_test_setup(impossible_claims_abort, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
