#include "service/api/rate.h"

#include "base/check.h"

static const char *const names[RATE_SCOPES] = {
	[RATE_KEY] = "key",
	[RATE_ACCOUNT] = "account",
	[RATE_ADDRESS] = "address",
};

static unsigned rounded_up(uint64_t amount, uint64_t by)
{
	return (unsigned)((amount + by - 1) / by);
}

bool rate_is_limited(const struct rate_limits *limits, enum rate_scope scope)
{
	CHECK(scope < RATE_SCOPES);
	return limits->of[scope].per_second > 0;
}

/* Names of one kind never meet those of another. False: there is nobody to count it for. */
static bool name_write(enum rate_scope scope, const struct rate_subject *subject, struct buf *out)
{
	const struct principal *by = subject->by;
	switch (scope) {
	case RATE_KEY:
		buf_text(out, by != NULL ? by->id : "");
		return by != NULL && by->id[0] != 0;
	case RATE_ACCOUNT:
		buf_text(out, "account/");
		buf_text(out, by != NULL ? by->account : "");
		return by != NULL && by->account[0] != 0;
	case RATE_ADDRESS:
		buf_text(out, "address/");
		ip_write(ip_client(subject->from), out);
		return true;
	case RATE_SCOPES:
		break;
	}
	CHECK(false);
}

size_t rate_takes(const struct rate_limits *limits, unsigned scopes,
		  const struct rate_subject *subject, struct rate_take ret_takes[RATE_SCOPES])
{
	size_t len = 0;
	for (int i = 0; i < RATE_SCOPES; i++) {
		enum rate_scope scope = (enum rate_scope)i;
		struct rate_take *take = &ret_takes[len];
		struct buf name = buf_of(take->name, sizeof take->name);
		if ((scopes & 1u << i) == 0 || !rate_is_limited(limits, scope) ||
		    !name_write(scope, subject, &name))
			continue;
		CHECK(!name.overflow && limits->of[i].burst >= 1);
		take->scope = scope;
		take->bucket = (struct cache_bucket){ .key = buf_view(&name),
						      .rate = limits->of[i].per_second,
						      .burst = limits->of[i].burst };
		len++;
	}
	return len;
}

struct rate_state rate_state_of(enum rate_scope scope, const struct cache_bucket *bucket)
{
	return (struct rate_state){ true, scope, bucket->left, bucket->wait_ms };
}

struct rate_state rate_state_stricter(struct rate_state a, struct rate_state b)
{
	if (!a.is_known || !b.is_known)
		return a.is_known ? a : b;
	if (a.wait_ms != b.wait_ms)
		return a.wait_ms > b.wait_ms ? a : b;
	return a.left <= b.left ? a : b;
}

void rate_policy_write(const struct rate_limits *limits, struct buf *out)
{
	bool is_first = true;
	for (int i = 0; i < RATE_SCOPES; i++) {
		const struct rate_limit *limit = &limits->of[i];
		if (limit->per_second == 0)
			continue;
		buf_format(out, "%s\"%s\";q=%u;w=%u", is_first ? "" : ", ", names[i], limit->burst,
			   rounded_up(limit->burst, limit->per_second));
		is_first = false;
	}
}

void rate_state_write(const struct rate_limits *limits, const struct rate_state *state,
		      struct buf *out)
{
	const struct rate_limit *limit = &limits->of[state->scope];
	CHECK(limit->per_second > 0 && state->left <= limit->burst);
	buf_format(out, "\"%s\";r=%u;t=%u", names[state->scope], state->left,
		   rounded_up(limit->burst - state->left, limit->per_second));
}

unsigned rate_retry_s(const struct rate_state *state)
{
	return state->wait_ms > 0 ? rounded_up((uint64_t)state->wait_ms, 1000) : 1;
}
