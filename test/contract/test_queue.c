/* The contract of port/queue.h: claims and their ends. */
#include "store_fixture.h"

#include "adapter/queue_outbox.h"
#include "adapter/queue_store.h"
#include "fault_db.h"
#include "sim/sqs.h"
#include "sqs_place.h"

#include <stdatomic.h>

#define VISIBILITY_MS 30000

static struct queue *queue_over(struct fixture *f, struct db *db, const char *prefix)
{
	struct queue *queue = NULL;
	MUST(queue_store_open, db, &f->clock.base, &f->entropy, prefix, &queue);
	return queue;
}

/* A queue on the fixture's connection, and how to leave it. */
struct place {
	struct fixture *fixture;
	struct queue *queue;
	struct sim_sqs *sqs;        /* below a queue over a transport, in its best mood; or NULL */
	struct sqs_place *real_sqs; /* or that of others */
};

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	assert_non_null(place);
	(void)fixture_set_up(state);
	place->fixture = *state;
	place->queue = queue_over(place->fixture, place->fixture->db, NULL);
	*state = place;
	return 0;
}

static void outbox_put(struct place *place, struct queue_transport *transport)
{
	struct fixture *f = place->fixture;
	queue_close(place->queue);
	place->queue = queue_outbox_new(&(struct queue_outbox_options){ .db = f->db,
									.transport = transport,
									.clock = &f->clock.base,
									.entropy = &f->entropy });
}

/* The same over the outbox and a transport. */
static int transport_make(void **state)
{
	if (place_make(state) != 0)
		return -1;
	struct place *place = *state;
	place->sqs = sim_sqs_new(&place->fixture->clock.base, sim_random_of(1));
	sim_sqs_settings(place->sqs)->max_receives = 0;
	outbox_put(place, sim_sqs_port(place->sqs));
	return 0;
}

/* The same over SQS, as others wrote it. */
static int real_sqs_make(void **state)
{
	if (place_make(state) != 0)
		return -1;
	struct place *place = *state;
	place->real_sqs = sqs_place_new(&place->fixture->clock.base, true);
	outbox_put(place, &place->real_sqs->base);
	return 0;
}

static int place_leave(void **state)
{
	struct place *place = *state;
	queue_close(place->queue);
	sim_sqs_free(place->sqs);
	sqs_place_free(place->real_sqs);
	*state = place->fixture;
	free(place);
	return fixture_tear_down(state);
}

static size_t claim(struct place *place, size_t max, struct message *ret_messages)
{
	size_t len = 99;
	MUST(queue_claim, place->queue, QUEUE_REQUEST, max, VISIBILITY_MS, ret_messages, &len);
	return len;
}

static void ack(struct place *place, const struct message *message)
{
	MUST(queue_ack, place->queue, &message->ack, 1);
}

/* Messages of a queue, wherever they are. */
static uint64_t left(struct place *place, enum queue_name name)
{
	struct queue_stats stats = { 0 };
	MUST(queue_stats, place->queue, name, &stats);
	return stats.waiting + stats.delayed + stats.claimed;
}

/* `n` rows with their wake-ups, a millisecond apart. */
static void fill(struct place *place, size_t n, struct id *ret_ids)
{
	struct fixture *f = place->fixture;
	char key[32];
	for (size_t i = 0; i < n; i++) {
		snprintf(key, sizeof key, "key-%d", (int)f->made);
		ret_ids[i] = fixture_accept(f, key).intent.id;
		queue_notify(place->queue, QUEUE_REQUEST);
		fixture_wait(f, 1);
	}
}

/* Renews the wake-ups of all rows, as a change of each could. */
static void wake(struct place *place)
{
	struct fixture *f = place->fixture;
	size_t woken[3];
	MUST(store_sweep, f->store, f->clock.now_ms + 3600000, 64, woken);
	assert_true(woken[0] > 0);
	queue_notify(place->queue, QUEUE_REQUEST);
}

static void a_claim_is_one_consumers(void **state)
{
	struct place *place = *state;
	struct id ids[5];
	struct message messages[BATCH_MAX];
	struct message others[BATCH_MAX];
	fill(place, 5, ids);
	assert_int_equal(claim(place, 3, messages), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(id_equal(messages[i].ack.subject, ids[i])); /* oldest first */
		assert_int_equal(messages[i].ack.queue, QUEUE_REQUEST);
		assert_int_equal(messages[i].receives, 1);
		assert_string_equal(messages[i].correlation_id,
				    fixture_load(place->fixture, ids[i]).correlation_id);
	}
	assert_int_equal(claim(place, BATCH_MAX, others), 2);
	assert_true(id_equal(others[0].ack.subject, ids[3]));
	assert_memory_not_equal(others[0].ack.token, messages[0].ack.token, 16);
	assert_int_equal(claim(place, BATCH_MAX, others), 0);
}

static void an_acknowledged_message_is_gone(void **state)
{
	struct place *place = *state;
	struct id ids[2];
	struct message messages[2];
	fill(place, 2, ids);
	assert_int_equal(claim(place, 2, messages), 2);
	ack(place, &messages[0]);
	ack(place, &messages[0]);
	assert_int_equal(left(place, QUEUE_REQUEST), 1);
	fixture_wait(place->fixture, VISIBILITY_MS);
	assert_int_equal(claim(place, 2, messages), 1);
	assert_true(id_equal(messages[0].ack.subject, ids[1]));
}

/* Nobody ends somebody else's claim: a deletion needs the token. */
static void only_the_claims_token_ends_it(void **state)
{
	struct place *place = *state;
	struct id id;
	struct message message;
	fill(place, 1, &id);
	assert_int_equal(claim(place, 1, &message), 1);
	struct digest before = fixture_digest(place->fixture);
	struct message forged = message;
	forged.ack.token[0] ^= 1;
	ack(place, &forged);
	forged = message;
	forged.ack.queue = QUEUE_SIGNING;
	ack(place, &forged);
	forged.ack = (struct message_ack){ 0 };
	ack(place, &forged);
	struct digest after = fixture_digest(place->fixture);
	assert_digest_equal(&before, &after);
	ack(place, &message);
	assert_int_equal(left(place, QUEUE_REQUEST), 0);
}

/* claimed-then-crash: without a verdict the message comes back, and is counted. */
static void a_claim_without_a_verdict_runs_out(void **state)
{
	struct place *place = *state;
	struct id id;
	struct message first;
	struct message second;
	fill(place, 1, &id);
	assert_int_equal(claim(place, 1, &first), 1);
	fixture_wait(place->fixture, VISIBILITY_MS - 1);
	assert_int_equal(claim(place, 1, &second), 0);
	fixture_wait(place->fixture, 1);
	assert_int_equal(claim(place, 1, &second), 1);
	assert_int_equal(second.receives, 2);
	/* The slow first consumer does not take the second one's work away. */
	ack(place, &first);
	assert_int_equal(left(place, QUEUE_REQUEST), 1);
	for (uint32_t i = 3; i <= RECEIVES_WITHOUT_VERDICT_MAX + 1; i++) {
		fixture_wait(place->fixture, VISIBILITY_MS);
		assert_int_equal(claim(place, 1, &second), 1);
		assert_int_equal(second.receives, i);
	}
	ack(place, &second);
	assert_int_equal(left(place, QUEUE_REQUEST), 0);
}

/* Somebody has news for the row while it is being worked on: it is looked at once more. */
static void a_renewed_message_is_open_again_after_its_ack(void **state)
{
	struct place *place = *state;
	struct id id;
	struct message first;
	struct message second;
	fill(place, 1, &id);
	assert_int_equal(claim(place, 1, &first), 1);
	wake(place);
	assert_int_equal(claim(place, 1, &second), 0); /* still being worked on */
	ack(place, &first);
	assert_int_equal(claim(place, 1, &second), 1);
	assert_int_equal(second.receives, 1); /* it had its verdict */
	if (place->sqs == NULL && place->real_sqs == NULL)
		assert_true(second.ack.generation > first.ack.generation);
	ack(place, &first);
	assert_int_equal(left(place, QUEUE_REQUEST), 1);
	ack(place, &second);
	assert_int_equal(left(place, QUEUE_REQUEST), 0);
}

/* The same through a store call, which acknowledges in its own transaction. */
static void a_change_opens_a_renewed_message_again(void **state)
{
	struct place *place = *state;
	struct fixture *f = place->fixture;
	struct id id;
	struct message message;
	fill(place, 1, &id);
	struct withdrawal row = fixture_load(f, id);
	assert_int_equal(claim(place, 1, &message), 1);
	wake(place);
	struct store_change change = fixture_change(&row, row.stage, "waiting");
	change.wait_reason = "screening";
	change.ack = message.ack;
	assert_true(fixture_apply(f, &change, ACTOR_PROCESSOR));
	assert_int_equal(claim(place, 1, &message), 1);
	assert_int_equal(message.receives, 1);
}

/* Renewed, and then its consumer dies: one wake-up is enough for both. */
static void a_renewed_message_that_ran_out_comes_once(void **state)
{
	struct place *place = *state;
	struct id id;
	struct message message;
	fill(place, 1, &id);
	assert_int_equal(claim(place, 1, &message), 1);
	wake(place);
	fixture_wait(place->fixture, VISIBILITY_MS);
	assert_int_equal(claim(place, 1, &message), 1);
	assert_int_equal(message.receives, 2);
	ack(place, &message);
	assert_int_equal(left(place, QUEUE_REQUEST), 0);
}

/* poison-message: what may have killed its worker takes nobody along. */
static void a_message_received_before_comes_alone(void **state)
{
	struct place *place = *state;
	struct id ids[6];
	struct message messages[BATCH_MAX];
	bool seen[6] = { false };
	fill(place, 3, ids);
	assert_int_equal(claim(place, 3, messages), 3);
	fixture_wait(place->fixture, VISIBILITY_MS);
	fill(place, 3, ids + 3);
	for (size_t total = 0; total < 6;) {
		size_t len = claim(place, BATCH_MAX, messages);
		assert_true(len > 0);
		for (size_t i = 0; i < len; i++) {
			if (messages[i].receives > 1)
				assert_int_equal(len, 1);
			for (size_t k = 0; k < 6; k++)
				if (id_equal(messages[i].ack.subject, ids[k])) {
					assert_false(seen[k]);
					assert_int_equal(messages[i].receives, k < 3 ? 2 : 1);
					seen[k] = true;
				}
		}
		total += len;
	}
	assert_int_equal(claim(place, BATCH_MAX, messages), 0);
}

/* Also when what is fresh has waited longer. */
static void what_is_fresh_does_not_take_it_along(void **state)
{
	struct place *place = *state;
	struct id ids[3];
	struct message messages[BATCH_MAX];
	fill(place, 1, ids);
	assert_int_equal(claim(place, 1, messages), 1);
	fill(place, 2, ids + 1);
	fixture_wait(place->fixture, VISIBILITY_MS);
	assert_int_equal(claim(place, BATCH_MAX, messages), 2);
	assert_true(id_equal(messages[0].ack.subject, ids[1]));
	assert_true(id_equal(messages[1].ack.subject, ids[2]));
	assert_int_equal(claim(place, BATCH_MAX, messages), 1);
	assert_true(id_equal(messages[0].ack.subject, ids[0]));
	assert_int_equal(messages[0].receives, 2);
}

/* A queue that is never empty: what a restart left behind still gets its turn. */
static void under_load_a_message_received_before_has_its_turn(void **state)
{
	struct place *place = *state;
	struct id ids[2];
	struct message messages[BATCH_MAX];
	fill(place, 2, ids);
	assert_int_equal(claim(place, BATCH_MAX, messages), 2);
	fixture_wait(place->fixture, VISIBILITY_MS);
	size_t found = 0;
	for (int turn = 0; turn < 8; turn++) {
		struct id fresh[2];
		fill(place, 2, fresh);
		size_t len = claim(place, BATCH_MAX, messages);
		assert_true(len > 0);
		for (size_t i = 0; i < len; i++) {
			found += id_equal(messages[i].ack.subject, ids[0]) ||
				 id_equal(messages[i].ack.subject, ids[1]);
			ack(place, &messages[i]);
		}
	}
	assert_int_equal(found, 2);
}

static struct queue *consumer_open(struct place *place, struct db **ret_db)
{
	*ret_db = fixture_connect(place->fixture);
	return queue_over(place->fixture, *ret_db, NULL);
}

static void consumer_close(struct queue *queue, struct db *db)
{
	queue_close(queue);
	db_close(db);
}

static size_t claim_by(struct queue *queue, enum queue_name name, struct message *ret_messages)
{
	size_t len = 99;
	MUST(queue_claim, queue, name, BATCH_MAX, VISIBILITY_MS, ret_messages, &len);
	return len;
}

/* Its locks are gone with it, as the kernel sees to when a process is killed. */
static void claims_of_a_dead_consumer_come_back_at_once(void **state)
{
	struct place *place = *state;
	struct db *dead_db, *alive_db, *next_db;
	struct queue *dead = consumer_open(place, &dead_db);
	struct queue *alive = consumer_open(place, &alive_db);
	struct message first[BATCH_MAX], others[BATCH_MAX], again[BATCH_MAX];
	struct id ids[4];
	fill(place, 2, ids);
	assert_int_equal(claim_by(dead, QUEUE_REQUEST, first), 2);
	fill(place, 2, &ids[2]);
	assert_int_equal(claim_by(alive, QUEUE_REQUEST, others), 2);
	consumer_close(dead, dead_db);
	/* Who was there all the time does not know, and need not. */
	assert_int_equal(claim_by(alive, QUEUE_REQUEST, again), 0);
	/* Who takes the dead one's seat gets what it held: received before, hence one at a time.
	 * What the living one holds stays hidden. */
	struct queue *next = consumer_open(place, &next_db);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(claim_by(next, QUEUE_REQUEST, again), 1);
		assert_true(id_equal(again[0].ack.subject, ids[i]));
		assert_int_equal(again[0].receives, 2);
		MUST(queue_ack, next, &again[0].ack, 1);
	}
	assert_int_equal(claim_by(next, QUEUE_REQUEST, again), 0);
	MUST(queue_ack, alive, &others[0].ack, 1);
	MUST(queue_ack, alive, &others[1].ack, 1);
	assert_int_equal(fixture_number(place->fixture, "SELECT COUNT(*) FROM messages"), 0);
	consumer_close(next, next_db);
	consumer_close(alive, alive_db);
}

/* A message that kills its consumer reaches the count that buries it. */
static void each_death_counts(void **state)
{
	struct place *place = *state;
	struct id id;
	fill(place, 1, &id);
	for (uint32_t death = 1; death <= RECEIVES_WITHOUT_VERDICT_MAX; death++) {
		struct db *db;
		struct message message[BATCH_MAX];
		struct queue *queue = consumer_open(place, &db);
		assert_int_equal(claim_by(queue, QUEUE_REQUEST, message), 1);
		assert_int_equal(message[0].receives, death);
		consumer_close(queue, db);
	}
}

/* The dead one's late verdict, from a thread that lives a little longer, ends nothing: another has
 * the message now. And queues have seats of their own. */
static void a_seat_is_of_one_queue_and_one_consumer(void **state)
{
	struct place *place = *state;
	struct db *dead_db, *other_db, *next_db;
	struct queue *dead = consumer_open(place, &dead_db);
	struct message first[BATCH_MAX], again[BATCH_MAX];
	struct id id;
	fill(place, 1, &id);
	assert_int_equal(claim_by(dead, QUEUE_REQUEST, first), 1);
	consumer_close(dead, dead_db);
	struct queue *other = consumer_open(place, &other_db);
	assert_int_equal(claim_by(other, QUEUE_SIGNING, again), 0);
	struct queue *next = consumer_open(place, &next_db);
	assert_int_equal(claim_by(next, QUEUE_REQUEST, again), 1);
	MUST(queue_ack, other, &first[0].ack, 1);
	assert_int_equal(fixture_number(place->fixture, "SELECT COUNT(*) FROM messages"), 1);
	/* A second queue over one connection shares its seat, and takes nothing from it. */
	struct queue *sibling = queue_over(place->fixture, next_db, NULL);
	assert_int_equal(claim_by(sibling, QUEUE_REQUEST, first), 0);
	queue_close(sibling);
	consumer_close(next, next_db);
	consumer_close(other, other_db);
}

static void an_extended_claim_lasts(void **state)
{
	struct place *place = *state;
	struct id ids[2];
	struct message messages[2];
	struct message other;
	fill(place, 2, ids);
	assert_int_equal(claim(place, 2, messages), 2);
	fixture_wait(place->fixture, VISIBILITY_MS - 1);
	MUST(queue_extend, place->queue, &messages[0].ack, 1, VISIBILITY_MS);
	fixture_wait(place->fixture, 1);
	assert_int_equal(claim(place, 1, &other), 1);
	assert_true(id_equal(other.ack.subject, ids[1]));
	/* Lost meanwhile: skipped, and the new owner's time is his own. */
	struct message_ack both[2] = { messages[0].ack, messages[1].ack };
	MUST(queue_extend, place->queue, both, 2, 10 * VISIBILITY_MS);
	fixture_wait(place->fixture, VISIBILITY_MS);
	assert_int_equal(claim(place, 1, &other), 1);
	assert_true(id_equal(other.ack.subject, ids[1]));
	assert_int_equal(other.receives, 3);
	fixture_wait(place->fixture, 9 * VISIBILITY_MS - 1);
	ack(place, &other);
	assert_int_equal(claim(place, 1, &other), 0);
	fixture_wait(place->fixture, 1);
	assert_int_equal(claim(place, 1, &other), 1);
	assert_true(id_equal(other.ack.subject, ids[0]));
}

static void queues_are_separate(void **state)
{
	struct place *place = *state;
	(void)fixture_queue(place->fixture, "one"); /* in both queues */
	queue_notify(place->queue, QUEUE_REQUEST);
	queue_notify(place->queue, QUEUE_SIGNING);
	struct message messages[2];
	size_t len = 0;
	assert_int_equal(claim(place, 2, messages), 1);
	MUST(queue_claim, place->queue, QUEUE_SIGNING, 2, VISIBILITY_MS, messages + 1, &len);
	assert_int_equal(len, 1);
	ack(place, &messages[0]);
	assert_int_equal(left(place, QUEUE_REQUEST), 0);
	assert_int_equal(left(place, QUEUE_SIGNING), 1);
	MUST(queue_claim, place->queue, QUEUE_MONITOR, 2, VISIBILITY_MS, messages, &len);
	assert_int_equal(len, 0);
}

static void assert_stats(struct place *place, enum queue_name name, uint64_t waiting,
			 uint64_t delayed, uint64_t claimed, int64_t oldest_ms)
{
	struct queue_stats stats = { 0 };
	MUST(queue_stats, place->queue, name, &stats);
	assert_int_equal(stats.queue, name);
	assert_int_equal(stats.waiting, waiting);
	assert_int_equal(stats.delayed, delayed);
	assert_int_equal(stats.claimed, claimed);
	assert_int_equal(stats.oldest_ms, oldest_ms);
}

static void stats_count_what_is_there(void **state)
{
	struct place *place = *state;
	struct id ids[4];
	struct message messages[BATCH_MAX];
	assert_stats(place, QUEUE_REQUEST, 0, 0, 0, 0);
	fill(place, 4, ids);
	assert_stats(place, QUEUE_REQUEST, 4, 0, 0, 4);
	assert_int_equal(claim(place, 3, messages), 3);
	assert_stats(place, QUEUE_REQUEST, 1, 0, 3, 4);
	assert_stats(place, QUEUE_SIGNING, 0, 0, 0, 0);
	fixture_edit(place->fixture, "UPDATE messages SET visible_at = 1800000000000 "
				     "WHERE claim IS NULL");
	assert_stats(place, QUEUE_REQUEST, 0, 1, 3, 4);
	ack(place, &messages[0]);
	fixture_wait(place->fixture, VISIBILITY_MS);
	assert_stats(place, QUEUE_REQUEST, 2, 1, 0, VISIBILITY_MS + 3);
	/* A burial shows in the dead-letter queue. */
	struct withdrawal row = fixture_load(place->fixture, ids[1]);
	struct store_change bury = fixture_change(&row, row.stage, "held");
	bury.held_reason = "dead_letter";
	bury.bury = true;
	bury.ack = messages[1].ack;
	assert_true(fixture_apply(place->fixture, &bury, ACTOR_PROCESSOR));
	assert_stats(place, QUEUE_REQUEST_DLQ, 1, 0, 0, 0);
}

static void a_call_outside_of_the_contract_aborts(void **state)
{
	struct place *place = *state;
	struct message messages[1];
	struct err err = { 0 };
	size_t len = 0;
	struct queue *queue = place->queue;
	assert_aborts((void)!queue_claim(queue, QUEUE_REQUEST, 0, 1, messages, &len, &err));
	assert_aborts(
		(void)!queue_claim(queue, QUEUE_REQUEST, BATCH_MAX + 1, 1, messages, &len, &err));
	assert_aborts((void)!queue_claim(queue, QUEUE_REQUEST, 1, 0, messages, &len, &err));
	assert_aborts((void)!queue_claim(queue, QUEUE_REQUEST_DLQ, 1, 1, messages, &len, &err));
	assert_aborts((void)!queue_ack(queue, &messages[0].ack, 0, &err));
}

/* --- several consumers --------------------------------------------------------------------------
 */

#define CONSUMERS 4
#define MESSAGES  200

struct consumer {
	pthread_t thread;
	struct fixture *fixture;
	pthread_barrier_t *all_done;
	struct message got[MESSAGES];
	size_t len;
};

static void *consumer_run(void *context)
{
	struct consumer *consumer = context;
	struct fixture *f = consumer->fixture;
	struct db *db = fixture_connect(f);
	struct queue *queue = NULL;
	struct err err = { 0 };
	size_t len = 1;
	CHECK(queue_store_open(db, &f->clock.base, &f->entropy, NULL, &queue, &err));
	while (len > 0) {
		struct message messages[7];
		CHECK(queue_claim(queue, QUEUE_REQUEST, 7, VISIBILITY_MS, messages, &len, &err));
		CHECK(consumer->len + len <= MESSAGES);
		memcpy(consumer->got + consumer->len, messages, len * sizeof messages[0]);
		consumer->len += len;
	}
	/* Who leaves earlier has died, for one that starts later and takes its seat. */
	(void)pthread_barrier_wait(consumer->all_done);
	queue_close(queue);
	db_close(db);
	return NULL;
}

static void racing_consumers_share_without_doubles(void **state)
{
	struct place *place = *state;
	struct consumer *consumers = calloc(CONSUMERS, sizeof *consumers);
	struct id *ids = calloc(MESSAGES, sizeof *ids);
	pthread_barrier_t all_done;
	size_t total = 0;
	assert_non_null(consumers);
	assert_non_null(ids);
	assert_int_equal(pthread_barrier_init(&all_done, NULL, CONSUMERS), 0);
	fill(place, MESSAGES, ids);
	for (size_t i = 0; i < CONSUMERS; i++) {
		consumers[i].fixture = place->fixture;
		consumers[i].all_done = &all_done;
		assert_int_equal(
			pthread_create(&consumers[i].thread, NULL, consumer_run, &consumers[i]), 0);
	}
	for (size_t i = 0; i < CONSUMERS; i++) {
		assert_int_equal(pthread_join(consumers[i].thread, NULL), 0);
		total += consumers[i].len;
	}
	assert_int_equal(total, MESSAGES);
	for (size_t i = 0; i < MESSAGES; i++) {
		size_t times = 0;
		for (size_t k = 0; k < CONSUMERS; k++)
			for (size_t m = 0; m < consumers[k].len; m++)
				times += id_equal(consumers[k].got[m].ack.subject, ids[i]);
		assert_int_equal(times, 1);
	}
	(void)pthread_barrier_destroy(&all_done);
	free(ids);
	free(consumers);
}

/* --- faults -------------------------------------------------------------------------------------
 */

enum queue_act { ACT_CLAIM, ACT_EXTEND, ACT_ACK };

static bool act_run(struct queue *queue, enum queue_act act, const struct message_ack *acks,
		    struct err *err)
{
	struct message messages[4];
	size_t len = 99;
	bool done;
	switch (act) {
	case ACT_CLAIM:
		done = queue_claim(queue, QUEUE_REQUEST, 4, VISIBILITY_MS, messages, &len, err);
		assert_int_equal(len, done ? 2 : 0);
		return done;
	case ACT_EXTEND:
		return queue_extend(queue, acks, 2, 2 * VISIBILITY_MS, err);
	case ACT_ACK:
		return queue_ack(queue, acks, 2, err);
	}
	return false;
}

static void assert_act_is_atomic(struct place *place, enum queue_act act,
				 const struct message_ack *acks)
{
	struct fixture *f = place->fixture;
	struct db *db = fault_db_open(fixture_connect(f));
	struct queue *queue = queue_over(f, db, NULL);
	struct digest before = fixture_digest(f);
	for (uint64_t at = 1;; at++) {
		struct err err = { 0 };
		fault_db_plan(db, (struct fault_plan){ .kind = FAULT_FAIL, .at = at });
		bool done = act_run(queue, act, acks, &err);
		struct digest after = fixture_digest(f);
		if (!fault_db_fired(db)) {
			assert_true(done);
			assert_false(digest_equal(&before, &after));
			assert_true(at > 4);
			break;
		}
		assert_false(done);
		assert_int_equal(err.kind, ERR_NOT_DONE);
		assert_digest_equal(&before, &after);
	}
	queue_close(queue);
	db_close(db);
}

static void a_call_that_breaks_anywhere_leaves_nothing(void **state)
{
	struct place *place = *state;
	struct id ids[4];
	struct message messages[2];
	fill(place, 4, ids);
	assert_int_equal(claim(place, 2, messages), 2);
	struct message_ack acks[2] = { messages[0].ack, messages[1].ack };
	assert_act_is_atomic(place, ACT_CLAIM, acks);
	assert_act_is_atomic(place, ACT_EXTEND, acks);
	assert_act_is_atomic(place, ACT_ACK, acks);
}

#define QUEUE_TEST(test) cmocka_unit_test_setup_teardown(test, place_make, place_leave)
/* What every queue promises; the others are about seats, datagrams and rows of the embedded one. */
#define BOTH_TESTS(test)                                                     \
	QUEUE_TEST(test),                                                    \
	{                                                                    \
		"transport: " #test, test, transport_make, place_leave, NULL \
	}

#define SQS_TEST(test) { "sqs: " #test, test, real_sqs_make, place_leave, NULL }

/* Beside an SQS of others: run_with_sqs.mjs. In which order messages come is its own matter. */
static int run_with_sqs(void)
{
	const struct CMUnitTest tests[] = {
		SQS_TEST(a_claim_is_one_consumers),
		SQS_TEST(an_acknowledged_message_is_gone),
		SQS_TEST(only_the_claims_token_ends_it),
		SQS_TEST(a_claim_without_a_verdict_runs_out),
		SQS_TEST(a_renewed_message_is_open_again_after_its_ack),
		SQS_TEST(a_change_opens_a_renewed_message_again),
		SQS_TEST(a_message_received_before_comes_alone),
		SQS_TEST(under_load_a_message_received_before_has_its_turn),
		SQS_TEST(an_extended_claim_lasts),
		SQS_TEST(queues_are_separate),
		SQS_TEST(a_call_outside_of_the_contract_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	if (sqs_place_is_there())
		return run_with_sqs();
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(a_claim_is_one_consumers),
		BOTH_TESTS(an_acknowledged_message_is_gone),
		BOTH_TESTS(only_the_claims_token_ends_it),
		BOTH_TESTS(a_claim_without_a_verdict_runs_out),
		BOTH_TESTS(a_renewed_message_is_open_again_after_its_ack),
		BOTH_TESTS(a_change_opens_a_renewed_message_again),
		QUEUE_TEST(a_renewed_message_that_ran_out_comes_once),
		BOTH_TESTS(a_message_received_before_comes_alone),
		BOTH_TESTS(what_is_fresh_does_not_take_it_along),
		BOTH_TESTS(under_load_a_message_received_before_has_its_turn),
		BOTH_TESTS(an_extended_claim_lasts),
		BOTH_TESTS(queues_are_separate),
		QUEUE_TEST(stats_count_what_is_there),
		BOTH_TESTS(a_call_outside_of_the_contract_aborts),
		QUEUE_TEST(racing_consumers_share_without_doubles),
		QUEUE_TEST(a_call_that_breaks_anywhere_leaves_nothing),
		/* A kernel's locks tell whether a consumer lives: on one host only. */
		QUEUE_TEST(claims_of_a_dead_consumer_come_back_at_once),
		QUEUE_TEST(each_death_counts),
		QUEUE_TEST(a_seat_is_of_one_queue_and_one_consumer),
	};
	const size_t of_host = fixture_is_of_one_host() ? 0 : 3;
	return _cmocka_run_group_tests("queue", tests, COUNT_OF(tests) - of_host, NULL, NULL);
}
