/* Wake-ups between the roles, as a port. A message is a queue and the id of a row; it grants
 * nothing and may be lost, doubled, late: the store is the truth. Messages are written by store
 * calls, in the transaction of the change that they announce; a consumer's verdict travels back the
 * same way, as an acknowledgement handed to a store call. */
#ifndef SLUICE_PORT_QUEUE_H
#define SLUICE_PORT_QUEUE_H

#include "base/err.h"
#include "core/id.h"
#include "core/lifecycle.h"
#include "core/limits.h"

#include <stddef.h>
#include <stdint.h>

struct queue;

/* What a consumer needs to end its claim: deletes the message if nobody renewed it meanwhile, or
 * opens it again if somebody did. */
struct message_ack {
	enum queue_name queue; /* QUEUE_NONE: no message to acknowledge */
	struct id subject;
	uint8_t token[16]; /* of the claim */
	uint64_t generation;
	bool is_received; /* from a transport: its claim is a row of `message_claims` */
};

struct message {
	struct message_ack ack;
	uint32_t receives; /* claims without a verdict, this one included */
	char correlation_id[CORRELATION_ID_LEN_MAX + 1];
};

struct queue_stats {
	enum queue_name queue;
	uint64_t waiting;  /* visible now */
	uint64_t delayed;  /* visible later */
	uint64_t claimed;  /* being worked on */
	int64_t oldest_ms; /* age of the oldest, 0 when empty */
};

struct queue_ops {
	bool (*claim)(struct queue *queue, enum queue_name name, size_t max, int64_t visibility_ms,
		      struct message *ret_messages, size_t *ret_len, struct err *err);
	bool (*extend)(struct queue *queue, const struct message_ack *acks, size_t n,
		       int64_t visibility_ms, struct err *err);
	bool (*ack)(struct queue *queue, const struct message_ack *acks, size_t n, struct err *err);
	bool (*stats)(struct queue *queue, enum queue_name name, struct queue_stats *ret_stats,
		      struct err *err);
	void (*notify)(struct queue *queue, enum queue_name name);
	bool (*wait)(struct queue *queue, enum queue_name name, int64_t timeout_ms);
	void (*close)(struct queue *queue);
};

struct queue {
	const struct queue_ops *ops;
};

/* Claims up to `max` (1 to BATCH_MAX) visible messages for visibility_ms, or until this process is
 * known to be dead. A message that was
 * received before without verdict comes alone: a batch that holds one has length 1, so that a
 * message that kills its worker cannot take others along. */
MUST_CHECK bool queue_claim(struct queue *queue, enum queue_name name, size_t max,
			    int64_t visibility_ms, struct message *ret_messages, size_t *ret_len,
			    struct err *err);
/* Keeps claims for another visibility_ms from now; claims that were lost meanwhile are skipped. */
MUST_CHECK bool queue_extend(struct queue *queue, const struct message_ack *acks, size_t n,
			     int64_t visibility_ms, struct err *err);
/* Ends claims whose rows need no change (unknown or final ids). */
MUST_CHECK bool queue_ack(struct queue *queue, const struct message_ack *acks, size_t n,
			  struct err *err);
MUST_CHECK bool queue_stats(struct queue *queue, enum queue_name name,
			    struct queue_stats *ret_stats, struct err *err);
/* After a commit that wrote messages: hands them on, best effort. Waits for nobody, but where an
 * external service carries the messages for the requests that hand them over. */
void queue_notify(struct queue *queue, enum queue_name name);
/* Sleeps until notified or until the timeout; true when notified. Over an external queue only who
 * has claimed since it last waited is notified: what woke another would be lost to those who can
 * work. */
bool queue_wait(struct queue *queue, enum queue_name name, int64_t timeout_ms);
void queue_close(struct queue *queue); /* accepts NULL */

#endif
