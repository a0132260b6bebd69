#include "core/refusal.h"

#include "../testing.h"

static bool is_snake_case(const char *code)
{
	return code[0] >= 'a' && code[0] <= 'z' &&
	       strspn(code, "abcdefghijklmnopqrstuvwxyz_") == strlen(code);
}

static void every_refusal_has_a_code_and_a_sentence(void **state)
{
	(void)state;
	assert_string_equal(refusal_code(REFUSAL_NONE), "");
	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
		const char *code = refusal_code((enum refusal)i);
		assert_non_null(code);
		assert_true(is_snake_case(code));
		assert_true(strlen(refusal_text((enum refusal)i)) > 10);
		enum refusal read = REFUSAL_NONE;
		assert_true(refusal_read(str_from(code), &read));
		assert_int_equal(read, i);
		for (int other = REFUSAL_NONE; other < i; other++)
			assert_string_not_equal(code, refusal_code((enum refusal)other));
	}
	enum refusal none;
	assert_false(refusal_read(STR(""), &none));
	assert_false(refusal_read(STR("Canceled"), &none));
	assert_aborts(refusal_code(REFUSAL_COUNT));
	assert_aborts(refusal_text(REFUSAL_COUNT));
}

/* Stored and answered to clients: renaming one breaks both. */
static void codes_are_pinned(void **state)
{
	(void)state;
	assert_string_equal(refusal_code(REFUSAL_CHAIN_UNKNOWN), "chain_unknown");
	assert_string_equal(refusal_code(REFUSAL_ASSET_UNKNOWN), "asset_unknown");
	assert_string_equal(refusal_code(REFUSAL_ADDRESS_MALFORMED), "address_malformed");
	assert_string_equal(refusal_code(REFUSAL_ADDRESS_CHECKSUM), "address_checksum");
	assert_string_equal(refusal_code(REFUSAL_ADDRESS_ZERO), "address_zero");
	assert_string_equal(refusal_code(REFUSAL_ADDRESS_IS_TOKEN), "address_is_token");
	assert_string_equal(refusal_code(REFUSAL_ADDRESS_IS_OURS), "address_is_ours");
	assert_string_equal(refusal_code(REFUSAL_AMOUNT_MALFORMED), "amount_malformed");
	assert_string_equal(refusal_code(REFUSAL_AMOUNT_DECIMALS), "amount_decimals");
	assert_string_equal(refusal_code(REFUSAL_AMOUNT_TOO_LARGE), "amount_too_large");
	assert_string_equal(refusal_code(REFUSAL_AMOUNT_NOT_POSITIVE), "amount_not_positive");
	assert_string_equal(refusal_code(REFUSAL_BELOW_MINIMUM), "below_minimum");
	assert_string_equal(refusal_code(REFUSAL_ABOVE_MAXIMUM), "above_maximum");
	assert_string_equal(refusal_code(REFUSAL_APPROVAL_DENIED), "approval_denied");
	assert_string_equal(refusal_code(REFUSAL_APPROVAL_TIMEOUT), "approval_timeout");
	assert_string_equal(refusal_code(REFUSAL_SIGNER_LIMIT), "signer_limit");
	assert_string_equal(refusal_code(REFUSAL_FEE_ABOVE_CAP), "fee_above_cap");
	assert_string_equal(refusal_code(REFUSAL_RECEIVER_REFUSES), "receiver_refuses");
	assert_string_equal(refusal_code(REFUSAL_CANCELED), "canceled");
}

static void rules_are_the_processors(void **state)
{
	(void)state;
	assert_false(refusal_is_of_rules(REFUSAL_NONE));
	assert_false(refusal_is_of_rules(REFUSAL_AMOUNT_NOT_POSITIVE));
	assert_true(refusal_is_of_rules(REFUSAL_BELOW_MINIMUM));
	assert_true(refusal_is_of_rules(REFUSAL_APPROVAL_TIMEOUT));
	assert_false(refusal_is_of_rules(REFUSAL_SIGNER_LIMIT));
	assert_false(refusal_is_of_rules(REFUSAL_CANCELED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_a_code_and_a_sentence),
		cmocka_unit_test(codes_are_pinned),
		cmocka_unit_test(rules_are_the_processors),
	};
	return cmocka_run_group_tests_name("core/refusal", tests, NULL, NULL);
}
