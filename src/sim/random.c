#include "sim/random.h"

#include "base/check.h"

#define GAMMA 0x9e3779b97f4a7c15U /* 2^64 divided by the golden ratio, odd */

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

struct sim_random sim_random_of(uint64_t seed)
{
	/* Mixed, so that seeds in a row are not the same stream some steps ahead. */
	return (struct sim_random){ .state = mix(seed + GAMMA) };
}

struct sim_random sim_random_fork(struct sim_random *random, const char *name)
{
	uint64_t seed = sim_random_next(random);
	for (const char *c = name; *c != 0; c++)
		seed = mix(seed ^ (uint8_t)*c);
	return sim_random_of(seed);
}

uint64_t sim_random_next(struct sim_random *random)
{
	random->state += GAMMA;
	return mix(random->state);
}

uint64_t sim_random_below(struct sim_random *random, uint64_t n)
{
	CHECK(n > 0);
	/* What remains of 2^64 after whole rounds of n would favour small numbers. */
	uint64_t remainder = (UINT64_MAX % n + 1) % n;
	uint64_t roll = sim_random_next(random);
	while (roll > UINT64_MAX - remainder)
		roll = sim_random_next(random);
	return roll % n;
}

uint64_t sim_random_between(struct sim_random *random, uint64_t low, uint64_t high)
{
	CHECK(low <= high);
	if (low == 0 && high == UINT64_MAX)
		return sim_random_next(random);
	return low + sim_random_below(random, high - low + 1);
}

bool sim_random_chance(struct sim_random *random, unsigned per_mille)
{
	CHECK(per_mille <= 1000);
	return sim_random_below(random, 1000) < per_mille;
}

void sim_random_fill(struct sim_random *random, void *ret_bytes, size_t len)
{
	uint8_t *bytes = ret_bytes;
	uint64_t word = 0;
	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0)
			word = sim_random_next(random);
		bytes[i] = (uint8_t)(word >> (8 * (i % 8)));
	}
}
