/* What a mined transaction does, and what the receipt says of it. */
#include "chain_fixture.h"

#include "core/abi.h"

static void payment_of_coins(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct address to = address_number(1);
	struct tx tx = coin_tx(0, to, 500);
	struct u256 before = sim_chain_balance(f->chain, 0, 0);
	struct hash32 hash = submit(f, 0, &tx);
	assert_int_equal(lookup_of(f->nodes[0], hash), CHAIN_LOOKUP_PENDING);
	mine(f, 1);
	struct sim_payments paid;
	sim_chain_payments(f->chain, 0, to, &paid);
	assert_int_equal(paid.count, 1);
	assert_int_equal(u64_of(paid.sum), 500);
	assert_true(hash32_equal(paid.newest.tx_hash, hash));
	assert_int_equal(paid.newest.block_number, sim_chain_head(f->chain));
	struct chain_receipt receipt = receipt_of(f->nodes[0], hash);
	assert_int_equal(receipt.state, CHAIN_RECEIPT_FOUND);
	assert_true(receipt.success);
	assert_int_equal(receipt.gas_used, 21000);
	assert_int_equal(receipt.logs_len, 0);
	assert_true(address_equal(receipt.from, f->wallets[0]));
	assert_true(address_equal(receipt.to, to));
	assert_int_equal(lookup_of(f->nodes[0], hash), CHAIN_LOOKUP_MINED);
	struct sim_block block;
	assert_true(sim_chain_block(f->chain, receipt.block_number, &block));
	assert_true(hash32_equal(block.hash, receipt.block_hash));
	assert_int_equal(u64_of(receipt.gas_price.value), block.base_fee + TIP);
	/* What left is the payment and the fee. */
	struct u256 fee = sim_chain_fees_paid(f->chain, 0);
	assert_int_equal(u64_of(fee), 21000 * (block.base_fee + TIP));
	struct u256 left = u256_sub_saturated(before, u256_from_u64(500 + u64_of(fee)));
	assert_true(u256_equal(sim_chain_balance(f->chain, 0, 0), left));
	fixture_free(f);
}

static void payment_of_tokens(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct address to = address_number(1);
	struct tx tx = token_tx(f, 0, to, 777);
	struct hash32 hash = submit(f, 0, &tx);
	mine(f, 1);
	struct chain_receipt receipt = receipt_of(f->nodes[0], hash);
	struct abi_transfer log;
	assert_true(receipt.success);
	assert_int_equal(receipt.gas_used, TOKEN_GAS);
	assert_int_equal(receipt.logs_len, 1);
	assert_true(address_equal(receipt.logs[0].contract, f->contract));
	assert_true(abi_read_transfer_log(&receipt.logs[0], &log));
	assert_true(address_equal(log.from, f->wallets[0]));
	assert_true(address_equal(log.to, to));
	assert_int_equal(u64_of(log.amount.units), 777);
	assert_int_equal(u64_of(sim_chain_balance(f->chain, 0, f->token)), 1000000 - 777);
	struct sim_payments paid;
	sim_chain_payments(f->chain, f->token, to, &paid);
	assert_int_equal(u64_of(paid.sum), 777);
	fixture_free(f);
}

static void between_own_wallets(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct tx tx = token_tx(f, 0, f->wallets[1], 100);
	struct tx self = token_tx(f, 1, f->wallets[0], 5);
	submit(f, 0, &tx);
	submit(f, 0, &self);
	mine(f, 1);
	assert_int_equal(u64_of(sim_chain_balance(f->chain, 0, f->token)), 1000000 - 100);
	assert_int_equal(u64_of(sim_chain_balance(f->chain, 1, f->token)), 1000000 + 100);
	fixture_free(f);
}

static struct chain_receipt one_mined(struct fixture *f, const struct tx *tx,
				      struct sim_payments *ret_paid, unsigned asset,
				      struct address to)
{
	struct hash32 hash = submit(f, 0, tx);
	mine(f, 1);
	sim_chain_payments(f->chain, asset, to, ret_paid);
	return receipt_of(f->nodes[0], hash);
}

static void assert_reverted(const struct chain_receipt *receipt, const struct sim_payments *paid)
{
	assert_int_equal(receipt->state, CHAIN_RECEIPT_FOUND);
	assert_false(receipt->success);
	assert_int_equal(receipt->logs_len, 0);
	assert_true(receipt->gas_used > 0);
	assert_int_equal(paid->count, 0);
}

static void reverts(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct address to = address_number(1);
	struct sim_payments paid;
	sim_chain_receiver_set(f->chain, to, &(struct sim_receiver){ .reverts = true });
	struct tx tx = coin_tx(0, to, 5);
	struct chain_receipt receipt = one_mined(f, &tx, &paid, 0, to);
	assert_reverted(&receipt, &paid);

	sim_chain_receiver_set(f->chain, to, &(struct sim_receiver){ .blocked = true });
	tx = token_tx(f, 1, to, 5);
	receipt = one_mined(f, &tx, &paid, f->token, to);
	assert_reverted(&receipt, &paid);

	sim_chain_receiver_set(f->chain, to, &(struct sim_receiver){ 0 });
	sim_chain_token_mode_set(f->chain, f->token, SIM_TOKEN_PAUSED);
	tx = token_tx(f, 2, to, 5);
	receipt = one_mined(f, &tx, &paid, f->token, to);
	assert_reverted(&receipt, &paid);

	sim_chain_token_mode_set(f->chain, f->token, SIM_TOKEN_GOOD);
	tx = token_tx(f, 3, to, 1000001);
	receipt = one_mined(f, &tx, &paid, f->token, to);
	assert_reverted(&receipt, &paid);

	tx = token_tx(f, 4, to, 5);
	tx.gas_limit = TOKEN_GAS - 1;
	receipt = one_mined(f, &tx, &paid, f->token, to);
	assert_reverted(&receipt, &paid);
	assert_int_equal(receipt.gas_used, TOKEN_GAS - 1);

	tx = token_tx(f, 5, to, 5);
	tx.value.value = u256_from_u64(1);
	receipt = one_mined(f, &tx, &paid, f->token, to);
	assert_reverted(&receipt, &paid);
	assert_int_equal(sim_chain_counts(f->chain)->txs_reverted, 6);
	assert_int_equal(u64_of(sim_chain_balance(f->chain, 0, f->token)), 1000000);
	fixture_free(f);
}

/* Status 1, and yet not what was asked for. */
static void odd_tokens(void **state)
{
	(void)state;
	static const struct {
		enum sim_token_mode mode;
		uint64_t left;
		uint64_t arrived;
		size_t logs;
	} cases[] = {
		{ SIM_TOKEN_GOOD, 1000, 1000, 1 },      { SIM_TOKEN_SAYS_FALSE, 0, 0, 0 },
		{ SIM_TOKEN_NO_LOG, 1000, 1000, 0 },    { SIM_TOKEN_OTHER_AMOUNT, 1000, 990, 1 },
		{ SIM_TOKEN_OTHER_LOG, 1000, 1000, 1 }, { SIM_TOKEN_TWO_LOGS, 1000, 1000, 2 },
	};
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		size_t at = i / 2;
		struct fixture *f = fixture_new(1, 1);
		struct address to = address_number(1);
		struct sim_payments paid;
		struct tx tx = token_tx(f, 0, to, 1000);
		/* The token itself, or for this receiver. */
		if (i % 2 == 0)
			sim_chain_token_mode_set(f->chain, f->token, cases[at].mode);
		else
			sim_chain_receiver_set(
				f->chain, to,
				&(struct sim_receiver){ .token_mode = cases[at].mode });
		struct chain_receipt receipt = one_mined(f, &tx, &paid, f->token, to);
		assert_true(receipt.success);
		assert_int_equal(receipt.logs_len, cases[at].logs);
		assert_int_equal(u64_of(paid.sum), cases[at].arrived);
		assert_int_equal(u64_of(sim_chain_balance(f->chain, 0, f->token)),
				 1000000 - cases[at].left);
		assert_int_equal(sim_chain_counts(f->chain)->txs_odd,
				 cases[at].mode != SIM_TOKEN_GOOD);
		if (receipt.logs_len > 0)
			assert_int_equal(address_equal(receipt.logs[0].contract, f->contract),
					 cases[at].mode != SIM_TOKEN_OTHER_LOG);
		fixture_free(f);
	}
}

static void unknown_data_has_no_effect(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct sim_payments paid;
	struct tx tx = coin_tx(0, address_number(9), 0);
	tx.data_len = 5;
	memset(tx.data, 0x11, 5);
	struct chain_receipt receipt = one_mined(f, &tx, &paid, 0, address_number(9));
	assert_true(receipt.success);
	assert_int_equal(receipt.gas_used, 21000 + 5 * 16);
	assert_int_equal(paid.count, 0);
	/* A transfer, but of nobody's token. */
	tx = token_tx(f, 1, address_number(1), 10);
	tx.to = address_number(10);
	receipt = one_mined(f, &tx, &paid, f->token, address_number(1));
	assert_true(receipt.success);
	assert_int_equal(receipt.logs_len, 0);
	assert_int_equal(paid.count, 0);
	fixture_free(f);
}

static void estimates_execute(void **state)
{
	(void)state;
	struct fixture *f = fixture_new(1, 1);
	struct address good = address_number(1), bad = address_number(2);
	sim_chain_receiver_set(f->chain, bad,
			       &(struct sim_receiver){ .reverts = true, .blocked = true });
	struct tx transfer_good = token_tx(f, 0, good, 5), transfer_bad = token_tx(f, 0, bad, 5);
	struct tx too_much = token_tx(f, 0, good, 1000001);
	const struct chain_call calls[] = {
		{ .from = f->wallets[0], .to = good, .value = { u256_from_u64(5) } },
		{ .from = f->wallets[0], .to = bad, .value = { u256_from_u64(5) } },
		{ .from = f->wallets[0], .to = good, .value = { u256_max() } },
		{ .from = good, .to = bad, .value = { u256_from_u64(5) } },
		{ f->wallets[0], f->contract, { u256_zero() }, transfer_good.data, 68 },
		{ f->wallets[0], f->contract, { u256_zero() }, transfer_bad.data, 68 },
		{ f->wallets[0], f->contract, { u256_zero() }, too_much.data, 68 },
	};
	static const enum chain_estimate_state wanted[] = {
		CHAIN_ESTIMATE_OK,       CHAIN_ESTIMATE_REVERTED, CHAIN_ESTIMATE_FUNDS,
		CHAIN_ESTIMATE_FUNDS,    CHAIN_ESTIMATE_OK,       CHAIN_ESTIMATE_REVERTED,
		CHAIN_ESTIMATE_REVERTED,
	};
	struct chain_estimate estimates[COUNT_OF(calls)];
	struct err err;
	assert_true(chain_estimate_many(sim_node_port(f->nodes[0]), calls, COUNT_OF(calls),
					estimates, &err));
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		assert_int_equal(estimates[i].state, wanted[i]);
	assert_int_equal(estimates[0].gas, 21000);
	assert_int_equal(estimates[4].gas, TOKEN_GAS);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payment_of_coins),    cmocka_unit_test(payment_of_tokens),
		cmocka_unit_test(between_own_wallets), cmocka_unit_test(reverts),
		cmocka_unit_test(odd_tokens),          cmocka_unit_test(unknown_data_has_no_effect),
		cmocka_unit_test(estimates_execute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
