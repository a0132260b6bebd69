#include "cmd/role.h"

#include "adapter/deny_list_file.h"
#include "service/processor/processor.h"

#include <stdlib.h>

#define IDLE_MS_MAX 1000 /* wake-ups can get lost, and the sweeper has its interval */

struct processor_role {
	struct deny_list *deny_list;
	struct processor *processor;
};

static bool open_processor(struct role_parts *parts, void **ret_self, struct err *err)
{
	struct processor_role *role = calloc(1, sizeof *role);
	CHECK(role != NULL);
	*ret_self = role;
	if (parts->config->policy_deny_list != NULL)
		role->deny_list =
			deny_list_file_new(parts->config->policy_deny_list, &parts->clock);
	struct processor_options options = {
		.store = parts->opened.store,
		.queue = parts->opened.queue,
		.clock = &parts->clock,
		.deny_list = role->deny_list,
		.catalogue = &parts->config->catalogue,
		.log = &parts->log,
		.metrics = parts->metrics,
		.instance = parts->instance,
		.approval_life_ms = parts->config->processor_approval_life_ms,
		.visibility_ms = parts->config->processor_visibility_ms,
		.sweep_interval_ms = parts->config->processor_sweep_interval_ms,
	};
	if (!role_mac_keys(parts, TRUST_APPROVAL_MAC, &options.approval_keys, err) ||
	    !role_mac_keys(parts, TRUST_POLICY_GRANTS, &options.policy_keys, err))
		return false;
	role->processor = processor_new(&options);
	return true;
}

static bool step(void *self, bool *ret_worked, struct err *err)
{
	struct processor_role *role = self;
	return processor_step(role->processor, ret_worked, err);
}

static int64_t idle_ms(void *self)
{
	(void)self;
	return IDLE_MS_MAX;
}

static bool run_processor(struct role_parts *parts, void *self, struct err *err)
{
	struct role_work work = { self, step, idle_ms, QUEUE_REQUEST, NULL };
	return role_work_run(parts, &work, err);
}

static void close_processor(struct role_parts *parts, void *self)
{
	struct processor_role *role = self;
	(void)parts;
	if (role == NULL)
		return;
	processor_free(role->processor);
	deny_list_close(role->deny_list);
	free(role);
}

const struct role_program role_processor = {
	.role = ROLE_PROCESSOR,
	.open = open_processor,
	.run = run_processor,
	.close = close_processor,
};
