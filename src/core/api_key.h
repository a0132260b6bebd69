/* The text of an API key: slk_<id>_<secret>. The id is public and names the row; the secret is 256
 * random bits, shown once, of which the store keeps the SHA-256 of the text. Pure. */
#ifndef SLUICE_CORE_API_KEY_H
#define SLUICE_CORE_API_KEY_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/str.h"

#include <stdbool.h>

#define API_KEY_ID_LEN     16 /* lower-case hexadecimal digits of 8 random bytes */
#define API_KEY_SECRET_LEN 64 /* of 32 random bytes */
#define API_KEY_TEXT_LEN   (4 + API_KEY_ID_LEN + 1 + API_KEY_SECRET_LEN)

/* Where it may be used from, as text with a space between the ranges. */
#define API_KEY_RANGES_MAX      16
#define API_KEY_RANGES_TEXT_MAX (API_KEY_RANGES_MAX * (IP_RANGE_MAX + 1) - 1)

/* Takes the text apart: both parts are slices of it. False when it has any other form; upper-case
 * digits too, so that a key has one text. */
bool api_key_read(struct str text, struct str *ret_id, struct str *ret_secret);
/* The text of a new key. The caller wipes what it wrote. */
void api_key_write(const uint8_t id[8], const uint8_t secret[32], struct buf *out);
/* What is stored of a secret, and compared. */
void api_key_hash(struct str secret, uint8_t ret_hash[SHA256_BYTES]);

#endif
