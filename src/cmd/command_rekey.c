/* keys rotate and rekey: other keys with which the roles believe each other. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/trust_keys.h"
#include "adapter/trust_rotate.h"
#include "base/json.h"
#include "base/secret.h"
#include "cmd/store_open.h"
#include "service/admin/rekey.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

static const char *const next_steps[] = {
	[TRUST_STEP_ADD] = "Give each role its file, start all roles again, then --step use.",
	[TRUST_STEP_USE] = "Give each role its file, start all roles again, `sluice rekey`; after "
			   "7 days at most, --step retire.",
	[TRUST_STEP_RETIRE] = "Give each role its file and start all roles again.",
	[TRUST_STEP_REPLACE] = "Stop all roles, give each its file, and start them again: what the "
			       "old key made grants nothing from now on.",
};

enum exit_status command_keys_rotate(const struct invocation *invocation)
{
	struct config *config = NULL;
	struct clock clock;
	struct entropy entropy;
	struct err err;
	enum trust_step step;
	uint32_t id = 0;
	const char *step_text = invocation_option(invocation, "step");
	const char *name = invocation->arguments[0];
	const char *dir = invocation->arguments_len > 1 ? invocation->arguments[1] : NULL;
	clock_posix_init(&clock);
	entropy_os_init(&entropy);
	if (step_text == NULL || !trust_step_read(step_text, &step))
		return invocation_misused(invocation, "--step is add, use, retire or replace");
	if (!secret_process_harden(&err))
		return invocation_failed(invocation, &err);
	if (dir == NULL) {
		if (!config_load(invocation_option(invocation, "config"), &config, &err))
			return invocation_failed(invocation, &err);
		dir = config->trust_dir;
	}
	bool ok = trust_keys_rotate(dir, name, step, clock_now_ms(&clock), &entropy, &id, &err);
	config_free(config);
	if (!ok)
		return invocation_failed(invocation, &err);
	if (invocation->json)
		(void)printf("{\"step\":\"%s\",\"key_id\":%u}\n", step_text, id);
	else
		(void)printf("%s: MACs are made by key %u. %s\n", name, id, next_steps[step]);
	return EXIT_DONE;
}

struct desk {
	struct config *config;
	struct clock clock;
	struct entropy entropy;
	struct opened_store opened;
	struct trust_keys *trust;
	struct mac_keys identity_keys;
	struct mac_keys policy_keys;
};

static void desk_close(struct desk *desk)
{
	opened_store_close(&desk->opened);
	trust_keys_free(desk->trust);
	config_free(desk->config);
}

static bool desk_open(struct desk *desk, const char *config_file, struct err *err)
{
	char path[PATH_MAX];
	clock_posix_init(&desk->clock);
	entropy_os_init(&desk->entropy);
	if (!secret_process_harden(err) || !config_load(config_file, &desk->config, err))
		return false;
	if (snprintf(path, sizeof path, "%s/admin.keys", desk->config->trust_dir) >=
	    (int)sizeof path)
		return err_set(err, ERR_REFUSED, "trust.dir is too long");
	if (!trust_keys_read(path, &desk->trust, err))
		return err_wrap(err, "`sluice keys init` makes the trust files");
	trust_keys_expire(desk->trust, clock_now_ms(&desk->clock));
	if (!trust_keys_mac_keys(desk->trust, TRUST_IDENTITY_GRANTS, &desk->identity_keys) ||
	    !trust_keys_mac_keys(desk->trust, TRUST_POLICY_GRANTS, &desk->policy_keys))
		return err_set(err, ERR_REFUSED, "%s has not the keys of grants", path);
	return opened_store_open(desk->config, 0, false, &desk->clock, &desk->entropy, NULL,
				 &desk->opened, err);
}

static void count_write(const char *name, const struct admin_rekey_count *count, bool json,
			bool is_last)
{
	if (json)
		(void)printf("\"%s\":{\"renewed\":%zu,\"current\":%zu,\"void\":%zu}%s", name,
			     count->renewed, count->current, count->void_, is_last ? "}\n" : ",");
	else
		(void)printf("%-10s %zu sealed anew, %zu were, %zu void\n", name, count->renewed,
			     count->current, count->void_);
}

enum exit_status command_rekey(const struct invocation *invocation)
{
	struct desk desk = { 0 };
	struct admin_rekey_report report;
	struct err err;
	const struct passwd *user = getpwuid(getuid());
	bool ok = desk_open(&desk, invocation_option(invocation, "config"), &err);
	if (ok) {
		struct admin_rekey admin = {
			.store = desk.opened.store,
			.catalogue = &desk.config->catalogue,
			.identity_keys = &desk.identity_keys,
			.policy_keys = &desk.policy_keys,
			.by = admin_actor_local(user != NULL ? user->pw_name : "unknown user"),
		};
		ok = admin_rekey(&admin, clock_now_ms(&desk.clock), &report, &err);
	}
	desk_close(&desk);
	if (!ok)
		return invocation_failed(invocation, &err);
	if (invocation->json)
		(void)putchar('{');
	count_write("api_keys", &report.api_keys, invocation->json, false);
	count_write("accounts", &report.accounts, invocation->json, false);
	count_write("users", &report.users, invocation->json, false);
	count_write("policies", &report.policies, invocation->json, false);
	count_write("allow_list", &report.allow_list, invocation->json, true);
	return EXIT_DONE;
}
