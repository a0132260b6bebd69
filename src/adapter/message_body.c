#include "adapter/message_body.h"

#include "base/check.h"
#include "base/hex.h"
#include "base/json.h"

#include <string.h>

#define TRACE_LEN  32
#define SPAN_BYTES 8

void message_body_write(enum queue_name queue, struct id id, const char *correlation_id,
			struct buf *out)
{
	CHECK(queue >= QUEUE_REQUEST && queue <= QUEUE_MONITOR);
	buf_byte(out, '{');
	json_write_member_text(out, "kind", queue_name_text(queue));
	json_write_member_text(out, "id", id_text(id).at);
	json_write_member_text(out, "trace", correlation_id);
	buf_byte(out, '}');
	CHECK(!out->overflow);
}

static bool is_trace(const char *text)
{
	return strlen(text) == TRACE_LEN && strspn(text, "0123456789abcdef") == TRACE_LEN &&
	       strspn(text, "0") < TRACE_LEN;
}

void message_traceparent_write(struct id id, const char *correlation_id, struct buf *out)
{
	static const uint8_t none[SPAN_BYTES] = { 0 };
	const uint8_t *span = id.bytes + sizeof id.bytes - SPAN_BYTES;
	if (!is_trace(correlation_id) || memcmp(span, none, SPAN_BYTES) == 0)
		return;
	buf_text(out, "00-");
	buf_text(out, correlation_id);
	buf_byte(out, '-');
	hex_write(out, span, SPAN_BYTES);
	buf_text(out, "-00");
}

static bool is_plain(struct str text)
{
	if (text.len > CORRELATION_ID_LEN_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return true;
}

bool message_body_read(struct str body, enum queue_name queue, struct id *ret_id,
		       char ret_correlation_id[CORRELATION_ID_LEN_MAX + 1])
{
	struct err err;
	JSON_OWNED json = NULL;
	struct str kind = { 0 };
	struct str id = { 0 };
	struct str trace = { 0 };
	if (body.len > MESSAGE_BODY_BYTES_MAX || !json_parse(body, &json, &err))
		return false;
	const struct json_value *root = json_root(json);
	if (!json_string(json_member(root, "kind"), &kind) ||
	    !str_equal_text(kind, queue_name_text(queue)) ||
	    !json_string(json_member(root, "id"), &id) || !id_read(id, ret_id))
		return false;
	if (!json_string(json_member(root, "trace"), &trace) || !is_plain(trace))
		trace = (struct str){ "", 0 };
	return str_copy(trace, ret_correlation_id, CORRELATION_ID_LEN_MAX + 1);
}
