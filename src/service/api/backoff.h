/* Who failed to log in, and how long to wait before the next try: exponential from the third
 * failure on, up to a minute, forgotten after a while without one. In this process' memory, in a
 * table of fixed size; nobody is locked out for good, since what an attacker does is never counted
 * against the owner for longer than the wait, and a wait is not extended by tries that it refused.
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
#define BACKOFF_FIRST_MS      1000
#define BACKOFF_MAX_MS        60000
#define BACKOFF_FORGET_MS     (15 * 60 * 1000)

struct backoff;

/* entropy: where names stand in the table is nobody's to choose. */
struct backoff *backoff_new(struct entropy *entropy);
void backoff_free(struct backoff *backoff); /* accepts NULL */
/* How long `who` has yet to wait; 0: not at all. kind: "name" and "peer" are counted apart. */
int64_t backoff_wait_ms(const struct backoff *backoff, const char *kind, struct str who,
			int64_t now_ms);
void backoff_fail(struct backoff *backoff, const char *kind, struct str who, int64_t now_ms);
void backoff_succeed(struct backoff *backoff, const char *kind, struct str who);

#endif
