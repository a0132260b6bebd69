/* More exits for people: what a token did that does not log it, what became of an earlier round,
 * and whose word counts. Two people decide, the signer asks chain and journal, and nobody is paid
 * twice.
 */
#include "life_fault.h"
#include "life_world.h"

#define UNITS 10000

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

static void watch_deep(struct life *life)
{
	for (int i = 0; i < 6; i++) {
		life_wait(life, 3000);
		life_run(life, 2);
	}
}

static void assert_refused(struct life *life, const struct withdrawal *row, const char *reason)
{
	struct store_view view = life_view(life, row->intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_ASSIGNED);
	assert_string_equal(view.withdrawal.wait_reason, reason);
	assert_true(view.withdrawal.held_reason[0] != 0);
}

/* ---- a token that does not log what it does ---- */

/* Sent while the token behaves so; held, and its slot is final as what proves nothing. */
static struct transfer odd_slot(struct life *life, enum token_behaviour behaviour,
				struct withdrawal *ret_row)
{
	life_token_behave(life, behaviour);
	*ret_row = life_accept(life, "TUSD", UNITS);
	life_run(life, 6);
	life_token_behave(life, TOKEN_GOOD);
	watch_deep(life);
	struct store_view view = life_view(life, ret_row->intent.id);
	assert_string_equal(view.withdrawal.held_reason, "success_without_proof");
	assert_int_equal(view.transfer.stage, TRANSFER_FINAL);
	assert_int_equal(view.transfer.outcome, OUTCOME_UNPROVEN);
	return view.transfer;
}

static void assert_received(struct life *life, const struct withdrawal *row, uint64_t units)
{
	assert_true(u256_equal(life_balance(life, "TUSD", row->intent.to), u256_from_u64(units)));
}

/* Nothing moved: people say so, and it is paid in its second round, once. */
static void test_silent_token_was_not_paid(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	(void)odd_slot(life, TOKEN_SILENT_FALSE, &row);
	life_decide(life, &row, "ann", NULL);
	resolve_run(life);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	assert_received(life, &row, 0);
	life_decide(life, &row, "ben", NULL);
	resolve_run(life);
	watch_deep(life);
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* The same, and nobody said that it was paid: balances tell that it was not. */
static void test_silent_token_is_not_said_to_be_paid(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	struct transfer slot = odd_slot(life, TOKEN_SILENT_FALSE, &row);
	both_decide(life, &row, &slot.mined_hash);
	resolve_run(life);
	assert_refused(life, &row, "resolve_tx_is_no_payment");
	assert_received(life, &row, 0);
}

/* Where nodes keep no states that old, two people's word and the missing log decide. */
static void test_silent_token_without_states(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	(void)odd_slot(life, TOKEN_SILENT_FALSE, &row);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_balances", 0);
	both_decide(life, &row, NULL);
	life_wait(life, 1000);
	life_sign(life);
	life_fault_clear(life);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	watch_deep(life);
	life_assert_paid(life, &row);
}

/* The money moved, and no log says so: never again, and completed by its own hash. */
static void test_moved_without_log_is_paid(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	struct hash32 other = { { 7 } };
	struct transfer slot = odd_slot(life, TOKEN_NO_LOG, &row);
	both_decide(life, &row, NULL);
	resolve_run(life);
	assert_refused(life, &row, "resolve_may_have_paid");
	both_decide(life, &row, &other);
	resolve_run(life);
	assert_refused(life, &row, "resolve_tx_not_found");
	both_decide(life, &row, &slot.mined_hash);
	resolve_run(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	watch_deep(life);
	assert_received(life, &row, UNITS);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 0);
	life_assert_alive(life);
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* A log that names the receiver, wrong as it is, excludes that nothing was paid. */
static void odd_log_run(struct life *life, enum token_behaviour behaviour, uint64_t received)
{
	struct withdrawal row;
	struct transfer slot = odd_slot(life, behaviour, &row);
	both_decide(life, &row, NULL);
	resolve_run(life);
	assert_refused(life, &row, "resolve_may_have_paid");
	both_decide(life, &row, &slot.mined_hash);
	resolve_run(life);
	life_assert_stage(life, &row, WITHDRAWAL_COMPLETED);
	watch_deep(life);
	assert_received(life, &row, received);
	life_assert_quiet(life);
}

static void test_odd_logs(void **state)
{
	odd_log_run(*state, TOKEN_WRONG_AMOUNT_LOG, UNITS);
	odd_log_run(*state, TOKEN_WRONG_RECEIVER_LOG, UNITS);
	odd_log_run(*state, TOKEN_TWO_LOGS, UNITS);
	odd_log_run(*state, TOKEN_FEE, UNITS - UNITS / 100);
}

/* People are quicker than the chain: their word waits for the slot's end. */
static void test_silent_token_decided_early(void **state)
{
	struct life *life = *state;
	life_token_behave(life, TOKEN_SILENT_FALSE);
	struct withdrawal row = life_accept(life, "TUSD", UNITS);
	struct transfer slot = { .outcome = OUTCOME_NONE };
	for (int i = 0; i < 20 && slot.outcome != OUTCOME_UNPROVEN; i++) {
		life_run(life, 1);
		slot = life_view(life, row.intent.id).transfer;
	}
	assert_int_equal(slot.stage, TRANSFER_MINED);
	life_token_behave(life, TOKEN_GOOD);
	both_decide(life, &row, NULL);
	life_mine(life, 12);
	life_wait(life, 1000);
	life_sign(life);
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM decisions WHERE answer = ''", NULL), 2);
	resolve_run(life);
	watch_deep(life);
	life_assert_paid(life, &row);
	life_assert_quiet(life);
}

/* ---- whose word counts ---- */

/* Who may not decide any more has not decided, even if nobody has acted on it yet. */
static void test_revoked_before_it_was_done(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	(void)odd_slot(life, TOKEN_SILENT_FALSE, &row);
	both_decide(life, &row, NULL);
	life_key_set(life, "ann", true);
	resolve_run(life);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	assert_received(life, &row, 0);
	life_decide(life, &row, "cat", NULL);
	resolve_run(life);
	watch_deep(life);
	life_assert_paid(life, &row);
	life_assert_quiet(life);
}

/* ---- paid by an earlier slot ---- */

/* A row that is back in the queue, and whose earlier round was paid: held, and completed by that.
 */
static void put_back_run(struct life *life, const char *symbol, unsigned round, const char *held)
{
	struct withdrawal row = life_accept(life, symbol, UNITS);
	life_run(life, 6);
	life_assert_paid(life, &row);
	struct store_view paid = life_view(life, row.intent.id);
	life_sql(life,
		 "UPDATE withdrawals SET stage = 3, round = %u, transfer_id = NULL, due_at = 1 "
		 "WHERE id = %s",
		 round, life_blob(row.intent.id.bytes, ID_BYTES));
	life_wait(life, 61000);
	watch_deep(life);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.held_reason, held);
	both_decide(life, &row, NULL);
	resolve_run(life);
	watch_deep(life);
	/* Journal or chain contradict: refused, or held again at once. */
	struct store_view view = life_view(life, row.intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_QUEUED);
	assert_string_equal(view.withdrawal.held_reason, held);
	both_decide(life, &row, &paid.transfer.mined_hash);
	resolve_run(life);
	life_assert_paid(life, &row);
	view = life_view(life, row.intent.id);
	assert_true(hash32_equal(view.tx_hash, paid.tx_hash));
	assert_int_equal(view.withdrawal.wait_reason[0], 0);
	life_sql(life, "UPDATE wallets SET stop_reason = ''");
	life_assert_alive(life);
	life_assert_settled(life);
}

static void test_paid_by_an_earlier_round(void **state)
{
	put_back_run(*state, "POL", 1, "round_was_paid");
}

static void test_token_paid_by_an_earlier_round(void **state)
{
	put_back_run(*state, "TUSD", 1, "round_was_paid");
}

static void test_put_back_to_the_round_that_was_paid(void **state)
{
	put_back_run(*state, "POL", 0, "right_already_spent");
}

/* What paid another withdrawal pays no second one, whatever rows say whose slot it was. */
static void test_slot_of_another_is_no_earlier_round(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	rows[0] = life_accept(life, "POL", UNITS);
	rows[1] = life_accept_to(life, "POL", UNITS, rows[0].intent.to);
	life_process(life);
	life_sql(life, "UPDATE withdrawals SET held_reason = 'round_was_paid' WHERE id = %s",
		 life_blob(rows[1].intent.id.bytes, ID_BYTES));
	life_run(life, 6);
	life_assert_paid(life, &rows[0]);
	struct transfer slot = life_view(life, rows[0].intent.id).transfer;
	life_sql(life, "UPDATE transfer_items SET withdrawal_id = %s",
		 life_blob(rows[1].intent.id.bytes, ID_BYTES));
	both_decide(life, &rows[1], &slot.mined_hash);
	resolve_run(life);
	struct store_view view = life_view(life, rows[1].intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_QUEUED);
	assert_string_equal(view.withdrawal.wait_reason, "resolve_tx_of_another");
}

/* ---- what did not pay was taken back (T9) ---- */

static void snapshot_take(struct life *life, char params[40])
{
	unsigned long long number = 0;
	const char *result = strstr(life_rpc(life, "evm_snapshot", "[]"), "\"result\":\"0x");
	assert_int_equal(sscanf(result, "\"result\":\"0x%llx", &number), 1);
	snprintf(params, 40, "[\"0x%llx\"]", number);
}

static void take_back(struct life *life, const char *params)
{
	assert_non_null(strstr(life_rpc(life, "evm_revert", params), "true"));
	life_drop_pool(life);
	life_base_fee(life, UINT64_C(1100000000));
	life_mine(life, 1);
	life_run(life, 12);
}

static void wallets_stop(struct life *life, const char *reason)
{
	life_sql(life, "UPDATE wallets SET stop_reason = '%s'", reason);
}

/* Reverted for good, and queued again; then the chain takes that back. */
static struct transfer reverted_slot(struct life *life, bool goes_on, struct withdrawal *ret_row)
{
	char params[40];
	snapshot_take(life, params);
	*ret_row = life_accept(life, "POL", UNITS);
	life_process(life);
	life_sign(life);
	life_refuse(life, ret_row->intent.to, true);
	life_mine(life, 1);
	life_watch(life);
	life_refuse(life, ret_row->intent.to, false);
	struct transfer slot = life_view(life, ret_row->intent.id).transfer;
	life_fault_install(life);
	if (!goes_on) /* nothing is reserved before the chain takes it back */
		life_fault_at(life, LIFE_FAULT_FAIL, "store_transfers_reserve", 0);
	life_mine(life, 12);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 1000);
		life_watch(life);
		life_sign(life);
	}
	struct store_view view = life_view(life, ret_row->intent.id);
	assert_int_equal(view.withdrawal.round, 1);
	assert_int_equal(view.withdrawal.stage, goes_on ? WITHDRAWAL_ASSIGNED : WITHDRAWAL_QUEUED);
	take_back(life, params);
	life_fault_clear(life);
	struct err err = { 0 };
	bool found = false;
	assert_true(store_transfer_load(life->store, slot.id, &slot, &found, &err));
	assert_string_equal(slot.held_reason, "final_taken_back");
	return slot;
}

static void both_decide_slot(struct life *life, const struct withdrawal *row, struct id slot)
{
	life_decide_slot(life, row, "ann", slot);
	life_decide_slot(life, row, "ben", slot);
	life_wait(life, 1000);
	life_sign(life);
}

static struct transfer slot_now(struct life *life, struct id id)
{
	struct transfer slot;
	struct err err = { 0 };
	bool found = false;
	assert_true(store_transfer_load(life->store, id, &slot, &found, &err) && found);
	return slot;
}

/* Its nonce goes to a self-transfer, its old bytes never out again; then the next round pays, once.
 */
static void test_taken_back_unpaid_is_filled(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	struct transfer slot = reverted_slot(life, false, &row);
	both_decide_slot(life, &row, slot.id);
	wallets_stop(life, "");
	/* The next round waits until the nonce is used up. */
	assert_int_equal(slot_now(life, slot.id).stage, TRANSFER_BROADCAST);
	for (int i = 0; i < 3; i++) {
		life_wait(life, 16000);
		life_process(life);
		life_sign(life);
		assert_int_equal(life_view(life, row.intent.id).withdrawal.stage,
				 WITHDRAWAL_QUEUED);
	}
	watch_deep(life);
	watch_deep(life);
	slot = slot_now(life, slot.id);
	assert_int_equal(slot.stage, TRANSFER_FINAL);
	assert_int_equal(slot.outcome, OUTCOME_REPLACED);
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	life_assert_settled(life);
}

/* The old bytes are quicker: the withdrawal was paid by them, and never again. */
static void test_taken_back_and_old_bytes_win(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	struct attempt attempts[ATTEMPTS_MAX];
	struct chain_send answer;
	struct err err = { 0 };
	size_t n = 0;
	struct transfer slot = reverted_slot(life, false, &row);
	both_decide_slot(life, &row, slot.id);
	assert_true(store_attempts_load(life->store, slot.id, attempts, ATTEMPTS_MAX, &n, &err));
	struct str raw = str_from_bytes(attempts[0].raw, attempts[0].raw_len);
	life_drop_pool(life);
	chain_send_many(life->chain, &raw, 1, &answer);
	assert_int_equal(answer.state, CHAIN_SEND_ACCEPTED);
	life_mine(life, 1);
	wallets_stop(life, "");
	life_wait(life, 61000);
	watch_deep(life);
	watch_deep(life);
	struct store_view view = life_view(life, row.intent.id);
	assert_int_equal(view.withdrawal.stage, WITHDRAWAL_QUEUED);
	assert_string_equal(view.withdrawal.held_reason, "round_was_paid");
	both_decide(life, &row, &attempts[0].tx_hash);
	resolve_run(life);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* Fees above the cap: no cancellation can be signed, and what pays does not go out instead. */
static void test_taken_back_and_nothing_is_resent(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	struct transfer slot = reverted_slot(life, false, &row);
	both_decide_slot(life, &row, slot.id);
	struct wei cap = life->catalogue.chains[0].fees.cap_max;
	life->catalogue.chains[0].fees.cap_max = (struct wei){ u256_from_u64(1) };
	life_sql(life, "UPDATE transfers SET sent_at = 1");
	life_wait(life, 16000);
	life_sign(life);
	life_mine(life, 2);
	life_assert_unpaid(life, &row);
	assert_int_equal(slot_now(life, slot.id).attempts, 1);
	life->catalogue.chains[0].fees.cap_max = cap;
	wallets_stop(life, "");
	watch_deep(life);
	watch_deep(life);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* People said of a silent token that it did not pay; taken back, its bytes may pay after all. */
static void test_taken_back_after_people_said_unpaid(void **state)
{
	struct life *life = *state;
	char params[40];
	struct withdrawal row;
	snapshot_take(life, params);
	struct transfer slot = odd_slot(life, TOKEN_SILENT_FALSE, &row);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "store_transfers_reserve", 0);
	both_decide(life, &row, NULL);
	resolve_run(life);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	take_back(life, params);
	life_fault_clear(life);
	both_decide_slot(life, &row, slot.id);
	wallets_stop(life, "");
	life_process(life);
	life_sign(life);
	life_assert_waits(life, &row, "previous_round_not_proven_unpaid");
	watch_deep(life);
	watch_deep(life);
	assert_int_equal(slot_now(life, slot.id).outcome, OUTCOME_REPLACED);
	life_assert_paid(life, &row);
	life_assert_settled(life);
}

/* Another payment of it is out already: nothing is filled before that one is canceled. */
static void test_taken_back_while_the_next_round_is_out(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	struct transfer slot = reverted_slot(life, true, &row);
	both_decide_slot(life, &row, slot.id);
	assert_int_equal(slot_now(life, slot.id).stage, TRANSFER_FINAL);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM events WHERE detail LIKE "
				     "'%resolve_later_round_is_out%'",
				     NULL),
			 1);
	assert_true(life_cancel(life, &row));
	life_wait(life, 16000);
	life_sign(life);
	both_decide_slot(life, &row, slot.id);
	assert_int_equal(slot_now(life, slot.id).stage, TRANSFER_BROADCAST);
	watch_deep(life);
	watch_deep(life);
	life_assert_stage(life, &row, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, &row);
	assert_int_equal(slot_now(life, slot.id).outcome, OUTCOME_REPLACED);
	life_assert_settled(life);
}

/* ---- final by an editor's word ---- */

/* No block has its nonce, and those behind it wait. `block`: which one the row names. */
static void final_by_an_editor(struct life *life, const char *block)
{
	struct withdrawal first = life_accept(life, "POL", UNITS);
	life_process(life);
	life_sign(life);
	struct transfer slot = life_view(life, first.intent.id).transfer;
	life_sql(life, "UPDATE wallets SET stop_reason = 'node_says_invalid' WHERE id <> %lld",
		 (long long)slot.wallet_id);
	life_wait(life, 3000);
	struct withdrawal second = life_accept(life, "POL", UNITS + 1);
	life_process(life);
	life_sign(life);
	struct transfer behind = life_view(life, second.intent.id).transfer;
	assert_int_equal(behind.wallet_id, slot.wallet_id);
	assert_int_equal(behind.stage, TRANSFER_BROADCAST);
	life_drop_pool(life);
	life_sql(
		life,
		"UPDATE transfers SET stage = 5, outcome = 2, version = version + 1%s WHERE id = %s",
		block, life_blob(slot.id.bytes, sizeof slot.id.bytes));
	life_run(life, 12);
	assert_string_equal(slot_now(life, slot.id).held_reason, "final_taken_back");
	assert_int_equal(life_alarms(life, "transfer_taken_back"), 1);
	assert_int_equal(
		life_number(life,
			    "SELECT COUNT(*) FROM wallets WHERE stop_reason = 'final_taken_back'",
			    NULL),
		1);
	life_assert_unpaid(life, &first);
	life_assert_unpaid(life, &second);
	both_decide_slot(life, &first, slot.id);
	assert_int_equal(slot_now(life, slot.id).stage, TRANSFER_BROADCAST);
	life_run(life, 30);
	life_assert_paid(life, &first);
	life_assert_paid(life, &second);
}

static void test_final_by_an_editor_and_never_mined(void **state)
{
	final_by_an_editor(*state, "");
}

/* In a block that the chain has indeed, and the slot is not in it. */
static void test_final_by_an_editor_in_a_block_of_the_chain(void **state)
{
	struct life *life = *state;
	struct chain_block block = { 0 };
	struct err err = { 0 };
	char named[160];
	const uint64_t number = 1;
	assert_true(chain_blocks(life->chain, &number, 1, &block, &err) && block.known);
	snprintf(named, sizeof named, ", mined_block = 1, mined_block_hash = %s",
		 life_blob(block.hash.bytes, 32));
	final_by_an_editor(life, named);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_silent_token_was_not_paid),
		LIFE_TEST(test_silent_token_is_not_said_to_be_paid),
		LIFE_TEST(test_silent_token_without_states),
		LIFE_TEST(test_moved_without_log_is_paid),
		LIFE_TEST(test_odd_logs),
		LIFE_TEST(test_silent_token_decided_early),
		LIFE_TEST(test_revoked_before_it_was_done),
		LIFE_TEST(test_paid_by_an_earlier_round),
		LIFE_TEST(test_token_paid_by_an_earlier_round),
		LIFE_TEST(test_put_back_to_the_round_that_was_paid),
		LIFE_TEST(test_slot_of_another_is_no_earlier_round),
		LIFE_TEST(test_final_by_an_editor_and_never_mined),
		LIFE_TEST(test_final_by_an_editor_in_a_block_of_the_chain),
		LIFE_TEST(test_taken_back_unpaid_is_filled),
		LIFE_TEST(test_taken_back_and_old_bytes_win),
		LIFE_TEST(test_taken_back_and_nothing_is_resent),
		LIFE_TEST(test_taken_back_after_people_said_unpaid),
		LIFE_TEST(test_taken_back_while_the_next_round_is_out),
	};
	return LIFE_MAIN(tests);
}
