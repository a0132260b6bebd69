/* Tokens of an outside identity provider: who they say is asking, once its key has signed them.
 * What is verified is kept in this process' memory, by the hash of the whole token, until the token
 * expires or the provider's keys change. Used by the loop thread alone.
 *
 * A token has to name an algorithm of public keys and the id of a key, whose own algorithm that has
 * to be; what would tell where a key comes from (jwk, jku, x5c, x5u, x5t), or wants to be
 * understood (crit), refuses it. Issuer, audience, subject, issue and expiry are required, and the
 * life between the two is bounded.
 *
 * Source: RFC 7515, RFC 7519, RFC 8725; ADR 31.
 */
#ifndef SLUICE_SERVICE_API_OUTSIDE_TOKEN_H
#define SLUICE_SERVICE_API_OUTSIDE_TOKEN_H

#include "core/permission.h"
#include "port/token_keys.h"

#include <stddef.h>

#define OUTSIDE_TOKEN_MAX     4096
#define OUTSIDE_TOKEN_SKEW_MS 30000  /* between the provider's clock and ours */
#define OUTSIDE_NAME_PREFIX   "idp:" /* no user of our own has a name with a colon */

struct outside_options {
	struct token_keys *keys; /* all borrowed; NULL: nobody outside is believed */
	const char *issuer;
	const char *audience;
	const char *role_claim;    /* its text is a role's name, or a list with one in it */
	const char *account_claim; /* its text is an account, or "*" for every one */
	int64_t life_max_ms;       /* from its issue to its expiry */
};

struct outside;

struct outside *outside_new(const struct outside_options *options);
void outside_free(struct outside *outside); /* accepts NULL */
/* A few times a second. now_ms: monotonic. */
void outside_tick(struct outside *outside, int64_t now_ms);

enum outside_verdict {
	OUTSIDE_GRANTED,
	OUTSIDE_REFUSED,
	OUTSIDE_EXPIRED,
};

/* at_ms: of the wall clock. ret_principal: written when granted. */
enum outside_verdict outside_judge(struct outside *outside, struct str token, int64_t at_ms,
				   struct principal *ret_principal);

#endif
