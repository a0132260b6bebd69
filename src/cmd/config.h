/* The configuration: one YAML file, every scalar overridable by the environment, everything but
 * chains, assets and wallets with a default. Loaded whole by every command and role; what a role
 * does not need of it is checked for its form all the same, and never opened.
 *
 *	config_lines.c    which keys stand where; unknown and doubled ones
 *	config_schema.c   the keys, for libcyaml
 *	config_rule.c     type, range, default and help of each
 *	config.c          environment, defaults, and the typed result
 *	config_catalogue.c   chains, assets and wallets as core/catalogue.h has them
 *	config_print.c    for `sluice check-config`
 *	config_files.c    the files that it names: there, missing, refused
 */
#ifndef SLUICE_CMD_CONFIG_H
#define SLUICE_CMD_CONFIG_H

#include "base/err.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/str.h"
#include "core/catalogue.h"

#include <stddef.h>
#include <stdint.h>

#define CONFIG_FILE_DEFAULT  "./sluice.yaml"
#define CONFIG_FILE_VARIABLE "SLUICE_CONFIG"
#define CONFIG_KEYSTORES_MAX 8
#define CONFIG_TOKENS_MAX    4
#define CONFIG_KMS_MAX       4
#define CONFIG_HOST_LEN_MAX  255
#define CONFIG_RPC_BYTES_MAX 4096
#define CONFIG_WARNINGS_MAX  64
#define CONFIG_WARNING_LEN   160

enum role {
	ROLE_API,
	ROLE_PROCESSOR,
	ROLE_SIGNER,
	ROLE_MONITOR,
};
#define ROLES_LEN 4

enum config_sandbox {
	CONFIG_SANDBOX_ON,
	CONFIG_SANDBOX_OFF,
	CONFIG_SANDBOX_LOG, /* what it would forbid is noted by the kernel; no file is shut */
};

struct config_listen {
	const char *text; /* as configured */
	char host[CONFIG_HOST_LEN_MAX + 1];
	uint16_t port;
};

struct config_keystore {
	const char *name;
	const char *file;
	const char *password_file;
};

/* Where the store or the journal is. */
struct config_database {
	bool is_mysql;
	const char *path; /* of SQLite */
	const char *host;
	uint16_t port;
	const char *socket; /* NULL: host and port */
	const char *name;
	const char *user;
	const char *password_file; /* NULL: without */
	const char *migrate_user;
	const char *migrate_password_file;
	const char *tls_ca; /* NULL: no TLS */
	const char *tls_cert;
	const char *tls_key;
	uint32_t wait_ms;
};

struct config_pkcs11 {
	const char *name;
	const char *module;
	const char *token;
	const char *pin_file;
	const char *paths; /* that the module needs, with ':' between; NULL: any */
	size_t sessions;
	int64_t timeout_ms;
};

struct config_kms {
	const char *name;
	const char *region;
	const char *endpoint; /* NULL: the region's own */
	int64_t timeout_ms;
};

struct config_chain {
	const char *rpc[RPC_ENDPOINTS_MAX];
	size_t rpc_len;
	const char *rpc_file; /* NULL, or then rpc_len is 0 */
	const char *ws;       /* NULL: heads are polled */
	int64_t rpc_timeout_ms;
};

/* All texts belong to the configuration; all paths are absolute. */
struct config {
	const char *file;
	const char *data_dir;
	enum config_sandbox sandbox;
	enum log_level log_level;
	const char *log_file; /* NULL: standard error */
	struct config_database store;
	bool has_replica;
	struct config_database replica; /* of the store's database, for lists */
	int64_t replica_age_ms;
	struct config_database journal;
	bool queue_is_sqs;
	const char *queue_region;   /* NULL without SQS */
	const char *queue_endpoint; /* or NULL */
	const char *queue_prefix;
	int64_t queue_timeout_ms;
	const char *trust_dir;
	int64_t grace_ms;
	struct config_listen ops[ROLES_LEN]; /* by enum role */
	struct config_listen api;
	const char *api_tls_certificate; /* NULL: plain HTTP */
	const char *api_tls_key;
	const char *api_tls_client_ca; /* NULL: clients show no certificate */
	int64_t api_key_cache_ms;
	size_t api_jobs_max;
	int64_t api_wait_max_ms;
	struct config_rate { /* per_second 0: none */
		unsigned per_second;
		unsigned burst;
	} api_key_rate, api_account_rate, api_address_rate;
	size_t api_connections_max;
	size_t api_address_connections_max; /* 0: none */
	int64_t api_idle_timeout_ms;
	int64_t api_read_timeout_ms;
	int64_t api_write_timeout_ms;
	int64_t api_status_copy_ms;
	struct ip_range api_proxies[PROXIES_MAX];
	size_t api_proxies_len;
	const char *identity_issuer; /* NULL: nobody outside is believed */
	const char *identity_audience;
	const char *identity_jwks_file; /* one of both, with an issuer */
	const char *identity_jwks_url;
	int64_t identity_jwks_keep_ms;
	const char *identity_role_claim;
	const char *identity_account_claim;
	int64_t identity_life_max_ms;
	bool has_cache;
	struct config_listen cache_redis;
	const char *cache_tls_ca; /* NULL: no TLS */
	const char *cache_tls_cert;
	const char *cache_tls_key;
	const char *cache_username;      /* NULL: the default one */
	const char *cache_password_file; /* NULL: none */
	int64_t cache_timeout_ms;
	const char *policy_deny_list; /* NULL: none */
	unsigned unpause_people;      /* 1 or 2 */
	bool accounts_required;
	unsigned policy_people;
	unsigned allow_list_people;
	const char *screening_url;         /* NULL: no service */
	const char *screening_secret_file; /* with an URL */
	const char *screening_ca_file;     /* NULL: the system's */
	int64_t screening_deadline_ms;
	size_t screening_asked_max;
	int64_t processor_approval_life_ms;
	int64_t processor_visibility_ms;
	int64_t processor_sweep_interval_ms;
	struct config_keystore keystores[CONFIG_KEYSTORES_MAX];
	size_t keystores_len;
	struct config_pkcs11 pkcs11[CONFIG_TOKENS_MAX];
	size_t pkcs11_len;
	struct config_kms kms[CONFIG_KMS_MAX];
	size_t kms_len;
	int64_t signer_visibility_ms;
	int64_t signer_funds_wait_ms;
	int64_t signer_passed_over_ms;
	int64_t signer_entry_wait_ms;
	const char *signer_freeze_file; /* NULL: none */
	int64_t monitor_balances_interval_ms;
	struct config_chain chains[CHAINS_MAX]; /* as catalogue.chains */
	struct catalogue catalogue;
	/* What is allowed and yet seldom meant, for people. */
	char warnings[CONFIG_WARNINGS_MAX][CONFIG_WARNING_LEN];
	size_t warnings_len;
	struct config_texts *texts; /* what the above points into */
};

/* Loads `file`; NULL means SLUICE_CONFIG, or else CONFIG_FILE_DEFAULT. REFUSED with "file:line:
 * path: reason", or with the variable in place of the line; NOT_DONE when the file cannot be read.
 */
MUST_CHECK bool config_load(const char *file, struct config **ret_config, struct err *err);
void config_free(struct config *config); /* accepts NULL */

/* The end points of a chain, from the file when it names one: one URL a line, '#' begins a comment.
 * Writes them into `storage` (CONFIG_RPC_BYTES_MAX) and ret_urls (RPC_ENDPOINTS_MAX). */
MUST_CHECK bool config_chain_urls(const struct config_chain *chain, char *storage,
				  const char **ret_urls, size_t *ret_len, struct err *err);
/* One node that is named twice would have two votes; case and a last slash make no other one. */
bool config_urls_repeat(const char *const *urls, size_t n);

/* "api"…; static storage. */
const char *role_text(enum role role);

struct config_file;
/* The effective configuration, without the parts of URLs that may hold keys, then its files
 * (config_files.h), then the warnings. */
void config_write_yaml(const struct config *config, const struct config_file *files,
		       size_t files_len, struct buf *out);
void config_write_json(const struct config *config, const struct config_file *files,
		       size_t files_len, struct buf *out);
/* Every key with its variable, type, default and help, as a table. */
void config_write_reference(struct buf *out);

#endif
