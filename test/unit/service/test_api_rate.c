#include "service/api/rate.h"

#include "../testing.h"

static const struct rate_limits limits = { {
	[RATE_KEY] = { .per_second = 10, .burst = 25 },
	[RATE_ADDRESS] = { .per_second = 50, .burst = 50 },
} };

static void assert_state(struct rate_state state, const char *expected)
{
	char text[RATE_POLICY_MAX];
	struct buf out = buf_of(text, sizeof text);
	rate_state_write(&limits, &state, &out);
	assert_str_equal(buf_view(&out), expected);
}

/* Of tokens that come in tenths of a second, whole seconds are told, rounded up. */
static void fields_say_what_is_left(void **state)
{
	char text[RATE_POLICY_MAX];
	struct buf out = buf_of(text, sizeof text);
	(void)state;
	rate_policy_write(&limits, &out);
	assert_str_equal(buf_view(&out), "\"key\";q=25;w=3, \"address\";q=50;w=1");
	assert_state((struct rate_state){ true, RATE_KEY, 25, 0 }, "\"key\";r=25;t=0");
	assert_state((struct rate_state){ true, RATE_KEY, 24, 0 }, "\"key\";r=24;t=1");
	assert_state((struct rate_state){ true, RATE_KEY, 0, 0 }, "\"key\";r=0;t=3");
	assert_state((struct rate_state){ true, RATE_ADDRESS, 0, 9 }, "\"address\";r=0;t=1");

	/* The largest fit. */
	struct rate_limits all;
	for (int i = 0; i < RATE_SCOPES; i++)
		all.of[i] = (struct rate_limit){ 1, CACHE_RATE_MAX };
	buf_reset(&out);
	rate_policy_write(&all, &out);
	assert_false(out.overflow);
}

static void retry_is_never_at_once(void **state)
{
	(void)state;
	assert_int_equal(rate_retry_s(&(struct rate_state){ 0 }), 1);
	assert_int_equal(rate_retry_s(&(struct rate_state){ .wait_ms = 1 }), 1);
	assert_int_equal(rate_retry_s(&(struct rate_state){ .wait_ms = 1000 }), 1);
	assert_int_equal(rate_retry_s(&(struct rate_state){ .wait_ms = 1001 }), 2);
}

static void the_stricter_verdict_counts(void **state)
{
	const struct rate_state unknown = { 0 }, own = { true, RATE_KEY, 7, 0 },
				shared = { true, RATE_ACCOUNT, 3, 0 },
				refused = { true, RATE_ADDRESS, 0, 400 };
	(void)state;
	assert_false(rate_state_stricter(unknown, unknown).is_known);
	assert_int_equal(rate_state_stricter(own, unknown).left, 7);
	assert_int_equal(rate_state_stricter(unknown, own).left, 7);
	assert_int_equal(rate_state_stricter(own, shared).scope, RATE_ACCOUNT);
	assert_int_equal(rate_state_stricter(shared, own).left, 3);
	assert_int_equal(rate_state_stricter(own, refused).wait_ms, 400);
	assert_int_equal(rate_state_stricter(refused, own).scope, RATE_ADDRESS);
}

static struct principal caller_of(const char *id, const char *account)
{
	struct principal by = { .kind = PRINCIPAL_KEY };
	snprintf(by.id, sizeof by.id, "%s", id);
	snprintf(by.account, sizeof by.account, "%s", account);
	return by;
}

/* Each has a bucket of its own, and a name that no other kind can have. */
static void a_request_counts_for_whom_it_is(void **state)
{
	(void)state;
	struct rate_take takes[RATE_SCOPES];
	struct rate_limits all = limits;
	struct principal by = caller_of("0123abc", "acme"), nobody = { 0 };
	struct rate_subject subject = { .by = &by };
	all.of[RATE_ACCOUNT] = (struct rate_limit){ 5, 6 };
	assert_true(ip_read(STR("2001:db8:1:2:3:4:5:6"), &subject.from));
	assert_int_equal(rate_takes(&all, 7, &subject, takes), 3);
	assert_str_equal(takes[0].bucket.key, "0123abc");
	assert_int_equal(takes[0].bucket.rate, 10);
	assert_int_equal(takes[0].bucket.burst, 25);
	assert_str_equal(takes[1].bucket.key, "account/acme");
	assert_int_equal(takes[1].bucket.burst, 6);
	assert_str_equal(takes[2].bucket.key, "address/2001:db8:1:2::");
	assert_int_equal(takes[2].scope, RATE_ADDRESS);

	assert_int_equal(rate_takes(&limits, 7, &subject, takes), 2); /* no limit of accounts */
	assert_int_equal(rate_takes(&all, 1u << RATE_ADDRESS, &subject, takes), 1);
	subject.by = NULL;
	assert_int_equal(rate_takes(&all, 7, &subject, takes), 1);
	subject.by = &nobody;
	assert_int_equal(rate_takes(&all, 7, &subject, takes), 1);
	assert_int_equal(rate_takes(&(struct rate_limits){ 0 }, 7, &subject, takes), 0);

	/* The longest names fit. */
	memset(by.id, 'f', sizeof by.id - 1);
	memset(by.account, 'a', sizeof by.account - 1);
	subject.by = &by;
	assert_int_equal(rate_takes(&all, 7, &subject, takes), 3);
	assert_true(takes[1].bucket.key.len <= CACHE_KEY_LEN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_say_what_is_left),
		cmocka_unit_test(retry_is_never_at_once),
		cmocka_unit_test(the_stricter_verdict_counts),
		cmocka_unit_test(a_request_counts_for_whom_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
