/* When keys are fetched: from a container's agent of ours, under a clock of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"
#include "net/aws_credentials.h"
#include "net/http_server.h"

#include <pthread.h>
#include <stdatomic.h>

#define DEADLINE_MS 20000
#define START_MS    INT64_C(1769860800000)
#define HOUR_MS     INT64_C(3600000)

/* The agent hands out secret-N, which lives an hour; or fails. */
struct fixture {
	struct http_server *server;
	pthread_t thread;
	char url[64];
	_Atomic int64_t now_ms;
	atomic_int handed;
	atomic_bool is_away;
	struct aws_credentials *credentials;
};

static void handle(void *context, struct http_request *request)
{
	struct fixture *fixture = context;
	char text[256];
	struct buf out = buf_of(text, sizeof text);
	if (atomic_load(&fixture->is_away)) {
		http_reply(request, 503, NULL, 0, STR(""));
		return;
	}
	buf_format(&out,
		   "{\"AccessKeyId\":\"id\",\"SecretAccessKey\":\"secret-%d\",\"Token\":\"t\","
		   "\"Expiration\":\"",
		   atomic_fetch_add(&fixture->handed, 1) + 1);
	time_write_rfc3339(fixture->now_ms + HOUR_MS, &out);
	buf_text(&out, "\"}");
	http_reply(request, 200, NULL, 0, buf_view(&out));
}

static void *serve(void *arg)
{
	struct fixture *fixture = arg;
	http_server_run(fixture->server);
	return NULL;
}

static const char *variable(void *context, const char *name)
{
	const struct fixture *fixture = context;
	return strcmp(name, "AWS_CONTAINER_CREDENTIALS_FULL_URI") == 0 ? fixture->url : NULL;
}

static int64_t now_ms(void *context)
{
	return ((const struct fixture *)context)->now_ms;
}

static void is_secret(struct fixture *fixture, const char *wanted)
{
	const struct aws_keys *keys = NULL;
	struct err err = { 0 };
	bool done = aws_credentials_keys(fixture->credentials, DEADLINE_MS, &keys, &err);
	if (wanted == NULL) {
		assert_false(done);
		assert_int_equal(err.kind, ERR_NOT_DONE);
		assert_non_null(strstr(err.text, "container"));
		return;
	}
	assert_true(done);
	assert_string_equal(keys->secret, wanted);
}

static int setup(void **state)
{
	static struct fixture fixture;
	const struct http_server_options options = { .listen = "127.0.0.1:0",
						     .body_bytes_max = 512,
						     .handle = handle,
						     .context = &fixture };
	struct err err;
	memset(&fixture, 0, sizeof fixture);
	fixture.now_ms = START_MS;
	assert_true(http_server_open(&options, &fixture.server, &err));
	assert_int_equal(pthread_create(&fixture.thread, NULL, serve, &fixture), 0);
	snprintf(fixture.url, sizeof fixture.url, "http://127.0.0.1:%u/keys",
		 (unsigned)http_server_port(fixture.server));
	const struct aws_credentials_options from = {
		.region = "eu-west-1", .variable = variable, .now_ms = now_ms, .context = &fixture
	};
	assert_true(aws_credentials_open(&from, &fixture.credentials, &err));
	assert_string_equal(aws_credentials_source(fixture.credentials), "container");
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	aws_credentials_close(fixture->credentials);
	http_server_stop(fixture->server, 0);
	pthread_join(fixture->thread, NULL);
	http_server_close(fixture->server);
	return 0;
}

static void test_fetched_before_they_expire(void **state)
{
	struct fixture *fixture = *state;
	is_secret(fixture, "secret-1");
	fixture->now_ms += HOUR_MS - 300001;
	is_secret(fixture, "secret-1");
	fixture->now_ms += 1;
	is_secret(fixture, "secret-2");
	is_secret(fixture, "secret-2");
	assert_int_equal(fixture->handed, 2);
}

static void test_old_ones_are_used_while_they_live(void **state)
{
	struct fixture *fixture = *state;
	is_secret(fixture, "secret-1");
	fixture->is_away = true;
	fixture->now_ms += HOUR_MS - 1;
	is_secret(fixture, "secret-1");
	fixture->now_ms += 1;
	is_secret(fixture, NULL);
	fixture->is_away = false;
	/* Asked no more than once a second. */
	is_secret(fixture, NULL);
	fixture->now_ms += 1000;
	is_secret(fixture, "secret-2");
}

static void test_denied_keys_are_renewed_now_and_then(void **state)
{
	struct fixture *fixture = *state;
	is_secret(fixture, "secret-1");
	assert_true(aws_credentials_renew(fixture->credentials, DEADLINE_MS));
	is_secret(fixture, "secret-2");
	fixture->now_ms += 9999;
	assert_false(aws_credentials_renew(fixture->credentials, DEADLINE_MS));
	fixture->now_ms += 1;
	fixture->is_away = true;
	assert_false(aws_credentials_renew(fixture->credentials, DEADLINE_MS));
	is_secret(fixture, "secret-2");
	assert_int_equal(fixture->handed, 2);
}

/* A clock that is set back neither fetches all the time nor never again. */
static void test_clock_set_back(void **state)
{
	struct fixture *fixture = *state;
	fixture->is_away = true;
	is_secret(fixture, NULL);
	fixture->is_away = false;
	fixture->now_ms -= 24 * HOUR_MS;
	is_secret(fixture, "secret-1");
}

static void test_regions(void **state)
{
	(void)state;
	char text[128];
	struct buf out = buf_of(text, sizeof text);
	aws_endpoint_write("sqs", "eu-central-1", &out);
	buf_byte(&out, ' ');
	aws_endpoint_write("kms", "cn-north-1", &out);
	assert_string_equal(buf_terminated(&out), "https://sqs.eu-central-1.amazonaws.com "
						  "https://kms.cn-north-1.amazonaws.com.cn");
	assert_false(aws_is_region(""));
	assert_false(aws_is_region("eu/central"));
	assert_false(aws_is_region("EU"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fetched_before_they_expire, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_ones_are_used_while_they_live, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_denied_keys_are_renewed_now_and_then, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_clock_set_back, setup, teardown),
		cmocka_unit_test(test_regions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
