#include "service/api/request.h"

#include "api_catalogue.h"
#include "base/hash.h"

/* A body that is right but for what stands in the row. */
#define BODY(asset, to, amount, more) \
	"{\"chain\":\"polygon\",\"asset\":" asset ",\"to\":" to ",\"amount\":" amount more "}"
#define TO   "\"" PAYEE_TEXT "\""
#define GOOD BODY("\"USDC\"", TO, "\"12.5\"", "")
#define LEN_128                                                            \
	"0123456789012345678901234567890123456789012345678901234567890123" \
	"0123456789012345678901234567890123456789012345678901234567890123"
#define LEN_1024       LEN_128 LEN_128 LEN_128 LEN_128 LEN_128 LEN_128 LEN_128 LEN_128
#define AMOUNT(text)   BODY("\"USDC\"", TO, "\"" text "\"", "")
#define RECEIVER(text) BODY("\"USDC\"", "\"" text "\"", "\"12.5\"", "")
#define MORE(text)     BODY("\"USDC\"", TO, "\"12.5\"", "," text)
/* 2^256 and 2^256 - 1 base units with 6 decimals. */
#define TOO_MUCH "115792089237316195423570985008687907853269984665640564039457584007913129.639936"
#define MOST     "115792089237316195423570985008687907853269984665640564039457584007913129.639935"

struct bad {
	const char *body;
	const char *code;
	const char *pointer; /* of the first error; NULL: no errors[] */
};

static const struct bad bads[] = {
	/* text */
	{ "", "body_missing", NULL },
	{ "  ", "body_missing", NULL },
	{ "\xff\xfe", "body_not_utf8", NULL },
	{ MORE("\"external_id\":\"\xc3\x28\""), "body_not_utf8", NULL },
	{ MORE("\"external_id\":\"\xed\xa0\x80\""), "body_not_utf8", NULL },
	{ "{", "json_malformed", NULL },
	{ "hello", "json_malformed", NULL },
	{ GOOD "x", "json_malformed", NULL },
	{ GOOD GOOD, "json_malformed", NULL },
	{ "{'chain':'polygon'}", "json_malformed", NULL },
	{ "{\"chain\":\"polygon\",}", "json_malformed", NULL },
	{ MORE("\"external_id\":\"\\ud800\""), "json_malformed", NULL },
	{ MORE("\"external_id\":\"\n\""), "json_malformed", NULL },
	{ "{\"amount\":012}", "json_malformed", NULL },
	{ "{\"amount\":NaN}", "json_malformed", NULL },
	{ MORE("\"amount\":\"13\""), "json_duplicate_key", NULL },
	{ MORE("\"amou\\u006et\":\"13\""), "json_duplicate_key", NULL },
	{ MORE("\"metadata\":{\"a\":\"1\",\"a\":\"2\"}"), "json_duplicate_key", NULL },
	{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "json_too_deep", NULL },
	{ "[]", "body_not_object", NULL },
	{ "null", "body_not_object", NULL },
	{ "\"text\"", "body_not_object", NULL },
	{ "12", "body_not_object", NULL },
	/* fields */
	{ "{}", "field_missing", "/chain" },
	{ "{\"chain\":\"polygon\",\"asset\":\"USDC\",\"to\":" TO "}", "field_missing", "/amount" },
	{ "{\"chain\":\"polygon\",\"asset\":\"USDC\",\"amount\":\"1\"}", "field_missing", "/to" },
	{ MORE("\"memo\":\"x\""), "field_unknown", "/memo" },
	{ MORE("\"a/b~c\":\"x\""), "field_unknown", "/a~1b~0c" },
	{ MORE("\"Amount\":\"1\""), "field_unknown", "/Amount" },
	{ MORE("\"" LEN_128 LEN_128 "\":\"x\""), "field_unknown", "" },
	{ BODY("null", TO, "\"1\"", ""), "field_type", "/asset" },
	{ BODY("[\"USDC\"]", TO, "\"1\"", ""), "field_type", "/asset" },
	{ BODY("\"USDC\"", "true", "\"1\"", ""), "field_type", "/to" },
	{ BODY("\"USDC\"", "{}", "\"1\"", ""), "field_type", "/to" },
	{ MORE("\"metadata\":\"x\""), "field_type", "/metadata" },
	{ MORE("\"metadata\":null"), "field_type", "/metadata" },
	{ MORE("\"metadata\":{\"a\":{}}"), "field_type", "/metadata/a" },
	{ MORE("\"metadata\":{\"a\":null}"), "field_type", "/metadata/a" },
	{ BODY("\"USDC\"", TO, "12.5", ""), "number_forbidden", "/amount" },
	{ BODY("\"USDC\"", TO, "12", ""), "number_forbidden", "/amount" },
	{ BODY("\"USDC\"", TO, "1e3", ""), "number_forbidden", "/amount" },
	{ BODY("\"USDC\"", TO, "1e999", ""), "number_forbidden", NULL },
	{ BODY("\"USDC\"", TO, "99999999999999999999", ""), "number_forbidden", NULL },
	{ MORE("\"external_id\":8812"), "number_forbidden", "/external_id" },
	{ MORE("\"metadata\":{\"a\":1}"), "number_forbidden", "/metadata/a" },
	/* external_id, metadata */
	{ MORE("\"external_id\":\"\""), "external_id_malformed", "/external_id" },
	{ MORE("\"external_id\":\"a\\nb\""), "external_id_malformed", "/external_id" },
	{ MORE("\"external_id\":\"a\\u0000b\""), "external_id_malformed", "/external_id" },
	{ MORE("\"external_id\":\"\x7f\""), "external_id_malformed", "/external_id" },
	{ MORE("\"external_id\":\"\xc2\x85\""), "external_id_malformed", "/external_id" },
	{ MORE("\"external_id\":\"" LEN_128 "9\""), "external_id_too_long", "/external_id" },
	{ MORE("\"metadata\":{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\","
	       "\"g\":\"\",\"h\":\"\",\"i\":\"\",\"j\":\"\",\"k\":\"\",\"l\":\"\",\"m\":\"\","
	       "\"n\":\"\",\"o\":\"\",\"p\":\"\",\"q\":\"\"}"),
	  "metadata_too_many", "/metadata" },
	{ MORE("\"metadata\":{\"a\":\"" LEN_1024 LEN_1024 "\"}"), "metadata_too_large",
	  "/metadata" },
	/* chain and asset */
	{ "{\"chain\":\"ethereum\",\"asset\":\"USDC\",\"to\":" TO ",\"amount\":\"1\"}",
	  "chain_unknown", "/chain" },
	{ "{\"chain\":\"Polygon\",\"asset\":\"USDC\",\"to\":" TO ",\"amount\":\"1\"}",
	  "chain_unknown", "/chain" },
	{ "{\"chain\":\"\",\"asset\":\"USDC\",\"to\":" TO ",\"amount\":\"1\"}", "chain_unknown",
	  "/chain" },
	{ BODY("\"DOGE\"", TO, "\"1\"", ""), "asset_unknown", "/asset" },
	{ BODY("\"usdc\"", TO, "\"1\"", ""), "asset_unknown", "/asset" },
	{ BODY("\"USDC\\u0000\"", TO, "\"1\"", ""), "asset_unknown", "/asset" },
	/* receiver */
	{ RECEIVER(""), "address_malformed", "/to" },
	{ RECEIVER("52908400098527886E0F7030069857D2E4169EE7"), "address_malformed", "/to" },
	{ RECEIVER("0x52908400098527886E0F7030069857D2E4169EE"), "address_malformed", "/to" },
	{ RECEIVER("0x52908400098527886E0F7030069857D2E4169EE77"), "address_malformed", "/to" },
	{ RECEIVER("0x52908400098527886E0F7030069857D2E4169EEg"), "address_malformed", "/to" },
	{ RECEIVER(" " PAYEE_TEXT), "address_malformed", "/to" },
	{ RECEIVER("vitalik.eth"), "address_malformed", "/to" },
	{ RECEIVER("0x52908400098527886e0F7030069857D2E4169EE7"), "address_checksum", "/to" },
	{ RECEIVER("0x0000000000000000000000000000000000000000"), "address_zero", "/to" },
	{ RECEIVER(TOKEN_TEXT), "address_is_token", "/to" },
	{ BODY("\"POL\"", "\"" TOKEN_TEXT "\"", "\"1\"", ""), "address_is_token", "/to" },
	{ RECEIVER("0x3c499c542cef5e3811e1192ce70d8cc03d5c3359"), "address_is_token", "/to" },
	{ RECEIVER(WALLET_TEXT), "address_is_ours", "/to" },
	/* amount */
	{ AMOUNT(""), "amount_malformed", "/amount" },
	{ AMOUNT("1e3"), "amount_malformed", "/amount" },
	{ AMOUNT("+1"), "amount_malformed", "/amount" },
	{ AMOUNT("1,5"), "amount_malformed", "/amount" },
	{ AMOUNT(".5"), "amount_malformed", "/amount" },
	{ AMOUNT("5."), "amount_malformed", "/amount" },
	{ AMOUNT("01"), "amount_malformed", "/amount" },
	{ AMOUNT(" 1"), "amount_malformed", "/amount" },
	{ AMOUNT("0x10"), "amount_malformed", "/amount" },
	{ AMOUNT("1_000"), "amount_malformed", "/amount" },
	{ AMOUNT("NaN"), "amount_malformed", "/amount" },
	{ AMOUNT("1\\u0000"), "amount_malformed", "/amount" },
	{ AMOUNT("\xd9\xa1"), "amount_malformed", "/amount" },
	{ AMOUNT("-1"), "amount_not_positive", "/amount" },
	{ AMOUNT("0"), "amount_not_positive", "/amount" },
	{ AMOUNT("0.000000"), "amount_not_positive", "/amount" },
	{ AMOUNT("-0"), "amount_not_positive", "/amount" },
	{ AMOUNT("1.0000001"), "amount_decimals", "/amount" },
	{ AMOUNT("1.0000000"), "amount_decimals", "/amount" },
	{ AMOUNT(TOO_MUCH), "amount_too_large", "/amount" },
};

static struct problem_report report;
static struct withdrawal withdrawal;

static bool read_text(const char *body)
{
	static struct catalogue *catalogue;
	if (catalogue == NULL)
		catalogue = catalogue_make();
	return request_read(str_from(body), catalogue, &withdrawal, &report);
}

static void every_bad_body_has_its_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bads); i++) {
		const struct bad *bad = &bads[i];
		if (read_text(bad->body))
			fail_msg("taken: %s", bad->body);
		if (strcmp(problem_code(report.problem), bad->code) != 0)
			fail_msg("%s instead of %s: %s", problem_code(report.problem), bad->code,
				 bad->body);
		unsigned status = problem_status(report.problem);
		assert_true(status >= 400 && status < 500);
		assert_int_equal(report.errors_len, bad->pointer == NULL ? 0 : report.errors_len);
		if (bad->pointer == NULL)
			continue;
		assert_true(report.errors_len > 0);
		assert_string_equal(report.errors[0].pointer, bad->pointer);
		assert_int_equal(report.errors[0].problem, report.problem);
	}
}

static void several_errors_are_told_at_once(void **state)
{
	(void)state;
	assert_false(read_text("{\"chain\":\"polygon\",\"asset\":\"USDC\",\"to\":\"nobody\","
			       "\"amount\":1,\"memo\":\"\",\"external_id\":\"\"}"));
	static const struct {
		enum problem problem;
		const char *pointer;
	} expected[] = {
		{ PROBLEM_NUMBER_FORBIDDEN, "/amount" },
		{ PROBLEM_FIELD_UNKNOWN, "/memo" },
		{ PROBLEM_ADDRESS_MALFORMED, "/to" },
		{ PROBLEM_EXTERNAL_ID_MALFORMED, "/external_id" },
	};
	assert_int_equal(report.errors_len, COUNT_OF(expected));
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		assert_int_equal(report.errors[i].problem, expected[i].problem);
		assert_string_equal(report.errors[i].pointer, expected[i].pointer);
	}
	/* A body of nothing but unknown fields stays within the report. */
	assert_false(read_text("{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\","
			       "\"g\":\"\",\"h\":\"\",\"i\":\"\",\"j\":\"\"}"));
	assert_int_equal(report.errors_len, PROBLEM_ERRORS_MAX);
}

static void a_body_that_is_too_large_is_refused(void **state)
{
	(void)state;
	char *body = malloc(BODY_BYTES_MAX + 2);
	assert_non_null(body);
	memset(body, ' ', BODY_BYTES_MAX + 1);
	body[BODY_BYTES_MAX + 1] = 0;
	memcpy(body, GOOD, sizeof GOOD - 1);
	assert_false(read_text(body));
	assert_int_equal(report.problem, PROBLEM_BODY_TOO_LARGE);
	body[BODY_BYTES_MAX] = 0;
	assert_true(read_text(body));
	free(body);
}

static void a_good_body_is_taken(void **state)
{
	(void)state;
	assert_true(read_text(MORE("\"external_id\":\"order-8812 \xc3\xa9\","
				   "\"metadata\":{\"b\":\"2\",\"a\":\"\\u00e9\\/\\u0001\"}")));
	const struct intent *intent = &withdrawal.intent;
	uint64_t units;
	assert_int_equal(intent->chain_id, CHAIN_ID);
	assert_string_equal(intent->asset, "USDC");
	assert_false(intent->is_native);
	assert_int_equal(intent->decimals, 6);
	assert_true(address_equal(intent->contract, address_of(TOKEN_TEXT)));
	assert_true(address_equal(intent->to, address_of(PAYEE_TEXT)));
	assert_true(u256_to_u64(intent->amount.units, &units));
	assert_int_equal(units, 12500000);
	assert_string_equal(intent->external_id, "order-8812 \xc3\xa9");
	assert_string_equal(withdrawal.metadata, "{\"a\":\"\xc3\xa9/\\u0001\",\"b\":\"2\"}");
	assert_true(id_is_zero(intent->id));

	assert_true(read_text(BODY("\"POL\"", TO, "\"0.000000000000000001\"", "")));
	assert_true(intent->is_native && address_is_zero(intent->contract));
	assert_string_equal(intent->external_id, "");
	assert_string_equal(withdrawal.metadata, "");
	/* The ends of what is allowed. */
	assert_true(read_text(AMOUNT(MOST)));
	assert_true(u256_equal(intent->amount.units, u256_max()));
	assert_true(read_text(MORE("\"external_id\":\"" LEN_128 "\"")));
	assert_true(read_text(RECEIVER("0x52908400098527886e0f7030069857d2e4169ee7")));
	assert_true(read_text(MORE("\"metadata\":{}")));
	assert_string_equal(withdrawal.metadata, "");
}

static bool same_fingerprint(const char *a, const char *b)
{
	uint8_t first[32];
	assert_true(read_text(a));
	memcpy(first, withdrawal.intent.fingerprint, sizeof first);
	assert_true(read_text(b));
	return memcmp(first, withdrawal.intent.fingerprint, sizeof first) == 0;
}

static void the_fingerprint_is_of_the_canonical_body(void **state)
{
	(void)state;
	assert_true(same_fingerprint(GOOD,
				     " { \"amount\" : \"12.5\", \"to\":" TO
				     ",\n\"asset\":\"US\\u0044C\", \"chain\":\"polygon\"}\n"));
	assert_false(same_fingerprint(GOOD, AMOUNT("12.50")));
	assert_false(same_fingerprint(GOOD, MORE("\"metadata\":{}")));
	assert_false(
		same_fingerprint(GOOD, RECEIVER("0x52908400098527886e0f7030069857d2e4169ee7")));

	/* SHA-256 over version, method, route and text, each behind its length. */
	static const char input[] = "\0\0\0\x08\0\0\0\0\0\0\0\x01\0\0\0\x04POST\0\0\0\x0f"
				    "/v1/withdrawals\0\0\0\x02{}";
	uint8_t expected[32], got[32];
	sha256(input, sizeof input - 1, expected);
	request_fingerprint(STR("POST"), STR("/v1/withdrawals"), STR("{}"), got);
	assert_memory_equal(got, expected, sizeof got);
}

static void the_row_is_completed_and_sealed(void **state)
{
	(void)state;
	static const uint8_t key[32] = { 1 };
	static const uint8_t random[10] = { 7 };
	struct mac_keys keys = { .keys = { { .id = 3, .key = key } }, .len = 1 };
	struct request_origin origin = { .account = "default",
					 .created_by = "key-1",
					 .key_owner = "olga",
					 .idempotency_key = STR("k-1"),
					 .correlation_id = "c-1",
					 .id = id_make(1700000000000, random),
					 .now_ms = 1700000000123,
					 .deployment = id_make(1, random),
					 .intent_keys = &keys };
	uint8_t key_hash[KEY_HASH_BYTES];
	assert_true(read_text(GOOD));
	request_complete(&withdrawal, &origin);
	key_hash_make("default", STR("k-1"), key_hash);
	assert_memory_equal(withdrawal.intent.key_hash, key_hash, sizeof key_hash);
	assert_string_equal(withdrawal.intent.account, "default");
	assert_string_equal(withdrawal.correlation_id, "c-1");
	assert_int_equal(withdrawal.stage, WITHDRAWAL_ACCEPTED);
	assert_int_equal(withdrawal.version, 1);
	assert_int_equal(withdrawal.intent.created_at, origin.now_ms);
	assert_int_equal(withdrawal.updated_at, origin.now_ms);
	assert_int_equal(withdrawal.due_at,
			 origin.now_ms + lifecycle_due_in_ms(WITHDRAWAL_ACCEPTED));
	assert_int_equal(withdrawal.intent_mac.key_id, 3);
	assert_true(intent_mac_verify(&keys, origin.deployment, &withdrawal.intent,
				      &withdrawal.intent_mac));
	withdrawal.intent.to.bytes[19] ^= 1;
	assert_false(intent_mac_verify(&keys, origin.deployment, &withdrawal.intent,
				       &withdrawal.intent_mac));
}

static void the_content_type_is_json(void **state)
{
	(void)state;
	static const char *const good[] = { "application/json", "Application/JSON",
					    "application/json; charset=utf-8",
					    "application/json;charset=\"UTF-8\"" };
	static const char *const bad[] = { "",
					   "text/plain",
					   "application/jsonp",
					   "application/problem+json",
					   "application/json; charset=latin1",
					   "application/json; charset=utf-8; x=y",
					   "application/json, text/plain" };
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_int_equal(request_content_type_check(1, str_from(good[i])), PROBLEM_NONE);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(request_content_type_check(1, str_from(bad[i])),
				 PROBLEM_CONTENT_TYPE_UNSUPPORTED);
	assert_int_equal(request_content_type_check(0, (struct str){ 0 }),
			 PROBLEM_CONTENT_TYPE_UNSUPPORTED);
	assert_int_equal(request_content_type_check(2, STR("application/json")),
			 PROBLEM_CONTENT_TYPE_UNSUPPORTED);
}

static void the_idempotency_key_is_visible_ascii(void **state)
{
	(void)state;
	char text[IDEMPOTENCY_KEY_LEN_MAX + 2];
	memset(text, 'k', sizeof text);
	struct str longest = { text, IDEMPOTENCY_KEY_LEN_MAX };
	struct str too_long = { text, IDEMPOTENCY_KEY_LEN_MAX + 1 };
	assert_int_equal(request_idempotency_key_check(0, (struct str){ 0 }),
			 PROBLEM_IDEMPOTENCY_KEY_MISSING);
	assert_int_equal(request_idempotency_key_check(1, STR("!~\"\\")), PROBLEM_NONE);
	assert_int_equal(request_idempotency_key_check(1, longest), PROBLEM_NONE);
	struct str bad[] = { too_long,    STR(""),         STR("a b"), STR("a\tb"),
			     STR("\x7f"), STR("\xc3\xa9"), STR("a\0b") };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(request_idempotency_key_check(1, bad[i]),
				 PROBLEM_IDEMPOTENCY_KEY_MALFORMED);
	assert_int_equal(request_idempotency_key_check(2, STR("a")),
			 PROBLEM_IDEMPOTENCY_KEY_MALFORMED);
}

static void routes_without_a_body_take_none(void **state)
{
	(void)state;
	assert_int_equal(request_empty_body_check(STR("")), PROBLEM_NONE);
	assert_int_equal(request_empty_body_check(STR(" {} ")), PROBLEM_NONE);
	assert_int_equal(request_empty_body_check(STR("{\"a\":1}")), PROBLEM_BODY_UNEXPECTED);
	assert_int_equal(request_empty_body_check(STR("[]")), PROBLEM_BODY_UNEXPECTED);
	assert_int_equal(request_empty_body_check(STR("nonsense")), PROBLEM_BODY_UNEXPECTED);
}

static void a_trace_id_is_taken_from_traceparent(void **state)
{
	(void)state;
#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
	assert_str_equal(request_trace_id(STR("00-" TRACE "-" PARENT "-01")), TRACE);
	static const char *const bad[] = {
		"",
		"00-" TRACE "-" PARENT,
		"01-" TRACE "-" PARENT "-01",
		"ff-" TRACE "-" PARENT "-01",
		"00-" TRACE "-" PARENT "-01-x",
		"00-" TRACE "_" PARENT "-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
		"00-00000000000000000000000000000000-" PARENT "-01",
		"00-" TRACE "-0000000000000000-01",
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(request_trace_id(str_from(bad[i])).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bad_body_has_its_code),
		cmocka_unit_test(several_errors_are_told_at_once),
		cmocka_unit_test(a_body_that_is_too_large_is_refused),
		cmocka_unit_test(a_good_body_is_taken),
		cmocka_unit_test(the_fingerprint_is_of_the_canonical_body),
		cmocka_unit_test(the_row_is_completed_and_sealed),
		cmocka_unit_test(the_content_type_is_json),
		cmocka_unit_test(the_idempotency_key_is_visible_ascii),
		cmocka_unit_test(routes_without_a_body_take_none),
		cmocka_unit_test(a_trace_id_is_taken_from_traceparent),
	};
	return cmocka_run_group_tests_name("service/api/request", tests, NULL, NULL);
}
