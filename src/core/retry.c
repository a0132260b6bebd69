#include "core/retry.h"

#include "base/check.h"
#include "base/defence.h"

int64_t retry_delay_ms(const struct retry_policy *policy, uint32_t attempt, uint32_t random)
{
	CHECK(policy->first_ms > 0 && policy->max_ms >= policy->first_ms);
	int64_t whole = policy->first_ms;
	for (uint32_t i = 0; i < attempt && DEFENCE("pause_grows") && whole < policy->max_ms; i++)
		whole = whole > policy->max_ms / 2 ? policy->max_ms : whole * 2;
	if (!DEFENCE("pause_is_spread"))
		return whole;
	int64_t half = whole - whole / 2;
	return half + (int64_t)random % (whole - half + 1);
}
