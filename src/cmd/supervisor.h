/* `sluice run`: all four roles on one machine, each in a process of its own.
 *
 * The supervisor opens no database and holds no key. It starts the roles, starts one that died
 * again unless it refused to go on, passes a SIGTERM on, and is gone only when they are; when it is
 * killed, the kernel kills them with it. */
#ifndef SLUICE_CMD_SUPERVISOR_H
#define SLUICE_CMD_SUPERVISOR_H

#include "cmd/config.h"

struct supervisor_options {
	const struct config *config;
	const char *pid_dir; /* a file per process; NULL for none */
	bool migrate;        /* first, in a process of its own */
	bool json;           /* the line that says "ready" */
};

/* Returns when all roles have ended, after a SIGTERM, SIGINT or SIGHUP: true when each of them did
 * so by itself within the grace. When one refuses to go on (EXIT_REFUSED) the others are ended as
 * well: REFUSED, with that role's reason. ret_told: standard error has it, as a line of the log. */
MUST_CHECK bool supervisor_run(const struct supervisor_options *options, bool *ret_told,
			       struct err *err);

#endif
