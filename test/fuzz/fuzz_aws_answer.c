/* What AWS and those who hand out keys may answer: keys that are read fit into a header, texts are
 * terminated and visible. */
#include "fuzz.h"

#include "net/aws_client.h"
#include "net/aws_keys.h"

static void check_visible(const char *text, size_t cap, size_t len_min)
{
	size_t len = strnlen(text, cap);
	CHECK(len < cap && len >= len_min);
	for (size_t i = 0; i < len; i++)
		CHECK(text[i] > ' ' && text[i] <= '~');
}

static void check_keys(bool is_read, const struct aws_keys *keys, const struct err *err)
{
	if (!is_read) {
		CHECK(err->kind == ERR_REFUSED || err->kind == ERR_NOT_DONE);
		return;
	}
	check_visible(keys->key_id, sizeof keys->key_id, 1);
	check_visible(keys->secret, sizeof keys->secret, 1);
	check_visible(keys->token, sizeof keys->token, 0);
}

static void check_answer(unsigned status, struct str body)
{
	struct aws_answer answer;
	aws_answer_read(status, body, "https://host", &answer);
	CHECK((answer.verdict == AWS_DONE) == (status == 200));
	CHECK(answer.verdict != AWS_NOT_SENT);
	check_visible(answer.fault, sizeof answer.fault, 0);
	CHECK(memchr(answer.text, 0, sizeof answer.text) != NULL);
	CHECK(status == 200 || answer.text[0] != 0);
	for (const char *at = answer.text; *at != 0; at++)
		CHECK(*at >= ' ' && *at <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const unsigned statuses[] = { 200, 400, 403, 404, 429, 500, 503, 301 };
	struct str body = str_from_bytes(bytes, len);
	uint8_t steer = fuzz_take(&body);
	char *copy = fuzz_copy(body);
	static struct aws_keys keys;
	struct err err = { 0 };
	body.at = copy;
	check_answer(statuses[steer % 8], body);
	check_keys(aws_keys_read_metadata(body, &keys, &err), &keys, &err);
	check_keys(aws_keys_read_role(body, &keys, &err), &keys, &err);
	check_keys(aws_keys_read_profile(body, "default", &keys, &err), &keys, &err);
	struct str fault = aws_role_fault(body);
	CHECK(fault.len <= AWS_FAULT_LEN_MAX);
	free(copy);
	return 0;
}
