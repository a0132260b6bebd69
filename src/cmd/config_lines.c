#include "cmd/config_lines.h"

#include "cmd/config_walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* All keys of the largest configuration: 8 chains, 64 assets and 64 wallets with every key. */
#define LINES_MAX 2048

struct line {
	char path[CONFIG_PATH_LEN_MAX + 1];
	size_t at; /* from 1 */
	bool from_variable;
};

struct config_lines {
	const char *file;
	struct line line[LINES_MAX];
	size_t len;
};

struct level {
	bool is_list;
	bool has_key; /* of a mapping: path ends with the key whose value comes next */
	size_t index; /* of a list */
	size_t path_len;
};

struct scan {
	struct config_lines *lines;
	yaml_parser_t parser;
	struct level levels[CONFIG_DEPTH_MAX];
	size_t depth;
	struct buf path;
	char path_bytes[CONFIG_PATH_LEN_MAX + 1];
	size_t documents;
	bool done;
	struct err *err;
};

static bool refuse_at(struct scan *scan, size_t line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool refuse_at(struct scan *scan, size_t line, const char *format, ...)
{
	char text[ERR_TEXT_LEN];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return err_set(scan->err, ERR_REFUSED, "%s:%zu: %s", scan->lines->file, line, text);
}

static struct line *line_of(struct config_lines *lines, struct str path)
{
	for (size_t i = 0; i < lines->len; i++)
		if (str_equal_text(path, lines->line[i].path))
			return &lines->line[i];
	return NULL;
}

/* Lists the names that would have been right. */
static bool refuse_key(struct scan *scan, struct str parent, struct str key, size_t at)
{
	char bytes[160];
	struct buf known = buf_of(bytes, sizeof bytes);
	const struct cyaml_schema_value *schema = config_schema_at(parent);
	const struct cyaml_schema_field *field = NULL;
	if (schema != NULL && schema->type == CYAML_MAPPING)
		field = schema->mapping.fields;
	for (; field != NULL && field->key != NULL; field++)
		buf_format(&known, "%s%s", known.len > 0 ? ", " : "", field->key);
	return refuse_at(scan, at, "unknown key \"%.*s\"%s%.*s; known are %s", STR_ARG(key),
			 parent.len > 0 ? " in " : "", STR_ARG(parent), buf_terminated(&known));
}

/* Makes the path that of the value to come: a key was read, or a list goes on. */
static bool path_extend(struct scan *scan, size_t at, struct str key)
{
	struct level *level = &scan->levels[scan->depth - 1];
	struct buf *path = &scan->path;
	path->len = level->path_len;
	if (level->is_list)
		buf_format(path, "[%zu]", level->index++);
	else
		buf_format(path, "%s%.*s", path->len > 0 ? "." : "", STR_ARG(key));
	struct str parent = { path->at, level->path_len };
	const struct cyaml_schema_value *holder = config_schema_at(parent);
	if (level->is_list && level->index > holder->sequence.max)
		return refuse_at(scan, at, "%.*s takes %u elements at most", STR_ARG(parent),
				 holder->sequence.max);
	if (path->overflow || config_schema_at(buf_view(path)) == NULL)
		return refuse_key(scan, parent, key, at);
	const struct line *first = line_of(scan->lines, buf_view(path));
	if (first != NULL)
		return refuse_at(scan, at, "%s is given twice, first in line %zu", first->path,
				 first->at);
	if (scan->lines->len == LINES_MAX)
		return refuse_at(scan, at, "more than %d keys", LINES_MAX);
	struct line *line = &scan->lines->line[scan->lines->len++];
	*line = (struct line){ .at = at };
	CHECK(str_copy(buf_view(path), line->path, sizeof line->path));
	return true;
}

/* Compares the value that begins with what the schema wants at the path. */
static bool shape_check(struct scan *scan, size_t at, enum cyaml_type type)
{
	const struct cyaml_schema_value *schema = config_schema_at(buf_view(&scan->path));
	CHECK(schema != NULL);
	if (schema->type == type)
		return true;
	const char *wanted = schema->type == CYAML_MAPPING    ? "keys and values"
			     : schema->type == CYAML_SEQUENCE ? "a list"
							      : "a single value";
	if (scan->path.len == 0)
		return refuse_at(scan, at, "the file must hold %s", wanted);
	return refuse_at(scan, at, "%.*s must be %s", STR_ARG(buf_view(&scan->path)), wanted);
}

static bool value_begin(struct scan *scan, const yaml_event_t *event, enum cyaml_type type)
{
	size_t at = event->start_mark.line + 1;
	if (scan->depth > 0) {
		struct level *level = &scan->levels[scan->depth - 1];
		if (!level->is_list && !level->has_key)
			return refuse_at(scan, at, "a key must be a plain word");
		if (level->is_list && !path_extend(scan, at, STR("")))
			return false;
		level->has_key = false;
	}
	if (!shape_check(scan, at, type))
		return false;
	if (type == CYAML_STRING)
		return true;
	CHECK(scan->depth < CONFIG_DEPTH_MAX); /* the schema ends the descent before */
	scan->levels[scan->depth++] =
		(struct level){ .is_list = type == CYAML_SEQUENCE, .path_len = scan->path.len };
	return true;
}

static bool scalar_take(struct scan *scan, const yaml_event_t *event)
{
	struct level *level = scan->depth > 0 ? &scan->levels[scan->depth - 1] : NULL;
	size_t at = event->start_mark.line + 1;
	if (level == NULL || level->is_list || level->has_key) {
		if (!value_begin(scan, event, CYAML_STRING))
			return false;
		size_t len = event->data.scalar.length;
		if (len == 0 || len > CONFIG_SCALAR_LEN_MAX)
			return refuse_at(scan, at, "%.*s must have 1 to %d characters",
					 STR_ARG(buf_view(&scan->path)), CONFIG_SCALAR_LEN_MAX);
		return true;
	}
	level->has_key = true;
	struct str key = str_from_bytes(event->data.scalar.value, event->data.scalar.length);
	for (size_t i = 0; i < key.len; i++)
		if (key.at[i] == '.' || key.at[i] == '[' || key.at[i] == '\0')
			return refuse_at(scan, at, "a key must be a plain word");
	return path_extend(scan, at, key);
}

static bool event_take(struct scan *scan, const yaml_event_t *event)
{
	size_t at = event->start_mark.line + 1;
	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	case YAML_STREAM_END_EVENT:
		scan->done = true;
		return true;
	case YAML_DOCUMENT_START_EVENT:
		if (scan->documents++ > 0)
			return refuse_at(scan, at, "only one document is allowed");
		return true;
	case YAML_ALIAS_EVENT:
		return refuse_at(scan, at, "aliases are not allowed");
	case YAML_SCALAR_EVENT:
		return scalar_take(scan, event);
	case YAML_SEQUENCE_START_EVENT:
		return value_begin(scan, event, CYAML_SEQUENCE);
	case YAML_MAPPING_START_EVENT:
		return value_begin(scan, event, CYAML_MAPPING);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		CHECK(scan->depth > 0);
		scan->depth--;
		return true;
	}
	return true;
}

static bool scan_run(struct scan *scan)
{
	while (!scan->done) {
		yaml_event_t event;
		if (!yaml_parser_parse(&scan->parser, &event))
			return refuse_at(scan, scan->parser.problem_mark.line + 1, "%s",
					 scan->parser.problem != NULL ? scan->parser.problem
								      : "not YAML");
		bool ok = event_take(scan, &event);
		yaml_event_delete(&event);
		if (!ok)
			return false;
	}
	return true;
}

bool config_lines_new(const char *file, struct str text, struct config_lines **ret_lines,
		      struct err *err)
{
	struct config_lines *lines = calloc(1, sizeof *lines);
	CHECK(lines != NULL);
	lines->file = file;
	struct scan scan = { .lines = lines, .err = err };
	scan.path = buf_of(scan.path_bytes, sizeof scan.path_bytes);
	CHECK(yaml_parser_initialize(&scan.parser) == 1);
	yaml_parser_set_input_string(&scan.parser, (const unsigned char *)text.at, text.len);
	bool ok = scan_run(&scan);
	yaml_parser_delete(&scan.parser);
	if (!ok) {
		config_lines_free(lines);
		return false;
	}
	*ret_lines = lines;
	return true;
}

void config_lines_free(struct config_lines *lines)
{
	free(lines);
}

void config_lines_set_variable(struct config_lines *lines, const char *path)
{
	struct line *line = line_of(lines, str_from(path));
	if (line == NULL) {
		CHECK(lines->len < LINES_MAX);
		line = &lines->line[lines->len++];
		CHECK(str_copy(str_from(path), line->path, sizeof line->path));
	}
	line->from_variable = true;
}

void config_lines_write_origin(const struct config_lines *lines, const char *path, struct buf *out)
{
	struct str part = str_from(path);
	while (part.len > 0) {
		for (size_t i = 0; i < lines->len; i++) {
			const struct line *line = &lines->line[i];
			if (!str_equal_text(part, line->path))
				continue;
			if (line->from_variable)
				config_variable_write(part, out);
			else
				buf_format(out, "%s:%zu", lines->file, line->at);
			return;
		}
		size_t len = part.len - 1;
		while (len > 0 && part.at[len] != '.' && part.at[len] != '[')
			len--;
		part.len = len;
	}
	buf_text(out, lines->file);
}

bool config_lines_refuse(const struct config_lines *lines, const char *path, struct err *err,
			 const char *format, ...)
{
	char reason[ERR_TEXT_LEN];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(reason, sizeof reason, format, arguments);
	va_end(arguments);
	char bytes[ERR_TEXT_LEN];
	struct buf origin = buf_of(bytes, sizeof bytes);
	config_lines_write_origin(lines, path, &origin);
	return err_set(err, ERR_REFUSED, "%s: %s: %s", buf_terminated(&origin), path, reason);
}
