/* Requests of HTTP/1.1, read strictly. Two readers of one byte stream (a load balancer and we) must
 * never see different requests in it, so whatever is ambiguous is refused, and the connection with
 * it: http_server.c closes after a refusal.
 *
 * Pure: no socket, no allocation. Source: RFC 9112, RFC 9110; stricter than both where they allow
 * leniency (bare LF, folded lines, absolute targets, chunk extensions, trailers).
 */
#ifndef SLUICE_NET_HTTP_PARSE_H
#define SLUICE_NET_HTTP_PARSE_H

#include "base/ip.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEADERS_MAX    64   /* lines; browsers send about 20 */
#define HTTP_QUERY_MAX      16   /* parameters */
#define HTTP_TARGET_LEN_MAX 2048 /* path and query as sent */

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_TRACE, /* known, and taken by no route: 405, where an unknown one is 501 */
	HTTP_QUERY,
};

struct http_pair {
	struct str name;
	struct str value;
};

/* A request that has arrived completely. The slices live until it is answered. */
struct http_request {
	enum http_method method;
	struct str path_raw;                    /* as sent, starts with '/' */
	struct str path;                        /* percent-decoded, see http_parse */
	struct str query_raw;                   /* behind the '?', as sent */
	struct http_pair query[HTTP_QUERY_MAX]; /* decoded, '+' is a space; names may repeat */
	size_t query_len;
	struct http_pair headers[HTTP_HEADERS_MAX]; /* in the order of the request */
	size_t headers_len;
	struct str body;
	struct str peer;           /* "127.0.0.1:50412"; filled in by the server */
	struct ip_address address; /* its address, likewise */
	bool keep_alive;           /* the client would send another request on this connection */
	bool expects_continue;
	char decoded[2 * HTTP_TARGET_LEN_MAX]; /* room of `path` and `query` */
};

const char *http_method_text(enum http_method method);
/* "Not Found"; "Unknown" for a status without a name. */
const char *http_status_text(unsigned status);
/* How many header lines have this name (any case); ret_value holds the first one's value. */
size_t http_header(const struct http_request *request, const char *name, struct str *ret_value);
/* The same for parameters of the query; names are compared exactly. */
size_t http_query(const struct http_request *request, const char *name, struct str *ret_value);

/* Why a request is refused. Static storage. */
struct http_refusal {
	unsigned status;    /* 400, 408, 413, 414, 417, 431, 501, 503 or 505 */
	const char *code;   /* stable, snake case: "request_malformed" */
	const char *detail; /* a sentence for people */
};

enum http_parse_state {
	HTTP_PARSE_MORE,    /* the request is not complete yet */
	HTTP_PARSE_DONE,    /* it is */
	HTTP_PARSE_REFUSED, /* parser->refusal says why; what follows on the connection is garbage
			     */
};

enum http_parse_phase {
	HTTP_PHASE_START,
	HTTP_PHASE_HEAD,
	HTTP_PHASE_BODY,
	HTTP_PHASE_CHUNK_SIZE,
	HTTP_PHASE_CHUNK_DATA,
	HTTP_PHASE_CHUNK_END,
	HTTP_PHASE_CHUNK_LAST,
};

struct http_parser {
	size_t head_max; /* bytes of the request line and headers */
	size_t body_max; /* decoded bytes */
	/* Where it stands; private. */
	enum http_parse_phase phase;
	size_t start;     /* of the request line */
	size_t scanned;   /* the head was looked at up to here */
	size_t head_len;  /* the body starts here */
	size_t body_len;  /* announced, or decoded up to now */
	size_t read_at;   /* next raw byte of a chunked body */
	size_t chunk_len; /* what is left of the chunk */
	struct http_refusal refusal;
};

/* Makes the parser ready for the next request. head_max >= 64. */
void http_parser_init(struct http_parser *parser, size_t head_max, size_t body_max);

/* Goes on with one request.
 *
 * bytes      where the request starts; must not move, and must hold the same bytes (and more) in
 *            each call for one request.
 * len        how many bytes are there. A chunked body is decoded in place: *len then shrinks.
 * request    head fields are filled once the head is there (then parser->phase is above HEAD), the
 *            body when DONE. `peer` is left alone.
 * ret_used   when DONE: bytes of this request; the next one starts behind them.
 *
 * `path` is valid UTF-8 without control characters; an encoded '/', and the segments "." and "..",
 * are refused, so that it can be split at '/' and compared.
 */
enum http_parse_state http_parse(struct http_parser *parser, char *bytes, size_t *len,
				 struct http_request *request, size_t *ret_used);

#endif
