/* The configuration file as libcyaml reads it: its keys, and every scalar as text.
 *
 * libcyaml decides structure (unknown keys, duplicates, lists where a scalar belongs). It does not
 * decide numbers and booleans: it takes "1e3" for 1, "-1" for 2^64 - 1 and "flase" for true, so
 * each scalar is text here and config_rule.c reads it.
 */
#ifndef SLUICE_CMD_CONFIG_SCHEMA_H
#define SLUICE_CMD_CONFIG_SCHEMA_H

#include "cmd/config_schema_catalogue.h"

#include "core/limits.h"

#include <cyaml/cyaml.h>

#define KEYSTORES_MAX         8
#define TOKENS_MAX            4
#define KMS_MAX               4
#define CONFIG_SCALAR_LEN_MAX 1024

/* Absent scalars are NULL. Memory belongs to libcyaml's allocator (malloc and free). */
struct config_text_keystore {
	char *name;
	char *file;
	char *password_file;
};

struct config_text_pkcs11 {
	char *name;
	char *module;
	char *token;
	char *pin_file;
	char *paths;
	char *sessions;
	char *timeout_ms;
};

struct config_text_kms {
	char *name;
	char *region;
	char *endpoint;
	char *timeout_ms;
};

struct config_text_log {
	char *level;
	char *file;
};

struct config_text_replica {
	char *host;
	char *port;
	char *socket;
	char *user;
	char *password_file;
	char *max_age_ms;
};

/* Of the store, and of the journal. */
struct config_text_database {
	char *backend;
	char *path;
	char *host;
	char *port;
	char *socket;
	char *database;
	char *user;
	char *password_file;
	char *migrate_user;
	char *migrate_password_file;
	char *tls_ca;
	char *tls_cert;
	char *tls_key;
	char *wait_ms;
	struct config_text_replica replica; /* of the store alone */
};

struct config_text_queue {
	char *backend;
	char *region;
	char *endpoint;
	char *prefix;
	char *timeout_ms;
};

struct config_text_trust {
	char *dir;
};

struct config_text_run {
	char *grace_s;
};

struct config_text_api_tls {
	char *certificate_file;
	char *key_file;
	char *client_ca_file;
};

struct config_text_api {
	char *listen;
	struct config_text_api_tls tls;
	char *behind_proxy;
	char *ops_listen;
	char *key_cache_ms;
	char *jobs_max;
	char *wait_max_ms;
	char *rate_limit;
	char *rate_burst;
	char *status_copy_ms;
	char *account_rate_limit;
	char *account_rate_burst;
	char *address_rate_limit;
	char *address_rate_burst;
	char *connections_max;
	char *address_connections_max;
	char *idle_timeout_ms;
	char *read_timeout_ms;
	char *write_timeout_ms;
	char **trusted_proxies;
	unsigned trusted_proxies_count;
};

struct config_text_identity {
	char *issuer;
	char *audience;
	char *jwks_file;
	char *jwks_url;
	char *jwks_keep_s;
	char *role_claim;
	char *account_claim;
	char *life_max_s;
};

struct config_text_cache {
	char *redis;
	char *tls_ca;
	char *tls_cert;
	char *tls_key;
	char *username;
	char *password_file;
	char *timeout_ms;
};

struct config_text_controls {
	char *unpause_people;
};

struct config_text_accounts {
	char *required;
};

struct config_text_policy {
	char *deny_list;
	char *change_people;
	char *allow_list_people;
};

struct config_text_screening {
	char *url;
	char *secret_file;
	char *ca_file;
	char *deadline_ms;
	char *asked_max;
};

struct config_text_processor {
	char *ops_listen;
	char *approval_life_s;
	char *visibility_ms;
	char *sweep_interval_ms;
};

struct config_text_signer {
	char *ops_listen;
	struct config_text_keystore *keystores;
	unsigned keystores_count;
	struct config_text_pkcs11 *pkcs11;
	unsigned pkcs11_count;
	struct config_text_kms *kms;
	unsigned kms_count;
	char *in_flight;
	char *visibility_ms;
	char *funds_wait_ms;
	char *passed_over_ms;
	char *entry_wait_s;
	char *freeze_file;
};

struct config_text_monitor {
	char *ops_listen;
	char *balances_interval_ms;
};

struct config_text {
	char *data_dir;
	char *sandbox;
	struct config_text_log log;
	struct config_text_database store;
	struct config_text_database journal;
	struct config_text_queue queue;
	struct config_text_trust trust;
	struct config_text_run run;
	struct config_text_cache cache;
	struct config_text_identity identity;
	struct config_text_api api;
	struct config_text_controls controls;
	struct config_text_accounts accounts;
	struct config_text_policy policy;
	struct config_text_screening screening;
	struct config_text_processor processor;
	struct config_text_signer signer;
	struct config_text_monitor monitor;
	struct config_text_chain *chains;
	unsigned chains_count;
	struct config_text_asset *assets;
	unsigned assets_count;
	struct config_text_wallet *wallets;
	unsigned wallets_count;
	struct config_text_approver *approvers;
	unsigned approvers_count;
};

/* The whole document: a mapping by pointer to struct config_text. */
extern const struct cyaml_schema_value config_schema;

#endif
