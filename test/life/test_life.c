/* The main job, service by service, on a real chain. */
#include "life.h"

static void assert_paid(struct life *life, const struct withdrawal *row, const char *symbol,
			uint64_t units)
{
	struct store_view view = life_view(life, row->intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_COMPLETED);
	assert_int_equal(view.transfer.stage, TRANSFER_FINAL);
	assert_int_equal(view.transfer.outcome, OUTCOME_SUCCEEDED);
	struct u256 balance = life_balance(life, symbol, row->intent.to);
	assert_true(u256_equal(balance, u256_from_u64(units)));
}

static void test_native(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 12345);
	life_process(life);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.stage, WITHDRAWAL_QUEUED);
	life_sign(life);
	struct store_view view = life_view(life, row.intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_ASSIGNED);
	assert_int_equal(view.transfer.stage, TRANSFER_BROADCAST);
	life_mine(life, 1);
	life_watch(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_MINED);
	life_run(life, 4);
	assert_paid(life, &row, "POL", 12345);
}

static void test_token(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 2500000);
	life_run(life, 8);
	assert_paid(life, &row, "TUSD", 2500000);
}

static void test_many_over_wallets(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[40];
	for (uint64_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 1000 + i);
	life_run(life, 14);
	for (uint64_t i = 0; i < COUNT_OF(rows); i++)
		assert_paid(life, &rows[i], i % 2 ? "TUSD" : "POL", 1000 + i);
}

static void test_too_small_is_rejected(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 9);
	life_run(life, 3);
	struct store_view view = life_view(life, row.intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_REJECTED);
	assert_string_equal(view.withdrawal.failure_code, "below_minimum");
}

static void test_signer_limit_ends_with_a_void(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 900000001);
	life_run(life, 3);
	struct store_view view = life_view(life, row.intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_REJECTED);
	assert_string_equal(view.withdrawal.failure_code, "signer_limit");
	assert_false(view.has_transfer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_native, life_set_up, life_tear_down),
		cmocka_unit_test_setup_teardown(test_token, life_set_up, life_tear_down),
		cmocka_unit_test_setup_teardown(test_many_over_wallets, life_set_up,
						life_tear_down),
		cmocka_unit_test_setup_teardown(test_too_small_is_rejected, life_set_up,
						life_tear_down),
		cmocka_unit_test_setup_teardown(test_signer_limit_ends_with_a_void, life_set_up,
						life_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
