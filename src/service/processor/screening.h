/* What the screening service says of withdrawals, as the processor gets to know it. Nobody waits:
 * a row that is asked about keeps its message here, and comes back to be decided when the answer is
 * there, or none will come; until then the rest of the world is decided.
 *
 *	lined ──> asked ──> ended ──> taken, decided, forgotten
 *
 * Nothing of it is stored. Whoever dies leaves a message, and is asked for again by whoever takes
 * that. A message that was received before is not kept a second time: it would count the deaths of
 * a processor that another row kills, and be buried with that; its row waits, and is due. An
 * answer is of the intent that was asked about, whole: a row that has another one by then is asked
 * about anew.
 */
#ifndef SLUICE_SERVICE_PROCESSOR_SCREENING_H
#define SLUICE_SERVICE_PROCESSOR_SCREENING_H

#include "base/log.h"
#include "base/metric.h"
#include "core/withdrawal.h"
#include "port/clock.h"
#include "port/queue.h"
#include "port/screen.h"

/* Rows that are lined up, asked about, or answered and not yet decided. More have to come again. */
#define SCREENING_ROWS_MAX 256

struct screening_options {
	struct screen *screen; /* NULL: no service is configured; borrowed, as all of these */
	struct clock *clock;
	const struct log *log;
	struct metrics *metrics;
	int64_t visibility_ms; /* of messages: nothing is kept longer */
};

enum screening_state {
	SCREENING_PENDING = 1, /* asked; the message is kept, and comes back by screening_take */
	SCREENING_APART,       /* the same, but the message is to be ended: others died with it */
	SCREENING_ANSWERED,
	SCREENING_AWAY, /* there is no answer now */
	SCREENING_BUSY, /* nobody could be asked: too many others are */
};

struct screening;

struct screening *screening_new(const struct screening_options *options);
void screening_free(struct screening *screening); /* accepts NULL */
/* Looks for answers, and asks about who is next. Once a step. */
void screening_poll(struct screening *screening);
/* The same, after up to timeout_ms for something to come. False: nobody is asked about. */
bool screening_wait(struct screening *screening, int64_t timeout_ms);
/* Up to `cap` messages whose rows are to be decided now; one alone when it was received before. */
size_t screening_take(struct screening *screening, struct message *ret_messages, size_t cap);
/* What was taken is decided, and written. */
void screening_forget(struct screening *screening);
/* What is known of the row; asks if that is nothing. ret_answer: with ANSWERED. */
enum screening_state screening_of(struct screening *screening, const struct withdrawal *row,
				  const struct message *message, struct screen_answer *ret_answer);

#endif
