/* "100 Continue" over TLS on a socket that takes nothing more. The streams here carry plain bytes,
 * and refuse as OpenSSL does: a record that was begun goes out before all else, and counts as the
 * first bytes of whatever is sent next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_server.h"
#include "net/tls_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD \
	"POST / HTTP/1.1\r\nHost: sluice.test\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"

/* ---- streams ---- */

static atomic_int refusals; /* so many of the next sends find no room */

struct tls_stream {
	int fd;
	size_t begun; /* bytes of the record that was begun; 0: none */
	char record[1024];
};

struct tls_stream *tls_stream_new(struct tls_server *server, int fd)
{
	(void)server;
	struct tls_stream *stream = calloc(1, sizeof *stream);
	if (stream != NULL)
		stream->fd = fd;
	return stream;
}

void tls_stream_free(struct tls_stream *stream)
{
	free(stream);
}

enum tls_step tls_handshake(struct tls_stream *stream)
{
	(void)stream;
	return TLS_DONE;
}

ssize_t tls_recv(struct tls_stream *stream, void *bytes, size_t cap)
{
	return recv(stream->fd, bytes, cap, 0);
}

ssize_t tls_send(struct tls_stream *stream, const void *bytes, size_t len)
{
	if (stream->begun == 0 && atomic_load(&refusals) > 0) {
		atomic_fetch_sub(&refusals, 1);
		stream->begun = len < sizeof stream->record ? len : sizeof stream->record;
		memcpy(stream->record, bytes, stream->begun);
		errno = EAGAIN;
		return -1;
	}
	if (stream->begun == 0)
		return send(stream->fd, bytes, len, MSG_NOSIGNAL);
	ssize_t sent = send(stream->fd, stream->record, stream->begun, MSG_NOSIGNAL);
	stream->begun = 0;
	return sent;
}

bool tls_has_pending(const struct tls_stream *stream)
{
	(void)stream;
	return false;
}

void tls_end(struct tls_stream *stream)
{
	(void)stream;
}

/* ---- the server ---- */

static atomic_int handled;

static void handle(void *context, struct http_request *request)
{
	(void)context;
	atomic_fetch_add(&handled, 1);
	http_reply(request, 200, NULL, 0, STR("."));
}

static void *serve(void *server)
{
	http_server_run(server);
	return NULL;
}

static int dial(const struct http_server *server)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval patience = { .tv_sec = 20 };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(http_server_port(server)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(send(fd, HEAD, strlen(HEAD), MSG_NOSIGNAL), strlen(HEAD));
	return fd;
}

/* A client that was told half of a line would take the next answer for the other half. */
static void what_has_no_room_ends_the_connection(void **state)
{
	(void)state;
	static int identity; /* any will do: it is not looked at */
	static const char leave[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char heard[sizeof leave];
	struct http_server *server;
	struct err err;
	pthread_t thread;
	struct http_server_options options = { .listen = "127.0.0.1:0",
					       .tls = (struct tls_server *)(void *)&identity,
					       .body_bytes_max = 16,
					       .handle = handle };
	assert_true(http_server_open(&options, &server, &err));
	assert_int_equal(pthread_create(&thread, NULL, serve, server), 0);
	int fd = dial(server); /* there is room */
	assert_int_equal(recv(fd, heard, strlen(leave), MSG_WAITALL), strlen(leave));
	assert_memory_equal(heard, leave, strlen(leave));
	close(fd);

	atomic_store(&refusals, 1);
	fd = dial(server);
	assert_int_equal(recv(fd, heard, 1, 0), 0);
	close(fd);
	assert_int_equal(atomic_load(&handled), 0);
	http_server_stop(server, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	http_server_close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_no_room_ends_the_connection),
	};
	return cmocka_run_group_tests_name("net/http_server_continue", tests, NULL, NULL);
}
