/* The configuration: what is taken, what is refused, and that every refusal says where. */
#include "cmd/config.h"
#include "cmd/config_rule.h"
#include "cmd/config_texts.h"
#include "core/timing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CHAINS                  \
	"chains:\n"             \
	"  - name: anvil\n"     \
	"    chain_id: 31337\n" \
	"    rpc: [\"http://127.0.0.1:8545\"]\n"
#define ASSETS                    \
	"assets:\n"               \
	"  - chain: anvil\n"      \
	"    symbol: ETH\n"       \
	"    native: true\n"      \
	"    signer_max: \"5\"\n" \
	"    max: \"5\"\n"
#define WALLETS                                                         \
	"wallets:\n"                                                    \
	"  - chain: anvil\n"                                            \
	"    address: \"0x52908400098527886E0F7030069857D2E4169EE7\"\n" \
	"    key: hot/0\n"
#define MINIMAL CHAINS ASSETS WALLETS

struct place {
	char dir[64];
	char file[96];
};

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof *place);
	assert_non_null(place);
	snprintf(place->dir, sizeof place->dir, "/tmp/sluice-config-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->file, sizeof place->file, "%s/c.yaml", place->dir);
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;
	for (char **entry = environ; *entry != NULL;) {
		char name[128];
		size_t len = strcspn(*entry, "=");
		entry++;
		if (len >= sizeof name || strncmp(entry[-1], "SLUICE_", 7) != 0 ||
		    strncmp(entry[-1], "SLUICE_TEST_", 12) == 0)
			continue;
		memcpy(name, entry[-1], len);
		name[len] = '\0';
		unsetenv(name);
		entry = environ;
	}
	unlink(place->file);
	rmdir(place->dir);
	free(place);
	return 0;
}

static void file_write(const char *file, const char *text)
{
	FILE *stream = fopen(file, "w");
	assert_non_null(stream);
	assert_int_equal(fwrite(text, 1, strlen(text), stream), strlen(text));
	assert_int_equal(fclose(stream), 0);
}

static struct config *load(const struct place *place, const char *text)
{
	struct config *config = NULL;
	struct err err = { 0 };
	file_write(place->file, text);
	if (!config_load(place->file, &config, &err))
		fail_msg("refused: %s", err.text);
	return config;
}

/* `where` comes after the directory of the file: "c.yaml:3: …" or a variable's name. */
static void refuse(const struct place *place, const char *text, const char *what)
{
	struct config *config = NULL;
	struct err err = { 0 };
	file_write(place->file, text);
	if (config_load(place->file, &config, &err)) {
		config_free(config);
		fail_msg("taken, instead of: %s", what);
	}
	assert_null(config);
	if (strstr(err.text, what) == NULL)
		fail_msg("says \"%s\" instead of \"%s\"", err.text, what);
}

static void takes_the_minimum_and_fills_in_defaults(void **state)
{
	const struct place *place = *state;
	struct config *config = load(place, MINIMAL);
	char path[128];
	assert_string_equal(config->api.text, "127.0.0.1:3000");
	assert_string_equal(config->api.host, "127.0.0.1");
	assert_int_equal(config->api.port, 3000);
	assert_int_equal(config->ops[ROLE_MONITOR].port, 3003);
	assert_int_equal(config->log_level, LOG_INFO);
	assert_null(config->log_file);
	snprintf(path, sizeof path, "%s/var/sluice.db", place->dir);
	assert_string_equal(config->store.path, path);
	snprintf(path, sizeof path, "%s/var/trust", place->dir);
	assert_string_equal(config->trust_dir, path);
	assert_int_equal(config->catalogue.chains_len, 1);
	const struct chain_params *chain = &config->catalogue.chains[0];
	assert_int_equal(chain->chain_id, 31337);
	assert_true(chain->has_finality);
	assert_int_equal(chain->depth_paid, 16);
	assert_int_equal(chain->depth_unpaid, 256);
	assert_int_equal(chain->bump_after_ms, 30000);
	assert_int_equal(config->catalogue.assets[0].decimals, 18);
	assert_int_equal(config->catalogue.assets[0].gas_ceiling, chain->native_gas_limit);
	assert_true(u256_equal(config->catalogue.assets[0].maximum.units,
			       u256_from_u64(5000000000000000000U)));
	assert_true(amount_is_zero(config->catalogue.assets[0].hour_max));
	assert_int_equal(config->catalogue.wallets[0].in_flight_max, IN_FLIGHT_DEFAULT);
	assert_string_equal(config->catalogue.wallets[0].key_ref, "hot/0");
	assert_false(config->catalogue.wallets[0].fresh);
	assert_int_equal(config->warnings_len, 0);
	config_free(config);
}

static void without_finality_the_depths_are_deeper(void **state)
{
	struct config *config = load(*state, CHAINS "    finality: false\n" ASSETS WALLETS);
	assert_int_equal(config->catalogue.chains[0].depth_paid, 128);
	assert_int_equal(config->catalogue.chains[0].depth_unpaid, 512);
	config_free(config);
}

static void reads_fees_in_gwei_and_native_units(void **state)
{
	struct config *config = load(*state, CHAINS "    tip_min_gwei: 25.5\n"
						    "    fee_cap_max_gwei: 600\n"
						    "    slot_fee_max: 0.25\n" ASSETS WALLETS);
	const struct fee_limits *fees = &config->catalogue.chains[0].fees;
	assert_true(u256_equal(fees->tip_min.value, u256_from_u64(25500000000U)));
	assert_true(u256_equal(fees->cap_max.value, u256_from_u64(600000000000U)));
	assert_true(u256_equal(fees->slot_fee_max.value, u256_from_u64(250000000000000000U)));
	config_free(config);
}

static void an_unknown_key_names_file_and_line(void **state)
{
	refuse(*state, "data_dir: x\napi:\n  listen: :3000\n  lisen: :3001\n" MINIMAL,
	       "c.yaml:4: unknown key \"lisen\" in api; known are listen");
	refuse(*state, "\n\napis: 1\n" MINIMAL, "c.yaml:3: unknown key \"apis\"; known are");
	refuse(*state, MINIMAL "    colour: blue\n",
	       "c.yaml:15: unknown key \"colour\" in wallets[0]");
	refuse(*state, "chains[0]: x\n" MINIMAL, "c.yaml:1: a key must be a plain word");
	refuse(*state, "? [a]\n: x\n" MINIMAL, "c.yaml:1: a key must be a plain word");
}

static void a_key_given_twice_is_refused(void **state)
{
	refuse(*state, "log:\n  level: info\n  file: x\n  level: debug\n" MINIMAL,
	       "c.yaml:4: log.level is given twice, first in line 2");
	refuse(*state, MINIMAL WALLETS, "c.yaml:15: wallets is given twice, first in line 11");
}

static void a_wrong_type_names_file_and_line(void **state)
{
	static const struct {
		const char *text;
		const char *what;
	} cases[] = {
		{ "log: info\n" MINIMAL, "c.yaml:1: log must be keys and values" },
		{ "log:\n  level: [info]\n" MINIMAL, "c.yaml:2: log.level must be a single value" },
		{ "log:\n  level: loud\n" MINIMAL,
		  "c.yaml:2: log.level: \"loud\" is not debug, info, warn or error" },
		{ "chains: {}\n" ASSETS WALLETS, "c.yaml:1: chains must be a list" },
		{ "chains: [1]\n" ASSETS WALLETS, "c.yaml:1: chains[0] must be keys and values" },
		{ "- a\n", "c.yaml:1: the file must hold keys and values" },
		{ "run:\n  grace_s: ten\n" MINIMAL,
		  "c.yaml:2: run.grace_s: \"ten\" is not an integer from 1 to 300" },
		{ CHAINS "    finality: flase\n" ASSETS WALLETS,
		  "c.yaml:5: chains[0].finality: \"flase\" is not true or false" },
		{ "api:\n  listen: 3000\n" MINIMAL,
		  "c.yaml:2: api.listen: \"3000\" is not address:port" },
		{ "api:\n  listen: :70000\n" MINIMAL, "c.yaml:2: api.listen: \":70000\" is not" },
		{ "api:\n  listen:\n" MINIMAL, "c.yaml:2: api.listen must have 1 to" },
		{ "queue:\n  backend: kafka\n" MINIMAL,
		  "c.yaml:2: queue.backend: \"kafka\" is not embedded or sqs" },
		{ "queue:\n  backend: sqs\n" MINIMAL, "queue.region" },
		{ "queue: {backend: sqs, region: eu-west-1, prefix: a.}\n" MINIMAL,
		  "c.yaml:1: queue.prefix: \"a.\" has a '.'" },
		{ "queue:\n  endpoint: sqs.local\n" MINIMAL,
		  "c.yaml:2: queue.endpoint: \"sqs.local\" is not an http" },
		{ "screening: {url: https://x}\n" MINIMAL,
		  "c.yaml:1: screening.url: secret_file is missing" },
		{ "screening: {secret_file: x}\n" MINIMAL, "screening: url is missing" },
		{ "screening: {url: http://example.com, secret_file: x}\n" MINIMAL,
		  "screening.url: has to be https" },
		{ "screening: {url: \"http://localhost:1@example.com\", secret_file: x}\n" MINIMAL,
		  "screening.url: has to be https" },
		{ "screening: {url: http://localhost.example.com, secret_file: x}\n" MINIMAL,
		  "screening.url: has to be https" },
		{ "screening: {url: https://x, secret_file: x, deadline_ms: 15001}\n" MINIMAL,
		  "screening.deadline_ms: is more than half of processor.visibility_ms" },
		{ "log: {level: \"info}\n" MINIMAL, "c.yaml:" },
		{ "a: 1\n\tb: 2\n", "c.yaml:" },
		{ "data_dir: &x y\nlog: {file: *x}\n" MINIMAL,
		  "c.yaml:2: aliases are not allowed" },
		{ MINIMAL "---\na: 1\n", "c.yaml:15: only one document is allowed" },
		{ "", "chains: at least one is needed" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		refuse(*state, cases[i].text, cases[i].what);
}

static void numbers_are_decimal_integers_in_range(void **state)
{
	static const char *const bad[] = { "010", "0x10", "1e3",
					   "-1",  "1.5",  "+5",
					   "0",   "301",  "99999999999999999999" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[2048], what[96];
		snprintf(text, sizeof text, "run:\n  grace_s: %s\n%s", bad[i], MINIMAL);
		snprintf(what, sizeof what, "c.yaml:2: run.grace_s: \"%s\" is not", bad[i]);
		refuse(*state, text, what);
	}
}

static void chains_are_validated(void **state)
{
	refuse(*state, "chains:\n  - name: a\n    rpc: [http://x]\n" ASSETS WALLETS,
	       "c.yaml:2: chains[0].chain_id: is missing");
	refuse(*state,
	       "chains:\n  - name: a b\n    chain_id: 1\n    rpc: [http://x]\n" ASSETS WALLETS,
	       "c.yaml:2: chains[0].name: \"a b\" is not 1 to 32 letters");
	refuse(*state, CHAINS "    rpc_file: x\n" ASSETS WALLETS, "give either rpc or rpc_file");
	refuse(*state, "chains:\n  - name: a\n    chain_id: 1\n" ASSETS WALLETS,
	       "give either rpc or rpc_file");
	refuse(*state, "chains:\n  - name: a\n    chain_id: 1\n    rpc: [ftp://x]\n" ASSETS WALLETS,
	       "c.yaml:4: chains[0].rpc[0]: \"ftp://x\" is not an http");
	refuse(*state,
	       CHAINS "  - name: anvil\n    chain_id: 1\n    rpc: [http://x]\n" ASSETS WALLETS,
	       "c.yaml:5: chains[1].name: \"anvil\" is used twice");
	refuse(*state,
	       CHAINS "  - name: b\n    chain_id: 31337\n    rpc: [http://x]\n" ASSETS WALLETS,
	       "c.yaml:6: chains[1].chain_id: 31337 is used twice");
	refuse(*state, CHAINS "    tip_min_gwei: 30\n    fee_cap_max_gwei: 20\n" ASSETS WALLETS,
	       "c.yaml:5: chains[0].tip_min_gwei: is above fee_cap_max_gwei");
	refuse(*state, CHAINS "    tip_min_gwei: 0.0000000001\n" ASSETS WALLETS,
	       "has more than 9 decimals");
	refuse(*state, CHAINS "    unpaid_confirmations: 15\n" ASSETS WALLETS,
	       "is below confirmations");
	refuse(*state,
	       "chains:\n  - name: a\n    chain_id: 1\n    rpc: [http://1, http://2, http://3, "
	       "http://4, http://5]\n" ASSETS WALLETS,
	       "c.yaml:4: chains[0].rpc takes 4 elements at most");
	refuse(*state,
	       "chains:\n  - name: a\n    chain_id: 1\n    rpc: [http://a, http://b, "
	       "http://A/]\n" ASSETS WALLETS,
	       "a URL is in it twice");
}

static void assets_are_validated(void **state)
{
	refuse(*state,
	       CHAINS "assets:\n  - chain: polygon\n    symbol: X\n    native: true\n" WALLETS,
	       "c.yaml:6: assets[0].chain: there is no chain \"polygon\"");
	refuse(*state,
	       CHAINS ASSETS "  - chain: anvil\n    symbol: ETH\n    native: true\n" WALLETS,
	       "c.yaml:12: assets[1].symbol: \"ETH\" is used twice on anvil");
	refuse(*state, CHAINS ASSETS "  - chain: anvil\n    symbol: E2\n    native: true\n" WALLETS,
	       "the chain has a native coin already");
	refuse(*state, CHAINS ASSETS "  - chain: anvil\n    symbol: USDC\n" WALLETS,
	       "c.yaml:11: assets[1]: give either native: true or a contract");
	refuse(*state,
	       CHAINS ASSETS "  - chain: anvil\n    symbol: USDC\n    contract: "
			     "\"0x52908400098527886E0F7030069857D2E4169EE7\"\n" WALLETS,
	       "c.yaml:11: assets[1].decimals: is missing");
	refuse(*state,
	       CHAINS ASSETS "  - chain: anvil\n    symbol: USDC\n    decimals: 6\n    contract: "
			     "\"0x52908400098527886e0F7030069857D2E4169EE7\"\n" WALLETS,
	       "is not an address whose EIP-55 checksum is right");
	refuse(*state,
	       CHAINS ASSETS "  - chain: anvil\n    symbol: USDC\n    decimals: 6\n    contract: "
			     "\"0x0000000000000000000000000000000000000000\"\n" WALLETS,
	       "is the zero address");
	refuse(*state,
	       CHAINS ASSETS "  - chain: anvil\n    symbol: USDC\n    decimals: 6\n    contract: "
			     "\"0x52908400098527886E0F7030069857D2E4169EE7\"\n" WALLETS,
	       "wallets[0].address: is the contract of an asset");
	refuse(*state, CHAINS ASSETS "    min: \"6\"\n" WALLETS, "assets[0].min: is above max");
	refuse(*state, CHAINS ASSETS "    min: 1e3\n" WALLETS, "\"1e3\" is not 0 or a positive");
	refuse(*state, CHAINS ASSETS "    min: -1\n" WALLETS, "\"-1\" is not 0 or a positive");
	refuse(*state, CHAINS ASSETS "    min: 0.1234567890123456789\n" WALLETS,
	       "has more than 18 decimals");
	refuse(*state, CHAINS ASSETS "    hour_max: 4\n" WALLETS, "signer_max: is above hour_max");
	refuse(*state, CHAINS ASSETS "    decimals: 6\n" WALLETS, "the native coin has 18");
	refuse(*state, CHAINS ASSETS "    gas_floor: 200000\n" WALLETS, "is above gas_ceiling");
}

#define KEY_1               "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define KEY_2               "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
#define APPROVER(name, key) "  - name: " name "\n    key: \"" key "\"\n"

static void approvers_sign_above_a_threshold(void **state)
{
	struct config *config = load(*state, CHAINS ASSETS "    signature_above: \"2.5\"\n" WALLETS
							   "approvers:\n" APPROVER("anna", KEY_1)
								   APPROVER("bert", KEY_2));
	const struct catalogue *catalogue = &config->catalogue;
	struct amount threshold = { u256_from_u64(2500000000000000000) };
	assert_int_equal(amount_compare(catalogue->assets[0].signature_above, threshold), 0);
	assert_int_equal(catalogue->approvers_len, 2);
	assert_string_equal(catalogue->approvers[1].name, "bert");
	assert_int_equal(catalogue->approvers[0].key[0], 0xd7);
	assert_int_equal(catalogue->approvers[0].key[31], 0x1a);
	assert_int_equal(catalogue->approvers[1].key[31], 0x0c);
	config_free(config);
	config = load(*state, MINIMAL);
	assert_int_equal(config->catalogue.approvers_len, 0);
	assert_true(amount_is_zero(config->catalogue.assets[0].signature_above));
	config_free(config);
}

static void approvers_are_validated(void **state)
{
	refuse(*state, CHAINS ASSETS "    signature_above: \"2\"\n" WALLETS,
	       "assets[0].signature_above: needs `approvers`");
	refuse(*state, CHAINS ASSETS "    signature_above: -1\n" WALLETS,
	       "signature_above: \"-1\" is not 0 or a positive");
	refuse(*state, MINIMAL "approvers:\n" APPROVER("anna", KEY_1) APPROVER("bert", KEY_1),
	       "approvers[1].key: is used twice");
	refuse(*state, MINIMAL "approvers:\n  - name: anna\n", "approvers[0].key");
	refuse(*state, MINIMAL "approvers:\n  - key: \"" KEY_1 "\"\n", "approvers[0].name");
	refuse(*state, MINIMAL "approvers:\n" APPROVER("anna", "abcd"), "approvers[0].key");
	refuse(*state,
	       MINIMAL "approvers:\n" APPROVER("anna", "g75a980182b10ab7d54bfed3c964073a"
						       "0ee172f3daa62325af021a68f707511a"),
	       "approvers[0].key: is no key of 64 hexadecimal digits");
}

static void wallets_are_validated(void **state)
{
	refuse(*state,
	       MINIMAL "  - chain: anvil\n    key: hot/1\n    address: "
		       "\"0x52908400098527886E0F7030069857D2E4169EE7\"\n",
	       "wallets[1].address: is used twice on anvil");
	refuse(*state,
	       MINIMAL "  - chain: anvil\n    key: hot/0\n    address: "
		       "\"0x8617E340B3D01FA5F11F306F4090FD50E238070D\"\n",
	       "wallets[1].key: \"hot/0\" is used twice on anvil");
	refuse(*state, MINIMAL "    in_flight: 65\n", "is not an integer from 1 to 64");
	refuse(*state, CHAINS ASSETS, "wallets: at least one is needed");
}

static void the_environment_overrides_any_scalar(void **state)
{
	setenv("SLUICE_API_LISTEN", "127.0.0.2:8080", 1);
	setenv("SLUICE_STORE_PATH", "/elsewhere/db", 1);
	setenv("SLUICE_CHAINS_0_RPC_0", "http://other:1", 1);
	setenv("SLUICE_WALLETS_0_IN_FLIGHT", "3", 1);
	struct config *config = load(*state, MINIMAL);
	assert_string_equal(config->api.host, "127.0.0.2");
	assert_int_equal(config->api.port, 8080);
	assert_string_equal(config->store.path, "/elsewhere/db");
	assert_string_equal(config->chains[0].rpc[0], "http://other:1");
	assert_int_equal(config->catalogue.wallets[0].in_flight_max, 3);
	config_free(config);
}

#define KEYSTORE "  keystores:\n    - name: hot\n      file: f\n      password_file: p\n"
#define TOKEN \
	"  pkcs11:\n    - name: hsm\n      module: /m.so\n      token: T\n      pin_file: pin\n"
#define KMS             "  kms:\n    - name: kms\n      region: eu-central-1\n"
#define WITH_KEY_STORES MINIMAL "signer:\n" KEYSTORE TOKEN KMS
#define WITH_EVERY_LIST                                                \
	WITH_KEY_STORES "api: { trusted_proxies: [\"10.0.0.0/8\"] }\n" \
			"approvers:\n" APPROVER("anna", KEY_1)

static void key_stores_of_every_kind_are_read(void **state)
{
	const struct place *place = *state;
	struct config *config = load(place, WITH_KEY_STORES "      endpoint: http://localhost:1\n");
	char path[128];
	assert_int_equal(config->keystores_len, 1);
	assert_int_equal(config->pkcs11_len, 1);
	assert_string_equal(config->pkcs11[0].name, "hsm");
	assert_string_equal(config->pkcs11[0].module, "/m.so");
	assert_string_equal(config->pkcs11[0].token, "T");
	snprintf(path, sizeof path, "%s/pin", place->dir);
	assert_string_equal(config->pkcs11[0].pin_file, path);
	assert_int_equal(config->pkcs11[0].sessions, 8);
	assert_int_equal(config->pkcs11[0].timeout_ms, 5000);
	assert_int_equal(config->kms_len, 1);
	assert_string_equal(config->kms[0].name, "kms");
	assert_string_equal(config->kms[0].region, "eu-central-1");
	assert_string_equal(config->kms[0].endpoint, "http://localhost:1");
	assert_int_equal(config->kms[0].timeout_ms, 5000);
	config_free(config);
	config = load(place, MINIMAL "signer:\n" KMS);
	assert_null(config->kms[0].endpoint);
	config_free(config);
}

/* A wallet's key begins with it: of two, one would sign for the other. */
static void a_name_of_two_key_stores_is_refused(void **state)
{
	refuse(*state,
	       MINIMAL "signer:\n" KEYSTORE
		       "    - name: hot\n      file: f\n      password_file: p\n",
	       "signer.keystores: \"hot\" is used twice");
	refuse(*state,
	       MINIMAL "signer:\n" KEYSTORE "  kms:\n    - name: hot\n      region: eu-west-1\n",
	       "signer.kms: \"hot\" is used twice");
	refuse(*state,
	       MINIMAL "signer:\n" TOKEN "  kms:\n    - name: hsm\n      region: eu-west-1\n",
	       "signer.kms: \"hsm\" is used twice");
	refuse(*state, MINIMAL "signer:\n" TOKEN "      sessions: 33\n",
	       "signer.pkcs11[0].sessions: \"33\" is not an integer from 1 to 32");
	refuse(*state, MINIMAL "signer:\n  kms:\n    - name: kms\n",
	       "signer.kms[0].region: is missing");
}

static void a_secret_stands_for_a_file(void **state)
{
	static const char *const taken[] = {
		"secret://eu-central-1/a",
		"secret://eu-central-1/prod/sluice/db#password",
		"secret://eu-west-1/arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-Bc1#p-1.x_y",
	};
	static const char *const refused[] = {
		"secret://",
		"secret:///a",
		"secret://eu-central-1",
		"secret://eu-central-1/",
		"secret://eu-central-1/#",
		"secret://eu-central-1/a#",
		"secret://e.u/a",
		"secret://eu-central-1/a b",
		"secret://eu-central-1/a#b#c",
		"secret://eu-central-1-and-more-than-there-is/a",
		"secret://eu-central-1/a\"",
	};
	char text[1024];
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
		snprintf(text, sizeof text,
			 MINIMAL "signer:\n  keystores:\n    - name: hot\n      file: f\n      "
				 "password_file: '%s'\n",
			 taken[i]);
		struct config *config = load(*state, text);
		assert_string_equal(config->keystores[0].password_file, taken[i]);
		config_free(config);
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		snprintf(text, sizeof text,
			 MINIMAL "signer:\n  keystores:\n    - name: hot\n      file: f\n      "
				 "password_file: '%s'\n",
			 refused[i]);
		refuse(*state, text, "is not a path, or secret://REGION/NAME");
	}
	/* What is no secret cannot come from there: a trust directory, a module. */
	struct config *config = load(*state, MINIMAL "trust:\n  dir: secret://eu-central-1/a\n");
	assert_true(config->trust_dir[0] == '/');
	config_free(config);
}

/* Sets each scalar's own variable to what it is already: none may be missing from the list. */
static void every_scalar_has_a_variable_and_a_rule(void **state)
{
	struct config *config = load(*state, WITH_EVERY_LIST);
	struct config_walk walk;
	struct config_place place;
	size_t seen = 0;
	config_walk_init(&walk, config->texts->text);
	while (config_walk_next(&walk, &place)) {
		if (place.kind != CONFIG_SCALAR)
			continue;
		assert_non_null(config_rule_of(str_from(place.path)));
		seen++;
		if (*place.text == NULL)
			continue;
		char name[160];
		struct buf out = buf_of(name, sizeof name);
		config_variable_write(str_from(place.path), &out);
		assert_null(getenv(buf_terminated(&out)));
		setenv(buf_terminated(&out), *place.text, 1);
	}
	size_t rules_len;
	(void)config_rules(&rules_len);
	assert_int_equal(seen, rules_len); /* one element of each list */
	config_free(config);
	config_free(load(*state, WITH_EVERY_LIST));
}

static void a_bad_variable_is_refused_by_name(void **state)
{
	setenv("SLUICE_API_LISEN", ":1", 1);
	refuse(*state, MINIMAL, "SLUICE_API_LISEN is no setting");
	unsetenv("SLUICE_API_LISEN");
	setenv("SLUICE_CHAINS_1_NAME", "x", 1);
	refuse(*state, MINIMAL, "SLUICE_CHAINS_1_NAME is no setting");
	unsetenv("SLUICE_CHAINS_1_NAME");
	setenv("SLUICE_API_LISTEN", "nowhere", 1);
	refuse(*state, MINIMAL, "SLUICE_API_LISTEN: api.listen: \"nowhere\" is not address:port");
	setenv("SLUICE_API_LISTEN", "", 1);
	refuse(*state, MINIMAL, "SLUICE_API_LISTEN: 1 to");
}

static void variables_of_others_are_left_alone(void **state)
{
	setenv("SLUICE_API_KEY", "slk_x", 1);
	setenv("SLUICE_URL", "http://x", 1);
	setenv("SLUICE_TEST_STOP_AT", "3", 1);
	setenv("SLUICE_API_PORT", "tcp://10.0.0.1:3000", 1); /* Kubernetes, service sluice-api */
	setenv("SLUICE_API_SERVICE_HOST", "10.0.0.1", 1);
	setenv("SLUICE_API_PORT_3000_TCP_PROTO", "tcp", 1);
	config_free(load(*state, MINIMAL));
	unsetenv("SLUICE_TEST_STOP_AT");
}

static void the_file_comes_from_option_or_variable(void **state)
{
	const struct place *place = *state;
	struct config *config = NULL;
	struct err err = { 0 };
	file_write(place->file, MINIMAL);
	setenv("SLUICE_CONFIG", place->file, 1);
	assert_true(config_load(NULL, &config, &err));
	config_free(config);
	setenv("SLUICE_CONFIG", "/nonexistent/c.yaml", 1);
	assert_false(config_load(NULL, &config, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_non_null(strstr(err.text, "/nonexistent/c.yaml"));
}

static void urls_come_from_a_file_too(void **state)
{
	const struct place *place = *state;
	char urls_file[128], storage[CONFIG_RPC_BYTES_MAX];
	const char *urls[RPC_ENDPOINTS_MAX];
	size_t len;
	struct err err = { 0 };
	snprintf(urls_file, sizeof urls_file, "%s/urls", place->dir);
	struct config *config = load(
		place,
		"chains:\n  - name: anvil\n    chain_id: 1\n    rpc_file: urls\n" ASSETS WALLETS);
	assert_false(config_chain_urls(&config->chains[0], storage, urls, &len, &err));
	file_write(urls_file, "# two\nhttps://a.example/v2/key # main\n\n  http://b.example\n");
	assert_true(config_chain_urls(&config->chains[0], storage, urls, &len, &err));
	assert_int_equal(len, 2);
	assert_string_equal(urls[0], "https://a.example/v2/key");
	assert_string_equal(urls[1], "http://b.example");
	file_write(urls_file, "http://b.example\nhttp://b.example/\n");
	assert_false(config_chain_urls(&config->chains[0], storage, urls, &len, &err));
	file_write(urls_file, "polygon-rpc.com\n");
	assert_false(config_chain_urls(&config->chains[0], storage, urls, &len, &err));
	assert_null(strstr(err.text, "polygon-rpc.com")); /* it may hold a key */
	unlink(urls_file);
	config_free(config);
}

static void printing_hides_what_urls_may_hold(void **state)
{
	struct config *config =
		load(*state, "chains:\n  - name: anvil\n    chain_id: 1\n    rpc: "
			     "[\"https://user:hunter2@a.example:8545/v2/SECRET?k=SECRET\", "
			     "\"http://b.example/\"]\n" ASSETS WALLETS);
	struct buf yaml = buf_new(65536), json = buf_new(65536);
	config_write_yaml(config, NULL, 0, &yaml);
	config_write_json(config, NULL, 0, &json);
	assert_false(yaml.overflow || json.overflow);
	const char *texts[] = { buf_terminated(&yaml), buf_terminated(&json) };
	for (size_t i = 0; i < 2; i++) {
		assert_null(strstr(texts[i], "SECRET"));
		assert_null(strstr(texts[i], "hunter2"));
		assert_non_null(strstr(texts[i], "https://***@a.example:8545/***"));
		assert_non_null(strstr(texts[i], "http://b.example"));
	}
	buf_free(&yaml);
	buf_free(&json);
	config_free(config);
}

/* What is printed is a configuration that gives the same again. */
static void what_is_printed_reads_back(void **state)
{
	struct config *config = load(*state, MINIMAL);
	struct buf first = buf_new(65536), second = buf_new(65536);
	config_write_yaml(config, NULL, 0, &first);
	config_free(config);
	config = load(*state, buf_terminated(&first));
	config_write_yaml(config, NULL, 0, &second);
	assert_string_equal(buf_terminated(&first), buf_terminated(&second));
	buf_free(&first);
	buf_free(&second);
	config_free(config);
}

/* The example with addresses in the place of "PUT … HERE". */
static char *example_fill(const char *file)
{
	static const char *const addresses[] = { "0x52908400098527886E0F7030069857D2E4169EE7",
						 "0x8617E340B3D01FA5F11F306F4090FD50E238070D" };
	struct buf out = buf_new(65536);
	FILE *stream = fopen(file, "r");
	char line[512];
	size_t used = 0;
	assert_non_null(stream);
	while (fgets(line, sizeof line, stream) != NULL) {
		char *from = strstr(line, "\"PUT "), *to = strstr(line, " HERE\"");
		if (from == NULL || to == NULL) {
			buf_text(&out, line);
			continue;
		}
		assert_true(used < 2);
		buf_format(&out, "%.*s\"%s\"%s", (int)(from - line), line, addresses[used++],
			   to + strlen(" HERE\""));
	}
	fclose(stream);
	char *text = strdup(buf_terminated(&out));
	buf_free(&out);
	return text;
}

/* As they stand, those that want a person's addresses are refused by name: a placeholder that is
 * an address would be pinned, and stay. */
static void the_examples_are_valid(void **state)
{
	static const char *const names[] = { "sluice.yaml", "polygon.yaml", "demo.yaml" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char file[512];
		struct config *config = NULL;
		struct err err = { 0 };
		bool has_placeholder = strcmp(names[i], "demo.yaml") != 0;
		snprintf(file, sizeof file, "%s/examples/%s", getenv("SLUICE_TEST_SOURCE_ROOT"),
			 names[i]);
		if (has_placeholder) {
			assert_false(config_load(file, &config, &err));
			assert_non_null(strstr(err.text, "wallets[0].address"));
		}
		char *text = example_fill(file);
		config = load(*state, text);
		free(text);
		config_free(config);
	}
}

/* doc/lifecycle.md tells the defaults of settings. */
static void the_timings_are_the_defaults(void **state)
{
	size_t len;
	const struct timing *rows = timings(&len);
	(void)state;
	for (size_t i = 0; i < len; i++) {
		if (rows[i].setting == NULL)
			continue;
		const struct config_rule *rule = config_rule_of(str_from(rows[i].setting));
		bool in_ms = strstr(rule->pattern, "_ms") != NULL;
		assert_true(in_ms || strstr(rule->pattern, "_s") != NULL);
		assert_int_equal(strtoll(rule->fallback, NULL, 10) * (in_ms ? 1 : 1000),
				 rows[i].ms);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	/* The build names the tree with a variable that no configuration has. */
	const char *root = getenv("SLUICE_SOURCE_ROOT");
	if (root != NULL)
		setenv("SLUICE_TEST_SOURCE_ROOT", root, 1);
	unsetenv("SLUICE_SOURCE_ROOT");
	const struct CMUnitTest tests[] = {
		TEST(takes_the_minimum_and_fills_in_defaults),
		TEST(without_finality_the_depths_are_deeper),
		TEST(reads_fees_in_gwei_and_native_units),
		TEST(an_unknown_key_names_file_and_line),
		TEST(a_key_given_twice_is_refused),
		TEST(a_wrong_type_names_file_and_line),
		TEST(numbers_are_decimal_integers_in_range),
		TEST(chains_are_validated),
		TEST(assets_are_validated),
		TEST(approvers_sign_above_a_threshold),
		TEST(approvers_are_validated),
		TEST(wallets_are_validated),
		TEST(the_environment_overrides_any_scalar),
		TEST(a_secret_stands_for_a_file),
		TEST(key_stores_of_every_kind_are_read),
		TEST(a_name_of_two_key_stores_is_refused),
		TEST(every_scalar_has_a_variable_and_a_rule),
		TEST(a_bad_variable_is_refused_by_name),
		TEST(variables_of_others_are_left_alone),
		TEST(the_file_comes_from_option_or_variable),
		TEST(urls_come_from_a_file_too),
		TEST(printing_hides_what_urls_may_hold),
		TEST(what_is_printed_reads_back),
		TEST(the_examples_are_valid),
		TEST(the_timings_are_the_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
