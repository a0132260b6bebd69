/* A writer into the caller's storage. It never grows: what does not fit sets `overflow`, which
 *stays set, so that a caller can write many parts and ask once.
 *
 *	char text[128];
 *	struct buf out = buf_of(text, sizeof text);
 *	buf_text(&out, "0x");
 *	buf_format(&out, "%02x", byte);
 *	if (out.overflow) …
 */
#ifndef SLUICE_BASE_BUF_H
#define SLUICE_BASE_BUF_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *at;
	size_t len;
	size_t cap;
	bool overflow;
};

struct buf buf_of(void *storage, size_t cap);
/* A buffer of its own memory; aborts when there is none. Freed by buf_free. */
struct buf buf_new(size_t cap);
void buf_free(struct buf *buf);
void buf_reset(struct buf *buf);

/* What answers, MACs and hashes are made of is inline. What does not fit is left out as a whole. */
static inline void buf_bytes(struct buf *buf, const void *bytes, size_t len)
{
	if (buf->overflow || len > buf->cap - buf->len) {
		buf->overflow = true;
		return;
	}
	if (len > 0)
		memcpy(buf->at + buf->len, bytes, len);
	buf->len += len;
}

static inline void buf_byte(struct buf *buf, uint8_t byte)
{
	if (buf->overflow || buf->len == buf->cap)
		buf->overflow = true;
	else
		buf->at[buf->len++] = (char)byte;
}

static inline void buf_str(struct buf *buf, struct str s)
{
	buf_bytes(buf, s.at, s.len);
}

static inline void buf_text(struct buf *buf, const char *terminated)
{
	buf_bytes(buf, terminated, strlen(terminated));
}

void buf_decimal(struct buf *buf, uint64_t value);
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Big-endian. */
void buf_u32(struct buf *buf, uint32_t value);
void buf_u64(struct buf *buf, uint64_t value);
/* Length (4 bytes, big-endian) and content: what MACs are made of, so that fields cannot flow into
 * each other. */
void buf_prefixed(struct buf *buf, const void *bytes, size_t len);
void buf_prefixed_u64(struct buf *buf, uint64_t value);

/* What was written; valid while the storage is. */
static inline struct str buf_view(const struct buf *buf)
{
	return (struct str){ buf->at, buf->len };
}

/* Puts a terminator behind the content (not counted) and returns the text; on overflow the text is
 * what fitted. CHECKs cap > 0. */
const char *buf_terminated(struct buf *buf);

#endif
