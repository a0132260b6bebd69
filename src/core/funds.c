#include "core/funds.h"

bool funds_has_claim(int64_t since_ms, int64_t passed_over_ms, int64_t now_ms, int64_t *ret_from_ms)
{
	CHECK(passed_over_ms > 0 && ret_from_ms != NULL);
	if (since_ms <= 0 || since_ms > now_ms || now_ms - since_ms < passed_over_ms)
		return false;
	*ret_from_ms = since_ms + passed_over_ms;
	return true;
}

static bool is_above(struct amount amount, struct amount limit)
{
	return !amount_is_zero(limit) && amount_compare(amount, limit) > 0;
}

bool funds_fit_ceiling(const struct asset *asset, struct amount amount)
{
	return !is_above(amount, asset->payment_max) && !is_above(amount, asset->hour_max) &&
	       !is_above(amount, asset->day_max);
}

bool funds_leave_enough(struct u256 left, struct u256 spent, struct u256 need)
{
	return u256_compare(left, u256_min_of(spent, need)) >= 0;
}
