#include "core/signature.h"

#include "base/check.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <string.h>

#define POINT_BYTES 65 /* 0x04, x, y */

/* A struct signature_context is a secp256k1_context by another name. */
static const secp256k1_context *context_of(const struct signature_context *context)
{
	return (const secp256k1_context *)context;
}

struct signature_context *signature_context_new(void)
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	CHECK(context != NULL);
	return (struct signature_context *)context;
}

void signature_context_free(struct signature_context *context)
{
	if (context != NULL)
		secp256k1_context_destroy((secp256k1_context *)context);
}

/* r and s, with s in the lower half of the order. False when one is not below the order. */
static bool make_low_s(const secp256k1_context *context, const uint8_t r[32], const uint8_t s[32],
		       uint8_t ret_compact[64], bool *ret_was_low)
{
	secp256k1_ecdsa_signature signature;
	memcpy(ret_compact, r, 32);
	memcpy(ret_compact + 32, s, 32);
	if (secp256k1_ecdsa_signature_parse_compact(context, &signature, ret_compact) != 1)
		return false;
	*ret_was_low = secp256k1_ecdsa_signature_normalize(context, &signature, &signature) == 0;
	CHECK(secp256k1_ecdsa_signature_serialize_compact(context, ret_compact, &signature) == 1);
	return true;
}

static bool recover(const secp256k1_context *context, struct hash32 digest,
		    const uint8_t compact[64], uint8_t parity, struct address *ret_signer)
{
	secp256k1_ecdsa_recoverable_signature signature;
	secp256k1_pubkey key;
	uint8_t point[POINT_BYTES];
	size_t point_len = sizeof point;
	CHECK(parity <= 1);
	if (secp256k1_ecdsa_recoverable_signature_parse_compact(context, &signature, compact,
								parity) != 1 ||
	    secp256k1_ecdsa_recover(context, &key, &signature, digest.bytes) != 1)
		return false;
	CHECK(secp256k1_ec_pubkey_serialize(context, point, &point_len, &key,
					    SECP256K1_EC_UNCOMPRESSED) == 1);
	*ret_signer = address_of_public_key(point + 1);
	return true;
}

bool signature_complete(const struct signature_context *context, struct hash32 digest,
			const uint8_t r[32], const uint8_t s[32], uint8_t parity_hint,
			struct address expected, struct tx_signature *ret_signature)
{
	uint8_t compact[64];
	bool was_low;
	CHECK(parity_hint <= 1);
	if (!make_low_s(context_of(context), r, s, compact, &was_low))
		return false;
	/* The other s of the same r belongs to the other point. */
	uint8_t first = was_low ? parity_hint : parity_hint ^ 1;
	for (uint8_t trial = 0; trial <= 1; trial++) {
		uint8_t parity = first ^ trial;
		struct address signer;
		if (!recover(context_of(context), digest, compact, parity, &signer) ||
		    !address_equal(signer, expected))
			continue;
		memcpy(ret_signature->r, compact, 32);
		memcpy(ret_signature->s, compact + 32, 32);
		ret_signature->parity = parity;
		return true;
	}
	return false;
}

bool signature_recover(const struct signature_context *context, struct hash32 digest,
		       const struct tx_signature *signature, struct address *ret_signer)
{
	uint8_t compact[64];
	bool was_low;
	/* EIP-2: no chain takes a signature with a high s. */
	if (signature->parity > 1 ||
	    !make_low_s(context_of(context), signature->r, signature->s, compact, &was_low) ||
	    !was_low)
		return false;
	return recover(context_of(context), digest, compact, signature->parity, ret_signer);
}
