#include "service/api/rate.h"

#include "base/check.h"

static unsigned rounded_up(uint64_t amount, uint64_t by)
{
	return (unsigned)((amount + by - 1) / by);
}

struct cache_bucket rate_bucket(const struct rate_limit *limit, const char *key_id)
{
	CHECK(limit->per_second >= 1 && limit->burst >= 1);
	return (struct cache_bucket){ .key = str_from(key_id),
				      .rate = limit->per_second,
				      .burst = limit->burst };
}

struct rate_state rate_state_of(const struct cache_bucket *bucket)
{
	return (struct rate_state){ true, bucket->left, bucket->wait_ms };
}

struct rate_state rate_state_stricter(struct rate_state a, struct rate_state b)
{
	if (!a.is_known || !b.is_known)
		return a.is_known ? a : b;
	return (struct rate_state){ .is_known = true,
				    .left = a.left < b.left ? a.left : b.left,
				    .wait_ms = a.wait_ms > b.wait_ms ? a.wait_ms : b.wait_ms };
}

void rate_policy_write(const struct rate_limit *limit, struct buf *out)
{
	buf_format(out, "\"key\";q=%u;w=%u", limit->burst,
		   rounded_up(limit->burst, limit->per_second));
}

void rate_state_write(const struct rate_limit *limit, const struct rate_state *state,
		      struct buf *out)
{
	CHECK(state->left <= limit->burst);
	buf_format(out, "\"key\";r=%u;t=%u", state->left,
		   rounded_up(limit->burst - state->left, limit->per_second));
}

unsigned rate_retry_s(const struct rate_state *state)
{
	return state->wait_ms > 0 ? rounded_up((uint64_t)state->wait_ms, 1000) : 1;
}
