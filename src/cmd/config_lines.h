/* Where each key of the configuration file stands, found by a first pass of libyaml, because
 * libcyaml's own positions are those of the key before. Also refuses what YAML allows and we do
 * not: duplicate keys, aliases, several documents, keys that the schema does not know. */
#ifndef SLUICE_CMD_CONFIG_LINES_H
#define SLUICE_CMD_CONFIG_LINES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

struct config_lines;

/* Reads `text`, the content of `file` (for messages; borrowed). REFUSED with "file:line: reason".
 */
MUST_CHECK bool config_lines_new(const char *file, struct str text, struct config_lines **ret_lines,
				 struct err *err);
void config_lines_free(struct config_lines *lines); /* accepts NULL */
/* The path's value now comes from its environment variable. */
void config_lines_set_variable(struct config_lines *lines, const char *path);
/* Where the value of a path comes from: "file:12", "SLUICE_API_LISTEN", or "file" when the path is
 * in neither. Of an absent path the line is that of what should hold it. */
void config_lines_write_origin(const struct config_lines *lines, const char *path, struct buf *out);
/* Sets "origin: path: reason". Returns false. */
bool config_lines_refuse(const struct config_lines *lines, const char *path, struct err *err,
			 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
