/* The low-level calls, deprecated since OpenSSL 3.0: those that replace them look the algorithm up
 * and allocate on every call, under a lock, which takes six times as long as hashing a key. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/hash.h"

#include "base/check.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES 64 /* of SHA-256 */

/* SHA-256 of two parts, one behind the other. What it leaves in memory may be of a secret. */
static void hash_parts(const void *head, size_t head_len, const void *tail, size_t tail_len,
		       uint8_t ret_digest[SHA256_BYTES])
{
	SHA256_CTX context;
	CHECK(SHA256_Init(&context) == 1);
	CHECK(SHA256_Update(&context, head, head_len) == 1);
	CHECK(SHA256_Update(&context, tail, tail_len) == 1);
	CHECK(SHA256_Final(ret_digest, &context) == 1);
	OPENSSL_cleanse(&context, sizeof context);
}

void sha256(const void *bytes, size_t len, uint8_t ret_digest[SHA256_BYTES])
{
	hash_parts(bytes, len, NULL, 0, ret_digest);
}

bool sha256_file(int fd, uint8_t ret_digest[SHA256_BYTES])
{
	uint8_t bytes[65536];
	SHA256_CTX context;
	CHECK(SHA256_Init(&context) == 1);
	for (;;) {
		ssize_t n = read(fd, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		CHECK(SHA256_Update(&context, bytes, (size_t)n) == 1);
	}
	CHECK(SHA256_Final(ret_digest, &context) == 1);
	return true;
}

void hmac_sha256(const uint8_t *key, size_t key_len, const void *bytes, size_t len,
		 uint8_t ret_tag[SHA256_BYTES])
{
	uint8_t inner[BLOCK_BYTES] = { 0 }, outer[BLOCK_BYTES], digest[SHA256_BYTES];
	CHECK(key_len <= INT_MAX);
	if (key_len > BLOCK_BYTES)
		sha256(key, key_len, inner);
	else if (key_len > 0)
		memcpy(inner, key, key_len);
	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	hash_parts(inner, sizeof inner, bytes, len, digest);
	hash_parts(outer, sizeof outer, digest, sizeof digest, ret_tag);
	OPENSSL_cleanse(inner, sizeof inner);
	OPENSSL_cleanse(outer, sizeof outer);
}

void hmac_sha1(const uint8_t *key, size_t key_len, const void *bytes, size_t len,
	       uint8_t ret_tag[SHA1_BYTES])
{
	unsigned written = 0;
	CHECK(key_len <= INT_MAX);
	CHECK(HMAC(EVP_sha1(), key, (int)key_len, bytes, len, ret_tag, &written) != NULL);
	CHECK(written == SHA1_BYTES);
}

bool bytes_equal_constant_time(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
