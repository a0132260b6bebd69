/* What the files of the transport over SQS share. */
#ifndef SLUICE_ADAPTER_QUEUE_SQS_PARTS_H
#define SLUICE_ADAPTER_QUEUE_SQS_PARTS_H

#include "adapter/queue_sqs.h"
#include "adapter/queue_sqs_answer.h"
#include "base/buf.h"
#include "net/aws_client.h"
#include "net/circuit_breaker.h"

#define SQS_QUEUES       3
#define SQS_NAME_LEN_MAX 80

struct queue_sqs {
	struct queue_transport base;
	struct queue_sqs_options options;
	char prefix[SQS_PREFIX_LEN_MAX + 1];
	char urls[SQS_QUEUES][SQS_URL_LEN_MAX + 1]; /* by name; empty: not looked up yet */
	struct aws_credentials *credentials;
	struct aws_client *aws;
	struct circuit_breaker breaker;
	struct buf request; /* the body that is being written */
};

/* Sends what was written to `request`. True: the answer's body is SQS's, until the next call. */
MUST_CHECK bool sqs_call(struct queue_sqs *self, const char *action, int64_t deadline_ms,
			 struct aws_answer *ret_answer, struct err *err);
/* PREFIXsigning, or PREFIXsigning-dlq. */
void sqs_name_write(const struct queue_sqs *self, enum queue_name name,
		    char ret_name[SQS_NAME_LEN_MAX + 1]);
/* Asks SQS for the URL of a queue. REFUSED: there is none, and which command makes it. */
MUST_CHECK bool sqs_url_find(struct queue_sqs *self, enum queue_name name,
			     char ret_url[SQS_URL_LEN_MAX + 1], struct err *err);

#endif
