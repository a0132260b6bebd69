/* The queue over an external transport (SQS). `messages` is the outbox: the process that committed
 * a wake-up hands it to the transport at queue_notify; whatever is older than a second is handed
 * over by whoever claims or waits next; only what the transport lists as sent leaves the table.
 *
 * What comes out of the transport is foreign input: it names a row, or it is counted and deleted.
 * Who works on a row, and how often it was received without verdict, stands in `message_claims`,
 * so that neither copies nor the transport's own counts and dead letters decide anything. A
 * verdict ends the claim in the transaction of its store call; the transport's copy is deleted
 * after that, at the next call here.
 *
 * A row has one wake-up in the outbox, and as many in the transport as were sent: while more wait
 * there than are soon received, the rest stays in the outbox. Otherwise every pass of the sweeper
 * over rows that nobody can work on now would add a copy of each, for as long as it lasts, and what
 * comes afterwards would stand behind all of them.
 *
 * A transport that is away is a queue that is empty: it is logged and counted, claims find nothing,
 * the outbox grows, the sweeper goes on writing to it; nothing fails. Dead letters stay in the
 * database. See ADR 11. */
#ifndef SLUICE_ADAPTER_QUEUE_OUTBOX_H
#define SLUICE_ADAPTER_QUEUE_OUTBOX_H

#include "base/log.h"
#include "base/metric.h"
#include "port/clock.h"
#include "port/db.h"
#include "port/entropy.h"
#include "port/queue.h"
#include "port/queue_transport.h"

/* Some seconds of work, and more than goes out between two looks at what waits. */
#define OUTBOX_WAITING_MAX 10000

struct queue_outbox_options {
	struct db *db; /* all borrowed */
	struct queue_transport *transport;
	struct clock *clock;
	struct entropy *entropy;
	const struct log *log;   /* or NULL */
	struct metrics *metrics; /* or NULL */
	uint64_t waiting_max;    /* in a queue of the transport; 0: OUTBOX_WAITING_MAX */
};

/* One consumer: it belongs to one thread, as its connection. */
struct queue *queue_outbox_new(const struct queue_outbox_options *options);

#endif
