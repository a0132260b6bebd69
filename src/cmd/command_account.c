/* account add, list, disable, enable: who owns withdrawals, keys and users. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/trust_keys.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/store_open.h"
#include "service/admin/accounts.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROW_BYTES 512

struct desk {
	struct config *config;
	struct clock clock;
	struct entropy entropy;
	struct opened_store opened;
	struct trust_keys *trust;
	struct mac_keys identity_keys;
	struct admin_accounts admin;
};

static bool desk_open(struct desk *desk, const struct invocation *invocation, struct err *err)
{
	char path[PATH_MAX];
	const struct passwd *user = getpwuid(getuid());
	*desk = (struct desk){ 0 };
	clock_posix_init(&desk->clock);
	entropy_os_init(&desk->entropy);
	if (!config_load(invocation_option(invocation, "config"), &desk->config, err))
		return false;
	if (snprintf(path, sizeof path, "%s/admin.keys", desk->config->trust_dir) >=
	    (int)sizeof path)
		return err_set(err, ERR_REFUSED, "trust.dir is too long");
	if (!trust_keys_read(path, &desk->trust, err))
		return err_wrap(err, "`sluice keys init` makes the trust files");
	trust_keys_expire(desk->trust, clock_now_ms(&desk->clock));
	if (!trust_keys_mac_keys(desk->trust, TRUST_IDENTITY_GRANTS, &desk->identity_keys))
		return err_set(err, ERR_REFUSED, "%s has no %s key", path, TRUST_IDENTITY_GRANTS);
	if (!opened_store_open(desk->config, 0, false, &desk->clock, &desk->entropy, NULL,
			       &desk->opened, err))
		return false;
	desk->admin = (struct admin_accounts){
		.store = desk->opened.store,
		.identity_keys = &desk->identity_keys,
		.by = admin_actor_local(user != NULL ? user->pw_name : "unknown user"),
	};
	return true;
}

static enum exit_status desk_end(struct desk *desk, const struct invocation *invocation, bool done,
				 const struct err *err)
{
	opened_store_close(&desk->opened);
	trust_keys_free(desk->trust);
	config_free(desk->config);
	return done ? EXIT_DONE : invocation_failed(invocation, err);
}

static void time_write(struct buf *out, const char *name, int64_t at_ms)
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

static void account_write(const struct store_account *account, struct buf *out)
{
	json_write_member_text(out, "name", account->name);
	time_write(out, "created_at", account->created_at);
	json_write_member_text(out, "created_by", account->created_by);
	time_write(out, "disabled_at", account->disabled_at);
}

static enum exit_status account_tell(const struct invocation *invocation, struct desk *desk,
				     bool done, const struct store_account *account,
				     const char *what, const struct err *err)
{
	char bytes[ROW_BYTES];
	struct buf out = buf_of(bytes, sizeof bytes);
	if (done && invocation->json) {
		buf_byte(&out, '{');
		account_write(account, &out);
		buf_byte(&out, '}');
		(void)puts(buf_terminated(&out));
	} else if (done) {
		(void)printf("account %s %s\n", account->name, what);
	}
	return desk_end(desk, invocation, done, err);
}

enum exit_status command_account_add(const struct invocation *invocation)
{
	struct desk desk;
	struct store_account account;
	struct err err;
	bool done = desk_open(&desk, invocation, &err) &&
		    admin_account_add(&desk.admin, invocation->arguments[0],
				      clock_now_ms(&desk.clock), &account, &err);
	return account_tell(invocation, &desk, done, &account, "is declared", &err);
}

static enum exit_status account_switch(const struct invocation *invocation, bool disabled)
{
	struct desk desk;
	struct store_account account;
	struct err err;
	bool done = desk_open(&desk, invocation, &err) &&
		    admin_account_switch(&desk.admin, invocation->arguments[0], disabled,
					 clock_now_ms(&desk.clock), &account, &err);
	return account_tell(invocation, &desk, done, &account,
			    disabled ? "takes in nothing new" : "takes in withdrawals", &err);
}

enum exit_status command_account_disable(const struct invocation *invocation)
{
	return account_switch(invocation, true);
}

enum exit_status command_account_enable(const struct invocation *invocation)
{
	return account_switch(invocation, false);
}

static void accounts_print_json(const struct store_account *accounts, const bool *sealed,
				size_t len)
{
	struct buf out = buf_new(len * ROW_BYTES + 64);
	buf_text(&out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		buf_text(&out, i == 0 ? "{" : ",{");
		account_write(&accounts[i], &out);
		json_write_member_bool(&out, "sealed", sealed[i]);
		buf_byte(&out, '}');
	}
	buf_text(&out, "]}");
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

static void accounts_print(const struct store_account *accounts, const bool *sealed, size_t len)
{
	for (size_t i = 0; i < len; i++)
		(void)printf("%-24s %s\n", accounts[i].name,
			     !sealed[i]                     ? "changed by somebody, void"
			     : accounts[i].disabled_at != 0 ? "disabled"
							    : "open");
}

enum exit_status command_account_list(const struct invocation *invocation)
{
	struct desk desk;
	struct err err;
	size_t len = 0;
	struct store_account *accounts = calloc(ACCOUNTS_MAX, sizeof *accounts);
	bool *sealed = calloc(ACCOUNTS_MAX, sizeof *sealed);
	CHECK(accounts != NULL && sealed != NULL);
	bool done = desk_open(&desk, invocation, &err) &&
		    admin_accounts_list(&desk.admin, accounts, sealed, &len, &err);
	if (done && invocation->json)
		accounts_print_json(accounts, sealed, len);
	else if (done)
		accounts_print(accounts, sealed, len);
	free(accounts);
	free(sealed);
	return desk_end(&desk, invocation, done, &err);
}
