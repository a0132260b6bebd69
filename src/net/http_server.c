/* Connections and their states:
 *
 *	SHAKING ──TLS──> IDLE, or at once without TLS
 *
 *	IDLE ──first byte──> READING ──complete──> HANDLING ──http_reply──> IDLE
 *	                        │ refused              │ socket full
 *	                        └──> HANDLING          └──> WRITING ──> IDLE
 *
 * and from any of them LINGERING, when this was the last reply: the sending side is shut, what
 *still comes in is thrown away until the client has closed too. Closing at once would make the
 *kernel send a reset, which can destroy the reply before the client has read it.
 *
 * One input buffer per connection holds the request under way, at its start, and what the client
 * has sent behind it. Deadlines are counted in ticks of one timer, not by a timer each.
 */
#include "net/http_server.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/http_reply.h"
#include "net/http_socket.h"
#include "net/http_wire.h"
#include "net/loop_event.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS          250
#define LINGER_TICKS     8     /* 2 s */
#define EVICT_TICKS      4     /* what does not get on is safe for 1 s when room is needed */
#define PROGRESS_BYTES   16384 /* of an answer: who takes less in all that time does not get on */
#define ACCEPTS_PER_WAKE 64
#define SPARE_MAX        64 /* connections kept for the next clients */
#define IN_SLACK         64 /* heads of chunks, the forgiven empty line */
#define DISCARD_BYTES    4096

enum connection_state {
	CONNECTION_SHAKING,
	CONNECTION_IDLE,
	CONNECTION_READING,
	CONNECTION_HANDLING,
	CONNECTION_WRITING,
	CONNECTION_LINGERING,
};

struct http_connection {
	struct http_request request; /* first: the handler's pointer is ours */
	struct http_server *server;
	struct http_connection *next, *previous; /* in server->connections, or spares */
	enum connection_state state;
	struct http_wire wire; /* closed: the client is gone, the request is not answered yet */
	bool is_advancing;     /* advance() is on the stack and releases the connection itself */
	bool input_ended;      /* the client has shut its sending side */
	bool is_last;          /* no request after this one */
	bool told_continue;
	uint64_t since_tick; /* when the state was entered, or data last moved */
	struct event read_event, write_event;
	struct http_parser parser;
	size_t in_len, storage_used;
	size_t in_high; /* as much of `in` may hold something of a client */
	size_t used;    /* bytes of the request under way */
	char *out;      /* what the socket did not take yet; NULL outside WRITING */
	size_t out_len, out_at;
	char peer[HTTP_PEER_LEN];
	struct ip_address address;
	char *storage;
	char *in;
};

struct http_server {
	struct http_server_options options;
	struct loop *loop;
	int listen_fd;
	uint16_t port;
	struct event listen_event;
	bool is_listening, is_stopping, is_running;
	uint64_t tick, stop_tick;
	atomic_llong stop_grace_ms; /* -1: nobody wants it to stop */
	time_t date_at;
	char date[64];
	size_t in_cap, connections_len;
	uint64_t crowded; /* closed by is_crowd */
	struct http_connection *connections;
	size_t spares_len;
	struct http_connection *spares;
};

static void on_read(evutil_socket_t fd, short what, void *arg);
static void on_write(evutil_socket_t fd, short what, void *arg);

static uint64_t ticks_of(int64_t ms)
{
	return (uint64_t)(ms + TICK_MS - 1) / TICK_MS;
}

static void enter(struct http_connection *connection, enum connection_state state)
{
	connection->state = state;
	connection->since_tick = connection->server->tick;
}

/* ---- life of a connection ---- */

static struct http_connection *take_spare(struct http_server *server)
{
	struct http_connection *connection = server->spares;
	if (connection != NULL) {
		server->spares = connection->next;
		server->spares_len--;
	} else {
		connection = malloc(sizeof *connection);
		CHECK(connection != NULL);
		connection->storage = malloc(server->options.storage_bytes);
		connection->in = malloc(server->in_cap);
		CHECK(connection->storage != NULL && connection->in != NULL);
	}
	/* All but the large arrays, which are written before they are read. */
	char *storage = connection->storage, *in = connection->in;
	memset((char *)connection + sizeof connection->request, 0,
	       sizeof *connection - sizeof connection->request);
	connection->storage = storage;
	connection->in = in;
	return connection;
}

static void free_out(struct http_connection *connection)
{
	if (connection->out != NULL)
		secret_wipe(connection->out, connection->out_len);
	free(connection->out);
	connection->out = NULL;
}

/* What was read is of no more use: passwords, tokens and keys do not stay for as long as the
 * connection, or until the next one writes over them. */
static void wipe_in(struct http_connection *connection)
{
	secret_wipe(connection->in + connection->in_len, connection->in_high - connection->in_len);
	connection->in_high = connection->in_len;
}

static void free_connection(struct http_connection *connection)
{
	connection->in_len = 0;
	wipe_in(connection);
	free_out(connection);
	free(connection->storage);
	free(connection->in);
	free(connection);
}

/* Gives the memory back; the socket is closed already. */
static void release(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	CHECK(connection->wire.fd < 0 && connection->state != CONNECTION_HANDLING);
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		server->connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	server->connections_len--;
	connection->in_len = 0;
	wipe_in(connection);
	free_out(connection);
	if (server->spares_len >= SPARE_MAX) {
		free_connection(connection);
	} else {
		connection->next = server->spares;
		server->spares = connection;
		server->spares_len++;
	}
	if (!server->is_stopping && !server->is_listening) {
		CHECK(event_add(&server->listen_event, NULL) == 0);
		server->is_listening = true;
	}
}

/* Closes the socket. The connection itself goes too, unless its request is still to be answered or
 * advance() still looks at it. */
static void drop(struct http_connection *connection)
{
	if (connection->wire.fd >= 0) {
		event_del(&connection->read_event);
		event_del(&connection->write_event);
		http_wire_close(&connection->wire);
	}
	if (connection->state == CONNECTION_HANDLING || connection->is_advancing)
		return;
	release(connection);
}

/* Of a client that does not read. */
static void drop_hard(struct http_connection *connection)
{
	event_del(&connection->read_event);
	event_del(&connection->write_event);
	http_wire_reset(&connection->wire);
	drop(connection);
}

static void linger(struct http_connection *connection)
{
	connection->in_len = 0;
	wipe_in(connection);
	if (connection->input_ended || !http_wire_end(&connection->wire)) {
		enter(connection, CONNECTION_LINGERING);
		drop(connection);
		return;
	}
	enter(connection, CONNECTION_LINGERING);
	event_add(&connection->read_event, NULL);
}

static void connect_client(struct http_server *server, int fd, const struct sockaddr_storage *peer)
{
	struct http_wire wire;
	if (!http_wire_open(&wire, fd, server->options.tls))
		return;
	struct http_connection *connection = take_spare(server);
	connection->server = server;
	connection->wire = wire;
	http_socket_write_peer(peer, connection->peer);
	connection->address = http_socket_address(peer);
	connection->next = server->connections;
	if (connection->next != NULL)
		connection->next->previous = connection;
	server->connections = connection;
	server->connections_len++;
	http_parser_init(&connection->parser, server->options.head_bytes_max,
			 server->options.body_bytes_max);
	enter(connection, wire.tls != NULL ? CONNECTION_SHAKING : CONNECTION_IDLE);
	struct event_base *base = loop_event_base(server->loop);
	CHECK(event_assign(&connection->read_event, base, fd, EV_READ | EV_PERSIST, on_read,
			   connection) == 0);
	CHECK(event_assign(&connection->write_event, base, fd, EV_WRITE | EV_PERSIST, on_write,
			   connection) == 0);
	CHECK(event_add(&connection->read_event, NULL) == 0);
}

/* True when requests can come. */
static bool shake(struct http_connection *connection)
{
	switch (tls_handshake(connection->wire.tls)) {
	case TLS_DONE:
		event_del(&connection->write_event);
		enter(connection, CONNECTION_IDLE);
		return true;
	case TLS_WAITS_READ:
		event_del(&connection->write_event);
		return false;
	case TLS_WAITS_WRITE:
		event_add(&connection->write_event, NULL);
		return false;
	case TLS_FAILED:
		drop(connection);
		return false;
	}
	return false;
}

/* ---- replies ---- */

/* The reply is out. Makes room for the next request, or closes. */
static void finish_reply(struct http_connection *connection)
{
	free_out(connection);
	if (connection->is_last) {
		linger(connection);
		return;
	}
	connection->in_len -= connection->used;
	memmove(connection->in, connection->in + connection->used, connection->in_len);
	connection->used = 0;
	wipe_in(connection);
	connection->told_continue = false;
	http_parser_init(&connection->parser, connection->parser.head_max,
			 connection->parser.body_max);
	enter(connection, CONNECTION_IDLE);
	if (!connection->input_ended)
		event_add(&connection->read_event, NULL); /* it is off after a full buffer */
	if (!connection->is_advancing && (connection->in_len > 0 || connection->input_ended ||
					  http_wire_has_pending(&connection->wire)))
		event_active(&connection->read_event, EV_READ, 0);
}

/* Sends both parts; what the socket does not take is kept, copied. */
static void send_parts(struct http_connection *connection, struct str head, struct str body)
{
	ssize_t sent = http_wire_send_parts(&connection->wire, head, body);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		enter(connection, CONNECTION_WRITING);
		drop(connection);
		return;
	}
	size_t done = sent < 0 ? 0 : (size_t)sent;
	size_t total = head.len + body.len;
	if (done == total) {
		finish_reply(connection);
		return;
	}
	struct buf rest = buf_new(total - done);
	buf_str(&rest, str_skip(head, done < head.len ? done : head.len));
	buf_str(&rest, str_skip(body, done > head.len ? done - head.len : 0));
	connection->out = rest.at;
	connection->out_len = rest.len;
	connection->out_at = 0;
	enter(connection, CONNECTION_WRITING);
	event_add(&connection->write_event, NULL);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct http_connection *connection = arg;
	if (connection->state == CONNECTION_SHAKING) {
		(void)shake(connection);
		return;
	}
	CHECK(connection->state == CONNECTION_WRITING);
	struct str rest = { connection->out + connection->out_at,
			    connection->out_len - connection->out_at };
	ssize_t sent = http_wire_send(&connection->wire, rest);
	if (sent < 0) {
		if (errno != EAGAIN && errno != EINTR)
			drop(connection);
		return;
	}
	size_t before = connection->out_at / PROGRESS_BYTES;
	connection->out_at += (size_t)sent;
	if (connection->out_at / PROGRESS_BYTES > before)
		connection->since_tick = connection->server->tick;
	if (connection->out_at < connection->out_len)
		return;
	event_del(&connection->write_event);
	finish_reply(connection);
}

void http_reply(struct http_request *request, unsigned status, const struct http_pair *headers,
		size_t headers_len, struct str body)
{
	struct http_connection *connection = (struct http_connection *)request;
	struct http_server *server = connection->server;
	CHECK(loop_is_current(server->loop));
	CHECK(connection->state == CONNECTION_HANDLING);
	CHECK(status >= 200 && status <= 599 && headers_len <= HTTP_REPLY_HEADERS_MAX);
	CHECK((status != 204 && status != 304) || body.len == 0);
	if (connection->wire.fd < 0) {
		enter(connection, CONNECTION_LINGERING);
		drop(connection);
		return;
	}
	if (!request->keep_alive || server->is_stopping || atomic_load(&server->stop_grace_ms) >= 0)
		connection->is_last = true;
	char text[HTTP_REPLY_HEAD_MAX + 256];
	struct buf head = buf_of(text, sizeof text);
	struct http_reply_head says = { .status = status,
					.date = server->date,
					.headers = headers,
					.headers_len = headers_len,
					.body_len = body.len,
					.is_last = connection->is_last };
	http_reply_head_write(&says, &head);
	CHECK(!head.overflow);
	if (request->method == HTTP_HEAD)
		body.len = 0;
	send_parts(connection, buf_view(&head), body);
}

static void reply_refusal(struct http_connection *connection, const struct http_refusal *refusal)
{
	struct http_server *server = connection->server;
	/* What the parser left behind may be half a head, or the last request's. */
	connection->request.method = HTTP_GET;
	connection->request.path = connection->request.path_raw = STR("");
	connection->request.query_raw = connection->request.body = STR("");
	connection->request.headers_len = connection->request.query_len = 0;
	connection->request.keep_alive = false;
	connection->request.peer = str_from(connection->peer);
	connection->request.address = connection->address;
	connection->storage_used = 0;
	connection->is_last = true;
	connection->used = 0;
	enter(connection, CONNECTION_HANDLING);
	if (server->options.refused != NULL) {
		server->options.refused(server->options.context, &connection->request, refusal);
		return;
	}
	char text[512];
	struct buf body = buf_of(text, sizeof text);
	http_refusal_write(refusal, &body);
	CHECK(!body.overflow);
	const struct http_pair type = { STR("Content-Type"), STR("application/problem+json") };
	http_reply(&connection->request, refusal->status, &type, 1, buf_view(&body));
}

/* ---- requests ---- */

void *http_request_alloc(struct http_request *request, size_t len)
{
	struct http_connection *connection = (struct http_connection *)request;
	size_t cap = connection->server->options.storage_bytes;
	size_t rounded = (len + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	CHECK(connection->state == CONNECTION_HANDLING);
	CHECK(rounded >= len && rounded <= cap - connection->storage_used);
	void *at = connection->storage + connection->storage_used;
	connection->storage_used += rounded;
	memset(at, 0, len);
	return at;
}

/* The client waits for leave to send its body. A short line on a socket that has nothing else to
 * send fits, or the client sends without it after a while. Over TLS what does not fit is a record
 * that was begun, and that nothing but the same line may end: the client has to come again. */
static void tell_continue(struct http_connection *connection)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	if (connection->told_continue || connection->parser.phase <= HTTP_PHASE_HEAD ||
	    !connection->request.expects_continue)
		return;
	connection->told_continue = true;
	ssize_t sent = http_wire_send(&connection->wire, str_from(line));
	bool is_begun = sent < 0 ? connection->wire.tls != NULL : (size_t)sent < sizeof line - 1;
	if (is_begun)
		drop(connection);
}

/* Takes one request out of the input. False when there is nothing more to take now. */
static bool advance_once(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	enum http_parse_state state =
		http_parse(&connection->parser, connection->in, &connection->in_len,
			   &connection->request, &connection->used);
	switch (state) {
	case HTTP_PARSE_MORE:
		if (connection->state == CONNECTION_IDLE)
			enter(connection, CONNECTION_READING);
		if (connection->input_ended)
			drop(connection);
		else
			tell_continue(connection);
		return false;
	case HTTP_PARSE_REFUSED:
		reply_refusal(connection, &connection->parser.refusal);
		return false;
	case HTTP_PARSE_DONE:
		break;
	}
	connection->request.peer = str_from(connection->peer);
	connection->request.address = connection->address;
	connection->storage_used = 0;
	enter(connection, CONNECTION_HANDLING);
	server->options.handle(server->options.context, &connection->request);
	return true;
}

/* False when the connection is gone, or waits for an answer. */
static bool advance(struct http_connection *connection)
{
	connection->is_advancing = true;
	bool more = true;
	while (more && connection->wire.fd >= 0 && connection->in_len > 0 &&
	       (connection->state == CONNECTION_IDLE || connection->state == CONNECTION_READING))
		more = advance_once(connection);
	connection->is_advancing = false;
	bool is_waiting =
		connection->state == CONNECTION_IDLE || connection->state == CONNECTION_READING;
	bool is_over = connection->wire.fd < 0 || (is_waiting && connection->input_ended);
	if (is_over)
		drop(connection);
	return is_waiting && !is_over;
}

/* False when the connection is gone. */
static bool receive(struct http_connection *connection)
{
	size_t room = connection->server->in_cap - connection->in_len;
	if (room == 0) {
		/* A request waits for its answer and the client has sent a lot behind it. */
		event_del(&connection->read_event);
		return true;
	}
	ssize_t got = http_wire_recv(&connection->wire, connection->in + connection->in_len, room);
	if (got > 0) {
		connection->in_len += (size_t)got;
		if (connection->in_len > connection->in_high)
			connection->in_high = connection->in_len;
	} else if (got == 0) {
		connection->input_ended = true;
		event_del(&connection->read_event);
	} else if (errno != EAGAIN && errno != EINTR) {
		drop(connection);
		return false;
	}
	return true;
}

/* True while there is more to take, and room for it. */
static bool take_once(struct http_connection *connection)
{
	if (!connection->input_ended && !receive(connection))
		return false;
	if (connection->state != CONNECTION_IDLE && connection->state != CONNECTION_READING)
		return false;
	bool has_more = http_wire_has_pending(&connection->wire);
	return advance(connection) && has_more;
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct http_connection *connection = arg;
	CHECK(connection->wire.fd >= 0);
	if (connection->state == CONNECTION_LINGERING) {
		if (!http_wire_discard(&connection->wire))
			drop(connection);
		return;
	}
	if (connection->state == CONNECTION_SHAKING && !shake(connection))
		return;
	while (take_once(connection))
		;
}

/* ---- listening and time ---- */

static void stop_listening(struct http_server *server)
{
	if (server->is_listening)
		event_del(&server->listen_event);
	server->is_listening = false;
}

/* Closes the connection that waits longest for its client: idle, or in the middle of a handshake, a
 * request or an answer that does not get on. False when none does for EVICT_TICKS. */
static bool evict_idle(struct http_server *server)
{
	struct http_connection *oldest = NULL;
	for (struct http_connection *at = server->connections; at != NULL; at = at->next)
		if (at->state != CONNECTION_HANDLING &&
		    (oldest == NULL || at->since_tick < oldest->since_tick))
			oldest = at;
	if (oldest == NULL || server->tick - oldest->since_tick < EVICT_TICKS)
		return false;
	(oldest->state == CONNECTION_WRITING ? drop_hard : drop)(oldest);
	return true;
}

/* Has this client as many connections, or handshakes, as one may have? Counted anew: few enough. */
static bool is_crowd(const struct http_server *server, const struct sockaddr_storage *peer)
{
	const struct http_server_options *options = &server->options;
	struct ip_address address = http_socket_address(peer);
	size_t len = 0;
	if (ip_ranges_have(options->proxies, options->proxies_len, address))
		return false;
	struct ip_address client = ip_client(address);
	if (options->tls != NULL && options->shakes != NULL &&
	    !options->shakes(options->context, address))
		return true;
	for (const struct http_connection *at = server->connections; at != NULL; at = at->next)
		len += at->wire.fd >= 0 && ip_equal(ip_client(at->address), client) ? 1 : 0;
	return options->connections_of_address_max > 0 &&
	       len >= options->connections_of_address_max;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	struct http_server *server = arg;
	for (int i = 0; i < ACCEPTS_PER_WAKE; i++) {
		if (server->connections_len >= server->options.connections_max &&
		    !evict_idle(server)) {
			stop_listening(server); /* release() or the next tick goes on */
			return;
		}
		struct sockaddr_storage peer;
		int client = http_socket_accept(fd, &peer);
		if (client >= 0 && is_crowd(server, &peer)) {
			server->crowded++;
			close(client);
			continue;
		}
		if (client >= 0) {
			connect_client(server, client, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			stop_listening(server);
		return;
	}
}

static uint64_t patience_ticks(const struct http_connection *connection)
{
	const struct http_server_options *options = &connection->server->options;
	switch (connection->state) {
	case CONNECTION_SHAKING:
		return ticks_of(options->shake_timeout_ms);
	case CONNECTION_IDLE:
		return ticks_of(options->idle_timeout_ms);
	case CONNECTION_READING:
		return ticks_of(options->read_timeout_ms);
	case CONNECTION_HANDLING:
		return UINT64_MAX; /* the handler's business */
	case CONNECTION_WRITING:
		return ticks_of(options->write_timeout_ms);
	case CONNECTION_LINGERING:
		return LINGER_TICKS;
	}
	return UINT64_MAX;
}

static void expire(struct http_connection *connection)
{
	static const struct http_refusal slow = { 408, "request_timeout",
						  "The request took too long to arrive." };
	if (connection->server->tick - connection->since_tick <= patience_ticks(connection))
		return;
	if (connection->state == CONNECTION_READING)
		reply_refusal(connection, &slow);
	else if (connection->state == CONNECTION_WRITING)
		drop_hard(connection);
	else
		drop(connection);
}

static void update_date(struct http_server *server)
{
	time_t now = time(NULL);
	if (now == server->date_at)
		return;
	struct buf out = buf_of(server->date, sizeof server->date);
	time_write_http(now, &out);
	(void)buf_terminated(&out);
	CHECK(!out.overflow);
	server->date_at = now;
}

static bool is_quiet(const struct http_server *server)
{
	for (const struct http_connection *at = server->connections; at != NULL; at = at->next)
		if (at->state == CONNECTION_READING || at->state == CONNECTION_HANDLING ||
		    at->state == CONNECTION_WRITING)
			return false;
	return true;
}

/* Starts to stop when somebody wants it, and ends the loop when that is done or overdue. */
static void on_stop_wanted(void *arg)
{
	struct http_server *server = arg;
	long long grace_ms = atomic_exchange(&server->stop_grace_ms, -1);
	if (grace_ms >= 0) {
		uint64_t stop_tick = server->tick + ticks_of(grace_ms);
		if (!server->is_stopping || stop_tick < server->stop_tick)
			server->stop_tick = stop_tick;
		server->is_stopping = true;
		stop_listening(server);
	}
	if (server->is_stopping && (is_quiet(server) || server->tick >= server->stop_tick))
		loop_break(server->loop);
}

static void on_tick(void *arg)
{
	struct http_server *server = arg;
	server->tick++;
	update_date(server);
	struct http_connection *next;
	for (struct http_connection *at = server->connections; at != NULL; at = next) {
		next = at->next;
		expire(at);
	}
	if (!server->is_stopping && !server->is_listening) {
		CHECK(event_add(&server->listen_event, NULL) == 0);
		server->is_listening = true;
	}
	on_stop_wanted(server);
}

/* ---- the server ---- */

static void fill_defaults(struct http_server_options *options)
{
	if (options->head_bytes_max == 0)
		options->head_bytes_max = 8192;
	if (options->connections_max == 0)
		options->connections_max = 1024;
	if (options->storage_bytes == 0)
		options->storage_bytes = 2048;
	if (options->idle_timeout_ms == 0)
		options->idle_timeout_ms = 75000;
	if (options->shake_timeout_ms == 0)
		options->shake_timeout_ms = 5000;
	if (options->read_timeout_ms == 0)
		options->read_timeout_ms = 10000;
	if (options->write_timeout_ms == 0)
		options->write_timeout_ms = 20000;
}

bool http_server_open(const struct http_server_options *options, struct http_server **ret_server,
		      struct err *err)
{
	CHECK(options->handle != NULL && options->listen != NULL);
	CHECK(options->connections_max <= LOOP_POSTS_MAX / 2); /* a post per request fits */
	int fd;
	uint16_t port;
	if (!http_socket_listen(options->listen, &fd, &port, err))
		return false;
	struct http_server *server = calloc(1, sizeof *server);
	CHECK(server != NULL);
	server->options = *options;
	fill_defaults(&server->options);
	server->in_cap = server->options.head_bytes_max + server->options.body_bytes_max + IN_SLACK;
	server->listen_fd = fd;
	server->port = port;
	atomic_init(&server->stop_grace_ms, -1);
	server->loop = loop_new();
	update_date(server);
	loop_on_wake(server->loop, on_stop_wanted, server);
	loop_every(server->loop, TICK_MS, on_tick, server);
	CHECK(event_assign(&server->listen_event, loop_event_base(server->loop), fd,
			   EV_READ | EV_PERSIST, on_accept, server) == 0);
	*ret_server = server;
	return true;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

void http_server_run(struct http_server *server)
{
	CHECK(!server->is_running);
	server->is_running = true;
	CHECK(event_add(&server->listen_event, NULL) == 0);
	server->is_listening = true;
	loop_run(server->loop);
}

void http_server_stop(struct http_server *server, int64_t grace_ms)
{
	CHECK(grace_ms >= 0);
	atomic_store(&server->stop_grace_ms, grace_ms);
	loop_wake(server->loop);
}

void http_server_close(struct http_server *server)
{
	if (server == NULL)
		return;
	server->is_stopping = true;
	stop_listening(server);
	close(server->listen_fd);
	struct http_connection *next;
	for (struct http_connection *at = server->connections; at != NULL; at = next) {
		next = at->next;
		enter(at, CONNECTION_LINGERING); /* whoever wanted to answer is gone */
		drop(at);
	}
	for (struct http_connection *at = server->spares; at != NULL; at = next) {
		next = at->next;
		free_connection(at);
	}
	loop_free(server->loop);
	free(server);
}

bool http_server_post(struct http_server *server, void (*run)(void *arg), void *arg)
{
	return loop_post(server->loop, run, arg);
}

void http_server_every(struct http_server *server, int64_t ms, void (*run)(void *arg), void *arg)
{
	loop_every(server->loop, ms, run, arg);
}

uint64_t http_server_crowded(const struct http_server *server)
{
	return server->crowded;
}

size_t http_server_connections(const struct http_server *server)
{
	return server->connections_len;
}
