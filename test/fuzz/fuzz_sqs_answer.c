/* Answers of SQS: what is read fits its storage and goes back to SQS as it came. */
#include "fuzz.h"

#include "adapter/queue_sqs_answer.h"

static void check_messages(struct str body, size_t max)
{
	static struct transport_message messages[TRANSPORT_BATCH_MAX];
	size_t len = 0;
	if (!sqs_read_messages(body, max, messages, &len))
		return;
	CHECK(len <= max);
	for (size_t i = 0; i < len; i++) {
		size_t receipt_len = strnlen(messages[i].receipt, sizeof messages[i].receipt);
		CHECK(receipt_len > 0 && receipt_len <= TRANSPORT_RECEIPT_LEN_MAX);
		CHECK(messages[i].body_len <= body.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str body = str_from_bytes(bytes, len);
	uint8_t steer = fuzz_take(&body);
	size_t n = 1 + steer % TRANSPORT_BATCH_MAX;
	char *copy = fuzz_copy(body);
	char url[SQS_URL_LEN_MAX + 1];
	struct transport_depth depth;
	bool done[TRANSPORT_BATCH_MAX] = { false };
	body.at = copy;
	check_messages(body, n);
	if (sqs_read_url(body, url))
		CHECK(url[0] != 0 && memchr(url, 0, sizeof url) != NULL);
	if (sqs_read_depth(body, &depth))
		CHECK(depth.waiting <= INT64_MAX && depth.claimed <= INT64_MAX);
	struct sqs_attributes attributes;
	if (sqs_read_attributes(body, &attributes)) {
		CHECK(attributes.arn[0] != 0 && attributes.retention_s >= 0);
		CHECK(attributes.receives_max >= 0);
		CHECK(strpbrk(attributes.arn, "\"\\") == NULL);
	}
	if (sqs_read_batch(body, n, done))
		for (size_t i = n; i < TRANSPORT_BATCH_MAX; i++)
			CHECK(!done[i]);
	free(copy);
	return 0;
}
