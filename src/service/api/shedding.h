/* Is there room for one more request that stores something? By how long it would wait: what each
 * one costs while many wait is measured, and multiplied by how many there are. Who is told "later"
 * at once costs little; who waits until nobody listens any more costs what it takes to serve him.
 *
 * Pure: times are handed in. Source: ADR 44.
 */
#ifndef SLUICE_SERVICE_API_SHEDDING_H
#define SLUICE_SERVICE_API_SHEDDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many are let in whatever they cost: groups of the store thread, which share a commit. Below
 * that one more costs nearly nothing, and nothing is known of many. */
#define SHEDDING_FREE 256

struct shedding {
	int64_t wait_max_ms; /* 0: nobody is refused for it */
	uint64_t each_us;    /* what each of many costs, smoothed; 0: many were never there */
};

/* One that was done: it came when so many were there, itself among them, and took so long. */
void shedding_learn(struct shedding *shedding, size_t were_there, int64_t took_ms);
/* May one more come, when so many are there, the oldest of them for so long? */
bool shedding_admits(const struct shedding *shedding, size_t are_there, int64_t oldest_ms);

#endif
