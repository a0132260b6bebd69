/* The files that the configuration names: which are there, which Sluice makes by itself, and what
 * is to be done about those that a person has to supply. For `sluice check-config` and `sluice
 * run`. */
#ifndef SLUICE_CMD_CONFIG_FILES_H
#define SLUICE_CMD_CONFIG_FILES_H

#include "cmd/config.h"

#include <limits.h>

#define CONFIG_FILE_PROBLEM_LEN 320

struct config_file {
	char key[64]; /* "signer.keystores[0].file"; "trust.dir/api.keys" for what is in it */
	char path[PATH_MAX]; /* absolute */
	const char *made_by; /* what makes it when it is absent; NULL: a person supplies it */
	const char *supply;  /* how, when a person does */
	bool is_secret;      /* nobody but its owner may use it */
	bool is_there;
	bool is_fetched; /* from Secrets Manager, by who needs it; nobody has looked */
	unsigned roles;  /* that cannot go on without it: 1 << enum role */
	char problem[CONFIG_FILE_PROBLEM_LEN]; /* and what to do about it; "" for none */
};

/* All of them, in the order of the configuration; the caller frees ret_files. Looks at each as the
 * role that needs it will, except that keystores stay locked. */
void config_files_look(const struct config *config, struct config_file **ret_files,
		       size_t *ret_len);

/* Writes a line "  KEY: problem" for each file that one of `roles` (bits 1 << enum role) needs and
 * does not find as it should be. Returns their number. */
size_t config_files_problems(const struct config_file *files, size_t len, unsigned roles,
			     struct buf *out);

/* The roles that need the file of a rule's pattern; 0 for what Sluice makes by itself. */
unsigned config_file_roles(const char *pattern);
/* Is it exchanged while Sluice runs, and read again then? */
bool config_file_is_replaced(const char *pattern);

#define CONFIG_ROLES_ALL ((1u << ROLES_LEN) - 1)

#endif
