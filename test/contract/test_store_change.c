/* Changes of a withdrawal: compare-and-set of each item, with event, audit record, wake-up and
 * acknowledgement in one transaction; and the guards that hold under the row's lock. */
#include "store_fixture.h"

static void change(struct fixture *f, struct store_change *items, size_t n, enum actor actor)
{
	struct store_by by = fixture_by(f, actor);
	MUST(store_withdrawals_change, f->store, items, n, &by);
}

static struct transfer ended(struct fixture *f, const char *key, enum transfer_outcome outcome)
{
	struct transfer slot = fixture_broadcast(f, key, 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	return fixture_observe(f, &slot, TRANSFER_FINAL, outcome);
}

static void everything_moves_together(void **state)
{
	struct fixture *f = *state;
	struct withdrawal before = fixture_accept(f, "one");
	struct message message = fixture_claim(f, QUEUE_REQUEST, before.intent.id);
	fixture_wait(f, 700);
	struct store_change item = fixture_change(&before, WITHDRAWAL_QUEUED, "queued");
	item.has_approval = true;
	item.approval = (struct approval){ .policy_version = 4,
					   .approved_at = f->clock.now_ms,
					   .expires_at = f->clock.now_ms + 60000 };
	item.approval_mac.key_id = 9;
	memset(item.approval_mac.bytes, 0x99, sizeof item.approval_mac.bytes);
	item.ack = message.ack;
	assert_true(fixture_apply(f, &item, ACTOR_PROCESSOR));

	struct withdrawal expected = before;
	expected.stage = WITHDRAWAL_QUEUED;
	expected.version = 2;
	expected.approval = item.approval;
	expected.approval_mac = item.approval_mac;
	expected.due_at = f->clock.now_ms + lifecycle_due_in_ms(WITHDRAWAL_QUEUED);
	expected.updated_at = f->clock.now_ms;
	struct withdrawal row = fixture_load(f, before.intent.id);
	assert_withdrawal_equal(&row, &expected);
	struct store_event event = fixture_last_event(f, row.intent.id);
	assert_int_equal(event.sequence, 2);
	assert_string_equal(event.type, "queued");
	assert_int_equal(event.actor, ACTOR_PROCESSOR);
	assert_int_equal(event.stage, WITHDRAWAL_QUEUED);
	assert_int_equal(event.at_ms, f->clock.now_ms);
	assert_string_equal(event.detail, "");
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, row.intent.id), 0);
	message = fixture_claim(f, QUEUE_SIGNING, row.intent.id);
	assert_string_equal(message.correlation_id, row.correlation_id);
}

static void what_moved_is_reported_and_acknowledged(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[4];
	struct store_change items[5];
	char key[16];
	for (size_t i = 0; i < 4; i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		rows[i] = fixture_accept(f, key);
		items[i] = fixture_change(&rows[i], WITHDRAWAL_QUEUED, "queued");
		items[i].ack = fixture_claim(f, QUEUE_REQUEST, rows[i].intent.id).ack;
	}
	items[0].version = 2;              /* from the future */
	items[1].from = WITHDRAWAL_QUEUED; /* another stage */
	items[1].to = WITHDRAWAL_QUEUED;
	items[2].withdrawal = fixture_id(f); /* nobody */
	items[4] = items[3];                 /* the second of two */
	items[4].ack = (struct message_ack){ 0 };
	change(f, items, 5, ACTOR_PROCESSOR);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(items[i].applied, i == 3);
	for (size_t i = 0; i < 4; i++) {
		struct withdrawal row = fixture_load(f, rows[i].intent.id);
		assert_int_equal(row.version, i == 3 ? 2 : 1);
		assert_int_equal(fixture_messages(f, QUEUE_REQUEST, rows[i].intent.id), 0);
		assert_int_equal(fixture_messages(f, QUEUE_SIGNING, rows[i].intent.id), i == 3);
	}
}

/* It counts no further, and what is written with it is. */
static void a_row_at_the_end_of_its_count_stops_nobody_else(void **state)
{
	struct fixture *f = *state;
	struct withdrawal edited = fixture_accept(f, "one");
	struct store_change items[2];
	fixture_edit(f, "UPDATE withdrawals SET version = 9223372036854775807, round = 2147483647");
	for (int i = 0; i < 3; i++) {
		char key[16];
		snprintf(key, sizeof key, "other-%d", i);
		struct withdrawal other = fixture_accept(f, key);
		edited = fixture_load(f, edited.intent.id);
		assert_true(edited.version == INT64_MAX);
		items[0] = fixture_change(&edited, WITHDRAWAL_ACCEPTED, "waiting");
		items[0].wait_reason = i % 2 == 0 ? "funds" : "paused";
		items[1] = fixture_change(&other, WITHDRAWAL_QUEUED, "queued");
		change(f, items, 2, ACTOR_PROCESSOR);
		assert_true(items[1].applied);
	}
	fixture_edit(f, "DELETE FROM events WHERE sequence > 100");
	fixture_edit(f, "UPDATE withdrawals SET version = 1 WHERE version > 100");
}

static void reasons_and_codes_are_kept_or_cleared(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct store_change wait = fixture_change(&row, WITHDRAWAL_QUEUED, "waiting");
	wait.wait_reason = "funds";
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	row = fixture_load(f, row.intent.id);
	assert_string_equal(row.wait_reason, "funds");
	assert_non_null(strstr(fixture_last_event(f, row.intent.id).detail, "\"funds\""));
	struct store_change hold = fixture_change(&row, WITHDRAWAL_QUEUED, "held");
	hold.held_reason = "intent_mac_invalid";
	hold.failure_code = "unclear";
	assert_true(fixture_apply(f, &hold, ACTOR_SIGNER));
	row = fixture_load(f, row.intent.id);
	assert_string_equal(row.wait_reason, "");
	assert_string_equal(row.held_reason, "intent_mac_invalid");
	assert_string_equal(row.failure_code, "unclear");
	struct store_change release = fixture_change(&row, WITHDRAWAL_QUEUED, "released");
	release.held_reason = "";
	assert_true(fixture_apply(f, &release, ACTOR_PERSON));
	row = fixture_load(f, row.intent.id);
	assert_string_equal(row.held_reason, "");
	assert_string_equal(row.failure_code, "unclear");
	struct store_change end = fixture_change(&row, WITHDRAWAL_FAILED, "failed");
	end.failure_code = "receiver_refuses";
	assert_true(fixture_apply(f, &end, ACTOR_SIGNER));
	row = fixture_load(f, row.intent.id);
	assert_string_equal(row.failure_code, "receiver_refuses");
	assert_non_null(strstr(fixture_last_event(f, row.intent.id).detail, "receiver_refuses"));
}

static struct withdrawal wait_for(struct fixture *f, const struct withdrawal *row,
				  const char *reason, enum store_funds funds)
{
	struct store_change wait = fixture_change(row, WITHDRAWAL_QUEUED, "waiting");
	wait.wait_reason = reason;
	wait.funds = funds;
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	return fixture_load(f, row->intent.id);
}

/* Since when a payout waits for funds: from the first look that found none, through looks that
 * found out nothing, to the one that found them. */
static void a_wait_for_funds_has_a_beginning_and_an_end(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	assert_int_equal(row.funds_since, 0);
	int64_t since = f->clock.now_ms;
	row = wait_for(f, &row, "funds", STORE_FUNDS_LACKING);
	assert_int_equal(row.funds_since, since);
	fixture_wait(f, 5000);
	row = wait_for(f, &row, "funds", STORE_FUNDS_LACKING);
	assert_int_equal(row.funds_since, since);
	row = wait_for(f, &row, "slot", STORE_FUNDS_KEPT);
	assert_int_equal(row.funds_since, since);
	fixture_wait(f, 5000);
	row = wait_for(f, &row, "funds", STORE_FUNDS_LACKING);
	assert_int_equal(row.funds_since, since);
	row = wait_for(f, &row, "hour_limit", STORE_FUNDS_THERE);
	assert_int_equal(row.funds_since, 0);
	uint64_t version = row.version;
	/* The same reason, and yet news. */
	row = wait_for(f, &row, "hour_limit", STORE_FUNDS_LACKING);
	assert_int_equal(row.funds_since, f->clock.now_ms);
	assert_int_equal(row.version, version + 1);
	struct store_change end = fixture_change(&row, WITHDRAWAL_CANCELED, "canceled");
	assert_true(fixture_apply(f, &end, ACTOR_SIGNER));
	assert_int_equal(fixture_load(f, row.intent.id).funds_since, 0);
}

static void nobody_but_a_person_acts_on_a_held_row(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct store_change hold = fixture_change(&row, WITHDRAWAL_QUEUED, "held");
	hold.held_reason = "asset_mismatch";
	assert_true(fixture_apply(f, &hold, ACTOR_PROCESSOR));
	row = fixture_load(f, row.intent.id);
	struct message message = fixture_claim(f, QUEUE_SIGNING, row.intent.id);
	struct store_change reject = fixture_change(&row, WITHDRAWAL_REJECTED, "rejected");
	reject.ack = message.ack;
	assert_false(fixture_apply(f, &reject, ACTOR_SIGNER));
	struct store_change wait = fixture_change(&row, WITHDRAWAL_QUEUED, "waiting");
	assert_false(fixture_apply(f, &wait, ACTOR_SIGNER));
	struct withdrawal after = fixture_load(f, row.intent.id);
	assert_withdrawal_equal(&after, &row);
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, row.intent.id), 0);
}

/* Waiting on for the same reason is no news. */
static void a_quiet_wait_moves_only_the_due_time(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct store_change wait = fixture_change(&row, WITHDRAWAL_QUEUED, "waiting");
	wait.wait_reason = "funds";
	wait.due_at = f->clock.now_ms + 5000;
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	row = fixture_load(f, row.intent.id);
	assert_int_equal(row.version, 3);
	assert_int_equal(row.due_at, f->clock.now_ms + 5000);
	struct message message = fixture_claim(f, QUEUE_SIGNING, row.intent.id);
	for (int i = 0; i < 3; i++) {
		fixture_wait(f, 5000);
		wait.version = row.version;
		wait.due_at = f->clock.now_ms + 5000;
		wait.ack = message.ack;
		assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
		row.due_at = wait.due_at;
		struct withdrawal after = fixture_load(f, row.intent.id);
		assert_withdrawal_equal(&after, &row);
		assert_int_equal(fixture_messages(f, QUEUE_SIGNING, row.intent.id), 0);
	}
	/* Without a time of its own it gets the stage's. */
	wait.due_at = 0;
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	assert_int_equal(fixture_load(f, row.intent.id).due_at,
			 f->clock.now_ms + lifecycle_due_in_ms(WITHDRAWAL_QUEUED));
	wait.wait_reason = "fee_above_cap";
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	row = fixture_load(f, row.intent.id);
	assert_int_equal(row.version, 4);
	/* No reason any more is news, and a renewed approval too. */
	wait = fixture_change(&row, WITHDRAWAL_QUEUED, "waited");
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	wait.version = 5;
	wait.has_approval = true;
	int64_t generation = fixture_generation(f, QUEUE_SIGNING, row.intent.id);
	assert_true(fixture_apply(f, &wait, ACTOR_PROCESSOR));
	assert_int_equal(fixture_load(f, row.intent.id).version, 6);
	/* The signer waits for it. */
	assert_int_equal(fixture_generation(f, QUEUE_SIGNING, row.intent.id), generation + 1);
}

static bool speed_up(struct fixture *f, struct id withdrawal)
{
	struct withdrawal row = fixture_load(f, withdrawal);
	struct store_change item = fixture_change(&row, WITHDRAWAL_ASSIGNED, "speed_up_requested");
	item.from = WITHDRAWAL_ASSIGNED;
	item.request_speed_up = true;
	return fixture_apply(f, &item, ACTOR_API);
}

static void a_wish_for_speed_comes_with_its_event_and_wakes_the_signer(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct withdrawal before = fixture_load(f, slot.withdrawal);
	assert_true(speed_up(f, slot.withdrawal));
	struct transfer after = fixture_transfer(f, slot.id);
	assert_int_equal(after.wish, WISH_BUMP);
	assert_int_equal(after.wish_reason, WISH_REASON_SPEED_UP);
	assert_int_equal(after.wish_attempts_seen, 1);
	assert_int_equal(after.version, slot.version);
	struct store_event event = fixture_last_event(f, slot.withdrawal);
	assert_int_equal(event.sequence, before.version + 1);
	assert_string_equal(event.type, "speed_up_requested");
	assert_int_equal(event.actor, ACTOR_API);
	assert_int_equal(event.stage, WITHDRAWAL_ASSIGNED);
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, slot.withdrawal), 1);
	/* The monitor's own wish does not take its place, and it takes the place of that one. */
	struct store_wish wish = { slot.id, WISH_BUMP, WISH_REASON_AGE, 1 };
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	MUST(store_transfers_wish, f->store, &wish, 1, &by);
	assert_int_equal(fixture_transfer(f, slot.id).wish_reason, WISH_REASON_SPEED_UP);
	struct transfer other = fixture_broadcast(f, "two", 0);
	wish.transfer = other.id;
	MUST(store_transfers_wish, f->store, &wish, 1, &by);
	assert_int_equal(fixture_transfer(f, other.id).wish_reason, WISH_REASON_AGE);
	assert_true(speed_up(f, other.withdrawal));
	assert_int_equal(fixture_transfer(f, other.id).wish_reason, WISH_REASON_SPEED_UP);
}

/* Nothing is signed, it is in a block, it is held, it moved: neither wish nor event. */
static void a_wish_for_speed_needs_bytes_that_no_block_has(void **state)
{
	struct fixture *f = *state;
	struct withdrawal queued = fixture_queue(f, "one");
	struct transfer slot = fixture_reserve(f, &queued, 0);
	assert_false(speed_up(f, slot.withdrawal));
	slot = fixture_sign(f, &slot);
	assert_true(speed_up(f, slot.withdrawal));
	slot = fixture_transfer(f, slot.id);
	slot = fixture_send(f, &slot);
	assert_int_equal(slot.wish, WISH_BUMP);
	(void)fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	struct digest before = fixture_digest(f);
	assert_false(speed_up(f, slot.withdrawal));
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	struct transfer held = fixture_broadcast(f, "two", 0);
	fixture_edit(f, "UPDATE withdrawals SET held_reason = 'x' WHERE version = 4");
	before = fixture_digest(f);
	assert_false(speed_up(f, held.withdrawal));
	after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

static void a_request_to_cancel_stays_and_wakes_the_signer(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	int64_t before = fixture_generation(f, QUEUE_SIGNING, row.intent.id);
	struct store_change cancel = fixture_change(&row, WITHDRAWAL_QUEUED, "cancel_requested");
	cancel.request_cancel = true;
	assert_true(fixture_apply(f, &cancel, ACTOR_API));
	assert_int_equal(fixture_generation(f, QUEUE_SIGNING, row.intent.id), before + 1);
	row = fixture_load(f, row.intent.id);
	assert_true(row.cancel_requested);
	struct store_change wait = fixture_change(&row, WITHDRAWAL_QUEUED, "waiting");
	wait.wait_reason = "funds";
	assert_true(fixture_apply(f, &wait, ACTOR_SIGNER));
	assert_true(fixture_load(f, row.intent.id).cancel_requested);
}

static void ends_have_no_due_time_and_wake_nobody(void **state)
{
	struct fixture *f = *state;
	static const struct {
		enum withdrawal_stage to;
		enum actor actor;
		bool queued;
	} ends[] = {
		{ WITHDRAWAL_REJECTED, ACTOR_PROCESSOR, false },
		{ WITHDRAWAL_CANCELED, ACTOR_API, false },
		{ WITHDRAWAL_REJECTED, ACTOR_SIGNER, true },
		{ WITHDRAWAL_FAILED, ACTOR_SIGNER, true },
		{ WITHDRAWAL_CANCELED, ACTOR_SIGNER, true },
	};
	char key[16];
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		snprintf(key, sizeof key, "key-%zu", i);
		struct withdrawal row =
			ends[i].queued ? fixture_queue(f, key) : fixture_accept(f, key);
		int64_t messages = fixture_number(f, "SELECT SUM(generation) FROM messages");
		struct store_change end = fixture_change(&row, ends[i].to, "ended");
		end.due_at = f->clock.now_ms + 1000;
		assert_true(fixture_apply(f, &end, ends[i].actor));
		row = fixture_load(f, row.intent.id);
		assert_int_equal(row.stage, ends[i].to);
		assert_int_equal(row.due_at, 0);
		assert_int_equal(fixture_number(f, "SELECT SUM(generation) FROM messages"),
				 messages);
		/* An end is an end. */
		struct store_change again = fixture_change(&row, WITHDRAWAL_QUEUED, "queued");
		again.from = ends[i].queued ? WITHDRAWAL_QUEUED : WITHDRAWAL_ACCEPTED;
		again.to = again.from;
		assert_false(fixture_apply(f, &again, ACTOR_PROCESSOR));
	}
}

static void waiting_for_people_and_back(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	struct store_change await =
		fixture_change(&row, WITHDRAWAL_AWAITING_APPROVAL, "awaiting_approval");
	assert_true(fixture_apply(f, &await, ACTOR_PROCESSOR));
	row = fixture_load(f, row.intent.id);
	assert_int_equal(row.due_at,
			 f->clock.now_ms + lifecycle_due_in_ms(WITHDRAWAL_AWAITING_APPROVAL));
	struct store_change queue = fixture_change(&row, WITHDRAWAL_QUEUED, "queued");
	assert_true(fixture_apply(f, &queue, ACTOR_PROCESSOR));
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, row.intent.id), 1);
}

/* --- T4 and T6 ----------------------------------------------------------------------------------
 */

static bool leave(struct fixture *f, struct id id, enum withdrawal_stage to, enum actor actor)
{
	struct withdrawal row = fixture_load(f, id);
	struct store_change item = fixture_change(&row, to, "left");
	item.next_round = to == WITHDRAWAL_QUEUED;
	bool applied = fixture_apply(f, &item, actor);
	struct withdrawal after = fixture_load(f, id);
	assert_int_equal(after.stage, applied ? to : row.stage);
	assert_int_equal(after.version, row.version + (applied ? 1 : 0));
	return applied;
}

/* Every state of a slot in which it may have been paid, or may still be. */
static void a_slot_that_may_pay_is_not_left(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_queue(f, "one");
	struct transfer slot = fixture_reserve(f, &row, 0);
	static const enum withdrawal_stage exits[] = { WITHDRAWAL_QUEUED, WITHDRAWAL_FAILED,
						       WITHDRAWAL_CANCELED };
	for (int step = 0; step < 6; step++) {
		for (size_t i = 0; i < COUNT_OF(exits); i++)
			assert_false(leave(f, row.intent.id, exits[i], ACTOR_SIGNER));
		if (step == 0)
			slot = fixture_sign(f, &slot);
		else if (step == 1)
			slot = fixture_send(f, &slot);
		else if (step == 2)
			slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
		else if (step == 3) /* an outcome without an end is somebody's edit */
			fixture_edit(f, "UPDATE transfers SET outcome = 2");
		else if (step == 4)
			fixture_edit(f, "UPDATE transfers SET stage = 5, outcome = 4");
	}
	assert_int_equal(fixture_load(f, row.intent.id).round, 0);
}

static void a_slot_that_did_not_pay_is_left(void **state)
{
	struct fixture *f = *state;
	struct id ids[4] = { ended(f, "one", OUTCOME_REVERTED).withdrawal,
			     ended(f, "two", OUTCOME_REPLACED).withdrawal,
			     ended(f, "three", OUTCOME_REVERTED).withdrawal,
			     ended(f, "four", OUTCOME_REPLACED).withdrawal };
	assert_true(leave(f, ids[0], WITHDRAWAL_QUEUED, ACTOR_SIGNER));
	assert_true(leave(f, ids[1], WITHDRAWAL_QUEUED, ACTOR_SIGNER));
	assert_true(leave(f, ids[2], WITHDRAWAL_FAILED, ACTOR_SIGNER));
	assert_true(leave(f, ids[3], WITHDRAWAL_CANCELED, ACTOR_SIGNER));
	assert_int_equal(fixture_messages(f, QUEUE_SIGNING, ids[0]), 1);
	/* The next round has a slot of its own, and the first one's is still found. */
	struct withdrawal row = fixture_load(f, ids[0]);
	assert_int_equal(row.round, 1);
	struct transfer slot = fixture_reserve(f, &row, 1);
	assert_int_equal(slot.round, 1);
	struct transfer first;
	bool found = false;
	MUST(store_transfer_of_round, f->store, ids[0], 0, &first, &found);
	assert_true(found);
	assert_false(id_equal(first.id, slot.id));
	assert_true(id_equal(fixture_load(f, ids[0]).transfer, slot.id));
	/* And the guard looks at the newest one. */
	assert_false(leave(f, ids[0], WITHDRAWAL_QUEUED, ACTOR_SIGNER));
}

/* T6: `completed` comes with the slot's final success, and by no other way. */
static void nothing_is_completed_without_its_slot(void **state)
{
	struct fixture *f = *state;
	struct transfer slots[2] = { fixture_broadcast(f, "one", 0),
				     ended(f, "two", OUTCOME_REVERTED) };
	slots[0] = fixture_observe(f, &slots[0], TRANSFER_MINED, OUTCOME_NONE);
	assert_false(leave(f, slots[0].withdrawal, WITHDRAWAL_COMPLETED, ACTOR_MONITOR));
	assert_false(leave(f, slots[1].withdrawal, WITHDRAWAL_COMPLETED, ACTOR_MONITOR));
}

/* --- the dead letter ----------------------------------------------------------------------------
 */

static void a_buried_message_is_in_its_dead_letter_queue(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	struct store_change item = fixture_change(&row, row.stage, "held");
	item.held_reason = "dead_letter";
	item.bury = true;
	item.ack = fixture_claim(f, QUEUE_REQUEST, row.intent.id).ack;
	assert_true(fixture_apply(f, &item, ACTOR_PROCESSOR));
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, row.intent.id), 0);
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST_DLQ, row.intent.id), 1);
	row = fixture_load(f, row.intent.id);
	assert_string_equal(row.held_reason, "dead_letter");
	assert_int_equal(row.version, 2);
}

/* The row went on: there is nothing to bury. */
static void the_message_of_a_row_that_moved_is_not_buried(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	struct store_change item = fixture_change(&row, row.stage, "held");
	item.held_reason = "dead_letter";
	item.bury = true;
	item.ack = fixture_claim(f, QUEUE_REQUEST, row.intent.id).ack;
	struct store_change faster = fixture_change(&row, WITHDRAWAL_QUEUED, "queued");
	assert_true(fixture_apply(f, &faster, ACTOR_PROCESSOR));
	assert_false(fixture_apply(f, &item, ACTOR_PROCESSOR));
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST, row.intent.id), 0);
	assert_int_equal(fixture_messages(f, QUEUE_REQUEST_DLQ, row.intent.id), 0);
}

/* --- an edited row ------------------------------------------------------------------------------
 */

/* row-edited: a version set back costs its row an event, and nobody else anything. */
static void an_edited_version_does_not_harm_its_batch(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[2] = { fixture_queue(f, "one"), fixture_queue(f, "two") };
	fixture_edit(f, "UPDATE withdrawals SET version = 1 WHERE id = "
			"(SELECT id FROM (SELECT MIN(id) AS id FROM withdrawals) AS first)");
	struct store_change items[2];
	for (size_t i = 0; i < 2; i++) {
		rows[i] = fixture_load(f, rows[i].intent.id);
		items[i] = fixture_change(&rows[i], WITHDRAWAL_CANCELED, "canceled");
	}
	assert_int_equal(rows[0].version, 1);
	change(f, items, 2, ACTOR_SIGNER);
	assert_true(items[0].applied && items[1].applied);
	assert_int_equal(fixture_load(f, rows[0].intent.id).stage, WITHDRAWAL_CANCELED);
	assert_string_equal(fixture_last_event(f, rows[0].intent.id).type, "queued");
	assert_string_equal(fixture_last_event(f, rows[1].intent.id).type, "canceled");
	assert_int_equal(fixture_number_of(f,
					   "SELECT COUNT(*) FROM audit WHERE subject = ? AND "
					   "action = 'event_sequence_taken'",
					   rows[0].intent.id),
			 1);
	/* The newest event does not tell the stage, which the tear-down would find. */
	fixture_edit(f, "UPDATE events SET stage = 8 WHERE sequence = 2");
}

/* One that no row of ours has, and that reads as another one here than there. */
static void a_version_below_zero_does_not_harm_its_batch(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[2] = { fixture_queue(f, "one"), fixture_queue(f, "two") };
	struct store_change items[2];
	fixture_edit(f, "UPDATE withdrawals SET version = -7 WHERE id = "
			"(SELECT id FROM (SELECT MIN(id) AS id FROM withdrawals) AS first)");
	for (size_t i = 0; i < 2; i++) {
		rows[i] = fixture_load(f, rows[i].intent.id);
		items[i] = fixture_change(&rows[i], WITHDRAWAL_CANCELED, "canceled");
	}
	change(f, items, 2, ACTOR_SIGNER);
	assert_true(items[1].applied);
	assert_int_equal(fixture_load(f, rows[1].intent.id).stage, WITHDRAWAL_CANCELED);
	/* So that the tear-down finds sound rows. */
	fixture_edit(f, "UPDATE withdrawals SET version = 2 WHERE version < 0");
	fixture_edit(f, "UPDATE events SET stage = 8 WHERE sequence = 2");
}

/* --- bugs of the caller -------------------------------------------------------------------------
 */

static void try_change(struct fixture *f, struct store_change item, size_t n, enum actor actor)
{
	struct err err = { 0 };
	struct store_by by = fixture_by(f, ACTOR_API);
	by.actor = actor;
	(void)!store_withdrawals_change(f->store, &item, n, &by, &err);
}

static void a_step_outside_of_the_life_cycle_aborts(void **state)
{
	struct fixture *f = *state;
	struct withdrawal row = fixture_accept(f, "one");
	struct store_change good = fixture_change(&row, WITHDRAWAL_QUEUED, "queued");
	assert_aborts(try_change(f, good, 1, ACTOR_SIGNER));
	assert_aborts(try_change(f, good, 1, ACTOR_PERSON));
	assert_aborts(try_change(f, good, 1, (enum actor)0));
	assert_aborts(try_change(f, good, 0, ACTOR_PROCESSOR));
	assert_aborts(try_change(f, good, BATCH_MAX + 1, ACTOR_PROCESSOR));
	struct store_change leap = fixture_change(&row, WITHDRAWAL_COMPLETED, "completed");
	assert_aborts(try_change(f, leap, 1, ACTOR_MONITOR));
	struct store_change bury = fixture_change(&row, row.stage, "held");
	bury.held_reason = "dead_letter";
	bury.bury = true; /* without a message */
	assert_aborts(try_change(f, bury, 1, ACTOR_PROCESSOR));
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(everything_moves_together),
		STORE_TEST(what_moved_is_reported_and_acknowledged),
		STORE_TEST(a_row_at_the_end_of_its_count_stops_nobody_else),
		STORE_TEST(reasons_and_codes_are_kept_or_cleared),
		STORE_TEST(a_wait_for_funds_has_a_beginning_and_an_end),
		STORE_TEST(nobody_but_a_person_acts_on_a_held_row),
		STORE_TEST(a_quiet_wait_moves_only_the_due_time),
		STORE_TEST(a_wish_for_speed_comes_with_its_event_and_wakes_the_signer),
		STORE_TEST(a_wish_for_speed_needs_bytes_that_no_block_has),
		STORE_TEST(a_request_to_cancel_stays_and_wakes_the_signer),
		STORE_TEST(ends_have_no_due_time_and_wake_nobody),
		STORE_TEST(waiting_for_people_and_back),
		STORE_TEST(a_slot_that_may_pay_is_not_left),
		STORE_TEST(a_slot_that_did_not_pay_is_left),
		STORE_TEST(nothing_is_completed_without_its_slot),
		STORE_TEST(a_buried_message_is_in_its_dead_letter_queue),
		STORE_TEST(the_message_of_a_row_that_moved_is_not_buried),
		STORE_TEST(an_edited_version_does_not_harm_its_batch),
		STORE_TEST(a_version_below_zero_does_not_harm_its_batch),
		STORE_TEST(a_step_outside_of_the_life_cycle_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
