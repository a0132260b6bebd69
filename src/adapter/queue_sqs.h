/* Wake-ups over AWS SQS: three standard queues, PREFIXrequest, PREFIXsigning and PREFIXmonitor,
 * found by their names; JSON protocol, batches of ten, long poll. All requests go to the one
 * endpoint, also where SQS names its queues by URLs of other hosts.
 *
 * An answer is foreign input: what it does not list as done is not done. A fault of SQS or of the
 * way to it ends each call within deadline_ms; a circuit breaker spares the next ones.
 *
 * Source: doc/domain.md "SQS"; ADR 11, 14, 15. */
#ifndef SLUICE_ADAPTER_QUEUE_SQS_H
#define SLUICE_ADAPTER_QUEUE_SQS_H

#include "base/err.h"
#include "base/metric.h"
#include "port/clock.h"
#include "port/queue_transport.h"

#include <stdint.h>

#define SQS_PREFIX_LEN_MAX 64 /* 80 characters with the longest name behind it */

struct queue_sqs_options {
	const char *region;
	const char *endpoint;    /* http(s)://host[:port]; NULL or empty: AWS's own */
	const char *prefix;      /* sqs_is_prefix */
	int64_t deadline_ms;     /* of a request, the wait of a long poll not counted; 0: 3 s */
	struct clock *clock;     /* borrowed */
	struct metrics *metrics; /* borrowed, or NULL */
};

/* Letters, digits, '-' and '_', 0 to SQS_PREFIX_LEN_MAX. */
bool sqs_is_prefix(const char *text);

/* A transport for one thread; asks for nothing yet. The credentials are those of the environment
 * (net/aws_credentials.h). REFUSED: an endpoint or credentials that cannot be used. */
MUST_CHECK bool queue_sqs_open(const struct queue_sqs_options *options,
			       struct queue_transport **ret_transport, struct err *err);

#endif
