/* The exits for people: a stranger's transaction on a nonce of ours, a row that was edited and set
 * right again, and a final payment that the chain took back. Two people decide, the signer compares
 * it with the chain, and nobody is ever paid twice. */
#include "life_fault.h"
#include "life_world.h"

#define UNITS 1234

/* A payment that was signed and never got out. */
static struct transfer lost_send(struct life *life, const char *symbol, struct withdrawal *ret_row)
{
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_send_many", 1);
	*ret_row = life_accept(life, symbol, UNITS);
	life_process(life);
	life_sign(life);
	life_fault_clear(life);
	return life_view(life, ret_row->intent.id).transfer;
}

static void watch_deep(struct life *life)
{
	for (int i = 0; i < 6; i++) {
		life_wait(life, 3000);
		life_run(life, 2);
	}
}

/* Held, its slot final by a stranger's transaction to `to`. */
static struct transfer foreign_slot(struct life *life, const char *symbol, struct address *to,
				    struct withdrawal *ret_row)
{
	struct transfer slot;
	if (life->fault == NULL)
		life_fault_install(life);
	slot = lost_send(life, symbol, ret_row);
	life_foreign_pay(life, slot.wallet, to == NULL ? ret_row->intent.to : *to, UNITS);
	watch_deep(life);
	slot = life_view(life, ret_row->intent.id).transfer;
	assert_int_equal(slot.stage, TRANSFER_FINAL);
	assert_int_equal(slot.outcome, OUTCOME_FOREIGN);
	return slot;
}

static void both_decide(struct life *life, const struct withdrawal *row,
			const struct hash32 *paid_by)
{
	life_decide(life, row, "ann", paid_by);
	life_decide(life, row, "ben", paid_by);
}

static void resolve_run(struct life *life)
{
	for (int i = 0; i < 4; i++) {
		life_wait(life, 1000);
		life_run(life, 2);
	}
}

static void assert_refused(struct life *life, const struct withdrawal *row, const char *reason)
{
	struct store_view view = life_view(life, row->intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_ASSIGNED);
	assert_string_equal(view.withdrawal.wait_reason, reason);
	assert_true(view.withdrawal.held_reason[0] != 0);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM decisions WHERE answer = ''", NULL), 0);
}

/* It paid somebody else: once more, from another wallet, once. */
static void elsewhere_run(struct life *life, const char *symbol)
{
	struct address nobody = life_fresh_address(life);
	struct withdrawal row;
	(void)foreign_slot(life, symbol, &nobody, &row);
	life_decide(life, &row, "ann", NULL);
	life_decide(life, &row, "ann", NULL); /* one person twice is one */
	resolve_run(life);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 0);
	life_decide(life, &row, "ben", NULL);
	resolve_run(life);
	watch_deep(life);
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	life_assert_settled(life);
}

static void test_foreign_paid_elsewhere(void **state)
{
	elsewhere_run(*state, "POL");
}

static void test_foreign_paid_elsewhere_token(void **state)
{
	elsewhere_run(*state, "TUSD");
}

/* The same, and the client does not want it any more. */
static void test_foreign_and_canceled(void **state)
{
	struct life *life = *state;
	struct address nobody = life_fresh_address(life);
	struct withdrawal row;
	(void)foreign_slot(life, "POL", &nobody, &row);
	life_sql(life, "UPDATE withdrawals SET cancel_requested = 1");
	both_decide(life, &row, NULL);
	resolve_run(life);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, &row);
}

/* It paid the very same receiver and amount: never again, and completed by its hash. */
static void test_foreign_paid_the_same(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	struct hash32 other = { { 7 } };
	struct transfer slot = foreign_slot(life, "POL", NULL, &row);
	both_decide(life, &row, NULL);
	resolve_run(life);
	assert_refused(life, &row, "resolve_was_paid");
	both_decide(life, &row, &other);
	resolve_run(life);
	assert_refused(life, &row, "resolve_tx_not_found");
	both_decide(life, &row, &slot.mined_hash);
	resolve_run(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	assert_true(u256_equal(life_balance(life, "POL", row.intent.to), u256_from_u64(UNITS)));
}

/* A transaction pays one withdrawal. */
static void test_one_hash_pays_once(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	struct transfer paid = foreign_slot(life, "POL", NULL, &rows[0]);
	both_decide(life, &rows[0], &paid.mined_hash);
	resolve_run(life);
	life_assert_stage(life, &rows[0], WITHDRAWAL_COMPLETED);
	/* Another one of the same wallet, receiver and amount, whose slot a stranger took. */
	life_sql(life, "UPDATE wallets SET stop_reason = CASE id WHEN %lld THEN '' ELSE 'test' END",
		 (long long)paid.wallet_id);
	struct address nobody = life_fresh_address(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_send_many", 1);
	rows[1] = life_accept_to(life, "POL", UNITS, rows[0].intent.to);
	life_process(life);
	life_sign(life);
	life_fault_clear(life);
	struct transfer slot = life_view(life, rows[1].intent.id).transfer;
	assert_int_equal(slot.wallet_id, paid.wallet_id);
	life_foreign_pay(life, slot.wallet, nobody, 1);
	watch_deep(life);
	both_decide(life, &rows[1], &paid.mined_hash);
	resolve_run(life);
	assert_refused(life, &rows[1], "resolve_tx_of_another");
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	both_decide(life, &rows[1], NULL);
	resolve_run(life);
	watch_deep(life);
	life_assert_stage(life, &rows[1], WITHDRAWAL_COMPLETED);
	assert_true(
		u256_equal(life_balance(life, "POL", rows[0].intent.to), u256_from_u64(2 * UNITS)));
}

/* What the wallet's key sent before it entered, to the same receiver and of the same amount, is in
 * no journal, and pays nothing that was asked for hours later. */
static void test_older_payment_is_named(void **state)
{
	struct life *life = *state;
	struct address receiver = life_fresh_address(life);
	struct address nobody = life_fresh_address(life);
	struct address wallet = life->catalogue.wallets[2].address;
	struct hash32 old = life_foreign_pay(life, wallet, receiver, UNITS);
	life_mine(life, 12);
	life_sql(life, "UPDATE wallets SET entered = 0 WHERE id = 3");
	life_restart(life, LIFE_SIGNER);
	for (int i = 0; i < 3; i++) {
		life_wait(life, 1000);
		life_sign(life);
	}
	life_sql(life, "UPDATE wallets SET stop_reason = CASE id WHEN 3 THEN '' ELSE 'test' END");
	life_wait(life, 3 * 3600 * 1000);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_send_many", 1);
	struct withdrawal row = life_accept_to(life, "POL", UNITS, receiver);
	life_process(life);
	life_sign(life);
	life_fault_clear(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.wallet_id, 3);
	life_foreign_pay(life, wallet, nobody, 1);
	watch_deep(life);
	both_decide(life, &row, &old);
	resolve_run(life);
	assert_refused(life, &row, "resolve_tx_is_older");
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	both_decide(life, &row, NULL);
	resolve_run(life);
	watch_deep(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	assert_true(u256_equal(life_balance(life, "POL", receiver), u256_from_u64(2 * UNITS)));
}

/* People are quicker than the chain: the signer sees that it is deep before the monitor has made it
 * final. */
static void early_run(struct life *life, bool same)
{
	struct withdrawal row;
	struct address nobody = life_fresh_address(life);
	life_fault_install(life);
	struct transfer slot = lost_send(life, "POL", &row);
	life_foreign_pay(life, slot.wallet, same ? row.intent.to : nobody, UNITS);
	for (int i = 0; i < 20 && slot.stage != TRANSFER_MINED; i++) {
		life_run(life, 1);
		slot = life_view(life, row.intent.id).transfer;
	}
	assert_int_equal(slot.stage, TRANSFER_MINED);
	assert_int_equal(slot.outcome, OUTCOME_FOREIGN);
	both_decide(life, &row, same ? &slot.mined_hash : NULL);
	life_wait(life, 1000);
	life_sign(life);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM decisions WHERE answer = ''", NULL), 2);
	life_mine(life, 12);
	life_wait(life, 3000);
	life_sign(life);
	resolve_run(life);
	watch_deep(life);
	watch_deep(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	assert_true(u256_equal(life_balance(life, "POL", row.intent.to), u256_from_u64(UNITS)));
}

static void test_decided_before_final(void **state)
{
	early_run(*state, true);
}

static void test_decided_unpaid_before_final(void **state)
{
	early_run(*state, false);
}

/* A hold that stood there first goes, and the doubt of the nonce is still there. */
static void test_redriven_onto_a_stranger(void **state)
{
	struct life *life = *state;
	struct address nobody = life_fresh_address(life);
	struct withdrawal row;
	life_fault_install(life);
	struct transfer slot = lost_send(life, "POL", &row);
	life_sql(life, "UPDATE withdrawals SET held_reason = 'dead_letter'");
	life_foreign_pay(life, slot.wallet, nobody, UNITS);
	watch_deep(life);
	life_sql(life, "UPDATE withdrawals SET held_reason = '', due_at = 1");
	life_wait(life, 61000);
	watch_deep(life);
	life_assert_held(life, &row, "nonce_consumed_elsewhere");
	both_decide(life, &row, NULL);
	resolve_run(life);
	watch_deep(life);
	life_assert_paid(life, &row);
}

/* Who writes the store decides nothing, and a decision is about the case as it stood. */
static void test_forged_and_replayed(void **state)
{
	struct life *life = *state;
	struct address nobody = life_fresh_address(life);
	struct withdrawal row;
	(void)foreign_slot(life, "POL", &nobody, &row);
	life_decide(life, &row, "ann", NULL);
	life_key_set(life, "ben", false);
	life_sql(life, "INSERT INTO decisions SELECT withdrawal_id, transfer_id, version, shown, "
		       "'ben', 'key-ben', verdict, tx_hash, decided_at, '', mac_key_id, mac "
		       "FROM decisions");
	resolve_run(life);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	assert_int_equal(life_alarms(life, "decision_mac_invalid"), 1);
	life_sql(life, "DELETE FROM decisions WHERE person = 'ben'");
	struct hash32 wrong = { { 7 } };
	life_decide(life, &row, "ann", &wrong);
	life_decide(life, &row, "ben", &wrong);
	resolve_run(life);
	assert_refused(life, &row, "resolve_tx_not_found");
	/* The refusal was about another version: opened again, they say nothing. */
	life_sql(life, "UPDATE decisions SET answer = ''");
	resolve_run(life);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM events WHERE type = "
				     "'resolve_refused'",
				     NULL),
			 1);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_assert_unpaid(life, &row);
}

/* "Not paid", said of a hold that was harmless, says nothing of what happened since: who writes the
 * store sets the version back, and opens the decisions again. */
static void test_decisions_of_another_hold(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	life_fault_install(life);
	life_token_behave(life, TOKEN_NO_LOG);
	(void)lost_send(life, "TUSD", &row);
	life_sql(life, "UPDATE withdrawals SET held_reason = 'intent_mac_invalid', "
		       "version = version + 1");
	int64_t version = life_number(life, "SELECT version FROM withdrawals", NULL);
	both_decide(life, &row, NULL);
	life_wait(life, 1000);
	life_sign(life);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.held_reason, "");
	for (int i = 0; i < 4; i++) {
		life_wait(life, 20000);
		life_run(life, 2);
	}
	watch_deep(life);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.held_reason,
			    "success_without_proof");
	life_token_behave(life, TOKEN_GOOD);
	life_sql(life, "UPDATE decisions SET answer = ''");
	life_sql(life, "UPDATE withdrawals SET version = %lld", (long long)version);
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_balances", 0);
	life_wait(life, 1000);
	life_sign(life);
	life_fault_clear(life);
	watch_deep(life);
	watch_deep(life);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.held_reason,
			    "success_without_proof");
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 0);
	assert_true(u256_equal(life_balance(life, "TUSD", row.intent.to), u256_from_u64(UNITS)));
}

/* An edited row that is right again goes on; one that is not is never paid, whoever says so. */
static void test_row_set_right(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", UNITS);
	struct address wrong = life_fresh_address(life);
	life_process(life);
	life_sql(life, "UPDATE withdrawals SET receiver = %s", life_blob(wrong.bytes, 20));
	life_run(life, 2);
	life_assert_held(life, &row, "intent_mac_invalid");
	both_decide(life, &row, NULL);
	resolve_run(life);
	struct store_view view = life_view(life, row.intent.id);
	assert_string_equal(view.withdrawal.wait_reason, "resolve_still_in_doubt");
	assert_true(u256_is_zero(life_balance(life, "POL", wrong)));
	life_sql(life, "UPDATE withdrawals SET receiver = %s", life_blob(row.intent.to.bytes, 20));
	both_decide(life, &row, NULL);
	resolve_run(life);
	watch_deep(life);
	life_assert_paid(life, &row);
	assert_true(u256_is_zero(life_balance(life, "POL", wrong)));
}

/* T9: the same bytes go out again; the client is told, and its status stays. */
static void test_taken_back(void **state)
{
	struct life *life = *state;
	char params[40];
	unsigned long long number = 0;
	const char *result = strstr(life_rpc(life, "evm_snapshot", "[]"), "\"result\":\"0x");
	assert_int_equal(sscanf(result, "\"result\":\"0x%llx", &number), 1);
	snprintf(params, sizeof params, "[\"0x%llx\"]", number);
	struct withdrawal row = life_accept(life, "POL", UNITS);
	life_run(life, 6);
	life_assert_paid(life, &row);
	struct hash32 hash = life_view(life, row.intent.id).tx_hash;
	assert_non_null(strstr(life_rpc(life, "evm_revert", params), "true"));
	life_drop_pool(life);
	life_base_fee(life, UINT64_C(1100000000));
	life_mine(life, 1);
	life_run(life, 12);
	assert_int_equal(life_alarms(life, "transfer_taken_back"), 1);
	assert_string_equal(life_view(life, row.intent.id).transfer.held_reason,
			    "final_taken_back");
	life_assert_unpaid(life, &row);
	life_decide(life, &row, "ann", NULL);
	resolve_run(life);
	life_assert_unpaid(life, &row);
	life_decide(life, &row, "ben", NULL);
	resolve_run(life);
	watch_deep(life);
	life_assert_paid(life, &row);
	struct store_view view = life_view(life, row.intent.id);
	assert_true(hash32_equal(view.tx_hash, hash));
	assert_int_equal(view.attempts, 1);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM events WHERE type = "
				     "'finality_lost'",
				     NULL),
			 1);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_assert_alive(life);
}

/* People said that a transaction of a later nonce paid it; the chain takes both back. Our bytes
 * stay where they are: the other transaction may be mined again. */
static void test_taken_back_after_paid_elsewhere(void **state)
{
	struct life *life = *state;
	char params[40];
	unsigned long long number = 0;
	struct withdrawal row;
	struct hash32 paid;
	life_fault_install(life);
	struct transfer slot = lost_send(life, "POL", &row);
	const char *result = strstr(life_rpc(life, "evm_snapshot", "[]"), "\"result\":\"0x");
	assert_int_equal(sscanf(result, "\"result\":\"0x%llx", &number), 1);
	snprintf(params, sizeof params, "[\"0x%llx\"]", number);
	life_foreign_pay(life, slot.wallet, life_fresh_address(life), 1);
	paid = life_foreign_pay(life, slot.wallet, row.intent.to, UNITS);
	watch_deep(life);
	both_decide(life, &row, &paid);
	resolve_run(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	assert_non_null(strstr(life_rpc(life, "evm_revert", params), "true"));
	life_drop_pool(life);
	life_base_fee(life, UINT64_C(1100000000));
	life_mine(life, 1);
	life_run(life, 12);
	assert_int_equal(life_alarms(life, "transfer_taken_back"), 1);
	both_decide(life, &row, NULL);
	resolve_run(life);
	watch_deep(life);
	life_assert_unpaid(life, &row);
}

/* Whatever breaks on the way, the end is the same: paid once more, or completed by that hash. */
static void crash_run(struct life *life, const char *call, enum life_fault_mode mode, bool same)
{
	struct address nobody = life_fresh_address(life);
	struct withdrawal row;
	struct transfer slot = foreign_slot(life, "POL", same ? NULL : &nobody, &row);
	both_decide(life, &row, same ? &slot.mined_hash : NULL);
	life_fault_at(life, mode, call, 1);
	life_wait(life, 1000);
	life_sign(life);
	if (strcmp(life_fault_hit(life), call) != 0)
		fail_msg("%s was not called", call);
	life_fault_clear(life);
	life_wait(life, 61000); /* what a dead owner had claimed */
	resolve_run(life);
	watch_deep(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	assert_true(u256_equal(life_balance(life, "POL", row.intent.to), u256_from_u64(UNITS)));
	/* For the next one: its wallet pays again. */
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
}

static void crash_all(struct life *life, enum life_fault_mode mode)
{
	static const char *const calls[] = { "store_decisions_load", "store_transfer_load",
					     "journal_rights_of",    "chain_receipts",
					     "chain_blocks",         "chain_find",
					     "journal_slot_of",      "journal_append_many",
					     "store_case_resolve" };
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		crash_run(life, calls[i], mode, i % 2 == 0);
	life_assert_settled(life);
}

static void test_resolving_fails(void **state)
{
	crash_all(*state, LIFE_FAULT_FAIL);
}

static void test_resolving_loses_answers(void **state)
{
	crash_all(*state, LIFE_FAULT_LOSE);
}

static void test_resolving_dies(void **state)
{
	crash_all(*state, LIFE_FAULT_KILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_foreign_paid_elsewhere),
		LIFE_TEST(test_foreign_paid_elsewhere_token),
		LIFE_TEST(test_foreign_and_canceled),
		LIFE_TEST(test_foreign_paid_the_same),
		LIFE_TEST(test_one_hash_pays_once),
		LIFE_TEST(test_older_payment_is_named),
		LIFE_TEST(test_decided_before_final),
		LIFE_TEST(test_decided_unpaid_before_final),
		LIFE_TEST(test_redriven_onto_a_stranger),
		LIFE_TEST(test_forged_and_replayed),
		LIFE_TEST(test_decisions_of_another_hold),
		LIFE_TEST(test_row_set_right),
		LIFE_TEST(test_taken_back),
		LIFE_TEST(test_taken_back_after_paid_elsewhere),
		LIFE_TEST(test_resolving_fails),
		LIFE_TEST(test_resolving_loses_answers),
		LIFE_TEST(test_resolving_dies),
	};
	return LIFE_MAIN(tests);
}
