#include "service/api/jobs.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/secret.h"
#include "service/api/reader.h"
#include "service/api/shedding.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S    1000000000L
#define PROBE_NS    NS_PER_S /* an idle store thread asks the store whether it is there */
#define LISTS_SHARE 8        /* of the jobs under way, at most one in so many is a list */
#define GATHER_NS   300000L  /* about what a client takes to ask again, or a commit costs */

struct job_list {
	struct job *first, *last;
};

struct jobs {
	struct jobs_options options;
	pthread_t thread;
	bool is_started;
	struct metric *overloads, *timeouts, *sheds, *gauge;
	struct job *storage;
	/* The loop thread's. Freed jobs are used again first, so that memory which the load never
	 * needed is never touched. */
	size_t touched; /* jobs of `storage` that were used before */
	struct job *free;
	struct job *oldest, *newest; /* under way, by deadline */
	size_t under_way;
	size_t accepting; /* acceptances among them */
	size_t listing;   /* and lists */
	struct shedding shedding;
	/* Guarded by the mutex. */
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct job_list accepts; /* waiting */
	struct job_list others;
	struct job_list lists;
	struct job_list done;
	size_t accepts_len;
	bool is_asleep;     /* the store thread waits for `wake`, until there are */
	size_t wake_at_len; /* so many acceptances, or another job */
	bool is_posted;     /* deliver() is on its way to the loop thread */
	bool is_stopping;
};

static void list_push(struct job_list *list, struct job *job)
{
	job->next = NULL;
	job->previous = list->last;
	if (list->last != NULL)
		list->last->next = job;
	else
		list->first = job;
	list->last = job;
}

static void list_remove(struct job_list *list, struct job *job)
{
	if (job->previous != NULL)
		job->previous->next = job->next;
	else
		list->first = job->next;
	if (job->next != NULL)
		job->next->previous = job->previous;
	else
		list->last = job->previous;
	job->next = job->previous = NULL;
}

struct jobs *jobs_new(const struct jobs_options *options)
{
	pthread_condattr_t attributes;
	struct jobs *jobs = calloc(1, sizeof *jobs);
	CHECK(jobs != NULL && options->jobs_max > 0 && options->timeout_ms > 0);
	CHECK((options->work != NULL) != (options->reader != NULL));
	jobs->options = *options;
	jobs->shedding.wait_max_ms = options->wait_max_ms;
	jobs->storage = calloc(options->jobs_max, sizeof *jobs->storage);
	CHECK(jobs->storage != NULL);
	CHECK(pthread_mutex_init(&jobs->mutex, NULL) == 0);
	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&jobs->wake, &attributes) == 0);
	CHECK(pthread_condattr_destroy(&attributes) == 0);
	jobs->overloads =
		metric_add(options->metrics, METRIC_COUNTER, "sluice_api_jobs_refused_total",
			   "reason=\"overloaded\"", "Requests that got 503.");
	jobs->timeouts =
		metric_add(options->metrics, METRIC_COUNTER, "sluice_api_jobs_refused_total",
			   "reason=\"timeout\"", "Requests that got 503.");
	jobs->sheds = metric_add(options->metrics, METRIC_COUNTER, "sluice_api_jobs_refused_total",
				 "reason=\"wait\"", "Requests that got 503.");
	jobs->gauge = metric_add(options->metrics, METRIC_GAUGE, "sluice_api_jobs", "",
				 "Requests that wait for the store or are at work in it.");
	return jobs;
}

/* What reads many rows for anybody, and changes none: it waits until all else that waits is done.
 */
static bool is_list(enum job_kind kind)
{
	return (kind == JOB_LIST || kind == JOB_EVENTS) && DEFENCE("lists_come_last");
}

static struct job_list *list_of(struct jobs *jobs, const struct job *job)
{
	if (job->kind == JOB_ACCEPT)
		return &jobs->accepts;
	return is_list(job->kind) ? &jobs->lists : &jobs->others;
}

void jobs_free(struct jobs *jobs)
{
	if (jobs == NULL)
		return;
	CHECK(!jobs->is_started && jobs->under_way == 0);
	pthread_mutex_destroy(&jobs->mutex);
	pthread_cond_destroy(&jobs->wake);
	free(jobs->storage);
	free(jobs);
}

/* ---- the loop thread ---- */

/* Of those under way the oldest acceptance; others before it are few, or wait as long. */
static int64_t oldest_age_ms(const struct jobs *jobs)
{
	const struct job *job = jobs->oldest;
	if (job == NULL)
		return 0;
	int64_t began_ms = job->deadline_ms - jobs->options.timeout_ms;
	return clock_monotonic_ms(jobs->options.clock) - began_ms;
}

static bool has_room(const struct jobs *jobs)
{
	size_t most = jobs->options.jobs_max - jobs->options.jobs_max / 4;
	return jobs->accepting < most || !DEFENCE("a_quarter_is_kept");
}

bool jobs_shed(struct jobs *jobs)
{
	bool sheds = !has_room(jobs) ||
		     !shedding_admits(&jobs->shedding, jobs->accepting, oldest_age_ms(jobs));
	metric_count(jobs->sheds, sheds ? 1 : 0);
	return sheds;
}

/* Lists are slow: many of them would hold every place for as long as they wait. */
static bool has_room_for(const struct jobs *jobs, enum job_kind kind)
{
	if (kind == JOB_ACCEPT)
		return has_room(jobs);
	return !is_list(kind) || jobs->options.reader != NULL ||
	       jobs->listing < jobs->options.jobs_max / LISTS_SHARE;
}

struct job *job_take(struct jobs *jobs, enum job_kind kind)
{
	struct job *job = jobs->free;
	if (!has_room_for(jobs, kind)) {
		metric_count(jobs->overloads, 1);
		return NULL;
	}
	if (job != NULL) {
		jobs->free = job->next;
	} else if (jobs->touched < jobs->options.jobs_max) {
		job = &jobs->storage[jobs->touched++];
	} else {
		metric_count(jobs->overloads, 1);
		return NULL;
	}
	CHECK(job->state == JOB_IDLE);
	job->next = job->previous = NULL;
	job->kind = kind;
	job->problem = PROBLEM_NONE;
	job->existing = (struct id){ 0 };
	job->found = false;
	job->is_abandoned = job->is_answered = job->is_judged = job->is_stale = false;
	job->is_address_judged = false;
	job->wants_row = job->is_final = false;
	job->detail[0] = 0;
	job->is_replayed = false;
	job->version = 0;
	job->rate = (struct rate_state){ 0 };
	jobs->under_way++;
	jobs->accepting += kind == JOB_ACCEPT ? 1 : 0;
	jobs->listing += is_list(kind) ? 1 : 0;
	job->were_there = jobs->accepting;
	return job;
}

void job_drop(struct jobs *jobs, struct job *job)
{
	CHECK(job->state == JOB_IDLE && jobs->under_way > 0);
	if (job->kind == JOB_DESK && job->body.len > 0)
		secret_wipe(job->body.at, job->body.len);
	buf_free(&job->body);
	if (job->input.len > 0)
		secret_wipe(job->input.at, job->input.len);
	buf_free(&job->input);
	job->next = jobs->free;
	jobs->free = job;
	jobs->under_way--;
	jobs->accepting -= job->kind == JOB_ACCEPT ? 1 : 0;
	jobs->listing -= is_list(job->kind) ? 1 : 0;
}

void job_submit(struct jobs *jobs, struct job *job)
{
	job->deadline_ms = clock_monotonic_ms(jobs->options.clock) + jobs->options.timeout_ms;
	job->newer = NULL;
	job->older = jobs->newest;
	if (jobs->newest != NULL)
		jobs->newest->newer = job;
	else
		jobs->oldest = job;
	jobs->newest = job;

	pthread_mutex_lock(&jobs->mutex);
	CHECK(job->state == JOB_IDLE && !jobs->is_stopping);
	job->state = JOB_WAITING;
	list_push(list_of(jobs, job), job);
	jobs->accepts_len += job->kind == JOB_ACCEPT ? 1 : 0;
	bool wakes = jobs->is_asleep &&
		     (job->kind != JOB_ACCEPT || jobs->accepts_len >= jobs->wake_at_len);
	jobs->is_asleep &= !wakes;
	pthread_mutex_unlock(&jobs->mutex);
	if (wakes)
		pthread_cond_signal(&jobs->wake);
}

static void forget(struct jobs *jobs, struct job *job)
{
	if (job->older != NULL)
		job->older->newer = job->newer;
	else
		jobs->oldest = job->newer;
	if (job->newer != NULL)
		job->newer->older = job->older;
	else
		jobs->newest = job->older;
	job->newer = job->older = NULL;
}

static void learn(struct jobs *jobs, const struct job *job, int64_t now_ms)
{
	int64_t began_ms = job->deadline_ms - jobs->options.timeout_ms;
	if (job->kind == JOB_ACCEPT)
		shedding_learn(&jobs->shedding, job->were_there, now_ms - began_ms);
}

/* Answers the done jobs. */
static void deliver(void *arg)
{
	struct jobs *jobs = arg;
	pthread_mutex_lock(&jobs->mutex);
	struct job *job = jobs->done.first;
	jobs->done = (struct job_list){ 0 };
	jobs->is_posted = false;
	for (struct job *each = job; each != NULL; each = each->next)
		each->state = JOB_IDLE;
	pthread_mutex_unlock(&jobs->mutex);

	struct job *next;
	int64_t now_ms = clock_monotonic_ms(jobs->options.clock);
	for (; job != NULL; job = next) {
		next = job->next;
		job->next = job->previous = NULL;
		if (!job->is_abandoned) {
			learn(jobs, job, now_ms);
			forget(jobs, job);
			job->answer(job);
		}
		job_drop(jobs, job);
	}
}

/* Answers a job before the store does. What waits is taken back; what is at work comes to deliver()
 * later, and is dropped there. */
static void give_up(struct jobs *jobs, struct job *job, enum problem problem)
{
	pthread_mutex_lock(&jobs->mutex);
	bool is_waiting = job->state == JOB_WAITING;
	if (is_waiting) {
		list_remove(list_of(jobs, job), job);
		jobs->accepts_len -= job->kind == JOB_ACCEPT ? 1 : 0;
		job->state = JOB_IDLE;
	}
	pthread_mutex_unlock(&jobs->mutex);
	forget(jobs, job);
	if (is_waiting) {
		job->problem = problem;
		job->answer(job);
		job_drop(jobs, job);
		return;
	}
	/* The job's answer belongs to the store thread: a stand-in carries this one. */
	struct job stand_in = { .kind = job->kind, .by = job->by, .problem = problem };
	stand_in.answer = job->answer;
	stand_in.context = job->context;
	job->is_abandoned = true;
	stand_in.answer(&stand_in);
}

void jobs_expire(struct jobs *jobs)
{
	int64_t now_ms = clock_monotonic_ms(jobs->options.clock);
	metric_set(jobs->gauge, (int64_t)jobs->under_way);
	while (jobs->oldest != NULL && jobs->oldest->deadline_ms <= now_ms) {
		metric_count(jobs->timeouts, 1);
		give_up(jobs, jobs->oldest, PROBLEM_STORE_UNAVAILABLE);
	}
}

size_t jobs_under_way(const struct jobs *jobs)
{
	return jobs->under_way;
}

/* ---- the store thread ---- */

static size_t take_waiting(struct job_list *list, struct job **ret_jobs, size_t max)
{
	size_t n = 0;
	while (n < max && list->first != NULL) {
		struct job *job = list->first;
		list_remove(list, job);
		job->state = JOB_TAKEN;
		ret_jobs[n++] = job;
	}
	return n;
}

/* Sleeps until there are `len` acceptances or another job, or for so many nanoseconds. Called with
 * the mutex held. */
static void sleep_until(struct jobs *jobs, size_t len, long nanoseconds)
{
	struct timespec until;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
	until.tv_nsec += nanoseconds;
	until.tv_sec += until.tv_nsec / NS_PER_S;
	until.tv_nsec %= NS_PER_S;
	jobs->wake_at_len = len;
	jobs->is_asleep = true;
	int error = 0;
	while (jobs->is_asleep && !jobs->is_stopping && error == 0)
		error = pthread_cond_timedwait(&jobs->wake, &jobs->mutex, &until);
	CHECK(error == 0 || error == ETIMEDOUT);
	jobs->is_asleep = false;
}

/* Clients that were just answered are about to ask again. Starting at once with those who waited
 * meanwhile would split them into two halves for ever, and a commit costs the same for either. So a
 * batch waits a moment for as many as were there the last time. Called with the mutex held. */
static void gather(struct jobs *jobs, size_t expected)
{
	if (jobs->others.first == NULL && jobs->accepts_len > 0 && jobs->accepts_len < expected &&
	    !jobs->is_stopping)
		sleep_until(jobs, expected, GATHER_NS);
}

static bool nothing_waits(const struct jobs *jobs)
{
	return jobs->accepts.first == NULL && jobs->others.first == NULL &&
	       jobs->lists.first == NULL;
}

/* Without lists. 0: there is nothing, or a list alone. */
static size_t take_batch(struct jobs *jobs, size_t *inout_expected, struct job **ret_batch,
			 bool *ret_stopping)
{
	pthread_mutex_lock(&jobs->mutex);
	if (nothing_waits(jobs) && !jobs->is_stopping)
		sleep_until(jobs, 1, PROBE_NS);
	gather(jobs, *inout_expected);
	size_t n = take_waiting(&jobs->others, ret_batch, WORK_JOBS_MAX - BATCH_MAX);
	size_t accepts = take_waiting(&jobs->accepts, ret_batch + n, BATCH_MAX);
	jobs->accepts_len -= accepts;
	*ret_stopping = jobs->is_stopping;
	*inout_expected = accepts;
	pthread_mutex_unlock(&jobs->mutex);
	return n + accepts;
}

/* One in each round, when all others are answered: whoever asks for lists without end delays nobody
 * for longer than one of them takes. */
static size_t take_list(struct jobs *jobs, struct job **ret_job)
{
	pthread_mutex_lock(&jobs->mutex);
	size_t n = take_waiting(&jobs->lists, ret_job, 1);
	pthread_mutex_unlock(&jobs->mutex);
	return n;
}

/* Returns how many acceptances wait by now. */
static size_t give_back(struct jobs *jobs, struct job **batch, size_t n)
{
	pthread_mutex_lock(&jobs->mutex);
	for (size_t i = 0; i < n; i++)
		list_push(&jobs->done, batch[i]);
	bool must_post = !jobs->is_posted;
	jobs->is_posted = true;
	size_t waiting = jobs->accepts_len;
	pthread_mutex_unlock(&jobs->mutex);
	if (must_post)
		jobs->options.post(jobs->options.context, deliver, jobs);
	return waiting;
}

static void run_batch(struct jobs *jobs, struct job **batch, size_t n)
{
	if (jobs->options.reader != NULL)
		reader_run(jobs->options.reader, batch, n);
	else
		work_run(jobs->options.work, batch, n);
}

static void probe(struct jobs *jobs)
{
	if (jobs->options.work != NULL)
		work_probe(jobs->options.work);
}

static void *run_store_thread(void *arg)
{
	struct jobs *jobs = arg;
	struct job *batch[WORK_JOBS_MAX];
	bool is_stopping = false;
	size_t expected = 0; /* acceptances in the next batch, going by this one */
	probe(jobs);
	while (!is_stopping) {
		size_t n = take_batch(jobs, &expected, batch, &is_stopping);
		if (n > 0) {
			run_batch(jobs, batch, n);
			expected += give_back(jobs, batch, n);
			expected = expected < BATCH_MAX ? expected : BATCH_MAX;
		}
		size_t lists = take_list(jobs, batch);
		if (lists > 0) {
			run_batch(jobs, batch, lists);
			(void)give_back(jobs, batch, lists);
		} else if (n == 0 && !is_stopping) {
			probe(jobs);
		}
	}
	return NULL;
}

/* ---- start and stop ---- */

bool jobs_start(struct jobs *jobs, struct err *err)
{
	sigset_t all, before;
	CHECK(!jobs->is_started);
	/* Signals are the main thread's business. */
	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	jobs->is_started = pthread_create(&jobs->thread, NULL, run_store_thread, jobs) == 0;
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (!jobs->is_started)
		return err_set(err, ERR_NOT_DONE, "no thread for the store");
	return true;
}

void jobs_stop(struct jobs *jobs)
{
	if (!jobs->is_started)
		return;
	while (jobs->oldest != NULL)
		give_up(jobs, jobs->oldest, PROBLEM_SHUTTING_DOWN);
	pthread_mutex_lock(&jobs->mutex);
	jobs->is_stopping = true;
	jobs->is_asleep = false;
	pthread_mutex_unlock(&jobs->mutex);
	pthread_cond_signal(&jobs->wake);
	CHECK(pthread_join(jobs->thread, NULL) == 0);
	jobs->is_started = false;
	deliver(jobs); /* what was given up while it was at work */
}
