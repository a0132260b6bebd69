/* The server itself: from the bytes' request to a route's function, and from an answer to the wire,
 * with authentication, ids, metrics and the log line around it. Started by cmd; routes are in
 * http_routes.c. */
#include "service/api/http.h"

#include "base/check.h"
#include "service/api/http_login.h"
#include "service/api/http_address.h"
#include "service/api/http_lists.h"
#include "service/api/http_waiters.h"
#include "service/api/request.h"
#include "service/api/work.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS           250
#define READY_MS          3500 /* the store is asked once a second */
#define JOBS_MAX_DEFAULT  4096
#define JOB_TIMEOUT_MS    5000
#define KEY_CACHE_MS      5000
#define ID_RANDOM_BYTES   10
#define RANDOM_BYTES      (64 * ID_RANDOM_BYTES)
#define CLASSES           3 /* 2xx, 4xx, 5xx */
#define SERIES            (HTTP_ROUTES_MAX + 1)
#define ROUTE_NONE        HTTP_ROUTES_MAX /* no route, or a refused request */
#define RETRY_AFTER_S     "1"
#define REPLY_HEADERS_OWN 5 /* the ones of every answer */

struct api_server {
	struct api_server_options options;
	struct http_server *http;
	struct work *work;
	struct jobs *jobs;
	struct lists *lists; /* NULL without a replica */
	struct waiters *waiters;
	atomic_bool is_stopping;
	struct auth *auth;
	struct identity *identity;
	atomic_int_least64_t heartbeat_ms;
	uint8_t random[RANDOM_BYTES]; /* drawn in larger parts: a system call per id adds up */
	size_t random_used;
	struct id_sequence ids;
	struct metric *requests[SERIES][CLASSES];
	struct metric *seconds[SERIES];
	struct metric *connections;
	struct metric *crowded;
	uint64_t crowded_told;
};

/* ---- the small things of an exchange ---- */

const struct api_options *exchange_options(const struct exchange *exchange)
{
	return &exchange->server->options.api;
}

struct auth *exchange_auth(const struct exchange *exchange)
{
	return exchange->server->auth;
}

struct lists *exchange_lists(const struct exchange *exchange)
{
	return exchange->server->lists;
}

struct identity *exchange_identity(const struct exchange *exchange)
{
	return exchange->server->identity;
}

struct waiters *exchange_waiters(const struct exchange *exchange)
{
	return exchange->server->waiters;
}

static struct id new_id(struct api_server *server)
{
	const struct api_options *options = &server->options.api;
	if (server->random_used == RANDOM_BYTES) {
		entropy_fill(options->entropy, server->random, sizeof server->random);
		server->random_used = 0;
	}
	const uint8_t *random = server->random + server->random_used;
	server->random_used += ID_RANDOM_BYTES;
	return id_next(&server->ids, clock_now_ms(options->clock), random);
}

struct id exchange_new_id(struct exchange *exchange)
{
	return new_id(exchange->server);
}

static struct exchange *exchange_start(struct api_server *server, struct http_request *request)
{
	struct str parent = { 0 };
	struct exchange *exchange = http_request_alloc(request, sizeof *exchange);
	exchange->server = server;
	exchange->request = request;
	exchange->started_ms = clock_monotonic_ms(server->options.api.clock);
	struct id_text id = id_text(new_id(server));
	memcpy(exchange->request_id, id.at, sizeof id.at);
	memcpy(exchange->correlation_id, id.at, sizeof id.at);
	exchange->address = http_client_address(request, server->options.api.proxies,
						server->options.api.proxies_len);
	if (http_header(request, "traceparent", &parent) == 1) {
		struct str trace_id = request_trace_id(parent);
		if (trace_id.len > 0)
			CHECK(str_copy(trace_id, exchange->correlation_id,
				       sizeof exchange->correlation_id));
	}
	return exchange;
}

/* ---- answers ---- */

static void count(const struct exchange *exchange, unsigned status)
{
	const struct api_server *server = exchange->server;
	size_t class = status < 400 ? 0 : status < 500 ? 1 : 2;
	size_t at = exchange->route == NULL ? ROUTE_NONE : (size_t)(exchange->route - http_routes);
	int64_t took_ms = clock_monotonic_ms(server->options.api.clock) - exchange->started_ms;
	metric_count(server->requests[at][class], 1);
	metric_observe_us(server->seconds[at], took_ms * 1000);
}

/* Requests are told at debug, where they cost nothing unless asked for; our own failures at warn.
 */
static void tell(const struct exchange *exchange, unsigned status)
{
	const struct http_request *request = exchange->request;
	struct log_about about = { .action = "http_request",
				   .outcome = status < 400 ? "success" : "failure",
				   .trace_id = exchange->correlation_id,
				   .withdrawal_id = exchange->withdrawal_id[0] != 0
							    ? exchange->withdrawal_id
							    : NULL };
	log_line(exchange->server->options.api.log, status < 500 ? LOG_DEBUG : LOG_WARN, &about,
		 "%s %s %u, request %s of %.*s", http_method_text(request->method),
		 exchange->route != NULL ? exchange->route->pattern : "(no route)", status,
		 exchange->request_id, STR_ARG(request->peer));
}

static struct http_pair rate_policy(const struct exchange *exchange, char *storage)
{
	struct buf out = buf_of(storage, RATE_POLICY_MAX);
	rate_policy_write(&exchange_options(exchange)->rates, &out);
	return (struct http_pair){ STR("RateLimit-Policy"), buf_view(&out) };
}

static struct http_pair rate_left(const struct exchange *exchange, char *storage)
{
	struct buf out = buf_of(storage, RATE_POLICY_MAX);
	rate_state_write(&exchange_options(exchange)->rates, &exchange->rate, &out);
	return (struct http_pair){ STR("RateLimit"), buf_view(&out) };
}

static void reply(struct exchange *exchange, unsigned status, struct str type, struct str body,
		  const struct http_pair *headers, size_t headers_len)
{
	char policy[RATE_POLICY_MAX], state[RATE_POLICY_MAX];
	struct http_pair all[REPLY_HEADERS_OWN + EXCHANGE_HEADERS_MAX] = {
		{ STR("Content-Type"), type },
		{ STR("Request-Id"), str_from(exchange->request_id) },
		{ STR("Cache-Control"), STR("no-store") },
	};
	size_t len = 3;
	if (exchange->rate.is_known) {
		all[len++] = rate_policy(exchange, policy);
		all[len++] = rate_left(exchange, state);
	}
	CHECK(headers_len <= EXCHANGE_HEADERS_MAX);
	for (size_t i = 0; i < headers_len; i++)
		all[len++] = headers[i];
	count(exchange, status);
	tell(exchange, status);
	waiters_leave(exchange);
	/* The exchange goes with the request; the headers are written before. */
	http_reply(exchange->request, status, all, len, body);
}

void exchange_reply(struct exchange *exchange, unsigned status, struct str body,
		    const struct http_pair *headers, size_t headers_len)
{
	reply(exchange, status, STR("application/json"), body, headers, headers_len);
}

void exchange_refuse(struct exchange *exchange, const struct problem_report *report)
{
	char storage[PROBLEM_BYTES_MAX], wait[16];
	struct buf body = buf_of(storage, sizeof storage);
	struct buf retry = buf_of(wait, sizeof wait);
	unsigned status = problem_status(report->problem);
	struct http_pair header = { 0 };
	buf_decimal(&retry, rate_retry_s(&exchange->rate));
	if (status == 401)
		header = (struct http_pair){ STR("WWW-Authenticate"), STR("Bearer") };
	else if (status == 429)
		header = (struct http_pair){ STR("Retry-After"), buf_view(&retry) };
	else if (status == 503)
		header = (struct http_pair){ STR("Retry-After"), STR(RETRY_AFTER_S) };
	problem_write(report, exchange->request_id, &body);
	reply(exchange, status, STR(PROBLEM_CONTENT_TYPE), buf_view(&body), &header,
	      header.name.len > 0 ? 1 : 0);
}

void exchange_refuse_with(struct exchange *exchange, enum problem problem)
{
	struct problem_report report;
	problem_report_set(&report, problem, NULL);
	exchange_refuse(exchange, &report);
}

static void refuse_method(struct exchange *exchange, struct str allow)
{
	char storage[PROBLEM_BYTES_MAX];
	struct buf body = buf_of(storage, sizeof storage);
	struct problem_report report;
	struct http_pair header = { STR("Allow"), allow };
	problem_report_set(&report, PROBLEM_METHOD_NOT_ALLOWED, NULL);
	problem_write(&report, exchange->request_id, &body);
	reply(exchange, problem_status(report.problem), STR(PROBLEM_CONTENT_TYPE), buf_view(&body),
	      &header, 1);
}

/* What net/ refused: bytes that are no request. */
static void on_refused(void *context, struct http_request *request,
		       const struct http_refusal *refusal)
{
	char storage[PROBLEM_BYTES_MAX];
	struct buf body = buf_of(storage, sizeof storage);
	struct exchange *exchange = exchange_start(context, request);
	problem_write_plain(refusal->status, refusal->code, refusal->detail, exchange->request_id,
			    &body);
	reply(exchange, refusal->status, STR(PROBLEM_CONTENT_TYPE), buf_view(&body), NULL, 0);
}

/* ---- jobs of an exchange ---- */

void exchange_job_fill(struct exchange *exchange, struct job *job)
{
	job->by = exchange->by;
	job->from = exchange->address;
	job->is_address_judged = exchange->is_address_judged;
	memcpy(job->request_id, exchange->request_id, sizeof job->request_id);
	job->context = exchange;
}

bool exchange_body_read(struct exchange *exchange, struct field *fields, size_t n,
			struct buf *lists, struct json **ret_json)
{
	struct problem_report report;
	struct str type = { 0 };
	size_t types = http_header(exchange->request, "content-type", &type);
	enum problem problem = request_content_type_check(types, type);
	if (problem != PROBLEM_NONE) {
		exchange_refuse_with(exchange, problem);
		return false;
	}
	if (fields_read(exchange->request->body, fields, n, lists, ret_json, &report))
		return true;
	exchange_refuse(exchange, &report);
	return false;
}

struct job *exchange_job(struct exchange *exchange, enum job_kind kind)
{
	struct job *job = job_take(exchange->server->jobs, kind);
	if (job == NULL) {
		exchange_refuse_with(exchange, PROBLEM_OVERLOADED);
		return NULL;
	}
	exchange_job_fill(exchange, job);
	return job;
}

void exchange_submit(struct exchange *exchange, struct job *job, void (*answer)(struct job *job))
{
	job->answer = answer;
	job_submit(exchange->server->jobs, job);
}

void exchange_drop(struct exchange *exchange, struct job *job)
{
	job_drop(exchange->server->jobs, job);
}

void exchange_rate(struct exchange *exchange, const struct job *job)
{
	exchange->rate = rate_state_stricter(exchange->rate, job->rate);
}

void exchange_answer(struct job *job)
{
	struct exchange *exchange = job->context;
	exchange_rate(exchange, job);
	if (job->problem == PROBLEM_NONE) {
		exchange_reply(exchange, job->status, buf_view(&job->body), NULL, 0);
		return;
	}
	struct problem_report report;
	problem_report_set(&report, job->problem, job->detail[0] != 0 ? job->detail : NULL);
	exchange_refuse(exchange, &report);
}

bool exchange_body_is_empty(struct exchange *exchange)
{
	enum problem problem = request_empty_body_check(exchange->request->body);
	if (problem != PROBLEM_NONE)
		exchange_refuse_with(exchange, problem);
	return problem == PROBLEM_NONE;
}

/* ---- requests ---- */

static bool on_shake(void *context, struct ip_address address)
{
	const struct api_server *server = context;
	return http_handshake_pass(&server->options.api, address);
}

static void on_request(void *context, struct http_request *request)
{
	char storage[64];
	struct buf allow = buf_of(storage, sizeof storage);
	struct exchange *exchange = exchange_start(context, request);
	if (!http_address_pass(exchange))
		return;
	exchange->route = http_route_find(request, &exchange->parameter, &allow);
	if (exchange->route == NULL && allow.len > 0)
		refuse_method(exchange, buf_view(&allow));
	else if (exchange->route == NULL)
		exchange_refuse_with(exchange, PROBLEM_ROUTE_UNKNOWN);
	else if (!exchange->route->has_query && request->query_len > 0)
		exchange_refuse_with(exchange, PROBLEM_QUERY_UNKNOWN);
	else if (exchange->route->handle == http_withdrawals_create &&
		 jobs_shed(exchange->server->jobs)) /* before it costs anything */
		exchange_refuse_with(exchange, PROBLEM_OVERLOADED);
	else if (exchange->route->permission == PERMISSION_PUBLIC)
		exchange->route->handle(exchange);
	else
		http_authenticate(exchange);
}

static void forget_uses(struct job *job)
{
	(void)job;
}

/* Off the way of every request, and only when nothing else needs the place. */
static void tell_uses(struct api_server *server)
{
	const struct api_options *options = &server->options.api;
	struct store_api_key_use uses[API_KEY_USES_MAX];
	struct auth_now now = { clock_monotonic_ms(options->clock), clock_now_ms(options->clock) };
	if (jobs_under_way(server->jobs) * 2 > options->jobs_max)
		return;
	size_t len = auth_uses_take(server->auth, now, uses);
	struct job *job = len > 0 ? job_take(server->jobs, JOB_KEYS_USED) : NULL;
	if (job == NULL)
		return;
	memcpy(job->uses.items, uses, len * sizeof *uses);
	job->uses.len = len;
	job->answer = forget_uses;
	job->by = (struct principal){ 0 };
	job->is_judged = true;
	snprintf(job->request_id, sizeof job->request_id, "%s", "");
	job_submit(server->jobs, job);
}

static void on_tick(void *context)
{
	struct api_server *server = context;
	atomic_store_explicit(&server->heartbeat_ms, clock_monotonic_ms(server->options.api.clock),
			      memory_order_relaxed);
	metric_set(server->connections, (int64_t)http_server_connections(server->http));
	uint64_t crowded = http_server_crowded(server->http);
	metric_count(server->crowded, (int64_t)(crowded - server->crowded_told));
	server->crowded_told = crowded;
	lists_expire(server->lists); /* before: what it gives up begins anew */
	jobs_expire(server->jobs);
	tell_uses(server);
	identity_tick(server->identity, clock_monotonic_ms(server->options.api.clock));
	waiters_tick(server->waiters, atomic_load(&server->is_stopping));
}

static void post(void *context, void (*run)(void *arg), void *arg)
{
	struct api_server *server = context;
	/* One of each thread is under way at most, and the loop has room for thousands. */
	CHECK(http_server_post(server->http, run, arg));
}

/* ---- life ---- */

static const char *pattern_of(size_t at)
{
	return at == ROUTE_NONE ? "none" : http_routes[at].pattern;
}

static void add_metrics(struct api_server *server)
{
	static const char *const classes[CLASSES] = { "2xx", "4xx", "5xx" };
	struct metrics *metrics = server->options.api.metrics;
	char labels[96];
	for (size_t i = 0; i < SERIES; i++) {
		if (i >= http_routes_len && i != ROUTE_NONE)
			continue;
		const char *method = i == ROUTE_NONE ? "" : http_method_text(http_routes[i].method);
		for (size_t k = 0; k < CLASSES; k++) {
			snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\",code=\"%s\"",
				 method, pattern_of(i), classes[k]);
			server->requests[i][k] =
				metric_add(metrics, METRIC_COUNTER, "sluice_http_requests_total",
					   labels, "Requests that were answered.");
		}
	}
	for (size_t i = 0; i < SERIES; i++) {
		if (i >= http_routes_len && i != ROUTE_NONE)
			continue;
		const char *method = i == ROUTE_NONE ? "" : http_method_text(http_routes[i].method);
		snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\"", method,
			 pattern_of(i));
		server->seconds[i] =
			metric_add(metrics, METRIC_HISTOGRAM, "sluice_http_request_seconds", labels,
				   "From the complete request to its answer.");
	}
	server->connections = metric_add(metrics, METRIC_GAUGE, "sluice_http_connections", "",
					 "Open connections of clients.");
	server->crowded = metric_add(metrics, METRIC_COUNTER, "sluice_http_crowded_total", "",
				     "Connections that were closed because their client had "
				     "as many as one may have.");
}

static void fill_defaults(struct api_options *options)
{
	if (options->jobs_max == 0)
		options->jobs_max = JOBS_MAX_DEFAULT;
	if (options->job_timeout_ms == 0)
		options->job_timeout_ms = JOB_TIMEOUT_MS;
	if (options->key_cache_ms == 0)
		options->key_cache_ms = KEY_CACHE_MS;
}

bool api_server_open(const struct api_server_options *options, struct api_server **ret_server,
		     struct err *err)
{
	struct api_server *server = calloc(1, sizeof *server);
	CHECK(server != NULL);
	server->options = *options;
	fill_defaults(&server->options.api);
	struct api_options *api = &server->options.api;
	struct http_server_options http = { .listen = options->listen,
					    .tls = options->tls,
					    .body_bytes_max = BODY_BYTES_MAX,
					    .connections_max = options->connections_max,
					    .connections_of_address_max =
						    options->connections_of_address_max,
					    .proxies = api->proxies,
					    .proxies_len = api->proxies_len,
					    .idle_timeout_ms = options->idle_timeout_ms,
					    .read_timeout_ms = options->read_timeout_ms,
					    .write_timeout_ms = options->write_timeout_ms,
					    .handle = on_request,
					    .refused = on_refused,
					    .shakes = on_shake,
					    .context = server };
	if (!http_server_open(&http, &server->http, err)) {
		free(server);
		return false;
	}
	server->random_used = RANDOM_BYTES;
	atomic_init(&server->heartbeat_ms, clock_monotonic_ms(api->clock));
	add_metrics(server);
	server->auth = auth_new(&api->identity_keys, api->key_cache_ms);
	server->identity = identity_new(api, post, server);
	server->work = work_new(api);
	struct jobs_options jobs = { .work = server->work,
				     .clock = api->clock,
				     .metrics = api->metrics,
				     .jobs_max = api->jobs_max,
				     .timeout_ms = api->job_timeout_ms,
				     .wait_max_ms = api->wait_max_ms,
				     .post = post,
				     .context = server };
	server->jobs = jobs_new(&jobs);
	server->lists = lists_new(api, post, server);
	server->waiters = waiters_new(api, post, server);
	atomic_init(&server->is_stopping, false);
	http_server_every(server->http, TICK_MS, on_tick, server);
	if (!identity_start(server->identity, err) || !jobs_start(server->jobs, err) ||
	    !lists_start(server->lists, err) || !waiters_start(server->waiters, err)) {
		api_server_close(server);
		return false;
	}
	*ret_server = server;
	return true;
}

uint16_t api_server_port(const struct api_server *server)
{
	return http_server_port(server->http);
}

void api_server_run(struct api_server *server)
{
	http_server_run(server->http);
}

void api_server_stop(struct api_server *server, int64_t grace_ms)
{
	atomic_store(&server->is_stopping, true); /* nobody waits for a change any more */
	http_server_stop(server->http, grace_ms);
}

void api_server_close(struct api_server *server)
{
	if (server == NULL)
		return;
	waiters_stop(server->waiters);
	lists_stop(server->lists); /* first: it may still go on with the others */
	lists_free(server->lists);
	identity_stop(server->identity);
	jobs_stop(server->jobs);
	jobs_free(server->jobs);
	http_server_close(server->http);
	waiters_free(server->waiters);
	work_free(server->work);
	identity_free(server->identity);
	auth_free(server->auth);
	free(server);
}

bool api_server_is_ready(const struct api_server *server)
{
	int64_t now_ms = clock_monotonic_ms(server->options.api.clock);
	return now_ms - work_answered_ms(server->work) <= READY_MS;
}

int64_t api_server_heartbeat_ms(const struct api_server *server)
{
	return atomic_load_explicit(&server->heartbeat_ms, memory_order_relaxed);
}
