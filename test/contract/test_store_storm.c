/* Many instances at once over a few rows, each in orders of its own: whoever gives way to others
 * comes again, and nobody's call fails; what stands in the end is sound. */
#include "store_fixture.h"

#include "adapter/queue_store.h"
#include "adapter/sql_row.h"

#define INSTANCES 8
#define ROUNDS    40
#define ROWS      6
#define KEYS      6

struct storm;

struct instance {
	struct storm *storm;
	struct db *db;
	struct store *store;
	struct queue *queue;
	pthread_t thread;
	uint64_t random;
	bool (*call)(struct instance *instance, struct err *err);
	size_t faults;
	size_t written;
	size_t runs;
	char fault[256]; /* the first one */
};

struct storm {
	struct fixture *f;
	struct id rows[ROWS];
	struct id slots[ROWS];
	struct hash32 hashes[ROWS];
	struct withdrawal fresh[INSTANCES][KEYS]; /* the same keys, each with its own id */
	struct instance instances[INSTANCES];
	size_t written;
	size_t runs; /* of transactions, with those that were undone */
};

static uint64_t random_below(struct instance *instance, uint64_t n)
{
	instance->random = instance->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (instance->random >> 33) % n;
}

/* Some of n, in any order; how many. */
static size_t some(struct instance *instance, size_t n, size_t ret_places[ROWS])
{
	for (size_t i = 0; i < n; i++) {
		size_t at = random_below(instance, i + 1);
		ret_places[i] = ret_places[at];
		ret_places[at] = i;
	}
	return 1 + random_below(instance, n);
}

static struct store_by by_of(const struct instance *instance, enum actor actor)
{
	return fixture_by(instance->storm->f, actor);
}

static bool change_some(struct instance *instance, struct err *err)
{
	size_t places[ROWS];
	size_t n = some(instance, ROWS, places);
	bool speeds_up = random_below(instance, 2) == 0;
	struct store_change changes[ROWS];
	struct store_by by = by_of(instance, ACTOR_API);
	for (size_t i = 0; i < n; i++) {
		struct withdrawal row;
		bool found = false;
		if (!store_withdrawals_load(instance->store, &instance->storm->rows[places[i]], 1,
					    &row, &found, err))
			return false;
		changes[i] = fixture_change(&row, row.stage,
					    speeds_up ? "speed_up_requested" : "cancel_requested");
		changes[i].request_speed_up = speeds_up;
		changes[i].request_cancel = !speeds_up;
	}
	if (!store_withdrawals_change(instance->store, changes, n, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		instance->written += changes[i].applied;
	return true;
}

static bool observe_some(struct instance *instance, struct err *err)
{
	const struct storm *storm = instance->storm;
	size_t places[ROWS];
	size_t n = some(instance, ROWS, places);
	struct store_observation items[ROWS];
	struct store_by by = by_of(instance, ACTOR_MONITOR);
	for (size_t i = 0; i < n; i++) {
		struct transfer slot;
		bool found = false;
		if (!store_transfer_load(instance->store, storm->slots[places[i]], &slot, &found,
					 err))
			return false;
		bool back = slot.stage == TRANSFER_MINED;
		items[i] = (struct store_observation){ .transfer = slot.id,
						       .version = slot.version,
						       .to = back ? TRANSFER_BROADCAST
								  : TRANSFER_MINED };
		if (back)
			continue;
		items[i].mined_hash = storm->hashes[places[i]];
		items[i].mined_block = 1000;
		memset(items[i].mined_block_hash.bytes, 0xb1,
		       sizeof items[i].mined_block_hash.bytes);
	}
	if (!store_transfers_observe(instance->store, items, n, &storm->f->monitor, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		instance->written += items[i].result == STORE_WRITTEN;
	return true;
}

static bool send_some(struct instance *instance, struct err *err)
{
	const struct storm *storm = instance->storm;
	size_t places[ROWS];
	size_t n = some(instance, ROWS, places);
	struct store_sent items[ROWS];
	struct store_by by = by_of(instance, ACTOR_SIGNER);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct store_sent){ .transfer = storm->slots[places[i]],
						.number = 1,
						.wallet_id = storm->f->wallets[places[i] % 2].id,
						.epoch = storm->f->leases[places[i] % 2].epoch,
						.may_be_out = true };
	return store_attempts_sent(instance->store, items, n, &by, err);
}

static bool wish_some(struct instance *instance, struct err *err)
{
	size_t places[ROWS];
	size_t n = some(instance, ROWS, places);
	struct store_wish wishes[ROWS];
	struct store_by by = by_of(instance, ACTOR_MONITOR);
	for (size_t i = 0; i < n; i++)
		wishes[i] = (struct store_wish){ instance->storm->slots[places[i]], WISH_BUMP,
						 WISH_REASON_AGE, 1 };
	return store_transfers_wish(instance->store, wishes, n, &by, err);
}

static bool sweep(struct instance *instance, struct err *err)
{
	size_t woken[3];
	return store_sweep(instance->store, instance->storm->f->clock.now_ms, BATCH_MAX, woken,
			   err);
}

static bool claim_some(struct instance *instance, struct err *err)
{
	struct message messages[BATCH_MAX];
	struct message_ack acks[ROWS];
	size_t places[ROWS];
	size_t len = 0;
	if (!queue_claim(instance->queue, QUEUE_SIGNING, ROWS, 1, messages, &len, err))
		return false;
	if (len == 0)
		return true;
	size_t n = some(instance, len, places);
	for (size_t i = 0; i < n; i++)
		acks[i] = messages[places[i]].ack;
	return queue_extend(instance->queue, acks, n, 1, err) &&
	       queue_ack(instance->queue, acks, n, err);
}

static bool accept_some(struct instance *instance, struct err *err)
{
	size_t index = (size_t)(instance - instance->storm->instances);
	size_t places[ROWS];
	size_t n = some(instance, KEYS, places);
	struct store_accept items[KEYS];
	for (size_t i = 0; i < n; i++)
		items[i] = fixture_item(&instance->storm->fresh[index][places[i]]);
	return store_accept_withdrawals(instance->store, items, n, err);
}

static bool stop_and_start(struct instance *instance, struct err *err)
{
	size_t wallet = random_below(instance, 2);
	struct store_by by = by_of(instance, ACTOR_SIGNER);
	struct store_by person = by_of(instance, ACTOR_PERSON);
	int64_t id = instance->storm->f->wallets[wallet].id;
	bool held = false;
	bool started = false;
	return store_wallet_stop(instance->store, id, "asked", NULL, &by, &held, err) &&
	       store_wallet_start(instance->store, id, "asked", "storm", &person, &started, err);
}

static bool (*const calls[])(struct instance *instance, struct err *err) = {
	change_some, observe_some, send_some,   wish_some,
	sweep,       claim_some,   accept_some, stop_and_start,
};

static bool any_call(struct instance *instance, struct err *err)
{
	return calls[random_below(instance, COUNT_OF(calls))](instance, err);
}

/* --- and where no order helps -------------------------------------------------------------------
 */

struct count {
	struct instance *instance;
	size_t places[ROWS];
	size_t n;
};

static bool count_write(struct db *db, void *context, struct err *err)
{
	const struct count *count = context;
	count->instance->runs++;
	for (size_t i = 0; i < count->n; i++) {
		char name[16];
		struct sql sql = sql_prepare(
			db, "UPDATE leases SET renewals = renewals + 1 WHERE name = ?", err);
		(void)snprintf(name, sizeof name, "count-%zu", count->places[i]);
		sql_put_text(&sql, name);
		if (!sql_run(&sql, NULL))
			return false;
	}
	return true;
}

static bool count_some(struct instance *instance, struct err *err)
{
	struct count count = { .instance = instance };
	count.n = some(instance, ROWS, count.places);
	if (!sql_write(instance->db, count_write, &count, err))
		return false;
	instance->written += count.n;
	return true;
}

/* --- the storm ----------------------------------------------------------------------------------
 */

static void *instance_run(void *context)
{
	struct instance *instance = context;
	for (int i = 0; i < ROUNDS; i++) {
		struct err err = { 0 };
		if (instance->call(instance, &err))
			continue;
		if (instance->faults++ == 0)
			(void)snprintf(instance->fault, sizeof instance->fault, "%s", err.text);
	}
	return NULL;
}

static void rows_make(struct storm *storm)
{
	char key[32];
	struct fixture *f = storm->f;
	for (size_t i = 0; i < ROWS; i++) {
		struct attempt attempts[ATTEMPTS_MAX];
		snprintf(key, sizeof key, "row-%zu", i);
		struct transfer slot = fixture_broadcast(f, key, i % 2);
		storm->rows[i] = slot.withdrawal;
		storm->slots[i] = slot.id;
		assert_int_equal(fixture_attempts(f, slot.id, attempts), 1);
		storm->hashes[i] = attempts[0].tx_hash;
	}
	for (size_t i = 0; i < INSTANCES; i++) {
		for (size_t j = 0; j < KEYS; j++) {
			snprintf(key, sizeof key, "key-%zu", j);
			storm->fresh[i][j] = fixture_withdrawal(f, key);
		}
	}
	fixture_wait(f, 70000);
}

static void instance_open(struct storm *storm, size_t index)
{
	struct instance *instance = &storm->instances[index];
	struct fixture *f = storm->f;
	instance->storm = storm;
	instance->random = index + 1;
	instance->db = fixture_connect(f);
	instance->store = fixture_store_over(instance->db);
	MUST(queue_store_open, instance->db, &f->clock.base, &f->entropy, NULL, &instance->queue);
}

static void instance_close(struct instance *instance)
{
	queue_close(instance->queue);
	store_close(instance->store);
	db_close(instance->db);
	if (instance->faults > 0)
		print_error("%zu faults, the first one: %s\n", instance->faults, instance->fault);
}

/* All at once; afterwards each has written something, and nobody's call has failed. */
static void storm_run(struct storm *storm, bool (*call)(struct instance *instance, struct err *err))
{
	size_t faults = 0;
	for (size_t i = 0; i < INSTANCES; i++)
		instance_open(storm, i);
	for (size_t i = 0; i < INSTANCES; i++) {
		storm->instances[i].call = call;
		CHECK(pthread_create(&storm->instances[i].thread, NULL, instance_run,
				     &storm->instances[i]) == 0);
	}
	for (size_t i = 0; i < INSTANCES; i++)
		CHECK(pthread_join(storm->instances[i].thread, NULL) == 0);
	for (size_t i = 0; i < INSTANCES; i++) {
		instance_close(&storm->instances[i]);
		faults += storm->instances[i].faults;
		storm->written += storm->instances[i].written;
		storm->runs += storm->instances[i].runs;
	}
	assert_int_equal(faults, 0);
}

static void nobodys_call_fails_in_a_storm(void **state)
{
	struct storm *storm = calloc(1, sizeof *storm);
	assert_non_null(storm);
	storm->f = *state;
	rows_make(storm);
	storm_run(storm, any_call);
	assert_true(storm->written > ROWS);
	assert_true(fixture_is_sound(storm->f));
	free(storm);
}

/* Each in an order of its own: whoever gives way comes again after a while, and what it writes
 * stands there once. */
static void what_gives_way_is_written_once(void **state)
{
	struct storm *storm = calloc(1, sizeof *storm);
	assert_non_null(storm);
	storm->f = *state;
	for (int i = 0; i < ROWS; i++) {
		char sql[128];
		(void)snprintf(sql, sizeof sql,
			       "INSERT INTO leases (name, holder, epoch, renewals) "
			       "VALUES ('count-%d', 'nobody', 1, 0)",
			       i);
		fixture_edit(storm->f, sql);
	}
	storm_run(storm, count_some);
	assert_int_equal(fixture_number(storm->f, "SELECT SUM(renewals) FROM leases "
						  "WHERE name LIKE 'count-%'"),
			 storm->written);
	if (!fixture_is_of_one_host())
		assert_true(storm->runs > INSTANCES * ROUNDS);
	free(storm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobodys_call_fails_in_a_storm, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(what_gives_way_is_written_once, fixture_set_up,
						fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
