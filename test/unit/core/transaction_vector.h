/* A line of transaction.tsv as values. */
#ifndef SLUICE_TEST_UNIT_CORE_TRANSACTION_VECTOR_H
#define SLUICE_TEST_UNIT_CORE_TRANSACTION_VECTOR_H

#include "core/tx.h"

#include "../testing.h"

#define TRANSACTION_COLUMNS 15
#define TRANSACTIONS_MIN    330

struct transaction_vector {
	struct tx tx;
	struct hash32 signing_hash;
	struct tx_signature signature;
	uint8_t signed_storage[TX_BYTES_MAX];
	struct str signed_bytes;
	struct hash32 hash;
	struct address signer;
};

static inline bool transaction_next(struct vectors *vectors, struct transaction_vector *ret)
{
	struct str column[TRANSACTION_COLUMNS];
	if (!vectors_next(vectors, column, TRANSACTION_COLUMNS))
		return false;
	*ret = (struct transaction_vector){ 0 };
	ret->tx.chain_id = column_u64(column[0]);
	ret->tx.nonce = column_u64(column[1]);
	ret->tx.fees.tip.value = column_u256(column[2]);
	ret->tx.fees.cap.value = column_u256(column[3]);
	ret->tx.gas_limit = column_u64(column[4]);
	assert_int_equal(address_read(column[5], &ret->tx.to), ADDRESS_OK);
	ret->tx.value.value = column_u256(column[6]);
	ret->tx.data_len = column_bytes(column[7], ret->tx.data, sizeof ret->tx.data);
	assert_true(hash32_read(column[8], &ret->signing_hash));
	ret->signature.parity = (uint8_t)column_u64(column[9]);
	assert_int_equal(column_bytes(column[10], ret->signature.r, 32), 32);
	assert_int_equal(column_bytes(column[11], ret->signature.s, 32), 32);
	size_t len = column_bytes(column[12], ret->signed_storage, sizeof ret->signed_storage);
	ret->signed_bytes = str_from_bytes(ret->signed_storage, len);
	assert_true(hash32_read(column[13], &ret->hash));
	assert_int_equal(address_read(column[14], &ret->signer), ADDRESS_OK);
	return true;
}

#endif
