#include "net/loop.h"

#include "net/loop_event.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DRAIN_PART 64

struct loop_entry {
	void (*run)(void *arg);
	void *arg;
};

struct loop {
	struct event_base *base;
	struct event *wake_event;
	int wake_fd;
	bool has_run;
	pthread_t thread;
	struct loop_entry on_wake;
	struct loop_entry timers[LOOP_TIMERS_MAX];
	struct event *timer_events[LOOP_TIMERS_MAX];
	size_t timers_len;
	pthread_mutex_t mutex; /* guards what follows */
	bool awake;            /* a wake-up is under way: no need for another */
	size_t first;
	size_t len;
	struct loop_entry entries[LOOP_POSTS_MAX];
};

struct event_base *loop_event_base(struct loop *loop)
{
	return loop->base;
}

/* Takes up to DRAIN_PART entries; 0 also means that the next post wakes the loop again. */
static size_t take_posts(struct loop *loop, struct loop_entry entries[DRAIN_PART])
{
	pthread_mutex_lock(&loop->mutex);
	size_t n = loop->len < DRAIN_PART ? loop->len : DRAIN_PART;
	for (size_t i = 0; i < n; i++)
		entries[i] = loop->entries[(loop->first + i) % LOOP_POSTS_MAX];
	loop->first = (loop->first + n) % LOOP_POSTS_MAX;
	loop->len -= n;
	if (n == 0)
		loop->awake = false;
	pthread_mutex_unlock(&loop->mutex);
	return n;
}

static void on_wake_event(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	struct loop *loop = arg;
	uint64_t count;
	/* Read first: a wake-up that comes after the queue was found empty must not be lost. */
	ssize_t got = read(fd, &count, sizeof count);
	CHECK(got == (ssize_t)sizeof count || errno == EAGAIN || errno == EINTR);
	struct loop_entry entries[DRAIN_PART];
	size_t n = DRAIN_PART;
	for (size_t part = 0; n > 0 && part < LOOP_POSTS_MAX / DRAIN_PART; part++) {
		n = take_posts(loop, entries);
		for (size_t i = 0; i < n; i++)
			entries[i].run(entries[i].arg);
	}
	if (n > 0)
		loop_wake(loop); /* sockets have their turn before the rest */
	if (loop->on_wake.run != NULL)
		loop->on_wake.run(loop->on_wake.arg);
}

static void on_timer_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct loop_entry *timer = arg;
	timer->run(timer->arg);
}

/* No locks inside libevent: other threads reach the loop through loop_post alone. */
static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();
	CHECK(config != NULL);
	CHECK(event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0);
	struct event_base *base = event_base_new_with_config(config);
	CHECK(base != NULL);
	event_config_free(config);
	return base;
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof *loop);
	CHECK(loop != NULL);
	loop->base = make_base();
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(loop->wake_fd >= 0);
	CHECK(pthread_mutex_init(&loop->mutex, NULL) == 0);
	loop->wake_event =
		event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake_event, loop);
	CHECK(loop->wake_event != NULL && event_add(loop->wake_event, NULL) == 0);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	for (size_t i = 0; i < loop->timers_len; i++)
		event_free(loop->timer_events[i]);
	event_free(loop->wake_event);
	event_base_free(loop->base);
	close(loop->wake_fd);
	pthread_mutex_destroy(&loop->mutex);
	free(loop);
}

void loop_run(struct loop *loop)
{
	loop->thread = pthread_self();
	loop->has_run = true;
	CHECK(event_base_dispatch(loop->base) == 0);
}

void loop_break(struct loop *loop)
{
	CHECK(loop_is_current(loop));
	CHECK(event_base_loopbreak(loop->base) == 0);
}

bool loop_is_current(const struct loop *loop)
{
	return !loop->has_run || pthread_equal(loop->thread, pthread_self());
}

bool loop_post(struct loop *loop, void (*run)(void *arg), void *arg)
{
	CHECK(run != NULL);
	pthread_mutex_lock(&loop->mutex);
	bool fits = loop->len < LOOP_POSTS_MAX;
	if (fits) {
		loop->entries[(loop->first + loop->len) % LOOP_POSTS_MAX] =
			(struct loop_entry){ run, arg };
		loop->len++;
	}
	bool wake = fits && !loop->awake;
	if (wake)
		loop->awake = true;
	pthread_mutex_unlock(&loop->mutex);
	if (wake)
		loop_wake(loop);
	return fits;
}

void loop_every(struct loop *loop, int64_t ms, void (*run)(void *arg), void *arg)
{
	CHECK(ms >= 1 && run != NULL && loop_is_current(loop));
	CHECK(loop->timers_len < LOOP_TIMERS_MAX);
	size_t at = loop->timers_len++;
	loop->timers[at] = (struct loop_entry){ run, arg };
	loop->timer_events[at] =
		event_new(loop->base, -1, EV_PERSIST, on_timer_event, &loop->timers[at]);
	struct timeval period = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	CHECK(loop->timer_events[at] != NULL && event_add(loop->timer_events[at], &period) == 0);
}

void loop_wake(struct loop *loop)
{
	uint64_t one = 1;
	int old_errno = errno; /* of the code that a signal has interrupted */
	/* EAGAIN: the counter is full, so the loop is awake. */
	ssize_t put = write(loop->wake_fd, &one, sizeof one);
	(void)put;
	errno = old_errno;
}

void loop_on_wake(struct loop *loop, void (*run)(void *arg), void *arg)
{
	loop->on_wake = (struct loop_entry){ run, arg };
}
