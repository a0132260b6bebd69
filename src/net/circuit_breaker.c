#include "net/circuit_breaker.h"

#include "base/check.h"
#include "base/defence.h"

#include <stdio.h>

_Static_assert(BREAKER_RUN <= BREAKER_CALLS && BREAKER_SHARE <= BREAKER_CALLS &&
		       BREAKER_CALLS <= 32,
	       "the history is 32 bits");
_Static_assert(BREAKER_STEPS >= 1 && BREAKER_STEPS < 16, "1 << step is small");

#define RUN_MASK   ((UINT32_C(1) << BREAKER_RUN) - 1)
#define CALLS_MASK ((uint32_t)((UINT64_C(1) << BREAKER_CALLS) - 1))

static void state_enter(struct circuit_breaker *breaker, enum circuit_state state, int64_t now_ms)
{
	breaker->state = state;
	breaker->era++;
	breaker->since_ms = now_ms;
	breaker->history = 0;
	breaker->step = breaker->entered = breaker->answered = 0;
	metric_set(breaker->metric_state, state);
}

static void breaker_trip(struct circuit_breaker *breaker, int64_t now_ms)
{
	if (breaker->state == CIRCUIT_CLOSED)
		breaker->open_ms = BREAKER_OPEN_MS;
	else if (breaker->open_ms <= BREAKER_OPEN_MS_MAX / 2)
		breaker->open_ms *= 2;
	else
		breaker->open_ms = BREAKER_OPEN_MS_MAX;
	breaker->trips++;
	metric_count(breaker->metric_trips, 1);
	state_enter(breaker, CIRCUIT_OPEN, now_ms);
}

void circuit_breaker_init(struct circuit_breaker *breaker, struct metrics *metrics,
			  const char *neighbour)
{
	char labels[80];
	int len = snprintf(labels, sizeof labels, "neighbour=\"%s\"", neighbour);
	CHECK(len > 0 && (size_t)len < sizeof labels);
	*breaker = (struct circuit_breaker){ .open_ms = BREAKER_OPEN_MS };
	breaker->metric_state =
		metric_add(metrics, METRIC_GAUGE, "sluice_breaker_state", labels,
			   "Circuit breaker of a neighbour: 0 closed, 1 half-open, 2 open.");
	breaker->metric_trips = metric_add(metrics, METRIC_COUNTER, "sluice_breaker_trips_total",
					   labels, "How often the circuit breaker opened.");
}

/* How long the present state lasts by now. */
static int64_t age_ms(struct circuit_breaker *breaker, int64_t now_ms)
{
	if (now_ms < breaker->since_ms)
		breaker->since_ms = now_ms;
	return now_ms - breaker->since_ms;
}

/* Time alone opens the way back, and ends a trickle whose callers do not report. */
static void breaker_look(struct circuit_breaker *breaker, int64_t now_ms)
{
	int64_t age = age_ms(breaker, now_ms);
	if (breaker->state == CIRCUIT_OPEN && age >= breaker->open_ms &&
	    DEFENCE("breaker_half_opens"))
		state_enter(breaker, CIRCUIT_HALF_OPEN, now_ms);
	if (breaker->state == CIRCUIT_HALF_OPEN && breaker->entered > breaker->answered &&
	    age >= BREAKER_PASS_MS)
		breaker_trip(breaker, now_ms);
}

static unsigned passes_left(const struct circuit_breaker *breaker)
{
	switch (breaker->state) {
	case CIRCUIT_CLOSED:
		return UINT32_MAX;
	case CIRCUIT_HALF_OPEN:
		return (1U << breaker->step) - breaker->entered;
	case CIRCUIT_OPEN:
		return 0;
	}
	return 0;
}

unsigned circuit_breaker_enter(struct circuit_breaker *breaker, int64_t now_ms, unsigned wanted,
			       struct circuit_pass *ret_pass)
{
	CHECK(wanted >= 1);
	breaker_look(breaker, now_ms);
	unsigned left = passes_left(breaker);
	unsigned calls = wanted < left ? wanted : left;
	if (breaker->state == CIRCUIT_HALF_OPEN)
		breaker->entered += calls;
	*ret_pass = (struct circuit_pass){ breaker->era, calls };
	return calls;
}

static bool too_many_failed(uint32_t history)
{
	return (history & RUN_MASK) == RUN_MASK ||
	       __builtin_popcount(history & CALLS_MASK) >= BREAKER_SHARE;
}

static void closed_leave(struct circuit_breaker *breaker, int64_t now_ms, unsigned answered,
			 unsigned failed)
{
	bool is_failure = failed > 0 && failed >= answered;
	if (answered + failed == 0)
		return;
	breaker->history = (breaker->history << 1) | is_failure;
	if (is_failure && too_many_failed(breaker->history))
		breaker_trip(breaker, now_ms);
}

static void half_open_leave(struct circuit_breaker *breaker, int64_t now_ms, unsigned calls,
			    unsigned answered, unsigned failed)
{
	if (failed > 0) {
		breaker_trip(breaker, now_ms);
		return;
	}
	breaker->entered -= calls - answered;
	breaker->answered += answered;
	if (breaker->answered < 1U << breaker->step)
		return;
	breaker->since_ms = now_ms;
	breaker->entered = breaker->answered = 0;
	if (++breaker->step == BREAKER_STEPS)
		state_enter(breaker, CIRCUIT_CLOSED, now_ms);
}

void circuit_breaker_leave(struct circuit_breaker *breaker, int64_t now_ms,
			   struct circuit_pass pass, unsigned answered, unsigned failed)
{
	CHECK(answered <= pass.calls && failed <= pass.calls - answered);
	if (pass.era != breaker->era)
		return;
	(void)age_ms(breaker, now_ms);
	switch (breaker->state) {
	case CIRCUIT_CLOSED:
		closed_leave(breaker, now_ms, answered, failed);
		return;
	case CIRCUIT_HALF_OPEN:
		half_open_leave(breaker, now_ms, pass.calls, answered, failed);
		return;
	case CIRCUIT_OPEN:
		return;
	}
}

int64_t circuit_breaker_wait_ms(const struct circuit_breaker *breaker, int64_t now_ms)
{
	int64_t age = now_ms < breaker->since_ms ? 0 : now_ms - breaker->since_ms;
	if (breaker->state != CIRCUIT_OPEN || age >= breaker->open_ms)
		return 0;
	return breaker->open_ms - age;
}
