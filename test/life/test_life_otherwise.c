/* What people resolved, and the chain made of it another thing (T9): a status that was told stays,
 * and nobody is left to believe it.
 */
#include "life_fault.h"
#include "life_world.h"

#define UNITS 10000

static void both_decide(struct life *life, const struct withdrawal *row,
			const struct hash32 *paid_by)
{
	life_decide(life, row, "ann", paid_by);
	life_decide(life, row, "ben", paid_by);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 1000);
		life_run(life, 2);
	}
}

static void watch_deep(struct life *life)
{
	for (int i = 0; i < 12; i++) {
		life_wait(life, 3000);
		life_run(life, 2);
	}
}

static unsigned long long snapshot(struct life *life)
{
	unsigned long long number = 0;
	const char *result = strstr(life_rpc(life, "evm_snapshot", "[]"), "\"result\":\"0x");
	assert_int_equal(sscanf(result, "\"result\":\"0x%llx", &number), 1);
	return number;
}

/* The chain has never had what came after the snapshot, and no pool knows it. */
static void take_back(struct life *life, unsigned long long number)
{
	char params[40];
	snprintf(params, sizeof params, "[\"0x%llx\"]", number);
	assert_non_null(strstr(life_rpc(life, "evm_revert", params), "true"));
	life_drop_pool(life);
	life_base_fee(life, UINT64_C(1100000000));
}

static void assert_taken_back(struct life *life, const struct withdrawal *row)
{
	life_mine(life, 1);
	life_run(life, 12);
	assert_string_equal(life_view(life, row->intent.id).transfer.held_reason,
			    "final_taken_back");
}

static bool has_units(struct life *life, const char *symbol, const struct withdrawal *row,
		      uint64_t units)
{
	return u256_equal(life_balance(life, symbol, row->intent.to), u256_from_u64(units));
}

/* The slot is with people, and an event of the row says what is true. */
static void assert_otherwise(struct life *life, const struct withdrawal *row, const char *outcome)
{
	char query[256];
	struct store_view view = life_view(life, row->intent.id);
	assert_int_equal(view.transfer.stage, TRANSFER_FINAL);
	assert_string_equal(view.transfer.held_reason, "settled_otherwise");
	assert_int_equal(life_alarms(life, "settled_otherwise"), 1);
	snprintf(query, sizeof query,
		 "SELECT count(*) FROM events WHERE withdrawal_id = ? AND type = "
		 "'settled_otherwise' AND detail LIKE '%%\"%s\"%%'",
		 outcome);
	assert_int_equal(life_number(life, query, &row->intent.id), 1);
}

/* Two people end it by saying what is true, and by nothing else; the status stays. */
static void assert_released(struct life *life, const struct withdrawal *row,
			    const struct hash32 *wrong, const struct hash32 *right)
{
	enum withdrawal_stage stage = life_view(life, row->intent.id).withdrawal.stage;
	both_decide(life, row, wrong);
	assert_string_equal(life_view(life, row->intent.id).transfer.held_reason,
			    "settled_otherwise");
	both_decide(life, row, right);
	assert_string_equal(life_view(life, row->intent.id).transfer.held_reason, "");
	life_assert_stage(life, row, stage);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_assert_alive(life);
}

/* It was paid although a cancellation was signed; what goes out again is the payment. */
static void test_taken_back_with_a_cancellation(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_process(life);
	life_sign(life);
	unsigned long long before = snapshot(life);
	assert_true(life_cancel(life, &row));
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_send_many", 0);
	life_wait(life, 1000);
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).attempts, 2);
	life_mine(life, 1);
	life_fault_clear(life);
	life_run(life, 8);
	life_assert_paid(life, &row);
	take_back(life, before);
	assert_taken_back(life, &row);
	both_decide(life, &row, NULL);
	watch_deep(life);
	life_assert_paid(life, &row);
	assert_string_equal(life_view(life, row.intent.id).transfer.held_reason, "");
	assert_int_equal(life_alarms(life, "settled_otherwise"), 0);
}

/* Sent again, the token refuses: the client was told that it is paid. */
static void test_taken_back_and_reverted(void **state)
{
	struct life *life = *state;
	unsigned long long before = snapshot(life);
	struct withdrawal row = life_accept(life, "TUSD", UNITS);
	life_run(life, 6);
	life_assert_paid(life, &row);
	struct hash32 hash = life_view(life, row.intent.id).tx_hash;
	take_back(life, before);
	life_token_block(life, row.intent.to, true);
	assert_taken_back(life, &row);
	both_decide(life, &row, NULL);
	watch_deep(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	assert_otherwise(life, &row, "reverted");
	assert_true(has_units(life, "TUSD", &row, 0));
	assert_released(life, &row, &hash, NULL);
}

/* Its cancellation had won; on the new chain the payment does. */
static void test_canceled_taken_back_and_paid(void **state)
{
	struct life *life = *state;
	struct attempt attempts[ATTEMPTS_MAX];
	struct err err = { 0 };
	char params[2 * TX_BYTES_MAX + 64];
	size_t n = 0;
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_process(life);
	life_sign(life);
	struct transfer slot = life_view(life, row.intent.id).transfer;
	unsigned long long before = snapshot(life);
	assert_true(life_cancel(life, &row));
	life_wait(life, 1000);
	life_sign(life);
	watch_deep(life);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	take_back(life, before);
	assert_true(store_attempts_load(life->store, slot.id, attempts, ATTEMPTS_MAX, &n, &err));
	snprintf(params, sizeof params, "[\"%s\"]", life_hex(attempts[0].raw, attempts[0].raw_len));
	(void)life_rpc(life, "eth_sendRawTransaction", params);
	assert_taken_back(life, &row);
	both_decide(life, &row, NULL);
	watch_deep(life);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	assert_otherwise(life, &row, "succeeded");
	assert_true(has_units(life, "POL", &row, UNITS));
	assert_released(life, &row, NULL, &attempts[0].tx_hash);
}

/* A store replaced by hand, and its client cancels what was paid since: the journal is ahead, and
 * only the signer can tell. */
static void test_canceled_in_a_store_replaced_by_hand(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_back_up(life);
	life_run(life, 12);
	life_assert_paid(life, &row);
	life_restore(life);
	for (int i = 0; i < 3; i++) {
		life_wait(life, 1000);
		life_sign(life);
	}
	assert_true(life_number(life,
				"SELECT count(*) FROM wallets WHERE stop_reason = "
				"'journal_is_ahead'",
				NULL) > 0);
	assert_true(life_cancel(life, &row));
	for (int i = 0; i < 4; i++) {
		life_wait(life, 16000);
		life_run(life, 2);
	}
	struct store_view view = life_view(life, row.intent.id);
	assert_false(lifecycle_is_terminal(view.withdrawal.stage));
	assert_true(has_units(life, "POL", &row, UNITS));
}

/* What one person says of many keeps nobody from being heard. */
static void test_single_decisions_stand_in_nobodys_way(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[65];
	for (size_t i = 0; i < 65; i++)
		rows[i] = life_accept(life, "POL", UNITS + i);
	life_sql(life, "UPDATE withdrawals SET held_reason = 'intent_mac_invalid', "
		       "version = version + 1");
	for (size_t i = 0; i < 64; i++)
		life_decide(life, &rows[i], "ann", NULL);
	both_decide(life, &rows[64], NULL);
	assert_string_equal(life_view(life, rows[64].intent.id).withdrawal.held_reason, "");
	assert_string_equal(life_view(life, rows[0].intent.id).withdrawal.held_reason,
			    "intent_mac_invalid");
}

/* Of a mined slot somebody edits the outcome: people are called, and the monitor goes on. */
static void test_edited_outcome(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_process(life);
	life_sign(life);
	life_mine(life, 1);
	life_watch(life);
	life_sql(life, "UPDATE transfers SET outcome = 4 WHERE stage = 4");
	watch_deep(life);
	struct store_view view = life_view(life, row.intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_ASSIGNED);
	assert_string_equal(view.transfer.held_reason, "slot_rows_mismatch");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_taken_back_with_a_cancellation),
		LIFE_TEST(test_taken_back_and_reverted),
		LIFE_TEST(test_canceled_taken_back_and_paid),
		LIFE_TEST(test_canceled_in_a_store_replaced_by_hand),
		LIFE_TEST(test_single_decisions_stand_in_nobodys_way),
		LIFE_TEST(test_edited_outcome),
	};
	return LIFE_MAIN(tests);
}
