/* The contract of port/queue_transport.h: on the simulator's SQS, and on those of others beside
 * which run_with_sqs.mjs runs this. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sqs_place.h"

#include "adapter/queue_sqs_setup.h"
#include "sim/sqs.h"

#include <signal.h>
#include <stdlib.h>

#define VISIBILITY_MS 30000

struct world {
	struct clock clock; /* stands until it is moved */
	int64_t now_ms;
	struct sim_sqs *sim;
	struct sqs_place *sqs;
	struct queue_transport *transport;
};

static int64_t now(struct clock *clock)
{
	return ((struct world *)(void *)clock)->now_ms;
}

static const struct clock_ops clock_table = { now, now };

static int world_make(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	assert_non_null(world);
	world->clock.ops = &clock_table;
	world->now_ms = 1000000;
	if (sqs_place_is_there()) {
		world->sqs = sqs_place_new(&world->clock, true);
		world->transport = &world->sqs->base;
	} else {
		world->sim = sim_sqs_new(&world->clock, sim_random_of(3));
		world->transport = sim_sqs_port(world->sim);
	}
	*state = world;
	return 0;
}

static int world_leave(void **state)
{
	struct world *world = *state;
	sim_sqs_free(world->sim);
	sqs_place_free(world->sqs);
	free(world);
	return 0;
}

#define MUST(call, ...)                                        \
	do {                                                   \
		struct err must_err = { 0 };                   \
		if (!call(__VA_ARGS__, &must_err))             \
			fail_msg(#call ": %s", must_err.text); \
	} while (0)

static void send(struct world *world, enum queue_name name, const char *body)
{
	struct transport_entry entry = { .body = str_from(body) };
	MUST(transport_send_batch, world->transport, name, &entry, 1);
	assert_true(entry.sent);
}

static size_t receive(struct world *world, enum queue_name name, size_t max, int64_t wait_ms,
		      struct transport_message *ret_messages)
{
	size_t len = 99;
	MUST(transport_receive, world->transport, name, max, VISIBILITY_MS, wait_ms, ret_messages,
	     &len);
	return len;
}

static void holds(const struct transport_message *message, const char *wanted)
{
	assert_int_equal(message->body_len, strlen(wanted));
	assert_memory_equal(message->body, wanted, message->body_len);
}

static void erase(struct world *world, enum queue_name name,
		  const struct transport_message *message)
{
	struct transport_receipt receipt = { .receipt = message->receipt };
	MUST(transport_delete_batch, world->transport, name, &receipt, 1);
	assert_true(receipt.done);
}

static void what_is_sent_comes_and_goes(void **state)
{
	struct world *world = *state;
	struct transport_message messages[2];
	const char *body = "{\"kind\":\"signing\",\"a\":\"\\u00e9 \\\" \\\\ \xc3\xa9\"}";
	send(world, QUEUE_SIGNING, body);
	assert_int_equal(receive(world, QUEUE_REQUEST, 2, 0, messages), 0);
	assert_int_equal(receive(world, QUEUE_SIGNING, 2, 0, messages), 1);
	holds(&messages[0], body);
	erase(world, QUEUE_SIGNING, &messages[0]);
	world->now_ms += VISIBILITY_MS + 1000;
	assert_int_equal(receive(world, QUEUE_SIGNING, 2, 0, messages), 0);
}

static void ten_at_once(void **state)
{
	struct world *world = *state;
	struct transport_entry entries[TRANSPORT_BATCH_MAX];
	struct transport_receipt receipts[TRANSPORT_BATCH_MAX];
	struct transport_message messages[TRANSPORT_BATCH_MAX];
	char bodies[TRANSPORT_BATCH_MAX][MESSAGE_BODY_BYTES_MAX + 1];
	unsigned seen = 0;
	size_t got = 0;
	for (size_t i = 0; i < TRANSPORT_BATCH_MAX; i++) {
		memset(bodies[i], '"', MESSAGE_BODY_BYTES_MAX); /* each of them escaped */
		bodies[i][0] = (char)('0' + i);
		entries[i] =
			(struct transport_entry){ .body = { bodies[i], MESSAGE_BODY_BYTES_MAX } };
	}
	MUST(transport_send_batch, world->transport, QUEUE_REQUEST, entries, TRANSPORT_BATCH_MAX);
	for (size_t i = 0; i < TRANSPORT_BATCH_MAX; i++)
		assert_true(entries[i].sent);
	while (got < TRANSPORT_BATCH_MAX)
		got += receive(world, QUEUE_REQUEST, TRANSPORT_BATCH_MAX - got, 0, &messages[got]);
	for (size_t i = 0; i < TRANSPORT_BATCH_MAX; i++) {
		assert_int_equal(messages[i].body_len, MESSAGE_BODY_BYTES_MAX);
		seen |= 1U << (messages[i].body[0] - '0');
		receipts[i] = (struct transport_receipt){ .receipt = messages[i].receipt };
	}
	assert_int_equal(seen, 1023);
	MUST(transport_extend_batch, world->transport, QUEUE_REQUEST, receipts, TRANSPORT_BATCH_MAX,
	     VISIBILITY_MS);
	for (size_t i = 0; i < TRANSPORT_BATCH_MAX; i++)
		assert_true(receipts[i].done);
	MUST(transport_delete_batch, world->transport, QUEUE_REQUEST, receipts,
	     TRANSPORT_BATCH_MAX);
	for (size_t i = 0; i < TRANSPORT_BATCH_MAX; i++)
		assert_true(receipts[i].done);
	world->now_ms += VISIBILITY_MS + 1000;
	assert_int_equal(receive(world, QUEUE_REQUEST, 1, 0, messages), 0);
}

static void a_delivery_is_hidden_for_its_time(void **state)
{
	struct world *world = *state;
	struct transport_message first;
	struct transport_message second;
	send(world, QUEUE_MONITOR, "m");
	assert_int_equal(receive(world, QUEUE_MONITOR, 1, 0, &first), 1);
	world->now_ms += VISIBILITY_MS - 5000;
	assert_int_equal(receive(world, QUEUE_MONITOR, 1, 0, &second), 0);
	struct transport_receipt receipt = { .receipt = first.receipt };
	MUST(transport_extend_batch, world->transport, QUEUE_MONITOR, &receipt, 1, VISIBILITY_MS);
	assert_true(receipt.done);
	world->now_ms += VISIBILITY_MS - 5000;
	assert_int_equal(receive(world, QUEUE_MONITOR, 1, 0, &second), 0);
	world->now_ms += 10000;
	assert_int_equal(receive(world, QUEUE_MONITOR, 1, 0, &second), 1);
	holds(&second, "m");
	erase(world, QUEUE_MONITOR, &second);
}

static void depth_is_what_is_there(void **state)
{
	struct world *world = *state;
	struct transport_message messages[2];
	struct transport_depth depth = { 0 };
	for (int i = 0; i < 5; i++)
		send(world, QUEUE_SIGNING, "x");
	assert_int_equal(receive(world, QUEUE_SIGNING, 2, 0, messages), 2);
	MUST(transport_depth, world->transport, QUEUE_SIGNING, &depth);
	assert_int_equal(depth.waiting, 3);
	assert_int_equal(depth.claimed, 2);
	assert_int_equal(depth.delayed, 0);
	MUST(transport_depth, world->transport, QUEUE_MONITOR, &depth);
	assert_int_equal(depth.waiting + depth.claimed + depth.delayed, 0);
}

/* The longest wait there is, and it ends as soon as there is something. */
static void a_wait_ends_with_a_message(void **state)
{
	struct world *world = *state;
	struct transport_message message;
	send(world, QUEUE_SIGNING, "now");
	assert_int_equal(receive(world, QUEUE_SIGNING, 1, TRANSPORT_WAIT_MS_MAX, &message), 1);
	holds(&message, "now");
}

/* ---- beside an SQS of others ---- */

/* Sends as a stranger would. */
static void inject(struct world *world, const char *text, size_t repeated)
{
	struct buf body = buf_new(1024 + strlen(text) * repeated);
	char url[513];
	sqs_place_url(world->sqs, "signing", url);
	buf_format(&body, "{\"QueueUrl\":\"%s\",\"MessageBody\":\"", url);
	for (size_t i = 0; i < repeated; i++)
		buf_text(&body, text);
	buf_text(&body, "\"}");
	struct aws_answer answer = sqs_place_ask(world->sqs, "SendMessage", buf_terminated(&body));
	assert_int_equal(answer.verdict, AWS_DONE);
	buf_free(&body);
}

static void a_long_body_is_cut(void **state)
{
	struct world *world = *state;
	struct transport_message message;
	inject(world, "long", 5000);
	assert_int_equal(receive(world, QUEUE_SIGNING, 1, 0, &message), 1);
	assert_int_equal(message.body_len, 20000);
	assert_memory_equal(message.body + MESSAGE_BODY_BYTES_MAX - 4, "long", 4);
	erase(world, QUEUE_SIGNING, &message);
}

static void a_trace_travels_beside_the_body(void **state)
{
	struct world *world = *state;
	const char *trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
	struct transport_entry entry = { .body = STR("x"), .traceparent = str_from(trace) };
	char url[513];
	char body[1024];
	MUST(transport_send_batch, world->transport, QUEUE_SIGNING, &entry, 1);
	assert_true(entry.sent);
	sqs_place_url(world->sqs, "signing", url);
	snprintf(body, sizeof body,
		 "{\"QueueUrl\":\"%s\",\"MessageAttributeNames\":[\"traceparent\"]}", url);
	struct aws_answer answer = sqs_place_ask(world->sqs, "ReceiveMessage", body);
	assert_int_equal(answer.verdict, AWS_DONE);
	assert_non_null(memmem(answer.body.at, answer.body.len, trace, strlen(trace)));
}

/* Those that SQS refuses are not sent; the others are. */
static void a_batch_is_taken_in_part(void **state)
{
	struct world *world = *state;
	struct transport_entry entries[3] = { { .body = STR("a") },
					      { .body = STR("\x01") },
					      { .body = STR("c") } };
	struct transport_message messages[3];
	if (strcmp(sqs_place_name(), "fauxqs") != 0)
		return; /* moto takes such a character */
	MUST(transport_send_batch, world->transport, QUEUE_SIGNING, entries, 3);
	assert_true(entries[0].sent);
	assert_false(entries[1].sent);
	assert_true(entries[2].sent);
	assert_int_equal(receive(world, QUEUE_SIGNING, 3, 0, messages), 2);
}

static void absent_queues_are_named_and_found_later(void **state)
{
	struct world *world = *state;
	struct sqs_place *place = sqs_place_new(&world->clock, false);
	struct transport_entry entry = { .body = STR("x") };
	struct err err = { 0 };
	char body[640];
	char url[513];
	assert_false(transport_send_batch(&place->base, QUEUE_SIGNING, &entry, 1, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_non_null(strstr(err.text, "signing (`sluice queues create` makes it)"));
	sqs_place_make_queues(place);
	assert_true(transport_send_batch(&place->base, QUEUE_SIGNING, &entry, 1, &err));
	/* Somebody deletes it, and makes it again. */
	sqs_place_url(place, "signing", url);
	snprintf(body, sizeof body, "{\"QueueUrl\":\"%s\"}", url);
	assert_int_equal(sqs_place_ask(place, "DeleteQueue", body).verdict, AWS_DONE);
	assert_false(transport_send_batch(&place->base, QUEUE_SIGNING, &entry, 1, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_false(entry.sent);
	sqs_place_make_queues(place);
	assert_true(transport_send_batch(&place->base, QUEUE_SIGNING, &entry, 1, &err));
	assert_true(entry.sent);
	sqs_place_free(place);
}

static void refused(struct sqs_place *place, const char *words)
{
	struct err err = { 0 };
	assert_false(queue_sqs_check(place->real, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	if (strstr(err.text, words) == NULL || strstr(err.text, "`sluice queues create`") == NULL)
		fail_msg("%s", err.text);
}

static void set(struct sqs_place *place, const char *queue, const char *attribute,
		const char *value)
{
	char url[513];
	char body[1024];
	sqs_place_url(place, queue, url);
	snprintf(body, sizeof body, "{\"QueueUrl\":\"%s\",\"Attributes\":{\"%s\":\"%s\"}}", url,
		 attribute, value);
	assert_int_equal(sqs_place_ask(place, "SetQueueAttributes", body).verdict, AWS_DONE);
}

static void queues_are_made_and_looked_at(void **state)
{
	struct world *world = *state;
	struct sqs_place *place = sqs_place_new(&world->clock, false);
	struct transport_message message;
	refused(place, "there is no SQS queue");
	sqs_place_make_queues(place);
	refused(place, "there is no SQS queue");
	world->transport = &place->base;
	send(world, QUEUE_MONITOR, "stays");
	for (int twice = 0; twice < 2; twice++) {
		MUST(queue_sqs_create, place->real);
		MUST(queue_sqs_check, place->real);
	}
	set(place, "signing-dlq", "MessageRetentionPeriod", "345600");
	refused(place, "signing keeps dead letters no longer than messages");
	set(place, "request", "RedrivePolicy", "");
	refused(place, "request has no redrive policy");
	MUST(queue_sqs_create, place->real);
	MUST(queue_sqs_check, place->real);
	/* What was there is still there, and a dead letter when it was received five times. */
	for (int i = 0; i < RECEIVES_WITHOUT_VERDICT_MAX; i++) {
		assert_int_equal(receive(world, QUEUE_MONITOR, 1, 0, &message), 1);
		holds(&message, "stays");
		world->now_ms += VISIBILITY_MS + 1000;
	}
	assert_int_equal(receive(world, QUEUE_MONITOR, 1, 0, &message), 0);
	char url[513];
	char body[600];
	sqs_place_url(place, "monitor-dlq", url);
	snprintf(body, sizeof body, "{\"QueueUrl\":\"%s\"}", url);
	struct aws_answer answer = sqs_place_ask(place, "ReceiveMessage", body);
	assert_non_null(memmem(answer.body.at, answer.body.len, "stays", 5));
	sqs_place_free(place);
}

/* A frozen one has taken the request, for all we know; after a few nobody asks for a while. */
static void a_frozen_sqs_may_have_taken_it(void **state)
{
	struct world *world = *state;
	struct transport_entry entry = { .body = STR("x") };
	struct queue_transport *transport = NULL;
	struct err err = { 0 };
	int pid = (int)strtol(getenv("SQS_PID"), NULL, 10);
	const struct queue_sqs_options options = { .region = SQS_PLACE_REGION,
						   .endpoint = getenv("SQS_ENDPOINT"),
						   .prefix = world->sqs->prefix,
						   .deadline_ms = 100,
						   .clock = &world->clock };
	MUST(queue_sqs_open, &options, &transport);
	/* The queue is known before that. */
	while (!transport_send_batch(transport, QUEUE_SIGNING, &entry, 1, &err))
		world->now_ms += 20000;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	for (int i = 0; i < 3; i++) {
		assert_false(transport_send_batch(transport, QUEUE_SIGNING, &entry, 1, &err));
		assert_int_equal(err.kind, ERR_MAYBE_DONE);
		assert_false(entry.sent);
	}
	assert_false(transport_send_batch(transport, QUEUE_SIGNING, &entry, 1, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_non_null(strstr(err.text, "left alone"));
	assert_int_equal(kill(pid, SIGCONT), 0);
	do
		world->now_ms += 20000;
	while (!transport_send_batch(transport, QUEUE_SIGNING, &entry, 1, &err));
	assert_true(entry.sent);
	transport_close(transport);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_make, world_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(what_is_sent_comes_and_goes),       WORLD_TEST(ten_at_once),
		WORLD_TEST(a_delivery_is_hidden_for_its_time), WORLD_TEST(depth_is_what_is_there),
		WORLD_TEST(a_wait_ends_with_a_message),
	};
	const struct CMUnitTest sqs_tests[] = {
		WORLD_TEST(what_is_sent_comes_and_goes),
		WORLD_TEST(ten_at_once),
		WORLD_TEST(a_delivery_is_hidden_for_its_time),
		WORLD_TEST(depth_is_what_is_there),
		WORLD_TEST(a_wait_ends_with_a_message),
		WORLD_TEST(a_long_body_is_cut),
		WORLD_TEST(a_trace_travels_beside_the_body),
		WORLD_TEST(a_batch_is_taken_in_part),
		WORLD_TEST(absent_queues_are_named_and_found_later),
		WORLD_TEST(queues_are_made_and_looked_at),
		WORLD_TEST(a_frozen_sqs_may_have_taken_it),
	};
	if (sqs_place_is_there())
		return cmocka_run_group_tests(sqs_tests, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
