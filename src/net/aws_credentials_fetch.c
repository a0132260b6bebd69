/* One exchange with the source of the keys. What is read is a secret, and wiped. */
#include "net/aws_credentials_parts.h"

#include "base/check.h"
#include "base/str.h"
#include "net/http_client.h"

#include <string.h>

#define CONNECT_MS         1000
#define FETCH_MS_MAX       5000
#define ANSWER_BYTES_MAX   ((size_t)64 << 10)
#define FILE_BYTES_MAX     ((size_t)64 << 10)
#define TOKEN_BYTES_MAX    ((size_t)16 << 10) /* of a web identity */
#define ROLE_NAME_LEN_MAX  256
#define INSTANCE_ROOT      "http://169.254.169.254"
#define INSTANCE_ROLES     "/latest/meta-data/iam/security-credentials/"
#define CONTAINER_ROOT     "http://169.254.170.2"
#define INSTANCE_TOKEN_AGE "21600" /* seconds */

/* One service, asked a few times. */
struct asking {
	struct http_client *client;
	int64_t deadline_ms; /* of each request */
	struct http_client_response response;
};

static bool asking_begin(struct asking *asking, const char *url, int64_t deadline_ms,
			 struct err *err)
{
	const struct http_client_options options = { .url = url,
						     .connections_max = 1,
						     .response_bytes_max = ANSWER_BYTES_MAX,
						     .connect_timeout_ms = CONNECT_MS };
	*asking = (struct asking){ .deadline_ms = deadline_ms < FETCH_MS_MAX ? deadline_ms
									     : FETCH_MS_MAX };
	return http_client_open(&options, &asking->client, err);
}

static void asking_end(struct asking *asking)
{
	http_client_wipe(asking->client);
	http_client_close(asking->client);
}

static bool ask(struct asking *asking, const struct http_client_request *request, struct err *err)
{
	http_client_request(asking->client, request, asking->deadline_ms, &asking->response);
	if (asking->response.delivery != HTTP_ANSWERED)
		return err_set(err, ERR_NOT_DONE, "%s", asking->response.text);
	if (asking->response.status != 200)
		return err_set(err, ERR_NOT_DONE, "%.100s: HTTP status %u",
			       http_client_origin(asking->client), asking->response.status);
	return true;
}

/* What goes into a header or a path. */
static bool is_word(struct str text, size_t len_max)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return text.len > 0 && text.len <= len_max;
}

/* ---- environment, file ---- */

static bool environment_fetch(const struct aws_credentials *self, struct aws_keys *ret_keys,
			      struct err *err)
{
	return aws_keys_set(ret_keys, str_from(aws_variable(self, "AWS_ACCESS_KEY_ID")),
			    str_from(aws_variable(self, "AWS_SECRET_ACCESS_KEY")),
			    str_from(aws_variable(self, "AWS_SESSION_TOKEN")), err);
}

static bool file_fetch(const struct aws_credentials *self, struct aws_keys *ret_keys,
		       struct err *err)
{
	const char *profile = aws_variable(self, "AWS_PROFILE");
	char text[1024];
	struct buf path = buf_of(text, sizeof text);
	struct secret file = { 0 };
	if (!aws_profile_path(self, &path))
		return err_set(err, ERR_REFUSED, "no file of profiles");
	if (!secret_read_file(&file, text, FILE_BYTES_MAX, err))
		return false;
	bool done = aws_keys_read_profile((struct str){ (const char *)file.at, file.len },
					  profile != NULL ? profile : "default", ret_keys, err);
	secret_free(&file);
	return done || err_wrap(err, "%.100s", text);
}

/* ---- web identity ---- */

static void form_value(struct buf *out, struct str text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] != 0 && strchr(plain, text.at[i]) != NULL)
			buf_byte(out, (uint8_t)text.at[i]);
		else
			buf_format(out, "%%%02X", (unsigned)(unsigned char)text.at[i]);
	}
}

static void role_form_write(const struct aws_credentials *self, struct str token, struct buf *out)
{
	const char *session = aws_variable(self, "AWS_ROLE_SESSION_NAME");
	buf_text(out, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
	form_value(out, str_from(aws_variable(self, "AWS_ROLE_ARN")));
	buf_text(out, "&RoleSessionName=");
	form_value(out, str_from(session != NULL ? session : "sluice"));
	buf_text(out, "&WebIdentityToken=");
	form_value(out, token);
}

static bool role_ask(struct asking *asking, struct str form, struct aws_keys *ret_keys,
		     struct err *err)
{
	const struct http_pair type = { STR("Content-Type"),
					STR("application/x-www-form-urlencoded") };
	const struct http_client_request request = { .method = HTTP_POST,
						     .path = STR("/"),
						     .headers = &type,
						     .headers_len = 1,
						     .body = form };
	if (ask(asking, &request, err))
		return aws_keys_read_role(asking->response.body, ret_keys, err);
	struct str fault = aws_role_fault(asking->response.body);
	if (asking->response.delivery == HTTP_ANSWERED && fault.len > 0)
		return err_wrap(err, "%.*s", STR_ARG(fault));
	return false;
}

static bool web_identity_fetch(const struct aws_credentials *self, int64_t deadline_ms,
			       struct aws_keys *ret_keys, struct err *err)
{
	const char *endpoint = aws_variable(self, "AWS_ENDPOINT_URL_STS");
	char text[256];
	struct buf url = buf_of(text, sizeof text);
	struct secret token = { 0 };
	struct secret room = { 0 };
	struct asking asking;
	bool done = false;
	if (endpoint == NULL)
		aws_endpoint_write("sts", self->region, &url);
	const char *made = buf_terminated(&url);
	if (!secret_read_mounted(&token, aws_variable(self, "AWS_WEB_IDENTITY_TOKEN_FILE"),
				 TOKEN_BYTES_MAX, err))
		return false;
	/* Three characters for each, and the other values. */
	if (secret_new(&room, 3 * TOKEN_BYTES_MAX + 8192, err)) {
		struct buf form = buf_of(room.at, room.len);
		role_form_write(self, (struct str){ (const char *)token.at, token.len }, &form);
		if (form.overflow)
			err_set(err, ERR_REFUSED, "AWS_ROLE_ARN is too long");
		else if (asking_begin(&asking, endpoint != NULL ? endpoint : made, deadline_ms,
				      err)) {
			done = role_ask(&asking, buf_view(&form), ret_keys, err);
			asking_end(&asking);
		}
	}
	secret_free(&room);
	secret_free(&token);
	return done;
}

/* ---- container ---- */

/* The token of the container goes there in clear: to this machine and to what stands at the known
 * addresses, or under TLS to anybody. */
static bool is_near(const char *url)
{
	static const char *const hosts[] = { "127.0.0.1",     "localhost",      "[::1]",
					     "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };
	if (strncmp(url, "https://", 8) == 0)
		return true;
	if (strncmp(url, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		size_t len = strlen(hosts[i]);
		if (strncmp(url + 7, hosts[i], len) == 0 && strcspn(url + 7 + len, "/:?") == 0 &&
		    strpbrk(url + 7 + len, "@#\\") == NULL)
			return true;
	}
	return false;
}

static bool container_url_write(const struct aws_credentials *self, struct buf *out,
				struct err *err)
{
	const char *path = aws_variable(self, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	if (path != NULL && path[0] != '/')
		return err_set(err, ERR_REFUSED,
			       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not start with '/'");
	buf_text(out, path != NULL ? CONTAINER_ROOT : "");
	buf_text(out,
		 path != NULL ? path : aws_variable(self, "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
	if (!is_near(buf_terminated(out)) || out->overflow)
		return err_set(err, ERR_REFUSED,
			       "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor one of the "
			       "addresses of a container's own agent");
	return true;
}

/* The token of the file, which is renewed, before that of the variable. */
static bool container_token_read(const struct aws_credentials *self, struct secret *ret_token,
				 struct err *err)
{
	const char *path = aws_variable(self, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *value = aws_variable(self, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (path != NULL && !secret_read_mounted(ret_token, path, TOKEN_BYTES_MAX, err))
		return false;
	if (path == NULL && value != NULL) {
		if (!secret_new(ret_token, strlen(value), err))
			return false;
		memcpy(ret_token->at, value, strlen(value));
	}
	struct str token = { (const char *)ret_token->at, ret_token->len };
	if (token.len == 0 || is_word(token, AWS_TOKEN_LEN_MAX))
		return true;
	secret_free(ret_token);
	return err_set(err, ERR_REFUSED, "the container's authorization token is unusable");
}

static bool container_fetch(const struct aws_credentials *self, int64_t deadline_ms,
			    struct aws_keys *ret_keys, struct err *err)
{
	char text[HTTP_CLIENT_URL_LEN_MAX];
	struct buf url = buf_of(text, sizeof text);
	struct secret token = { 0 };
	struct asking asking;
	if (!container_url_write(self, &url, err) || !container_token_read(self, &token, err))
		return false;
	bool done = asking_begin(&asking, text, deadline_ms, err);
	if (done) {
		struct http_pair header = { STR("Authorization"),
					    { (const char *)token.at, token.len } };
		const struct http_client_request request = { .method = HTTP_GET,
							     .headers = &header,
							     .headers_len = token.len > 0 };
		done = ask(&asking, &request, err) &&
		       aws_keys_read_metadata(asking.response.body, ret_keys, err);
		asking_end(&asking);
	}
	secret_free(&token);
	return done;
}

/* ---- instance ---- */

static bool instance_token_ask(struct asking *asking, struct secret *ret_token, struct err *err)
{
	const struct http_pair age = { STR("X-aws-ec2-metadata-token-ttl-seconds"),
				       STR(INSTANCE_TOKEN_AGE) };
	const struct http_client_request request = { .method = HTTP_PUT,
						     .path = STR("/latest/api/token"),
						     .headers = &age,
						     .headers_len = 1 };
	if (!ask(asking, &request, err))
		return false;
	struct str token = asking->response.body;
	if (!is_word(token, AWS_TOKEN_LEN_MAX))
		return err_set(err, ERR_REFUSED, "the metadata service gave no usable token");
	if (!secret_new(ret_token, token.len, err))
		return false;
	memcpy(ret_token->at, token.at, token.len);
	return true;
}

static bool instance_keys_ask(struct asking *asking, const struct secret *token,
			      struct aws_keys *ret_keys, struct err *err)
{
	const struct http_pair header = { STR("X-aws-ec2-metadata-token"),
					  { (const char *)token->at, token->len } };
	struct http_client_request request = { .method = HTTP_GET,
					       .path = STR(INSTANCE_ROLES),
					       .headers = &header,
					       .headers_len = 1 };
	char text[sizeof INSTANCE_ROLES + ROLE_NAME_LEN_MAX];
	struct buf path = buf_of(text, sizeof text);
	struct str role;
	struct str rest;
	if (!ask(asking, &request, err))
		return false;
	if (!str_cut(asking->response.body, '\n', &role, &rest))
		role = asking->response.body;
	if (!is_word(role, ROLE_NAME_LEN_MAX) || memchr(role.at, '/', role.len) != NULL ||
	    memchr(role.at, '?', role.len) != NULL || memchr(role.at, '#', role.len) != NULL)
		return err_set(err, ERR_NOT_DONE, "the instance has no role");
	buf_text(&path, INSTANCE_ROLES);
	buf_str(&path, role);
	request.path = buf_view(&path);
	return ask(asking, &request, err) &&
	       aws_keys_read_metadata(asking->response.body, ret_keys, err);
}

static bool instance_fetch(const struct aws_credentials *self, int64_t deadline_ms,
			   struct aws_keys *ret_keys, struct err *err)
{
	const char *root = aws_variable(self, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	struct secret token = { 0 };
	struct asking asking;
	/* Three requests share the time. */
	if (!asking_begin(&asking, root != NULL ? root : INSTANCE_ROOT, deadline_ms / 3 + 1, err))
		return false;
	bool done = instance_token_ask(&asking, &token, err) &&
		    instance_keys_ask(&asking, &token, ret_keys, err);
	asking_end(&asking);
	secret_free(&token);
	return done;
}

bool aws_keys_fetch(struct aws_credentials *credentials, int64_t deadline_ms,
		    struct aws_keys *ret_keys, struct err *err)
{
	switch (credentials->source) {
	case AWS_SOURCE_ENVIRONMENT:
		return environment_fetch(credentials, ret_keys, err);
	case AWS_SOURCE_WEB_IDENTITY:
		return web_identity_fetch(credentials, deadline_ms, ret_keys, err);
	case AWS_SOURCE_FILE:
		return file_fetch(credentials, ret_keys, err);
	case AWS_SOURCE_CONTAINER:
		return container_fetch(credentials, deadline_ms, ret_keys, err);
	case AWS_SOURCE_INSTANCE:
		return instance_fetch(credentials, deadline_ms, ret_keys, err);
	}
	CHECK(false);
	return false;
}
