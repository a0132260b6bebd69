#include "base/ed25519.h"

#include "base/hex.h"

#include "../testing.h"

/* RFC 8032, 7.1: tests 1 to 3. */
static const struct {
	const char *private, *public, *text, *signature;
} vectors[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
	  "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da0"
	  "85ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
	  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1"
	  "8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
};

struct vector {
	uint8_t private[ED25519_KEY_BYTES], public[ED25519_KEY_BYTES];
	uint8_t signature[ED25519_SIGNATURE_BYTES];
	char text[2];
	size_t text_len;
};

static struct vector vector_of(size_t at)
{
	struct vector vector = { .text_len = strlen(vectors[at].text) / 2 };
	assert_true(hex_read(str_from(vectors[at].private), vector.private, ED25519_KEY_BYTES));
	assert_true(hex_read(str_from(vectors[at].public), vector.public, ED25519_KEY_BYTES));
	assert_true(hex_read(str_from(vectors[at].signature), vector.signature,
			     ED25519_SIGNATURE_BYTES));
	assert_true(hex_read(str_from(vectors[at].text), (uint8_t *)vector.text, vector.text_len));
	return vector;
}

static bool verify(const struct vector *vector)
{
	return ed25519_verify(vector->public, (struct str){ vector->text, vector->text_len },
			      vector->signature);
}

static void the_rfcs_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct vector vector = vector_of(i);
		uint8_t public[ED25519_KEY_BYTES], signature[ED25519_SIGNATURE_BYTES];
		ed25519_public(vector.private, public);
		assert_memory_equal(public, vector.public, sizeof public);
		ed25519_sign(vector.private, (struct str){ vector.text, vector.text_len },
			     signature);
		assert_memory_equal(signature, vector.signature, sizeof signature);
		assert_true(verify(&vector));
	}
}

/* Every bit of signature, key and text. */
static void one_bit_makes_it_another(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * (size_t)ED25519_SIGNATURE_BYTES; bit++) {
		struct vector vector = vector_of(2);
		vector.signature[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_false(verify(&vector));
	}
	for (size_t bit = 0; bit < 8 * (size_t)ED25519_KEY_BYTES; bit++) {
		struct vector vector = vector_of(2);
		vector.public[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_false(verify(&vector));
	}
	for (size_t bit = 0; bit < 16; bit++) {
		struct vector vector = vector_of(2);
		vector.text[bit / 8] = (char)(vector.text[bit / 8] ^ (1 << (bit % 8)));
		assert_false(verify(&vector));
	}
	struct vector shorter = vector_of(2);
	shorter.text_len--;
	assert_false(verify(&shorter));
}

static void nobodys_signature_is_none(void **state)
{
	(void)state;
	struct vector vector = vector_of(0), other = vector_of(1);
	memcpy(vector.public, other.public, sizeof vector.public);
	assert_false(verify(&vector));
	memset(vector.signature, 0, sizeof vector.signature);
	assert_false(verify(&vector));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfcs_vectors),
		cmocka_unit_test(one_bit_makes_it_another),
		cmocka_unit_test(nobodys_signature_is_none),
	};
	return cmocka_run_group_tests_name("base/ed25519", tests, NULL, NULL);
}
