/* A slice of text or bytes that someone else owns: pointer and length, not terminated. */
#ifndef SLUICE_BASE_STR_H
#define SLUICE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *at; /* may be NULL when len is 0 */
	size_t len;
};

/* The slice of a literal. */
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).len, (s).at

struct str str_from(const char *terminated); /* NULL gives the empty slice */
struct str str_from_bytes(const void *bytes, size_t len);
bool str_equal(struct str a, struct str b);
bool str_equal_text(struct str a, const char *terminated);
bool str_starts_with(struct str s, struct str prefix);
/* ASCII case folded. */
bool str_equal_fold(struct str a, struct str b);
bool str_contains_fold(struct str s, struct str part);
struct str str_skip(struct str s, size_t count); /* CHECKs count <= len */
/* Splits at the first `separator`: true and both parts, or false and nothing written. */
bool str_cut(struct str s, char separator, struct str *ret_before, struct str *ret_after);
struct str str_trim(struct str s); /* spaces and tabs at both ends */
/* Decimal digits only, no sign, no leading zero but "0" itself; false on anything else, overflow.
 */
bool str_to_u64(struct str s, uint64_t *ret_value);
/* Copies with a terminator; false (nothing written) when it does not fit or holds a NUL. */
bool str_copy(struct str s, char *ret_text, size_t capacity);

#endif
