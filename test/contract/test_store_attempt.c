/* Attempts: bytes and hash stand in the store before they leave, and never change (T3); that they
 * left is stored after. */
#include "store_fixture.h"

#include "core/transfer.h"

static void add(struct fixture *f, struct store_attempt *items, size_t n)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	MUST(store_attempts_add, f->store, items, n, &by);
}

static enum store_write add_one(struct fixture *f, struct store_attempt *item)
{
	add(f, item, 1);
	return item->result;
}

static void sent(struct fixture *f, struct store_sent *items, size_t n)
{
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	MUST(store_attempts_sent, f->store, items, n, &by);
}

static struct transfer reserved(struct fixture *f, const char *key, size_t wallet)
{
	struct withdrawal row = fixture_queue(f, key);
	return fixture_reserve(f, &row, wallet);
}

static struct transfer filler(struct fixture *f, size_t wallet)
{
	struct store_reservation item = { .epoch = f->leases[wallet].epoch };
	struct store_by by = fixture_by(f, ACTOR_SIGNER);
	item.transfer.id = fixture_id(f);
	item.transfer.wallet_id = f->wallets[wallet].id;
	item.transfer.chain_id = FIXTURE_CHAIN_ID;
	item.transfer.wallet = f->wallets[wallet].address;
	transfer_make_cancel(&item.transfer);
	MUST(store_transfers_reserve, f->store, &item, 1, &by);
	assert_int_equal(item.result, STORE_WRITTEN);
	return fixture_transfer(f, item.transfer.id);
}

static void wish(struct fixture *f, const struct transfer *slot, enum wish wished)
{
	struct store_wish item = { slot->id, wished, WISH_REASON_AGE, slot->attempts };
	struct store_by by = fixture_by(f, ACTOR_MONITOR);
	MUST(store_transfers_wish, f->store, &item, 1, &by);
	assert_int_equal(fixture_transfer(f, slot->id).wish, wished);
}

static void assert_attempt_equal(const struct attempt *a, const struct attempt *b)
{
	assert_true(id_equal(a->transfer, b->transfer));
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->is_cancel, b->is_cancel);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(wei_compare(a->fees.tip, b->fees.tip), 0);
	assert_int_equal(wei_compare(a->fees.cap, b->fees.cap), 0);
	assert_int_equal(a->gas_limit, b->gas_limit);
	assert_true(hash32_equal(a->tx_hash, b->tx_hash));
	assert_int_equal(a->raw_len, b->raw_len);
	assert_memory_equal(a->raw, b->raw, a->raw_len);
	assert_int_equal(a->signed_at, b->signed_at);
	assert_int_equal(a->sent_at, b->sent_at);
}

static void bytes_and_hash_are_stored_as_signed(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = reserved(f, "one", 0);
	struct attempt stored[ATTEMPTS_MAX];
	fixture_wait(f, 100);
	struct store_attempt item = fixture_attempt(f, &slot);
	item.attempt.raw_len = TX_BYTES_MAX;
	memset(item.attempt.raw, 0xfe, TX_BYTES_MAX);
	item.attempt.fees.cap.value = u256_max();
	assert_int_equal(add_one(f, &item), STORE_WRITTEN);
	assert_int_equal(fixture_attempts(f, slot.id, stored), 1);
	assert_attempt_equal(&stored[0], &item.attempt);
	struct transfer after = fixture_transfer(f, slot.id);
	assert_int_equal(after.stage, TRANSFER_SIGNED);
	assert_int_equal(after.stage_at, f->clock.now_ms);
	assert_int_equal(after.attempts, 1);
	assert_int_equal(after.version, slot.version + 1);
	assert_int_equal(after.sent_at, 0);
	assert_true(hash32_equal(after.payload_hash, slot.payload_hash));
}

/* The commit's answer was lost, and the signer comes again with the same bytes. */
static void the_same_hash_again_is_done(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = reserved(f, "one", 0);
	struct store_attempt item = fixture_attempt(f, &slot);
	assert_int_equal(add_one(f, &item), STORE_WRITTEN);
	struct digest before = fixture_digest(f);
	assert_int_equal(add_one(f, &item), STORE_EXISTS);
	item.attempt.number = 2;
	assert_int_equal(add_one(f, &item), STORE_EXISTS);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
	/* Also once it was mined, and twice in one batch. */
	slot = fixture_transfer(f, slot.id);
	slot = fixture_send(f, &slot);
	(void)fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	item.attempt.number = 1;
	assert_int_equal(add_one(f, &item), STORE_EXISTS);
	struct transfer other = reserved(f, "two", 0);
	struct store_attempt twice[2] = { fixture_attempt(f, &other) };
	twice[1] = twice[0];
	add(f, twice, 2);
	assert_int_equal(twice[0].result, STORE_WRITTEN);
	assert_int_equal(twice[1].result, STORE_EXISTS);
}

static void a_wrong_number_moves_nothing(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = reserved(f, "one", 0);
	slot = fixture_sign(f, &slot);
	struct digest before = fixture_digest(f);
	static const uint32_t numbers[] = { 0, 1, 3, ATTEMPTS_MAX };
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct store_attempt item = fixture_attempt(f, &slot);
		item.attempt.number = numbers[i];
		assert_int_equal(add_one(f, &item), STORE_MOVED);
	}
	struct store_attempt lost = fixture_attempt(f, &slot);
	lost.attempt.transfer = fixture_id(f);
	assert_int_equal(add_one(f, &lost), STORE_MOVED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

/* Bytes that pay for another slot are not this slot's, whatever their number. */
static void the_hash_of_another_slot_is_not_taken(void **state)
{
	struct fixture *f = *state;
	struct transfer one = reserved(f, "one", 0);
	struct transfer two = reserved(f, "two", 0);
	struct store_attempt first = fixture_attempt(f, &one);
	assert_int_equal(add_one(f, &first), STORE_WRITTEN);
	struct digest before = fixture_digest(f);
	struct store_attempt second = fixture_attempt(f, &two);
	second.attempt.tx_hash = first.attempt.tx_hash;
	assert_int_equal(add_one(f, &second), STORE_MOVED);
	struct digest after = fixture_digest(f);
	assert_digest_equal(&before, &after);
}

/* Of a batch that is stored at once, wherever it stands. */
static void one_that_conflicts_keeps_no_other_out(void **state)
{
	struct fixture *f = *state;
	struct transfer old = reserved(f, "old", 0);
	struct store_attempt taken = fixture_attempt(f, &old);
	assert_int_equal(add_one(f, &taken), STORE_WRITTEN);
	for (size_t bad = 0; bad < 3; bad++) {
		struct transfer slots[3];
		struct store_attempt items[3];
		for (size_t i = 0; i < 3; i++) {
			char key[16];
			snprintf(key, sizeof key, "%zu of %zu", i, bad);
			slots[i] = reserved(f, key, i % 2);
			items[i] = fixture_attempt(f, &slots[i]);
		}
		items[bad].attempt.tx_hash = taken.attempt.tx_hash;
		add(f, items, 3);
		for (size_t i = 0; i < 3; i++) {
			bool stored = i != bad;
			struct attempt rows[ATTEMPTS_MAX];
			assert_int_equal(items[i].result, stored ? STORE_WRITTEN : STORE_MOVED);
			assert_int_equal(fixture_attempts(f, slots[i].id, rows), stored);
			assert_int_equal(fixture_transfer(f, slots[i].id).stage,
					 stored ? TRANSFER_SIGNED : TRANSFER_RESERVED);
		}
	}
}

static void attempts_of_many_slots_come_together(void **state)
{
	struct fixture *f = *state;
	struct id slots[3] = { { { 0 } } };
	struct attempt rows[ATTEMPTS_MAX];
	size_t len = 0;
	for (size_t i = 0; i < 2; i++) {
		struct transfer slot = reserved(f, i == 0 ? "one" : "two", 0);
		slots[i] = slot.id;
		for (size_t number = 0; number <= i; number++) {
			struct store_attempt item = fixture_attempt(f, &slot);
			assert_int_equal(add_one(f, &item), STORE_WRITTEN);
			slot = fixture_transfer(f, slot.id);
		}
	}
	slots[2] = fixture_id(f); /* nobody's */
	MUST(store_attempts_of, f->store, slots, 3, rows, ATTEMPTS_MAX, &len);
	assert_int_equal(len, 3);
	for (size_t i = 0; i < 3; i++) {
		struct attempt alone[ATTEMPTS_MAX];
		size_t at = rows[i].number - 1;
		assert_true(fixture_attempts(f, rows[i].transfer, alone) > at);
		assert_attempt_equal(&rows[i], &alone[at]);
	}
	assert_true(id_compare(rows[0].transfer, rows[2].transfer) < 0);
	MUST(store_attempts_of, f->store, slots, 3, rows, 2, &len);
	assert_int_equal(len, 2);
}

static void a_bump_leaves_the_stage_and_ends_the_wish(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct attempt before[ATTEMPTS_MAX];
	struct attempt stored[ATTEMPTS_MAX];
	assert_int_equal(fixture_attempts(f, slot.id, before), 1);
	wish(f, &slot, WISH_BUMP);
	fixture_wait(f, 60000);
	struct store_attempt item = fixture_attempt(f, &slot);
	item.attempt.is_cancel = true;
	item.attempt.reason = WISH_REASON_CANCEL;
	assert_int_equal(add_one(f, &item), STORE_WRITTEN);
	struct transfer after = fixture_transfer(f, slot.id);
	assert_int_equal(after.stage, TRANSFER_BROADCAST);
	assert_int_equal(after.stage_at, slot.stage_at);
	assert_int_equal(after.attempts, 2);
	assert_int_equal(after.wish, WISH_NONE);
	assert_int_equal(fixture_attempts(f, slot.id, stored), 2);
	assert_attempt_equal(&stored[0], &before[0]);
	assert_attempt_equal(&stored[1], &item.attempt);
}

static void nothing_is_added_after_mined(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	struct store_attempt item = fixture_attempt(f, &slot);
	assert_int_equal(add_one(f, &item), STORE_MOVED);
	/* A reorg opens it again. */
	slot = fixture_observe(f, &slot, TRANSFER_BROADCAST, OUTCOME_NONE);
	assert_int_equal(add_one(f, &item), STORE_WRITTEN);
	slot = fixture_transfer(f, slot.id);
	slot = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	slot = fixture_observe(f, &slot, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	item = fixture_attempt(f, &slot);
	assert_int_equal(add_one(f, &item), STORE_MOVED);
	assert_int_equal(fixture_transfer(f, slot.id).attempts, 2);
}

static void a_slot_can_have_all_its_attempts(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = reserved(f, "one", 0);
	struct attempt stored[ATTEMPTS_MAX];
	size_t len = 0;
	struct err err = { 0 };
	for (uint32_t i = 1; i <= ATTEMPTS_MAX; i++) {
		slot = fixture_sign(f, &slot);
		assert_int_equal(slot.attempts, i);
	}
	assert_int_equal(fixture_attempts(f, slot.id, stored), ATTEMPTS_MAX);
	for (uint32_t i = 0; i < ATTEMPTS_MAX; i++)
		assert_int_equal(stored[i].number, i + 1);
	assert_aborts((void)!store_attempts_load(f->store, slot.id, stored, ATTEMPTS_MAX - 1, &len,
						 &err));
	assert_int_equal(fixture_attempts(f, fixture_id(f), stored), 0);
}

static void each_attempt_is_fenced_by_its_own_lease(void **state)
{
	struct fixture *f = *state;
	struct transfer slots[4] = { reserved(f, "one", 0), reserved(f, "two", 0),
				     reserved(f, "three", 1), reserved(f, "four", 0) };
	struct store_attempt items[4];
	for (size_t i = 0; i < 4; i++)
		items[i] = fixture_attempt(f, &slots[i]);
	items[1].epoch--;
	items[3].epoch++;
	add(f, items, 4);
	static const enum store_write results[4] = { STORE_WRITTEN, STORE_FENCED, STORE_WRITTEN,
						     STORE_FENCED };
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(items[i].result, results[i]);
		assert_int_equal(fixture_transfer(f, slots[i].id).attempts,
				 results[i] == STORE_WRITTEN);
	}
}

/* A stop keeps new money in; what has a nonce must go on to free it. */
static void a_stopped_wallet_still_signs_its_slots(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = reserved(f, "one", 0);
	struct store_by by = fixture_by(f, ACTOR_PERSON);
	MUST(store_wallet_stop, f->store, f->wallets[0].id, "asked", NULL, &by, &(bool){ false });
	slot = fixture_sign(f, &slot);
	slot = fixture_send(f, &slot);
	assert_int_equal(slot.stage, TRANSFER_BROADCAST);
}

/* --- sent ---------------------------------------------------------------------------------------
 */

static void the_first_broadcast_is_told(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = reserved(f, "one", 0);
	struct withdrawal before = fixture_load(f, slot.withdrawal);
	struct attempt stored[ATTEMPTS_MAX];
	slot = fixture_sign(f, &slot);
	fixture_wait(f, 250);
	slot = fixture_send(f, &slot);
	assert_int_equal(slot.stage, TRANSFER_BROADCAST);
	assert_int_equal(slot.stage_at, f->clock.now_ms);
	assert_int_equal(slot.sent_at, f->clock.now_ms);
	assert_int_equal(fixture_attempts(f, slot.id, stored), 1);
	assert_int_equal(stored[0].sent_at, f->clock.now_ms);
	struct withdrawal row = fixture_load(f, slot.withdrawal);
	assert_int_equal(row.stage, WITHDRAWAL_ASSIGNED);
	assert_int_equal(row.version, before.version + 1);
	struct store_event event = fixture_last_event(f, slot.withdrawal);
	assert_string_equal(event.type, "broadcast");
	assert_non_null(strstr(event.detail, hash32_text(stored[0].tx_hash).at));
	struct message message = fixture_claim(f, QUEUE_MONITOR, slot.withdrawal);
	assert_string_equal(message.correlation_id, row.correlation_id);
}

static void one_wake_up_serves_the_batch(void **state)
{
	struct fixture *f = *state;
	struct transfer slots[3] = { filler(f, 0), reserved(f, "one", 0), reserved(f, "two", 1) };
	struct store_sent items[3];
	for (size_t i = 0; i < 3; i++) {
		slots[i] = fixture_sign(f, &slots[i]);
		items[i] = fixture_sent(f, &slots[i], 1);
	}
	sent(f, items, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(items[i].result, STORE_WRITTEN);
		assert_int_equal(fixture_transfer(f, slots[i].id).stage, TRANSFER_BROADCAST);
	}
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM messages WHERE queue = 3"), 1);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM events WHERE type = 'broadcast'"),
			 2);
}

/* A row that somebody edited tells nobody, and must not take the others' wake-up with it. */
static void an_edited_row_does_not_eat_the_wake_up(void **state)
{
	struct fixture *f = *state;
	struct transfer slots[2] = { reserved(f, "one", 0), reserved(f, "two", 0) };
	struct store_sent items[2];
	for (size_t i = 0; i < 2; i++) {
		slots[i] = fixture_sign(f, &slots[i]);
		items[i] = fixture_sent(f, &slots[i], 1);
	}
	fixture_edit(f, "UPDATE withdrawals SET stage = 3 WHERE transfer_id = "
			"(SELECT id FROM transfers ORDER BY nonce LIMIT 1)");
	sent(f, items, 2);
	assert_int_equal(fixture_number(f, "SELECT COUNT(*) FROM messages WHERE queue = 3"), 1);
	assert_int_equal(fixture_transfer(f, slots[0].id).stage, TRANSFER_BROADCAST);
	fixture_edit(f, "UPDATE withdrawals SET stage = 4");
}

static void what_surely_is_not_out_only_gets_its_time(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = reserved(f, "one", 0);
	struct attempt stored[ATTEMPTS_MAX];
	slot = fixture_sign(f, &slot);
	struct withdrawal before = fixture_load(f, slot.withdrawal);
	struct store_sent item = fixture_sent(f, &slot, 1);
	item.may_be_out = false;
	sent(f, &item, 1);
	assert_int_equal(item.result, STORE_WRITTEN);
	struct transfer after = fixture_transfer(f, slot.id);
	assert_int_equal(after.stage, TRANSFER_SIGNED);
	assert_int_equal(after.version, slot.version);
	assert_int_equal(after.sent_at, f->clock.now_ms);
	assert_int_equal(fixture_attempts(f, slot.id, stored), 1);
	assert_int_equal(stored[0].sent_at, f->clock.now_ms);
	assert_int_equal(fixture_load(f, slot.withdrawal).version, before.version);
	assert_int_equal(fixture_messages(f, QUEUE_MONITOR, slot.withdrawal), 0);
}

static void sending_again_is_no_news(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = fixture_broadcast(f, "one", 0);
	struct withdrawal before = fixture_load(f, slot.withdrawal);
	struct attempt stored[ATTEMPTS_MAX];
	wish(f, &slot, WISH_REBROADCAST);
	fixture_wait(f, 30000);
	struct transfer again = fixture_send(f, &slot);
	assert_int_equal(again.stage_at, slot.stage_at);
	assert_int_equal(again.sent_at, f->clock.now_ms);
	assert_int_equal(again.wish, WISH_NONE);
	assert_int_equal(fixture_load(f, slot.withdrawal).version, before.version);
	/* The wish for a higher fee is not answered by the same bytes. */
	wish(f, &again, WISH_BUMP);
	again = fixture_send(f, &again);
	assert_int_equal(again.wish, WISH_BUMP);
	/* Only the attempt that was sent has a new time. */
	again = fixture_sign(f, &again);
	fixture_wait(f, 1000);
	again = fixture_send(f, &again);
	assert_int_equal(fixture_attempts(f, slot.id, stored), 2);
	assert_int_equal(stored[0].sent_at, f->clock.now_ms - 1000);
	assert_int_equal(stored[1].sent_at, f->clock.now_ms);
}

/* Each replacement has its event, once, with the hash by which it may be mined and why it is. */
static void a_replacement_that_goes_out_is_told_once(void **state)
{
	struct fixture *f = *state;
	static const enum wish_reason reasons[] = { WISH_REASON_SPEED_UP, WISH_REASON_CANCEL };
	static const char *const types[] = { "bumped", "cancellation_sent" };
	static const char *const texts[] = { "\"attempt\":2,\"reason\":\"speed_up\"",
					     "\"attempt\":3,\"reason\":\"cancel\"" };
	struct transfer slot = fixture_broadcast(f, "one", 0);
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct withdrawal before = fixture_load(f, slot.withdrawal);
		struct store_attempt item = fixture_attempt(f, &slot);
		item.attempt.reason = reasons[i];
		item.attempt.is_cancel = i == 1;
		assert_int_equal(add_one(f, &item), STORE_WRITTEN);
		slot = fixture_transfer(f, slot.id);
		for (int times = 0; times < 2; times++) {
			slot = fixture_send(f, &slot);
			struct store_event event = fixture_last_event(f, slot.withdrawal);
			assert_int_equal(event.sequence, before.version + 1);
			assert_string_equal(event.type, types[i]);
			assert_int_equal(event.actor, ACTOR_SIGNER);
			assert_non_null(strstr(event.detail, texts[i]));
			assert_non_null(strstr(event.detail, hash32_text(item.attempt.tx_hash).at));
		}
	}
	/* One whose withdrawal was bound elsewhere by an editor tells nothing. */
	struct store_attempt item = fixture_attempt(f, &slot);
	assert_int_equal(add_one(f, &item), STORE_WRITTEN);
	fixture_edit(f, "UPDATE withdrawals SET transfer_id = NULL");
	struct withdrawal before = fixture_load(f, slot.withdrawal);
	slot = fixture_transfer(f, slot.id);
	(void)fixture_send(f, &slot);
	assert_int_equal(fixture_load(f, slot.withdrawal).version, before.version);
	fixture_edit(f, "UPDATE withdrawals SET transfer_id = (SELECT id FROM transfers)");
}

/* The monitor was faster than the record of the send: mined stays mined. */
static void a_late_record_moves_nothing_back(void **state)
{
	struct fixture *f = *state;
	struct transfer slot = reserved(f, "one", 0);
	slot = fixture_sign(f, &slot);
	struct transfer mined = fixture_observe(f, &slot, TRANSFER_MINED, OUTCOME_NONE);
	mined = fixture_send(f, &mined);
	assert_int_equal(mined.stage, TRANSFER_MINED);
	assert_int_equal(fixture_messages(f, QUEUE_MONITOR, slot.withdrawal), 0);
	mined = fixture_observe(f, &mined, TRANSFER_FINAL, OUTCOME_SUCCEEDED);
	mined = fixture_send(f, &mined);
	assert_int_equal(mined.stage, TRANSFER_FINAL);
	assert_int_equal(fixture_load(f, slot.withdrawal).stage, WITHDRAWAL_COMPLETED);
}

static void sends_are_fenced_and_of_something_that_is_there(void **state)
{
	struct fixture *f = *state;
	struct transfer slots[3] = { reserved(f, "one", 0), reserved(f, "two", 0),
				     reserved(f, "three", 1) };
	struct store_sent items[5];
	for (size_t i = 0; i < 3; i++) {
		slots[i] = fixture_sign(f, &slots[i]);
		items[i] = fixture_sent(f, &slots[i], 1);
	}
	items[3] = fixture_sent(f, &slots[2], 2); /* there is no second attempt */
	items[4] = fixture_sent(f, &slots[2], 1);
	items[4].transfer = fixture_id(f);
	items[1].epoch--;
	sent(f, items, 5);
	assert_int_equal(items[0].result, STORE_WRITTEN);
	assert_int_equal(items[1].result, STORE_FENCED);
	assert_int_equal(items[2].result, STORE_WRITTEN);
	assert_int_equal(items[3].result, STORE_MOVED);
	assert_int_equal(items[4].result, STORE_MOVED);
	assert_int_equal(fixture_transfer(f, slots[1].id).stage, TRANSFER_SIGNED);
	assert_int_equal(fixture_transfer(f, slots[1].id).sent_at, 0);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(bytes_and_hash_are_stored_as_signed),
		STORE_TEST(the_same_hash_again_is_done),
		STORE_TEST(a_wrong_number_moves_nothing),
		STORE_TEST(the_hash_of_another_slot_is_not_taken),
		STORE_TEST(one_that_conflicts_keeps_no_other_out),
		STORE_TEST(attempts_of_many_slots_come_together),
		STORE_TEST(a_bump_leaves_the_stage_and_ends_the_wish),
		STORE_TEST(nothing_is_added_after_mined),
		STORE_TEST(a_slot_can_have_all_its_attempts),
		STORE_TEST(each_attempt_is_fenced_by_its_own_lease),
		STORE_TEST(a_stopped_wallet_still_signs_its_slots),
		STORE_TEST(the_first_broadcast_is_told),
		STORE_TEST(one_wake_up_serves_the_batch),
		STORE_TEST(an_edited_row_does_not_eat_the_wake_up),
		STORE_TEST(what_surely_is_not_out_only_gets_its_time),
		STORE_TEST(sending_again_is_no_news),
		STORE_TEST(a_replacement_that_goes_out_is_told_once),
		STORE_TEST(a_late_record_moves_nothing_back),
		STORE_TEST(sends_are_fenced_and_of_something_that_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
