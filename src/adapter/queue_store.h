/* The embedded queue: claims rows of `messages`, which store calls write. Needs no server.
 *
 * Between processes of one host, a wake-up is an empty datagram to PREFIX-QUEUE, a Unix socket that
 * the consumer binds on its first wait; a lost one costs a poll interval and nothing else.
 *
 * What a consumer that died had claimed is visible again as soon as another one of this host starts
 * (host locks; see "seats"), and counts as received without verdict. */
#ifndef SLUICE_ADAPTER_QUEUE_STORE_H
#define SLUICE_ADAPTER_QUEUE_STORE_H

#include "port/clock.h"
#include "port/db.h"
#include "port/entropy.h"
#include "port/queue.h"

/* All borrowed. socket_prefix: a path prefix of at most 80 bytes, or NULL for no datagrams (then
 * queue_wait sleeps). */
MUST_CHECK bool queue_store_open(struct db *db, struct clock *clock, struct entropy *entropy,
				 const char *socket_prefix, struct queue **ret_queue,
				 struct err *err);

#endif
