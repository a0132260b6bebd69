/* A queue whose queue_notify waits for nobody: a thread of its own hands the messages on. For the
 * process that accepts requests, which goes on at its own pace when the external queue hangs. */
#ifndef SLUICE_ADAPTER_QUEUE_SENDER_H
#define SLUICE_ADAPTER_QUEUE_SENDER_H

#include "base/err.h"
#include "port/queue.h"

/* near: what the caller's thread uses for all the rest. far: what the thread uses, on a connection
 * of its own; touched by it alone from now on. Both are closed with the queue; when this fails they
 * stay the caller's. NOT_DONE: no thread. */
MUST_CHECK bool queue_sender_new(struct queue *near, struct queue *far, struct queue **ret_queue,
				 struct err *err);

#endif
