/* What the files of the AWS credentials share. */
#ifndef SLUICE_NET_AWS_CREDENTIALS_PARTS_H
#define SLUICE_NET_AWS_CREDENTIALS_PARTS_H

#include "base/secret.h"
#include "net/aws_credentials.h"

enum aws_source {
	AWS_SOURCE_ENVIRONMENT,
	AWS_SOURCE_WEB_IDENTITY,
	AWS_SOURCE_FILE,
	AWS_SOURCE_CONTAINER,
	AWS_SOURCE_INSTANCE,
};

struct aws_credentials {
	struct aws_credentials_options options;
	char region[AWS_REGION_LEN_MAX + 1];
	enum aws_source source;
	struct secret memory;   /* of the two that follow */
	struct aws_keys *keys;  /* in use */
	struct aws_keys *fresh; /* while they are fetched */
	bool has_keys;
	int64_t fetch_at;   /* unix ms: not before */
	int64_t renew_at;   /* likewise, when a service denies the keys */
	struct err failure; /* of the last fetch */
};

/* The value of a variable, NULL when it is not set or empty. */
const char *aws_variable(const struct aws_credentials *credentials, const char *name);
/* Path of the file of profiles; false: nothing says where it is. */
bool aws_profile_path(const struct aws_credentials *credentials, struct buf *out);
/* aws_credentials_fetch.c: asks the source. */
MUST_CHECK bool aws_keys_fetch(struct aws_credentials *credentials, int64_t deadline_ms,
			       struct aws_keys *ret_keys, struct err *err);

#endif
