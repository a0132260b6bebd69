/* Rows of `messages`: written with the change that they announce, ended with the change that
 * answers them. Shared by the store and the queues. */
#ifndef SLUICE_ADAPTER_SQL_MESSAGE_H
#define SLUICE_ADAPTER_SQL_MESSAGE_H

#include "core/withdrawal.h"
#include "port/db.h"
#include "port/queue.h"

/* A wake-up: inserts it, or renews the one that waits or is being worked on. */
MUST_CHECK bool message_put(struct db *db, enum queue_name queue, struct id subject,
			    const char *correlation_id, int64_t now_ms, struct err *err);
struct message_put {
	enum queue_name queue;
	struct id subject;
	char correlation_id[CORRELATION_ID_LEN_MAX + 1];
};
/* The same of n, at most BATCH_MAX, in the order of their subjects. QUEUE_NONE is nothing to do. */
MUST_CHECK bool messages_put(struct db *db, const struct message_put *puts, size_t n,
			     int64_t now_ms, struct err *err);
/* Ends a claim: deletes the message, or opens it again if somebody renewed it meanwhile; of one
 * that came from a transport, its claim. QUEUE_NONE is nothing to do. */
MUST_CHECK bool message_end(struct db *db, const struct message_ack *ack, int64_t now_ms,
			    struct err *err);
/* The same of n, at most BATCH_MAX, in the order of their subjects. */
MUST_CHECK bool messages_end_here(struct db *db, const struct message_ack *acks, size_t n,
				  int64_t now_ms, struct err *err);
/* That in a transaction of its own. */
MUST_CHECK bool messages_end(struct db *db, const struct message_ack *acks, size_t n,
			     int64_t now_ms, struct err *err);
/* For items_order. */
struct id ack_id(const void *acks, size_t at);
/* Deletes messages whose subject is no id, which only somebody with access to the database can have
 * written: no claim can hold one, so that it would stand before all others for ever. Numbers and
 * texts are less than any bytes. */
MUST_CHECK bool messages_nameless_delete(struct db *db, enum queue_name name, struct err *err);
/* Of the rows here alone. */
MUST_CHECK bool messages_stats(struct db *db, enum queue_name name, int64_t now_ms,
			       struct queue_stats *ret_stats, struct err *err);

#endif
