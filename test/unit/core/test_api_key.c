#include "core/api_key.h"

#include "core/refresh_token.h"

#include "../testing.h"

#define ID      "0123456789abcdef"
#define SESSION "0189ab5d-ac96-774b-bcce-b302099a8057"
#define SECRET  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void a_key_is_written_and_read_back(void **state)
{
	(void)state;
	static const uint8_t id[8] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
	uint8_t secret[32], expected[32], got[32];
	char text[API_KEY_TEXT_LEN];
	struct buf out = buf_of(text, sizeof text);
	struct str id_text, secret_text;
	assert_true(hex_read(STR(SECRET), secret, sizeof secret));
	api_key_write(id, secret, &out);
	assert_str_equal(buf_view(&out), "slk_" ID "_" SECRET);
	assert_true(api_key_read(buf_view(&out), &id_text, &secret_text));
	assert_str_equal(id_text, ID);
	assert_str_equal(secret_text, SECRET);
	/* What is stored is the hash of the text, not of the bytes behind it. */
	sha256(SECRET, strlen(SECRET), expected);
	api_key_hash(secret_text, got);
	assert_memory_equal(got, expected, sizeof got);
	assert_aborts(api_key_hash(STR("short"), got));
}

static void other_forms_are_no_keys(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"slk_",
		"slk_" ID "_",
		"slk_" ID,
		"slk_" ID "_" SECRET "0",
		"slk_" ID "_00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
		"slx_" ID "_" SECRET,
		"SLK_" ID "_" SECRET,
		"slk-" ID "-" SECRET,
		"slk_0123456789ABCDEF_" SECRET,
		"slk_0123456789abcdeg_" SECRET,
		"slk_0123456789abcde-_" SECRET,
		"slk_" ID "-" SECRET,
		"slk_0123456789abcde_0" SECRET,
		"slk_" ID "_00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
		" slk_" ID "_" SECRET,
		"slk_" ID "_0011223344556677_899aabbccddeeff00112233445566778899aabbccddeeff",
	};
	struct str id, secret;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (api_key_read(str_from(bad[i]), &id, &secret))
			fail_msg("taken: %s", bad[i]);
}

static void a_refresh_token_is_written_and_read_back(void **state)
{
	(void)state;
	uint8_t secret[REFRESH_SECRET_BYTES], expected[SHA256_BYTES], got[SHA256_BYTES];
	char text[REFRESH_TOKEN_TEXT_LEN];
	struct buf out = buf_of(text, sizeof text);
	struct id session, again;
	assert_true(id_read(STR(SESSION), &session));
	assert_true(hex_read(STR(SECRET), secret, sizeof secret));
	refresh_token_write(session, secret, &out);
	assert_str_equal(buf_view(&out), "slr_" SESSION "_" SECRET);
	assert_true(refresh_token_read(buf_view(&out), &again, got));
	assert_true(id_equal(again, session));
	/* Of all of the text: a secret is good with its own session alone. */
	sha256(text, sizeof text, expected);
	assert_memory_equal(got, expected, sizeof got);
}

static void other_forms_are_no_refresh_tokens(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"slr_",
		"slr_" SESSION,
		"slr_" SESSION "_",
		"slr_" SESSION "_" SECRET "0",
		"slr_" SESSION "_00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
		"slk_" SESSION "_" SECRET,
		"SLR_" SESSION "_" SECRET,
		"slr_" SESSION "-" SECRET,
		"slr_0189ab5d_ac96-774b-bcce-b302099a8057_" SECRET,
		"slr_0189ab5d-ac96-774b-bcce-b302099a805_0" SECRET,
		"slr_0189ab5d-ac96-774b-bcce-b302099a805g_" SECRET,
		"slr_0189ab5d-ac96-474b-bcce-b302099a8057_" SECRET,
		"slr_0189AB5D-ac96-774b-bcce-b302099a8057_" SECRET,
		"slr_" SESSION "_00112233445566778899aabbccddeeff00112233445566778899aabbccddeefF",
		"slr_" SESSION "_00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg",
		"slr_" SESSION "_00112233445566778899aabbccddeeff00112233445566778899aabbccddeef/",
		"slr_" SESSION "_00112233445566778899aabbccddeeff00112233445566778899aabbccddeef:",
	};
	struct id session;
	uint8_t hash[SHA256_BYTES];
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (refresh_token_read(str_from(bad[i]), &session, hash))
			fail_msg("taken: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_written_and_read_back),
		cmocka_unit_test(other_forms_are_no_keys),
		cmocka_unit_test(a_refresh_token_is_written_and_read_back),
		cmocka_unit_test(other_forms_are_no_refresh_tokens),
	};
	return cmocka_run_group_tests_name("core/api_key", tests, NULL, NULL);
}
