#include "net/websocket.h"

#include "base/check.h"
#include "base/defence.h"

#include <libwebsockets.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define WHY_LEN    160
#define FDS_MAX    16 /* the connection, a pipe, and what a look-up of names needs */
#define NS_PER_MS  1000000L
#define MS_PER_S   1000L
#define PORT_PLAIN 80
#define PORT_TLS   443

struct endpoint {
	char host[256];
	char path[WEBSOCKET_URL_LEN_MAX];
	char address[300]; /* host:port, for the Host header */
	int port;
	bool is_tls;
};

struct websocket {
	struct websocket_options options;
	struct endpoint endpoint;
	pthread_t thread;
	/* Guarded by the mutex. */
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct lws_context *context; /* of the present try */
	bool is_stopping;
	/* The thread's. */
	struct lws *link;
	bool is_over;   /* of the present try */
	bool is_good;   /* something of sense came */
	bool is_pinged; /* since something came */
	bool wants_ping;
	char why[WHY_LEN];
	unsigned char out[LWS_PRE + WEBSOCKET_SEND_MAX];
	size_t out_len;
	char in[WEBSOCKET_RECEIVE_MAX];
	size_t in_len;
};

/* ---- the URL ---- */

static bool host_read(struct str host, struct endpoint *ret_endpoint)
{
	struct str name = host, rest, port = { 0 };
	if (host.len > 0 && host.at[0] == '[') {
		if (!str_cut(str_skip(host, 1), ']', &name, &rest) ||
		    (rest.len > 0 && rest.at[0] != ':'))
			return false;
		port = rest.len > 0 ? str_skip(rest, 1) : rest;
	} else if (str_cut(host, ':', &name, &rest)) {
		port = rest;
	}
	uint64_t number = ret_endpoint->is_tls ? PORT_TLS : PORT_PLAIN;
	if (port.len > 0 && (!str_to_u64(port, &number) || number == 0 || number > UINT16_MAX))
		return false;
	ret_endpoint->port = (int)number;
	return name.len > 0 && str_copy(name, ret_endpoint->host, sizeof ret_endpoint->host) &&
	       str_copy(host, ret_endpoint->address, sizeof ret_endpoint->address);
}

static bool url_read(struct str url, struct endpoint *ret_endpoint)
{
	*ret_endpoint = (struct endpoint){ .is_tls = str_starts_with(url, STR("wss://")) };
	if (!ret_endpoint->is_tls && !str_starts_with(url, STR("ws://")))
		return false;
	url = str_skip(url, ret_endpoint->is_tls ? 6 : 5);
	size_t host_len = 0;
	while (host_len < url.len && strchr("/?#", url.at[host_len]) == NULL)
		host_len++;
	struct str host = { url.at, host_len }, path = str_skip(url, host_len);
	for (size_t i = 0; i < url.len; i++)
		if (url.at[i] <= ' ' || url.at[i] > '~' || url.at[i] == '#')
			return false;
	if (memchr(host.at, '@', host.len) != NULL || !host_read(host, ret_endpoint))
		return false;
	bool has_slash = path.len > 0 && path.at[0] == '/';
	ret_endpoint->path[0] = '/';
	return str_copy(path, ret_endpoint->path + (has_slash ? 0 : 1),
			sizeof ret_endpoint->path - 1);
}

/* ---- one connection ---- */

static void why_set(struct websocket *self, const char *text, size_t len)
{
	(void)snprintf(self->why, sizeof self->why, "%.64s: %.*s", self->endpoint.host, (int)len,
		       text);
}

/* One frame at a time; the next one when there is room again. */
static int on_writable(struct websocket *self)
{
	size_t len = self->out_len;
	unsigned char ping[LWS_PRE];
	if (len > 0) {
		self->out_len = 0;
		if (self->wants_ping)
			(void)lws_callback_on_writable(self->link);
		int sent = lws_write(self->link, self->out + LWS_PRE, len, LWS_WRITE_TEXT);
		return sent == (int)len ? 0 : -1;
	}
	if (!self->wants_ping)
		return 0;
	self->wants_ping = false;
	return lws_write(self->link, ping + LWS_PRE, 0, LWS_WRITE_PING) >= 0 ? 0 : -1;
}

/* Something came: it is there. */
static void silence_begin(struct websocket *self)
{
	self->is_pinged = self->wants_ping = false;
	lws_set_timer_usecs(self->link, (lws_usec_t)self->options.silent_s * LWS_US_PER_SEC);
}

static int on_timer(struct websocket *self)
{
	if (self->is_pinged && DEFENCE("silence_ends_a_connection")) {
		why_set(self, "no answer to a ping", 19);
		return -1;
	}
	self->is_pinged = self->wants_ping = true;
	lws_set_timer_usecs(self->link, (lws_usec_t)self->options.answer_s * LWS_US_PER_SEC);
	return lws_callback_on_writable(self->link) >= 0 ? 0 : -1;
}

/* A message may come in parts, and in frames. Returns -1 to end the connection. */
static int on_received(struct websocket *self, const char *at, size_t len)
{
	if (lws_is_first_fragment(self->link) != 0)
		self->in_len = 0;
	if (len > sizeof self->in - self->in_len) {
		why_set(self, "a message is too long", 21);
		return -1;
	}
	if (len > 0)
		memcpy(self->in + self->in_len, at, len);
	self->in_len += len;
	if (lws_is_final_fragment(self->link) == 0 || lws_remaining_packet_payload(self->link) > 0)
		return 0;
	struct str text = { self->in, self->in_len };
	self->in_len = 0;
	if (!self->options.received(self->options.context, self, text)) {
		why_set(self, "not what was wanted", 19);
		return -1;
	}
	self->is_good = true;
	return 0;
}

/* The library's own events: those that are not named here are its own business. Below zero ends the
 * connection. */
static int event_handle(struct websocket *self, enum lws_callback_reasons reason, const char *in,
			size_t len)
{
	if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED) {
		silence_begin(self);
		return self->options.opened(self->options.context, self) ? 0 : -1;
	}
	if (reason == LWS_CALLBACK_CLIENT_RECEIVE) {
		silence_begin(self);
		return on_received(self, in, len);
	}
	if (reason == LWS_CALLBACK_CLIENT_RECEIVE_PONG)
		silence_begin(self);
	if (reason == LWS_CALLBACK_TIMER)
		return on_timer(self);
	if (reason == LWS_CALLBACK_CLIENT_WRITEABLE)
		return on_writable(self);
	if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR)
		why_set(self, in != NULL ? in : "no connection", in != NULL ? len : 13);
	if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR || reason == LWS_CALLBACK_CLIENT_CLOSED)
		self->is_over = true;
	return 0;
}

static int on_event(struct lws *link, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct websocket *self = lws_context_user(lws_get_context(link));
	(void)user;
	if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED)
		self->link = link;
	int verdict = self->is_over ? 0 : event_handle(self, reason, in, len);
	/* The other side is not waited for: it may be why. A timer alone would not end lws_service.
	 */
	self->is_over = self->is_over || verdict < 0;
	if (verdict < 0)
		lws_cancel_service(lws_get_context(link));
	return verdict;
}

static const struct lws_protocols protocols[] = {
	{ .name = "sluice", .callback = on_event },
	{ .name = NULL },
};

static struct lws_context *context_new(struct websocket *self)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.uid = -1,
		.gid = -1,
		.fd_limit_per_thread = FDS_MAX,
		.timeout_secs = self->options.connect_s,
		.connect_timeout_secs = self->options.connect_s,
		.user = self,
	};
	if (self->endpoint.is_tls)
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	return lws_create_context(&info);
}

static void link_start(struct websocket *self, struct lws_context *context)
{
	struct lws_client_connect_info info = {
		.context = context,
		.address = self->endpoint.host,
		.port = self->endpoint.port,
		.path = self->endpoint.path,
		.host = self->endpoint.address,
		.ssl_connection = self->endpoint.is_tls ? LCCSCF_USE_SSL : 0,
		.ietf_version_or_minus_one = -1,
		.local_protocol_name = protocols[0].name,
	};
	if (lws_client_connect_via_info(&info) == NULL)
		self->is_over = true; /* its callback has said why */
}

static bool is_stopping(struct websocket *self)
{
	(void)pthread_mutex_lock(&self->mutex);
	bool stopping = self->is_stopping;
	(void)pthread_mutex_unlock(&self->mutex);
	return stopping;
}

/* From here on websocket_stop can end lws_service. */
static void context_show(struct websocket *self, struct lws_context *context)
{
	(void)pthread_mutex_lock(&self->mutex);
	self->context = context;
	(void)pthread_mutex_unlock(&self->mutex);
}

/* A try: from the connection to its end. */
static void connection_run(struct websocket *self)
{
	self->is_over = self->is_good = self->is_pinged = self->wants_ping = false;
	self->link = NULL;
	self->in_len = self->out_len = 0;
	why_set(self, "the connection was lost", 23);
	struct lws_context *context = context_new(self);
	if (context == NULL) {
		why_set(self, "no memory for a connection", 26);
		return;
	}
	context_show(self, context);
	link_start(self, context);
	while (!self->is_over && !is_stopping(self))
		if (lws_service(context, 0) < 0)
			break;
	context_show(self, NULL);
	lws_context_destroy(context);
}

/* ---- the thread ---- */

/* Between half and all of it: many that lost one server do not come back together. */
static void pause_for(struct websocket *self, int64_t ms)
{
	uint32_t random = 0;
	struct timespec until;
	(void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
	ms = ms / 2 + (int64_t)(random % (uint64_t)(ms / 2 + 1));
	CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
	until.tv_sec += ms / MS_PER_S;
	until.tv_nsec += ms % MS_PER_S * NS_PER_MS;
	if (until.tv_nsec >= MS_PER_S * NS_PER_MS) {
		until.tv_sec++;
		until.tv_nsec -= MS_PER_S * NS_PER_MS;
	}
	(void)pthread_mutex_lock(&self->mutex);
	while (!self->is_stopping && pthread_cond_timedwait(&self->wake, &self->mutex, &until) == 0)
		continue;
	(void)pthread_mutex_unlock(&self->mutex);
}

static void *run(void *arg)
{
	struct websocket *self = arg;
	int64_t pause_ms = self->options.pause_ms;
	while (!is_stopping(self)) {
		connection_run(self);
		self->options.closed(self->options.context, self->why);
		if (self->is_good)
			pause_ms = self->options.pause_ms;
		pause_for(self, pause_ms);
		pause_ms *= 2;
		if (pause_ms > self->options.pause_ms_max)
			pause_ms = self->options.pause_ms_max;
	}
	return NULL;
}

static void thread_start(struct websocket *self)
{
	sigset_t all, before;
	/* Signals are the main thread's business. */
	(void)sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	CHECK(pthread_create(&self->thread, NULL, run, self) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

bool websocket_start(const struct websocket_options *options, struct websocket **ret_socket,
		     struct err *err)
{
	pthread_condattr_t attributes;
	struct endpoint endpoint;
	CHECK(options->connect_s > 0 && options->silent_s > 0 && options->answer_s > 0);
	if (!url_read(str_from(options->url), &endpoint))
		return err_set(err, ERR_REFUSED, "not a URL of ws:// or wss:// with a host");
	struct websocket *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->options = *options;
	self->options.url = NULL;
	self->endpoint = endpoint;
	if (self->options.pause_ms == 0)
		self->options.pause_ms = WEBSOCKET_PAUSE_MS;
	if (self->options.pause_ms_max == 0)
		self->options.pause_ms_max = WEBSOCKET_PAUSE_MS_MAX;
	lws_set_log_level(0, NULL);
	CHECK(pthread_mutex_init(&self->mutex, NULL) == 0);
	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&self->wake, &attributes) == 0);
	CHECK(pthread_condattr_destroy(&attributes) == 0);
	thread_start(self);
	*ret_socket = self;
	return true;
}

void websocket_stop(struct websocket *socket)
{
	if (socket == NULL)
		return;
	(void)pthread_mutex_lock(&socket->mutex);
	socket->is_stopping = true;
	if (socket->context != NULL)
		lws_cancel_service(socket->context);
	(void)pthread_cond_signal(&socket->wake);
	(void)pthread_mutex_unlock(&socket->mutex);
	CHECK(pthread_join(socket->thread, NULL) == 0);
	(void)pthread_mutex_destroy(&socket->mutex);
	(void)pthread_cond_destroy(&socket->wake);
	free(socket);
}

bool websocket_send(struct websocket *socket, struct str text)
{
	CHECK(text.len >= 1 && text.len <= WEBSOCKET_SEND_MAX);
	if (socket->out_len > 0)
		return false;
	memcpy(socket->out + LWS_PRE, text.at, text.len);
	socket->out_len = text.len;
	return lws_callback_on_writable(socket->link) >= 0;
}
