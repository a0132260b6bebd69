/* The queues of SQS themselves: `sluice queues create` makes them, every role looks at them when it
 * starts. PREFIXrequest, PREFIXsigning, PREFIXmonitor, each with its dead letters behind "-dlq". */
#ifndef SLUICE_ADAPTER_QUEUE_SQS_SETUP_H
#define SLUICE_ADAPTER_QUEUE_SQS_SETUP_H

#include "base/err.h"
#include "port/queue_transport.h"

/* `transport` is one of queue_sqs_open.
 *
 * Makes what is not there, and sets what has other attributes; messages stay. NOT_DONE or
 * MAYBE_DONE: run it again. REFUSED: SQS will not. */
MUST_CHECK bool queue_sqs_create(struct queue_transport *transport, struct err *err);
/* Are they there, and do they keep messages and dead letters as they should? REFUSED: no, and
 * `sluice queues create` cures it. NOT_DONE or MAYBE_DONE: SQS does not say. */
MUST_CHECK bool queue_sqs_check(struct queue_transport *transport, struct err *err);

#endif
