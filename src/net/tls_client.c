#include "net/tls_client.h"

#include "net/tls_parts.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_client {
	SSL_CTX *context;
};

static bool own_take(SSL_CTX *context, const struct tls_client_options *options, struct err *err)
{
	if (options->cert_file == NULL)
		return true;
	if (SSL_CTX_use_certificate_chain_file(context, options->cert_file) != 1)
		return tls_fault("the certificate", options->cert_file, err);
	if (!tls_key_take(context, options->key_file, err))
		return false;
	return SSL_CTX_check_private_key(context) == 1 ||
	       tls_fault("the key is not the certificate's:", options->key_file, err);
}

bool tls_client_new(const struct tls_client_options *options, struct tls_client **ret_client,
		    struct err *err)
{
	struct tls_client *client = calloc(1, sizeof *client);
	CHECK(client != NULL);
	ERR_clear_error();
	client->context = SSL_CTX_new(TLS_client_method());
	bool ok = client->context != NULL && tls_context_set(client->context);
	if (!ok)
		(void)tls_fault("TLS cannot be set up", "", err);
	if (ok && SSL_CTX_load_verify_locations(client->context, options->ca_file, NULL) != 1)
		ok = tls_fault("the authorities", options->ca_file, err);
	if (!ok || !own_take(client->context, options, err)) {
		tls_client_free(client);
		return false;
	}
	SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
	*ret_client = client;
	return true;
}

void tls_client_free(struct tls_client *client)
{
	if (client == NULL)
		return;
	SSL_CTX_free(client->context);
	free(client);
}

/* A name goes into the hello; an address does not (RFC 6066). Both are compared. */
static bool host_set(SSL *ssl, const char *host)
{
	unsigned char address[16];
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* SSL_set_tlsext_host_name() written out: its cast is an error for clang, and it only
	 * reads. */
	return SSL_set1_host(ssl, host) == 1 &&
	       SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			(void *)(uintptr_t)host) == 1;
}

struct tls_stream *tls_client_stream(struct tls_client *client, int fd, const char *host)
{
	struct tls_stream *stream = calloc(1, sizeof *stream);
	CHECK(stream != NULL);
	stream->ssl = SSL_new(client->context);
	if (stream->ssl == NULL || SSL_set_fd(stream->ssl, fd) != 1 ||
	    !host_set(stream->ssl, host)) {
		ERR_clear_error();
		tls_stream_free(stream);
		return NULL;
	}
	SSL_set_connect_state(stream->ssl);
	return stream;
}

const char *tls_client_reason(const struct tls_stream *stream)
{
	long result = SSL_get_verify_result(stream->ssl);
	return result != X509_V_OK ? X509_verify_cert_error_string(result) : "no handshake of TLS";
}
