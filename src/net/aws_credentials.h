/* Where the keys of requests to AWS come from, in the order of AWS's own libraries; the first
 * source that is set up is the one, and when it fails no other is asked instead: another identity
 * would be a surprise.
 *
 *   environment   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   web identity  AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (Kubernetes: IRSA), exchanged at STS
 *                 (AWS_ENDPOINT_URL_STS), AWS_ROLE_SESSION_NAME
 *   file          AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/credentials when it is there; AWS_PROFILE
 *   container     AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI (ECS, EKS pod identity),
 *                 AWS_CONTAINER_AUTHORIZATION_TOKEN or …_TOKEN_FILE
 *   instance      the metadata service of EC2, version 2 only, unless AWS_EC2_METADATA_DISABLED;
 *                 AWS_EC2_METADATA_SERVICE_ENDPOINT
 *
 * Keys that expire are fetched anew before that; while that fails the old ones are used as long as
 * they live. They are kept in locked memory and wiped.
 *
 * It belongs to one thread at a time. */
#ifndef SLUICE_NET_AWS_CREDENTIALS_H
#define SLUICE_NET_AWS_CREDENTIALS_H

#include "base/buf.h"
#include "base/err.h"
#include "net/aws_keys.h"

#include <stdint.h>

#define AWS_REGION_LEN_MAX 32

struct aws_credentials;

struct aws_credentials_options {
	const char *region; /* whose STS is asked; copied */
	/* The value of an environment variable, or NULL; and unix ms. NULL: the process's own. */
	const char *(*variable)(void *context, const char *name);
	int64_t (*now_ms)(void *context);
	void *context;
};

/* Chooses the source; fetches nothing yet. REFUSED when none is set up, or only half of one; the
 * text says what is missing. */
MUST_CHECK bool aws_credentials_open(const struct aws_credentials_options *options,
				     struct aws_credentials **ret_credentials, struct err *err);
void aws_credentials_close(struct aws_credentials *credentials); /* accepts NULL */
/* "environment", "web identity", "file", "container", "instance": for log lines. */
const char *aws_credentials_source(const struct aws_credentials *credentials);
/* The keys to sign with now, borrowed until the next call here; fetches them when it is time, in at
 * most deadline_ms (> 0). After a failure it asks no more than once a second. */
MUST_CHECK bool aws_credentials_keys(struct aws_credentials *credentials, int64_t deadline_ms,
				     const struct aws_keys **ret_keys, struct err *err);
/* A service says that the keys are expired or unknown: fetches others, at most once in ten seconds.
 * True: they are others now, and the request is worth another try. */
bool aws_credentials_renew(struct aws_credentials *credentials, int64_t deadline_ms);

/* "eu-central-1": lower case letters, digits, '-', 1 to AWS_REGION_LEN_MAX. */
bool aws_is_region(const char *text);
/* "https://sqs.eu-central-1.amazonaws.com" for a valid region. */
void aws_endpoint_write(const char *service, const char *region, struct buf *out);

#endif
