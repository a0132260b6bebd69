/* The cache that several processes share, for one thread of a role, and what keeps its copies from
 * growing old: whoever changes a row of the store drops the copy. */
#ifndef SLUICE_CMD_CACHE_OPEN_H
#define SLUICE_CMD_CACHE_OPEN_H

#include "cmd/config.h"
#include "core/id.h"
#include "port/cache.h"
#include "port/clock.h"
#include "port/store.h"

struct metrics;

struct opened_cache {
	struct store_listener listener; /* the first member */
	struct cache *cache;            /* NULL: none is configured */
	int64_t dropped_ms;             /* how long a key is kept free of copies after a change */
};

/* Whose connection it is. Clock, log and metrics are borrowed. */
struct cache_watch {
	struct id deployment;
	struct clock *clock;
	const struct log *log;   /* NULL: nobody is told; of one connection of a process it is */
	struct metrics *metrics; /* likewise */
};

/* A connection for another thread of the role; NULL when no cache is configured. Connects to
 * nothing yet, but may fetch the password (secret_place.h). Closed by cache_close. */
MUST_CHECK bool cache_connect(const struct config *config, const struct cache_watch *watch,
			      struct cache **ret_cache, struct err *err);
/* The connection of the thread that has the store. Listens to the store from now on; borrows
 * everything, and may not move. */
MUST_CHECK bool opened_cache_open(struct opened_cache *opened, const struct config *config,
				  const struct cache_watch *watch, struct store *store,
				  struct err *err);
/* After the last call of the store. Accepts an empty one. */
void opened_cache_close(struct opened_cache *opened);

#endif
