/* The cache in the process' own memory: bounded, and nobody else's. What a fleet has in Redis, one
 * process has here; and it is where each process judges alone. */
#ifndef SLUICE_ADAPTER_CACHE_MEMORY_H
#define SLUICE_ADAPTER_CACHE_MEMORY_H

#include "port/cache.h"
#include "port/clock.h"

/* Of about `keys_max` keys (1 to 2^20, rounded up), what will expire first makes room for what is
 * new; a bucket that is forgotten is full. clock: borrowed. */
struct cache *cache_memory_new(struct clock *clock, size_t keys_max);

#endif
