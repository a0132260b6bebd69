/* A server on a thread of its own, and clients that write raw bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/http_server.h"
#include "net/loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000 /* a test that waits this long has failed */
#define BIG_BYTES   (8u << 20)
#define HOST        "Host: sluice.test\r\n"

struct fixture {
	struct http_server *server;
	pthread_t thread;
	bool is_joined;
	atomic_int handled;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct http_request *held; /* by /hold */
	char *big;
};

static void reply_text(struct http_request *request, unsigned status, struct str text)
{
	const struct http_pair type = { STR("Content-Type"), STR("text/plain") };
	http_reply(request, status, &type, 1, text);
}

static void echo(struct http_request *request)
{
	char text[512];
	struct buf out = buf_of(text, sizeof text);
	buf_text(&out, http_method_text(request->method));
	buf_byte(&out, ' ');
	buf_str(&out, request->path_raw);
	buf_byte(&out, '?');
	buf_str(&out, request->query_raw);
	buf_byte(&out, '|');
	buf_str(&out, request->body);
	reply_text(request, 200, buf_view(&out));
}

static void run_echo(void *arg)
{
	echo(arg);
}

struct deferral {
	struct http_server *server;
	struct http_request *request;
};

static void *post_echo(void *arg)
{
	struct deferral *deferral = arg;
	assert_true(http_server_post(deferral->server, run_echo, deferral->request));
	return NULL;
}

/* Answers from another thread, which is gone before the answer is made. */
static void defer(struct fixture *fixture, struct http_request *request)
{
	struct deferral *deferral = http_request_alloc(request, sizeof *deferral);
	*deferral = (struct deferral){ fixture->server, request };
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, post_echo, deferral), 0);
	pthread_join(thread, NULL);
}

static void hold(struct fixture *fixture, struct http_request *request)
{
	pthread_mutex_lock(&fixture->mutex);
	fixture->held = request;
	pthread_cond_broadcast(&fixture->changed);
	pthread_mutex_unlock(&fixture->mutex);
}

static void handle(void *context, struct http_request *request)
{
	struct fixture *fixture = context;
	atomic_fetch_add(&fixture->handled, 1);
	if (str_starts_with(request->path, STR("/defer")))
		defer(fixture, request);
	else if (str_equal_text(request->path, "/hold"))
		hold(fixture, request);
	else if (str_equal_text(request->path, "/big"))
		reply_text(request, 200, str_from_bytes(fixture->big, BIG_BYTES));
	else if (str_equal_text(request->path, "/peer"))
		reply_text(request, 200, request->peer);
	else
		echo(request);
}

static struct http_request *wait_held(struct fixture *fixture)
{
	pthread_mutex_lock(&fixture->mutex);
	while (fixture->held == NULL)
		pthread_cond_wait(&fixture->changed, &fixture->mutex);
	struct http_request *held = fixture->held;
	fixture->held = NULL;
	pthread_mutex_unlock(&fixture->mutex);
	return held;
}

static void *serve(void *arg)
{
	struct fixture *fixture = arg;
	http_server_run(fixture->server);
	return NULL;
}

static void start(struct fixture *fixture, struct http_server_options options)
{
	struct err err;
	memset(fixture, 0, sizeof *fixture);
	pthread_mutex_init(&fixture->mutex, NULL);
	pthread_cond_init(&fixture->changed, NULL);
	options.listen = "127.0.0.1:0";
	options.body_bytes_max = 1024;
	if (options.handle == NULL)
		options.handle = handle;
	options.context = fixture;
	assert_true(http_server_open(&options, &fixture->server, &err));
	assert_int_equal(pthread_create(&fixture->thread, NULL, serve, fixture), 0);
}

static void join(struct fixture *fixture)
{
	assert_int_equal(pthread_join(fixture->thread, NULL), 0);
	fixture->is_joined = true;
}

static void stop(struct fixture *fixture)
{
	if (!fixture->is_joined) {
		http_server_stop(fixture->server, 0);
		join(fixture);
	}
	http_server_close(fixture->server);
	free(fixture->big);
	pthread_cond_destroy(&fixture->changed);
	pthread_mutex_destroy(&fixture->mutex);
}

static int dial(const struct fixture *fixture)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(http_server_port(fixture->server)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void say(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t sent = send(fd, text.at, text.len, MSG_NOSIGNAL);
		assert_true(sent > 0);
		text = str_skip(text, (size_t)sent);
	}
}
#define SAY(fd, text) say(fd, STR(text))

struct reply {
	unsigned status;
	char head[2048];
	char body[2048];
	size_t body_len;
};

/* Reads up to the empty line, byte by byte, so that nothing of the next reply is taken. */
static void read_head(int fd, struct reply *ret_reply)
{
	size_t len = 0;
	ret_reply->head[0] = 0;
	while (strstr(ret_reply->head, "\r\n\r\n") == NULL) {
		assert_true(len + 1 < sizeof ret_reply->head);
		assert_int_equal(recv(fd, ret_reply->head + len, 1, 0), 1);
		ret_reply->head[++len] = 0;
	}
	assert_int_equal(sscanf(ret_reply->head, "HTTP/1.1 %u ", &ret_reply->status), 1);
}

static void read_reply(int fd, struct reply *ret_reply)
{
	read_head(fd, ret_reply);
	const char *length = strstr(ret_reply->head, "\r\nContent-Length: ");
	assert_non_null(length);
	assert_int_equal(sscanf(length, "\r\nContent-Length: %zu", &ret_reply->body_len), 1);
	assert_true(ret_reply->body_len < sizeof ret_reply->body);
	size_t len = 0;
	while (len < ret_reply->body_len) {
		ssize_t got = recv(fd, ret_reply->body + len, ret_reply->body_len - len, 0);
		assert_true(got > 0);
		len += (size_t)got;
	}
	ret_reply->body[len] = 0;
}

static bool is_closed(int fd)
{
	char byte;
	return recv(fd, &byte, 1, 0) == 0;
}

static void reset_connection(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
	close(fd);
}

static void run_noting(void *arg)
{
	struct fixture *fixture = arg;
	pthread_mutex_lock(&fixture->mutex);
	fixture->is_joined = true;
	pthread_cond_broadcast(&fixture->changed);
	pthread_mutex_unlock(&fixture->mutex);
}

/* Returns when the loop has worked off what was posted before. */
static void wait_loop(struct fixture *fixture)
{
	assert_true(http_server_post(fixture->server, run_noting, fixture));
	pthread_mutex_lock(&fixture->mutex);
	while (!fixture->is_joined)
		pthread_cond_wait(&fixture->changed, &fixture->mutex);
	fixture->is_joined = false;
	pthread_mutex_unlock(&fixture->mutex);
}

/* ---- tests ---- */

static void test_keep_alive(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	int fd = dial(&fixture);
	struct reply reply;
	for (int i = 0; i < 3; i++) {
		SAY(fd, "POST /echo/a%20b?x=1 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
		read_reply(fd, &reply);
		assert_int_equal(reply.status, 200);
		assert_string_equal(reply.body, "POST /echo/a%20b?x=1|hello");
		assert_non_null(strstr(reply.head, "\r\nDate: "));
		assert_non_null(strstr(reply.head, "\r\nContent-Type: text/plain\r\n"));
		assert_null(strstr(reply.head, "Connection: close"));
	}
	SAY(fd, "GET /peer HTTP/1.1\r\n" HOST "\r\n");
	read_reply(fd, &reply);
	assert_memory_equal(reply.body, "127.0.0.1:", 10);
	SAY(fd, "HEAD /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	read_head(fd, &reply);
	assert_non_null(strstr(reply.head, "\r\nContent-Length: 12\r\n"));
	assert_non_null(strstr(reply.head, "\r\nConnection: close\r\n"));
	assert_true(is_closed(fd));
	close(fd);
	stop(&fixture);
}

/* The table of what is refused is test_http_parse's; here: nothing reaches the handler, the answer
 * is problem+json, the connection is closed, and what follows on it is not read as a request. */
static void test_refusals(void **state)
{
	(void)state;
	static const struct {
		unsigned status;
		const char *code;
		struct str text;
	} cases[] = {
		{ 400,
		  "request_malformed",
		  { "POST / HTTP/1.1\r\n" HOST
		    "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		    0 } },
		{ 400,
		  "request_malformed",
		  { "POST / HTTP/1.1\r\n" HOST
		    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    0 } },
		{ 400, "request_malformed", { "GET / HTTP/1.1\r\n\r\n", 0 } },
		{ 413,
		  "body_too_large",
		  { "POST / HTTP/1.1\r\n" HOST "Content-Length: 1025\r\n\r\n", 0 } },
		{ 417, "expectation_failed", { "GET / HTTP/1.1\r\n" HOST "Expect: x\r\n\r\n", 0 } },
		{ 501, "method_not_implemented", { "BREW / HTTP/1.1\r\n" HOST "\r\n", 0 } },
		{ 505, "version_not_supported", { "GET / HTTP/3.0\r\n" HOST "\r\n", 0 } },
	};
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int fd = dial(&fixture);
		struct reply reply;
		say(fd, str_from(cases[i].text.at));
		SAY(fd, "GET /smuggled HTTP/1.1\r\n" HOST "\r\n");
		read_reply(fd, &reply);
		assert_int_equal(reply.status, cases[i].status);
		assert_non_null(strstr(reply.body, cases[i].code));
		assert_non_null(
			strstr(reply.head, "\r\nContent-Type: application/problem+json\r\n"));
		assert_non_null(strstr(reply.head, "\r\nConnection: close\r\n"));
		assert_true(is_closed(fd));
		close(fd);
	}
	assert_int_equal(atomic_load(&fixture.handled), 0);
	stop(&fixture);
}

static void refuse_in_own_words(void *context, struct http_request *request,
				const struct http_refusal *refusal)
{
	(void)context;
	assert_true(request->peer.len > 0);
	assert_int_equal(request->headers_len, 0);
	reply_text(request, refusal->status, STR("own words"));
}

static void test_refusals_by_hook(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ .refused = refuse_in_own_words });
	int fd = dial(&fixture);
	struct reply reply;
	SAY(fd, "GET /echo HTTP/1.1\r\n" HOST "X: 1\r\n\r\nnonsense\r\n\r\n");
	read_reply(fd, &reply);
	assert_int_equal(reply.status, 200);
	read_reply(fd, &reply);
	assert_int_equal(reply.status, 400);
	assert_string_equal(reply.body, "own words");
	assert_true(is_closed(fd));
	close(fd);
	stop(&fixture);
}

/* The client goes on sending a body that is refused: it must still be able to read why. */
static void test_refused_body_is_drained(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	int fd = dial(&fixture);
	SAY(fd, "POST / HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n");
	static char body[300000];
	memset(body, 'x', sizeof body);
	say(fd, str_from_bytes(body, sizeof body));
	struct reply reply;
	read_reply(fd, &reply);
	assert_int_equal(reply.status, 413);
	assert_true(is_closed(fd));
	close(fd);
	stop(&fixture);
}

#define PIPELINED 600

/* More than the input buffer holds, deferred and direct answers mixed: all come, in order. */
static void test_pipelined(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	int fd = dial(&fixture);
	struct buf text = buf_new(PIPELINED * 128);
	for (int i = 0; i < PIPELINED; i++)
		buf_format(&text, "POST /%s/%d HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n%04d",
			   i % 3 == 0 ? "echo" : "defer", i, i);
	assert_false(text.overflow);
	say(fd, buf_view(&text));
	for (int i = 0; i < PIPELINED; i++) {
		char wanted[64];
		snprintf(wanted, sizeof wanted, "POST /%s/%d?|%04d", i % 3 == 0 ? "echo" : "defer",
			 i, i);
		struct reply reply;
		read_reply(fd, &reply);
		assert_string_equal(reply.body, wanted);
	}
	buf_free(&text);
	close(fd);
	stop(&fixture);
}

static void test_half_closed_client_is_answered(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	int fd = dial(&fixture);
	SAY(fd, "GET /defer/1 HTTP/1.1\r\n" HOST "\r\nGET /hold HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	struct reply reply;
	read_reply(fd, &reply);
	assert_string_equal(reply.body, "GET /defer/1?|");
	assert_true(http_server_post(fixture.server, run_echo, wait_held(&fixture)));
	read_reply(fd, &reply);
	assert_string_equal(reply.body, "GET /hold?|");
	assert_true(is_closed(fd));
	close(fd);
	stop(&fixture);
}

/* Gone in the middle of a request, while it is worked on, and with more behind it. */
static void test_client_goes_away(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	for (int i = 0; i < 20; i++) {
		int fd = dial(&fixture);
		if (i % 4 == 3)
			SAY(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\nGET /echo HTTP/1.1\r\n" HOST);
		else
			SAY(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
		struct http_request *held = wait_held(&fixture);
		if (i % 2 == 0)
			reset_connection(fd);
		else
			close(fd);
		if (i % 3 != 0)
			wait_loop(&fixture); /* the server has seen it, or not yet */
		assert_true(http_server_post(fixture.server, run_echo, held));
		wait_loop(&fixture);
	}
	int fd = dial(&fixture);
	SAY(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
	reset_connection(fd);
	fd = dial(&fixture);
	SAY(fd, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	struct reply reply;
	read_reply(fd, &reply);
	assert_int_equal(reply.status, 200);
	close(fd);
	stop(&fixture);
}

static void test_slow_clients_stall_nobody(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	fixture.big = malloc(BIG_BYTES);
	memset(fixture.big, 'b', BIG_BYTES);
	int half = dial(&fixture);
	SAY(half, "POST /echo HTTP/1.1\r\n" HOST "Content-Le");
	int waits = dial(&fixture);
	SAY(waits, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	struct http_request *held = wait_held(&fixture);
	int reads_nothing = dial(&fixture);
	SAY(reads_nothing, "GET /big HTTP/1.1\r\n" HOST "\r\nGET /echo HTTP/1.1\r\n" HOST "\r\n");
	struct reply reply;
	for (int i = 0; i < 50; i++) {
		int fd = dial(&fixture);
		SAY(fd, "GET /defer HTTP/1.1\r\n" HOST "\r\n");
		read_reply(fd, &reply);
		assert_int_equal(reply.status, 200);
		close(fd);
	}
	SAY(half, "ngth: 2\r\n\r\nok");
	read_reply(half, &reply);
	assert_string_equal(reply.body, "POST /echo?|ok");
	assert_true(http_server_post(fixture.server, run_echo, held));
	read_reply(waits, &reply);
	read_head(reads_nothing, &reply);
	size_t left = BIG_BYTES;
	static char part[65536];
	while (left > 0) {
		ssize_t got = recv(reads_nothing, part, left < sizeof part ? left : sizeof part, 0);
		assert_true(got > 0);
		left -= (size_t)got;
	}
	read_reply(reads_nothing, &reply);
	assert_string_equal(reply.body, "GET /echo?|");
	close(half);
	close(waits);
	close(reads_nothing);
	stop(&fixture);
}

static void test_timeouts(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ .idle_timeout_ms = 1,
						      .read_timeout_ms = 1,
						      .write_timeout_ms = 1 });
	fixture.big = malloc(BIG_BYTES);
	memset(fixture.big, 'b', BIG_BYTES);
	struct reply reply;
	int idle = dial(&fixture);
	assert_true(is_closed(idle));
	close(idle);

	int used = dial(&fixture);
	SAY(used, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	read_reply(used, &reply);
	assert_true(is_closed(used));
	close(used);

	int slow = dial(&fixture);
	SAY(slow, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
	read_reply(slow, &reply);
	assert_int_equal(reply.status, 408);
	assert_non_null(strstr(reply.body, "request_timeout"));
	assert_true(is_closed(slow));
	close(slow);

	/* A request under way is the handler's to answer, however long it takes. */
	int held = dial(&fixture);
	SAY(held, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	struct http_request *request = wait_held(&fixture);
	int deaf = dial(&fixture);
	SAY(deaf, "GET /big HTTP/1.1\r\n" HOST "\r\n");
	struct pollfd gone = { .fd = deaf, .events = POLLRDHUP };
	assert_int_equal(poll(&gone, 1, PATIENCE_MS), 1);
	assert_true(http_server_post(fixture.server, run_echo, request));
	read_reply(held, &reply);
	assert_int_equal(reply.status, 200);
	close(held);
	close(deaf);
	stop(&fixture);
}

static void test_expect_continue(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	int fd = dial(&fixture);
	struct reply reply;
	SAY(fd, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	read_head(fd, &reply);
	assert_int_equal(reply.status, 100);
	SAY(fd, "ok");
	read_reply(fd, &reply);
	assert_string_equal(reply.body, "POST /echo?|ok");
	SAY(fd,
	    "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
	read_reply(fd, &reply);
	assert_int_equal(reply.status, 200);
	SAY(fd,
	    "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n");
	read_reply(fd, &reply);
	assert_int_equal(reply.status, 413);
	close(fd);
	stop(&fixture);
}

/* At the bound an idle connection makes room; connections with work never do. */
static void test_connections_max(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ .connections_max = 2 });
	struct reply reply;
	int idle = dial(&fixture);
	SAY(idle, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	read_reply(idle, &reply);
	int busy = dial(&fixture);
	SAY(busy, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	struct http_request *held = wait_held(&fixture);
	int third = dial(&fixture);
	SAY(third, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	struct http_request *held_third = wait_held(&fixture);
	assert_true(is_closed(idle));
	int fourth = dial(&fixture);
	SAY(fourth, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
	assert_true(http_server_post(fixture.server, run_echo, held));
	read_reply(busy, &reply);
	assert_string_equal(reply.body, "GET /hold?|");
	read_reply(fourth, &reply);
	assert_string_equal(reply.body, "GET /echo?|");
	assert_true(http_server_post(fixture.server, run_echo, held_third));
	read_reply(third, &reply);
	close(idle);
	close(busy);
	close(third);
	close(fourth);
	stop(&fixture);
}

static void test_stop_finishes_what_is_under_way(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	int idle = dial(&fixture);
	int fd = dial(&fixture);
	SAY(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	struct http_request *held = wait_held(&fixture);
	http_server_stop(fixture.server, PATIENCE_MS);
	wait_loop(&fixture);
	assert_true(http_server_post(fixture.server, run_echo, held));
	struct reply reply;
	read_reply(fd, &reply);
	assert_string_equal(reply.body, "GET /hold?|");
	assert_non_null(strstr(reply.head, "\r\nConnection: close\r\n"));
	join(&fixture);
	http_server_close(fixture.server);
	fixture.server = NULL;
	assert_true(is_closed(idle));
	assert_true(is_closed(fd));
	close(idle);
	close(fd);
	stop(&fixture);
}

static void test_stop_gives_up_after_its_grace(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ 0 });
	int fd = dial(&fixture);
	SAY(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	wait_held(&fixture);
	http_server_stop(fixture.server, 1);
	join(&fixture);
	close(fd);
	stop(&fixture);
}

struct counting {
	struct http_server *server;
	atomic_int count;
};

static void run_count(void *arg)
{
	struct counting *counting = arg;
	atomic_fetch_add(&counting->count, 1);
}

static void *post_many(void *arg)
{
	struct counting *counting = arg;
	for (int i = 0; i < 1000; i++)
		assert_true(http_server_post(counting->server, run_count, counting));
	return NULL;
}

static void test_posts_and_timers(void **state)
{
	(void)state;
	struct fixture fixture;
	struct http_server_options options = { 0 };
	start(&fixture, options);
	struct counting counting = { .server = fixture.server };
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, post_many, &counting);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	wait_loop(&fixture);
	assert_int_equal(atomic_load(&counting.count), 4000);
	stop(&fixture);

	struct http_server *server;
	struct err err;
	options.listen = "127.0.0.1:0";
	options.handle = handle;
	assert_true(http_server_open(&options, &server, &err));
	for (int i = 0; i < LOOP_POSTS_MAX; i++)
		assert_true(http_server_post(server, run_count, &counting));
	assert_false(http_server_post(server, run_count, &counting));
	http_server_close(server);
}

static struct http_server *stopped_by_timer;

static void run_stop(void *arg)
{
	int *calls = arg;
	if (++*calls == 3)
		http_server_stop(stopped_by_timer, 0);
}

static void test_every(void **state)
{
	(void)state;
	struct err err;
	int calls = 0;
	struct http_server_options options = { .listen = "[::1]:0", .handle = handle };
	if (!http_server_open(&options, &stopped_by_timer, &err)) {
		options.listen = "127.0.0.1:0"; /* a machine without IPv6 */
		assert_true(http_server_open(&options, &stopped_by_timer, &err));
	}
	http_server_every(stopped_by_timer, 1, run_stop, &calls);
	http_server_run(stopped_by_timer);
	assert_true(calls >= 3);
	http_server_close(stopped_by_timer);
}

static void test_listen_failures(void **state)
{
	(void)state;
	static const char *const wrong[] = { "",           "localhost:1", "127.0.0.1",
					     "127.0.0.1:", "1.2.3:4",     "1.2.3.4:x",
					     "1.2.3.4:-1", "[::1]",       "[::1:3000",
					     "::1:3000",   ":3000",       "1.2.3.4:65536" };
	struct http_server *server;
	struct err err;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct http_server_options options = { .listen = wrong[i], .handle = handle };
		assert_false(http_server_open(&options, &server, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	struct http_server_options options = { .listen = "127.0.0.1:0", .handle = handle };
	assert_true(http_server_open(&options, &server, &err));
	char taken[32];
	snprintf(taken, sizeof taken, "127.0.0.1:%u", (unsigned)http_server_port(server));
	options.listen = taken;
	struct http_server *second;
	assert_false(http_server_open(&options, &second, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	assert_non_null(strstr(err.text, taken));
	http_server_close(server);
}

static void handle_injection(void *context, struct http_request *request)
{
	(void)context;
	uint64_t *first = http_request_alloc(request, 1);
	uint64_t *second = http_request_alloc(request, sizeof *second);
	assert_int_equal(*second, 0);
	assert_true((char *)second - (char *)first >= 8);
	*second = 7;
	const struct http_pair pair = { STR("Location"), STR("/a\r\nX-Evil: 1\x7f") };
	http_reply(request, 201, &pair, 1, STR(""));
}

static void test_reply_headers_cannot_be_split(void **state)
{
	(void)state;
	struct fixture fixture;
	start(&fixture, (struct http_server_options){ .handle = handle_injection });
	int fd = dial(&fixture);
	struct reply reply;
	for (int i = 0; i < 2; i++) {
		SAY(fd, "GET / HTTP/1.1\r\n" HOST "\r\n");
		read_reply(fd, &reply);
		assert_int_equal(reply.status, 201);
		assert_non_null(strstr(reply.head, "\r\nLocation: /a__X-Evil: 1_\r\n"));
	}
	close(fd);
	stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_refusals_by_hook),
		cmocka_unit_test(test_refused_body_is_drained),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_half_closed_client_is_answered),
		cmocka_unit_test(test_client_goes_away),
		cmocka_unit_test(test_slow_clients_stall_nobody),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_connections_max),
		cmocka_unit_test(test_stop_finishes_what_is_under_way),
		cmocka_unit_test(test_stop_gives_up_after_its_grace),
		cmocka_unit_test(test_posts_and_timers),
		cmocka_unit_test(test_every),
		cmocka_unit_test(test_listen_failures),
		cmocka_unit_test(test_reply_headers_cannot_be_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
