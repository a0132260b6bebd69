#include "service/api/http_waiters.h"

#include "base/check.h"
#include "base/defence.h"
#include "service/api/ear.h"

#include <stdlib.h>
#include <string.h>

/* Whatever is told, and by whom, a waiter does not look more often. */
#define WAIT_GAP_MS 50

struct waiter {
	struct exchange *exchange; /* NULL: the place is free */
	struct id id;
	bool has_after;
	uint64_t after;
	int64_t until_ms; /* monotonic, all of them */
	int64_t look_at_ms;
	int64_t looked_ms;
	bool is_looking; /* who asks is judged again, or a job is under way */
	bool is_told;    /* it has changed since that job began */
	bool has_looked;
};

struct waiters {
	struct api_options options;
	struct ear *ear; /* NULL without a cache */
	struct metric *gauge, *by_word, *by_clock;
	struct waiter places[WAITERS_MAX];
	size_t len;
	bool is_ending;
};

static int64_t now_of(const struct waiters *waiters)
{
	return clock_monotonic_ms(waiters->options.clock);
}

/* ---- looking ---- */

static void place_free(struct waiters *waiters, struct waiter *waiter)
{
	waiter->exchange->waiter = NULL;
	waiter->exchange = NULL;
	metric_set(waiters->gauge, (int64_t)--waiters->len);
}

static bool is_done(const struct waiters *waiters, const struct waiter *waiter,
		    const struct job *job)
{
	return job->problem != PROBLEM_NONE || job->is_final ||
	       (waiter->has_after && job->version > waiter->after) ||
	       now_of(waiters) >= waiter->until_ms || waiters->is_ending;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static void answer_look(struct job *job)
{
	struct exchange *exchange = job->context;
	struct waiters *waiters = exchange_waiters(exchange);
	struct waiter *waiter = exchange->waiter;
	waiter->is_looking = false;
	if (is_done(waiters, waiter, job)) {
		exchange_answer(job);
		return;
	}
	exchange_rate(exchange, job);
	if (!waiter->has_after) {
		waiter->has_after = true;
		waiter->after = job->version;
	}
	int64_t pause_ms = waiter->is_told ? WAIT_GAP_MS : WAIT_LOOK_MS;
	waiter->look_at_ms = earlier(waiter->looked_ms + pause_ms, waiter->until_ms);
}

/* Who asks may still do so. */
void waiters_look(struct exchange *exchange)
{
	struct waiter *waiter = exchange->waiter;
	struct job *job = exchange_job(exchange, JOB_VIEW);
	if (job == NULL) /* the exchange is answered and gone: too many jobs wait */
		return;
	job->withdrawal = waiter->id;
	job->wants_row = true;
	job->is_judged = waiter->has_looked; /* a request is one, however often it looks */
	waiter->has_looked = true;
	exchange_submit(exchange, job, answer_look);
}

/* A key that is revoked, or a session that ends, ends what waits with it: who asks is judged before
 * each look, as before the first. */
static void look(struct waiters *waiters, struct waiter *waiter)
{
	struct exchange *exchange = waiter->exchange;
	bool is_known = !waiter->has_looked || !DEFENCE("waiters_are_judged_again");
	waiter->is_looking = true;
	waiter->is_told = false;
	waiter->looked_ms = now_of(waiters);
	if (is_known) {
		waiters_look(exchange);
		return;
	}
	exchange->is_address_judged = true; /* a request counts once */
	http_authenticate(exchange);
}

static void tell(struct waiters *waiters, struct waiter *waiter)
{
	waiter->is_told = true;
	if (waiter->is_looking)
		return;
	int64_t now_ms = now_of(waiters);
	if (now_ms - waiter->looked_ms < WAIT_GAP_MS) {
		waiter->look_at_ms = earlier(waiter->looked_ms + WAIT_GAP_MS, waiter->look_at_ms);
		return;
	}
	metric_count(waiters->by_word, 1);
	look(waiters, waiter);
}

static void on_heard(void *arg, const struct id *ids, size_t n)
{
	struct waiters *waiters = arg;
	for (size_t i = 0; i < WAITERS_MAX && waiters->len > 0; i++) {
		struct waiter *waiter = &waiters->places[i];
		bool is_meant = false;
		for (size_t k = 0; k < n && waiter->exchange != NULL && !is_meant; k++)
			is_meant = id_equal(ids[k], waiter->id);
		if (is_meant)
			tell(waiters, waiter);
	}
}

static void on_missed(void *arg)
{
	struct waiters *waiters = arg;
	for (size_t i = 0; i < WAITERS_MAX; i++)
		if (waiters->places[i].exchange != NULL)
			tell(waiters, &waiters->places[i]);
}

void waiters_tick(struct waiters *waiters, bool is_ending)
{
	int64_t now_ms = now_of(waiters);
	waiters->is_ending = waiters->is_ending || is_ending;
	for (size_t i = 0; i < WAITERS_MAX && waiters->len > 0; i++) {
		struct waiter *waiter = &waiters->places[i];
		if (waiter->exchange == NULL || waiter->is_looking ||
		    (now_ms < waiter->look_at_ms && !waiters->is_ending))
			continue;
		/* Who was told too soon after its last look has waited for the gap. */
		metric_count(waiter->is_told ? waiters->by_word : waiters->by_clock, 1);
		look(waiters, waiter);
	}
}

/* ---- coming ---- */

/* NULL: there is no place, or its key has enough of them. */
static struct waiter *place_find(struct waiters *waiters, const struct exchange *exchange)
{
	struct waiter *found = NULL;
	size_t own = 0;
	for (size_t i = 0; i < WAITERS_MAX; i++) {
		struct waiter *waiter = &waiters->places[i];
		if (waiter->exchange == NULL)
			found = waiter;
		else
			own += strcmp(waiter->exchange->by.id, exchange->by.id) == 0;
	}
	return own < WAITERS_OF_KEY_MAX ? found : NULL;
}

static void submit_once(struct exchange *exchange, struct id id)
{
	struct job *job = exchange_job(exchange, JOB_VIEW);
	if (job == NULL)
		return;
	job->withdrawal = id;
	exchange_submit(exchange, job, exchange_answer);
}

void waiters_submit(struct exchange *exchange, struct id id, const struct wait_query *query)
{
	struct waiters *waiters = exchange_waiters(exchange);
	struct waiter *waiter =
		query->wait_ms > 0 && !waiters->is_ending ? place_find(waiters, exchange) : NULL;
	if (waiter == NULL) {
		submit_once(exchange, id);
		return;
	}
	*waiter = (struct waiter){ .exchange = exchange,
				   .id = id,
				   .has_after = query->has_after,
				   .after = query->after,
				   .until_ms = now_of(waiters) + query->wait_ms };
	exchange->waiter = waiter;
	metric_set(waiters->gauge, (int64_t)++waiters->len);
	look(waiters, waiter);
}

void waiters_leave(struct exchange *exchange)
{
	if (exchange->waiter != NULL)
		place_free(exchange_waiters(exchange), exchange->waiter);
}

/* ---- life ---- */

struct waiters *waiters_new(const struct api_options *options,
			    void (*post)(void *context, void (*run)(void *arg), void *arg),
			    void *context)
{
	static const char name[] = "sluice_api_waiter_looks_total";
	static const char help[] = "Looks of requests that wait, by what they came from.";
	struct waiters *waiters = calloc(1, sizeof *waiters);
	CHECK(waiters != NULL);
	waiters->options = *options;
	waiters->gauge = metric_add(options->metrics, METRIC_GAUGE, "sluice_api_waiters", "",
				    "Requests that wait for a withdrawal to change.");
	waiters->by_word =
		metric_add(options->metrics, METRIC_COUNTER, name, "cause=\"told\"", help);
	waiters->by_clock =
		metric_add(options->metrics, METRIC_COUNTER, name, "cause=\"time\"", help);
	if (options->ear == NULL)
		return waiters;
	struct ear_options ear = { .cache = options->ear,
				   .post = post,
				   .context = context,
				   .heard = on_heard,
				   .missed = on_missed,
				   .arg = waiters };
	waiters->ear = ear_new(&ear);
	return waiters;
}

void waiters_free(struct waiters *waiters)
{
	if (waiters == NULL)
		return;
	ear_free(waiters->ear);
	free(waiters);
}

bool waiters_start(struct waiters *waiters, struct err *err)
{
	return waiters->ear == NULL || ear_start(waiters->ear, err);
}

void waiters_stop(struct waiters *waiters)
{
	ear_stop(waiters->ear);
}
