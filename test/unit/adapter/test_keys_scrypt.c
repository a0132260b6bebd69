#include "adapter/keys_scrypt.h"

#include "../testing.h"

#include <openssl/evp.h>

/* RFC 7914, section 12, without the one that takes a gigabyte. */
static void published_vectors(void **state)
{
	static const struct {
		const char *password, *salt;
		uint64_t n;
		uint32_t r, p;
		const char *derived;
	} vectors[] = {
		{ "", "", 16, 1, 1,
		  "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
		  "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906" },
		{ "password", "NaCl", 1024, 8, 16,
		  "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
		  "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640" },
		{ "pleaseletmein", "SodiumChloride", 16384, 8, 1,
		  "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
		  "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		uint8_t expected[64], derived[64];

		assert_true(hex_read(str_from(vectors[i].derived), expected, sizeof expected));
		assert_true(scrypt_derive(str_from(vectors[i].password), str_from(vectors[i].salt),
					  vectors[i].n, vectors[i].r, vectors[i].p, derived,
					  sizeof derived));
		assert_memory_equal(derived, expected, sizeof expected);
	}
}

/* Wherever OpenSSL agrees to work, both say the same. */
static void same_as_openssl(void **state)
{
	static const struct {
		uint64_t n;
		uint32_t r, p;
		size_t len;
	} costs[] = { { 2, 1, 1, 32 },   { 4, 2, 3, 1 },   { 64, 3, 2, 33 }, { 128, 8, 1, 32 },
		      { 256, 1, 7, 64 }, { 512, 5, 1, 7 }, { 32, 32, 4, 32 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(costs); i++) {
		uint8_t ours[64], theirs[64];

		assert_true(scrypt_derive(STR("p\xc3\xa4ssword"), STR("some salt"), costs[i].n,
					  costs[i].r, costs[i].p, ours, costs[i].len));
		assert_int_equal(EVP_PBE_scrypt("p\xc3\xa4ssword", 9, (const uint8_t *)"some salt",
						9, costs[i].n, costs[i].r, costs[i].p, 0, theirs,
						costs[i].len),
				 1);
		assert_memory_equal(ours, theirs, costs[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(same_as_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
