/* What Secrets Manager may answer: a secret that is read is not empty and not too long, and what is
 * not read is not written. References in the configuration are short texts that fit. */
#include "fuzz.h"

#include "adapter/secret_aws.h"

static void check(struct str body, const char *member)
{
	struct secret secret = { 0 };
	struct err err = { 0 };
	if (secret_aws_read(body, member, &secret, &err)) {
		CHECK(secret.at != NULL && secret.len > 0 && secret.len <= SECRET_AWS_BYTES_MAX);
		secret_free(&secret);
		return;
	}
	CHECK(secret.at == NULL);
	CHECK(err.kind == ERR_NOT_DONE || err.kind == ERR_REFUSED);
	CHECK(err.text[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str body = str_from_bytes(bytes, len);
	check(body, NULL);
	check(body, "password");
	return 0;
}
