/* Changing one's mind: a canceled withdrawal is never paid, a paid one never canceled. */
#include "life_fault.h"
#include "life_world.h"

#include "core/refusal.h"
#include "core/tx.h"

static const char *blob_of(const struct withdrawal *row)
{
	return life_blob(row->intent.id.bytes, sizeof row->intent.id.bytes);
}

/* What the journal says of a withdrawal: how many rights, and the last one. */
static size_t rights_of(struct life *life, const struct withdrawal *row,
			struct journal_right *ret_last)
{
	struct journal_right rights[ATTEMPTS_MAX];
	struct err err = { 0 };
	uint8_t tag[32];
	size_t n = 0;
	pay_tag_make(life->keys_bytes[2], &row->intent, tag);
	assert_true(journal_rights_of(life->journal, row->intent.id, tag, rights, ATTEMPTS_MAX, &n,
				      &err));
	if (n > 0)
		*ret_last = rights[n - 1];
	return n;
}

static void assert_canceled(struct life *life, const struct withdrawal *row)
{
	life_assert_stage(life, row, WITHDRAWAL_CANCELED);
	life_assert_unpaid(life, row);
	assert_string_equal(life_view(life, row->intent.id).withdrawal.failure_code, "canceled");
}

static void assert_void(struct life *life, const struct withdrawal *row, size_t rights,
			const char *stage)
{
	struct journal_right last = { 0 };
	assert_int_equal(rights_of(life, row, &last), rights);
	assert_true(last.is_void);
	assert_string_equal(last.void_stage, stage);
}

/* Another owner, whose claim had run out, ends the row by another word, after this one has looked.
 */
static void another_void(struct life *life, const struct withdrawal *row)
{
	struct journal_entry entry = { .has_right = true };
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	struct err err = { 0 };
	entry.right.withdrawal = row->intent.id;
	pay_tag_make(life->keys_bytes[2], &row->intent, entry.right.pay_tag);
	entry.right.is_void = true;
	snprintf(entry.right.void_stage, sizeof entry.right.void_stage, "%s",
		 withdrawal_stage_text(WITHDRAWAL_REJECTED));
	snprintf(entry.right.void_code, sizeof entry.right.void_code, "%s",
		 refusal_code(REFUSAL_SIGNER_LIMIT));
	entry.right.chain_id = row->intent.chain_id;
	entry.right.asset = row->intent.contract;
	entry.right.amount = row->intent.amount;
	entry.right.time_ms = clock_now_ms(&life->clock.base);
	assert_true(journal_append_many(life->journal, &entry, 1, &verdict, &err));
	assert_int_equal(verdict, JOURNAL_WRITTEN);
}

/* What a batch has asked the journal for is not what stands there when it ends a row. */
static void test_void_of_another_owner_meanwhile(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2] = { life_accept(life, "POL", 3910),
				      life_accept(life, "POL", 3911) };
	life_fault_install(life);
	life_process(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_true(life_cancel(life, &rows[i]));
	life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
							.call = "journal_append_many",
							.at = 1,
							.act = another_void,
							.row = &rows[0] });
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "journal_append_many");
	life_fault_clear(life);
	life_run(life, 4);
	life_assert_stage(life, &rows[0], WITHDRAWAL_REJECTED);
	assert_canceled(life, &rows[1]);
}

static void test_cancel_before_approval(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "POL", 3000);
	assert_true(life_cancel(life, &row));
	life_run(life, 8);
	assert_canceled(life, &row);
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 0);
}

static void test_cancel_before_nonce(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	rows[0] = life_accept(life, "POL", 3010);
	rows[1] = life_accept(life, "TUSD", 3011);
	life_process(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_true(life_cancel(life, &rows[i]));
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_canceled(life, &rows[i]);
		assert_void(life, &rows[i], 1, "canceled");
	}
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 0);
	life_assert_alive(life);
}

/* While it waits for money, and while all wallets are stopped: no slot is needed to end. */
static void test_cancel_while_waiting(void **state)
{
	struct life *life = *state;
	struct withdrawal waiting = life_accept(life, "POL", UINT64_MAX);
	for (size_t i = 0; i < life->catalogue.wallets_len; i++)
		life_fund(life, life->catalogue.wallets[i].address, u256_from_u64(1000));
	life_run(life, 2);
	life_assert_waits(life, &waiting, "funds");
	assert_true(life_cancel(life, &waiting));
	life_run(life, 2);
	assert_canceled(life, &waiting);
	struct withdrawal stopped = life_accept(life, "POL", 3021);
	life_sql(life, "UPDATE wallets SET stop_reason = 'by_a_test'");
	life_run(life, 2);
	life_assert_stage(life, &stopped, WITHDRAWAL_QUEUED);
	assert_true(life_cancel(life, &stopped));
	life_wait(life, 11000);
	life_run(life, 2);
	assert_canceled(life, &stopped);
}

static void cancel_now(struct life *life, const struct withdrawal *row)
{
	assert_true(life_cancel(life, row));
}

/* The request is written after the signer has read the row, before it takes the nonce. */
static void test_cancel_races_reservation(void **state)
{
	struct life *life = *state;
	static const char *const calls[] = { "chain_estimate_many", "store_transfers_reserve",
					     "journal_rights_of" };
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct withdrawal row = life_accept(life, i % 2 ? "TUSD" : "POL", 3030 + i);
		life_process(life);
		life_fault_plan(life, (struct life_fault_plan){ .mode = LIFE_FAULT_ACT,
								.call = calls[i],
								.at = 1,
								.act = cancel_now,
								.row = &row });
		life_sign(life);
		assert_string_equal(life_fault_hit(life), calls[i]);
		life_fault_clear(life);
		life_run(life, 6);
		assert_canceled(life, &row);
		assert_void(life, &row, 1, "canceled");
	}
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 0);
	life_assert_alive(life);
	life_assert_settled(life);
}

/* A wish to cancel stands on a row whose slot is reserved: the slot becomes its self-transfer, and
 * the withdrawal ends once that is proved. */
static void test_cancel_of_reserved_slot(void **state)
{
	struct life *life = *state;
	static const char *const halts[] = { "journal_append_many", "keys_sign_many",
					     "store_attempts_add" };
	struct withdrawal rows[COUNT_OF(halts)];
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(halts); i++) {
		rows[i] = life_accept(life, i % 2 ? "TUSD" : "POL", 3040 + i);
		life_process(life);
		life_fault_at(life, LIFE_FAULT_FAIL, halts[i], 0);
		life_sign(life);
		life_sql(life, "UPDATE withdrawals SET cancel_requested = 1 WHERE id = %s",
			 blob_of(&rows[i]));
		life_fault_clear(life);
		life_sign(life);
		assert_true(life_view(life, rows[i].intent.id).transfer.is_cancel);
	}
	life_run(life, 9);
	life_wait(life, 16000);
	life_run(life, 2);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_canceled(life, &rows[i]);
		assert_void(life, &rows[i], 2, "canceled");
	}
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* ---- when the payment is out: both are, and the chain decides ---- */

/* Accepted and sent. */
static struct withdrawal send_one(struct life *life, const char *symbol, uint64_t units)
{
	struct withdrawal row = life_accept(life, symbol, units);
	life_process(life);
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_BROADCAST);
	return row;
}

static struct attempt attempt_of(struct life *life, const struct withdrawal *row, uint32_t number)
{
	struct attempt attempts[ATTEMPTS_MAX];
	struct err err = { 0 };
	size_t n = 0;
	struct id transfer = life_view(life, row->intent.id).transfer.id;
	assert_true(store_attempts_load(life->store, transfer, attempts, ATTEMPTS_MAX, &n, &err));
	assert_true(number >= 1 && number <= n);
	return attempts[number - 1];
}

static void assert_cancellation(struct life *life, const struct withdrawal *row, uint32_t number)
{
	struct attempt before = attempt_of(life, row, number - 1);
	struct attempt attempt = attempt_of(life, row, number);
	struct transfer slot = life_view(life, row->intent.id).transfer;
	struct tx tx;
	struct tx_signature signature;
	struct wei least;
	assert_int_equal(slot.attempts, number);
	assert_true(attempt.is_cancel);
	assert_true(tx_read_signed(str_from_bytes(attempt.raw, attempt.raw_len), &tx, &signature));
	assert_int_equal(tx.nonce, slot.nonce);
	assert_true(address_equal(tx.to, slot.wallet));
	assert_true(u256_is_zero(tx.value.value));
	assert_int_equal(tx.data_len, 0);
	assert_true(fee_bump(before.fees.tip, &least) && wei_compare(tx.fees.tip, least) >= 0);
	assert_true(fee_bump(before.fees.cap, &least) && wei_compare(tx.fees.cap, least) >= 0);
}

/* The chain has the bytes of one attempt only, in its next block. */
static void mine_only(struct life *life, const struct attempt *attempt)
{
	struct str raw = str_from_bytes(attempt->raw, attempt->raw_len);
	struct chain_send send;
	life_drop_pool(life);
	chain_send_many(life->chain, &raw, 1, &send);
	assert_int_equal(send.state, CHAIN_SEND_ACCEPTED);
	life_mine(life, 1);
	life_wait(life, 1000);
	life_watch(life);
}

static void assert_mined(struct life *life, const struct withdrawal *row, uint32_t number)
{
	struct transfer slot = life_view(life, row->intent.id).transfer;
	assert_int_equal(slot.stage, TRANSFER_MINED);
	assert_true(hash32_equal(slot.mined_hash, attempt_of(life, row, number).tx_hash));
}

static void finish(struct life *life)
{
	for (int i = 0; i < 3; i++) {
		life_wait(life, 16000);
		life_run(life, 4);
	}
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* At once, and before the payment's block: a cancellation of the same nonce, for more. */
static void test_cancel_of_sent(void **state)
{
	struct life *life = *state;
	static const char *const symbols[] = { "POL", "TUSD" };
	struct withdrawal rows[COUNT_OF(symbols)];
	for (size_t i = 0; i < COUNT_OF(symbols); i++) {
		rows[i] = send_one(life, symbols[i], 3050 + i);
		assert_true(life_cancel(life, &rows[i]));
		life_sign(life);
		assert_cancellation(life, &rows[i], 2);
		life_sign(life);
		assert_int_equal(life_view(life, rows[i].intent.id).transfer.attempts, 2);
	}
	finish(life);
	for (size_t i = 0; i < COUNT_OF(symbols); i++) {
		assert_canceled(life, &rows[i]);
		assert_void(life, &rows[i], 2, "canceled");
	}
	life_assert_alive(life);
}

/* In a block: refused. Written between the look and the block: the payment stands, and the event
 * says what became of the wish. */
static void test_cancel_too_late(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "POL", 3052);
	life_mine(life, 1);
	life_watch(life);
	assert_false(life_cancel(life, &row));
	life_sql(life, "UPDATE withdrawals SET cancel_requested = 1");
	life_run(life, 8);
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 1);
	assert_int_equal(
		life_number(life,
			    "SELECT count(*) FROM events WHERE type = 'completed' AND detail LIKE "
			    "'%\"cancel\":\"too_late\"%'",
			    NULL),
		1);
	life_assert_settled(life);
}

/* Both are out, and the payment wins. */
static void test_payment_wins(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "TUSD", 3053);
	struct attempt payment = attempt_of(life, &row, 1);
	assert_true(life_cancel(life, &row));
	life_sign(life);
	assert_cancellation(life, &row, 2);
	mine_only(life, &payment);
	assert_mined(life, &row, 1);
	finish(life);
	life_assert_paid(life, &row);
	struct journal_right last;
	assert_int_equal(rights_of(life, &row, &last), 1);
}

/* One of them is in a block, which is taken back; then the other is. The last one counts. */
static void swap_run(struct life *life, const char *symbol, uint32_t first, uint32_t second)
{
	struct withdrawal row = send_one(life, symbol, 3054);
	assert_true(life_cancel(life, &row));
	life_sign(life);
	assert_cancellation(life, &row, 2);
	struct attempt attempts[] = { attempt_of(life, &row, first),
				      attempt_of(life, &row, second) };
	mine_only(life, &attempts[0]);
	assert_mined(life, &row, first);
	/* Not as deep as either end asks for. */
	life_mine(life, 1);
	life_watch(life);
	life_sign(life);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_reorg(life, 2);
	mine_only(life, &attempts[1]);
	assert_mined(life, &row, second);
	finish(life);
	if (second == 1)
		life_assert_paid(life, &row);
	else
		assert_canceled(life, &row);
}

static void test_canceled_then_paid_by_reorg(void **state)
{
	swap_run(*state, "POL", 2, 1);
	swap_run(*state, "TUSD", 2, 1);
}

static void test_paid_then_canceled_by_reorg(void **state)
{
	swap_run(*state, "POL", 1, 2);
	swap_run(*state, "TUSD", 1, 2);
}

/* The block of the payment goes away after the wish came too late for it: not any more. */
static void test_cancel_after_reorg(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "POL", 3056);
	life_mine(life, 1);
	life_watch(life);
	life_sql(life, "UPDATE withdrawals SET cancel_requested = 1");
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 1);
	life_reorg(life, 1);
	life_drop_pool(life);
	life_watch(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_BROADCAST);
	life_sign(life);
	assert_cancellation(life, &row, 2);
	finish(life);
	assert_canceled(life, &row);
}

/* A cancellation that no block takes is bumped like everything else, and stays one; also when an
 * editor takes the wish away, and whatever was stored of it. */
static void test_expired_noop_pays(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	for (int i = 0; i < 2; i++) {
		struct withdrawal row = send_one(life, "POL", 3057);
		assert_true(life_cancel(life, &row));
		/* The second time it is journaled, and the process dies before it is signed. */
		if (i == 1)
			life_fault_at(life, LIFE_FAULT_KILL, "journal_append_many", 1);
		life_sign(life);
		life_fault_clear(life);
		life_sql(life, "UPDATE withdrawals SET cancel_requested = 0");
		life_base_fee(life, UINT64_C(60000000000));
		life_mine(life, 1);
		life_wait(life, 31000);
		life_watch(life);
		life_sign(life);
		assert_true(attempt_of(life, &row, i == 0 ? 3 : 2).is_cancel);
		/* So it was nobody's wish: it is paid in another round. */
		finish(life);
		life_assert_paid(life, &row);
		assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	}
}

/* Above the ceiling nothing is signed: the same bytes go on being sent, once per interval. */
static void test_cancel_above_fee_cap(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "POL", 3059);
	struct wei most = life->catalogue.chains[0].fees.cap_max;
	life->catalogue.chains[0].fees.cap_max = attempt_of(life, &row, 1).fees.cap;
	assert_true(life_cancel(life, &row));
	int64_t first_ms = attempt_of(life, &row, 1).sent_at;
	life_wait(life, 100);
	life_sign(life);
	int64_t again_ms = attempt_of(life, &row, 1).sent_at;
	assert_true(again_ms > first_ms);
	life_wait(life, 100);
	life_sign(life);
	assert_int_equal(attempt_of(life, &row, 1).sent_at, again_ms);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 1);
	assert_int_equal(life_alarms(life, "fee_above_cap"), 1);
	life->catalogue.chains[0].fees.cap_max = most;
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 1);
	life_wait(life, 16000);
	life_sign(life);
	assert_cancellation(life, &row, 2);
	finish(life);
	assert_canceled(life, &row);
}

/* No free slot, and the wallet is stopped: it needs neither. */
static void test_cancel_of_sent_without_slot(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "POL", 3060);
	life_sql(life, "UPDATE wallets SET stop_reason = 'by_a_test'");
	assert_true(life_cancel(life, &row));
	life_sign(life);
	assert_cancellation(life, &row, 2);
	for (int i = 0; i < 5; i++) {
		life_wait(life, 16000);
		life_run(life, 4);
	}
	assert_canceled(life, &row);
}

/* A held withdrawal is nobody's but a person's: no cancellation is signed for it. */
static void test_cancel_of_held(void **state)
{
	struct life *life = *state;
	struct withdrawal row = send_one(life, "POL", 3061);
	life_sql(life, "UPDATE withdrawals SET cancel_requested = 1, held_reason = 'dead_letter'");
	life_sign(life);
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 1);
	life_run(life, 8);
	life_assert_paid(life, &row);
}

/* The void is in the journal, and the process died before the store heard of it. */
static void test_void_then_crash(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 3060);
	life_process(life);
	assert_true(life_cancel(life, &row));
	life_fault_at(life, LIFE_FAULT_KILL, "journal_append_many", 1);
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "journal_append_many");
	life_fault_clear(life);
	assert_void(life, &row, 1, "canceled");
	life_assert_stage(life, &row, WITHDRAWAL_QUEUED);
	/* An editor takes the wish away: the right is void all the same. */
	life_sql(life, "UPDATE withdrawals SET cancel_requested = 0");
	life_wait(life, 61000);
	life_run(life, 6);
	assert_canceled(life, &row);
	life_assert_alive(life);
}

/* Ended as failed, and the process died; then somebody asks for a cancel: the void has decided. */
static void test_void_of_assigned_then_crash(void **state)
{
	struct life *life = *state;
	life_fault_install(life);
	struct withdrawal row = life_accept(life, "POL", 3070);
	for (int i = 0; i < 2; i++) {
		life_process(life);
		life_sign(life);
		assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_BROADCAST);
		life_refuse(life, row.intent.to, true);
		life_mine(life, 1);
		life_refuse(life, row.intent.to, false);
		life_wait(life, 1000);
		life_watch(life);
		life_mine(life, 7);
		life_wait(life, 1000);
		life_watch(life);
		if (i == 0)
			life_sign(life);
	}
	life_fault_at(life, LIFE_FAULT_KILL, "journal_append_many", 1);
	life_sign(life);
	assert_string_equal(life_fault_hit(life), "journal_append_many");
	life_fault_clear(life);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	assert_void(life, &row, 3, "failed");
	life_sql(life, "UPDATE withdrawals SET cancel_requested = 1");
	life_wait(life, 61000);
	life_run(life, 3);
	life_assert_stage(life, &row, WITHDRAWAL_FAILED);
	life_assert_unpaid(life, &row);
	life_assert_quiet(life);
	life_assert_settled(life);
}

/* A canceled row set back by hand. */
static void test_canceled_row_reset(void **state)
{
	struct life *life = *state;
	static const char *const resets[] = {
		"stage = 3, due_at = 1, cancel_requested = 0",
		"stage = 3, due_at = 1, cancel_requested = 0, round = 1",
		"stage = 1, due_at = 1, cancel_requested = 0",
		"stage = 4, due_at = 1, cancel_requested = 0",
	};
	struct withdrawal rows[COUNT_OF(resets)];
	for (size_t i = 0; i < COUNT_OF(resets); i++)
		rows[i] = life_accept(life, "POL", 3080 + i);
	life_process(life);
	for (size_t i = 0; i < COUNT_OF(resets); i++)
		assert_true(life_cancel(life, &rows[i]));
	life_run(life, 3);
	for (size_t i = 0; i < COUNT_OF(resets); i++) {
		assert_canceled(life, &rows[i]);
		life_sql(life, "UPDATE withdrawals SET %s WHERE id = %s", resets[i],
			 blob_of(&rows[i]));
	}
	for (int i = 0; i < 3; i++) {
		life_wait(life, 16000);
		life_run(life, 6);
	}
	for (size_t i = 0; i < COUNT_OF(resets); i++) {
		struct withdrawal now = life_view(life, rows[i].intent.id).withdrawal;
		life_assert_unpaid(life, &rows[i]);
		if (now.stage != WITHDRAWAL_CANCELED)
			assert_true(now.held_reason[0] != 0);
	}
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 0);
	life_assert_alive(life);
}

/* Rejected by the signer's own limit, and set back: the void stands. */
static void test_rejected_row_reset(void **state)
{
	struct life *life = *state;
	struct withdrawal row = life_accept(life, "TUSD", 900000001);
	life_run(life, 3);
	life_assert_stage(life, &row, WITHDRAWAL_REJECTED);
	assert_void(life, &row, 1, "rejected");
	life->catalogue.assets[1].payment_max.units = u256_from_u64(1000000000);
	life_sql(life, "UPDATE withdrawals SET stage = 3, due_at = 1");
	life_run(life, 6);
	life_assert_stage(life, &row, WITHDRAWAL_REJECTED);
	life_assert_unpaid(life, &row);
}

/* Refused by a rule of the processor on a server, and set back when the rule would allow it: who
 * was told that it is not paid has given the money back. */
static void test_row_edited_back_from_a_refusal(void **state)
{
	struct life *life = *state;
	life->ends_by_signer = true;
	life_restart(life, LIFE_PROCESSOR);
	life->catalogue.assets[1].maximum = (struct amount){ u256_from_u64(1000) };
	struct withdrawal row = life_accept(life, "TUSD", 3001);
	life_run(life, 3);
	life_assert_stage(life, &row, WITHDRAWAL_REJECTED);
	assert_string_equal(life_view(life, row.intent.id).withdrawal.failure_code,
			    "above_maximum");
	assert_void(life, &row, 1, "rejected");
	life->catalogue.assets[1].maximum = (struct amount){ u256_from_u64(1000000000) };
	life_sql(life, "UPDATE withdrawals SET stage = 1, due_at = 1, cancel_requested = 0, "
		       "failure_code = '', expires_at = 0");
	for (int i = 0; i < 3; i++) {
		life_wait(life, 16000);
		life_run(life, 6);
	}
	life_assert_stage(life, &row, WITHDRAWAL_REJECTED);
	life_assert_unpaid(life, &row);
	life_assert_alive(life);
}

/* Whoever asks for what is refused takes no more of the signer than whoever is paid: many voids are
 * one commit of the journal, and others are paid beside them. */
static void test_many_refusals_are_one_commit(void **state)
{
	struct life *life = *state;
	struct withdrawal refused[20], good;
	life->ends_by_signer = true;
	life_restart(life, LIFE_PROCESSOR);
	life->catalogue.assets[1].maximum = (struct amount){ u256_from_u64(1000) };
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		refused[i] = life_accept(life, "TUSD", 3201 + i);
	good = life_accept(life, "TUSD", 900);
	life_process(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "journal_append_many", 1000); /* counts */
	life_sign(life);
	assert_in_range(life_fault_seen(life), 1, 3);
	life_fault_clear(life);
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		life_assert_stage(life, &refused[i], WITHDRAWAL_REJECTED);
		assert_void(life, &refused[i], 1, "rejected");
	}
	assert_int_equal(life_view(life, good.intent.id).transfer.stage, TRANSFER_BROADCAST);
	life_run(life, 14);
	life_assert_paid(life, &good);
}

/* And when the process dies in the middle of them, each is ended all the same. */
static void test_many_refusals_and_a_crash(void **state)
{
	struct life *life = *state;
	life->ends_by_signer = true;
	life_fault_install(life);
	life_restart(life, LIFE_PROCESSOR);
	for (size_t at = 1; at <= 2; at++) {
		struct withdrawal refused[3];
		life->catalogue.assets[1].maximum = (struct amount){ u256_from_u64(1000) };
		for (size_t i = 0; i < COUNT_OF(refused); i++)
			refused[i] = life_accept(life, "TUSD", 3301 + 10 * at + i);
		life_process(life);
		life_fault_at(life, LIFE_FAULT_KILL,
			      at == 1 ? "journal_append_many" : "store_withdrawals_change", 1);
		life_sign(life);
		assert_true(life_fault_hit(life)[0] != 0);
		life_fault_clear(life);
		life->catalogue.assets[1].maximum = (struct amount){ u256_from_u64(1000000) };
		life_wait(life, 61000);
		life_run(life, 6);
		for (size_t i = 0; i < COUNT_OF(refused); i++) {
			life_assert_stage(life, &refused[i], WITHDRAWAL_REJECTED);
			life_assert_unpaid(life, &refused[i]);
		}
	}
	life_assert_alive(life);
}

/* The same while the signer has not ended it yet. */
static void test_row_edited_before_the_void_of_a_refusal(void **state)
{
	struct life *life = *state;
	static const char *const edits[] = {
		"cancel_requested = 0",
		"cancel_requested = 0, wait_reason = 'approval_expired', due_at = 1",
		"cancel_requested = 0, stage = 1, due_at = 1",
		"cancel_requested = 0, stage = 2, due_at = 1, failure_code = ''",
	};
	struct withdrawal rows[COUNT_OF(edits)];
	life->ends_by_signer = true;
	life_restart(life, LIFE_PROCESSOR);
	life->catalogue.assets[1].maximum = (struct amount){ u256_from_u64(1000) };
	for (size_t i = 0; i < COUNT_OF(edits); i++)
		rows[i] = life_accept(life, "TUSD", 3101 + i);
	life_process(life);
	life->catalogue.assets[1].maximum = (struct amount){ u256_from_u64(1000000000) };
	for (size_t i = 0; i < COUNT_OF(edits); i++)
		life_sql(life, "UPDATE withdrawals SET %s WHERE id = %s", edits[i],
			 blob_of(&rows[i]));
	for (int i = 0; i < 3; i++) {
		life_run(life, 6);
		life_wait(life, 16000);
	}
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		life_assert_stage(life, &rows[i],
				  i == 3 ? WITHDRAWAL_CANCELED : WITHDRAWAL_REJECTED);
		life_assert_unpaid(life, &rows[i]);
	}
	life_assert_alive(life);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_cancel_before_approval),
		LIFE_TEST(test_cancel_before_nonce),
		LIFE_TEST(test_cancel_while_waiting),
		LIFE_TEST(test_cancel_races_reservation),
		LIFE_TEST(test_cancel_of_reserved_slot),
		LIFE_TEST(test_cancel_of_sent),
		LIFE_TEST(test_cancel_too_late),
		LIFE_TEST(test_payment_wins),
		LIFE_TEST(test_canceled_then_paid_by_reorg),
		LIFE_TEST(test_paid_then_canceled_by_reorg),
		LIFE_TEST(test_cancel_after_reorg),
		LIFE_TEST(test_expired_noop_pays),
		LIFE_TEST(test_cancel_above_fee_cap),
		LIFE_TEST(test_cancel_of_sent_without_slot),
		LIFE_TEST(test_cancel_of_held),
		LIFE_TEST(test_void_of_another_owner_meanwhile),
		LIFE_TEST(test_void_then_crash),
		LIFE_TEST(test_void_of_assigned_then_crash),
		LIFE_TEST(test_canceled_row_reset),
		LIFE_TEST(test_rejected_row_reset),
		LIFE_TEST(test_many_refusals_are_one_commit),
		LIFE_TEST(test_many_refusals_and_a_crash),
		LIFE_TEST(test_row_edited_back_from_a_refusal),
		LIFE_TEST(test_row_edited_before_the_void_of_a_refusal),
	};
	return LIFE_MAIN(tests);
}
