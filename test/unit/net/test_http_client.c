/* The client against our own server, and against sockets that misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/http_client.h"
#include "net/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 20000

struct fixture {
	struct http_server *server;
	pthread_t thread;
	struct http_client *client;
};

static void handle(void *context, struct http_request *request)
{
	(void)context;
	struct str value = STR("none");
	char text[1024];
	struct buf out = buf_of(text, sizeof text);
	if (str_equal_text(request->path, "/base/peer")) {
		http_reply(request, 200, NULL, 0, request->peer);
		return;
	}
	if (str_equal_text(request->path, "/base/moved")) {
		const struct http_pair location = { STR("Location"), STR("/base/peer") };
		http_reply(request, 303, &location, 1, STR("over there"));
		return;
	}
	buf_text(&out, http_method_text(request->method));
	buf_byte(&out, ' ');
	buf_str(&out, request->path_raw);
	buf_byte(&out, '?');
	buf_str(&out, request->query_raw);
	(void)http_header(request, "X-Test", &value);
	buf_byte(&out, ' ');
	buf_str(&out, value);
	value = STR("none");
	(void)http_header(request, "Content-Type", &value);
	buf_byte(&out, ' ');
	buf_str(&out, value);
	buf_byte(&out, ' ');
	buf_str(&out, request->body);
	http_reply(request, 200, NULL, 0, buf_view(&out));
}

static void *serve(void *arg)
{
	http_server_run(arg);
	return NULL;
}

static int setup(void **state)
{
	static struct fixture fixture;
	struct err err;
	struct http_server_options options = { .listen = "127.0.0.1:0",
					       .body_bytes_max = 512,
					       .handle = handle };
	assert_true(http_server_open(&options, &fixture.server, &err));
	assert_int_equal(pthread_create(&fixture.thread, NULL, serve, fixture.server), 0);
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%u/base",
		 (unsigned)http_server_port(fixture.server));
	struct http_client_options client_options = { .url = url, .response_bytes_max = 600 };
	assert_true(http_client_open(&client_options, &fixture.client, &err));
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	http_client_close(fixture->client);
	http_server_stop(fixture->server, 0);
	pthread_join(fixture->thread, NULL);
	http_server_close(fixture->server);
	return 0;
}

static void equal(struct str value, const char *wanted)
{
	if (!str_equal_text(value, wanted))
		print_error("got \"%.*s\"\n", STR_ARG(value));
	assert_true(str_equal_text(value, wanted));
}

static void test_request(void **state)
{
	struct fixture *fixture = *state;
	struct http_client_response response;
	const struct http_pair headers[] = { { STR("X-Test"), STR("a b") } };
	struct http_client_request request = { .method = HTTP_POST,
					       .path = STR("/x?y=1"),
					       .headers = headers,
					       .headers_len = 1,
					       .body = STR("hello") };
	http_client_request(fixture->client, &request, DEADLINE_MS, &response);
	assert_int_equal(response.delivery, HTTP_ANSWERED);
	assert_int_equal(response.status, 200);
	equal(response.body, "POST /base/x?y=1 a b application/x-www-form-urlencoded hello");

	request = (struct http_client_request){ .method = HTTP_GET, .path = STR("/a/../b") };
	http_client_request(fixture->client, &request, DEADLINE_MS, &response);
	assert_int_equal(response.status, 400); /* sent as it is */
	request = (struct http_client_request){ .method = HTTP_DELETE };
	http_client_request(fixture->client, &request, DEADLINE_MS, &response);
	equal(response.body, "DELETE /base? none none ");
	request = (struct http_client_request){ .method = HTTP_HEAD, .path = STR("/x") };
	http_client_request(fixture->client, &request, DEADLINE_MS, &response);
	assert_int_equal(response.status, 200);
	assert_int_equal(response.body.len, 0);
	request = (struct http_client_request){ .method = HTTP_GET, .path = STR("/moved") };
	http_client_request(fixture->client, &request, DEADLINE_MS, &response);
	assert_int_equal(response.status, 303);
	equal(response.body, "over there");
}

static void test_many(void **state)
{
	struct fixture *fixture = *state;
	static struct http_client_response responses[HTTP_CLIENT_REQUESTS_MAX];
	static struct str bodies[HTTP_CLIENT_REQUESTS_MAX];
	static char text[HTTP_CLIENT_REQUESTS_MAX][16];
	for (size_t i = 0; i < HTTP_CLIENT_REQUESTS_MAX; i++) {
		snprintf(text[i], sizeof text[i], "%zu", i);
		bodies[i] = str_from(text[i]);
	}
	for (size_t at_once = 1; at_once <= 4; at_once++) {
		http_client_post_many(fixture->client, bodies, HTTP_CLIENT_REQUESTS_MAX, at_once,
				      DEADLINE_MS, responses);
		for (size_t i = 0; i < HTTP_CLIENT_REQUESTS_MAX; i++) {
			char wanted[64];
			snprintf(wanted, sizeof wanted, "POST /base? none application/json %zu", i);
			assert_int_equal(responses[i].delivery, HTTP_ANSWERED);
			equal(responses[i].body, wanted);
		}
	}
}

/* One connection serves request after request; the environment's proxy is not asked. */
static void test_reconnect_storm_keeps_its_connection(void **state)
{
	struct fixture *fixture = *state;
	struct http_client_response response;
	char first[64];
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
	const struct http_client_request request = { .method = HTTP_GET, .path = STR("/peer") };
	for (int i = 0; i < 3; i++) {
		http_client_request(fixture->client, &request, DEADLINE_MS, &response);
		assert_int_equal(response.delivery, HTTP_ANSWERED);
		if (i == 0)
			assert_true(str_copy(response.body, first, sizeof first));
		equal(response.body, first);
	}
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

static void test_urls(void **state)
{
	(void)state;
	static const char *const wrong[] = { "",           "x",           "127.0.0.1:8545",
					     "ftp://a/",   "file:///etc", "http://",
					     "http:// a/", "ws://a" };
	struct http_client *client;
	struct err err;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct http_client_options options = { .url = wrong[i] };
		assert_false(http_client_open(&options, &client, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	struct http_client_options options = { .url = "https://user:pw@rpc.test:444/v2/secret" };
	assert_true(http_client_open(&options, &client, &err));
	assert_string_equal(http_client_origin(client), "https://rpc.test:444");
	http_client_close(client);
	http_client_close(NULL);
}

/* ---- sockets that misbehave ---- */

struct rogue {
	int fd;
	char url[64];
	const char
		*answer; /* sent after the request has begun to arrive, then the socket is closed */
	bool resets;
	pthread_t thread;
};

static void *run_rogue(void *arg)
{
	struct rogue *rogue = arg;
	int fd = accept(rogue->fd, NULL, NULL);
	char bytes[4096];
	ssize_t got = recv(fd, bytes, sizeof bytes, 0);
	if (got > 0 && rogue->answer != NULL)
		send(fd, rogue->answer, strlen(rogue->answer), MSG_NOSIGNAL);
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	if (rogue->resets)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
	return NULL;
}

static void rogue_listen(struct rogue *rogue)
{
	rogue->fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	assert_int_equal(bind(rogue->fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(rogue->fd, 8), 0);
	assert_int_equal(getsockname(rogue->fd, (struct sockaddr *)&at, &len), 0);
	snprintf(rogue->url, sizeof rogue->url, "http://127.0.0.1:%u/key",
		 (unsigned)ntohs(at.sin_port));
}

static void post_to(const char *url, int64_t deadline_ms, size_t n,
		    struct http_client_response *ret_responses)
{
	struct http_client *client;
	struct err err;
	struct str bodies[] = { STR("{}"), STR("{}") };
	struct http_client_options options = { .url = url, .response_bytes_max = 100 };
	assert_true(http_client_open(&options, &client, &err));
	http_client_post_many(client, bodies, n, 1, deadline_ms, ret_responses);
	for (size_t i = 0; i < n; i++) {
		if (ret_responses[i].delivery == HTTP_ANSWERED)
			continue;
		assert_true(strlen(ret_responses[i].text) > 0);
		assert_null(strstr(ret_responses[i].text, "key")); /* paths stay private */
	}
	http_client_close(client);
}

static enum http_delivery ask_rogue(const char *answer, bool resets)
{
	struct rogue rogue = { .answer = answer, .resets = resets };
	rogue_listen(&rogue);
	assert_int_equal(pthread_create(&rogue.thread, NULL, run_rogue, &rogue), 0);
	struct http_client_response response;
	post_to(rogue.url, DEADLINE_MS, 1, &response);
	pthread_join(rogue.thread, NULL);
	close(rogue.fd);
	return response.delivery;
}

static void test_not_sent_for_sure(void **state)
{
	(void)state;
	struct http_client_response response;
	struct rogue rogue = { 0 };
	rogue_listen(&rogue);
	close(rogue.fd); /* nobody listens there now */
	post_to(rogue.url, DEADLINE_MS, 1, &response);
	assert_int_equal(response.delivery, HTTP_NOT_SENT);
	post_to("http://256.256.256.256.invalid:1/key", DEADLINE_MS, 1, &response);
	assert_int_equal(response.delivery, HTTP_NOT_SENT);
}

static void test_maybe_sent(void **state)
{
	(void)state;
	assert_int_equal(ask_rogue(NULL, false), HTTP_MAYBE_SENT);
	assert_int_equal(ask_rogue(NULL, true), HTTP_MAYBE_SENT);
	assert_int_equal(ask_rogue("nonsense\r\n\r\n", false), HTTP_MAYBE_SENT);
	assert_int_equal(ask_rogue("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false),
			 HTTP_MAYBE_SENT);
	assert_int_equal(ask_rogue("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"
				   "0123456789012345678901234567890123456789012345678901234567890"
				   "1234567890123456789012345678901234567890123456789",
				   false),
			 HTTP_MAYBE_SENT);
	assert_int_equal(ask_rogue("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", false),
			 HTTP_ANSWERED);
}

/* A server that takes connections and never says a word. */
static void test_deadline(void **state)
{
	(void)state;
	struct http_client_response responses[2];
	struct rogue rogue = { 0 };
	rogue_listen(&rogue);
	post_to(rogue.url, 1000, 2, responses);
	assert_int_equal(responses[0].delivery, HTTP_MAYBE_SENT);
	assert_int_equal(responses[1].delivery, HTTP_NOT_SENT); /* its turn did not come */
	close(rogue.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reconnect_storm_keeps_its_connection, setup,
						teardown),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_not_sent_for_sure),
		cmocka_unit_test(test_maybe_sent),
		cmocka_unit_test(test_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
