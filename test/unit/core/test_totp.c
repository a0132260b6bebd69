#include "core/totp.h"

#include "../testing.h"

static const uint8_t seed[TOTP_SEED_BYTES + 1] = "12345678901234567890";

/* RFC 6238, appendix B, SHA-1: the last six of its eight digits. */
static void codes_are_those_of_the_standard(void **state)
{
	static const struct {
		int64_t second;
		const char *code;
	} cases[] = {
		{ 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
		{ 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" }
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char code[TOTP_DIGITS + 1];
		totp_code(seed, cases[i].second * 1000 / TOTP_STEP_MS, code);
		assert_string_equal(code, cases[i].code);
	}
}

/* The code of step 37037036 is good one step early and late, and no further. */
static void a_code_is_good_near_its_time(void **state)
{
	const int64_t step = 37037036;
	int64_t got = 0;
	char code[TOTP_DIGITS + 1];
	(void)state;
	totp_code(seed, step, code);
	for (int64_t away = -3; away <= 3; away++) {
		bool is_near = away >= -1 && away <= 1;
		int64_t now_ms = (step + away) * TOTP_STEP_MS + 29999;
		assert_int_equal(totp_verify(seed, str_from(code), now_ms, 0, &got), is_near);
	}
	assert_int_equal(got, step);
}

static void a_code_is_good_once(void **state)
{
	const int64_t step = 37037036, now_ms = step * TOTP_STEP_MS;
	int64_t got = 0;
	char code[TOTP_DIGITS + 1], next[TOTP_DIGITS + 1];
	(void)state;
	totp_code(seed, step, code);
	totp_code(seed, step + 1, next);
	assert_true(totp_verify(seed, str_from(code), now_ms, step - 1, &got));
	assert_false(totp_verify(seed, str_from(code), now_ms, step, &got));
	assert_false(totp_verify(seed, str_from(code), now_ms, step + 1, &got));
	assert_true(totp_verify(seed, str_from(next), now_ms, step, &got));
}

static void what_is_no_code_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "28708", "2870820", "28708a", "287083", " 287082"
	};
	int64_t got;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_false(totp_verify(seed, str_from(texts[i]), 59000, 0, &got));
	assert_false(totp_verify(seed, STR("287082"), 0, -1, &got));
}

/* RFC 4648, section 10, and what an authenticator reads. */
static void the_seed_is_written_for_people(void **state)
{
	char bytes[TOTP_URI_MAX];
	struct buf out = buf_of(bytes, sizeof bytes);
	(void)state;
	totp_write_seed(seed, &out);
	assert_str_equal(buf_view(&out), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
	buf_reset(&out);
	totp_write_uri(seed, "Sluice", "ann@a b/\xc3\xa9", &out);
	assert_str_equal(buf_view(&out),
			 "otpauth://totp/Sluice:ann%40a%20b%2F%C3%A9?secret="
			 "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Sluice&algorithm=SHA1&digits=6"
			 "&period=30");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_the_standard),
		cmocka_unit_test(a_code_is_good_near_its_time),
		cmocka_unit_test(a_code_is_good_once),
		cmocka_unit_test(what_is_no_code_is_refused),
		cmocka_unit_test(the_seed_is_written_for_people),
	};
	return cmocka_run_group_tests_name("core/totp", tests, NULL, NULL);
}
