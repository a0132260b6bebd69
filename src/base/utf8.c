#include "base/utf8.h"

#include <string.h>

/* How many bytes the sequence that starts with `lead` has; 0 when no sequence starts so. */
static size_t sequence_len(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

/* The second byte's range depends on the first: this is where overlong forms, surrogates and what
 * lies above U+10FFFF are refused. */
static bool second_is_valid(uint8_t lead, uint8_t second)
{
	uint8_t low = 0x80;
	uint8_t high = 0xbf;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	return second >= low && second <= high;
}

static bool tail_is_valid(const char *at, size_t len)
{
	if (len > 1 && !second_is_valid((uint8_t)at[0], (uint8_t)at[1]))
		return false;
	for (size_t i = 2; i < len; i++)
		if (((uint8_t)at[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* How many bytes of ASCII the text begins with, in steps of eight. */
static size_t ascii_prefix(struct str s)
{
	size_t at = 0;
	uint64_t eight;
	while (s.len - at >= sizeof eight) {
		memcpy(&eight, s.at + at, sizeof eight);
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			break;
		at += sizeof eight;
	}
	return at;
}

bool utf8_is_valid(struct str s)
{
	size_t i = ascii_prefix(s);
	while (i < s.len) {
		size_t len = sequence_len((uint8_t)s.at[i]);
		if (len == 0 || len > s.len - i || !tail_is_valid(s.at + i, len))
			return false;
		i += len;
	}
	return true;
}

bool ascii_is_visible(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < 0x21 || s.at[i] > 0x7e)
			return false;
	return true;
}
