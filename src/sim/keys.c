/* Keys that a seed makes, and that sign as any key store does. */
#include "sim/world.h"

#include <secp256k1.h>
#include <stdlib.h>
#include <string.h>

struct sim_keys {
	struct keys base;
	secp256k1_context *curve;
	uint8_t key[SIM_WALLETS][32];
	struct address address[SIM_WALLETS];
};

static size_t key_index(const char *key_ref)
{
	CHECK(strncmp(key_ref, "sim/", 4) == 0);
	size_t index = (size_t)(key_ref[4] - '0');
	CHECK(index < SIM_WALLETS);
	return index;
}

static void sign_one(const struct sim_keys *self, const struct keys_request *request,
		     struct keys_result *ret_result)
{
	secp256k1_ecdsa_signature signature;
	uint8_t compact[64];
	const uint8_t *key = self->key[key_index(request->key_ref)];
	*ret_result = (struct keys_result){ .done = true };
	CHECK(secp256k1_ecdsa_sign(self->curve, &signature, request->digest.bytes, key, NULL,
				   NULL) == 1);
	secp256k1_ecdsa_signature_serialize_compact(self->curve, compact, &signature);
	memcpy(ret_result->r, compact, 32);
	memcpy(ret_result->s, compact + 32, 32);
}

static void sign_many(struct keys *keys, const struct keys_request *requests, size_t n,
		      struct keys_result *ret_results)
{
	for (size_t i = 0; i < n; i++)
		sign_one((struct sim_keys *)(void *)keys, &requests[i], &ret_results[i]);
}

static bool key_address(struct keys *keys, const char *key_ref, struct address *ret_address,
			struct err *err)
{
	(void)err;
	*ret_address = ((struct sim_keys *)(void *)keys)->address[key_index(key_ref)];
	return true;
}

static void keys_free(struct keys *keys)
{
	struct sim_keys *self = (struct sim_keys *)(void *)keys;
	secp256k1_context_destroy(self->curve);
	free(self);
}

static const struct keys_ops keys_ops = { sign_many, key_address, keys_free };

static void key_make(struct sim_keys *self, size_t index, struct sim_random *random)
{
	secp256k1_pubkey point;
	uint8_t bytes[65];
	size_t len = sizeof bytes;
	do
		sim_random_fill(random, self->key[index], 32);
	while (secp256k1_ec_pubkey_create(self->curve, &point, self->key[index]) != 1);
	secp256k1_ec_pubkey_serialize(self->curve, bytes, &len, &point, SECP256K1_EC_UNCOMPRESSED);
	self->address[index] = address_of_public_key(bytes + 1);
}

struct keys *sim_keys_new(struct sim_random random)
{
	struct sim_keys *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &keys_ops;
	self->curve = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	CHECK(self->curve != NULL);
	for (size_t i = 0; i < SIM_WALLETS; i++)
		key_make(self, i, &random);
	return &self->base;
}
