#include "net/circuit_breaker.h"

#include "../testing.h"

#define START 5000000

struct bench {
	struct circuit_breaker breaker;
	struct metrics *metrics;
	int64_t now_ms;
};

static int setup(void **state)
{
	static struct bench bench;
	bench = (struct bench){ .metrics = metrics_new(), .now_ms = START };
	circuit_breaker_init(&bench.breaker, bench.metrics, "sqs");
	*state = &bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	metrics_free(bench->metrics);
	return 0;
}

static unsigned enter(struct bench *bench, unsigned wanted, struct circuit_pass *ret_pass)
{
	return circuit_breaker_enter(&bench->breaker, bench->now_ms, wanted, ret_pass);
}

static void leave(struct bench *bench, struct circuit_pass pass, unsigned answered, unsigned failed)
{
	circuit_breaker_leave(&bench->breaker, bench->now_ms, pass, answered, failed);
}

/* One call; false: it was not let through. */
static bool call(struct bench *bench, bool answered)
{
	struct circuit_pass pass;
	if (enter(bench, 1, &pass) == 0)
		return false;
	leave(bench, pass, answered, !answered);
	return true;
}

static void trip(struct bench *bench)
{
	for (int i = 0; i < BREAKER_RUN; i++)
		assert_true(call(bench, false));
	assert_int_equal(bench->breaker.state, CIRCUIT_OPEN);
}

/* Open, and its time is over. */
static void trip_and_wait(struct bench *bench)
{
	trip(bench);
	bench->now_ms += bench->breaker.open_ms;
}

static void opens_after_a_run_of_failures(void **state)
{
	struct bench *bench = *state;
	for (int i = 0; i < 100; i++)
		assert_true(call(bench, true));
	for (int i = 1; i < BREAKER_RUN; i++)
		assert_true(call(bench, false));
	assert_int_equal(bench->breaker.state, CIRCUIT_CLOSED);
	assert_true(call(bench, true));
	for (int i = 1; i < BREAKER_RUN; i++)
		assert_true(call(bench, false));
	assert_int_equal(bench->breaker.state, CIRCUIT_CLOSED);
	assert_true(call(bench, false));
	assert_int_equal(bench->breaker.state, CIRCUIT_OPEN);
	assert_false(call(bench, true));
}

static void opens_when_half_of_them_fail(void **state)
{
	struct bench *bench = *state;
	for (int i = 1; i < BREAKER_SHARE; i++) {
		assert_true(call(bench, false));
		assert_true(call(bench, true));
	}
	assert_int_equal(bench->breaker.state, CIRCUIT_CLOSED);
	assert_true(call(bench, false));
	assert_int_equal(bench->breaker.state, CIRCUIT_OPEN);
}

/* What lies more than BREAKER_CALLS calls back does not count. */
static void a_third_of_them_may_fail(void **state)
{
	struct bench *bench = *state;
	for (int i = 0; i < 999; i++)
		assert_true(call(bench, i % 3 != 0));
	assert_int_equal(bench->breaker.state, CIRCUIT_CLOSED);
}

static void stays_open_for_its_time(void **state)
{
	struct bench *bench = *state;
	trip(bench);
	assert_int_equal(circuit_breaker_wait_ms(&bench->breaker, bench->now_ms), BREAKER_OPEN_MS);
	bench->now_ms += BREAKER_OPEN_MS - 1;
	assert_int_equal(circuit_breaker_wait_ms(&bench->breaker, bench->now_ms), 1);
	assert_false(call(bench, true));
	bench->now_ms++;
	assert_int_equal(circuit_breaker_wait_ms(&bench->breaker, bench->now_ms), 0);
	assert_true(call(bench, true));
	assert_int_equal(bench->breaker.state, CIRCUIT_HALF_OPEN);
	assert_int_equal(circuit_breaker_wait_ms(&bench->breaker, bench->now_ms), 0);
}

/* Each open time that follows a failure in the trickle is twice the last, up to the longest. */
static void one_failure_in_the_trickle_opens_it_again(void **state)
{
	struct bench *bench = *state;
	int64_t expected = BREAKER_OPEN_MS;
	trip(bench);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(bench->breaker.open_ms, expected);
		bench->now_ms += expected - 1;
		assert_false(call(bench, true));
		bench->now_ms++;
		assert_true(call(bench, true));
		assert_true(call(bench, false));
		assert_int_equal(bench->breaker.state, CIRCUIT_OPEN);
		expected = expected * 2 > BREAKER_OPEN_MS_MAX ? BREAKER_OPEN_MS_MAX : expected * 2;
	}
	assert_int_equal(bench->breaker.open_ms, BREAKER_OPEN_MS_MAX);
	/* Once closed, it begins with the shortest. */
	bench->now_ms += BREAKER_OPEN_MS_MAX;
	while (bench->breaker.state != CIRCUIT_CLOSED)
		assert_true(call(bench, true));
	trip(bench);
	assert_int_equal(bench->breaker.open_ms, BREAKER_OPEN_MS);
}

/* A crowd waits: 1, 2, 4, 8 of it pass, each only when those before were answered. */
static void the_trickle_grows(void **state)
{
	struct bench *bench = *state;
	struct circuit_pass pass, late;
	trip_and_wait(bench);
	for (unsigned step = 0; step < BREAKER_STEPS; step++) {
		assert_int_equal(enter(bench, 1000, &pass), 1U << step);
		assert_int_equal(enter(bench, 1000, &late), 0);
		leave(bench, late, 0, 0);
		if (step > 0) {
			struct circuit_pass one = { pass.era, 1 };
			leave(bench, one, 1, 0);
			assert_int_equal(enter(bench, 1000, &late), 0);
			pass.calls--;
		}
		assert_int_equal(bench->breaker.state, CIRCUIT_HALF_OPEN);
		leave(bench, pass, pass.calls, 0);
	}
	assert_int_equal(bench->breaker.state, CIRCUIT_CLOSED);
	assert_int_equal(enter(bench, 1000, &pass), 1000);
	leave(bench, pass, 1000, 0);
}

/* Who calls one after the other is never refused by a trickle that is answered. */
static void one_after_the_other_closes_it(void **state)
{
	struct bench *bench = *state;
	trip_and_wait(bench);
	for (int i = 0; i < (1 << BREAKER_STEPS) - 1; i++) {
		assert_int_not_equal(bench->breaker.state, CIRCUIT_CLOSED);
		assert_true(call(bench, true));
	}
	assert_int_equal(bench->breaker.state, CIRCUIT_CLOSED);
}

/* Calls that were let through and not made give their places back. */
static void what_was_not_called_says_nothing(void **state)
{
	struct bench *bench = *state;
	struct circuit_pass pass;
	trip_and_wait(bench);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(enter(bench, 1, &pass), 1);
		leave(bench, pass, 0, 0);
		assert_int_equal(bench->breaker.state, CIRCUIT_HALF_OPEN);
	}
	while (bench->breaker.state != CIRCUIT_CLOSED)
		assert_true(call(bench, true));
	for (int i = 0; i < 2 * BREAKER_CALLS; i++) {
		assert_int_equal(enter(bench, 1, &pass), 1);
		leave(bench, pass, 0, 0);
	}
	assert_int_equal(bench->breaker.history, 0);
}

/* Of calls that were under way when the state changed nothing counts: neither opens a late failure
 * what was closed since, nor closes a late answer what was opened. */
static void late_calls_say_nothing(void **state)
{
	struct bench *bench = *state;
	struct circuit_pass early, trial;
	assert_int_equal(enter(bench, 5, &early), 5);
	trip(bench);
	leave(bench, (struct circuit_pass){ early.era, 1 }, 1, 0);
	assert_int_equal(bench->breaker.state, CIRCUIT_OPEN);
	bench->now_ms += BREAKER_OPEN_MS;
	assert_int_equal(enter(bench, 1, &trial), 1);
	leave(bench, (struct circuit_pass){ early.era, 1 }, 0, 1);
	assert_int_equal(bench->breaker.state, CIRCUIT_HALF_OPEN);
	leave(bench, (struct circuit_pass){ early.era, 1 }, 1, 0);
	assert_int_equal(bench->breaker.step, 0);
	leave(bench, trial, 1, 0);
	assert_int_equal(bench->breaker.step, 1);
	while (bench->breaker.state != CIRCUIT_CLOSED)
		assert_true(call(bench, true));
	leave(bench, (struct circuit_pass){ early.era, 2 }, 0, 2);
	assert_int_equal(bench->breaker.history, 0);
}

/* A caller that never reports holds the trickle up for no longer than a call can take. */
static void a_call_that_is_never_reported_has_failed(void **state)
{
	struct bench *bench = *state;
	struct circuit_pass lost, pass;
	trip_and_wait(bench);
	assert_int_equal(enter(bench, 1, &lost), 1);
	bench->now_ms += BREAKER_PASS_MS - 1;
	assert_int_equal(enter(bench, 1, &pass), 0);
	assert_int_equal(bench->breaker.state, CIRCUIT_HALF_OPEN);
	bench->now_ms++;
	assert_int_equal(enter(bench, 1, &pass), 0);
	assert_int_equal(bench->breaker.state, CIRCUIT_OPEN);
	bench->now_ms += 2 * BREAKER_OPEN_MS;
	assert_true(call(bench, true));
}

/* Half-open and unused for however long: the next call passes. */
static void a_trickle_that_nobody_uses_stays(void **state)
{
	struct bench *bench = *state;
	trip_and_wait(bench);
	assert_true(call(bench, true));
	bench->now_ms += 100 * BREAKER_PASS_MS;
	assert_true(call(bench, true));
	assert_int_equal(bench->breaker.state, CIRCUIT_HALF_OPEN);
}

static void a_clock_that_is_set_back_only_waits_anew(void **state)
{
	struct bench *bench = *state;
	struct circuit_pass pass;
	trip(bench);
	bench->now_ms -= START - 1;
	assert_int_equal(circuit_breaker_wait_ms(&bench->breaker, bench->now_ms), BREAKER_OPEN_MS);
	assert_false(call(bench, true));
	bench->now_ms += BREAKER_OPEN_MS;
	assert_int_equal(enter(bench, 1, &pass), 1);
	bench->now_ms -= BREAKER_OPEN_MS;
	leave(bench, pass, 1, 0);
	assert_true(call(bench, true));
	bench->now_ms = INT64_MAX;
	assert_true(call(bench, true));
}

/* However often it was asked in vain, and at whatever times. */
static void breaker_never_closes(void **state)
{
	struct bench *bench = *state;
	trip(bench);
	for (int i = 0; i < 10000; i++) {
		bench->now_ms += 1 + i % 997;
		(void)call(bench, false);
	}
	bench->now_ms += BREAKER_OPEN_MS_MAX;
	for (int i = 0; i < (1 << BREAKER_STEPS) - 1; i++)
		assert_true(call(bench, true));
	assert_int_equal(bench->breaker.state, CIRCUIT_CLOSED);
}

/* Side by side: half of them makes a failure, and it is one, not as many. */
static void a_batch_is_one_entry(void **state)
{
	struct bench *bench = *state;
	struct circuit_pass pass;
	for (int i = 1; i < BREAKER_RUN; i++) {
		assert_int_equal(enter(bench, 64, &pass), 64);
		leave(bench, pass, 10, 10);
	}
	assert_int_equal(bench->breaker.state, CIRCUIT_CLOSED);
	assert_int_equal(enter(bench, 64, &pass), 64);
	leave(bench, pass, 33, 31);
	assert_int_equal(bench->breaker.history & 1, 0);
	for (int i = 0; i < BREAKER_RUN; i++) {
		assert_int_equal(enter(bench, 64, &pass), 64);
		leave(bench, pass, 0, 64);
	}
	assert_int_equal(bench->breaker.state, CIRCUIT_OPEN);
}

static void shows_itself_in_metrics(void **state)
{
	struct bench *bench = *state;
	char storage[1024];
	struct buf out = buf_of(storage, sizeof storage);
	trip(bench);
	metrics_write(bench->metrics, &out);
	assert_str_equal(buf_view(&out),
			 "# HELP sluice_breaker_state Circuit breaker of a neighbour: 0 closed, 1 "
			 "half-open, 2 open.\n"
			 "# TYPE sluice_breaker_state gauge\n"
			 "sluice_breaker_state{neighbour=\"sqs\"} 2\n"
			 "# HELP sluice_breaker_trips_total How often the circuit breaker opened.\n"
			 "# TYPE sluice_breaker_trips_total counter\n"
			 "sluice_breaker_trips_total{neighbour=\"sqs\"} 1\n");
	bench->now_ms += BREAKER_OPEN_MS;
	assert_true(call(bench, true));
	assert_int_equal(metric_value(bench->breaker.metric_state), CIRCUIT_HALF_OPEN);
	while (bench->breaker.state != CIRCUIT_CLOSED)
		assert_true(call(bench, true));
	assert_int_equal(metric_value(bench->breaker.metric_state), CIRCUIT_CLOSED);
	assert_int_equal(metric_value(bench->breaker.metric_trips), 1);
	assert_int_equal(bench->breaker.trips, 1);
}

static void broken_promises_abort(void **state)
{
	struct bench *bench = *state;
	struct circuit_pass pass;
	assert_aborts(enter(bench, 0, &pass));
	assert_int_equal(enter(bench, 2, &pass), 2);
	assert_aborts(leave(bench, pass, 2, 1));
	assert_aborts(leave(bench, pass, 3, 0));
}

#define BREAKER_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BREAKER_TEST(opens_after_a_run_of_failures),
		BREAKER_TEST(opens_when_half_of_them_fail),
		BREAKER_TEST(a_third_of_them_may_fail),
		BREAKER_TEST(stays_open_for_its_time),
		BREAKER_TEST(one_failure_in_the_trickle_opens_it_again),
		BREAKER_TEST(the_trickle_grows),
		BREAKER_TEST(one_after_the_other_closes_it),
		BREAKER_TEST(what_was_not_called_says_nothing),
		BREAKER_TEST(late_calls_say_nothing),
		BREAKER_TEST(a_call_that_is_never_reported_has_failed),
		BREAKER_TEST(a_trickle_that_nobody_uses_stays),
		BREAKER_TEST(a_clock_that_is_set_back_only_waits_anew),
		BREAKER_TEST(breaker_never_closes),
		BREAKER_TEST(a_batch_is_one_entry),
		BREAKER_TEST(shows_itself_in_metrics),
		BREAKER_TEST(broken_promises_abort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
