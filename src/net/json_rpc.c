#include "net/json_rpc.h"

#include "base/check.h"
#include "net/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX_DEFAULT   100
#define DEADLINE_MS_DEFAULT 10000
#define CONNECTIONS_DEFAULT 4

_Static_assert(JSON_RPC_CALLS_MAX <= HTTP_CLIENT_REQUESTS_MAX, "a post for each call is possible");
_Static_assert(JSON_RPC_TEXT_LEN >= HTTP_CLIENT_TEXT_LEN, "reasons are passed on whole");

struct json_rpc {
	struct http_client *client;
	int64_t deadline_ms;
	size_t batch_max;
	size_t connections_max;
	size_t split;                          /* calls in a post of this batch */
	size_t calls;                          /* of this batch */
	size_t starts[JSON_RPC_CALLS_MAX + 1]; /* where each post's body starts */
	size_t posts;
	struct buf request;
	const struct json_sieve *sieve; /* of this batch; NULL: none */
	struct json_rpc_answer answers[JSON_RPC_CALLS_MAX];
	struct json *documents[JSON_RPC_CALLS_MAX]; /* one per post */
	struct http_client_response responses[JSON_RPC_CALLS_MAX];
};

bool json_rpc_open(const struct json_rpc_options *options, struct json_rpc **ret_rpc,
		   struct err *err)
{
	struct json_rpc *rpc = calloc(1, sizeof *rpc);
	CHECK(rpc != NULL);
	rpc->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : DEADLINE_MS_DEFAULT;
	rpc->batch_max = options->batch_max > 0 ? options->batch_max : BATCH_MAX_DEFAULT;
	rpc->connections_max =
		options->connections_max > 0 ? options->connections_max : CONNECTIONS_DEFAULT;
	const struct http_client_options client_options = {
		.url = options->url,
		.connections_max = rpc->connections_max,
		.response_bytes_max = options->response_bytes_max,
	};
	if (!http_client_open(&client_options, &rpc->client, err)) {
		free(rpc);
		return false;
	}
	rpc->request = buf_new(JSON_RPC_REQUEST_BYTES);
	*ret_rpc = rpc;
	return true;
}

static void free_documents(struct json_rpc *rpc)
{
	for (size_t i = 0; i < rpc->posts; i++) {
		json_free(rpc->documents[i]);
		rpc->documents[i] = NULL;
	}
}

void json_rpc_close(struct json_rpc *rpc)
{
	if (rpc == NULL)
		return;
	free_documents(rpc);
	http_client_close(rpc->client);
	buf_free(&rpc->request);
	free(rpc);
}

const char *json_rpc_origin(const struct json_rpc *rpc)
{
	return http_client_origin(rpc->client);
}

/* ---- the request ---- */

void json_rpc_begin(struct json_rpc *rpc)
{
	json_rpc_begin_split(rpc, rpc->batch_max);
}

void json_rpc_begin_split(struct json_rpc *rpc, size_t batch_max)
{
	CHECK(batch_max >= 1);
	free_documents(rpc);
	buf_reset(&rpc->request);
	rpc->split = batch_max < rpc->batch_max ? batch_max : rpc->batch_max;
	rpc->calls = 0;
	rpc->posts = 0;
	rpc->sieve = NULL;
}

void json_rpc_sieve(struct json_rpc *rpc, const struct json_sieve *sieve)
{
	rpc->sieve = sieve;
}

static void end_call(struct json_rpc *rpc)
{
	buf_text(&rpc->request, "]}");
	if (rpc->split > 1 && (rpc->calls % rpc->split == 0))
		buf_byte(&rpc->request, ']');
}

struct buf *json_rpc_add(struct json_rpc *rpc, const char *method)
{
	CHECK(rpc->split > 0 && rpc->calls < JSON_RPC_CALLS_MAX);
	if (rpc->calls > 0)
		end_call(rpc);
	bool opens_post = rpc->calls % rpc->split == 0;
	if (opens_post)
		rpc->starts[rpc->posts++] = rpc->request.len;
	if (rpc->split > 1)
		buf_byte(&rpc->request, opens_post ? '[' : ',');
	buf_format(&rpc->request, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"%s\",\"params\":[",
		   rpc->calls, method);
	rpc->calls++;
	return &rpc->request;
}

/* ---- the answers ---- */

static void set_unknown(struct json_rpc_answer *answers, size_t n, bool is_not_sent,
			const char *text)
{
	for (size_t i = 0; i < n; i++) {
		answers[i] = (struct json_rpc_answer){ .verdict = JSON_RPC_UNKNOWN,
						       .is_not_sent = is_not_sent };
		snprintf(answers[i].text, sizeof answers[i].text, "%s", text);
	}
}

/* NULL for a member that is missing or null: some nodes write "error": null beside a result. */
static const struct json_value *present(const struct json_value *object, const char *name)
{
	const struct json_value *value = json_member(object, name);
	if (value != NULL && json_type_of(value) == JSON_TYPE_NULL)
		return NULL;
	return value;
}

static bool read_error(const struct json_value *error, struct json_rpc_answer *ret_answer)
{
	struct json_rpc_answer answer = { .verdict = JSON_RPC_ERROR };
	if (json_type_of(error) != JSON_TYPE_OBJECT ||
	    !json_i64(json_member(error, "code"), &answer.code) ||
	    !json_string(json_member(error, "message"), &answer.message))
		return false;
	answer.data = present(error, "data");
	*ret_answer = answer;
	return true;
}

static void read_entry(const struct json_value *entry, struct json_rpc_answer *ret_answer)
{
	const struct json_value *error = present(entry, "error");
	const struct json_value *result = json_member(entry, "result");
	if (error != NULL) {
		if (present(entry, "result") != NULL)
			set_unknown(ret_answer, 1, false, "both a result and an error");
		else if (!read_error(error, ret_answer))
			set_unknown(ret_answer, 1, false, "a malformed error");
		return;
	}
	if (result == NULL) {
		set_unknown(ret_answer, 1, false, "neither a result nor an error");
		return;
	}
	*ret_answer = (struct json_rpc_answer){ .verdict = JSON_RPC_RESULT, .result = result };
}

/* True when the entry names one of the calls. */
static bool entry_index(const struct json_value *entry, size_t first, size_t n, size_t *ret_index)
{
	int64_t id;
	if (json_type_of(entry) != JSON_TYPE_OBJECT || !json_i64(json_member(entry, "id"), &id))
		return false;
	if (id < 0 || (uint64_t)id < first || (uint64_t)id >= first + n)
		return false;
	*ret_index = (size_t)id - first;
	return true;
}

/* One object instead of an array: the answer to a lone call, or an error about the whole post. */
static void read_object(const struct json_value *root, size_t first, size_t n,
			struct json_rpc_answer *ret_answers)
{
	size_t index;
	struct json_rpc_answer whole;
	if (entry_index(root, first, n, &index)) {
		read_entry(root, &ret_answers[index]);
		return;
	}
	const struct json_value *error = present(root, "error");
	if (error == NULL || !read_error(error, &whole))
		return;
	char text[JSON_RPC_TEXT_LEN];
	struct str message = whole.message;
	if (message.len > sizeof text / 2)
		message.len = sizeof text / 2;
	snprintf(text, sizeof text, "the whole batch was refused: %.*s (%lld)", STR_ARG(message),
		 (long long)whole.code);
	set_unknown(ret_answers, n, false, text);
}

static void read_array(const struct json_value *root, size_t first, size_t n,
		       struct json_rpc_answer *ret_answers)
{
	bool seen[JSON_RPC_CALLS_MAX] = { false };
	size_t len = json_size(root);
	for (size_t i = 0; i < len; i++) {
		const struct json_value *entry = json_element(root, i);
		size_t index;
		if (!entry_index(entry, first, n, &index))
			continue;
		if (seen[index])
			set_unknown(&ret_answers[index], 1, false, "answered twice");
		else
			read_entry(entry, &ret_answers[index]);
		seen[index] = true;
	}
}

/* A text that the sieve cannot follow is parsed whole: then json_parse says what is wrong. */
static bool parse(struct str body, const struct json_sieve *sieve, struct json **ret_document,
		  struct err *err)
{
	if (sieve == NULL || body.len == 0)
		return json_parse(body, ret_document, err);
	struct buf kept = buf_new(body.len);
	bool sieved = json_sieve_write(sieve, body, &kept);
	bool parsed = json_parse(sieved ? buf_view(&kept) : body, ret_document, err);
	buf_free(&kept);
	return parsed;
}

void json_rpc_read(struct str body, const struct json_sieve *sieve, size_t first, size_t n,
		   struct json_rpc_answer *ret_answers, struct json **ret_document)
{
	CHECK(n >= 1 && n <= JSON_RPC_CALLS_MAX);
	struct err err;
	*ret_document = NULL;
	if (!parse(body, sieve, ret_document, &err)) {
		char text[JSON_RPC_TEXT_LEN];
		snprintf(text, sizeof text, "the answer is not JSON: %.120s", err.text);
		set_unknown(ret_answers, n, false, text);
		return;
	}
	const struct json_value *root = json_root(*ret_document);
	set_unknown(ret_answers, n, false, "no answer to this call");
	if (json_type_of(root) == JSON_TYPE_ARRAY)
		read_array(root, first, n, ret_answers);
	else if (json_type_of(root) == JSON_TYPE_OBJECT)
		read_object(root, first, n, ret_answers);
}

/* ---- both ---- */

static void read_response(struct json_rpc *rpc, size_t post)
{
	const struct http_client_response *response = &rpc->responses[post];
	size_t first = post * rpc->split;
	size_t n = rpc->calls - first < rpc->split ? rpc->calls - first : rpc->split;
	struct json_rpc_answer *answers = &rpc->answers[first];
	if (response->delivery != HTTP_ANSWERED) {
		set_unknown(answers, n, response->delivery == HTTP_NOT_SENT, response->text);
		return;
	}
	/* 429 and 5xx may come from a proxy in front of a node that has done the work. */
	if (response->status != 200) {
		char text[JSON_RPC_TEXT_LEN];
		snprintf(text, sizeof text, "%.100s: HTTP status %u", json_rpc_origin(rpc),
			 response->status);
		set_unknown(answers, n, false, text);
		return;
	}
	json_rpc_read(response->body, rpc->sieve, first, n, answers, &rpc->documents[post]);
}

void json_rpc_run(struct json_rpc *rpc, size_t at_once)
{
	CHECK(rpc->calls > 0);
	buf_text(&rpc->request, "]}");
	if (rpc->split > 1)
		buf_byte(&rpc->request, ']');
	if (rpc->request.overflow) {
		set_unknown(rpc->answers, rpc->calls, true, "the batch is too large to be sent");
		return;
	}
	struct str bodies[JSON_RPC_CALLS_MAX];
	rpc->starts[rpc->posts] = rpc->request.len;
	for (size_t i = 0; i < rpc->posts; i++)
		bodies[i] = (struct str){ rpc->request.at + rpc->starts[i],
					  rpc->starts[i + 1] - rpc->starts[i] };
	if (at_once == 0 || at_once > rpc->connections_max)
		at_once = rpc->connections_max;
	http_client_post_many(rpc->client, bodies, rpc->posts, at_once, rpc->deadline_ms,
			      rpc->responses);
	for (size_t i = 0; i < rpc->posts; i++)
		read_response(rpc, i);
}

const struct json_rpc_answer *json_rpc_answer(const struct json_rpc *rpc, size_t index)
{
	CHECK(index < rpc->calls);
	return &rpc->answers[index];
}

const char *json_rpc_failure(const struct json_rpc *rpc)
{
	for (size_t i = 0; i < rpc->calls; i++)
		if (rpc->answers[i].verdict != JSON_RPC_UNKNOWN)
			return NULL;
	return rpc->calls > 0 ? rpc->answers[0].text : "nothing was asked";
}
