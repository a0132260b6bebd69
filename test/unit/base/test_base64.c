#include "base/base64.h"

#include "../testing.h"

static const struct {
	const char *bytes, *text;
} pairs[] = {
	/* RFC 4648, 10. */
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xef\xbe", "/+++" },
};

static void writes_and_reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		char text[32], bytes[32];
		struct buf out = buf_of(text, sizeof text);
		size_t len = 99, wanted = strlen(pairs[i].bytes);
		base64_write(&out, pairs[i].bytes, wanted);
		assert_str_equal(buf_view(&out), pairs[i].text);
		assert_true(base64_read(str_from(pairs[i].text), bytes, wanted, &len));
		assert_int_equal(len, wanted);
		assert_memory_equal(bytes, pairs[i].bytes, wanted);
		if (wanted > 0)
			assert_false(base64_read(str_from(pairs[i].text), bytes, wanted - 1, &len));
	}
}

static void refuses_every_other_form(void **state)
{
	static const char *const wrong[] = { "Z",     "Zg",   "Zg=",   "Zh==",     "Zm9=",
					     "=",     "====", "Z===",  "Zg==Zg==", "Zm9v\n",
					     " Zm9v", "Zm-v", "Zm9v=", "Zg=g" };
	char bytes[32];
	size_t len;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		if (base64_read(str_from(wrong[i]), bytes, sizeof bytes, &len))
			fail_msg("%s is taken", wrong[i]);
}

/* The other alphabet, and the same bytes as above without their padding. */
static void writes_and_reads_for_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		char text[32], expected[32], bytes[32];
		struct buf out = buf_of(text, sizeof text);
		size_t len = 99, wanted = strlen(pairs[i].bytes);
		snprintf(expected, sizeof expected, "%s", pairs[i].text);
		expected[strcspn(expected, "=")] = 0;
		for (char *at = expected; *at != 0; at++)
			*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
		base64url_write(&out, pairs[i].bytes, wanted);
		assert_str_equal(buf_view(&out), expected);
		assert_true(base64url_read(str_from(expected), bytes, wanted, &len));
		assert_int_equal(len, wanted);
		assert_memory_equal(bytes, pairs[i].bytes, wanted);
		if (wanted > 0)
			assert_false(base64url_read(str_from(expected), bytes, wanted - 1, &len));
	}
}

static void refuses_every_other_form_for_addresses(void **state)
{
	static const char *const wrong[] = { "Z",     "Zg==",   "Zh",    "Zm9=", "Zm+v", "Zm/v",
					     "Zm9vZ", "Zm9v\n", " Zm9v", "Zm9",  "Zg.",  "_w=" };
	char bytes[32];
	size_t len;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		if (base64url_read(str_from(wrong[i]), bytes, sizeof bytes, &len))
			fail_msg("%s is taken", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads),
		cmocka_unit_test(refuses_every_other_form),
		cmocka_unit_test(writes_and_reads_for_addresses),
		cmocka_unit_test(refuses_every_other_form_for_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
