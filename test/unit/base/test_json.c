#include "base/json.h"

#include "../testing.h"

static struct json *parse(const char *text)
{
	struct json *json = NULL;
	struct err err = { 0 };
	if (!json_parse(str_from(text), &json, &err))
		fail_msg("%s: %s", text, err.text);
	return json;
}

static void assert_refused(struct str text, const char *reason)
{
	struct json *json = NULL;
	struct err err = { 0 };
	if (json_parse(text, &json, &err))
		fail_msg("taken: %.*s", STR_ARG(text));
	assert_null(json);
	assert_int_equal(err.kind, ERR_REFUSED);
	if (!str_contains_fold(str_from(err.text), str_from(reason)))
		fail_msg("\"%s\" does not say \"%s\"", err.text, reason);
}

static void reads_a_request(void **state)
{
	(void)state;
	JSON_OWNED json =
		parse("{\"to\":\"0xab\",\"metadata\":{\"a\":\"b\"},\"list\":[1,true,null],"
		      "\"big\":9007199254740993}");
	const struct json_value *root = json_root(json);
	struct str text;
	bool truth = false;
	int64_t number = 0;
	assert_int_equal(json_type_of(root), JSON_TYPE_OBJECT);
	assert_int_equal(json_size(root), 4);
	assert_true(json_string(json_member(root, "to"), &text));
	assert_str_equal(text, "0xab");
	const struct json_value *list = json_member(root, "list");
	assert_int_equal(json_size(list), 3);
	assert_true(json_i64(json_element(list, 0), &number));
	assert_int_equal(number, 1);
	assert_true(json_bool(json_element(list, 1), &truth));
	assert_true(truth);
	assert_int_equal(json_type_of(json_element(list, 2)), JSON_TYPE_NULL);
	/* No double in between: 2^53 + 1 stays itself. */
	assert_true(json_i64(json_member(root, "big"), &number));
	assert_true(number == INT64_C(9007199254740993));
}

static void answers_wrong_types_with_no(void **state)
{
	(void)state;
	JSON_OWNED json = parse("{\"s\":\"x\",\"n\":1.5,\"b\":false,\"l\":[]}");
	const struct json_value *root = json_root(json);
	struct str text = STR("kept");
	bool truth = true;
	int64_t number = 5;
	assert_null(json_member(root, "absent"));
	assert_null(json_member(json_member(root, "s"), "x"));
	assert_null(json_member(NULL, "x"));
	assert_null(json_element(root, 0));
	assert_null(json_element(json_member(root, "l"), 0));
	assert_null(json_element(NULL, 0));
	assert_int_equal(json_size(json_member(root, "s")), 0);
	assert_int_equal(json_size(NULL), 0);
	assert_false(json_string(json_member(root, "n"), &text));
	assert_false(json_string(NULL, &text));
	assert_str_equal(text, "kept");
	assert_false(json_bool(json_member(root, "s"), &truth));
	assert_false(json_bool(NULL, &truth));
	assert_true(truth);
	assert_false(json_i64(json_member(root, "n"), &number));
	assert_false(json_i64(json_member(root, "s"), &number));
	assert_false(json_i64(NULL, &number));
	assert_int_equal(number, 5);
	assert_true(json_bool(json_member(root, "b"), &truth));
	assert_false(truth);
	assert_int_equal(json_type_of(json_member(root, "b")), JSON_TYPE_BOOL);
	assert_int_equal(json_type_of(json_member(root, "n")), JSON_TYPE_NUMBER);
	assert_int_equal(json_type_of(json_member(root, "l")), JSON_TYPE_ARRAY);
	assert_int_equal(json_type_of(NULL), JSON_TYPE_NULL);
	json_free(NULL);
}

static void integers_are_exact(void **state)
{
	(void)state;
	JSON_OWNED json = parse("[9223372036854775807,-9223372036854775808,1e3,1.0,-0]");
	const struct json_value *root = json_root(json);
	int64_t number = 0;
	assert_true(json_i64(json_element(root, 0), &number) && number == INT64_MAX);
	assert_true(json_i64(json_element(root, 1), &number) && number == INT64_MIN);
	assert_false(json_i64(json_element(root, 2), &number));
	assert_false(json_i64(json_element(root, 3), &number));
	assert_true(json_i64(json_element(root, 4), &number) && number == 0);
	assert_refused(STR("9223372036854775808"), "line 1");
	assert_refused(STR("1e999"), "line 1");
}

static void refuses_duplicates(void **state)
{
	(void)state;
	assert_refused(STR("{\"a\":\"1\",\"a\":\"2\"}"), "duplicate");
	assert_refused(STR("{\"a\":{\"b\":1,\n\"b\":2}}"), "line 2");
	assert_refused(STR("{\"a\":1,\"\\u0061\":2}"), "duplicate");
	JSON_OWNED json = parse("{\"a\":{\"a\":1},\"A\":2}");
	assert_int_equal(json_size(json_root(json)), 2);
}

static void refuses_what_is_not_json(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"{}x",
		"{} {}",
		"[1,]",
		"{,}",
		"{\"a\"}",
		"{a:1}",
		"{'a':1}",
		"[01]",
		"[1.]",
		"[.5]",
		"[+1]",
		"[0x10]",
		"[NaN]",
		"[Infinity]",
		"nul",
		"True",
		"\"open",
		"\"\\x\"",
		"\"\t\"",
		"\"\\ud800\"",
		"[1 2]",
		"// x\n",
		"/* x */ 1",
		"[1]\x01",
		"\"\\udc00\\ud800\"",
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(str_from(bad[i]), "line");
	assert_refused((struct str){ NULL, 0 }, "line 1");
	assert_refused(STR("{}\0"), "line 1");
	/* jansson alone takes these. */
	assert_refused(STR("2\0"), "line 1 column 2");
	assert_refused(STR("[true\0,\n\"x\"]"), "line 1");
	assert_refused(STR("[\n1\0]"), "line 2 column 2");
	assert_refused(STR("\xef\xbb\xbf{}"), "line 1");
}

static void refuses_bad_utf8(void **state)
{
	(void)state;
	assert_refused(STR("\"\xff\""), "line 1");
	assert_refused(STR("\"\xc0\x80\""), "line 1");
	assert_refused(STR("\"\xed\xa0\x80\""), "line 1");
	assert_refused(STR("\"\xf4\x90\x80\x80\""), "line 1");
	assert_refused(STR("{\"\xe2\x82\":1}"), "line 1");
}

/* What a text says is not repeated in errors: it may be somebody's key. */
static void quotes_nothing(void **state)
{
	(void)state;
	struct json *json = NULL;
	struct err err = { 0 };
	assert_false(json_parse(STR("{\"password\": hunter2}"), &json, &err));
	assert_false(str_contains_fold(str_from(err.text), STR("hunter2")));
	assert_false(json_parse(STR("{\"hunter2\":1,\"hunter2\":1}"), &json, &err));
	assert_false(str_contains_fold(str_from(err.text), STR("hunter2")));
	assert_false(json_parse(STR("[1"), &json, NULL));
}

static struct str nested(char *storage, size_t depth, const char *inner)
{
	size_t len = strlen(inner);
	memset(storage, '[', depth);
	memcpy(storage + depth, inner, len);
	memset(storage + depth + len, ']', depth);
	return (struct str){ storage, 2 * depth + len };
}

static void bounds_the_depth(void **state)
{
	(void)state;
	static char storage[100000];
	struct json *json = NULL;
	struct err err = { 0 };
	struct str deepest = nested(storage, JSON_DEPTH_MAX, "");
	assert_true(json_parse(deepest, &json, &err));
	assert_false(json_has_number(json_root(json)));
	char written_storage[128];
	struct buf written = buf_of(written_storage, sizeof written_storage);
	json_write_canonical(json_root(json), &written);
	assert_true(str_equal(buf_view(&written), deepest));
	json_free(json);
	assert_refused((nested(storage, JSON_DEPTH_MAX + 1, ""), (struct str){ storage, 66 }),
		       "nested deeper than 32");
	assert_refused(nested(storage, 40000, ""), "nested deeper");
	/* Brackets in strings and closed ones do not count. */
	json = parse(
		"[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\",[],[],{},[],[],[],[],[],[],"
		"[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]");
	json_free(json);
	assert_refused(STR("]]]]["), "line 1");
}

/* `count` times `before`, then `count` times `after`. */
static struct str repeated(char *storage, size_t count, const char *before, const char *after)
{
	struct buf out = buf_of(storage, 1000);
	for (size_t i = 0; i < 2 * count; i++)
		buf_text(&out, i < count ? before : after);
	assert_false(out.overflow);
	return buf_view(&out);
}

static void depth_is_that_of_containers(void **state)
{
	(void)state;
	char storage[1000];
	struct json *json = NULL;
	assert_refused(repeated(storage, 33, "[1,", "2]"), "nested deeper");
	assert_refused(repeated(storage, 33, "{\"a\":", "1}"), "nested deeper");
	assert_refused(repeated(storage, 33, "[\"ab\",", "]"), "nested deeper");
	assert_refused(repeated(storage, 33, "[\"a\",", "]"), "nested deeper");
	assert_refused(repeated(storage, 33, "[\"\\\"\",", "]"), "nested deeper");
	assert_refused(repeated(storage, 33, "[\"\\\\\",", "]"), "nested deeper");
	struct str objects = repeated(storage, 50, "[{},", "[]]");
	assert_refused(objects, "nested deeper");
	storage[0] = '[';
	struct str siblings = repeated(storage + 1, 50, "{},", "[],");
	storage[siblings.len] = ']';
	assert_true(json_parse((struct str){ storage, siblings.len + 1 }, &json, NULL));
	assert_int_equal(json_size(json_root(json)), 100);
	json_free(json);
	json = parse("[\"\\\\\",\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]");
	json_free(json);
}

static void takes_any_root(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum json_type type;
	} roots[] = {
		{ "null", JSON_TYPE_NULL },  { "true", JSON_TYPE_BOOL },
		{ "false", JSON_TYPE_BOOL }, { "-1.5", JSON_TYPE_NUMBER },
		{ "7", JSON_TYPE_NUMBER },   { "\"\"", JSON_TYPE_STRING },
		{ "[]", JSON_TYPE_ARRAY },   { " {} ", JSON_TYPE_OBJECT },
	};
	for (size_t i = 0; i < COUNT_OF(roots); i++) {
		JSON_OWNED json = parse(roots[i].text);
		assert_int_equal(json_type_of(json_root(json)), roots[i].type);
		assert_int_equal(json_has_number(json_root(json)),
				 roots[i].type == JSON_TYPE_NUMBER);
	}
}

static void strings_may_hold_nul(void **state)
{
	(void)state;
	JSON_OWNED json = parse("[\"a\\u0000b\"]");
	struct str text;
	assert_true(json_string(json_element(json_root(json), 0), &text));
	assert_int_equal(text.len, 3);
	assert_memory_equal(text.at, "a\0b", 3);
	assert_refused(STR("{\"a\\u0000b\":1}"), "line 1");
}

static void walks_in_the_order_of_the_text(void **state)
{
	(void)state;
	static const char *const names[] = { "zebra", "apple", "", "mango", "\xc3\xa9" };
	JSON_OWNED json = parse("{\"zebra\":\"0\",\"apple\":\"1\",\"\":\"2\",\"mango\":\"3\","
				"\"\xc3\xa9\":\"4\"}");
	void *cursor = NULL;
	struct str name, text;
	const struct json_value *value;
	size_t count = 0;
	while (json_next_member(json_root(json), &cursor, &name, &value)) {
		assert_true(count < COUNT_OF(names));
		assert_str_equal(name, names[count]);
		assert_true(json_string(value, &text));
		assert_int_equal(text.at[0] - '0', count);
		count++;
	}
	assert_int_equal(count, COUNT_OF(names));
	JSON_OWNED list = parse("[1]");
	cursor = NULL;
	assert_false(json_next_member(json_root(list), &cursor, &name, &value));
	assert_false(json_next_member(NULL, &cursor, &name, &value));
}

static void finds_numbers_anywhere(void **state)
{
	(void)state;
	static const char *const with[] = { "0",           "[1]",
					    "{\"a\":1}",   "[[],{},[\"x\",{\"a\":[1.5]}]]",
					    "[[\"x\"],2]", "{\"a\":{\"b\":\"c\"},\"d\":1e3}" };
	static const char *const without[] = { "\"1\"", "[]", "{}", "[\"1\",true,null,{\"a\":[]}]",
					       "{\"1\":\"1\",\"a\":[[[]]]}" };
	for (size_t i = 0; i < COUNT_OF(with); i++) {
		JSON_OWNED json = parse(with[i]);
		assert_true(json_has_number(json_root(json)));
	}
	for (size_t i = 0; i < COUNT_OF(without); i++) {
		JSON_OWNED json = parse(without[i]);
		assert_false(json_has_number(json_root(json)));
	}
}

static void assert_canonical(const char *text, const char *expected)
{
	char storage[512];
	struct buf out = buf_of(storage, sizeof storage);
	JSON_OWNED json = parse(text);
	json_write_canonical(json_root(json), &out);
	assert_false(out.overflow);
	assert_str_equal(buf_view(&out), expected);
	/* Canonical text is its own canonical form. */
	JSON_OWNED again = parse(expected);
	buf_reset(&out);
	json_write_canonical(json_root(again), &out);
	assert_str_equal(buf_view(&out), expected);
}

/* RFC 8785: section 3.2.2 (without its numbers), section 3.2.3 (sorting), and shapes. */
static void writes_the_canonical_form(void **state)
{
	(void)state;
	assert_canonical(
		"{ \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
		"\"literals\": [null, true, false] }",
		"{\"literals\":[null,true,false],\"string\":\"\xe2\x82\xac$\\u000f\\nA'B"
		"\\\"\\\\\\\\\\\"/\"}");
	assert_canonical("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
			 "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\","
			 "\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
			 "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
			 "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
			 "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
			 "\"\xe2\x82\xac\":\"Euro Sign\","
			 "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
			 "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
	assert_canonical(" [ ] ", "[]");
	assert_canonical("\"\\u007f\\b\\f\\t\"", "\"\x7f\\b\\f\\t\"");
	assert_canonical("null", "null");
	assert_canonical("{\"b\":[{\"d\":\"\",\"c\":{}},[],\"x\"],\"a\":\"y\",\"\":\"\"}",
			 "{\"\":\"\",\"a\":\"y\",\"b\":[{\"c\":{},\"d\":\"\"},[],\"x\"]}");
	assert_canonical("{\"aa\":\"\",\"a\":\"\",\"ab\":\"\",\"B\":\"\"}",
			 "{\"B\":\"\",\"a\":\"\",\"aa\":\"\",\"ab\":\"\"}");
	/* U+E000 and U+EE00 after every surrogate pair, U+D7FF before. */
	assert_canonical(
		"{\"\xee\x80\x80\":\"\",\"\xf4\x8f\xbf\xbf\":\"\",\"\xed\x9f\xbf\":\"\","
		"\"\xef\xbf\xbd\":\"\",\"\xf0\x90\x80\x80\":\"\"}",
		"{\"\xed\x9f\xbf\":\"\",\"\xf0\x90\x80\x80\":\"\",\"\xf4\x8f\xbf\xbf\":\"\","
		"\"\xee\x80\x80\":\"\",\"\xef\xbf\xbd\":\"\"}");
}

static void canonical_form_has_no_numbers(void **state)
{
	(void)state;
	char storage[64];
	struct buf out = buf_of(storage, sizeof storage);
	JSON_OWNED json = parse("{\"a\":[1]}");
	assert_aborts(json_write_canonical(json_root(json), &out));
	/* What does not fit is not written, and memory is given back all the same. */
	struct buf small = buf_of(storage, 3);
	JSON_OWNED wide = parse("{\"a\":[[\"b\"],{\"c\":\"d\"}]}");
	json_write_canonical(json_root(wide), &small);
	assert_true(small.overflow);
}

static void assert_escaped(struct str text, const char *expected)
{
	char storage[128];
	struct buf out = buf_of(storage, sizeof storage);
	json_write_string(&out, text);
	assert_str_equal(buf_view(&out), expected);
}

static void writes_strings(void **state)
{
	(void)state;
	assert_escaped(STR(""), "\"\"");
	assert_escaped((struct str){ NULL, 0 }, "\"\"");
	assert_escaped(STR("plain"), "\"plain\"");
	assert_escaped(STR("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
	assert_escaped(STR("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\"");
	assert_escaped(STR("a\0b"), "\"a\\u0000b\"");
	assert_escaped(STR("\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xe2\x82\xac\xf0\x9f\x98\x80\"");
	assert_escaped(STR("a\xff\"z\n"), "\"a\xef\xbf\xbd\\\"z\\n\"");
	assert_escaped(STR("\xc3\xa9\xe2\x82"), "\"\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"");
	assert_escaped(STR("\xf0\x9f\x98\x80\x80\xe2\x82\xac"),
		       "\"\xf0\x9f\x98\x80\xef\xbf\xbd\xe2\x82\xac\"");
}

/* Whatever bytes come, a reader gets its string back or sees U+FFFD. */
static void every_byte_is_readable_again(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		const char text[3] = { 'a', (char)byte, 'z' };
		char storage[32];
		struct buf out = buf_of(storage, sizeof storage);
		struct str back;
		struct json *json = NULL;
		json_write_string(&out, (struct str){ text, 3 });
		assert_true(json_parse(buf_view(&out), &json, NULL));
		assert_true(json_string(json_root(json), &back));
		if (byte < 0x80)
			assert_true(str_equal(back, (struct str){ text, 3 }));
		else
			assert_str_equal(back, "a\xef\xbf\xbdz");
		json_free(json);
	}
}

static void writes_members(void **state)
{
	(void)state;
	char storage[256];
	struct buf out = buf_of(storage, sizeof storage);
	buf_byte(&out, '{');
	json_write_member(&out, "s", STR("x\"y"));
	json_write_member_text(&out, "t", "text");
	json_write_member_u64(&out, "u", UINT64_MAX);
	json_write_member_i64(&out, "i", INT64_MIN);
	json_write_member_bool(&out, "yes", true);
	json_write_member_bool(&out, "no", false);
	json_write_member_null(&out, "n");
	json_write_name(&out, "o");
	buf_byte(&out, '{');
	json_write_member_null(&out, "inner");
	buf_text(&out, "}}");
	assert_str_equal(buf_view(&out),
			 "{\"s\":\"x\\\"y\",\"t\":\"text\",\"u\":18446744073709551615,"
			 "\"i\":-9223372036854775808,\"yes\":true,\"no\":false,\"n\":null,"
			 "\"o\":{\"inner\":null}}");
	buf_reset(&out);
	json_write_name(&out, "first");
	buf_byte(&out, '[');
	json_write_name(&out, "odd");
	assert_str_equal(buf_view(&out), "\"first\":[\"odd\":");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_request),
		cmocka_unit_test(answers_wrong_types_with_no),
		cmocka_unit_test(integers_are_exact),
		cmocka_unit_test(refuses_duplicates),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(refuses_bad_utf8),
		cmocka_unit_test(quotes_nothing),
		cmocka_unit_test(bounds_the_depth),
		cmocka_unit_test(depth_is_that_of_containers),
		cmocka_unit_test(takes_any_root),
		cmocka_unit_test(strings_may_hold_nul),
		cmocka_unit_test(walks_in_the_order_of_the_text),
		cmocka_unit_test(finds_numbers_anywhere),
		cmocka_unit_test(writes_the_canonical_form),
		cmocka_unit_test(canonical_form_has_no_numbers),
		cmocka_unit_test(writes_strings),
		cmocka_unit_test(every_byte_is_readable_again),
		cmocka_unit_test(writes_members),
	};
	json_memory_wipe(); /* as the program does */
	return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
