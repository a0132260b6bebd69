#include "core/transfer.h"

#include "core/abi.h"

#include "../testing.h"

static const struct address wallet = { { 1 } };
static const struct address receiver = { { 2 } };
static const struct address contract = { { 3 } };

static struct intent intent_new(bool is_native)
{
	return (struct intent){ .id = { { 7 } },
				.chain_id = 137,
				.is_native = is_native,
				.contract = is_native ? (struct address){ { 0 } } : contract,
				.to = receiver,
				.amount = { u256_from_u64(12500000) } };
}

static struct transfer transfer_new(bool is_native)
{
	struct transfer transfer = { .wallet = wallet, .nonce = 5 };
	struct intent intent = intent_new(is_native);
	transfer_bind(&transfer, &intent);
	return transfer;
}

static void native_coin_goes_to_the_receiver(void **state)
{
	(void)state;
	struct transfer transfer = transfer_new(true);
	struct tx tx;
	transfer_payload(&transfer, &tx);
	assert_int_equal(tx.chain_id, 137);
	assert_int_equal(tx.nonce, 5);
	assert_true(address_equal(tx.to, receiver));
	assert_true(u256_equal(tx.value.value, u256_from_u64(12500000)));
	assert_int_equal(tx.data_len, 0);
}

static void a_token_is_told_whom_to_pay(void **state)
{
	(void)state;
	struct transfer transfer = transfer_new(false);
	uint8_t expected[ABI_TRANSFER_BYTES];
	struct tx tx;
	transfer_payload(&transfer, &tx);
	abi_write_transfer(receiver, transfer.amount, expected);
	assert_true(address_equal(tx.to, contract));
	assert_true(u256_is_zero(tx.value.value));
	assert_int_equal(tx.data_len, sizeof expected);
	assert_memory_equal(tx.data, expected, sizeof expected);
}

static void assert_self_transfer(const struct tx *tx)
{
	assert_int_equal(tx->nonce, 5);
	assert_true(address_equal(tx->to, wallet));
	assert_true(u256_is_zero(tx->value.value));
	assert_int_equal(tx->data_len, 0);
}

/* T7: the slot's cancellation pays nobody, and so does what a row becomes by it. */
static void a_cancellation_pays_nobody(void **state)
{
	(void)state;
	for (int is_native = 0; is_native <= 1; is_native++) {
		struct transfer transfer = transfer_new(is_native != 0);
		struct hash32 before = transfer_payload_hash(&transfer);
		struct tx tx;
		transfer_cancellation(&transfer, &tx);
		assert_self_transfer(&tx);
		transfer_make_cancel(&transfer);
		assert_true(transfer.is_cancel);
		assert_false(hash32_equal(transfer.payload_hash, before));
		assert_true(amount_is_zero(transfer.amount));
		transfer_payload(&transfer, &tx);
		assert_self_transfer(&tx);
	}
}

static void nothing_cannot_be_paid(void **state)
{
	(void)state;
	struct transfer transfer = { .wallet = wallet };
	struct intent intent = intent_new(true);
	intent.amount = (struct amount){ u256_zero() };
	assert_aborts(transfer_bind(&transfer, &intent));
}

/* What a transaction of the wallet pays, read back; in no other way do we pay. */
static void a_payload_is_read_back(void **state)
{
	(void)state;
	for (int is_native = 0; is_native <= 1; is_native++) {
		struct transfer transfer = transfer_new(is_native != 0);
		struct transfer read = { .wallet = wallet };
		struct tx tx;
		transfer_payload(&transfer, &tx);
		transfer.payload_hash = transfer_payload_hash(&transfer);
		assert_true(transfer_read_payload(&tx, &read));
		assert_false(read.is_cancel);
		assert_int_equal(read.is_token, transfer.is_token);
		assert_true(address_equal(read.to, transfer.to));
		assert_true(address_equal(read.receiver, transfer.receiver));
		assert_int_equal(wei_compare(read.value, transfer.value), 0);
		assert_int_equal(amount_compare(read.amount, transfer.amount), 0);
		assert_true(hash32_equal(read.payload_hash, transfer.payload_hash));
	}
	struct transfer token = transfer_new(false);
	struct transfer read = { .wallet = wallet };
	struct tx tx;
	transfer_payload(&token, &tx);
	tx.value.value = u256_from_u64(1);
	assert_false(transfer_read_payload(&tx, &read));
	tx.value.value = u256_zero();
	tx.data[0] ^= 1;
	assert_false(transfer_read_payload(&tx, &read));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(native_coin_goes_to_the_receiver),
		cmocka_unit_test(a_token_is_told_whom_to_pay),
		cmocka_unit_test(a_cancellation_pays_nobody),
		cmocka_unit_test(nothing_cannot_be_paid),
		cmocka_unit_test(a_payload_is_read_back),
	};
	return cmocka_run_group_tests_name("core/transfer", tests, NULL, NULL);
}
