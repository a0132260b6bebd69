/* A JSON Web Key Set as public keys: RSA (2048 to 8192 bits), EC on P-256, Ed25519. Each key is for
 * one algorithm: the one that it names, else that of its kind (RSA: RS256). Keys for other things,
 * other kinds and other uses are passed over; a set with a private or symmetric key in it is
 * refused whole, since then it is not what was meant to be handed out.
 *
 * Source: RFC 7517, RFC 7518, RFC 8037; RFC 8725, 3.1 (an algorithm a key).
 */
#ifndef SLUICE_ADAPTER_TOKEN_KEYS_JWKS_H
#define SLUICE_ADAPTER_TOKEN_KEYS_JWKS_H

#include "port/token_keys.h"

#define JWKS_BYTES_MAX  65536
#define JWKS_KEYS_MAX   16
#define JWKS_KEY_ID_MAX 128

struct jwks;

/* REFUSED when the text is no such set, has no key of ours, or more than JWKS_KEYS_MAX. */
MUST_CHECK bool jwks_read(struct str text, struct jwks **ret_jwks, struct err *err);
void jwks_free(struct jwks *jwks); /* accepts NULL */
size_t jwks_len(const struct jwks *jwks);
enum token_verdict jwks_verify(const struct jwks *jwks, struct str key_id,
			       enum token_algorithm algorithm, struct str text,
			       struct str signature);

#endif
