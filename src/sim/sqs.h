/* A model of standard SQS queues, as a transport. By itself it loses nothing and is quick and in
 * order; the settings let it do what the real one may: deliver late, twice, in any order, although
 * a message is hidden or was deleted; miss what is there when asked without waiting; answer a
 * batch in part; put what was received too often into a dead-letter queue. Receipts go stale with
 * the next delivery, and messages are gone after four days (dead letters after fourteen).
 *
 * What fails between the service and its client (no answer, a lost one) is the caller's to add.
 * Source: doc/domain.md "SQS". */
#ifndef SLUICE_SIM_SQS_H
#define SLUICE_SIM_SQS_H

#include "port/clock.h"
#include "port/queue_transport.h"
#include "sim/random.h"

#include <stdint.h>

struct sim_sqs;

struct sim_sqs_settings {
	unsigned max_receives;     /* then it is a dead letter; 0: never */
	unsigned refuse_per_mille; /* entries of a batch */
	unsigned late_per_mille;   /* messages, up to late_ms_max */
	int64_t late_ms_max;
	unsigned double_per_mille;   /* a message is there twice */
	unsigned again_per_mille;    /* a delivery does not hide its message */
	unsigned undelete_per_mille; /* a deletion is said to be done, and is not */
	unsigned miss_per_mille;     /* a receive finds nothing */
	bool disorder;
};

/* What the model did, to be counted. */
enum sim_sqs_event {
	SIM_SQS_SENT,
	SIM_SQS_REFUSED,
	SIM_SQS_LATE,
	SIM_SQS_DOUBLED,
	SIM_SQS_MISSED,
	SIM_SQS_DELIVERED,
	SIM_SQS_AGAIN,     /* not hidden */
	SIM_SQS_CAME_BACK, /* delivered once more after its time ran out */
	SIM_SQS_STALE,     /* a receipt that is not the newest */
	SIM_SQS_UNDELETED,
	SIM_SQS_BURIED,
	SIM_SQS_REDRIVEN,
	SIM_SQS_WIPED,
	SIM_SQS_EVENTS
};

/* clock: borrowed; its monotonic time is the service's. Aborts without memory. */
struct sim_sqs *sim_sqs_new(struct clock *clock, struct sim_random random);
void sim_sqs_free(struct sim_sqs *sqs); /* accepts NULL */
/* Its transport lives as long as it, and need not be closed. */
struct queue_transport *sim_sqs_port(struct sim_sqs *sqs);
struct sim_sqs_settings *sim_sqs_settings(struct sim_sqs *sqs);
/* Somebody purges everything; somebody puts the dead letters back, each `copies` times. Both tell
 * how many it were. */
size_t sim_sqs_wipe(struct sim_sqs *sqs);
size_t sim_sqs_redrive(struct sim_sqs *sqs, unsigned copies);
/* A stranger sends whatever it likes. */
void sim_sqs_inject(struct sim_sqs *sqs, enum queue_name name, struct str body);
/* Messages in a queue, dead ones not counted; and dead letters of all queues. */
size_t sim_sqs_len(const struct sim_sqs *sqs, enum queue_name name);
size_t sim_sqs_dead(const struct sim_sqs *sqs);
uint64_t sim_sqs_count(const struct sim_sqs *sqs, enum sim_sqs_event event);
/* "entries refused"; static storage. */
const char *sim_sqs_event_text(enum sim_sqs_event event);

#endif
