#include "net/tls_server.h"

#include "base/secret.h"
#include "net/tls_parts.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_BYTES_MAX 32768
/* Of 1.2; all of 1.3 are what these are. The level refuses RSA below 2048 bits and SHA-1. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
#define GROUPS  "X25519:P-256:P-384"

/* What a file is: another one has another of these. */
struct seen {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};
#define FILES 3

struct tls_server {
	struct tls_server_options options;
	pthread_mutex_t mutex; /* of context */
	SSL_CTX *context;
	struct seen used[FILES], last[FILES];
};

/* ---- the identity ---- */

bool tls_fault(const char *what, const char *file, struct err *err)
{
	char text[128];
	ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	err_set(err, ERR_REFUSED, "%s %s: %s", what, file, reason != NULL ? reason : text);
	ERR_clear_error();
	return false;
}

static int no_passphrase(char *bytes, int cap, int writing, void *context)
{
	(void)bytes;
	(void)cap;
	(void)writing;
	(void)context;
	return -1;
}

bool tls_key_take(SSL_CTX *context, const char *file, struct err *err)
{
	struct secret pem;
	if (!secret_read_file(&pem, file, KEY_BYTES_MAX, err))
		return false;
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	EVP_PKEY *key =
		bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	bool ok = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
	if (!ok)
		(void)tls_fault("the key", file, err);
	EVP_PKEY_free(key);
	BIO_free(bio);
	secret_free(&pem);
	return ok;
}

static bool clients_take(SSL_CTX *context, const char *file, struct err *err)
{
	if (file == NULL)
		return true;
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
	if (names == NULL || SSL_CTX_load_verify_locations(context, file, NULL) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return tls_fault("the authorities of clients", file, err);
	}
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return true;
}

/* A client that speaks HTTP/1.1 among others speaks it with us. */
static int protocol_choose(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			   const unsigned char *in, unsigned in_len, void *context)
{
	static const unsigned char http[] = "http/1.1";
	(void)ssl;
	(void)context;
	for (unsigned at = 0; at < in_len && at + 1 + in[at] <= in_len; at += 1u + in[at]) {
		if (in[at] != sizeof http - 1 || memcmp(in + at + 1, http, sizeof http - 1) != 0)
			continue;
		*out = in + at + 1;
		*out_len = sizeof http - 1;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

bool tls_context_set(SSL_CTX *context)
{
	(void)SSL_CTX_set_options(
		context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
				 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
						SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(context, 0) == 1 &&
	       SSL_CTX_set_cipher_list(context, CIPHERS) == 1 &&
	       SSL_CTX_set1_groups_list(context, GROUPS) == 1;
}

static bool context_fill(SSL_CTX *context, const struct tls_server_options *options,
			 struct err *err)
{
	/* A client that sends nothing but what TLS itself eats would keep the loop inside of one
	 * read. */
	if (context != NULL)
		(void)SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	if (context == NULL || !tls_context_set(context))
		return tls_fault("TLS cannot be set up", "", err);
	SSL_CTX_set_alpn_select_cb(context, protocol_choose, NULL);
	if (SSL_CTX_use_certificate_chain_file(context, options->certificate_file) != 1)
		return tls_fault("the certificate", options->certificate_file, err);
	if (!tls_key_take(context, options->key_file, err))
		return false;
	if (SSL_CTX_check_private_key(context) != 1)
		return tls_fault("the key is not the certificate's:", options->key_file, err);
	return clients_take(context, options->client_ca_file, err);
}

static bool context_new(const struct tls_server_options *options, SSL_CTX **ret_context,
			struct err *err)
{
	ERR_clear_error();
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (!context_fill(context, options, err)) {
		SSL_CTX_free(context);
		return false;
	}
	*ret_context = context;
	return true;
}

static void files_see(const struct tls_server *server, struct seen *ret_seen)
{
	const char *const files[FILES] = { server->options.certificate_file,
					   server->options.key_file,
					   server->options.client_ca_file };
	memset(ret_seen, 0, FILES * sizeof *ret_seen);
	for (size_t i = 0; i < FILES; i++) {
		struct stat status;
		if (files[i] == NULL || stat(files[i], &status) != 0)
			continue;
		ret_seen[i].device = status.st_dev;
		ret_seen[i].inode = status.st_ino;
		ret_seen[i].size = status.st_size;
		ret_seen[i].changed = status.st_mtim;
	}
}

bool tls_server_new(const struct tls_server_options *options, struct tls_server **ret_server,
		    struct err *err)
{
	struct tls_server *server = calloc(1, sizeof *server);
	CHECK(server != NULL);
	server->options = *options;
	files_see(server, server->used);
	memcpy(server->last, server->used, sizeof server->last);
	if (!context_new(options, &server->context, err)) {
		free(server);
		return false;
	}
	CHECK(pthread_mutex_init(&server->mutex, NULL) == 0);
	*ret_server = server;
	return true;
}

void tls_server_free(struct tls_server *server)
{
	if (server == NULL)
		return;
	SSL_CTX_free(server->context);
	CHECK(pthread_mutex_destroy(&server->mutex) == 0);
	free(server);
}

enum tls_change tls_server_look(struct tls_server *server, bool is_asked, struct err *err)
{
	struct seen now[FILES];
	SSL_CTX *context, *old;
	files_see(server, now);
	bool is_other = memcmp(now, server->used, sizeof now) != 0;
	bool is_settled = memcmp(now, server->last, sizeof now) == 0;
	memcpy(server->last, now, sizeof now);
	if (!is_asked && (!is_other || !is_settled))
		return TLS_SAME;
	memcpy(server->used, now, sizeof now);
	if (!context_new(&server->options, &context, err))
		return TLS_BROKEN;
	CHECK(pthread_mutex_lock(&server->mutex) == 0);
	old = server->context;
	server->context = context;
	CHECK(pthread_mutex_unlock(&server->mutex) == 0);
	SSL_CTX_free(old); /* streams hold it as long as they need it */
	return TLS_EXCHANGED;
}

int64_t tls_server_ends_at(struct tls_server *server)
{
	struct tm parts = { 0 };
	CHECK(pthread_mutex_lock(&server->mutex) == 0);
	const X509 *certificate = SSL_CTX_get0_certificate(server->context);
	bool ok = certificate != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts);
	CHECK(pthread_mutex_unlock(&server->mutex) == 0);
	return ok ? (int64_t)timegm(&parts) : 0;
}

/* ---- streams ---- */

struct tls_stream *tls_stream_new(struct tls_server *server, int fd)
{
	struct tls_stream *stream = calloc(1, sizeof *stream);
	CHECK(stream != NULL);
	CHECK(pthread_mutex_lock(&server->mutex) == 0);
	stream->ssl = SSL_new(server->context);
	CHECK(pthread_mutex_unlock(&server->mutex) == 0);
	if (stream->ssl == NULL || SSL_set_fd(stream->ssl, fd) != 1) {
		ERR_clear_error();
		SSL_free(stream->ssl);
		free(stream);
		return NULL;
	}
	SSL_set_accept_state(stream->ssl);
	return stream;
}

void tls_end(struct tls_stream *stream)
{
	if (!stream->is_open)
		return;
	stream->is_open = false;
	(void)SSL_shutdown(stream->ssl); /* what the socket does not take is not said */
	ERR_clear_error();
}

void tls_stream_free(struct tls_stream *stream)
{
	if (stream == NULL)
		return;
	tls_end(stream);
	SSL_free(stream->ssl);
	free(stream);
}

static enum tls_step step_of(struct tls_stream *stream, int returned)
{
	int reason = SSL_get_error(stream->ssl, returned);
	ERR_clear_error();
	switch (reason) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_WAITS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WAITS_WRITE;
	default:
		return TLS_FAILED;
	}
}

enum tls_step tls_handshake(struct tls_stream *stream)
{
	ERR_clear_error();
	enum tls_step step = step_of(stream, SSL_do_handshake(stream->ssl));
	stream->is_open = step == TLS_DONE;
	return step;
}

/* After a fault OpenSSL wants no goodbye. */
static ssize_t end_of(struct tls_stream *stream, int returned)
{
	if (SSL_get_error(stream->ssl, returned) == SSL_ERROR_ZERO_RETURN)
		return 0;
	enum tls_step step = step_of(stream, returned);
	stream->is_open = step != TLS_FAILED;
	errno = step == TLS_FAILED ? EPROTO : EAGAIN;
	return -1;
}

ssize_t tls_recv(struct tls_stream *stream, void *bytes, size_t cap)
{
	ERR_clear_error();
	int got = SSL_read(stream->ssl, bytes, cap < INT_MAX ? (int)cap : INT_MAX);
	return got > 0 ? got : end_of(stream, got);
}

ssize_t tls_send(struct tls_stream *stream, const void *bytes, size_t len)
{
	ERR_clear_error();
	int sent = SSL_write(stream->ssl, bytes, len < INT_MAX ? (int)len : INT_MAX);
	if (sent > 0)
		return sent;
	ssize_t end = end_of(stream, sent);
	if (end == 0)
		errno = EPROTO; /* nobody reads any more */
	return -1;
}

bool tls_has_pending(const struct tls_stream *stream)
{
	return SSL_pending(stream->ssl) > 0;
}
