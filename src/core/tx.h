/* EIP-1559 transactions: what is signed, what is sent, and the hash they are known by.
 * Source: EIP-1559, EIP-2718. */
#ifndef SLUICE_CORE_TX_H
#define SLUICE_CORE_TX_H

#include "base/buf.h"
#include "core/address.h"
#include "core/amount.h"
#include "core/fee.h"
#include "core/limits.h"

struct tx {
	uint64_t chain_id;
	uint64_t nonce;
	struct fees fees;
	uint64_t gas_limit;
	struct address to;
	struct wei value;
	uint8_t data[CALLDATA_BYTES_MAX];
	size_t data_len; /* 0 to CALLDATA_BYTES_MAX */
};

struct tx_signature {
	uint8_t r[32];
	uint8_t s[32];
	uint8_t parity; /* 0 or 1 */
};

/* Keccak-256 of 0x02 ‖ rlp([chain_id, nonce, tip, cap, gas, to, value, data, []]). */
struct hash32 tx_signing_hash(const struct tx *tx);
/* 0x02 ‖ rlp([…, parity, r, s]) into `out`; sets out->overflow when it does not fit. */
void tx_write_signed(const struct tx *tx, const struct tx_signature *signature, struct buf *out);
/* The hash of signed bytes. */
struct hash32 tx_hash_of(struct str signed_bytes);
/* Reads signed bytes back (no access list). False when they are not exactly such a transaction. */
bool tx_read_signed(struct str signed_bytes, struct tx *ret_tx, struct tx_signature *ret_signature);
/* Hash of what a slot pays (chain, wallet, nonce, to, value, data; not gas, not fees): fixed when
 * the slot is reserved, the same for every attempt that pays. */
struct hash32 tx_payload_hash(const struct tx *tx, struct address wallet);

#endif
