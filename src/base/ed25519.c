#include "base/ed25519.h"

#include "base/check.h"

#include <openssl/evp.h>

bool ed25519_verify(const uint8_t key[ED25519_KEY_BYTES], struct str text,
		    const uint8_t signature[ED25519_SIGNATURE_BYTES])
{
	EVP_PKEY *public =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_BYTES);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = public != NULL && context != NULL &&
		    EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
		    EVP_DigestVerify(context, signature, ED25519_SIGNATURE_BYTES,
				     (const uint8_t *)text.at, text.len) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(public);
	return good;
}

static EVP_PKEY *private_of(const uint8_t key[ED25519_KEY_BYTES])
{
	EVP_PKEY *private =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key, ED25519_KEY_BYTES);
	CHECK(private != NULL);
	return private;
}

void ed25519_sign(const uint8_t key[ED25519_KEY_BYTES], struct str text,
		  uint8_t ret_signature[ED25519_SIGNATURE_BYTES])
{
	EVP_PKEY *private = private_of(key);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = ED25519_SIGNATURE_BYTES;
	CHECK(context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, private) == 1);
	CHECK(EVP_DigestSign(context, ret_signature, &len, (const uint8_t *)text.at, text.len) ==
		      1 &&
	      len == ED25519_SIGNATURE_BYTES);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(private);
}

void ed25519_public(const uint8_t key[ED25519_KEY_BYTES], uint8_t ret_public[ED25519_KEY_BYTES])
{
	EVP_PKEY *private = private_of(key);
	size_t len = ED25519_KEY_BYTES;
	CHECK(EVP_PKEY_get_raw_public_key(private, ret_public, &len) == 1);
	EVP_PKEY_free(private);
}
