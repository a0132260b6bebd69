#include "core/fee.h"

#include "../testing.h"

static struct wei wei(uint64_t value)
{
	return (struct wei){ u256_from_u64(value) };
}

static const struct wei most = { { { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } } };

static struct fee_limits limits_of(uint64_t cap_max)
{
	return (struct fee_limits){ .tip_min = wei(25), .cap_max = wei(cap_max) };
}

static void assert_fees(struct fees fees, uint64_t tip, uint64_t cap)
{
	assert_int_equal(wei_compare(fees.tip, wei(tip)), 0);
	assert_int_equal(wei_compare(fees.cap, wei(cap)), 0);
}

static void bumps_by_an_eighth_rounded_up(void **state)
{
	(void)state;
	struct wei bumped = wei(7);
	for (uint64_t value = 0; value < 1000; value++) {
		assert_true(fee_bump(wei(value), &bumped));
		assert_int_equal(wei_compare(bumped, wei((value * 9 + 7) / 8)), 0);
	}
	assert_true(fee_bump(wei(30000000000), &bumped));
	assert_int_equal(wei_compare(bumped, wei(33750000000)), 0);
	assert_true(fee_bump(wei(30000000001), &bumped));
	assert_int_equal(wei_compare(bumped, wei(33750000002)), 0);
}

/* 9/8 of a number may fit although nine times it does not. */
static void bump_overflows_only_when_its_result_does(void **state)
{
	(void)state;
	struct wei bumped = wei(7);
	struct u256 edge, expected;
	uint64_t remainder;
	assert_false(fee_bump(most, &bumped));
	assert_int_equal(wei_compare(bumped, wei(7)), 0);
	/* The largest number whose bump fits: floor(max × 8 / 9). */
	struct u256 ninth = u256_div_u64(u256_max(), 9, &remainder);
	assert_true(u256_mul_u64(ninth, 8, &edge));
	assert_true(u256_add(edge, u256_from_u64(remainder * 8 / 9), &edge));
	assert_true(u256_add(edge, u256_div_u64_up(edge, 8), &expected));
	assert_true(fee_bump((struct wei){ edge }, &bumped));
	assert_true(u256_equal(bumped.value, expected));
	assert_true(u256_add(edge, u256_from_u64(1), &edge));
	assert_false(fee_bump((struct wei){ edge }, &bumped));
}

static void first_attempt_takes_the_market(void **state)
{
	(void)state;
	const struct fee_market market = { .base_fee = wei(100), .tip = wei(30) };
	const struct fee_market cheap = { .base_fee = wei(0), .tip = wei(1) };
	struct fee_limits limits = limits_of(1000);
	struct fees fees;
	assert_int_equal(fee_choose(&market, NULL, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 30, 230);
	assert_int_equal(fee_choose(&cheap, NULL, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 25, 25); /* the configured minimum */
}

static void first_attempt_stays_under_the_cap(void **state)
{
	(void)state;
	const struct fee_market market = { .base_fee = wei(100), .tip = wei(30) };
	struct fee_limits limits = limits_of(230);
	struct fees fees;
	assert_int_equal(fee_choose(&market, NULL, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 30, 230);
	limits.cap_max = wei(229); /* base + tip fits, the second base fee does not */
	assert_int_equal(fee_choose(&market, NULL, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 30, 229);
	limits.cap_max = wei(130);
	assert_int_equal(fee_choose(&market, NULL, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 30, 130);
	limits.cap_max = wei(129);
	assert_int_equal(fee_choose(&market, NULL, 21000, &limits, &fees), REFUSAL_FEE_ABOVE_CAP);
	assert_fees(fees, 30, 130); /* nothing written */
}

static void bump_is_over_the_last_attempt(void **state)
{
	(void)state;
	const struct fee_market calm = { .base_fee = wei(10), .tip = wei(30) };
	const struct fee_market hot = { .base_fee = wei(500), .tip = wei(60) };
	const struct fee_market tipped = { .base_fee = wei(10), .tip = wei(400) };
	const struct fees last = { .tip = wei(31), .cap = wei(231) };
	struct fee_limits limits = limits_of(5000);
	struct fees fees;
	assert_int_equal(fee_choose(&calm, &last, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 35, 260); /* 34.875 and 259.875, rounded up */
	assert_int_equal(fee_choose(&hot, &last, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 60, 1060);
	assert_int_equal(fee_choose(&tipped, &last, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 400, 420);
}

static void bump_above_the_cap_is_refused(void **state)
{
	(void)state;
	const struct fee_market calm = { .base_fee = wei(10), .tip = wei(30) };
	const struct fee_market hot = { .base_fee = wei(200), .tip = wei(30) };
	const struct fees last = { .tip = wei(31), .cap = wei(231) };
	struct fee_limits limits = limits_of(260);
	struct fees fees = last;
	assert_int_equal(fee_choose(&calm, &last, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 35, 260);
	/* 2 × 200 + 35 does not fit, 200 + 35 and the bump do. */
	assert_int_equal(fee_choose(&hot, &last, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 35, 260);
	limits.cap_max = wei(259);
	assert_int_equal(fee_choose(&calm, &last, 21000, &limits, &fees), REFUSAL_FEE_ABOVE_CAP);
	assert_int_equal(fee_choose(&hot, &last, 21000, &limits, &fees), REFUSAL_FEE_ABOVE_CAP);
	assert_fees(fees, 35, 260);
}

static void money_bounds_the_cap_too(void **state)
{
	(void)state;
	const struct fee_market market = { .base_fee = wei(100), .tip = wei(30) };
	const struct fees last = { .tip = wei(30), .cap = wei(200) };
	struct fee_limits limits = limits_of(1000);
	struct fees fees;
	limits.slot_fee_max = wei(21000 * 150 + 20999); /* 150 per gas */
	assert_int_equal(fee_choose(&market, NULL, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 30, 150);
	limits.slot_fee_max = wei(21000 * 130 - 1);
	assert_int_equal(fee_choose(&market, NULL, 21000, &limits, &fees), REFUSAL_FEE_ABOVE_CAP);
	limits.slot_fee_max = wei(21000 * 225);
	assert_int_equal(fee_choose(&market, &last, 21000, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 34, 225);
	assert_int_equal(fee_choose(&market, &last, 21001, &limits, &fees), REFUSAL_FEE_ABOVE_CAP);
	limits.slot_fee_max = most;
	assert_int_equal(fee_choose(&market, NULL, UINT64_MAX, &limits, &fees), REFUSAL_NONE);
	assert_fees(fees, 30, 230);
}

/* What is left for the tip, and by how much the market's has to pass it. */
static void a_tip_is_underbid_by_more_than_a_bump(void **state)
{
	(void)state;
	static const struct {
		uint64_t tip, cap, base_fee, market;
		bool is_underbid;
	} cases[] = {
		{ 80, 1000, 100, 90, false }, { 80, 1000, 100, 91, true },
		{ 80, 1000, 920, 91, true },  { 80, 1000, 960, 45, false },
		{ 80, 1000, 960, 46, true },  { 80, 1000, 1000, 1, true },
		{ 80, 1000, 5000, 1, true },  { 80, 1000, 5000, 0, false },
		{ 80, 1000, 100, 0, false },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct fee_market market = { wei(cases[i].base_fee), wei(cases[i].market) };
		struct fees fees = { wei(cases[i].tip), wei(cases[i].cap) };
		assert_int_equal(fee_is_underbid(&market, &fees), cases[i].is_underbid);
	}
	struct fees all = { most, most };
	assert_false(fee_is_underbid(&(struct fee_market){ wei(0), most }, &all));
}

static void overflow_is_above_the_cap(void **state)
{
	(void)state;
	const struct fee_limits limits = { .tip_min = wei(1), .cap_max = most };
	const struct fee_market base = { .base_fee = most, .tip = wei(1) };
	struct fee_market half = { .base_fee = most, .tip = wei(0) };
	const struct fee_market none = { .base_fee = wei(0), .tip = wei(0) };
	const struct fees last_tip = { .tip = most, .cap = most };
	const struct fees last_cap = { .tip = wei(1), .cap = most };
	struct fees fees;
	uint64_t remainder;
	half.base_fee.value = u256_div_u64(u256_max(), 2, &remainder);
	assert_int_equal(fee_choose(&base, NULL, 1, &limits, &fees), REFUSAL_FEE_ABOVE_CAP);
	assert_int_equal(fee_choose(&none, &last_tip, 1, &limits, &fees), REFUSAL_FEE_ABOVE_CAP);
	assert_int_equal(fee_choose(&none, &last_cap, 1, &limits, &fees), REFUSAL_FEE_ABOVE_CAP);
	/* 2 × (2^255 - 1) + 1 is the end of the range; one more leaves it. */
	assert_int_equal(fee_choose(&half, NULL, 1, &limits, &fees), REFUSAL_NONE);
	assert_int_equal(wei_compare(fees.cap, most), 0);
	half.tip = wei(2);
	assert_int_equal(fee_choose(&half, NULL, 1, &limits, &fees), REFUSAL_FEE_ABOVE_CAP);
}

static void checks_its_arguments(void **state)
{
	(void)state;
	const struct fee_market market = { .base_fee = wei(100), .tip = wei(30) };
	const struct fees torn = { .tip = wei(2), .cap = wei(1) };
	const struct fee_limits limits = limits_of(1000);
	struct fees fees;
	assert_aborts((void)!fee_choose(&market, NULL, 0, &limits, &fees));
	assert_aborts((void)!fee_choose(&market, &torn, 1, &limits, &fees));
	assert_aborts(gas_limit_of_estimate(1, 3, 2));
}

static void gas_limit_has_a_quarter_on_top(void **state)
{
	(void)state;
	assert_int_equal(gas_limit_of_estimate(40000, 0, 1000000), 50000);
	assert_int_equal(gas_limit_of_estimate(40001, 0, 1000000), 50002); /* 50001.25 */
	for (uint64_t estimate = 0; estimate < 100; estimate++)
		assert_int_equal(gas_limit_of_estimate(estimate, 0, 1000), (estimate * 5 + 3) / 4);
	assert_int_equal(gas_limit_of_estimate(21000, 65000, 200000), 65000);
	assert_int_equal(gas_limit_of_estimate(180000, 65000, 200000), 200000);
	assert_int_equal(gas_limit_of_estimate(160000, 65000, 200000), 200000);
	assert_int_equal(gas_limit_of_estimate(UINT64_MAX, 65000, 200000), 200000);
	assert_true(gas_limit_of_estimate(UINT64_MAX, 0, UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bumps_by_an_eighth_rounded_up),
		cmocka_unit_test(bump_overflows_only_when_its_result_does),
		cmocka_unit_test(first_attempt_takes_the_market),
		cmocka_unit_test(first_attempt_stays_under_the_cap),
		cmocka_unit_test(bump_is_over_the_last_attempt),
		cmocka_unit_test(bump_above_the_cap_is_refused),
		cmocka_unit_test(money_bounds_the_cap_too),
		cmocka_unit_test(a_tip_is_underbid_by_more_than_a_bump),
		cmocka_unit_test(overflow_is_above_the_cap),
		cmocka_unit_test(checks_its_arguments),
		cmocka_unit_test(gas_limit_has_a_quarter_on_top),
	};
	return cmocka_run_group_tests_name("core/fee", tests, NULL, NULL);
}
