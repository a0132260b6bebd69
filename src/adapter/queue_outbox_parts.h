/* What the files of the queue over a transport share. */
#ifndef SLUICE_ADAPTER_QUEUE_OUTBOX_PARTS_H
#define SLUICE_ADAPTER_QUEUE_OUTBOX_PARTS_H

#include "adapter/queue_outbox.h"
#include "adapter/sql_message.h"
#include "adapter/sql_row.h"

/* As many as a claim takes, and what it leaves behind. */
#define COPIES_MAX (4 * BATCH_MAX)
/* No claim lasts longer than an hour. One that does was made while a clock was wrong. */
#define CLAIM_AHEAD_MS (2 * INT64_C(3600) * 1000)

/* One delivery of the transport, from its receipt until it is deleted, or its time is over and it
 * comes to somebody else. */
enum copy_state {
	COPY_WAITING, /* for its turn */
	COPY_CLAIMED, /* handed to the consumer; ended when its claim is gone */
	COPY_ENDED,   /* to be deleted */
	COPY_FORGOTTEN,
};

struct copy {
	enum copy_state state;
	enum queue_name queue;
	struct id subject;
	char correlation_id[CORRELATION_ID_LEN_MAX + 1];
	char receipt[TRANSPORT_RECEIPT_LEN_MAX + 1];
	int64_t hidden_until; /* monotonic: later the receipt is stale */
	uint8_t token[16];    /* of its claim */
	bool is_taken;        /* while it waits: somebody worked on its row at the last look */
};

/* What waits in a queue of the transport: an estimate, and what went there since. */
struct crowd {
	uint64_t waiting;
	int64_t look_at; /* monotonic */
};

struct queue_outbox {
	struct queue base;
	struct queue_outbox_options options;
	struct copy copies[COPIES_MAX]; /* in the order of their arrival */
	size_t copies_len;
	struct transport_message received[TRANSPORT_BATCH_MAX];
	struct crowd crowds[QUEUE_MONITOR + 1]; /* by name */
	int64_t relay_at;                       /* monotonic */
	int64_t clean_at;                       /* likewise */
	int64_t away_until;                     /* monotonic: not asked again before */
	bool is_away;                           /* and it was said so */
	int64_t visibility_ms;                  /* of the last claim */
	bool has_claimed;                       /* since the last wait */
	struct metric *sent;
	struct metric *unsent;
	struct metric *rubbish;
	struct metric *faults;
};

/* The transport answered, or did not. */
void outbox_present(struct queue_outbox *self);
void outbox_away(struct queue_outbox *self, const struct err *err);
bool outbox_is_away(const struct queue_outbox *self);

/* queue_outbox_relay.c: hands over up to BATCH_MAX wake-ups of one queue that are older than
 * age_ms. True: that many went out, and there may be more. Faults are told and leave the rows where
 * they are. */
bool outbox_relay(struct queue_outbox *self, enum queue_name name, int64_t age_ms);

/* Claims of ids that nobody knows, of workers that died with them: they go when no copy can come
 * any more. */
void outbox_clean(struct queue_outbox *self);

/* queue_outbox_copy.c */
/* Takes what the transport has, up to `max` in one request. False: it is away. */
bool copies_receive(struct queue_outbox *self, enum queue_name name, size_t max,
		    int64_t visibility_ms, int64_t wait_ms);
/* Those that wait for their turn; without or with those whose rows somebody works on. */
size_t copies_waiting(const struct queue_outbox *self, enum queue_name name, bool with_taken);
/* Forgets what is no longer ours, looks which claims have had their verdict, deletes what has
 * ended. Best effort: what stays comes again, and is then ended. */
void copies_settle(struct queue_outbox *self);

#endif
