/* What a request to AWS is signed with, and the texts in which it arrives: answers of the services
 * that hand it out, and a file of profiles. All of them are foreign input. */
#ifndef SLUICE_NET_AWS_KEYS_H
#define SLUICE_NET_AWS_KEYS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define AWS_KEY_ID_LEN_MAX 128
#define AWS_SECRET_LEN_MAX 256
#define AWS_TOKEN_LEN_MAX  8192

/* Visible ASCII, terminated. Holds a secret: it belongs into memory of base/secret.h. */
struct aws_keys {
	char key_id[AWS_KEY_ID_LEN_MAX + 1];
	char secret[AWS_SECRET_LEN_MAX + 1];
	char token[AWS_TOKEN_LEN_MAX + 1]; /* of the session; empty: none */
	int64_t expires_at;                /* unix ms; INT64_MAX: not that anybody knows */
};

/* All of them write only what is whole, and say in `err` what is missing, never what is there.
 * REFUSED for what is no such text; NOT_DONE where it says that there are no keys now.
 *
 * id and secret are wanted, the token may be empty. */
MUST_CHECK bool aws_keys_set(struct aws_keys *ret_keys, struct str key_id, struct str secret,
			     struct str token, struct err *err);
/* {"AccessKeyId":…,"SecretAccessKey":…,"Token":…,"Expiration":"2026-01-31T12:00:00Z"}: the metadata
 * service of an instance (with "Code":"Success") and that of a container. */
MUST_CHECK bool aws_keys_read_metadata(struct str body, struct aws_keys *ret_keys, struct err *err);
/* The XML of AssumeRoleWithWebIdentity. */
MUST_CHECK bool aws_keys_read_role(struct str body, struct aws_keys *ret_keys, struct err *err);
/* The code of a refusal in that XML, or empty. Visible ASCII, at most 64 characters. */
struct str aws_role_fault(struct str body);
/* A file of "[profile]" and "aws_access_key_id = …" lines. */
MUST_CHECK bool aws_keys_read_profile(struct str file, const char *profile,
				      struct aws_keys *ret_keys, struct err *err);

#endif
