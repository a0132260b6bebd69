#include "service/api/http_lists.h"

#include "base/check.h"
#include "net/circuit_breaker.h"
#include "service/api/reader.h"

#include <stdlib.h>

#define AGE_DIGITS 24

struct lists {
	struct api_options options;
	struct reader *reader;
	struct jobs *jobs; /* those of the replica's thread */
	struct circuit_breaker breaker;
	struct metric *answered, *stale, *unavailable, *spared;
};

/* What a list needs once more when it goes to the store after all. */
struct listing {
	struct list_query query;
	struct circuit_pass pass;
};

struct lists *lists_new(const struct api_options *options,
			void (*post)(void *context, void (*run)(void *arg), void *arg),
			void *context)
{
	static const char name[] = "sluice_replica_lists_total";
	static const char help[] = "Lists that a replica could answer, by what it did.";
	if (options->replica == NULL)
		return NULL;
	struct lists *lists = calloc(1, sizeof *lists);
	CHECK(lists != NULL);
	lists->options = *options;
	lists->reader = reader_new(options);
	struct jobs_options jobs = { .reader = lists->reader,
				     .clock = options->clock,
				     .jobs_max = LISTS_JOBS_MAX,
				     .timeout_ms = LISTS_WAIT_MS,
				     .post = post,
				     .context = context };
	lists->jobs = jobs_new(&jobs);
	circuit_breaker_init(&lists->breaker, options->metrics, "replica");
	lists->answered =
		metric_add(options->metrics, METRIC_COUNTER, name, "result=\"answered\"", help);
	lists->stale = metric_add(options->metrics, METRIC_COUNTER, name, "result=\"stale\"", help);
	lists->unavailable =
		metric_add(options->metrics, METRIC_COUNTER, name, "result=\"unavailable\"", help);
	lists->spared =
		metric_add(options->metrics, METRIC_COUNTER, name, "result=\"not_asked\"", help);
	return lists;
}

void lists_free(struct lists *lists)
{
	if (lists == NULL)
		return;
	jobs_free(lists->jobs);
	reader_free(lists->reader);
	free(lists);
}

bool lists_start(struct lists *lists, struct err *err)
{
	return lists == NULL || jobs_start(lists->jobs, err);
}

void lists_stop(struct lists *lists)
{
	if (lists != NULL)
		jobs_stop(lists->jobs);
}

void lists_expire(struct lists *lists)
{
	if (lists != NULL)
		jobs_expire(lists->jobs);
}

/* ---- one list ---- */

static int64_t now_of(const struct lists *lists)
{
	return clock_monotonic_ms(lists->options.clock);
}

/* Who asks by an external id asks whether a payment was made: that is a look-up of a key. */
static bool is_one(const struct list_query *query)
{
	return query->external_id[0] != 0;
}

/* is_judged: the replica's thread has judged it by the shared limit, or was about to. */
static void submit_to_store(struct exchange *exchange, const struct list_query *query,
			    bool is_judged)
{
	struct job *job = exchange_job(exchange, is_one(query) ? JOB_LIST_ONE : JOB_LIST);
	if (job == NULL)
		return;
	job->list = *query;
	job->is_judged = is_judged;
	exchange_submit(exchange, job, exchange_answer);
}

static void reply_with_age(struct exchange *exchange, const struct job *job)
{
	char storage[AGE_DIGITS];
	struct buf age = buf_of(storage, sizeof storage);
	buf_decimal(&age, (uint64_t)(job->age_ms + 999) / 1000);
	struct http_pair header = { STR("Age"), buf_view(&age) };
	exchange_rate(exchange, job);
	exchange_reply(exchange, job->status, buf_view(&job->body), &header, 1);
}

/* The replica's thread is done with it, or its time is up. */
static void answer_from_replica(struct job *job)
{
	struct exchange *exchange = job->context;
	struct lists *lists = exchange_lists(exchange);
	struct listing *listing = exchange->listing;
	bool failed = job->problem == PROBLEM_STORE_UNAVAILABLE;
	bool answered = job->problem == PROBLEM_NONE;
	circuit_breaker_leave(&lists->breaker, now_of(lists), listing->pass, answered, failed);
	if (answered) {
		metric_count(lists->answered, 1);
		reply_with_age(exchange, job);
		return;
	}
	if (!failed) {
		exchange_answer(job);
		return;
	}
	metric_count(job->is_stale ? lists->stale : lists->unavailable, 1);
	exchange_rate(exchange, job);
	submit_to_store(exchange, &listing->query, true);
}

/* False: it goes to the store, and nothing is under way. */
static bool submit_to_replica(struct lists *lists, struct exchange *exchange,
			      const struct list_query *query)
{
	struct circuit_pass pass;
	if (circuit_breaker_enter(&lists->breaker, now_of(lists), 1, &pass) == 0)
		return false;
	struct job *job = job_take(lists->jobs, JOB_LIST);
	if (job == NULL) {
		circuit_breaker_leave(&lists->breaker, now_of(lists), pass, 0, 0);
		return false;
	}
	exchange->listing = http_request_alloc(exchange->request, sizeof *exchange->listing);
	*exchange->listing = (struct listing){ *query, pass };
	exchange_job_fill(exchange, job);
	job->list = *query;
	job->answer = answer_from_replica;
	job_submit(lists->jobs, job);
	return true;
}

/* Whether a payment was made only the store knows. RFC 9111 5.2.1.4: "no-cache" wants what the
 * origin says now. */
static bool may_be_old(const struct exchange *exchange, const struct list_query *query)
{
	struct str control = { 0 };
	size_t lines = http_header(exchange->request, "cache-control", &control);
	return !is_one(query) &&
	       (lines == 0 || (lines == 1 && !str_contains_fold(control, STR("no-cache"))));
}

void lists_submit(struct exchange *exchange, const struct list_query *query)
{
	struct lists *lists = exchange_lists(exchange);
	bool is_asked = lists != NULL && may_be_old(exchange, query);
	if (is_asked && submit_to_replica(lists, exchange, query))
		return;
	if (is_asked)
		metric_count(lists->spared, 1);
	submit_to_store(exchange, query, false);
}
