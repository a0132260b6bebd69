#include "net/ops.h"

#include "base/check.h"
#include "net/http_server.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* Probes and one or two Prometheus servers. */
#define CONNECTIONS_MAX 32
#define STOP_GRACE_MS   500

struct ops {
	struct ops_options options;
	struct http_server *server;
	pthread_t thread;
	struct buf body; /* OPS_METRICS_MAX bytes; untouched memory costs nothing */
};

static void reply(struct http_request *request, unsigned status, struct str type, struct str body)
{
	const struct http_pair headers[] = { { STR("Content-Type"), type },
					     { STR("Cache-Control"), STR("no-store") } };
	http_reply(request, status, headers, 2, body);
}

static void reply_problem(struct http_request *request, unsigned status, const char *code)
{
	char text[256];
	struct buf body = buf_of(text, sizeof text);
	buf_format(&body,
		   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"code\":\"%s\"}",
		   http_status_text(status), status, code);
	reply(request, status, STR("application/problem+json"), buf_view(&body));
}

static void reply_verdict(struct ops *ops, struct http_request *request,
			  bool (*judge)(void *context, struct buf *out))
{
	char text[OPS_BODY_MAX];
	struct buf body = buf_of(text, sizeof text);
	bool good = judge(ops->options.context, &body);
	struct str view = buf_view(&body);
	if (body.overflow || body.len == 0)
		view = good ? STR("{\"status\":\"ok\"}") : STR("{\"status\":\"failing\"}");
	reply(request, good ? 200 : 503, STR("application/json"), view);
}

static void reply_metrics(struct ops *ops, struct http_request *request)
{
	buf_reset(&ops->body);
	metrics_write(ops->options.metrics, &ops->body);
	if (ops->options.measure != NULL)
		ops->options.measure(ops->options.context, &ops->body);
	CHECK(!ops->body.overflow);
	reply(request, 200, STR("text/plain; version=0.0.4; charset=utf-8"), buf_view(&ops->body));
}

static void handle(void *context, struct http_request *request)
{
	struct ops *ops = context;
	bool is_live = str_equal_text(request->path, "/livez");
	bool is_ready = str_equal_text(request->path, "/readyz");
	bool is_metrics = str_equal_text(request->path, "/metrics");
	if (!is_live && !is_ready && !is_metrics)
		reply_problem(request, 404, "not_found");
	else if (request->method != HTTP_GET && request->method != HTTP_HEAD)
		reply_problem(request, 405, "method_not_allowed");
	else if (is_live)
		reply_verdict(ops, request, ops->options.live);
	else if (is_ready)
		reply_verdict(ops, request, ops->options.ready);
	else
		reply_metrics(ops, request);
}

static void *serve(void *arg)
{
	http_server_run(arg);
	return NULL;
}

/* With all signals blocked: SIGTERM is the business of the role's own threads. */
static void start_thread(struct ops *ops)
{
	sigset_t all, old;
	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
	CHECK(pthread_create(&ops->thread, NULL, serve, ops->server) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
}

bool ops_start(const struct ops_options *options, struct ops **ret_ops, struct err *err)
{
	CHECK(options->live != NULL && options->ready != NULL && options->metrics != NULL);
	struct ops *ops = calloc(1, sizeof *ops);
	CHECK(ops != NULL);
	ops->options = *options;
	const struct http_server_options server_options = {
		.listen = options->listen,
		.connections_max = CONNECTIONS_MAX,
		.handle = handle,
		.context = ops,
	};
	if (!http_server_open(&server_options, &ops->server, err)) {
		free(ops);
		return false;
	}
	ops->body = buf_new(OPS_METRICS_MAX);
	start_thread(ops);
	*ret_ops = ops;
	return true;
}

uint16_t ops_port(const struct ops *ops)
{
	return http_server_port(ops->server);
}

void ops_stop(struct ops *ops)
{
	if (ops == NULL)
		return;
	http_server_stop(ops->server, STOP_GRACE_MS);
	CHECK(pthread_join(ops->thread, NULL) == 0);
	http_server_close(ops->server);
	buf_free(&ops->body);
	free(ops);
}
