/* allow-list add, remove, list: receivers that rules of the policy may ask for. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/trust_keys.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/store_open.h"
#include "service/admin/allow_list.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#define PAGE 64

struct desk {
	struct config *config;
	struct clock clock;
	struct entropy entropy;
	struct opened_store opened;
	struct trust_keys *trust;
	struct mac_keys keys, identity_keys;
	struct admin_allow_list admin;
};

static void desk_close(struct desk *desk)
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

static bool keys_open(struct desk *desk, struct err *err)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/admin.keys", desk->config->trust_dir) >=
	    (int)sizeof path)
		return err_set(err, ERR_REFUSED, "trust.dir is too long");
	if (!trust_keys_read(path, &desk->trust, err))
		return err_wrap(err, "`sluice keys init` makes the trust files");
	trust_keys_expire(desk->trust, clock_now_ms(&desk->clock));
	if (!trust_keys_mac_keys(desk->trust, TRUST_POLICY_GRANTS, &desk->keys))
		return err_set(err, ERR_REFUSED, "%s has no %s key", path, TRUST_POLICY_GRANTS);
	return trust_keys_mac_keys(desk->trust, TRUST_IDENTITY_GRANTS, &desk->identity_keys) ||
	       err_set(err, ERR_REFUSED, "%s has no %s key", path, TRUST_IDENTITY_GRANTS);
}

static bool desk_open(struct desk *desk, const struct invocation *invocation, struct err *err)
{
	*desk = (struct desk){ 0 };
	clock_posix_init(&desk->clock);
	entropy_os_init(&desk->entropy);
	if (!config_load(invocation_option(invocation, "config"), &desk->config, err) ||
	    !keys_open(desk, err) ||
	    !opened_store_open(desk->config, 0, false, &desk->clock, &desk->entropy, NULL,
			       &desk->opened, err))
		return false;
	desk->admin = (struct admin_allow_list){ .store = desk->opened.store,
						 .catalogue = &desk->config->catalogue,
						 .policy_keys = &desk->keys,
						 .by = admin_actor_local(user_name()),
						 .entropy = &desk->entropy,
						 .identity_keys = &desk->identity_keys };
	return true;
}

static enum exit_status desk_end(struct desk *desk, const struct invocation *invocation, bool done,
				 const struct err *err)
{
	desk_close(desk);
	return done ? EXIT_DONE : invocation_failed(invocation, err);
}

static void time_print(const char *before, int64_t ms, const char *behind)
{
	char text[32];
	struct buf out = buf_of(text, sizeof text);
	time_write_rfc3339(ms, &out);
	(void)printf("%s%s%s", before, buf_terminated(&out), behind);
}

static void time_member(struct buf *out, const char *name, int64_t ms)
{
	char text[32];
	struct buf time = buf_of(text, sizeof text);
	time_write_rfc3339(ms, &time);
	json_write_member(out, name, buf_view(&time));
}

static void entry_write(const struct desk *desk, const struct store_allow_entry *entry, bool sealed,
			struct buf *out)
{
	const struct chain_params *chain =
		catalogue_chain_by_id(desk->admin.catalogue, entry->chain_id);
	buf_byte(out, '{');
	json_write_name(out, "id");
	buf_byte(out, '"');
	hex_write(out, entry->place, sizeof entry->place);
	buf_byte(out, '"');
	json_write_member_text(out, "account", entry->account);
	json_write_member_u64(out, "chain_id", entry->chain_id);
	if (chain != NULL)
		json_write_member_text(out, "chain", chain->name);
	json_write_member_text(out, "receiver", address_text(entry->receiver).at);
	json_write_member_text(out, "label", entry->label);
	json_write_member_text(out, "added_by", entry->added_by);
	time_member(out, "added_at", entry->added_at);
	time_member(out, "active_at", entry->active_at);
	json_write_member_bool(out, "sealed", sealed);
	buf_byte(out, '}');
	CHECK(!out->overflow);
}

static void entry_print_json(const struct desk *desk, const struct store_allow_entry *entry,
			     bool sealed)
{
	char text[2048];
	struct buf out = buf_of(text, sizeof text);
	entry_write(desk, entry, sealed, &out);
	(void)puts(buf_terminated(&out));
}

static void entry_print(const struct store_allow_entry *entry, bool sealed)
{
	(void)printf("%s  chain %llu  %s", entry->account, (unsigned long long)entry->chain_id,
		     address_text(entry->receiver).at);
	time_print("  from ", entry->active_at, "");
	(void)printf("  by %s  %s%s\n", entry->added_by, entry->label,
		     sealed ? "" : "  CHANGED BY SOMEBODY ELSE: does not count");
}

/* Alone, or by a proposal of somebody who counts for nobody. *ret_proposed: the latter. */
static bool wish_carry_out(struct desk *desk, struct admin_allow_wish *wish,
			   struct store_proposal *ret_proposal, bool *ret_proposed, struct err *err)
{
	int64_t now_ms = clock_now_ms(&desk->clock);
	*ret_proposed = desk->config->allow_list_people > 1;
	return *ret_proposed ? admin_allow_propose(&desk->admin, wish, now_ms, ret_proposal, err)
			     : admin_allow_do(&desk->admin, wish, now_ms, err);
}

static void proposed_tell(const struct invocation *invocation, const struct store_proposal *row)
{
	struct id_text id = id_text(row->id);
	if (invocation->json)
		(void)printf("{\"proposal\":\"%s\"}\n", id.at);
	else
		(void)printf("proposed as %s: two people who log in have to confirm it over the "
			     "API within a day\n",
			     id.at);
}

enum exit_status command_allow_list_add(const struct invocation *invocation)
{
	struct desk desk;
	struct err err;
	struct admin_allow_wish wish;
	struct store_proposal proposal;
	bool proposed = false;
	const char *label = invocation_option(invocation, "label");
	struct admin_allow_name name = { invocation->arguments[0], invocation->arguments[1],
					 invocation->arguments[2] };
	bool done = desk_open(&desk, invocation, &err) &&
		    admin_allow_new(&desk.admin, &name, label == NULL ? "" : label, &wish, &err) &&
		    wish_carry_out(&desk, &wish, &proposal, &proposed, &err);
	if (done && proposed)
		proposed_tell(invocation, &proposal);
	else if (done && invocation->json)
		entry_print_json(&desk, &wish.entry, true);
	else if (done)
		time_print("it counts from ", wish.entry.active_at, " on\n");
	return desk_end(&desk, invocation, done, &err);
}

enum exit_status command_allow_list_remove(const struct invocation *invocation)
{
	struct desk desk;
	struct err err;
	struct admin_allow_wish wish;
	struct store_proposal proposal;
	bool proposed = false;
	struct admin_allow_name name = { invocation->arguments[0], invocation->arguments[1],
					 invocation->arguments[2] };
	bool done = desk_open(&desk, invocation, &err) &&
		    admin_allow_named(&desk.admin, &name, &wish, &err) &&
		    wish_carry_out(&desk, &wish, &proposal, &proposed, &err);
	if (done && proposed)
		proposed_tell(invocation, &proposal);
	else if (done)
		(void)puts(invocation->json ? "{\"removed\":true}"
					    : "it is off the list, from the next batch on");
	return desk_end(&desk, invocation, done, &err);
}

static bool pages_print(const struct desk *desk, bool json, struct err *err)
{
	struct store_allow_entry entries[PAGE], last;
	bool sealed[PAGE];
	const struct store_allow_entry *after = NULL;
	size_t len = PAGE;
	while (len == PAGE) {
		if (!admin_allow_page(&desk->admin, "", after, entries, sealed, PAGE, &len, err))
			return false;
		for (size_t i = 0; i < len; i++) {
			if (json)
				entry_print_json(desk, &entries[i], sealed[i]);
			else
				entry_print(&entries[i], sealed[i]);
		}
		if (len > 0)
			last = entries[len - 1];
		after = &last;
	}
	return true;
}

enum exit_status command_allow_list_list(const struct invocation *invocation)
{
	struct desk desk;
	struct err err;
	bool done =
		desk_open(&desk, invocation, &err) && pages_print(&desk, invocation->json, &err);
	return desk_end(&desk, invocation, done, &err);
}
