#include "cmd/config.h"

#include "base/check.h"
#include "base/defence.h"
#include "cmd/config_texts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* A replica that takes longer is as good as away: the primary answers meanwhile. */
#define REPLICA_WAIT_MS 1000
#define ADDRESS_RATE \
	"2000" /* requests a second; a handshake of TLS takes about half a millisecond */

_Static_assert(CONFIG_KEYSTORES_MAX == KEYSTORES_MAX && CONFIG_TOKENS_MAX == TOKENS_MAX &&
		       CONFIG_KMS_MAX == KMS_MAX,
	       "the schema's bounds are the header's");

const char *role_text(enum role role)
{
	switch (role) {
	case ROLE_API:
		return "api";
	case ROLE_PROCESSOR:
		return "processor";
	case ROLE_SIGNER:
		return "signer";
	case ROLE_MONITOR:
		return "monitor";
	}
	return "";
}

void config_warn(struct config *config, const char *format, ...)
{
	if (config->warnings_len == CONFIG_WARNINGS_MAX)
		return;
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(config->warnings[config->warnings_len++], CONFIG_WARNING_LEN, format,
			arguments);
	va_end(arguments);
}

static void listen_read(struct config_listen *ret_listen, const char *text)
{
	ret_listen->text = text;
	CHECK(config_listen_read(str_from(text), ret_listen->host, sizeof ret_listen->host,
				 &ret_listen->port));
}

static int64_t milliseconds(const char *text)
{
	return (int64_t)config_u64(text);
}

static void database_read(struct config_database *ret_database,
			  const struct config_text_database *text)
{
	bool is_migrated_by_another = text->migrate_user != NULL;
	*ret_database = (struct config_database){
		.is_mysql = strcmp(text->backend, "mysql") == 0,
		.path = text->path,
		.host = text->host,
		.port = (uint16_t)config_u64(text->port),
		.socket = text->socket,
		.name = text->database,
		.user = text->user,
		.password_file = text->password_file,
		.migrate_user = is_migrated_by_another ? text->migrate_user : text->user,
		.migrate_password_file =
			is_migrated_by_another ? text->migrate_password_file : text->password_file,
		.tls_ca = text->tls_ca,
		.tls_cert = text->tls_cert,
		.tls_key = text->tls_key,
		.wait_ms = (uint32_t)config_u64(text->wait_ms),
	};
}

/* In all but its place and its user it is as the store. */
static void replica_read(struct config *config, const struct config_text_replica *text)
{
	struct config_database *replica = &config->replica;
	*replica = config->store;
	config->has_replica = text->host != NULL || text->socket != NULL;
	config->replica_age_ms = milliseconds(text->max_age_ms);
	replica->host = text->host;
	replica->port = (uint16_t)config_u64(text->port);
	replica->socket = text->socket;
	replica->wait_ms = REPLICA_WAIT_MS;
	if (text->user != NULL) {
		replica->user = text->user;
		replica->password_file = text->password_file;
	}
}

/* Half of a pair is a slip that would show when it is too late. */
static bool database_check(const struct config *config, const struct config_text_database *text,
			   const char *cert, const char *key, struct err *err)
{
	if ((text->tls_cert == NULL) != (text->tls_key == NULL))
		return config_lines_refuse(config->texts->lines,
					   text->tls_cert != NULL ? cert : key, err,
					   "a certificate and its key go together");
	if (text->tls_cert != NULL && text->tls_ca == NULL)
		return config_lines_refuse(config->texts->lines, cert, err,
					   "without tls_ca there is no TLS");
	return true;
}

static bool is_plain_server(const struct config_database *database)
{
	return database->is_mysql && database->tls_ca == NULL && database->socket == NULL &&
	       strcmp(database->host, "127.0.0.1") != 0 && strcmp(database->host, "localhost") != 0;
}

static bool replica_check(struct config *config, struct err *err)
{
	const struct config_text_replica *text = &config->texts->text->store.replica;
	if (!config->has_replica)
		return true;
	if (!config->store.is_mysql)
		return config_lines_refuse(config->texts->lines,
					   text->host != NULL ? "store.replica.host"
							      : "store.replica.socket",
					   err, "a file has no replica: store.backend is sqlite");
	if (is_plain_server(&config->replica))
		config_warn(config, "store.replica: %s is reached without TLS; set store.tls_ca",
			    config->replica.host);
	return true;
}

static bool databases_check(struct config *config, struct err *err)
{
	const struct config_text *text = config->texts->text;
	const struct config_database *store = &config->store;
	if (!database_check(config, &text->store, "store.tls_cert", "store.tls_key", err) ||
	    !database_check(config, &text->journal, "journal.tls_cert", "journal.tls_key", err))
		return false;
	if (is_plain_server(store))
		config_warn(config, "store: %s is reached without TLS; set store.tls_ca",
			    store->host);
	if (is_plain_server(&config->journal))
		config_warn(config, "journal: %s is reached without TLS; set journal.tls_ca",
			    config->journal.host);
	if (store->is_mysql && !config->journal.is_mysql)
		config_warn(config, "the journal is a file of one host: only one signer can run");
	return replica_check(config, err);
}

static bool is_plain_away(const char *url)
{
	return url != NULL && strncmp(url, "http://", 7) == 0 && strncmp(url + 7, "127.", 4) != 0 &&
	       strncmp(url + 7, "localhost", 9) != 0 && strncmp(url + 7, "[::1]", 5) != 0;
}

static bool queue_check(struct config *config, struct err *err)
{
	const struct config_lines *lines = config->texts->lines;
	if (!config->queue_is_sqs)
		return true;
	if (config->queue_region == NULL)
		return config_lines_refuse(lines, "queue.region", err, "is missing");
	if (strchr(config->queue_prefix, '.') != NULL)
		return config_lines_refuse(lines, "queue.prefix", err,
					   "\"%s\" has a '.', which SQS does not take",
					   config->queue_prefix);
	if (is_plain_away(config->queue_endpoint))
		config_warn(config, "queue.endpoint: what goes there by plain http can be read and "
				    "changed on the way");
	return true;
}

static enum config_sandbox sandbox_read(const char *text)
{
	if (strcmp(text, "log") == 0)
		return CONFIG_SANDBOX_LOG;
	return strcmp(text, "off") == 0 ? CONFIG_SANDBOX_OFF : CONFIG_SANDBOX_ON;
}

static struct config_rate rate_of(const char *limit, const char *burst)
{
	unsigned per_second = (unsigned)config_u64(limit);
	return (struct config_rate){ per_second,
				     burst != NULL ? (unsigned)config_u64(burst) : per_second };
}

static bool is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* On this machine alone everybody has one address, and it is a client's or a proxy's. */
static const char *address_rate_of(const struct config *config, const struct config_text *text)
{
	if (text->api.address_rate_limit != NULL)
		return text->api.address_rate_limit;
	return is_loopback(config->api.host) ? "0" : ADDRESS_RATE;
}

static void sections_read(struct config *config, const struct config_text *text)
{
	config->data_dir = text->data_dir;
	config->sandbox = sandbox_read(text->sandbox);
	CHECK(log_level_read(str_from(text->log.level), &config->log_level));
	config->log_file = text->log.file;
	database_read(&config->store, &text->store);
	database_read(&config->journal, &text->journal);
	replica_read(config, &text->store.replica);
	config->queue_is_sqs = strcmp(text->queue.backend, "sqs") == 0;
	config->queue_region = text->queue.region;
	config->queue_endpoint = text->queue.endpoint;
	config->queue_prefix = text->queue.prefix;
	config->queue_timeout_ms = milliseconds(text->queue.timeout_ms);
	config->trust_dir = text->trust.dir;
	config->grace_ms = milliseconds(text->run.grace_s) * 1000;
	listen_read(&config->api, text->api.listen);
	listen_read(&config->ops[ROLE_API], text->api.ops_listen);
	listen_read(&config->ops[ROLE_PROCESSOR], text->processor.ops_listen);
	listen_read(&config->ops[ROLE_SIGNER], text->signer.ops_listen);
	listen_read(&config->ops[ROLE_MONITOR], text->monitor.ops_listen);
	config->api_tls_certificate = text->api.tls.certificate_file;
	config->api_tls_key = text->api.tls.key_file;
	config->api_tls_client_ca = text->api.tls.client_ca_file;
	config->api_key_cache_ms = milliseconds(text->api.key_cache_ms);
	config->api_jobs_max = config_u64(text->api.jobs_max);
	config->api_wait_max_ms = milliseconds(text->api.wait_max_ms);
	config->api_key_rate = rate_of(text->api.rate_limit, text->api.rate_burst);
	config->api_account_rate =
		rate_of(text->api.account_rate_limit, text->api.account_rate_burst);
	config->api_address_rate =
		rate_of(address_rate_of(config, text), text->api.address_rate_burst);
	config->api_connections_max = config_u64(text->api.connections_max);
	config->api_address_connections_max = config_u64(text->api.address_connections_max);
	config->api_idle_timeout_ms = milliseconds(text->api.idle_timeout_ms);
	config->api_read_timeout_ms = milliseconds(text->api.read_timeout_ms);
	config->api_write_timeout_ms = milliseconds(text->api.write_timeout_ms);
	config->api_status_copy_ms = milliseconds(text->api.status_copy_ms);
	config->api_proxies_len = text->api.trusted_proxies_count;
	for (size_t i = 0; i < config->api_proxies_len; i++)
		CHECK(ip_range_read(str_from(text->api.trusted_proxies[i]),
				    &config->api_proxies[i]));
	config->policy_deny_list = text->policy.deny_list;
	config->unpause_people = (unsigned)config_u64(text->controls.unpause_people);
	config->accounts_required = config_bool(text->accounts.required);
	config->policy_people = (unsigned)config_u64(text->policy.change_people);
	config->allow_list_people = (unsigned)config_u64(text->policy.allow_list_people);
	config->processor_approval_life_ms = milliseconds(text->processor.approval_life_s) * 1000;
	config->processor_visibility_ms = milliseconds(text->processor.visibility_ms);
	config->processor_sweep_interval_ms = milliseconds(text->processor.sweep_interval_ms);
	config->signer_visibility_ms = milliseconds(text->signer.visibility_ms);
	config->signer_funds_wait_ms = milliseconds(text->signer.funds_wait_ms);
	config->signer_passed_over_ms = milliseconds(text->signer.passed_over_ms);
	config->signer_entry_wait_ms = milliseconds(text->signer.entry_wait_s) * 1000;
	config->signer_freeze_file = text->signer.freeze_file;
	config->monitor_balances_interval_ms = milliseconds(text->monitor.balances_interval_ms);
}

/* Whoever reads or writes on the way is as good as Redis itself (ADR 15). */
static void cache_read(struct config *config, const struct config_text_cache *text)
{
	config->has_cache = text->redis != NULL;
	config->cache_tls_ca = text->tls_ca;
	config->cache_tls_cert = text->tls_cert;
	config->cache_tls_key = text->tls_key;
	config->cache_username = text->username;
	config->cache_password_file = text->password_file;
	config->cache_timeout_ms = milliseconds(text->timeout_ms);
	if (!config->has_cache)
		return;
	listen_read(&config->cache_redis, text->redis);
	if (text->tls_ca == NULL && strncmp(config->cache_redis.host, "127.", 4) != 0 &&
	    strcmp(config->cache_redis.host, "::1") != 0)
		config_warn(config, "cache.redis: the way to %s is not encrypted",
			    config->cache_redis.text);
}

static bool identity_read(struct config *config, const struct config_text_identity *text,
			  struct err *err)
{
	config->identity_issuer = text->issuer;
	config->identity_audience = text->audience;
	config->identity_jwks_file = text->jwks_file;
	config->identity_jwks_url = text->jwks_url;
	config->identity_jwks_keep_ms = milliseconds(text->jwks_keep_s) * 1000;
	config->identity_role_claim = text->role_claim;
	config->identity_account_claim = text->account_claim;
	config->identity_life_max_ms = milliseconds(text->life_max_s) * 1000;
	bool has_keys = text->jwks_file != NULL || text->jwks_url != NULL;
	if (text->jwks_file != NULL && text->jwks_url != NULL)
		return config_lines_refuse(config->texts->lines, "identity.jwks_url", err,
					   "keys come from a file or from an URL, not from both");
	if (text->issuer != NULL && !has_keys)
		return config_lines_refuse(config->texts->lines, "identity.issuer", err,
					   "jwks_file or jwks_url is missing");
	if (text->issuer == NULL && has_keys)
		return config_lines_refuse(config->texts->lines, "identity", err,
					   "issuer is missing");
	return true;
}

/* Who reads on the way learns who is paid what, though he can say nothing in its place. */
static bool url_is_private(const char *url)
{
	static const char *const starts[] = { "https://", "http://127.0.0.1", "http://localhost",
					      "http://[::1]" };
	size_t at = 0, len = 0;
	while (at < sizeof starts / sizeof *starts &&
	       strncmp(url, starts[at], strlen(starts[at])) != 0)
		at++;
	if (at == sizeof starts / sizeof *starts)
		return false;
	len = strlen(starts[at]);
	return strchr(url, '@') == NULL && (at == 0 || strchr(":/", url[len]) != NULL);
}

static bool screening_read(struct config *config, const struct config_text_screening *text,
			   struct err *err)
{
	const struct config_lines *lines = config->texts->lines;
	config->screening_url = text->url;
	config->screening_secret_file = text->secret_file;
	config->screening_ca_file = text->ca_file;
	config->screening_deadline_ms = milliseconds(text->deadline_ms);
	config->screening_asked_max = config_u64(text->asked_max);
	if (text->url != NULL && text->secret_file == NULL)
		return config_lines_refuse(lines, "screening.url", err, "secret_file is missing");
	if (text->url == NULL && (text->secret_file != NULL || text->ca_file != NULL))
		return config_lines_refuse(lines, "screening", err, "url is missing");
	if (text->url != NULL && !url_is_private(text->url))
		return config_lines_refuse(lines, "screening.url", err,
					   "has to be https, or http to this machine");
	if (text->url != NULL &&
	    config->screening_deadline_ms > config->processor_visibility_ms / 2)
		return config_lines_refuse(lines, "screening.deadline_ms", err,
					   "is more than half of processor.visibility_ms: others "
					   "would ask about the same withdrawal");
	return true;
}

static bool key_store_is_named(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->keystores_len; i++)
		if (strcmp(config->keystores[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < config->pkcs11_len; i++)
		if (strcmp(config->pkcs11[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < config->kms_len; i++)
		if (strcmp(config->kms[i].name, name) == 0)
			return true;
	return false;
}

/* Names are one space: a wallet's key begins with one of them, of whatever kind. */
static bool key_store_name_check(const struct config *config, const char *list, const char *name,
				 struct err *err)
{
	if (!key_store_is_named(config, name))
		return true;
	return config_lines_refuse(config->texts->lines, list, err, "\"%s\" is used twice", name);
}

static bool key_stores_read(struct config *config, const struct config_text_signer *text,
			    struct err *err)
{
	for (size_t i = 0; i < text->keystores_count; i++) {
		const struct config_text_keystore *from = &text->keystores[i];
		if (!key_store_name_check(config, "signer.keystores", from->name, err))
			return false;
		config->keystores[config->keystores_len++] =
			(struct config_keystore){ from->name, from->file, from->password_file };
	}
	for (size_t i = 0; i < text->pkcs11_count; i++) {
		const struct config_text_pkcs11 *from = &text->pkcs11[i];
		if (!key_store_name_check(config, "signer.pkcs11", from->name, err))
			return false;
		config->pkcs11[config->pkcs11_len++] =
			(struct config_pkcs11){ from->name,
						from->module,
						from->token,
						from->pin_file,
						from->paths,
						config_u64(from->sessions),
						milliseconds(from->timeout_ms) };
	}
	for (size_t i = 0; i < text->kms_count; i++) {
		const struct config_text_kms *from = &text->kms[i];
		if (!key_store_name_check(config, "signer.kms", from->name, err))
			return false;
		config->kms[config->kms_len++] =
			(struct config_kms){ from->name, from->region, from->endpoint,
					     milliseconds(from->timeout_ms) };
	}
	return true;
}

/* Half of a pair is a slip. */
static bool tls_check(const struct config *config, struct err *err)
{
	const struct config_text_api_tls *text = &config->texts->text->api.tls;
	const struct config_lines *lines = config->texts->lines;
	if ((text->certificate_file == NULL) != (text->key_file == NULL))
		return config_lines_refuse(lines,
					   text->key_file != NULL ? "api.tls.key_file"
								  : "api.tls.certificate_file",
					   err, "a certificate and its key go together");
	if (text->client_ca_file != NULL && text->certificate_file == NULL)
		return config_lines_refuse(lines, "api.tls.client_ca_file", err,
					   "without api.tls.certificate_file there is no TLS");
	return true;
}

/* Who reads an API key on the way has it. */
static bool wire_check(const struct config *config, struct err *err)
{
	if (!tls_check(config, err))
		return false;
	if (config_bool(config->texts->text->api.behind_proxy) && config->api_proxies_len == 0)
		return config_lines_refuse(
			config->texts->lines, "api.behind_proxy", err,
			"without api.trusted_proxies every client has the proxy's address: one that "
			"fails to log in, or asks too often, keeps all others waiting");
	if (is_loopback(config->api.host) || config->api_tls_certificate != NULL ||
	    config_bool(config->texts->text->api.behind_proxy))
		return true;
	return config_lines_refuse(
		config->texts->lines, "api.listen", err,
		"%s is reached from other machines, and API keys could be read on "
		"the way: set api.tls.certificate_file and api.tls.key_file, or "
		"api.behind_proxy: true where a proxy speaks TLS for it",
		config->api.text);
}

static bool cache_check(const struct config *config, struct err *err)
{
	const struct config_lines *lines = config->texts->lines;
	const char *cert = config->cache_tls_cert, *key = config->cache_tls_key;
	if ((cert == NULL) != (key == NULL))
		return config_lines_refuse(lines, cert != NULL ? "cache.tls_cert" : "cache.tls_key",
					   err, "a certificate and its key go together");
	if (cert != NULL && config->cache_tls_ca == NULL)
		return config_lines_refuse(lines, "cache.tls_cert", err,
					   "without tls_ca there is no TLS");
	return true;
}

/* One port cannot be listened to twice; port 0 is any free one. */
static bool ports_check(const struct config *config, struct err *err)
{
	for (int i = 0; i < ROLES_LEN; i++) {
		if (config->ops[i].port != 0 && config->ops[i].port == config->api.port &&
		    strcmp(config->ops[i].host, config->api.host) == 0)
			return config_lines_refuse(config->texts->lines, "api.listen", err,
						   "%s is also the ops_listen of %s",
						   config->api.text, role_text((enum role)i));
	}
	return true;
}

static bool config_fill(struct config *config, const char *file, struct err *err)
{
	if (!config_texts_load(file, &config->texts, err))
		return false;
	config->file = config->texts->file;
	sections_read(config, config->texts->text);
	cache_read(config, &config->texts->text->cache);
	return identity_read(config, &config->texts->text->identity, err) &&
	       screening_read(config, &config->texts->text->screening, err) &&
	       key_stores_read(config, &config->texts->text->signer, err) &&
	       ports_check(config, err) && wire_check(config, err) && cache_check(config, err) &&
	       databases_check(config, err) && queue_check(config, err) &&
	       config_catalogue_read(config, err);
}

static bool file_choose(const char *file, const char **ret_file, struct err *err)
{
	if (file == NULL)
		file = getenv(CONFIG_FILE_VARIABLE);
	if (file != NULL && file[0] == '\0')
		return err_set(err, ERR_REFUSED, "environment: %s is empty", CONFIG_FILE_VARIABLE);
	if (file == NULL && access(CONFIG_FILE_DEFAULT, F_OK) != 0)
		return err_set(err, ERR_NOT_DONE,
			       "no configuration: %s does not exist; name one with --config FILE "
			       "or %s",
			       CONFIG_FILE_DEFAULT, CONFIG_FILE_VARIABLE);
	*ret_file = file != NULL ? file : CONFIG_FILE_DEFAULT;
	return true;
}

bool config_load(const char *file, struct config **ret_config, struct err *err)
{
	const char *chosen = NULL;
	if (!file_choose(file, &chosen, err))
		return false;
	struct config *config = calloc(1, sizeof *config);
	CHECK(config != NULL);
	if (!config_fill(config, chosen, err)) {
		config_free(config);
		return false;
	}
	*ret_config = config;
	return true;
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	config_texts_free(config->texts);
	free(config);
}

static size_t url_len(const char *url)
{
	size_t len = strlen(url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	return len;
}

bool config_urls_repeat(const char *const *urls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i && DEFENCE("a_node_votes_once"); k++)
			if (url_len(urls[i]) == url_len(urls[k]) &&
			    strncasecmp(urls[i], urls[k], url_len(urls[i])) == 0)
				return true;
	return false;
}

static bool urls_parse(char *text, const char *file, const char **ret_urls, size_t *ret_len,
		       struct err *err)
{
	static const struct config_rule rule = { .type = CONFIG_TYPE_URL };
	size_t len = 0;
	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		line += strspn(line, " \t\r");
		line[strcspn(line, " \t\r")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		char wanted[96];
		if (!config_rule_allows(&rule, str_from(line), wanted, sizeof wanted))
			return err_set(err, ERR_REFUSED, "%s: URL %zu is not %s", file, len + 1,
				       wanted);
		if (len == RPC_ENDPOINTS_MAX)
			return err_set(err, ERR_REFUSED, "%s: more than %d URLs", file,
				       RPC_ENDPOINTS_MAX);
		ret_urls[len++] = line;
	}
	if (len == 0)
		return err_set(err, ERR_REFUSED, "%s: no URL in it", file);
	if (config_urls_repeat(ret_urls, len))
		return err_set(err, ERR_REFUSED, "%s: a URL is in it twice", file);
	*ret_len = len;
	return true;
}

bool config_chain_urls(const struct config_chain *ends, char *storage, const char **ret_urls,
		       size_t *ret_len, struct err *err)
{
	if (ends->rpc_file == NULL) {
		memcpy(ret_urls, ends->rpc, sizeof ends->rpc);
		*ret_len = ends->rpc_len;
		return true;
	}
	FILE *stream = fopen(ends->rpc_file, "re");
	if (stream == NULL)
		return err_set(err, ERR_NOT_DONE, "%s: %s", ends->rpc_file, strerror(errno));
	size_t len = fread(storage, 1, CONFIG_RPC_BYTES_MAX, stream);
	(void)fclose(stream);
	if (len == CONFIG_RPC_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "%s: longer than %d bytes", ends->rpc_file,
			       CONFIG_RPC_BYTES_MAX - 1);
	storage[len] = '\0';
	return urls_parse(storage, ends->rpc_file, ret_urls, ret_len, err);
}
