/* The order of the file is the order of a request on the wire: bytes of the head, request line,
 * target, header lines, what frames the body, body. */
#include "net/http_parse.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#define CODE_MALFORMED   "request_malformed"
#define CHUNK_DIGITS_MAX 8

static const struct {
	struct str text;
	enum http_method method;
} methods[] = {
	{ { "GET", 3 }, HTTP_GET },         { { "HEAD", 4 }, HTTP_HEAD },
	{ { "POST", 4 }, HTTP_POST },       { { "PUT", 3 }, HTTP_PUT },
	{ { "PATCH", 5 }, HTTP_PATCH },     { { "DELETE", 6 }, HTTP_DELETE },
	{ { "OPTIONS", 7 }, HTTP_OPTIONS }, { { "TRACE", 5 }, HTTP_TRACE },
	{ { "QUERY", 5 }, HTTP_QUERY },
};

static bool refuse_with(struct http_parser *parser, unsigned status, const char *code,
			const char *detail)
{
	parser->refusal = (struct http_refusal){ status, code, detail };
	return false;
}

static bool refuse(struct http_parser *parser, const char *detail)
{
	return refuse_with(parser, 400, CODE_MALFORMED, detail);
}

const char *http_method_text(enum http_method method)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (methods[i].method == method)
			return methods[i].text.at;
	return "";
}

const char *http_status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} names[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].status == status)
			return names[i].text;
	return "Unknown";
}

size_t http_header(const struct http_request *request, const char *name, struct str *ret_value)
{
	struct str wanted = str_from(name);
	size_t found = 0;
	for (size_t i = 0; i < request->headers_len; i++) {
		if (!str_equal_fold(request->headers[i].name, wanted))
			continue;
		if (found++ == 0)
			*ret_value = request->headers[i].value;
	}
	return found;
}

size_t http_query(const struct http_request *request, const char *name, struct str *ret_value)
{
	size_t found = 0;
	for (size_t i = 0; i < request->query_len; i++) {
		if (!str_equal_text(request->query[i].name, name))
			continue;
		if (found++ == 0)
			*ret_value = request->query[i].value;
	}
	return found;
}

void http_parser_init(struct http_parser *parser, size_t head_max, size_t body_max)
{
	CHECK(head_max >= 64);
	*parser = (struct http_parser){ .head_max = head_max, .body_max = body_max };
}

/* tchar of RFC 9110 5.6.2. */
static bool is_token_char(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_char(s.at[i]))
			return false;
	return s.len > 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Decodes into out; false when an escape is broken or the result is not plain text. */
static bool percent_decode(struct str text, bool is_query, struct buf *out)
{
	size_t start = out->len;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c == '%') {
			if (text.len - i < 3)
				return false;
			int high = hex_digit(text.at[i + 1]);
			int low = hex_digit(text.at[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			if (!is_query && c == '/')
				return false;
			i += 2;
		} else if (c == '+' && is_query) {
			c = ' ';
		}
		if (is_control(c))
			return false;
		buf_byte(out, (uint8_t)c);
	}
	CHECK(!out->overflow);
	return utf8_is_valid(str_from_bytes(out->at + start, out->len - start));
}

static bool has_dot_segment(struct str path)
{
	struct str rest = path;
	bool more = true;
	while (more) {
		struct str segment = rest;
		more = str_cut(rest, '/', &segment, &rest);
		if (str_equal_text(segment, ".") || str_equal_text(segment, ".."))
			return true;
	}
	return false;
}

static struct str decoded_since(const struct buf *out, size_t start)
{
	return (struct str){ out->at + start, out->len - start };
}

static bool parse_query(struct http_parser *parser, struct http_request *request, struct buf *out)
{
	struct str rest = request->query_raw;
	bool more = rest.len > 0;
	request->query_len = 0;
	while (more) {
		struct str part = rest;
		more = str_cut(rest, '&', &part, &rest);
		if (part.len == 0)
			continue;
		if (request->query_len == HTTP_QUERY_MAX)
			return refuse(parser, "The query has too many parameters.");
		struct str name = part;
		struct str value = { NULL, 0 };
		if (!str_cut(part, '=', &name, &value))
			name = part;
		struct http_pair *pair = &request->query[request->query_len];
		size_t start = out->len;
		if (!percent_decode(name, true, out))
			return refuse(parser, "The query has a broken or forbidden escape.");
		pair->name = decoded_since(out, start);
		start = out->len;
		if (!percent_decode(value, true, out))
			return refuse(parser, "The query has a broken or forbidden escape.");
		pair->value = decoded_since(out, start);
		request->query_len++;
	}
	return true;
}

/* Characters of RFC 3986, without '#': fragments are never sent. */
static bool is_target_char(char c)
{
	if ((unsigned char)c <= ' ' || (unsigned char)c >= 0x7f)
		return false;
	return strchr("\"#<>\\^`{|}", c) == NULL;
}

static bool parse_target(struct http_parser *parser, struct http_request *request,
			 struct str target)
{
	if (target.len > HTTP_TARGET_LEN_MAX)
		return refuse_with(parser, 414, "target_too_long",
				   "The request target is too long.");
	if (target.len == 0 || target.at[0] != '/')
		return refuse(parser, "The request target must be a path that starts with '/'.");
	for (size_t i = 0; i < target.len; i++)
		if (!is_target_char(target.at[i]))
			return refuse(parser, "The request target has a forbidden character.");
	request->path_raw = target;
	request->query_raw = (struct str){ NULL, 0 };
	if (!str_cut(target, '?', &request->path_raw, &request->query_raw))
		request->path_raw = target;
	struct buf out = buf_of(request->decoded, sizeof request->decoded);
	if (!percent_decode(request->path_raw, false, &out))
		return refuse(parser, "The path has a broken or forbidden escape.");
	request->path = buf_view(&out);
	if (has_dot_segment(request->path))
		return refuse(parser, "The path must not hold '.' or '..' segments.");
	return parse_query(parser, request, &out);
}

static bool parse_request_line(struct http_parser *parser, struct http_request *request,
			       struct str line, bool *ret_is_1_1)
{
	struct str method, rest, target, version;
	if (!str_cut(line, ' ', &method, &rest) || !is_token(method) ||
	    !str_cut(rest, ' ', &target, &version))
		return refuse(parser, "The request line is not 'METHOD target HTTP/1.1'.");
	if (!str_equal_text(version, "HTTP/1.1") && !str_equal_text(version, "HTTP/1.0")) {
		if (!str_starts_with(version, STR("HTTP/")) || version.len != 8)
			return refuse(parser, "The request line is not 'METHOD target HTTP/1.1'.");
		return refuse_with(parser, 505, "version_not_supported",
				   "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
	}
	*ret_is_1_1 = version.at[7] == '1';
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		if (str_equal(methods[i].text, method)) {
			request->method = methods[i].method;
			return parse_target(parser, request, target);
		}
	}
	return refuse_with(parser, 501, "method_not_implemented",
			   "This method is not implemented.");
}

static bool parse_header_line(struct http_parser *parser, struct http_request *request,
			      struct str line)
{
	if (line.at[0] == ' ' || line.at[0] == '\t')
		return refuse(parser, "A header line is folded.");
	struct str name, value;
	if (!str_cut(line, ':', &name, &value))
		return refuse(parser, "A header line has no colon.");
	if (!is_token(name))
		return refuse(parser, "A header name has a forbidden character.");
	if (request->headers_len == HTTP_HEADERS_MAX)
		return refuse_with(parser, 431, "headers_too_large",
				   "The request has too many header lines.");
	request->headers[request->headers_len++] = (struct http_pair){ name, str_trim(value) };
	return true;
}

static bool parse_lines(struct http_parser *parser, struct http_request *request, struct str head,
			bool *ret_is_1_1)
{
	/* Every line ends in CRLF and holds no other CR or LF: scan_head has seen to it. */
	struct str line, rest;
	CHECK(str_cut(head, '\r', &line, &rest));
	request->headers_len = 0;
	if (!parse_request_line(parser, request, line, ret_is_1_1))
		return false;
	rest = str_skip(rest, 1);
	while (str_cut(rest, '\r', &line, &rest)) {
		rest = str_skip(rest, 1);
		if (line.len == 0)
			break;
		if (!parse_header_line(parser, request, line))
			return false;
	}
	CHECK(rest.len == 0);
	return true;
}

/* host or host:port in the characters of RFC 3986; what it names is not our business. */
static bool is_host(struct str host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.at[i];
		bool is_name =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_name && (c == 0 || strchr("-._~%!$&'()*+;=:[]", c) == NULL))
			return false;
	}
	return host.len > 0;
}

static bool list_has_token(struct str list, struct str token)
{
	struct str rest = list;
	bool more = true;
	while (more) {
		struct str part = rest;
		more = str_cut(rest, ',', &part, &rest);
		if (str_equal_fold(str_trim(part), token))
			return true;
	}
	return false;
}

static bool parse_connection(struct http_parser *parser, struct http_request *request, bool is_1_1)
{
	struct str value;
	size_t hosts = http_header(request, "Host", &value);
	if (hosts > 1)
		return refuse(parser, "The request has more than one Host.");
	if (hosts == 0 && is_1_1)
		return refuse(parser, "The request has no Host.");
	if (hosts == 1 && !is_host(value))
		return refuse(parser, "The Host is malformed.");

	bool close = false;
	for (size_t i = 0; i < request->headers_len; i++) {
		if (!str_equal_fold(request->headers[i].name, STR("Connection")))
			continue;
		close = close || list_has_token(request->headers[i].value, STR("close"));
	}
	request->keep_alive = !close && is_1_1;

	size_t expects = http_header(request, "Expect", &value);
	request->expects_continue = expects == 1 && is_1_1;
	if (expects > 1 || (expects == 1 && !str_equal_fold(value, STR("100-continue"))))
		return refuse_with(parser, 417, "expectation_failed",
				   "Only 'Expect: 100-continue' is understood.");
	return true;
}

/* The heart of the matter: exactly one way to tell where the body ends. */
static bool parse_framing(struct http_parser *parser, const struct http_request *request,
			  bool is_1_1)
{
	struct str length, encoding;
	size_t lengths = http_header(request, "Content-Length", &length);
	size_t encodings = http_header(request, "Transfer-Encoding", &encoding);
	parser->body_len = 0;
	parser->phase = HTTP_PHASE_BODY;
	if (lengths > 1)
		return refuse(parser, "The request has more than one Content-Length.");
	if (lengths == 1 && encodings > 0)
		return refuse(parser, "The request has both Content-Length and Transfer-Encoding.");
	if (encodings > 0) {
		if (encodings > 1 || !is_1_1 || !str_equal_text(encoding, "chunked"))
			return refuse(parser, "The only Transfer-Encoding taken is 'chunked'.");
		parser->phase = HTTP_PHASE_CHUNK_SIZE;
		parser->read_at = parser->head_len;
		return true;
	}
	if (lengths == 0)
		return true;
	uint64_t announced;
	if (!str_to_u64(length, &announced))
		return refuse(parser, "The Content-Length is not a plain number.");
	if (announced > parser->body_max)
		return refuse_with(parser, 413, "body_too_large", "The body is too large.");
	parser->body_len = (size_t)announced;
	return true;
}

/* Looks at each byte of the head once. False when it is refused; *ret_found when the empty line is
 * there. */
static bool scan_head(struct http_parser *parser, const char *bytes, size_t len, bool *ret_found)
{
	*ret_found = false;
	size_t start = parser->start;
	for (size_t i = parser->scanned; i < len; i++) {
		char c = bytes[i];
		bool after_return = i > start && bytes[i - 1] == '\r';
		if ((c == '\n') != after_return)
			return refuse(parser, "A line of the head does not end in CR LF.");
		if (is_control(c) && c != '\n' && c != '\r' && c != '\t')
			return refuse(parser, "The head holds a control character.");
		if (i - start >= parser->head_max) {
			bool in_first_line = memchr(bytes + start, '\n', i - start) == NULL;
			if (in_first_line)
				return refuse_with(parser, 414, "target_too_long",
						   "The request target is too long.");
			return refuse_with(parser, 431, "headers_too_large",
					   "The headers are too large.");
		}
		if (c == '\n' && i - start >= 3 && bytes[i - 2] == '\n') {
			parser->head_len = i + 1;
			*ret_found = true;
			return true;
		}
	}
	parser->scanned = len;
	return true;
}

/* One empty line before a request is forgiven. Source: RFC 9112 2.2. */
static enum http_parse_state parse_start(struct http_parser *parser, const char *bytes, size_t len)
{
	if (len == 0 || (len == 1 && bytes[0] == '\r'))
		return HTTP_PARSE_MORE;
	if (bytes[0] == '\r' && bytes[1] == '\n')
		parser->start = 2;
	parser->scanned = parser->start;
	parser->phase = HTTP_PHASE_HEAD;
	return HTTP_PARSE_DONE;
}

static enum http_parse_state parse_head(struct http_parser *parser, char *bytes, size_t len,
					struct http_request *request)
{
	bool found, is_1_1;
	if (!scan_head(parser, bytes, len, &found))
		return HTTP_PARSE_REFUSED;
	if (!found)
		return HTTP_PARSE_MORE;
	struct str head = { bytes + parser->start, parser->head_len - parser->start };
	if (!parse_lines(parser, request, head, &is_1_1) ||
	    !parse_connection(parser, request, is_1_1) || !parse_framing(parser, request, is_1_1))
		return HTTP_PARSE_REFUSED;
	return HTTP_PARSE_DONE;
}

/* "1f\r\n": digits alone; no sign, space, prefix or extension. */
static enum http_parse_state parse_chunk_size(struct http_parser *parser, struct str rest)
{
	size_t value = 0;
	for (size_t i = 0; i < rest.len; i++) {
		int digit = hex_digit(rest.at[i]);
		if (digit >= 0 && i < CHUNK_DIGITS_MAX) {
			value = value * 16 + (size_t)digit;
			continue;
		}
		if (i == 0 || rest.at[i] != '\r') {
			refuse(parser, "A chunk size is malformed.");
			return HTTP_PARSE_REFUSED;
		}
		if (rest.len - i < 2)
			return HTTP_PARSE_MORE;
		if (rest.at[i + 1] != '\n') {
			refuse(parser, "A chunk size is malformed.");
			return HTTP_PARSE_REFUSED;
		}
		if (value > parser->body_max - parser->body_len) {
			refuse_with(parser, 413, "body_too_large", "The body is too large.");
			return HTTP_PARSE_REFUSED;
		}
		parser->chunk_len = value;
		parser->read_at += i + 2;
		parser->phase = value > 0 ? HTTP_PHASE_CHUNK_DATA : HTTP_PHASE_CHUNK_LAST;
		return HTTP_PARSE_DONE;
	}
	return HTTP_PARSE_MORE;
}

static enum http_parse_state parse_chunk_data(struct http_parser *parser, char *bytes, size_t len)
{
	size_t part = len - parser->read_at;
	if (part > parser->chunk_len)
		part = parser->chunk_len;
	memmove(bytes + parser->head_len + parser->body_len, bytes + parser->read_at, part);
	parser->body_len += part;
	parser->read_at += part;
	parser->chunk_len -= part;
	if (parser->chunk_len > 0)
		return HTTP_PARSE_MORE;
	parser->phase = HTTP_PHASE_CHUNK_END;
	return HTTP_PARSE_DONE;
}

/* The CRLF behind a chunk, and behind the last one (where trailers would stand). */
static enum http_parse_state parse_chunk_end(struct http_parser *parser, struct str rest)
{
	if ((rest.len >= 1 && rest.at[0] != '\r') || (rest.len >= 2 && rest.at[1] != '\n')) {
		refuse(parser, "A chunk is longer than its size says, or a trailer follows.");
		return HTTP_PARSE_REFUSED;
	}
	if (rest.len < 2)
		return HTTP_PARSE_MORE;
	parser->read_at += 2;
	return HTTP_PARSE_DONE;
}

/* One step of a chunked body; *ret_complete when that was the last one. */
static enum http_parse_state parse_chunk_step(struct http_parser *parser, char *bytes, size_t len,
					      bool *ret_complete)
{
	struct str rest = { bytes + parser->read_at, len - parser->read_at };
	enum http_parse_state state;
	*ret_complete = false;
	if (parser->phase == HTTP_PHASE_CHUNK_SIZE)
		return parse_chunk_size(parser, rest);
	if (parser->phase == HTTP_PHASE_CHUNK_DATA)
		return parse_chunk_data(parser, bytes, len);
	state = parse_chunk_end(parser, rest);
	if (state != HTTP_PARSE_DONE)
		return state;
	*ret_complete = parser->phase == HTTP_PHASE_CHUNK_LAST;
	parser->phase = HTTP_PHASE_CHUNK_SIZE;
	return HTTP_PARSE_DONE;
}

/* Decodes what has arrived, then closes the gap that the chunk heads leave behind. */
static enum http_parse_state parse_chunks(struct http_parser *parser, char *bytes, size_t *len)
{
	bool complete = false;
	enum http_parse_state state = HTTP_PARSE_DONE;
	while (state == HTTP_PARSE_DONE && !complete)
		state = parse_chunk_step(parser, bytes, *len, &complete);
	size_t end = parser->head_len + parser->body_len;
	CHECK(end <= parser->read_at && parser->read_at <= *len);
	memmove(bytes + end, bytes + parser->read_at, *len - parser->read_at);
	*len -= parser->read_at - end;
	parser->read_at = end;
	return state;
}

enum http_parse_state http_parse(struct http_parser *parser, char *bytes, size_t *len,
				 struct http_request *request, size_t *ret_used)
{
	enum http_parse_state state = HTTP_PARSE_DONE;
	if (parser->phase == HTTP_PHASE_START)
		state = parse_start(parser, bytes, *len);
	if (state == HTTP_PARSE_DONE && parser->phase == HTTP_PHASE_HEAD)
		state = parse_head(parser, bytes, *len, request);
	if (state != HTTP_PARSE_DONE)
		return state;
	if (parser->phase != HTTP_PHASE_BODY) {
		state = parse_chunks(parser, bytes, len);
		if (state != HTTP_PARSE_DONE)
			return state;
	}
	if (*len - parser->head_len < parser->body_len)
		return HTTP_PARSE_MORE;
	request->body = (struct str){ bytes + parser->head_len, parser->body_len };
	*ret_used = parser->head_len + parser->body_len;
	return HTTP_PARSE_DONE;
}
