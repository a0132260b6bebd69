#include "base/buf.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct buf buf_of(void *storage, size_t cap)
{
	return (struct buf){ .at = storage, .len = 0, .cap = cap, .overflow = false };
}

struct buf buf_new(size_t cap)
{
	void *storage = malloc(cap);
	CHECK(storage != NULL);
	return buf_of(storage, cap);
}

void buf_free(struct buf *buf)
{
	free(buf->at);
	*buf = (struct buf){ 0 };
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->overflow = false;
}

void buf_decimal(struct buf *buf, uint64_t value)
{
	char digits[20]; /* 2^64 - 1 */
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_bytes(buf, digits + at, sizeof digits - at);
}

void buf_format(struct buf *buf, const char *format, ...)
{
	if (buf->overflow)
		return;
	size_t room = buf->cap - buf->len;
	va_list arguments;
	va_start(arguments, format);
	int written = vsnprintf(buf->at + buf->len, room, format, arguments);
	va_end(arguments);
	CHECK(written >= 0);
	if ((size_t)written >= room)
		buf->overflow = true; /* the terminator did not fit: the text may be cut */
	else
		buf->len += (size_t)written;
}

void buf_u32(struct buf *buf, uint32_t value)
{
	uint8_t bytes[4];
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (24 - 8 * i));
	buf_bytes(buf, bytes, sizeof bytes);
}

void buf_u64(struct buf *buf, uint64_t value)
{
	buf_u32(buf, (uint32_t)(value >> 32));
	buf_u32(buf, (uint32_t)value);
}

void buf_prefixed(struct buf *buf, const void *bytes, size_t len)
{
	CHECK(len <= UINT32_MAX);
	buf_u32(buf, (uint32_t)len);
	buf_bytes(buf, bytes, len);
}

void buf_prefixed_u64(struct buf *buf, uint64_t value)
{
	buf_u32(buf, 8);
	buf_u64(buf, value);
}

const char *buf_terminated(struct buf *buf)
{
	CHECK(buf->cap > 0);
	if (buf->len == buf->cap) {
		buf->overflow = true;
		buf->len--;
	}
	buf->at[buf->len] = 0;
	return buf->at;
}
