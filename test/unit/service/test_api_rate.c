#include "service/api/rate.h"

#include "../testing.h"

static const struct rate_limit limit = { .per_second = 10, .burst = 25 };

static void assert_state(struct rate_state state, const char *expected)
{
	char text[RATE_POLICY_MAX];
	struct buf out = buf_of(text, sizeof text);
	rate_state_write(&limit, &state, &out);
	assert_str_equal(buf_view(&out), expected);
}

/* Of tokens that come in tenths of a second, whole seconds are told, rounded up. */
static void fields_say_what_is_left(void **state)
{
	char text[RATE_POLICY_MAX];
	struct buf out = buf_of(text, sizeof text);
	(void)state;
	rate_policy_write(&limit, &out);
	assert_str_equal(buf_view(&out), "\"key\";q=25;w=3");
	assert_state((struct rate_state){ true, 25, 0 }, "\"key\";r=25;t=0");
	assert_state((struct rate_state){ true, 24, 0 }, "\"key\";r=24;t=1");
	assert_state((struct rate_state){ true, 0, 0 }, "\"key\";r=0;t=3");
}

static void retry_is_never_at_once(void **state)
{
	(void)state;
	assert_int_equal(rate_retry_s(&(struct rate_state){ 0 }), 1);
	assert_int_equal(rate_retry_s(&(struct rate_state){ true, 0, 1 }), 1);
	assert_int_equal(rate_retry_s(&(struct rate_state){ true, 0, 1000 }), 1);
	assert_int_equal(rate_retry_s(&(struct rate_state){ true, 0, 1001 }), 2);
}

static void the_stricter_verdict_counts(void **state)
{
	const struct rate_state unknown = { 0 }, own = { true, 7, 0 }, shared = { true, 3, 0 },
				refused = { true, 0, 400 };
	(void)state;
	assert_false(rate_state_stricter(unknown, unknown).is_known);
	assert_int_equal(rate_state_stricter(own, unknown).left, 7);
	assert_int_equal(rate_state_stricter(unknown, own).left, 7);
	assert_int_equal(rate_state_stricter(own, shared).left, 3);
	assert_int_equal(rate_state_stricter(shared, own).left, 3);
	assert_int_equal(rate_state_stricter(own, refused).wait_ms, 400);
	assert_int_equal(rate_state_stricter(refused, own).wait_ms, 400);
}

static void a_bucket_is_of_its_key(void **state)
{
	(void)state;
	const struct cache_bucket bucket = rate_bucket(&limit, "0123abc");
	assert_str_equal(bucket.key, "0123abc");
	assert_int_equal(bucket.rate, 10);
	assert_int_equal(bucket.burst, 25);
	assert_aborts(rate_bucket(&(struct rate_limit){ 0 }, "0123abc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_say_what_is_left),
		cmocka_unit_test(retry_is_never_at_once),
		cmocka_unit_test(the_stricter_verdict_counts),
		cmocka_unit_test(a_bucket_is_of_its_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
