#include "keys_contract.h"

#include "base/hash.h"

void keys_contract_read(struct keys_contract *contract, const char *variable)
{
	const char *text = getenv(variable);
	assert_non_null(text);
	struct str rest = str_from(text);
	while (rest.len > 0) {
		struct str entry = rest, after = { 0 }, ref, address;
		(void)str_cut(rest, ' ', &entry, &after);
		rest = after;
		assert_true(contract->len < KEYS_CONTRACT_MAX);
		assert_true(str_cut(entry, '@', &ref, &address));
		assert_true(str_copy(ref, contract->refs[contract->len],
				     sizeof contract->refs[contract->len]));
		assert_int_equal(address_read(address, &contract->addresses[contract->len]),
				 ADDRESS_OK);
		contract->len++;
	}
	assert_true(contract->len >= 2);
}

struct hash32 keys_contract_digest(uint64_t number)
{
	struct hash32 digest;
	sha256(&number, sizeof number, digest.bytes);
	return digest;
}

bool keys_contract_verify(const struct keys_contract *contract, size_t key, struct hash32 digest,
			  const struct keys_result *result)
{
	struct tx_signature signature;
	struct address signer;
	assert_true(result->done);
	assert_true(signature_complete(contract->context, digest, result->r, result->s,
				       result->parity, contract->addresses[key], &signature));
	/* It is low now, whatever it was: no chain takes another one. */
	assert_true(signature_recover(contract->context, digest, &signature, &signer));
	assert_true(address_equal(signer, contract->addresses[key]));
	return memcmp(signature.s, result->s, 32) != 0;
}

void keys_contract_sign(struct keys_contract *contract, uint64_t first, size_t n)
{
	struct keys_request requests[BATCH_MAX] = { 0 };
	struct keys_result results[BATCH_MAX];
	for (size_t i = 0; i < n; i++)
		requests[i] = (struct keys_request){ contract->refs[i % contract->len],
						     keys_contract_digest(first + i) };
	keys_sign_many(contract->keys, requests, n, results);
	for (size_t i = 0; i < n; i++) {
		if (!results[i].done)
			fail_msg("%s: %s", requests[i].key_ref, results[i].err.text);
		(void)keys_contract_verify(contract, i % contract->len, requests[i].digest,
					   &results[i]);
	}
}

void keys_contract_gives_addresses(void **state)
{
	struct keys_contract *contract = *state;
	for (size_t i = 0; i < contract->len; i++) {
		struct address address;
		struct err err = { 0 };
		if (!keys_address(contract->keys, contract->refs[i], &address, &err))
			fail_msg("%s: %s", contract->refs[i], err.text);
		assert_true(address_equal(address, contract->addresses[i]));
	}
}

void keys_contract_signs_a_batch_in_order(void **state)
{
	struct keys_contract *contract = *state;
	size_t batches = contract->batches > 0 ? contract->batches : KEYS_CONTRACT_BATCHES;
	for (uint64_t round = 0; round < batches; round++)
		keys_contract_sign(contract, round * BATCH_MAX, BATCH_MAX);
	keys_contract_sign(contract, 0, 1);
}

/* What a digest looks like is nobody's business: it is signed as it is. */
void keys_contract_signs_any_digest(void **state)
{
	struct keys_contract *contract = *state;
	struct keys_request requests[3] = { 0 };
	struct keys_result results[3];
	memset(requests[0].digest.bytes, 0xff, 32); /* above the order */
	requests[1].digest.bytes[31] = 1;
	memcpy(requests[2].digest.bytes, "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03", 12);
	for (size_t i = 0; i < 3; i++)
		requests[i].key_ref = contract->refs[0];
	keys_sign_many(contract->keys, requests, 3, results);
	for (size_t i = 0; i < 3; i++)
		(void)keys_contract_verify(contract, 0, requests[i].digest, &results[i]);
}

void keys_contract_one_unknown_key_harms_no_other(void **state)
{
	struct keys_contract *contract = *state;
	struct keys_request requests[5];
	struct keys_result results[5];
	for (size_t i = 0; i < 5; i++)
		requests[i] =
			(struct keys_request){ i == 2 ? contract->unknown : contract->refs[i % 2],
					       keys_contract_digest(i) };
	keys_sign_many(contract->keys, requests, 5, results);
	for (size_t i = 0; i < 5; i++)
		if (i != 2)
			(void)keys_contract_verify(contract, i % 2, requests[i].digest,
						   &results[i]);
	assert_false(results[2].done);
	assert_int_equal(results[2].err.kind, ERR_REFUSED);
	assert_true(results[2].err.text[0] != '\0');
}

void keys_contract_knows_no_address_of_an_unknown_key(void **state)
{
	struct keys_contract *contract = *state;
	struct address address;
	struct err err = { 0 };
	assert_false(keys_address(contract->keys, contract->unknown, &address, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}
