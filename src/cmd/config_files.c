#include "cmd/config_files.h"

#include "adapter/keys_keystore_file.h"
#include "adapter/trust_keys.h"
#include "base/check.h"
#include "base/secret.h"
#include "cmd/config_texts.h"
#include "cmd/secret_reference.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROLE_BIT(role) (1u << (role))

/* Every key of type path. A new one that is missing here is found by the first check-config. */
struct file_kind {
	const char *key; /* the rule's pattern */
	const char *made_by;
	const char *supply;
	bool is_secret;
	bool is_replaced;
	unsigned roles;
};

static const struct file_kind kinds[] = {
	{ .key = "data_dir", .made_by = "`sluice run`" },
	{ .key = "log.file", .made_by = "the first role that starts" },
	{ .key = "store.path", .made_by = "`sluice run` or `sluice migrate`" },
	{ .key = "journal.path", .made_by = "the signer" },
	{ .key = "store.socket",
	  .supply = "the database server makes it",
	  .roles = CONFIG_ROLES_ALL },
	{ .key = "store.password_file",
	  .supply = "write the password of store.user into it",
	  .is_secret = true,
	  .roles = CONFIG_ROLES_ALL },
	/* Of `sluice migrate` alone: elsewhere it is better not there. */
	{ .key = "store.migrate_password_file", .made_by = "whoever runs `sluice migrate`" },
	{ .key = "store.tls_ca",
	  .supply = "it has the server's authority",
	  .roles = CONFIG_ROLES_ALL },
	{ .key = "store.tls_cert", .supply = "it goes with tls_key", .roles = CONFIG_ROLES_ALL },
	{ .key = "store.tls_key",
	  .supply = "it goes with tls_cert",
	  .is_secret = true,
	  .roles = CONFIG_ROLES_ALL },
	{ .key = "store.replica.socket",
	  .supply = "the database server makes it",
	  .roles = ROLE_BIT(ROLE_API) },
	{ .key = "store.replica.password_file",
	  .supply = "write the password of store.replica.user into it",
	  .is_secret = true,
	  .roles = ROLE_BIT(ROLE_API) },
	{ .key = "api.tls.certificate_file",
	  .supply = "its authority gave it",
	  .is_replaced = true,
	  .roles = ROLE_BIT(ROLE_API) },
	{ .key = "api.tls.key_file",
	  .supply = "it was made together with the certificate's request",
	  .is_secret = true,
	  .is_replaced = true,
	  .roles = ROLE_BIT(ROLE_API) },
	{ .key = "api.tls.client_ca_file",
	  .supply = "it has the authority of the clients' certificates",
	  .is_replaced = true,
	  .roles = ROLE_BIT(ROLE_API) },
	{ .key = "journal.socket",
	  .supply = "the database server makes it",
	  .roles = ROLE_BIT(ROLE_SIGNER) },
	{ .key = "journal.password_file",
	  .supply = "write the password of journal.user into it",
	  .is_secret = true,
	  .roles = ROLE_BIT(ROLE_SIGNER) },
	/* Of `sluice migrate` alone: elsewhere it is better not there. */
	{ .key = "journal.migrate_password_file", .made_by = "whoever runs `sluice migrate`" },
	{ .key = "journal.tls_ca",
	  .supply = "it has the server's authority",
	  .roles = ROLE_BIT(ROLE_SIGNER) },
	{ .key = "journal.tls_cert",
	  .supply = "it goes with tls_key",
	  .roles = ROLE_BIT(ROLE_SIGNER) },
	{ .key = "journal.tls_key",
	  .supply = "it goes with tls_cert",
	  .is_secret = true,
	  .roles = ROLE_BIT(ROLE_SIGNER) },
	{ .key = "signer.freeze_file", .made_by = "who wants to stop every send" },
	{ .key = "trust.dir", .supply = "`sluice keys init` makes it", .roles = CONFIG_ROLES_ALL },
	{ .key = "signer.keystores[].file",
	  .supply = "`sluice keys new` or `sluice keys import` makes it",
	  .is_secret = true,
	  .roles = ROLE_BIT(ROLE_SIGNER) },
	{ .key = "signer.keystores[].password_file",
	  .supply = "it was made, or given, together with the keystore",
	  .is_secret = true,
	  .roles = ROLE_BIT(ROLE_SIGNER) },
	{ .key = "identity.jwks_file",
	  .supply = "the identity provider hands it out",
	  .is_replaced = true,
	  .roles = ROLE_BIT(ROLE_API) },
	{ .key = "policy.deny_list",
	  .supply = "it has an address a line; `#` begins a comment",
	  .is_replaced = true,
	  .roles = ROLE_BIT(ROLE_API) | ROLE_BIT(ROLE_PROCESSOR) | ROLE_BIT(ROLE_SIGNER) },
	{ .key = "screening.secret_file",
	  .supply = "write what the screening service knows too into it, mode 0600",
	  .is_secret = true,
	  .roles = ROLE_BIT(ROLE_PROCESSOR) },
	{ .key = "screening.ca_file",
	  .supply = "it has the authority of the service's certificate",
	  .roles = ROLE_BIT(ROLE_PROCESSOR) },
	{ .key = "cache.tls_ca",
	  .supply = "it has the server's authority",
	  .roles = CONFIG_ROLES_ALL },
	{ .key = "cache.tls_cert", .supply = "it goes with tls_key", .roles = CONFIG_ROLES_ALL },
	{ .key = "cache.tls_key",
	  .supply = "it goes with tls_cert",
	  .is_secret = true,
	  .roles = CONFIG_ROLES_ALL },
	{ .key = "cache.password_file",
	  .supply = "write the password of Redis into it",
	  .is_secret = true,
	  .roles = CONFIG_ROLES_ALL },
	{ .key = "signer.pkcs11[].module",
	  .supply = "the vendor's package brings it",
	  .roles = ROLE_BIT(ROLE_SIGNER) },
	{ .key = "signer.pkcs11[].pin_file",
	  .supply = "write the token's user PIN into it, mode 0600",
	  .is_secret = true,
	  .roles = ROLE_BIT(ROLE_SIGNER) },
	/* Not always a secret: only a provider's URL holds a key. */
	{ .key = "chains[].rpc_file",
	  .supply = "write one URL a line into it",
	  .roles = ROLE_BIT(ROLE_PROCESSOR) | ROLE_BIT(ROLE_SIGNER) | ROLE_BIT(ROLE_MONITOR) },
};

static const struct file_kind *kind_of(const char *pattern)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].key, pattern) == 0)
			return &kinds[i];
	CHECK(false);
	return NULL;
}

unsigned config_file_roles(const char *pattern)
{
	return kind_of(pattern)->roles;
}

bool config_file_is_replaced(const char *pattern)
{
	return kind_of(pattern)->is_replaced;
}

static void problem_set(struct config_file *file, const char *text, const char *cure)
{
	(void)snprintf(file->problem, sizeof file->problem, "%.200s%s%s", text,
		       cure != NULL ? "; " : "", cure != NULL ? cure : "");
}

/* Reads it as its role will. */
static void secret_look(struct config_file *file)
{
	struct secret content;
	struct err err;
	if (!secret_read_file(&content, file->path, KEYSTORE_FILE_BYTES_MAX, &err))
		problem_set(file, err.text, NULL);
	else
		secret_free(&content);
}

static void file_look(struct config_file *file)
{
	struct stat status;
	char text[PATH_MAX + 64];
	file->is_there = stat(file->path, &status) == 0;
	if (file->made_by != NULL)
		return;
	if (!file->is_there) {
		(void)snprintf(text, sizeof text, "%s: %s", file->path, strerror(errno));
		problem_set(file, text, file->supply);
	} else if (file->is_secret) {
		secret_look(file);
	} else if (access(file->path, R_OK) != 0) {
		(void)snprintf(text, sizeof text, "%s: %s", file->path, strerror(errno));
		problem_set(file, text, NULL);
	}
}

static void trust_file_look(struct config_file *file)
{
	struct trust_keys *keys;
	struct err err;
	file_look(file);
	if (!file->is_there || file->problem[0] != '\0')
		return;
	if (!trust_keys_read(file->path, &keys, &err))
		problem_set(file, err.text, NULL);
	else
		trust_keys_free(keys);
}

/* A missing directory is one problem, not one for each of its files. */
static size_t trust_look(const struct config_file *dir, struct config_file *ret_files)
{
	static const char *const admin = "admin";
	size_t len = 0;
	if (!dir->is_there)
		return 0;
	for (int i = 0; i <= ROLES_LEN; i++) {
		const char *name = i < ROLES_LEN ? role_text((enum role)i) : admin;
		struct config_file *file = &ret_files[len++];
		*file = (struct config_file){
			.supply = "`sluice keys init` made it, with the other roles' files",
			.is_secret = true,
			.roles = i < ROLES_LEN ? ROLE_BIT(i) : 0,
		};
		(void)snprintf(file->key, sizeof file->key, "trust.dir/%s.keys", name);
		if (snprintf(file->path, sizeof file->path, "%s/%s.keys", dir->path, name) >=
		    (int)sizeof file->path)
			problem_set(file, "trust.dir is too long", NULL);
		else
			trust_file_look(file);
	}
	return len;
}

static void rpc_look(const struct config *config, struct config_file *file)
{
	char storage[CONFIG_RPC_BYTES_MAX];
	const char *urls[RPC_ENDPOINTS_MAX];
	size_t len;
	struct err err;
	for (size_t i = 0; i < config->catalogue.chains_len; i++) {
		const char *path = config->chains[i].rpc_file;
		if (file->problem[0] == '\0' && path != NULL && strcmp(path, file->path) == 0 &&
		    !config_chain_urls(&config->chains[i], storage, urls, &len, &err))
			problem_set(file, err.text, NULL);
	}
}

static size_t place_look(const struct config *config, const struct config_place *place,
			 const char *pattern, struct config_file *ret_files)
{
	const struct file_kind *kind = kind_of(pattern);
	struct config_file *file = &ret_files[0];
	*file = (struct config_file){
		.made_by = kind->made_by,
		.supply = kind->supply,
		.is_secret = kind->is_secret,
		.roles = kind->roles,
	};
	CHECK(str_copy(str_from(place->path), file->key, sizeof file->key));
	CHECK(str_copy(str_from(*place->text), file->path, sizeof file->path));
	file->is_fetched = secret_reference_is_meant(str_from(file->path));
	if (file->is_fetched)
		return 1;
	file_look(file);
	if (strcmp(kind->key, "trust.dir") == 0)
		return 1 + trust_look(file, &ret_files[1]);
	if (strcmp(kind->key, "chains[].rpc_file") == 0)
		rpc_look(config, file);
	return 1;
}

#define FILES_MAX \
	(23 + ROLES_LEN + 1 + 2 * CONFIG_KEYSTORES_MAX + 2 * CONFIG_TOKENS_MAX + CHAINS_MAX)

void config_files_look(const struct config *config, struct config_file **ret_files, size_t *ret_len)
{
	struct config_walk walk;
	struct config_place place;
	size_t len = 0;
	struct config_file *files = calloc(FILES_MAX, sizeof *files);
	CHECK(files != NULL);
	config_walk_init(&walk, config->texts->text);
	while (config_walk_next(&walk, &place)) {
		if (place.kind != CONFIG_SCALAR || *place.text == NULL)
			continue;
		const struct config_rule *rule = config_rule_of(str_from(place.path));
		if (rule->type == CONFIG_TYPE_PATH || rule->type == CONFIG_TYPE_SECRET)
			len += place_look(config, &place, rule->pattern, &files[len]);
		CHECK(len <= FILES_MAX);
	}
	*ret_files = files;
	*ret_len = len;
}

size_t config_files_problems(const struct config_file *files, size_t len, unsigned roles,
			     struct buf *out)
{
	size_t problems = 0;
	for (size_t i = 0; i < len; i++) {
		if ((files[i].roles & roles) == 0 || files[i].problem[0] == '\0')
			continue;
		buf_format(out, "  %s: %s\n", files[i].key, files[i].problem);
		problems++;
	}
	return problems;
}
