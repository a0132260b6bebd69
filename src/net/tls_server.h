/* The server's side of TLS over non-blocking sockets: 1.2 and 1.3, forward secret and authenticated
 * ciphers alone. OpenSSL stays behind it.
 *
 * The identity (certificate, key, authorities of clients) comes from files, and is exchanged as a
 * whole while connections stand: those keep the one that they began with. Sessions are not resumed:
 * each connection proves itself to the identity of today.
 */
#ifndef SLUICE_NET_TLS_SERVER_H
#define SLUICE_NET_TLS_SERVER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_server;
struct tls_stream;

struct tls_server_options {
	const char *certificate_file; /* PEM: ours first, then what leads to its authority */
	const char *key_file;         /* PEM, without a passphrase, of mode 0600 or less */
	const char *client_ca_file;   /* PEM: clients need a certificate of these; NULL: none */
};

/* Reads the files. The texts stay borrowed. REFUSED when they do not make an identity. */
MUST_CHECK bool tls_server_new(const struct tls_server_options *options,
			       struct tls_server **ret_server, struct err *err);
void tls_server_free(struct tls_server *server); /* accepts NULL; after its streams */

enum tls_change {
	TLS_SAME,
	TLS_EXCHANGED, /* new connections get the new identity */
	TLS_BROKEN,    /* err says why; the old one stays. Said once for each state of the files */
};
/* Looks whether the files are other ones than before, and takes them when they have stayed so since
 * the last look: a certificate comes before its key. is_asked: takes them at once, the same ones
 * too. From one thread, beside those of the streams. */
enum tls_change tls_server_look(struct tls_server *server, bool is_asked, struct err *err);
/* When the certificate in use ends, in seconds since 1970. */
int64_t tls_server_ends_at(struct tls_server *server);

/* What follows belongs to one thread for each stream. fd stays the caller's. NULL: no memory. */
struct tls_stream *tls_stream_new(struct tls_server *server, int fd);
/* Says goodbye if the handshake was done; never waits. Accepts NULL. */
void tls_stream_free(struct tls_stream *stream);

enum tls_step {
	TLS_DONE,
	TLS_WAITS_READ,
	TLS_WAITS_WRITE,
	TLS_FAILED,
};
enum tls_step tls_handshake(struct tls_stream *stream);
/* As recv(2) and send(2) on a non-blocking socket, with errno EAGAIN or EPROTO; 0 from recv when
 * the client has said goodbye. What was not sent is to be sent again from its first byte on. */
ssize_t tls_recv(struct tls_stream *stream, void *bytes, size_t cap);
ssize_t tls_send(struct tls_stream *stream, const void *bytes, size_t len);
/* Bytes wait here that the socket does not tell of. */
bool tls_has_pending(const struct tls_stream *stream);
/* The client knows that nothing more comes. */
void tls_end(struct tls_stream *stream);

#endif
