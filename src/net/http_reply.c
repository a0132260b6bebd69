#include "net/http_reply.h"

static void field_write(const struct http_pair *field, struct buf *out)
{
	buf_str(out, field->name);
	buf_text(out, ": ");
	for (size_t i = 0; i < field->value.len; i++) {
		uint8_t c = (uint8_t)field->value.at[i];
		buf_byte(out, c < 0x20 || c == 0x7f ? '_' : c);
	}
	buf_text(out, "\r\n");
}

void http_reply_head_write(const struct http_reply_head *head, struct buf *out)
{
	buf_text(out, "HTTP/1.1 ");
	buf_decimal(out, head->status);
	buf_byte(out, ' ');
	buf_text(out, http_status_text(head->status));
	buf_text(out, "\r\nDate: ");
	buf_text(out, head->date);
	buf_text(out, "\r\n");
	for (size_t i = 0; i < head->headers_len; i++)
		field_write(&head->headers[i], out);
	if (head->status != 204 && head->status != 304) {
		buf_text(out, "Content-Length: ");
		buf_decimal(out, head->body_len);
		buf_text(out, "\r\n");
	}
	if (head->is_last)
		buf_text(out, "Connection: close\r\n");
	buf_text(out, "\r\n");
}

void http_refusal_write(const struct http_refusal *refusal, struct buf *out)
{
	buf_format(out,
		   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\","
		   "\"code\":\"%s\"}",
		   http_status_text(refusal->status), refusal->status, refusal->detail,
		   refusal->code);
}
