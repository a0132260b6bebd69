/* The client's side of TLS over non-blocking sockets. Streams are those of tls_server.h. */
#ifndef SLUICE_NET_TLS_CLIENT_H
#define SLUICE_NET_TLS_CLIENT_H

#include "net/tls_server.h"

struct tls_client;

struct tls_client_options {
	const char *ca_file;   /* PEM: whose certificates are believed */
	const char *cert_file; /* PEM: our own, with key_file; NULL: none */
	const char *key_file;
};

/* Reads the files; REFUSED when they are not what they should be. */
MUST_CHECK bool tls_client_new(const struct tls_client_options *options,
			       struct tls_client **ret_client, struct err *err);
void tls_client_free(struct tls_client *client); /* accepts NULL; after its streams */
/* A stream to `host`, a name or an address, which the certificate has to bear. fd stays the
 * caller's, and may be connecting still. NULL: no memory. */
struct tls_stream *tls_client_stream(struct tls_client *client, int fd, const char *host);
/* Why a handshake failed: "self-signed certificate"; static storage. */
const char *tls_client_reason(const struct tls_stream *stream);

#endif
