#include "adapter/queue_sqs_parts.h"

#include "base/check.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS        3000
#define REQUEST_BYTES_MAX  ((size_t)64 << 10) /* ten entries, each character escaped */
#define RESPONSE_BYTES_MAX ((size_t)4 << 20)  /* ten messages of strangers, each the largest */

_Static_assert(TRANSPORT_BATCH_MAX * (6 * MESSAGE_BODY_BYTES_MAX + 512) < REQUEST_BYTES_MAX,
	       "a batch to send fits");
_Static_assert(TRANSPORT_BATCH_MAX * (2 * TRANSPORT_RECEIPT_LEN_MAX + 128) < REQUEST_BYTES_MAX,
	       "a batch of receipts fits");

static struct queue_sqs *self_of(struct queue_transport *transport)
{
	return (struct queue_sqs *)(void *)transport;
}

/* SQS counts in seconds; rather later than sooner. */
static int64_t seconds_of(int64_t ms)
{
	return (ms + 999) / 1000;
}

/* ---- requests ---- */

static bool is_absent(const struct aws_answer *answer)
{
	return answer->verdict == AWS_REFUSED &&
	       (strcmp(answer->fault, "QueueDoesNotExist") == 0 ||
		strcmp(answer->fault, "AWS.SimpleQueueService.NonExistentQueue") == 0);
}

static bool has_failed(const struct aws_answer *answer)
{
	return answer->verdict == AWS_NOT_SENT || answer->verdict == AWS_UNKNOWN ||
	       answer->verdict == AWS_BUSY;
}

bool sqs_call(struct queue_sqs *self, const char *action, int64_t deadline_ms,
	      struct aws_answer *ret_answer, struct err *err)
{
	struct circuit_pass pass;
	const struct aws_request request = { .action = action, .body = buf_view(&self->request) };
	CHECK(!self->request.overflow);
	*ret_answer = (struct aws_answer){ .verdict = AWS_NOT_SENT };
	if (circuit_breaker_enter(&self->breaker, clock_monotonic_ms(self->options.clock), 1,
				  &pass) == 0)
		return err_set(err, ERR_NOT_DONE, "%.100s failed lately and is left alone a while",
			       aws_client_origin(self->aws));
	aws_client_call(self->aws, &request, 1, 1, deadline_ms, ret_answer);
	bool failed = has_failed(ret_answer);
	circuit_breaker_leave(&self->breaker, clock_monotonic_ms(self->options.clock), pass,
			      !failed, failed);
	return aws_answer_check(ret_answer, err) || err_wrap(err, "%s", action);
}

void sqs_name_write(const struct queue_sqs *self, enum queue_name name,
		    char ret_name[SQS_NAME_LEN_MAX + 1])
{
	int len = snprintf(ret_name, SQS_NAME_LEN_MAX + 1, "%s%s", self->prefix,
			   queue_name_text(name));
	CHECK(len > 0 && len <= SQS_NAME_LEN_MAX);
}

bool sqs_url_find(struct queue_sqs *self, enum queue_name name, char ret_url[SQS_URL_LEN_MAX + 1],
		  struct err *err)
{
	struct aws_answer answer;
	char text[SQS_NAME_LEN_MAX + 1];
	sqs_name_write(self, name, text);
	buf_reset(&self->request);
	buf_byte(&self->request, '{');
	json_write_member_text(&self->request, "QueueName", text);
	buf_byte(&self->request, '}');
	if (!sqs_call(self, "GetQueueUrl", self->options.deadline_ms, &answer, err)) {
		if (is_absent(&answer))
			return err_set(err, ERR_REFUSED,
				       "there is no SQS queue %s (`sluice queues create` makes it)",
				       text);
		return false;
	}
	return sqs_read_url(answer.body, ret_url) ||
	       err_set(err, ERR_NOT_DONE, "GetQueueUrl: an answer that cannot be read");
}

/* What SQS refuses is not done, and may be some other time: that nobody may send is no reason to
 * lose a wake-up. */
static bool refusal_soften(struct err *err)
{
	if (err != NULL && err->kind == ERR_REFUSED)
		err->kind = ERR_NOT_DONE;
	return false;
}

/* Begins the body of a request to a queue. */
static bool request_begin(struct queue_sqs *self, enum queue_name name, struct err *err)
{
	char *url = self->urls[name - QUEUE_REQUEST];
	if (url[0] == 0 && !sqs_url_find(self, name, url, err))
		return refusal_soften(err);
	buf_reset(&self->request);
	buf_byte(&self->request, '{');
	json_write_member_text(&self->request, "QueueUrl", url);
	return true;
}

/* A queue that is gone may come back under another URL. */
static bool request_send(struct queue_sqs *self, enum queue_name name, const char *action,
			 int64_t deadline_ms, struct aws_answer *ret_answer, struct err *err)
{
	buf_byte(&self->request, '}');
	if (sqs_call(self, action, deadline_ms, ret_answer, err))
		return true;
	if (is_absent(ret_answer))
		self->urls[name - QUEUE_REQUEST][0] = 0;
	return refusal_soften(err);
}

static bool unreadable(const char *action, struct err *err)
{
	return err_set(err, ERR_MAYBE_DONE, "%s: an answer that cannot be read", action);
}

/* ---- batches ---- */

static void entry_begin(struct buf *out, size_t index)
{
	const char id[] = { (char)('0' + index), 0 };
	buf_text(out, index == 0 ? "{" : ",{");
	json_write_member_text(out, "Id", id);
}

static bool batch_call(struct queue_sqs *self, enum queue_name name, const char *action, size_t n,
		       bool ret_done[TRANSPORT_BATCH_MAX], struct err *err)
{
	struct aws_answer answer;
	buf_byte(&self->request, ']');
	return request_send(self, name, action, self->options.deadline_ms, &answer, err) &&
	       (sqs_read_batch(answer.body, n, ret_done) || unreadable(action, err));
}

static bool sqs_send_batch(struct queue_transport *transport, enum queue_name name,
			   struct transport_entry *entries, size_t n, struct err *err)
{
	struct queue_sqs *self = self_of(transport);
	struct buf *out = &self->request;
	bool done[TRANSPORT_BATCH_MAX];
	if (!request_begin(self, name, err))
		return false;
	buf_text(out, ",\"Entries\":[");
	for (size_t i = 0; i < n; i++) {
		entry_begin(out, i);
		json_write_member(out, "MessageBody", entries[i].body);
		if (entries[i].traceparent.len > 0) {
			buf_text(out, ",\"MessageAttributes\":{\"traceparent\":{");
			json_write_member_text(out, "DataType", "String");
			json_write_member(out, "StringValue", entries[i].traceparent);
			buf_text(out, "}}");
		}
		buf_byte(out, '}');
	}
	if (!batch_call(self, name, "SendMessageBatch", n, done, err))
		return false;
	for (size_t i = 0; i < n; i++)
		entries[i].sent = done[i];
	return true;
}

static bool receipts_call(struct queue_sqs *self, enum queue_name name, const char *action,
			  struct transport_receipt *receipts, size_t n, int64_t visibility_ms,
			  struct err *err)
{
	struct buf *out = &self->request;
	bool done[TRANSPORT_BATCH_MAX];
	if (!request_begin(self, name, err))
		return false;
	buf_text(out, ",\"Entries\":[");
	for (size_t i = 0; i < n; i++) {
		entry_begin(out, i);
		json_write_member_text(out, "ReceiptHandle", receipts[i].receipt);
		if (visibility_ms > 0)
			json_write_member_i64(out, "VisibilityTimeout", seconds_of(visibility_ms));
		buf_byte(out, '}');
	}
	if (!batch_call(self, name, action, n, done, err))
		return false;
	for (size_t i = 0; i < n; i++)
		receipts[i].done = done[i];
	return true;
}

static bool sqs_extend_batch(struct queue_transport *transport, enum queue_name name,
			     struct transport_receipt *receipts, size_t n, int64_t visibility_ms,
			     struct err *err)
{
	return receipts_call(self_of(transport), name, "ChangeMessageVisibilityBatch", receipts, n,
			     visibility_ms, err);
}

static bool sqs_delete_batch(struct queue_transport *transport, enum queue_name name,
			     struct transport_receipt *receipts, size_t n, struct err *err)
{
	return receipts_call(self_of(transport), name, "DeleteMessageBatch", receipts, n, 0, err);
}

/* ---- the rest ---- */

static bool sqs_receive(struct queue_transport *transport, enum queue_name name, size_t max,
			int64_t visibility_ms, int64_t wait_ms,
			struct transport_message *ret_messages, size_t *ret_len, struct err *err)
{
	struct queue_sqs *self = self_of(transport);
	struct aws_answer answer;
	int64_t wait_s = seconds_of(wait_ms);
	if (!request_begin(self, name, err))
		return false;
	json_write_member_i64(&self->request, "MaxNumberOfMessages", (int64_t)max);
	json_write_member_i64(&self->request, "VisibilityTimeout", seconds_of(visibility_ms));
	json_write_member_i64(&self->request, "WaitTimeSeconds", wait_s);
	return request_send(self, name, "ReceiveMessage", wait_s * 1000 + self->options.deadline_ms,
			    &answer, err) &&
	       (sqs_read_messages(answer.body, max, ret_messages, ret_len) ||
		unreadable("ReceiveMessage", err));
}

static bool sqs_depth(struct queue_transport *transport, enum queue_name name,
		      struct transport_depth *ret_depth, struct err *err)
{
	struct queue_sqs *self = self_of(transport);
	struct aws_answer answer;
	if (!request_begin(self, name, err))
		return false;
	buf_text(&self->request, ",\"AttributeNames\":[\"ApproximateNumberOfMessages\","
				 "\"ApproximateNumberOfMessagesDelayed\","
				 "\"ApproximateNumberOfMessagesNotVisible\"]");
	return request_send(self, name, "GetQueueAttributes", self->options.deadline_ms, &answer,
			    err) &&
	       (sqs_read_depth(answer.body, ret_depth) || unreadable("GetQueueAttributes", err));
}

static void sqs_close(struct queue_transport *transport)
{
	struct queue_sqs *self = self_of(transport);
	aws_client_close(self->aws);
	aws_credentials_close(self->credentials);
	buf_free(&self->request);
	free(self);
}

static const struct queue_transport_ops sqs_ops = {
	.send_batch = sqs_send_batch,
	.receive = sqs_receive,
	.extend_batch = sqs_extend_batch,
	.delete_batch = sqs_delete_batch,
	.depth = sqs_depth,
	.close = sqs_close,
};

bool sqs_is_prefix(const char *text)
{
	size_t len = strlen(text);
	return len <= SQS_PREFIX_LEN_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
		       len;
}

bool queue_sqs_open(const struct queue_sqs_options *options, struct queue_transport **ret_transport,
		    struct err *err)
{
	CHECK(sqs_is_prefix(options->prefix));
	struct queue_sqs *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &sqs_ops;
	self->options = *options;
	if (self->options.deadline_ms == 0)
		self->options.deadline_ms = DEADLINE_MS;
	self->request = buf_new(REQUEST_BYTES_MAX);
	CHECK(str_copy(str_from(options->prefix), self->prefix, sizeof self->prefix));
	circuit_breaker_init(&self->breaker, options->metrics, "sqs");
	const struct aws_credentials_options from = { .region = options->region };
	struct aws_client_options to = {
		.service = "sqs",
		.target = "AmazonSQS",
		.json = AWS_JSON_1_0,
		.region = options->region,
		.endpoint = options->endpoint,
		.connections_max = 1,
		.response_bytes_max = RESPONSE_BYTES_MAX,
	};
	if (aws_credentials_open(&from, &self->credentials, err)) {
		to.credentials = self->credentials;
		if (aws_client_open(&to, &self->aws, err)) {
			*ret_transport = &self->base;
			return true;
		}
	}
	sqs_close(&self->base);
	return false;
}
