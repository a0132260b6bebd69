/* Policies as rows, and the windows of their limits: room is taken with the decision that needs it,
 * given back with the end that was not paid, and never given twice. */
#include "store_fixture.h"

#include "port/store_policy.h"

#define HOUR INT64_C(3600000)

static struct policy_claim claim_of(const struct withdrawal *row, uint8_t limit, uint32_t count)
{
	struct policy_claim claim = { .key = { limit },
				      .window_ms = HOUR,
				      .at = row->intent.created_at,
				      .amount = row->intent.amount,
				      .count_max = count };
	return claim;
}

/* The processor's decision about a row, with the room that it claims. */
static struct store_change claiming(const struct withdrawal *row, const struct policy_claim *claims,
				    size_t len)
{
	struct store_change change = fixture_change(row, WITHDRAWAL_QUEUED, "queued");
	change.rule = "a \"rule\"";
	change.claims = claims;
	change.claims_len = len;
	return change;
}

static enum store_room claim_one(struct fixture *f, const char *key, uint8_t limit, uint32_t count,
				 struct withdrawal *ret_row)
{
	struct withdrawal row = fixture_accept(f, key);
	struct policy_claim claim = claim_of(&row, limit, count);
	struct store_change change = claiming(&row, &claim, 1);
	bool applied = fixture_apply(f, &change, ACTOR_PROCESSOR);
	assert_int_equal(applied, change.room == STORE_ROOM_TAKEN);
	*ret_row = fixture_load(f, row.intent.id);
	return change.room;
}

static int64_t number(struct fixture *f, const char *sql)
{
	return fixture_number(f, sql);
}

static void what_has_no_room_is_not_applied(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row, two = fixture_accept(f, "two");
	struct message_ack ack = fixture_claim(f, QUEUE_REQUEST, two.intent.id).ack;
	assert_int_equal(claim_one(f, "one", 1, 1, &row), STORE_ROOM_TAKEN);
	assert_int_equal(row.stage, WITHDRAWAL_QUEUED);
	struct store_event event = fixture_last_event(f, row.intent.id);
	assert_string_equal(event.detail, "{\"rule\":\"a \\\"rule\\\"\"}");

	struct policy_claim claim = claim_of(&two, 1, 1);
	struct store_change change = claiming(&two, &claim, 1);
	change.ack = ack;
	assert_false(fixture_apply(f, &change, ACTOR_PROCESSOR));
	assert_int_equal(change.room, STORE_ROOM_FULL);
	assert_int_equal(change.room_at, 0);
	struct withdrawal after = fixture_load(f, two.intent.id);
	assert_withdrawal_equal(&after, &two);
	/* Its message is still ours: the decision is made again, without the room. */
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, two.intent.id), 1);
	assert_int_equal(claim_one(f, "three", 2, 1, &row), STORE_ROOM_TAKEN);
}

/* All or nothing: the first limit has room, the second has none. */
static void no_room_in_one_takes_none_in_the_others(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row, two = fixture_accept(f, "two");
	assert_int_equal(claim_one(f, "one", 2, 1, &row), STORE_ROOM_TAKEN);
	struct policy_claim claims[] = { claim_of(&two, 1, 1), claim_of(&two, 2, 1) };
	struct store_change change = claiming(&two, claims, 2);
	assert_false(fixture_apply(f, &change, ACTOR_PROCESSOR));
	assert_int_equal(change.room_at, 1);
	assert_int_equal(claim_one(f, "three", 1, 1, &row), STORE_ROOM_TAKEN);
}

/* A batch is one after the other: the first ones have the room. */
static void limit_race_within_a_batch(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[BATCH_MAX];
	struct policy_claim claims[BATCH_MAX];
	struct store_change changes[BATCH_MAX];
	struct store_by by = fixture_by(f, ACTOR_PROCESSOR);
	size_t applied = 0;
	for (size_t i = 0; i < BATCH_MAX; i++) {
		char key[16];
		snprintf(key, sizeof key, "key-%zu", i);
		rows[i] = fixture_accept(f, key);
		claims[i] = claim_of(&rows[i], 1, 3);
		changes[i] = claiming(&rows[i], &claims[i], 1);
	}
	MUST(store_withdrawals_change, f->store, changes, BATCH_MAX, &by);
	for (size_t i = 0; i < BATCH_MAX; i++)
		applied += changes[i].applied;
	assert_int_equal(applied, 3);
	assert_int_equal(number(f, "SELECT COUNT(*) FROM policy_reservations"), 3);
}

#define RACERS 4

struct racer {
	struct fixture *fixture;
	struct withdrawal rows[16];
	size_t applied, full;
};

static void *race(void *arg)
{
	struct racer *racer = arg;
	struct db *db = fixture_connect(racer->fixture);
	struct store *store = fixture_store_over(db);
	struct store_by by = fixture_by(racer->fixture, ACTOR_PROCESSOR);
	for (size_t i = 0; i < 16; i++) {
		struct err err;
		struct policy_claim claims[] = { claim_of(&racer->rows[i], 7, 1),
						 claim_of(&racer->rows[i], (uint8_t)(9 + i), 4) };
		struct store_change change = claiming(&racer->rows[i], claims, 2);
		while (!store_withdrawals_change(store, &change, 1, &by, &err))
			CHECK(err.kind == ERR_NOT_DONE);
		racer->applied += change.applied;
		racer->full += change.room == STORE_ROOM_FULL;
	}
	store_close(store);
	db_close(db);
	return NULL;
}

/* Four processors at once, a limit that fits one: one gets it. */
static void limit_race(void **state)
{
	struct fixture *f = *state;
	static struct racer racers[RACERS];
	pthread_t threads[RACERS];
	size_t applied = 0, full = 0;
	for (size_t i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){ .fixture = f };
		for (size_t k = 0; k < 16; k++) {
			char key[32];
			snprintf(key, sizeof key, "key-%zu-%zu", i, k);
			racers[i].rows[k] = fixture_accept(f, key);
		}
	}
	for (size_t i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	for (size_t i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		applied += racers[i].applied;
		full += racers[i].full;
	}
	assert_int_equal(applied, 1);
	assert_int_equal(full, 63);
}

static void end_unpaid(struct fixture *f, const struct withdrawal *row, enum actor actor)
{
	struct store_change change = fixture_change(row, WITHDRAWAL_CANCELED, "canceled");
	assert_true(fixture_apply(f, &change, actor));
}

static void an_unpaid_end_gives_the_room_back_once(void **state)
{
	struct fixture *f = *state;
	struct withdrawal one, two;
	assert_int_equal(claim_one(f, "one", 1, 1, &one), STORE_ROOM_TAKEN);
	assert_int_equal(claim_one(f, "two", 1, 1, &two), STORE_ROOM_FULL);
	end_unpaid(f, &one, ACTOR_SIGNER);
	assert_int_equal(number(f, "SELECT COUNT(*) FROM policy_reservations"), 0);
	assert_int_equal(claim_one(f, "three", 1, 1, &two), STORE_ROOM_TAKEN);
	assert_int_equal(claim_one(f, "four", 1, 1, &one), STORE_ROOM_FULL);
}

/* What is paid keeps its room: that is what the limit counts. */
static void a_paid_end_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct withdrawal one, two;
	assert_int_equal(claim_one(f, "one", 1, 1, &one), STORE_ROOM_TAKEN);
	struct transfer slot = fixture_reserve(f, &one, 0);
	slot = fixture_sign(f, &slot);
	slot = fixture_send(f, &slot);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	(void)fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	assert_int_equal(fixture_load(f, one.intent.id).stage, WITHDRAWAL_COMPLETED);
	assert_int_equal(claim_one(f, "two", 1, 1, &two), STORE_ROOM_FULL);
}

/* An editor sets a decided row back: it has its room already, and takes no more. */
static void room_is_not_taken_twice(void **state)
{
	struct fixture *f = *state;
	struct withdrawal one, two;
	assert_int_equal(claim_one(f, "one", 1, 2, &one), STORE_ROOM_TAKEN);
	fixture_edit(f, "UPDATE withdrawals SET stage = 1");
	one = fixture_load(f, one.intent.id);
	struct policy_claim claim = claim_of(&one, 1, 2);
	struct store_change change = claiming(&one, &claim, 1);
	assert_true(fixture_apply(f, &change, ACTOR_PROCESSOR));
	assert_int_equal(claim_one(f, "two", 1, 2, &two), STORE_ROOM_TAKEN);
}

static void a_window_that_was_edited_gives_no_room(void **state)
{
	struct fixture *f = *state;
	struct withdrawal one, two;
	assert_int_equal(claim_one(f, "one", 1, 9, &one), STORE_ROOM_TAKEN);
	fixture_edit(f, "UPDATE policy_windows SET parts = x'0102'");
	assert_int_equal(claim_one(f, "two", 1, 9, &two), STORE_ROOM_BROKEN);
	end_unpaid(f, &one, ACTOR_SIGNER); /* which fails for no one */
}

static void what_is_over_is_forgotten_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row;
	size_t forgotten;
	assert_int_equal(claim_one(f, "one", 1, 1, &row), STORE_ROOM_TAKEN);
	fixture_wait(f, 2 * HOUR);
	assert_int_equal(claim_one(f, "two", 2, 1, &row), STORE_ROOM_TAKEN);
	MUST(store_policy_forget, f->store, f->clock.now_ms, BATCH_MAX, &forgotten);
	assert_int_equal(forgotten, 0);
	fixture_wait(f, 2 * HOUR);
	MUST(store_policy_forget, f->store, f->clock.now_ms, BATCH_MAX, &forgotten);
	assert_int_equal(forgotten, 2);
	assert_int_equal(number(f, "SELECT COUNT(*) FROM policy_windows"), 1);
	assert_int_equal(number(f, "SELECT COUNT(*) FROM policy_reservations"), 1);
	end_unpaid(f, &row, ACTOR_SIGNER);
	assert_int_equal(number(f, "SELECT COUNT(*) FROM policy_reservations"), 0);
}

/* Decided hours later, by a policy that was away: the others of that time still find it there. */
static void what_is_decided_late_is_not_forgotten_at_once(void **state)
{
	struct fixture *f = *state;
	struct withdrawal one = fixture_accept(f, "one"), two = fixture_accept(f, "two");
	struct policy_claim claims[] = { claim_of(&one, 1, 1), claim_of(&two, 1, 1) };
	struct store_change first = claiming(&one, &claims[0], 1);
	struct store_change second = claiming(&two, &claims[1], 1);
	size_t forgotten;
	fixture_wait(f, 10 * HOUR);
	assert_true(fixture_apply(f, &first, ACTOR_PROCESSOR));
	fixture_wait(f, HOUR);
	MUST(store_policy_forget, f->store, f->clock.now_ms, BATCH_MAX, &forgotten);
	assert_int_equal(forgotten, 0);
	assert_false(fixture_apply(f, &second, ACTOR_PROCESSOR));
	assert_int_equal(second.room, STORE_ROOM_FULL);
}

/* ---- the documents ---- */

static bool add(struct fixture *f, uint64_t version, const char *document)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_policy policy = { .version = version,
				       .set_at = f->clock.now_ms,
				       .set_by = "ann",
				       .digest = { (uint8_t)version },
				       .mac = { .key_id = 3, .bytes = { 9 } } };
	bool added = false;
	MUST(store_policy_add, f->store, &policy, str_from(document), &by, &added);
	return added;
}

static struct store_policy load(struct fixture *f, uint64_t known, const char *document)
{
	struct store_policy policy;
	struct buf text = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	bool found = false;
	MUST(store_policy_load, f->store, known, &policy, &text, &found);
	assert_true(found);
	assert_true(str_equal_text(buf_view(&text), document));
	buf_free(&text);
	return policy;
}

static enum store_room room_of(struct fixture *f, const struct policy_claim *claim)
{
	enum store_room room = STORE_ROOM_BROKEN;
	struct err err = { 0 };
	if (!store_policy_room(f->store, claim, 1, &room, &err))
		fail_msg("%s", err.text);
	return room;
}

/* What a look says is what a decision then finds, and it takes nothing. */
static void a_look_at_the_room_takes_none(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row;
	struct withdrawal wish = fixture_accept(f, "wish");
	struct policy_claim claim = claim_of(&wish, 1, 1);
	assert_int_equal(room_of(f, &claim), STORE_ROOM_TAKEN);
	assert_int_equal(room_of(f, &claim), STORE_ROOM_TAKEN);
	assert_int_equal(number(f, "SELECT COUNT(*) FROM policy_windows"), 0);
	assert_int_equal(claim_one(f, "one", 1, 1, &row), STORE_ROOM_TAKEN);
	assert_int_equal(room_of(f, &claim), STORE_ROOM_FULL);
	claim.count_max = 2;
	assert_int_equal(room_of(f, &claim), STORE_ROOM_TAKEN);
	fixture_edit(f, "UPDATE policy_windows SET parts = x'01'");
	assert_int_equal(room_of(f, &claim), STORE_ROOM_BROKEN);
}

static void the_newest_policy_is_in_force(void **state)
{
	struct fixture *f = *state;
	struct store_policy policy;
	struct buf text = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	bool found = true;
	MUST(store_policy_load, f->store, 0, &policy, &text, &found);
	assert_false(found);
	buf_free(&text);
	assert_true(add(f, 1, "one"));
	assert_true(add(f, 2, "two"));
	assert_false(add(f, 2, "another two"));
	policy = load(f, 1, "two");
	assert_int_equal(policy.version, 2);
	assert_string_equal(policy.set_by, "ann");
	assert_int_equal(policy.set_at, f->clock.now_ms);
	assert_int_equal(policy.digest[0], 2);
	assert_int_equal(policy.mac.key_id, 3);
	assert_int_equal(policy.mac.bytes[0], 9);
	(void)load(f, 2, ""); /* known: not read again */
	assert_int_equal(number(f, "SELECT COUNT(*) FROM audit WHERE action = 'policy_set'"), 2);
}

static void a_policy_may_be_large(void **state)
{
	struct fixture *f = *state;
	char *document = calloc(1, POLICY_DOCUMENT_BYTES_MAX + 1);
	assert_non_null(document);
	memset(document, 'x', POLICY_DOCUMENT_BYTES_MAX);
	assert_true(add(f, 1, document));
	(void)load(f, 0, document);
	free(document);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_has_no_room_is_not_applied),
		STORE_TEST(no_room_in_one_takes_none_in_the_others),
		STORE_TEST(limit_race_within_a_batch),
		STORE_TEST(limit_race),
		STORE_TEST(an_unpaid_end_gives_the_room_back_once),
		STORE_TEST(a_paid_end_keeps_it),
		STORE_TEST(room_is_not_taken_twice),
		STORE_TEST(a_window_that_was_edited_gives_no_room),
		STORE_TEST(what_is_over_is_forgotten_and_nothing_else),
		STORE_TEST(what_is_decided_late_is_not_forgotten_at_once),
		STORE_TEST(a_look_at_the_room_takes_none),
		STORE_TEST(the_newest_policy_is_in_force),
		STORE_TEST(a_policy_may_be_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
