#include "adapter/queue_sqs_answer.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/json.h"

#include <string.h>

/* The object of an answer, or NULL. */
static const struct json_value *object_parse(struct str body, struct json **ret_json)
{
	struct err err;
	if (!json_parse(body, ret_json, &err))
		return NULL;
	const struct json_value *root = json_root(*ret_json);
	return json_type_of(root) == JSON_TYPE_OBJECT ? root : NULL;
}

static bool is_visible(struct str text, size_t len_max)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~')
			return false;
	return text.len > 0 && text.len <= len_max;
}

bool sqs_read_url(struct str body, char ret_url[SQS_URL_LEN_MAX + 1])
{
	JSON_OWNED json = NULL;
	struct str url;
	const struct json_value *root = object_parse(body, &json);
	return root != NULL && json_string(json_member(root, "QueueUrl"), &url) &&
	       is_visible(url, SQS_URL_LEN_MAX) && str_copy(url, ret_url, SQS_URL_LEN_MAX + 1);
}

/* ---- batches ---- */

static void entries_mark(const struct json_value *list, size_t n, bool marks[TRANSPORT_BATCH_MAX])
{
	size_t len = json_size(list);
	for (size_t i = 0; i < len; i++) {
		struct str id;
		uint64_t index;
		if (json_string(json_member(json_element(list, i), "Id"), &id) &&
		    str_to_u64(id, &index) && index < n)
			marks[index] = true;
	}
}

bool sqs_read_batch(struct str body, size_t n, bool ret_done[TRANSPORT_BATCH_MAX])
{
	JSON_OWNED json = NULL;
	bool successful[TRANSPORT_BATCH_MAX] = { false };
	bool failed[TRANSPORT_BATCH_MAX] = { false };
	CHECK(n >= 1 && n <= TRANSPORT_BATCH_MAX);
	const struct json_value *root = object_parse(body, &json);
	if (root == NULL)
		return false;
	entries_mark(json_member(root, "Successful"), n, successful);
	entries_mark(json_member(root, "Failed"), n, failed);
	for (size_t i = 0; i < n; i++)
		ret_done[i] = (successful[i] && !failed[i]) || !DEFENCE("sqs_entry_by_entry");
	return true;
}

/* ---- deliveries ---- */

static bool message_read(const struct json_value *value, struct transport_message *ret_message)
{
	struct str receipt;
	struct str body;
	if (!json_string(json_member(value, "ReceiptHandle"), &receipt) ||
	    !json_string(json_member(value, "Body"), &body) ||
	    !is_visible(receipt, TRANSPORT_RECEIPT_LEN_MAX))
		return false;
	size_t kept = body.len < sizeof ret_message->body ? body.len : sizeof ret_message->body;
	if (kept > 0)
		memcpy(ret_message->body, body.at, kept);
	ret_message->body_len = body.len;
	return str_copy(receipt, ret_message->receipt, sizeof ret_message->receipt);
}

bool sqs_read_messages(struct str body, size_t max, struct transport_message *ret_messages,
		       size_t *ret_len)
{
	JSON_OWNED json = NULL;
	size_t len = 0;
	const struct json_value *root = object_parse(body, &json);
	if (root == NULL)
		return false;
	const struct json_value *list = json_member(root, "Messages");
	size_t size = json_size(list);
	for (size_t i = 0; i < size && len < max; i++)
		len += message_read(json_element(list, i), &ret_messages[len]);
	*ret_len = len;
	return true;
}

/* ---- numbers ---- */

static bool count_read(const struct json_value *attributes, const char *name, uint64_t *ret_count)
{
	struct str text;
	return json_string(json_member(attributes, name), &text) && str_to_u64(text, ret_count) &&
	       *ret_count <= INT64_MAX;
}

bool sqs_read_depth(struct str body, struct transport_depth *ret_depth)
{
	JSON_OWNED json = NULL;
	struct transport_depth depth;
	const struct json_value *root = object_parse(body, &json);
	const struct json_value *attributes = root != NULL ? json_member(root, "Attributes") : NULL;
	if (!count_read(attributes, "ApproximateNumberOfMessages", &depth.waiting) ||
	    !count_read(attributes, "ApproximateNumberOfMessagesDelayed", &depth.delayed) ||
	    !count_read(attributes, "ApproximateNumberOfMessagesNotVisible", &depth.claimed))
		return false;
	*ret_depth = depth;
	return true;
}

/* ---- what a queue is like ---- */

static bool arn_read(const struct json_value *value, char ret_arn[SQS_ARN_LEN_MAX + 1])
{
	struct str text;
	return json_string(value, &text) && is_visible(text, SQS_ARN_LEN_MAX) &&
	       memchr(text.at, '"', text.len) == NULL && memchr(text.at, '\\', text.len) == NULL &&
	       str_copy(text, ret_arn, SQS_ARN_LEN_MAX + 1);
}

static bool number_read(const struct json_value *value, int64_t *ret_number)
{
	struct str text;
	uint64_t number;
	if (json_i64(value, ret_number))
		return *ret_number >= 0;
	if (!json_string(value, &text) || !str_to_u64(text, &number) || number > INT64_MAX)
		return false;
	*ret_number = (int64_t)number;
	return true;
}

/* JSON within JSON: {"deadLetterTargetArn":"…","maxReceiveCount":5}, or "5". */
static bool policy_read(struct str text, struct sqs_attributes *attributes)
{
	JSON_OWNED json = NULL;
	const struct json_value *root = object_parse(text, &json);
	return root != NULL &&
	       arn_read(json_member(root, "deadLetterTargetArn"), attributes->dead_arn) &&
	       number_read(json_member(root, "maxReceiveCount"), &attributes->receives_max);
}

bool sqs_read_attributes(struct str body, struct sqs_attributes *ret_attributes)
{
	JSON_OWNED json = NULL;
	struct sqs_attributes read = { 0 };
	struct str policy = { 0 };
	const struct json_value *root = object_parse(body, &json);
	const struct json_value *list = root != NULL ? json_member(root, "Attributes") : NULL;
	if (!arn_read(json_member(list, "QueueArn"), read.arn) ||
	    !number_read(json_member(list, "MessageRetentionPeriod"), &read.retention_s) ||
	    !number_read(json_member(list, "MaximumMessageSize"), &read.message_bytes_max))
		return false;
	if (json_string(json_member(list, "RedrivePolicy"), &policy) && policy.len > 0 &&
	    !policy_read(policy, &read))
		return false;
	*ret_attributes = read;
	return true;
}
