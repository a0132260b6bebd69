/* What money does: it is missing, its receiver refuses it, its contract lies. */
#include "life_fault.h"
#include "life_world.h"

static void wallets_fund(struct life *life, uint64_t wei)
{
	for (size_t i = 0; i < life->catalogue.wallets_len; i++)
		life_fund(life, life->catalogue.wallets[i].address, u256_from_u64(wei));
}

/* Rounds with the pauses of waiting rows between them. */
static void run_long(struct life *life, int times)
{
	for (int i = 0; i < times; i++) {
		life_wait(life, 16000);
		life_run(life, 8);
	}
}

#define COIN UINT64_C(1000000000000000000)

/* One payout is more than any wallet has: it waits, is told of, and stops nobody. */
static void test_one_oversize_payment(void **state)
{
	struct life *life = *state;
	struct withdrawal large, small[4];
	wallets_fund(life, COIN);
	large = life_accept(life, "POL", 5 * COIN);
	for (size_t i = 0; i < COUNT_OF(small); i++)
		small[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 2000 + i);
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(small); i++)
		life_assert_paid(life, &small[i]);
	life_assert_waits(life, &large, "funds");
	assert_int_equal(life_alarms(life, "withdrawal_waits"), 1);
	run_long(life, 2);
	life_assert_waits(life, &large, "funds");
	life_fund(life, life->catalogue.wallets[1].address, u256_from_u64(6 * COIN));
	run_long(life, 1);
	life_assert_paid(life, &large);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* One receiver that reverts is among the payouts of a step: the others are paid with it or without.
 */
static void test_blocked_receiver_in_batch(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[6];
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "TUSD", 2050 + i);
	life_token_block(life, rows[2].intent.to, true);
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (i != 2)
			life_assert_paid(life, &rows[i]);
	}
	life_assert_stage(life, &rows[2], WITHDRAWAL_FAILED);
	life_assert_unpaid(life, &rows[2]);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* The token is there, the coin for its gas is not. */
static void test_gas_is_missing(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	wallets_fund(life, 0);
	life_mine(life, 1);
	row = life_accept(life, "TUSD", 2100);
	run_long(life, 2);
	life_assert_waits(life, &row, "funds");
	assert_false(life_view(life, row.intent.id).has_transfer);
	wallets_fund(life, COIN);
	run_long(life, 1);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* The coin goes after the nonce is taken: the slot is kept, and filled when the wallet is. */
static void test_funds_go_after_reservation(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 2200);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	life_sign(life);
	life_fault_clear(life);
	wallets_fund(life, 0);
	run_long(life, 2);
	life_assert_unpaid(life, &row);
	assert_true(life_alarms(life, "transfer_not_taken") > 0);
	wallets_fund(life, COIN);
	run_long(life, 2);
	life_assert_paid(life, &row);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Many payouts, and money for a few: nothing is promised twice. */
static void test_funds_for_some(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[12];
	wallets_fund(life, COIN);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "POL", COIN / 2 + i); /* with gas: one a wallet */
	for (int i = 0; i < 5; i++) { /* what is under way has not left the balance yet */
		life_wait(life, 1500);
		life_process(life);
		life_sign(life);
		assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 3);
	}
	run_long(life, 1);
	size_t paid = 0;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (life_view(life, rows[i].intent.id).withdrawal.stage == WITHDRAWAL_COMPLETED)
			paid++;
		else
			life_assert_waits(life, &rows[i], "funds");
	}
	assert_int_equal(paid, 3);
	life_assert_settled(life);
	wallets_fund(life, 7 * COIN);
	run_long(life, 2);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
}

/* A receiver that would refuse is known before a nonce is taken. */
static void test_receiver_refuses_at_estimate(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	rows[0] = life_accept(life, "POL", 2300);
	rows[1] = life_accept(life, "TUSD", 2301);
	life_refuse(life, rows[0].intent.to, true);
	life_token_block(life, rows[1].intent.to, true);
	life_run(life, 4);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct store_view view = life_view(life, rows[i].intent.id);
		life_assert_stage(life, &rows[i], WITHDRAWAL_FAILED);
		assert_string_equal(view.withdrawal.failure_code, "receiver_refuses");
		assert_false(view.has_transfer);
	}
	life_assert_alive(life);
	life_assert_settled(life);
}

/* Sent while the receiver takes it, mined while it does not. */
static void send_and_refuse(struct life *life, const struct withdrawal *row)
{
	life_process(life);
	life_sign(life);
	assert_int_equal(life_view(life, row->intent.id).transfer.stage, TRANSFER_BROADCAST);
	if (row->intent.is_native)
		life_refuse(life, row->intent.to, true);
	else /* mines, in the order of fees: the owner's transaction may come later */
		life_token_pause(life, true);
	life_mine(life, 1);
	life_watch(life);
	if (row->intent.is_native)
		life_refuse(life, row->intent.to, false);
}

/* First the payout goes round again, alone; the second time it is the receiver's doing. */
static void test_receiver_reverts(void **state)
{
	struct life *life = *state;
	struct withdrawal once = life_accept(life, "POL", 2400);
	send_and_refuse(life, &once);
	run_long(life, 2);
	life_assert_paid(life, &once);
	assert_int_equal(life_view(life, once.intent.id).withdrawal.round, 1);

	struct withdrawal twice = life_accept(life, "POL", 2401);
	send_and_refuse(life, &twice);
	life_mine(life, 7);
	life_wait(life, 2000);
	life_watch(life);
	life_sign(life); /* requeued, and out again */
	assert_int_equal(life_view(life, twice.intent.id).withdrawal.round, 1);
	life_wait(life, 16000);
	life_sign(life);
	send_and_refuse(life, &twice);
	run_long(life, 2);
	life_assert_stage(life, &twice, WITHDRAWAL_FAILED);
	life_assert_unpaid(life, &twice);
	assert_string_equal(life_view(life, twice.intent.id).withdrawal.failure_code,
			    "receiver_refuses");
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* A wallet's own token transactions stand still while the owner pauses the token. */
static void pause_before_mined(struct life *life, const struct withdrawal *row)
{
	struct store_view view = life_view(life, row->intent.id);
	struct attempt attempts[ATTEMPTS_MAX];
	struct chain_send answer;
	struct err err = { 0 };
	size_t n = 0;
	assert_int_equal(view.transfer.stage, TRANSFER_BROADCAST);
	assert_true(store_attempts_load(life->store, view.transfer.id, attempts, ATTEMPTS_MAX, &n,
					&err));
	life_drop_pool(life);
	life_token_pause(life, true);
	struct str raw = str_from_bytes(attempts[n - 1].raw, attempts[n - 1].raw_len);
	chain_send_many(life->chain, &raw, 1, &answer);
	assert_int_equal(answer.state, CHAIN_SEND_ACCEPTED);
	life_mine(life, 1);
	life_wait(life, 1000);
	life_watch(life);
	assert_int_equal(life_view(life, row->intent.id).transfer.stage, TRANSFER_MINED);
}

/* A paused token reverts everything: nobody is refused, the payout waits, and is paid afterwards.
 */
static void test_token_paused(void **state)
{
	struct life *life = *state;
	struct withdrawal queued, flown;
	flown = life_accept(life, "TUSD", 2500);
	life_process(life);
	life_sign(life);
	pause_before_mined(life, &flown);
	queued = life_accept(life, "TUSD", 2501);
	run_long(life, 3);
	life_assert_waits(life, &queued, "asset_reverts");
	life_assert_waits(life, &flown, "asset_reverts"); /* before a nonce, in its second round */
	life_token_pause(life, false);
	run_long(life, 2);
	life_assert_paid(life, &queued);
	life_assert_paid(life, &flown);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Paused twice, each time while it was under way: still not the receiver's doing. */
static void test_token_paused_twice(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 2600);
	life_process(life);
	life_sign(life);
	pause_before_mined(life, &row);
	life_token_pause(life, false);
	for (int i = 0; i < 4 && life_view(life, row.intent.id).withdrawal.round == 0; i++) {
		life_mine(life, 4);
		life_wait(life, 16000);
		life_watch(life);
		life_process(life);
		life_sign(life);
	}
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	life_process(life);
	life_sign(life);
	pause_before_mined(life, &row);
	run_long(life, 2); /* while it is paused nobody is to blame */
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_assert_waits(life, &row, "asset_reverts");
	life_token_pause(life, false);
	run_long(life, 3);
	life_assert_paid(life, &row);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* A receiver that the token blocks, found out on the chain twice. */
static void test_token_blocks_receiver(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 2700);
	life_process(life);
	life_sign(life);
	life_drop_pool(life);
	life_token_block(life, row.intent.to, true);
	life_wait(life, 3000);
	life_watch(life);
	life_sign(life);
	life_mine(life, 1);
	run_long(life, 3);
	life_assert_stage(life, &row, WITHDRAWAL_FAILED);
	life_assert_unpaid(life, &row);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.failure_code,
			    "receiver_refuses");
	life_assert_alive(life);
	life_assert_settled(life);
}

/* Status 1 is not the payment. */
static void behaviour_run(struct life *life, enum token_behaviour behaviour, bool paid,
			  uint64_t received)
{
	life_token_behave(life, behaviour);
	struct withdrawal row = life_accept(life, "TUSD", 10000);
	life_run(life, 6);
	life_token_behave(life, TOKEN_GOOD);
	run_long(life, 1);
	assert_true(u256_equal(life_balance(life, "TUSD", row.intent.to), u256_from_u64(received)));
	if (paid) {
		life_assert_paid(life, &row);
		life_assert_quiet(life);
	} else {
		struct store_view view = life_view(life, row.intent.id);
		assert_int_equal(view.withdrawal.stage, WITHDRAWAL_ASSIGNED);
		assert_string_equal(view.withdrawal.held_reason, "success_without_proof");
		assert_int_equal(view.transfer.outcome, OUTCOME_UNPROVEN);
		assert_int_equal(life_alarms(life, "transfer_unproven"), 1);
	}
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 1);
	life_assert_alive(life);
}

static void test_token_returns_nothing(void **state)
{
	behaviour_run(*state, TOKEN_NO_RETURN, true, 10000);
}

static void test_status_one_without_transfer_log(void **state)
{
	behaviour_run(*state, TOKEN_SILENT_FALSE, false, 0);
}

static void test_token_moves_without_log(void **state)
{
	behaviour_run(*state, TOKEN_NO_LOG, false, 10000);
}

static void test_wrong_token_log(void **state)
{
	behaviour_run(*state, TOKEN_WRONG_AMOUNT_LOG, false, 10000);
}

static void test_wrong_receiver_log(void **state)
{
	behaviour_run(*state, TOKEN_WRONG_RECEIVER_LOG, false, 10000);
}

static void test_two_logs(void **state)
{
	behaviour_run(*state, TOKEN_TWO_LOGS, false, 10000);
}

static void test_fee_on_transfer(void **state)
{
	behaviour_run(*state, TOKEN_FEE, false, 9900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_one_oversize_payment),
		LIFE_TEST(test_blocked_receiver_in_batch),
		LIFE_TEST(test_gas_is_missing),
		LIFE_TEST(test_funds_go_after_reservation),
		LIFE_TEST(test_funds_for_some),
		LIFE_TEST(test_receiver_refuses_at_estimate),
		LIFE_TEST(test_receiver_reverts),
		LIFE_TEST(test_token_paused),
		LIFE_TEST(test_token_paused_twice),
		LIFE_TEST(test_token_blocks_receiver),
		LIFE_TEST(test_token_returns_nothing),
		LIFE_TEST(test_status_one_without_transfer_log),
		LIFE_TEST(test_token_moves_without_log),
		LIFE_TEST(test_wrong_token_log),
		LIFE_TEST(test_wrong_receiver_log),
		LIFE_TEST(test_two_logs),
		LIFE_TEST(test_fee_on_transfer),
	};
	return LIFE_MAIN(tests);
}
