/* One-time codes out of a shared seed and the time, as authenticator programs show them: six
 * digits, a new one every 30 seconds, HMAC-SHA-1. Pure.
 *
 * A code is good for its own step and for one before and after it, and once: whoever checks one
 * keeps the step, and asks from then on for later ones.
 *
 * Source: RFC 6238, RFC 4226; the address is the key URI format that authenticators read.
 */
#ifndef SLUICE_CORE_TOTP_H
#define SLUICE_CORE_TOTP_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define TOTP_SEED_BYTES 20 /* as many as the hash gives: RFC 4226, section 4, R6 */
#define TOTP_DIGITS     6
#define TOTP_STEP_MS    30000
#define TOTP_STEPS_AWAY 1
#define TOTP_URI_MAX    320

/* The code of a step; ret_code has TOTP_DIGITS digits and a terminator. */
void totp_code(const uint8_t seed[TOTP_SEED_BYTES], int64_t step, char ret_code[TOTP_DIGITS + 1]);
/* True when the code is that of a step after `last_step` and at most one away from now; *ret_step
 * is it. Takes the same time for every code of six digits. */
bool totp_verify(const uint8_t seed[TOTP_SEED_BYTES], struct str code, int64_t now_ms,
		 int64_t last_step, int64_t *ret_step);
/* The seed for a person to type: base32 of RFC 4648, section 6. */
void totp_write_seed(const uint8_t seed[TOTP_SEED_BYTES], struct buf *out);
/* otpauth://totp/ISSUER:NAME?secret=…; both names are escaped. */
void totp_write_uri(const uint8_t seed[TOTP_SEED_BYTES], const char *issuer, const char *name,
		    struct buf *out);

#endif
