#include "core/chain_answer.h"

#include "../testing.h"

/* Whole messages, as clients write them. */
static const struct {
	const char *message;
	enum chain_send_state wanted;
} sends[] = {
	/* go-ethereum and bor */
	{ "already known", CHAIN_SEND_KNOWN },
	{ "nonce too low", CHAIN_SEND_NONCE_TOO_LOW },
	{ "nonce too low: next nonce 5, tx nonce 3", CHAIN_SEND_NONCE_TOO_LOW },
	{ "nonce too high: address 0x00, tx: 9 state: 5", CHAIN_SEND_NONCE_TOO_HIGH },
	{ "gapped-nonce tx from delegated accounts", CHAIN_SEND_NONCE_TOO_HIGH },
	{ "replacement transaction underpriced", CHAIN_SEND_UNDERPRICED },
	{ "replacement transaction underpriced: new tx gas fee cap 5 <= 4 queued + 10% "
	  "replacement penalty",
	  CHAIN_SEND_UNDERPRICED },
	{ "transaction underpriced", CHAIN_SEND_BACK_PRESSURE },
	{ "txpool is full", CHAIN_SEND_BACK_PRESSURE },
	{ "account limit exceeded: pooled 64 txs", CHAIN_SEND_BACK_PRESSURE },
	{ "future transaction tries to replace pending", CHAIN_SEND_BACK_PRESSURE },
	{ "in-flight transaction limit reached for delegated accounts", CHAIN_SEND_BACK_PRESSURE },
	{ "transaction gas price below minimum: gas tip cap 1000000000, minimum needed "
	  "25000000000",
	  CHAIN_SEND_FEE_TOO_LOW },
	{ "transaction underpriced: gas tip cap 1000000000, minimum needed 25000000000",
	  CHAIN_SEND_FEE_TOO_LOW },
	{ "max fee per gas less than block base fee: address 0x00, maxFeePerGas: 1, "
	  "baseFee: 7",
	  CHAIN_SEND_FEE_TOO_LOW },
	{ "insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot "
	  "21000",
	  CHAIN_SEND_FUNDS },
	{ "insufficient funds for gas * price + value: balance 9, queued cost 5, tx cost 5, "
	  "overshot 1",
	  CHAIN_SEND_FUNDS },
	{ "intrinsic gas too low: gas 20000, minimum needed 21000", CHAIN_SEND_GAS_WRONG },
	{ "insufficient gas for floor data gas cost: gas 21600, minimum needed 22000",
	  CHAIN_SEND_GAS_WRONG },
	{ "exceeds block gas limit", CHAIN_SEND_GAS_WRONG },
	{ "transaction gas limit too high (cap: 33554432, tx: 40000000)", CHAIN_SEND_GAS_WRONG },
	{ "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)", CHAIN_SEND_NODE_CAP },
	{ "invalid sender", CHAIN_SEND_INVALID },
	{ "invalid chain id for signer: have 1 want 137", CHAIN_SEND_INVALID },
	{ "only replay-protected (EIP-155) transactions allowed over RPC", CHAIN_SEND_INVALID },
	{ "transaction type not supported", CHAIN_SEND_INVALID },
	{ "typed transaction too short", CHAIN_SEND_INVALID },
	{ "rlp: expected input list for types.DynamicFeeTx", CHAIN_SEND_INVALID },
	{ "invalid transaction v, r, s values", CHAIN_SEND_INVALID },
	{ "max priority fee per gas higher than max fee per gas: 5 > 4", CHAIN_SEND_INVALID },
	/* erigon, nethermind, besu */
	{ "ALREADY_EXISTS: already known", CHAIN_SEND_KNOWN },
	{ "INTERNAL_ERROR: existing tx with same hash", CHAIN_SEND_KNOWN },
	{ "INTERNAL_ERROR: could not replace existing tx", CHAIN_SEND_UNDERPRICED },
	{ "AlreadyKnown", CHAIN_SEND_KNOWN },
	{ "OldNonce, Current nonce: 5, nonce of rejected tx: 3", CHAIN_SEND_NONCE_TOO_LOW },
	{ "ReplacementNotAllowed", CHAIN_SEND_UNDERPRICED },
	{ "InsufficientFunds, Balance is zero, cannot pay gas", CHAIN_SEND_FUNDS },
	{ "Known transaction", CHAIN_SEND_KNOWN },
	{ "Upfront cost exceeds account balance", CHAIN_SEND_FUNDS },
	/* anvil */
	{ "transaction already imported", CHAIN_SEND_KNOWN },
	{ "Insufficient funds for gas * price + value", CHAIN_SEND_FUNDS },
	{ "max fee per gas less than block base fee", CHAIN_SEND_FEE_TOO_LOW },
	{ "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit", CHAIN_SEND_GAS_WRONG },
	{ "Failed to decode transaction", CHAIN_SEND_INVALID },
	{ "Empty transaction data", CHAIN_SEND_INVALID },
	/* not understood: maybe sent */
	{ "", CHAIN_SEND_UNKNOWN },
	{ "internal error", CHAIN_SEND_UNKNOWN },
	{ "rate limit exceeded", CHAIN_SEND_UNKNOWN },
	{ "Too Many Requests", CHAIN_SEND_UNKNOWN },
	{ "request timed out", CHAIN_SEND_UNKNOWN },
	{ "execution aborted (timeout = 5s)", CHAIN_SEND_UNKNOWN },
	{ "upstream nodes are not in sync", CHAIN_SEND_UNKNOWN },
	{ "the method eth_sendRawTransaction does not exist/is not available", CHAIN_SEND_UNKNOWN },
};

static void test_sends(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sends); i++) {
		enum chain_send_state got = chain_error_classify(str_from(sends[i].message));
		if (got != sends[i].wanted)
			print_error("%s\n", sends[i].message);
		assert_int_equal(got, sends[i].wanted);
	}
}

static void test_estimates(void **state)
{
	(void)state;
	static const struct {
		int64_t code;
		const char *message;
		enum chain_estimate_state wanted;
	} cases[] = {
		{ 3, "execution reverted: TestToken: blocked", CHAIN_ESTIMATE_REVERTED },
		/* The receiver chooses these words. */
		{ 3, "execution reverted: insufficient funds", CHAIN_ESTIMATE_REVERTED },
		{ -32000, "execution reverted: insufficient funds", CHAIN_ESTIMATE_REVERTED },
		{ -32015, "VM execution error: reverted", CHAIN_ESTIMATE_REVERTED },
		{ -32000, "insufficient funds for transfer", CHAIN_ESTIMATE_FUNDS },
		{ -32000, "insufficient funds for gas * price + value: address 0x0 have 0 want 1",
		  CHAIN_ESTIMATE_FUNDS },
		{ -32003, "Insufficient funds for gas * price + value", CHAIN_ESTIMATE_FUNDS },
		{ -32000, "gas required exceeds allowance (0)", CHAIN_ESTIMATE_FUNDS },
		{ -32003, "Out of gas: gas required exceeds allowance: 0", CHAIN_ESTIMATE_FUNDS },
		{ -32000, "gas required exceeds allowance (50000000)", CHAIN_ESTIMATE_REVERTED },
		{ -32003, "Out of gas: gas required exceeds allowance: 300000000",
		  CHAIN_ESTIMATE_REVERTED },
		{ -32000, "invalid opcode: INVALID", CHAIN_ESTIMATE_REVERTED },
		{ -32603, "EVM error: InvalidFEOpcode", CHAIN_ESTIMATE_REVERTED },
		/* The node's own trouble blames nobody. */
		{ -32603, "EVM error; database error: failed to get account: timed out",
		  CHAIN_ESTIMATE_UNKNOWN },
		{ -32000, "header not found", CHAIN_ESTIMATE_UNKNOWN },
		{ -32005, "rate limit exceeded", CHAIN_ESTIMATE_UNKNOWN },
		{ -32603, "internal error", CHAIN_ESTIMATE_UNKNOWN },
		{ 0, "", CHAIN_ESTIMATE_UNKNOWN },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum chain_estimate_state got =
			chain_estimate_classify(cases[i].code, str_from(cases[i].message));
		if (got != cases[i].wanted)
			print_error("%s\n", cases[i].message);
		assert_int_equal(got, cases[i].wanted);
	}
}

static void test_unknown_tag(void **state)
{
	(void)state;
	assert_true(chain_tag_is_unknown(-32602, STR("invalid argument 0: hex string")));
	assert_true(chain_tag_is_unknown(-39001, STR("Unknown block")));
	assert_true(chain_tag_is_unknown(-32000, STR("finalized block not found")));
	assert_true(chain_tag_is_unknown(-32000, STR("Unknown block")));
	assert_false(chain_tag_is_unknown(-32603, STR("internal error")));
	assert_false(chain_tag_is_unknown(-32005, STR("rate limit exceeded")));
	assert_false(chain_tag_is_unknown(-32000, STR("request timed out")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sends),
		cmocka_unit_test(test_estimates),
		cmocka_unit_test(test_unknown_tag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
