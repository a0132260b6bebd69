/* What several processes keep in memory together, so that they ask less: copies that expire, and
 * token buckets. It may forget everything at any moment, be away, hang, or lie; nothing that
 * decides a payment or a login is ever read from it (doc/protocol.md, "Who holds what").
 *
 * A failed call means that nothing is known: the caller asks the source, or judges alone. No call
 * takes longer than the back end's deadline, and one that is away is not called for a while, so
 * that a call fails at once. Each item of a call stands for itself.
 *
 * A cache belongs to one thread.
 */
#ifndef SLUICE_PORT_CACHE_H
#define SLUICE_PORT_CACHE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_BATCH_MAX   128
#define CACHE_KEY_LEN_MAX 96
#define CACHE_VALUE_MAX   8192
#define CACHE_LIFE_MS_MAX 60000

/* A copy of something that has versions. */
struct cache_copy {
	struct str key;   /* 1 to CACHE_KEY_LEN_MAX visible ASCII characters */
	uint64_t version; /* of the source; at most INT64_MAX */
	struct str value; /* 1 to CACHE_VALUE_MAX bytes */
	int64_t life_ms;  /* 1 to CACHE_LIFE_MS_MAX */
};

/* So many tokens come a second, up to `burst`; each take needs one. */
struct cache_bucket {
	struct str key;  /* as above */
	unsigned rate;   /* 1 to CACHE_RATE_MAX */
	unsigned burst;  /* likewise; what an unused bucket holds */
	bool taken;      /* from here on: the answer */
	unsigned left;   /* whole tokens that are left, at most burst */
	int64_t wait_ms; /* when not taken: until there is one again, > 0 */
};
#define CACHE_RATE_MAX 1000000

struct cache;

struct cache_ops {
	bool (*get_many)(struct cache *cache, const struct str *keys, size_t n,
			 struct buf *ret_values, struct err *err);
	bool (*put_many)(struct cache *cache, const struct cache_copy *copies, size_t n,
			 struct err *err);
	bool (*drop_many)(struct cache *cache, const struct str *keys, size_t n, int64_t life_ms,
			  struct err *err);
	bool (*take_many)(struct cache *cache, struct cache_bucket *buckets, size_t n,
			  struct err *err);
	void (*close)(struct cache *cache);
};

struct cache {
	const struct cache_ops *ops;
};

/* n is 1 to CACHE_BATCH_MAX everywhere. NOT_DONE: it is away, or left alone; what of a write had
 * effect is not known, and does not matter. */

/* ret_values: cleared, then filled with the copy; still empty when there is none, or when it does
 * not fit. */
MUST_CHECK bool cache_get_many(struct cache *cache, const struct str *keys, size_t n,
			       struct buf *ret_values, struct err *err);
/* Keeps the copies, unless there is one of a newer version, or its key was dropped lately. */
MUST_CHECK bool cache_put_many(struct cache *cache, const struct cache_copy *copies, size_t n,
			       struct err *err);
/* The sources have changed: forgets the copies, and keeps none for life_ms (of a copy), so that who
 * has read the source before the change does not bring the old one back. */
MUST_CHECK bool cache_drop_many(struct cache *cache, const struct str *keys, size_t n,
				int64_t life_ms, struct err *err);
/* Takes a token from each bucket, one after the other, atomically among all who share it. */
MUST_CHECK bool cache_take_many(struct cache *cache, struct cache_bucket *buckets, size_t n,
				struct err *err);
void cache_close(struct cache *cache); /* accepts NULL */

#endif
