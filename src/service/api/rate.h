/* The limit of an API key: a token bucket. Each process judges by one of its own first, on the loop
 * thread and in memory; where there is a shared cache the store thread asks that too (shared.h),
 * which only ever refuses more. So the limit is that of all processes together while the cache is
 * there, and of each process while it is not.
 *
 * Source: draft-ietf-httpapi-ratelimit-headers-10.
 */
#ifndef SLUICE_SERVICE_API_RATE_H
#define SLUICE_SERVICE_API_RATE_H

#include "port/cache.h"

#define RATE_KEYS_MAX   4096
#define RATE_POLICY_MAX 64

struct rate_limit {
	unsigned per_second; /* of one API key; 0: none */
	unsigned burst;      /* >= 1 */
};

/* What is known of a request's bucket. */
struct rate_state {
	bool is_known;
	unsigned left;
	int64_t wait_ms; /* 0: it was let through */
};

/* The bucket of a key, to be taken from. key_id: borrowed. */
struct cache_bucket rate_bucket(const struct rate_limit *limit, const char *key_id);
/* What a bucket said. */
struct rate_state rate_state_of(const struct cache_bucket *bucket);
/* The stricter one of both. */
struct rate_state rate_state_stricter(struct rate_state a, struct rate_state b);
/* The fields of an answer: RateLimit-Policy ("key";q=20;w=2), RateLimit ("key";r=19;t=1), and whole
 * seconds for Retry-After. */
void rate_policy_write(const struct rate_limit *limit, struct buf *out);
void rate_state_write(const struct rate_limit *limit, const struct rate_state *state,
		      struct buf *out);
unsigned rate_retry_s(const struct rate_state *state);

#endif
