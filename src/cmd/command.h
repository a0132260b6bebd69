/* The sub-commands: what each is called, takes and says of itself, and the parser of their
 * arguments. One table in main.c; each command's function lives in a command_*.c, role.c or
 * supervisor.c.
 *
 * Every command has --help and --json, and ends with EXIT_DONE, EXIT_FAILED or EXIT_USAGE; a role,
 * and `run`, also with EXIT_REFUSED.
 */
#ifndef SLUICE_CMD_COMMAND_H
#define SLUICE_CMD_COMMAND_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,   /* of the command line; nothing was tried */
	EXIT_REFUSED = 3, /* a role that must not go on: the same start would end the same way */
};

#define COMMAND_OPTIONS_MAX   16
#define COMMAND_ARGUMENTS_MAX 8
#define COMMAND_REPEATS_MAX   64 /* values of options that repeat, together */

struct command_option {
	const char *name;  /* "config", without its dashes; NULL ends the list */
	const char *value; /* "FILE"; "RANGE…": it may be given several times; NULL: a flag */
	const char *help;
};

struct invocation;

struct command {
	const char *name;      /* "keys new" */
	const char *arguments; /* "ID…", for people; "" when it takes none */
	size_t arguments_min;
	size_t arguments_max;
	const char *summary; /* one line, for the list of commands */
	const char *details; /* paragraphs, each line at most 78 columns; NULL for none */
	const struct command_option *options;
	enum exit_status (*run)(const struct invocation *invocation);
};

struct invocation {
	const struct command *command;
	const char *values[COMMAND_OPTIONS_MAX]; /* by option; "" for a flag; NULL when absent */
	struct {
		size_t option;
		const char *value;
	} repeated[COMMAND_REPEATS_MAX]; /* in the order of the line */
	size_t repeated_len;
	const char *arguments[COMMAND_ARGUMENTS_MAX];
	size_t arguments_len;
	bool json;
};

/* The table of main.c, ended by a NULL name. */
extern const struct command commands[];

#define OPTION_CONFIG { "config", "FILE", "configuration; SLUICE_CONFIG, or else ./sluice.yaml" }
#define OPTIONS_END   { NULL, NULL, NULL }

/* Finds the command, reads its arguments and runs it. */
enum exit_status command_main(int argc, char **argv);

/* NULL when it was not given. CHECKs that the command has such an option. */
const char *invocation_option(const struct invocation *invocation, const char *name);
/* The next value of an option that repeats: from *cursor on, which starts at 0. NULL: no more. */
const char *invocation_repeated(const struct invocation *invocation, const char *name,
				size_t *cursor);
bool invocation_flag(const struct invocation *invocation, const char *name);
/* A decimal number of an option; `fallback` when it was not given. False (and says so) when it is
 * no number from min to max: return EXIT_USAGE. */
bool invocation_count(const struct invocation *invocation, const char *name, uint64_t min,
		      uint64_t max, uint64_t fallback, uint64_t *ret_value);
/* Says what is wrong with the command line on standard error. Returns EXIT_USAGE. */
enum exit_status invocation_misused(const struct invocation *invocation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Says what failed: on standard error, and with --json also as an object on standard output.
 * Returns EXIT_FAILED. */
enum exit_status invocation_failed(const struct invocation *invocation, const struct err *err);
/* The object of --json alone, for what has been said already. */
void invocation_failed_json(const struct invocation *invocation, const struct err *err);

#endif
