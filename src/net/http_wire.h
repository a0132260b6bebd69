/* How bytes come and go on a connection of the HTTP server: plain, or in TLS. */
#ifndef SLUICE_NET_HTTP_WIRE_H
#define SLUICE_NET_HTTP_WIRE_H

#include "base/str.h"
#include "net/tls_server.h"

struct http_wire {
	int fd;                 /* -1: closed */
	struct tls_stream *tls; /* NULL: plain */
};

/* tls: NULL for a plain one. False when there is no memory; fd is closed then. */
MUST_CHECK bool http_wire_open(struct http_wire *ret_wire, int fd, struct tls_server *tls);
void http_wire_close(struct http_wire *wire);
/* Closes without leaving what the client has not read behind in the kernel. */
void http_wire_reset(struct http_wire *wire);
/* Ends the sending side alone. */
MUST_CHECK bool http_wire_end(struct http_wire *wire);

/* As recv(2) and send(2), with their errno. */
ssize_t http_wire_recv(struct http_wire *wire, void *bytes, size_t cap);
ssize_t http_wire_send(struct http_wire *wire, struct str bytes);
/* Both, as if they were one. */
ssize_t http_wire_send_parts(struct http_wire *wire, struct str head, struct str body);
/* Throws away what has come, of whatever form. False when the client is gone. */
MUST_CHECK bool http_wire_discard(struct http_wire *wire);
/* Bytes can be received that the socket does not tell of. */
bool http_wire_has_pending(const struct http_wire *wire);

#endif
