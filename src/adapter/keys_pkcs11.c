#include "adapter/keys_pkcs11.h"

#include "adapter/keys_pkcs11_token.h"
#include "core/limits.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORKERS_MAX (PKCS11_SESSIONS_MAX + PKCS11_GIVEN_UP_MAX)
#define NS_PER_MS   1000000
#define MS_PER_S    1000

enum task {
	TASK_OPEN,
	TASK_ADDRESS,
	TASK_SIGN,
};

struct job {
	struct batch *batch;
	struct job *next; /* in the queue */
	char key[KEY_REF_LEN_MAX + 1];
	struct hash32 digest;
	/* What came of it. */
	bool done;
	uint8_t bytes[64];
	struct err err;
};

/* What a caller waits for. It lives until nobody works on it, also when the caller has gone on. */
struct batch {
	enum task task;
	unsigned holders; /* the caller, and who works on a job of it */
	size_t open;      /* jobs that have not ended */
	struct job *jobs;
	size_t len;
};

enum worker_state {
	WORKER_NONE,
	WORKER_IDLE,
	WORKER_BUSY,
	WORKER_GIVEN_UP, /* in a call that does not come back; ends itself if it does */
};

struct worker {
	struct pool *pool;
	enum worker_state state;
	int64_t busy_since; /* monotonic */
	pthread_t thread;
	bool is_ours; /* the thread: to be joined, or detached when it is given up */
};

/* Shared by the caller and the workers; freed by the last of them. */
struct pool {
	pthread_mutex_t mutex; /* of all that follows */
	pthread_cond_t wake;   /* work, or the end */
	pthread_cond_t ended;  /* a batch or a worker has */
	unsigned holders;      /* the caller, and each worker */
	bool is_closing;
	struct job *first, *last; /* the queue */
	struct worker workers[WORKERS_MAX];
	size_t running; /* idle or busy */
	size_t given_up;
	struct pkcs11_token *token;
};

struct pkcs11_keys {
	struct keys base;
	struct pool *pool;
	size_t sessions;
	int64_t deadline_ms;
};

static struct pkcs11_keys *pkcs11_of(struct keys *keys)
{
	return (struct pkcs11_keys *)keys;
}

/* --- time ---------------------------------------------------------------------------------------
 */

static int64_t now_ms(void)
{
	struct timespec now;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(cond, &attributes) == 0);
	CHECK(pthread_condattr_destroy(&attributes) == 0);
}

/* --- batches ------------------------------------------------------------------------------------
 */

static struct batch *batch_new(enum task task, size_t len)
{
	struct batch *batch = calloc(1, sizeof *batch);
	CHECK(batch != NULL);
	batch->jobs = calloc(len, sizeof *batch->jobs);
	CHECK(batch->jobs != NULL);
	batch->task = task;
	batch->holders = 1;
	batch->open = len;
	batch->len = len;
	for (size_t i = 0; i < len; i++) {
		batch->jobs[i].batch = batch;
		err_set(&batch->jobs[i].err, ERR_NOT_DONE, "the token does not answer in time");
	}
	return batch;
}

/* With the mutex, unless nobody else has it. */
static void batch_release(struct batch *batch)
{
	if (--batch->holders > 0)
		return;
	free(batch->jobs);
	free(batch);
}

/* The part of a reference behind the token's name. */
static void job_set(struct job *job, const char *key_ref)
{
	struct str name, key = { 0 };
	(void)str_cut(str_from(key_ref), '/', &name, &key);
	CHECK(str_copy(key, job->key, sizeof job->key));
}

static void queue_push(struct pool *pool, struct batch *batch)
{
	for (size_t i = 0; i < batch->len; i++) {
		struct job *job = &batch->jobs[i];
		if (pool->last != NULL)
			pool->last->next = job;
		else
			pool->first = job;
		pool->last = job;
	}
}

static struct job *queue_pop(struct pool *pool)
{
	struct job *job = pool->first;
	pool->first = job->next;
	if (pool->first == NULL)
		pool->last = NULL;
	return job;
}

/* --- workers ------------------------------------------------------------------------------------
 */

/* With the mutex, which it gives back. */
static void pool_release(struct pool *pool)
{
	bool is_last = --pool->holders == 0;
	pthread_mutex_unlock(&pool->mutex);
	if (!is_last)
		return;
	pkcs11_token_free(pool->token);
	pthread_cond_destroy(&pool->ended);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

/* The outcome is written into `result`, for the caller may have gone on. */
static void job_run(struct pkcs11_session *session, enum task task, const struct job *job,
		    struct job *result)
{
	switch (task) {
	case TASK_OPEN:
		result->done = pkcs11_session_open(session, &result->err);
		return;
	case TASK_ADDRESS:
		result->done = pkcs11_public_key(session, job->key, result->bytes, &result->err);
		return;
	case TASK_SIGN:
		result->done =
			pkcs11_sign(session, job->key, job->digest, result->bytes, &result->err);
		return;
	}
}

/* With the mutex, which is free during the call. */
static void worker_do(struct worker *worker, struct pkcs11_session *session)
{
	struct pool *pool = worker->pool;
	struct job *job = queue_pop(pool);
	struct batch *batch = job->batch;
	struct job result = { 0 };
	batch->holders++;
	worker->state = WORKER_BUSY;
	worker->busy_since = now_ms();
	pthread_mutex_unlock(&pool->mutex);
	job_run(session, batch->task, job, &result);
	pthread_mutex_lock(&pool->mutex);
	if (worker->state == WORKER_BUSY)
		worker->state = WORKER_IDLE;
	job->done = result.done;
	job->err = result.err;
	memcpy(job->bytes, result.bytes, sizeof job->bytes);
	if (--batch->open == 0)
		pthread_cond_broadcast(&pool->ended);
	batch_release(batch);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct pool *pool = worker->pool;
	struct pkcs11_session *session = pkcs11_session_new(pool->token);
	pthread_mutex_lock(&pool->mutex);
	while (!pool->is_closing && worker->state != WORKER_GIVEN_UP) {
		if (pool->first != NULL)
			worker_do(worker, session);
		else
			pthread_cond_wait(&pool->wake, &pool->mutex);
	}
	pthread_mutex_unlock(&pool->mutex);
	pkcs11_session_free(session);
	pthread_mutex_lock(&pool->mutex);
	if (worker->state == WORKER_GIVEN_UP)
		pool->given_up--;
	else
		pool->running--;
	worker->state = WORKER_NONE;
	pthread_cond_broadcast(&pool->ended);
	pool_release(pool);
	return NULL;
}

/* With all signals blocked: SIGTERM is the business of the role's own threads. */
static bool worker_start(struct pool *pool, struct worker *worker)
{
	sigset_t all, old;
	worker->pool = pool;
	worker->state = WORKER_IDLE;
	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
	bool ok = pthread_create(&worker->thread, NULL, work, worker) == 0;
	CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
	if (!ok) {
		worker->state = WORKER_NONE;
		return false;
	}
	worker->is_ours = true;
	pool->running++;
	pool->holders++;
	return true;
}

static void worker_leave(struct worker *worker)
{
	if (worker->is_ours)
		CHECK(pthread_detach(worker->thread) == 0);
	worker->is_ours = false;
}

/* With the mutex: as many as there should be, if threads can be had. */
static void pool_fill(struct pool *pool, size_t sessions)
{
	for (size_t i = 0; i < WORKERS_MAX && pool->running < sessions; i++)
		if (pool->workers[i].state == WORKER_NONE && pool->given_up < PKCS11_GIVEN_UP_MAX &&
		    !worker_start(pool, &pool->workers[i]))
			return;
}

/* With the mutex: calls that have lasted for half of a deadline have no business to. */
static void pool_give_up(struct pool *pool, int64_t deadline_ms)
{
	int64_t now = now_ms();
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *worker = &pool->workers[i];
		if (worker->state != WORKER_BUSY || now - worker->busy_since < deadline_ms / 2)
			continue;
		worker->state = WORKER_GIVEN_UP;
		worker_leave(worker);
		pool->running--;
		pool->given_up++;
	}
}

/* --- calls --------------------------------------------------------------------------------------
 */

/* With the mutex: until the batch has ended, or the time is over. What then waits is forgotten,
 * what is under way is left to itself. */
static bool batch_wait(struct pool *pool, struct batch *batch, int64_t deadline_ms)
{
	int64_t until = now_ms() + deadline_ms;
	struct timespec at = { .tv_sec = until / MS_PER_S,
			       .tv_nsec = until % MS_PER_S * NS_PER_MS };
	while (batch->open > 0 && now_ms() < until)
		(void)pthread_cond_timedwait(&pool->ended, &pool->mutex, &at);
	if (batch->open == 0)
		return true;
	pool->first = pool->last = NULL; /* one caller: the queue is of its batch */
	pool_give_up(pool, deadline_ms);
	return false;
}

/* Runs all jobs of the batch, and copies what came of them into ret_jobs. */
static void batch_run(struct pkcs11_keys *keys, struct batch *batch, int64_t deadline_ms,
		      struct job *ret_jobs)
{
	struct pool *pool = keys->pool;
	size_t len = batch->len;
	pthread_mutex_lock(&pool->mutex);
	pool_fill(pool, keys->sessions);
	if (pool->running > 0) {
		queue_push(pool, batch);
		pthread_cond_broadcast(&pool->wake);
		if (!batch_wait(pool, batch, deadline_ms))
			pool_fill(pool, keys->sessions);
	}
	memcpy(ret_jobs, batch->jobs, len * sizeof *ret_jobs);
	batch_release(batch);
	pthread_mutex_unlock(&pool->mutex);
}

static bool fail(struct err *err, const struct job *job)
{
	if (err != NULL)
		*err = job->err;
	return false;
}

static void pkcs11_sign_many(struct keys *base, const struct keys_request *requests, size_t n,
			     struct keys_result *ret_results)
{
	struct pkcs11_keys *keys = pkcs11_of(base);
	struct batch *batch = batch_new(TASK_SIGN, n);
	struct job *jobs = calloc(n, sizeof *jobs);
	CHECK(jobs != NULL);
	for (size_t i = 0; i < n; i++) {
		job_set(&batch->jobs[i], requests[i].key_ref);
		batch->jobs[i].digest = requests[i].digest;
	}
	batch_run(keys, batch, keys->deadline_ms, jobs);
	for (size_t i = 0; i < n; i++) {
		ret_results[i] = (struct keys_result){ .done = jobs[i].done, .err = jobs[i].err };
		memcpy(ret_results[i].r, jobs[i].bytes, 32);
		memcpy(ret_results[i].s, jobs[i].bytes + 32, 32);
	}
	free(jobs);
}

static bool pkcs11_address(struct keys *base, const char *key_ref, struct address *ret_address,
			   struct err *err)
{
	struct pkcs11_keys *keys = pkcs11_of(base);
	struct batch *batch = batch_new(TASK_ADDRESS, 1);
	struct job job;
	job_set(&batch->jobs[0], key_ref);
	batch_run(keys, batch, keys->deadline_ms, &job);
	if (!job.done)
		return fail(err, &job);
	*ret_address = address_of_public_key(job.bytes);
	return true;
}

/* A thread that has ended is waited for to the last: libraries clean up behind it. */
static void workers_join(struct pool *pool)
{
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker *worker = &pool->workers[i];
		pthread_mutex_lock(&pool->mutex);
		if (worker->state != WORKER_NONE)
			worker_leave(worker);
		bool is_ours = worker->is_ours;
		worker->is_ours = false;
		pthread_mutex_unlock(&pool->mutex);
		if (is_ours)
			CHECK(pthread_join(worker->thread, NULL) == 0);
	}
}

/* Waits for those whose calls come back; the others end themselves one day, or with the process. */
static void pkcs11_close(struct keys *base)
{
	struct pkcs11_keys *keys = pkcs11_of(base);
	struct pool *pool = keys->pool;
	int64_t until = now_ms() + keys->deadline_ms;
	struct timespec at = { .tv_sec = until / MS_PER_S,
			       .tv_nsec = until % MS_PER_S * NS_PER_MS };
	pthread_mutex_lock(&pool->mutex);
	pool->is_closing = true;
	pthread_cond_broadcast(&pool->wake);
	while (pool->running > 0 && now_ms() < until)
		(void)pthread_cond_timedwait(&pool->ended, &pool->mutex, &at);
	pthread_mutex_unlock(&pool->mutex);
	workers_join(pool);
	pthread_mutex_lock(&pool->mutex);
	pool_release(pool);
	free(keys);
}

static const struct keys_ops pkcs11_ops = {
	.sign_many = pkcs11_sign_many,
	.address = pkcs11_address,
	.close = pkcs11_close,
};

static struct pool *pool_new(struct pkcs11_token *token)
{
	struct pool *pool = calloc(1, sizeof *pool);
	CHECK(pool != NULL);
	CHECK(pthread_mutex_init(&pool->mutex, NULL) == 0);
	cond_init(&pool->wake);
	cond_init(&pool->ended);
	pool->holders = 1;
	pool->token = token;
	return pool;
}

bool keys_pkcs11_open(const struct keys_pkcs11_options *options, struct keys **ret_keys,
		      struct err *err)
{
	struct pkcs11_place place = { options->module, options->token, options->pin };
	struct pkcs11_token *token;
	struct job job;
	CHECK(options->sessions >= 1 && options->sessions <= PKCS11_SESSIONS_MAX);
	CHECK(options->deadline_ms > 0 && options->start_ms > 0);
	if (!pkcs11_token_new(&place, &token, err))
		return false;
	struct pkcs11_keys *keys = calloc(1, sizeof *keys);
	CHECK(keys != NULL);
	keys->base.ops = &pkcs11_ops;
	keys->pool = pool_new(token);
	keys->sessions = options->sessions;
	keys->deadline_ms = options->deadline_ms;
	batch_run(keys, batch_new(TASK_OPEN, 1), options->start_ms, &job);
	if (!job.done && job.err.kind != ERR_NOT_DONE) {
		pkcs11_close(&keys->base);
		return fail(err, &job);
	}
	*ret_keys = &keys->base;
	return true;
}
