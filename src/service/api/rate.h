/* Limits of requests: token buckets of an API key or a user, of an account, and of a client's
 * address. Each process judges by buckets of its own first, on the loop thread and in memory; where
 * there is a shared cache the store thread asks that too (shared.h), which only ever refuses more.
 * So a limit is that of all processes together while the cache is there, and of each process while
 * it is not. The address is judged before anybody is asked who they are, so that guessing is slow.
 *
 * Source: draft-ietf-httpapi-ratelimit-headers-10.
 */
#ifndef SLUICE_SERVICE_API_RATE_H
#define SLUICE_SERVICE_API_RATE_H

#include "base/ip.h"
#include "core/permission.h"
#include "port/cache.h"

#define RATE_KEYS_MAX      4096 /* keys and accounts of a process */
#define RATE_ADDRESSES_MAX 16384
#define RATE_POLICY_MAX    192
#define RATE_NAME_MAX      80

enum rate_scope {
	RATE_KEY, /* or a user */
	RATE_ACCOUNT,
	RATE_ADDRESS,
	RATE_SCOPES,
};

struct rate_limit {
	unsigned per_second; /* 0: none */
	unsigned burst;      /* >= 1 */
};

struct rate_limits {
	struct rate_limit of[RATE_SCOPES];
};

/* Whom a request is counted for. A caller of no account is counted for none; an address that is
 * not known is one like others. */
struct rate_subject {
	const struct principal *by; /* NULL before it is known */
	struct ip_address from;
};

/* What is known of a request's strictest bucket. */
struct rate_state {
	bool is_known;
	enum rate_scope scope;
	unsigned left;
	int64_t wait_ms; /* 0: it was let through */
};

/* A bucket with the room of its name. */
struct rate_take {
	enum rate_scope scope;
	char name[RATE_NAME_MAX];
	struct cache_bucket bucket; /* borrows `name`, so that a take is not copied */
};

bool rate_is_limited(const struct rate_limits *limits, enum rate_scope scope);
/* The buckets of `scopes` (bits: 1 << RATE_KEY) that are limited, of a request: so many of them. */
size_t rate_takes(const struct rate_limits *limits, unsigned scopes,
		  const struct rate_subject *subject, struct rate_take ret_takes[RATE_SCOPES]);
/* What a bucket said. */
struct rate_state rate_state_of(enum rate_scope scope, const struct cache_bucket *bucket);
/* The stricter one of both: the longer wait, or what has less left. */
struct rate_state rate_state_stricter(struct rate_state a, struct rate_state b);
/* The fields of an answer: RateLimit-Policy ("key";q=20;w=2, "address";q=50;w=1), RateLimit of the
 * strictest ("key";r=19;t=1), and whole seconds for Retry-After. */
void rate_policy_write(const struct rate_limits *limits, struct buf *out);
void rate_state_write(const struct rate_limits *limits, const struct rate_state *state,
		      struct buf *out);
unsigned rate_retry_s(const struct rate_state *state);

#endif
