/* Wallet keys, as a port: signs digests, never hands a key out. Reached by the signer and by admin
 * commands only. Back ends: encrypted keystore file; later AWS KMS and PKCS#11. */
#ifndef SLUICE_PORT_KEYS_H
#define SLUICE_PORT_KEYS_H

#include "base/err.h"
#include "core/address.h"

#include <stddef.h>

struct keys;

struct keys_request {
	const char *key_ref; /* as in the wallet's configuration, for instance "hot/0" */
	struct hash32 digest;
};

struct keys_result {
	bool done; /* r and s hold a signature; s may be high */
	uint8_t r[32];
	uint8_t s[32];
	uint8_t parity; /* of the point of r, if the back end knows it, otherwise 0: a hint */
	struct err err; /* when not done: NOT_DONE (try later) or REFUSED (no such key) */
};

struct keys_ops {
	void (*sign_many)(struct keys *keys, const struct keys_request *requests, size_t n,
			  struct keys_result *ret_results);
	bool (*address)(struct keys *keys, const char *key_ref, struct address *ret_address,
			struct err *err);
	void (*close)(struct keys *keys);
};

struct keys {
	const struct keys_ops *ops;
};

/* Signs n digests (1 to BATCH_MAX); one result each, in order. */
void keys_sign_many(struct keys *keys, const struct keys_request *requests, size_t n,
		    struct keys_result *ret_results);
/* The address of a key, to compare with the pinned one. */
MUST_CHECK bool keys_address(struct keys *keys, const char *key_ref, struct address *ret_address,
			     struct err *err);
void keys_close(struct keys *keys); /* accepts NULL */

#endif
