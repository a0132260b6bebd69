/* The database, the store in it and its queue, for one thread. */
#ifndef SLUICE_CMD_STORE_OPEN_H
#define SLUICE_CMD_STORE_OPEN_H

#include "cmd/config.h"
#include "base/metric.h"
#include "port/clock.h"
#include "port/db.h"
#include "port/entropy.h"
#include "port/queue.h"
#include "port/store.h"

struct opened_store {
	struct db *db;
	struct store *store;
	struct queue *queue; /* NULL when only the store was asked for */
};

/* What the database holds in memory. The API reads much; the others read little. */
#define STORE_CACHE_KB_API   16384
#define STORE_CACHE_KB_OTHER 2048

/* Opens an existing database whose schema fits; NOT_DONE or REFUSED otherwise, with what to do.
 * with_queue: the wake-ups too, by sockets beside the database. clock and entropy are borrowed.
 * metrics: of a role, whose connection is looked after; NULL for a command. */
MUST_CHECK bool opened_store_open(const struct config *config, uint32_t cache_kb, bool with_queue,
				  struct clock *clock, struct entropy *entropy,
				  struct metrics *metrics, struct opened_store *ret_opened,
				  struct err *err);
void opened_store_close(struct opened_store *opened); /* accepts an empty one */

/* Makes the database if it is not there, and its schema. */
MUST_CHECK bool store_migrate(const struct config *config, struct clock *clock, struct err *err);
/* The journal's tables, where its user cannot make them: on a server. The signer makes a file. */
MUST_CHECK bool journal_migrate(const struct config *config, struct err *err);

/* Where roles make files while they run, the sockets of wake-ups and locks: beside where the
 * database is, or would be; what other hosts write is found by the slow look. Below /tmp when that
 * is too long a path for a socket. A wake-up grants nothing, and the queue is looked at without
 * any, so that the place needs no protection. */
#define STORE_RUN_LEN_MAX                                                       \
	75 /* a socket's name has 107 bytes, with "/wake-" and the queue's name \
	    */
void store_run_directory(const struct config *config, char ret_path[STORE_RUN_LEN_MAX + 1]);

#endif
