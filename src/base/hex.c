#include "base/hex.h"

static const char digits[] = "0123456789abcdef";

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void hex_write(struct buf *out, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	if (out->overflow || len > (out->cap - out->len) / 2) {
		out->overflow = true;
		return;
	}
	char *to = out->at + out->len;
	for (size_t i = 0; i < len; i++) {
		to[2 * i] = digits[from[i] >> 4];
		to[2 * i + 1] = digits[from[i] & 15];
	}
	out->len += 2 * len;
}

void hex_write_0x(struct buf *out, const void *bytes, size_t len)
{
	buf_text(out, "0x");
	hex_write(out, bytes, len);
}

static bool all_digits(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (digit_value(text.at[i]) < 0)
			return false;
	return true;
}

bool hex_read(struct str text, void *ret_bytes, size_t len)
{
	uint8_t *bytes = ret_bytes;
	if (text.len % 2 != 0 || text.len / 2 != len || !all_digits(text))
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = digit_value(text.at[2 * i]);
		int low = digit_value(text.at[2 * i + 1]);
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool hex_read_0x(struct str text, void *ret_bytes, size_t len)
{
	return str_starts_with(text, STR("0x")) && hex_read(str_skip(text, 2), ret_bytes, len);
}

bool hex_read_0x_any(struct str text, void *ret_bytes, size_t cap, size_t *ret_len)
{
	if (!str_starts_with(text, STR("0x")))
		return false;
	size_t len = (text.len - 2) / 2;
	if (len > cap || !hex_read(str_skip(text, 2), ret_bytes, len))
		return false;
	*ret_len = len;
	return true;
}
