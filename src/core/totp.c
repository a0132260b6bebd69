#include "core/totp.h"

#include "base/check.h"
#include "base/hash.h"

#include <string.h>

#define CODES 1000000 /* ten to the power of TOTP_DIGITS */

/* RFC 4226, section 5.3: 31 bits at the place that the last four bits name. */
void totp_code(const uint8_t seed[TOTP_SEED_BYTES], int64_t step, char ret_code[TOTP_DIGITS + 1])
{
	uint8_t counter[8], tag[SHA1_BYTES];
	CHECK(step >= 0);
	for (size_t i = 0; i < sizeof counter; i++)
		counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
	hmac_sha1(seed, TOTP_SEED_BYTES, counter, sizeof counter, tag);
	const uint8_t *at = tag + (tag[SHA1_BYTES - 1] & 15);
	uint32_t value = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 |
			 (uint32_t)at[2] << 8 | at[3];
	value %= CODES;
	for (size_t i = TOTP_DIGITS; i-- > 0; value /= 10)
		ret_code[i] = (char)('0' + value % 10);
	ret_code[TOTP_DIGITS] = 0;
}

bool totp_verify(const uint8_t seed[TOTP_SEED_BYTES], struct str code, int64_t now_ms,
		 int64_t last_step, int64_t *ret_step)
{
	int64_t now = now_ms / TOTP_STEP_MS;
	int64_t found = -1;
	if (code.len != TOTP_DIGITS || now < TOTP_STEPS_AWAY)
		return false;
	for (int64_t step = now - TOTP_STEPS_AWAY; step <= now + TOTP_STEPS_AWAY; step++) {
		char expected[TOTP_DIGITS + 1];
		totp_code(seed, step, expected);
		bool is_equal = bytes_equal_constant_time(expected, code.at, TOTP_DIGITS);
		if (is_equal && step > last_step)
			found = step;
	}
	if (found < 0)
		return false;
	*ret_step = found;
	return true;
}

void totp_write_seed(const uint8_t seed[TOTP_SEED_BYTES], struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	_Static_assert(TOTP_SEED_BYTES % 5 == 0, "whole groups: no padding");
	for (size_t at = 0; at < TOTP_SEED_BYTES; at += 5) {
		uint64_t bits = 0;
		for (size_t i = 0; i < 5; i++)
			bits = bits << 8 | seed[at + i];
		for (size_t i = 0; i < 8; i++)
			buf_byte(out, (uint8_t)digits[bits >> (35 - 5 * i) & 31]);
	}
}

/* Unreserved characters of RFC 3986 stay. */
static void write_escaped(const char *text, struct buf *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	for (; *text != 0; text++) {
		if (strchr(plain, *text) != NULL)
			buf_byte(out, (uint8_t)*text);
		else
			buf_format(out, "%%%02X", (unsigned)(uint8_t)*text);
	}
}

void totp_write_uri(const uint8_t seed[TOTP_SEED_BYTES], const char *issuer, const char *name,
		    struct buf *out)
{
	buf_text(out, "otpauth://totp/");
	write_escaped(issuer, out);
	buf_byte(out, ':');
	write_escaped(name, out);
	buf_text(out, "?secret=");
	totp_write_seed(seed, out);
	buf_text(out, "&issuer=");
	write_escaped(issuer, out);
	buf_format(out, "&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS, TOTP_STEP_MS / 1000);
}
