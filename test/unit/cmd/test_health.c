/* What a role says of itself. */
#include "cmd/health.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is_ready_when_every_part_is(void **state)
{
	struct health health;
	char bytes[1024];
	struct buf out = buf_of(bytes, sizeof bytes);
	(void)state;
	health_init(&health, 1000, 0);
	size_t work = health_part_add(&health, "work");
	size_t chain = health_part_add(&health, "polygon");
	assert_false(health_is_ready(&health));
	health_part_set(&health, work, true, "");
	health_part_set(&health, chain, false, "no \"route\"");
	assert_false(health_is_ready(&health));
	health_write(&health, &out);
	assert_string_equal(buf_terminated(&out),
			    "{\"ready\":false,\"parts\":{\"work\":{\"ok\":true},\"polygon\":"
			    "{\"ok\":false,\"text\":\"no \\\"route\\\"\"}}}");
	health_part_set(&health, chain, true, "");
	assert_true(health_is_ready(&health));
	health_stopping(&health);
	assert_false(health_is_ready(&health));
	buf_reset(&out);
	health_write(&health, &out);
	assert_string_equal(buf_terminated(&out),
			    "{\"ready\":false,\"stopping\":true,\"parts\":{"
			    "\"work\":{\"ok\":true},\"polygon\":{\"ok\":true}}}");
	health_deinit(&health);
}

static void is_alive_while_it_beats(void **state)
{
	struct health health;
	(void)state;
	health_init(&health, 1000, 5000);
	assert_true(health_is_alive(&health, 6000));
	assert_false(health_is_alive(&health, 6001));
	health_beat(&health, 6500);
	assert_true(health_is_alive(&health, 7500));
	assert_false(health_is_alive(&health, 7501));
	health_deinit(&health);
}

/* A driver's text can be longer than a part keeps. */
static void a_long_text_is_cut(void **state)
{
	struct health health;
	char text[2 * HEALTH_TEXT_LEN], bytes[4096];
	struct buf out = buf_of(bytes, sizeof bytes);
	(void)state;
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	health_init(&health, 1000, 0);
	health_part_set(&health, health_part_add(&health, "work"), false, text);
	health_write(&health, &out);
	JSON_OWNED json = NULL;
	assert_true(json_parse(buf_view(&out), &json, NULL));
	health_deinit(&health);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_ready_when_every_part_is),
		cmocka_unit_test(is_alive_while_it_beats),
		cmocka_unit_test(a_long_text_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
