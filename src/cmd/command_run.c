/* run, and each role alone. */
#include "cmd/command_list.h"

#include "cmd/role.h"
#include "cmd/supervisor.h"

#include <stdio.h>
#include <string.h>

enum exit_status command_run(const struct invocation *invocation)
{
	struct config *config;
	struct err err;
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return invocation_failed(invocation, &err);
	struct supervisor_options options = {
		.config = config,
		.pid_dir = invocation_option(invocation, "pid-dir"),
		.migrate = !invocation_flag(invocation, "no-migrate"),
		.json = invocation->json,
	};
	bool ok = supervisor_run(&options, &err);
	config_free(config);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

enum exit_status command_role(const struct invocation *invocation)
{
	static const struct role_program *const programs[] = { &role_api, &role_processor,
							       &role_signer, &role_monitor };
	struct config *config;
	struct err err;
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return invocation_failed(invocation, &err);
	const struct role_program *program = NULL;
	for (size_t i = 0; i < ROLES_LEN; i++)
		if (strcmp(role_text(programs[i]->role), invocation->command->name) == 0)
			program = programs[i];
	CHECK(program != NULL);
	bool ok = role_run(program, config, &err);
	config_free(config);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
