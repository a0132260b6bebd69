/* The queue over SQS, for one thread, or for two: one that accepts, one that sends. */
#ifndef SLUICE_CMD_QUEUE_OPEN_H
#define SLUICE_CMD_QUEUE_OPEN_H

#include "base/log.h"
#include "base/metric.h"
#include "cmd/config.h"
#include "cmd/store_open.h"
#include "port/queue_transport.h"

/* What lies below opened_store.queue, and is closed after it. */
struct opened_queue {
	struct queue_transport *transport;
	struct queue_transport *aside_transport; /* of the thread that sends, as its store */
	struct opened_store aside;
};

struct opened_queue_options {
	const struct config *config; /* all borrowed */
	struct clock *clock;
	struct entropy *entropy;
	const struct log *log;
	struct metrics *metrics;
	bool sends_aside;   /* queue_notify hands over to a thread of its own */
	bool works_without; /* queues that are not as they should be are an alarm, and no failure */
};

/* Puts a queue into `opened`, which has none. An SQS that does not answer is told in the log, and
 * waited for later. NOT_DONE: queues that are not there or not as they should be; the text says
 * what cures it. REFUSED: a configuration or credentials that cannot be used. */
MUST_CHECK bool opened_queue_open(const struct opened_queue_options *options,
				  struct opened_store *opened, struct opened_queue *ret_queue,
				  struct err *err);
void opened_queue_close(struct opened_queue *queue); /* accepts an empty one */

/* SQS alone, for the commands; closed by transport_close. */
MUST_CHECK bool sqs_transport_open(const struct config *config, int64_t deadline_ms,
				   struct clock *clock, struct metrics *metrics,
				   struct queue_transport **ret_transport, struct err *err);

#endif
