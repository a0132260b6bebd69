#include "core/fee.h"

#include "base/defence.h"

static struct wei wei_max_of(struct wei a, struct wei b)
{
	return wei_compare(a, b) > 0 ? a : b;
}

static struct wei wei_min_of(struct wei a, struct wei b)
{
	return wei_compare(a, b) < 0 ? a : b;
}

bool fee_bump(struct wei a, struct wei *ret_bumped)
{
	struct wei eighth = { u256_div_u64_up(a.value, 8) };
	return wei_add(a, eighth, ret_bumped);
}

/* The highest cap per gas that both limits allow. */
static struct wei cap_allowed(const struct fee_limits *limits, uint64_t gas_limit)
{
	uint64_t remainder;
	if (u256_is_zero(limits->slot_fee_max.value))
		return limits->cap_max;
	struct wei by_money = { u256_div_u64(limits->slot_fee_max.value, gas_limit, &remainder) };
	return wei_min_of(limits->cap_max, by_money);
}

/* `ret_least` is what the attempt cannot do without: today's base fee and the tip, and with `last`
 * the bump. `ret_wanted->cap` has a second base fee on top, so that it lasts. */
static bool weigh(const struct fee_market *market, const struct fees *last, struct wei tip_min,
		  struct fees *ret_wanted, struct wei *ret_least)
{
	struct wei tip = wei_max_of(market->tip, tip_min);
	struct wei bumped_tip, bumped_cap, least, cap;
	if (!DEFENCE("bump_from_last"))
		last = NULL;
	if (last != NULL) {
		if (!fee_bump(last->tip, &bumped_tip) || !fee_bump(last->cap, &bumped_cap))
			return false;
		tip = wei_max_of(tip, bumped_tip);
	}
	if (!wei_add(market->base_fee, tip, &least) || !wei_add(market->base_fee, least, &cap))
		return false;
	if (last != NULL) {
		least = wei_max_of(least, bumped_cap);
		cap = wei_max_of(cap, bumped_cap);
	}
	*ret_wanted = (struct fees){ .tip = tip, .cap = cap };
	*ret_least = least;
	return true;
}

enum refusal fee_choose(const struct fee_market *market, const struct fees *last,
			uint64_t gas_limit, const struct fee_limits *limits, struct fees *ret_fees)
{
	struct fees wanted;
	struct wei least;
	CHECK(gas_limit > 0);
	CHECK(last == NULL || wei_compare(last->tip, last->cap) <= 0);
	if (!weigh(market, last, limits->tip_min, &wanted, &least))
		return REFUSAL_FEE_ABOVE_CAP;
	struct wei allowed = cap_allowed(limits, gas_limit);
	if (DEFENCE("fee_cap") && wei_compare(least, allowed) > 0)
		return REFUSAL_FEE_ABOVE_CAP;
	wanted.cap = wei_min_of(wanted.cap, allowed);
	CHECK(wei_compare(wanted.tip, wanted.cap) <= 0);
	*ret_fees = wanted;
	return REFUSAL_NONE;
}

bool fee_is_underbid(const struct fee_market *market, const struct fees *fees)
{
	struct wei left = { u256_sub_saturated(fees->cap.value, market->base_fee.value) };
	struct wei bumped;
	return fee_bump(wei_min_of(left, fees->tip), &bumped) &&
	       wei_compare(bumped, market->tip) < 0;
}

uint64_t gas_limit_of_estimate(uint64_t estimate, uint64_t floor, uint64_t ceiling)
{
	uint64_t limit;
	CHECK(floor <= ceiling);
	uint64_t quarter = estimate / 4 + (estimate % 4 != 0 ? 1 : 0);
	if (__builtin_add_overflow(estimate, quarter, &limit) || limit > ceiling)
		return ceiling;
	return limit < floor ? floor : limit;
}
