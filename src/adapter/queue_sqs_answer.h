/* The answers of SQS, as text that anybody may have written. Each reader writes all or nothing and
 * returns false for what is no such answer. */
#ifndef SLUICE_ADAPTER_QUEUE_SQS_ANSWER_H
#define SLUICE_ADAPTER_QUEUE_SQS_ANSWER_H

#include "base/str.h"
#include "port/queue_transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQS_URL_LEN_MAX 512
#define SQS_ARN_LEN_MAX 256

/* What a queue is like. Texts are visible ASCII without quotes and backslashes. */
struct sqs_attributes {
	char arn[SQS_ARN_LEN_MAX + 1];
	int64_t retention_s;
	int64_t message_bytes_max;
	char dead_arn[SQS_ARN_LEN_MAX + 1]; /* empty: no redrive policy */
	int64_t receives_max;               /* of it; 0 without one */
};

/* {"QueueUrl":"https://…"}: visible ASCII, 1 to SQS_URL_LEN_MAX characters. */
MUST_CHECK bool sqs_read_url(struct str body, char ret_url[SQS_URL_LEN_MAX + 1]);
/* The answer to a batch of `n` entries (1 to TRANSPORT_BATCH_MAX) whose ids are "0", "1"…: done is
 * what is listed as Successful, and not as Failed. */
MUST_CHECK bool sqs_read_batch(struct str body, size_t n, bool ret_done[TRANSPORT_BATCH_MAX]);
/* Up to `max` deliveries. One without a usable receipt or body is left out: nothing can be done
 * about it, and it is a dead letter soon. */
MUST_CHECK bool sqs_read_messages(struct str body, size_t max,
				  struct transport_message *ret_messages, size_t *ret_len);
MUST_CHECK bool sqs_read_depth(struct str body, struct transport_depth *ret_depth);
MUST_CHECK bool sqs_read_attributes(struct str body, struct sqs_attributes *ret_attributes);

#endif
