/* A queue that hangs, and who does not wait for it. */
#include "../testing.h"

#include "adapter/queue_sender.h"

#include <pthread.h>

/* Its notify waits until the gate is open; the gate counts who came. */
struct gate {
	struct queue base;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool is_open;
	unsigned came[QUEUE_MONITOR + 1];
	unsigned passed;
	unsigned closed;
};

static struct gate *gate_of(struct queue *queue)
{
	return (struct gate *)(void *)queue;
}

static void gate_notify(struct queue *queue, enum queue_name name)
{
	struct gate *gate = gate_of(queue);
	pthread_mutex_lock(&gate->lock);
	gate->came[name]++;
	pthread_cond_broadcast(&gate->moved);
	while (!gate->is_open)
		pthread_cond_wait(&gate->moved, &gate->lock);
	gate->passed++;
	pthread_cond_broadcast(&gate->moved);
	pthread_mutex_unlock(&gate->lock);
}

static bool gate_stats(struct queue *queue, enum queue_name name, struct queue_stats *ret_stats,
		       struct err *err)
{
	(void)queue;
	(void)err;
	*ret_stats = (struct queue_stats){ .queue = name, .waiting = 7 };
	return true;
}

static void gate_close(struct queue *queue)
{
	gate_of(queue)->closed++;
}

static const struct queue_ops gate_ops = {
	.notify = gate_notify,
	.stats = gate_stats,
	.close = gate_close,
};

static struct gate gate_make(void)
{
	return (struct gate){ .base.ops = &gate_ops,
			      .lock = PTHREAD_MUTEX_INITIALIZER,
			      .moved = PTHREAD_COND_INITIALIZER };
}

static void nobody_waits_and_nothing_is_forgotten(void **state)
{
	(void)state;
	struct gate near = gate_make();
	struct gate far = gate_make();
	struct queue *queue = NULL;
	struct queue_stats stats;
	struct err err;
	assert_true(queue_sender_new(&near.base, &far.base, &queue, &err));
	queue_notify(queue, QUEUE_REQUEST);
	pthread_mutex_lock(&far.lock);
	while (far.came[QUEUE_REQUEST] == 0)
		pthread_cond_wait(&far.moved, &far.lock);
	pthread_mutex_unlock(&far.lock);
	/* It hangs now. */
	for (int i = 0; i < 3; i++)
		queue_notify(queue, QUEUE_SIGNING);
	queue_notify(queue, QUEUE_MONITOR);
	queue_notify(queue, QUEUE_SIGNING_DLQ);
	assert_true(queue_stats(queue, QUEUE_REQUEST, &stats, &err));
	assert_int_equal(stats.waiting, 7);
	pthread_mutex_lock(&far.lock);
	assert_int_equal(far.passed, 0);
	far.is_open = true;
	pthread_cond_broadcast(&far.moved);
	while (far.passed < 5)
		pthread_cond_wait(&far.moved, &far.lock);
	pthread_mutex_unlock(&far.lock);
	assert_int_equal(far.came[QUEUE_REQUEST], 1);
	assert_int_equal(far.came[QUEUE_SIGNING], 3);
	assert_int_equal(far.came[QUEUE_MONITOR], 1);
	queue_close(queue);
	assert_int_equal(near.closed, 1);
	assert_int_equal(far.closed, 1);
	assert_int_equal(near.came[QUEUE_REQUEST], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_and_nothing_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
