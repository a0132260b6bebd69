#include "cmd/queue_open.h"

#include "adapter/queue_outbox.h"
#include "adapter/queue_sender.h"
#include "adapter/queue_sqs.h"
#include "adapter/queue_sqs_setup.h"
#include "net/aws_credentials.h"

/* Who accepts asks SQS for nothing but how much is there, for show. */
#define SHOW_DEADLINE_MS 500

bool sqs_transport_open(const struct config *config, int64_t deadline_ms, struct clock *clock,
			struct metrics *metrics, struct queue_transport **ret_transport,
			struct err *err)
{
	const struct queue_sqs_options options = {
		.region = config->queue_region,
		.endpoint = config->queue_endpoint,
		.prefix = config->queue_prefix,
		.deadline_ms = deadline_ms,
		.clock = clock,
		.metrics = metrics,
	};
	if (!aws_is_region(config->queue_region))
		return err_set(err, ERR_REFUSED, "queue.region: \"%s\" is no region of AWS",
			       config->queue_region);
	return queue_sqs_open(&options, ret_transport, err) || err_wrap(err, "queue");
}

static struct queue *outbox_over(const struct opened_queue_options *options, struct db *db,
				 struct queue_transport *transport, struct metrics *metrics)
{
	const struct queue_outbox_options outbox = {
		.db = db,
		.transport = transport,
		.clock = options->clock,
		.entropy = options->entropy,
		.log = options->log,
		.metrics = metrics,
	};
	return queue_outbox_new(&outbox);
}

/* At the start, when somebody looks. */
static bool queues_look(const struct opened_queue_options *options,
			struct queue_transport *transport, struct err *err)
{
	struct err fault = { 0 };
	struct log_about about = { .action = "queue_check", .err = &fault };
	if (queue_sqs_check(transport, &fault))
		return true;
	about.alarm = fault.kind == ERR_REFUSED;
	if (fault.kind == ERR_REFUSED && !options->works_without)
		return err_set(err, ERR_NOT_DONE, "%s", fault.text);
	log_line(options->log, LOG_WARN, &about, "wake-ups wait in the database: %s", fault.text);
	return true;
}

/* The thread that sends has a connection and a transport of its own, and the counters. */
static bool aside_open(const struct opened_queue_options *options, struct opened_store *opened,
		       struct opened_queue *queue, struct err *err)
{
	struct queue *near = opened->queue;
	if (!opened_store_open(options->config, 0, false, options->clock, options->entropy, NULL,
			       &queue->aside, err) ||
	    !sqs_transport_open(options->config, options->config->queue_timeout_ms, options->clock,
				options->metrics, &queue->aside_transport, err))
		return false;
	struct queue *far =
		outbox_over(options, queue->aside.db, queue->aside_transport, options->metrics);
	if (queue_sender_new(near, far, &opened->queue, err))
		return true;
	queue_close(far);
	return false;
}

bool opened_queue_open(const struct opened_queue_options *options, struct opened_store *opened,
		       struct opened_queue *ret_queue, struct err *err)
{
	struct metrics *metrics = options->sends_aside ? NULL : options->metrics;
	int64_t deadline_ms = options->config->queue_timeout_ms;
	if (options->sends_aside && deadline_ms > SHOW_DEADLINE_MS)
		deadline_ms = SHOW_DEADLINE_MS;
	if (!sqs_transport_open(options->config, deadline_ms, options->clock, metrics,
				&ret_queue->transport, err) ||
	    !queues_look(options, ret_queue->transport, err))
		return false;
	opened->queue = outbox_over(options, opened->db, ret_queue->transport, metrics);
	return !options->sends_aside || aside_open(options, opened, ret_queue, err);
}

void opened_queue_close(struct opened_queue *queue)
{
	opened_store_close(&queue->aside);
	transport_close(queue->aside_transport);
	transport_close(queue->transport);
	*queue = (struct opened_queue){ 0 };
}
