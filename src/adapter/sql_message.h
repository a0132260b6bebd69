/* Rows of `messages`: written with the change that they announce, ended with the change that
 * answers them. Shared by the store and the embedded queue. */
#ifndef SLUICE_ADAPTER_SQL_MESSAGE_H
#define SLUICE_ADAPTER_SQL_MESSAGE_H

#include "port/db.h"
#include "port/queue.h"

/* A wake-up: inserts it, or renews the one that waits or is being worked on. */
MUST_CHECK bool message_put(struct db *db, enum queue_name queue, struct id subject,
			    const char *correlation_id, int64_t now_ms, struct err *err);
/* Ends a claim: deletes the message, or opens it again if somebody renewed it meanwhile. QUEUE_NONE
 * is nothing to do. */
MUST_CHECK bool message_end(struct db *db, const struct message_ack *ack, int64_t now_ms,
			    struct err *err);

#endif
