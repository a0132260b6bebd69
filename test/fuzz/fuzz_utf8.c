/* UTF-8, against a reader that builds code points and writes each back in its shortest form. */
#include "fuzz.h"

#include "base/utf8.h"

static size_t shortest(uint32_t point, uint8_t ret_bytes[4])
{
	if (point < 0x80) {
		ret_bytes[0] = (uint8_t)point;
		return 1;
	}
	size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = len - 1; i > 0; i--, point >>= 6)
		ret_bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
	ret_bytes[0] = (uint8_t)(leads[len] | point);
	return len;
}

/* The length of the first character, 0 when there is none. */
static size_t slow_len(const uint8_t *at, size_t left)
{
	uint8_t again[4];
	uint32_t point = at[0];
	size_t len = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	if (len > left || (at[0] >= 0x80 && at[0] < 0xc0) || at[0] >= 0xf8)
		return 0;
	if (len > 1)
		point = at[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++)
		point = point << 6 | (at[i] & 0x3f);
	if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	/* The continuation bits, overlong forms. */
	return shortest(point, again) == len && memcmp(again, at, len) == 0 ? len : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str text = str_from_bytes(bytes, len);
	size_t at = 0;
	bool is_valid = true;
	bool is_visible = true;
	while (at < len && is_valid) {
		size_t step = slow_len(bytes + at, len - at);
		is_valid = step > 0;
		at += step;
	}
	for (size_t i = 0; i < len; i++)
		is_visible = is_visible && bytes[i] > 0x20 && bytes[i] < 0x7f;
	CHECK(utf8_is_valid(text) == is_valid);
	CHECK(ascii_is_visible(text) == is_visible);
	return 0;
}
