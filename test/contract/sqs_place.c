#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sqs_place.h"

#include "base/buf.h"
#include "base/json.h"

#include <stdlib.h>
#include <unistd.h>

#define DEADLINE_MS 20000

static struct sqs_place *place_of(struct queue_transport *transport)
{
	struct sqs_place *place = (struct sqs_place *)(void *)transport;
	int64_t now_ms = clock_monotonic_ms(place->clock);
	char path[64];
	struct http_client_response response;
	if (now_ms == place->told_ms)
		return place;
	snprintf(path, sizeof path, "/?ms=%lld", (long long)(now_ms - place->told_ms));
	const struct http_client_request request = { .method = HTTP_GET, .path = str_from(path) };
	http_client_request(place->ahead, &request, DEADLINE_MS, &response);
	assert_int_equal(response.delivery, HTTP_ANSWERED);
	place->told_ms = now_ms;
	return place;
}

static bool place_send(struct queue_transport *self, enum queue_name name,
		       struct transport_entry *entries, size_t n, struct err *err)
{
	struct queue_transport *real = place_of(self)->real;
	return real->ops->send_batch(real, name, entries, n, err);
}

static bool place_receive(struct queue_transport *self, enum queue_name name, size_t max,
			  int64_t visibility_ms, int64_t wait_ms,
			  struct transport_message *ret_messages, size_t *ret_len, struct err *err)
{
	struct queue_transport *real = place_of(self)->real;
	return real->ops->receive(real, name, max, visibility_ms, wait_ms, ret_messages, ret_len,
				  err);
}

static bool place_extend(struct queue_transport *self, enum queue_name name,
			 struct transport_receipt *receipts, size_t n, int64_t visibility_ms,
			 struct err *err)
{
	struct queue_transport *real = place_of(self)->real;
	return real->ops->extend_batch(real, name, receipts, n, visibility_ms, err);
}

static bool place_delete(struct queue_transport *self, enum queue_name name,
			 struct transport_receipt *receipts, size_t n, struct err *err)
{
	struct queue_transport *real = place_of(self)->real;
	return real->ops->delete_batch(real, name, receipts, n, err);
}

static bool place_depth(struct queue_transport *self, enum queue_name name,
			struct transport_depth *ret_depth, struct err *err)
{
	struct queue_transport *real = place_of(self)->real;
	return real->ops->depth(real, name, ret_depth, err);
}

static const struct queue_transport_ops place_ops = {
	.send_batch = place_send,
	.receive = place_receive,
	.extend_batch = place_extend,
	.delete_batch = place_delete,
	.depth = place_depth,
};

bool sqs_place_is_there(void)
{
	return getenv("SQS_ENDPOINT") != NULL;
}

const char *sqs_place_name(void)
{
	return getenv("SQS_NAME");
}

struct aws_answer sqs_place_ask(struct sqs_place *place, const char *action, const char *body)
{
	const struct aws_request request = { .action = action, .body = str_from(body) };
	struct aws_answer answer;
	aws_client_call(place->aws, &request, 1, 1, DEADLINE_MS, &answer);
	return answer;
}

void sqs_place_make_queues(struct sqs_place *place)
{
	for (enum queue_name name = QUEUE_REQUEST; name <= QUEUE_MONITOR; name++) {
		char body[160];
		snprintf(body, sizeof body, "{\"QueueName\":\"%s%s\"}", place->prefix,
			 queue_name_text(name));
		assert_int_equal(sqs_place_ask(place, "CreateQueue", body).verdict, AWS_DONE);
	}
}

void sqs_place_url(struct sqs_place *place, const char *name, char ret_url[513])
{
	char body[160];
	struct str url;
	struct err err;
	JSON_OWNED json = NULL;
	snprintf(body, sizeof body, "{\"QueueName\":\"%s%s\"}", place->prefix, name);
	struct aws_answer answer = sqs_place_ask(place, "GetQueueUrl", body);
	assert_int_equal(answer.verdict, AWS_DONE);
	assert_true(json_parse(answer.body, &json, &err));
	assert_true(json_string(json_member(json_root(json), "QueueUrl"), &url));
	assert_true(str_copy(url, ret_url, 513));
}

static void clients_open(struct sqs_place *place)
{
	const struct aws_credentials_options from = { .region = SQS_PLACE_REGION };
	const struct http_client_options ahead = { .url = getenv("SQS_CLOCK") };
	struct err err;
	assert_true(aws_credentials_open(&from, &place->credentials, &err));
	const struct aws_client_options to = { .service = "sqs",
					       .target = "AmazonSQS",
					       .region = SQS_PLACE_REGION,
					       .endpoint = getenv("SQS_ENDPOINT"),
					       .credentials = place->credentials };
	assert_true(aws_client_open(&to, &place->aws, &err));
	assert_true(http_client_open(&ahead, &place->ahead, &err));
}

struct sqs_place *sqs_place_new(struct clock *clock, bool with_queues)
{
	static unsigned number;
	struct sqs_place *place = calloc(1, sizeof *place);
	struct err err;
	assert_non_null(place);
	place->base.ops = &place_ops;
	place->clock = clock;
	place->told_ms = clock_monotonic_ms(clock);
	snprintf(place->prefix, sizeof place->prefix, "test%d-%u-", (int)getpid(), ++number);
	clients_open(place);
	const struct queue_sqs_options options = { .region = SQS_PLACE_REGION,
						   .endpoint = getenv("SQS_ENDPOINT"),
						   .prefix = place->prefix,
						   .clock = clock };
	assert_true(queue_sqs_open(&options, &place->real, &err));
	if (with_queues)
		sqs_place_make_queues(place);
	return place;
}

void sqs_place_free(struct sqs_place *place)
{
	if (place == NULL)
		return;
	transport_close(place->real);
	aws_client_close(place->aws);
	aws_credentials_close(place->credentials);
	http_client_close(place->ahead);
	free(place);
}
