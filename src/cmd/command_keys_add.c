/* keys add: a key that is in a store of others, looked at before anybody pays funds to it. */
#include "cmd/command_list.h"

#include "adapter/entropy_os.h"
#include "base/json.h"
#include "base/secret.h"
#include "cmd/config_rule.h"
#include "cmd/key_stores.h"
#include "core/limits.h"
#include "core/signature.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS      10000
#define SESSIONS        1
#define PRINT_BYTES_MAX 16384

struct added_key {
	const char *name;
	char ref[KEY_REF_LEN_MAX + 1];
	struct address address;
};

/* The address that a store tells may be of a public key whose private half is another one, or may
 * not sign. A random digest is nothing that anybody could use. */
static bool key_prove(struct keys *keys, struct added_key *key, struct err *err)
{
	struct entropy entropy;
	struct keys_request request = { .key_ref = key->ref };
	struct keys_result result;
	struct tx_signature signature;
	if (!keys_address(keys, key->ref, &key->address, err))
		return false;
	entropy_os_init(&entropy);
	entropy_fill(&entropy, request.digest.bytes, sizeof request.digest.bytes);
	keys_sign_many(keys, &request, 1, &result);
	if (!result.done) {
		*err = result.err;
		return err_wrap(err, "%s does not sign", key->ref);
	}
	struct signature_context *context = signature_context_new();
	bool ok = signature_complete(context, request.digest, result.r, result.s, result.parity,
				     key->address, &signature);
	signature_context_free(context);
	return ok || err_set(err, ERR_REFUSED, "%s signs with another key than that of %s",
			     key->ref, address_text(key->address).at);
}

static bool ref_make(struct added_key *key, const char *inside, struct err *err)
{
	int len = snprintf(key->ref, sizeof key->ref, "%s/%s", key->name, inside);
	return (len >= 0 && (size_t)len < sizeof key->ref) ||
	       err_set(err, ERR_REFUSED, "the key's name is longer than %d characters",
		       KEY_REF_LEN_MAX);
}

static void member_write(struct buf *out, const char *name, const char *text)
{
	buf_format(out, "      %s: ", name);
	json_write_string(out, str_from(text));
	buf_byte(out, '\n');
}

/* Absolute: the configuration may stand elsewhere, and relative paths start there. */
static void path_write(struct buf *out, const char *name, const char *path)
{
	char resolved[PATH_MAX];
	bool is_absolute = path[0] == '/' || realpath(path, resolved) == NULL;
	member_write(out, name, is_absolute ? path : resolved);
}

static void wallet_write(struct buf *out, const struct added_key *key, const char *chain)
{
	buf_format(out, "wallets:\n  - chain: %s\n    address: \"%s\"\n    key: ",
		   chain != NULL ? chain : "CHAIN", address_text(key->address).at);
	json_write_string(out, str_from(key->ref));
	buf_byte(out, '\n');
}

static void added_print(const struct invocation *invocation, const struct added_key *key,
			struct str store_yaml)
{
	char storage[PRINT_BYTES_MAX], yaml_storage[PRINT_BYTES_MAX / 4];
	struct buf out = buf_of(storage, sizeof storage);
	struct buf yaml = buf_of(yaml_storage, sizeof yaml_storage);
	buf_str(&yaml, store_yaml);
	wallet_write(&yaml, key, invocation_option(invocation, "chain"));
	if (invocation->json) {
		buf_byte(&out, '{');
		json_write_member_text(&out, "address", address_text(key->address).at);
		json_write_member_text(&out, "key", key->ref);
		json_write_member(&out, "yaml", buf_view(&yaml));
		buf_text(&out, "}\n");
	} else {
		buf_text(&out, "# the key signs for its address. For the configuration:\n");
		buf_str(&out, buf_view(&yaml));
	}
	CHECK(!out.overflow && !yaml.overflow);
	(void)fwrite(out.at, 1, out.len, stdout);
}

static bool key_prove_close(struct keys *keys, struct added_key *key, struct err *err)
{
	bool ok = key_prove(keys, key, err);
	keys_close(keys);
	return ok;
}

static enum exit_status add_pkcs11(const struct invocation *invocation, struct added_key *key)
{
	const char *inside = invocation_option(invocation, "key");
	struct config_pkcs11 token = {
		.name = key->name,
		.module = invocation_option(invocation, "module"),
		.token = invocation_option(invocation, "token"),
		.pin_file = invocation_option(invocation, "pin-file"),
		.sessions = SESSIONS,
		.timeout_ms = TIMEOUT_MS,
	};
	char storage[PRINT_BYTES_MAX / 8];
	struct buf yaml = buf_of(storage, sizeof storage);
	struct keys *keys = NULL;
	struct err err = { 0 };
	if (token.module == NULL || token.token == NULL || token.pin_file == NULL || inside == NULL)
		return invocation_misused(invocation,
					  "--module, --token, --pin-file and --key are needed");
	if (!ref_make(key, inside, &err) || !key_store_open_pkcs11(&token, &keys, &err) ||
	    !key_prove_close(keys, key, &err))
		return invocation_failed(invocation, &err);
	buf_format(&yaml, "signer:\n  pkcs11:\n    - name: %s\n", key->name);
	path_write(&yaml, "module", token.module);
	member_write(&yaml, "token", token.token);
	path_write(&yaml, "pin_file", token.pin_file);
	CHECK(!yaml.overflow);
	added_print(invocation, key, buf_view(&yaml));
	return EXIT_DONE;
}

static enum exit_status add_kms(const struct invocation *invocation, struct added_key *key)
{
	const char *inside = invocation_option(invocation, "key-id");
	struct config_kms kms = {
		.name = key->name,
		.region = invocation_option(invocation, "region"),
		.endpoint = invocation_option(invocation, "endpoint"),
		.timeout_ms = TIMEOUT_MS,
	};
	char storage[PRINT_BYTES_MAX / 8];
	struct buf yaml = buf_of(storage, sizeof storage);
	struct keys *keys = NULL;
	struct err err = { 0 };
	if (kms.region == NULL || inside == NULL)
		return invocation_misused(invocation, "--region and --key-id are needed");
	if (!ref_make(key, inside, &err) || !key_store_open_kms(&kms, &keys, &err) ||
	    !key_prove_close(keys, key, &err))
		return invocation_failed(invocation, &err);
	buf_format(&yaml, "signer:\n  kms:\n    - name: %s\n", key->name);
	member_write(&yaml, "region", kms.region);
	if (kms.endpoint != NULL)
		member_write(&yaml, "endpoint", kms.endpoint);
	CHECK(!yaml.overflow);
	added_print(invocation, key, buf_view(&yaml));
	return EXIT_DONE;
}

enum exit_status command_keys_add(const struct invocation *invocation)
{
	static const struct config_rule rule = { .type = CONFIG_TYPE_NAME, .min = 1, .max = 64 };
	const char *kind = invocation->arguments[0];
	struct added_key key = { .name = invocation_option(invocation, "name") };
	char wanted[96];
	struct err err;
	if (key.name == NULL)
		return invocation_misused(invocation, "--name is missing");
	if (!config_rule_allows(&rule, str_from(key.name), wanted, sizeof wanted))
		return invocation_misused(invocation, "--name takes %s", wanted);
	if (strcmp(kind, "pkcs11") != 0 && strcmp(kind, "kms") != 0)
		return invocation_misused(invocation, "\"%s\" is neither pkcs11 nor kms", kind);
	if (!secret_process_harden(&err))
		return invocation_failed(invocation, &err);
	return strcmp(kind, "kms") == 0 ? add_kms(invocation, &key) : add_pkcs11(invocation, &key);
}
