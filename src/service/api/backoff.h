/* Who failed to log in, and how long to wait before the next try: exponential from the third
 * failure on (of an address the tenth), up to a minute, forgotten after a while without one. In
 * this process' memory, in a table of fixed size; nobody is locked out for good, since what an
 * attacker does is never counted against the owner for longer than the wait, and a wait is not
 * extended by tries that it refused.
 *
 * What strangers may send is in one table, where many entries push out others; failed codes, which
 * take a token of the user, are in another.
 *
 * Names are counted whether somebody has them or not, so that a wait tells nothing about it.
 *
 * One thread. Source: OWASP Authentication Cheat Sheet; ADR 31.
 */
#ifndef SLUICE_SERVICE_API_BACKOFF_H
#define SLUICE_SERVICE_API_BACKOFF_H

#include "base/str.h"
#include "port/entropy.h"

#include <stdint.h>

#define BACKOFF_FREE_FAILURES 3
#define BACKOFF_FREE_OF_PEER  10  /* an address is a house's: more than one may be wrong there */
#define BACKOFF_FREE_TOKENS   100 /* and programs ask again with a token that was used */
#define BACKOFF_FIRST_MS      1000
#define BACKOFF_MAX_MS        60000
#define BACKOFF_FORGET_MS     (15 * 60 * 1000)

/* Kinds, which are counted apart. */
#define BACKOFF_BY_NAME  "name"
#define BACKOFF_BY_CODE  "code"  /* of a user, by those alone who hold a token of that user */
#define BACKOFF_BY_PEER  "peer"  /* names, by where they came from */
#define BACKOFF_BY_TOKEN "token" /* tokens that were none, likewise */

struct backoff;

/* entropy: where names stand in the table is nobody's to choose. */
struct backoff *backoff_new(struct entropy *entropy);
void backoff_free(struct backoff *backoff); /* accepts NULL */
/* How long `who` has yet to wait; 0: not at all. */
int64_t backoff_wait_ms(const struct backoff *backoff, const char *kind, struct str who,
			int64_t now_ms);
void backoff_fail(struct backoff *backoff, const char *kind, struct str who, int64_t now_ms);
/* How many failures stood there. */
uint32_t backoff_succeed(struct backoff *backoff, const char *kind, struct str who);
/* Takes so many of the failures away, and leaves those of others who share what `who` names. */
void backoff_forgive(struct backoff *backoff, const char *kind, struct str who, uint32_t failures);

#endif
