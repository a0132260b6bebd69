/* Commands about the configuration and the store: check-config, migrate, version. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "base/json.h"
#include "cmd/config_files.h"
#include "cmd/notify.h"
#include "cmd/database_open.h"
#include "cmd/store_open.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINT_BYTES_MAX (1024 * 1024)

enum exit_status command_version(const struct invocation *invocation)
{
	if (invocation->json)
		(void)printf("{\"version\":\"%s\"}\n", SLUICE_VERSION);
	else
		(void)printf("sluice %s\n", SLUICE_VERSION);
	return EXIT_DONE;
}

/* The roles whose files have to be there: all, as `sluice run` starts them, or the one of --role.
 */
static bool roles_read(const struct invocation *invocation, unsigned *ret_roles)
{
	const char *wanted = invocation_option(invocation, "role");
	*ret_roles = wanted == NULL ? CONFIG_ROLES_ALL : 0;
	for (int i = 0; wanted != NULL && i < ROLES_LEN; i++)
		if (strcmp(role_text((enum role)i), wanted) == 0)
			*ret_roles = 1u << i;
	if (*ret_roles != 0)
		return true;
	(void)invocation_misused(invocation, "--role takes api, processor, signer or monitor");
	return false;
}

static enum exit_status config_check(const struct invocation *invocation, unsigned roles,
				     struct buf *out)
{
	struct config *config;
	struct config_file *files;
	struct err err;
	size_t len;
	struct buf problems = buf_new(PRINT_BYTES_MAX);
	if (!config_load(invocation_option(invocation, "config"), &config, &err)) {
		buf_free(&problems);
		return invocation_failed(invocation, &err);
	}
	config_files_look(config, &files, &len);
	if (invocation->json)
		config_write_json(config, files, len, out);
	else
		config_write_yaml(config, files, len, out);
	size_t count = config_files_problems(files, len, roles, &problems);
	if (count > 0)
		(void)fprintf(stderr, "sluice check-config: %zu problem%s with files\n%.*s", count,
			      count == 1 ? "" : "s", STR_ARG(buf_view(&problems)));
	buf_free(&problems);
	free(files);
	config_free(config);
	return count == 0 ? EXIT_DONE : EXIT_FAILED;
}

enum exit_status command_check_config(const struct invocation *invocation)
{
	unsigned roles;
	enum exit_status status = EXIT_DONE;
	if (!roles_read(invocation, &roles))
		return EXIT_USAGE;
	struct buf out = buf_new(PRINT_BYTES_MAX);
	if (invocation_flag(invocation, "reference"))
		config_write_reference(&out);
	else
		status = config_check(invocation, roles, &out);
	CHECK(!out.overflow);
	(void)fwrite(out.at, 1, out.len, stdout);
	buf_free(&out);
	return status;
}

enum exit_status command_migrate(const struct invocation *invocation)
{
	struct config *config;
	struct clock clock;
	struct err err;
	clock_posix_init(&clock);
	if (!config_load(invocation_option(invocation, "config"), &config, &err))
		return invocation_failed(invocation, &err);
	char place[512];
	struct buf told = buf_of(place, sizeof place);
	database_tell(&config->store, &told);
	(void)buf_terminated(&told);
	bool ok = store_migrate(config, &clock, &err) && journal_migrate(config, &err);
	if (ok && invocation->json) {
		char bytes[2 * PATH_MAX];
		struct buf out = buf_of(bytes, sizeof bytes);
		buf_byte(&out, '{');
		json_write_member_text(&out, "store", place);
		json_write_member_bool(&out, "migrated", true);
		buf_byte(&out, '}');
		(void)puts(buf_terminated(&out));
	} else if (ok && !invocation_flag(invocation, "quiet")) {
		(void)printf("%s has the schema of this version\n", place);
	}
	config_free(config);
	/* `sluice run` says what it was told, once. */
	if (!ok && notify_failure(err.text))
		return EXIT_FAILED;
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
