#include "adapter/keys_bip32.h"

#include "../testing.h"
#include "base/hash.h"

#define H BIP32_HARDENED

struct step {
	uint32_t index; /* from the line before; not used in the first line of a seed */
	const char *xprv;
};

struct vector {
	const char *seed;
	struct step steps[6];
};

/* BIP-32, "Test Vectors" 1 to 4, each line the child of the line above it. */
static const struct vector vectors[] = {
	{ "000102030405060708090a0b0c0d0e0f",
	  { { 0, "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5"
		 "kejMRNNU3TGtRBeJgk33yuGBxrMPHi" },
	    { 0 | H,
	      "xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT1"
	      "1eZG7XnxHrnYeSvkzY7d2bhkJ7" },
	    { 1, "xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXw"
		 "TCg8MSY3H2EU4pWcQDnRnrVA1xe8fs" },
	    { 2 | H,
	      "xprv9z4pot5VBttmtdRTWfWQmoH1taj2axGVzFqSb8C9xaxKymcFzXBDptWmT7FwuEzG3ryjH4ktypQSAewRi"
	      "NMjANTtpgP4mLTj34bhnZX7UiM" },
	    { 2, "xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrbd"
		 "qqsunu5Mm3wDvUAKRHSC34sJ7in334" },
	    { 1000000000,
	      "xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFS"
	      "ruoUihUZREPSL39UNdE3BBDu76" } } },
	{ "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a2"
	  "9f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
	  { { 0, "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSB"
		 "HNqPqm55Qn3LqFtT2emdEXVYsCzC2U" },
	    { 0, "xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZX"
		 "o1ex8G81dwSM1fwqWpWkeS3v86pgKt" },
	    { 2147483647 | H,
	      "xprv9wSp6B7kry3Vj9m1zSnLvN3xH8RdsPP1Mh7fAaR7aRLcQMKTR2vidYEeEg2mUCTAwCd6vnxVrcjfy2kRg"
	      "VsFawNzmjuHc2YmYRmagcEPdU9" },
	    { 1, "xprv9zFnWC6h2cLgpmSA46vutJzBcfJ8yaJGg8cX1e5StJh45BBciYTRXSd25UEPVuesF9yog62tGAQtH"
		 "jXajPPdbRCHuWS6T8XA2ECKADdw4Ef" },
	    { 2147483646 | H,
	      "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxF"
	      "LJ8HFsTjSyQbLYnMpCqE2VbFWc" },
	    { 2, "xprvA2nrNbFZABcdryreWet9Ea4LvTJcGsqrMzxHx98MMrotbir7yrKCEXw7nadnHM8Dq38EGfSh6dqA9"
		 "QWTyefMLEcBYJUuekgW4BYPJcr9E7j" } } },
	/* Leading zeros are kept. */
	{ "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4ac"
	  "ba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be",
	  { { 0, "xprv9s21ZrQH143K25QhxbucbDDuQ4naNntJRi4KUfWT7xo4EKsHt2QJDu7KXp1A3u7Bi1j8ph3EGsZ9X"
		 "vz9dGuVrtHHs7pXeTzjuxBrCmmhgC6" },
	    { 0 | H,
	      "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJC"
	      "VVFceUvJFjaPdGZ2y9WACViL4L" } } },
	{ "3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678",
	  { { 0, "xprv9s21ZrQH143K48vGoLGRPxgo2JNkJ3J3fqkirQC2zVdk5Dgd5w14S7fRDyHH4dWNHUgkvsvNDCkvA"
		 "wcSHNAQwhwgNMgZhLtQC63zxwhQmRv" },
	    { 0 | H,
	      "xprv9vB7xEWwNp9kh1wQRfCCQMnZUEG21LpbR9NPCNN1dwhiZkjjeGRnaALmPXCX7SgjFTiCTT6bXes17boXt"
	      "jq3xLpcDjzEuGLQBM5ohqkao9G" },
	    { 1 | H,
	      "xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFH"
	      "fnBEjHqU5hG1Jaj32dVoS6XLT1" } } },
};

/* Base58Check of exactly 78 bytes and their check sum. */
static void decode_xprv(const char *text, uint8_t ret_bytes[82])
{
	static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
	uint8_t once[32], twice[32];

	memset(ret_bytes, 0, 82);
	for (; *text; text++) {
		const char *digit = strchr(digits, *text);
		unsigned carry;

		assert_non_null(digit);
		carry = (unsigned)(digit - digits);
		for (int i = 81; i >= 0; i--) {
			carry += 58u * ret_bytes[i];
			ret_bytes[i] = (uint8_t)carry;
			carry >>= 8;
		}
		assert_int_equal(carry, 0);
	}
	sha256(ret_bytes, 78, once);
	sha256(once, sizeof once, twice);
	assert_memory_equal(ret_bytes + 78, twice, 4);
}

/* version 4, depth 1, parent 4, index 4, chain code 32, 0x00, key 32. */
static void assert_node_is(const struct bip32_node *node, const char *xprv)
{
	uint8_t bytes[82];

	decode_xprv(xprv, bytes);
	assert_memory_equal(node->chain_code, bytes + 13, 32);
	assert_memory_equal(node->key, bytes + 46, 32);
}

static size_t read_seed(const char *hex, uint8_t ret_seed[64])
{
	size_t len = strlen(hex) / 2;

	assert_true(hex_read(str_from(hex), ret_seed, len));
	return len;
}

static void published_vectors(void **state)
{
	secp256k1_context *curve = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		const struct vector *vector = &vectors[i];
		uint8_t seed[64];
		size_t len = read_seed(vector->seed, seed);
		uint32_t path[COUNT_OF(vector->steps)];
		struct bip32_node node, whole;
		struct err err = { 0 };
		size_t depth;

		assert_true(bip32_master(curve, seed, len, &node, &err));
		assert_node_is(&node, vector->steps[0].xprv);
		for (depth = 1; depth < COUNT_OF(vector->steps) && vector->steps[depth].xprv;
		     depth++) {
			path[depth - 1] = vector->steps[depth].index;
			assert_true(bip32_child(curve, &node, path[depth - 1], &err));
			assert_node_is(&node, vector->steps[depth].xprv);
		}
		assert_true(bip32_master(curve, seed, len, &whole, &err));
		assert_true(bip32_path(curve, &whole, path, depth - 1, &err));
		assert_memory_equal(&whole, &node, sizeof node);
	}
	secp256k1_context_destroy(curve);
}

static void seed_length_is_checked(void **state)
{
	secp256k1_context *curve = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	uint8_t seed[65] = { 1 };
	struct bip32_node node;

	(void)state;
	assert_aborts((void)!bip32_master(curve, seed, 15, &node, NULL));
	assert_aborts((void)!bip32_master(curve, seed, 65, &node, NULL));
	assert_true(bip32_master(curve, seed, 64, &node, NULL));
	secp256k1_context_destroy(curve);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(seed_length_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
