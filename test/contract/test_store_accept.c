/* Acceptance: what a 202 promises. One row, one event, one audit record and one wake-up, once per
 * idempotency key for ever, whoever asks how often. */
#include "store_fixture.h"

#include "base/hash.h"

static void assert_count(struct fixture *f, const char *sql, int64_t expected)
{
	assert_int_equal(fixture_number(f, sql), expected);
}

static struct store_accept *items_new(size_t n)
{
	struct store_accept *items = calloc(n, sizeof *items);
	assert_non_null(items);
	return items;
}

static struct withdrawal with_everything(struct fixture *f, const char *key)
{
	struct withdrawal row = fixture_withdrawal(f, key);
	row.intent.is_native = false;
	snprintf(row.intent.asset, sizeof row.intent.asset, "USDC");
	memset(row.intent.contract.bytes, 0xcc, ADDRESS_BYTES);
	row.intent.decimals = 6;
	row.intent.amount.units = u256_max();
	snprintf(row.intent.external_id, sizeof row.intent.external_id, "Größe ‘1’");
	memset(row.metadata, 'm', METADATA_BYTES_MAX);
	memcpy(row.metadata, "{\"för\":\"Zoë 💸\"}", strlen("{\"för\":\"Zoë 💸\"}"));
	memset(row.correlation_id, 'c', CORRELATION_ID_LEN_MAX);
	return row;
}

static void a_row_comes_back_as_it_was_accepted(void **state)
{
	struct fixture *f = *state;
	struct withdrawal plain = fixture_withdrawal(f, "plain");
	struct withdrawal full = with_everything(f, "full");
	struct store_accept items[] = { fixture_item(&plain), fixture_item(&full) };
	MUST(store_accept_withdrawals, f->store, items, 2);
	struct withdrawal rows[2] = { fixture_load(f, plain.intent.id),
				      fixture_load(f, full.intent.id) };
	assert_withdrawal_equal(&rows[0], &plain);
	assert_withdrawal_equal(&rows[1], &full);
}

static void row_event_audit_and_message_come_together(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	struct store_event events[4];
	size_t len = 0;
	MUST(store_events_list, f->store, row.intent.id, 0, events, 4, &len);
	assert_int_equal(len, 1);
	assert_int_equal(events[0].sequence, 1);
	assert_string_equal(events[0].type, "accepted");
	assert_int_equal(events[0].actor, ACTOR_API);
	assert_int_equal(events[0].stage, WITHDRAWAL_ACCEPTED);
	assert_int_equal(events[0].at_ms, f->clock.now_ms);
	assert_string_equal(events[0].detail, "");
	assert_int_equal(fixture_number_of(f,
					   "SELECT COUNT(*) FROM audit WHERE subject = ? AND "
					   "action = 'accepted' AND who = 'key-1' AND actor = 1",
					   row.intent.id),
			 1);
	struct message message = fixture_claim(f, QUEUE_REQUEST, row.intent.id);
	assert_int_equal(message.receives, 1);
	assert_string_equal(message.correlation_id, row.correlation_id);
}

static void same_key_twice_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct withdrawal first = fixture_accept(f, "one");
	struct digest before = fixture_digest(f);
	fixture_wait(f, 1000);
	struct withdrawal again = fixture_withdrawal(f, "one");
	struct store_accept item = fixture_item(&again);
	MUST(store_accept_withdrawals, f->store, &item, 1);
	assert_int_equal(item.result, STORE_REPLAYED);
	assert_withdrawal_equal(&item.existing, &first);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

static void a_repeat_after_the_end_is_the_same_withdrawal(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	struct store_change reject = fixture_change(&row, WITHDRAWAL_REJECTED, "rejected");
	reject.failure_code = "amount_too_large";
	assert_true(fixture_apply(f, &reject, ACTOR_PROCESSOR));
	fixture_wait(f, INT64_C(400) * 24 * 3600 * 1000);
	struct withdrawal again = fixture_withdrawal(f, "one");
	struct store_accept item = fixture_item(&again);
	MUST(store_accept_withdrawals, f->store, &item, 1);
	assert_int_equal(item.result, STORE_REPLAYED);
	assert_int_equal(item.existing.stage, WITHDRAWAL_REJECTED);
	assert_true(id_equal(item.existing.intent.id, row.intent.id));
}

static void a_key_with_another_body_is_refused(void **state)
{
	struct fixture *f = *state;
	struct withdrawal first = fixture_accept(f, "one");
	struct digest before = fixture_digest(f);
	struct withdrawal other = fixture_withdrawal(f, "one");
	sha256("another body", 12, other.intent.fingerprint);
	struct store_accept item = fixture_item(&other);
	MUST(store_accept_withdrawals, f->store, &item, 1);
	assert_int_equal(item.result, STORE_KEY_REUSED);
	assert_withdrawal_equal(&item.existing, &first);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

static void keys_are_compared_byte_by_byte_and_per_account(void **state)
{
	struct fixture *f = *state;
	static const char *const keys[] = { "Order-1", "order-1", "order-1 ", "Order-1" };
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct withdrawal row = fixture_withdrawal(f, keys[i]);
		fixture_set_key(&row, i == 3 ? "other" : "acme", keys[i]);
		struct store_accept item = fixture_item(&row);
		MUST(store_accept_withdrawals, f->store, &item, 1);
		assert_int_equal(item.result, STORE_ACCEPTED);
	}
	assert_count(f, "SELECT COUNT(*) FROM withdrawals", 4);
}

static enum store_accept_result accept_external(struct fixture *f, const char *account,
						const char *key, const char *external_id,
						struct store_accept *ret_item)
{
	struct withdrawal row = fixture_withdrawal(f, key);
	fixture_set_key(&row, account, key);
	snprintf(row.intent.external_id, sizeof row.intent.external_id, "%s", external_id);
	*ret_item = fixture_item(&row);
	MUST(store_accept_withdrawals, f->store, ret_item, 1);
	return ret_item->result;
}

static void an_external_id_belongs_to_its_first_key(void **state)
{
	struct fixture *f = *state;
	struct store_accept first;
	struct store_accept item;
	assert_int_equal(accept_external(f, "acme", "one", "order-1", &first), STORE_ACCEPTED);
	struct digest before = fixture_digest(f);
	assert_int_equal(accept_external(f, "acme", "two", "order-1", &item),
			 STORE_EXTERNAL_ID_TAKEN);
	assert_withdrawal_equal(&item.existing, &first.withdrawal);
	/* The key decides first: the same key again is a repeat, not a stranger with the id. */
	assert_int_equal(accept_external(f, "acme", "one", "order-1", &item), STORE_REPLAYED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	/* What was refused has not bound its key. */
	assert_int_equal(accept_external(f, "acme", "two", "order-2", &item), STORE_ACCEPTED);
	assert_int_equal(accept_external(f, "acme", "three", "Order-1", &item), STORE_ACCEPTED);
	assert_int_equal(accept_external(f, "other", "one", "order-1", &item), STORE_ACCEPTED);
	/* None at all is not an id that somebody could own. */
	assert_int_equal(accept_external(f, "acme", "four", "", &item), STORE_ACCEPTED);
	assert_int_equal(accept_external(f, "acme", "five", "", &item), STORE_ACCEPTED);
}

static void one_item_never_harms_another(void **state)
{
	struct fixture *f = *state;
	struct withdrawal old = fixture_accept(f, "old");
	struct withdrawal rows[6];
	static const char *const keys[] = { "a", "old", "a", "a", "b", "c" };
	struct store_accept items[6];
	for (size_t i = 0; i < 6; i++)
		rows[i] = fixture_withdrawal(f, keys[i]);
	sha256("another body", 12, rows[3].intent.fingerprint);
	snprintf(rows[0].intent.external_id, 9, "order-1");
	snprintf(rows[4].intent.external_id, 9, "order-1");
	for (size_t i = 0; i < 6; i++)
		items[i] = fixture_item(&rows[i]);
	MUST(store_accept_withdrawals, f->store, items, 6);
	assert_int_equal(items[0].result, STORE_ACCEPTED);
	assert_int_equal(items[1].result, STORE_REPLAYED);
	assert_withdrawal_equal(&items[1].existing, &old);
	assert_int_equal(items[2].result, STORE_REPLAYED);
	assert_withdrawal_equal(&items[2].existing, &rows[0]);
	assert_int_equal(items[3].result, STORE_KEY_REUSED);
	assert_withdrawal_equal(&items[3].existing, &rows[0]);
	assert_int_equal(items[4].result, STORE_EXTERNAL_ID_TAKEN);
	assert_withdrawal_equal(&items[4].existing, &rows[0]);
	assert_int_equal(items[5].result, STORE_ACCEPTED);
	assert_count(f, "SELECT COUNT(*) FROM withdrawals", 3);
	assert_count(f, "SELECT COUNT(*) FROM events", 3);
	assert_count(f, "SELECT COUNT(*) FROM messages", 3);
}

/* Two servers whose clocks and entropy agree, or one that is broken. */
static void an_id_that_is_taken_fails_its_item_alone(void **state)
{
	struct fixture *f = *state;
	struct withdrawal old = fixture_accept(f, "old");
	static const char *const keys[] = { "a", "b", "c" };
	struct withdrawal rows[3];
	struct store_accept items[3];
	for (size_t i = 0; i < 3; i++)
		rows[i] = fixture_withdrawal(f, keys[i]);
	rows[1].intent.id = old.intent.id;
	for (size_t i = 0; i < 3; i++)
		items[i] = fixture_item(&rows[i]);
	MUST(store_accept_withdrawals, f->store, items, 3);
	assert_int_equal(items[0].result, STORE_ACCEPTED);
	assert_int_equal(items[1].result, STORE_ID_TAKEN);
	assert_int_equal(items[2].result, STORE_ACCEPTED);
	assert_count(f, "SELECT COUNT(*) FROM withdrawals", 3);
	struct withdrawal kept = fixture_load(f, old.intent.id);
	assert_withdrawal_equal(&kept, &old);
	/* It bound no key: the repeat, with an id of its own, is the first one. */
	rows[1] = fixture_withdrawal(f, "b");
	items[1] = fixture_item(&rows[1]);
	MUST(store_accept_withdrawals, f->store, &items[1], 1);
	assert_int_equal(items[1].result, STORE_ACCEPTED);
}

/* What one item after the other would have been told: the model, of keys and external ids. */
struct model {
	struct withdrawal rows[256];
	size_t len;
};

static enum store_accept_result model_accept(struct model *model, const struct withdrawal *row,
					     const struct withdrawal **ret_existing)
{
	const struct withdrawal *by_external_id = NULL;
	const struct withdrawal *by_id = NULL;
	for (size_t i = 0; i < model->len; i++) {
		const struct intent *have = &model->rows[i].intent;
		*ret_existing = &model->rows[i];
		if (memcmp(have->key_hash, row->intent.key_hash, KEY_HASH_BYTES) == 0)
			return memcmp(have->fingerprint, row->intent.fingerprint,
				      sizeof have->fingerprint) == 0
				       ? STORE_REPLAYED
				       : STORE_KEY_REUSED;
		if (row->intent.external_id[0] != 0 &&
		    strcmp(have->external_id, row->intent.external_id) == 0)
			by_external_id = &model->rows[i];
		if (id_equal(have->id, row->intent.id))
			by_id = &model->rows[i];
	}
	*ret_existing = by_external_id;
	if (by_external_id != NULL || by_id != NULL)
		return by_external_id != NULL ? STORE_EXTERNAL_ID_TAKEN : STORE_ID_TAKEN;
	assert_true(model->len < COUNT_OF(model->rows));
	model->rows[model->len++] = *row;
	return STORE_ACCEPTED;
}

/* From "all are new" to "hardly any is", with keys, bodies, external ids and ids that come again.
 */
static struct withdrawal random_row(struct fixture *f, uint32_t *seed, uint32_t keys)
{
	char key[16];
	*seed = *seed * 1664525 + 1013904223;
	uint32_t random = *seed >> 8;
	snprintf(key, sizeof key, "key-%u", random % keys);
	struct withdrawal row = fixture_withdrawal(f, key);
	if (random % 13 == 0)
		sha256("another body", 12, row.intent.fingerprint);
	if (random % 3 == 0)
		snprintf(row.intent.external_id, sizeof row.intent.external_id, "order-%u",
			 random / 3 % keys);
	if (random % 17 == 0)
		row.intent.id.bytes[ID_BYTES - 1] = 1;
	return row;
}

static void a_batch_says_what_its_items_one_by_one_would(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = {
		BATCH_MAX, 1, 2, 3, 31, BATCH_MAX - 1, BATCH_MAX, BATCH_MAX
	};
	static const uint32_t keys[] = { 100000, 8, 8, 8, 200, 50, 400, 20 };
	struct store_accept *items = items_new(BATCH_MAX);
	struct model *model = calloc(1, sizeof *model);
	uint32_t seed = 7;
	assert_non_null(model);
	for (size_t round = 0; round < COUNT_OF(sizes); round++) {
		for (size_t i = 0; i < sizes[round]; i++) {
			struct withdrawal row = random_row(f, &seed, keys[round]);
			items[i] = fixture_item(&row);
		}
		MUST(store_accept_withdrawals, f->store, items, sizes[round]);
		for (size_t i = 0; i < sizes[round]; i++) {
			const struct withdrawal *existing = NULL;
			assert_int_equal(items[i].result,
					 model_accept(model, &items[i].withdrawal, &existing));
			if (existing != NULL)
				assert_withdrawal_equal(&items[i].existing, existing);
		}
		assert_count(f, "SELECT COUNT(*) FROM withdrawals", (int64_t)model->len);
		assert_count(f, "SELECT COUNT(*) FROM events", (int64_t)model->len);
		assert_count(f, "SELECT COUNT(*) FROM audit", (int64_t)model->len);
		assert_count(f, "SELECT COUNT(*) FROM messages", (int64_t)model->len);
	}
	for (size_t i = 0; i < model->len; i++) {
		struct withdrawal row = fixture_load(f, model->rows[i].intent.id);
		assert_withdrawal_equal(&row, &model->rows[i]);
	}
	free(model);
	free(items);
}

/* Somebody wrote an event under an id that was not given yet. */
static void an_event_that_is_there_already_fails_nobody(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[3];
	struct store_accept items[3];
	static const char *const keys[] = { "a", "b", "c" };
	for (size_t i = 0; i < 3; i++) {
		rows[i] = fixture_withdrawal(f, keys[i]);
		items[i] = fixture_item(&rows[i]);
	}
	MUST(store_accept_withdrawals, f->store, &items[1], 1);
	fixture_edit(f, "DELETE FROM messages");
	fixture_edit(f, "DELETE FROM withdrawals");
	MUST(store_accept_withdrawals, f->store, items, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(items[i].result, STORE_ACCEPTED);
	assert_count(f, "SELECT COUNT(*) FROM withdrawals", 3);
	assert_count(f, "SELECT COUNT(*) FROM events", 3);
	assert_count(f, "SELECT COUNT(*) FROM messages", 3);
	assert_int_equal(fixture_number_of(f,
					   "SELECT COUNT(*) FROM audit WHERE subject = ? AND "
					   "action = 'event_sequence_taken'",
					   rows[1].intent.id),
			 1);
	assert_count(f, "SELECT COUNT(*) FROM audit WHERE action = 'event_sequence_taken'", 1);
	fixture_edit(f, "DELETE FROM audit WHERE action = 'event_sequence_taken'");
}

/* The caller did not get the answer, and sends the very same row again. */
static void the_same_row_again_is_accepted(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_withdrawal(f, "one");
	struct store_accept item = fixture_item(&row);
	MUST(store_accept_withdrawals, f->store, &item, 1);
	struct digest before = fixture_digest(f);
	item = fixture_item(&row);
	MUST(store_accept_withdrawals, f->store, &item, 1);
	assert_int_equal(item.result, STORE_ACCEPTED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

static void a_full_batch_is_one_batch(void **state)
{
	struct fixture *f = *state;
	struct store_accept *items = items_new(BATCH_MAX);
	char key[16];
	for (size_t i = 0; i < BATCH_MAX; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		struct withdrawal row = fixture_withdrawal(f, key);
		items[i] = fixture_item(&row);
	}
	MUST(store_accept_withdrawals, f->store, items, BATCH_MAX);
	for (size_t i = 0; i < BATCH_MAX; i++)
		assert_int_equal(items[i].result, STORE_ACCEPTED);
	assert_count(f, "SELECT COUNT(*) FROM withdrawals", BATCH_MAX);
	assert_count(f, "SELECT COUNT(*) FROM messages WHERE queue = 1", BATCH_MAX);
	free(items);
}

static void a_call_outside_of_the_contract_aborts(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_withdrawal(f, "one");
	struct store_accept item = fixture_item(&row);
	struct err err = { 0 };
	assert_aborts((void)!store_accept_withdrawals(f->store, &item, 0, &err));
	assert_aborts((void)!store_accept_withdrawals(f->store, &item, BATCH_MAX + 1, &err));
	item.withdrawal.version = 2;
	assert_aborts((void)!store_accept_withdrawals(f->store, &item, 1, &err));
	item = fixture_item(&row);
	item.withdrawal.stage = WITHDRAWAL_QUEUED;
	assert_aborts((void)!store_accept_withdrawals(f->store, &item, 1, &err));
}

static void load_tells_which_ids_exist(void **state)
{
	struct fixture *f = *state;
	struct withdrawal one = fixture_accept(f, "one");
	struct withdrawal two = fixture_accept(f, "two");
	struct id ids[4] = { two.intent.id, fixture_id(f), one.intent.id, two.intent.id };
	struct withdrawal rows[4];
	bool found[4];
	MUST(store_withdrawals_load, f->store, ids, 4, rows, found);
	assert_true(found[0] && !found[1] && found[2] && found[3]);
	assert_withdrawal_equal(&rows[0], &two);
	assert_withdrawal_equal(&rows[2], &one);
	assert_withdrawal_equal(&rows[3], &two);
}

static void load_takes_a_full_batch_in_any_order(void **state)
{
	struct fixture *f = *state;
	struct id ids[BATCH_MAX];
	static struct withdrawal rows[BATCH_MAX];
	struct withdrawal stored[BATCH_MAX];
	bool found[BATCH_MAX];
	char key[16];
	for (size_t i = 0; i < BATCH_MAX; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		size_t at = (i * 37) % BATCH_MAX;
		if (i % 5 == 0) {
			ids[at] = fixture_id(f);
			continue;
		}
		stored[at] = fixture_accept(f, key);
		ids[at] = stored[at].intent.id;
	}
	MUST(store_withdrawals_load, f->store, ids, BATCH_MAX, rows, found);
	for (size_t i = 0; i < BATCH_MAX; i++) {
		size_t at = (i * 37) % BATCH_MAX;
		assert_int_equal(found[at], i % 5 != 0);
		if (found[at])
			assert_withdrawal_equal(&rows[at], &stored[at]);
	}
}

/* --- races --------------------------------------------------------------------------------------
 */

struct racer {
	pthread_t thread;
	const struct fixture *fixture;
	pthread_barrier_t *start;
	struct store_accept *items;
	size_t n;
	bool done;
};

/* A connection of its own, as another process would have. */
static void *racer_run(void *context)
{
	struct racer *racer = context;
	struct db *db = fixture_connect(racer->fixture);
	struct store *store = fixture_store_over(db);
	struct err err = { 0 };
	(void)pthread_barrier_wait(racer->start);
	racer->done = store_accept_withdrawals(store, racer->items, racer->n, &err);
	if (!racer->done)
		fprintf(stderr, "%s\n", err.text);
	store_close(store);
	db_close(db);
	return NULL;
}

static void race(struct racer *racers, size_t n)
{
	pthread_barrier_t start;
	assert_int_equal(pthread_barrier_init(&start, NULL, (unsigned)n), 0);
	for (size_t i = 0; i < n; i++) {
		racers[i].start = &start;
		assert_int_equal(pthread_create(&racers[i].thread, NULL, racer_run, &racers[i]), 0);
	}
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
		assert_true(racers[i].done);
	}
	pthread_barrier_destroy(&start);
}

#define REPEATS 100

/* same-key-twice: a hundred clients (or one that is impatient) send the same request at once. */
static void same_key_twice_a_hundred_at_once(void **state)
{
	struct fixture *f = *state;
	struct racer *racers = calloc(REPEATS, sizeof *racers);
	struct store_accept *items = items_new(REPEATS);
	struct store_accept *winner = NULL;
	assert_non_null(racers);
	for (size_t i = 0; i < REPEATS; i++) {
		struct withdrawal row = fixture_withdrawal(f, "one");
		items[i] = fixture_item(&row);
		racers[i] = (struct racer){ .fixture = f, .items = &items[i], .n = 1 };
	}
	race(racers, REPEATS);
	for (size_t i = 0; i < REPEATS; i++) {
		if (items[i].result != STORE_ACCEPTED)
			continue;
		assert_null(winner);
		winner = &items[i];
	}
	assert_non_null(winner);
	for (size_t i = 0; i < REPEATS; i++) {
		if (&items[i] == winner)
			continue;
		assert_int_equal(items[i].result, STORE_REPLAYED);
		assert_withdrawal_equal(&items[i].existing, &winner->withdrawal);
	}
	assert_count(f, "SELECT COUNT(*) FROM withdrawals", 1);
	assert_count(f, "SELECT COUNT(*) FROM messages", 1);
	free(racers);
	free(items);
}

#define RACERS 4

/* Batches of the same keys in different orders, from several processes. */
static void racing_batches_accept_each_key_once(void **state)
{
	struct fixture *f = *state;
	struct racer racers[RACERS];
	struct store_accept *items = items_new(RACERS * BATCH_MAX);
	size_t accepted = 0;
	char key[16];
	for (size_t i = 0; i < RACERS * BATCH_MAX; i++) {
		size_t at = i % BATCH_MAX;
		size_t turned = (i / BATCH_MAX) % 2 == 0 ? at : BATCH_MAX - 1 - at;
		snprintf(key, sizeof key, "key-%zu", turned);
		struct withdrawal row = fixture_withdrawal(f, key);
		snprintf(row.intent.external_id, sizeof row.intent.external_id, "%s", key);
		items[i] = fixture_item(&row);
	}
	for (size_t i = 0; i < RACERS; i++)
		racers[i] = (struct racer){ .fixture = f,
					    .items = &items[i * BATCH_MAX],
					    .n = BATCH_MAX };
	race(racers, RACERS);
	for (size_t i = 0; i < RACERS * BATCH_MAX; i++) {
		accepted += items[i].result == STORE_ACCEPTED;
		assert_true(items[i].result == STORE_ACCEPTED || items[i].result == STORE_REPLAYED);
	}
	assert_int_equal(accepted, BATCH_MAX);
	assert_count(f, "SELECT COUNT(*) FROM withdrawals", BATCH_MAX);
	assert_count(f, "SELECT COUNT(*) FROM events", BATCH_MAX);
	assert_count(f, "SELECT COUNT(*) FROM messages", BATCH_MAX);
	free(items);
}

/* Different keys, one external id: somebody owns it, the others learn who. */
static void racing_external_ids_have_one_owner(void **state)
{
	struct fixture *f = *state;
	struct racer racers[8];
	struct store_accept items[8];
	const struct store_accept *owner = NULL;
	char key[16];
	for (size_t i = 0; i < 8; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		struct withdrawal row = fixture_withdrawal(f, key);
		snprintf(row.intent.external_id, sizeof row.intent.external_id, "order-1");
		items[i] = fixture_item(&row);
		racers[i] = (struct racer){ .fixture = f, .items = &items[i], .n = 1 };
	}
	race(racers, 8);
	for (size_t i = 0; i < 8; i++)
		if (items[i].result == STORE_ACCEPTED)
			owner = &items[i];
	assert_non_null(owner);
	for (size_t i = 0; i < 8; i++) {
		if (&items[i] == owner)
			continue;
		assert_int_equal(items[i].result, STORE_EXTERNAL_ID_TAKEN);
		assert_withdrawal_equal(&items[i].existing, &owner->withdrawal);
	}
	assert_count(f, "SELECT COUNT(*) FROM withdrawals", 1);
}

#define STORE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up_bare, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_row_comes_back_as_it_was_accepted),
		STORE_TEST(row_event_audit_and_message_come_together),
		STORE_TEST(same_key_twice_writes_nothing),
		STORE_TEST(a_repeat_after_the_end_is_the_same_withdrawal),
		STORE_TEST(a_key_with_another_body_is_refused),
		STORE_TEST(keys_are_compared_byte_by_byte_and_per_account),
		STORE_TEST(an_external_id_belongs_to_its_first_key),
		STORE_TEST(one_item_never_harms_another),
		STORE_TEST(an_id_that_is_taken_fails_its_item_alone),
		STORE_TEST(a_batch_says_what_its_items_one_by_one_would),
		STORE_TEST(an_event_that_is_there_already_fails_nobody),
		STORE_TEST(the_same_row_again_is_accepted),
		STORE_TEST(a_full_batch_is_one_batch),
		STORE_TEST(a_call_outside_of_the_contract_aborts),
		STORE_TEST(load_tells_which_ids_exist),
		STORE_TEST(load_takes_a_full_batch_in_any_order),
		STORE_TEST(same_key_twice_a_hundred_at_once),
		STORE_TEST(racing_batches_accept_each_key_once),
		STORE_TEST(racing_external_ids_have_one_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
