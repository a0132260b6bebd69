/* The access token that a login gives: a JWT under a MAC with the trust files' `access_tokens` key,
 * which only the API holds, who alone makes and reads it. Short-lived, and good only while the
 * session that it names is (sessions.h).
 *
 * The header of a token is compared as text with the one that a key of ours would have written: so
 * there is one algorithm, one type, and nothing that a token could say about how to read it. Claims
 * are looked at once the MAC verifies.
 *
 * Source: RFC 7519, RFC 8725, RFC 9068 (the type at+jwt), RFC 8176 (amr); ADR 31.
 */
#ifndef SLUICE_SERVICE_API_ACCESS_TOKEN_H
#define SLUICE_SERVICE_API_ACCESS_TOKEN_H

#include "core/intent.h"

#define ACCESS_TOKEN_MAX     1024
#define ACCESS_TOKEN_LIFE_MS (15 * 60 * 1000)
#define ACCESS_TOKEN_SKEW_MS 5000 /* between the clocks of two hosts */

struct access_claims {
	struct id user;
	struct id session;
	struct id token;
	int64_t issued_at;  /* ms; whole seconds in the token */
	int64_t expires_at; /* likewise; at most ACCESS_TOKEN_LIFE_MS later */
	bool second_factor; /* one was shown in this session */
};

enum access_verdict {
	ACCESS_GRANTED,
	ACCESS_REFUSED,
	ACCESS_EXPIRED, /* it was one of ours */
};

/* Has it the shape of a JWT, of ours or of others? Three parts that are not empty. */
bool access_token_is_shaped(struct str text);
/* At most ACCESS_TOKEN_MAX bytes. */
void access_token_write(const struct mac_keys *keys, struct id deployment,
			const struct access_claims *claims, struct buf *out);
/* ret_claims: written when granted. now_ms: of the wall clock. */
MUST_CHECK enum access_verdict access_token_read(const struct mac_keys *keys, struct id deployment,
						 struct str text, int64_t now_ms,
						 struct access_claims *ret_claims);

#endif
