/* A circuit breaker before one neighbour: who fails again and again is left alone for a while, and
 * gets its load back little by little. It spares callers the deadlines of a neighbour that hangs,
 * and a neighbour that comes back the crowd that waited for it.
 *
 *	closed     all pass. Opens after BREAKER_RUN failures in a row, or when BREAKER_SHARE of
 *	           the last BREAKER_CALLS failed.
 *	open       none passes, for BREAKER_OPEN_MS; twice as long each time that it opens again
 *	           without having been closed, up to BREAKER_OPEN_MS_MAX.
 *	half-open  a trickle passes: one call, and when that was answered two, then four, eight.
 *	           When all of these were answered it closes. One failure opens it again.
 *
 *	struct circuit_pass pass;
 *	if (circuit_breaker_enter(&breaker, now_ms, 1, &pass) == 0)
 *		return err_set(err, ERR_NOT_DONE, "SQS is left alone for a while");
 *	... the call ...
 *	circuit_breaker_leave(&breaker, now_ms, pass, answered, failed);
 *
 * What failed is the caller's to say. Failed: no connection, no answer in time, a reset, 5xx, 429,
 * an answer that cannot be read. Answered: everything else, also a no by the neighbour's own rules
 * ("access denied", "nonce too low", a duplicate key): it is there, and works.
 *
 * A breaker knows nothing about the world. That it is open means NOT_DONE of a call that was not
 * made, never more: what an earlier call may have done is as open as before. And it is never the
 * only way back: each open time has an end, by the clock alone.
 *
 * Pure: no clock, no lock. Times are monotonic milliseconds; should one lie before the last, the
 * wait begins anew. Belongs to one thread, or to who holds its owner's lock.
 */
#ifndef SLUICE_NET_CIRCUIT_BREAKER_H
#define SLUICE_NET_CIRCUIT_BREAKER_H

#include "base/metric.h"

#include <stdbool.h>
#include <stdint.h>

/* Three calls to a neighbour that hangs cost three deadlines; two may be bad luck. */
#define BREAKER_RUN 3
/* One that fails every other call is as good as away: who calls it mostly waits. */
#define BREAKER_CALLS 16
#define BREAKER_SHARE 8
/* A restart takes about a second. What waits longer than a quarter of a minute after its neighbour
 * is back looks like a fault of its own. */
#define BREAKER_OPEN_MS     1000
#define BREAKER_OPEN_MS_MAX 15000
/* 1, 2, 4, 8. */
#define BREAKER_STEPS 4
/* Longer than any deadline: a call of the trickle that was not reported by then has failed. */
#define BREAKER_PASS_MS 120000

enum circuit_state {
	CIRCUIT_CLOSED = 0, /* as the metric shows them */
	CIRCUIT_HALF_OPEN = 1,
	CIRCUIT_OPEN = 2,
};

struct circuit_breaker {
	enum circuit_state state;
	uint32_t era;     /* rises with each change of state */
	uint32_t history; /* of calls while closed: a bit each, 1 is a failure, the newest is bit 0
			   */
	int64_t since_ms; /* when this state, or this step of the trickle, began */
	int64_t open_ms;  /* how long the present or the next open time is */
	unsigned step;    /* half-open: 1 << step calls pass */
	unsigned entered; /* of these */
	unsigned answered;
	uint64_t trips;
	struct metric *metric_state;
	struct metric *metric_trips;
};

/* So many calls may be made. */
struct circuit_pass {
	uint32_t era;
	unsigned calls;
};

/* Closed. neighbour: the label of its two metrics, sluice_breaker_state (enum circuit_state) and
 * sluice_breaker_trips_total; one of a small set, such as "sqs" or "rpc_polygon_1", of [a-z0-9_-].
 * `metrics` may be NULL. */
void circuit_breaker_init(struct circuit_breaker *breaker, struct metrics *metrics,
			  const char *neighbour);
/* How many of `wanted` (>= 1) calls that go side by side may be made now: 0 to wanted. Each pass
 * with calls has to be brought back by circuit_breaker_leave. */
unsigned circuit_breaker_enter(struct circuit_breaker *breaker, int64_t now_ms, unsigned wanted,
			       struct circuit_pass *ret_pass);
/* What became of the calls; those that are neither answered nor failed were not made, and say
 * nothing. Of a pass from before the last change of state nothing counts any more. While the
 * breaker is closed a pass is one entry of its history: a failure when at least half of it failed.
 * CHECKs that answered + failed <= pass.calls. */
void circuit_breaker_leave(struct circuit_breaker *breaker, int64_t now_ms,
			   struct circuit_pass pass, unsigned answered, unsigned failed);
/* For how long nobody passes, for messages: 0 when a call would. */
int64_t circuit_breaker_wait_ms(const struct circuit_breaker *breaker, int64_t now_ms);

#endif
