/* The monitor: follows the heads of the chains under a lease each, writes what it sees of the
 * transfers (mined, back, final), completes withdrawals, and wishes for what the signer should send
 * again. */
#ifndef SLUICE_SERVICE_MONITOR_MONITOR_H
#define SLUICE_SERVICE_MONITOR_MONITOR_H

#include "base/log.h"
#include "base/metric.h"
#include "core/catalogue.h"
#include "core/feed.h"
#include "port/chain.h"
#include "port/clock.h"
#include "port/queue.h"
#include "port/store_transfer.h"

struct monitor_options {
	struct store *store; /* all borrowed */
	struct queue *queue;
	struct clock *clock;
	struct chain *chains[CHAINS_MAX]; /* in the order of the catalogue */
	const struct catalogue *catalogue;
	const struct log *log;
	struct metrics *metrics;
	const char *instance;
	struct feed_keys feed_keys;   /* without any it is no sequencer, and stands by for none */
	int64_t balances_interval_ms; /* 5 s by default: for show */
	bool recovers; /* after a restore, beside a signer that reads what the store does not know
			*/
};

struct monitor;

struct monitor *monitor_new(const struct monitor_options *options);
void monitor_free(struct monitor *monitor); /* accepts NULL */
/* Before it ends: others may watch its chains at once. What fails costs them a lease's term. */
void monitor_leave(struct monitor *monitor);
/* As processor_step; ret_worked also says that a transfer waits for the next block, so that the
 * caller polls at poll_ms instead of idling. */
MUST_CHECK bool monitor_step(struct monitor *monitor, bool *ret_worked, struct err *err);
/* Does a slot wait for a block of some chain? Only then do new heads matter. */
bool monitor_is_busy(const struct monitor *monitor);
/* The longest sleep that keeps up with the chains now, in ms. */
int64_t monitor_idle_ms(const struct monitor *monitor);

#endif
