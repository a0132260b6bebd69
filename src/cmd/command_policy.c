/* policy set, check, show, simulate: the rules about who may be paid what. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/deny_list_file.h"
#include "adapter/entropy_os.h"
#include "adapter/trust_keys.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/store_open.h"
#include "service/admin/policies.h"
#include "service/admin/simulate.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the commands have on their desk; policy check has no store and no keys. */
struct desk {
	struct config *config;
	struct clock clock;
	struct entropy entropy;
	struct opened_store opened;
	struct trust_keys *trust;
	struct mac_keys keys;
	struct mac_keys identity_keys;
	struct admin_policies admin;
	struct buf document;
};

static void desk_close(struct desk *desk)
{
	opened_store_close(&desk->opened);
	trust_keys_free(desk->trust);
	config_free(desk->config);
	buf_free(&desk->document);
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
	if (!trust_keys_mac_keys(desk->trust, TRUST_IDENTITY_GRANTS, &desk->identity_keys))
		return err_set(err, ERR_REFUSED, "%s has no %s key", path, TRUST_IDENTITY_GRANTS);
	return trust_keys_mac_keys(desk->trust, TRUST_POLICY_GRANTS, &desk->keys) ||
	       err_set(err, ERR_REFUSED, "%s has no %s key", path, TRUST_POLICY_GRANTS);
}

static bool desk_open(struct desk *desk, const struct invocation *invocation, bool with_store,
		      struct err *err)
{
	*desk = (struct desk){ .document = buf_new(POLICY_DOCUMENT_BYTES_MAX + 1) };
	clock_posix_init(&desk->clock);
	entropy_os_init(&desk->entropy);
	if (!config_load(invocation_option(invocation, "config"), &desk->config, err))
		return false;
	desk->admin.catalogue = &desk->config->catalogue;
	desk->admin.by = admin_actor_local(user_name());
	if (!with_store)
		return true;
	if (!keys_open(desk, err) || !opened_store_open(desk->config, 0, false, &desk->clock,
							&desk->entropy, NULL, &desk->opened, err))
		return false;
	desk->admin.store = desk->opened.store;
	desk->admin.policy_keys = &desk->keys;
	desk->admin.entropy = &desk->entropy;
	desk->admin.identity_keys = &desk->identity_keys;
	return true;
}

static bool document_read(struct desk *desk, const char *path, struct err *err)
{
	bool is_input = strcmp(path, "-") == 0;
	FILE *stream = is_input ? stdin : fopen(path, "re");
	if (stream == NULL)
		return err_set(err, ERR_REFUSED, "%s: %s", path, strerror(errno));
	char bytes[4096];
	size_t len;
	while (!desk->document.overflow && (len = fread(bytes, 1, sizeof bytes, stream)) > 0)
		buf_bytes(&desk->document, bytes, len);
	bool failed = ferror(stream) != 0;
	if (!is_input)
		(void)fclose(stream);
	if (failed)
		return err_set(err, ERR_NOT_DONE, "%s cannot be read", path);
	if (desk->document.overflow)
		return err_set(err, ERR_REFUSED, "%s: a policy has at most %d bytes", path,
			       POLICY_DOCUMENT_BYTES_MAX);
	return true;
}

static enum exit_status desk_end(struct desk *desk, const struct invocation *invocation, bool done,
				 const struct err *err)
{
	desk_close(desk);
	return done ? EXIT_DONE : invocation_failed(invocation, err);
}

enum exit_status command_policy_check(const struct invocation *invocation)
{
	struct desk desk;
	struct err err;
	struct admin_policy_summary summary = { 0 };
	bool done = desk_open(&desk, invocation, false, &err) &&
		    document_read(&desk, invocation->arguments[0], &err) &&
		    admin_policy_check(&desk.admin, buf_view(&desk.document), &summary, &err);
	if (done && invocation->json)
		(void)printf("{\"rules\":%zu,\"limits\":%zu,\"screenings\":%zu}\n", summary.rules,
			     summary.limits, summary.screenings);
	else if (done)
		(void)printf("a policy of %zu rules and %zu limits\n", summary.rules,
			     summary.limits);
	if (done && summary.screenings > 0 && desk.config->screening_url == NULL)
		(void)fprintf(stderr, "it wants withdrawals to be screened: without screening.url, "
				      "which is not configured here, a processor has none paid\n");
	return desk_end(&desk, invocation, done, &err);
}

/* The first one is put in force by whoever is here: there is nobody yet who could confirm it. */
static bool takes_two(struct desk *desk, bool *ret_takes, struct err *err)
{
	struct store_policy policy;
	struct buf document = buf_new(POLICY_DOCUMENT_BYTES_MAX);
	bool found = false, sealed = false;
	bool good = desk->config->policy_people < 2 ||
		    admin_policy_load(&desk->admin, &policy, &document, &found, &sealed, err);
	*ret_takes = found;
	buf_free(&document);
	return good;
}

static void set_tell(const struct invocation *invocation, const struct store_policy *policy)
{
	unsigned long long version = policy->version;
	if (invocation->json)
		(void)printf("{\"version\":%llu}\n", version);
	else
		(void)printf("policy %llu is in force; processors decide by it from their next "
			     "batch on\n",
			     version);
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

enum exit_status command_policy_set(const struct invocation *invocation)
{
	struct desk desk;
	struct err err;
	struct store_policy policy = { 0 };
	struct store_proposal proposal = { 0 };
	bool takes = false;
	bool done = desk_open(&desk, invocation, true, &err) &&
		    document_read(&desk, invocation->arguments[0], &err) &&
		    takes_two(&desk, &takes, &err);
	int64_t now_ms = done ? clock_now_ms(&desk.clock) : 0;
	struct str document = buf_view(&desk.document);
	if (done && takes)
		done = admin_policy_propose(&desk.admin, document, now_ms, &proposal, &err);
	else if (done)
		done = admin_policy_set(&desk.admin, document, now_ms, &policy, &err);
	if (done && takes)
		proposed_tell(invocation, &proposal);
	else if (done)
		set_tell(invocation, &policy);
	return desk_end(&desk, invocation, done, &err);
}

static void policy_print(const struct desk *desk, const struct store_policy *policy, bool sealed,
			 bool json)
{
	struct buf out = buf_new(2 * POLICY_DOCUMENT_BYTES_MAX);
	char at[32];
	struct buf time = buf_of(at, sizeof at);
	time_write_rfc3339(policy->set_at, &time);
	if (!json) {
		(void)fprintf(stderr, "policy %llu, set by %s at %s%s\n",
			      (unsigned long long)policy->version, policy->set_by,
			      buf_terminated(&time),
			      sealed ? "" : ": CHANGED BY SOMEBODY ELSE, nothing is decided by it");
		(void)printf("%.*s\n", STR_ARG(buf_view(&desk->document)));
		buf_free(&out);
		return;
	}
	buf_byte(&out, '{');
	json_write_member_u64(&out, "version", policy->version);
	json_write_member_text(&out, "set_by", policy->set_by);
	json_write_member(&out, "set_at", buf_view(&time));
	json_write_member_bool(&out, "sealed", sealed);
	json_write_member(&out, "document", buf_view(&desk->document));
	buf_byte(&out, '}');
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

enum exit_status command_policy_show(const struct invocation *invocation)
{
	struct desk desk;
	struct err err;
	struct store_policy policy;
	bool found = false, sealed = false;
	bool done = desk_open(&desk, invocation, true, &err) &&
		    admin_policy_load(&desk.admin, &policy, &desk.document, &found, &sealed, &err);
	if (done && !found)
		done = err_set(&err, ERR_REFUSED,
			       "there is no policy, and nobody is paid: `sluice policy set FILE`");
	if (done)
		policy_print(&desk, &policy, sealed, invocation->json);
	return desk_end(&desk, invocation, done, &err);
}

static void simulated_print(const struct admin_simulated *result)
{
	const char *code = admin_simulated_code(result);
	(void)printf("%s%s%s\n", admin_simulated_answer(result), code[0] != 0 ? ": " : "", code);
	if (result->has_rule)
		(void)printf("rule      %s, of policy %llu\n", result->rule,
			     (unsigned long long)result->version);
	for (size_t i = 0; i < result->limits_len; i++)
		(void)printf("limit     %s: %s\n", result->limits[i].name,
			     result->limits[i].room == STORE_ROOM_TAKEN ? "has room"
									: "has no room");
	if (result->wants_screening)
		(void)printf("screening the service is asked first, and nobody is asked here\n");
	(void)printf("receiver  %s the deny-list, %s the allow-list\n",
		     result->receiver.is_denied ? "on" : "not on",
		     result->receiver.is_allowed ? "on" : "not on");
	if (result->receiver.looks_alike)
		(void)printf("          begins and ends as %s, whom the account knows\n",
			     address_text(result->known).at);
}

enum exit_status command_policy_simulate(const struct invocation *invocation)
{
	struct desk desk;
	struct err err;
	struct admin_simulated result;
	const char *key = invocation_option(invocation, "key");
	const char *const *given = invocation->arguments;
	struct admin_wish wish = { given[0], given[1], given[2],
				   given[3], given[4], key == NULL ? "" : key };
	struct deny_list *list = NULL;
	bool done = desk_open(&desk, invocation, true, &err);
	if (done && desk.config->policy_deny_list != NULL)
		list = deny_list_file_new(desk.config->policy_deny_list, &desk.clock);
	struct admin_simulate admin = { desk.admin.store, list, desk.admin.catalogue,
					desk.admin.policy_keys, desk.admin.by };
	done = done && admin_simulate(&admin, &wish, clock_now_ms(&desk.clock), &result, &err);
	if (done && invocation->json) {
		struct buf out = buf_new(ADMIN_SIMULATED_BYTES);
		admin_simulated_write(&result, &out);
		(void)puts(buf_terminated(&out));
		buf_free(&out);
	} else if (done) {
		simulated_print(&result);
	}
	deny_list_close(list);
	return desk_end(&desk, invocation, done, &err);
}
