/* Results of a node as values of port/chain.h. Foreign bytes: unknown fields are skipped, known
 * ones are read strictly, and false (or UNKNOWN) means that nothing of it may be believed. Pure. */
#ifndef SLUICE_ADAPTER_CHAIN_JSONRPC_PARSE_H
#define SLUICE_ADAPTER_CHAIN_JSONRPC_PARSE_H

#include "base/json.h"
#include "port/chain.h"

/* A JSON-RPC quantity: "0x" and digits. u64 values are below 2^63. Value may be NULL. */
bool chain_read_u64(const struct json_value *value, uint64_t *ret_number);
bool chain_read_u256(const struct json_value *value, struct u256 *ret_number);
bool chain_read_hash(const struct json_value *value, struct hash32 *ret_hash);
/* Return data of exactly one word. */
bool chain_read_word(const struct json_value *value, struct u256 *ret_word);

/* The latest block: number, hashes, time, base fee and gas limit of ret_head. */
bool chain_read_head(const struct json_value *block, struct chain_head *ret_head);
/* Number and hashes alone. */
bool chain_read_block(const struct json_value *block, uint64_t *ret_number,
		      struct chain_block *ret_block);
/* FOUND only when the receipt is of `hash`, mined, and complete; null is ABSENT. */
void chain_read_receipt(const struct json_value *receipt, struct hash32 hash,
			struct chain_receipt *ret_receipt);
/* PENDING or MINED only when the transaction is `hash`; null is ABSENT. */
enum chain_lookup chain_read_lookup(const struct json_value *transaction, struct hash32 hash);
/* Looks for a transaction in a block that came with all of them. UNKNOWN when the answer is not
 * that block, or one of its transactions cannot be read: a list with a gap proves no absence. */
void chain_read_found(const struct json_value *block, uint64_t number,
		      const struct chain_wanted *wanted, struct chain_found *ret_found);
/* The sender of a transaction in a block. */
bool chain_read_sender(const struct json_value *transaction, struct address *ret_sender);
/* Nonce, hash and (put together from its fields; kept only if they have that hash) the signed
 * bytes. ret_transaction: block and from are the caller's. False when the answer makes no sense. */
bool chain_read_transaction(const struct json_value *transaction,
			    struct chain_transaction *ret_transaction);
/* A log of eth_getLogs. ret_is_transfer false: not Transfer(address, address, uint256). */
bool chain_read_transfer(const struct json_value *log, struct chain_transfer *ret_transfer,
			 bool *ret_is_transfer);

#endif
