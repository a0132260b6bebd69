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

struct queue_outbox_options {
	struct db *db; /* all borrowed */
	struct queue_transport *transport;
	struct clock *clock;
	struct entropy *entropy;
	const struct log *log;   /* or NULL */
	struct metrics *metrics; /* or NULL */
};

/* One consumer: it belongs to one thread, as its connection. */
struct queue *queue_outbox_new(const struct queue_outbox_options *options);

#endif
