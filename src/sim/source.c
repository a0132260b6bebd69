/* Time and entropy of a run: all from its seed. */
#include "sim/world.h"

static int64_t now_ms(struct clock *clock)
{
	const struct sim_clock *self = (const struct sim_clock *)(void *)clock;
	return self->world->now_ms + self->skew_ms;
}

static int64_t monotonic_ms(struct clock *clock)
{
	return ((const struct sim_clock *)(void *)clock)->world->monotonic_ms;
}

static const struct clock_ops clock_ops = { now_ms, monotonic_ms };

void sim_clock_init(struct sim_clock *clock, const struct sim_world *world)
{
	*clock = (struct sim_clock){ .base = { &clock_ops }, .world = world };
}

static void fill(struct entropy *entropy, void *ret_bytes, size_t len)
{
	sim_random_fill(&((struct sim_entropy *)(void *)entropy)->random, ret_bytes, len);
}

static const struct entropy_ops entropy_ops = { fill };

void sim_entropy_init(struct sim_entropy *entropy, struct sim_random random)
{
	*entropy = (struct sim_entropy){ .base = { &entropy_ops }, .random = random };
}
