#include "adapter/db_way.h"

#include "../testing.h"

static void nobody_waits_who_gave_way_to_nobody(void **state)
{
	struct db_way way = { .seed = 1 };
	(void)state;
	assert_int_equal(db_way_draw_us(&way), 0);
	assert_false(db_way_may_repeat(&way));
	db_way_give(&way, false);
	assert_true(db_way_draw_us(&way) > 0);
	db_way_committed(&way);
	assert_int_equal(db_way_draw_us(&way), 0);
}

/* Each draw is more than half of a bound that doubles, up to the greatest one. */
static void pauses_grow_and_are_bounded(void **state)
{
	struct db_way way = { .seed = 7 };
	uint32_t bound_us = 4000;
	(void)state;
	for (int i = 0; i < 100; i++) {
		db_way_give(&way, false);
		uint32_t us = db_way_draw_us(&way);
		assert_true(us > bound_us / 2 && us <= bound_us);
		assert_true(db_way_may_repeat(&way));
		bound_us = bound_us < DB_WAY_PAUSE_US_MAX ? 2 * bound_us : bound_us;
	}
	assert_int_equal(bound_us, DB_WAY_PAUSE_US_MAX);
}

/* Two connections that met, by the server's numbers of them, do not come back together. */
static void connections_draw_apart(void **state)
{
	int met = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct db_way one = { .seed = seed };
		struct db_way other = { .seed = seed + 1 };
		db_way_give(&one, false);
		db_way_give(&other, false);
		uint32_t us = db_way_draw_us(&one);
		uint32_t other_us = db_way_draw_us(&other);
		met += us > other_us ? us - other_us < 20 : other_us - us < 20;
	}
	assert_true(met < 60);
}

static void who_waits_in_vain_gives_up(void **state)
{
	struct db_way way = { .seed = 1 };
	(void)state;
	for (int i = 1; i < DB_WAY_WAITS_MAX; i++) {
		db_way_give(&way, true);
		assert_true(db_way_may_repeat(&way));
	}
	db_way_give(&way, true);
	assert_false(db_way_may_repeat(&way));
	db_way_give(&way, false); /* somebody was met, and the lock was free */
	assert_true(db_way_may_repeat(&way));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_who_gave_way_to_nobody),
		cmocka_unit_test(pauses_grow_and_are_bounded),
		cmocka_unit_test(connections_draw_apart),
		cmocka_unit_test(who_waits_in_vain_gives_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
