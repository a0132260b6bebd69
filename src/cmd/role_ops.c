/* The ops endpoint of a role: its health, and its metrics together with the kernel's. */
#include "cmd/role.h"

#include "cmd/process_metrics.h"
#include "cmd/stop_signal.h"
#include "net/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct role_ops {
	struct role_parts *parts;
	struct ops *ops;
	char address[CONFIG_HOST_LEN_MAX + 16];
};

static bool live(void *context, struct buf *out)
{
	struct role_parts *parts = context;
	(void)out;
	return health_is_alive(&parts->health, clock_monotonic_ms(&parts->clock));
}

static bool ready(void *context, struct buf *out)
{
	struct role_parts *parts = context;
	if (stop_signal_came())
		health_stopping(&parts->health);
	health_write(&parts->health, out);
	return health_is_ready(&parts->health);
}

static void measure(void *context, struct buf *out)
{
	struct role_parts *parts = context;
	process_metrics_write(out);
	buf_format(out,
		   "# HELP sluice_ready Whether /readyz says so.\n# TYPE sluice_ready gauge\n"
		   "sluice_ready %d\n",
		   health_is_ready(&parts->health) ? 1 : 0);
}

bool role_ops_open(struct role_parts *parts, struct role_ops **ret_ops, struct err *err)
{
	const struct config_listen *listen = &parts->config->ops[parts->role];
	struct role_ops *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	bool is_v6 = strchr(listen->host, ':') != NULL;
	(void)snprintf(self->address, sizeof self->address, is_v6 ? "[%s]:%u" : "%s:%u",
		       listen->host, listen->port);
	struct ops_options options = {
		.listen = self->address,
		.live = live,
		.ready = ready,
		.measure = measure,
		.context = parts,
		.metrics = parts->metrics,
	};
	if (!ops_start(&options, &self->ops, err)) {
		free(self);
		return err_wrap(err, "%s.ops_listen", role_text(parts->role));
	}
	(void)snprintf(self->address, sizeof self->address, is_v6 ? "[%s]:%u" : "%s:%u",
		       listen->host, ops_port(self->ops));
	*ret_ops = self;
	return true;
}

void role_ops_close(struct role_ops *ops)
{
	if (ops == NULL)
		return;
	ops_stop(ops->ops);
	free(ops);
}

const char *role_ops_address(const struct role_ops *ops)
{
	return ops->address;
}
