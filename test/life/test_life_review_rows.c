/* Rows that an editor, a wrong clock or another signer left behind: they cost themselves something,
 * and the others nothing. */
#include "life_fault.h"
#include "life_world.h"

#include <stdio.h>

#define YEAR_MS INT64_C(31536000000)

static const char *blob_of(const struct withdrawal *row)
{
	return life_blob(row->intent.id.bytes, sizeof row->intent.id.bytes);
}

static void wallets_stop_but_one(struct life *life)
{
	life_sql(life, "UPDATE wallets SET stop_reason = 'test' WHERE id > 1");
}

static void wallets_start(struct life *life)
{
	life_sql(life, "UPDATE wallets SET stop_reason = '' WHERE stop_reason = 'test'");
}

static void all_restart(struct life *life)
{
	life_restart(life, LIFE_PROCESSOR);
	life_restart(life, LIFE_SIGNER);
	life_restart(life, LIFE_MONITOR);
}

/* Its own events have numbers twice; its neighbours in the batch are completed. */
static void test_version_set_back_in_flight(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[3] = { life_accept(life, "POL", 6000),
				      life_accept(life, "POL", 6001),
				      life_accept(life, "TUSD", 6002) };
	life_process(life);
	life_sign(life);
	life_sql(life, "UPDATE withdrawals SET version = 1 WHERE id = %s", blob_of(&rows[0]));
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_assert_alive(life);
	life_assert_settled(life);
}

static void test_version_set_back_before_send(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal rows[2] = { life_accept(life, "POL", 6010),
				      life_accept(life, "POL", 6011) };
	life_process(life);
	life_fault_at(life, LIFE_FAULT_KILL, "store_attempts_add", 1);
	life_sign(life);
	life_fault_clear(life);
	life_sql(life, "UPDATE withdrawals SET version = 1 WHERE id = %s", blob_of(&rows[0]));
	life_run(life, 8);
	life_assert_paid(life, &rows[0]);
	life_assert_paid(life, &rows[1]);
	life_assert_settled(life);
}

/* The machine's clock was a year ahead for a moment. */
static void test_clock_ahead_at_acceptance(void **state)
{
	struct life *life = *state;
	struct withdrawal before = life_accept(life, "POL", 6020);
	life_wait(life, YEAR_MS);
	struct withdrawal during = life_accept(life, "POL", 6021);
	life_wait(life, -YEAR_MS);
	all_restart(life);
	life_run(life, 8);
	life_assert_paid(life, &before);
	life_assert_paid(life, &during);
	life_assert_settled(life);
}

static void test_clock_ahead_at_a_step(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[8];
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "POL", 6030 + i);
	life_wait(life, YEAR_MS);
	life_process(life);
	life_wait(life, -YEAR_MS);
	all_restart(life);
	life_run(life, 12);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
}

/* Sent while the clock was an hour ahead, then forgotten by the pool: its age is not negative for
 * an hour. */
static void test_clock_back_with_work_in_flight(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 6040);
	life_process(life);
	life_wait(life, 3600000);
	life_sign(life);
	life_wait(life, -3600000);
	life_drop_pool(life);
	all_restart(life);
	for (int i = 0; i < 14; i++) {
		life_run(life, 1);
		life_wait(life, 1000);
	}
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* Gas is under no MAC: what an editor leaves of it is estimated anew. */
static void test_gas_limit_edited_low(void **state)
{
	struct life *life = *state;
	static const int limits[] = { 0, 1, 21000, 30000 };
	life_fault_install(life);
	wallets_stop_but_one(life);
	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		struct withdrawal first = life_accept(life, i % 2 ? "POL" : "TUSD", 6050 + i);
		life_process(life);
		life_fault_at(life, LIFE_FAULT_KILL, "store_transfers_reserve", 1);
		life_sign(life);
		life_fault_clear(life);
		life_sql(life, "UPDATE transfers SET gas_limit = %d WHERE stage = 1", limits[i]);
		struct withdrawal next = life_accept(life, "POL", 6060 + i);
		life_run(life, 6);
		life_assert_paid(life, &first);
		life_assert_paid(life, &next);
		assert_int_equal(life_view(life, first.intent.id).withdrawal.round, 0);
	}
	assert_int_equal(life_alarms(life, "transfer_not_taken"), 0);
	wallets_start(life);
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* A dead letter whose message is gone too is redriven from its row. */
static void test_dead_letter_without_message(void **state)
{
	struct life *life = *state;
	struct err err = { 0 };
	size_t moved = 0;
	struct withdrawal row = life_accept(life, "POL", 6070);
	life_sql(life, "UPDATE messages SET receives = 5");
	life_process(life);
	life_assert_held(life, &row, "dead_letter");
	life_sql(life, "DELETE FROM messages");
	struct store_by by = { .actor = ACTOR_PERSON,
			       .who = "p",
			       .request_id = "",
			       .now_ms = clock_now_ms(&life->clock.base) };
	assert_true(store_redrive(life->store, QUEUE_REQUEST_DLQ, 64, &by, &moved, &err));
	assert_int_equal(moved, 1);
	life_run(life, 7);
	life_assert_paid(life, &row);
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* More payments wait for a person than a page has rows: those behind them are completed. */
static void test_more_holds_than_a_page(void **state)
{
	struct life *life = *state;
	life->catalogue.wallets[0].in_flight_max = 40;
	wallets_stop_but_one(life);
	life_token_behave(life, TOKEN_FEE);
	for (int i = 0; i < 66; i++) {
		(void)life_accept(life, "TUSD", 100000);
		if (i % 22 == 21)
			life_run(life, 2);
	}
	life_run(life, 8);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM transfers WHERE outcome = 5", NULL), 66);
	life_token_behave(life, TOKEN_GOOD);
	struct withdrawal rows[2] = { life_accept(life, "POL", 6080),
				      life_accept(life, "TUSD", 6081) };
	life_run(life, 10);
	life_assert_paid(life, &rows[0]);
	life_assert_paid(life, &rows[1]);
}

/* Another signer, which had looked before, ends the withdrawal between reservation and journal. */
static void void_now(struct life *life, const struct withdrawal *row)
{
	struct err err = { 0 };
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	struct journal_entry entry = { .has_right = true };
	struct journal_right *right = &entry.right;
	right->withdrawal = row->intent.id;
	pay_tag_make(life->keys_bytes[2], &row->intent, right->pay_tag);
	right->is_void = true;
	snprintf(right->void_stage, sizeof right->void_stage, "canceled");
	snprintf(right->void_code, sizeof right->void_code, "canceled");
	right->chain_id = row->intent.chain_id;
	right->asset = row->intent.contract;
	right->amount = row->intent.amount;
	assert_true(journal_append_many(life->journal, &entry, 1, &verdict, &err));
	assert_int_equal(verdict, JOURNAL_WRITTEN);
}

static void round_put_back(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_sql(life, "UPDATE withdrawals SET round = 0, version = version + 1, due_at = 1");
}

/* A row that was read, and has moved before the journal was asked: nobody is called for that. */
static void test_right_judged_by_a_row_that_moved(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 6095);
	life_fault_install(life);
	life_process(life);
	life_sql(life, "UPDATE withdrawals SET round = 1");
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "journal_rights_of",
							.at = 1,
							.act = round_put_back,
							.row = &row });
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "journal_rights_of");
	life_fault_clear(life);
	life_run(life, 8);
	life_assert_paid(life, &row);
	life_assert_quiet(life);
	assert_int_equal(life_alarms(life, "withdrawal_held"), 0);
}

static void watch_now(struct life *life, const struct withdrawal *row)
{
	life_mine(life, 3);
	life_watch(life);
	life_assert_paid(life, row);
}

/* A row that was read as under way, and is completed before its slot is read. */
static void test_completed_between_row_and_slot(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 6096);
	life_fault_install(life);
	life_run(life, 1);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	life_sql(life, "UPDATE withdrawals SET due_at = 1");
	life_process(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "store_transfer_load",
							.at = 1,
							.act = watch_now,
							.row = &row });
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "store_transfer_load");
	life_fault_clear(life);
	assert_int_equal(life_alarms(life, "withdrawal_held"), 0);
	life_assert_quiet(life);
	life_assert_settled(life);
}

static void void_run(struct life *life, const char *symbol, const char *call)
{
	struct withdrawal row = life_accept(life, symbol, 6090);
	life_process(life);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = call,
							.at = 1,
							.act = void_now,
							.row = &row });
	life_sign(life);
	assert_string_equal(life_fault_hit(life), call);
	life_fault_clear(life);
	life_run(life, 10);
	life_wait(life, 20000);
	life_run(life, 3);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, &row);
}

static void test_void_before_journal(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	void_run(life, "POL", "store_transfers_reserve");
	void_run(life, "TUSD", "journal_append_many");
	life_assert_quiet(life);
	life_assert_alive(life);
	life_assert_settled(life);
}

/* The rule became stricter while the approval ran out: what it refuses now is not approved anew. */
static void test_renewal_under_a_stricter_rule(void **state)
{
	struct life *life = *state;
	life_sql(life, "UPDATE wallets SET stop_reason = 'test'");
	life->approval_life_ms = 1000;
	life_restart(life, LIFE_PROCESSOR);
	struct withdrawal row = life_accept(life, "POL", 6100);
	life_run(life, 1);
	life->catalogue.assets[0].maximum.units = u256_from_u64(100);
	life->approval_life_ms = 86400000;
	life_restart(life, LIFE_PROCESSOR);
	life_wait(life, 20000);
	wallets_start(life);
	for (int i = 0; i < 6; i++) {
		life_run(life, 2);
		life_wait(life, 10000);
	}
	life_assert_unpaid(life, &row);
	assert_int_not_equal(life_view(life, row.intent.id).withdrawal.stage, WITHDRAWAL_ASSIGNED);
	life_assert_settled(life);
}

/* Keys that are away for long fill no journal, and cost nothing once they are back. */
static void test_breaker_never_closes_keys(void **state)
{
	struct life *life = *state;
	struct hash32 hash;
	struct wei ceiling;
	struct err err = { 0 };
	uint32_t attempts = 0;
	bool has_pay = false;
	bool has_cancel = false;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 6110);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	for (int i = 0; i < 60; i++) {
		life_wait(life, 1000);
		life_run(life, 1);
	}
	assert_in_range(life_fault_seen(life), 2, 30);
	struct transfer slot = life_view(life, row.intent.id).transfer;
	struct journal_slot key = { slot.chain_id, slot.wallet, slot.nonce };
	assert_true(journal_slot_of(life->journal, &key, &has_pay, &has_cancel, &hash, &ceiling,
				    &attempts, &err));
	assert_int_equal(attempts, 1);
	life_fault_clear(life);
	life_wait(life, 11000);
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* The wallet was taken over with a slot in it: that goes out before anything new is reserved. */
static void test_new_owner_drains_first(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	wallets_stop_but_one(life);
	struct withdrawal first = life_accept(life, "POL", 6120);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_KILL, "store_transfers_reserve", 1);
	life_sign(life);
	struct withdrawal second = life_accept(life, "POL", 6121);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_KILL, "store_attempts_add", 1);
	life_sign(life);
	assert_int_equal(life_view(life, first.intent.id).transfer.stage, TRANSFER_SIGNED);
	life_assert_stage(life, &second, WITHDRAWAL_QUEUED);
	life_fault_clear(life);
	life_run(life, 6);
	life_assert_paid(life, &first);
	life_assert_paid(life, &second);
	wallets_start(life);
	life_assert_settled(life);
}

/* The owner before took its last nonce between our look at the wallet and our lease. */
static void nonce_taken(struct life *life, const struct withdrawal *row)
{
	(void)row;
	life_sql(life, "UPDATE wallets SET next_nonce = next_nonce + 1 WHERE id = 1");
}

static void test_nonce_taken_before_lease(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	wallets_stop_but_one(life);
	struct withdrawal row = life_accept(life, "POL", 6130);
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_sql(life, "UPDATE wallets SET next_nonce = next_nonce - 1 WHERE id = 1");
	life_restart(life, LIFE_SIGNER);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "store_lease_take",
							.at = 1,
							.act = nonce_taken });
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "store_lease_take");
	life_fault_clear(life);
	wallets_start(life);
	life_assert_quiet(life);
	life_assert_alive(life);
	life_assert_settled(life);
}

/* What the step read of the wallet is older than what it read after: once more, and nobody stops.
 */
static void torn_run(struct life *life, const char *before)
{
	life_fault_install(life);
	wallets_stop_but_one(life);
	struct withdrawal row = life_accept(life, "POL", 6140);
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_wait(life, 1000);
	life_sql(life, "UPDATE wallets SET next_nonce = next_nonce - 1 WHERE id = 1; %s", before);
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "store_lease_take",
							.at = 1,
							.act = nonce_taken });
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "store_lease_take");
	life_fault_clear(life);
	wallets_start(life);
	life_assert_quiet(life);
	life_assert_alive(life);
	life_assert_settled(life);
}

static void test_nonce_taken_during_a_step(void **state)
{
	torn_run(*state, "");
}

/* Another owner had the wallet in between. */
static void test_nonce_taken_while_the_lease_was_away(void **state)
{
	torn_run(*state, "UPDATE leases SET epoch = epoch + 1, holder = 'thief'; "
			 "UPDATE wallets SET lease_epoch = lease_epoch + 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_version_set_back_in_flight),
		LIFE_TEST(test_version_set_back_before_send),
		LIFE_TEST(test_clock_ahead_at_acceptance),
		LIFE_TEST(test_clock_ahead_at_a_step),
		LIFE_TEST(test_clock_back_with_work_in_flight),
		LIFE_TEST(test_gas_limit_edited_low),
		LIFE_TEST(test_dead_letter_without_message),
		LIFE_TEST(test_more_holds_than_a_page),
		LIFE_TEST(test_void_before_journal),
		LIFE_TEST(test_renewal_under_a_stricter_rule),
		LIFE_TEST(test_breaker_never_closes_keys),
		LIFE_TEST(test_new_owner_drains_first),
		LIFE_TEST(test_right_judged_by_a_row_that_moved),
		LIFE_TEST(test_completed_between_row_and_slot),
		LIFE_TEST(test_nonce_taken_before_lease),
		LIFE_TEST(test_nonce_taken_during_a_step),
		LIFE_TEST(test_nonce_taken_while_the_lease_was_away),
	};
	return LIFE_MAIN(tests);
}
