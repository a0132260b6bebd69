/* What port/keys.h promises, for every back end: a suite's program makes its keys and runs
 * KEYS_CONTRACT_TESTS over them. */
#ifndef SLUICE_TEST_CONTRACT_KEYS_CONTRACT_H
#define SLUICE_TEST_CONTRACT_KEYS_CONTRACT_H

#include "../unit/testing.h"
#include "core/address.h"
#include "core/limits.h"
#include "core/signature.h"
#include "port/keys.h"

#define KEYS_CONTRACT_MAX     16
#define KEYS_CONTRACT_BATCHES 6 /* some r and s begin with a zero byte, half of the s are high */

/* The test state of a suite begins with it. */
struct keys_contract {
	struct keys *keys;
	struct signature_context *context;
	char refs[KEYS_CONTRACT_MAX][KEY_REF_LEN_MAX + 1];
	struct address addresses[KEYS_CONTRACT_MAX]; /* told by the program of others */
	size_t len;                                  /* at least 2 */
	const char *unknown;                         /* of the same back end, and no key */
	size_t batches; /* that are signed to see all kinds of signatures; 0: KEYS_CONTRACT_BATCHES
			 */
};

/* "REF@0xADDRESS REF@0xADDRESS …" of the variable, as a runner gives them. */
void keys_contract_read(struct keys_contract *contract, const char *variable);

/* A digest that is a number's alone. */
struct hash32 keys_contract_digest(uint64_t number);
/* The signature is the key's, over this digest. Returns whether s was high. */
bool keys_contract_verify(const struct keys_contract *contract, size_t key, struct hash32 digest,
			  const struct keys_result *result);
/* Signs n digests with one key after the other, verifies all; fails the test when one is not done.
 */
void keys_contract_sign(struct keys_contract *contract, uint64_t first, size_t n);

void keys_contract_gives_addresses(void **state);
void keys_contract_signs_a_batch_in_order(void **state);
void keys_contract_signs_any_digest(void **state);
void keys_contract_one_unknown_key_harms_no_other(void **state);
void keys_contract_knows_no_address_of_an_unknown_key(void **state);

#define KEYS_CONTRACT_TESTS(make, remove)                                                         \
	cmocka_unit_test_setup_teardown(keys_contract_gives_addresses, make, remove),             \
		cmocka_unit_test_setup_teardown(keys_contract_signs_a_batch_in_order, make,       \
						remove),                                          \
		cmocka_unit_test_setup_teardown(keys_contract_signs_any_digest, make, remove),    \
		cmocka_unit_test_setup_teardown(keys_contract_one_unknown_key_harms_no_other,     \
						make, remove),                                    \
		cmocka_unit_test_setup_teardown(keys_contract_knows_no_address_of_an_unknown_key, \
						make, remove)

#endif
