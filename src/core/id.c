#include "core/id.h"

#include "base/check.h"
#include "base/hex.h"

#include <string.h>

#define UNIX_MS_MAX ((INT64_C(1) << 48) - 1)
#define COUNTER_MAX 0xfff
/* A new millisecond starts in the lower half: at least 2,048 ids before the time has to run ahead.
 */
#define COUNTER_START_MAX 0x7ff

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

struct id id_next(struct id_sequence *sequence, int64_t unix_ms, const uint8_t random[10])
{
	bool anew =
		unix_ms > sequence->unix_ms || sequence->unix_ms - unix_ms > ID_CLOCK_BACK_MS_MAX;
	if (anew || sequence->counter == COUNTER_MAX) {
		sequence->unix_ms = anew ? unix_ms : sequence->unix_ms + 1;
		sequence->counter = (uint16_t)((random[0] << 8 | random[1]) & COUNTER_START_MAX);
	} else {
		sequence->counter++;
	}
	uint8_t tail[10];
	memcpy(tail, random, sizeof tail);
	tail[0] = (uint8_t)(sequence->counter >> 8);
	tail[1] = (uint8_t)sequence->counter;
	return id_make(sequence->unix_ms, tail);
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

size_t id_find(const struct id *ids, size_t n, struct id id)
{
	size_t at = 0;
	while (at < n && !id_equal(ids[at], id))
		at++;
	return at;
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
