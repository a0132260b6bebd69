/* One token of a PKCS#11 module, and the calls to it. They have no deadline: whoever makes them has
 * to be able to wait, or to be given up (keys_pkcs11.c). Every function may be called by several
 * threads, each with a session of its own.
 *
 * A token that goes away and comes back, or that forgets its login, is found and logged into again
 * by the next call. A PIN that was refused is never offered again: tokens lock themselves after a
 * few, and a supervisor starts us again and again. For the same reason none is offered when the
 * token says that one more wrong one will lock it.
 *
 * Source: PKCS #11 2.40.
 */
#ifndef SLUICE_ADAPTER_KEYS_PKCS11_TOKEN_H
#define SLUICE_ADAPTER_KEYS_PKCS11_TOKEN_H

#include "adapter/keys_der.h"
#include "base/err.h"
#include "core/address.h"

#include <stddef.h>

struct pkcs11_token;   /* shared */
struct pkcs11_session; /* one thread's */

struct pkcs11_place {
	const char *module; /* path of the shared object */
	const char *token;  /* its label or its serial number */
	struct str pin;
};

/* Calls nothing yet. Copies what `place` points to. NOT_DONE without memory for the PIN. */
MUST_CHECK bool pkcs11_token_new(const struct pkcs11_place *place, struct pkcs11_token **ret_token,
				 struct err *err);
void pkcs11_token_free(struct pkcs11_token *token); /* no thread uses it any more */

struct pkcs11_session *pkcs11_session_new(struct pkcs11_token *token);
void pkcs11_session_free(struct pkcs11_session *session); /* closes it; accepts NULL */

/* Loads the module, finds the token, opens the session and logs in, whatever of that is not done
 * yet. REFUSED: the module is none, the PIN is wrong or may not be tried, two tokens have the name.
 * NOT_DONE: the token is not there, the module fails. */
MUST_CHECK bool pkcs11_session_open(struct pkcs11_session *session, struct err *err);

/* `key`: the label of a private key, or id=HEX for its CKA_ID. The session is opened if need be.
 * REFUSED when there is no such key, when there are two, when it is of another curve. */
MUST_CHECK bool pkcs11_public_key(struct pkcs11_session *session, const char *key,
				  uint8_t ret_point[KEYS_POINT_BYTES], struct err *err);
/* r and s over the digest as it is; s may be high. Nothing has happened when it fails. */
MUST_CHECK bool pkcs11_sign(struct pkcs11_session *session, const char *key, struct hash32 digest,
			    uint8_t ret_signature[64], struct err *err);

#endif
