/* The model of SQS: what it never does by itself, and what each of its settings makes it do. */
#include "../testing.h"

#include "sim/sqs.h"

#include <stdio.h>

#define VISIBILITY_MS 30000
#define DAY_MS        (INT64_C(24) * 3600 * 1000)

struct model {
	struct clock clock;
	int64_t now_ms;
	struct sim_sqs *sqs;
	struct queue_transport *port;
};

static int64_t now(struct clock *clock)
{
	return ((struct model *)(void *)clock)->now_ms;
}

static const struct clock_ops clock_table = { now, now };

static int model_make(void **state)
{
	struct model *model = calloc(1, sizeof *model);
	assert_non_null(model);
	model->clock.ops = &clock_table;
	model->now_ms = 1000;
	model->sqs = sim_sqs_new(&model->clock, sim_random_of(5));
	model->port = sim_sqs_port(model->sqs);
	*state = model;
	return 0;
}

static int model_leave(void **state)
{
	struct model *model = *state;
	sim_sqs_free(model->sqs);
	free(model);
	return 0;
}

/* How many of `n` messages (their bodies are their numbers) the service took. */
static size_t send(struct model *model, size_t n)
{
	struct err err = { 0 };
	size_t sent = 0;
	for (size_t i = 0; i < n; i++) {
		char body[16];
		int len = snprintf(body, sizeof body, "%zu", i);
		struct transport_entry entry = { .body = { body, (size_t)len } };
		assert_true(transport_send_batch(model->port, QUEUE_SIGNING, &entry, 1, &err));
		sent += entry.sent;
	}
	return sent;
}

static size_t receive(struct model *model, size_t max, struct transport_message *ret_messages)
{
	struct err err = { 0 };
	size_t len = 99;
	assert_true(transport_receive(model->port, QUEUE_SIGNING, max, VISIBILITY_MS, 0,
				      ret_messages, &len, &err));
	return len;
}

static bool erase(struct model *model, const struct transport_message *message)
{
	struct transport_receipt receipt = { .receipt = message->receipt };
	struct err err = { 0 };
	assert_true(transport_delete_batch(model->port, QUEUE_SIGNING, &receipt, 1, &err));
	return receipt.done;
}

static bool extend(struct model *model, const struct transport_message *message)
{
	struct transport_receipt receipt = { .receipt = message->receipt };
	struct err err = { 0 };
	assert_true(transport_extend_batch(model->port, QUEUE_SIGNING, &receipt, 1, VISIBILITY_MS,
					   &err));
	return receipt.done;
}

static void by_itself_it_loses_and_doubles_nothing(void **state)
{
	struct model *model = *state;
	struct transport_message messages[TRANSPORT_BATCH_MAX];
	assert_int_equal(send(model, 25), 25);
	for (size_t i = 0; i < 25; i++) {
		char body[16];
		int len = snprintf(body, sizeof body, "%zu", i);
		assert_int_equal(receive(model, 1, messages), 1);
		assert_int_equal(messages[0].body_len, len);
		assert_memory_equal(messages[0].body, body, (size_t)len);
		assert_true(erase(model, &messages[0]));
	}
	assert_int_equal(receive(model, TRANSPORT_BATCH_MAX, messages), 0);
	assert_int_equal(sim_sqs_len(model->sqs, QUEUE_SIGNING), 0);
	for (enum sim_sqs_event event = 0; event < SIM_SQS_EVENTS; event++)
		assert_int_equal(sim_sqs_count(model->sqs, event),
				 event == SIM_SQS_SENT || event == SIM_SQS_DELIVERED ? 25 : 0);
}

static void a_delivery_hides_its_message_until_it_is_time(void **state)
{
	struct model *model = *state;
	struct transport_message first, second;
	struct transport_depth depth = { 0 };
	struct err err = { 0 };
	(void)send(model, 1);
	assert_int_equal(receive(model, 1, &first), 1);
	assert_true(transport_depth(model->port, QUEUE_SIGNING, &depth, &err));
	assert_int_equal(depth.claimed, 1);
	model->now_ms += VISIBILITY_MS - 1;
	assert_int_equal(receive(model, 1, &second), 0);
	assert_true(extend(model, &first));
	model->now_ms += VISIBILITY_MS - 1;
	assert_int_equal(receive(model, 1, &second), 0);
	model->now_ms += 1;
	assert_int_equal(receive(model, 1, &second), 1);
	assert_string_not_equal(first.receipt, second.receipt);
	/* The first receipt is stale: it keeps nothing, and deletes nothing, although it says so.
	 */
	assert_false(extend(model, &first));
	assert_true(erase(model, &first));
	assert_int_equal(sim_sqs_len(model->sqs, QUEUE_SIGNING), 1);
	assert_int_equal(sim_sqs_count(model->sqs, SIM_SQS_STALE), 2);
	assert_true(erase(model, &second));
	assert_int_equal(sim_sqs_len(model->sqs, QUEUE_SIGNING), 0);
}

static void what_is_received_too_often_is_buried(void **state)
{
	struct model *model = *state;
	struct transport_message message;
	(void)send(model, 1);
	for (int i = 0; i < RECEIVES_WITHOUT_VERDICT_MAX; i++) {
		assert_int_equal(receive(model, 1, &message), 1);
		model->now_ms += VISIBILITY_MS;
	}
	assert_int_equal(receive(model, 1, &message), 0);
	assert_int_equal(sim_sqs_dead(model->sqs), 1);
	assert_int_equal(sim_sqs_redrive(model->sqs, 2), 1);
	assert_int_equal(sim_sqs_dead(model->sqs), 0);
	assert_int_equal(sim_sqs_len(model->sqs, QUEUE_SIGNING), 2);
	assert_int_equal(receive(model, 1, &message), 1);
	assert_int_equal(sim_sqs_wipe(model->sqs), 2);
	assert_int_equal(receive(model, 1, &message), 0);
}

static void nothing_is_kept_for_ever(void **state)
{
	struct model *model = *state;
	struct transport_message message;
	(void)send(model, 1);
	model->now_ms += 4 * DAY_MS;
	assert_int_equal(receive(model, 1, &message), 1);
	model->now_ms += VISIBILITY_MS;
	assert_int_equal(receive(model, 1, &message), 0);
	assert_int_equal(sim_sqs_len(model->sqs, QUEUE_SIGNING), 0);
}

/* Each trouble alone: it happens, and no other. */
static void a_setting_is_one_trouble(void **state)
{
	struct model *model = *state;
	static const struct {
		struct sim_sqs_settings settings;
		enum sim_sqs_event event;
	} rows[] = {
		{ { .refuse_per_mille = 300 }, SIM_SQS_REFUSED },
		{ { .late_per_mille = 300, .late_ms_max = 5000 }, SIM_SQS_LATE },
		{ { .double_per_mille = 300 }, SIM_SQS_DOUBLED },
		{ { .miss_per_mille = 300 }, SIM_SQS_MISSED },
		{ { .undelete_per_mille = 300 }, SIM_SQS_UNDELETED },
	};
	for (size_t row = 0; row < COUNT_OF(rows); row++) {
		uint64_t before = sim_sqs_count(model->sqs, rows[row].event);
		*sim_sqs_settings(model->sqs) = rows[row].settings;
		size_t sent = send(model, 60);
		assert_true(rows[row].event == SIM_SQS_REFUSED ? sent < 60 : sent == 60);
		for (int i = 0; i < 400; i++) {
			struct transport_message messages[TRANSPORT_BATCH_MAX];
			size_t len = receive(model, TRANSPORT_BATCH_MAX, messages);
			for (size_t k = 0; k < len; k++)
				(void)erase(model, &messages[k]);
			model->now_ms += len == 0 ? 1000 : 0;
		}
		assert_int_equal(sim_sqs_len(model->sqs, QUEUE_SIGNING), 0);
		assert_true(sim_sqs_count(model->sqs, rows[row].event) > before);
	}
	assert_int_equal(sim_sqs_count(model->sqs, SIM_SQS_AGAIN), 0);
	assert_int_equal(sim_sqs_count(model->sqs, SIM_SQS_BURIED), 0);
}

static void disorder_is_any_order(void **state)
{
	struct model *model = *state;
	struct transport_message message;
	size_t moved = 0;
	sim_sqs_settings(model->sqs)->disorder = true;
	sim_sqs_settings(model->sqs)->again_per_mille = 0;
	(void)send(model, 40);
	for (size_t i = 0; i < 40; i++) {
		char body[16];
		int len = snprintf(body, sizeof body, "%zu", i);
		assert_int_equal(receive(model, 1, &message), 1);
		moved += message.body_len != (size_t)len ||
			 memcmp(message.body, body, (size_t)len) != 0;
	}
	assert_true(moved > 20);
	assert_int_equal(receive(model, 1, &message), 0);
}

#define MODEL_TEST(test) cmocka_unit_test_setup_teardown(test, model_make, model_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MODEL_TEST(by_itself_it_loses_and_doubles_nothing),
		MODEL_TEST(a_delivery_hides_its_message_until_it_is_time),
		MODEL_TEST(what_is_received_too_often_is_buried),
		MODEL_TEST(nothing_is_kept_for_ever),
		MODEL_TEST(a_setting_is_one_trouble),
		MODEL_TEST(disorder_is_any_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
