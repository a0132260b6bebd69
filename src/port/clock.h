/* The time, as a port: the simulator has its own. */
#ifndef SLUICE_PORT_CLOCK_H
#define SLUICE_PORT_CLOCK_H

#include <stdint.h>

struct clock;

struct clock_ops {
	int64_t (*now_ms)(struct clock *clock);       /* since 1970, may jump */
	int64_t (*monotonic_ms)(struct clock *clock); /* from any start, never goes back */
};

struct clock {
	const struct clock_ops *ops;
};

int64_t clock_now_ms(struct clock *clock);
int64_t clock_monotonic_ms(struct clock *clock);

#endif
