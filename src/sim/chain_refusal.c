#include "sim/chain_refusal.h"

static const char *const texts[SIM_REFUSALS][SIM_NODE_FLAVOURS] = {
	[SIM_REFUSE_UNREADABLE] = { "rlp: value size exceeds available input length",
				    "typed transaction too short", "Failed to decode transaction" },
	[SIM_REFUSE_CHAIN_ID] = { "invalid chain id for signer: have 1 want 137", "invalid sender",
				  "Invalid chain id for signer" },
	[SIM_REFUSE_SIGNATURE] = { "invalid sender", "invalid sender", "Invalid signature" },
	[SIM_REFUSE_TIP_ABOVE_CAP] = { "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: 3, "
				       "maxFeePerGas: 2",
				       "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: 3, "
				       "maxFeePerGas: 2",
				       "max priority fee per gas higher than max fee per gas" },
	[SIM_REFUSE_NODE_CAP] = { "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)",
				  "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)",
				  "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)" },
	[SIM_REFUSE_BLOCK_GAS] = { "exceeds block gas limit", "exceeds block gas limit",
				   "intrinsic gas too high -- GasLimit exceeds block gas limit" },
	[SIM_REFUSE_INTRINSIC_GAS] = { "intrinsic gas too low: gas 20000, minimum needed 21000",
				       "intrinsic gas too low: gas 20000, minimum needed 21000",
				       "intrinsic gas too low" },
	[SIM_REFUSE_TIP_LOW] = { "transaction gas price below minimum: gas tip cap 1, minimum needed 1000000000",
				 "transaction gas price below minimum: gas tip cap 1, minimum needed 25000000000",
				 "max fee per gas less than block base fee" },
	[SIM_REFUSE_BASE_FEE] = { "max fee per gas less than block base fee: address 0x00, "
				  "maxFeePerGas: 1, baseFee: 2",
				  "max fee per gas less than block base fee: address 0x00, "
				  "maxFeePerGas: 1, baseFee: 2",
				  "max fee per gas less than block base fee" },
	[SIM_REFUSE_KNOWN] = { "already known", "already known", "transaction already imported" },
	[SIM_REFUSE_NONCE_LOW] = { "nonce too low: next nonce 5, tx nonce 3", "nonce too low",
				   "nonce too low" },
	[SIM_REFUSE_NONCE_HIGH] = { "nonce too high", "nonce too high", "nonce too high" },
	[SIM_REFUSE_FUNDS] = { "insufficient funds for gas * price + value: balance 1, tx cost 3, "
			       "overshot 2",
			       "insufficient funds for gas * price + value",
			       "Insufficient funds for gas * price + value" },
	[SIM_REFUSE_REPLACEMENT] = { "replacement transaction underpriced",
				     "replacement transaction underpriced",
				     "replacement transaction underpriced" },
	[SIM_REFUSE_POOL_FULL] = { "txpool is full",
				   "transaction underpriced: new tx gas fee cap 1, existing 2",
				   "transaction pool is full" },
	[SIM_REFUSE_ACCOUNT_LIMIT] = { "account limit exceeded: pooled 16 txs",
				       "account limit exceeded",
				       "in-flight transaction limit reached" },
};

const char *sim_refusal_text(enum sim_refusal refusal, enum sim_node_flavour flavour)
{
	CHECK(refusal > SIM_REFUSE_NOTHING && refusal < SIM_REFUSALS);
	CHECK(flavour < SIM_NODE_FLAVOURS);
	return texts[refusal][flavour];
}
