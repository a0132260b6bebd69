#include "base/base64.h"

#include <stdint.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char digits[] = LETTERS "+/";
static const char url_digits[] = LETTERS "-_";

void base64_write(struct buf *out, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	for (size_t at = 0; at < len; at += 3) {
		size_t have = len - at < 3 ? len - at : 3;
		uint32_t bits = 0;
		for (size_t i = 0; i < 3; i++)
			bits = bits << 8 | (i < have ? from[at + i] : 0u);
		for (size_t i = 0; i < 4; i++)
			buf_byte(out, i <= have ? (uint8_t)digits[bits >> (18 - 6 * i) & 63] : '=');
	}
}

static bool digit_read(const char *alphabet, char digit, uint32_t *ret_value)
{
	for (uint32_t i = 0; i < 64; i++) {
		if (alphabet[i] != digit)
			continue;
		*ret_value = i;
		return true;
	}
	return false;
}

/* Four digits become 3 bytes, or fewer behind which '=' stands. */
static bool quad_read(const char quad[4], bool is_last, uint8_t ret_bytes[3], size_t *ret_len)
{
	uint32_t bits = 0;
	size_t pads = 0;
	if (is_last && quad[3] == '=')
		pads = quad[2] == '=' ? 2 : 1;
	for (size_t i = 0; i < 4 - pads; i++) {
		uint32_t value;
		if (!digit_read(digits, quad[i], &value))
			return false;
		bits |= value << (18 - 6 * i);
	}
	*ret_len = 3 - pads;
	for (size_t i = 0; i < 3; i++)
		ret_bytes[i] = (uint8_t)(bits >> (16 - 8 * i));
	/* What the padding leaves over is zero: else one value would have several forms. */
	return (pads < 1 || ret_bytes[2] == 0) && (pads < 2 || ret_bytes[1] == 0);
}

bool base64_read(struct str text, void *ret_bytes, size_t cap, size_t *ret_len)
{
	uint8_t *to = ret_bytes;
	size_t total = 0;
	if (text.len % 4 != 0)
		return false;
	for (size_t at = 0; at < text.len; at += 4) {
		uint8_t bytes[3];
		size_t len;
		if (!quad_read(text.at + at, at + 4 == text.len, bytes, &len) || len > cap - total)
			return false;
		for (size_t i = 0; i < len; i++)
			to[total++] = bytes[i];
	}
	*ret_len = total;
	return true;
}

void base64url_write(struct buf *out, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	for (size_t at = 0; at < len; at += 3) {
		size_t have = len - at < 3 ? len - at : 3;
		uint32_t bits = 0;
		for (size_t i = 0; i < 3; i++)
			bits = bits << 8 | (i < have ? from[at + i] : 0u);
		for (size_t i = 0; i <= have; i++)
			buf_byte(out, (uint8_t)url_digits[bits >> (18 - 6 * i) & 63]);
	}
}

/* Bits run through an accumulator; those left over at the end are zero, and fewer than a digit. */
bool base64url_read(struct str text, void *ret_bytes, size_t cap, size_t *ret_len)
{
	uint8_t *to = ret_bytes;
	uint32_t bits = 0, value;
	unsigned held = 0;
	size_t total = 0;
	if (text.len % 4 == 1)
		return false;
	for (size_t at = 0; at < text.len; at++) {
		if (!digit_read(url_digits, text.at[at], &value))
			return false;
		bits = bits << 6 | value;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (total == cap)
			return false;
		to[total++] = (uint8_t)(bits >> held);
		bits &= (1u << held) - 1;
	}
	*ret_len = total;
	return bits == 0;
}
