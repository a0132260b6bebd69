/* Inside of TLS, for its own files. */
#ifndef SLUICE_NET_TLS_PARTS_H
#define SLUICE_NET_TLS_PARTS_H

#include "net/tls_server.h"

#include <openssl/ssl.h>

struct tls_stream {
	SSL *ssl;
	bool is_open; /* the handshake is done, and nothing has failed */
};

/* Both sides: 1.2 and 1.3, their ciphers, writing in parts. */
MUST_CHECK bool tls_context_set(SSL_CTX *context);
/* err gets what OpenSSL says last. Returns false. */
bool tls_fault(const char *what, const char *file, struct err *err);
MUST_CHECK bool tls_key_take(SSL_CTX *context, const char *file, struct err *err);

#endif
