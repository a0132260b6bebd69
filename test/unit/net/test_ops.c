#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_client.h"
#include "net/ops.h"

#include <stdatomic.h>

struct role {
	atomic_bool is_live, is_ready, writes_too_much;
};

static bool live(void *context, struct buf *out)
{
	struct role *role = context;
	char byte = 'x';
	for (int i = 0; atomic_load(&role->writes_too_much) && i <= OPS_BODY_MAX; i++)
		buf_bytes(out, &byte, 1);
	return atomic_load(&role->is_live);
}

static bool ready(void *context, struct buf *out)
{
	struct role *role = context;
	buf_text(out, "{\"store\":\"ok\"}");
	return atomic_load(&role->is_ready);
}

static struct http_client_response ask(struct http_client *client, enum http_method method,
				       const char *path)
{
	struct http_client_response response;
	struct http_client_request request = { .method = method, .path = str_from(path) };
	http_client_request(client, &request, 20000, &response);
	assert_int_equal(response.delivery, HTTP_ANSWERED);
	return response;
}

static void expect(struct http_client *client, const char *path, unsigned status, const char *body)
{
	struct http_client_response response = ask(client, HTTP_GET, path);
	assert_int_equal(response.status, status);
	assert_true(str_equal_text(response.body, body));
}

static void test_ops(void **state)
{
	(void)state;
	struct role role = { 0 };
	struct ops *ops;
	struct http_client *client;
	struct err err;
	char url[64];
	struct metrics *metrics = metrics_new();
	struct metric *metric =
		metric_add(metrics, METRIC_COUNTER, "sluice_test_total", "", "A test.");
	const struct ops_options options = { .listen = "127.0.0.1:0",
					     .live = live,
					     .ready = ready,
					     .context = &role,
					     .metrics = metrics };
	assert_true(ops_start(&options, &ops, &err));
	snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)ops_port(ops));
	const struct http_client_options client_options = { .url = url };
	assert_true(http_client_open(&client_options, &client, &err));

	expect(client, "/livez", 503, "{\"status\":\"failing\"}");
	expect(client, "/readyz", 503, "{\"store\":\"ok\"}");
	atomic_store(&role.is_live, true);
	atomic_store(&role.is_ready, true);
	expect(client, "/livez", 200, "{\"status\":\"ok\"}");
	expect(client, "/readyz", 200, "{\"store\":\"ok\"}");
	atomic_store(&role.writes_too_much, true);
	expect(client, "/livez", 200, "{\"status\":\"ok\"}");

	metric_count(metric, 7);
	struct http_client_response response = ask(client, HTTP_GET, "/metrics");
	assert_int_equal(response.status, 200);
	assert_true(str_contains_fold(response.body, STR("\nsluice_test_total 7\n")));
	assert_int_equal(ask(client, HTTP_HEAD, "/metrics").status, 200);
	assert_int_equal(ask(client, HTTP_DELETE, "/metrics").status, 405);
	assert_int_equal(ask(client, HTTP_GET, "/").status, 404);

	struct ops *second;
	const struct ops_options taken = {
		.listen = url + strlen("http://"), .live = live, .ready = ready, .metrics = metrics
	};
	assert_false(ops_start(&taken, &second, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
	http_client_close(client);
	ops_stop(ops);
	ops_stop(NULL);
	metrics_free(metrics);
}

/* Every series that there can be, the largest kind, fits the reply. */
static void test_full_registry(void **state)
{
	(void)state;
	static char names[METRICS_MAX][64];
	struct metrics *metrics = metrics_new();
	struct buf out = buf_new(OPS_METRICS_MAX);
	for (int i = 0; i < METRICS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "sluice_a_rather_long_name_of_%03d_seconds", i);
		struct metric *metric =
			metric_add(metrics, METRIC_HISTOGRAM, names[i],
				   "queue=\"signing\",outcome=\"done\"", "Some help.");
		metric_observe_us(metric, 123456789);
	}
	metrics_write(metrics, &out);
	assert_false(out.overflow);
	buf_free(&out);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ops),
		cmocka_unit_test(test_full_registry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
