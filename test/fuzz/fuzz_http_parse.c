/* Requests of HTTP: however the bytes arrive, the same requests are seen and the same refusal is
 * given; what was read, written again in the plainest way, is read as the same request. */
#include "fuzz.h"

#include "base/utf8.h"
#include "net/http_parse.h"

#define HEAD_MAX     512
#define BODY_MAX     256
#define PIPELINE_MAX 16
#define REWRITE_MAX  (HEAD_MAX + BODY_MAX + 128)

static void put_str(struct buf *out, struct str text)
{
	buf_prefixed(out, text.at, text.len);
}

static void put_pairs(struct buf *out, const struct http_pair *pairs, size_t len)
{
	buf_u64(out, len);
	for (size_t i = 0; i < len; i++) {
		put_str(out, pairs[i].name);
		put_str(out, pairs[i].value);
	}
}

static void check_request(const struct http_request *request)
{
	CHECK(request->path.len > 0 && request->path.at[0] == '/');
	CHECK(utf8_is_valid(request->path) && request->body.len <= BODY_MAX);
	for (size_t i = 0; i < request->path.len; i++)
		CHECK((uint8_t)request->path.at[i] >= 0x20 && request->path.at[i] != 0x7f);
	for (size_t i = 0; i < request->headers_len; i++)
		CHECK(request->headers[i].name.len > 0 &&
		      ascii_is_visible(request->headers[i].name));
	for (size_t i = 0; i < request->query_len; i++)
		CHECK(utf8_is_valid(request->query[i].name) &&
		      utf8_is_valid(request->query[i].value));
}

static void put_target_and_body(struct buf *out, const struct http_request *request)
{
	buf_u64(out, request->method);
	put_str(out, request->path_raw);
	put_str(out, request->path);
	put_str(out, request->query_raw);
	put_pairs(out, request->query, request->query_len);
	put_str(out, request->body);
}

static bool is_framing(struct str name)
{
	return str_equal_fold(name, STR("Content-Length")) ||
	       str_equal_fold(name, STR("Transfer-Encoding"));
}

static void rewrite(const struct http_request *request, struct buf *out)
{
	struct str host;
	bool has_host = http_header(request, "Host", &host) > 0;
	buf_text(out, http_method_text(request->method));
	buf_byte(out, ' ');
	buf_str(out, request->path_raw);
	buf_text(out, request->query_raw.len > 0 ? "?" : "");
	buf_str(out, request->query_raw);
	buf_text(out, has_host ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
	for (size_t i = 0; i < request->headers_len; i++) {
		const struct http_pair *header = &request->headers[i];
		if (is_framing(header->name))
			continue;
		buf_str(out, header->name);
		buf_byte(out, ':');
		buf_str(out, header->value);
		buf_text(out, "\r\n");
	}
	buf_format(out, "Content-Length:%zu\r\n\r\n", request->body.len);
	buf_str(out, request->body);
}

static void check_rewritten(const struct http_request *request)
{
	struct http_parser parser;
	struct http_request again;
	struct buf text = buf_new(REWRITE_MAX);
	struct buf first = buf_new(8 * REWRITE_MAX);
	struct buf second = buf_new(8 * REWRITE_MAX);
	size_t used = 0;
	if (request->headers_len == HTTP_HEADERS_MAX)
		goto end;
	rewrite(request, &text);
	CHECK(!text.overflow);
	size_t len = text.len;
	http_parser_init(&parser, REWRITE_MAX, BODY_MAX);
	CHECK(http_parse(&parser, text.at, &len, &again, &used) == HTTP_PARSE_DONE);
	CHECK(used == text.len);
	put_target_and_body(&first, request);
	put_target_and_body(&second, &again);
	CHECK(!first.overflow && str_equal(buf_view(&first), buf_view(&second)));
end:
	buf_free(&text);
	buf_free(&first);
	buf_free(&second);
}

static void put_request(struct buf *out, const struct http_request *request)
{
	put_target_and_body(out, request);
	put_pairs(out, request->headers, request->headers_len);
	buf_u64(out, request->keep_alive);
	buf_u64(out, request->expects_continue);
}

/* What a server sees that gets `first` bytes, and then `step` at a time. */
static void transcript(struct str bytes, size_t first, size_t step, struct buf *out)
{
	struct http_parser parser;
	struct http_request request;
	char *storage = malloc(bytes.len + 1);
	size_t have = 0, fed = 0, used = 0;
	size_t wanted = first, requests = 0;
	CHECK(storage != NULL);
	http_parser_init(&parser, HEAD_MAX, BODY_MAX);
	for (;;) {
		enum http_parse_state state = http_parse(&parser, storage, &have, &request, &used);
		if (state == HTTP_PARSE_REFUSED) {
			put_str(out, str_from(parser.refusal.code));
			put_str(out, str_from(parser.refusal.detail));
			buf_u64(out, parser.refusal.status);
			break;
		}
		if (state == HTTP_PARSE_DONE) {
			CHECK(used > 0 && used <= have);
			put_request(out, &request);
			check_request(&request);
			check_rewritten(&request);
			memmove(storage, storage + used, have - used);
			have -= used;
			http_parser_init(&parser, HEAD_MAX, BODY_MAX);
			if (++requests == PIPELINE_MAX)
				break;
			continue;
		}
		if (fed == bytes.len)
			break;
		size_t part = bytes.len - fed < wanted ? bytes.len - fed : wanted;
		if (part > 0)
			memcpy(storage + have, bytes.at + fed, part);
		have += part;
		fed += part;
		wanted = step;
	}
	free(storage);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str input = str_from_bytes(bytes, len);
	size_t split = fuzz_take(&input);
	split = (split << 8 | fuzz_take(&input)) % (input.len + 1);
	struct buf whole = buf_new(1 << 18);
	struct buf parts = buf_new(1 << 18);
	transcript(input, input.len, 1, &whole);
	CHECK(!whole.overflow);
	transcript(input, split, input.len + 1, &parts);
	CHECK(str_equal(buf_view(&whole), buf_view(&parts)));
	buf_reset(&parts);
	transcript(input, 1, 1, &parts);
	CHECK(str_equal(buf_view(&whole), buf_view(&parts)));
	buf_free(&whole);
	buf_free(&parts);
	return 0;
}
