#include "service/api/problem.h"

#include "../document.h"
#include "../testing.h"

#include "base/json.h"

static bool is_snake_case(const char *code)
{
	return code[0] >= 'a' && code[0] <= 'z' &&
	       strspn(code, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(code);
}

static void every_problem_has_a_code_of_its_own(void **state)
{
	(void)state;
	for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++) {
		enum problem problem = (enum problem)i;
		unsigned status = problem_status(problem);
		assert_true(is_snake_case(problem_code(problem)));
		assert_true(strlen(problem_text(problem)) > 10);
		assert_true(status >= 400 && status < 600);
		/* Found again under its code: no other problem has the same. */
		assert_int_equal(problem_of_code(problem_code(problem)), problem);
	}
	assert_int_equal(problem_of_code("no_such_code"), PROBLEM_NONE);
	assert_aborts(problem_code(PROBLEM_NONE));
	assert_aborts(problem_code(PROBLEM_COUNT));
}

static void cores_refusals_keep_their_codes(void **state)
{
	(void)state;
	for (int i = REFUSAL_CHAIN_UNKNOWN; i <= REFUSAL_AMOUNT_NOT_POSITIVE; i++) {
		enum problem problem = problem_of_refusal((enum refusal)i);
		assert_string_equal(problem_code(problem), refusal_code((enum refusal)i));
		assert_int_equal(problem_status(problem), 422);
	}
	assert_aborts(problem_of_refusal(REFUSAL_BELOW_MINIMUM));
}

static void assert_member(const struct json_value *object, const char *name, const char *expected)
{
	struct str text;
	assert_true(json_string(json_member(object, name), &text));
	assert_str_equal(text, expected);
}

#define REQUEST_ID "0190a5d4-0000-7000-8000-000000000001"

static void a_report_is_a_problem_document(void **state)
{
	(void)state;
	struct problem_report report;
	char storage[PROBLEM_BYTES_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	JSON_OWNED json = NULL;
	struct err err;
	int64_t status;
	problem_report_reset(&report);
	problem_report_add(&report, PROBLEM_FIELD_UNKNOWN, STR("/a\"\n"), NULL);
	problem_report_add(&report, PROBLEM_ADDRESS_ZERO, STR("/to"), NULL);
	problem_write(&report, REQUEST_ID, &out);
	assert_true(json_parse(buf_view(&out), &json, &err));
	const struct json_value *root = json_root(json);
	assert_member(root, "type", "urn:sluice:problem:field_unknown");
	assert_member(root, "title", "Unknown field");
	assert_member(root, "detail", "There is no such field.");
	assert_member(root, "instance", "urn:uuid:" REQUEST_ID);
	assert_member(root, "code", "field_unknown");
	assert_true(json_i64(json_member(root, "status"), &status) && status == 422);
	assert_null(json_member(root, "existing_id"));
	const struct json_value *errors = json_member(root, "errors");
	assert_int_equal(json_size(errors), 2);
	assert_member(json_element(errors, 0), "pointer", "/a\"\n");
	assert_member(json_element(errors, 1), "pointer", "/to");
	assert_member(json_element(errors, 1), "code", "address_zero");
	assert_member(json_element(errors, 1), "detail", "The zero address cannot be paid.");
}

/* Every problem, with as many errors as fit, each with a pointer that is all escapes. */
static void the_longest_document_fits(void **state)
{
	(void)state;
	char pointer[PROBLEM_POINTER_LEN], storage[PROBLEM_BYTES_MAX];
	memset(pointer, 1, sizeof pointer);
	for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++) {
		struct problem_report report;
		struct buf out = buf_of(storage, sizeof storage);
		problem_report_reset(&report);
		report.existing.bytes[0] = 1;
		for (int k = 0; k < PROBLEM_ERRORS_MAX + 1; k++)
			problem_report_add(&report, (enum problem)i,
					   str_from_bytes(pointer, sizeof pointer), NULL);
		assert_int_equal(report.errors_len, PROBLEM_ERRORS_MAX);
		problem_write(&report, REQUEST_ID, &out);
		assert_false(out.overflow);
	}
}

static void a_refusal_of_the_wire_is_a_problem_document(void **state)
{
	(void)state;
	char storage[PROBLEM_BYTES_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	problem_write_plain(400, "request_malformed", "A header line is folded.", REQUEST_ID, &out);
	assert_str_equal(buf_view(&out), "{\"type\":\"urn:sluice:problem:request_malformed\","
					 "\"title\":\"Malformed HTTP request\",\"status\":400,"
					 "\"detail\":\"A header line is folded.\","
					 "\"instance\":\"urn:uuid:" REQUEST_ID
					 "\",\"code\":\"request_malformed\"}");
	buf_reset(&out);
	problem_write_plain(418, "teapot", "Short and stout.", REQUEST_ID, &out);
	assert_true(str_contains_fold(buf_view(&out), STR("\"code\":\"teapot\"")));
}

static void the_document_lists_every_code(void **state)
{
	(void)state;
	assert_document("doc/errors.md", problem_write_markdown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_problem_has_a_code_of_its_own),
		cmocka_unit_test(cores_refusals_keep_their_codes),
		cmocka_unit_test(a_report_is_a_problem_document),
		cmocka_unit_test(the_longest_document_fits),
		cmocka_unit_test(a_refusal_of_the_wire_is_a_problem_document),
		cmocka_unit_test(the_document_lists_every_code),
	};
	return cmocka_run_group_tests_name("service/api/problem", tests, NULL, NULL);
}
