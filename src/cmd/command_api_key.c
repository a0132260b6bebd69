/* `sluice api-key create|rotate|revoke|list`: on the store, with the admin's trust keys. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/trust_keys.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/config.h"
#include "cmd/store_open.h"
#include "service/admin/api_keys.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_BYTES_MAX   4096 /* of one key as JSON */
#define PAGE            256
#define OVERLAP_DEFAULT "24h"

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
	trust_keys_expire(desk->trust, clock_now_ms(&desk->clock));
	if (!trust_keys_mac_keys(desk->trust, TRUST_IDENTITY_GRANTS, &desk->identity_keys))
		return err_set(err, ERR_REFUSED, "%s has no %s key", path, TRUST_IDENTITY_GRANTS);
	if (!opened_store_open(desk->config, 0, false, &desk->clock, &desk->entropy, NULL,
			       &desk->opened, err))
		return false;
	desk->admin = (struct admin_api_keys){
		.store = desk->opened.store,
		.entropy = &desk->entropy,
		.identity_keys = &desk->identity_keys,
		.by = admin_actor_local(user_name()),
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

/* ---- what a key shall be ---- */

/* A permission, a role for what of it a key can hold, or what a key has by default. */
static bool scope_read(struct str text, permission_set *ret_set)
{
	enum permission permission;
	enum user_role role;
	if (permission_read(text, &permission))
		*ret_set = PERMISSION_BIT(permission);
	else if (user_role_read(text, &role))
		*ret_set = user_role_permissions(role) & permissions_of_keys();
	else if (str_equal(text, STR("default")))
		*ret_set = permissions_of_keys_default();
	else
		return false;
	return true;
}

/* False after saying so. */
static bool scopes_read(const struct invocation *invocation, permission_set *ret_scopes)
{
	permission_set scopes = 0, one;
	size_t cursor = 0;
	const char *text;
	while ((text = invocation_repeated(invocation, "scope", &cursor)) != NULL) {
		if (!scope_read(str_from(text), &one)) {
			(void)invocation_misused(invocation,
						 "\"%s\" is no scope: name a permission of "
						 "doc/permissions.md, a role, or default",
						 text);
			return false;
		}
		scopes |= one;
	}
	if (cursor == 0 || invocation_option(invocation, "scope") == NULL)
		scopes = permissions_of_keys_default();
	if (invocation_flag(invocation, "resolve"))
		scopes |= PERMISSION_BIT(PERMISSION_WITHDRAWALS_RESOLVE);
	*ret_scopes = scopes;
	return true;
}

static bool duration_read(const struct invocation *invocation, const char *name,
			  const char *fallback, int64_t *ret_ms)
{
	const char *text = invocation_option(invocation, name);
	text = text != NULL ? text : fallback;
	*ret_ms = 0;
	if (text == NULL || time_read_duration(str_from(text), ret_ms))
		return true;
	(void)invocation_misused(invocation, "--%s takes a time such as 90d, 24h, 30m or 45s",
				 name);
	return false;
}

/* With a space between them. False after saying so. */
static bool ranges_read(const struct invocation *invocation, struct buf *ret_ranges)
{
	size_t cursor = 0;
	const char *text;
	while ((text = invocation_repeated(invocation, "allow", &cursor)) != NULL) {
		if (ret_ranges->len > 0)
			buf_byte(ret_ranges, ' ');
		buf_text(ret_ranges, text);
	}
	(void)buf_terminated(ret_ranges);
	if (ret_ranges->overflow)
		(void)invocation_misused(invocation, "--allow is given more than %d times",
					 API_KEY_RANGES_MAX);
	return !ret_ranges->overflow;
}

/* ---- what a key is ---- */

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

/* Words with a space between them, as a list. */
static void write_words(struct buf *out, const char *name, struct str words)
{
	struct str word, rest;
	json_write_name(out, name);
	buf_byte(out, '[');
	for (bool is_first = true; words.len > 0; is_first = false) {
		if (!str_cut(words, ' ', &word, &rest)) {
			word = words;
			rest = (struct str){ 0 };
		}
		if (!is_first)
			buf_byte(out, ',');
		json_write_string(out, word);
		words = rest;
	}
	buf_byte(out, ']');
}

static void write_key(struct buf *out, const struct store_api_key *key)
{
	char bytes[1024];
	struct buf scopes = buf_of(bytes, sizeof bytes);
	permission_set_write(key->scopes & permissions_all(), &scopes);
	json_write_member_text(out, "id", key->id);
	json_write_member_text(out, "name", key->name);
	json_write_member_text(out, "account", key->account);
	write_words(out, "scopes", buf_view(&scopes));
	write_words(out, "allow", str_from(key->ranges));
	write_time(out, "created_at", key->created_at);
	json_write_member_text(out, "created_by", key->created_by);
	write_time(out, "expires_at", key->expires_at);
	write_time(out, "revoked_at", key->revoked_at);
	write_time(out, "last_used_at", key->last_used_at);
	if (key->last_used_from[0] != 0)
		json_write_member_text(out, "last_used_from", key->last_used_from);
	else
		json_write_member_null(out, "last_used_from");
}

/* text: of a key that was just made, or empty. */
static void print_json(const struct store_api_key *key, struct str text)
{
	char bytes[KEY_BYTES_MAX];
	struct buf out = buf_of(bytes, sizeof bytes);
	buf_byte(&out, '{');
	write_key(&out, key);
	if (text.len > 0)
		json_write_member(&out, "key", text);
	buf_byte(&out, '}');
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	(void)fflush(stdout);
	secret_wipe(bytes, sizeof bytes);
}

static struct str text_of(const struct secret *text)
{
	return str_from_bytes(text->at, text->len);
}

enum exit_status command_api_key_create(const struct invocation *invocation)
{
	struct key_desk desk;
	struct store_api_key key;
	struct secret text = { 0 };
	struct err err;
	char ranges[API_KEY_RANGES_TEXT_MAX + 1];
	struct buf allow = buf_of(ranges, sizeof ranges);
	int64_t life_ms;
	const char *account = invocation_option(invocation, "account");
	struct admin_api_key_wish wish = { .account = account != NULL ? account : "default",
					   .name = invocation_option(invocation, "name"),
					   .ranges = ranges };
	if (wish.name == NULL)
		return invocation_misused(invocation, "--name is missing");
	if (!scopes_read(invocation, &wish.scopes) || !ranges_read(invocation, &allow) ||
	    !duration_read(invocation, "expires", NULL, &life_ms))
		return EXIT_USAGE;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	int64_t now_ms = clock_now_ms(&desk.clock);
	wish.expires_at = life_ms != 0 ? now_ms + life_ms : 0;
	bool declared = false;
	desk.admin.accounts = ADMIN_ACCOUNT_DECLARE;
	desk.admin.declared = &declared;
	bool ok = admin_api_key_create(&desk.admin, &wish, now_ms, &text, &key, &err);
	if (declared && !invocation->json)
		(void)fprintf(stderr, "account %s is new\n", wish.account);
	if (ok && invocation->json) {
		print_json(&key, text_of(&text));
	} else if (ok) {
		(void)fprintf(stderr, "API key %s of account %s; it is shown this once:\n", key.id,
			      key.account);
		(void)printf("%.*s\n", (int)text.len, (const char *)text.at);
	}
	secret_free(&text);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

enum exit_status command_api_key_rotate(const struct invocation *invocation)
{
	struct key_desk desk;
	struct store_api_key old, key;
	struct secret text = { 0 };
	struct err err;
	int64_t overlap_ms;
	if (!duration_read(invocation, "overlap", OVERLAP_DEFAULT, &overlap_ms))
		return EXIT_USAGE;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_api_key_rotate(&desk.admin, invocation->arguments[0], overlap_ms,
				       clock_now_ms(&desk.clock), &text, &old, &key, &err);
	if (ok && invocation->json) {
		print_json(&key, text_of(&text));
	} else if (ok) {
		char bytes[32];
		struct buf ends = buf_of(bytes, sizeof bytes);
		time_write_rfc3339(old.expires_at, &ends);
		(void)fprintf(stderr,
			      "API key %s takes the place of %s, which ends at %s; it is shown "
			      "this once:\n",
			      key.id, old.id, buf_terminated(&ends));
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
	if (ok && invocation->json)
		print_json(&key, (struct str){ 0 });
	else if (ok)
		(void)printf("API key %s (%s) is revoked; the API knows within %lld ms\n", key.id,
			     key.name, (long long)desk.config->api_key_cache_ms);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

/* ---- the list ---- */

static const char *state_of(const struct store_api_key *key, bool is_sealed, int64_t now_ms)
{
	if (!is_sealed)
		return "changed by somebody, void";
	if (key->revoked_at != 0)
		return "revoked";
	return key->expires_at != 0 && key->expires_at <= now_ms ? "expired" : "valid";
}

static void keys_print_json(const struct store_api_key *keys, const bool *sealed, size_t len,
			    int64_t now_ms)
{
	struct buf out = buf_new((len + 1) * KEY_BYTES_MAX);
	buf_text(&out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		buf_text(&out, i == 0 ? "{" : ",{");
		write_key(&out, &keys[i]);
		json_write_member_bool(&out, "sealed", sealed[i]);
		json_write_member_text(&out, "state", state_of(&keys[i], sealed[i], now_ms));
		buf_byte(&out, '}');
	}
	buf_text(&out, "]}");
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

static const char *print_time(int64_t at_ms, struct buf *out)
{
	buf_reset(out);
	if (at_ms == 0)
		buf_byte(out, '-');
	else
		time_write_rfc3339(at_ms, out);
	return buf_terminated(out);
}

static void keys_print(const struct store_api_key *keys, const bool *sealed, size_t len,
		       int64_t now_ms)
{
	char bytes[1024];
	struct buf out = buf_of(bytes, sizeof bytes);
	(void)printf("%-*s  %-16s %-16s %-9s", API_KEY_ID_LEN, "ID", "ACCOUNT", "NAME", "STATE");
	(void)printf(" %-24s %-24s %-24s %-20s %s\n", "CREATED", "EXPIRES", "LAST USE", "FROM",
		     "SCOPES AND RANGES");
	for (size_t i = 0; i < len; i++) {
		const struct store_api_key *key = &keys[i];
		(void)printf("%-*s  %-16s %-16s %-9s", API_KEY_ID_LEN, key->id, key->account,
			     key->name, state_of(key, sealed[i], now_ms));
		(void)printf(" %-24s", print_time(key->created_at, &out));
		(void)printf(" %-24s", print_time(key->expires_at, &out));
		(void)printf(" %-24s", print_time(key->last_used_at, &out));
		(void)printf(" %-20s", key->last_used_from[0] != 0 ? key->last_used_from : "-");
		buf_reset(&out);
		permission_set_write(key->scopes & permissions_all(), &out);
		(void)printf(" %s%s%s\n", buf_terminated(&out), key->ranges[0] != 0 ? " from " : "",
			     key->ranges);
	}
}

static int by_age(const void *a, const void *b, void *context)
{
	const struct store_api_key *keys = context;
	const struct store_api_key *one = &keys[*(const size_t *)a];
	const struct store_api_key *other = &keys[*(const size_t *)b];
	if (one->created_at != other->created_at)
		return one->created_at < other->created_at ? -1 : 1;
	return strcmp(one->id, other->id);
}

/* Oldest first, in place of both. */
static void keys_sort(struct store_api_key **inout_keys, bool **inout_sealed, size_t len)
{
	struct store_api_key *keys = calloc(len + 1, sizeof *keys);
	bool *sealed = calloc(len + 1, sizeof *sealed);
	size_t *order = calloc(len + 1, sizeof *order);
	CHECK(keys != NULL && sealed != NULL && order != NULL);
	for (size_t i = 0; i < len; i++)
		order[i] = i;
	qsort_r(order, len, sizeof *order, by_age, *inout_keys);
	for (size_t i = 0; i < len; i++) {
		keys[i] = (*inout_keys)[order[i]];
		sealed[i] = (*inout_sealed)[order[i]];
	}
	free(order);
	free(*inout_keys);
	free(*inout_sealed);
	*inout_keys = keys;
	*inout_sealed = sealed;
}

/* All of them, page by page. The caller frees both, also after a failure. */
static bool keys_load(const struct key_desk *desk, struct store_api_key **inout_keys,
		      bool **inout_sealed, size_t *inout_len, struct err *err)
{
	size_t got = PAGE;
	while (got == PAGE) {
		size_t len = *inout_len;
		const char *after = len == 0 ? "" : (*inout_keys)[len - 1].id;
		char last[sizeof(*inout_keys)->id];
		CHECK(str_copy(str_from(after), last, sizeof last));
		*inout_keys = realloc(*inout_keys, (len + PAGE) * sizeof **inout_keys);
		*inout_sealed = realloc(*inout_sealed, (len + PAGE) * sizeof **inout_sealed);
		CHECK(*inout_keys != NULL && *inout_sealed != NULL);
		if (!admin_api_keys_list(&desk->admin, last, *inout_keys + len, *inout_sealed + len,
					 PAGE, &got, err))
			return false;
		*inout_len += got;
	}
	keys_sort(inout_keys, inout_sealed, *inout_len);
	return true;
}

enum exit_status command_api_key_list(const struct invocation *invocation)
{
	struct key_desk desk;
	struct err err;
	size_t len = 0;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	struct store_api_key *keys = NULL;
	bool *sealed = NULL;
	bool ok = keys_load(&desk, &keys, &sealed, &len, &err);
	int64_t now_ms = clock_now_ms(&desk.clock);
	if (ok && invocation->json)
		keys_print_json(keys, sealed, len, now_ms);
	else if (ok)
		keys_print(keys, sealed, len, now_ms);
	free(keys);
	free(sealed);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}
