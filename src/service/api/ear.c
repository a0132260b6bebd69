#include "service/api/ear.h"

#include "base/check.h"
#include "service/api/changes.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAR_MS   250 /* how long a stop may have to wait */
#define PAUSE_MS  250
#define HEARD_MAX 1024

struct ear {
	struct ear_options options;
	pthread_t thread;
	bool is_started;
	atomic_bool is_over;
	/* Guarded by the mutex. */
	pthread_mutex_t mutex;
	struct id ids[HEARD_MAX];
	size_t len;
	bool has_missed;
	bool is_posted;
	/* The loop thread's. */
	struct id taken[HEARD_MAX];
};

struct ear *ear_new(const struct ear_options *options)
{
	struct ear *ear = calloc(1, sizeof *ear);
	CHECK(ear != NULL && options->cache != NULL);
	ear->options = *options;
	atomic_init(&ear->is_over, false);
	CHECK(pthread_mutex_init(&ear->mutex, NULL) == 0);
	return ear;
}

void ear_free(struct ear *ear)
{
	if (ear == NULL)
		return;
	CHECK(!ear->is_started);
	pthread_mutex_destroy(&ear->mutex);
	free(ear);
}

/* On the loop's thread. */
static void deliver(void *arg)
{
	struct ear *ear = arg;
	pthread_mutex_lock(&ear->mutex);
	size_t len = ear->len;
	bool has_missed = ear->has_missed;
	memcpy(ear->taken, ear->ids, len * sizeof *ear->ids);
	ear->len = 0;
	ear->has_missed = ear->is_posted = false;
	pthread_mutex_unlock(&ear->mutex);
	if (has_missed)
		ear->options.missed(ear->options.arg);
	else if (len > 0)
		ear->options.heard(ear->options.arg, ear->taken, len);
}

static void keep(struct ear *ear, const struct id *ids, size_t n)
{
	pthread_mutex_lock(&ear->mutex);
	if (ear->len + n <= HEARD_MAX) {
		memcpy(&ear->ids[ear->len], ids, n * sizeof *ids);
		ear->len += n;
	} else {
		ear->has_missed = true;
	}
	bool must_post = !ear->is_posted;
	ear->is_posted = true;
	pthread_mutex_unlock(&ear->mutex);
	if (must_post)
		ear->options.post(ear->options.context, deliver, ear);
}

static void *listen_on(void *arg)
{
	struct ear *ear = arg;
	char storage[CACHE_TEXT_MAX];
	struct id ids[BATCH_MAX];
	while (!atomic_load(&ear->is_over)) {
		struct buf text = buf_of(storage, sizeof storage);
		if (!cache_hear(ear->options.cache, CHANGES_CHANNEL, HEAR_MS, &text, NULL)) {
			(void)nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
			continue;
		}
		size_t n = changes_read(buf_view(&text), ids);
		if (n > 0)
			keep(ear, ids, n);
	}
	return NULL;
}

bool ear_start(struct ear *ear, struct err *err)
{
	sigset_t all, before;
	CHECK(!ear->is_started);
	/* Signals are the main thread's business. */
	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	ear->is_started = pthread_create(&ear->thread, NULL, listen_on, ear) == 0;
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	return ear->is_started || err_set(err, ERR_NOT_DONE, "no thread to listen with");
}

void ear_stop(struct ear *ear)
{
	if (ear == NULL || !ear->is_started)
		return;
	atomic_store(&ear->is_over, true);
	CHECK(pthread_join(ear->thread, NULL) == 0);
	ear->is_started = false;
}
