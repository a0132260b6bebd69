/* Wake-ups between processes: datagrams of the embedded queue. */
#include "store_fixture.h"

#include "adapter/queue_store.h"

#include <stdatomic.h>

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

static int place_leave(void **state)
{
	struct place *place = *state;
	queue_close(place->queue);
	*state = place->fixture;
	free(place);
	return fixture_tear_down(state);
}

/* Long enough that only a lost datagram gets there. */
#define LONG_MS 60000

struct sleeper {
	pthread_t thread;
	struct queue *queue;
	atomic_bool woken;
};

static void *sleeper_run(void *context)
{
	struct sleeper *sleeper = context;
	atomic_store(&sleeper->woken, queue_wait(sleeper->queue, QUEUE_SIGNING, LONG_MS));
	return NULL;
}

static void prefix_of(const struct place *place, char prefix[96])
{
	snprintf(prefix, 96, "%s/q", place->fixture->dir);
}

static void a_sleeping_consumer_is_woken(void **state)
{
	struct place *place = *state;
	char prefix[96];
	prefix_of(place, prefix);
	struct queue *producer = queue_over(place->fixture, place->fixture->db, prefix);
	struct sleeper sleeper = { .queue =
					   queue_over(place->fixture, place->fixture->db, prefix) };
	assert_int_equal(pthread_create(&sleeper.thread, NULL, sleeper_run, &sleeper), 0);
	/* What is sent before it listens is lost, as promised. */
	while (!atomic_load(&sleeper.woken)) {
		queue_notify(producer, QUEUE_SIGNING);
		usleep(1000);
	}
	assert_int_equal(pthread_join(sleeper.thread, NULL), 0);
	queue_close(sleeper.queue);
	queue_close(producer);
}

static void a_wake_up_is_kept_for_who_listens(void **state)
{
	struct place *place = *state;
	char prefix[96];
	prefix_of(place, prefix);
	struct queue *producer = queue_over(place->fixture, place->fixture->db, prefix);
	struct queue *consumer = queue_over(place->fixture, place->fixture->db, prefix);
	queue_notify(producer, QUEUE_SIGNING); /* nobody listens: fine */
	assert_false(queue_wait(consumer, QUEUE_SIGNING, 0));
	queue_notify(producer, QUEUE_REQUEST);
	assert_false(queue_wait(consumer, QUEUE_SIGNING, 0));
	for (int i = 0; i < 1000; i++) /* more than any buffer holds: never waits */
		queue_notify(producer, QUEUE_SIGNING);
	assert_true(queue_wait(consumer, QUEUE_SIGNING, LONG_MS));
	assert_false(queue_wait(consumer, QUEUE_SIGNING, 0));
	queue_notify(consumer, QUEUE_SIGNING); /* to itself */
	assert_true(queue_wait(consumer, QUEUE_SIGNING, LONG_MS));
	assert_aborts((void)queue_wait(consumer, QUEUE_REQUEST, 0));
	queue_close(consumer);
	queue_notify(producer, QUEUE_SIGNING);
	queue_close(producer);
}

/* A new process takes over from one that is still there, or that died and left its socket. */
static void the_newest_consumer_is_woken(void **state)
{
	struct place *place = *state;
	char prefix[96];
	prefix_of(place, prefix);
	struct queue *producer = queue_over(place->fixture, place->fixture->db, prefix);
	struct queue *old = queue_over(place->fixture, place->fixture->db, prefix);
	struct queue *new = queue_over(place->fixture, place->fixture->db, prefix);
	assert_false(queue_wait(old, QUEUE_SIGNING, 0));
	assert_false(queue_wait(new, QUEUE_SIGNING, 0));
	queue_notify(producer, QUEUE_SIGNING);
	assert_true(queue_wait(new, QUEUE_SIGNING, LONG_MS));
	/* The end of the old one leaves the new one's socket alone. */
	queue_close(old);
	queue_notify(producer, QUEUE_SIGNING);
	assert_true(queue_wait(new, QUEUE_SIGNING, 0));
	queue_close(new);
	queue_close(producer);
}

static void without_sockets_a_wait_is_a_sleep(void **state)
{
	struct place *place = *state;
	struct err err = { 0 };
	struct queue *queue = NULL;
	char prefix[128];
	queue_notify(place->queue, QUEUE_SIGNING);
	assert_false(queue_wait(place->queue, QUEUE_SIGNING, 1));
	memset(prefix, 'p', sizeof prefix);
	memcpy(prefix, "/nowhere/", 9);
	prefix[81] = 0;
	assert_false(queue_store_open(place->fixture->db, &place->fixture->clock.base,
				      &place->fixture->entropy, prefix, &queue, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	prefix[80] = 0;
	queue = queue_over(place->fixture, place->fixture->db, prefix);
	/* It cannot be bound, and works as if there was none. */
	assert_false(queue_wait(queue, QUEUE_SIGNING, 0));
	queue_close(queue);
	queue_close(NULL);
}

#define QUEUE_TEST(test) cmocka_unit_test_setup_teardown(test, place_make, place_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUEUE_TEST(a_sleeping_consumer_is_woken),
		QUEUE_TEST(a_wake_up_is_kept_for_who_listens),
		QUEUE_TEST(the_newest_consumer_is_woken),
		QUEUE_TEST(without_sockets_a_wait_is_a_sleep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
