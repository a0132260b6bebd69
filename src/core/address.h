/* Addresses and 32-byte hashes of the EVM. */
#ifndef SLUICE_CORE_ADDRESS_H
#define SLUICE_CORE_ADDRESS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_BYTES    20
#define ADDRESS_TEXT_LEN 42

struct address {
	uint8_t bytes[ADDRESS_BYTES];
};

/* A transaction hash, a block hash, a digest. */
struct hash32 {
	uint8_t bytes[32];
};

enum address_read {
	ADDRESS_OK = 0,
	ADDRESS_MALFORMED,    /* not 0x and 40 hex digits */
	ADDRESS_BAD_CHECKSUM, /* mixed case that is not EIP-55 */
};

/* Takes EIP-55 text, and text in one case throughout (which carries no checksum). Source: EIP-55.
 */
enum address_read address_read(struct str text, struct address *ret_address);
/* EIP-55 text, 42 characters. */
void address_write(struct address address, struct buf *out);
bool address_equal(struct address a, struct address b);
bool address_is_zero(struct address address);
/* The last 20 bytes of the Keccak-256 of the uncompressed public key without its 0x04. */
struct address address_of_public_key(const uint8_t point[64]);

bool hash32_equal(struct hash32 a, struct hash32 b);
bool hash32_is_zero(struct hash32 hash);
/* "0x" and 64 digits. */
bool hash32_read(struct str text, struct hash32 *ret_hash);
void hash32_write(struct hash32 hash, struct buf *out);

struct address_text {
	char at[ADDRESS_TEXT_LEN + 1];
};
struct address_text address_text(struct address address);
struct hash32_text {
	char at[67];
};
struct hash32_text hash32_text(struct hash32 hash);

#endif
