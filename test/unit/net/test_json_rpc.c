#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_server.h"
#include "net/json_rpc.h"

#include <pthread.h>

/* ---- reading an answer ---- */

/* One letter per call: what became of it. */
static char letter(const struct json_rpc_answer *answer)
{
	switch (answer->verdict) {
	case JSON_RPC_RESULT:
		return 'R';
	case JSON_RPC_ERROR:
		return 'E';
	case JSON_RPC_UNKNOWN:
		assert_true(strlen(answer->text) > 0);
		return '?';
	}
	return ' ';
}

static void test_verdicts(void **state)
{
	(void)state;
	static const char *const call_names[] = { "id", "result", "error", NULL };
	static const char *const result_names[] = { "code", "message", "data", NULL };
	static const struct json_sieve sieve = { { call_names, result_names } };
	static const struct {
		const char *body;
		const char *wanted; /* for the calls 5, 6 and 7 */
	} cases[] = {
		{ "[{\"id\":5,\"result\":1},{\"id\":6,\"result\":2},{\"id\":7,\"result\":3}]",
		  "RRR" },
		{ "[{\"id\":7,\"result\":1},{\"id\":5,\"result\":2},{\"id\":6,\"result\":3}]",
		  "RRR" },
		{ "[{\"id\":6,\"result\":null,\"jsonrpc\":\"2.0\",\"more\":{}}]", "?R?" },
		{ "[{\"id\":6,\"error\":{\"code\":-32000,\"message\":\"no\"}}]", "?E?" },
		{ "[{\"id\":6,\"error\":{\"code\":-32000,\"message\":\"no\"},\"result\":null}]",
		  "?E?" },
		{ "[{\"id\":6,\"error\":null,\"result\":\"0x1\"}]", "?R?" },
		{ "[{\"id\":6,\"error\":{\"code\":1,\"message\":\"no\"},\"result\":\"0x1\"}]",
		  "???" },
		{ "[{\"id\":6,\"error\":{\"code\":\"1\",\"message\":\"no\"}}]", "???" },
		{ "[{\"id\":6,\"error\":{\"code\":1}}]", "???" },
		{ "[{\"id\":6,\"error\":{\"message\":\"no\"}}]", "???" },
		{ "[{\"id\":6,\"error\":\"no\"}]", "???" },
		{ "[{\"id\":6}]", "???" },
		{ "[{\"id\":6,\"result\":1},{\"id\":6,\"result\":1}]", "???" },
		{ "[{\"id\":6,\"result\":1},{\"id\":6,\"result\":1},{\"id\":6,\"result\":1}]",
		  "???" },
		{ "[{\"id\":\"6\",\"result\":1}]", "???" },
		{ "[{\"id\":6.0,\"result\":1}]", "???" },
		{ "[{\"id\":4,\"result\":1},{\"id\":8,\"result\":1},{\"id\":-6,\"result\":1}]",
		  "???" },
		{ "[{\"id\":null,\"result\":1},{\"result\":1}]", "???" },
		{ "[5,\"x\",null,[],{\"id\":7,\"result\":1}]", "??R" },
		{ "{\"id\":5,\"result\":1}", "R??" },
		{ "{\"id\":null,\"error\":{\"code\":-32600,\"message\":\"batch too large\"}}",
		  "???" },
		{ "{\"error\":{\"code\":429,\"message\":\"slow down\"}}", "???" },
		{ "{\"id\":null,\"error\":\"x\"}", "???" },
		{ "{}", "???" },
		{ "[]", "???" },
		{ "null", "???" },
		{ "\"x\"", "???" },
		{ "1", "???" },
		{ "", "???" },
		{ "<html>502</html>", "???" },
		{ "[{\"id\":5,\"result\":1}", "???" },
		{ "[{\"id\":5,\"id\":6,\"result\":1}]", "???" },
		{ "[{\"id\":5,\"result\":1}] x", "???" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct json_rpc_answer answers[3];
		struct json *document;
		char got[4] = { 0 };
		json_rpc_read(str_from(cases[i].body), NULL, 5, 3, answers, &document);
		for (size_t k = 0; k < 3; k++)
			got[k] = letter(&answers[k]);
		json_free(document);
		/* A sieve changes nothing about that. */
		json_rpc_read(str_from(cases[i].body), &sieve, 5, 3, answers, &document);
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(letter(&answers[k]), got[k]);
		json_free(document);
		if (strcmp(got, cases[i].wanted) != 0)
			print_error("%s\n", cases[i].body);
		assert_string_equal(got, cases[i].wanted);
	}
}

static void test_what_answers_hold(void **state)
{
	(void)state;
	struct json_rpc_answer answers[3];
	struct json *document;
	struct str text;
	json_rpc_read(
		STR("[{\"id\":0,\"result\":\"0x1\"},"
		    "{\"id\":1,\"error\":{\"code\":3,\"message\":\"reverted\",\"data\":\"0x08\"}},"
		    "{\"id\":2,\"error\":{\"code\":-32000,\"message\":\"\",\"data\":null}}]"),
		NULL, 0, 3, answers, &document);
	assert_true(json_string(answers[0].result, &text));
	assert_true(str_equal_text(text, "0x1"));
	assert_int_equal(answers[1].code, 3);
	assert_true(str_equal_text(answers[1].message, "reverted"));
	assert_true(json_string(answers[1].data, &text));
	assert_true(str_equal_text(text, "0x08"));
	assert_null(answers[2].data);
	json_free(document);

	json_rpc_read(STR("{\"id\":null,\"error\":{\"code\":-32600,\"message\":\"too many\"}}"),
		      NULL, 0, 2, answers, &document);
	assert_string_equal(answers[1].text, "the whole batch was refused: too many (-32600)");
	json_free(document);
}

/* ---- over HTTP ---- */

struct node {
	struct http_server *server;
	pthread_t thread;
	char url[64];
	char bodies[8][512]; /* as they came */
	size_t bodies_len;
	unsigned status; /* of every answer, unless 0 */
};

/* Answers each call with its own id as the result, the last call first. */
static void handle(void *context, struct http_request *request)
{
	struct node *node = context;
	assert_true(node->bodies_len < 8);
	assert_true(str_copy(request->body, node->bodies[node->bodies_len++], 512));
	if (node->status != 0) {
		http_reply(request, node->status, NULL, 0, STR("[]"));
		return;
	}
	struct json *json;
	struct err err;
	char text[512];
	struct buf out = buf_of(text, sizeof text);
	assert_true(json_parse(request->body, &json, &err));
	const struct json_value *root = json_root(json);
	bool is_array = json_type_of(root) == JSON_TYPE_ARRAY;
	size_t n = is_array ? json_size(root) : 1;
	buf_text(&out, is_array ? "[" : "");
	for (size_t i = n; i > 0; i--) {
		int64_t id;
		const struct json_value *call = is_array ? json_element(root, i - 1) : root;
		assert_true(json_i64(json_member(call, "id"), &id));
		buf_format(&out, "%s{\"id\":%d,\"result\":%d}", i == n ? "" : ",", (int)id,
			   (int)id);
	}
	buf_text(&out, is_array ? "]" : "");
	json_free(json);
	http_reply(request, 200, NULL, 0, buf_view(&out));
}

static void *serve(void *arg)
{
	http_server_run(arg);
	return NULL;
}

static int setup(void **state)
{
	static struct node node;
	memset(&node, 0, sizeof node);
	struct err err;
	struct http_server_options options = {
		.listen = "127.0.0.1:0", .body_bytes_max = 511, .handle = handle, .context = &node
	};
	assert_true(http_server_open(&options, &node.server, &err));
	snprintf(node.url, sizeof node.url, "http://127.0.0.1:%u/",
		 (unsigned)http_server_port(node.server));
	assert_int_equal(pthread_create(&node.thread, NULL, serve, node.server), 0);
	*state = &node;
	return 0;
}

static int teardown(void **state)
{
	struct node *node = *state;
	http_server_stop(node->server, 0);
	pthread_join(node->thread, NULL);
	http_server_close(node->server);
	return 0;
}

static struct json_rpc *open_rpc(const char *url, size_t batch_max)
{
	struct json_rpc *rpc;
	struct err err;
	struct json_rpc_options options = { .url = url, .batch_max = batch_max };
	assert_true(json_rpc_open(&options, &rpc, &err));
	return rpc;
}

static void ask(struct json_rpc *rpc, size_t n, size_t at_once)
{
	json_rpc_begin(rpc);
	for (size_t i = 0; i < n; i++)
		buf_format(json_rpc_add(rpc, "m"), "%zu", i);
	json_rpc_run(rpc, at_once);
}

static void test_batches(void **state)
{
	struct node *node = *state;
	struct json_rpc *rpc = open_rpc(node->url, 2);
	for (size_t at_once = 0; at_once < 2; at_once++) {
		node->bodies_len = 0;
		ask(rpc, 5, at_once);
		assert_null(json_rpc_failure(rpc));
		for (size_t i = 0; i < 5; i++) {
			int64_t result;
			assert_int_equal(json_rpc_answer(rpc, i)->verdict, JSON_RPC_RESULT);
			assert_true(json_i64(json_rpc_answer(rpc, i)->result, &result));
			assert_int_equal(result, i);
		}
		assert_int_equal(node->bodies_len, 3);
	}
	/* One after the other they come in order. */
	assert_string_equal(node->bodies[0],
			    "[{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"m\",\"params\":[0]},"
			    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[1]}]");
	assert_string_equal(node->bodies[2],
			    "[{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"m\",\"params\":[4]}]");
	json_rpc_close(rpc);
}

static void test_without_arrays(void **state)
{
	struct node *node = *state;
	struct json_rpc *rpc = open_rpc(node->url, 1);
	ask(rpc, 2, 1);
	assert_int_equal(node->bodies_len, 2);
	assert_string_equal(node->bodies[1],
			    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[1]}");
	assert_int_equal(json_rpc_answer(rpc, 1)->verdict, JSON_RPC_RESULT);
	json_rpc_close(rpc);
}

static void test_statuses_are_unknown(void **state)
{
	struct node *node = *state;
	struct json_rpc *rpc = open_rpc(node->url, 2);
	static const unsigned statuses[] = { 201, 303, 400, 401, 404, 429, 500, 502, 503 };
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		node->bodies_len = 0;
		node->status = statuses[i];
		ask(rpc, 2, 1);
		assert_int_equal(json_rpc_answer(rpc, 1)->verdict, JSON_RPC_UNKNOWN);
		assert_false(json_rpc_answer(rpc, 1)->is_not_sent);
		assert_non_null(json_rpc_failure(rpc));
		assert_non_null(strstr(json_rpc_failure(rpc), "HTTP status"));
	}
	/* A batch that the node finds too large: 413 by our own server. */
	node->status = 0;
	json_rpc_begin(rpc);
	char large[600];
	memset(large, '1', sizeof large);
	buf_bytes(json_rpc_add(rpc, "m"), large, sizeof large);
	json_rpc_run(rpc, 1);
	assert_int_equal(json_rpc_answer(rpc, 0)->verdict, JSON_RPC_UNKNOWN);
	json_rpc_close(rpc);
}

static void test_not_sent(void **state)
{
	(void)state;
	struct json_rpc *rpc = open_rpc("http://127.0.0.1:1/", 2);
	ask(rpc, 3, 1);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(json_rpc_answer(rpc, i)->verdict, JSON_RPC_UNKNOWN);
		assert_true(json_rpc_answer(rpc, i)->is_not_sent);
	}
	json_rpc_begin(rpc);
	static char large[JSON_RPC_REQUEST_BYTES];
	memset(large, '1', sizeof large);
	buf_bytes(json_rpc_add(rpc, "m"), large, sizeof large);
	json_rpc_run(rpc, 1);
	assert_true(json_rpc_answer(rpc, 0)->is_not_sent);
	assert_string_equal(json_rpc_failure(rpc), "the batch is too large to be sent");
	json_rpc_close(rpc);
	json_rpc_close(NULL);

	struct err err;
	struct json_rpc_options options = { .url = "nonsense" };
	assert_false(json_rpc_open(&options, &rpc, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_what_answers_hold),
		cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_arrays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statuses_are_unknown, setup, teardown),
		cmocka_unit_test(test_not_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
