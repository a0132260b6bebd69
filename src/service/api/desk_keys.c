/* API keys over the API. A key's text is seen once, in the answer that makes it. */
#include "service/api/desk.h"

#include "base/json.h"
#include "base/time.h"
#include "service/admin/api_keys.h"
#include "service/api/work.h"

#include <stdlib.h>
#include <string.h>

#define ROW_BYTES  4096 /* scopes, ranges and a name of escapes */
#define DAY_MS     (INT64_C(24) * 3600 * 1000)
#define OVERLAP_MS DAY_MS

enum { NAME, ACCOUNT, SCOPES, RANGES, EXPIRES };
enum { OVERLAP };

struct desk {
	struct admin_api_keys admin;
	char address[IP_TEXT_MAX + 1];
	int64_t now_ms;
};

static void desk_open(const struct api_options *options, const struct job *job, struct desk *desk)
{
	desk->now_ms = clock_now_ms(options->clock);
	desk->admin = (struct admin_api_keys){ .store = options->store,
					       .entropy = options->entropy,
					       .identity_keys = &options->identity_keys,
					       .by = desk_actor(job, desk->address),
					       .accounts = options->accounts_required
								   ? ADMIN_ACCOUNT_KNOWN
								   : ADMIN_ACCOUNT_ANY };
}

/* ---- what is shown ---- */

static void words_write(const char *name, struct str rest, struct buf *out)
{
	json_write_name(out, name);
	buf_byte(out, '[');
	for (size_t i = 0; rest.len > 0; i++) {
		struct str one = rest;
		if (!str_cut(rest, ' ', &one, &rest))
			rest = STR("");
		if (i > 0)
			buf_byte(out, ',');
		json_write_string(out, one);
	}
	buf_byte(out, ']');
}

static void key_write(const struct store_api_key *key, struct buf *out)
{
	char bytes[1024];
	struct buf scopes = buf_of(bytes, sizeof bytes);
	permission_set_write(key->scopes & permissions_all(), &scopes);
	json_write_member_text(out, "id", key->id);
	json_write_member_text(out, "name", key->name);
	json_write_member_text(out, "account", key->account);
	words_write("scopes", buf_view(&scopes), out);
	words_write("ranges", str_from(key->ranges), out);
	desk_write_time(out, "created_at", key->created_at);
	json_write_member_text(out, "created_by", key->created_by);
	desk_write_time(out, "expires_at", key->expires_at);
	desk_write_time(out, "revoked_at", key->revoked_at);
	desk_write_time(out, "last_used_at", key->last_used_at);
}

/* text: NULL where there is none to be seen. */
static void key_answer(struct job *job, unsigned status, const struct store_api_key *key,
		       struct secret *text)
{
	struct buf *out = desk_answer(job, status, 2 * ROW_BYTES);
	buf_byte(out, '{');
	key_write(key, out);
	if (text != NULL) {
		job->desk.secret_at = out->len;
		json_write_member(out, "key", str_from_bytes(text->at, text->len));
		secret_free(text);
	}
	buf_byte(out, '}');
}

/* ---- what is asked ---- */

static bool run_list(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_api_key rows[PAGE_MAX];
	bool sealed[PAGE_MAX];
	const struct rows_query *page = &job->desk.rows;
	size_t len = 0;
	desk_open(options, job, &desk);
	if (!admin_api_keys_list(&desk.admin, page->after, rows, sealed, page->limit, &len, err))
		return false;
	struct buf *out = desk_answer(job, 200, len * ROW_BYTES + 128);
	buf_text(out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			buf_byte(out, ',');
		buf_byte(out, '{');
		key_write(&rows[i], out);
		json_write_member_bool(out, "sealed", sealed[i]);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
	if (len == page->limit)
		json_write_member_text(out, "next_after", rows[len - 1].id);
	else
		json_write_member_null(out, "next_after");
	buf_byte(out, '}');
	return true;
}

/* Names with a space between; what nobody named is what a shop needs. */
static bool scopes_read(struct str rest, permission_set *ret_scopes, struct err *err)
{
	*ret_scopes = rest.len == 0 ? permissions_of_keys_default() : 0;
	while (rest.len > 0) {
		struct str one = rest;
		enum permission permission;
		if (!str_cut(rest, ' ', &one, &rest))
			rest = STR("");
		if (!permission_read(one, &permission))
			return err_set(err, ERR_REFUSED, "there is no scope \"%.*s\"",
				       one.len > 64 ? 64 : (int)one.len, one.at);
		*ret_scopes |= PERMISSION_BIT(permission);
	}
	return true;
}

struct wish_texts {
	char name[sizeof((struct store_api_key *)0)->name];
	char account[ACCOUNT_LEN_MAX + 1];
	char ranges[API_KEY_RANGES_TEXT_MAX + 1];
};

static bool wish_read(const struct job *job, struct wish_texts *texts,
		      struct admin_api_key_wish *ret_wish, struct err *err)
{
	struct str expires = job->desk.fields[EXPIRES];
	*ret_wish = (struct admin_api_key_wish){ .name = texts->name,
						 .account = texts->account,
						 .ranges = texts->ranges };
	if (!desk_text(job, NAME, texts->name, sizeof texts->name, err) ||
	    !desk_text(job, ACCOUNT, texts->account, sizeof texts->account, err) ||
	    !desk_text(job, RANGES, texts->ranges, sizeof texts->ranges, err) ||
	    !scopes_read(job->desk.fields[SCOPES], &ret_wish->scopes, err))
		return false;
	if (texts->account[0] == 0) /* whoever belongs to one means that */
		(void)str_copy(str_from(job->by.account), texts->account, sizeof texts->account);
	return expires.len == 0 || time_read_rfc3339(expires, &ret_wish->expires_at) ||
	       err_set(err, ERR_REFUSED, "expires_at is a time of RFC 3339");
}

static bool run_create(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct wish_texts texts;
	struct admin_api_key_wish wish;
	struct store_api_key key;
	struct secret text;
	desk_open(options, job, &desk);
	if (!wish_read(job, &texts, &wish, err) ||
	    !admin_api_key_create(&desk.admin, &wish, desk.now_ms, &text, &key, err))
		return false;
	key_answer(job, 201, &key, &text);
	return true;
}

static bool overlap_read(const struct job *job, int64_t *ret_ms, struct err *err)
{
	struct str text = job->desk.fields[OVERLAP];
	uint64_t seconds = 0;
	*ret_ms = OVERLAP_MS;
	if (text.len == 0)
		return true;
	if (!str_to_u64(text, &seconds) || seconds > 30 * (uint64_t)(DAY_MS / 1000))
		return err_set(err, ERR_REFUSED, "overlap_s is 0 to 2592000 seconds, as a text");
	*ret_ms = (int64_t)seconds * 1000;
	return true;
}

static bool run_rotate(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_api_key old, key;
	struct secret text;
	int64_t overlap_ms;
	desk_open(options, job, &desk);
	if (!overlap_read(job, &overlap_ms, err) ||
	    !admin_api_key_rotate(&desk.admin, job->desk.subject, overlap_ms, desk.now_ms, &text,
				  &old, &key, err))
		return false;
	key_answer(job, 201, &key, &text);
	return true;
}

static bool run_revoke(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_api_key key;
	desk_open(options, job, &desk);
	if (!admin_api_key_revoke(&desk.admin, job->desk.subject, desk.now_ms, &key, err))
		return false;
	key_answer(job, 200, &key, NULL);
	return true;
}

bool desk_keys_run(const struct api_options *options, struct job *job, struct err *err)
{
	enum desk_act act = job->desk.act;
	return act == DESK_KEY_CREATE   ? run_create(options, job, err)
	       : act == DESK_KEY_ROTATE ? run_rotate(options, job, err)
	       : act == DESK_KEY_REVOKE ? run_revoke(options, job, err)
					: run_list(options, job, err);
}
