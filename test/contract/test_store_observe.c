/* What the monitor saw: mined, back, final; a withdrawal is completed with its slot (T6), and an
 * unpaid one wakes the signer. And what the monitor wishes for. */
#include "store_fixture.h"

#include "core/transfer.h"

static void observe(struct fixture *f, struct store_observation *items, size_t n)
{
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	MUST(store_transfers_observe, f->store, items, n, &f->monitor, &by);
}

static void wish(struct fixture *f, const struct transfer *slot, enum wish wished, uint32_t seen)
{
	struct store_wish item = { slot->id, wished, WISH_REASON_AGE, seen };
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	MUST(store_transfers_wish, f->store, &item, 1, &by);
}

static struct transfer final(struct fixture *f, const char *key, enum transfer_outcome outcome)
{
	struct transfer slot = fixture_broadcast(f, key, 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	return fixture_observe(f, &slot, TRANSFER_FINAL, outcome);
}

static void mined_is_the_slots_own_matter(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct withdrawal before = fixture_load(f, slot.withdrawal);
	fixture_wait(f, 2000);
	struct store_observation item = fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	observe(f, &item, 1);
	assert_int_equal(item.result, STORE_WRITTEN);
	struct transfer mined = fixture_transfer(f, slot.id);
	assert_int_equal(mined.stage, TRANSFER_MINED);
	assert_int_equal(mined.outcome, OUTCOME_NONE);
	assert_int_equal(mined.version, slot.version + 1);
	assert_int_equal(mined.stage_at, f->clock.now_ms);
	assert_true(hash32_equal(mined.mined_hash, item.mined_hash));
	assert_int_equal(mined.mined_block, item.mined_block);
	assert_true(hash32_equal(mined.mined_block_hash, item.mined_block_hash));
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_withdrawal_equal(&row, &before);
}

static void final_success_completes_the_withdrawal(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct withdrawal before = fixture_load(f, slot.withdrawal);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	/* Back, whatever block the observation still names. */
	struct store_observation back = fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	back.to = TRANSFER_BROADCAST;
	observe(f, &back, 1);
	slot = fixture_transfer(f, slot.id);
	assert_int_equal(slot.stage, TRANSFER_BROADCAST);
	assert_int_equal(slot.mined_block, 0);
	assert_true(hash32_is_zero(slot.mined_hash));
	assert_true(hash32_is_zero(slot.mined_block_hash));
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	/* A reorg that takes it to another block. */
	struct store_observation again =
		fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	again.mined_block++;
	observe(f, &again, 1);
	slot = fixture_transfer(f, slot.id);
	assert_int_equal(slot.mined_block, again.mined_block);
	fixture_wait(f, 9000);
	again = fixture_observation(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	again.mined_block = slot.mined_block;
	observe(f, &again, 1);
	slot = fixture_transfer(f, slot.id);
	assert_int_equal(slot.stage, TRANSFER_FINAL);
	assert_int_equal(slot.outcome, OUTCOME_SUCCEEDED);

	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_COMPLETED);
	assert_int_equal(row.version, before.version + 1);
	assert_int_equal(row.due_at, 0);
	assert_int_equal(row.updated_at, f->clock.now_ms);
	struct store_event event = fixture_last_event(f, slot.withdrawal);
	assert_string_equal(event.type, "completed");
	assert_int_equal(event.actor, ACTOR_MONITOR);
	assert_non_null(strstr(event.detail, hash32_text(slot.mined_hash).at));
	assert_non_null(strstr(event.detail, "\"block_number\":1006}"));
	assert_int_equal(
		fixture_number_of(f, "SELECT outcome FROM transfer_items WHERE transfer_id = ?",
				  slot.id),
		OUTCOME_SUCCEEDED);
}

/* A monitor that errs, or an attempt that an editor took away: nobody is said to be paid. */
static void success_of_a_strange_hash_is_held(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	struct store_observation item =
		fixture_observation(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	item.mined_hash = fixture_hash(f);
	observe(f, &item, 1);
	slot = fixture_transfer(f, slot.id);
	assert_int_equal(slot.stage, TRANSFER_MINED);
	assert_string_equal(slot.held_reason, "success_without_attempt");
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
	assert_string_equal(row.held_reason, "success_without_attempt");
}

static void final_and_unpaid_wakes_the_signer(void **state)
{
	struct fixture *f = *state;
	static const enum transfer_outcome outcomes[] = { OUTCOME_REVERTED, OUTCOME_REPLACED };
	static const char *const keys[] = { "one", "two" };
	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		struct transfer slot = fixture_broadcast(f, keys[i], 0);
		(void)fixture_claim(f, QUEUE_SIGNING, slot.withdrawal);
		int64_t before = fixture_generation(f, QUEUE_SIGNING, slot.withdrawal);
		slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
		assert_int_equal(fixture_generation(f, QUEUE_SIGNING, slot.withdrawal), before);
		slot = fixture_observe(f, &slot, TRANSFER_FINAL, outcomes[i]);
		assert_int_equal(slot.outcome, outcomes[i]);
		struct withdrawal row = fixture_load(f, slot.withdrawal);
		assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
		assert_true(row.due_at > 0);
		assert_int_equal(fixture_generation(f, QUEUE_SIGNING, slot.withdrawal), before + 1);
	}
}

/* A restart of the signer between send and record, and a nonce that somebody else used. */
static void a_slot_can_be_mined_before_its_send_was_recorded(void **state)
{
	struct fixture *f = *state;
	struct withdrawal rows[2] = { fixture_queue(f, "one"), fixture_queue(f, "two") };
	struct transfer signed_slot = fixture_reserve(f, &rows[0], 0);
	signed_slot = fixture_sign(f, &signed_slot);
	signed_slot = fixture_observe(f, &signed_slot, TRANSFER_MINED, OUTCOME_NONE);
	assert_int_equal(signed_slot.stage, TRANSFER_MINED);
	struct transfer bare = fixture_reserve(f, &rows[1], 0);
	struct store_observation item = fixture_observation(f, &bare, TRANSFER_MINED, OUTCOME_NONE);
	item.mined_hash = fixture_hash(f);
	item.mined_block = 77;
	item.mined_block_hash = fixture_hash(f);
	observe(f, &item, 1);
	assert_int_equal(item.result, STORE_WRITTEN);
	assert_int_equal(fixture_transfer(f, bare.id).stage, TRANSFER_MINED);
}

static void a_filler_ends_alone(void **state)
{
	struct fixture *f = *state;
	struct store_reservation item = { .epoch = f->leases[0].epoch };
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	item.transfer.id = fixture_id(f);
	item.transfer.wallet_id = f->wallets[0].id;
	item.transfer.chain_id = FIXTURE_CHAIN_ID;
	item.transfer.wallet = f->wallets[0].address;
	transfer_make_cancel(&item.transfer);
	MUST(store_transfers_reserve, f->store, &item, 1, &by);
	struct transfer slot = fixture_transfer(f, item.transfer.id);
	slot = fixture_sign(f, &slot);
	slot = fixture_send(f, &slot);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_REPLACED);
	assert_int_equal(slot.stage, TRANSFER_FINAL);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM events"), 0);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM messages"), 0);
}

static void what_moved_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct transfer slots[3] = { fixture_broadcast(f, "one", 0), fixture_broadcast(f, "two", 0),
				     final(f, "three", OUTCOME_SUCCEEDED) };
	struct store_observation items[4];
	for (size_t i = 0; i < 3; i++)
		items[i] = fixture_observation(f, &slots[i], TRANSFER_MINED, OUTCOME_NONE);
	items[0].version--;
	items[2].version--;
	items[3] = items[1];
	items[3].transfer = fixture_id(f);
	struct transfer before = fixture_transfer(f, slots[0].id);
	observe(f, items, 4);
	assert_int_equal(items[0].result, STORE_MOVED);
	assert_int_equal(items[1].result, STORE_WRITTEN);
	assert_int_equal(items[2].result, STORE_MOVED);
	assert_int_equal(items[3].result, STORE_MOVED);
	assert_int_equal(fixture_transfer(f, slots[0].id).version, before.version);
	assert_int_equal(fixture_transfer(f, slots[1].id).stage, TRANSFER_MINED);
	assert_int_equal(fixture_transfer(f, slots[2].id).stage, TRANSFER_FINAL);
	/* The same observation twice counts once. */
	observe(f, &items[1], 1);
	assert_int_equal(items[1].result, STORE_MOVED);
}

/* A bump while the monitor looked: the slot's version tells. */
static void an_attempt_added_meanwhile_moves_the_slot(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct store_observation item = fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	(void)fixture_sign(f, &slot);
	observe(f, &item, 1);
	assert_int_equal(item.result, STORE_MOVED);
	assert_int_equal(fixture_transfer(f, slot.id).stage, TRANSFER_BROADCAST);
}

static void a_monitor_without_the_lease_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct store_observation items[2];
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	items[0] = fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	items[1] = items[0];
	struct digest before = fixture_digest(f);
	struct store_lease stale = f->monitor;
	stale.epoch++;
	MUST(store_transfers_observe, f->store, items, 2, &stale, &by);
	assert_int_equal(items[0].result, STORE_FENCED);
	assert_int_equal(items[1].result, STORE_FENCED);
	stale = f->monitor;
	stale.name[0] = 'x';
	MUST(store_transfers_observe, f->store, items, 1, &stale, &by);
	assert_int_equal(items[0].result, STORE_FENCED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

static void try_observe(struct fixture *f, struct store_observation item, enum actor actor,
			uint64_t epoch)
{
	struct err err = { 0 };
	struct store_by by = fixture_by(f, actor);
	struct store_lease lease = f->monitor;
	lease.epoch = epoch;
	(void)!store_transfers_observe(f->store, &item, 1, &lease, &by, &err);
}

/* row-edited: nobody saw a foreign transaction there, or what proves nothing; the slot cannot end
 * by one, and people are called. */
static void an_end_that_was_not_seen_before_is_held(void **state)
{
	static const enum transfer_outcome outcomes[] = { OUTCOME_FOREIGN, OUTCOME_UNPROVEN };
	struct fixture *f = *state;
	for (size_t i = 0; i < 2; i++) {
		struct transfer slot = fixture_broadcast(f, i == 0 ? "one" : "two", 0);
		slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
		try_observe(f, fixture_observation(f, &slot, TRANSFER_FINAL, outcomes[i]),
			    ACTOR_MONITOR, f->monitor.epoch);
		slot = fixture_transfer(f, slot.id);
		assert_int_equal(slot.stage, TRANSFER_MINED);
		assert_string_equal(slot.held_reason, "slot_rows_mismatch");
	}
}

/* What the life-cycle does not have is a bug of the caller, and stops it. */
static void a_step_outside_of_the_life_cycle_aborts(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct transfer mined = fixture_broadcast(f, "two", 0);
	struct transfer ended = final(f, "three", OUTCOME_SUCCEEDED);
	uint64_t epoch = f->monitor.epoch;
	mined = fixture_observe(f, &mined, TRANSFER_MINED, OUTCOME_NONE);
	assert_aborts(try_observe(f,
				  fixture_observation(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED),
				  ACTOR_MONITOR, epoch));
	assert_aborts(try_observe(f,
				  fixture_observation(f, &ended, TRANSFER_BROADCAST, OUTCOME_NONE),
				  ACTOR_MONITOR, epoch));
	assert_aborts(try_observe(f, fixture_observation(f, &mined, TRANSFER_FINAL, OUTCOME_NONE),
				  ACTOR_MONITOR, epoch));
	struct store_observation good = fixture_observation(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	assert_aborts(try_observe(f, good, ACTOR_SIGNER, epoch));
	assert_aborts(try_observe(f, good, ACTOR_MONITOR, 0));
}

/* row-edited: the slot is final all the same, and the audit tells a person. */
static void an_edited_withdrawal_does_not_hold_up_its_slot(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	fixture_edit(f, "UPDATE withdrawals SET stage = 3");
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	assert_int_equal(slot.stage, TRANSFER_FINAL);
	assert_int_equal(fixture_load(f, slot.withdrawal).stage, WITHDRAWAL_QUEUED);
	assert_int_equal(fixture_number_of(f,
					   "SELECT COUNT(*) FROM audit WHERE subject = ? AND "
					   "action = 'settled_without_withdrawal'",
					   slot.id),
			 1);
	fixture_edit(f, "UPDATE withdrawals SET stage = 4");
}

/* --- foreign -------------------------------------------------------------------------------------
 */

/* Our own payment succeeded and proves nothing: the withdrawal waits for people, its slot goes on
 * to its end, and the wallet pays others. */
static void what_proves_nothing_holds_its_withdrawal(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_UNPROVEN);
	assert_int_equal(slot.outcome, OUTCOME_UNPROVEN);
	assert_string_equal(slot.held_reason, "");
	assert_string_equal(fixture_load(f, slot.withdrawal).held_reason, "success_without_proof");
	assert_string_equal(fixture_wallet(f, 0).stop_reason, "");
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_UNPROVEN);
	assert_int_equal(slot.stage, TRANSFER_FINAL);
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
	assert_string_equal(row.held_reason, "success_without_proof");
}

/* Another's transaction is recorded as what is mined; the withdrawal waits for people from then on,
 * and the wallet stops; its end is no verdict about the payment. */
static void a_foreign_transaction_holds_its_withdrawal(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_FOREIGN);
	assert_int_equal(slot.stage, TRANSFER_MINED);
	assert_int_equal(slot.outcome, OUTCOME_FOREIGN);
	assert_string_equal(slot.held_reason, "");
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
	assert_string_equal(row.held_reason, "nonce_consumed_elsewhere");
	assert_string_equal(fixture_wallet(f, 0).stop_reason, "nonce_consumed_elsewhere");
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_FOREIGN);
	assert_int_equal(slot.stage, TRANSFER_FINAL);
	row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
	assert_string_equal(row.held_reason, "nonce_consumed_elsewhere");
}

/* A reorg takes it away: what was signed may be out, what was not waits for its signature. */
static void a_foreign_transaction_may_go_away(void **state)
{
	struct fixture *f = *state;
	struct transfer sent = fixture_broadcast(f, "one", 0);
	struct withdrawal queued = fixture_queue(f, "two");
	struct transfer fresh = fixture_reserve(f, &queued, 0);
	sent = fixture_observe(f, &sent, TRANSFER_MINED, OUTCOME_FOREIGN);
	fresh = fixture_observe(f, &fresh, TRANSFER_MINED, OUTCOME_FOREIGN);
	assert_aborts(try_observe(f,
				  fixture_observation(f, &fresh, TRANSFER_BROADCAST, OUTCOME_NONE),
				  ACTOR_MONITOR, f->monitor.epoch));
	assert_aborts(try_observe(f, fixture_observation(f, &sent, TRANSFER_RESERVED, OUTCOME_NONE),
				  ACTOR_MONITOR, f->monitor.epoch));
	sent = fixture_observe(f, &sent, TRANSFER_BROADCAST, OUTCOME_NONE);
	fresh = fixture_observe(f, &fresh, TRANSFER_RESERVED, OUTCOME_NONE);
	assert_int_equal(sent.stage, TRANSFER_BROADCAST);
	assert_int_equal(sent.outcome, OUTCOME_NONE);
	assert_true(hash32_is_zero(sent.mined_hash));
	assert_int_equal(fresh.stage, TRANSFER_RESERVED);
	assert_int_equal(fresh.outcome, OUTCOME_NONE);
}

/* --- held ---------------------------------------------------------------------------------------
 */

static void hold(struct fixture *f, const struct transfer *slot, const char *reason)
{
	struct store_observation item = { .transfer = slot->id,
					  .version = slot->version,
					  .to = slot->stage,
					  .held_reason = reason };
	observe(f, &item, 1);
	assert_int_equal(item.result, STORE_WRITTEN);
}

static void a_held_slot_that_is_not_mined_stops_its_wallet(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct withdrawal before = fixture_load(f, slot.withdrawal);
	hold(f, &slot, "foreign_transaction");
	struct transfer held = fixture_transfer(f, slot.id);
	assert_string_equal(held.held_reason, "foreign_transaction");
	assert_int_equal(held.stage, TRANSFER_BROADCAST);
	assert_int_equal(held.version, slot.version + 1);
	assert_string_equal(fixture_wallet(f, 0).stop_reason, "foreign_transaction");
	assert_string_equal(fixture_wallet(f, 1).stop_reason, "");
	/* The client and the feeds learn of it like of any other change. */
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_string_equal(row.held_reason, "foreign_transaction");
	assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
	assert_int_equal(row.version, before.version + 1);
	struct store_event event = fixture_last_event(f, slot.withdrawal);
	assert_string_equal(event.type, "held");
	assert_non_null(strstr(event.detail, "foreign_transaction"));
	assert_int_equal(fixture_number_of(f,
					   "SELECT COUNT(*) FROM audit WHERE subject = ? AND "
					   "action = 'transfer_held'",
					   slot.id),
			 1);
}

static void a_held_slot_waits_for_a_person(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	hold(f, &slot, "success_without_proof");
	/* A mined slot is in nobody's way. */
	assert_string_equal(fixture_wallet(f, 0).stop_reason, "");
	slot = fixture_transfer(f, slot.id);
	struct digest before = fixture_digest(f);
	struct store_observation item =
		fixture_observation(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	observe(f, &item, 1);
	assert_int_equal(item.result, STORE_MOVED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

/* Somebody held the withdrawal first: his reason stays, and the slot has its own. */
static void an_earlier_hold_keeps_its_reason(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	struct store_change change = fixture_change(&row, row.stage, "held");
	change.held_reason = "asked";
	assert_true(fixture_apply(f, &change, ACTOR_PERSON));
	row = fixture_load(f, slot.withdrawal);
	hold(f, &slot, "foreign_transaction");
	struct withdrawal after = fixture_load(f, slot.withdrawal);
	assert_withdrawal_equal(&after, &row);
	assert_string_equal(fixture_transfer(f, slot.id).held_reason, "foreign_transaction");
}

static struct transfer held_and_paid(struct fixture *f, const char *reason)
{
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	struct store_change change = fixture_change(&row, row.stage, "held");
	change.held_reason = reason;
	assert_true(fixture_apply(f, &change, ACTOR_PERSON));
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	return fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
}

/* A hold that doubts nothing ends with the proof: the client learns that it is paid. */
static void a_dead_letter_that_is_paid_is_completed(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = held_and_paid(f, "dead_letter");
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_COMPLETED);
	assert_string_equal(row.held_reason, "");
	struct store_event event = fixture_last_event(f, slot.withdrawal);
	assert_string_equal(event.type, "completed");
	assert_non_null(strstr(event.detail, "\"released\":\"dead_letter\""));
}

/* One that doubts the row stays: what was paid may not be what the row says by now. */
static void a_doubted_withdrawal_stays_held_when_its_slot_pays(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = held_and_paid(f, "intent_mac_invalid");
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(slot.stage, TRANSFER_FINAL);
	assert_int_equal(slot.outcome, OUTCOME_SUCCEEDED);
	assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
	assert_string_equal(row.held_reason, "intent_mac_invalid");
	assert_string_equal(fixture_last_event(f, slot.withdrawal).type, "held");
	assert_int_equal(fixture_number_of(f,
					   "SELECT COUNT(*) FROM audit WHERE subject = ? AND "
					   "action = 'paid_while_held'",
					   slot.id),
			 1);
}

/* finalized-goes-backwards: what was told to be paid is not taken back by a hold of its slot. */
static void a_hold_does_not_touch_what_is_ended(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = final(f, "one", OUTCOME_SUCCEEDED);
	struct withdrawal before = fixture_load(f, slot.withdrawal);
	hold(f, &slot, "finality_lost");
	assert_string_equal(fixture_transfer(f, slot.id).held_reason, "finality_lost");
	struct withdrawal after = fixture_load(f, slot.withdrawal);
	assert_withdrawal_equal(&after, &before);
}

/* An edited row is its own trouble: a version that no row of ours has keeps no other out. */
static void an_edited_version_of_a_slot_does_not_harm_its_batch(void **state)
{
	struct fixture *f = *state;
	struct transfer one = fixture_broadcast(f, "one", 0);
	struct transfer two = fixture_broadcast(f, "two", 0);
	struct store_observation items[2];
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	fixture_edit(f, "UPDATE transfers SET version = -1 WHERE nonce = 5");
	one = fixture_transfer(f, one.id);
	items[0] = fixture_observation(f, &one, TRANSFER_MINED, OUTCOME_NONE);
	items[1] = fixture_observation(f, &two, TRANSFER_MINED, OUTCOME_NONE);
	MUST(store_transfers_observe, f->store, items, 2, &f->monitor, &by);
	assert_int_equal(fixture_transfer(f, two.id).stage, TRANSFER_MINED);
}

/* --- wishes -------------------------------------------------------------------------------------
 */

static void a_wish_is_kept_for_the_signer(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	wish(f, &slot, WISH_REBROADCAST, 1);
	struct transfer after = fixture_transfer(f, slot.id);
	assert_int_equal(after.wish, WISH_REBROADCAST);
	assert_int_equal(after.wish_attempts_seen, 1);
	/* It is no change of the slot: who looks at it meanwhile loses nothing. */
	assert_int_equal(after.version, slot.version);
	wish(f, &slot, WISH_BUMP, 1);
	assert_int_equal(fixture_transfer(f, slot.id).wish, WISH_BUMP);
	wish(f, &slot, WISH_REBROADCAST, 1);
	assert_int_equal(fixture_transfer(f, slot.id).wish, WISH_BUMP);
}

/* underpriced-loop: a wish about attempts of yesterday would stand in the way of today's. */
static void a_wish_that_comes_late_is_not_kept(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_sign(f, &slot);
	wish(f, &slot, WISH_BUMP, 1);
	assert_int_equal(fixture_transfer(f, slot.id).wish, WISH_NONE);
	wish(f, &slot, WISH_BUMP, 2);
	struct transfer after = fixture_transfer(f, slot.id);
	assert_int_equal(after.wish, WISH_BUMP);
	assert_int_equal(after.wish_attempts_seen, 2);
}

/* An editor's wish, which nobody acts on, stands in nobody's way. */
static void a_wish_about_other_attempts_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	fixture_edit(f, "UPDATE transfers SET wish = 2, wish_attempts_seen = 7");
	wish(f, &slot, WISH_REBROADCAST, 1);
	struct transfer after = fixture_transfer(f, slot.id);
	assert_int_equal(after.wish, WISH_REBROADCAST);
	assert_int_equal(after.wish_attempts_seen, 1);
}

static void a_slot_that_is_mined_has_no_wishes(void **state)
{
	struct fixture *f = *state;
	struct transfer slots[2] = { fixture_broadcast(f, "one", 0),
				     final(f, "two", OUTCOME_REVERTED) };
	struct transfer mined = fixture_observe(f, &slots[0], TRANSFER_MINED, OUTCOME_NONE);
	struct store_wish items[3] = { { mined.id, WISH_BUMP, WISH_REASON_AGE, 1 },
				       { slots[1].id, WISH_BUMP, WISH_REASON_AGE, 1 },
				       { fixture_id(f), WISH_BUMP, WISH_REASON_AGE, 1 } };
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	MUST(store_transfers_wish, f->store, items, 3, &by);
	assert_int_equal(fixture_transfer(f, mined.id).wish, WISH_NONE);
	assert_int_equal(fixture_transfer(f, slots[1].id).wish, WISH_NONE);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(mined_is_the_slots_own_matter),
		STORE_TEST(final_success_completes_the_withdrawal),
		STORE_TEST(success_of_a_strange_hash_is_held),
		STORE_TEST(final_and_unpaid_wakes_the_signer),
		STORE_TEST(a_slot_can_be_mined_before_its_send_was_recorded),
		STORE_TEST(a_filler_ends_alone),
		STORE_TEST(an_edited_version_of_a_slot_does_not_harm_its_batch),
		STORE_TEST(what_moved_is_left_alone),
		STORE_TEST(an_attempt_added_meanwhile_moves_the_slot),
		STORE_TEST(a_monitor_without_the_lease_writes_nothing),
		STORE_TEST(a_step_outside_of_the_life_cycle_aborts),
		STORE_TEST(an_end_that_was_not_seen_before_is_held),
		STORE_TEST(an_edited_withdrawal_does_not_hold_up_its_slot),
		STORE_TEST(what_proves_nothing_holds_its_withdrawal),
		STORE_TEST(a_foreign_transaction_holds_its_withdrawal),
		STORE_TEST(a_foreign_transaction_may_go_away),
		STORE_TEST(a_held_slot_that_is_not_mined_stops_its_wallet),
		STORE_TEST(a_held_slot_waits_for_a_person),
		STORE_TEST(an_earlier_hold_keeps_its_reason),
		STORE_TEST(a_dead_letter_that_is_paid_is_completed),
		STORE_TEST(a_doubted_withdrawal_stays_held_when_its_slot_pays),
		STORE_TEST(a_hold_does_not_touch_what_is_ended),
		STORE_TEST(a_wish_is_kept_for_the_signer),
		STORE_TEST(a_wish_that_comes_late_is_not_kept),
		STORE_TEST(a_wish_about_other_attempts_is_replaced),
		STORE_TEST(a_slot_that_is_mined_has_no_wishes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
