#include "service/api/backoff.h"

#include "../testing.h"

static void entropy_count(struct entropy *entropy, void *ret_bytes, size_t len)
{
	(void)entropy;
	memset(ret_bytes, 7, len);
}

static const struct entropy_ops ops = { entropy_count };
static struct entropy entropy = { &ops };

static void fail_times(struct backoff *backoff, const char *who, int times, int64_t now_ms)
{
	for (int i = 0; i < times; i++)
		backoff_fail(backoff, "name", str_from(who), now_ms);
}

static int64_t wait_of(const struct backoff *backoff, const char *who, int64_t now_ms)
{
	return backoff_wait_ms(backoff, "name", str_from(who), now_ms);
}

static void waits_double_from_the_third_failure_on(void **state)
{
	static const int64_t expected[] = { 0,    0,     0,     1000,  2000, 4000,
					    8000, 16000, 32000, 60000, 60000 };
	struct backoff *backoff = backoff_new(&entropy);
	(void)state;
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		assert_int_equal(wait_of(backoff, "ann", 100), expected[i]);
		fail_times(backoff, "ann", 1, 100);
	}
	fail_times(backoff, "ann", 100, 100);
	assert_int_equal(wait_of(backoff, "ann", 100), BACKOFF_MAX_MS);
	assert_int_equal(wait_of(backoff, "ann", 101), BACKOFF_MAX_MS - 1);
	assert_int_equal(wait_of(backoff, "ann", 100 + BACKOFF_MAX_MS), 0);
	backoff_free(backoff);
}

static void each_is_counted_apart(void **state)
{
	struct backoff *backoff = backoff_new(&entropy);
	(void)state;
	fail_times(backoff, "ann", 5, 100);
	assert_true(wait_of(backoff, "ann", 100) > 0);
	assert_int_equal(wait_of(backoff, "ben", 100), 0);
	assert_int_equal(backoff_wait_ms(backoff, "peer", STR("ann"), 100), 0);
	backoff_succeed(backoff, "peer", STR("ann"));
	assert_true(wait_of(backoff, "ann", 100) > 0);
	backoff_succeed(backoff, "name", STR("ann"));
	assert_int_equal(wait_of(backoff, "ann", 100), 0);
	backoff_free(backoff);
}

static void what_was_long_ago_is_forgotten(void **state)
{
	struct backoff *backoff = backoff_new(&entropy);
	(void)state;
	fail_times(backoff, "ann", 20, 100);
	fail_times(backoff, "ann", 1, 100 + BACKOFF_FORGET_MS - 1);
	assert_int_equal(wait_of(backoff, "ann", 100 + BACKOFF_FORGET_MS - 1), BACKOFF_MAX_MS);
	fail_times(backoff, "ann", 1, 100 + 3 * BACKOFF_FORGET_MS);
	assert_int_equal(wait_of(backoff, "ann", 100 + 3 * BACKOFF_FORGET_MS), 0);
	backoff_free(backoff);
}

/* Whoever tries a hundred thousand names once does not push out the one that is tried often. */
static void many_names_do_not_hide_one(void **state)
{
	struct backoff *backoff = backoff_new(&entropy);
	char name[16];
	(void)state;
	fail_times(backoff, "ann", 8, 100);
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof name, "guess-%d", i);
		fail_times(backoff, name, 1, 100);
	}
	assert_true(wait_of(backoff, "ann", 100) > 0);
	backoff_free(backoff);
}

/* Whoever holds a token of ann and guesses at her codes does not make room for the next guess by
 * what strangers may send from many networks. */
static void what_strangers_send_hides_no_code(void **state)
{
	static const char *const kinds[] = { BACKOFF_BY_TOKEN, BACKOFF_BY_PEER, BACKOFF_BY_NAME };
	struct backoff *backoff = backoff_new(&entropy);
	char who[32];
	(void)state;
	for (int i = 0; i < BACKOFF_FREE_FAILURES; i++)
		backoff_fail(backoff, BACKOFF_BY_CODE, STR("ann"), 100);
	for (size_t k = 0; k < COUNT_OF(kinds); k++) {
		for (int i = 0; i < 50000; i++) {
			snprintf(who, sizeof who, "2001:db8:%x::", (unsigned)i);
			for (int n = 0; n <= BACKOFF_FREE_FAILURES; n++)
				backoff_fail(backoff, kinds[k], str_from(who), 100);
		}
	}
	assert_true(backoff_wait_ms(backoff, BACKOFF_BY_CODE, STR("ann"), 100) > 0);
	assert_int_equal(backoff_succeed(backoff, BACKOFF_BY_CODE, STR("ann")),
			 BACKOFF_FREE_FAILURES);
	assert_int_equal(backoff_wait_ms(backoff, BACKOFF_BY_CODE, STR("ann"), 100), 0);
	backoff_free(backoff);
	backoff_free(NULL);
}

/* Who has a name of his own clears what he failed at with it, and not what he tried with others'.
 */
static void a_success_forgives_what_was_ones_own(void **state)
{
	struct backoff *backoff = backoff_new(&entropy);
	const struct str house = STR("192.0.2.1");
	(void)state;
	for (int i = 0; i < BACKOFF_FREE_OF_PEER; i++) {
		assert_int_equal(backoff_wait_ms(backoff, BACKOFF_BY_PEER, house, 100), 0);
		backoff_fail(backoff, BACKOFF_BY_PEER, house, 100);
		/* Between two guesses he logs in. */
		uint32_t own = backoff_succeed(backoff, BACKOFF_BY_NAME, STR("mallory"));
		assert_int_equal(own, 0);
		backoff_forgive(backoff, BACKOFF_BY_PEER, house, own);
	}
	assert_true(backoff_wait_ms(backoff, BACKOFF_BY_PEER, house, 100) > 0);
	fail_times(backoff, "ann", 2, 100);
	backoff_fail(backoff, BACKOFF_BY_PEER, house, 100);
	backoff_forgive(backoff, BACKOFF_BY_PEER, house,
			backoff_succeed(backoff, BACKOFF_BY_NAME, STR("ann")));
	assert_int_equal(backoff_wait_ms(backoff, BACKOFF_BY_PEER, house, 100), 0);
	backoff_forgive(backoff, BACKOFF_BY_PEER, house, 1000);
	backoff_forgive(backoff, BACKOFF_BY_PEER, STR("nobody"), 1);
	backoff_free(backoff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_success_forgives_what_was_ones_own),
		cmocka_unit_test(waits_double_from_the_third_failure_on),
		cmocka_unit_test(each_is_counted_apart),
		cmocka_unit_test(what_was_long_ago_is_forgotten),
		cmocka_unit_test(many_names_do_not_hide_one),
		cmocka_unit_test(what_strangers_send_hides_no_code),
	};
	return cmocka_run_group_tests_name("service/api_backoff", tests, NULL, NULL);
}
