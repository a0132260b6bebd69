#include "base/keccak.h"

#include "../testing.h"

static void agrees_for_every_length(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("keccak.tsv");
	struct str column[2];
	while (vectors_next(&vectors, column, 2)) {
		uint8_t bytes[300], wanted[KECCAK256_BYTES], digest[KECCAK256_BYTES];
		size_t len = column_bytes(column[0], bytes, sizeof bytes);
		assert_int_equal(column_bytes(column[1], wanted, sizeof wanted), sizeof wanted);
		keccak256(bytes, len, digest);
		if (memcmp(digest, wanted, sizeof wanted) != 0)
			fail_msg("keccak.tsv line %d", vectors.number);
	}
	vectors_close(&vectors, 301);
}

/* The value that every Ethereum client has built in. */
static void hashes_nothing(void **state)
{
	(void)state;
	uint8_t digest[KECCAK256_BYTES], wanted[KECCAK256_BYTES];
	keccak256(NULL, 0, digest);
	assert_true(hex_read(STR("c5d2460186f7233c927e7db2dcc703c0"
				 "e500b653ca82273b7bfad8045d85a470"),
			     wanted, sizeof wanted));
	assert_memory_equal(digest, wanted, sizeof wanted);
}

/* The address of the input does not matter, nor what stands behind it. */
static void reads_from_any_place(void **state)
{
	(void)state;
	uint8_t bytes[600], first[KECCAK256_BYTES], moved[KECCAK256_BYTES];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t shift = 1; shift < 8; shift++) {
		uint8_t copy[600];
		keccak256(bytes, 500, first);
		memcpy(copy + shift, bytes, 500);
		keccak256(copy + shift, 500, moved);
		assert_memory_equal(first, moved, sizeof first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_for_every_length),
		cmocka_unit_test(hashes_nothing),
		cmocka_unit_test(reads_from_any_place),
	};
	return cmocka_run_group_tests_name("base/keccak", tests, NULL, NULL);
}
