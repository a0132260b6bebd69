#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/http_parse.h"

#define HEAD_MAX 1024
#define BODY_MAX 64

struct outcome {
	enum http_parse_state state;
	struct http_parser parser;
	struct http_request request;
	char bytes[8192];
	size_t len;
	size_t used;
};

/* Feeds the text in pieces of `step` bytes, as a slow client would. */
static void feed(struct outcome *outcome, struct str text, size_t step)
{
	memset(outcome, 0, sizeof *outcome);
	http_parser_init(&outcome->parser, HEAD_MAX, BODY_MAX);
	outcome->state = HTTP_PARSE_MORE;
	for (size_t at = 0; at < text.len && outcome->state == HTTP_PARSE_MORE; at += step) {
		size_t part = text.len - at < step ? text.len - at : step;
		memcpy(outcome->bytes + outcome->len, text.at + at, part);
		outcome->len += part;
		outcome->state = http_parse(&outcome->parser, outcome->bytes, &outcome->len,
					    &outcome->request, &outcome->used);
	}
}

static const size_t steps[] = { 8192, 1, 2, 3, 7 };
#define STEPS (sizeof steps / sizeof steps[0])

static void refused_with(unsigned status, struct str text)
{
	static struct outcome outcome;
	for (size_t i = 0; i < STEPS; i++) {
		feed(&outcome, text, steps[i]);
		if (outcome.state != HTTP_PARSE_REFUSED || outcome.parser.refusal.status != status)
			print_error("step %zu, state %d, status %u: %.*s\n", steps[i],
				    (int)outcome.state, outcome.parser.refusal.status,
				    STR_ARG(text));
		assert_int_equal(outcome.state, HTTP_PARSE_REFUSED);
		assert_int_equal(outcome.parser.refusal.status, status);
		assert_true(strlen(outcome.parser.refusal.code) > 0);
		assert_true(strlen(outcome.parser.refusal.detail) > 0);
	}
}

static void taken(struct outcome *outcome, struct str text, size_t step)
{
	feed(outcome, text, step);
	if (outcome->state != HTTP_PARSE_DONE)
		print_error("%s: %.*s\n", outcome->parser.refusal.detail, STR_ARG(text));
	assert_int_equal(outcome->state, HTTP_PARSE_DONE);
}

static void equal(struct str value, const char *wanted)
{
	assert_int_equal(value.len, strlen(wanted));
	assert_memory_equal(value.at, wanted, value.len);
}

#define REFUSED(status, text) refused_with(status, STR(text))
#define HOST                  "Host: sluice.test\r\n"
#define POST                  "POST / HTTP/1.1\r\n" HOST

static void test_takes_a_plain_request(void **state)
{
	(void)state;
	static struct outcome outcome;
	for (size_t i = 0; i < STEPS; i++) {
		taken(&outcome,
		      STR("POST /v1/withdrawals?dry=1 HTTP/1.1\r\nHost: a:3000\r\n"
			  "Content-Length: 5\r\nX-Empty:\r\nidempotency-key: \t k 1 \t\r\n\r\nhello"),
		      steps[i]);
		const struct http_request *request = &outcome.request;
		assert_int_equal(request->method, HTTP_POST);
		equal(request->path, "/v1/withdrawals");
		equal(request->path_raw, "/v1/withdrawals");
		equal(request->query_raw, "dry=1");
		equal(request->body, "hello");
		assert_true(request->keep_alive);
		assert_int_equal(request->headers_len, 4);
		struct str value;
		assert_int_equal(http_header(request, "Idempotency-Key", &value), 1);
		equal(value, "k 1");
		assert_int_equal(http_header(request, "X-Empty", &value), 1);
		equal(value, "");
		assert_int_equal(http_header(request, "X-Other", &value), 0);
		assert_int_equal(outcome.used, outcome.len);
	}
}

static void test_methods_and_versions(void **state)
{
	(void)state;
	static struct outcome outcome;
	taken(&outcome, STR("GET / HTTP/1.0\r\n\r\n"), 1);
	assert_false(outcome.request.keep_alive);
	taken(&outcome, STR("DELETE /x HTTP/1.1\r\n" HOST "Connection: foo, Close\r\n\r\n"), 1);
	assert_false(outcome.request.keep_alive);
	assert_int_equal(outcome.request.method, HTTP_DELETE);
	taken(&outcome, STR("\r\nOPTIONS /x HTTP/1.1\r\n" HOST "\r\n"), 1);
	assert_int_equal(outcome.request.method, HTTP_OPTIONS);
	assert_string_equal(http_method_text(HTTP_PATCH), "PATCH");
	taken(&outcome, STR("TRACE /x HTTP/1.1\r\n" HOST "\r\n"), 1);
	assert_int_equal(outcome.request.method, HTTP_TRACE);
	REFUSED(501, "CONNECT /a:1 HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(501, "BREW / HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(501, "get / HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(505, "GET / HTTP/2.0\r\n" HOST "\r\n");
	REFUSED(505, "GET / HTTP/1.2\r\n" HOST "\r\n");
	REFUSED(400, "GET / http/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET / HTTP/1.10\r\n" HOST "\r\n");
	REFUSED(400, "GET /\r\n" HOST "\r\n");
	REFUSED(400, "GET  / HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /  HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET / HTTP/1.1 \r\n" HOST "\r\n");
	REFUSED(400, " GET / HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GE(T / HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "\x16\x03\x01\x02 hello");
}

static void test_ambiguous_framing(void **state)
{
	(void)state;
	REFUSED(400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: +5\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: -5\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 5, 5\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 5 5\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 0x5\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 5a\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 05\r\n\r\nhello");
	REFUSED(400, POST "Content-Length:\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 5.0\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 18446744073709551621\r\n\r\nhello");
	REFUSED(400, POST "Content-Length : 5\r\n\r\nhello");
	REFUSED(400, POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: identity\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding:\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n");
	REFUSED(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n");
	REFUSED(400, "GET / HTTP/1.0\r\n" HOST HOST "\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n");
}

static void test_header_lines(void **state)
{
	(void)state;
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-A: 1\r\n folded\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-A: 1\r\n\tfolded\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n folded: 1\r\n" HOST "\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X A: 1\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-A : 1\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-A\t: 1\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST ": 1\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X\"A: 1\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-\xc3\xa4: 1\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-A: a\0b\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "\0\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-A: a\x01"
		     "b\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-A: a\x7f\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-A: a\rX-B: b\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "X-A: a\nX-B: b\r\n\r\n");
	REFUSED(400, "GET / HTTP/1.1\n" HOST "\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "\n");
	REFUSED(400, "GET / HTTP/1.1\r\n" HOST "\r\r\n");
	REFUSED(400, "GET / HTTP/1.1\r\r\n" HOST "\r\n");
	REFUSED(417, "GET / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\n\r\n");
	REFUSED(417, "GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nExpect: x\r\n\r\n");
}

static void test_targets(void **state)
{
	(void)state;
	static struct outcome outcome;
	taken(&outcome,
	      STR("GET /a%20b/%C3%A4?x=1%262&&y+z=%2B+1&flag&x= HTTP/1.1\r\n" HOST "\r\n"), 1);
	equal(outcome.request.path_raw, "/a%20b/%C3%A4");
	equal(outcome.request.path, "/a b/\xc3\xa4");
	assert_int_equal(outcome.request.query_len, 4);
	struct str value;
	assert_int_equal(http_query(&outcome.request, "x", &value), 2);
	equal(value, "1&2");
	assert_int_equal(http_query(&outcome.request, "y z", &value), 1);
	equal(value, "+ 1");
	assert_int_equal(http_query(&outcome.request, "flag", &value), 1);
	equal(value, "");
	assert_int_equal(http_query(&outcome.request, "X", &value), 0);

	REFUSED(400, "GET http://sluice.test/ HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET http://other/ HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET a HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /#f HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /\\ HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /%2 HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /%zz HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /%00 HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /%0a HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /a%FF HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /a/../b HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /a/%2e%2e/b HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /a/. HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /?a=%00 HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /?a=%FF HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /?a%2=1 HTTP/1.1\r\n" HOST "\r\n");
	REFUSED(400, "GET /?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17 HTTP/1.1\r\n" HOST "\r\n");
}

static void test_sizes(void **state)
{
	(void)state;
	static char text[8192];
	static struct outcome outcome;
	int len = snprintf(text, sizeof text, "GET /%02000d HTTP/1.1\r\n", 0);
	refused_with(414, str_from_bytes(text, (size_t)len));

	len = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "X: %01024d\r\n\r\n", 0);
	refused_with(431, str_from_bytes(text, (size_t)len));

	/* Exactly HEAD_MAX is taken, one more is not. */
	int fixed = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "X: \r\n\r\n");
	for (int more = 0; more < 2; more++) {
		len = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" HOST "X: %0*d\r\n\r\n",
			       HEAD_MAX - fixed + more, 0);
		assert_int_equal(len, HEAD_MAX + more);
		if (more == 0)
			taken(&outcome, str_from_bytes(text, (size_t)len), 1);
		else
			refused_with(431, str_from_bytes(text, (size_t)len));
	}

	struct buf out = buf_of(text, sizeof text);
	buf_text(&out, "GET / HTTP/1.1\r\n" HOST);
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		buf_text(&out, "X: 1\r\n");
	buf_text(&out, "\r\n");
	refused_with(431, buf_view(&out));

	REFUSED(413, POST "Content-Length: 65\r\n\r\n");
	REFUSED(413, POST "Content-Length: 18446744073709551615\r\n\r\n");
	REFUSED(413, POST "Transfer-Encoding: chunked\r\n\r\n41\r\n");
	REFUSED(413, POST "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n");
	REFUSED(413, POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3f\r\n");
	for (size_t i = 0; i < STEPS; i++) {
		len = snprintf(text, sizeof text, POST "Content-Length: 64\r\n\r\n%064d", 7);
		taken(&outcome, str_from_bytes(text, (size_t)len), steps[i]);
		assert_int_equal(outcome.request.body.len, 64);
	}
}

static void test_chunks(void **state)
{
	(void)state;
	static struct outcome outcome;
	for (size_t i = 0; i < STEPS; i++) {
		taken(&outcome,
		      STR(POST "Transfer-Encoding: chunked\r\n\r\n"
			       "5\r\nhello\r\n1\r\n \r\n0000000C\r\nworld\r\nagain\r\n0\r\n\r\n"),
		      steps[i]);
		assert_int_equal(outcome.request.body.len, 18);
		assert_memory_equal(outcome.request.body.at, "hello world\r\nagain", 18);
	}
	taken(&outcome, STR(POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 1);
	assert_int_equal(outcome.request.body.len, 0);
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n5\rhello\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n000000005\r\nhello\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n0\r\nHost: evil\r\n\r\n");
	REFUSED(400, POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\n");
}

/* What stands behind a request is the next request, byte for byte. */
static void test_pipelined(void **state)
{
	(void)state;
	static struct outcome outcome;
	static const char *const firsts[] = {
		POST "Content-Length: 5\r\n\r\nhello",
		POST "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
	};
	for (size_t i = 0; i < 2; i++) {
		char text[512];
		int len = snprintf(text, sizeof text, "%sGET /next HTTP/1.1\r\n" HOST "\r\n",
				   firsts[i]);
		taken(&outcome, str_from_bytes(text, (size_t)len), sizeof text);
		equal(outcome.request.body, "hello");
		struct str rest =
			str_skip(str_from_bytes(outcome.bytes, outcome.len), outcome.used);
		equal(rest, "GET /next HTTP/1.1\r\n" HOST "\r\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_a_plain_request),
		cmocka_unit_test(test_methods_and_versions),
		cmocka_unit_test(test_ambiguous_framing),
		cmocka_unit_test(test_header_lines),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_pipelined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
