/* What was paid in the last hour and the last day, for limits that roll: one sum per minute, so
 * that a payment costs the same however many there were before it.
 *
 * It never counts too little. A minute counts whole as long as any moment of it is in the window:
 * the sums reach back up to a minute further than an hour and a day. What is dated ahead of the
 * clock counts in both sums until its time has come. When the window cannot know any more what
 * counts (the clock was set back, or reaches what was ahead of it), it says so, and is filled anew.
 * Sums that leave the range stay at its end, which is above every limit. Pure.
 */
#ifndef SLUICE_CORE_LIMIT_WINDOW_H
#define SLUICE_CORE_LIMIT_WINDOW_H

#include "core/amount.h"
#include "core/limits.h"

struct limit_window {
	struct amount hour; /* the sums, of the time of the newest reset or advance */
	struct amount day;
	int64_t newest;      /* the minute (since 1970) of that time */
	struct amount later; /* behind that minute */
	int64_t later_from;  /* its first minute; INT64_MAX when there is nothing */
	struct amount minutes[LIMIT_MINUTES_MAX]; /* minute m stands at m % LIMIT_MINUTES_MAX */
};

/* Times are ms since 1970; CHECKs that they are not negative. */

/* From when on payments count in a window of that time: what is to be added after a reset. */
int64_t limit_window_since(int64_t now_ms);
/* An empty window of that time. */
void limit_window_reset(struct limit_window *window, int64_t now_ms);
/* Adds a payment; one from before limit_window_since counts no more. */
void limit_window_add(struct limit_window *window, int64_t time_ms, struct amount amount);
/* Moves the window to a later time. False: it cannot know what counts then; reset it and add all
 * payments again. */
MUST_CHECK bool limit_window_advance(struct limit_window *window, int64_t now_ms);

#endif
