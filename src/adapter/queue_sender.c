#include "adapter/queue_sender.h"

#include "base/check.h"

#include <pthread.h>
#include <stdlib.h>

/* More than that is no news: what waits longer than a second goes out with the relay. */
#define PENDING_MAX 1024

struct queue_sender {
	struct queue base;
	struct queue *near;
	struct queue *far;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	unsigned pending[QUEUE_MONITOR + 1]; /* notifications by name; under the lock, as is_over */
	bool is_over;
};

static struct queue_sender *self_of(struct queue *queue)
{
	return (struct queue_sender *)(void *)queue;
}

/* The next notification, of each queue in turn. False at the end. */
static bool next_take(struct queue_sender *self, enum queue_name *name)
{
	CHECK(pthread_mutex_lock(&self->lock) == 0);
	while (!self->is_over && self->pending[QUEUE_REQUEST] + self->pending[QUEUE_SIGNING] +
						 self->pending[QUEUE_MONITOR] ==
					 0)
		CHECK(pthread_cond_wait(&self->news, &self->lock) == 0);
	bool goes_on = !self->is_over;
	do
		*name = *name == QUEUE_MONITOR ? QUEUE_REQUEST : (enum queue_name)(*name + 1);
	while (goes_on && self->pending[*name] == 0);
	if (goes_on)
		self->pending[*name]--;
	CHECK(pthread_mutex_unlock(&self->lock) == 0);
	return goes_on;
}

static void *sender_run(void *context)
{
	struct queue_sender *self = context;
	enum queue_name name = QUEUE_MONITOR;
	while (next_take(self, &name))
		queue_notify(self->far, name);
	return NULL;
}

static void sender_notify(struct queue *queue, enum queue_name name)
{
	struct queue_sender *self = self_of(queue);
	if (name > QUEUE_MONITOR)
		return;
	CHECK(pthread_mutex_lock(&self->lock) == 0);
	if (self->pending[name] < PENDING_MAX)
		self->pending[name]++;
	CHECK(pthread_cond_signal(&self->news) == 0);
	CHECK(pthread_mutex_unlock(&self->lock) == 0);
}

static bool sender_claim(struct queue *queue, enum queue_name name, size_t max,
			 int64_t visibility_ms, struct message *ret_messages, size_t *ret_len,
			 struct err *err)
{
	return queue_claim(self_of(queue)->near, name, max, visibility_ms, ret_messages, ret_len,
			   err);
}

static bool sender_extend(struct queue *queue, const struct message_ack *acks, size_t n,
			  int64_t visibility_ms, struct err *err)
{
	return queue_extend(self_of(queue)->near, acks, n, visibility_ms, err);
}

static bool sender_ack(struct queue *queue, const struct message_ack *acks, size_t n,
		       struct err *err)
{
	return queue_ack(self_of(queue)->near, acks, n, err);
}

static bool sender_stats(struct queue *queue, enum queue_name name, struct queue_stats *ret_stats,
			 struct err *err)
{
	return queue_stats(self_of(queue)->near, name, ret_stats, err);
}

static bool sender_wait(struct queue *queue, enum queue_name name, int64_t timeout_ms)
{
	return queue_wait(self_of(queue)->near, name, timeout_ms);
}

/* Waits for the one request that is under way, at most its deadline. */
static void sender_close(struct queue *queue)
{
	struct queue_sender *self = self_of(queue);
	CHECK(pthread_mutex_lock(&self->lock) == 0);
	self->is_over = true;
	CHECK(pthread_cond_signal(&self->news) == 0);
	CHECK(pthread_mutex_unlock(&self->lock) == 0);
	CHECK(pthread_join(self->thread, NULL) == 0);
	CHECK(pthread_cond_destroy(&self->news) == 0);
	CHECK(pthread_mutex_destroy(&self->lock) == 0);
	queue_close(self->far);
	queue_close(self->near);
	free(self);
}

static const struct queue_ops sender_ops = {
	.claim = sender_claim,
	.extend = sender_extend,
	.ack = sender_ack,
	.stats = sender_stats,
	.notify = sender_notify,
	.wait = sender_wait,
	.close = sender_close,
};

bool queue_sender_new(struct queue *near, struct queue *far, struct queue **ret_queue,
		      struct err *err)
{
	struct queue_sender *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &sender_ops;
	self->near = near;
	self->far = far;
	CHECK(pthread_mutex_init(&self->lock, NULL) == 0);
	CHECK(pthread_cond_init(&self->news, NULL) == 0);
	if (pthread_create(&self->thread, NULL, sender_run, self) != 0) {
		free(self);
		return err_set(err, ERR_NOT_DONE, "no thread for the wake-ups");
	}
	*ret_queue = &self->base;
	return true;
}
