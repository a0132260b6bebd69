/* JSON by jansson, behind a small reader and a writer into struct buf. Strict: duplicate keys, bad
 * UTF-8, trailing bytes and depth above JSON_DEPTH_MAX are refused.
 *
 * The reader owns the tree; the values that it hands out live until json_free.
 * Source: RFC 8259; RFC 8785 for the canonical form.
 */
#ifndef SLUICE_BASE_JSON_H
#define SLUICE_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 32

struct json;       /* a parsed document; own it with json_free */
struct json_value; /* a place inside one; borrowed */

enum json_type {
	JSON_TYPE_NULL,
	JSON_TYPE_BOOL,
	JSON_TYPE_NUMBER,
	JSON_TYPE_STRING,
	JSON_TYPE_ARRAY,
	JSON_TYPE_OBJECT,
};

/* Parses all of `text`. REFUSED with "line L column C: reason" (duplicate keys say "duplicate"). */
MUST_CHECK bool json_parse(struct str text, struct json **ret_json, struct err *err);
void json_free(struct json *json); /* accepts NULL */
#define JSON_OWNED __attribute__((cleanup(json_free_ptr))) struct json *
static inline void json_free_ptr(struct json **json)
{
	json_free(*json);
}

/* From now on what the parser held is overwritten before its memory goes back: answers of AWS hold
 * secrets. Before there are threads; may be called again. */
void json_memory_wipe(void);

const struct json_value *json_root(const struct json *json);
enum json_type json_type_of(const struct json_value *value);
/* NULL when value is not an object or has no such member. */
const struct json_value *json_member(const struct json_value *value, const char *name);
/* NULL when value is not an array or the index is out of range. */
const struct json_value *json_element(const struct json_value *value, size_t index);
size_t json_size(const struct json_value *value); /* of an array or object, else 0 */
/* The string's bytes, or false when it is not a string (value may be NULL). May hold NULs. The
 * symbol has another name, since jansson exports a json_string of its own. */
bool json_string(const struct json_value *value,
		 struct str *ret_text) __asm__("sluice_json_string");
bool json_bool(const struct json_value *value, bool *ret_value);
/* An integer that is written without fraction and exponent and fits. */
bool json_i64(const struct json_value *value, int64_t *ret_value);
/* Walks the members of an object in the order of the text. Start with *cursor == NULL. */
bool json_next_member(const struct json_value *object, void **cursor, struct str *ret_name,
		      const struct json_value **ret_value);
/* True when any number stands anywhere in the value. */
bool json_has_number(const struct json_value *value);
/* RFC 8785 form of a value without numbers (CHECKed by the caller through json_has_number):
 * members sorted by UTF-16 code units, minimal escapes. */
void json_write_canonical(const struct json_value *value, struct buf *out);

/* Writer: an escaped string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void json_write_string(struct buf *out, struct str text);
/* `"name":` with a comma before it unless the last byte written is '{', '[' or nothing. */
void json_write_name(struct buf *out, const char *name);
/* Name and value together. */
void json_write_member(struct buf *out, const char *name, struct str text);
void json_write_member_text(struct buf *out, const char *name, const char *terminated);
void json_write_member_u64(struct buf *out, const char *name, uint64_t value);
void json_write_member_i64(struct buf *out, const char *name, int64_t value);
void json_write_member_bool(struct buf *out, const char *name, bool value);
void json_write_member_null(struct buf *out, const char *name);

#endif
