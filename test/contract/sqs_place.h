/* Three queues at the SQS of run_with_sqs.mjs, new for each test, and a transport over them. The
 * clock of that SQS goes ahead with the test's own. */
#ifndef SLUICE_TEST_CONTRACT_SQS_PLACE_H
#define SLUICE_TEST_CONTRACT_SQS_PLACE_H

#include "adapter/queue_sqs.h"
#include "net/aws_client.h"
#include "net/http_client.h"

#include <stdbool.h>

#define SQS_PLACE_REGION "eu-central-1"

struct sqs_place {
	struct queue_transport base; /* what the tests use */
	struct queue_transport *real;
	struct clock *clock;
	int64_t told_ms; /* the time that SQS was told last */
	struct http_client *ahead;
	struct aws_credentials *credentials;
	struct aws_client *aws; /* for what the transport cannot do */
	char prefix[48];
};

/* Is there an SQS for this run? */
bool sqs_place_is_there(void);
/* "fauxqs" or "moto". */
const char *sqs_place_name(void);
/* clock: borrowed. with_queues: they are made. */
struct sqs_place *sqs_place_new(struct clock *clock, bool with_queues);
void sqs_place_free(struct sqs_place *place);
void sqs_place_make_queues(struct sqs_place *place);
/* One request; the answer lives until the next. */
struct aws_answer sqs_place_ask(struct sqs_place *place, const char *action, const char *body);
/* URL of a queue, or of "…-dlq". */
void sqs_place_url(struct sqs_place *place, const char *name, char ret_url[513]);

#endif
