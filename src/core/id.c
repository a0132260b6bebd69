#include "core/id.h"

#include "base/check.h"
#include "base/hex.h"

#include <string.h>

#define UNIX_MS_MAX ((INT64_C(1) << 48) - 1)

/* Bytes of the five groups of the text. */
static const uint8_t groups[] = { 4, 2, 2, 2, 6 };
#define GROUPS (sizeof groups / sizeof *groups)

struct id id_make(int64_t unix_ms, const uint8_t random[10])
{
	CHECK(unix_ms >= 0 && unix_ms <= UNIX_MS_MAX);
	struct id id;
	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
	memcpy(id.bytes + 6, random, 10);
	id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f)); /* version 7 */
	id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f)); /* variant 10 */
	return id;
}

bool id_is_zero(struct id id)
{
	static const struct id zero;
	return id_equal(id, zero);
}

bool id_equal(struct id a, struct id b)
{
	return id_compare(a, b) == 0;
}

int id_compare(struct id a, struct id b)
{
	int order = memcmp(a.bytes, b.bytes, ID_BYTES);
	return (order > 0) - (order < 0);
}

void id_write(struct id id, struct buf *out)
{
	const uint8_t *at = id.bytes;
	for (size_t i = 0; i < GROUPS; at += groups[i++]) {
		if (i > 0)
			buf_byte(out, '-');
		hex_write(out, at, groups[i]);
	}
}

bool id_read(struct str text, struct id *ret_id)
{
	struct id id;
	uint8_t *at = id.bytes;
	if (text.len != ID_TEXT_LEN)
		return false;
	for (size_t i = 0; i < GROUPS; at += groups[i++]) {
		size_t digits = 2 * (size_t)groups[i];
		if (i > 0 && text.at[0] != '-')
			return false;
		text = str_skip(text, i > 0 ? 1 : 0);
		if (!hex_read((struct str){ text.at, digits }, at, groups[i]))
			return false;
		text = str_skip(text, digits);
	}
	if ((id.bytes[6] & 0xf0) != 0x70 || (id.bytes[8] & 0xc0) != 0x80)
		return false;
	*ret_id = id;
	return true;
}

int64_t id_time_ms(struct id id)
{
	int64_t unix_ms = 0;
	for (int i = 0; i < 6; i++)
		unix_ms = unix_ms << 8 | id.bytes[i];
	return unix_ms;
}

struct id_text id_text(struct id id)
{
	struct id_text text;
	struct buf out = buf_of(text.at, sizeof text.at);
	id_write(id, &out);
	(void)buf_terminated(&out);
	CHECK(!out.overflow);
	return text;
}
