#include "cmd/config_walk.h"

#include "base/check.h"

#include <ctype.h>
#include <string.h>

void config_walk_init(struct config_walk *ret_walk, struct config_text *text)
{
	*ret_walk = (struct config_walk){ .depth = 1 };
	ret_walk->frames[0] =
		(struct config_frame){ .schema = &config_schema, .data = (char *)text };
}

static void path_set(struct config_walk *walk, const struct config_frame *frame, const char *key)
{
	struct buf path = buf_of(walk->path, sizeof walk->path);
	path.len = frame->path_len;
	if (key == NULL)
		buf_format(&path, "[%zu]", frame->index);
	else
		buf_format(&path, "%s%s", path.len > 0 ? "." : "", key);
	(void)buf_terminated(&path);
	CHECK(!path.overflow);
}

static size_t list_len(const char *data, const struct cyaml_schema_field *field)
{
	unsigned len;
	CHECK(field->count_size == sizeof len);
	memcpy(&len, data + field->count_offset, sizeof len);
	return len;
}

/* Writes what stands at `data` into ret_place, and goes down into it when it holds more. */
static void place_enter(struct config_walk *walk, const struct cyaml_schema_value *schema,
			char *data, size_t len, struct config_place *ret_place)
{
	if (schema->type == CYAML_STRING) {
		ret_place->kind = CONFIG_SCALAR;
		ret_place->text = (char **)(void *)data;
		return;
	}
	CHECK(schema->type == CYAML_MAPPING || schema->type == CYAML_SEQUENCE);
	CHECK(walk->depth < CONFIG_DEPTH_MAX);
	bool is_list = schema->type == CYAML_SEQUENCE;
	char *elements = data;
	if (is_list)
		memcpy(&elements, data, sizeof elements);
	ret_place->kind = is_list ? CONFIG_LIST : CONFIG_MAPPING;
	ret_place->len = len;
	walk->frames[walk->depth++] = (struct config_frame){
		.schema = schema,
		.data = elements,
		.len = len,
		.path_len = strlen(walk->path),
	};
}

static bool frame_leave(struct config_walk *walk, const struct config_frame *frame,
			struct config_place *ret_place)
{
	walk->path[frame->path_len] = '\0';
	ret_place->kind =
		frame->schema->type == CYAML_SEQUENCE ? CONFIG_LIST_END : CONFIG_MAPPING_END;
	walk->depth--;
	if (walk->depth == 0)
		return false;
	ret_place->depth = walk->depth - 1;
	return true;
}

bool config_walk_next(struct config_walk *walk, struct config_place *ret_place)
{
	if (walk->depth == 0)
		return false;
	struct config_frame *frame = &walk->frames[walk->depth - 1];
	*ret_place = (struct config_place){ .path = walk->path, .depth = walk->depth - 1 };
	if (frame->schema->type == CYAML_SEQUENCE) {
		if (frame->index == frame->len)
			return frame_leave(walk, frame, ret_place);
		path_set(walk, frame, NULL);
		const struct cyaml_schema_value *entry = frame->schema->sequence.entry;
		size_t stride = entry->type == CYAML_STRING ? sizeof(char *) : entry->data_size;
		ret_place->index = frame->index++;
		place_enter(walk, entry, frame->data + ret_place->index * stride, 0, ret_place);
		return true;
	}
	const struct cyaml_schema_field *field = &frame->schema->mapping.fields[frame->index];
	if (field->key == NULL)
		return frame_leave(walk, frame, ret_place);
	path_set(walk, frame, field->key);
	ret_place->key = field->key;
	frame->index++;
	size_t len = field->value.type == CYAML_SEQUENCE ? list_len(frame->data, field) : 0;
	place_enter(walk, &field->value, frame->data + field->data_offset, len, ret_place);
	return true;
}

static const struct cyaml_schema_value *field_of(const struct cyaml_schema_value *schema,
						 struct str key)
{
	if (schema->type != CYAML_MAPPING)
		return NULL;
	for (const struct cyaml_schema_field *field = schema->mapping.fields; field->key != NULL;
	     field++)
		if (str_equal_text(key, field->key))
			return &field->value;
	return NULL;
}

const struct cyaml_schema_value *config_schema_at(struct str path)
{
	const struct cyaml_schema_value *schema = &config_schema;
	while (path.len > 0 && schema != NULL) {
		if (path.at[0] == '[') {
			struct str inside, rest;
			if (schema->type != CYAML_SEQUENCE || !str_cut(path, ']', &inside, &rest))
				return NULL;
			schema = schema->sequence.entry;
			path = rest;
			continue;
		}
		if (path.at[0] == '.')
			path = str_skip(path, 1);
		size_t len = 0;
		while (len < path.len && path.at[len] != '.' && path.at[len] != '[')
			len++;
		schema = field_of(schema, (struct str){ path.at, len });
		path = str_skip(path, len);
	}
	return schema;
}

void config_pattern_write(struct str path, struct buf *out)
{
	bool inside = false;
	for (size_t i = 0; i < path.len; i++) {
		if (path.at[i] == ']')
			inside = false;
		if (!inside)
			buf_byte(out, (uint8_t)path.at[i]);
		if (path.at[i] == '[')
			inside = true;
	}
}

void config_variable_write(struct str path, struct buf *out)
{
	buf_text(out, "SLUICE_");
	for (size_t i = 0; i < path.len; i++) {
		if (path.at[i] == ']')
			continue;
		bool separates = path.at[i] == '.' || path.at[i] == '[';
		buf_byte(out, (uint8_t)(separates ? '_' : toupper((unsigned char)path.at[i])));
	}
}
