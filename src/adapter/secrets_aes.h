/* Secrets at rest by AES-256-GCM with the trust files' `secrets_seal` keys:
 *
 *	key id (4, big-endian) ‖ nonce (12, random) ‖ ciphertext ‖ tag (16)
 *
 * The associated data are table, row and column, each with its length. The first key seals; the
 * second one, if there is one, opens what was sealed before it was replaced.
 *
 * Random nonces are good for 2^32 secrets a key (NIST SP 800-38D, 8.3): more than there are people.
 */
#ifndef SLUICE_ADAPTER_SECRETS_AES_H
#define SLUICE_ADAPTER_SECRETS_AES_H

#include "core/intent.h"
#include "port/secrets.h"

struct secrets_aes {
	struct secrets base;
	const struct mac_keys *keys; /* borrowed */
	struct entropy *entropy;     /* borrowed */
};

/* CHECKs that there is a key. */
void secrets_aes_init(struct secrets_aes *secrets, const struct mac_keys *keys,
		      struct entropy *entropy);

#endif
