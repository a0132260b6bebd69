#include "cmd/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_KEY_BYTES_MAX 256
#define BEARER            "Bearer "

/* A wildcard address is listened on, but not called. */
static void url_of_config(const struct config *config, char *ret_url, size_t cap)
{
	const char *host = config->api.host;
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	if (strcmp(host, "::") == 0)
		host = "::1";
	(void)snprintf(ret_url, cap, strchr(host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
		       config->api_tls_certificate != NULL ? "https" : "http", host,
		       config->api.port);
}

static bool http_open(const struct invocation *invocation, struct client *client, struct err *err)
{
	char from_config[CONFIG_HOST_LEN_MAX + 32];
	const char *url = invocation_option(invocation, "url");
	const char *file = invocation_option(invocation, "config");
	const char *ca = invocation_option(invocation, "ca-file");
	if (url == NULL)
		url = getenv("SLUICE_URL");
	/* With a URL the configuration is only asked for when it was named. */
	if ((url == NULL || file != NULL) && !config_load(file, &client->config, err))
		return url != NULL ? false : err_wrap(err, "without --url or SLUICE_URL");
	if (url == NULL) {
		url_of_config(client->config, from_config, sizeof from_config);
		url = from_config;
	}
	struct http_client_options options = {
		.url = url,
		.connections_max = 1,
		.ca_file = ca != NULL ? ca : getenv("SLUICE_CA_FILE"),
		.cert_file = invocation_option(invocation, "cert-file"),
		.key_file = invocation_option(invocation, "key-file"),
	};
	return http_client_open(&options, &client->http, err);
}

static bool key_take(struct client *client, struct str key, const char *from, struct err *err)
{
	if (key.len == 0)
		return err_set(err, ERR_REFUSED,
			       "%s is empty; put an API key into it (`sluice api-key create` "
			       "makes one)",
			       from);
	if (key.len > API_KEY_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "%s is too long for an API key", from);
	if (!secret_new(&client->authorization, sizeof BEARER - 1 + key.len, err))
		return false;
	memcpy(client->authorization.at, BEARER, sizeof BEARER - 1);
	memcpy(client->authorization.at + sizeof BEARER - 1, key.at, key.len);
	return true;
}

static bool key_open(const struct invocation *invocation, struct client *client, struct err *err)
{
	const char *file = invocation_option(invocation, "api-key-file");
	const char *variable = getenv("SLUICE_API_KEY");
	struct secret key;
	if (file == NULL && variable == NULL)
		return err_set(err, ERR_REFUSED,
			       "no API key: set SLUICE_API_KEY or name a file with --api-key-file "
			       "(`sluice api-key create` makes one)");
	if (file == NULL)
		return key_take(client, str_from(variable), "SLUICE_API_KEY", err);
	if (!secret_read_file(&key, file, API_KEY_BYTES_MAX, err))
		return false;
	bool ok = key_take(client, str_from_bytes(key.at, key.len), file, err);
	secret_free(&key);
	return ok;
}

bool client_open(const struct invocation *invocation, struct client *ret_client, struct err *err)
{
	struct client client = { 0 };
	if (!key_open(invocation, &client, err) || !http_open(invocation, &client, err)) {
		client_close(&client);
		return false;
	}
	*ret_client = client;
	return true;
}

void client_close(struct client *client)
{
	http_client_close(client->http);
	secret_free(&client->authorization);
	config_free(client->config);
	*client = (struct client){ 0 };
}

struct str client_text(const struct json_value *object, const char *name)
{
	struct str text = { 0 };
	(void)json_string(json_member(object, name), &text);
	return text;
}

int64_t client_number(const struct json_value *object, const char *name)
{
	int64_t value = 0;
	const struct json_value *member = json_member(object, name);
	if (member != NULL)
		(void)json_i64(member, &value);
	return value;
}

void client_print_body(const struct client_answer *answer)
{
	(void)printf("%.*s\n", STR_ARG(answer->body));
}

/* "code: detail (/amount: …; /to: …)" of a problem document; the status of anything else. */
static bool refuse(const struct http_client_response *response, enum err_kind kind, struct err *err)
{
	JSON_OWNED json = NULL;
	char bytes[ERR_TEXT_LEN];
	struct buf out = buf_of(bytes, sizeof bytes);
	const struct json_value *root = NULL;
	if (json_parse(response->body, &json, NULL))
		root = json_root(json);
	struct str code = client_text(root, "code"), detail = client_text(root, "detail");
	if (code.len == 0)
		return err_set(err, kind, "the API answered %u", response->status);
	buf_format(&out, "%.*s: %.*s", STR_ARG(code), STR_ARG(detail));
	const struct json_value *errors = json_member(root, "errors");
	for (size_t i = 0; i < json_size(errors); i++) {
		const struct json_value *entry = json_element(errors, i);
		struct str pointer = client_text(entry, "pointer");
		struct str reason = client_text(entry, "detail");
		bool is_same = str_equal(reason, detail); /* the first one gives the document its */
		buf_format(&out, "%s%.*s%s%.*s", i == 0 ? " (" : "; ", STR_ARG(pointer),
			   is_same || pointer.len == 0 ? "" : ": ", is_same ? 0 : (int)reason.len,
			   reason.at);
	}
	if (json_size(errors) > 0)
		buf_byte(&out, ')');
	return err_set(err, kind, "%s", buf_terminated(&out));
}

static bool judge(struct client *client, const struct http_client_response *response,
		  struct client_answer *ret_answer, struct err *err)
{
	switch (response->delivery) { /* its text names the origin */
	case HTTP_NOT_SENT:
		return err_set(err, ERR_NOT_DONE, "%s", response->text);
	case HTTP_MAYBE_SENT:
		return err_set(err, ERR_MAYBE_DONE, "%s", response->text);
	case HTTP_ANSWERED:
		break;
	}
	if (response->status == 429)
		return refuse(response, ERR_NOT_DONE, err);
	if (response->status >= 500)
		return refuse(response, ERR_MAYBE_DONE, err);
	if (response->status < 200 || response->status > 299)
		return refuse(response, ERR_REFUSED, err);
	struct client_answer answer = { .status = response->status, .body = response->body };
	if (!json_parse(response->body, &answer.json, err))
		return err_wrap(err, "%s: the answer is no JSON", http_client_origin(client->http));
	*ret_answer = answer;
	return true;
}

bool client_get(struct client *client, const char *path, struct client_answer *ret_answer,
		struct err *err)
{
	struct http_client_response response;
	const struct http_pair headers[] = {
		{ STR("Authorization"),
		  str_from_bytes(client->authorization.at, client->authorization.len) },
	};
	struct http_client_request request = {
		.method = HTTP_GET,
		.path = str_from(path),
		.headers = headers,
		.headers_len = 1,
	};
	http_client_request(client->http, &request, CLIENT_DEADLINE_MS, &response);
	return judge(client, &response, ret_answer, err);
}

bool client_post(struct client *client, const char *path, const char *idempotency_key,
		 struct str body, struct client_answer *ret_answer, struct err *err)
{
	struct http_client_response response;
	struct http_pair headers[3] = {
		{ STR("Authorization"),
		  str_from_bytes(client->authorization.at, client->authorization.len) },
	};
	size_t len = 1;
	if (body.len > 0)
		headers[len++] = (struct http_pair){ STR("Content-Type"), STR("application/json") };
	if (idempotency_key != NULL)
		headers[len++] =
			(struct http_pair){ STR("Idempotency-Key"), str_from(idempotency_key) };
	struct http_client_request request = {
		.method = HTTP_POST,
		.path = str_from(path),
		.headers = headers,
		.headers_len = len,
		.body = body,
	};
	http_client_request(client->http, &request, CLIENT_DEADLINE_MS, &response);
	return judge(client, &response, ret_answer, err);
}
