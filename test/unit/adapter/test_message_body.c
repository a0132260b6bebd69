/* The trace beside a wake-up. */
#include "../testing.h"

#include "adapter/message_body.h"

static const struct id row = { { 0x01, 0x90, 0xa1, 0xb2, 0xc3, 0xd4, 0x70, 0x00, 0x80, 0x11, 0x22,
				 0x33, 0x44, 0x55, 0x66, 0x77 } };

static void is_written(struct id id, const char *correlation_id, const char *wanted)
{
	char text[64];
	struct buf out = buf_of(text, sizeof text);
	message_traceparent_write(id, correlation_id, &out);
	assert_string_equal(buf_terminated(&out), wanted);
}

static void a_trace_of_the_client_goes_on(void **state)
{
	(void)state;
	is_written(row, "4bf92f3577b34da6a3ce929d0e0e4736",
		   "00-4bf92f3577b34da6a3ce929d0e0e4736-8011223344556677-00");
}

static void what_is_no_trace_is_none(void **state)
{
	(void)state;
	const struct id zero = { { 0 } };
	is_written(row, "", "");
	is_written(row, "00000000000000000000000000000000", "");
	is_written(row, "4BF92F3577B34DA6A3CE929D0E0E4736", "");
	is_written(row, "4bf92f3577b34da6a3ce929d0e0e473", "");
	is_written(row, "0190a1b2-c3d4-7000-8011-223344556677", "");
	is_written(zero, "4bf92f3577b34da6a3ce929d0e0e4736", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_of_the_client_goes_on),
		cmocka_unit_test(what_is_no_trace_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
