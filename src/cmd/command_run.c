/* run, and each role alone. */
#include "cmd/command_list.h"

#include "cmd/config_files.h"
#include "cmd/notify.h"
#include "cmd/role.h"
#include "cmd/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINT_BYTES_MAX 65536

static enum exit_status ended(const struct invocation *invocation, bool told, const struct err *err)
{
	if (told)
		invocation_failed_json(invocation, err);
	else
		(void)invocation_failed(invocation, err);
	return err->kind == ERR_REFUSED ? EXIT_REFUSED : EXIT_FAILED;
}

/* All of it before anything starts, and not role by role. */
static bool files_check(const struct invocation *invocation, const struct config *config)
{
	struct config_file *files;
	size_t len;
	struct buf problems = buf_new(PRINT_BYTES_MAX);
	config_files_look(config, &files, &len);
	size_t count = config_files_problems(files, len, CONFIG_ROLES_ALL, &problems);
	if (count > 0) {
		struct err err;
		(void)err_set(&err, ERR_REFUSED, "%zu problem%s with files", count,
			      count == 1 ? "" : "s");
		(void)invocation_failed(invocation, &err);
		(void)fprintf(stderr, "%.*s", STR_ARG(buf_view(&problems)));
	}
	buf_free(&problems);
	free(files);
	return count == 0;
}

enum exit_status command_run(const struct invocation *invocation)
{
	struct config *config;
	struct err err;
	bool told = false;
	enum exit_status status = EXIT_DONE;
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return invocation_failed(invocation, &err);
	struct supervisor_options options = {
		.config = config,
		.pid_dir = invocation_option(invocation, "pid-dir"),
		.migrate = !invocation_flag(invocation, "no-migrate"),
		.json = invocation->json,
	};
	if (!files_check(invocation, config))
		status = EXIT_REFUSED;
	else if (!supervisor_run(&options, &told, &err))
		status = ended(invocation, told, &err);
	config_free(config);
	return status;
}

/* Started by `sluice run`, it leaves the telling to it. */
static enum exit_status config_failed(const struct invocation *invocation, const struct err *err)
{
	enum exit_status status = err->kind == ERR_REFUSED ? EXIT_REFUSED : EXIT_FAILED;
	if (!notify_failure(err->text))
		(void)invocation_failed(invocation, err);
	return status;
}

enum exit_status command_role(const struct invocation *invocation)
{
	static const struct role_program *const programs[] = { &role_api, &role_processor,
							       &role_signer, &role_monitor };
	struct config *config;
	struct err err;
	bool told = false;
	enum exit_status status = EXIT_DONE;
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return config_failed(invocation, &err);
	const struct role_program *program = NULL;
	for (size_t i = 0; i < ROLES_LEN; i++)
		if (strcmp(role_text(programs[i]->role), invocation->command->name) == 0)
			program = programs[i];
	CHECK(program != NULL);
	if (!role_run(program, config, &told, &err))
		status = ended(invocation, told, &err);
	config_free(config);
	return status;
}
