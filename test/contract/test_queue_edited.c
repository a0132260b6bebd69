/* The embedded queue over rows that only an editor of the database, or a wrong clock, can leave:
 * none of them stands in the way of others, or comes back for ever. */
#include "store_fixture.h"

#include "adapter/queue_store.h"

#define VISIBILITY_MS 30000

static struct queue *queue_over(struct fixture *f)
{
	struct queue *queue = NULL;
	MUST(queue_store_open, f->db, &f->clock.base, &f->entropy, NULL, &queue);
	return queue;
}

static size_t claim(struct queue *queue, size_t max, struct message *ret_messages)
{
	size_t len = 99;
	MUST(queue_claim, queue, QUEUE_REQUEST, max, VISIBILITY_MS, ret_messages, &len);
	return len;
}

static void a_message_of_no_row_is_in_nobodys_way(void **state)
{
	struct fixture *f = *state;
	struct queue *queue = queue_over(f);
	struct message messages[4];
	fixture_edit(f, "INSERT INTO messages (queue, subject, correlation_id, created_at, "
			"visible_at) VALUES (1, X'0102', '', 1, 1), "
			"(1, 'sixteen letters!', '', 1, 2), (1, 7, '', 1, 3), "
			"(1, X'00000000000000000000000000000000', '', 1, 4)");
	struct id id = fixture_accept(f, "one").intent.id;
	assert_int_equal(claim(queue, COUNT_OF(messages), messages), 0);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM messages"), 1);
	assert_int_equal(claim(queue, COUNT_OF(messages), messages), 1);
	assert_true(id_equal(messages[0].ack.subject, id));
	queue_close(queue);
}

static void a_message_without_a_generation_ends(void **state)
{
	struct fixture *f = *state;
	struct queue *queue = queue_over(f);
	struct message messages[4];
	(void)fixture_accept(f, "one");
	fixture_edit(f, "UPDATE messages SET generation = -1");
	(void)fixture_accept(f, "two");
	fixture_edit(f, "UPDATE messages SET generation = 'x' WHERE generation > 0");
	assert_int_equal(claim(queue, COUNT_OF(messages), messages), 2);
	for (size_t i = 0; i < 2; i++)
		MUST(queue_ack, queue, &messages[i].ack, 1);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM messages"), 0);
	queue_close(queue);
}

static void a_message_from_before_all_time_has_an_age(void **state)
{
	struct fixture *f = *state;
	struct queue *queue = queue_over(f);
	struct queue_stats stats = { 0 };
	(void)fixture_accept(f, "one");
	fixture_edit(f, "UPDATE messages SET created_at = -9223372036854775807");
	MUST(queue_stats, queue, QUEUE_REQUEST, &stats);
	assert_int_equal(stats.waiting, 1);
	assert_int_equal(stats.oldest_ms, f->clock.now_ms);
	queue_close(queue);
}

/* It has not been received for the first time: it comes alone, now and when it comes back. */
static void a_count_beyond_all_counts_is_no_fresh_one(void **state)
{
	static const char *const counts[] = { "4294967295", "1152921504606846975",
					      "9223372036854775807", "-9" };
	struct fixture *f = *state;
	struct queue *queue = queue_over(f);
	struct message messages[4];
	(void)fixture_accept(f, "one");
	(void)fixture_accept(f, "two");
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		char edit[96];
		snprintf(edit, sizeof edit, "UPDATE messages SET receives = %s", counts[i]);
		fixture_edit(f, edit);
		for (int again = 0; again < 2; again++) {
			fixture_wait(f, VISIBILITY_MS + 1);
			assert_int_equal(claim(queue, COUNT_OF(messages), messages), 1);
			assert_int_equal(messages[0].receives, UINT32_MAX);
		}
	}
	queue_close(queue);
}

/* Claimed while the clock was wrong, a year ahead: it comes when there is nothing else. */
static void a_claim_from_a_wrong_clock_does_not_last(void **state)
{
	struct fixture *f = *state;
	static const int64_t year_ms = INT64_C(365) * 24 * 3600 * 1000;
	struct queue *queue = queue_over(f);
	struct message messages[4];
	struct id first = fixture_accept(f, "one").intent.id;
	fixture_wait(f, year_ms);
	assert_int_equal(claim(queue, COUNT_OF(messages), messages), 1);
	fixture_wait(f, -year_ms);
	struct id second = fixture_accept(f, "two").intent.id;
	assert_int_equal(claim(queue, COUNT_OF(messages), messages), 1);
	assert_true(id_equal(messages[0].ack.subject, second));
	assert_int_equal(claim(queue, COUNT_OF(messages), messages), 1);
	assert_true(id_equal(messages[0].ack.subject, first));
	assert_int_equal(messages[0].receives, 2);
	assert_int_equal(claim(queue, COUNT_OF(messages), messages), 0);
	queue_close(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_message_of_no_row_is_in_nobodys_way,
						fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_message_without_a_generation_ends, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_message_from_before_all_time_has_an_age,
						fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_count_beyond_all_counts_is_no_fresh_one,
						fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_claim_from_a_wrong_clock_does_not_last,
						fixture_set_up, fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
