#include "core/chain_answer.h"

#include "base/defence.h"

#define CODE_REVERTED       3 /* go-ethereum, bor, anvil */
#define CODE_INVALID_PARAMS (-32602)
#define CODE_UNKNOWN_BLOCK  (-39001) /* execution-apis: the tag has no block yet */

/* The first part that the message contains decides, any case: longer texts stand before texts that
 * they contain. */
static const struct {
	const char *part;
	enum chain_send_state state;
} sends[] = {
	{ "already known", CHAIN_SEND_KNOWN },
	{ "already_exists", CHAIN_SEND_KNOWN },
	{ "alreadyknown", CHAIN_SEND_KNOWN },
	{ "already imported", CHAIN_SEND_KNOWN }, /* anvil */
	{ "known transaction", CHAIN_SEND_KNOWN },
	{ "existing tx with same hash", CHAIN_SEND_KNOWN },

	{ "nonce too low", CHAIN_SEND_NONCE_TOO_LOW },
	{ "oldnonce", CHAIN_SEND_NONCE_TOO_LOW },
	{ "nonce too high", CHAIN_SEND_NONCE_TOO_HIGH },
	{ "noncegap", CHAIN_SEND_NONCE_TOO_HIGH },
	{ "gapped-nonce", CHAIN_SEND_NONCE_TOO_HIGH },

	{ "replacement transaction underpriced", CHAIN_SEND_UNDERPRICED },
	{ "could not replace existing tx", CHAIN_SEND_UNDERPRICED },
	{ "replacementnotallowed", CHAIN_SEND_UNDERPRICED },

	{ "gas price below minimum", CHAIN_SEND_FEE_TOO_LOW },
	{ "less than block base fee", CHAIN_SEND_FEE_TOO_LOW },
	{ "gas tip cap", CHAIN_SEND_FEE_TOO_LOW }, /* bor: gas tip cap X, minimum needed Y */
	{ "feetoolow", CHAIN_SEND_FEE_TOO_LOW },
	{ "fee too low", CHAIN_SEND_FEE_TOO_LOW },

	{ "transaction underpriced",
	  CHAIN_SEND_BACK_PRESSURE }, /* the pool is full of better ones */
	{ "txpool is full", CHAIN_SEND_BACK_PRESSURE },
	{ "transaction pool is full", CHAIN_SEND_BACK_PRESSURE },
	{ "account limit exceeded", CHAIN_SEND_BACK_PRESSURE },
	{ "future transaction tries to replace pending", CHAIN_SEND_BACK_PRESSURE },
	{ "in-flight transaction limit", CHAIN_SEND_BACK_PRESSURE },
	{ "address already reserved", CHAIN_SEND_BACK_PRESSURE },

	{ "insufficient funds", CHAIN_SEND_FUNDS },
	{ "insufficientfunds", CHAIN_SEND_FUNDS },
	{ "upfront cost exceeds account balance", CHAIN_SEND_FUNDS },
	{ "would cause overdraft", CHAIN_SEND_FUNDS },

	{ "exceeds the configured cap", CHAIN_SEND_NODE_CAP },

	{ "intrinsic gas too low", CHAIN_SEND_GAS_WRONG },
	{ "intrinsic gas too high", CHAIN_SEND_GAS_WRONG }, /* anvil: above the block's limit */
	{ "floor data gas", CHAIN_SEND_GAS_WRONG },
	{ "exceeds block gas limit", CHAIN_SEND_GAS_WRONG },
	{ "gas limit too high", CHAIN_SEND_GAS_WRONG },
	{ "gaslimitexceeded", CHAIN_SEND_GAS_WRONG },

	{ "invalid sender", CHAIN_SEND_INVALID },
	{ "only replay-protected", CHAIN_SEND_INVALID },
	{ "invalid chain id", CHAIN_SEND_INVALID },
	{ "invalid signature", CHAIN_SEND_INVALID },
	{ "invalid transaction v, r, s", CHAIN_SEND_INVALID },
	{ "failed to decode", CHAIN_SEND_INVALID },
	{ "empty transaction data", CHAIN_SEND_INVALID },
	{ "transaction type not supported", CHAIN_SEND_INVALID },
	{ "typed transaction too short", CHAIN_SEND_INVALID },
	{ "rlp:", CHAIN_SEND_INVALID },
	{ "sender not an eoa", CHAIN_SEND_INVALID },
	{ "oversized data", CHAIN_SEND_INVALID },
	{ "tip higher than fee cap", CHAIN_SEND_INVALID },
	{ "priority fee per gas higher than max fee", CHAIN_SEND_INVALID },
};

static const struct {
	const char *part;
	enum chain_estimate_state state;
} estimates[] = {
	{ "revert", CHAIN_ESTIMATE_REVERTED },
	{ "insufficient funds", CHAIN_ESTIMATE_FUNDS },
	{ "insufficient balance", CHAIN_ESTIMATE_FUNDS },
	{ "exceeds allowance (0)", CHAIN_ESTIMATE_FUNDS }, /* go-ethereum: no coin for any gas */
	{ "exceeds allowance: 0", CHAIN_ESTIMATE_FUNDS },  /* anvil */
	/* Executed, and it burnt all the gas that a call may have. */
	{ "gas required exceeds allowance", CHAIN_ESTIMATE_REVERTED },
	{ "out of gas", CHAIN_ESTIMATE_REVERTED },
	{ "invalid opcode", CHAIN_ESTIMATE_REVERTED },
	{ "invalid jump destination", CHAIN_ESTIMATE_REVERTED },
	/* Anvil: "EVM error: InvalidFEOpcode". "EVM error" alone is also what it says when its own
	 * database is away. */
	{ "invalidfeopcode", CHAIN_ESTIMATE_REVERTED },
	{ "invalidjump", CHAIN_ESTIMATE_REVERTED },
	{ "opcodenotfound", CHAIN_ESTIMATE_REVERTED },
};

enum chain_send_state chain_error_classify(struct str message)
{
	for (size_t i = 0; i < sizeof sends / sizeof sends[0]; i++)
		if (str_contains_fold(message, str_from(sends[i].part)))
			return sends[i].state;
	return CHAIN_SEND_UNKNOWN;
}

enum chain_estimate_state chain_estimate_classify(int64_t code, struct str message)
{
	if (code == CODE_REVERTED)
		return CHAIN_ESTIMATE_REVERTED;
	struct str reverted = STR("execution reverted");
	if (message.len >= reverted.len &&
	    str_equal_fold((struct str){ message.at, reverted.len }, reverted))
		return CHAIN_ESTIMATE_REVERTED;
	for (size_t i = 0; i < sizeof estimates / sizeof estimates[0]; i++)
		if (str_contains_fold(message, str_from(estimates[i].part)))
			return estimates[i].state;
	return CHAIN_ESTIMATE_UNKNOWN;
}

bool chain_tag_is_unknown(int64_t code, struct str message)
{
	return code == CODE_INVALID_PARAMS || code == CODE_UNKNOWN_BLOCK ||
	       str_contains_fold(message, STR("block not found")) ||
	       str_contains_fold(message, STR("unknown block"));
}
