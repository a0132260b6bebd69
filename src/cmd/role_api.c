/* The API as a process: its loop on the main thread, its store on a thread of its own. */
#include "cmd/role.h"

#include "adapter/deny_list_file.h"
#include "adapter/cache_memory.h"
#include "adapter/password_argon2.h"
#include "adapter/secrets_aes.h"
#include "adapter/token_keys_source.h"
#include "adapter/store_sql_replica.h"
#include "base/json.h"
#include "cmd/database_open.h"
#include "cmd/notify.h"
#include "cmd/role_tls.h"
#include "cmd/secret_place.h"
#include "cmd/stop_signal.h"
#include "service/api/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS         100 /* how often health follows the server */
#define LOOK_UNREADY_MS 5   /* and while it waits for the store: a start is not to wait for us */

struct api_role {
	struct role_parts *parts;
	struct api_server *server;
	struct cache *rates;         /* of the loop thread; NULL without a limit */
	struct cache *addresses;     /* likewise */
	struct replica *replica;     /* NULL: none is configured */
	struct cache *replica_cache; /* of the thread that reads it; NULL without Redis */
	struct role_tls *tls;        /* NULL: plain HTTP */
	struct cache *ear;           /* of the thread that hears of changes; likewise */
	struct mac_keys seal_keys;
	struct secrets_aes secrets;
	struct password_argon2 hasher;
	struct deny_list *deny_list;   /* NULL: none is configured */
	struct token_keys *token_keys; /* NULL: no outside identity provider */
	char address[CONFIG_HOST_LEN_MAX + 16];
	pthread_t watcher;
	bool is_watched;
	atomic_bool is_over;
};

/* A signal handler has nothing else to find it by. */
static struct api_server *stopping_server;
static int64_t stopping_grace_ms;

static void stop(void)
{
	api_server_stop(stopping_server, stopping_grace_ms);
}

static bool replica_connect(void *context, struct db **ret_db, struct err *err)
{
	const struct config *config = context;
	return database_open(&config->replica, DATABASE_READ, STORE_CACHE_KB_OTHER, NULL, ret_db,
			     err) ||
	       err_wrap(err, "store.replica");
}

static bool aside_connect(const struct role_parts *parts, struct cache **ret_cache, struct err *err)
{
	const struct cache_watch watch = { trust_keys_deployment(parts->trust),
					   (struct clock *)(uintptr_t)&parts->clock, NULL, NULL };
	return cache_connect(parts->config, &watch, ret_cache, err);
}

static bool ear_open(const struct role_parts *parts, struct api_role *role,
		     struct api_options *options, struct err *err)
{
	if (!aside_connect(parts, &role->ear, err))
		return false;
	options->ear = role->ear;
	return true;
}

static bool replica_open(struct role_parts *parts, struct api_role *role,
			 struct api_options *options, struct err *err)
{
	const struct config *config = parts->config;
	const struct store_sql_replica_options replica = {
		.primary = parts->opened.db,
		.open = replica_connect,
		.context = (void *)(uintptr_t)config,
		.entropy = &parts->entropy,
	};
	if (!config->has_replica)
		return true;
	/* What has to be fetched is fetched here, and not on the thread that reads. */
	const char *path = config->replica.password_file;
	if (path != NULL && !secret_place_path(path, &path, err))
		return err_wrap(err, "store.replica.password_file");
	if (!aside_connect(parts, &role->replica_cache, err))
		return false;
	role->replica = store_sql_replica_new(&replica);
	options->replica = role->replica;
	options->replica_cache = role->replica_cache;
	options->replica_age_ms = config->replica_age_ms;
	return true;
}

/* For who tries the policy out; nothing that is paid hangs on it. */
static void deny_list_open(const struct role_parts *parts, struct api_role *role,
			   struct api_options *options)
{
	struct clock *clock = (struct clock *)(uintptr_t)&parts->clock;
	if (parts->config->policy_deny_list != NULL)
		role->deny_list = deny_list_file_new(parts->config->policy_deny_list, clock);
	options->deny_list = role->deny_list;
}

/* Who else vouches for people. */
static bool outside_open(const struct role_parts *parts, struct api_role *role,
			 struct api_options *options, struct err *err)
{
	const struct config *config = parts->config;
	const struct token_keys_source source = { .file = config->identity_jwks_file,
						  .url = config->identity_jwks_url,
						  .keep_ms = config->identity_jwks_keep_ms,
						  .log = &parts->log };
	if (config->identity_issuer == NULL)
		return true;
	if (!token_keys_open(&source, &role->token_keys, err))
		return err_wrap(err, "identity");
	options->outside = (struct outside_options){
		.keys = role->token_keys,
		.issuer = config->identity_issuer,
		.audience = config->identity_audience,
		.role_claim = config->identity_role_claim,
		.account_claim = config->identity_account_claim,
		.life_max_ms = config->identity_life_max_ms,
	};
	return true;
}

/* What people log in with. */
static bool identity_open(struct role_parts *parts, struct api_role *role,
			  struct api_options *options, struct err *err)
{
	if (!role_mac_keys(parts, TRUST_IDENTITY_GRANTS, &options->identity_keys, err) ||
	    !role_mac_keys(parts, TRUST_ACCESS_TOKENS, &options->access_keys, err) ||
	    !role_mac_keys(parts, TRUST_SECRETS_SEAL, &role->seal_keys, err))
		return false;
	json_memory_wipe(); /* bodies hold passwords */
	secrets_aes_init(&role->secrets, &role->seal_keys, &parts->entropy);
	password_argon2_init(&role->hasher);
	options->secrets = &role->secrets.base;
	options->hasher = &role->hasher.base;
	return true;
}

static struct rate_limit rate_of(const struct config_rate *rate)
{
	return (struct rate_limit){ rate->per_second, rate->burst };
}

static bool server_open(struct role_parts *parts, struct api_role *role, struct err *err)
{
	const struct config_listen *listen = &parts->config->api;
	bool is_v6 = strchr(listen->host, ':') != NULL;
	(void)snprintf(role->address, sizeof role->address, is_v6 ? "[%s]:%u" : "%s:%u",
		       listen->host, listen->port);
	struct api_server_options options = {
		.api = {
			.store = parts->opened.store,
			.queue = parts->opened.queue,
			.clock = &parts->clock,
			.entropy = &parts->entropy,
			.catalogue = &parts->config->catalogue,
			.log = &parts->log,
			.metrics = parts->metrics,
			.deployment = trust_keys_deployment(parts->trust),
			.instance = parts->instance,
			.key_cache_ms = parts->config->api_key_cache_ms,
			.jobs_max = parts->config->api_jobs_max,
			.wait_max_ms = parts->config->api_wait_max_ms,
			.cache = parts->cache.cache,
			.rates = { {
				[RATE_KEY] = rate_of(&parts->config->api_key_rate),
				[RATE_ACCOUNT] = rate_of(&parts->config->api_account_rate),
				[RATE_ADDRESS] = rate_of(&parts->config->api_address_rate),
			} },
			.proxies = parts->config->api_proxies,
			.proxies_len = parts->config->api_proxies_len,
			.copy_life_ms = parts->config->api_status_copy_ms,
			.unpause_people = parts->config->unpause_people,
			.accounts_required = parts->config->accounts_required,
			.policy_people = parts->config->policy_people,
			.allow_list_people = parts->config->allow_list_people,
			.ends_by_signer = parts->config->store.is_mysql,
		},
		.listen = role->address,
		.connections_max = parts->config->api_connections_max,
		.connections_of_address_max = parts->config->api_address_connections_max,
		.idle_timeout_ms = parts->config->api_idle_timeout_ms,
		.read_timeout_ms = parts->config->api_read_timeout_ms,
		.write_timeout_ms = parts->config->api_write_timeout_ms,
	};
	const struct rate_limits *rates = &options.api.rates;
	if (rate_is_limited(rates, RATE_KEY) || rate_is_limited(rates, RATE_ACCOUNT))
		role->rates = cache_memory_new(&parts->clock, RATE_KEYS_MAX);
	if (rate_is_limited(rates, RATE_ADDRESS))
		role->addresses = cache_memory_new(&parts->clock, RATE_ADDRESSES_MAX);
	options.api.rate_cache = role->rates;
	options.api.address_cache = role->addresses;
	if (!replica_open(parts, role, &options.api, err) ||
	    !ear_open(parts, role, &options.api, err) ||
	    !role_mac_keys(parts, TRUST_INTENT_MAC, &options.api.intent_keys, err) ||
	    !identity_open(parts, role, &options.api, err) ||
	    !outside_open(parts, role, &options.api, err) ||
	    !role_mac_keys(parts, TRUST_CONTROLS, &options.api.controls_keys, err) ||
	    !role_mac_keys(parts, TRUST_POLICY_GRANTS, &options.api.policy_keys, err))
		return false;
	deny_list_open(parts, role, &options.api);
	if (!role_tls_open(parts, &role->tls, err))
		return err_wrap(err, "api.tls");
	options.tls = role_tls_server(role->tls);
	if (!api_server_open(&options, &role->server, err))
		return err_wrap(err, "api.listen");
	(void)snprintf(role->address, sizeof role->address, is_v6 ? "[%s]:%u" : "%s:%u",
		       listen->host, api_server_port(role->server));
	return true;
}

static bool open_api(struct role_parts *parts, void **ret_self, struct err *err)
{
	struct api_role *role = calloc(1, sizeof *role);
	CHECK(role != NULL);
	role->parts = parts;
	atomic_init(&role->is_over, false);
	*ret_self = role;
	return server_open(parts, role, err);
}

/* Carries the server's own verdicts into the health, which the ops endpoint reads. */
static void *watch(void *arg)
{
	struct api_role *role = arg;
	struct role_parts *parts = role->parts;
	bool was_ready = false;
	while (!atomic_load(&role->is_over)) {
		bool ready = api_server_is_ready(role->server);
		health_beat(&parts->health, api_server_heartbeat_ms(role->server));
		health_part_set(&parts->health, parts->health_work, ready,
				ready ? "" : "the store has not answered lately");
		if (ready && !was_ready) {
			struct log_about about = { .action = "role_ready" };
			char status[2 * sizeof role->address + 32];
			(void)snprintf(status, sizeof status, "%s://%s, ops http://%s",
				       role->tls != NULL ? "https" : "http", role->address,
				       role_ops_address(parts->ops));
			notify_ready(status);
			log_line(&parts->log, LOG_INFO, &about, "%s is ready on %s", parts->service,
				 role->address);
		}
		was_ready = ready;
		role_tls_look(role->tls);
		long pause_ms = ready ? LOOK_MS : LOOK_UNREADY_MS;
		(void)nanosleep(&(struct timespec){ .tv_nsec = pause_ms * 1000000 }, NULL);
	}
	return NULL;
}

static bool run_api(struct role_parts *parts, void *self, struct err *err)
{
	struct api_role *role = self;
	if (pthread_create(&role->watcher, NULL, watch, role) != 0)
		return err_set(err, ERR_NOT_DONE, "no thread for the API's health");
	role->is_watched = true;
	stopping_server = role->server;
	stopping_grace_ms = parts->config->grace_ms * 8 / 10; /* time to close stays */
	stop_signal_release(stop);
	api_server_run(role->server);
	return true;
}

static void close_api(struct role_parts *parts, void *self)
{
	struct api_role *role = self;
	(void)parts;
	if (role == NULL)
		return;
	atomic_store(&role->is_over, true);
	if (role->is_watched)
		CHECK(pthread_join(role->watcher, NULL) == 0);
	api_server_close(role->server);
	token_keys_close(role->token_keys);
	deny_list_close(role->deny_list);
	role_tls_close(role->tls);
	replica_close(role->replica);
	cache_close(role->replica_cache);
	cache_close(role->ear);
	cache_close(role->rates);
	cache_close(role->addresses);
	free(role);
}

const struct role_program role_api = {
	.role = ROLE_API,
	.works_without_queues = true,
	.open = open_api,
	.run = run_api,
	.close = close_api,
};
