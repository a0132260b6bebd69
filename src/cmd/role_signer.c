/* The signer as a process: the only one that opens keystores and the journal. */
#include "cmd/role_signer.h"

#include "adapter/deny_list_file.h"
#include "adapter/journal_sql.h"
#include "cmd/database_open.h"
#include "cmd/key_stores.h"

#include <stdlib.h>
#include <string.h>

#define IDLE_MS_MAX 500 /* wishes of the monitor and controls come without a message */

/* A wallet that is in the store was compared with its key before it came there. */
static bool wallet_is_known(struct store *store, const struct catalogue *catalogue,
			    const struct wallet_params *wallet, bool *ret_known, struct err *err)
{
	struct wallet known[WALLETS_MAX];
	size_t len = 0;
	*ret_known = false;
	if (!store_wallets_load(store, known, WALLETS_MAX, &len, err))
		return false;
	for (size_t i = 0; i < len; i++)
		if (known[i].chain_id == catalogue->chains[wallet->chain].chain_id &&
		    address_equal(known[i].address, wallet->address))
			*ret_known = true;
	return true;
}

/* An HSM or a KMS that is away keeps no wallet of another store from paying: without it none of its
 * own wallets signs anything, and what it signs later is compared with the address each time. But a
 * wallet that is new waits for its key: pinned, a mistake would stay. */
static bool address_excuse(struct role_parts *parts, const struct wallet_params *wallet,
			   const struct err *why, struct err *err)
{
	struct log_about about = { .action = "key_unproved", .outcome = "failure", .err = why };
	bool known = false;
	if (why->kind != ERR_NOT_DONE) {
		*err = *why;
		return false;
	}
	if (!wallet_is_known(parts->opened.store, &parts->config->catalogue, wallet, &known, err))
		return false;
	if (!known) {
		*err = *why;
		return false;
	}
	log_line(&parts->log, LOG_WARN, &about, "the key %s is not asked for its address: %s",
		 wallet->key_ref, why->text);
	return true;
}

/* A key that gives another address than the pinned one would pay from a stranger's wallet, or not
 * at all: the wrong file, the wrong index. */
static bool addresses_check(struct role_parts *parts, struct keys *keys, struct err *err)
{
	const struct catalogue *catalogue = &parts->config->catalogue;
	for (size_t i = 0; i < catalogue->wallets_len; i++) {
		const struct wallet_params *wallet = &catalogue->wallets[i];
		struct address address = wallet->address;
		struct err why = { 0 };
		if (!keys_address(keys, wallet->key_ref, &address, &why) &&
		    !address_excuse(parts, wallet, &why, err))
			return err_wrap(err, "wallets[%zu]", i);
		if (!address_equal(address, wallet->address))
			return err_set(err, ERR_REFUSED,
				       "wallets[%zu]: the key %s gives %s, but %s is configured", i,
				       wallet->key_ref, address_text(address).at,
				       address_text(wallet->address).at);
	}
	return true;
}

static bool journal_fault(const struct config *config, struct err *err)
{
	char bytes[512];
	struct buf text = buf_of(bytes, sizeof bytes);
	database_tell(&config->journal, &text);
	return err_wrap(err, "journal %s%s", buf_terminated(&text),
			config->journal.is_mysql ? " (`sluice migrate` makes its tables)" : "");
}

static bool journal_open(struct role_parts *parts, struct journal **ret_journal, struct err *err)
{
	const struct config *config = parts->config;
	struct journal_sql_options journal = {
		.deployment = trust_keys_deployment(parts->trust),
		.is_made = config->journal.is_mysql,
	};
	uint32_t key_id;
	struct db *db;
	if (!trust_keys_find(parts->trust, TRUST_JOURNAL_MAC, &key_id, &journal.mac_key))
		return err_set(err, ERR_REFUSED, "the trust file of the signer has no %s key",
			       TRUST_JOURNAL_MAC);
	const struct database_watch watch = { &parts->clock, parts->metrics, "journal" };
	if (!database_open(&config->journal, DATABASE_ROLE, STORE_CACHE_KB_OTHER, &watch, &db, err))
		return err_wrap(err, "journal");
	if (!journal_sql_open(db, &journal, ret_journal, err)) {
		db_close(db);
		return journal_fault(config, err);
	}
	return true;
}

static bool signer_open(struct role_parts *parts, struct signer_role *role,
			struct signer_purpose purpose, struct err *err)
{
	uint32_t key_id;
	struct signer_options options = {
		.store = parts->opened.store,
		.queue = parts->opened.queue,
		.cache = parts->cache.cache,
		.clock = &parts->clock,
		.entropy = &parts->entropy,
		.keys = role->keys,
		.journal = role->journal,
		.catalogue = &parts->config->catalogue,
		.log = &parts->log,
		.metrics = parts->metrics,
		.deployment = trust_keys_deployment(parts->trust),
		.instance = parts->instance,
		.visibility_ms = parts->config->signer_visibility_ms,
		.funds_wait_ms = parts->config->signer_funds_wait_ms,
		.passed_over_ms = parts->config->signer_passed_over_ms,
		.entry_wait_ms = parts->config->signer_entry_wait_ms,
		.recovers = purpose.recovers,
		.journal_lost = purpose.journal_lost,
		.accepts_strangers = purpose.accepts_strangers,
	};
	memcpy(options.chains, parts->chains, sizeof options.chains);
	if (parts->config->policy_deny_list != NULL)
		role->deny_list =
			deny_list_file_new(parts->config->policy_deny_list, &parts->clock);
	options.deny_list = role->deny_list;
	if (parts->config->signer_freeze_file != NULL) {
		role->freeze = freeze_file_of(parts->config->signer_freeze_file);
		options.freeze = &role->freeze.base;
	}
	if (!role_mac_keys(parts, TRUST_INTENT_MAC, &options.intent_keys, err) ||
	    !role_mac_keys(parts, TRUST_APPROVAL_MAC, &options.approval_keys, err) ||
	    !role_mac_keys(parts, TRUST_CONTROLS, &options.controls_keys, err) ||
	    !role_mac_keys(parts, TRUST_FEED_SEAL, &options.feed_keys, err))
		return false;
	if (!trust_keys_find(parts->trust, TRUST_PAY_TAG, &key_id, &options.pay_tag_key))
		return err_set(err, ERR_REFUSED, "the trust file of the signer has no %s key",
			       TRUST_PAY_TAG);
	role->signer = signer_new(&options);
	return true;
}

bool role_signer_open(struct role_parts *parts, struct signer_purpose purpose,
		      struct signer_role *ret_role, struct err *err)
{
	struct key_stores_parts keys = { &parts->entropy, &parts->clock, parts->metrics };
	*ret_role = (struct signer_role){ 0 };
	return key_stores_open(parts->config, &keys, &ret_role->keys, err) &&
	       addresses_check(parts, ret_role->keys, err) &&
	       store_catalogue_pin(parts->opened.store, &parts->config->catalogue, err) &&
	       journal_open(parts, &ret_role->journal, err) &&
	       signer_open(parts, ret_role, purpose, err);
}

void role_signer_close(struct signer_role *role)
{
	if (role->signer != NULL)
		signer_leave(role->signer);
	signer_free(role->signer);
	deny_list_close(role->deny_list);
	journal_close(role->journal);
	keys_close(role->keys);
}

static bool open_signer(struct role_parts *parts, void **ret_self, struct err *err)
{
	struct signer_role *role = calloc(1, sizeof *role);
	CHECK(role != NULL);
	*ret_self = role;
	return role_signer_open(parts, (struct signer_purpose){ .recovers = false }, role, err);
}

static bool step(void *self, bool *ret_worked, struct err *err)
{
	struct signer_role *role = self;
	return signer_step(role->signer, ret_worked, err);
}

static int64_t idle_ms(void *self)
{
	(void)self;
	return IDLE_MS_MAX;
}

static bool run_signer(struct role_parts *parts, void *self, struct err *err)
{
	struct role_work work = { self, step, idle_ms, QUEUE_SIGNING, NULL };
	return role_work_run(parts, &work, err);
}

static void close_signer(struct role_parts *parts, void *self)
{
	struct signer_role *role = self;
	(void)parts;
	if (role == NULL)
		return;
	role_signer_close(role);
	free(role);
}

const struct role_program role_signer = {
	.role = ROLE_SIGNER,
	.asks_chains = true,
	.open = open_signer,
	.run = run_signer,
	.close = close_signer,
};
