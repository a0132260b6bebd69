/* Answers of SQS, and of whoever stands in its place. */
#include "../testing.h"

#include "adapter/queue_sqs_answer.h"

static void partial_batch_send_counts_entries(void **state)
{
	(void)state;
	bool done[TRANSPORT_BATCH_MAX];
	assert_true(sqs_read_batch(STR("{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"2\"},"
				       "{\"Id\":\"3\"},{\"Id\":\"4\"},{\"Id\":\"-1\"},{\"Id\":1},"
				       "{\"Id\":\"01\"},\"1\",null],"
				       "\"Failed\":[{\"Id\":\"3\",\"Code\":\"InternalError\"}]}"),
				   4, done));
	assert_true(done[0]);
	assert_false(done[1]);
	assert_true(done[2]);
	assert_false(done[3]); /* listed as both */
	assert_true(sqs_read_batch(STR("{}"), 1, done));
	assert_false(done[0]);
	assert_true(sqs_read_batch(STR("{\"Successful\":{\"Id\":\"0\"}}"), 1, done));
	assert_false(done[0]);
	assert_false(sqs_read_batch(STR("<html>"), 1, done));
	assert_false(sqs_read_batch(STR("[{\"Id\":\"0\"}]"), 1, done));
	assert_false(sqs_read_batch(STR(""), 1, done));
}

static void deliveries_that_are_whole(void **state)
{
	(void)state;
	struct transport_message messages[2];
	size_t len = 99;
	assert_true(
		sqs_read_messages(STR("{\"Messages\":[{\"Body\":\"a\"},{\"ReceiptHandle\":\"r\"},"
				      "{\"ReceiptHandle\":\"r\\n\",\"Body\":\"a\"},"
				      "{\"ReceiptHandle\":\"\",\"Body\":\"a\"},"
				      "{\"ReceiptHandle\":\"r1\",\"Body\":\"\"},"
				      "{\"ReceiptHandle\":\"r2\",\"Body\":\"b\\u0000c\"},"
				      "{\"ReceiptHandle\":\"r3\",\"Body\":\"c\"}]}"),
				  2, messages, &len));
	assert_int_equal(len, 2);
	assert_string_equal(messages[0].receipt, "r1");
	assert_int_equal(messages[0].body_len, 0);
	assert_string_equal(messages[1].receipt, "r2");
	assert_int_equal(messages[1].body_len, 3);
	assert_memory_equal(messages[1].body, "b\0c", 3);
	assert_true(sqs_read_messages(STR("{\"Messages\":null}"), 2, messages, &len));
	assert_int_equal(len, 0);
	assert_true(sqs_read_messages(STR("{}"), 2, messages, &len));
	assert_false(sqs_read_messages(STR("null"), 2, messages, &len));
}

static void numbers_and_urls(void **state)
{
	(void)state;
	struct transport_depth depth = { 0 };
	char url[SQS_URL_LEN_MAX + 1];
	assert_true(sqs_read_depth(STR("{\"Attributes\":{\"ApproximateNumberOfMessages\":\"7\","
				       "\"ApproximateNumberOfMessagesDelayed\":\"0\","
				       "\"ApproximateNumberOfMessagesNotVisible\":\"12\"}}"),
				   &depth));
	assert_int_equal(depth.waiting, 7);
	assert_int_equal(depth.claimed, 12);
	assert_false(sqs_read_depth(STR("{\"Attributes\":{\"ApproximateNumberOfMessages\":7}}"),
				    &depth));
	assert_false(sqs_read_depth(STR("{}"), &depth));
	assert_true(sqs_read_url(STR("{\"QueueUrl\":\"https://sqs/1/a\"}"), url));
	assert_string_equal(url, "https://sqs/1/a");
	assert_false(sqs_read_url(STR("{\"QueueUrl\":\"a b\"}"), url));
	assert_false(sqs_read_url(STR("{\"QueueUrl\":\"\"}"), url));
	assert_false(sqs_read_url(STR("{}"), url));
}

#define ATTRIBUTES(policy)                                         \
	STR("{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:r:1:q\"," \
	    "\"MessageRetentionPeriod\":\"345600\",\"MaximumMessageSize\":\"4096\"" policy "}}")

static void what_a_queue_is_like(void **state)
{
	(void)state;
	struct sqs_attributes read;
	assert_true(sqs_read_attributes(ATTRIBUTES(""), &read));
	assert_string_equal(read.arn, "arn:aws:sqs:r:1:q");
	assert_string_equal(read.dead_arn, "");
	assert_int_equal(read.retention_s, 345600);
	assert_true(sqs_read_attributes(
		ATTRIBUTES(",\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"arn:x\\\","
			   "\\\"maxReceiveCount\\\":5}\""),
		&read));
	assert_string_equal(read.dead_arn, "arn:x");
	assert_int_equal(read.receives_max, 5);
	assert_true(sqs_read_attributes(
		ATTRIBUTES(",\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"arn:x\\\","
			   "\\\"maxReceiveCount\\\":\\\"7\\\"}\""),
		&read));
	assert_int_equal(read.receives_max, 7);
	assert_false(sqs_read_attributes(ATTRIBUTES(",\"RedrivePolicy\":\"{}\""), &read));
	assert_false(sqs_read_attributes(ATTRIBUTES(",\"RedrivePolicy\":\"x\""), &read));
	assert_false(sqs_read_attributes(STR("{\"Attributes\":{}}"), &read));
	assert_false(sqs_read_attributes(STR("{}"), &read));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partial_batch_send_counts_entries),
		cmocka_unit_test(deliveries_that_are_whole),
		cmocka_unit_test(numbers_and_urls),
		cmocka_unit_test(what_a_queue_is_like),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
