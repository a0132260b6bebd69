#include "cmd/role.h"

#include "service/monitor/monitor.h"

#include <string.h>

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
		.balances_interval_ms = parts->config->monitor_balances_interval_ms,
	};
	(void)err;
	memcpy(options.chains, parts->chains, sizeof options.chains);
	*ret_self = monitor_new(&options);
	return true;
}

static bool step(void *self, bool *ret_worked, struct err *err)
{
	return monitor_step(self, ret_worked, err);
}

static int64_t idle_ms(void *self)
{
	return monitor_idle_ms(self);
}

static bool run_monitor(struct role_parts *parts, void *self, struct err *err)
{
	struct role_work work = { self, step, idle_ms, QUEUE_MONITOR };
	return role_work_run(parts, &work, err);
}

static void close_monitor(struct role_parts *parts, void *self)
{
	(void)parts;
	monitor_free(self);
}

const struct role_program role_monitor = {
	.role = ROLE_MONITOR,
	.asks_chains = true,
	.open = open_monitor,
	.run = run_monitor,
	.close = close_monitor,
};
