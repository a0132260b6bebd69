/* A message service that is not the database (AWS SQS), as a port below the queue. It carries short
 * bodies that grant nothing; it may deliver them late, twice, in any order, or lose them, and
 * nobody believes what comes out of it. Only adapter/queue_outbox.c calls it.
 *
 * Every call is one request with a deadline of the adapter's. A batch can succeed in part: the call
 * returns true when the service answered, and each entry says whether it was done. When the call
 * returns false no entry is done for all that is known (NOT_DONE), or nobody knows (MAYBE_DONE).
 *
 * Source: doc/domain.md "SQS"; ADR 11. */
#ifndef SLUICE_PORT_QUEUE_TRANSPORT_H
#define SLUICE_PORT_QUEUE_TRANSPORT_H

#include "base/err.h"
#include "base/str.h"
#include "core/lifecycle.h"
#include "core/limits.h"

#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_BATCH_MAX         10   /* entries of one request */
#define TRANSPORT_RECEIPT_LEN_MAX   1024 /* what SQS names as the longest */
#define TRANSPORT_WAIT_MS_MAX       20000
#define TRANSPORT_VISIBILITY_MS_MAX (INT64_C(12) * 3600 * 1000)

struct queue_transport;

struct transport_entry {
	struct str body;        /* 1 to MESSAGE_BODY_BYTES_MAX bytes, borrowed */
	struct str traceparent; /* W3C, for whoever watches the queues; or empty; borrowed */
	bool sent;              /* set by the call: the service says that it has this one */
};

/* One delivery. A body longer than MESSAGE_BODY_BYTES_MAX is cut; body_len says its true length. */
struct transport_message {
	char body[MESSAGE_BODY_BYTES_MAX];
	size_t body_len;
	char receipt[TRANSPORT_RECEIPT_LEN_MAX +
		     1]; /* of this delivery; stale after the next one */
};

struct transport_receipt {
	const char *receipt; /* borrowed */
	bool done;           /* set by the call; false also for one that is stale */
};

/* Numbers as the service estimates them. */
struct transport_depth {
	uint64_t waiting;
	uint64_t delayed;
	uint64_t claimed;
};

struct queue_transport_ops {
	bool (*send_batch)(struct queue_transport *, enum queue_name, struct transport_entry *,
			   size_t, struct err *);
	bool (*receive)(struct queue_transport *, enum queue_name, size_t, int64_t, int64_t,
			struct transport_message *, size_t *, struct err *);
	bool (*extend_batch)(struct queue_transport *, enum queue_name, struct transport_receipt *,
			     size_t, int64_t, struct err *);
	bool (*delete_batch)(struct queue_transport *, enum queue_name, struct transport_receipt *,
			     size_t, struct err *);
	bool (*depth)(struct queue_transport *, enum queue_name, struct transport_depth *,
		      struct err *);
	void (*close)(struct queue_transport *);
};

struct queue_transport {
	const struct queue_transport_ops *ops;
};

/* All names are QUEUE_REQUEST to QUEUE_MONITOR; batches have 1 to TRANSPORT_BATCH_MAX entries.
 *
 * Sends, each entry for itself. */
MUST_CHECK bool transport_send_batch(struct queue_transport *transport, enum queue_name name,
				     struct transport_entry *entries, size_t n, struct err *err);
/* Up to `max` deliveries, hidden from others for visibility_ms (up to TRANSPORT_VISIBILITY_MS_MAX).
 * wait_ms, 0 to TRANSPORT_WAIT_MS_MAX: how long to wait for the first one; 0 may also find nothing
 * though something is there. */
MUST_CHECK bool transport_receive(struct queue_transport *transport, enum queue_name name,
				  size_t max, int64_t visibility_ms, int64_t wait_ms,
				  struct transport_message *ret_messages, size_t *ret_len,
				  struct err *err);
/* Hides deliveries for visibility_ms from now. */
MUST_CHECK bool transport_extend_batch(struct queue_transport *transport, enum queue_name name,
				       struct transport_receipt *receipts, size_t n,
				       int64_t visibility_ms, struct err *err);
/* Deletes what was delivered; it may come again all the same. */
MUST_CHECK bool transport_delete_batch(struct queue_transport *transport, enum queue_name name,
				       struct transport_receipt *receipts, size_t n,
				       struct err *err);
MUST_CHECK bool transport_depth(struct queue_transport *transport, enum queue_name name,
				struct transport_depth *ret_depth, struct err *err);
void transport_close(struct queue_transport *transport); /* accepts NULL */

#endif
