/* The texts in which keys arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/aws_client.h"
#include "net/aws_keys.h"

#define METADATA                                                                      \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"s/+\"," \
	"\"Token\":\"t==\",\"Expiration\":\"2026-01-31T12:00:00Z\",\"Other\":[1]}"
#define ROLE(inner)                                             \
	"<R><Credentials><AccessKeyId>ASIA</AccessKeyId>" inner \
	"<Expiration>2026-01-31T12:00:00.000Z</Expiration></Credentials></R>"
#define ROLE_SECRETS "<SessionToken>t==</SessionToken><SecretAccessKey>s/+</SecretAccessKey>"
#define EXPIRES_AT   INT64_C(1769860800000)

static void keys_equal(const struct aws_keys *keys, int64_t expires_at)
{
	assert_string_equal(keys->key_id, "ASIA");
	assert_string_equal(keys->secret, "s/+");
	assert_string_equal(keys->token, "t==");
	assert_true(keys->expires_at == expires_at);
}

static void test_metadata(void **state)
{
	(void)state;
	struct aws_keys keys;
	struct err err;
	assert_true(aws_keys_read_metadata(str_from(METADATA), &keys, &err));
	keys_equal(&keys, EXPIRES_AT);
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Token\":\"c\"}",
		"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Expiration\":\"soon\"}",
		"{\"AccessKeyId\":\"a\\nX: y\",\"SecretAccessKey\":\"b\","
		"\"Expiration\":\"2026-01-31T12:00:00Z\"}",
		"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":5,"
		"\"Expiration\":\"2026-01-31T12:00:00Z\"}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(aws_keys_read_metadata(str_from(bad[i]), &keys, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	assert_false(aws_keys_read_metadata(STR("{\"Code\":\"Failed\"}"), &keys, &err));
	assert_int_equal(err.kind, ERR_NOT_DONE);
}

static void test_role(void **state)
{
	(void)state;
	struct aws_keys keys;
	struct err err;
	assert_true(aws_keys_read_role(STR(ROLE(ROLE_SECRETS)), &keys, &err));
	keys_equal(&keys, EXPIRES_AT);
	static const char *const bad[] = {
		"",
		"<Credentials>",
		"<Credentials></Credentials>",
		ROLE(""),
		ROLE("<SecretAccessKey>s</SecretAccessKey>"),
		ROLE("<SecretAccessKey>s&amp;</SecretAccessKey><SessionToken>t</SessionToken>"),
		ROLE("<SecretAccessKey>s<b/></SecretAccessKey><SessionToken>t</SessionToken>"),
		ROLE("<SecretAccessKey>s\n</SecretAccessKey><SessionToken>t</SessionToken>"),
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(aws_keys_read_role(str_from(bad[i]), &keys, &err));
	struct str fault = aws_role_fault(STR("<E><Error><Code>AccessDenied</Code></Error></E>"));
	assert_true(str_equal_text(fault, "AccessDenied"));
	assert_int_equal(aws_role_fault(STR("<Code>a b</Code>")).len, 0);
	assert_int_equal(aws_role_fault(STR("<Code>")).len, 0);
}

static void test_profile(void **state)
{
	(void)state;
	const struct str file = STR("# [pay]\n"
				    "aws_access_key_id = outside\n"
				    "[ other ]\naws_secret_access_key = no\n"
				    "[pay]\r\n\tAWS_Access_Key_ID= ASIA \r\n"
				    "aws_secret_access_key =s/+\n"
				    "aws_session_token = t==\n"
				    "[pay2]\naws_session_token = no");
	struct aws_keys keys;
	struct err err;
	assert_true(aws_keys_read_profile(file, "pay", &keys, &err));
	keys_equal(&keys, INT64_MAX);
	assert_false(aws_keys_read_profile(file, "other", &keys, &err));
	assert_false(aws_keys_read_profile(file, "pay2", &keys, &err));
	assert_false(aws_keys_read_profile(file, "none", &keys, &err));
	assert_string_equal(err.text, "no profile \"none\"");
	assert_false(aws_keys_read_profile(STR(""), "default", &keys, &err));
}

static void test_lengths(void **state)
{
	(void)state;
	static char text[AWS_TOKEN_LEN_MAX + 2];
	struct aws_keys keys;
	struct err err;
	memset(text, 'x', sizeof text - 1);
	const struct str token = { text, AWS_TOKEN_LEN_MAX };
	assert_true(aws_keys_set(&keys, STR("a"), STR("b"), token, &err));
	assert_int_equal(strlen(keys.token), AWS_TOKEN_LEN_MAX);
	const struct str longer = { text, AWS_TOKEN_LEN_MAX + 1 };
	assert_false(aws_keys_set(&keys, STR("a"), STR("b"), longer, &err));
	assert_false(aws_keys_set(&keys, STR(""), STR("b"), STR(""), &err));
	assert_false(aws_keys_set(&keys, STR("a"), STR(""), STR(""), &err));
	const struct str id = { text, AWS_KEY_ID_LEN_MAX + 1 };
	assert_false(aws_keys_set(&keys, id, STR("b"), STR(""), &err));
	const struct str secret = { text, AWS_SECRET_LEN_MAX + 1 };
	assert_false(aws_keys_set(&keys, STR("a"), secret, STR(""), &err));
}

/* What AWS says it would have signed holds the token. */
static void test_answer_holds_no_token(void **state)
{
	(void)state;
	struct aws_answer answer;
	aws_answer_read(403,
			STR("{\"__type\":\"a#InvalidSignatureException\","
			    "\"message\":\"x-amz-security-token:SECRET\"}"),
			"https://sqs", &answer);
	assert_int_equal(answer.verdict, AWS_DENIED);
	assert_string_equal(answer.text, "https://sqs: HTTP status 403 InvalidSignatureException");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_role),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_answer_holds_no_token),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
