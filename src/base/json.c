/* The only file that knows jansson. A struct json and a struct json_value are jansson's json_t by
 * another name; jansson keeps the members of an object in the order of the text. */
#include "base/json.h"

#include "base/secret.h"
#include "base/utf8.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* jansson has a constructor of this name that is not used here. */
#define json_string jansson_json_string
#include <jansson.h>
#undef json_string

static json_t *node_of(const struct json_value *value)
{
	/* jansson's iterators want a pointer to non-const although they only read. */
	return (json_t *)(uintptr_t)value;
}

/* Depth is bounded before jansson sees the text, so that its recursion is bounded too. What is not
 * JSON is left for jansson to refuse. */
static bool depth_is_bounded(struct str text)
{
	size_t depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{'))
			depth++;
		else if (!in_string && (c == ']' || c == '}') && depth > 0)
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return false;
	}
	return true;
}

/* No JSON holds a NUL byte, but jansson passes over one that stands behind a number or a word. */
static bool refuse_nul(struct str text, struct err *err)
{
	int line = 1;
	int column = 1;
	for (const char *at = text.at; *at != 0; at++) {
		column = *at == '\n' ? 1 : column + 1;
		line += *at == '\n';
	}
	return err_set(err, ERR_REFUSED, "line %d column %d: a NUL byte", line, column);
}

bool json_parse(struct str text, struct json **ret_json, struct err *err)
{
	if (!depth_is_bounded(text))
		return err_set(err, ERR_REFUSED, "nested deeper than %d levels", JSON_DEPTH_MAX);
	if (text.len > 0 && memchr(text.at, 0, text.len) != NULL)
		return refuse_nul(text, err);
	json_error_t error;
	json_t *node =
		json_loadb(text.len == 0 ? "" : text.at, text.len,
			   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (node == NULL) {
		/* jansson quotes the text that it stumbled over; foreign bytes stay out. */
		char *quote = strstr(error.text, " near '");
		if (quote != NULL)
			*quote = 0;
		return err_set(err, ERR_REFUSED, "line %d column %d: %s", error.line, error.column,
			       error.text);
	}
	*ret_json = (struct json *)node;
	return true;
}

static void wipe_and_free(void *memory)
{
	if (memory == NULL)
		return;
	secret_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

void json_memory_wipe(void)
{
	json_set_alloc_funcs(malloc, wipe_and_free);
}

void json_free(struct json *json)
{
	json_decref((json_t *)json);
}

const struct json_value *json_root(const struct json *json)
{
	return (const struct json_value *)json;
}

enum json_type json_type_of(const struct json_value *value)
{
	if (value == NULL)
		return JSON_TYPE_NULL;
	switch (json_typeof(node_of(value))) {
	case JSON_OBJECT:
		return JSON_TYPE_OBJECT;
	case JSON_ARRAY:
		return JSON_TYPE_ARRAY;
	case JSON_STRING:
		return JSON_TYPE_STRING;
	case JSON_INTEGER:
	case JSON_REAL:
		return JSON_TYPE_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_TYPE_BOOL;
	case JSON_NULL:
		return JSON_TYPE_NULL;
	}
	return JSON_TYPE_NULL;
}

const struct json_value *json_member(const struct json_value *value, const char *name)
{
	return (const struct json_value *)json_object_get(node_of(value), name);
}

const struct json_value *json_element(const struct json_value *value, size_t index)
{
	return (const struct json_value *)json_array_get(node_of(value), index);
}

size_t json_size(const struct json_value *value)
{
	if (json_type_of(value) == JSON_TYPE_OBJECT)
		return json_object_size(node_of(value));
	return json_array_size(node_of(value));
}

bool json_string(const struct json_value *value, struct str *ret_text)
{
	if (json_type_of(value) != JSON_TYPE_STRING)
		return false;
	const json_t *node = node_of(value);
	*ret_text = (struct str){ json_string_value(node), json_string_length(node) };
	return true;
}

bool json_bool(const struct json_value *value, bool *ret_value)
{
	if (json_type_of(value) != JSON_TYPE_BOOL)
		return false;
	*ret_value = json_is_true(node_of(value));
	return true;
}

bool json_i64(const struct json_value *value, int64_t *ret_value)
{
	if (!json_is_integer(node_of(value)))
		return false;
	*ret_value = json_integer_value(node_of(value));
	return true;
}

bool json_next_member(const struct json_value *object, void **cursor, struct str *ret_name,
		      const struct json_value **ret_value)
{
	json_t *node = node_of(object);
	void *next =
		*cursor == NULL ? json_object_iter(node) : json_object_iter_next(node, *cursor);
	if (next == NULL)
		return false;
	*cursor = next;
	*ret_name = (struct str){ json_object_iter_key(next), json_object_iter_key_len(next) };
	*ret_value = (const struct json_value *)json_object_iter_value(next);
	return true;
}

/* A container that is being walked through. */
struct walk {
	const struct json_value *container;
	void *cursor; /* of an object */
	size_t index; /* of an array */
};

static bool walk_next(struct walk *walk, const struct json_value **ret_value)
{
	struct str name;
	if (json_type_of(walk->container) == JSON_TYPE_OBJECT)
		return json_next_member(walk->container, &walk->cursor, &name, ret_value);
	*ret_value = json_element(walk->container, walk->index++);
	return *ret_value != NULL;
}

static bool is_container(const struct json_value *value)
{
	enum json_type type = json_type_of(value);
	return type == JSON_TYPE_OBJECT || type == JSON_TYPE_ARRAY;
}

bool json_has_number(const struct json_value *value)
{
	if (!is_container(value))
		return json_type_of(value) == JSON_TYPE_NUMBER;
	struct walk stack[JSON_DEPTH_MAX] = { { .container = value } };
	size_t depth = 1;
	while (depth > 0) {
		const struct json_value *child;
		if (!walk_next(&stack[depth - 1], &child)) {
			depth--;
		} else if (json_type_of(child) == JSON_TYPE_NUMBER) {
			return true;
		} else if (is_container(child)) {
			CHECK(depth < JSON_DEPTH_MAX);
			stack[depth++] = (struct walk){ .container = child };
		}
	}
	return false;
}

struct member {
	struct str name; /* empty in an array */
	const struct json_value *value;
};

/* A container that is being written, its members in the order in which they are written. */
struct frame {
	struct member *members;
	size_t len;
	size_t next;
	bool is_object;
};

/* UTF-8 sorts as UTF-16 does, but for the code points above U+FFFF: their surrogates stand before
 * U+E000 to U+FFFF, which start with 0xee and 0xef. */
static int utf16_weight(char byte)
{
	int weight = (uint8_t)byte;
	return weight == 0xee || weight == 0xef ? weight + 0x10 : weight;
}

static int member_compare(const void *a, const void *b)
{
	struct str left = ((const struct member *)a)->name;
	struct str right = ((const struct member *)b)->name;
	for (size_t i = 0; i < left.len && i < right.len; i++)
		if (left.at[i] != right.at[i])
			return utf16_weight(left.at[i]) - utf16_weight(right.at[i]);
	return left.len < right.len ? -1 : 1; /* names differ: duplicates were refused */
}

static struct frame frame_of(const struct json_value *container)
{
	struct frame frame = { .is_object = json_type_of(container) == JSON_TYPE_OBJECT };
	size_t size = json_size(container);
	frame.members = calloc(size + 1, sizeof *frame.members);
	CHECK(frame.members != NULL);
	void *cursor = NULL;
	for (; frame.len < size; frame.len++) {
		struct member *member = &frame.members[frame.len];
		if (frame.is_object)
			CHECK(json_next_member(container, &cursor, &member->name, &member->value));
		else
			member->value = json_element(container, frame.len);
	}
	if (frame.is_object)
		qsort(frame.members, frame.len, sizeof *frame.members, member_compare);
	return frame;
}

static void write_scalar(const struct json_value *value, struct buf *out)
{
	struct str text;
	bool truth;
	CHECK(json_type_of(value) != JSON_TYPE_NUMBER);
	if (json_string(value, &text))
		json_write_string(out, text);
	else if (json_bool(value, &truth))
		buf_text(out, truth ? "true" : "false");
	else
		buf_text(out, "null");
}

void json_write_canonical(const struct json_value *value, struct buf *out)
{
	struct frame stack[JSON_DEPTH_MAX];
	size_t depth = 0;
	for (;;) {
		if (is_container(value)) {
			CHECK(depth < JSON_DEPTH_MAX);
			stack[depth++] = frame_of(value);
			buf_byte(out, stack[depth - 1].is_object ? '{' : '[');
		} else {
			write_scalar(value, out);
		}
		while (depth > 0 && stack[depth - 1].next == stack[depth - 1].len) {
			depth--;
			buf_byte(out, stack[depth].is_object ? '}' : ']');
			free(stack[depth].members);
		}
		if (depth == 0)
			return;
		struct frame *frame = &stack[depth - 1];
		if (frame->next > 0)
			buf_byte(out, ',');
		const struct member *member = &frame->members[frame->next++];
		if (frame->is_object) {
			json_write_string(out, member->name);
			buf_byte(out, ':');
		}
		value = member->value;
	}
}

/* The escape of a byte below 0x80, or NULL when it stands for itself. */
static const char *escape_of(char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\b':
		return "\\b";
	case '\t':
		return "\\t";
	case '\n':
		return "\\n";
	case '\f':
		return "\\f";
	case '\r':
		return "\\r";
	}
	return NULL;
}

/* The length of the valid sequence at the head of a non-empty text, or 0. */
static size_t sequence_len(struct str text)
{
	for (size_t len = 1; len <= 4 && len <= text.len; len++)
		if (utf8_is_valid((struct str){ text.at, len }))
			return len;
	return 0;
}

/* What stands for itself, which is nearly all of nearly every text. */
static bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

void json_write_string(struct buf *out, struct str text)
{
	bool is_valid = utf8_is_valid(text);
	buf_byte(out, '"');
	size_t written = 0; /* text before it is in `out` */
	for (size_t i = 0; i < text.len;) {
		uint8_t byte = (uint8_t)text.at[i];
		if (is_plain(byte)) {
			i++;
			continue;
		}
		const char *escape = escape_of(text.at[i]);
		size_t len = 1;
		if (byte >= 0x80 && !is_valid)
			len = sequence_len(str_skip(text, i));
		if (len > 0 && byte >= 0x20 && escape == NULL) {
			i += len;
			continue;
		}
		buf_bytes(out, text.at + written, i - written);
		if (len == 0)
			buf_text(out, "\xef\xbf\xbd");
		else if (escape != NULL)
			buf_text(out, escape);
		else
			buf_format(out, "\\u%04x", byte);
		written = ++i;
	}
	if (text.len > written)
		buf_bytes(out, text.at + written, text.len - written);
	buf_byte(out, '"');
}

void json_write_name(struct buf *out, const char *name)
{
	char last = out->len == 0 ? '{' : out->at[out->len - 1];
	if (last != '{' && last != '[')
		buf_byte(out, ',');
	json_write_string(out, str_from(name));
	buf_byte(out, ':');
}

void json_write_member(struct buf *out, const char *name, struct str text)
{
	json_write_name(out, name);
	json_write_string(out, text);
}

void json_write_member_text(struct buf *out, const char *name, const char *terminated)
{
	json_write_member(out, name, str_from(terminated));
}

void json_write_member_u64(struct buf *out, const char *name, uint64_t value)
{
	json_write_name(out, name);
	buf_decimal(out, value);
}

void json_write_member_i64(struct buf *out, const char *name, int64_t value)
{
	json_write_name(out, name);
	buf_format(out, "%lld", (long long)value);
}

void json_write_member_bool(struct buf *out, const char *name, bool value)
{
	json_write_name(out, name);
	buf_text(out, value ? "true" : "false");
}

void json_write_member_null(struct buf *out, const char *name)
{
	json_write_name(out, name);
	buf_text(out, "null");
}
