/* secp256k1 signatures: low-s, and the recovery id found against the pinned address. Source: EIP-2,
 * SEC 1. */
#ifndef SLUICE_CORE_SIGNATURE_H
#define SLUICE_CORE_SIGNATURE_H

#include "core/address.h"
#include "core/tx.h"

/* Reusable tables; make one per process. */
struct signature_context;
struct signature_context *signature_context_new(void);
void signature_context_free(struct signature_context *context); /* accepts NULL */

/* Takes r and s as a key store gave them (any s), makes s low and keeps the parity that recovers
 * `expected`. False when none does: the key is not the wallet's, or r, s are garbage. This is also
 * the verification before use.
 *
 * parity_hint  what the key store says of r and s as given, 0 or 1; it is tried first, since each
 *              trial costs as much as a verification. A wrong one costs time, and nothing else. */
bool signature_complete(const struct signature_context *context, struct hash32 digest,
			const uint8_t r[32], const uint8_t s[32], uint8_t parity_hint,
			struct address expected, struct tx_signature *ret_signature);
/* The address that signed; false for an invalid signature, of which a high s is one (EIP-2). */
bool signature_recover(const struct signature_context *context, struct hash32 digest,
		       const struct tx_signature *signature, struct address *ret_signer);

#endif
