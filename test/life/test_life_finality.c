/* What was final goes away all the same: the node goes back, or another chain takes its place. */
#include "life_fault.h"
#include "life_node.h"
#include "life_world.h"

struct past {
	char params[40];
};

static struct past remember(struct life *life)
{
	struct past past;
	unsigned long long number = 0;
	const char *result = strstr(life_rpc(life, "evm_snapshot", "[]"), "\"result\":\"0x");
	assert_non_null(result);
	assert_int_equal(sscanf(result, "\"result\":\"0x%llx", &number), 1);
	snprintf(past.params, sizeof past.params, "[\"0x%llx\"]", number);
	return past;
}

/* The chain is as it was, without notice, and goes on differently. */
static void go_back(struct life *life, const struct past *past)
{
	assert_non_null(strstr(life_rpc(life, "evm_revert", past->params), "true"));
	life_drop_pool(life);
	life_base_fee(life, UINT64_C(1100000000));
	life_mine(life, 1);
}

static int64_t mark_of(struct life *life)
{
	return life_number(life, "SELECT finalized_mark FROM chains", NULL);
}

/* Before the payment was final: it is in flight again, and paid once on the new chain. */
static void test_finalized_goes_backwards(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	life_mine(life, 8);
	life_run(life, 1);
	struct past past = remember(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 7000 + i);
	life_run(life, 1);
	assert_int_equal(life_view(life, rows[0].intent.id).transfer.stage, TRANSFER_MINED);
	life_mine(life, 1); /* so that the other chain is the shorter one */
	life_watch(life);
	int64_t mark = mark_of(life);
	go_back(life, &past);
	life_watch(life);
	assert_int_equal(mark_of(life), mark); /* it only rises */
	for (int i = 0; i < 3; i++) {
		life_wait(life, 3000);
		life_run(life, 4);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	assert_true(mark_of(life) >= mark);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* A block goes away, and the one in its place has another payment: the first one is looked for
 * again, though the height is known by its new block. */
static void test_two_payments_of_one_height(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2]; /* in two wallets */
	char params[80];
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "POL", 7050 + i);
	life_process(life);
	life_sign(life);
	struct hash32 hash = life_view(life, rows[1].intent.id).tx_hash;
	snprintf(params, sizeof params, "[\"%s\"]", life_hex(hash.bytes, 32));
	assert_non_null(strstr(life_rpc(life, "anvil_dropTransaction", params), "0x"));
	struct past past = remember(life);
	life_mine(life, 1);
	life_watch(life);
	assert_int_equal(life_view(life, rows[0].intent.id).transfer.stage, TRANSFER_MINED);
	life_wait(life, 3000);
	life_watch(life);
	assert_non_null(strstr(life_rpc(life, "evm_revert", past.params), "true"));
	life_drop_pool(life);
	life_base_fee(life, UINT64_C(1100000000));
	life_sign(life);
	life_mine(life, 1);
	life_watch(life);
	assert_int_equal(life_view(life, rows[1].intent.id).transfer.stage, TRANSFER_MINED);
	assert_int_equal(life_view(life, rows[0].intent.id).transfer.stage, TRANSFER_BROADCAST);
	life_wait(life, 3000);
	life_run(life, 7);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	life_assert_settled(life);
}

/* After it: nobody says so silently, nobody pays again, and a person is called (T9). */
static void completed_run(struct life *life, bool restart)
{
	struct past past = remember(life);
	struct withdrawal row = life_accept(life, "POL", 7100);
	life_run(life, 6);
	life_assert_paid(life, &row);
	if (restart)
		life_restart(life, LIFE_MONITOR);
	go_back(life, &past);
	life_run(life, 12);
	assert_int_equal(life_alarms(life, "final_taken_back"), 1);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM wallets WHERE stop_reason = ''", NULL), 0);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	life_assert_unpaid(life, &row); /* on this chain */
	struct withdrawal later = life_accept(life, "POL", 7101);
	life_run(life, 6);
	assert_false(life_view(life, later.intent.id).has_transfer);
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 1);
}

static void test_completed_then_reorged(void **state)
{
	completed_run(*state, false);
}

/* Each monitor dies before it has seen enough of it; meanwhile something else becomes ripe on the
 * new chain. It must not stand in the place of what was final. */
static void test_completed_then_reorged_by_turns(void **state)
{
	struct life *life = *state;
	struct past past = remember(life);
	struct withdrawal row = life_accept(life, "POL", 7110);
	life_run(life, 6);
	life_assert_paid(life, &row);
	struct withdrawal other = life_accept(life, "TUSD", 7111);
	go_back(life, &past);
	for (int i = 0; i < 12; i++) {
		life_restart(life, LIFE_MONITOR);
		life_run(life, 1);
	}
	assert_int_equal(life_alarms(life, "final_taken_back"), 0);
	life_assert_stage(life, &other, WITHDRAWAL_ASSIGNED);
	life_run(life, 4);
	assert_int_equal(life_alarms(life, "final_taken_back"), 1);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM wallets WHERE stop_reason = ''", NULL), 0);
}

/* The monitor was not there when it happened. */
static void test_completed_then_reorged_unseen(void **state)
{
	completed_run(*state, true);
}

/* A revert that is not deep is no verdict: the block goes away, and the same bytes pay. */
static void test_failed_at_zero_confirmations(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 7300);
	life_mine(life, 8);
	life_process(life);
	life_sign(life);
	life_refuse(life, row.intent.to, true);
	life_mine(life, 1);
	life_refuse(life, row.intent.to, false);
	life_mine(life, 2); /* deep enough for a payment */
	for (int i = 0; i < 3; i++) {
		life_wait(life, 16000);
		life_watch(life);
		life_process(life);
		life_sign(life);
		struct store_view view = life_view(life, row.intent.id);
		assert_int_equal(view.withdrawal.stage, WITHDRAWAL_ASSIGNED);
		assert_int_equal(view.transfer.stage, TRANSFER_MINED);
		assert_int_equal(view.withdrawal.round, 0);
	}
	life_reorg(life, 3);
	life_refuse(life, row.intent.to, false); /* the state went back with the block */
	for (int i = 0; i < 2; i++) {
		life_watch(life);
		life_wait(life, 3000);
		life_watch(life);
		life_sign(life);
		life_run(life, 4);
	}
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 0);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* Final for a payment is not yet final for a revert, in the rows of the store either. */
static void test_outcome_edited_before_it_is_deep(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 7400);
	life_process(life);
	life_sign(life);
	life_refuse(life, row.intent.to, true);
	life_mine(life, 1);
	life_refuse(life, row.intent.to, false);
	life_wait(life, 1000);
	life_watch(life);
	life_sql(life, "UPDATE transfers SET stage = 5, outcome = 2; "
		       "UPDATE withdrawals SET due_at = 1");
	life_wait(life, 1000);
	life_process(life);
	life_sign(life);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_assert_waits(life, &row, "not_proven_unpaid");
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 1);
}

/* The nonce is consumed, and the node that is asked for the receipt has none. Somebody concluded
 * that the payment is lost, and wrote so; the signer pays again only what the chain proves unpaid.
 */
static void test_missing_receipt_resend(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 7500);
	life_fault_install(life);
	life_process(life);
	life_sign(life);
	life_mine(life, 10);
	life_sql(life, "UPDATE transfers SET stage = 5, outcome = 3; "
		       "UPDATE withdrawals SET due_at = 1");
	life_fault_at(life, LIFE_FAULT_LOSE, "chain_receipts", 0);
	for (int i = 0; i < 3; i++) {
		life_process(life);
		life_sign(life);
		life_mine(life, 1);
		life_wait(life, 16000);
	}
	assert_true(u256_equal(life_balance(life, "TUSD", row.intent.to), u256_from_u64(7500)));
	life_assert_waits(life, &row, "not_proven_unpaid");
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 1);
}

/* One of two nodes says that it is gone, and the other one does not answer: wallets stop by that
 * word, and no slot is people's. */
static void test_one_node_takes_it_back(void **state)
{
	struct life *life = *state;
	struct life_node nodes[2] = { life_node_make(life), life_node_make(life) };
	struct chain *gate = life_gate_make(life, nodes, 2);
	struct past past = remember(life);
	struct withdrawal row = life_accept(life, "POL", 7250);
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_chain_give(life, LIFE_MONITOR, gate);
	go_back(life, &past);
	nodes[1].blocks_away = true;
	life_run(life, 12);
	assert_int_equal(life_alarms(life, "final_taken_back"), 1);
	assert_string_equal(life_view(life, row.intent.id).transfer.held_reason, "");
	nodes[1].blocks_away = false;
	life_run(life, 12);
	assert_string_equal(life_view(life, row.intent.id).transfer.held_reason,
			    "final_taken_back");
	life_restart(life, LIFE_MONITOR);
	chain_close(gate);
}

/* A node that lags behind what is final has said nothing about it. */
static void test_node_lags_behind_final(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 7200);
	struct past past = remember(life);
	life_run(life, 6);
	life_assert_paid(life, &row);
	/* The same blocks, fewer of them. */
	assert_non_null(strstr(life_rpc(life, "evm_revert", past.params), "true"));
	for (int i = 0; i < 5; i++) {
		life_wait(life, 1000);
		life_watch(life);
	}
	assert_int_equal(life_alarms(life, "final_taken_back"), 0);
	life_assert_quiet(life);
}

/* The mark that was reached on another branch makes nothing final on this one. */
static void test_final_by_the_mark_of_another_branch(void **state)
{
	struct life *life = *state;
	life->catalogue.chains[0].depth_paid = 0;
	life_mine(life, 8);
	struct past past = remember(life);
	life_mine(life, 6);
	life_watch(life);
	int64_t mark = mark_of(life);
	go_back(life, &past);
	struct withdrawal row = life_accept(life, "POL", 7600);
	life_process(life);
	life_sign(life);
	life_mine(life, 1);
	life_watch(life);
	struct transfer slot = life_view(life, row.intent.id).transfer;
	assert_int_equal(slot.stage, TRANSFER_MINED);
	assert_true(slot.mined_block <= (uint64_t)mark);
	life_watch(life);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_run(life, 6);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_finalized_goes_backwards),
		LIFE_TEST(test_two_payments_of_one_height),
		LIFE_TEST(test_completed_then_reorged),
		LIFE_TEST(test_completed_then_reorged_unseen),
		LIFE_TEST(test_completed_then_reorged_by_turns),
		LIFE_TEST(test_failed_at_zero_confirmations),
		LIFE_TEST(test_outcome_edited_before_it_is_deep),
		LIFE_TEST(test_missing_receipt_resend),
		LIFE_TEST(test_one_node_takes_it_back),
		LIFE_TEST(test_node_lags_behind_final),
		LIFE_TEST(test_final_by_the_mark_of_another_branch),
	};
	return LIFE_MAIN(tests);
}
