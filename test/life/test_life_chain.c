/* What a node does: answers that are lost, pools that forget, blocks that go away, fees that rise,
 * nonces that somebody else took. */
#include "life_fault.h"
#include "life_world.h"

#include "core/fee.h"

static struct store_view sent(struct life *life, const char *symbol, uint64_t units,
			      struct withdrawal *ret_row)
{
	*ret_row = life_accept(life, symbol, units);
	life_process(life);
	life_sign(life);
	return life_view(life, ret_row->intent.id);
}

static void assert_one_slot_each(struct life *life, int64_t slots)
{
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), slots);
	life_assert_settled(life);
	life_assert_quiet(life);
}

/* The node took the bytes, or did not; nobody knows. */
static void test_send_timeout_new_nonce(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_LOSE, "chain_send_many", 1);
	(void)sent(life, "POL", 1001, &rows[0]);
	life_run(life, 6);
	life_assert_paid(life, &rows[0]);
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_send_many", 1);
	struct store_view view = sent(life, "TUSD", 1002, &rows[1]);
	assert_int_equal(view.transfer.stage, TRANSFER_BROADCAST); /* maybe */
	life_run(life, 2);
	life_assert_unpaid(life, &rows[1]);
	life_wait(life, 3000);
	life_run(life, 7);
	life_assert_paid(life, &rows[1]);
	assert_int_equal(life_view(life, rows[1].intent.id).transfer.attempts, 1);
	assert_one_slot_each(life, 2);
}

/* A node says that the nonce is consumed, and it is not: that is no verdict. */
static void test_nonce_too_low_lagging_node(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_TOO_LOW, "chain_send_many", 0);
	(void)sent(life, "TUSD", 1004, &row);
	for (int i = 0; i < 4; i++) {
		life_wait(life, 3000);
		life_run(life, 2);
	}
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_assert_unpaid(life, &row);
	life_fault_clear(life);
	life_wait(life, 3000);
	life_run(life, 9);
	life_assert_paid(life, &row);
	assert_one_slot_each(life, 1);
}

static void test_already_known_is_failure(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_DOUBLE, "chain_send_many", 0);
	(void)sent(life, "TUSD", 1003, &row);
	life_sql(life, "UPDATE transfers SET wish = 1, wish_attempts_seen = 1");
	life_wait(life, 3000);
	life_sign(life);
	life_run(life, 6);
	life_assert_paid(life, &row);
	assert_one_slot_each(life, 1);
}

static void test_evicted_from_pool(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[3];
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		(void)sent(life, i % 2 ? "TUSD" : "POL", 1010 + i, &rows[i]);
	life_drop_pool(life);
	life_run(life, 3);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_unpaid(life, &rows[i]);
	life_wait(life, 3000);
	life_run(life, 7);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		life_assert_paid(life, &rows[i]);
		assert_int_equal(life_view(life, rows[i].intent.id).transfer.attempts, 1);
	}
	assert_one_slot_each(life, 3);
}

/* The lowest nonce is gone, and all the others of the wallet wait for it. */
static void test_head_of_line_lost(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[9]; /* three in each wallet */
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		rows[i] = life_accept(life, "POL", 1020 + i);
	life_process(life);
	life_sign(life);
	struct hash32 hash = life_view(life, rows[0].intent.id).tx_hash;
	char params[80];
	snprintf(params, sizeof params, "[\"%s\"]", life_hex(hash.bytes, 32));
	assert_non_null(strstr(life_rpc(life, "anvil_dropTransaction", params), "0x"));
	life_run(life, 3);
	life_assert_unpaid(life, &rows[0]);
	life_wait(life, 3000);
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	assert_one_slot_each(life, COUNT_OF(rows));
}

/* Mined, and the block goes away with it: the same bytes go out again. */
static void test_reorged_then_new_nonce(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	(void)sent(life, "POL", 1030, &rows[0]);
	(void)sent(life, "TUSD", 1031, &rows[1]);
	for (int i = 0; i < 2; i++) {
		life_mine(life, 1);
		life_watch(life);
		assert_int_equal(life_view(life, rows[0].intent.id).transfer.stage, TRANSFER_MINED);
		life_reorg(life, 1);
		life_watch(life);
		struct store_view view = life_view(life, rows[0].intent.id);
		assert_int_equal(view.transfer.stage, TRANSFER_BROADCAST);
		assert_true(hash32_is_zero(view.transfer.mined_hash));
		life_wait(life, 3000);
		life_watch(life);
		life_sign(life);
	}
	life_run(life, 7);
	life_assert_paid(life, &rows[0]);
	life_assert_paid(life, &rows[1]);
	assert_int_equal(life_view(life, rows[0].intent.id).transfer.attempts, 1);
	assert_one_slot_each(life, 2);
}

/* What was found in the new blocks could not be written: it is looked for again. */
static void test_reorg_not_written(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[2];
	life_fault_install(life);
	(void)sent(life, "POL", 1032, &rows[0]);
	(void)sent(life, "TUSD", 1033, &rows[1]);
	life_mine(life, 1);
	life_watch(life);
	assert_int_equal(life_view(life, rows[0].intent.id).transfer.stage, TRANSFER_MINED);
	life_reorg(life, 1);
	life_fault_at(life, LIFE_FAULT_FAIL, "store_transfers_observe", 1);
	life_watch(life);
	assert_string_equal(life_fault_hit(life), "store_transfers_observe");
	assert_int_equal(life_view(life, rows[0].intent.id).transfer.stage, TRANSFER_MINED);
	life_fault_clear(life);
	life_watch(life);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(life_view(life, rows[i].intent.id).transfer.stage,
				 TRANSFER_BROADCAST);
	life_wait(life, 3000);
	life_run(life, 7);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		life_assert_paid(life, &rows[i]);
	assert_one_slot_each(life, 2);
}

/* The monitor was away while the block was replaced. */
static void test_reorg_while_monitor_is_away(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	(void)sent(life, "POL", 1035, &row);
	life_mine(life, 1);
	life_watch(life);
	life_restart(life, LIFE_MONITOR);
	life_reorg(life, 1);
	life_run(life, 2);
	life_assert_unpaid(life, &row);
	life_wait(life, 3000);
	life_run(life, 7);
	life_assert_paid(life, &row);
	assert_one_slot_each(life, 1);
}

#define GWEI UINT64_C(1000000000)

/* Fees rise above what was signed: the next attempt pays the same, for more. */
static void test_stuck_is_bumped(void **state)
{
	struct life *life = *state;
	struct withdrawal rows[3];
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		(void)sent(life, i % 2 ? "TUSD" : "POL", 1040 + i, &rows[i]);
	life_base_fee(life, 40 * GWEI);
	life_run(life, 2);
	life_assert_unpaid(life, &rows[0]);
	life_wait(life, 11000);
	life_run(life, 8);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		life_assert_paid(life, &rows[i]);
		assert_true(life_view(life, rows[i].intent.id).transfer.attempts >= 2);
	}
	assert_one_slot_each(life, COUNT_OF(rows));
}

/* Somebody kept the first bytes and sends them again, when they are good enough again. */
static void first_attempt_mine(struct life *life, const struct withdrawal *row)
{
	struct attempt attempts[ATTEMPTS_MAX];
	struct chain_send answer;
	struct err err = { 0 };
	size_t n = 0;
	struct id slot = life_view(life, row->intent.id).transfer.id;
	assert_true(store_attempts_load(life->store, slot, attempts, ATTEMPTS_MAX, &n, &err));
	assert_int_equal(n, 2);
	life_base_fee(life, GWEI);
	life_mine(life, 1);
	struct str raw = str_from_bytes(attempts[0].raw, attempts[0].raw_len);
	chain_send_many(life->chain, &raw, 1, &answer);
	assert_int_equal(answer.state, CHAIN_SEND_ACCEPTED);
}

/* The bump went out and its process died; and it did not go out, and the first attempt is mined. */
static void test_bumped_hash_forgotten(void **state)
{
	struct life *life = *state;
	static const enum life_fault_mode modes[] = { LIFE_FAULT_KILL, LIFE_FAULT_LOSE,
						      LIFE_FAULT_FAIL };
	life_fault_install(life);
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		struct withdrawal row;
		(void)sent(life, "POL", 1050 + i, &row);
		life_base_fee(life, (40 + 40 * i) * GWEI);
		life_mine(life, 1);
		life_wait(life, 11000);
		life_watch(life);
		life_fault_at(life, modes[i], "chain_send_many", 1);
		life_sign(life);
		assert_string_equal(life_fault_hit(life), "chain_send_many");
		life_fault_clear(life);
		if (modes[i] == LIFE_FAULT_FAIL)
			first_attempt_mine(life, &row);
		life_mine(life, 1);
		life_run(life, 7);
		life_assert_paid(life, &row);
		assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 2);
	}
	assert_one_slot_each(life, COUNT_OF(modes));
}

/* A payment is out, and a cancellation of the same nonce too (its gas does not fit any more). */
static struct withdrawal cancellation_out(struct life *life, uint64_t units)
{
	struct withdrawal row;
	(void)sent(life, "TUSD", units, &row);
	life->catalogue.assets[1].gas_ceiling = 25000;
	life_base_fee(life, 40 * GWEI);
	life_mine(life, 1);
	life_wait(life, 11000);
	life_watch(life);
	life_sign(life);
	life->catalogue.assets[1].gas_ceiling = 200000;
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 2);
	assert_int_equal(life_number(life, "SELECT sum(is_cancel) FROM attempts", NULL), 1);
	return row;
}

/* The cancellation is mined: it was not paid, and goes out again, once. */
static void test_cancel_races_original_and_wins(void **state)
{
	struct life *life = *state;
	struct withdrawal row = cancellation_out(life, 1055);
	life_run(life, 4);
	life_assert_unpaid(life, &row);
	for (int i = 0; i < 2; i++) {
		life_wait(life, 16000);
		life_run(life, 8);
	}
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 1);
	assert_one_slot_each(life, 2);
}

/* The original is mined: it was paid, whatever was signed after it. */
static void test_cancel_races_original_and_loses(void **state)
{
	struct life *life = *state;
	struct withdrawal row = cancellation_out(life, 1056);
	life_drop_pool(life);
	first_attempt_mine(life, &row);
	life_run(life, 10);
	life_assert_paid(life, &row);
	assert_int_equal(life_view(life, row.intent.id).withdrawal.round, 0);
	assert_one_slot_each(life, 1);
}

/* Above the cap for an hour: before a nonce, after it, and in the pool. */
static void test_fee_cap_reached(void **state)
{
	struct life *life = *state;
	struct withdrawal pooled, reserved, fresh;
	life_fault_install(life);
	(void)sent(life, "POL", 1060, &pooled);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	(void)sent(life, "TUSD", 1061, &reserved);
	life_fault_clear(life);
	life_base_fee(life, 600 * GWEI);
	life_mine(life, 1);
	life_wait(life, 1000);
	(void)sent(life, "POL", 1062, &fresh);
	life_assert_waits(life, &fresh, "fee_above_cap");
	for (int i = 0; i < 12; i++) { /* of the hour */
		life_base_fee(life, 600 * GWEI);
		life_wait(life, 300000);
		life_run(life, 1);
	}
	assert_int_equal(life_alarms(life, "fee_above_cap"), 2); /* each slot once */
	assert_int_equal(life_view(life, reserved.intent.id).transfer.stage, TRANSFER_RESERVED);
	assert_false(life_view(life, fresh.intent.id).has_transfer);
	for (int i = 0; i < 3; i++) {
		life_base_fee(life, GWEI);
		life_wait(life, 20000);
		life_run(life, 4);
	}
	life_assert_paid(life, &pooled);
	life_assert_paid(life, &reserved);
	life_assert_paid(life, &fresh);
	assert_one_slot_each(life, 3);
}

/* Attempts of a slot in the journal that were never stored, up to its bound. */
static void attempts_fill(struct life *life, const struct transfer *slot)
{
	struct journal_entry entry = { .has_slot = true, .kind = JOURNAL_PAY, .has_attempt = true };
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	struct err err = { 0 };
	bool has_pay = false, has_cancel = true;
	uint32_t attempts = 0;
	entry.slot = (struct journal_slot){ slot->chain_id, slot->wallet, slot->nonce };
	assert_true(journal_slot_of(life->journal, &entry.slot, &has_pay, &has_cancel,
				    &entry.payload_hash, &entry.fee_ceiling, &attempts, &err));
	assert_true(has_pay && !has_cancel);
	while (attempts < ATTEMPTS_MAX) {
		entry.attempt_number = ++attempts;
		assert_true(journal_append_many(life->journal, &entry, 1, &verdict, &err));
		assert_int_not_equal(verdict, JOURNAL_DIFFERENT);
	}
}

/* No attempt is left, and fees are above those that were allowed: a person is told once, and the
 * slot waits until they have come down. */
static void test_attempts_are_used_up(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "keys_sign_many", 0);
	(void)sent(life, "POL", 1065, &row);
	struct transfer slot = life_view(life, row.intent.id).transfer;
	assert_int_equal(slot.stage, TRANSFER_RESERVED);
	attempts_fill(life, &slot);
	life_fault_clear(life);
	life_base_fee(life, 100 * GWEI);
	life_mine(life, 1);
	for (int i = 0; i < 6; i++) {
		life_wait(life, 20000);
		life_sign(life);
	}
	assert_int_equal(life_alarms(life, "attempts_exhausted"), 1);
	assert_int_equal(life_view(life, row.intent.id).transfer.stage, TRANSFER_RESERVED);
	life_base_fee(life, 1);
	life_mine(life, 1);
	life_wait(life, 20000);
	life_run(life, 5);
	life_assert_paid(life, &row);
	assert_one_slot_each(life, 1);
}

/* Another transaction of the nonce lies in the pool for more; it is away while blocks are made. */
struct rival {
	char params[512];
	char hash[80]; /* as parameters */
};

static void rival_send(struct life *life, struct rival *rival)
{
	const char *result =
		strstr(life_rpc(life, "eth_sendTransaction", rival->params), "\"result\":\"0x");
	assert_non_null(result);
	snprintf(rival->hash, sizeof rival->hash, "[\"%.66s\"]", result + strlen("\"result\":\""));
}

static void rival_pass_by(struct life *life, struct rival *rival)
{
	(void)life_rpc(life, "anvil_dropTransaction", rival->hash);
	life_mine(life, 1);
	rival_send(life, rival);
}

/* What a node wants of a replacement: an eighth more than the one before, of both. */
static void assert_each_is_for_more(struct life *life, const struct withdrawal *row)
{
	struct attempt attempts[ATTEMPTS_MAX];
	struct err err = { 0 };
	size_t n = 0;
	struct id slot = life_view(life, row->intent.id).transfer.id;
	assert_true(store_attempts_load(life->store, slot, attempts, ATTEMPTS_MAX, &n, &err));
	for (size_t i = 1; i < n; i++) {
		const struct fees *last = &attempts[i - 1].fees;
		struct wei tip, cap;
		assert_true(fee_bump(last->tip, &tip) && fee_bump(last->cap, &cap));
		assert_true(wei_compare(attempts[i].fees.tip, tip) >= 0);
		assert_true(wei_compare(attempts[i].fees.cap, cap) >= 0);
	}
}

/* Each bump goes up from the last one, until one replaces the rival. */
static void test_underpriced_loop(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	struct rival rival;
	struct address wallet = life->catalogue.wallets[0].address;
	struct address nobody = life_fresh_address(life);
	snprintf(rival.params, sizeof rival.params,
		 "[{\"from\":\"%s\",\"to\":\"%s\",\"value\":\"0x1\",\"gas\":\"0x5208\","
		 "\"maxFeePerGas\":\"0x12a05f200\",\"maxPriorityFeePerGas\":\"0x77359400\"}]",
		 life_hex(wallet.bytes, 20), life_hex(nobody.bytes, 20));
	/* It comes when the nonce is taken: before, the wallet would wait. */
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_send_many", 1);
	(void)sent(life, "POL", 1070, &row);
	life_fault_clear(life);
	rival_send(life, &rival);
	for (int i = 0; i < 60 && life_view(life, row.intent.id).transfer.attempts < 5; i++) {
		rival_pass_by(life, &rival);
		life_wait(life, 4000);
		life_watch(life);
		life_sign(life);
	}
	assert_int_equal(life_view(life, row.intent.id).transfer.attempts, 5);
	assert_each_is_for_more(life, &row);
	/* A rival that never comes back. */
	(void)life_rpc(life, "anvil_dropTransaction", rival.hash);
	life_wait(life, 3000);
	life_run(life, 6);
	life_assert_paid(life, &row);
	assert_true(u256_is_zero(life_balance(life, "POL", nobody)));
	assert_one_slot_each(life, 1);
}

/* Somebody else has the key, and a payment of ours was on the same nonce: no verdict about it. */
static void test_foreign_transaction(void **state)
{
	struct life *life = *state;
	struct withdrawal row;
	struct address nobody = life_fresh_address(life);
	life_fault_install(life);
	life_fault_at(life, LIFE_FAULT_FAIL, "chain_send_many", 1);
	struct store_view view = sent(life, "POL", 1080, &row);
	life_fault_clear(life);
	life_foreign_send(life, view.transfer.wallet, nobody);
	for (int i = 0; i < 6; i++) {
		life_wait(life, 3000);
		life_run(life, 2);
	}
	assert_true(life_alarms(life, "nonce_consumed_elsewhere") == 1);
	assert_true(life_alarms(life, "transfer_is_foreign") == 1);
	life_assert_stage(life, &row, WITHDRAWAL_ASSIGNED);
	life_assert_unpaid(life, &row);
	/* In hand before it is said: hash, block, receipt. */
	view = life_view(life, row.intent.id);
	assert_int_equal(view.transfer.stage, TRANSFER_FINAL);
	assert_int_equal(view.transfer.outcome, OUTCOME_FOREIGN);
	assert_false(hash32_is_zero(view.transfer.mined_hash));
	assert_string_equal(view.withdrawal.held_reason, "nonce_consumed_elsewhere");
	assert_int_equal(
		life_number(life, "SELECT count(*) FROM wallets WHERE stop_reason <> ''", NULL), 1);
	life_assert_alive(life); /* the other wallets */
	assert_int_equal(life_number(life, "SELECT count(*) FROM transfers", NULL), 3);
}

/* The same while nothing of ours is under way: the wallet is not what its rows say. The others wait
 * until it is known what was paid, and go on. */
static void test_foreign_transaction_of_idle_wallet(void **state)
{
	struct life *life = *state;
	struct address wallet = life->catalogue.wallets[0].address;
	life_foreign_send(life, wallet, life_fresh_address(life));
	for (int i = 0; i < 5; i++) {
		life_wait(life, 1000);
		life_run(life, 1);
	}
	assert_true(life_alarms(life, "nonce_consumed_elsewhere") == 1);
	life_assert_alive(life);
	assert_int_equal(life_number(life,
				     "SELECT count(*) FROM transfers t JOIN wallets w ON "
				     "w.id = t.wallet_id WHERE w.stop_reason <> ''",
				     NULL),
			 1); /* the stranger's */
}

/* A payment whose receipts are not answered for, or absent (LOSE), while blocks come: nobody stops
 * for that. */
static struct withdrawal sent_without_receipts(struct life *life, enum life_fault_mode mode,
					       int rounds)
{
	struct withdrawal row;
	life_fault_install(life);
	(void)sent(life, "POL", 1090, &row);
	life_fault_at(life, mode, "chain_receipts", 0);
	for (int i = 0; i < rounds; i++) {
		life_wait(life, 3000);
		life_run(life, 1);
	}
	assert_int_equal(life_alarms(life, "nonce_consumed_elsewhere"), 0);
	return row;
}

/* They are there again: it was paid, by what was sent then. */
static void receipts_return(struct life *life, const struct withdrawal *row)
{
	life_fault_clear(life);
	life_run(life, 6);
	life_assert_paid(life, row);
	assert_int_equal(life_view(life, row->intent.id).transfer.attempts, 1);
	assert_one_slot_each(life, 1);
}

/* A node that fails at every receipt says nothing: nobody stops, and nothing is sent anew. */
static void test_receipts_unknown(void **state)
{
	struct life *life = *state;
	struct withdrawal row = sent_without_receipts(life, LIFE_FAULT_FAIL, 8);
	receipts_return(life, &row);
	assert_int_equal(life_alarms(life, "transfer_reorged"), 0);
}

/* The nonce has moved on, and another node has no receipt yet: no verdict, and no second payment;
 * not even the wallet stops, for as long as it is not deep. */
static void test_receipt_null_with_nonce_advanced(void **state)
{
	struct life *life = *state;
	struct withdrawal row = sent_without_receipts(life, LIFE_FAULT_LOSE, 4);
	receipts_return(life, &row);
}

/* One machine behind an address has no receipts, the other one says that the nonce is consumed,
 * deep enough for a verdict, head after head: it is by our own transaction, and nobody stops. */
static void test_own_transaction_is_no_stranger(void **state)
{
	struct life *life = *state;
	struct withdrawal row = sent_without_receipts(life, LIFE_FAULT_LOSE, 24);
	receipts_return(life, &row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_send_timeout_new_nonce),
		LIFE_TEST(test_nonce_too_low_lagging_node),
		LIFE_TEST(test_already_known_is_failure),
		LIFE_TEST(test_evicted_from_pool),
		LIFE_TEST(test_head_of_line_lost),
		LIFE_TEST(test_reorged_then_new_nonce),
		LIFE_TEST(test_reorg_not_written),
		LIFE_TEST(test_reorg_while_monitor_is_away),
		LIFE_TEST(test_stuck_is_bumped),
		LIFE_TEST(test_bumped_hash_forgotten),
		LIFE_TEST(test_cancel_races_original_and_wins),
		LIFE_TEST(test_cancel_races_original_and_loses),
		LIFE_TEST(test_fee_cap_reached),
		LIFE_TEST(test_attempts_are_used_up),
		LIFE_TEST(test_underpriced_loop),
		LIFE_TEST(test_foreign_transaction),
		LIFE_TEST(test_foreign_transaction_of_idle_wallet),
		LIFE_TEST(test_receipts_unknown),
		LIFE_TEST(test_receipt_null_with_nonce_advanced),
		LIFE_TEST(test_own_transaction_is_no_stranger),
	};
	return LIFE_MAIN(tests);
}
