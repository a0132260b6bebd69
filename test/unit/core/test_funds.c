#include "core/funds.h"

#include "../testing.h"

static struct amount amount(uint64_t units)
{
	return (struct amount){ u256_from_u64(units) };
}

static void claim_begins_after_the_wait(void **state)
{
	(void)state;
	int64_t from = -1;
	assert_false(funds_has_claim(0, 600, 100000, &from));
	assert_false(funds_has_claim(-5, 600, 100000, &from));
	assert_false(funds_has_claim(1000, 600, 1599, &from));
	assert_int_equal(from, -1);
	assert_true(funds_has_claim(1000, 600, 1600, &from));
	assert_int_equal(from, 1600);
	assert_true(funds_has_claim(1000, 600, 900000, &from));
	assert_int_equal(from, 1600);
}

/* The row is under no MAC: any number may stand there. */
static void foreign_times_are_no_claim(void **state)
{
	(void)state;
	int64_t from = -1;
	assert_false(funds_has_claim(1601, 600, 1600, &from));
	assert_false(funds_has_claim(INT64_MAX, 600, 1600, &from));
	assert_false(funds_has_claim(INT64_MIN, 600, 1600, &from));
	assert_aborts(funds_has_claim(1000, 0, 1600, &from));
}

static void each_limit_is_a_ceiling(void **state)
{
	(void)state;
	struct asset asset = { 0 };
	assert_true(funds_fit_ceiling(&asset, (struct amount){ u256_max() }));
	struct amount *const limits[] = { &asset.payment_max, &asset.hour_max, &asset.day_max };
	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		*limits[i] = amount(100);
		assert_true(funds_fit_ceiling(&asset, amount(100)));
		assert_false(funds_fit_ceiling(&asset, amount(101)));
		*limits[i] = amount(0);
	}
}

static bool leaves(uint64_t left, uint64_t spent, uint64_t need)
{
	return funds_leave_enough(u256_from_u64(left), u256_from_u64(spent), u256_from_u64(need));
}

static void younger_ones_get_as_much_as_stays(void **state)
{
	(void)state;
	assert_true(leaves(50, 50, 1000));
	assert_false(leaves(49, 50, 1000));
	/* What is enough is enough, whatever was spent. */
	assert_true(leaves(1000, 5000, 1000));
	assert_false(leaves(999, 5000, 1000));
	assert_true(leaves(0, 0, 1000));
}

static void trickle_run(uint64_t start, uint64_t bite)
{
	const uint64_t need = 1000;
	uint64_t left = start, spent = 0, came = start;
	while (left < need) {
		left += 10;
		came += 10;
		while (left >= bite && leaves(left - bite, spent + bite, need)) {
			left -= bite;
			spent += bite;
		}
		assert_true(came < 2 * need + 10 + bite);
	}
	assert_int_equal(left + spent, came);
	assert_true(spent + 2 * bite + 10 >= need);
}

/* With funds that trickle in and others who take whatever they may, the claim is met as soon as
 * twice its need was there; the others get their half until then. */
static void claim_is_met_in_the_end(void **state)
{
	(void)state;
	for (uint64_t start = 0; start < 1000; start += 99)
		for (uint64_t bite = 1; bite < 40; bite += 6)
			trickle_run(start, bite);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claim_begins_after_the_wait),
		cmocka_unit_test(foreign_times_are_no_claim),
		cmocka_unit_test(each_limit_is_a_ceiling),
		cmocka_unit_test(younger_ones_get_as_much_as_stays),
		cmocka_unit_test(claim_is_met_in_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
