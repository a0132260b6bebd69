#include "adapter/keys_scrypt.h"

#include "base/secret.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define SALSA_WORDS 16 /* a block of 64 bytes */

static uint32_t rotate(uint32_t value, unsigned by)
{
	return value << by | value >> (32 - by);
}

static void quarter(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
	x[b] ^= rotate(x[a] + x[d], 7);
	x[c] ^= rotate(x[b] + x[a], 9);
	x[d] ^= rotate(x[c] + x[b], 13);
	x[a] ^= rotate(x[d] + x[c], 18);
}

/* RFC 7914, section 3. */
static void salsa20_8(uint32_t block[SALSA_WORDS])
{
	uint32_t x[SALSA_WORDS];

	memcpy(x, block, sizeof x);
	for (int i = 0; i < 4; i++) {
		quarter(x, 0, 4, 8, 12);
		quarter(x, 5, 9, 13, 1);
		quarter(x, 10, 14, 2, 6);
		quarter(x, 15, 3, 7, 11);
		quarter(x, 0, 1, 2, 3);
		quarter(x, 5, 6, 7, 4);
		quarter(x, 10, 11, 8, 9);
		quarter(x, 15, 12, 13, 14);
	}
	for (int i = 0; i < SALSA_WORDS; i++)
		block[i] += x[i];
}

static void xor_words(uint32_t *into, const uint32_t *from, size_t words)
{
	for (size_t i = 0; i < words; i++)
		into[i] ^= from[i];
}

/* RFC 7914, section 4: even blocks first, then odd ones. */
static void block_mix(const uint32_t *from, uint32_t *into, uint32_t r)
{
	uint32_t x[SALSA_WORDS];

	memcpy(x, from + (size_t)(2 * r - 1) * SALSA_WORDS, sizeof x);
	for (size_t i = 0; i < (size_t)2 * r; i++) {
		xor_words(x, from + i * SALSA_WORDS, SALSA_WORDS);
		salsa20_8(x);
		memcpy(into + (i / 2 + (i & 1) * r) * SALSA_WORDS, x, sizeof x);
	}
}

static void from_little_endian(uint32_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[4];

		memcpy(bytes, &words[i], 4);
		words[i] = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
			   (uint32_t)bytes[3] << 24;
	}
}

static void to_little_endian(uint32_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t bytes[4] = { (uint8_t)words[i], (uint8_t)(words[i] >> 8),
					   (uint8_t)(words[i] >> 16), (uint8_t)(words[i] >> 24) };

		memcpy(&words[i], bytes, 4);
	}
}

/* RFC 7914, section 5. `table` has n rows of the block's size, `scratch` one. */
static void ro_mix(uint32_t *block, uint32_t *table, uint32_t *scratch, uint64_t n, uint32_t r)
{
	size_t words = (size_t)2 * r * SALSA_WORDS;

	from_little_endian(block, words);
	for (uint64_t i = 0; i < n; i++) {
		memcpy(table + i * words, block, words * sizeof *block);
		block_mix(table + i * words, block, r);
	}
	for (uint64_t i = 0; i < n; i++) {
		/* Integerify: the last block's first 64 bits, of which n takes the lowest. */
		const uint32_t *last = block + words - SALSA_WORDS;
		uint64_t at = ((uint64_t)last[1] << 32 | last[0]) & (n - 1);

		xor_words(block, table + at * words, words);
		memcpy(scratch, block, words * sizeof *block);
		block_mix(scratch, block, r);
	}
	to_little_endian(block, words);
}

static void pbkdf2_once(struct str password, const void *salt, size_t salt_len, uint8_t *ret_bytes,
			size_t len)
{
	CHECK(PKCS5_PBKDF2_HMAC(password.at, (int)password.len, salt, (int)salt_len, 1,
				EVP_sha256(), (int)len, ret_bytes) == 1);
}

bool scrypt_derive(struct str password, struct str salt, uint64_t n, uint32_t r, uint32_t p,
		   uint8_t *ret_derived, size_t len)
{
	size_t row = (size_t)128 * r;
	size_t size = row * (n + p + 1);
	uint8_t *memory;

	CHECK(n >= 2 && (n & (n - 1)) == 0 && r >= 1 && p >= 1);
	CHECK(n < SIZE_MAX / 2 / row - p);
	memory = malloc(size);
	if (!memory)
		return false;
	/* The table, a scratch row, and the p blocks that are mixed one after the other. */
	uint8_t *scratch = memory + row * n;
	uint8_t *blocks = scratch + row;
	pbkdf2_once(password, salt.at, salt.len, blocks, row * p);
	for (size_t i = 0; i < p; i++)
		ro_mix((uint32_t *)(void *)(blocks + i * row), (uint32_t *)(void *)memory,
		       (uint32_t *)(void *)scratch, n, r);
	pbkdf2_once(password, blocks, row * p, ret_derived, len);
	secret_wipe(memory, size);
	free(memory);
	return true;
}
