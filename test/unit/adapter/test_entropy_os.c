#include "adapter/entropy_os.h"

#include "../testing.h"

#define LEN 5000 /* more than getrandom() gives at once */

/* Every byte position changes between draws: 64 draws without one change happen by chance with a
 * probability below 2^-490. */
static void every_byte_is_drawn(void **state)
{
	(void)state;
	static uint8_t first[LEN], next[LEN];
	static bool changed[LEN];
	struct entropy entropy;
	entropy_os_init(&entropy);
	entropy_fill(&entropy, first, LEN);
	for (int draw = 0; draw < 64; draw++) {
		entropy_fill(&entropy, next, LEN);
		for (size_t i = 0; i < LEN; i++)
			changed[i] = changed[i] || next[i] != first[i];
	}
	for (size_t i = 0; i < LEN; i++)
		assert_true(changed[i]);
}

static void not_a_byte_too_many(void **state)
{
	(void)state;
	static const size_t lens[] = { 1, 10, 255, 256, 257, 512, 513 };
	struct entropy entropy;
	entropy_os_init(&entropy);
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		uint8_t bytes[600] = { 0 };
		entropy_fill(&entropy, bytes, lens[i]);
		for (size_t k = lens[i]; k < sizeof bytes; k++)
			assert_int_equal(bytes[k], 0);
	}
	uint8_t none;
	assert_aborts(entropy_fill(&entropy, &none, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_is_drawn),
		cmocka_unit_test(not_a_byte_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
