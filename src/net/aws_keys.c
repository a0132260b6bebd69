#include "net/aws_keys.h"

#include "base/json.h"
#include "base/time.h"

#include <string.h>

static bool is_visible(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

static bool is_fit(struct str text, size_t len_min, size_t len_max)
{
	return text.len >= len_min && text.len <= len_max && is_visible(text);
}

bool aws_keys_set(struct aws_keys *ret_keys, struct str key_id, struct str secret, struct str token,
		  struct err *err)
{
	if (!is_fit(key_id, 1, AWS_KEY_ID_LEN_MAX))
		return err_set(err, ERR_REFUSED, "no usable access key id");
	if (!is_fit(secret, 1, AWS_SECRET_LEN_MAX))
		return err_set(err, ERR_REFUSED, "no usable secret access key");
	if (!is_fit(token, 0, AWS_TOKEN_LEN_MAX))
		return err_set(err, ERR_REFUSED, "no usable session token");
	ret_keys->expires_at = INT64_MAX;
	/* They fit, as was looked at just now. */
	return str_copy(key_id, ret_keys->key_id, sizeof ret_keys->key_id) &&
	       str_copy(secret, ret_keys->secret, sizeof ret_keys->secret) &&
	       str_copy(token, ret_keys->token, sizeof ret_keys->token);
}

static bool keys_set_until(struct aws_keys *ret_keys, struct str key_id, struct str secret,
			   struct str token, struct str expiration, struct err *err)
{
	int64_t expires_at;
	if (!time_read_rfc3339(expiration, &expires_at))
		return err_set(err, ERR_REFUSED, "no time at which the keys expire");
	if (!aws_keys_set(ret_keys, key_id, secret, token, err))
		return false;
	ret_keys->expires_at = expires_at;
	return true;
}

static struct str member_text(const struct json_value *root, const char *name)
{
	struct str text = { 0 };
	return json_string(json_member(root, name), &text) ? text : (struct str){ 0 };
}

bool aws_keys_read_metadata(struct str body, struct aws_keys *ret_keys, struct err *err)
{
	JSON_OWNED json = NULL;
	struct err syntax;
	if (!json_parse(body, &json, &syntax))
		return err_set(err, ERR_REFUSED, "the answer is not JSON");
	const struct json_value *root = json_root(json);
	struct str code = member_text(root, "Code");
	if (code.len > 0 && !str_equal_text(code, "Success"))
		return err_set(err, ERR_NOT_DONE, "the metadata service has no keys now");
	return keys_set_until(ret_keys, member_text(root, "AccessKeyId"),
			      member_text(root, "SecretAccessKey"), member_text(root, "Token"),
			      member_text(root, "Expiration"), err);
}

/* ---- XML, as far as these answers use it ---- */

/* Where `part` begins in `text`, or text.len. */
static size_t part_find(struct str text, struct str part)
{
	for (size_t i = 0; part.len <= text.len && i <= text.len - part.len; i++)
		if (memcmp(text.at + i, part.at, part.len) == 0)
			return i;
	return text.len;
}

/* What stands between the first <name> and the </name> behind it, empty where there is none. */
static struct str element(struct str text, struct str open, struct str shut)
{
	size_t at = part_find(text, open);
	if (at == text.len)
		return (struct str){ 0 };
	struct str rest = str_skip(text, at + open.len);
	size_t len = part_find(rest, shut);
	return len == rest.len ? (struct str){ 0 } : (struct str){ rest.at, len };
}

#define ELEMENT(text, name) element(text, STR("<" name ">"), STR("</" name ">"))

/* None of the values has characters that XML would write in another way. */
static bool is_written_plainly(struct str text)
{
	return memchr(text.at, '&', text.len) == NULL && memchr(text.at, '<', text.len) == NULL;
}

bool aws_keys_read_role(struct str body, struct aws_keys *ret_keys, struct err *err)
{
	struct str keys = ELEMENT(body, "Credentials");
	if (keys.len == 0)
		return err_set(err, ERR_REFUSED, "no credentials in the answer");
	struct str key_id = ELEMENT(keys, "AccessKeyId");
	struct str secret = ELEMENT(keys, "SecretAccessKey");
	struct str token = ELEMENT(keys, "SessionToken");
	if (key_id.len == 0 || secret.len == 0 || token.len == 0 || !is_written_plainly(key_id) ||
	    !is_written_plainly(secret) || !is_written_plainly(token))
		return err_set(err, ERR_REFUSED, "no usable credentials in the answer");
	return keys_set_until(ret_keys, key_id, secret, token, ELEMENT(keys, "Expiration"), err);
}

struct str aws_role_fault(struct str body)
{
	struct str code = ELEMENT(body, "Code");
	return is_fit(code, 1, 64) ? code : (struct str){ 0 };
}

/* ---- a file of profiles ---- */

static bool line_take(struct str *text, struct str *ret_line)
{
	if (text->len == 0)
		return false;
	if (!str_cut(*text, '\n', ret_line, text)) {
		*ret_line = *text;
		*text = (struct str){ 0 };
	}
	if (ret_line->len > 0 && ret_line->at[ret_line->len - 1] == '\r')
		ret_line->len--;
	*ret_line = str_trim(*ret_line);
	return true;
}

static bool is_profile(struct str line, const char *profile)
{
	if (line.len < 2 || line.at[line.len - 1] != ']')
		return false;
	return str_equal_text(str_trim((struct str){ line.at + 1, line.len - 2 }), profile);
}

bool aws_keys_read_profile(struct str file, const char *profile, struct aws_keys *ret_keys,
			   struct err *err)
{
	struct str key_id = { 0 };
	struct str secret = { 0 };
	struct str token = { 0 };
	struct str line;
	struct str name;
	struct str value;
	bool inside = false;
	bool found = false;
	while (line_take(&file, &line)) {
		if (line.len > 0 && line.at[0] == '[') {
			inside = is_profile(line, profile);
			found = found || inside;
		}
		if (!inside || !str_cut(line, '=', &name, &value))
			continue;
		name = str_trim(name);
		if (str_equal_fold(name, STR("aws_access_key_id")))
			key_id = str_trim(value);
		else if (str_equal_fold(name, STR("aws_secret_access_key")))
			secret = str_trim(value);
		else if (str_equal_fold(name, STR("aws_session_token")))
			token = str_trim(value);
	}
	if (!found)
		return err_set(err, ERR_REFUSED, "no profile \"%.64s\"", profile);
	return aws_keys_set(ret_keys, key_id, secret, token, err);
}
