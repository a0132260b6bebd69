#include "net/aws_client.h"

#include "base/check.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TARGET_LEN_MAX  96
#define HEADERS_MAX     3
#define MESSAGE_LEN_MAX 80

struct aws_client {
	struct aws_client_options options;
	char endpoint[HTTP_CLIENT_URL_LEN_MAX];
	char region[AWS_REGION_LEN_MAX + 1];
	struct http_client *first;
	struct http_client *again; /* for what is sent once more, so that both keep their answers */
	struct http_client_request requests[HTTP_CLIENT_REQUESTS_MAX];
	struct http_pair headers[HTTP_CLIENT_REQUESTS_MAX][HEADERS_MAX];
	char targets[HTTP_CLIENT_REQUESTS_MAX][TARGET_LEN_MAX];
	struct http_client_response responses[HTTP_CLIENT_REQUESTS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec now;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- opening ---- */

/* Of a configured endpoint only the host: what is signed has no path. */
static bool endpoint_read(const char *text, char *ret_endpoint, size_t cap, struct err *err)
{
	const char *host = strstr(text, "://");
	if (!str_copy(str_from(text), ret_endpoint, cap) || host == NULL)
		return err_set(err, ERR_REFUSED, "the endpoint is not http(s)://host[:port]");
	size_t len = strlen(text);
	if (text[len - 1] == '/')
		ret_endpoint[len - 1] = 0;
	if (strpbrk(ret_endpoint + (host - text) + 3, "/?#@") != NULL)
		return err_set(err, ERR_REFUSED,
			       "the endpoint is not http(s)://host[:port]: it may have no path");
	return true;
}

static bool client_open(const struct aws_client *self, struct http_client **ret_client,
			struct err *err)
{
	const struct http_client_options options = {
		.url = self->endpoint,
		.connections_max = self->options.connections_max,
		.response_bytes_max = self->options.response_bytes_max,
	};
	return http_client_open(&options, ret_client, err);
}

bool aws_client_open(const struct aws_client_options *options, struct aws_client **ret_client,
		     struct err *err)
{
	CHECK(options->service != NULL && options->target != NULL && options->credentials != NULL);
	CHECK(aws_is_region(options->region));
	struct aws_client *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->options = *options;
	CHECK(str_copy(str_from(options->region), self->region, sizeof self->region));
	struct buf url = buf_of(self->endpoint, sizeof self->endpoint);
	bool is_own = options->endpoint == NULL || options->endpoint[0] == 0;
	if (is_own) {
		aws_endpoint_write(options->service, self->region, &url);
		CHECK(buf_terminated(&url) != NULL && !url.overflow);
	}
	if ((!is_own &&
	     !endpoint_read(options->endpoint, self->endpoint, sizeof self->endpoint, err)) ||
	    !client_open(self, &self->first, err)) {
		aws_client_close(self);
		return false;
	}
	*ret_client = self;
	return true;
}

void aws_client_close(struct aws_client *client)
{
	if (client == NULL)
		return;
	http_client_close(client->again);
	http_client_close(client->first);
	free(client);
}

const char *aws_client_origin(const struct aws_client *client)
{
	return http_client_origin(client->first);
}

void aws_client_wipe(struct aws_client *client)
{
	http_client_wipe(client->first);
	if (client->again != NULL)
		http_client_wipe(client->again);
}

/* ---- what an answer means ---- */

static bool is_among(const char *fault, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(fault, *names) == 0)
			return true;
	return false;
}

/* Others may be had. */
static bool is_stale(const char *fault)
{
	static const char *const names[] = { "ExpiredToken",         "ExpiredTokenException",
					     "InvalidClientTokenId", "UnrecognizedClientException",
					     "InvalidAccessKeyId",   NULL };
	return is_among(fault, names);
}

static bool is_denied(const char *fault)
{
	static const char *const names[] = { "AccessDenied",
					     "AccessDeniedException",
					     "IncompleteSignature",
					     "IncompleteSignatureException",
					     "InvalidSecurity",
					     "InvalidSignatureException",
					     "MissingAuthenticationToken",
					     "MissingAuthenticationTokenException",
					     "NotAuthorized",
					     "OptInRequired",
					     "RequestExpired",
					     "SignatureDoesNotMatch",
					     NULL };
	return is_stale(fault) || is_among(fault, names);
}

static bool is_busy(const char *fault)
{
	static const char *const names[] = { "KmsThrottled",
					     "OverLimit",
					     "RequestLimitExceeded",
					     "RequestThrottled",
					     "RequestThrottledException",
					     "SlowDown",
					     "Throttling",
					     "ThrottlingException",
					     "ThrottledException",
					     "TooManyRequestsException",
					     NULL };
	return is_among(fault, names);
}

/* "com.amazonaws.sqs#QueueDoesNotExist": the name behind the '#'. */
static void fault_read(const struct json_value *root, char ret_fault[AWS_FAULT_LEN_MAX + 1])
{
	struct str type = { 0 };
	struct str space;
	struct str name;
	ret_fault[0] = 0;
	if (!json_string(json_member(root, "__type"), &type))
		return;
	if (!str_cut(type, '#', &space, &name))
		name = type;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~')
			return;
	(void)str_copy(name, ret_fault, AWS_FAULT_LEN_MAX + 1);
}

/* What the service says to people. Of a signature that it does not like it tells what it would have
 * signed, the session token included. */
static void message_write(const struct json_value *root, struct buf *out)
{
	struct str message = { 0 };
	if (!json_string(json_member(root, "message"), &message) &&
	    !json_string(json_member(root, "Message"), &message))
		return;
	buf_text(out, ": ");
	for (size_t i = 0; i < message.len && i < MESSAGE_LEN_MAX; i++)
		buf_byte(out, message.at[i] >= ' ' && message.at[i] <= '~' ? (uint8_t)message.at[i]
									   : '?');
}

static enum aws_verdict verdict_of(unsigned status, const char *fault)
{
	if (is_denied(fault))
		return AWS_DENIED;
	if (is_busy(fault) || status == 429)
		return AWS_BUSY;
	if (fault[0] == 0 && (status == 401 || status == 403))
		return AWS_DENIED;
	return status >= 300 && status < 500 && status != 408 ? AWS_REFUSED : AWS_UNKNOWN;
}

void aws_answer_read(unsigned status, struct str body, const char *origin,
		     struct aws_answer *ret_answer)
{
	JSON_OWNED json = NULL;
	struct err syntax;
	*ret_answer = (struct aws_answer){ .status = status, .body = body };
	if (status == 200)
		return;
	const struct json_value *root = json_parse(body, &json, &syntax) ? json_root(json) : NULL;
	fault_read(root, ret_answer->fault);
	ret_answer->verdict = verdict_of(status, ret_answer->fault);
	struct buf out = buf_of(ret_answer->text, sizeof ret_answer->text);
	buf_format(&out, "%.60s: HTTP status %u%s%.40s", origin, status,
		   ret_answer->fault[0] != 0 ? " " : "", ret_answer->fault);
	if (ret_answer->verdict == AWS_REFUSED)
		message_write(root, &out);
	(void)buf_terminated(&out);
}

bool aws_answer_check(const struct aws_answer *answer, struct err *err)
{
	switch (answer->verdict) {
	case AWS_DONE:
		return true;
	case AWS_NOT_SENT:
	case AWS_DENIED:
	case AWS_BUSY:
		return err_set(err, ERR_NOT_DONE, "%s", answer->text);
	case AWS_REFUSED:
		return err_set(err, ERR_REFUSED, "%s", answer->text);
	case AWS_UNKNOWN:
		return err_set(err, ERR_MAYBE_DONE, "%s", answer->text);
	}
	CHECK(false);
	return false;
}

/* ---- a call ---- */

static void answer_set(const struct http_client_response *response, const char *origin,
		       struct aws_answer *ret_answer)
{
	if (response->delivery == HTTP_ANSWERED) {
		aws_answer_read(response->status, response->body, origin, ret_answer);
		return;
	}
	*ret_answer =
		(struct aws_answer){ .verdict = response->delivery == HTTP_NOT_SENT ? AWS_NOT_SENT
										    : AWS_UNKNOWN };
	snprintf(ret_answer->text, sizeof ret_answer->text, "%s", response->text);
}

static void request_make(struct aws_client *self, size_t index, const struct aws_request *request,
			 const struct aws_keys *keys, const struct http_signing *signing)
{
	struct http_pair *headers = self->headers[index];
	struct buf target = buf_of(self->targets[index], sizeof self->targets[index]);
	buf_format(&target, "%s.%s", self->options.target, request->action);
	CHECK(!target.overflow);
	headers[0] = (struct http_pair){ STR("Content-Type"),
					 self->options.json == AWS_JSON_1_0
						 ? STR("application/x-amz-json-1.0")
						 : STR("application/x-amz-json-1.1") };
	headers[1] = (struct http_pair){ STR("X-Amz-Target"), buf_view(&target) };
	headers[2] = (struct http_pair){ STR("X-Amz-Security-Token"), str_from(keys->token) };
	self->requests[index] =
		(struct http_client_request){ .method = HTTP_POST,
					      .headers = headers,
					      .headers_len = keys->token[0] != 0 ? 3 : 2,
					      .body = request->body,
					      .signing = signing };
}

/* `which` are the numbers of those to be sent. */
static void send_some(struct aws_client *self, struct http_client *client,
		      const struct aws_request *requests, const size_t *which, size_t n,
		      size_t at_once, int64_t end_ms, struct aws_answer *ret_answers)
{
	const struct aws_keys *keys = NULL;
	struct err err = { 0 };
	int64_t left_ms = end_ms - now_ms();
	if (!aws_credentials_keys(self->options.credentials, left_ms > 0 ? left_ms : 1, &keys,
				  &err)) {
		for (size_t i = 0; i < n; i++) {
			ret_answers[which[i]] = (struct aws_answer){ .verdict = AWS_NOT_SENT };
			snprintf(ret_answers[which[i]].text, sizeof ret_answers[which[i]].text,
				 "%.150s", err.text);
		}
		return;
	}
	const struct http_signing signing = { .region = self->region,
					      .service = self->options.service,
					      .key_id = keys->key_id,
					      .secret = keys->secret };
	for (size_t i = 0; i < n; i++)
		request_make(self, i, &requests[which[i]], keys, &signing);
	left_ms = end_ms - now_ms();
	http_client_perform(client, self->requests, n, at_once, left_ms > 0 ? left_ms : 1,
			    self->responses);
	for (size_t i = 0; i < n; i++)
		answer_set(&self->responses[i], http_client_origin(client), &ret_answers[which[i]]);
}

void aws_client_call(struct aws_client *client, const struct aws_request *requests, size_t n,
		     size_t at_once, int64_t deadline_ms, struct aws_answer *ret_answers)
{
	CHECK(n >= 1 && n <= HTTP_CLIENT_REQUESTS_MAX && deadline_ms > 0);
	size_t which[HTTP_CLIENT_REQUESTS_MAX];
	size_t stale = 0;
	int64_t end_ms = now_ms() + deadline_ms;
	for (size_t i = 0; i < n; i++)
		which[i] = i;
	send_some(client, client->first, requests, which, n, at_once, end_ms, ret_answers);
	for (size_t i = 0; i < n; i++)
		if (ret_answers[i].verdict == AWS_DENIED && is_stale(ret_answers[i].fault))
			which[stale++] = i;
	int64_t left_ms = end_ms - now_ms();
	if (stale == 0 || left_ms <= 0 ||
	    !aws_credentials_renew(client->options.credentials, left_ms))
		return;
	struct err err;
	if (client->again == NULL && !client_open(client, &client->again, &err))
		return;
	send_some(client, client->again, requests, which, stale, at_once, end_ms, ret_answers);
}
