/* pause, unpause and controls: in the store, beside the database, for who can reach no API. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/trust_keys.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/store_open.h"
#include "service/admin/controls.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PRINT_BYTES_MAX 65536
#define TIME_LEN        40

struct control_desk {
	struct config *config;
	struct trust_keys *trust;
	struct mac_keys keys;
	struct opened_store opened;
	struct clock clock;
	struct entropy entropy;
	struct admin_controls admin;
};

static void desk_close(struct control_desk *desk)
{
	opened_store_close(&desk->opened);
	trust_keys_free(desk->trust);
	config_free(desk->config);
}

/* The roles' key: whoever may read one of their files may stop them. */
static bool keys_open(struct control_desk *desk, struct err *err)
{
	static const char *const files[] = { "api.keys", "monitor.keys", "signer.keys",
					     "processor.keys" };
	char path[4096];
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		if (snprintf(path, sizeof path, "%s/%s", desk->config->trust_dir, files[i]) >=
		    (int)sizeof path)
			return err_set(err, ERR_REFUSED, "trust.dir is too long");
		if (access(path, R_OK) != 0)
			continue;
		if (!trust_keys_read(path, &desk->trust, err))
			return false;
		trust_keys_expire(desk->trust, clock_now_ms(&desk->clock));
		return trust_keys_mac_keys(desk->trust, TRUST_CONTROLS, &desk->keys) ||
		       err_set(err, ERR_REFUSED, "%s has no %s key", path, TRUST_CONTROLS);
	}
	return err_set(err, ERR_REFUSED,
		       "no role's file in %s can be read here: it has the key that seals switches",
		       desk->config->trust_dir);
}

static bool desk_fill(struct control_desk *desk, const struct invocation *invocation,
		      struct err *err)
{
	const struct passwd *user = getpwuid(getuid());
	clock_posix_init(&desk->clock);
	entropy_os_init(&desk->entropy);
	if (!config_load(invocation_option(invocation, "config"), &desk->config, err) ||
	    !keys_open(desk, err) ||
	    !opened_store_open(desk->config, 0, false, &desk->clock, &desk->entropy, NULL,
			       &desk->opened, err))
		return false;
	desk->admin = (struct admin_controls){
		.store = desk->opened.store,
		.keys = &desk->keys,
		.by = admin_actor_local(user != NULL ? user->pw_name : "unknown user")
	};
	return true;
}

static bool desk_open(struct control_desk *desk, const struct invocation *invocation,
		      struct err *err)
{
	*desk = (struct control_desk){ 0 };
	if (desk_fill(desk, invocation, err))
		return true;
	desk_close(desk);
	return false;
}

/* ---- what is asked ---- */

static const struct {
	const char *option;
	enum control_scope scope;
} scopes[] = {
	{ "all", CONTROL_ALL },         { "chain", CONTROL_CHAIN },   { "asset", CONTROL_ASSET },
	{ "account", CONTROL_ACCOUNT }, { "wallet", CONTROL_WALLET },
};

/* How many of them are given; the last one in *ret_wish. */
static size_t scope_read(const struct invocation *invocation, struct admin_control_wish *ret_wish)
{
	size_t count = 0;
	for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
		const char *name = invocation_option(invocation, scopes[i].option);
		if (scopes[i].scope == CONTROL_ALL)
			name = invocation_flag(invocation, "all") ? "" : NULL;
		if (name == NULL)
			continue;
		ret_wish->scope = scopes[i].scope;
		ret_wish->name = name;
		count++;
	}
	return count;
}

/* False after saying so. */
static bool wish_read(const struct invocation *invocation, unsigned stops,
		      struct admin_control_wish *ret_wish)
{
	const char *given = invocation_option(invocation, "stop");
	*ret_wish = (struct admin_control_wish){ .stops = stops };
	ret_wish->reason = invocation_option(invocation, "reason");
	if (scope_read(invocation, ret_wish) != 1)
		(void)invocation_misused(
			invocation,
			"one of --all, --chain, --asset, --account, --wallet is needed");
	else if (ret_wish->reason == NULL)
		(void)invocation_misused(invocation, "--reason is missing");
	else if (given != NULL && !control_stops_read(str_from(given), &ret_wish->stops))
		(void)invocation_misused(invocation,
					 "--stop takes intake, signing and broadcast, by commas");
	else
		return true;
	return false;
}

/* ---- what is told ---- */

static const char *stops_text(const struct control *row, char ret_text[CONTROL_STOPS_LEN_MAX + 1])
{
	struct buf out = buf_of(ret_text, CONTROL_STOPS_LEN_MAX + 1);
	control_stops_write(row->stops, &out);
	return buf_terminated(&out);
}

static const char *since_text(const struct control *row, char ret_text[TIME_LEN])
{
	struct buf out = buf_of(ret_text, TIME_LEN);
	time_write_rfc3339(row->since, &out);
	return buf_terminated(&out);
}

static void set_print_json(const struct control_set *set, bool sealed)
{
	char text[CONTROL_STOPS_LEN_MAX + 1], since[TIME_LEN];
	struct buf out = buf_new(PRINT_BYTES_MAX);
	buf_byte(&out, '{');
	json_write_member_u64(&out, "version", set->version);
	json_write_member_bool(&out, "sealed", sealed);
	buf_text(&out, ",\"items\":[");
	for (size_t i = 0; i < set->len; i++) {
		const struct control *row = &set->rows[i];
		buf_text(&out, i > 0 ? ",{" : "{");
		json_write_member_text(&out, "scope", control_scope_text(row->scope));
		json_write_member_text(&out, "name", row->name);
		json_write_member_text(&out, "stops", stops_text(row, text));
		json_write_member_text(&out, "since", since_text(row, since));
		json_write_member_text(&out, "by", row->who);
		json_write_member_text(&out, "reason", row->reason);
		buf_byte(&out, '}');
	}
	buf_text(&out, "]}");
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

static void set_print(const struct invocation *invocation, const struct control_set *set,
		      bool sealed)
{
	char text[CONTROL_STOPS_LEN_MAX + 1], since[TIME_LEN];
	if (invocation->json) {
		set_print_json(set, sealed);
		return;
	}
	if (set->len == 0)
		(void)puts("nothing is paused");
	for (size_t i = 0; i < set->len; i++) {
		const struct control *row = &set->rows[i];
		(void)printf("%-8s %-44s %-24s %s %s: %s\n", control_scope_text(row->scope),
			     row->name, stops_text(row, text), since_text(row, since), row->who,
			     row->reason);
	}
	if (!sealed)
		(void)puts("THIS IS NOT WHAT PEOPLE SET: nothing new is paid; "
			   "sluice pause --all --reset");
}

/* ---- the commands ---- */

enum exit_status command_pause(const struct invocation *invocation)
{
	struct control_desk desk;
	struct admin_control_wish wish;
	struct control_set set;
	struct err err;
	if (!wish_read(invocation, CONTROL_INTAKE | CONTROL_SIGNING, &wish))
		return EXIT_USAGE;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_controls_pause(&desk.admin, &wish, invocation_flag(invocation, "reset"),
				       clock_now_ms(&desk.clock), &set, &err);
	if (ok)
		set_print(invocation, &set, true);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

bool invocation_names_switch(const struct invocation *invocation)
{
	struct admin_control_wish wish;
	return scope_read(invocation, &wish) > 0;
}

/* Whoever can read a role's keys can seal any switches, with this program or without: here nobody
 * can be told from anybody else. So the way past the second person is open, loud, and not by
 * accident. */
static bool alone_check(const struct control_desk *desk, const struct invocation *invocation,
			struct err *err)
{
	if (desk->config->unpause_people < 2)
		return true;
	if (!invocation_flag(invocation, "alone"))
		return err_set(err, ERR_REFUSED,
			       "it takes two people to unpause (controls.unpause_people): they "
			       "do so over the API. In need, --alone, which the audit tells");
	(void)fputs("unpaused by one person: the audit has it as unpaused_alone\n", stderr);
	return true;
}

enum exit_status command_unpause_switch(const struct invocation *invocation)
{
	struct control_desk desk;
	struct admin_control_wish wish;
	struct control_set set;
	struct err err;
	if (!wish_read(invocation, CONTROL_STOPS_ALL, &wish))
		return EXIT_USAGE;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = alone_check(&desk, invocation, &err) &&
		  admin_controls_unpause(&desk.admin, &wish, desk.config->unpause_people > 1,
					 clock_now_ms(&desk.clock), &set, &err);
	if (ok)
		set_print(invocation, &set, true);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

enum exit_status command_controls(const struct invocation *invocation)
{
	struct control_desk desk;
	struct control_set set;
	struct err err;
	bool sealed = false;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_controls_list(&desk.admin, clock_now_ms(&desk.clock), &set, &sealed, &err);
	if (ok)
		set_print(invocation, &set, sealed);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
