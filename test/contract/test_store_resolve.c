/* What people decide, and what becomes of it: one transaction, about the case as it stood. */
#include "store_fixture.h"

static struct transfer foreign(struct fixture *f, const char *key)
{
	struct transfer slot = fixture_broadcast(f, key, 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_FOREIGN);
	return fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_FOREIGN);
}

static struct resolve_case case_of(struct fixture *f, const struct transfer *slot)
{
	struct withdrawal row = fixture_load(f, slot->withdrawal);
	return resolve_case_of(&row, slot);
}

static void key_set(struct fixture *f, const char *person, bool revoked)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_api_key key = { .created_by = "root",
				     .created_at = 1,
				     .scopes = PERMISSION_BIT(PERMISSION_WITHDRAWALS_RESOLVE),
				     .mac = { .key_id = 1 } };
	bool found = false;
	snprintf(key.id, sizeof key.id, "key-%s", person);
	MUST(store_api_key_load, f->store, key.id, &key, &found);
	struct store_api_key_change change = { .before = key.mac, .key = &key, .action = "edit" };
	key.revoked_at = revoked ? 2 : 0;
	if (found)
		MUST(store_api_key_change, f->store, &change, &by);
	else
		MUST(store_api_key_add, f->store, &key, &by);
}

static bool decide(struct fixture *f, struct resolve_case of, const char *person)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct decision decision = { .of = of,
				     .verdict = RESOLVE_NOT_PAID,
				     .decided_at = f->clock.now_ms,
				     .mac = { .key_id = 3, .bytes = { 4 } } };
	bool current = false;
	snprintf(decision.person, sizeof decision.person, "%s", person);
	snprintf(decision.key_id, sizeof decision.key_id, "key-%s", person);
	key_set(f, person, false);
	MUST(store_decision_put, f->store, &decision, &by, &current);
	return current;
}

static size_t open_count(struct fixture *f, const struct resolve_case *of)
{
	struct decision rows[DECISIONS_MAX];
	size_t n = 0;
	MUST(store_decisions_load, f->store, of, rows, DECISIONS_MAX, &n);
	return n;
}

static enum store_write resolve(struct fixture *f, struct resolve_case of, enum store_resolve act,
				const char *code)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct store_resolution item = { .of = of,
					 .act = act,
					 .code = code,
					 .tx_hash = { { 9 } },
					 .people = { "ann", "ben" },
					 .wallet_id = f->wallets[0].id,
					 .epoch = f->leases[0].epoch };
	MUST(store_case_resolve, f->store, &item, &by);
	return item.result;
}

static void a_decision_comes_back(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = foreign(f, "one");
	struct resolve_case of = case_of(f, &slot);
	struct resolve_case other = of;
	struct decision rows[DECISIONS_MAX];
	size_t n = 0;
	assert_true(decide(f, of, "ann"));
	assert_true(decide(f, of, "ann")); /* in place of the one before */
	assert_true(decide(f, of, "ben"));
	other.version++;
	assert_false(decide(f, other, "cat"));
	other.version--;
	other.shown.bytes[0]++;
	assert_false(decide(f, other, "cat"));
	assert_int_equal(open_count(f, NULL), 2);
	assert_int_equal(open_count(f, &other), 0);
	MUST(store_decisions_load, f->store, &of, rows, DECISIONS_MAX, &n);
	assert_int_equal(n, 2);
	assert_true(resolve_case_equal(&rows[0].of, &of));
	assert_string_equal(rows[0].person, "ann");
	assert_string_equal(rows[0].key_id, "key-ann");
	assert_int_equal(rows[0].verdict, RESOLVE_NOT_PAID);
	assert_int_equal(rows[0].mac.key_id, 3);
	assert_int_equal(rows[0].mac.bytes[0], 4);
}

/* Whose key is revoked before the signer acts has not decided; nor has a key that is not there, or
 * one that was not made for it. */
static void a_revoked_key_decides_nothing(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = foreign(f, "one");
	struct resolve_case of = case_of(f, &slot);
	struct decision rows[DECISIONS_MAX];
	size_t n = 0;
	assert_true(decide(f, of, "ann"));
	assert_true(decide(f, of, "ben"));
	key_set(f, "ann", true);
	MUST(store_decisions_load, f->store, &of, rows, DECISIONS_MAX, &n);
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].person, "ben");
	assert_int_equal(open_count(f, NULL), 1);
	fixture_edit(f, "UPDATE api_keys SET scopes = 1 WHERE id = 'key-ben'");
	assert_int_equal(open_count(f, NULL), 0);
	fixture_edit(f, "DELETE FROM api_keys");
	assert_int_equal(open_count(f, &of), 0);
	/* The same person with another key says it again. */
	assert_true(decide(f, of, "ann"));
	assert_int_equal(open_count(f, &of), 1);
}

static void a_refusal_is_an_event_and_ends_the_case(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = foreign(f, "one");
	struct resolve_case of = case_of(f, &slot);
	assert_true(decide(f, of, "ann"));
	assert_int_equal(resolve(f, of, STORE_RESOLVE_REFUSE, "resolve_was_paid"), STORE_WRITTEN);
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.version, of.version + 1);
	assert_string_equal(row.held_reason, "nonce_consumed_elsewhere");
	assert_string_equal(row.wait_reason, "resolve_was_paid");
	struct store_event event = fixture_last_event(f, row.intent.id);
	assert_string_equal(event.type, "resolve_refused");
	assert_int_equal(event.actor, ACTOR_PERSON);
	assert_non_null(strstr(event.detail, "resolve_was_paid"));
	assert_non_null(strstr(event.detail, "\"ann\",\"ben\""));
	assert_int_equal(open_count(f, NULL), 0);
	/* The same decisions are about nothing any more. */
	assert_int_equal(resolve(f, of, STORE_RESOLVE_REQUEUE, NULL), STORE_MOVED);
	assert_false(decide(f, of, "ann"));
}

static void unpaid_goes_round_again(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = foreign(f, "one");
	struct resolve_case of = case_of(f, &slot);
	assert_int_equal(resolve(f, of, STORE_RESOLVE_REQUEUE, NULL), STORE_WRITTEN);
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_QUEUED);
	assert_int_equal(row.round, 1);
	assert_string_equal(row.held_reason, "");
	assert_string_equal(fixture_last_event(f, row.intent.id).type, "requeued");
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, row.intent.id), 1);
}

static void paid_is_completed(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = foreign(f, "one");
	assert_int_equal(resolve(f, case_of(f, &slot), STORE_RESOLVE_COMPLETE, NULL),
			 STORE_WRITTEN);
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_COMPLETED);
	assert_int_equal(row.due_at, 0);
	assert_non_null(strstr(fixture_last_event(f, row.intent.id).detail, "\"tx_hash\":\"0x09"));
	assert_int_equal(fixture_transfer(f, slot.id).outcome, OUTCOME_FOREIGN);
}

/* A slot that no row has any more, and the row that it is bound to; a slot of another row is not,
 * and neither is one that is open. */
static void paid_in_a_lost_life_is_bound(void **state)
{
	struct fixture *f = *state;
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct transfer slot = foreign(f, "one");
	struct withdrawal again = fixture_queue(f, "two");
	fixture_edit(f, "UPDATE withdrawals SET held_reason = 'round_was_paid' WHERE stage = 3");
	again = fixture_load(f, again.intent.id);
	struct store_resolution item = { .of = resolve_case_of(&again, NULL),
					 .act = STORE_RESOLVE_COMPLETE,
					 .tx_hash = { { 9 } },
					 .bound = slot.id,
					 .people = { "ann", "ben" },
					 .wallet_id = f->wallets[0].id,
					 .epoch = f->leases[0].epoch };
	MUST(store_case_resolve, f->store, &item, &by);
	assert_int_equal(item.result, STORE_MOVED);
	fixture_edit(f, "DELETE FROM transfer_items");
	fixture_edit(f, "DELETE FROM events WHERE withdrawal_id IN (SELECT id FROM withdrawals "
			"WHERE stage = 4)");
	fixture_edit(f, "DELETE FROM withdrawals WHERE stage = 4");
	fixture_edit(f, "UPDATE transfers SET stage = 4");
	MUST(store_case_resolve, f->store, &item, &by);
	assert_int_equal(item.result, STORE_MOVED);
	fixture_edit(f, "UPDATE transfers SET stage = 5");
	MUST(store_case_resolve, f->store, &item, &by);
	assert_int_equal(item.result, STORE_WRITTEN);
	again = fixture_load(f, again.intent.id);
	assert_int_equal(again.stage, WITHDRAWAL_COMPLETED);
	assert_true(id_equal(again.transfer, slot.id));
	assert_true(id_equal(fixture_transfer(f, slot.id).withdrawal, again.intent.id));
}

static void canceled_says_why(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = foreign(f, "one");
	assert_int_equal(resolve(f, case_of(f, &slot), STORE_RESOLVE_CANCEL, "canceled"),
			 STORE_WRITTEN);
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_CANCELED);
	assert_string_equal(row.failure_code, "canceled");
}

/* In the queue it is held, or goes on: nothing else is canceled for it. */
static void what_is_held_in_the_queue_is_canceled(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	assert_int_equal(resolve(f, resolve_case_of(&row, NULL), STORE_RESOLVE_CANCEL, "canceled"),
			 STORE_MOVED);
	fixture_edit(f, "UPDATE withdrawals SET held_reason = 'right_already_spent'");
	row = fixture_load(f, row.intent.id);
	assert_int_equal(resolve(f, resolve_case_of(&row, NULL), STORE_RESOLVE_CANCEL, "canceled"),
			 STORE_WRITTEN);
	row = fixture_load(f, row.intent.id);
	assert_int_equal(row.stage, WITHDRAWAL_CANCELED);
	assert_string_equal(row.failure_code, "canceled");
	assert_string_equal(row.held_reason, "");
	assert_int_equal(row.due_at, 0);
	assert_string_equal(fixture_last_event(f, row.intent.id).type, "canceled");
}

/* What is not over, or paid, is not left; and another's lease changes nothing. */
static void only_what_is_over_is_left(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_FOREIGN);
	struct resolve_case of = case_of(f, &slot);
	assert_int_equal(resolve(f, of, STORE_RESOLVE_REQUEUE, NULL), STORE_MOVED);
	assert_int_equal(resolve(f, of, STORE_RESOLVE_COMPLETE, NULL), STORE_MOVED);
	assert_int_equal(resolve(f, of, STORE_RESOLVE_RESEND, NULL), STORE_MOVED);
	struct transfer paid = fixture_broadcast(f, "two", 1);
	paid = fixture_observe(f, &paid, TRANSFER_MINED, OUTCOME_NONE);
	paid = fixture_observe(f, &paid, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	assert_int_equal(resolve(f, case_of(f, &paid), STORE_RESOLVE_REQUEUE, NULL), STORE_MOVED);
	assert_int_equal(resolve(f, case_of(f, &paid), STORE_RESOLVE_RELEASE, NULL), STORE_MOVED);
	f->leases[0].epoch++;
	assert_int_equal(resolve(f, of, STORE_RESOLVE_RELEASE, NULL), STORE_FENCED);
	f->leases[0].epoch--;
	assert_int_equal(resolve(f, of, STORE_RESOLVE_RELEASE, NULL), STORE_WRITTEN);
	assert_string_equal(fixture_load(f, slot.withdrawal).held_reason, "");
	assert_string_equal(fixture_last_event(f, slot.withdrawal).type, "released");
}

/* T9: the slot is out again with its bytes; the withdrawal stays what it is, and hears of it. */
static void what_was_taken_back_is_broadcast(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	assert_int_equal(resolve(f, case_of(f, &slot), STORE_RESOLVE_RESEND, NULL), STORE_WRITTEN);
	slot = fixture_transfer(f, slot.id);
	assert_int_equal(slot.stage, TRANSFER_BROADCAST);
	assert_int_equal(slot.outcome, OUTCOME_NONE);
	assert_int_equal(slot.wish, WISH_REBROADCAST);
	assert_int_equal(slot.attempts, 1);
	assert_true(hash32_is_zero(slot.mined_hash));
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_COMPLETED);
	assert_string_equal(fixture_last_event(f, row.intent.id).type, "finality_lost");
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	assert_int_equal(fixture_load(f, slot.withdrawal).stage, WITHDRAWAL_COMPLETED);
}

static void a_stale_case_is_answered(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = foreign(f, "one");
	struct resolve_case of = case_of(f, &slot);
	assert_true(decide(f, of, "ann"));
	assert_int_equal(resolve(f, of, STORE_RESOLVE_STALE, NULL), STORE_WRITTEN);
	assert_int_equal(open_count(f, NULL), 1); /* it is not */
	fixture_edit(f, "UPDATE withdrawals SET version = version + 1");
	assert_int_equal(resolve(f, of, STORE_RESOLVE_STALE, NULL), STORE_WRITTEN);
	assert_int_equal(open_count(f, NULL), 0);
	fixture_edit(f, "UPDATE withdrawals SET version = version - 1");
}

static void an_attempt_has_an_owner(void **state)
{
	struct fixture *f = *state;
	struct attempt attempts[ATTEMPTS_MAX];
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct id owner;
	assert_int_equal(fixture_attempts(f, slot.id, attempts), 1);
	MUST(store_attempt_owner, f->store, attempts[0].tx_hash, &owner);
	assert_true(id_equal(owner, slot.id));
	MUST(store_attempt_owner, f->store, (struct hash32){ { 1 } }, &owner);
	assert_true(id_is_zero(owner));
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_decision_comes_back),
		STORE_TEST(a_revoked_key_decides_nothing),
		STORE_TEST(a_refusal_is_an_event_and_ends_the_case),
		STORE_TEST(unpaid_goes_round_again),
		STORE_TEST(paid_is_completed),
		STORE_TEST(paid_in_a_lost_life_is_bound),
		STORE_TEST(canceled_says_why),
		STORE_TEST(what_is_held_in_the_queue_is_canceled),
		STORE_TEST(only_what_is_over_is_left),
		STORE_TEST(what_was_taken_back_is_broadcast),
		STORE_TEST(a_stale_case_is_answered),
		STORE_TEST(an_attempt_has_an_owner),
	};
	return cmocka_run_group_tests_name("adapter/store_resolve", tests, NULL, NULL);
}
