/* The only main(): the table of sub-commands. */
#include "adapter/db_sqlite.h"
#include "base/json.h"
#include "cmd/command_list.h"

static const struct command_option config_options[] = { OPTION_CONFIG, OPTIONS_END };

static const struct command_option run_options[] = {
	OPTION_CONFIG,
	{ "no-migrate", NULL, "leave the database's schema as it is" },
	{ "pid-dir", "DIR", "write run.pid and ROLE.pid into DIR" },
	OPTIONS_END,
};

static const struct command_option migrate_options[] = {
	OPTION_CONFIG,
	{ "quiet", NULL, "say nothing when all is well" },
	OPTIONS_END,
};

static const struct command_option check_config_options[] = {
	OPTION_CONFIG,
	{ "reference", NULL, "print every key with its type, default and meaning instead" },
	{ "role", "ROLE", "look at the files of this role alone: api, processor, signer, monitor" },
	OPTIONS_END,
};

static const struct command_option keys_new_options[] = {
	{ "name", "NAME", "first part of the wallets' keys: \"hot\" for hot/0, hot/1 …" },
	{ "wallets", "N", "how many addresses to print; 1 if absent" },
	{ "out", "FILE", "the encrypted file to make" },
	{ "password-file", "FILE", "its password; made at random when the file is absent" },
	{ "chain", "NAME", "for the printed configuration" },
	{ "scrypt-n", "N", "cost, a power of two; 262144 if absent, less in tests alone" },
	OPTIONS_END,
};

static const struct command_option keys_import_options[] = {
	{ "name", "NAME", "the wallet's key in the configuration" },
	{ "from", "FILE",
	  "64 hexadecimal digits, or an encrypted v3 file; standard input if "
	  "absent" },
	{ "from-password-file", "FILE", "password of an encrypted file" },
	{ "wallets", "N", "of a seed: how many addresses to print; 1 if absent" },
	{ "out", "FILE", "the encrypted file to make" },
	{ "password-file", "FILE", "its password; made at random when the file is absent" },
	{ "chain", "NAME", "for the printed configuration" },
	{ "scrypt-n", "N", "cost, a power of two; 262144 if absent, less in tests alone" },
	OPTIONS_END,
};

static const struct command_option keys_add_options[] = {
	{ "name", "NAME", "first part of the wallet's key: \"hsm\" for hsm/LABEL" },
	{ "module", "FILE", "pkcs11: the module of the token's vendor" },
	{ "token", "TEXT", "pkcs11: the token's label or serial number" },
	{ "pin-file", "FILE", "pkcs11: its user PIN, mode 0600" },
	{ "key", "TEXT", "pkcs11: the key's label, or id=HEX" },
	{ "key-id", "TEXT", "kms: the key's id, its ARN, or alias/NAME" },
	{ "region", "NAME", "kms: of AWS" },
	{ "endpoint", "URL", "kms: in place of the region's own" },
	{ "chain", "NAME", "for the printed configuration" },
	OPTIONS_END,
};

static const struct command_option keys_address_options[] = {
	OPTION_CONFIG,
	{ "file", "FILE", "another way to name the file" },
	{ "password-file", "FILE",
	  "its password; FILE with .password in place of .json if absent" },
	{ "wallets", "N", "of a seed: how many addresses to print; 1 if absent" },
	OPTIONS_END,
};

static const struct command_option keys_rotate_options[] = {
	OPTION_CONFIG,
	{ "step", "STEP", "add, use, retire, in this order; or replace, after a leak" },
	OPTIONS_END,
};

static const struct command_option api_key_create_options[] = {
	OPTION_CONFIG,
	{ "name", "NAME", "whom it is for" },
	{ "account", "NAME", "whose withdrawals it may make; \"default\" if absent" },
	{ "scope", "SCOPE…",
	  "what it may do: withdrawals:read, or viewer, or default; again for more" },
	{ "resolve", NULL, "it may decide about held withdrawals of all accounts; one a person" },
	{ "expires", "TIME", "how long it lives: 90d, 24h; for ever if absent" },
	{ "allow", "RANGE…",
	  "where it may be used from: 10.0.0.0/8, 2001:db8::/32; again for more" },
	OPTIONS_END,
};

static const struct command_option api_key_rotate_options[] = {
	OPTION_CONFIG,
	{ "overlap", "TIME", "how long the old one goes on beside the new one; 24h if absent" },
	OPTIONS_END,
};

static const struct command_option user_create_options[] = {
	OPTION_CONFIG,
	{ "role", "ROLE", "viewer, operator, approver or admin" },
	{ "account", "NAME", "whose withdrawals alone; those of every account if absent" },
	{ "password-file", "FILE", "file of mode 0600 with the password; asks if absent" },
	OPTIONS_END,
};

static const struct command_option user_password_options[] = {
	OPTION_CONFIG,
	{ "password-file", "FILE", "file of mode 0600 with the password; asks if absent" },
	OPTIONS_END,
};

static const struct command_option wallet_start_options[] = {
	OPTION_CONFIG,
	{ "chain", "NAME", "the wallet's chain" },
	{ "reason", "TEXT", "why it may pay again, for the audit" },
	{ "force", NULL, "although the journal knows payments that the store does not" },
	OPTIONS_END,
};

static const struct command_option backup_options[] = {
	OPTION_CONFIG,
	{ "to", "DIR", "the directory to make" },
	OPTIONS_END,
};

static const struct command_option restore_options[] = {
	OPTION_CONFIG,
	{ "from", "DIR", "what `sluice backup` made" },
	{ "in-place", NULL, "its server has brought the older copy back already" },
	OPTIONS_END,
};

static const struct command_option reconcile_options[] = {
	OPTION_CONFIG,
	{ "from-block", "N", "compare from there on; the first slot's block if absent" },
	{ "after-restore", NULL, "bring a restored store up to the journal and the chain" },
	{ "journal-lost", NULL, "with it: the journal that lived is gone for good" },
	{ "accept-strangers", NULL, "with it: what the journal does not know is not ours" },
	OPTIONS_END,
};

static const struct command_option allow_list_add_options[] = {
	{ "label", "TEXT", "for people: whose it is" },
	OPTION_CONFIG,
	OPTIONS_END,
};

static const struct command_option policy_simulate_options[] = {
	{ "key", "ID", "as if this key or user asked; nobody that a rule names, if absent" },
	OPTION_CONFIG,
	OPTIONS_END,
};

static const struct command_option policy_options[] = {
	OPTION_CONFIG,
	OPTIONS_END,
};

static const struct command_option audit_verify_options[] = {
	OPTION_CONFIG,
	{ "head", "HEAD", "a head out of the log: it has to be there, and the same" },
	{ "journal", NULL, "on the signer's host: compare the heads that it copied, too" },
	OPTIONS_END,
};

#define OPTIONS_SWITCH                                                                          \
	OPTION_CONFIG, { "all", NULL, "of everybody" }, { "chain", "ID", "of a chain" },        \
		{ "asset", "[ID/]SYMBOL", "of an asset, on every chain or on one" },            \
		{ "account", "NAME", "of an account" }, { "wallet", "ADDRESS", "of a wallet" }, \
		{ "stop", "LIST", "intake, signing, broadcast, separated by commas" }

static const struct command_option pause_options[] = {
	OPTIONS_SWITCH,
	{ "reason", "TEXT", "for who wonders, and for the audit" },
	{ "reset", NULL, "with --all: begin anew, where the switches are in doubt" },
	OPTIONS_END,
};

static const struct command_option unpause_options[] = {
	OPTIONS_SWITCH,
	{ "reason", "TEXT", "why it may pay again, for the audit" },
	{ "alone", NULL, "although it takes two people: in need, and the audit tells" },
	OPTIONS_END,
};

#define OPTIONS_HTTP                                                                             \
	OPTION_CONFIG, { "url", "URL", "of the API; SLUICE_URL, or else the configuration's" },  \
		{ "api-key-file", "FILE",                                                        \
		  "file of mode 0600 with the API key, else SLUICE_API_KEY" },                   \
		{ "ca-file", "FILE",                                                             \
		  "PEM: authorities of the API's certificate; SLUICE_CA_FILE" },                 \
		{ "cert-file", "FILE", "PEM: our own certificate, where the API asks for one" }, \
		{ "key-file", "FILE", "PEM: its key" }

static const struct command_option withdraw_options[] = {
	OPTIONS_HTTP,
	{ "chain", "NAME", "the chain; may be left out when the configuration has one alone" },
	{ "asset", "SYMBOL", "what to pay" },
	{ "amount", "DECIMAL", "how much, in units of the asset: 12.5" },
	{ "to", "ADDRESS", "whom" },
	{ "external-id", "TEXT", "your own name for it, unique in your account" },
	{ "metadata", "JSON", "an object of strings" },
	{ "idempotency-key", "TEXT", "random if absent; a repeat with the same key pays once" },
	{ "wait", NULL, "follow it to its end; fails unless it was paid" },
	{ "timeout", "S", "how long to try, and to wait; 600 s if absent" },
	OPTIONS_END,
};

static const struct command_option status_options[] = {
	OPTIONS_HTTP,
	{ "wait", NULL, "follow it to its end; fails unless it was paid" },
	{ "timeout", "S", "how long to wait; 600 s if absent" },
	OPTIONS_END,
};

static const struct command_option resolve_options[] = {
	OPTIONS_HTTP,
	{ "paid-by", "HASH", "this transaction paid it" },
	{ "not-paid", NULL, "nothing did: it may go on" },
	{ "paid-another", "HASH", "the same, and this equal payment was another one's" },
	OPTIONS_END,
};

static const struct command_option dlq_list_options[] = {
	OPTIONS_HTTP,
	{ "direct", NULL, "read the ids from the database, on its own machine" },
	OPTIONS_END,
};

static const struct command_option http_options[] = { OPTIONS_HTTP, OPTIONS_END };

#define ROLE_COMMAND(name, summary)                                                      \
	{ name,                                                                          \
	  "",                                                                            \
	  0,                                                                             \
	  0,                                                                             \
	  summary,                                                                       \
	  "Ends with 3 when it refuses to go on and a restart would not help: a wrong\n" \
	  "key file, a node of another chain. A supervisor should then leave it.",       \
	  config_options,                                                                \
	  command_role }

static const struct command_option sim_options[] = {
	{ "seed", "N", "the first seed; 1" },
	{ "seeds", "N", "how many, one after the other; 1" },
	{ "withdrawals", "N", "of each seed; 60" },
	{ "jobs", "N", "processes that share the seeds; 1" },
	{ "faults", "LIST", "what goes wrong, separated by commas" },
	{ "plant", "NAME", "make a violation, to see that its checker fires" },
	{ "story", NULL, "print all that happens" },
	OPTIONS_END,
};

const struct command commands[] = {
	{ "run", "", 0, 0, "run all four roles on this machine",
	  "Makes or upgrades the database, starts api, processor, signer and monitor as\n"
	  "processes of their own, starts one that dies again, and ends them in order on\n"
	  "SIGTERM or Ctrl-C (a second one: at once). When it is killed, they die with it.\n"
	  "Prints a line when all are ready; logs go to standard error or log.file. When a\n"
	  "role refuses to go on (a wrong key file, a node of another chain), it ends all\n"
	  "of them, and itself with 3: starting it again would not help.",
	  run_options, command_run },
	ROLE_COMMAND("api", "run the API alone"),
	ROLE_COMMAND("processor", "run the processor alone"),
	ROLE_COMMAND("signer", "run the signer alone"),
	ROLE_COMMAND("monitor", "run the monitor alone"),
	{ "migrate", "", 0, 0, "make or upgrade the database's schema", NULL, migrate_options,
	  command_migrate },
	{ "check-config", "", 0, 0, "print the configuration in force, without secrets",
	  "Reads the file as every role does: defaults filled in, variables applied. Parts\n"
	  "of URLs that may hold keys are left out. Fails when a file that a person supplies\n"
	  "is missing or not as it should be, and says what to do; what Sluice makes by\n"
	  "itself on its first start may be missing. Asks no node and unlocks no keystore.",
	  check_config_options, command_check_config },
	{ "keys init", "[DIR]", 0, 1, "make the keys with which the roles trust each other",
	  "One file for each role, in DIR or trust.dir of the configuration. Once per\n"
	  "deployment; it never overwrites.",
	  config_options, command_keys_init },
	{ "keys new", "", 0, 0, "make a keystore for new wallets",
	  "A random seed for many wallets (BIP-32, m/44'/60'/0'/0/i) in one encrypted file\n"
	  "(Web3 Secret Storage v3). Prints what belongs into the configuration.",
	  keys_new_options, command_keys_new },
	{ "keys import", "", 0, 0, "make a keystore of an existing key", NULL, keys_import_options,
	  command_keys_import },
	{ "keys add", "pkcs11|kms", 1, 1, "look at a key that is in an HSM or in AWS KMS",
	  "Asks for the key's address, lets it sign a random number, and verifies that: who\n"
	  "pays funds to an address wants to know that its key signs. Prints what belongs\n"
	  "into the configuration; it stores nothing, and makes no key. Keys are of the curve\n"
	  "secp256k1, in KMS of the kind ECC_SECG_P256K1, for signing.\n"
	  "  pkcs11  --name, --module, --token, --pin-file and --key\n"
	  "  kms     --name, --region and --key-id; credentials come from where AWS's own\n"
	  "          programs look for them",
	  keys_add_options, command_keys_add },
	{ "keys rotate", "NAME [DIR]", 1, 2, "put another key in place of a trust key",
	  "In the files of all roles, in DIR or trust.dir, one step at a time: what was made\n"
	  "with the old key is believed until it is retired, 7 days after --step use at most.\n"
	  "With --step replace at once, for a key that somebody else may have: what it made\n"
	  "grants nothing any more. A step that was interrupted is finished by the same one.",
	  keys_rotate_options, command_keys_rotate },
	{ "rekey", "", 0, 0, "seal what grants something with the newest trust key",
	  "API keys, users, the allow-list and the policy, once `keys rotate --step use` is done.\n"
	  "May be ended and run again at any time.",
	  config_options, command_rekey },
	{ "keys address", "[FILE]", 0, 1, "print the addresses of a keystore",
	  "Without FILE: asks all key stores of the configuration, those in an HSM and in KMS\n"
	  "too, and compares their addresses with those of its wallets; fails when one\n"
	  "differs.",
	  keys_address_options, command_keys_address },
	{ "account add", "NAME", 1, 1, "declare who owns withdrawals, keys and users",
	  "`api-key create` and `user create` declare the account that they are for, when it is\n"
	  "not there yet; over the API it has to be there.",
	  config_options, command_account_add },
	{ "account list", "", 0, 0, "list the accounts", NULL, config_options,
	  command_account_list },
	{ "account disable", "NAME", 1, 1, "let it ask for nothing new",
	  "Felt by the API within api.key_cache_ms. What was accepted before goes on: to stop that,\n"
	  "`sluice pause --account NAME`.",
	  config_options, command_account_disable },
	{ "account enable", "NAME", 1, 1, "let it ask for withdrawals again", NULL, config_options,
	  command_account_enable },
	{ "api-key create", "", 0, 0, "make an API key, and print it once", NULL,
	  api_key_create_options, command_api_key_create },
	{ "api-key rotate", "ID", 1, 1, "make a key in the place of another one", NULL,
	  api_key_rotate_options, command_api_key_rotate },
	{ "api-key revoke", "ID", 1, 1, "revoke an API key", NULL, config_options,
	  command_api_key_revoke },
	{ "api-key list", "", 0, 0, "list the API keys", NULL, config_options,
	  command_api_key_list },
	{ "user create", "NAME", 1, 1, "let a person log in",
	  "The password comes from a file, a terminal or standard input, and has at least 12\n"
	  "bytes. The person enrols a second factor after the first login; without one, nobody\n"
	  "can approve, unpause, or change rules, keys and users.",
	  user_create_options, command_user_create },
	{ "user list", "", 0, 0, "list the people who can log in", NULL, config_options,
	  command_user_list },
	{ "user disable", "NAME", 1, 1, "let a person log in no more, and end what is begun", NULL,
	  config_options, command_user_disable },
	{ "user reset-password", "NAME", 1, 1, "give a person a new password",
	  "Ends all sessions of the user. See `user create` for where the password comes from.",
	  user_password_options, command_user_reset_password },
	{ "user reset-totp", "NAME", 1, 1, "for a person who lost the second factor",
	  "Ends all sessions of the user, who enrols a new one after the next login. Make sure\n"
	  "who is asking: a password alone is enough to enrol one then.",
	  config_options, command_user_reset_totp },
	{ "user sessions", "NAME", 1, 1, "list what a person has begun and not ended", NULL,
	  config_options, command_user_sessions },
	{ "user end-sessions", "NAME [SESSION]", 1, 2, "end it: one session, or all of a person",
	  "Felt by the API within api.key_cache_ms. The person can log in again: `user disable`,\n"
	  "or a new password, is for who should not.",
	  config_options, command_user_end_sessions },
	{ "wallet list", "", 0, 0, "list the wallets, and why they are stopped", NULL,
	  config_options, command_wallet_list },
	{ "wallet start", "ADDRESS", 1, 1, "let a stopped wallet pay again",
	  "For when a person has found out why it stopped: a foreign transaction, rows that\n"
	  "somebody edited. Writes an audit record. The signer takes new payouts within a\n"
	  "step, and stops the wallet again if the cause is still there.\n"
	  "A wallet that the journal stopped (journal_is_ahead, journal_differs) needs\n"
	  "--force: its store is an old or an edited one, and what was paid already may be\n"
	  "paid AGAIN. Compare store, journal and chain first.",
	  wallet_start_options, command_wallet_start },
	{ "backup", "", 0, 0, "copy store and journal while Sluice runs",
	  "Makes DIR with both databases, each one sound snapshot in one file of mode 0600,\n"
	  "and a manifest that names their SHA-256. It never overwrites. On the signer's\n"
	  "host. The copies hold every withdrawal and no key.",
	  backup_options, command_backup },
	{ "restore", "", 0, 0, "put a backup's store in the place of a lost one",
	  "With Sluice stopped. The store that stands there is kept beside it; the journal\n"
	  "that lives is never touched, since it alone knows what was paid since. Nothing is\n"
	  "paid from a restored store before `sluice reconcile --after-restore` has found\n"
	  "what was, and a person has said `sluice unpause`.",
	  restore_options, command_restore },
	{ "reconcile", "", 0, 0, "compare the store with the chain",
	  "Every mined nonce of our wallets has one slot and the reverse, and what left them\n"
	  "is what the store says that it paid; up to the finalized block, while Sluice runs.\n"
	  "Fails when anything differs, and says what. The monitor does the same all the time.\n"
	  "With --after-restore, on the signer's host and with Sluice stopped: finds what the\n"
	  "wallets sent since the backup, by the journal and the chain, fills the nonces that\n"
	  "nobody used with transactions of nothing, waits until all are final, and binds the\n"
	  "withdrawals to what paid them. It can be ended and run again at any time.\n"
	  "With --journal-lost too, the journal is written anew by what the store holds signed\n"
	  "and what the chain has of the wallets. Every withdrawal that is open is then held\n"
	  "for two people, and so is every later one that equals a payout of which nobody\n"
	  "knows whose it was: `sluice resolve`. With --accept-strangers, transactions of the\n"
	  "wallets that the journal does not know are taken for somebody else's, who has the\n"
	  "key; withdrawals that equal them are held likewise.",
	  reconcile_options, command_reconcile },
	{ "policy set", "FILE", 1, 1, "put a policy in force: who may be paid what",
	  "A document of rules and limits (doc/policy.md, examples/policy.json); - reads it\n"
	  "from standard input. Without a policy nobody is paid: withdrawals wait. Each one\n"
	  "that was ever in force is kept, and the audit tells who set it. Where\n"
	  "policy.change_people is 2, every one after the first is proposed only: two people\n"
	  "who log in confirm it over the API.",
	  policy_options, command_policy_set },
	{ "policy check", "FILE", 1, 1, "say whether a policy could be put in force", NULL,
	  policy_options, command_policy_check },
	{ "policy show", "", 0, 0, "print the policy in force", NULL, policy_options,
	  command_policy_show },
	{ "policy simulate", "ACCOUNT CHAIN ASSET RECEIVER AMOUNT", 5, 5,
	  "say what the policy in force would do with a withdrawal",
	  "Which rule decides, which limits it needs room of, and what is known of the\n"
	  "receiver. Takes no room, and writes nothing.",
	  policy_simulate_options, command_policy_simulate },
	{ "allow-list add", "ACCOUNT CHAIN RECEIVER", 3, 3,
	  "let rules of the policy count on a receiver",
	  "Of one account, on one chain. It counts after the cool-down that the policy in\n"
	  "force says (a day, unless it says otherwise), and is known to the account at once.\n"
	  "Where policy.allow_list_people is 2, this and `remove` only propose: two people who\n"
	  "log in confirm it over the API.",
	  allow_list_add_options, command_allow_list_add },
	{ "allow-list remove", "ACCOUNT CHAIN RECEIVER", 3, 3, "take it off, at once", NULL,
	  policy_options, command_allow_list_remove },
	{ "allow-list list", "", 0, 0, "print all entries; with --json one a line", NULL,
	  policy_options, command_allow_list_list },
	{ "audit verify", "", 0, 0, "find what was changed in events and audit records",
	  "Walks over all of them while Sluice runs, and compares each with the seal that it\n"
	  "got within a second of its commit: says what was changed, removed, added, or told\n"
	  "to be older than it is. That the end was cut off only shows against a head that\n"
	  "is kept outside of the store: the monitor logs one (feed_head) each few seconds\n"
	  "while there is anything new, and the signer copies one into its journal each minute\n"
	  "(--journal, with signer.keys). Fails when it finds anything.",
	  audit_verify_options, command_audit_verify },
	{ "pause", "", 0, 0, "stop payments: of everybody, a chain, an asset, an account, a wallet",
	  "In the store, within seconds; with a file of trust.dir that has the key for it.\n"
	  "  intake     nothing new is accepted\n"
	  "  signing    nothing is reserved, signed or sent for the first time; what may be\n"
	  "             out is still sent again, bumped, canceled\n"
	  "  broadcast  nothing at all is sent; and nothing is signed\n"
	  "Without --stop: intake and signing. When the signer says controls_doubted, somebody\n"
	  "has edited the switches, or they are an older copy: compare what `sluice controls`\n"
	  "lists with the audit, pause with --all --reset, set what is missing, and unpause.",
	  pause_options, command_pause },
	{ "unpause", "", 0, 0, "let it go on",
	  "Of whom --all, --chain, --asset, --account or --wallet say; without --stop, all that\n"
	  "is stopped there. Without any of them: lets a restored and reconciled store pay again.\n"
	  "Where controls.unpause_people is 2, two people unpause over the API; here --alone does.",
	  unpause_options, command_unpause },
	{ "controls", "", 0, 0, "list what is paused", NULL, config_options, command_controls },
	{ "withdraw", "", 0, 0, "ask for a withdrawal, over HTTP",
	  "Repeats an unanswered request with the same Idempotency-Key, so that it is paid\n"
	  "once whatever happens on the way.",
	  withdraw_options, command_withdraw },
	{ "status", "[ID]", 0, 1, "show a withdrawal, or queues and wallets, over HTTP", NULL,
	  status_options, command_status },
	{ "cancel", "ID", 1, 1, "cancel a withdrawal, over HTTP",
	  "At once while nobody has approved it. Later it is a request: once the payment is\n"
	  "sent, a cancellation of the same nonce competes with it, and the chain decides.\n"
	  "`sluice status ID` shows what became of it. Fails when a block has the payment.",
	  http_options, command_cancel },
	{ "speed-up", "ID", 1, 1, "raise the fee of a payment that is sent, over HTTP",
	  "The signer replaces its transaction by one that pays at least an eighth more for\n"
	  "gas, at most once per rebroadcast_after_s, and never above fee_cap_max_gwei and\n"
	  "slot_fee_max. There it goes on sending the same one until fees fall. What is being\n"
	  "canceled has its cancellation sped up. Fails while nothing is sent, and when a\n"
	  "block has the payment.",
	  http_options, command_speed_up },
	{ "resolve", "ID", 1, 1, "decide about a held withdrawal or slot, over HTTP",
	  "ID is a withdrawal's, or a transfer's that the chain took back after it was final.\n"
	  "With --paid-by HASH, --not-paid or, where an equal payment is nobody's after a\n"
	  "restore, --paid-another HASH. Two people have to say the same, each with an API\n"
	  "key of an own name that was made with --resolve. The signer compares what they say\n"
	  "with the chain, and refuses what that does not bear out: see `sluice status ID`.",
	  resolve_options, command_resolve },
	{ "queues create", "", 0, 0, "make the queues of SQS, or set what they should be like",
	  "With queue.backend sqs: three standard queues, each with its dead letters, under\n"
	  "the names that begin with queue.prefix. Messages that are there stay. The\n"
	  "credentials are those of the environment, as for AWS's own tools.",
	  config_options, command_queues_create },
	{ "queues check", "", 0, 0, "look whether the queues of SQS are as they should be",
	  "As every role does when it starts.", config_options, command_queues_check },
	{ "dlq list", "[QUEUE]", 0, 1, "show the dead-letter queues, over HTTP", NULL,
	  dlq_list_options, command_dlq_list },
	{ "dlq redrive", "QUEUE", 1, 1, "put dead letters back into their queue, over HTTP",
	  "QUEUE is request, signing or monitor.", http_options, command_dlq_redrive },
	{ "sim", "", 0, 0, "run the whole system under seeds, with faults, and look for lost money",
	  "The real services and the real SQL, with a simulated chain, keys and clock, in one\n"
	  "process. While faults are on, checkers look after every change; then the faults\n"
	  "stop, and every accepted withdrawal has to end. A violation prints its seed, which\n"
	  "replays to the byte.\n"
	  "Faults: crash, store, journal, keys, node, messages, reorg, fees, clock, pause,\n"
	  "overlap, receiver, cancel, funds, liar, editor, foreign, take-back, restore; all,\n"
	  "none. A list that begins with -NAME takes from the default, which is all but the\n"
	  "last four.",
	  sim_options, command_sim },
	{ "version", "", 0, 0, "print the version", NULL,
	  (const struct command_option[]){ OPTIONS_END }, command_version },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
	json_memory_wipe();
	db_sqlite_setup();
	return (int)command_main(argc, argv);
}
