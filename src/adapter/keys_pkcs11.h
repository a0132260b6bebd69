/* port/keys.h on a token of a PKCS#11 module: an HSM, a smart card, SoftHSM.
 *
 * A key reference is NAME/LABEL, by the label of the private key, or NAME/id=HEX, by its CKA_ID;
 * NAME is the token's name in the configuration. The key is of secp256k1 and has its public half
 * beside it. Signatures are CKM_ECDSA over the digest as it is.
 *
 * A module's calls know no deadline, so they are made by threads of our own, each with a session:
 * many signatures are under way at once, and a thread whose call does not come back is given up.
 * Its request ends NOT_DONE, another thread takes its place. When GIVEN_UP_MAX have not come back,
 * requests end NOT_DONE at once until one does: a restart is then the quickest way out (ADR 16).
 *
 * Used by one thread.
 */
#ifndef SLUICE_ADAPTER_KEYS_PKCS11_H
#define SLUICE_ADAPTER_KEYS_PKCS11_H

#include "base/str.h"
#include "port/keys.h"

#define PKCS11_SESSIONS_MAX 32
#define PKCS11_GIVEN_UP_MAX 16

struct keys_pkcs11_options {
	const char *module;  /* path of the shared object; only its owner may write it */
	const char *token;   /* label or serial number */
	struct str pin;      /* in the caller's secret memory; not needed after the open */
	size_t sessions;     /* 1 to PKCS11_SESSIONS_MAX: signatures under way at once */
	int64_t deadline_ms; /* of a batch of signatures, and of an address */
	int64_t start_ms;    /* of the open: network HSMs take seconds */
};

/* Loads the module and logs in. REFUSED when the file is no module, the PIN is wrong or may not be
 * tried any more, or two tokens have the name. A token that is not there, or does not answer in
 * time, is waited for: it is opened all the same, and looked for by each request. */
MUST_CHECK bool keys_pkcs11_open(const struct keys_pkcs11_options *options, struct keys **ret_keys,
				 struct err *err);

#endif
