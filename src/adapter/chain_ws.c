#include "adapter/chain_ws.h"

#include "adapter/chain_jsonrpc_parse.h"
#include "base/check.h"
#include "base/json.h"
#include "core/limits.h"
#include "net/websocket.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONNECT_S     10
#define SILENT_S      30 /* no chain is silent for so long; then it is pinged */
#define ANSWER_S      15
#define NS_PER_MS     1000000L
#define MS_PER_S      1000L
#define ID_IDENTITY   1
#define ID_SUBSCRIBED 2

static const char identity_call[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\","
				    "\"params\":[]}";
static const char subscribe_call[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_subscribe\","
				     "\"params\":[\"newHeads\"]}";

struct head_bell {
	pthread_mutex_t mutex;
	pthread_cond_t ring;
	bool is_rung;
	unsigned live; /* chains that are connected */
};

struct chain_ws {
	struct chain_ws_options options;
	char name[CHAIN_NAME_LEN_MAX + 1];
	struct websocket *socket;
	bool is_proved; /* its thread's, with all below: it has named the chain's id */
	bool is_live;
	bool was_told; /* that it is away */
	struct metric *connected;
	struct metric *heads;
};

/* ---- the bell ---- */

struct head_bell *head_bell_new(void)
{
	pthread_condattr_t attributes;
	struct head_bell *bell = calloc(1, sizeof *bell);
	CHECK(bell != NULL);
	CHECK(pthread_mutex_init(&bell->mutex, NULL) == 0);
	CHECK(pthread_condattr_init(&attributes) == 0);
	CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&bell->ring, &attributes) == 0);
	CHECK(pthread_condattr_destroy(&attributes) == 0);
	return bell;
}

void head_bell_free(struct head_bell *bell)
{
	if (bell == NULL)
		return;
	CHECK(bell->live == 0);
	(void)pthread_mutex_destroy(&bell->mutex);
	(void)pthread_cond_destroy(&bell->ring);
	free(bell);
}

static void bell_ring(struct head_bell *bell)
{
	(void)pthread_mutex_lock(&bell->mutex);
	bell->is_rung = true;
	(void)pthread_cond_signal(&bell->ring);
	(void)pthread_mutex_unlock(&bell->mutex);
}

static void bell_count(struct head_bell *bell, int by)
{
	(void)pthread_mutex_lock(&bell->mutex);
	bell->live = (unsigned)((int)bell->live + by);
	(void)pthread_mutex_unlock(&bell->mutex);
}

bool head_bell_is_live(struct head_bell *bell)
{
	(void)pthread_mutex_lock(&bell->mutex);
	bool live = bell->live > 0;
	(void)pthread_mutex_unlock(&bell->mutex);
	return live;
}

static struct timespec time_in(int64_t ms)
{
	struct timespec at;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
	at.tv_sec += ms / MS_PER_S;
	at.tv_nsec += ms % MS_PER_S * NS_PER_MS;
	if (at.tv_nsec >= MS_PER_S * NS_PER_MS) {
		at.tv_sec++;
		at.tv_nsec -= MS_PER_S * NS_PER_MS;
	}
	return at;
}

bool head_bell_wait(struct head_bell *bell, int64_t timeout_ms)
{
	int64_t pause_ms = timeout_ms < HEAD_PAUSE_MS ? timeout_ms : HEAD_PAUSE_MS;
	const struct timespec pause = time_in(pause_ms), until = time_in(timeout_ms);
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &pause, NULL);
	(void)pthread_mutex_lock(&bell->mutex);
	while (!bell->is_rung && pthread_cond_timedwait(&bell->ring, &bell->mutex, &until) == 0)
		continue;
	bool rung = bell->is_rung;
	bell->is_rung = false;
	(void)pthread_mutex_unlock(&bell->mutex);
	return rung;
}

/* ---- messages ---- */

static bool is_head(const struct json_value *root)
{
	struct str method;
	return json_string(json_member(root, "method"), &method) &&
	       str_equal_text(method, "eth_subscription") &&
	       json_type_of(json_member(json_member(root, "params"), "result")) == JSON_TYPE_OBJECT;
}

static enum chain_ws_kind answer_read(const struct json_value *root, int64_t id,
				      uint64_t *ret_chain_id)
{
	const struct json_value *result = json_member(root, "result");
	struct str subscription;
	if (json_type_of(json_member(root, "error")) == JSON_TYPE_OBJECT)
		return CHAIN_WS_REFUSED;
	if (id == ID_IDENTITY && chain_read_u64(result, ret_chain_id))
		return CHAIN_WS_IDENTITY;
	if (id == ID_SUBSCRIBED && json_string(result, &subscription))
		return CHAIN_WS_SUBSCRIBED;
	return CHAIN_WS_OTHER;
}

enum chain_ws_kind chain_ws_read(struct str text, uint64_t *ret_chain_id)
{
	JSON_OWNED document = NULL;
	struct err err;
	int64_t id;
	if (!json_parse(text, &document, &err) ||
	    json_type_of(json_root(document)) != JSON_TYPE_OBJECT)
		return CHAIN_WS_OTHER;
	const struct json_value *root = json_root(document);
	if (json_i64(json_member(root, "id"), &id) && (id == ID_IDENTITY || id == ID_SUBSCRIBED))
		return answer_read(root, id, ret_chain_id);
	return is_head(root) ? CHAIN_WS_HEAD : CHAIN_WS_OTHER;
}

/* ---- the connection ---- */

static bool ws_opened(void *context, struct websocket *socket)
{
	struct chain_ws *self = context;
	self->is_proved = false;
	return websocket_send(socket, str_from(identity_call));
}

/* False: another chain. What it would push are not our heads. */
static bool identity_check(struct chain_ws *self, struct websocket *socket, uint64_t chain_id)
{
	struct log_about about = { .action = "heads_of_another_chain", .alarm = !self->was_told };
	if (chain_id == self->options.chain_id) {
		self->is_proved = true;
		return websocket_send(socket, str_from(subscribe_call));
	}
	if (!self->was_told)
		log_line(self->options.log, LOG_ERROR, &about,
			 "chain %s: its ws node says chain id %llu, not %llu", self->name,
			 (unsigned long long)chain_id, (unsigned long long)self->options.chain_id);
	self->was_told = true;
	return false;
}

static void ws_live(struct chain_ws *self)
{
	struct log_about about = { .action = "heads_live" };
	if (self->is_live)
		return;
	self->is_live = true;
	self->was_told = false;
	metric_set(self->connected, 1);
	bell_count(self->options.bell, 1);
	log_line(self->options.log, LOG_INFO, &about, "chain %s: new heads are pushed", self->name);
	/* What came before it could be told. */
	bell_ring(self->options.bell);
}

static bool ws_received(void *context, struct websocket *socket, struct str text)
{
	struct chain_ws *self = context;
	uint64_t chain_id = 0;
	switch (chain_ws_read(text, &chain_id)) {
	case CHAIN_WS_IDENTITY:
		return !self->is_proved && identity_check(self, socket, chain_id);
	case CHAIN_WS_SUBSCRIBED:
		if (self->is_proved)
			ws_live(self);
		return self->is_proved;
	case CHAIN_WS_HEAD:
		if (!self->is_live)
			return false;
		metric_count(self->heads, 1);
		bell_ring(self->options.bell);
		return true;
	case CHAIN_WS_REFUSED:
	case CHAIN_WS_OTHER:
		return false;
	}
	return false;
}

static void ws_closed(void *context, const char *why)
{
	struct chain_ws *self = context;
	struct log_about about = { .action = "heads_away" };
	metric_set(self->connected, 0);
	if (self->is_live)
		bell_count(self->options.bell, -1);
	if (!self->was_told)
		log_line(self->options.log, LOG_WARN, &about,
			 "chain %s: no heads are pushed, they are asked for: %s", self->name, why);
	self->is_live = false;
	self->was_told = true;
}

static void metrics_add(struct chain_ws *self)
{
	char labels[CHAIN_NAME_LEN_MAX + 16];
	(void)snprintf(labels, sizeof labels, "chain=\"%s\"", self->name);
	self->connected = metric_add(self->options.metrics, METRIC_GAUGE, "sluice_heads_connected",
				     labels, "Whether new heads are pushed: 0 or 1.");
	self->heads = metric_add(self->options.metrics, METRIC_COUNTER, "sluice_heads_total",
				 labels, "New heads that were pushed.");
}

bool chain_ws_open(const struct chain_ws_options *options, struct chain_ws **ret_ws,
		   struct err *err)
{
	struct chain_ws *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	CHECK(str_copy(str_from(options->name), self->name, sizeof self->name));
	self->options = *options;
	metrics_add(self);
	const struct websocket_options socket = {
		.url = options->url,
		.connect_s = CONNECT_S,
		.silent_s = options->silent_s > 0 ? options->silent_s : SILENT_S,
		.answer_s = options->answer_s > 0 ? options->answer_s : ANSWER_S,
		.pause_ms_max = options->pause_ms_max,
		.context = self,
		.opened = ws_opened,
		.received = ws_received,
		.closed = ws_closed,
	};
	if (!websocket_start(&socket, &self->socket, err)) {
		free(self);
		return err_wrap(err, "chain %s: ws", options->name);
	}
	*ret_ws = self;
	return true;
}

void chain_ws_close(struct chain_ws *ws)
{
	if (ws == NULL)
		return;
	websocket_stop(ws->socket);
	free(ws);
}
