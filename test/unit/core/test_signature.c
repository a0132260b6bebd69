#include "core/signature.h"

#include "transaction_vector.h"

/* Half of the order of secp256k1, and the order. */
#define HALF_ORDER "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"
#define ORDER      "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"

static int context_make(void **state)
{
	*state = signature_context_new();
	return *state == NULL;
}

static int context_end(void **state)
{
	signature_context_free(*state);
	signature_context_free(NULL);
	return 0;
}

static struct u256 constant(const char *hex)
{
	uint8_t bytes[U256_BYTES];
	assert_true(hex_read(str_from(hex), bytes, sizeof bytes));
	return u256_from_bytes(bytes);
}

/* The other signature of the same key over the same digest: s becomes order - s. */
static struct tx_signature with_high_s(const struct tx_signature *signature)
{
	struct tx_signature high = *signature;
	struct u256 s;
	assert_true(u256_sub(constant(ORDER), u256_from_bytes(signature->s), &s));
	u256_to_bytes(s, high.s);
	high.parity ^= 1;
	return high;
}

static bool same_signature(const struct tx_signature *a, const struct tx_signature *b)
{
	return memcmp(a->r, b->r, 32) == 0 && memcmp(a->s, b->s, 32) == 0 && a->parity == b->parity;
}

static void recovers_the_signer(void **state)
{
	struct vectors vectors = vectors_open("transaction.tsv");
	struct transaction_vector vector;
	while (transaction_next(&vectors, &vector)) {
		struct address signer = { { 0 } };
		if (!signature_recover(*state, vector.signing_hash, &vector.signature, &signer) ||
		    !address_equal(signer, vector.signer))
			fail_msg("transaction.tsv line %d", vectors.number);
	}
	vectors_close(&vectors, TRANSACTIONS_MIN);
}

/* r and s from a key store, low or high; the parity is found whatever the hint says, and s is made
 * low. */
static void completes_what_a_key_store_gives(void **state)
{
	struct vectors vectors = vectors_open("transaction.tsv");
	struct transaction_vector vector;
	while (transaction_next(&vectors, &vector)) {
		struct tx_signature high = with_high_s(&vector.signature);
		for (uint8_t hint = 0; hint <= 1; hint++) {
			struct tx_signature done = { { 0 }, { 0 }, 9 };
			assert_true(signature_complete(*state, vector.signing_hash,
						       vector.signature.r, vector.signature.s, hint,
						       vector.signer, &done));
			assert_true(same_signature(&done, &vector.signature));
			done = (struct tx_signature){ { 0 }, { 0 }, 9 };
			assert_true(signature_complete(*state, vector.signing_hash, high.r, high.s,
						       hint, vector.signer, &done));
			assert_true(same_signature(&done, &vector.signature));
		}
	}
	vectors_close(&vectors, TRANSACTIONS_MIN);
}

static void refuses_a_foreign_key(void **state)
{
	struct vectors vectors = vectors_open("transaction.tsv");
	struct transaction_vector vector;
	struct tx_signature done = { { 7 }, { 7 }, 7 };
	while (transaction_next(&vectors, &vector)) {
		struct address other = vector.signer;
		struct hash32 digest = vector.signing_hash;
		other.bytes[19] ^= 1;
		assert_false(signature_complete(*state, digest, vector.signature.r,
						vector.signature.s, 0, other, &done));
		digest.bytes[0] ^= 1;
		assert_false(signature_complete(*state, digest, vector.signature.r,
						vector.signature.s, 0, vector.signer, &done));
	}
	vectors_close(&vectors, TRANSACTIONS_MIN);
	assert_int_equal(done.r[0], 7);
	assert_int_equal(done.parity, 7);
}

static void refuses_high_s_in_a_transaction(void **state)
{
	struct vectors vectors = vectors_open("transaction.tsv");
	struct transaction_vector vector;
	struct address signer = { { 7 } };
	while (transaction_next(&vectors, &vector)) {
		struct tx_signature high = with_high_s(&vector.signature);
		assert_false(signature_recover(*state, vector.signing_hash, &high, &signer));
	}
	vectors_close(&vectors, TRANSACTIONS_MIN);
	/* The end of the lower half is low. */
	struct tx_signature edge = { { 0 }, { 0 }, 0 };
	edge.r[31] = 1;
	u256_to_bytes(constant(HALF_ORDER), edge.s);
	assert_true(signature_recover(*state, (struct hash32){ { 1 } }, &edge, &signer));
	edge.s[31]++;
	assert_false(signature_recover(*state, (struct hash32){ { 1 } }, &edge, &signer));
}

static void refuses_garbage(void **state)
{
	static const char *const bad[] = {
		"0000000000000000000000000000000000000000000000000000000000000000", ORDER,
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	};
	struct address signer = { { 7 } };
	struct hash32 digest = { { 1 } };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct tx_signature done;
		struct tx_signature bad_r = { { 0 }, { 0 }, 0 };
		struct tx_signature bad_s = { { 0 }, { 0 }, 0 };
		u256_to_bytes(constant(bad[i]), bad_r.r);
		bad_r.s[31] = 1;
		bad_s.r[31] = 1;
		u256_to_bytes(constant(bad[i]), bad_s.s);
		assert_false(signature_recover(*state, digest, &bad_r, &signer));
		assert_false(signature_recover(*state, digest, &bad_s, &signer));
		assert_false(
			signature_complete(*state, digest, bad_r.r, bad_r.s, 0, signer, &done));
		assert_false(
			signature_complete(*state, digest, bad_s.r, bad_s.s, 0, signer, &done));
	}
	struct tx_signature no_point = { { 0 }, { 0 }, 0 };
	no_point.r[31] = 5; /* 5 is no x of a point */
	no_point.s[31] = 1;
	assert_false(signature_recover(*state, digest, &no_point, &signer));
	no_point.r[31] = 1;
	no_point.parity = 2;
	assert_false(signature_recover(*state, digest, &no_point, &signer));
	assert_int_equal(signer.bytes[0], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recovers_the_signer),
		cmocka_unit_test(completes_what_a_key_store_gives),
		cmocka_unit_test(refuses_a_foreign_key),
		cmocka_unit_test(refuses_high_s_in_a_transaction),
		cmocka_unit_test(refuses_garbage),
	};
	return cmocka_run_group_tests_name("core/signature", tests, context_make, context_end);
}
