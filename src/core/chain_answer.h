/* What a node's words mean. Texts vary by client and version, so they only speed a decision up; the
 * truth is the chain, and what is not understood stays UNKNOWN.
 *
 * The texts are those of go-ethereum and bor (core/txpool, core/error.go), erigon, nethermind, besu
 * and anvil 1.7.
 */
#ifndef SLUICE_CORE_CHAIN_ANSWER_H
#define SLUICE_CORE_CHAIN_ANSWER_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What a node's answer to a raw transaction means (domain.md's table in ARCHITECTURE.md). */
enum chain_send_state {
	CHAIN_SEND_ACCEPTED = 1,
	CHAIN_SEND_KNOWN = 2,          /* these bytes are in the pool or mined: success */
	CHAIN_SEND_NONCE_TOO_LOW = 3,  /* the nonce is consumed: look for all hashes of the slot */
	CHAIN_SEND_NONCE_TOO_HIGH = 4, /* a gap below: send the lower slots again */
	CHAIN_SEND_UNDERPRICED = 5, /* a replacement needs more than another attempt of the slot */
	CHAIN_SEND_BACK_PRESSURE = 6, /* pool full, account limit: same bytes later */
	CHAIN_SEND_FEE_TOO_LOW = 7,   /* below the chain's minimum or the base fee: re-sign */
	CHAIN_SEND_FUNDS = 8,         /* the wallet is empty, counting what is queued */
	CHAIN_SEND_GAS_WRONG = 9,     /* intrinsic gas, block gas limit */
	CHAIN_SEND_NODE_CAP = 10,     /* the node's own fee cap */
	CHAIN_SEND_INVALID = 11,      /* wrong chain id or signature: stop, alarm */
	CHAIN_SEND_UNKNOWN = 12,      /* maybe sent: same bytes again, look up by hash */
};

enum chain_estimate_state {
	CHAIN_ESTIMATE_OK,
	CHAIN_ESTIMATE_REVERTED, /* the node executed it and it reverted */
	CHAIN_ESTIMATE_FUNDS,    /* the sender cannot pay for it */
	CHAIN_ESTIMATE_UNKNOWN,
};

/* Error message of eth_sendRawTransaction. Pure. */
enum chain_send_state chain_error_classify(struct str message);
/* Error code and message of eth_estimateGas. A revert's message holds the receiver's own words, so
 * code and prefix decide before anything else is looked for. Pure. */
enum chain_estimate_state chain_estimate_classify(int64_t code, struct str message);
/* True when an error of eth_getBlockByNumber says that the node does not know the tag. Pure. */
bool chain_tag_is_unknown(int64_t code, struct str message);

#endif
