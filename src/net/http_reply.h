/* The head of an answer, as it goes over the wire. Source: RFC 9112 section 4. */
#ifndef SLUICE_NET_HTTP_REPLY_H
#define SLUICE_NET_HTTP_REPLY_H

#include "base/buf.h"
#include "net/http_parse.h"

#include <stdbool.h>

struct http_reply_head {
	unsigned status;
	const char *date; /* of RFC 9110 section 5.6.7; borrowed, all of them */
	const struct http_pair *headers;
	size_t headers_len;
	size_t body_len; /* not told with 204 and 304, which have none */
	bool is_last;    /* the connection ends behind it */
};

/* What no field may hold is written as '_': nobody begins a line by what he was named. */
void http_reply_head_write(const struct http_reply_head *head, struct buf *out);
/* What a parser refuses, as problem+json: for a server that has no words of its own. */
void http_refusal_write(const struct http_refusal *refusal, struct buf *out);

#endif
