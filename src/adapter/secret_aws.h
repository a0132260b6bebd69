/* A secret of AWS Secrets Manager, fetched once. Source: its API, ADR 19. */
#ifndef SLUICE_ADAPTER_SECRET_AWS_H
#define SLUICE_ADAPTER_SECRET_AWS_H

#include "base/secret.h"
#include "base/str.h"

#include <stdint.h>

#define SECRET_AWS_BYTES_MAX 65536 /* as AWS has it */

struct secret_aws_options {
	const char *region;
	const char *endpoint; /* http(s)://host[:port]; NULL: AWS's own */
	int64_t deadline_ms;
};

/* The secret's text, or its bytes; one newline at its end is dropped, as of a file. member: a text
 * of the JSON object that the secret is; NULL or "" for the whole. NOT_DONE when the service is
 * away or we may not read it; REFUSED when there is no such secret or member, or it is empty. */
MUST_CHECK bool secret_aws_fetch(const struct secret_aws_options *options, const char *name,
				 const char *member, struct secret *ret_secret, struct err *err);

/* What the service answers to GetSecretValue (status 200). */
MUST_CHECK bool secret_aws_read(struct str body, const char *member, struct secret *ret_secret,
				struct err *err);

#endif
