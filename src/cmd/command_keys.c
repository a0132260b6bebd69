/* keys init | new | import | address: secrets go from secret memory into files of mode 0600 and
 * nowhere else. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/keys_keystore.h"
#include "adapter/keys_keystore_file.h"
#include "adapter/private_file.h"
#include "adapter/trust_keys.h"
#include "base/hex.h"
#include "base/json.h"
#include "cmd/config.h"
#include "cmd/key_input.h"
#include "cmd/key_stores.h"
#include "cmd/log_open.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED_BYTES         32
#define PASSWORD_BYTES     32
#define PASSWORD_BYTES_MAX 1024
#define PRINT_BYTES_MAX    65536
#define WALLETS_DEFAULT    1
#define KEY_PATH           "m/44'/60'/0'/0/"

enum exit_status command_keys_init(const struct invocation *invocation)
{
	struct config *config = NULL;
	struct clock clock;
	struct entropy entropy;
	struct err err;
	clock_posix_init(&clock);
	entropy_os_init(&entropy);
	const char *dir = invocation->arguments_len > 0 ? invocation->arguments[0] : NULL;
	if (dir == NULL) {
		if (!config_load(invocation_option(invocation, "config"), &config, &err))
			return invocation_failed(invocation, &err);
		dir = config->trust_dir;
	}
	bool ok = directory_make_for(dir, &err) &&
		  trust_keys_init(dir, clock_now_ms(&clock), &entropy, &err);
	if (ok && invocation->json) {
		char bytes[8192];
		struct buf out = buf_of(bytes, sizeof bytes);
		buf_byte(&out, '{');
		json_write_member_text(&out, "dir", dir);
		buf_byte(&out, '}');
		(void)puts(buf_terminated(&out));
	} else if (ok) {
		(void)printf("made %s/{api,processor,signer,monitor,admin}.keys\n"
			     "Give each role its own file alone, and back them up: without the "
			     "signer's,\nits journal cannot be read.\n",
			     dir);
	}
	config_free(config);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

/* The password of a file that is there, or a new one for a file that is not. */
static bool password_provide(const char *path, struct entropy *entropy, struct secret *ret_password,
			     bool *ret_made, struct err *err)
{
	uint8_t random[PASSWORD_BYTES];
	char text[2 * PASSWORD_BYTES + 1];
	*ret_made = access(path, F_OK) != 0;
	if (*ret_made) {
		struct buf out = buf_of(text, sizeof text);
		entropy_fill(entropy, random, sizeof random);
		hex_write(&out, random, sizeof random);
		buf_byte(&out, '\n');
		bool ok = directory_make_for(path, err) &&
			  private_file_create(path, buf_view(&out), err);
		secret_wipe(random, sizeof random);
		secret_wipe(text, sizeof text);
		if (!ok)
			return false;
	}
	return secret_read_file(ret_password, path, PASSWORD_BYTES_MAX, err);
}

/* A keystore that was just written, or is only looked at. */
struct key_file {
	const char *name;
	const char *path;
	const char *password_path;
	bool password_made;
	bool is_seed;
	size_t keys_len;
	struct address addresses[WALLETS_MAX];
};

/* Unlocks the file as the signer will, and asks for its addresses. */
static bool addresses_read(struct key_file *file, const struct secret *password,
			   struct entropy *entropy, struct err *err)
{
	struct keys_keystore_file one = {
		.name = file->name,
		.path = file->path,
		.password = str_from_bytes(password->at, password->len),
	};
	struct keys_keystore_options options = { .files = &one, .len = 1, .entropy = entropy };
	struct keys *keys;
	if (!keys_keystore_open(&options, &keys, err))
		return false;
	bool ok = true;
	for (size_t i = 0; ok && i < file->keys_len; i++) {
		char ref[KEY_REF_LEN_MAX + 1];
		(void)snprintf(ref, sizeof ref, file->is_seed ? "%s/%zu" : "%s", file->name, i);
		ok = keys_address(keys, ref, &file->addresses[i], err);
	}
	keys_close(keys);
	return ok;
}

/* Absolute paths: the configuration may stand elsewhere, and relative ones start there. */
static void yaml_write(const struct key_file *file, const char *chain, bool is_fresh,
		       struct buf *out)
{
	char path[PATH_MAX], password_path[PATH_MAX];
	buf_text(out, "signer:\n  keystores:\n");
	buf_format(out, "    - name: %s\n      file: ", file->name);
	json_write_string(out, str_from(realpath(file->path, path)));
	buf_text(out, "\n      password_file: ");
	json_write_string(out, str_from(realpath(file->password_path, password_path)));
	buf_byte(out, '\n');
	buf_text(out, "wallets:\n");
	for (size_t i = 0; i < file->keys_len; i++) {
		buf_format(out, "  - chain: %s\n    address: \"%s\"\n    key: %s", chain,
			   address_text(file->addresses[i]).at, file->name);
		if (file->is_seed)
			buf_format(out, "/%zu", i);
		buf_text(out, is_fresh ? "\n    fresh: true\n" : "\n");
	}
}

static void json_write_wallets(const struct key_file *file, struct buf *out)
{
	json_write_name(out, "wallets");
	buf_byte(out, '[');
	for (size_t i = 0; i < file->keys_len; i++) {
		buf_text(out, i == 0 ? "{" : ",{");
		json_write_member_text(out, "address", address_text(file->addresses[i]).at);
		json_write_name(out, "key");
		if (file->is_seed) {
			buf_format(out, "\"%s/%zu\"", file->name, i);
			json_write_name(out, "path");
			buf_format(out, "\"" KEY_PATH "%zu\"", i);
		} else {
			buf_format(out, "\"%s\"", file->name);
		}
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

static void key_file_print(const struct invocation *invocation, const struct key_file *file,
			   bool is_fresh)
{
	const char *chain = invocation_option(invocation, "chain");
	struct buf yaml = buf_new(PRINT_BYTES_MAX), out = buf_new(PRINT_BYTES_MAX);
	yaml_write(file, chain != NULL ? chain : "CHAIN", is_fresh, &yaml);
	if (invocation->json) {
		buf_byte(&out, '{');
		json_write_member_text(&out, "name", file->name);
		json_write_member_text(&out, "file", file->path);
		json_write_member_text(&out, "password_file", file->password_path);
		json_write_member_bool(&out, "password_made", file->password_made);
		json_write_wallets(file, &out);
		json_write_member(&out, "yaml", buf_view(&yaml));
		buf_text(&out, "}\n");
	} else {
		buf_format(&out, "# made %s", file->path);
		if (file->password_made)
			buf_format(&out, ", and a password of 256 random bits in %s",
				   file->password_path);
		buf_text(&out, "\n# Back both up, in different places. For the configuration:\n");
		buf_str(&out, buf_view(&yaml));
	}
	CHECK(!out.overflow && !yaml.overflow);
	(void)fwrite(out.at, 1, out.len, stdout);
	buf_free(&yaml);
	buf_free(&out);
}

/* Writes the file, and reads it back as the proof that it and its password belong together. */
static bool key_file_make(struct key_file *file, const struct secret *bytes, uint32_t scrypt_n,
			  struct entropy *entropy, struct err *err)
{
	struct secret password;
	enum keystore_kind kind = file->is_seed ? KEYSTORE_SEED : KEYSTORE_KEY;
	if (access(file->path, F_OK) == 0)
		return err_set(err, ERR_REFUSED, "%s exists already", file->path);
	if (!password_provide(file->password_path, entropy, &password, &file->password_made, err))
		return false;
	bool ok =
		directory_make_for(file->path, err) &&
		keystore_write(file->path, str_from_bytes(bytes->at, bytes->len), kind,
			       str_from_bytes(password.at, password.len), scrypt_n, entropy, err) &&
		addresses_read(file, &password, entropy, err);
	secret_free(&password);
	return ok;
}

/* --name, --out and --password-file, and what keys_keystore_open would refuse later. */
static bool key_file_options(const struct invocation *invocation, struct key_file *ret_file,
			     uint32_t *ret_scrypt_n)
{
	uint64_t scrypt_n;
	struct key_file file = {
		.name = invocation_option(invocation, "name"),
		.path = invocation_option(invocation, "out"),
		.password_path = invocation_option(invocation, "password-file"),
	};
	if (file.name == NULL || file.path == NULL || file.password_path == NULL) {
		(void)invocation_misused(invocation,
					 "--name, --out and --password-file are needed");
		return false;
	}
	size_t len = strlen(file.name);
	if (len == 0 || len > KEYSTORE_NAME_LEN_MAX ||
	    strspn(file.name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != len) {
		(void)invocation_misused(invocation,
					 "a name has 1 to %d letters, digits, '-', '_' and '.'",
					 KEYSTORE_NAME_LEN_MAX);
		return false;
	}
	if (!invocation_count(invocation, "scrypt-n", 2, KEYSTORE_SCRYPT_N_MAX,
			      KEYSTORE_SCRYPT_N_DEFAULT, &scrypt_n))
		return false;
	if ((scrypt_n & (scrypt_n - 1)) != 0) {
		(void)invocation_misused(invocation, "--scrypt-n takes a power of two");
		return false;
	}
	*ret_file = file;
	*ret_scrypt_n = (uint32_t)scrypt_n;
	return true;
}

enum exit_status command_keys_new(const struct invocation *invocation)
{
	struct key_file file;
	struct entropy entropy;
	struct secret seed;
	struct err err;
	uint32_t scrypt_n;
	uint64_t wallets;
	if (!key_file_options(invocation, &file, &scrypt_n) ||
	    !invocation_count(invocation, "wallets", 1, WALLETS_MAX, WALLETS_DEFAULT, &wallets))
		return EXIT_USAGE;
	file.is_seed = true;
	file.keys_len = wallets;
	entropy_os_init(&entropy);
	if (!secret_process_harden(&err) || !secret_new(&seed, SEED_BYTES, &err))
		return invocation_failed(invocation, &err);
	entropy_fill(&entropy, seed.at, seed.len);
	bool ok = key_file_make(&file, &seed, scrypt_n, &entropy, &err);
	secret_free(&seed);
	if (!ok)
		return invocation_failed(invocation, &err);
	key_file_print(invocation, &file, true);
	return EXIT_DONE;
}

enum exit_status command_keys_import(const struct invocation *invocation)
{
	struct key_file file;
	struct entropy entropy;
	struct secret bytes;
	enum keystore_kind kind;
	struct err err;
	uint32_t scrypt_n;
	uint64_t wallets;
	if (!key_file_options(invocation, &file, &scrypt_n) ||
	    !invocation_count(invocation, "wallets", 1, WALLETS_MAX, WALLETS_DEFAULT, &wallets))
		return EXIT_USAGE;
	entropy_os_init(&entropy);
	if (!secret_process_harden(&err) ||
	    !key_input_read(invocation_option(invocation, "from"),
			    invocation_option(invocation, "from-password-file"), &bytes, &kind,
			    &err))
		return invocation_failed(invocation, &err);
	file.is_seed = kind == KEYSTORE_SEED;
	file.keys_len = file.is_seed ? wallets : 1;
	bool ok = key_file_make(&file, &bytes, scrypt_n, &entropy, &err);
	secret_free(&bytes);
	if (!ok)
		return invocation_failed(invocation, &err);
	key_file_print(invocation, &file, false);
	return EXIT_DONE;
}

/* --- keys address -------------------------------------------------------------------------------
 */

/* hot.json has its password in hot.password, as in the examples. */
static bool password_path_guess(const char *path, char *ret_path, size_t cap)
{
	static const char end[] = ".json";
	size_t len = strlen(path);
	if (len < sizeof end || strcmp(path + len - (sizeof end - 1), end) != 0)
		return false;
	int written = snprintf(ret_path, cap, "%.*s.password", (int)(len - (sizeof end - 1)), path);
	return (size_t)written < cap && access(ret_path, F_OK) == 0;
}

static enum exit_status address_of_file(const struct invocation *invocation, const char *path,
					uint64_t wallets)
{
	char guessed[PATH_MAX];
	struct key_file file = {
		.name = "key",
		.path = path,
		.password_path = invocation_option(invocation, "password-file"),
	};
	struct secret password, bytes;
	struct entropy entropy;
	enum keystore_kind kind;
	struct err err;
	entropy_os_init(&entropy);
	if (file.password_path == NULL && password_path_guess(path, guessed, sizeof guessed))
		file.password_path = guessed;
	if (file.password_path == NULL)
		return invocation_misused(invocation, "--password-file is missing");
	if (!secret_process_harden(&err) ||
	    !secret_read_file(&password, file.password_path, PASSWORD_BYTES_MAX, &err))
		return invocation_failed(invocation, &err);
	bool ok = keystore_read(file.path, str_from_bytes(password.at, password.len), &bytes, &kind,
				&err);
	if (ok) {
		secret_free(&bytes);
		file.is_seed = kind == KEYSTORE_SEED;
		file.keys_len = file.is_seed ? wallets : 1;
		ok = addresses_read(&file, &password, &entropy, &err);
	}
	secret_free(&password);
	if (!ok)
		return invocation_failed(invocation, &err);
	struct buf out = buf_new(PRINT_BYTES_MAX);
	if (invocation->json) {
		buf_byte(&out, '{');
		json_write_wallets(&file, &out);
		buf_text(&out, "}\n");
	}
	for (size_t i = 0; !invocation->json && i < file.keys_len; i++)
		buf_format(&out, "%s\n", address_text(file.addresses[i]).at);
	CHECK(!out.overflow);
	(void)fwrite(out.at, 1, out.len, stdout);
	buf_free(&out);
	return EXIT_DONE;
}

static void wallet_print(const struct config *config, const struct wallet_params *wallet,
			 const struct address *derived, bool json, bool is_first)
{
	bool matches = address_equal(wallet->address, *derived);
	const char *chain = config->catalogue.chains[wallet->chain].name;
	if (json)
		(void)printf(
			"%s{\"chain\":\"%s\",\"key\":\"%s\",\"address\":\"%s\",\"derived\":\"%s\""
			",\"matches\":%s}",
			is_first ? "" : ",", chain, wallet->key_ref,
			address_text(wallet->address).at, address_text(*derived).at,
			matches ? "true" : "false");
	else
		(void)printf("%-12s %-16s %s  %s%s\n", chain, wallet->key_ref,
			     address_text(wallet->address).at,
			     matches ? "ok" : "WRONG, the key is ",
			     matches ? "" : address_text(*derived).at);
}

/* Compares what the configuration pins with what its keys give. */
static enum exit_status addresses_of_config(const struct invocation *invocation)
{
	struct config *config;
	struct keys *keys;
	struct clock clock;
	struct entropy entropy;
	struct key_stores_parts parts = { .entropy = &entropy, .clock = &clock };
	struct err err;
	bool ok = true, all_match = true;
	clock_posix_init(&clock);
	entropy_os_init(&entropy);
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return invocation_failed(invocation, &err);
	if (!secret_process_harden(&err) || !key_stores_open(config, &parts, &keys, &err)) {
		config_free(config);
		return invocation_failed(invocation, &err);
	}
	if (invocation->json)
		(void)printf("{\"wallets\":[");
	for (size_t i = 0; ok && i < config->catalogue.wallets_len; i++) {
		const struct wallet_params *wallet = &config->catalogue.wallets[i];
		struct address derived;
		ok = keys_address(keys, wallet->key_ref, &derived, &err);
		if (!ok)
			break;
		wallet_print(config, wallet, &derived, invocation->json, i == 0);
		all_match = all_match && address_equal(wallet->address, derived);
	}
	if (invocation->json)
		(void)printf("]}\n");
	keys_close(keys);
	config_free(config);
	if (!ok)
		return invocation_failed(invocation, &err);
	return all_match ? EXIT_DONE : EXIT_FAILED;
}

enum exit_status command_keys_address(const struct invocation *invocation)
{
	uint64_t wallets;
	if (!invocation_count(invocation, "wallets", 1, WALLETS_MAX, WALLETS_DEFAULT, &wallets))
		return EXIT_USAGE;
	const char *file = invocation_option(invocation, "file");
	if (file != NULL && invocation->arguments_len > 0)
		return invocation_misused(invocation, "FILE is given twice");
	if (invocation->arguments_len > 0)
		file = invocation->arguments[0];
	return file != NULL ? address_of_file(invocation, file, wallets)
			    : addresses_of_config(invocation);
}
