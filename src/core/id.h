/* Identifiers: UUID version 7. The millisecond leads, so that primary keys grow at their end. An id
 * is a name, never a capability. Source: RFC 9562 section 5.7. */
#ifndef SLUICE_CORE_ID_H
#define SLUICE_CORE_ID_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define ID_BYTES    16
#define ID_TEXT_LEN 36

struct id {
	uint8_t bytes[ID_BYTES];
};

/* unix_ms: 0 to 2^48 - 1. random: 10 bytes of entropy, of which 74 bits are used. Pure. */
struct id id_make(int64_t unix_ms, const uint8_t random[10]);

/* The ids of one maker, each greater than the one before, so that a list by id is a list by age
 * also within one millisecond. Zero-initialized at the start. One thread. */
struct id_sequence {
	int64_t unix_ms;
	uint16_t counter; /* 12 bits, in place of the first random ones */
};

/* As id_make(), with the counter before the entropy. A clock that goes back, by up to
 * ID_CLOCK_BACK_MS_MAX, leaves the time where it was; beyond that the order begins anew. Source:
 * RFC 9562 section 6.2, methods 1 and 4. */
#define ID_CLOCK_BACK_MS_MAX 10000
struct id id_next(struct id_sequence *sequence, int64_t unix_ms, const uint8_t random[10]);
bool id_is_zero(struct id id);
bool id_equal(struct id a, struct id b);
int id_compare(struct id a, struct id b);
/* The place of the first one that is equal; n: there is none. */
size_t id_find(const struct id *ids, size_t n, struct id id);
/* 8-4-4-4-12 in lower case. */
void id_write(struct id id, struct buf *out);
/* That form in any case, version 7 and variant 10 only. */
bool id_read(struct str text, struct id *ret_id);
int64_t id_time_ms(struct id id);

/* For log lines and messages: the text in a struct, by value. */
struct id_text {
	char at[ID_TEXT_LEN + 1];
};
struct id_text id_text(struct id id);

#endif
