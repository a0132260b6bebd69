/* Somebody who can write every table of the store makes slots of his own, to have the signer spend
 * rights, prove ends and skip nonces that are none. The journal and the chain say otherwise. */
#include "life_fault.h"
#include "life_world.h"

#define UNITS 10000

static void assert_received(struct life *life, const struct withdrawal *row, uint64_t units)
{
	uint64_t has = 0;
	assert_true(u256_to_u64(life_balance(life, row->intent.asset, row->intent.to), &has));
	assert_int_equal(has, units);
}

static void days_pass(struct life *life, int looks)
{
	for (int i = 0; i < looks; i++) {
		life_wait(life, 61000);
		life_run(life, 4);
	}
}

#define FORGED "x'00000000000000000000000000000077'"

/* A copy of the first slot that takes the next nonce of its wallet: a self-transfer that waits for
 * its first signature, but for what `set` says. */
static void slot_forge(struct life *life, const char *set)
{
	life_sql(life,
		 "CREATE TEMP TABLE forged AS SELECT * FROM transfers ORDER BY id LIMIT 1; "
		 "UPDATE forged SET id = " FORGED ", stage = 1, outcome = 0, is_cancel = 1, "
		 "nonce = (SELECT next_nonce FROM wallets WHERE id = forged.wallet_id), "
		 "destination = wallet, receiver = wallet, value = zeroblob(32), "
		 "amount = zeroblob(32), is_token = 0, attempts = 0, mined_hash = NULL, "
		 "mined_block = 0, mined_block_hash = NULL, sent_at = 0, version = 1; "
		 "UPDATE forged SET %s; INSERT INTO transfers SELECT * FROM forged; "
		 "UPDATE wallets SET next_nonce = next_nonce + 1 "
		 "WHERE id = (SELECT wallet_id FROM forged)",
		 set);
}

static void slot_give(struct life *life, const struct withdrawal *row, unsigned round)
{
	life_sql(life, "INSERT INTO transfer_items VALUES (" FORGED ", 0, %s, %u, 0)",
		 life_blob(row->intent.id.bytes, ID_BYTES), round);
}

/* ---- what was paid gets another round ---- */

static void round_in_between(struct life *life, const char *also)
{
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_run(life, 12);
	life_assert_paid(life, &row);
	slot_forge(life, "is_cancel = 1");
	slot_give(life, &row, 1);
	life_sql(life,
		 "UPDATE withdrawals SET stage = 4, round = 1, due_at = 1, "
		 "transfer_id = " FORGED "; %s",
		 also);
	days_pass(life, 8);
	assert_received(life, &row, UNITS);
	assert_string_not_equal(life_view(life, row.intent.id).withdrawal.held_reason, "");
}

static void test_outcome_of_an_earlier_round(void **state)
{
	round_in_between(*state, "UPDATE transfers SET outcome = 2 WHERE stage = 5");
}

static void test_earlier_round_without_its_item(void **state)
{
	round_in_between(*state, "DELETE FROM transfer_items WHERE round = 0");
}

static void test_earlier_round_without_its_slot(void **state)
{
	round_in_between(*state, "DELETE FROM transfer_items WHERE round = 0; "
				 "DELETE FROM transfers WHERE stage = 5");
}

/* ---- rights out of turn ---- */

static void people_say_unpaid(struct life *life, const struct withdrawal *row)
{
	life_decide(life, row, "ann", NULL);
	life_decide(life, row, "ben", NULL);
	days_pass(life, 4);
}

/* The fifth round's right is spent on a slot that the withdrawal knows nothing of. */
static void test_right_of_a_round_to_come(void **state)
{
	struct life *life = *state;
	struct withdrawal paid = life_accept(life, "POL", UNITS + 1);
	life_run(life, 12);
	life_assert_paid(life, &paid);
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_process(life);
	slot_forge(life, "is_cancel = 1");
	slot_give(life, &row, 5);
	life_sql(life, "DELETE FROM messages"); /* the signer is late for the row itself */
	life_sign(life);
	life_run(life, 8);
	/* All that was written is taken back. */
	life_sql(life, "DELETE FROM transfer_items WHERE round = 5; "
		       "UPDATE wallets SET stop_reason = ''");
	days_pass(life, 6);
	life_assert_paid(life, &row);
	assert_received(life, &row, UNITS);
}

/* The row is not believed when its slot is signed: a self-transfer, and no right is spent. It is
 * right again later, and people say that nothing was paid: it goes on with the next round. */
static void test_right_of_a_row_that_is_put_right(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "journal_append_many", 0);
	life_sign(life);
	life_fault_clear(life);
	life_sql(life, "UPDATE withdrawals SET expires_at = expires_at + 1");
	days_pass(life, 3);
	life_assert_held(life, &row, "approval_mac_invalid");
	life_sql(life, "UPDATE withdrawals SET expires_at = expires_at - 1");
	people_say_unpaid(life, &row);
	life_assert_paid(life, &row);
	assert_received(life, &row, UNITS);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	life_assert_alive(life);
	life_assert_settled(life);
}

/* ---- a nonce that nobody took ---- */

static void stranger_forge(struct life *life)
{
	struct withdrawal paid = life_accept(life, "POL", UNITS + 1);
	life_run(life, 12);
	life_assert_paid(life, &paid);
	slot_forge(life, "stage = 5, outcome = 4, mined_hash = randomblob(32)");
	life_sql(life, "UPDATE wallets SET stop_reason = 'test' "
		       "WHERE id <> (SELECT wallet_id FROM transfers WHERE id = " FORGED ")");
}

/* The row says that a stranger took the next nonce. No block has that transaction: the wallet stops
 * before anything is paid from above it. */
static void test_nonce_of_no_stranger(void **state)
{
	struct life *life = *state;
	stranger_forge(life);
	life_run(life, 4);
	struct withdrawal row = life_accept(life, "POL", UNITS);
	days_pass(life, 4);
	assert_received(life, &row, 0);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.stage, WITHDRAWAL_QUEUED);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM wallets WHERE stop_reason = "
				     "'nonces_not_dense'",
				     NULL),
			 1);
	/* The row is taken out again, and the wallet goes on. */
	life_sql(life, "UPDATE wallets SET next_nonce = next_nonce - 1 "
		       "WHERE stop_reason = 'nonces_not_dense'; "
		       "DELETE FROM transfers WHERE id = " FORGED "; "
		       "UPDATE wallets SET stop_reason = ''");
	days_pass(life, 4);
	life_assert_paid(life, &row);
}

/* No node can say whose the nonce is: that is no reason to call people, nor to pay above it. */
static void test_nonce_of_a_stranger_unheard_of(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	stranger_forge(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_receipts", 0);
	struct withdrawal row = life_accept(life, "POL", UNITS);
	for (int i = 0; i < 3; i++) {
		life_process(life);
		life_wait(life, 1000);
		life_sign(life);
	}
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 2);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM wallets WHERE stop_reason NOT IN "
				     "('', 'test')",
				     NULL),
			 0);
	life_fault_clear(life);
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.stage, WITHDRAWAL_QUEUED);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM wallets WHERE stop_reason = "
				     "'nonces_not_dense'",
				     NULL),
			 1);
}

/* A row at the nonce that its wallet would give next, which its counter does not tell of: that
 * wallet stops, and all others pay on. */
static void test_row_edited_at_the_next_nonce(void **state)
{
	struct life *life = *state;
	struct withdrawal paid = life_accept(life, "POL", UNITS + 1);
	life_run(life, 12);
	life_assert_paid(life, &paid);
	slot_forge(life, "stage = 5, outcome = 1, mined_hash = randomblob(32)");
	life_sql(life, "UPDATE wallets SET next_nonce = next_nonce - 1 "
		       "WHERE id = (SELECT wallet_id FROM transfers WHERE id = " FORGED ")");
	struct withdrawal rows[6];
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", UNITS);
	days_pass(life, 3);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	assert_int_equal(life_number(life,
				     "SELECT wallet_id = (SELECT id FROM wallets WHERE stop_reason "
				     "= 'nonces_not_dense') FROM transfers WHERE id = " FORGED,
				     NULL),
			 1);
	assert_true(life_alarms(life, "wallet_stopped") >= 1);
}

/* What is completed gets a later round, on the wallet's next nonce, which a stranger uses. That
 * this round was not paid is true, and two people say so; the one before was, and nothing ends by
 * their word. */
static void later_round_run(struct life *life, bool cancels)
{
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_run(life, 8);
	life_assert_paid(life, &row);
	life_foreign_send(life, life_view(life, row.intent.id).transfer.wallet,
			  life_fresh_address(life));
	slot_forge(life, "version = 1");
	slot_give(life, &row, 1);
	life_sql(life,
		 "UPDATE withdrawals SET stage = 4, round = 1, due_at = 1, "
		 "cancel_requested = %d, transfer_id = " FORGED,
		 cancels);
	days_pass(life, 4);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_decide(life, &row, "ann", NULL);
	life_decide(life, &row, "ben", NULL);
	days_pass(life, 4);
	struct withdrawal now = life_view(life, row.intent.id).withdrawal;
	assert_int_equal(now.stage, WITHDRAWAL_ASSIGNED);
	assert_string_equal(now.held_reason, "nonce_consumed_elsewhere");
	assert_received(life, &row, UNITS);
}

static void test_later_round_after_a_payment(void **state)
{
	later_round_run(*state, false);
}

static void test_later_round_after_a_payment_is_canceled(void **state)
{
	later_round_run(*state, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_outcome_of_an_earlier_round),
		LIFE_TEST(test_earlier_round_without_its_item),
		LIFE_TEST(test_earlier_round_without_its_slot),
		LIFE_TEST(test_right_of_a_round_to_come),
		LIFE_TEST(test_right_of_a_row_that_is_put_right),
		LIFE_TEST(test_nonce_of_no_stranger),
		LIFE_TEST(test_nonce_of_a_stranger_unheard_of),
		LIFE_TEST(test_row_edited_at_the_next_nonce),
		LIFE_TEST(test_later_round_after_a_payment),
		LIFE_TEST(test_later_round_after_a_payment_is_canceled),
	};
	return LIFE_MAIN(tests);
}
