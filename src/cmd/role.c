#include "cmd/role.h"

#include "adapter/chain_gate.h"
#include "adapter/chain_jsonrpc.h"
#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "base/secret.h"
#include "cmd/key_stores.h"
#include "cmd/log_open.h"
#include "cmd/notify.h"
#include "cmd/sandbox.h"
#include "cmd/secret_place.h"
#include "cmd/stop_signal.h"
#include "port/store_transfer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The longest that one step may take: a few turns of the database, each with its own deadline, a
 * few calls to every node of every chain, and, in the signer, to the stores of keys. */
#define STEP_STORE_CALLS 8
#define STEP_STORE_MS    5000
#define STEP_CHAIN_CALLS 12
/* What is behind three failures a breaker spares it. */
#define STEP_QUEUE_CALLS 8

static int64_t step_max_ms(const struct config *config, enum role role, bool asks_chains)
{
	int64_t sum = STEP_STORE_CALLS * STEP_STORE_MS;
	if (role == ROLE_SIGNER)
		sum += key_stores_step_ms(config);
	if (config->queue_is_sqs)
		sum += STEP_QUEUE_CALLS * config->queue_timeout_ms;
	/* The processor asks each chain once, when the policy does. */
	int64_t calls = asks_chains ? STEP_CHAIN_CALLS : role == ROLE_PROCESSOR ? 1 : 0;
	for (size_t i = 0; calls > 0 && i < config->catalogue.chains_len; i++) {
		const struct config_chain *chain = &config->chains[i];
		int64_t nodes = chain->rpc_len > 0 ? (int64_t)chain->rpc_len : RPC_ENDPOINTS_MAX;
		sum += calls * nodes * chain->rpc_timeout_ms;
	}
	return sum;
}

/* The process' number is 1 in every container, hence the host; both may come again, hence the
 * random part. */
static void instance_name(struct role_parts *parts)
{
	char host[24];
	uint16_t random;
	if (gethostname(host, sizeof host) != 0)
		host[0] = '\0';
	host[sizeof host - 1] = '\0';
	entropy_fill(&parts->entropy, &random, sizeof random);
	(void)snprintf(parts->instance, sizeof parts->instance, "%s-%s-%d-%04x",
		       role_text(parts->role), host, (int)getpid(), random);
}

static void health_open(struct role_parts *parts, bool asks_chains)
{
	const struct catalogue *catalogue = &parts->config->catalogue;
	health_init(&parts->health, step_max_ms(parts->config, parts->role, asks_chains),
		    clock_monotonic_ms(&parts->clock));
	parts->health_work = health_part_add(&parts->health, "work");
	for (size_t i = 0; asks_chains && i < catalogue->chains_len; i++)
		parts->health_chains[i] =
			health_part_add(&parts->health, catalogue->chains[i].name);
}

static bool process_prepare(struct role_parts *parts, const struct role_program *program,
			    struct err *err)
{
	clock_posix_init(&parts->clock);
	entropy_os_init(&parts->entropy);
	(void)snprintf(parts->service, sizeof parts->service, "sluice-%s", role_text(parts->role));
	(void)prctl(PR_SET_NAME, parts->service, 0, 0, 0);
	stop_signal_hold();
	instance_name(parts);
	parts->metrics = metrics_new();
	health_open(parts, program->asks_chains);
	return secret_process_harden(err) &&
	       log_open(parts->config, parts->service, &parts->clock, &parts->log, err) &&
	       sandbox_enter(parts->config, parts->role, &parts->log, err);
}

static bool trust_open(struct role_parts *parts, struct err *err)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s.keys", parts->config->trust_dir,
		     role_text(parts->role)) >= (int)sizeof path)
		return err_set(err, ERR_REFUSED, "trust.dir is too long");
	if (!trust_keys_read(path, &parts->trust, err))
		return err_wrap(err, "trust (`sluice keys init` makes it)");
	trust_keys_expire(parts->trust, clock_now_ms(&parts->clock));
	return true;
}

/* Known by its place, from 1: URLs may hold keys. */
static bool node_open(const struct config_chain *chain, const char *name, size_t index,
		      struct chain_jsonrpc_options *node, struct chain **ret_node, struct err *err)
{
	char neighbour[CHAIN_NAME_LEN_MAX + 16];
	(void)snprintf(neighbour, sizeof neighbour, "rpc_%s_%zu", name, index + 1);
	node->neighbour = neighbour;
	node->deadline_ms = chain->rpc_timeout_ms;
	return chain_jsonrpc_open(node, ret_node, err);
}

bool role_chain_open(const struct config *config, size_t index, struct clock *clock,
		     const struct log *log, struct metrics *metrics, struct chain **ret_chain,
		     struct err *err)
{
	char storage[CONFIG_RPC_BYTES_MAX];
	const char *urls[RPC_ENDPOINTS_MAX];
	size_t len = 0;
	struct chain_gate_options gate = {
		.catalogue = &config->catalogue, .chain = index, .clock = clock, .log = log
	};
	struct config_chain ends = config->chains[index];
	if (ends.rpc_file != NULL && !secret_place_path(ends.rpc_file, &ends.rpc_file, err))
		return false;
	if (!config_chain_urls(&ends, storage, urls, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		struct chain_jsonrpc_options node = {
			.url = urls[i],
			.clock = clock,
			.metrics = metrics,
		};
		if (!node_open(&config->chains[index], config->catalogue.chains[index].name, i,
			       &node, &gate.nodes[gate.len], err)) {
			while (gate.len > 0)
				chain_close(gate.nodes[--gate.len]);
			return false;
		}
		gate.len++;
	}
	*ret_chain = chain_gate_new(&gate);
	return true;
}

/* Chains and assets. Wallets are the signer's to pin, who alone can tell that their keys are ours:
 * an address that was never more than a mistake would stay for ever. */
static bool catalogue_pin(struct role_parts *parts, struct err *err)
{
	struct catalogue *pinned = malloc(sizeof *pinned);
	CHECK(pinned != NULL);
	*pinned = parts->config->catalogue;
	pinned->wallets_len = 0;
	bool ok = store_catalogue_pin(parts->opened.store, pinned, err);
	free(pinned);
	return ok;
}

/* The API sends from a thread of its own: who accepts waits for no external queue. */
static bool external_queue_open(struct role_parts *parts, const struct role_program *program,
				struct err *err)
{
	const struct opened_queue_options options = {
		.config = parts->config,
		.clock = &parts->clock,
		.entropy = &parts->entropy,
		.log = &parts->log,
		.metrics = parts->metrics,
		.sends_aside = parts->role == ROLE_API,
		.works_without = program->works_without_queues,
	};
	return !parts->config->queue_is_sqs ||
	       opened_queue_open(&options, &parts->opened, &parts->external, err);
}

static bool parts_open(struct role_parts *parts, const struct role_program *program,
		       struct err *err)
{
	const struct catalogue *catalogue = &parts->config->catalogue;
	uint32_t cache_kb = parts->role == ROLE_API ? STORE_CACHE_KB_API : STORE_CACHE_KB_OTHER;
	/* First, so that somebody answers while keys are unlocked. */
	if (!role_ops_open(parts, &parts->ops, err))
		return false;
	if (!trust_open(parts, err) ||
	    !opened_store_open(parts->config, cache_kb, !parts->config->queue_is_sqs, &parts->clock,
			       &parts->entropy, parts->metrics, &parts->opened, err) ||
	    !external_queue_open(parts, program, err) || !catalogue_pin(parts, err))
		return false;
	const struct cache_watch cache = { trust_keys_deployment(parts->trust), &parts->clock,
					   &parts->log, parts->metrics };
	if (!opened_cache_open(&parts->cache, parts->config, &cache, parts->opened.store, err))
		return false;
	for (size_t i = 0; program->asks_chains && i < catalogue->chains_len; i++)
		if (!role_chain_open(parts->config, i, &parts->clock, &parts->log, parts->metrics,
				     &parts->chains[i], err))
			return false;
	return true;
}

static void parts_close(struct role_parts *parts)
{
	role_ops_close(parts->ops);
	for (size_t i = 0; i < CHAINS_MAX; i++)
		chain_close(parts->chains[i]);
	opened_store_close(&parts->opened);
	opened_queue_close(&parts->external);
	opened_cache_close(&parts->cache);
	trust_keys_free(parts->trust);
	health_deinit(&parts->health);
	metrics_free(parts->metrics);
}

/* Said once: by `sluice run` when it asks for it, which ends then; otherwise here. A refusal is an
 * alarm: nothing changes until a person acts. */
static void end_tell(struct role_parts *parts, bool ok, const struct err *err, bool *ret_told)
{
	*ret_told = parts->config->log_file == NULL;
	struct log_about ended = { .action = "role_ended",
				   .outcome = ok ? "success" : "failure",
				   .err = ok ? NULL : err,
				   .alarm = !ok && err->kind == ERR_REFUSED };
	if (ok)
		log_line(&parts->log, LOG_INFO, &ended, "%s ends as asked", parts->service);
	else if (err->kind == ERR_REFUSED && notify_failure(err->text))
		*ret_told = true;
	else
		log_line(&parts->log, LOG_ERROR, &ended, "%s cannot go on: %s", parts->service,
			 err->text);
}

bool role_run(const struct role_program *program, const struct config *config, bool *ret_told,
	      struct err *err)
{
	struct role_parts parts = { .role = program->role, .config = config };
	void *self = NULL;
	*ret_told = false;
	if (!process_prepare(&parts, program, err)) {
		parts_close(&parts);
		return false;
	}
	struct log_about starting = { .action = "role_starting" };
	log_line(&parts.log, LOG_INFO, &starting, "%s starts as %s", parts.service, parts.instance);
	bool ok = parts_open(&parts, program, err) && program->open(&parts, &self, err) &&
		  sandbox_seal(config, program->role, &parts.log, err) &&
		  program->run(&parts, self, err);
	health_stopping(&parts.health);
	notify_stopping();
	end_tell(&parts, ok, err, ret_told);
	program->close(&parts, self);
	parts_close(&parts);
	return ok;
}

bool role_mac_keys(const struct role_parts *parts, const char *name, struct mac_keys *ret_keys,
		   struct err *err)
{
	if (!trust_keys_mac_keys(parts->trust, name, ret_keys))
		return err_set(err, ERR_REFUSED, "the trust file of the %s has no %s key",
			       role_text(parts->role), name);
	return true;
}
