#include "cmd/role.h"

#include "adapter/deny_list_file.h"
#include "adapter/screen_http.h"
#include "cmd/secret_place.h"
#include "service/processor/processor.h"

#include <stdlib.h>
#include <string.h>

#define IDLE_MS_MAX 1000 /* wake-ups can get lost, and the sweeper has its interval */

struct processor_role {
	struct deny_list *deny_list;
	struct screen *screen;
	struct chain *chains[CHAINS_MAX]; /* asked when the policy asks */
	struct processor *processor;
};

/* Connects to nothing: most policies have no question. Whoever has no way to the nodes is a
 * processor all the same, whose rows wait when the policy does ask. */
static void chains_open(struct role_parts *parts, struct processor_role *role)
{
	for (size_t i = 0; i < parts->config->catalogue.chains_len; i++) {
		struct err err = { 0 };
		struct log_about about = { .action = "chain_not_opened", .err = &err };
		if (!role_chain_open(parts->config, i, &parts->clock, &parts->log, parts->metrics,
				     &role->chains[i], &err))
			log_line(&parts->log, LOG_INFO, &about,
				 "rules that ask what a receiver is have nobody to ask on %s",
				 parts->config->catalogue.chains[i].name);
	}
}

static bool screen_open(struct role_parts *parts, struct processor_role *role, struct err *err)
{
	const struct config *config = parts->config;
	struct screen_http_options options = {
		.url = config->screening_url,
		.ca_file = config->screening_ca_file,
		.deadline_ms = config->screening_deadline_ms,
		.asked_max = config->screening_asked_max,
		.clock = &parts->clock,
		.entropy = &parts->entropy,
		.metrics = parts->metrics,
	};
	if (config->screening_url == NULL)
		return true;
	return (secret_place_path(config->screening_secret_file, &options.secret_file, err) &&
		screen_http_open(&options, &role->screen, err)) ||
	       err_wrap(err, "screening");
}

static bool open_processor(struct role_parts *parts, void **ret_self, struct err *err)
{
	struct processor_role *role = calloc(1, sizeof *role);
	CHECK(role != NULL);
	*ret_self = role;
	if (parts->config->policy_deny_list != NULL)
		role->deny_list =
			deny_list_file_new(parts->config->policy_deny_list, &parts->clock);
	if (!screen_open(parts, role, err))
		return false;
	struct processor_options options = {
		.store = parts->opened.store,
		.queue = parts->opened.queue,
		.clock = &parts->clock,
		.deny_list = role->deny_list,
		.screen = role->screen,
		.catalogue = &parts->config->catalogue,
		.log = &parts->log,
		.metrics = parts->metrics,
		.instance = parts->instance,
		.ends_by_signer = parts->config->store.is_mysql,
		.approval_life_ms = parts->config->processor_approval_life_ms,
		.visibility_ms = parts->config->processor_visibility_ms,
		.sweep_interval_ms = parts->config->processor_sweep_interval_ms,
	};
	chains_open(parts, role);
	memcpy(options.chains, role->chains, sizeof options.chains);
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

static bool wait_for_answers(void *self, int64_t timeout_ms)
{
	struct processor_role *role = self;
	return processor_wait(role->processor, timeout_ms);
}

static bool run_processor(struct role_parts *parts, void *self, struct err *err)
{
	struct role_work work = { self, step, idle_ms, QUEUE_REQUEST, wait_for_answers };
	return role_work_run(parts, &work, err);
}

static void close_processor(struct role_parts *parts, void *self)
{
	struct processor_role *role = self;
	(void)parts;
	if (role == NULL)
		return;
	processor_free(role->processor);
	screen_close(role->screen);
	deny_list_close(role->deny_list);
	for (size_t i = 0; i < CHAINS_MAX; i++)
		chain_close(role->chains[i]);
	free(role);
}

const struct role_program role_processor = {
	.role = ROLE_PROCESSOR,
	.open = open_processor,
	.run = run_processor,
	.close = close_processor,
};
