#include "port/queue.h"

#include "port/stop_point.h"

bool queue_claim(struct queue *queue, enum queue_name name, size_t max, int64_t visibility_ms,
		 struct message *ret_messages, size_t *ret_len, struct err *err)
{
	PORT_CALL();
	CHECK(max > 0 && max <= BATCH_MAX && visibility_ms > 0);
	CHECK(name >= QUEUE_REQUEST && name <= QUEUE_MONITOR);
	return queue->ops->claim(queue, name, max, visibility_ms, ret_messages, ret_len, err);
}

bool queue_extend(struct queue *queue, const struct message_ack *acks, size_t n,
		  int64_t visibility_ms, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX && visibility_ms > 0);
	return queue->ops->extend(queue, acks, n, visibility_ms, err);
}

bool queue_ack(struct queue *queue, const struct message_ack *acks, size_t n, struct err *err)
{
	PORT_CALL();
	CHECK(n > 0 && n <= BATCH_MAX);
	return queue->ops->ack(queue, acks, n, err);
}

bool queue_stats(struct queue *queue, enum queue_name name, struct queue_stats *ret_stats,
		 struct err *err)
{
	PORT_CALL();
	CHECK(name != QUEUE_NONE);
	return queue->ops->stats(queue, name, ret_stats, err);
}

void queue_notify(struct queue *queue, enum queue_name name)
{
	PORT_CALL();
	CHECK(name != QUEUE_NONE);
	queue->ops->notify(queue, name);
}

bool queue_wait(struct queue *queue, enum queue_name name, int64_t timeout_ms)
{
	PORT_CALL();
	CHECK(name != QUEUE_NONE && timeout_ms >= 0);
	return queue->ops->wait(queue, name, timeout_ms);
}

void queue_close(struct queue *queue)
{
	if (queue != NULL)
		queue->ops->close(queue);
}
