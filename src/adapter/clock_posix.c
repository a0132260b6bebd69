#include "adapter/clock_posix.h"

#include "base/check.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec now;
	CHECK(clock_gettime(id, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t now_ms(struct clock *clock)
{
	(void)clock;
	return read_ms(CLOCK_REALTIME);
}

static int64_t monotonic_ms(struct clock *clock)
{
	(void)clock;
	return read_ms(CLOCK_MONOTONIC);
}

void clock_posix_init(struct clock *ret_clock)
{
	static const struct clock_ops ops = { .now_ms = now_ms, .monotonic_ms = monotonic_ms };
	CHECK(ret_clock != NULL);
	ret_clock->ops = &ops;
}
