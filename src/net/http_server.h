/* An HTTP/1.1 server on one event loop of one thread. What a path means is the business of the
 * handler; what a request is, of http_parse.h.
 *
 * A request is handed over when it has arrived completely. It is answered by http_reply, at once or
 * any time later, on the loop's thread; another thread hands its result over by http_server_post.
 * Requests of one connection are handed over one at a time, in order (pipelined ones wait), so
 * answers cannot change places. A client that goes away changes nothing for the handler: the
 * request lives until it is answered.
 *
 * Refused here, before the handler sees anything, and the connection closed: everything that
 * http_parse refuses, slow requests (408), too many connections (the one that waits longest for its
 * client has to go, idle or in the middle of something).
 */
#ifndef SLUICE_NET_HTTP_SERVER_H
#define SLUICE_NET_HTTP_SERVER_H

#include "base/err.h"
#include "base/str.h"
#include "net/http_parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;
struct tls_server; /* net/tls_server.h */

#define HTTP_REPLY_HEADERS_MAX 16
#define HTTP_REPLY_HEAD_MAX    4096 /* bytes of all header lines of a reply */

struct http_server_options {
	const char *listen;     /* "127.0.0.1:3000", "[::1]:3000"; port 0: the kernel's choice */
	size_t head_bytes_max;  /* request line and headers; 0: 8192 */
	size_t body_bytes_max;  /* 0: no request may have a body */
	size_t connections_max; /* 0: 1024 */
	/* Connections of one client (an IPv4 address, a /64 of IPv6), but for those of `proxies`,
	 * which come for many; one more is closed at once. 0: as many as there may be. */
	size_t connections_of_address_max;
	const struct ip_range *proxies; /* borrowed */
	size_t proxies_len;
	size_t storage_bytes;     /* what http_request_alloc can give to one request; 0: 2048 */
	int64_t idle_timeout_ms;  /* between two requests; 0: 75 s, above common balancers' 60 s */
	int64_t shake_timeout_ms; /* for the handshake of TLS; 0: 5 s */
	int64_t read_timeout_ms;  /* from the first byte of a request to its last; 0: 10 s */
	int64_t write_timeout_ms; /* for each 16 KiB of a reply; 0: 20 s */
	struct tls_server *tls;   /* borrowed; NULL: plain HTTP */
	/* Called on the loop's thread. */
	void (*handle)(void *context, struct http_request *request);
	/* Answers a refused request; must call http_reply before it returns. Of the request only
	 * `peer` is certain. NULL: problem+json with the refusal's status, code and detail. */
	void (*refused)(void *context, struct http_request *request,
			const struct http_refusal *refusal);
	/* May this address have a handshake of TLS now, which costs more than most requests? False:
	 * its connection is closed before. Not asked of proxies. NULL: every one may. */
	bool (*shakes)(void *context, struct ip_address address);
	void *context; /* of all three */
};

/* Binds and listens; nothing is accepted before http_server_run. REFUSED when `listen` is not an
 * address and a port; NOT_DONE when the address is taken or not of this machine. */
MUST_CHECK bool http_server_open(const struct http_server_options *options,
				 struct http_server **ret_server, struct err *err);
/* The port that it listens on. */
uint16_t http_server_port(const struct http_server *server);
/* Serves on the calling thread until http_server_stop has been obeyed. */
void http_server_run(struct http_server *server);
/* Accepts no more, closes idle connections, waits for requests that are under way and their
 * answers for at most grace_ms, then ends http_server_run. From any thread, also in a signal
 * handler. A second call with a smaller grace shortens the wait. */
void http_server_stop(struct http_server *server, int64_t grace_ms);
/* Closes every connection and frees everything, unanswered requests too: nobody may hold one. After
 * http_server_run has returned, on its thread. Accepts NULL. */
void http_server_close(struct http_server *server);

/* Has run(arg) called on the loop's thread; from any thread. False when LOOP_POSTS_MAX entries
 * wait already: one post per request in flight always fits. */
MUST_CHECK bool http_server_post(struct http_server *server, void (*run)(void *arg), void *arg);
/* Calls run(arg) on the loop's thread every `ms`. Before http_server_run or on the loop's thread.
 */
void http_server_every(struct http_server *server, int64_t ms, void (*run)(void *arg), void *arg);
/* Open connections now, for metrics; on the loop's thread. */
size_t http_server_connections(const struct http_server *server);
/* Those that were closed because their client had enough of them; since the start, likewise. */
uint64_t http_server_crowded(const struct http_server *server);

/* Zeroed memory, aligned for any type, that lives as long as the request. CHECKs that what one
 * request takes stays within storage_bytes. */
void *http_request_alloc(struct http_request *request, size_t len);

/* Answers a request and ends its life: `request` must not be used afterwards.
 *
 * status    200 to 599.
 * headers   0 to HTTP_REPLY_HEADERS_MAX; Date, Content-Length and Connection are added here.
 *           Control characters in values become '_', so that foreign text cannot make a line.
 *           CHECKs that the lines take HTTP_REPLY_HEAD_MAX bytes at most.
 * body      borrowed for the call; empty for 204 and 304. Left out for HEAD, with its length.
 *
 * When the client is gone the answer is dropped. On the loop's thread only; once per request.
 */
void http_reply(struct http_request *request, unsigned status, const struct http_pair *headers,
		size_t headers_len, struct str body);

#endif
