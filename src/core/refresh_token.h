/* The text of a refresh token: slr_<session>_<secret>. The session's id names the row; the secret
 * is 256 random bits, of which the store keeps the SHA-256 of the text. Each is good once. Pure. */
#ifndef SLUICE_CORE_REFRESH_TOKEN_H
#define SLUICE_CORE_REFRESH_TOKEN_H

#include "base/hash.h"
#include "core/id.h"

#define REFRESH_SECRET_BYTES   32
#define REFRESH_TOKEN_TEXT_LEN (4 + ID_TEXT_LEN + 1 + 2 * REFRESH_SECRET_BYTES)

/* The caller wipes what it wrote. */
void refresh_token_write(struct id session, const uint8_t secret[REFRESH_SECRET_BYTES],
			 struct buf *out);
/* The session that a token names, and the hash to compare. False for any other form; upper-case
 * digits too, so that a token has one text. */
bool refresh_token_read(struct str text, struct id *ret_session, uint8_t ret_hash[SHA256_BYTES]);

#endif
