/* What a queue is to be like. Dead letters of SQS hold nothing (the row's own count decides, ADR
 * 11): they are kept for people to look at, longer than what waits, since their age goes on. */
#include "adapter/queue_sqs_setup.h"

#include "adapter/queue_sqs_parts.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RETENTION_S      (4 * 24 * 3600)
#define DEAD_RETENTION_S (14 * 24 * 3600)
#define VISIBILITY_S     30 /* each receive says its own */
#define WAIT_S           20 /* likewise */
/* A few times the largest of ours: what strangers send cannot fill an answer. */
#define MESSAGE_BYTES_MAX 4096
_Static_assert(2 * MESSAGE_BODY_BYTES_MAX <= MESSAGE_BYTES_MAX, "ours fit, with their attributes");

static struct queue_sqs *self_of(struct queue_transport *transport)
{
	return (struct queue_sqs *)(void *)transport;
}

static enum queue_name dead_of(enum queue_name name)
{
	return (enum queue_name)(name + QUEUE_DLQ_OFFSET);
}

/* ---- making ---- */

static bool queue_make(struct queue_sqs *self, enum queue_name name,
		       char ret_url[SQS_URL_LEN_MAX + 1], struct err *err)
{
	struct aws_answer answer;
	char text[SQS_NAME_LEN_MAX + 1];
	sqs_name_write(self, name, text);
	buf_reset(&self->request);
	buf_byte(&self->request, '{');
	json_write_member_text(&self->request, "QueueName", text);
	buf_byte(&self->request, '}');
	if (!sqs_call(self, "CreateQueue", self->options.deadline_ms, &answer, err))
		return err_wrap(err, "%s", text);
	return sqs_read_url(answer.body, ret_url) ||
	       err_set(err, ERR_MAYBE_DONE, "CreateQueue: an answer that cannot be read");
}

static void attribute_write(struct buf *out, const char *name, int64_t value)
{
	char text[24];
	(void)snprintf(text, sizeof text, "%" PRId64, value);
	json_write_member_text(out, name, text);
}

/* dead_arn: where messages go that are received too often; NULL for such a queue itself. */
static bool queue_set(struct queue_sqs *self, const char *url, const char *dead_arn,
		      struct err *err)
{
	struct buf *out = &self->request;
	struct aws_answer answer;
	char policy[2 * SQS_ARN_LEN_MAX];
	buf_reset(out);
	buf_byte(out, '{');
	json_write_member_text(out, "QueueUrl", url);
	buf_text(out, ",\"Attributes\":{");
	attribute_write(out, "MaximumMessageSize", MESSAGE_BYTES_MAX);
	attribute_write(out, "MessageRetentionPeriod",
			dead_arn == NULL ? DEAD_RETENTION_S : RETENTION_S);
	if (dead_arn != NULL) {
		attribute_write(out, "VisibilityTimeout", VISIBILITY_S);
		attribute_write(out, "ReceiveMessageWaitTimeSeconds", WAIT_S);
		(void)snprintf(policy, sizeof policy,
			       "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":\"%d\"}",
			       dead_arn, RECEIVES_WITHOUT_VERDICT_MAX);
		json_write_member_text(out, "RedrivePolicy", policy);
	}
	buf_text(out, "}}");
	return sqs_call(self, "SetQueueAttributes", self->options.deadline_ms, &answer, err);
}

static bool attributes_load(struct queue_sqs *self, const char *url,
			    struct sqs_attributes *ret_attributes, struct err *err)
{
	struct aws_answer answer;
	buf_reset(&self->request);
	buf_byte(&self->request, '{');
	json_write_member_text(&self->request, "QueueUrl", url);
	buf_text(&self->request, ",\"AttributeNames\":[\"QueueArn\",\"MaximumMessageSize\","
				 "\"MessageRetentionPeriod\",\"RedrivePolicy\"]}");
	if (!sqs_call(self, "GetQueueAttributes", self->options.deadline_ms, &answer, err))
		return false;
	return sqs_read_attributes(answer.body, ret_attributes) ||
	       err_set(err, ERR_NOT_DONE, "GetQueueAttributes: an answer that cannot be read");
}

static bool pair_make(struct queue_sqs *self, enum queue_name name, struct err *err)
{
	char url[SQS_URL_LEN_MAX + 1];
	struct sqs_attributes dead;
	return queue_make(self, dead_of(name), url, err) && queue_set(self, url, NULL, err) &&
	       attributes_load(self, url, &dead, err) && queue_make(self, name, url, err) &&
	       queue_set(self, url, dead.arn, err);
}

bool queue_sqs_create(struct queue_transport *transport, struct err *err)
{
	for (enum queue_name name = QUEUE_REQUEST; name <= QUEUE_MONITOR; name++)
		if (!pair_make(self_of(transport), name, err))
			return false;
	return true;
}

/* ---- looking ---- */

/* What stands behind the last ':' of an ARN. */
static bool is_named(const char *arn, const char *name)
{
	const char *colon = strrchr(arn, ':');
	return colon != NULL && strcmp(colon + 1, name) == 0;
}

/* NULL: as it should be. */
static const char *fault_of(const struct sqs_attributes *queue, const struct sqs_attributes *dead,
			    const char *dead_name)
{
	if (!is_named(queue->dead_arn, dead_name))
		return "has no redrive policy to its dead letters";
	if (queue->receives_max < RECEIVES_WITHOUT_VERDICT_MAX)
		return "gives messages up before Sluice does";
	if (dead->retention_s <= queue->retention_s)
		return "keeps dead letters no longer than messages";
	if (queue->message_bytes_max < MESSAGE_BODY_BYTES_MAX * 2)
		return "takes no messages of our size";
	return NULL;
}

static bool pair_check(struct queue_sqs *self, enum queue_name name, struct err *err)
{
	char url[SQS_URL_LEN_MAX + 1];
	char text[SQS_NAME_LEN_MAX + 1];
	char dead_text[SQS_NAME_LEN_MAX + 1];
	struct sqs_attributes queue;
	struct sqs_attributes dead;
	sqs_name_write(self, name, text);
	sqs_name_write(self, dead_of(name), dead_text);
	if (!sqs_url_find(self, name, url, err) || !attributes_load(self, url, &queue, err) ||
	    !sqs_url_find(self, dead_of(name), url, err) || !attributes_load(self, url, &dead, err))
		return false;
	const char *fault = fault_of(&queue, &dead, dead_text);
	return fault == NULL ||
	       err_set(err, ERR_REFUSED, "the SQS queue %s %s (`sluice queues create` cures it)",
		       text, fault);
}

bool queue_sqs_check(struct queue_transport *transport, struct err *err)
{
	for (enum queue_name name = QUEUE_REQUEST; name <= QUEUE_MONITOR; name++)
		if (!pair_check(self_of(transport), name, err))
			return false;
	return true;
}
