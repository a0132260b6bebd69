#include "base/hash.h"

#include "base/check.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/* OpenSSL fails here only without memory, or when a policy of the machine removed SHA-256: neither
 * can be handled by a caller that needs a digest, so the process stops. */

void sha256(const void *bytes, size_t len, uint8_t ret_digest[SHA256_BYTES])
{
	unsigned digest_len = 0;
	CHECK(EVP_Digest(bytes, len, ret_digest, &digest_len, EVP_sha256(), NULL) == 1);
	CHECK(digest_len == SHA256_BYTES);
}

void hmac_sha256(const uint8_t *key, size_t key_len, const void *bytes, size_t len,
		 uint8_t ret_tag[SHA256_BYTES])
{
	unsigned tag_len = 0;
	CHECK(key_len <= INT_MAX);
	CHECK(HMAC(EVP_sha256(), key, (int)key_len, bytes, len, ret_tag, &tag_len) != NULL);
	CHECK(tag_len == SHA256_BYTES);
}

bool bytes_equal_constant_time(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
