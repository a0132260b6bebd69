/* SHA-256, HMAC-SHA-256, HMAC-SHA-1 (OpenSSL). Constant-time comparison. */
#ifndef SLUICE_BASE_HASH_H
#define SLUICE_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

void sha256(const void *bytes, size_t len, uint8_t ret_digest[SHA256_BYTES]);
/* Of what a file holds from its position to its end. False, with errno: it cannot be read. */
bool sha256_file(int fd, uint8_t ret_digest[SHA256_BYTES]);
/* Source: RFC 2104. */
void hmac_sha256(const uint8_t *key, size_t key_len, const void *bytes, size_t len,
		 uint8_t ret_tag[SHA256_BYTES]);
/* For one-time codes, which authenticators compute so; SHA-1's collisions do not matter in an HMAC.
 */
#define SHA1_BYTES 20
void hmac_sha1(const uint8_t *key, size_t key_len, const void *bytes, size_t len,
	       uint8_t ret_tag[SHA1_BYTES]);
/* Time depends on len alone. */
bool bytes_equal_constant_time(const void *a, const void *b, size_t len);

#endif
