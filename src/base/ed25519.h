/* Ed25519 signatures (OpenSSL). Source: RFC 8032. */
#ifndef SLUICE_BASE_ED25519_H
#define SLUICE_BASE_ED25519_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define ED25519_KEY_BYTES       32
#define ED25519_SIGNATURE_BYTES 64

/* Is that a signature of the text by the private half of this public key? */
bool ed25519_verify(const uint8_t key[ED25519_KEY_BYTES], struct str text,
		    const uint8_t signature[ED25519_SIGNATURE_BYTES]);
/* key: the private half as RFC 8032 has it, 32 bytes. */
void ed25519_sign(const uint8_t key[ED25519_KEY_BYTES], struct str text,
		  uint8_t ret_signature[ED25519_SIGNATURE_BYTES]);
/* Its public half. */
void ed25519_public(const uint8_t key[ED25519_KEY_BYTES], uint8_t ret_public[ED25519_KEY_BYTES]);

#endif
