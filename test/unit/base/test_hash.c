#include "base/hash.h"

#include "../testing.h"

#include <stdio.h>
#include <unistd.h>

static void assert_sha256(const char *text, const char *expected)
{
	uint8_t digest[SHA256_BYTES], wanted[SHA256_BYTES];
	assert_true(hex_read(str_from(expected), wanted, sizeof wanted));
	sha256(text, strlen(text), digest);
	assert_memory_equal(digest, wanted, sizeof wanted);
}

/* FIPS 180-4, examples of NIST. */
static void sha256_known_answers(void **state)
{
	(void)state;
	assert_sha256("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_sha256("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

struct hmac_case {
	const char *key; /* hexadecimal */
	const char *data;
	const char *tag;
};

#define AA_20  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define AA_64  AA_20 AA_20 AA_20 "aaaaaaaa"
#define AA_131 AA_20 AA_20 AA_20 AA_20 AA_20 AA_20 "aaaaaaaaaaaaaaaaaaaaaa"
#define DD_50                                                                                  \
	"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd" \
	"dddddddddddddddd"
#define CD_50                                                                                  \
	"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd" \
	"cdcdcdcdcdcdcdcd"

/* RFC 4231, sections 4.2 to 4.8 without the truncated 4.6; data in hexadecimal. */
static const struct hmac_case hmac_cases[] = {
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ AA_20, DD_50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "0102030405060708090a0b0c0d0e0f10111213141516171819", CD_50,
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ AA_131,
	  "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368"
	  "204b6579204669727374",
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ AA_131,
	  "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a"
	  "65206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865"
	  "206b6579206e6565647320746f20626520686173686564206265666f7265206265696e672075736564206279"
	  "2074686520484d414320616c676f726974686d2e",
	  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	/* Keys of a block's length and of one byte more, by Python's hmac. */
	{ AA_64, "616263", "2f8cff867f2668ca93d3c5b03ba9f816746742eda349b3bc4bb35aa27816754c" },
	{ AA_64 "aa", "616263",
	  "102ebc7ceb9dff09e5a77413a3cd67382908ece255487006eb0e1e1b801f9ce6" },
};

/* A file from its position to its end, in more than one piece. */
static void files_hash_like_their_bytes(void **state)
{
	(void)state;
	static uint8_t bytes[200000];
	uint8_t wanted[SHA256_BYTES], digest[SHA256_BYTES];
	FILE *file = tmpfile();
	assert_non_null(file);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
	assert_int_equal(fflush(file), 0);
	assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
	assert_true(sha256_file(fileno(file), digest));
	sha256(bytes, sizeof bytes, wanted);
	assert_memory_equal(digest, wanted, sizeof wanted);
	assert_true(sha256_file(fileno(file), digest)); /* nothing is left */
	sha256("", 0, wanted);
	assert_memory_equal(digest, wanted, sizeof wanted);
	fclose(file);
	assert_false(sha256_file(-1, digest));
}

static void hmac_known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(hmac_cases); i++) {
		uint8_t key[256], data[256], wanted[SHA256_BYTES], tag[SHA256_BYTES];
		struct str key_text = str_from(hmac_cases[i].key);
		struct str data_text = str_from(hmac_cases[i].data);
		assert_true(hex_read(key_text, key, key_text.len / 2));
		assert_true(hex_read(data_text, data, data_text.len / 2));
		assert_true(hex_read(str_from(hmac_cases[i].tag), wanted, sizeof wanted));
		hmac_sha256(key, key_text.len / 2, data, data_text.len / 2, tag);
		assert_memory_equal(tag, wanted, sizeof wanted);
	}
	assert_aborts(hmac_sha256((const uint8_t *)"", SIZE_MAX, "", 0, (uint8_t[32]){ 0 }));
}

static void compares_all_bytes(void **state)
{
	(void)state;
	uint8_t a[32] = { 0 }, b[32] = { 0 };
	assert_true(bytes_equal_constant_time(a, b, sizeof a));
	for (size_t i = 0; i < sizeof a; i++) {
		b[i] = 0x80;
		assert_false(bytes_equal_constant_time(a, b, sizeof a));
		assert_true(bytes_equal_constant_time(a, b, i));
		b[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_known_answers),
		cmocka_unit_test(hmac_known_answers),
		cmocka_unit_test(files_hash_like_their_bytes),
		cmocka_unit_test(compares_all_bytes),
	};
	return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
