/* Commands about the configuration and the store: check-config, migrate, version, api-key …. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/trust_keys.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/config_files.h"
#include "cmd/notify.h"
#include "cmd/database_open.h"
#include "cmd/store_open.h"
#include "service/admin/api_keys.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* What the api-key commands work with. */
struct key_desk {
	struct config *config;
	struct trust_keys *trust;
	struct mac_keys identity_keys;
	struct opened_store opened;
	struct clock clock;
	struct entropy entropy;
	struct admin_api_keys admin;
};

static void desk_close(struct key_desk *desk)
{
	opened_store_close(&desk->opened);
	trust_keys_free(desk->trust);
	config_free(desk->config);
}

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(getuid());
	return user != NULL ? user->pw_name : "unknown user";
}

static bool desk_fill(struct key_desk *desk, const char *config_file, struct err *err)
{
	char path[PATH_MAX];
	clock_posix_init(&desk->clock);
	entropy_os_init(&desk->entropy);
	if (!config_load(config_file, &desk->config, err))
		return false;
	if (snprintf(path, sizeof path, "%s/admin.keys", desk->config->trust_dir) >=
	    (int)sizeof path)
		return err_set(err, ERR_REFUSED, "trust.dir is too long");
	if (!trust_keys_read(path, &desk->trust, err))
		return err_wrap(err, "`sluice keys init` makes the trust files");
	if (!trust_keys_mac_keys(desk->trust, TRUST_IDENTITY_GRANTS, &desk->identity_keys))
		return err_set(err, ERR_REFUSED, "%s has no %s key", path, TRUST_IDENTITY_GRANTS);
	if (!opened_store_open(desk->config, 0, false, &desk->clock, &desk->entropy, NULL,
			       &desk->opened, err))
		return false;
	desk->admin = (struct admin_api_keys){
		.store = desk->opened.store,
		.entropy = &desk->entropy,
		.identity_keys = &desk->identity_keys,
		.who = user_name(),
	};
	return true;
}

static bool desk_open(struct key_desk *desk, const struct invocation *invocation, struct err *err)
{
	*desk = (struct key_desk){ 0 };
	if (desk_fill(desk, invocation_option(invocation, "config"), err))
		return true;
	desk_close(desk);
	return false;
}

static void write_time(struct buf *out, const char *name, int64_t at_ms)
{
	char bytes[32];
	struct buf text = buf_of(bytes, sizeof bytes);
	if (at_ms == 0) {
		json_write_member_null(out, name);
		return;
	}
	time_write_rfc3339(at_ms, &text);
	json_write_member(out, name, buf_view(&text));
}

static void write_key(struct buf *out, const struct store_api_key *key)
{
	json_write_member_text(out, "id", key->id);
	json_write_member_text(out, "name", key->name);
	json_write_member_text(out, "account", key->account);
	json_write_member_bool(out, "may_resolve", key->may_resolve);
	write_time(out, "created_at", key->created_at);
	write_time(out, "revoked_at", key->revoked_at);
}

enum exit_status command_api_key_create(const struct invocation *invocation)
{
	struct key_desk desk;
	struct store_api_key key;
	struct secret text = { 0 };
	struct err err;
	const char *name = invocation_option(invocation, "name");
	const char *account = invocation_option(invocation, "account");
	if (name == NULL)
		return invocation_misused(invocation, "--name is missing");
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_api_key_create(&desk.admin, account != NULL ? account : "default", name,
				       invocation_flag(invocation, "resolve"),
				       clock_now_ms(&desk.clock), &text, &key, &err);
	if (ok && invocation->json) {
		char bytes[1024];
		struct buf out = buf_of(bytes, sizeof bytes);
		buf_byte(&out, '{');
		write_key(&out, &key);
		json_write_member(&out, "key", str_from_bytes(text.at, text.len));
		buf_byte(&out, '}');
		(void)puts(buf_terminated(&out));
		(void)fflush(stdout);
		secret_wipe(bytes, sizeof bytes);
	} else if (ok) {
		(void)fprintf(stderr, "API key %s of account %s; it is shown this once:\n", key.id,
			      key.account);
		(void)printf("%.*s\n", (int)text.len, (const char *)text.at);
	}
	secret_free(&text);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

enum exit_status command_api_key_revoke(const struct invocation *invocation)
{
	struct key_desk desk;
	struct store_api_key key;
	struct err err;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_api_key_revoke(&desk.admin, invocation->arguments[0],
				       clock_now_ms(&desk.clock), &key, &err);
	if (ok && invocation->json) {
		char bytes[1024];
		struct buf out = buf_of(bytes, sizeof bytes);
		buf_byte(&out, '{');
		write_key(&out, &key);
		buf_byte(&out, '}');
		(void)puts(buf_terminated(&out));
	} else if (ok) {
		(void)printf("API key %s (%s) is revoked; the API knows within %lld ms\n", key.id,
			     key.name, (long long)desk.config->api_key_cache_ms);
	}
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

static void keys_print_json(const struct store_api_key *keys, const bool *sealed, size_t len)
{
	struct buf out = buf_new(PRINT_BYTES_MAX);
	buf_text(&out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		buf_text(&out, i == 0 ? "{" : ",{");
		write_key(&out, &keys[i]);
		json_write_member_bool(&out, "sealed", sealed[i]);
		buf_byte(&out, '}');
	}
	buf_text(&out, "]}");
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

static void keys_print(const struct store_api_key *keys, const bool *sealed, size_t len)
{
	(void)printf("%-*s  %-16s %-16s %-24s %s\n", API_KEY_ID_LEN, "ID", "ACCOUNT", "NAME",
		     "CREATED", "STATE");
	for (size_t i = 0; i < len; i++) {
		char bytes[32];
		struct buf created = buf_of(bytes, sizeof bytes);
		time_write_rfc3339(keys[i].created_at, &created);
		const char *state = !sealed[i]                ? "changed by somebody, void"
				    : keys[i].revoked_at != 0 ? "revoked"
							      : "valid";
		(void)printf("%-*s  %-16s %-16s %-24s %s\n", API_KEY_ID_LEN, keys[i].id,
			     keys[i].account, keys[i].name, buf_terminated(&created), state);
	}
}

enum exit_status command_api_key_list(const struct invocation *invocation)
{
	struct key_desk desk;
	struct err err;
	size_t len = 0;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	struct store_api_key *keys = calloc(ADMIN_API_KEYS_MAX, sizeof *keys);
	bool *sealed = calloc(ADMIN_API_KEYS_MAX, sizeof *sealed);
	CHECK(keys != NULL && sealed != NULL);
	bool ok = admin_api_keys_list(&desk.admin, keys, sealed, &len, &err);
	if (ok && invocation->json)
		keys_print_json(keys, sealed, len);
	else if (ok)
		keys_print(keys, sealed, len);
	free(keys);
	free(sealed);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
