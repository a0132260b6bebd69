#include "adapter/keys_keystore.h"

#include "adapter/keys_bip32.h"
#include "adapter/keys_keystore_file.h"
#include "base/secret.h"
#include "core/limits.h"

#include <ctype.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(KEYSTORE_KEYS_MAX >= WALLETS_MAX, "every wallet's key fits");

/* m/44'/60'/0'/0: the parent of all keys of a seed. */
static const uint32_t parent_path[] = { 44 | BIP32_HARDENED, 60 | BIP32_HARDENED,
					0 | BIP32_HARDENED, 0 };

struct source {
	char name[KEYSTORE_NAME_LEN_MAX + 1];
	enum keystore_kind kind;
};

/* Which key stands at the same place of the secret memory. */
struct held_key {
	size_t source;
	uint32_t index;
	struct address address;
};

/* All that is secret, in memory of its own. */
struct vault {
	struct bip32_node node[KEYSTORE_FILES_MAX]; /* of a seed; of a single key only .key */
	uint8_t key[KEYSTORE_KEYS_MAX][32];
};

struct keystore_keys {
	struct keys base;
	secp256k1_context *curve;
	struct source source[KEYSTORE_FILES_MAX];
	size_t sources;
	struct held_key held[KEYSTORE_KEYS_MAX];
	size_t held_len;
	struct secret memory;
	struct vault *vault; /* in `memory` */
};

static struct keystore_keys *keystore_of(struct keys *keys)
{
	return (struct keystore_keys *)keys;
}

/* --- finding a key ------------------------------------------------------------------------------
 */

static bool find_source(const struct keystore_keys *keys, struct str name, size_t *ret_source)
{
	for (size_t i = 0; i < keys->sources; i++) {
		if (!str_equal_text(name, keys->source[i].name))
			continue;
		*ret_source = i;
		return true;
	}
	return false;
}

/* NAME or NAME/INDEX, as the file's kind wants it. */
static bool parse_ref(const struct keystore_keys *keys, const char *key_ref, size_t *ret_source,
		      uint32_t *ret_index, struct err *err)
{
	struct str name = str_from(key_ref), digits = { 0 };
	bool has_index = str_cut(str_from(key_ref), '/', &name, &digits);
	uint64_t index = 0;

	if (!find_source(keys, name, ret_source))
		return err_set(err, ERR_REFUSED, "no key file is named as in \"%s\"", key_ref);
	if (has_index != (keys->source[*ret_source].kind == KEYSTORE_SEED))
		return err_set(err, ERR_REFUSED, "\"%s\": the file holds %s", key_ref,
			       has_index ? "one key, without an index" : "a seed: add /INDEX");
	if (has_index && (!str_to_u64(digits, &index) || index >= BIP32_HARDENED))
		return err_set(err, ERR_REFUSED, "\"%s\": the index is not a number below 2^31",
			       key_ref);
	*ret_index = (uint32_t)index;
	return true;
}

static struct address address_of(const struct keystore_keys *keys, const uint8_t key[32])
{
	secp256k1_pubkey point;
	uint8_t serialized[65];
	size_t len = sizeof serialized;

	CHECK(secp256k1_ec_pubkey_create(keys->curve, &point, key));
	CHECK(secp256k1_ec_pubkey_serialize(keys->curve, serialized, &len, &point,
					    SECP256K1_EC_UNCOMPRESSED));
	return address_of_public_key(serialized + 1);
}

static bool derive_key(struct keystore_keys *keys, size_t source, uint32_t index,
		       uint8_t ret_key[32], struct err *err)
{
	struct bip32_node node = keys->vault->node[source];
	bool derived = true;

	if (keys->source[source].kind == KEYSTORE_SEED)
		derived = bip32_child(keys->curve, &node, index, err);
	if (derived)
		memcpy(ret_key, node.key, 32);
	secret_wipe(&node, sizeof node);
	return derived;
}

static bool find_key(struct keystore_keys *keys, const char *key_ref, size_t *ret_at,
		     struct err *err)
{
	size_t source = 0, at;
	uint32_t index = 0;

	if (!parse_ref(keys, key_ref, &source, &index, err))
		return false;
	for (at = 0; at < keys->held_len; at++)
		if (keys->held[at].source == source && keys->held[at].index == index)
			break;
	if (at == KEYSTORE_KEYS_MAX)
		return err_set(err, ERR_REFUSED, "\"%s\": more than %d keys in use", key_ref,
			       KEYSTORE_KEYS_MAX);
	if (at == keys->held_len) {
		if (!derive_key(keys, source, index, keys->vault->key[at], err))
			return err_wrap(err, "\"%s\"", key_ref);
		keys->held[at].source = source;
		keys->held[at].index = index;
		keys->held[at].address = address_of(keys, keys->vault->key[at]);
		keys->held_len++;
	}
	*ret_at = at;
	return true;
}

/* --- the port -----------------------------------------------------------------------------------
 */

/* k by RFC 6979, so that the same digest gives the same signature. */
static void sign_one(struct keystore_keys *keys, const struct keys_request *request,
		     struct keys_result *ret_result)
{
	secp256k1_ecdsa_recoverable_signature signature;
	uint8_t compact[64];
	size_t at;
	int recovery = 0;

	*ret_result = (struct keys_result){ 0 };
	if (!find_key(keys, request->key_ref, &at, &ret_result->err))
		return;
	CHECK(secp256k1_ecdsa_sign_recoverable(keys->curve, &signature, request->digest.bytes,
					       keys->vault->key[at], NULL, NULL));
	CHECK(secp256k1_ecdsa_recoverable_signature_serialize_compact(keys->curve, compact,
								      &recovery, &signature));
	memcpy(ret_result->r, compact, 32);
	memcpy(ret_result->s, compact + 32, 32);
	ret_result->parity = recovery & 1;
	ret_result->done = true;
}

static void keystore_sign_many(struct keys *base, const struct keys_request *requests, size_t n,
			       struct keys_result *ret_results)
{
	for (size_t i = 0; i < n; i++)
		sign_one(keystore_of(base), &requests[i], &ret_results[i]);
}

static bool keystore_address(struct keys *base, const char *key_ref, struct address *ret_address,
			     struct err *err)
{
	struct keystore_keys *keys = keystore_of(base);
	size_t at;

	if (!find_key(keys, key_ref, &at, err))
		return false;
	*ret_address = keys->held[at].address;
	return true;
}

static void keystore_close(struct keys *base)
{
	struct keystore_keys *keys = keystore_of(base);

	secret_free(&keys->memory);
	secp256k1_context_destroy(keys->curve);
	free(keys);
}

static const struct keys_ops keystore_ops = {
	.sign_many = keystore_sign_many,
	.address = keystore_address,
	.close = keystore_close,
};

/* --- open ---------------------------------------------------------------------------------------
 */

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > KEYSTORE_NAME_LEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	return true;
}

static bool unlock(struct keystore_keys *keys, size_t at, const struct keys_keystore_file *file,
		   struct err *err)
{
	struct bip32_node *node = &keys->vault->node[at];
	struct secret bytes;
	bool done = true;

	if (!keystore_read(file->path, file->password, &bytes, &keys->source[at].kind, err))
		return false;
	if (keys->source[at].kind == KEYSTORE_SEED)
		done = bip32_master(keys->curve, bytes.at, bytes.len, node, err) &&
		       bip32_path(keys->curve, node, parent_path,
				  sizeof parent_path / sizeof parent_path[0], err);
	else
		memcpy(node->key, bytes.at, sizeof node->key);
	secret_free(&bytes);
	return done || err_wrap(err, "%s", file->path);
}

static bool unlock_all(struct keystore_keys *keys, const struct keys_keystore_options *options,
		       struct err *err)
{
	for (size_t i = 0; i < options->len; i++) {
		const struct keys_keystore_file *file = &options->files[i];
		size_t other;

		if (!is_name(file->name))
			return err_set(err, ERR_REFUSED, "\"%s\" is no name of a key file",
				       file->name);
		if (find_source(keys, str_from(file->name), &other))
			return err_set(err, ERR_REFUSED, "two key files are named \"%s\"",
				       file->name);
		if (!unlock(keys, i, file, err))
			return false;
		CHECK(str_copy(str_from(file->name), keys->source[i].name,
			       sizeof keys->source[i].name));
		keys->sources++;
	}
	return true;
}

static void blind(struct keystore_keys *keys, struct entropy *entropy)
{
	uint8_t random[32];

	entropy_fill(entropy, random, sizeof random);
	CHECK(secp256k1_context_randomize(keys->curve, random));
	secret_wipe(random, sizeof random);
}

bool keys_keystore_open(const struct keys_keystore_options *options, struct keys **ret_keys,
			struct err *err)
{
	struct keystore_keys *keys;

	CHECK(options && options->entropy && ret_keys);
	CHECK(options->len >= 1 && options->len <= KEYSTORE_FILES_MAX);
	keys = calloc(1, sizeof *keys);
	CHECK(keys);
	keys->base.ops = &keystore_ops;
	keys->curve = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
	CHECK(keys->curve);
	blind(keys, options->entropy);
	if (!secret_new(&keys->memory, sizeof *keys->vault, err)) {
		keystore_close(&keys->base);
		return false;
	}
	keys->vault = (struct vault *)(void *)keys->memory.at;
	if (!unlock_all(keys, options, err)) {
		keystore_close(&keys->base);
		return false;
	}
	*ret_keys = &keys->base;
	return true;
}
