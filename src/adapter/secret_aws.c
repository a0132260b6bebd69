#include "adapter/secret_aws.h"

#include "base/base64.h"
#include "base/json.h"
#include "net/aws_client.h"

#include <string.h>

#define BODY_MAX 2048 /* of a request: a name, every byte escaped */
#define ANSWER_MAX                                                                    \
	(8 * SECRET_AWS_BYTES_MAX) /* every byte of it escaped, and what is around it \
				    */

static bool text_take(struct str text, struct secret *ret_secret, struct err *err)
{
	if (text.len > 0 && text.at[text.len - 1] == '\n')
		text.len--;
	if (text.len == 0 || text.len > SECRET_AWS_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "the secret is %s",
			       text.len == 0 ? "empty" : "too long");
	if (!secret_new(ret_secret, text.len, err))
		return false;
	memcpy(ret_secret->at, text.at, text.len);
	return true;
}

static bool member_take(struct str text, const char *member, struct secret *ret_secret,
			struct err *err)
{
	JSON_OWNED json = NULL;
	struct err syntax;
	struct str value;
	if (!json_parse(text, &json, &syntax) ||
	    !json_string(json_member(json_root(json), member), &value))
		return err_set(err, ERR_REFUSED, "the secret is no object with a text \"%s\"",
			       member);
	return text_take(value, ret_secret, err);
}

static bool bytes_take(struct str base64, struct secret *ret_secret, struct err *err)
{
	struct secret bytes;
	size_t len;
	if (!secret_new(&bytes, SECRET_AWS_BYTES_MAX, err))
		return false;
	bool ok = base64_read(base64, bytes.at, bytes.len, &len) && len > 0
			  ? text_take(str_from_bytes(bytes.at, len), ret_secret, err)
			  : err_set(err, ERR_REFUSED, "the secret's bytes cannot be read");
	secret_free(&bytes);
	return ok;
}

bool secret_aws_read(struct str body, const char *member, struct secret *ret_secret,
		     struct err *err)
{
	JSON_OWNED json = NULL;
	struct err syntax;
	struct str text;
	bool is_whole = member == NULL || member[0] == '\0';
	if (!json_parse(body, &json, &syntax))
		return err_set(err, ERR_NOT_DONE, "the answer is no JSON");
	if (json_string(json_member(json_root(json), "SecretString"), &text))
		return is_whole ? text_take(text, ret_secret, err)
				: member_take(text, member, ret_secret, err);
	if (is_whole && json_string(json_member(json_root(json), "SecretBinary"), &text))
		return bytes_take(text, ret_secret, err);
	return err_set(err, is_whole ? ERR_NOT_DONE : ERR_REFUSED,
		       is_whole ? "the answer has no secret" : "the secret is no text");
}

static bool ask(struct aws_client *client, const char *name, const char *member,
		int64_t deadline_ms, struct secret *ret_secret, struct err *err)
{
	char storage[BODY_MAX];
	struct buf body = buf_of(storage, sizeof storage);
	struct aws_answer answer;
	buf_byte(&body, '{');
	json_write_member_text(&body, "SecretId", name);
	buf_byte(&body, '}');
	if (body.overflow)
		return err_set(err, ERR_REFUSED, "the secret's name is too long");
	struct aws_request request = { .action = "GetSecretValue", .body = buf_view(&body) };
	aws_client_call(client, &request, 1, 1, deadline_ms, &answer);
	bool ok = aws_answer_check(&answer, err);
	if (!ok && err->kind == ERR_MAYBE_DONE)
		err->kind = ERR_NOT_DONE; /* nothing but reading */
	ok = ok && secret_aws_read(answer.body, member, ret_secret, err);
	aws_client_wipe(client);
	return ok;
}

bool secret_aws_fetch(const struct secret_aws_options *options, const char *name,
		      const char *member, struct secret *ret_secret, struct err *err)
{
	struct aws_credentials_options from = { .region = options->region };
	struct aws_client_options to = {
		.service = "secretsmanager",
		.target = "secretsmanager",
		.json = AWS_JSON_1_1,
		.region = options->region,
		.endpoint = options->endpoint,
		.connections_max = 1,
		.response_bytes_max = ANSWER_MAX,
	};
	struct aws_client *client = NULL;
	if (!aws_is_region(options->region))
		return err_set(err, ERR_REFUSED, "\"%.40s\" is no region", options->region);
	if (!aws_credentials_open(&from, &to.credentials, err))
		return false;
	bool ok = aws_client_open(&to, &client, err) &&
		  ask(client, name, member, options->deadline_ms, ret_secret, err);
	aws_client_close(client);
	aws_credentials_close(to.credentials);
	return ok || err_wrap(err, "secret %.80s in %s", name, options->region);
}
