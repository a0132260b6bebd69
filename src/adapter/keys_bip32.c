#include "adapter/keys_bip32.h"

#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define POINT_BYTES 33

/* I = HMAC-SHA512; its left half makes the key, its right half is the chain code. */
static void hmac_sha512(const void *key, size_t key_len, const uint8_t *bytes, size_t len,
			uint8_t ret_tag[64])
{
	unsigned tag_len = 0;

	CHECK(HMAC(EVP_sha512(), key, (int)key_len, bytes, len, ret_tag, &tag_len) != NULL);
	CHECK(tag_len == 64);
}

bool bip32_master(const secp256k1_context *curve, const uint8_t *seed, size_t len,
		  struct bip32_node *ret_node, struct err *err)
{
	static const char label[] = "Bitcoin seed";
	uint8_t tag[64];

	CHECK(len >= BIP32_SEED_BYTES_MIN && len <= BIP32_SEED_BYTES_MAX);
	hmac_sha512(label, sizeof label - 1, seed, len, tag);
	memcpy(ret_node->key, tag, 32);
	memcpy(ret_node->chain_code, tag + 32, 32);
	secret_wipe(tag, sizeof tag);
	if (secp256k1_ec_seckey_verify(curve, ret_node->key))
		return true;
	secret_wipe(ret_node, sizeof *ret_node);
	return err_set(err, ERR_REFUSED, "the seed has no master key");
}

static void serialize_point(const secp256k1_context *curve, const uint8_t key[32],
			    uint8_t ret_point[POINT_BYTES])
{
	secp256k1_pubkey point;
	size_t len = POINT_BYTES;

	CHECK(secp256k1_ec_pubkey_create(curve, &point, key));
	CHECK(secp256k1_ec_pubkey_serialize(curve, ret_point, &len, &point,
					    SECP256K1_EC_COMPRESSED));
	CHECK(len == POINT_BYTES);
}

bool bip32_child(const secp256k1_context *curve, struct bip32_node *node, uint32_t index,
		 struct err *err)
{
	uint8_t message[POINT_BYTES + 4], tag[64];
	bool valid;

	if (index & BIP32_HARDENED) {
		message[0] = 0;
		memcpy(message + 1, node->key, 32);
	} else {
		serialize_point(curve, node->key, message);
	}
	for (int i = 0; i < 4; i++)
		message[POINT_BYTES + i] = (uint8_t)(index >> (24 - 8 * i));
	hmac_sha512(node->chain_code, 32, message, sizeof message, tag);
	/* Fails when the left half is not below the order, or the sum is zero. */
	valid = secp256k1_ec_seckey_tweak_add(curve, node->key, tag);
	memcpy(node->chain_code, tag + 32, 32);
	secret_wipe(message, sizeof message);
	secret_wipe(tag, sizeof tag);
	if (valid)
		return true;
	secret_wipe(node, sizeof *node);
	return err_set(err, ERR_REFUSED, "the seed has no key at index %u", index);
}

bool bip32_path(const secp256k1_context *curve, struct bip32_node *node, const uint32_t *path,
		size_t len, struct err *err)
{
	CHECK(len <= BIP32_PATH_LEN_MAX);
	for (size_t i = 0; i < len; i++)
		if (!bip32_child(curve, node, path[i], err))
			return false;
	return true;
}
