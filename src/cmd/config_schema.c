#include "cmd/config_schema.h"

#include <stddef.h>

/* Absent scalars stay NULL: what is required, and what has a default, is config_rule.c's to say,
 * since the environment may still provide it. */
#define SCALAR(structure, member)                                                            \
	CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, \
			       member, 1, CONFIG_SCALAR_LEN_MAX)
#define SECTION(member, fields) \
	CYAML_FIELD_MAPPING(#member, CYAML_FLAG_OPTIONAL, struct config_text, member, fields)
#define LIST(structure, member, entry, max)                                                        \
	CYAML_FIELD_SEQUENCE(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member, \
			     entry, 0, max)

static const struct cyaml_schema_value url_entry = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CONFIG_SCALAR_LEN_MAX),
};

static const struct cyaml_schema_field chain_fields[] = {
	SCALAR(struct config_text_chain, name),
	SCALAR(struct config_text_chain, chain_id),
	LIST(struct config_text_chain, rpc, &url_entry, RPC_ENDPOINTS_MAX),
	SCALAR(struct config_text_chain, rpc_file),
	SCALAR(struct config_text_chain, ws),
	SCALAR(struct config_text_chain, rpc_timeout_ms),
	SCALAR(struct config_text_chain, finality),
	SCALAR(struct config_text_chain, confirmations),
	SCALAR(struct config_text_chain, unpaid_confirmations),
	SCALAR(struct config_text_chain, tip_min_gwei),
	SCALAR(struct config_text_chain, fee_cap_max_gwei),
	SCALAR(struct config_text_chain, slot_fee_max),
	SCALAR(struct config_text_chain, native_gas_limit),
	SCALAR(struct config_text_chain, bump_after_s),
	SCALAR(struct config_text_chain, rebroadcast_after_s),
	SCALAR(struct config_text_chain, poll_ms),
	CYAML_FIELD_END,
};

static const struct cyaml_schema_field asset_fields[] = {
	SCALAR(struct config_text_asset, chain),
	SCALAR(struct config_text_asset, symbol),
	SCALAR(struct config_text_asset, native),
	SCALAR(struct config_text_asset, contract),
	SCALAR(struct config_text_asset, decimals),
	SCALAR(struct config_text_asset, min),
	SCALAR(struct config_text_asset, max),
	SCALAR(struct config_text_asset, signature_above),
	SCALAR(struct config_text_asset, signer_max),
	SCALAR(struct config_text_asset, hour_max),
	SCALAR(struct config_text_asset, day_max),
	SCALAR(struct config_text_asset, gas_floor),
	SCALAR(struct config_text_asset, gas_ceiling),
	CYAML_FIELD_END,
};

static const struct cyaml_schema_field wallet_fields[] = {
	SCALAR(struct config_text_wallet, chain), SCALAR(struct config_text_wallet, address),
	SCALAR(struct config_text_wallet, key),   SCALAR(struct config_text_wallet, in_flight),
	SCALAR(struct config_text_wallet, fresh), CYAML_FIELD_END,
};

static const struct cyaml_schema_field approver_fields[] = {
	SCALAR(struct config_text_approver, name),
	SCALAR(struct config_text_approver, key),
	CYAML_FIELD_END,
};

static const struct cyaml_schema_field keystore_fields[] = {
	SCALAR(struct config_text_keystore, name),
	SCALAR(struct config_text_keystore, file),
	SCALAR(struct config_text_keystore, password_file),
	CYAML_FIELD_END,
};

static const struct cyaml_schema_field pkcs11_fields[] = {
	SCALAR(struct config_text_pkcs11, name),       SCALAR(struct config_text_pkcs11, module),
	SCALAR(struct config_text_pkcs11, token),      SCALAR(struct config_text_pkcs11, pin_file),
	SCALAR(struct config_text_pkcs11, paths),      SCALAR(struct config_text_pkcs11, sessions),
	SCALAR(struct config_text_pkcs11, timeout_ms), CYAML_FIELD_END,
};

static const struct cyaml_schema_field kms_fields[] = {
	SCALAR(struct config_text_kms, name),
	SCALAR(struct config_text_kms, region),
	SCALAR(struct config_text_kms, endpoint),
	SCALAR(struct config_text_kms, timeout_ms),
	CYAML_FIELD_END,
};

static const struct cyaml_schema_value chain_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_text_chain, chain_fields),
};
static const struct cyaml_schema_value asset_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_text_asset, asset_fields),
};
static const struct cyaml_schema_value wallet_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_text_wallet, wallet_fields),
};
static const struct cyaml_schema_value approver_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_text_approver, approver_fields),
};
static const struct cyaml_schema_value keystore_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_text_keystore, keystore_fields),
};

static const struct cyaml_schema_value pkcs11_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_text_pkcs11, pkcs11_fields),
};
static const struct cyaml_schema_value kms_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_text_kms, kms_fields),
};

static const struct cyaml_schema_field log_fields[] = {
	SCALAR(struct config_text_log, level),
	SCALAR(struct config_text_log, file),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field replica_fields[] = {
	SCALAR(struct config_text_replica, host),
	SCALAR(struct config_text_replica, port),
	SCALAR(struct config_text_replica, socket),
	SCALAR(struct config_text_replica, user),
	SCALAR(struct config_text_replica, password_file),
	SCALAR(struct config_text_replica, max_age_ms),
	CYAML_FIELD_END,
};
/* What the store has, and the journal as well. */
#define DATABASE_FIELDS                                                                          \
	SCALAR(struct config_text_database, backend), SCALAR(struct config_text_database, path), \
		SCALAR(struct config_text_database, host),                                       \
		SCALAR(struct config_text_database, port),                                       \
		SCALAR(struct config_text_database, socket),                                     \
		SCALAR(struct config_text_database, database),                                   \
		SCALAR(struct config_text_database, user),                                       \
		SCALAR(struct config_text_database, password_file),                              \
		SCALAR(struct config_text_database, migrate_user),                               \
		SCALAR(struct config_text_database, migrate_password_file),                      \
		SCALAR(struct config_text_database, tls_ca),                                     \
		SCALAR(struct config_text_database, tls_cert),                                   \
		SCALAR(struct config_text_database, tls_key),                                    \
		SCALAR(struct config_text_database, wait_ms)
static const struct cyaml_schema_field store_fields[] = {
	DATABASE_FIELDS,
	CYAML_FIELD_MAPPING("replica", CYAML_FLAG_OPTIONAL, struct config_text_database, replica,
			    replica_fields),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field journal_fields[] = {
	DATABASE_FIELDS,
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field queue_fields[] = {
	SCALAR(struct config_text_queue, backend),    SCALAR(struct config_text_queue, region),
	SCALAR(struct config_text_queue, endpoint),   SCALAR(struct config_text_queue, prefix),
	SCALAR(struct config_text_queue, timeout_ms), CYAML_FIELD_END,
};
static const struct cyaml_schema_field trust_fields[] = {
	SCALAR(struct config_text_trust, dir),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field run_fields[] = {
	SCALAR(struct config_text_run, grace_s),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field api_tls_fields[] = {
	SCALAR(struct config_text_api_tls, certificate_file),
	SCALAR(struct config_text_api_tls, key_file),
	SCALAR(struct config_text_api_tls, client_ca_file),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field api_fields[] = {
	SCALAR(struct config_text_api, listen),
	CYAML_FIELD_MAPPING("tls", CYAML_FLAG_OPTIONAL, struct config_text_api, tls,
			    api_tls_fields),
	SCALAR(struct config_text_api, behind_proxy),
	SCALAR(struct config_text_api, ops_listen),
	SCALAR(struct config_text_api, key_cache_ms),
	SCALAR(struct config_text_api, jobs_max),
	SCALAR(struct config_text_api, wait_max_ms),
	SCALAR(struct config_text_api, rate_limit),
	SCALAR(struct config_text_api, rate_burst),
	SCALAR(struct config_text_api, status_copy_ms),
	SCALAR(struct config_text_api, account_rate_limit),
	SCALAR(struct config_text_api, account_rate_burst),
	SCALAR(struct config_text_api, address_rate_limit),
	SCALAR(struct config_text_api, address_rate_burst),
	SCALAR(struct config_text_api, connections_max),
	SCALAR(struct config_text_api, address_connections_max),
	SCALAR(struct config_text_api, idle_timeout_ms),
	SCALAR(struct config_text_api, read_timeout_ms),
	SCALAR(struct config_text_api, write_timeout_ms),
	LIST(struct config_text_api, trusted_proxies, &url_entry, PROXIES_MAX),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field cache_fields[] = {
	SCALAR(struct config_text_cache, redis),
	SCALAR(struct config_text_cache, tls_ca),
	SCALAR(struct config_text_cache, tls_cert),
	SCALAR(struct config_text_cache, tls_key),
	SCALAR(struct config_text_cache, username),
	SCALAR(struct config_text_cache, password_file),
	SCALAR(struct config_text_cache, timeout_ms),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field identity_fields[] = {
	SCALAR(struct config_text_identity, issuer),
	SCALAR(struct config_text_identity, audience),
	SCALAR(struct config_text_identity, jwks_file),
	SCALAR(struct config_text_identity, jwks_url),
	SCALAR(struct config_text_identity, jwks_keep_s),
	SCALAR(struct config_text_identity, role_claim),
	SCALAR(struct config_text_identity, account_claim),
	SCALAR(struct config_text_identity, life_max_s),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field controls_fields[] = {
	SCALAR(struct config_text_controls, unpause_people),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field accounts_fields[] = {
	SCALAR(struct config_text_accounts, required),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field policy_fields[] = {
	SCALAR(struct config_text_policy, deny_list),
	SCALAR(struct config_text_policy, change_people),
	SCALAR(struct config_text_policy, allow_list_people),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field screening_fields[] = {
	SCALAR(struct config_text_screening, url),
	SCALAR(struct config_text_screening, secret_file),
	SCALAR(struct config_text_screening, ca_file),
	SCALAR(struct config_text_screening, deadline_ms),
	SCALAR(struct config_text_screening, asked_max),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field processor_fields[] = {
	SCALAR(struct config_text_processor, ops_listen),
	SCALAR(struct config_text_processor, approval_life_s),
	SCALAR(struct config_text_processor, visibility_ms),
	SCALAR(struct config_text_processor, sweep_interval_ms),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field signer_fields[] = {
	SCALAR(struct config_text_signer, ops_listen),
	LIST(struct config_text_signer, keystores, &keystore_entry, KEYSTORES_MAX),
	LIST(struct config_text_signer, pkcs11, &pkcs11_entry, TOKENS_MAX),
	LIST(struct config_text_signer, kms, &kms_entry, KMS_MAX),
	SCALAR(struct config_text_signer, in_flight),
	SCALAR(struct config_text_signer, visibility_ms),
	SCALAR(struct config_text_signer, funds_wait_ms),
	SCALAR(struct config_text_signer, passed_over_ms),
	SCALAR(struct config_text_signer, entry_wait_s),
	SCALAR(struct config_text_signer, freeze_file),
	CYAML_FIELD_END,
};
static const struct cyaml_schema_field monitor_fields[] = {
	SCALAR(struct config_text_monitor, ops_listen),
	SCALAR(struct config_text_monitor, balances_interval_ms),
	CYAML_FIELD_END,
};

static const struct cyaml_schema_field document_fields[] = {
	SCALAR(struct config_text, data_dir),
	SCALAR(struct config_text, sandbox),
	SECTION(log, log_fields),
	SECTION(store, store_fields),
	SECTION(journal, journal_fields),
	SECTION(queue, queue_fields),
	SECTION(trust, trust_fields),
	SECTION(run, run_fields),
	SECTION(cache, cache_fields),
	SECTION(api, api_fields),
	SECTION(identity, identity_fields),
	SECTION(controls, controls_fields),
	SECTION(accounts, accounts_fields),
	SECTION(policy, policy_fields),
	SECTION(screening, screening_fields),
	SECTION(processor, processor_fields),
	SECTION(signer, signer_fields),
	SECTION(monitor, monitor_fields),
	LIST(struct config_text, chains, &chain_entry, CHAINS_MAX),
	LIST(struct config_text, assets, &asset_entry, ASSETS_MAX),
	LIST(struct config_text, wallets, &wallet_entry, WALLETS_MAX),
	LIST(struct config_text, approvers, &approver_entry, APPROVERS_MAX),
	CYAML_FIELD_END,
};

const struct cyaml_schema_value config_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_text, document_fields),
};
