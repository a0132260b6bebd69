/* From the outbox to the transport, by several processes: what one of them hangs over, or dies
 * over, the others send within seconds; what it sends slowly they leave to it. */
#include "store_fixture.h"

#include "adapter/queue_outbox.h"
#include "line.h"
#include "sim/sqs.h"

#define DEADLINE_MS 4000 /* of a request: queue.timeout_ms at most */

struct place {
	struct fixture *fixture;
	struct sim_sqs *sqs;
	struct line line;
	struct queue *queue; /* by the line */
	struct db *db;       /* of the other process */
	struct queue *other; /* by its own one */
	size_t others;       /* what that one has sent */
};

static struct queue *queue_by(struct place *place, struct db *db, struct queue_transport *transport)
{
	struct queue_outbox_options options = { .db = db,
						.transport = transport,
						.clock = &place->fixture->clock.base,
						.entropy = &place->fixture->entropy };
	return queue_outbox_new(&options);
}

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	assert_non_null(place);
	(void)fixture_set_up(state);
	place->fixture = *state;
	place->sqs = sim_sqs_new(&place->fixture->clock.base, sim_random_of(7));
	place->line = line_to(sim_sqs_port(place->sqs));
	place->line.arg = place;
	place->queue = queue_by(place, place->fixture->db, &place->line.base);
	place->db = fixture_connect(place->fixture);
	place->other = queue_by(place, place->db, place->line.real);
	*state = place;
	return 0;
}

static int place_leave(void **state)
{
	struct place *place = *state;
	queue_close(place->other);
	db_close(place->db);
	queue_close(place->queue);
	sim_sqs_free(place->sqs);
	*state = place->fixture;
	free(place);
	return fixture_tear_down(state);
}

static void accept(struct place *place, size_t n)
{
	char key[32];
	for (size_t i = 0; i < n; i++) {
		snprintf(key, sizeof key, "row-%zu", i);
		(void)fixture_accept(place->fixture, key);
	}
}

static size_t outbox_len(struct place *place)
{
	return (size_t)fixture_number(place->fixture, "SELECT COUNT(*) FROM messages");
}

static size_t sqs_len(struct place *place)
{
	return sim_sqs_len(place->sqs, QUEUE_REQUEST);
}

/* How often a row is handed to a consumer, until nothing is left anywhere. */
static size_t consume(struct place *place)
{
	size_t handed = 0;
	for (int i = 0; i < 200 && sqs_len(place) + outbox_len(place) > 0; i++) {
		struct message messages[BATCH_MAX];
		struct message_ack acks[BATCH_MAX];
		size_t len = 0;
		MUST(queue_claim, place->queue, QUEUE_REQUEST, BATCH_MAX, 30000, messages, &len);
		for (size_t k = 0; k < len; k++)
			acks[k] = messages[k].ack;
		if (len > 0)
			MUST(queue_ack, place->queue, acks, len);
		fixture_wait(place->fixture, len > 0 ? 0 : 1000);
		handed += len;
	}
	assert_int_equal(sqs_len(place), 0);
	return handed;
}

/* What the other one sends when it looks now. */
static size_t other_sends(struct place *place)
{
	size_t before = sqs_len(place);
	queue_notify(place->other, QUEUE_REQUEST);
	return sqs_len(place) - before;
}

static void hang(void *arg)
{
	struct place *place = arg;
	place->line.sending = NULL;
	fixture_wait(place->fixture, DEADLINE_MS);
	assert_int_equal(other_sends(place), 0);
	fixture_wait(place->fixture, 2000);
	place->others = other_sends(place);
}

/* It may come back and send as well: that costs copies. */
static void claimed_to_send_then_hung(void **state)
{
	struct place *place = *state;
	const size_t n = 15;
	accept(place, n);
	place->line.sending = hang;
	queue_notify(place->queue, QUEUE_REQUEST);
	assert_int_equal(place->others, n);
	assert_int_equal(outbox_len(place), 0);
	assert_int_equal(sqs_len(place), 2 * n);
	size_t handed = consume(place);
	assert_true(handed >= n && handed <= 2 * n);
}

static void dawdle(void *arg)
{
	struct place *place = arg;
	place->others += other_sends(place);
	fixture_wait(place->fixture, DEADLINE_MS);
	place->others += other_sends(place);
}

static void what_is_sent_slowly_is_sent_once(void **state)
{
	struct place *place = *state;
	accept(place, BATCH_MAX);
	place->line.sending = dawdle;
	queue_notify(place->queue, QUEUE_REQUEST);
	assert_int_equal(place->others, 0);
	assert_int_equal(sim_sqs_count(place->sqs, SIM_SQS_SENT), BATCH_MAX);
	assert_int_equal(outbox_len(place), 0);
	assert_int_equal(consume(place), BATCH_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(claimed_to_send_then_hung, place_make, place_leave),
		cmocka_unit_test_setup_teardown(what_is_sent_slowly_is_sent_once, place_make,
						place_leave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
