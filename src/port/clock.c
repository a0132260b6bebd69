#include "port/clock.h"

#include "base/check.h"

#include <stddef.h>

int64_t clock_now_ms(struct clock *clock)
{
	CHECK(clock != NULL && clock->ops != NULL);
	int64_t now_ms = clock->ops->now_ms(clock);
	CHECK(now_ms >= 0);
	return now_ms;
}

int64_t clock_monotonic_ms(struct clock *clock)
{
	CHECK(clock != NULL && clock->ops != NULL);
	int64_t now_ms = clock->ops->monotonic_ms(clock);
	CHECK(now_ms >= 0);
	return now_ms;
}
