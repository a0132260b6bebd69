/* Visits every key of the configuration's schema together with its place in the loaded text. What
 * must hold for all settings (environment, defaults, types, printing) is written once over this
 * walk, so that a key added to the schema cannot be forgotten.
 */
#ifndef SLUICE_CMD_CONFIG_WALK_H
#define SLUICE_CMD_CONFIG_WALK_H

#include "base/buf.h"
#include "base/str.h"
#include "cmd/config_schema.h"

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_PATH_LEN_MAX 127
#define CONFIG_DEPTH_MAX    6 /* document, list, mapping, list, scalar, and one to spare */

enum config_kind {
	CONFIG_SCALAR,
	CONFIG_MAPPING, /* the document itself is not visited */
	CONFIG_MAPPING_END,
	CONFIG_LIST,
	CONFIG_LIST_END,
};

struct config_place {
	enum config_kind kind;
	const char *path; /* "chains[0].rpc[1]"; until the next step */
	const char *key;  /* the last name of it; NULL for an element of a list */
	size_t index;     /* of an element of a list */
	size_t depth;     /* 0 for the keys of the document */
	char **text;      /* of a scalar: where its text is kept, NULL when absent */
	size_t len;       /* elements of a list */
};

struct config_frame {
	const struct cyaml_schema_value *schema;
	char *data;
	size_t len;   /* elements of a list */
	size_t index; /* next field or element */
	size_t path_len;
};

struct config_walk {
	struct config_frame frames[CONFIG_DEPTH_MAX];
	size_t depth; /* frames in use */
	char path[CONFIG_PATH_LEN_MAX + 1];
};

/* `text` stays borrowed and must not change its lists during the walk; scalars may be set. */
void config_walk_init(struct config_walk *ret_walk, struct config_text *text);
/* Lists and mappings come before and after what is in them. False at the end. */
bool config_walk_next(struct config_walk *walk, struct config_place *ret_place);

/* The schema of a path, whether present in a document or not; NULL when there is no such key. */
const struct cyaml_schema_value *config_schema_at(struct str path);
/* The path without the numbers in its brackets: "chains[].rpc[]". */
void config_pattern_write(struct str path, struct buf *out);
/* The environment variable of a path: "SLUICE_CHAINS_0_RPC_1". */
void config_variable_write(struct str path, struct buf *out);

#endif
