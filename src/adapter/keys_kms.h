/* port/keys.h on AWS KMS: keys of the kind ECC_SECG_P256K1 for signing, which never leave it.
 *
 * A key reference is NAME/KEY, where KEY is whatever KMS takes for a key: its id, its ARN, or
 * alias/NAME; NAME is the configuration's. Digests are signed as they are (MessageType DIGEST),
 * many at once. An answer that was lost costs a signature that nobody has: asking again is safe, so
 * that all that KMS does not refuse for good ends NOT_DONE. A key that is disabled or that we may
 * not use ends REFUSED when it is to sign (for the signer both are a reason to wait), and NOT_DONE
 * when its address is asked for, so that a start waits for it.
 *
 * Addresses are asked for once and kept. Used by one thread. Source: AWS KMS API, ADR 17. */
#ifndef SLUICE_ADAPTER_KEYS_KMS_H
#define SLUICE_ADAPTER_KEYS_KMS_H

#include "base/str.h"
#include "net/aws_client.h"
#include "port/keys.h"

struct keys_kms_options {
	const char *region;                  /* aws_is_region */
	const char *endpoint;                /* http(s)://host[:port]; NULL: AWS's own */
	int64_t deadline_ms;                 /* of a batch of signatures, and of an address */
	struct aws_credentials *credentials; /* taken over; NULL: the process's environment says */
};

/* Connects to nothing yet. REFUSED for a region or an endpoint that is none, or when no credentials
 * are set up; the credentials are then closed. */
MUST_CHECK bool keys_kms_open(const struct keys_kms_options *options, struct keys **ret_keys,
			      struct err *err);

/* What KMS answers to Sign and GetPublicKey (status 200). NOT_DONE when it is not what it should
 * be.
 */
MUST_CHECK bool keys_kms_signature_read(struct str body, uint8_t ret_r[32], uint8_t ret_s[32],
					struct err *err);
/* REFUSED: the key is of another kind. */
MUST_CHECK bool keys_kms_public_key_read(struct str body, struct address *ret_address,
					 struct err *err);

#endif
