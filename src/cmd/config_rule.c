#include "cmd/config_rule.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cmd/config_walk.h"
#include "cmd/secret_reference.h"
#include "core/address.h"
#include "core/amount.h"
#include "core/limits.h"
#include "port/cache.h"

#include <ctype.h>
#include <string.h>

#define MINUTE_MS 60000
#define DAY_S     86400

/* Ranges guard against slips of a unit ("30" meant as seconds in a field of milliseconds), not
 * against every unwise choice. */
static const struct config_rule rules[] = {
	{ "data_dir", CONFIG_TYPE_PATH, 0, 0, "var", "where files without a path of their own go" },
	{ "sandbox", CONFIG_TYPE_CHOICE, 0, 0, "on",
	  "on, off or log: each role has its own files and calls of the kernel alone" },
	{ "log.level", CONFIG_TYPE_LEVEL, 0, 0, "info", "least level that is written" },
	{ "log.file", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "file for log lines; standard error if absent" },
	{ "store.backend", CONFIG_TYPE_CHOICE, 0, 0, "sqlite",
	  "sqlite or mysql: a file, or a server that several hosts share" },
	{ "store.path", CONFIG_TYPE_PATH, 0, 0, CONFIG_IN_DATA_DIR "sluice.db",
	  "the database of sqlite" },
	{ "store.host", CONFIG_TYPE_TEXT, 1, 255, "127.0.0.1", "of the server" },
	{ "store.port", CONFIG_TYPE_COUNT, 1, 65535, "3306", "of the server" },
	{ "store.socket", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "the server's Unix socket, in place of host and port" },
	{ "store.database", CONFIG_TYPE_NAME, 1, 64, "sluice", "of the server; made before" },
	{ "store.user", CONFIG_TYPE_NAME, 1, 64, "sluice", "may select, insert, update, delete" },
	{ "store.password_file", CONFIG_TYPE_SECRET, 0, 0, NULL,
	  "its password; readable by the owner alone" },
	{ "store.migrate_user", CONFIG_TYPE_NAME, 1, 64, NULL,
	  "may change the schema, for `sluice migrate`; store.user if absent" },
	{ "store.migrate_password_file", CONFIG_TYPE_SECRET, 0, 0, NULL, "its password" },
	{ "store.tls_ca", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "PEM file of authorities: TLS, and the server's name is checked" },
	{ "store.tls_cert", CONFIG_TYPE_PATH, 0, 0, NULL, "PEM file: our own certificate" },
	{ "store.tls_key", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "PEM file: its key; readable by the owner alone" },
	{ "store.wait_ms", CONFIG_TYPE_COUNT, 1000, MINUTE_MS, "5000",
	  "deadline of a connection, an answer, a lock; in whole seconds" },
	{ "store.replica.host", CONFIG_TYPE_TEXT, 1, 255, NULL,
	  "of a server that replicates the store's, for the API's lists; none if absent" },
	{ "store.replica.port", CONFIG_TYPE_COUNT, 1, 65535, "3306", "of that server" },
	{ "store.replica.socket", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "its Unix socket, in place of host and port" },
	{ "store.replica.user", CONFIG_TYPE_NAME, 1, 64, NULL,
	  "may select there; store.user, with its password, if absent" },
	{ "store.replica.password_file", CONFIG_TYPE_SECRET, 0, 0, NULL,
	  "its password; readable by the owner alone" },
	{ "store.replica.max_age_ms", CONFIG_TYPE_COUNT, 2000, MINUTE_MS, "3000",
	  "how old a list from there may be; an older one comes from the store" },
	{ "journal.backend", CONFIG_TYPE_CHOICE, 0, 0, "sqlite",
	  "sqlite or mysql: a file, or a server that several hosts share" },
	{ "journal.path", CONFIG_TYPE_PATH, 0, 0, CONFIG_IN_DATA_DIR "journal.db",
	  "the signer's pay journal in sqlite" },
	{ "journal.host", CONFIG_TYPE_TEXT, 1, 255, "127.0.0.1", "of the server" },
	{ "journal.port", CONFIG_TYPE_COUNT, 1, 65535, "3306", "of the server" },
	{ "journal.socket", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "the server's Unix socket, in place of host and port" },
	{ "journal.database", CONFIG_TYPE_NAME, 1, 64, "sluice_journal",
	  "of the server; made before" },
	{ "journal.user", CONFIG_TYPE_NAME, 1, 64, "sluice_journal",
	  "may select and insert; the signer alone knows it" },
	{ "journal.password_file", CONFIG_TYPE_SECRET, 0, 0, NULL,
	  "its password; readable by the owner alone" },
	{ "journal.migrate_user", CONFIG_TYPE_NAME, 1, 64, NULL,
	  "may change the schema, for `sluice migrate`; journal.user if absent" },
	{ "journal.migrate_password_file", CONFIG_TYPE_SECRET, 0, 0, NULL, "its password" },
	{ "journal.tls_ca", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "PEM file of authorities: TLS, and the server's name is checked" },
	{ "journal.tls_cert", CONFIG_TYPE_PATH, 0, 0, NULL, "PEM file: our own certificate" },
	{ "journal.tls_key", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "PEM file: its key; readable by the owner alone" },
	{ "journal.wait_ms", CONFIG_TYPE_COUNT, 1000, MINUTE_MS, "5000",
	  "deadline of a connection, an answer, a lock; in whole seconds" },
	{ "queue.backend", CONFIG_TYPE_CHOICE, 0, 0, "embedded",
	  "embedded or sqs: wake-ups in the database, or over AWS" },
	{ "queue.region", CONFIG_TYPE_NAME, 1, 32, NULL, "of SQS; required with it" },
	{ "queue.endpoint", CONFIG_TYPE_URL, 0, 0, NULL,
	  "of SQS, without a path; AWS's own of the region if absent" },
	{ "queue.prefix", CONFIG_TYPE_NAME, 1, 64, "sluice-",
	  "before the names request, signing, monitor; another one for each deployment" },
	{ "queue.timeout_ms", CONFIG_TYPE_COUNT, 100, 4000, "3000",
	  "deadline of one request to SQS" },
	{ "trust.dir", CONFIG_TYPE_PATH, 0, 0, CONFIG_IN_DATA_DIR "trust",
	  "the files of `sluice keys init`; each role reads its own" },
	{ "run.grace_s", CONFIG_TYPE_COUNT, 1, 300, "10",
	  "how long `sluice run` waits for its roles to stop" },
	{ "cache.redis", CONFIG_TYPE_LISTEN, 0, 0, NULL,
	  "Redis that several processes share, for speed alone; none if absent" },
	{ "cache.tls_ca", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "PEM file of authorities: TLS, and the server's name is checked" },
	{ "cache.tls_cert", CONFIG_TYPE_PATH, 0, 0, NULL, "PEM file: our own certificate" },
	{ "cache.tls_key", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "PEM file: its key; readable by the owner alone" },
	{ "cache.username", CONFIG_TYPE_TEXT, 1, 64, NULL, "its user; the default one if absent" },
	{ "cache.password_file", CONFIG_TYPE_SECRET, 0, 0, NULL,
	  "its password; readable by the owner alone" },
	{ "cache.timeout_ms", CONFIG_TYPE_COUNT, 5, 1000, "50",
	  "deadline of a call; what it would have said is found out without it" },
	{ "api.listen", CONFIG_TYPE_LISTEN, 0, 0, "127.0.0.1:3000", "the API" },
	{ "api.tls.certificate_file", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "PEM file: the API speaks TLS; its certificate first, then what leads to its authority" },
	{ "api.tls.key_file", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "PEM file: the certificate's key; readable by the owner alone" },
	{ "api.tls.client_ca_file", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "PEM file: clients have to show a certificate of these authorities" },
	{ "api.behind_proxy", CONFIG_TYPE_BOOL, 0, 0, "false",
	  "a proxy speaks TLS for the API: it may listen beyond this machine without" },
	{ "api.ops_listen", CONFIG_TYPE_LISTEN, 0, 0, "127.0.0.1:3100",
	  "/livez, /readyz and /metrics of the api" },
	{ "api.key_cache_ms", CONFIG_TYPE_COUNT, 1, MINUTE_MS, "5000",
	  "how long a verdict about an API key is kept" },
	{ "api.jobs_max", CONFIG_TYPE_COUNT, 64, 65536, "4096",
	  "waiting requests before 503 is answered" },
	{ "api.wait_max_ms", CONFIG_TYPE_COUNT, 0, 4000, "1000",
	  "how long a new withdrawal may have to wait for the store: who would wait longer gets 503 at "
	  "once; 0 refuses nobody for that" },
	{ "api.rate_limit", CONFIG_TYPE_COUNT, 0, CACHE_RATE_MAX, "0",
	  "requests a second of one API key, of all processes while Redis is there; 0 is no limit" },
	{ "api.rate_burst", CONFIG_TYPE_COUNT, 1, CACHE_RATE_MAX, CONFIG_DERIVED,
	  "requests at once after a pause; as many as rate_limit if absent" },
	{ "api.status_copy_ms", CONFIG_TYPE_COUNT, 0, 10000, "2000",
	  "how old the status of a withdrawal out of Redis may be at most; 0 keeps none there" },
	{ "api.account_rate_limit", CONFIG_TYPE_COUNT, 0, CACHE_RATE_MAX, "0",
	  "the same of an account, over all its keys" },
	{ "api.account_rate_burst", CONFIG_TYPE_COUNT, 1, CACHE_RATE_MAX, CONFIG_DERIVED,
	  "as many as account_rate_limit if absent" },
	{ "api.address_rate_limit", CONFIG_TYPE_COUNT, 0, CACHE_RATE_MAX, CONFIG_DERIVED,
	  "the same of a client's address (of IPv6 a /64), before it is asked who it is; a handshake of "
	  "TLS counts as one. If absent 2000 where the API is reached from other machines, else none" },
	{ "api.address_rate_burst", CONFIG_TYPE_COUNT, 1, CACHE_RATE_MAX, CONFIG_DERIVED,
	  "as many as address_rate_limit if absent" },
	{ "api.connections_max", CONFIG_TYPE_COUNT, 16, 4096, "1024",
	  "open connections; beyond, the one that is idle longest has to go" },
	{ "api.address_connections_max", CONFIG_TYPE_COUNT, 0, 4096, "512",
	  "of one client's address, unless it is a trusted proxy; 0 is no limit" },
	{ "api.idle_timeout_ms", CONFIG_TYPE_COUNT, 100, 10 * MINUTE_MS, "75000",
	  "between two requests of a connection" },
	{ "api.read_timeout_ms", CONFIG_TYPE_COUNT, 100, MINUTE_MS, "10000",
	  "from the first byte of a request to its last" },
	{ "api.write_timeout_ms", CONFIG_TYPE_COUNT, 100, 10 * MINUTE_MS, "20000",
	  "for each 16 KiB of an answer, and for its end" },
	{ "api.trusted_proxies[]", CONFIG_TYPE_RANGE, 0, 0, CONFIG_REQUIRED,
	  "proxies whose X-Forwarded-For says where a client is; nobody's if absent" },
	{ "identity.issuer", CONFIG_TYPE_TEXT, 1, 512, NULL,
	  "of an outside identity provider's tokens (iss); nobody outside is believed if absent" },
	{ "identity.audience", CONFIG_TYPE_TEXT, 1, 256, "sluice", "whom they are for (aud)" },
	{ "identity.jwks_file", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "its public keys; read again when it has changed" },
	{ "identity.jwks_url", CONFIG_TYPE_URL, 0, 0, NULL,
	  "the same by https, in place of the file; by http from this machine alone" },
	{ "identity.jwks_keep_s", CONFIG_TYPE_COUNT, 1200, 30 * DAY_S, "14400",
	  "how long they are believed when they cannot be had again" },
	{ "identity.role_claim", CONFIG_TYPE_TEXT, 1, 128, "sluice_role",
	  "the claim that names a role: viewer, operator, approver or admin" },
	{ "identity.account_claim", CONFIG_TYPE_TEXT, 1, 128, "sluice_account",
	  "the claim that names an account; * is every one" },
	{ "identity.life_max_s", CONFIG_TYPE_COUNT, 60, DAY_S, "3600",
	  "tokens that live longer are refused" },
	{ "accounts.required", CONFIG_TYPE_BOOL, 0, 0, "true",
	  "only accounts that are declared take part; false: whatever a key or a user names is one" },
	{ "policy.deny_list", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "addresses that are never paid, one a line; read again when it has changed" },
	{ "controls.unpause_people", CONFIG_TYPE_COUNT, 1, 2, "1",
	  "how many have to agree before a pause is lifted: 1 or 2" },
	{ "policy.change_people", CONFIG_TYPE_COUNT, 1, 2, "1",
	  "how many have to agree to another policy: 1 or 2" },
	{ "policy.allow_list_people", CONFIG_TYPE_COUNT, 1, 2, "1",
	  "how many have to agree to what is added to the allow-list, or taken off it: 1 or 2" },
	{ "screening.url", CONFIG_TYPE_URL, 0, 0, NULL,
	  "of a service that is asked about who the policy wants to be screened; https, or http to "
	  "this machine" },
	{ "screening.secret_file", CONFIG_TYPE_SECRET, 0, 0, NULL,
	  "what it and the processor know, and sign with; at least 32 bytes" },
	{ "screening.ca_file", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "whose certificates are believed there; the system's if absent" },
	{ "screening.deadline_ms", CONFIG_TYPE_COUNT, 100, MINUTE_MS, "5000",
	  "for each answer; what comes later is none" },
	{ "screening.asked_max", CONFIG_TYPE_COUNT, 1, 16, "8",
	  "withdrawals that are asked about at once" },
	{ "processor.ops_listen", CONFIG_TYPE_LISTEN, 0, 0, "127.0.0.1:3001", "as of the api" },
	{ "processor.approval_life_s", CONFIG_TYPE_COUNT, 60, 30 * DAY_S, "86400",
	  "how long an approval may wait for its nonce before it is renewed" },
	{ "processor.visibility_ms", CONFIG_TYPE_COUNT, 1000, 60 * MINUTE_MS, "30000",
	  "how long a claimed message stays hidden" },
	{ "processor.sweep_interval_ms", CONFIG_TYPE_COUNT, 100, 10 * MINUTE_MS, "1000",
	  "how often the sweeper looks for rows that are due" },
	{ "signer.ops_listen", CONFIG_TYPE_LISTEN, 0, 0, "127.0.0.1:3002", "as of the api" },
	{ "signer.keystores[].name", CONFIG_TYPE_NAME, 1, 64, CONFIG_REQUIRED,
	  "the first part of a wallet's key: \"hot\" in \"hot/0\"" },
	{ "signer.keystores[].file", CONFIG_TYPE_PATH, 0, 0, CONFIG_REQUIRED,
	  "encrypted keystore, as made by `sluice keys new`" },
	{ "signer.keystores[].password_file", CONFIG_TYPE_SECRET, 0, 0, CONFIG_REQUIRED,
	  "its password; readable by the owner alone" },
	{ "signer.pkcs11[].name", CONFIG_TYPE_NAME, 1, 64, CONFIG_REQUIRED,
	  "the first part of a wallet's key: \"hsm\" in \"hsm/LABEL\" or \"hsm/id=HEX\"" },
	{ "signer.pkcs11[].module", CONFIG_TYPE_PATH, 0, 0, CONFIG_REQUIRED,
	  "the PKCS#11 module of the token's vendor; only its owner may write it" },
	{ "signer.pkcs11[].token", CONFIG_TYPE_TEXT, 1, 32, CONFIG_REQUIRED,
	  "label or serial number of the token" },
	{ "signer.pkcs11[].pin_file", CONFIG_TYPE_SECRET, 0, 0, CONFIG_REQUIRED,
	  "its user PIN; readable by the owner alone" },
	{ "signer.pkcs11[].paths", CONFIG_TYPE_TEXT, 1, 1000, NULL,
	  "files and directories that the module needs, with ':' between; any if absent" },
	{ "signer.pkcs11[].sessions", CONFIG_TYPE_COUNT, 1, 32, "8",
	  "signatures that are under way at once" },
	{ "signer.pkcs11[].timeout_ms", CONFIG_TYPE_COUNT, 100, MINUTE_MS, "5000",
	  "deadline of a batch of signatures" },
	{ "signer.kms[].name", CONFIG_TYPE_NAME, 1, 64, CONFIG_REQUIRED,
	  "the first part of a wallet's key: \"kms\" in \"kms/KEY-ID\" or \"kms/alias/NAME\"" },
	{ "signer.kms[].region", CONFIG_TYPE_NAME, 1, 32, CONFIG_REQUIRED, "of AWS: eu-central-1" },
	{ "signer.kms[].endpoint", CONFIG_TYPE_URL, 0, 0, NULL,
	  "in place of the region's own, for a private one" },
	{ "signer.kms[].timeout_ms", CONFIG_TYPE_COUNT, 100, MINUTE_MS, "5000",
	  "deadline of a batch of signatures" },
	{ "signer.in_flight", CONFIG_TYPE_COUNT, 1, IN_FLIGHT_MAX, "16",
	  "unmined transactions of a wallet that names no number" },
	{ "signer.visibility_ms", CONFIG_TYPE_COUNT, 1000, 60 * MINUTE_MS, "60000",
	  "how long a claimed message stays hidden" },
	{ "signer.funds_wait_ms", CONFIG_TYPE_COUNT, 100, 10 * MINUTE_MS, "5000",
	  "before a payout that waits for funds is looked at again" },
	{ "signer.passed_over_ms", CONFIG_TYPE_COUNT, 0, DAY_S *INT64_C(1000), "600000",
	  "lack of funds before some are set aside for a payout that others pass; 0 is never" },
	{ "signer.entry_wait_s", CONFIG_TYPE_COUNT, 0, 3600, "60",
	  "between the two looks at the nonce of a wallet that enters" },
	{ "signer.freeze_file", CONFIG_TYPE_PATH, 0, 0, NULL,
	  "while it is there, or cannot be looked for, the signer sends nothing at all" },
	{ "monitor.ops_listen", CONFIG_TYPE_LISTEN, 0, 0, "127.0.0.1:3003", "as of the api" },
	{ "monitor.balances_interval_ms", CONFIG_TYPE_COUNT, 100, 10 * MINUTE_MS, "5000",
	  "how often wallet balances are read, for show" },
	{ "chains[].name", CONFIG_TYPE_NAME, 1, CHAIN_NAME_LEN_MAX, CONFIG_REQUIRED,
	  "as clients write it" },
	{ "chains[].chain_id", CONFIG_TYPE_COUNT, 1, INT64_MAX, CONFIG_REQUIRED,
	  "EIP-155; compared with every RPC at start" },
	{ "chains[].rpc[]", CONFIG_TYPE_URL, 0, 0, CONFIG_REQUIRED,
	  "JSON-RPC end points; with two or more, two must agree" },
	{ "chains[].rpc_file", CONFIG_TYPE_SECRET, 0, 0, NULL,
	  "file with one URL a line, in place of rpc, for URLs that hold a key" },
	{ "chains[].ws", CONFIG_TYPE_WS, 0, 0, NULL,
	  "WebSocket of a node that pushes new heads: a wake-up for the monitor, no more" },
	{ "chains[].rpc_timeout_ms", CONFIG_TYPE_COUNT, 100, MINUTE_MS, "5000",
	  "deadline of one request" },
	{ "chains[].finality", CONFIG_TYPE_BOOL, 0, 0, "true", "the chain knows `finalized`" },
	{ "chains[].confirmations", CONFIG_TYPE_COUNT, 1, 100000, CONFIG_DERIVED,
	  "blocks before paid is final: 16, or 128 without finality" },
	{ "chains[].unpaid_confirmations", CONFIG_TYPE_COUNT, 1, 100000, CONFIG_DERIVED,
	  "blocks before unpaid is final: 256, or 512 without finality" },
	{ "chains[].tip_min_gwei", CONFIG_TYPE_DECIMAL, 0, 0, "0",
	  "least priority fee per gas; Polygon refuses below 25" },
	{ "chains[].fee_cap_max_gwei", CONFIG_TYPE_DECIMAL, 0, 0, "1000",
	  "highest maxFeePerGas that is signed" },
	{ "chains[].slot_fee_max", CONFIG_TYPE_DECIMAL, 0, 0, "1",
	  "most that one nonce may cost in the native coin; 0 is no limit" },
	{ "chains[].native_gas_limit", CONFIG_TYPE_COUNT, 21000, 10000000, "100000",
	  "ceiling of gas for a payment of the native coin" },
	{ "chains[].bump_after_s", CONFIG_TYPE_COUNT, 1, DAY_S, "30",
	  "age of an unmined transaction before its fee is raised" },
	{ "chains[].rebroadcast_after_s", CONFIG_TYPE_COUNT, 1, DAY_S, "15",
	  "least time between two sends of the same bytes" },
	{ "chains[].poll_ms", CONFIG_TYPE_COUNT, 20, MINUTE_MS, "1000",
	  "how often the head is asked for" },
	{ "assets[].chain", CONFIG_TYPE_NAME, 1, CHAIN_NAME_LEN_MAX, CONFIG_REQUIRED,
	  "name of its chain" },
	{ "assets[].symbol", CONFIG_TYPE_NAME, 1, SYMBOL_LEN_MAX, CONFIG_REQUIRED,
	  "as clients write it; compared exactly" },
	{ "assets[].native", CONFIG_TYPE_BOOL, 0, 0, "false", "the chain's own coin" },
	{ "assets[].contract", CONFIG_TYPE_ADDRESS, 0, 0, NULL, "of a token" },
	{ "assets[].decimals", CONFIG_TYPE_COUNT, 0, DECIMALS_MAX, CONFIG_DERIVED,
	  "required for a token; 18 for the native coin" },
	{ "assets[].min", CONFIG_TYPE_DECIMAL, 0, 0, "0", "least payout; 0 is no limit" },
	{ "assets[].max", CONFIG_TYPE_DECIMAL, 0, 0, "0", "largest payout; 0 is no limit" },
	{ "assets[].signature_above", CONFIG_TYPE_DECIMAL, 0, 0, "0",
	  "more than that needs the signature of one of the approvers; 0 is none" },
	{ "assets[].signer_max", CONFIG_TYPE_DECIMAL, 0, 0, "0",
	  "the signer's own limit per payout; 0 is none" },
	{ "assets[].hour_max", CONFIG_TYPE_DECIMAL, 0, 0, "0",
	  "the signer's limit per wallet and hour; 0 is none" },
	{ "assets[].day_max", CONFIG_TYPE_DECIMAL, 0, 0, "0",
	  "the signer's limit per wallet and day; 0 is none" },
	{ "assets[].gas_floor", CONFIG_TYPE_COUNT, 21000, 10000000, "21000", "least gas limit" },
	{ "assets[].gas_ceiling", CONFIG_TYPE_COUNT, 21000, 10000000, CONFIG_DERIVED,
	  "highest gas limit: 200000 for a token, the chain's native_gas_limit for its coin" },
	{ "wallets[].chain", CONFIG_TYPE_NAME, 1, CHAIN_NAME_LEN_MAX, CONFIG_REQUIRED,
	  "name of its chain" },
	{ "wallets[].address", CONFIG_TYPE_ADDRESS, 0, 0, CONFIG_REQUIRED,
	  "pinned: a key that gives another address is refused" },
	{ "wallets[].key", CONFIG_TYPE_TEXT, 1, KEY_REF_LEN_MAX, CONFIG_REQUIRED,
	  "name of its key store, and the key in it: \"hot/0\"" },
	{ "wallets[].in_flight", CONFIG_TYPE_COUNT, 1, IN_FLIGHT_MAX, CONFIG_DERIVED,
	  "unmined transactions at most; signer.in_flight if absent" },
	{ "wallets[].fresh", CONFIG_TYPE_BOOL, 0, 0, "false",
	  "made by `sluice keys new` and never used: enters at nonce 0 at once" },
	{ "approvers[].name", CONFIG_TYPE_NAME, 1, PERSON_NAME_LEN_MAX, CONFIG_REQUIRED,
	  "whose key it is" },
	{ "approvers[].key", CONFIG_TYPE_TEXT, 64, 64, CONFIG_REQUIRED,
	  "public Ed25519 key in hexadecimal digits" },
};

const struct config_rule *config_rules(size_t *ret_len)
{
	*ret_len = sizeof rules / sizeof rules[0];
	return rules;
}

const struct config_rule *config_rule_of(struct str path)
{
	char bytes[CONFIG_PATH_LEN_MAX + 1];
	struct buf pattern = buf_of(bytes, sizeof bytes);
	config_pattern_write(path, &pattern);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (str_equal_text(buf_view(&pattern), rules[i].pattern))
			return &rules[i];
	CHECK(false); /* every key of the schema has a rule */
	return NULL;
}

static bool name_is_valid(struct str text, const struct config_rule *rule)
{
	if (text.len < rule->min || text.len > rule->max)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.at[i]) && strchr("-_.", text.at[i]) == NULL)
			return false;
	return true;
}

static bool count_is_valid(struct str text, const struct config_rule *rule)
{
	uint64_t value;
	return str_to_u64(text, &value) && value >= rule->min && value <= rule->max;
}

/* "0" and its longer forms mean "none" and are no amount; everything else is core's to judge. */
static bool decimal_is_valid(struct str text)
{
	struct amount amount;
	switch (amount_read(text, DECIMALS_MAX, &amount)) {
	case AMOUNT_OK:
		return true;
	case AMOUNT_NOT_POSITIVE:
		return text.len > 0 && text.at[0] != '-';
	case AMOUNT_MALFORMED:
	case AMOUNT_TOO_MANY_DECIMALS:
	case AMOUNT_TOO_LARGE:
		return false;
	}
	return false;
}

static bool url_is_valid(struct str text, const char *plain, const char *secure)
{
	size_t scheme_len = str_starts_with(text, str_from(plain))    ? strlen(plain)
			    : str_starts_with(text, str_from(secure)) ? strlen(secure)
								      : 0;
	return scheme_len > 0 && text.len > scheme_len && ascii_is_visible(text);
}

bool config_listen_read(struct str text, char *ret_host, size_t cap, uint16_t *ret_port)
{
	size_t colon = text.len;
	while (colon > 0 && text.at[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return false;
	uint64_t port;
	if (!str_to_u64(str_skip(text, colon), &port) || port > UINT16_MAX)
		return false;
	struct str host = { text.at, colon - 1 };
	if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = (struct str){ host.at + 1, host.len - 2 };
	else if (memchr(host.at, ':', host.len) != NULL)
		return false;
	if (host.len == 0)
		host = STR("127.0.0.1");
	if (!ascii_is_visible(host) || !str_copy(host, ret_host, cap))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static struct str choices_of(const struct config_rule *rule)
{
	struct str choices, meaning;
	CHECK(str_cut(str_from(rule->help), ':', &choices, &meaning));
	return choices;
}

/* The words of "one, two or three", but for the "or". */
static bool choice_is_valid(struct str text, struct str choices)
{
	while (choices.len > 0) {
		struct str word, after;
		if (!str_cut(choices, ' ', &word, &after)) {
			word = choices;
			after = (struct str){ 0 };
		}
		if (word.len > 0 && word.at[word.len - 1] == ',')
			word.len--;
		if (str_equal(word, text) && !str_equal(word, STR("or")))
			return true;
		choices = after;
	}
	return false;
}

static bool type_allows(const struct config_rule *rule, struct str text)
{
	enum log_level level;
	struct address address;
	struct secret_reference reference;
	char host[256];
	struct ip_range range;
	uint16_t port;
	switch (rule->type) {
	case CONFIG_TYPE_NAME:
		return name_is_valid(text, rule);
	case CONFIG_TYPE_TEXT:
		return text.len >= rule->min && text.len <= rule->max && ascii_is_visible(text);
	case CONFIG_TYPE_BOOL:
		return str_equal(text, STR("true")) || str_equal(text, STR("false"));
	case CONFIG_TYPE_COUNT:
		return count_is_valid(text, rule);
	case CONFIG_TYPE_DECIMAL:
		return decimal_is_valid(text);
	case CONFIG_TYPE_PATH:
		return text.len > 0;
	case CONFIG_TYPE_SECRET:
		return secret_reference_is_meant(text) ? secret_reference_read(text, &reference)
						       : text.len > 0;
	case CONFIG_TYPE_LISTEN:
		return config_listen_read(text, host, sizeof host, &port);
	case CONFIG_TYPE_RANGE:
		return ip_range_read(text, &range);
	case CONFIG_TYPE_URL:
		return url_is_valid(text, "http://", "https://");
	case CONFIG_TYPE_WS:
		return url_is_valid(text, "ws://", "wss://");
	case CONFIG_TYPE_ADDRESS:
		return address_read(text, &address) == ADDRESS_OK;
	case CONFIG_TYPE_LEVEL:
		return log_level_read(text, &level);
	case CONFIG_TYPE_CHOICE:
		return choice_is_valid(text, choices_of(rule));
	}
	return false;
}

static void wanted_write(const struct config_rule *rule, struct str text, struct buf *out)
{
	struct address address;
	switch (rule->type) {
	case CONFIG_TYPE_NAME:
		buf_format(out, "1 to %llu letters, digits, '-', '_', '.'",
			   (unsigned long long)rule->max);
		return;
	case CONFIG_TYPE_TEXT:
		buf_format(out, "1 to %llu visible ASCII characters",
			   (unsigned long long)rule->max);
		return;
	case CONFIG_TYPE_BOOL:
		buf_text(out, "true or false");
		return;
	case CONFIG_TYPE_COUNT:
		buf_format(out, "an integer from %llu to %llu", (unsigned long long)rule->min,
			   (unsigned long long)rule->max);
		return;
	case CONFIG_TYPE_DECIMAL:
		buf_text(out, "0 or a positive decimal such as 12.5");
		return;
	case CONFIG_TYPE_PATH:
		buf_text(out, "a path");
		return;
	case CONFIG_TYPE_SECRET:
		buf_text(out, "a path, or secret://REGION/NAME or secret://REGION/NAME#MEMBER");
		return;
	case CONFIG_TYPE_LISTEN:
		buf_text(out, "address:port such as 127.0.0.1:3000");
		return;
	case CONFIG_TYPE_RANGE:
		buf_text(out, "addresses such as 10.0.0.0/8 or 2001:db8::/32, with no bit set "
			      "behind the prefix");
		return;
	case CONFIG_TYPE_URL:
		buf_text(out, "an http:// or https:// URL");
		return;
	case CONFIG_TYPE_WS:
		buf_text(out, "a ws:// or wss:// URL");
		return;
	case CONFIG_TYPE_ADDRESS:
		if (address_read(text, &address) == ADDRESS_BAD_CHECKSUM)
			buf_text(out, "an address whose EIP-55 checksum is right");
		else
			buf_text(out, "an address: 0x and 40 hex digits");
		return;
	case CONFIG_TYPE_LEVEL:
		buf_text(out, "debug, info, warn or error");
		return;
	case CONFIG_TYPE_CHOICE:
		buf_format(out, "%.*s", STR_ARG(choices_of(rule)));
		return;
	}
}

bool config_rule_allows(const struct config_rule *rule, struct str text, char *ret_wanted,
			size_t cap)
{
	if (type_allows(rule, text))
		return true;
	struct buf wanted = buf_of(ret_wanted, cap);
	wanted_write(rule, text, &wanted);
	(void)buf_terminated(&wanted);
	return false;
}
