/* Keccak-256 with the original padding (0x01), as Ethereum uses it; not SHA3-256.
 * Source: Keccak submission v3 (2011), rate 1088; Yellow Paper, KEC. */
#ifndef SLUICE_BASE_KECCAK_H
#define SLUICE_BASE_KECCAK_H

#include <stddef.h>
#include <stdint.h>

#define KECCAK256_BYTES 32

void keccak256(const void *bytes, size_t len, uint8_t ret_digest[KECCAK256_BYTES]);

#endif
