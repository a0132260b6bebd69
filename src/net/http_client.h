/* An HTTP/1.1 client of one server, over kept-alive connections. Calls are synchronous; several
 * requests of one call run side by side. No redirects, no proxies from the environment, no cookies.
 *
 * A request on a kept connection that turns out to be dead before the first byte of an answer is
 * sent once more on a new one: send only what may arrive twice.
 *
 * Or each request ends by itself (http_client_begin, http_client_progress), while its owner does
 * other work in between. A client is used in one of both ways.
 *
 * A client belongs to one thread at a time.
 */
#ifndef SLUICE_NET_HTTP_CLIENT_H
#define SLUICE_NET_HTTP_CLIENT_H

#include "base/err.h"
#include "base/str.h"
#include "net/http_parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;

#define HTTP_CLIENT_REQUESTS_MAX    256 /* of one call */
#define HTTP_CLIENT_CONNECTIONS_MAX 16
#define HTTP_CLIENT_HEADERS_MAX     8
#define HTTP_CLIENT_URL_LEN_MAX     1024
#define HTTP_CLIENT_TEXT_LEN        160
#define HTTP_CLIENT_HEADER_LEN_MAX  128       /* of the answer's header that is asked for */
#define HTTP_CLIENT_HEADER_LINE_MAX 12288     /* a header with its name */
#define HTTP_CLIENT_SIGNED_BODY_MAX (1 << 20) /* curl would ask before it sends more */

struct http_client_options {
	const char *url;            /* http or https; a path is put before every request's path */
	size_t connections_max;     /* 1 to HTTP_CLIENT_CONNECTIONS_MAX; 0: 4 */
	size_t response_bytes_max;  /* of a body; 0: 8 MiB */
	int64_t connect_timeout_ms; /* 0: 5 s */
	/* Of TLS, PEM; borrowed as long as the client lives. */
	const char *ca_file;   /* whose certificates are believed; NULL: the system's */
	const char *cert_file; /* our own certificate, with key_file; or NULL */
	const char *key_file;
	const char *answer_header; /* of answers that it is wanted of; borrowed; NULL: none */
};

/* AWS Signature Version 4, made by curl. Its version signs rightly only what is as plain as this: a
 * POST with a body to an URL without path and query, and no headers but Content-Type, X-Amz-Target
 * and X-Amz-Security-Token, each with a value. CHECKed. Terminated texts, borrowed for the call. */
struct http_signing {
	const char *region;
	const char *service;
	const char *key_id;
	const char *secret;
};

struct http_client_request {
	enum http_method method;
	struct str path; /* starts with '/', may hold a query; or empty: the URL as configured */
	const struct http_pair *headers; /* 0 to HTTP_CLIENT_HEADERS_MAX */
	size_t headers_len;
	struct str body;                    /* borrowed for the call */
	const struct http_signing *signing; /* or NULL */
};

enum http_delivery {
	HTTP_ANSWERED,   /* a complete response, of whatever status */
	HTTP_NOT_SENT,   /* for sure: no byte of the request has left */
	HTTP_MAYBE_SENT, /* timeout, reset, incomplete or too large an answer: it may have had
			    effect */
};

struct http_client_response {
	enum http_delivery delivery;
	unsigned status;                 /* when ANSWERED */
	struct str body;                 /* when ANSWERED; the client's, until its next call */
	char text[HTTP_CLIENT_TEXT_LEN]; /* otherwise: why. Never holds the URL's path or query. */
	/* Of options.answer_header; "": it is not there, is there twice, or is longer. */
	char header[HTTP_CLIENT_HEADER_LEN_MAX + 1];
};

/* REFUSED for a URL that is not http(s)://host…. Connects to nothing yet. */
MUST_CHECK bool http_client_open(const struct http_client_options *options,
				 struct http_client **ret_client, struct err *err);
void http_client_close(struct http_client *client); /* accepts NULL */

/* Sends 1 to HTTP_CLIENT_REQUESTS_MAX requests, at most `at_once` (1 to connections_max) side by
 * side, started in their order; with 1 the next starts when the last has ended. All of it takes at
 * most deadline_ms (> 0); what has not ended then is NOT_SENT or MAYBE_SENT. */
void http_client_perform(struct http_client *client, const struct http_client_request *requests,
			 size_t n, size_t at_once, int64_t deadline_ms,
			 struct http_client_response *ret_responses);
/* JSON bodies to the configured URL. */
void http_client_post_many(struct http_client *client, const struct str *bodies, size_t n,
			   size_t at_once, int64_t deadline_ms,
			   struct http_client_response *ret_responses);
/* One request. */
void http_client_request(struct http_client *client, const struct http_client_request *request,
			 int64_t deadline_ms, struct http_client_response *ret_response);
/* Begins a request, which ends within deadline_ms (> 0) if somebody asks for its progress. The body
 * is borrowed until then. False: connections_max are under way. */
MUST_CHECK bool http_client_begin(struct http_client *client,
				  const struct http_client_request *request, int64_t deadline_ms,
				  size_t *ret_place);
/* Goes on with what is under way, after up to wait_ms for something to happen. True: the request of
 * that place has ended; its body is the client's until another one begins there. */
bool http_client_progress(struct http_client *client, int64_t wait_ms, size_t *ret_place,
			  struct http_client_response *ret_response);
/* Overwrites the bodies of the last answers, which held a secret. */
void http_client_wipe(struct http_client *client);
/* "https://host:port" of the configured URL, for log lines: paths of RPC endpoints hold keys. */
const char *http_client_origin(const struct http_client *client);
/* "/path?query" of the configured URL, as it is sent for a request without a path. */
const char *http_client_target(const struct http_client *client);
/* Does nobody in between read or change what is sent: https, or http to a loopback address? */
bool http_client_is_private(const struct http_client *client);

#endif
