/* The dice of the simulator: the same seed gives the same numbers, on every machine. Nothing that
 * guards money uses them. Every part of a run takes a stream of its own by sim_random_fork, so that
 * one more roll in one part does not change what another part sees.
 *
 * Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (splitmix64).
 */
#ifndef SLUICE_SIM_RANDOM_H
#define SLUICE_SIM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_random {
	uint64_t state;
};

struct sim_random sim_random_of(uint64_t seed);
/* A stream of its own, by name: the next number of `random`, and the name's characters. */
struct sim_random sim_random_fork(struct sim_random *random, const char *name);
uint64_t sim_random_next(struct sim_random *random);
/* 0 to n - 1; CHECKs n > 0. */
uint64_t sim_random_below(struct sim_random *random, uint64_t n);
/* Both ends included; CHECKs low <= high. */
uint64_t sim_random_between(struct sim_random *random, uint64_t low, uint64_t high);
/* True in so many cases of a thousand; CHECKs per_mille <= 1000. Rolls also for 0 and 1000. */
bool sim_random_chance(struct sim_random *random, unsigned per_mille);
void sim_random_fill(struct sim_random *random, void *ret_bytes, size_t len);

#endif
