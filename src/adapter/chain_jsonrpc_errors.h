/* What a node's words mean. Texts vary by client and version, so they only speed a decision up; the
 * truth is the chain, and what is not understood stays UNKNOWN.
 *
 * The texts are those of go-ethereum and bor (core/txpool, core/error.go), erigon, nethermind, besu
 * and anvil 1.7.
 */
#ifndef SLUICE_ADAPTER_CHAIN_JSONRPC_ERRORS_H
#define SLUICE_ADAPTER_CHAIN_JSONRPC_ERRORS_H

#include "base/str.h"
#include "port/chain.h"

/* Error message of eth_sendRawTransaction. Pure. */
enum chain_send_state chain_error_classify(struct str message);
/* Error code and message of eth_estimateGas. A revert's message holds the receiver's own words, so
 * code and prefix decide before anything else is looked for. Pure. */
enum chain_estimate_state chain_estimate_classify(int64_t code, struct str message);
/* True when an error of eth_getBlockByNumber says that the node does not know the tag. Pure. */
bool chain_tag_is_unknown(int64_t code, struct str message);

#endif
