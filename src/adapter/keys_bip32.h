/* Hierarchical keys: private derivation only. Source: BIP-32, BIP-44. */
#ifndef SLUICE_ADAPTER_KEYS_BIP32_H
#define SLUICE_ADAPTER_KEYS_BIP32_H

#include "base/err.h"

#include <secp256k1.h>
#include <stddef.h>
#include <stdint.h>

#define BIP32_SEED_BYTES_MIN 16
#define BIP32_SEED_BYTES_MAX 64
#define BIP32_HARDENED       UINT32_C(0x80000000)
#define BIP32_PATH_LEN_MAX   16

/* An extended private key. Keep it in secret memory, and wipe it. */
struct bip32_node {
	uint8_t key[32];
	uint8_t chain_code[32];
};

/* The master key of a seed of 16 to 64 bytes. REFUSED for the one seed in 2^127 that has none.
 * ret_node may not be read after a failure. */
MUST_CHECK bool bip32_master(const secp256k1_context *curve, const uint8_t *seed, size_t len,
			     struct bip32_node *ret_node, struct err *err);
/* The child at index (with BIP32_HARDENED where the path has an apostrophe), in place. REFUSED
 * when there is none: use the next index. The node is wiped then. */
MUST_CHECK bool bip32_child(const secp256k1_context *curve, struct bip32_node *node, uint32_t index,
			    struct err *err);
/* Down a whole path. */
MUST_CHECK bool bip32_path(const secp256k1_context *curve, struct bip32_node *node,
			   const uint32_t *path, size_t len, struct err *err);

#endif
