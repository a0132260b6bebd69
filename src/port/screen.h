/* A screening service of others: may this withdrawal be paid? Asked about one withdrawal at a time,
 * several side by side, and never waited for: who asks does other work, and looks for answers.
 *
 * What is not an answer (none in time, a broken one, one that somebody else gave) says so, and is
 * never taken for a yes. The same withdrawal may be asked about again, at any time; the service
 * knows it by its id.
 */
#ifndef SLUICE_PORT_SCREEN_H
#define SLUICE_PORT_SCREEN_H

#include "base/err.h"
#include "core/withdrawal.h"

#define SCREEN_ASKED_MAX         16 /* side by side */
#define SCREEN_REFERENCE_LEN_MAX 64
#define SCREEN_REASON_LEN_MAX    200

enum screen_decision {
	SCREEN_ALLOW = 1,
	SCREEN_DENY = 2,
	SCREEN_REVIEW = 3, /* people have to look */
};

struct screen_answer {
	enum screen_decision decision;
	char reference[SCREEN_REFERENCE_LEN_MAX + 1]; /* the service's own; ASCII that needs
							no escapes; or "" */
	char reason[SCREEN_REASON_LEN_MAX + 1];       /* for people; or "" */
};

/* What became of one question. */
struct screen_outcome {
	struct id withdrawal;
	bool is_answered;
	struct screen_answer answer; /* when is_answered */
	struct err err;              /* otherwise: why not */
};

enum screen_begun {
	SCREEN_BEGUN = 1, /* one outcome will come, within the deadline */
	SCREEN_FULL = 2,  /* as many are asked about as may be */
	SCREEN_AWAY = 3,  /* the service is left alone for a while */
};

struct screen;

struct screen_ops {
	enum screen_begun (*begin)(struct screen *screen, const struct intent *intent);
	bool (*next)(struct screen *screen, int64_t wait_ms, struct screen_outcome *ret_outcome);
	void (*close)(struct screen *screen);
};

struct screen {
	const struct screen_ops *ops;
};

/* Asks about a withdrawal that is not being asked about. The intent is copied. */
enum screen_begun screen_begin(struct screen *screen, const struct intent *intent);
/* Goes on with what is asked, after up to wait_ms for something to happen; true: one outcome more.
 * To be called again and again while anything is asked. */
bool screen_next(struct screen *screen, int64_t wait_ms, struct screen_outcome *ret_outcome);
void screen_close(struct screen *screen); /* accepts NULL */

/* "allow", "deny", "review"; static storage. */
const char *screen_decision_text(enum screen_decision decision);

#endif
