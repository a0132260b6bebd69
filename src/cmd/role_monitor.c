#include "cmd/role.h"

#include "adapter/chain_ws.h"
#include "service/monitor/monitor.h"

#include <stdlib.h>
#include <string.h>

struct monitor_role {
	struct monitor *monitor;
	struct head_bell *bell;
	struct chain_ws *heads[CHAINS_MAX]; /* NULL for a chain without */
};

static bool heads_open(struct role_parts *parts, struct monitor_role *role, struct err *err)
{
	const struct catalogue *catalogue = &parts->config->catalogue;
	role->bell = head_bell_new();
	for (size_t i = 0; i < catalogue->chains_len; i++) {
		const struct chain_ws_options options = {
			.url = parts->config->chains[i].ws,
			.name = catalogue->chains[i].name,
			.chain_id = catalogue->chains[i].chain_id,
			.bell = role->bell,
			.log = &parts->log,
			.metrics = parts->metrics,
		};
		if (options.url != NULL && !chain_ws_open(&options, &role->heads[i], err))
			return false;
	}
	return true;
}

static bool open_monitor(struct role_parts *parts, void **ret_self, struct err *err)
{
	struct monitor_options options = {
		.store = parts->opened.store,
		.queue = parts->opened.queue,
		.clock = &parts->clock,
		.catalogue = &parts->config->catalogue,
		.log = &parts->log,
		.metrics = parts->metrics,
		.instance = parts->instance,
		.feed_keys.deployment = trust_keys_deployment(parts->trust),
		.balances_interval_ms = parts->config->monitor_balances_interval_ms,
	};
	struct monitor_role *role = calloc(1, sizeof *role);
	CHECK(role != NULL);
	*ret_self = role;
	memcpy(options.chains, parts->chains, sizeof options.chains);
	if (!role_mac_keys(parts, TRUST_FEED_SEAL, &options.feed_keys.keys, err))
		return false;
	role->monitor = monitor_new(&options);
	return heads_open(parts, role, err);
}

static bool step(void *self, bool *ret_worked, struct err *err)
{
	struct monitor_role *role = self;
	return monitor_step(role->monitor, ret_worked, err);
}

static int64_t idle_ms(void *self)
{
	struct monitor_role *role = self;
	return monitor_idle_ms(role->monitor);
}

/* While slots wait for blocks a head ends the wait; messages only tell of more such slots, and are
 * looked for in each step. */
static bool wait_for_heads(void *self, int64_t timeout_ms)
{
	struct monitor_role *role = self;
	if (!monitor_is_busy(role->monitor) || !head_bell_is_live(role->bell))
		return false;
	(void)head_bell_wait(role->bell, timeout_ms);
	return true;
}

static bool run_monitor(struct role_parts *parts, void *self, struct err *err)
{
	struct role_work work = { self, step, idle_ms, QUEUE_MONITOR, wait_for_heads };
	return role_work_run(parts, &work, err);
}

static void close_monitor(struct role_parts *parts, void *self)
{
	struct monitor_role *role = self;
	(void)parts;
	if (role == NULL)
		return;
	for (size_t i = 0; i < CHAINS_MAX; i++)
		chain_ws_close(role->heads[i]);
	head_bell_free(role->bell);
	if (role->monitor != NULL)
		monitor_leave(role->monitor);
	monitor_free(role->monitor);
	free(role);
}

const struct role_program role_monitor = {
	.role = ROLE_MONITOR,
	.asks_chains = true,
	.open = open_monitor,
	.run = run_monitor,
	.close = close_monitor,
};
