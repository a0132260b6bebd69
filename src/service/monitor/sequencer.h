/* The sequencer: gives committed events and audit records their positions and seals them, batch by
 * batch. One for the whole store, by a lease; every monitor has one, and the others stand by. A
 * part of the monitor's step.
 *
 * Auto-increment and UUIDv7 are not the order of commits: what began earlier may commit later. So
 * positions are given afterwards, by one, to what is committed; who has read up to a position has
 * read everything that will ever stand there. */
#ifndef SLUICE_SERVICE_MONITOR_SEQUENCER_H
#define SLUICE_SERVICE_MONITOR_SEQUENCER_H

#include "base/log.h"
#include "base/metric.h"
#include "core/feed.h"
#include "port/clock.h"
#include "port/store.h"

struct sequencer_options {
	struct store *store; /* all borrowed */
	struct clock *clock;
	const struct log *log;
	struct metrics *metrics; /* may be NULL */
	const char *instance;
	struct feed_keys keys;
};

struct sequencer;

struct sequencer *sequencer_new(const struct sequencer_options *options);
void sequencer_free(struct sequencer *sequencer); /* accepts NULL */
/* Before it ends: another one may take its place at once. */
void sequencer_leave(struct sequencer *sequencer);
/* Bounded. ret_worked: rows are left, and it may be called again at once. What an editor of the
 * store did is no fault but an alarm. */
MUST_CHECK bool sequencer_step(struct sequencer *sequencer, bool *ret_worked, struct err *err);

#endif
