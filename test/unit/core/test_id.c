#include "core/id.h"

#include "../testing.h"

static struct id id_of(const char *text)
{
	struct id id;
	assert_true(id_read(str_from(text), &id));
	return id;
}

/* RFC 9562, appendix A.6: 2022-02-22T14:22:22.000-05:00, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
 */
static void makes_the_example_of_the_rfc(void **state)
{
	(void)state;
	static const uint8_t random[10] = { 0x0c, 0xc3, 0x18, 0xc4, 0xdc,
					    0x0c, 0x0c, 0x07, 0x39, 0x8f };
	struct id id = id_make(1645557742000, random);
	assert_string_equal(id_text(id).at, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	assert_true(id_time_ms(id) == 1645557742000);
	assert_true(id_equal(id, id_of("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")));
}

static void version_and_variant_win_over_entropy(void **state)
{
	(void)state;
	uint8_t ones[10], zeros[10] = { 0 };
	memset(ones, 0xff, sizeof ones);
	assert_string_equal(id_text(id_make(0, zeros)).at, "00000000-0000-7000-8000-000000000000");
	assert_string_equal(id_text(id_make((INT64_C(1) << 48) - 1, ones)).at,
			    "ffffffff-ffff-7fff-bfff-ffffffffffff");
	assert_aborts(id_make(-1, zeros));
	assert_aborts(id_make(INT64_C(1) << 48, zeros));
}

static void orders_by_time_first(void **state)
{
	(void)state;
	uint8_t ones[10], zeros[10] = { 0 };
	memset(ones, 0xff, sizeof ones);
	struct id earlier = id_make(1000, ones);
	struct id later = id_make(1001, zeros);
	struct id sibling = id_make(1000, zeros);
	assert_int_equal(id_compare(earlier, later), -1);
	assert_int_equal(id_compare(later, earlier), 1);
	assert_int_equal(id_compare(sibling, earlier), -1);
	assert_int_equal(id_compare(later, later), 0);
	assert_false(id_equal(earlier, sibling));
	struct id zero = { { 0 } };
	assert_true(id_is_zero(zero));
	assert_false(id_is_zero(sibling));
}

static void each_id_is_greater_than_the_one_before(void **state)
{
	(void)state;
	uint8_t ones[10], zeros[10] = { 0 };
	memset(ones, 0xff, sizeof ones);
	struct id_sequence sequence = { 0 };
	struct id last = { { 0 } };
	/* A standing clock, one that goes back, one that goes on; entropy that would order
	 * otherwise. */
	static const int64_t times[] = { 5000, 5000, 4999, 1, 5001, 9000 };
	for (size_t t = 0; t < sizeof times / sizeof *times; t++)
		for (int i = 0; i < 5000; i++) {
			struct id id = id_next(&sequence, times[t], i % 2 == 0 ? ones : zeros);
			assert_int_equal(id_compare(id, last), 1);
			last = id;
		}
	assert_true(id_time_ms(last) == 9001);
}

static void a_clock_that_was_far_ahead_is_forgotten(void **state)
{
	(void)state;
	uint8_t zeros[10] = { 0 };
	struct id_sequence sequence = { 0 };
	(void)id_next(&sequence, 1000000, zeros);
	struct id held = id_next(&sequence, 1000000 - ID_CLOCK_BACK_MS_MAX, zeros);
	assert_true(id_time_ms(held) == 1000000);
	struct id anew = id_next(&sequence, 1000000 - ID_CLOCK_BACK_MS_MAX - 1, zeros);
	assert_true(id_time_ms(anew) == 1000000 - ID_CLOCK_BACK_MS_MAX - 1);
}

static void refuses_what_is_no_id(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398",   /* short */
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", /* long */
		"017f22e279b07cc398c4dc0c0c07398f",      /* no hyphens */
		"017f22e2 79b0-7cc3-98c4-dc0c0c07398f",
		"017f22e2-79b0 7cc3-98c4-dc0c0c07398f",
		"017f22e2-79b0-7cc3 98c4-dc0c0c07398f",
		"017f22e2-79b0-7cc3-98c4 dc0c0c07398f",
		"g17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
		"017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
		"017f22e2-79b0-4cc3-98c4-dc0c0c07398f", /* version 4 */
		"017f22e2-79b0-7cc3-18c4-dc0c0c07398f", /* variant 0 */
		"017f22e2-79b0-7cc3-d8c4-dc0c0c07398f", /* variant 110 */
		"00000000-0000-0000-0000-000000000000",
		"{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
	};
	struct id id = id_of("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	struct id before = id;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (id_read(str_from(bad[i]), &id))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_true(id_equal(id, before));
}

static void the_first_equal_one_is_found(void **state)
{
	(void)state;
	const struct id ids[4] = { { { 1 } }, { { 2 } }, { { 3 } }, { { 2 } } };
	assert_int_equal(id_find(ids, 4, ids[0]), 0);
	assert_int_equal(id_find(ids, 4, ids[3]), 1);
	assert_int_equal(id_find(ids, 4, ids[2]), 2);
	assert_int_equal(id_find(ids, 2, ids[2]), 2);
	assert_int_equal(id_find(ids, 0, ids[0]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_example_of_the_rfc),
		cmocka_unit_test(the_first_equal_one_is_found),
		cmocka_unit_test(version_and_variant_win_over_entropy),
		cmocka_unit_test(orders_by_time_first),
		cmocka_unit_test(each_id_is_greater_than_the_one_before),
		cmocka_unit_test(a_clock_that_was_far_ahead_is_forgotten),
		cmocka_unit_test(refuses_what_is_no_id),
	};
	return cmocka_run_group_tests_name("core/id", tests, NULL, NULL);
}
