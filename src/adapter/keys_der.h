/* Public keys and signatures in the forms in which key stores of others hand them out. What is read
 * here is foreign: only the one right form of each is taken, of exactly its length. */
#ifndef SLUICE_ADAPTER_KEYS_DER_H
#define SLUICE_ADAPTER_KEYS_DER_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define KEYS_POINT_BYTES 64 /* x and y, as address_of_public_key takes them */

/* Ecdsa-Sig-Value: r and s of 1 to 32 bytes, positive, in the shortest form. Whether they are below
 * the order is for whoever verifies the signature. False: ret_ are not written. Source: RFC 3279
 * 2.2.3, X.690 8.3. */
bool keys_der_signature(struct str der, uint8_t ret_r[32], uint8_t ret_s[32]);

/* SubjectPublicKeyInfo of an uncompressed point of secp256k1. False for any other curve, and for a
 * point that is not on it. Source: RFC 5480, SEC 2. */
bool keys_der_public_key(struct str der, uint8_t ret_point[KEYS_POINT_BYTES]);

/* CKA_EC_POINT: a point of secp256k1, uncompressed or compressed, alone or in an OCTET STRING (the
 * standard wants the second, and many tokens have the first). */
bool keys_der_ec_point(struct str bytes, uint8_t ret_point[KEYS_POINT_BYTES]);

/* CKA_EC_PARAMS: the object identifier of secp256k1, 1.3.132.0.10. */
bool keys_der_is_secp256k1(struct str params);

#endif
