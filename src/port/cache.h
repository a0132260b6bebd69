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
#define CACHE_TEXT_MAX    1024 /* of what is published */
#define CACHE_HEAR_MS_MAX 60000

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
	bool (*publish)(struct cache *cache, struct str channel, struct str text, struct err *err);
	bool (*hear)(struct cache *cache, struct str channel, int64_t timeout_ms,
		     struct buf *ret_text, struct err *err);
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
/* Tells all who listen to the channel (a key, as above) at that moment. 1 to CACHE_TEXT_MAX bytes.
 */
MUST_CHECK bool cache_publish(struct cache *cache, struct str channel, struct str text,
			      struct err *err);
/* The next text of the channel, or an empty one when timeout_ms (0 to CACHE_HEAR_MS_MAX) are over.
 * Listens from the first call on; a cache listens to one channel. What came meanwhile is kept, up
 * to a bound of the back end. NOT_DONE: it does not listen now, and what was published was missed,
 * so that whoever relies on it looks for himself; the next call listens anew. ret_text has room for
 * CACHE_TEXT_MAX bytes; what is longer was not published by us, and is left out. */
MUST_CHECK bool cache_hear(struct cache *cache, struct str channel, int64_t timeout_ms,
			   struct buf *ret_text, struct err *err);
void cache_close(struct cache *cache); /* accepts NULL */

#endif
