/* Why a node does not take a transaction, in the words of its kind. core/chain_answer reads them
 * back, as it reads the real ones. Source: go-ethereum and bor (core/txpool, core/error.go), anvil.
 */
#ifndef SLUICE_SIM_CHAIN_REFUSAL_H
#define SLUICE_SIM_CHAIN_REFUSAL_H

#include "core/chain_answer.h"
#include "sim/chain_node.h"

enum sim_refusal {
	SIM_REFUSE_NOTHING = 0,
	SIM_REFUSE_UNREADABLE,
	SIM_REFUSE_CHAIN_ID,
	SIM_REFUSE_SIGNATURE,
	SIM_REFUSE_TIP_ABOVE_CAP,
	SIM_REFUSE_NODE_CAP,
	SIM_REFUSE_BLOCK_GAS,
	SIM_REFUSE_INTRINSIC_GAS,
	SIM_REFUSE_TIP_LOW,
	SIM_REFUSE_BASE_FEE,
	SIM_REFUSE_KNOWN,
	SIM_REFUSE_NONCE_LOW,
	SIM_REFUSE_NONCE_HIGH,
	SIM_REFUSE_FUNDS,
	SIM_REFUSE_REPLACEMENT,
	SIM_REFUSE_POOL_FULL,
	SIM_REFUSE_ACCOUNT_LIMIT,
	SIM_REFUSALS
};

/* Static storage; CHECKs that it is a refusal. */
const char *sim_refusal_text(enum sim_refusal refusal, enum sim_node_flavour flavour);

#endif
