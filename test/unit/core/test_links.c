#include "core/links.h"

#include "../testing.h"

#include <stdlib.h>

static struct hash32 hash_of(uint64_t number, uint8_t fork)
{
	struct hash32 hash = { { fork } };
	memcpy(hash.bytes + 8, &number, sizeof number);
	return hash;
}

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct links));
	return *state == NULL;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void nothing_is_known_of_an_empty_chain(void **state)
{
	struct links *links = *state;
	assert_null(links_hash(links, 0));
	assert_false(links_has(links, 0, (struct hash32){ 0 }));
	assert_aborts(links_top(links));
	assert_aborts(links_add(links, hash_of(1, 1)));
	assert_aborts(links_cut(links, 0));
}

static void the_oldest_goes_when_it_is_full(void **state)
{
	struct links *links = *state;
	links_start(links, 100, hash_of(100, 1));
	for (uint64_t number = 101; number < 100 + LINKS_MAX; number++)
		links_add(links, hash_of(number, 1));
	assert_true(links_has(links, 100, hash_of(100, 1)));
	links_add(links, hash_of(100 + LINKS_MAX, 1));
	assert_null(links_hash(links, 100));
	assert_true(links_has(links, 101, hash_of(101, 1)));
	assert_int_equal(links_top(links), 100 + LINKS_MAX);
	assert_false(links_has(links, 101 + LINKS_MAX, hash_of(101, 1)));
}

static void a_cut_takes_what_stands_above(void **state)
{
	struct links *links = *state;
	links_start(links, 7, hash_of(7, 1));
	for (uint64_t number = 8; number < 20; number++)
		links_add(links, hash_of(number, 1));
	links_cut(links, 12);
	assert_int_equal(links_top(links), 12);
	assert_null(links_hash(links, 13));
	links_add(links, hash_of(13, 2));
	assert_false(links_has(links, 13, hash_of(13, 1)));
	assert_true(links_has(links, 13, hash_of(13, 2)));
	assert_true(links_has(links, 12, hash_of(12, 1)));
	assert_aborts(links_cut(links, 14));
	assert_aborts(links_cut(links, 6));
	links_start(links, 3, hash_of(3, 3));
	assert_null(links_hash(links, 12));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_known_of_an_empty_chain, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_oldest_goes_when_it_is_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_cut_takes_what_stands_above, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
