/* Inside of the configuration, for its own files: the texts as loaded, and where they came from. */
#ifndef SLUICE_CMD_CONFIG_TEXTS_H
#define SLUICE_CMD_CONFIG_TEXTS_H

#include "cmd/config.h"
#include "cmd/config_lines.h"
#include "cmd/config_rule.h"
#include "cmd/config_schema.h"
#include "cmd/config_walk.h"

struct config_texts {
	char *file;      /* as given, for messages */
	char *directory; /* absolute; relative paths start here */
	struct config_text *text;
	struct config_lines *lines;
};

/* Text and file into memory; environment, defaults and types applied: every scalar that has a
 * default is there, and every scalar that is there is what its rule wants. */
MUST_CHECK bool config_texts_load(const char *file, struct config_texts **ret_texts,
				  struct err *err);
void config_texts_free(struct config_texts *texts); /* accepts NULL */

/* Fills chains, assets and wallets of the configuration. */
MUST_CHECK bool config_catalogue_read(struct config *config, struct err *err);
/* Adds to config->warnings; what does not fit is dropped. */
void config_warn(struct config *config, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Numbers and booleans of texts that their rules have accepted. */
uint64_t config_u64(const char *text);
bool config_bool(const char *text);

#endif
