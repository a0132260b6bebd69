/* The sweeper brings back what was lost, and nothing else; the way back from a dead-letter queue.
 */
#include "store_fixture.h"

struct woken {
	size_t request;
	size_t signing;
	size_t monitor;
};

static struct woken sweep(struct fixture *f, size_t limit)
{
	size_t counts[3] = { 99, 99, 99 };
	MUST(store_sweep, f->store, f->clock.now_ms, limit, counts);
	return (struct woken){ counts[0], counts[1], counts[2] };
}

static void assert_woken(struct woken woken, size_t request, size_t signing)
{
	assert_int_equal(woken.request, request);
	assert_int_equal(woken.signing, signing);
	assert_int_equal(woken.monitor, 0);
}

static int64_t messages(struct fixture *f)
{
	return fixture_number(f, "SELECT COUNT(*) FROM messages");
}

/* queue-wiped: every message is gone, and every row that is not ended comes back. */
static void a_wiped_queue_comes_back(void **state)
{
	struct fixture *f = *state;
	struct withdrawal accepted = fixture_accept(f, "accepted");
	struct withdrawal queued = fixture_queue(f, "queued");
	struct transfer slot = fixture_broadcast(f, "assigned", 0);
	struct withdrawal rejected = fixture_accept(f, "rejected");
	struct store_change reject = fixture_change(&rejected, WITHDRAWAL_REJECTED, "rejected");
	assert_true(fixture_apply(f, &reject, ACTOR_PROCESSOR));
	struct transfer done = fixture_broadcast(f, "done", 0);
	done = fixture_observe(f, &done, TRANSFER_MINED, OUTCOME_NONE);
	(void)fixture_observe(f, &done, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	fixture_edit(f, "DELETE FROM messages");
	assert_woken(sweep(f, 64), 0, 0);
	fixture_wait(f, lifecycle_due_in_ms(WITHDRAWAL_ACCEPTED) - 1);
	assert_woken(sweep(f, 64), 0, 0);
	fixture_wait(f, 1);
	assert_woken(sweep(f, 64), 1, 1);
	fixture_wait(f, lifecycle_due_in_ms(WITHDRAWAL_ASSIGNED));
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, slot.withdrawal), 0);
	assert_woken(sweep(f, 64), 1, 2);
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, accepted.intent.id), 1);
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, queued.intent.id), 1);
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, slot.withdrawal), 1);
	assert_int_equal(messages(f), 3);
	struct message message = fixture_claim(f, QUEUE_REQUEST, accepted.intent.id);
	assert_string_equal(message.correlation_id, accepted.correlation_id);
}

static void a_sweep_changes_no_stage_and_no_version(void **state)
{
	struct fixture *f = *state;
	struct withdrawal before = fixture_queue(f, "one");
	fixture_wait(f, 60000);
	assert_woken(sweep(f, 64), 0, 1);
	struct withdrawal after = fixture_load(f, before.intent.id);
	assert_true(after.due_at > f->clock.now_ms);
	before.due_at = after.due_at;
	assert_withdrawal_equal(&after, &before);
	/* What was just woken is not woken again. */
	struct digest first = fixture_digest(f);
	assert_woken(sweep(f, 64), 0, 0);
	struct digest second = fixture_digest(f);
	assert_digest_equal(&first, &second);
}

/* There is at most one wake-up of a row in a queue. */
static void a_message_that_waits_is_not_doubled(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	for (int i = 0; i < 3; i++) {
		fixture_wait(f, 60000);
		assert_woken(sweep(f, 64), 1, 0);
		assert_int_equal(fixture_messages(f, QUEUE_REQUEST, row.intent.id), 1);
	}
	(void)fixture_claim(f, QUEUE_REQUEST, row.intent.id);
}

static void a_held_row_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[2] = { fixture_accept(f, "one"), fixture_accept(f, "two") };
	struct store_change hold = fixture_change(&rows[0], rows[0].stage, "held");
	hold.held_reason = "dead_letter";
	assert_true(fixture_apply(f, &hold, ACTOR_PROCESSOR));
	fixture_edit(f, "DELETE FROM messages");
	fixture_wait(f, 600000);
	assert_woken(sweep(f, 1), 1, 0);
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, rows[0].intent.id), 0);
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, rows[1].intent.id), 1);
}

/* The oldest first, no more than asked for, no more than a batch. */
static void a_sweep_has_a_limit(void **state)
{
	struct fixture *f = *state;
	char key[16];
	for (int i = 0; i < BATCH_MAX + 6; i++) {
		snprintf(key, sizeof key, "key-%d", i);
		(void)fixture_accept(f, key);
		fixture_wait(f, 1);
	}
	fixture_edit(f, "DELETE FROM messages");
	fixture_wait(f, 60000);
	assert_woken(sweep(f, 2), 2, 0);
	assert_int_equal(fixture_number(f,
					"SELECT COUNT(*) FROM messages m JOIN (SELECT id FROM "
					"withdrawals ORDER BY id LIMIT 2) w ON w.id = m.subject"),
			 2);
	assert_woken(sweep(f, 1000), BATCH_MAX, 0);
	assert_woken(sweep(f, 1000), 4, 0);
	assert_int_equal(messages(f), BATCH_MAX + 6);
}

/* Written while the clock was wrong: nobody waits a year for it. */
static void a_due_time_out_of_reach_counts_as_due(void **state)
{
	struct fixture *f = *state;
	struct withdrawal far = fixture_queue(f, "far");
	struct withdrawal near = fixture_queue(f, "near");
	static const int64_t hour_ms = INT64_C(3600) * 1000;
	struct store_change wait = fixture_change(&far, far.stage, "waiting");
	wait.wait_reason = "funds";
	wait.due_at = f->clock.now_ms + 24 * 365 * hour_ms;
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	wait = fixture_change(&near, near.stage, "waiting");
	wait.wait_reason = "funds";
	wait.due_at = f->clock.now_ms + hour_ms;
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	assert_woken(sweep(f, 64), 0, 1);
	far = fixture_load(f, far.intent.id);
	assert_true(far.due_at < f->clock.now_ms + hour_ms);
	assert_int_equal(fixture_load(f, near.intent.id).due_at, wait.due_at);
	assert_woken(sweep(f, 64), 0, 0);
}

/* A queued row whose approval has run out is the processor's: it renews it. */
static void an_expired_approval_wakes_the_processor(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct store_change wait = fixture_change(&row, row.stage, "waiting");
	wait.wait_reason = "approval_expired";
	wait.due_at = f->clock.now_ms + 500;
	wait.ack = fixture_claim(f, QUEUE_SIGNING, row.intent.id).ack;
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	fixture_edit(f, "DELETE FROM messages");
	fixture_wait(f, 500);
	assert_woken(sweep(f, 64), 1, 0);
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, row.intent.id), 1);
}

/* --- dead letters -------------------------------------------------------------------------------
 */

static struct withdrawal buried(struct fixture *f, const char *key, const char *reason)
{
	struct withdrawal row = fixture_accept(f, key);
	struct store_change item = fixture_change(&row, row.stage, "held");
	item.held_reason = reason;
	item.bury = true;
	item.ack = fixture_claim(f, QUEUE_REQUEST, row.intent.id).ack;
	assert_true(fixture_apply(f, &item, ACTOR_PROCESSOR));
	fixture_wait(f, 10);
	return fixture_load(f, row.intent.id);
}

static size_t redrive(struct fixture *f, enum queue_name dlq, size_t limit)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	size_t moved = 99;
	MUST(store_redrive, f->store, dlq, limit, &by, &moved);
	return moved;
}

static void dead_letters_are_listed_oldest_first(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[3] = { buried(f, "one", "dead_letter"),
				      buried(f, "two", "dead_letter"),
				      buried(f, "three", "dead_letter") };
	struct id ids[4];
	size_t len = 0;
	MUST(store_dlq_list, f->store, QUEUE_REQUEST_DLQ, ids, 4, &len);
	assert_int_equal(len, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(id_equal(ids[i], rows[i].intent.id));
	MUST(store_dlq_list, f->store, QUEUE_REQUEST_DLQ, ids, 2, &len);
	assert_int_equal(len, 2);
	MUST(store_dlq_list, f->store, QUEUE_SIGNING_DLQ, ids, 4, &len);
	assert_int_equal(len, 0);
}

static void a_redriven_row_is_worked_on_again(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[3] = { buried(f, "one", "dead_letter"),
				      buried(f, "two", "dead_letter"),
				      buried(f, "three", "dead_letter") };
	fixture_wait(f, 60000);
	assert_int_equal(redrive(f, QUEUE_SIGNING_DLQ, 10), 0);
	assert_int_equal(redrive(f, QUEUE_REQUEST_DLQ, 2), 2);
	for (size_t i = 0; i < 3; i++) {
		struct withdrawal row = fixture_load(f, rows[i].intent.id);
		bool moved = i < 2;
		assert_string_equal(row.held_reason, moved ? "" : "dead_letter");
		assert_int_equal(row.version, rows[i].version + moved);
		assert_int_equal(fixture_messages(f, QUEUE_REQUEST, row.intent.id), moved);
		assert_int_equal(fixture_messages(f, QUEUE_REQUEST_DLQ, row.intent.id), !moved);
		if (!moved)
			continue;
		struct store_event event = fixture_last_event(f, row.intent.id);
		assert_string_equal(event.type, "redriven");
		assert_int_equal(event.actor, ACTOR_PERSON);
		assert_int_equal(row.due_at,
				 f->clock.now_ms + lifecycle_due_in_ms(WITHDRAWAL_ACCEPTED));
	}
	/* replay-after-dlq: a second time moves what is left. */
	assert_int_equal(redrive(f, QUEUE_REQUEST_DLQ, 10), 1);
	assert_int_equal(redrive(f, QUEUE_REQUEST_DLQ, 10), 0);
	assert_int_equal(messages(f), 3);
}

/* Only `dead_letter` is cleared so; every other hold is a person's own decision. */
static void a_redrive_releases_no_other_hold(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = buried(f, "one", "intent_mac_invalid");
	assert_int_equal(redrive(f, QUEUE_REQUEST_DLQ, 10), 1);
	struct withdrawal after = fixture_load(f, row.intent.id);
	assert_withdrawal_equal(&after, &row);
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, row.intent.id), 1);
}

/* The queues were wiped: the rows are the truth, and each queue's redrive finds its own. */
static void a_dead_letter_without_its_message_is_redriven_too(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[3] = { buried(f, "one", "dead_letter"),
				      buried(f, "two", "dead_letter"),
				      buried(f, "three", "asset_mismatch") };
	struct withdrawal queued = fixture_queue(f, "four");
	struct store_change hold = fixture_change(&queued, queued.stage, "held");
	hold.held_reason = "dead_letter";
	assert_true(fixture_apply(f, &hold, ACTOR_SIGNER));
	fixture_edit(f, "DELETE FROM messages");
	assert_int_equal(redrive(f, QUEUE_MONITOR_DLQ, 10), 0);
	assert_int_equal(redrive(f, QUEUE_REQUEST_DLQ, 1), 1);
	assert_int_equal(redrive(f, QUEUE_REQUEST_DLQ, 10), 1);
	assert_int_equal(redrive(f, QUEUE_REQUEST_DLQ, 10), 0);
	assert_int_equal(redrive(f, QUEUE_SIGNING_DLQ, 10), 1);
	for (size_t i = 0; i < 3; i++) {
		struct withdrawal row = fixture_load(f, rows[i].intent.id);
		assert_string_equal(row.held_reason, i < 2 ? "" : "asset_mismatch");
		assert_int_equal(fixture_messages(f, QUEUE_REQUEST, row.intent.id), i < 2);
	}
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, queued.intent.id), 1);
}

/* What ended meanwhile, or never was, is dropped. */
static void dead_letters_of_ended_rows_are_dropped(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = buried(f, "one", "dead_letter");
	struct store_change release = fixture_change(&row, row.stage, "released");
	release.held_reason = "";
	assert_true(fixture_apply(f, &release, ACTOR_PERSON));
	row = fixture_load(f, row.intent.id);
	struct store_change cancel = fixture_change(&row, WITHDRAWAL_CANCELED, "canceled");
	assert_true(fixture_apply(f, &cancel, ACTOR_API));
	row = fixture_load(f, row.intent.id);
	fixture_edit(f, "INSERT INTO messages (queue, subject, correlation_id, created_at, "
			"visible_at) VALUES (11, X'00112233445566778899aabbccddeeff', '', 1, 1)");
	assert_int_equal(redrive(f, QUEUE_REQUEST_DLQ, 10), 0);
	assert_int_equal(messages(f), 0);
	struct withdrawal after = fixture_load(f, row.intent.id);
	assert_withdrawal_equal(&after, &row);
}

static void try_redrive(struct fixture *f, enum queue_name queue, size_t limit)
{
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	struct err err = { 0 };
	size_t moved = 0;
	(void)!store_redrive(f->store, queue, limit, &by, &moved, &err);
}

static void only_dead_letter_queues_are_redriven(void **state)
{
	struct fixture *f = *state;
	size_t counts[3];
	struct err err = { 0 };
	assert_aborts(try_redrive(f, QUEUE_REQUEST, 1));
	assert_aborts(try_redrive(f, QUEUE_NONE, 1));
	assert_aborts(try_redrive(f, QUEUE_REQUEST_DLQ, 0));
	assert_aborts((void)!store_sweep(f->store, f->clock.now_ms, 0, counts, &err));
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_wiped_queue_comes_back),
		STORE_TEST(a_sweep_changes_no_stage_and_no_version),
		STORE_TEST(a_message_that_waits_is_not_doubled),
		STORE_TEST(a_held_row_is_left_alone),
		STORE_TEST(a_sweep_has_a_limit),
		STORE_TEST(a_due_time_out_of_reach_counts_as_due),
		STORE_TEST(an_expired_approval_wakes_the_processor),
		STORE_TEST(dead_letters_are_listed_oldest_first),
		STORE_TEST(a_redriven_row_is_worked_on_again),
		STORE_TEST(a_redrive_releases_no_other_hold),
		STORE_TEST(a_dead_letter_without_its_message_is_redriven_too),
		STORE_TEST(dead_letters_of_ended_rows_are_dropped),
		STORE_TEST(only_dead_letter_queues_are_redriven),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
