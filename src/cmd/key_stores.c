#include "cmd/key_stores.h"

#include "adapter/keys_by_name.h"
#include "adapter/keys_keystore.h"
#include "adapter/keys_kms.h"
#include "adapter/keys_pkcs11.h"
#include "base/secret.h"
#include "cmd/secret_place.h"
#include "net/circuit_breaker.h"

#include <stdio.h>

#define SECRET_BYTES_MAX 1024
#define NEIGHBOUR_LEN    32

_Static_assert(CONFIG_KEYSTORES_MAX + CONFIG_TOKENS_MAX + CONFIG_KMS_MAX <= KEYS_STORES_MAX,
	       "all that can be configured fit");

/* What has been opened so far. */
struct opening {
	struct keys_store stores[KEYS_STORES_MAX];
	char neighbours[KEYS_STORES_MAX][NEIGHBOUR_LEN];
	size_t len;
};

static void opening_add(struct opening *opening, const char *name, struct keys *keys,
			const char *kind, size_t index)
{
	struct keys_store *store = &opening->stores[opening->len];
	char *neighbour = opening->neighbours[opening->len++];
	*store = (struct keys_store){ .name = name, .keys = keys };
	if (kind == NULL)
		return;
	(void)snprintf(neighbour, NEIGHBOUR_LEN, "%s_%zu", kind, index + 1);
	store->neighbour = neighbour;
}

/* All keystores are one back end. */
static bool keystores_open(const struct config *config, struct entropy *entropy,
			   struct opening *opening, struct err *err)
{
	struct keys_keystore_file files[CONFIG_KEYSTORES_MAX];
	struct secret passwords[CONFIG_KEYSTORES_MAX] = { 0 };
	struct keys_keystore_options options = {
		.files = files,
		.len = config->keystores_len,
		.entropy = entropy,
	};
	struct keys *keys = NULL;
	bool ok = true;
	for (size_t i = 0; ok && i < config->keystores_len; i++) {
		const struct config_keystore *keystore = &config->keystores[i];
		const char *path = NULL;
		ok = secret_place_path(keystore->password_file, &path, err) &&
		     secret_read_file(&passwords[i], path, SECRET_BYTES_MAX, err);
		files[i] = (struct keys_keystore_file){
			.name = keystore->name,
			.path = keystore->file,
			.password = str_from_bytes(passwords[i].at, passwords[i].len),
		};
	}
	ok = ok && keys_keystore_open(&options, &keys, err);
	for (size_t i = 0; i < config->keystores_len; i++) {
		secret_free(&passwords[i]);
		if (ok)
			opening_add(opening, config->keystores[i].name, keys, NULL, i);
	}
	return ok;
}

bool key_store_open_pkcs11(const struct config_pkcs11 *token, struct keys **ret_keys,
			   struct err *err)
{
	const char *path = NULL;
	struct secret pin;
	if (!secret_place_path(token->pin_file, &path, err) ||
	    !secret_read_file(&pin, path, SECRET_BYTES_MAX, err))
		return false;
	struct keys_pkcs11_options options = {
		.module = token->module,
		.token = token->token,
		.pin = str_from_bytes(pin.at, pin.len),
		.sessions = token->sessions,
		.deadline_ms = token->timeout_ms,
		.start_ms = KEY_STORE_START_MS,
	};
	bool ok = keys_pkcs11_open(&options, ret_keys, err);
	secret_free(&pin);
	return ok;
}

bool key_store_open_kms(const struct config_kms *kms, struct keys **ret_keys, struct err *err)
{
	struct keys_kms_options options = {
		.region = kms->region,
		.endpoint = kms->endpoint,
		.deadline_ms = kms->timeout_ms,
	};
	return keys_kms_open(&options, ret_keys, err);
}

static bool neighbours_open(const struct config *config, struct opening *opening, struct err *err)
{
	struct keys *keys;
	for (size_t i = 0; i < config->pkcs11_len; i++) {
		if (!key_store_open_pkcs11(&config->pkcs11[i], &keys, err))
			return err_wrap(err, "signer.pkcs11[%zu]", i);
		opening_add(opening, config->pkcs11[i].name, keys, "pkcs11", i);
	}
	for (size_t i = 0; i < config->kms_len; i++) {
		if (!key_store_open_kms(&config->kms[i], &keys, err))
			return err_wrap(err, "signer.kms[%zu]", i);
		opening_add(opening, config->kms[i].name, keys, "kms", i);
	}
	return true;
}

bool key_stores_open(const struct config *config, const struct key_stores_parts *parts,
		     struct keys **ret_keys, struct err *err)
{
	struct opening opening = { .len = 0 };
	struct keys_by_name_options options = {
		.stores = opening.stores,
		.clock = parts->clock,
		.metrics = parts->metrics,
	};
	if (config->keystores_len + config->pkcs11_len + config->kms_len == 0)
		return err_set(err, ERR_REFUSED,
			       "%s: signer.keystores, signer.pkcs11 or signer.kms: at least one is "
			       "needed (`sluice keys new`, `sluice keys add`)",
			       config->file);
	bool ok =
		config->keystores_len == 0 || keystores_open(config, parts->entropy, &opening, err);
	ok = ok && neighbours_open(config, &opening, err);
	options.len = opening.len;
	if (ok && config->pkcs11_len + config->kms_len == 0) {
		*ret_keys = opening.stores[0].keys; /* it knows its names itself */
		return true;
	}
	struct keys *keys = opening.len > 0 ? keys_by_name_new(&options) : NULL;
	if (ok)
		*ret_keys = keys;
	else
		keys_close(keys);
	return ok;
}

/* Until its circuit breaker opens, each may use up its deadline; it may be asked once more as it
 * does. The first step comes after the start. */
int64_t key_stores_step_ms(const struct config *config)
{
	int64_t sum = 0;
	for (size_t i = 0; i < config->pkcs11_len; i++)
		sum += config->pkcs11[i].timeout_ms;
	for (size_t i = 0; i < config->kms_len; i++)
		sum += config->kms[i].timeout_ms;
	return sum > 0 ? KEY_STORE_START_MS + (BREAKER_RUN + 1) * sum : 0;
}
