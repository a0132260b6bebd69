#include "service/api/hashing.h"

#include "base/check.h"
#include "base/secret.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum task_state {
	TASK_FREE,
	TASK_WAITING,
	TASK_TAKEN,
	TASK_DONE,
};

struct hash_task {
	enum task_state state;
	uint64_t number; /* first come, first served */
	uint8_t *password;
	size_t password_len;
	char text[PASSWORD_HASH_LEN + 1];
	struct hash_result result;
	void (*done)(void *context, const struct hash_result *result);
	void *context;
};

struct hashing {
	struct hashing_options options;
	pthread_t threads[HASHING_THREADS];
	size_t threads_len;
	char nobody[PASSWORD_HASH_LEN + 1];
	struct secret passwords; /* PASSWORD_LEN_MAX bytes for each task */
	pthread_mutex_t mutex;   /* guards what follows */
	pthread_cond_t wake;
	struct hash_task tasks[HASHING_MAX];
	uint64_t submitted;
	bool is_posted;
	bool is_stopping;
};

struct hashing *hashing_new(const struct hashing_options *options)
{
	struct hashing *hashing = calloc(1, sizeof *hashing);
	CHECK(hashing != NULL && options->hasher != NULL);
	hashing->options = *options;
	CHECK(pthread_mutex_init(&hashing->mutex, NULL) == 0);
	CHECK(pthread_cond_init(&hashing->wake, NULL) == 0);
	return hashing;
}

void hashing_free(struct hashing *hashing)
{
	if (hashing == NULL)
		return;
	CHECK(hashing->threads_len == 0);
	secret_free(&hashing->passwords);
	pthread_mutex_destroy(&hashing->mutex);
	pthread_cond_destroy(&hashing->wake);
	free(hashing);
}

/* ---- the loop thread ---- */

static struct hash_task *task_find(struct hashing *hashing, enum task_state state)
{
	struct hash_task *first = NULL;
	for (size_t i = 0; i < HASHING_MAX; i++) {
		struct hash_task *task = &hashing->tasks[i];
		if (task->state == state && (first == NULL || task->number < first->number))
			first = task;
	}
	return first;
}

/* text "": a hash is to be made. */
static bool submit(struct hashing *hashing, struct str password, const char *text,
		   void (*done)(void *context, const struct hash_result *result), void *context)
{
	CHECK(password.len > 0 && password.len <= PASSWORD_LEN_MAX);
	pthread_mutex_lock(&hashing->mutex);
	struct hash_task *task = task_find(hashing, TASK_FREE);
	if (task != NULL) {
		memcpy(task->password, password.at, password.len);
		task->password_len = password.len;
		(void)snprintf(task->text, sizeof task->text, "%s", text);
		task->done = done;
		task->context = context;
		task->number = hashing->submitted++;
		task->state = TASK_WAITING;
	}
	pthread_mutex_unlock(&hashing->mutex);
	if (task != NULL)
		pthread_cond_signal(&hashing->wake);
	return task != NULL;
}

bool hashing_submit(struct hashing *hashing, struct str password, const char *text,
		    void (*done)(void *context, const struct hash_result *result), void *context)
{
	/* A row that somebody edited has any text there, and is compared all the same. */
	bool is_text = text != NULL && text[0] != 0;
	return submit(hashing, password, is_text ? text : hashing->nobody, done, context);
}

bool hashing_make(struct hashing *hashing, struct str password,
		  void (*done)(void *context, const struct hash_result *result), void *context)
{
	return submit(hashing, password, "", done, context);
}

static void deliver(void *arg)
{
	struct hashing *hashing = arg;
	pthread_mutex_lock(&hashing->mutex);
	hashing->is_posted = false;
	for (;;) {
		struct hash_task *task = task_find(hashing, TASK_DONE);
		if (task == NULL)
			break;
		struct hash_result result = task->result;
		void (*done)(void *, const struct hash_result *) = task->done;
		void *context = task->context;
		task->state = TASK_FREE;
		pthread_mutex_unlock(&hashing->mutex); /* it may submit another one */
		done(context, &result);
		pthread_mutex_lock(&hashing->mutex);
	}
	pthread_mutex_unlock(&hashing->mutex);
}

/* ---- the hashing threads ---- */

static void task_run(const struct hashing_options *options, struct hash_task *task)
{
	struct err err;
	bool is_weak = false;
	struct hash_result result = { 0 };
	struct str password = str_from_bytes(task->password, task->password_len);
	if (task->text[0] == 0)
		result.is_known = password_hash(options->hasher, password, options->entropy,
						result.renewed, &err);
	else
		result.is_known = password_verify(options->hasher, password, task->text,
						  &result.is_equal, &is_weak, &err);
	if (result.is_known && result.is_equal && is_weak &&
	    !password_hash(options->hasher, password, options->entropy, result.renewed, &err))
		result.renewed[0] = 0; /* at the next login */
	secret_wipe(task->password, PASSWORD_LEN_MAX);
	task->result = result;
}

static void *run_hashing_thread(void *arg)
{
	struct hashing *hashing = arg;
	pthread_mutex_lock(&hashing->mutex);
	while (!hashing->is_stopping) {
		struct hash_task *task = task_find(hashing, TASK_WAITING);
		if (task == NULL) {
			pthread_cond_wait(&hashing->wake, &hashing->mutex);
			continue;
		}
		task->state = TASK_TAKEN;
		pthread_mutex_unlock(&hashing->mutex);
		task_run(&hashing->options, task);
		pthread_mutex_lock(&hashing->mutex);
		task->state = TASK_DONE;
		bool must_post = !hashing->is_posted && !hashing->is_stopping;
		hashing->is_posted = hashing->is_posted || must_post;
		pthread_mutex_unlock(&hashing->mutex);
		if (must_post)
			hashing->options.post(hashing->options.context, deliver, hashing);
		pthread_mutex_lock(&hashing->mutex);
	}
	pthread_mutex_unlock(&hashing->mutex);
	return NULL;
}

/* ---- start and stop ---- */

/* A random password's hash: as slow to compare with as anybody's. */
static bool nobody_make(struct hashing *hashing, struct err *err)
{
	uint8_t random[32];
	entropy_fill(hashing->options.entropy, random, sizeof random);
	return password_hash(hashing->options.hasher, str_from_bytes(random, sizeof random),
			     hashing->options.entropy, hashing->nobody, err);
}

bool hashing_start(struct hashing *hashing, struct err *err)
{
	sigset_t all, before;
	if (!secret_new(&hashing->passwords, (size_t)HASHING_MAX * PASSWORD_LEN_MAX, err) ||
	    !nobody_make(hashing, err))
		return false;
	for (size_t i = 0; i < HASHING_MAX; i++)
		hashing->tasks[i].password = hashing->passwords.at + i * PASSWORD_LEN_MAX;
	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	for (size_t i = 0; i < HASHING_THREADS; i++)
		if (pthread_create(&hashing->threads[hashing->threads_len], NULL,
				   run_hashing_thread, hashing) == 0)
			hashing->threads_len++;
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (hashing->threads_len < HASHING_THREADS)
		return err_set(err, ERR_NOT_DONE, "no thread for passwords");
	return true;
}

void hashing_stop(struct hashing *hashing)
{
	if (hashing == NULL)
		return;
	pthread_mutex_lock(&hashing->mutex);
	hashing->is_stopping = true;
	pthread_mutex_unlock(&hashing->mutex);
	pthread_cond_broadcast(&hashing->wake);
	for (size_t i = 0; i < hashing->threads_len; i++)
		CHECK(pthread_join(hashing->threads[i], NULL) == 0);
	hashing->threads_len = 0;
}
