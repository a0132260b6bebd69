/* A copy of the store's database that a replica of its server keeps, for lists alone. It may lag,
 * stand still, hang or be away; no decision and no look-up of a key is ever read from it.
 *
 * How old a list may be is proved, not asked for: this process writes marks into the primary and
 * reads them back in the snapshot of the list. A mark is a time of this process' own monotonic
 * clock, taken before the mark was written, under a name that nobody else has. So a list whose
 * snapshot has the mark of a time holds all that was committed before it; no clock is compared with
 * another one, and no right to ask the server about its replication is needed. It needs a replica
 * that commits in the order of its primary (doc/configuration.md).
 *
 * Two threads: marks are written on the one that has the store, lists are read on another one.
 */
#ifndef SLUICE_PORT_REPLICA_H
#define SLUICE_PORT_REPLICA_H

#include "port/store.h"

struct replica;

struct replica_ops {
	bool (*mark)(struct replica *replica, int64_t mark_ms, int64_t now_ms, struct err *err);
	bool (*list)(struct replica *replica, const struct store_filter *filter,
		     struct store_view *ret_views, struct store_page *ret_page,
		     int64_t *ret_mark_ms, struct err *err);
	void (*close)(struct replica *replica);
};

struct replica {
	const struct replica_ops *ops;
};

/* Writes a mark into the primary. mark_ms: the monotonic clock, before the call, > 0; now_ms: the
 * wall clock, by which marks of processes that are gone are cleared away. */
MUST_CHECK bool replica_mark(struct replica *replica, int64_t mark_ms, int64_t now_ms,
			     struct err *err);
/* As store_withdrawals_list, from the replica. ret_mark_ms: the newest mark of this process that
 * the list's snapshot has, or 0: none, and nothing is known about its age. NOT_DONE: it is away;
 * REFUSED: its schema is another one, or the user may not read. Each failure closes the connection,
 * and the next call looks at everything anew. */
MUST_CHECK bool replica_list(struct replica *replica, const struct store_filter *filter,
			     struct store_view *ret_views, struct store_page *ret_page,
			     int64_t *ret_mark_ms, struct err *err);
void replica_close(struct replica *replica); /* accepts NULL */

#endif
