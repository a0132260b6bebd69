/* Requests to one AWS service that speaks JSON over POST (SQS, KMS, Secrets Manager), signed with
 * version 4. All of them go to the one endpoint that is configured, whatever URLs the service names
 * in its answers. What goes there in plain http can be read on the way; the signature is good for
 * that request alone, for some minutes.
 *
 * A request may arrive twice (see net/http_client.h): send only what may.
 *
 * A client belongs to one thread at a time, together with its credentials.
 * Source: AWS JSON protocols 1.0 and 1.1; ADR 14. */
#ifndef SLUICE_NET_AWS_CLIENT_H
#define SLUICE_NET_AWS_CLIENT_H

#include "base/err.h"
#include "base/str.h"
#include "net/aws_credentials.h"
#include "net/http_client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AWS_FAULT_LEN_MAX 64

struct aws_client;

enum aws_json {
	AWS_JSON_1_0, /* SQS */
	AWS_JSON_1_1, /* KMS, Secrets Manager */
};

struct aws_client_options {
	const char *service; /* "sqs": in the signature and in the endpoint */
	const char *target;  /* "AmazonSQS": before the dot of X-Amz-Target */
	enum aws_json json;
	const char *region;                  /* aws_is_region */
	const char *endpoint;                /* http(s)://host[:port]; NULL or empty: AWS's own */
	struct aws_credentials *credentials; /* borrowed */
	size_t connections_max;              /* as for the HTTP client */
	size_t response_bytes_max;
};

struct aws_request {
	const char *action; /* "SendMessageBatch" */
	struct str body;    /* JSON, 1 to HTTP_CLIENT_SIGNED_BODY_MAX bytes; borrowed */
};

enum aws_verdict {
	AWS_DONE,     /* status 200: the body says what */
	AWS_NOT_SENT, /* for sure: no connection, no credentials, no time left */
	AWS_DENIED,   /* not done: who we are is not believed, or may not do this */
	AWS_BUSY,     /* not done: too many requests */
	AWS_REFUSED,  /* not done, and will not be: `fault` says why */
	AWS_UNKNOWN,  /* it may have been done: no answer, a broken one, a 5xx */
};

struct aws_answer {
	enum aws_verdict verdict;
	unsigned status;                   /* 0 without an answer */
	struct str body;                   /* with a status; the client's, until its next call */
	char fault[AWS_FAULT_LEN_MAX + 1]; /* "QueueDoesNotExist": DENIED, BUSY, REFUSED, UNKNOWN;
					      or empty */
	char text[HTTP_CLIENT_TEXT_LEN];   /* for people, unless DONE; holds no secret */
};

/* REFUSED for an endpoint that is not http(s)://host[:port]. Connects to nothing yet. */
MUST_CHECK bool aws_client_open(const struct aws_client_options *options,
				struct aws_client **ret_client, struct err *err);
void aws_client_close(struct aws_client *client); /* accepts NULL */

/* 1 to HTTP_CLIENT_REQUESTS_MAX requests, at most `at_once` side by side, within deadline_ms (> 0)
 * all together, the fetching of credentials included. Where the service says that the keys have
 * expired or are unknown, those requests are sent once more with new ones, if there are any. */
void aws_client_call(struct aws_client *client, const struct aws_request *requests, size_t n,
		     size_t at_once, int64_t deadline_ms, struct aws_answer *ret_answers);
/* Overwrites the bodies of the last answers, which held a secret. */
void aws_client_wipe(struct aws_client *client);
/* "https://host:port", for log lines. */
const char *aws_client_origin(const struct aws_client *client);

/* What an answer of this status and body means, for a client at `origin`. The body is anybody's. */
void aws_answer_read(unsigned status, struct str body, const char *origin,
		     struct aws_answer *ret_answer);
/* As an error: DONE is none; NOT_SENT, DENIED and BUSY are NOT_DONE, REFUSED is REFUSED, UNKNOWN is
 * MAYBE_DONE. True when DONE. */
MUST_CHECK bool aws_answer_check(const struct aws_answer *answer, struct err *err);

#endif
