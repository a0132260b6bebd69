/* What a role's process may do, cut down to what it needs (ADR 33).
 *
 *	sandbox.c         the order, and what is said about it
 *	sandbox_files.c   which files: Landlock
 *	sandbox_calls.c   which calls of the kernel: seccomp
 *	sandbox_call_list.c   their names, by role
 *	sandbox_try.c     of test builds: what a role that was taken over would try
 *
 * Someone who takes over the API by a fault in its parsing then has the API's files and its
 * connections, and neither the keystore, nor the journal, nor a program to start.
 */
#ifndef SLUICE_CMD_SANDBOX_H
#define SLUICE_CMD_SANDBOX_H

#include "cmd/config.h"

/* While the process has one thread and its log: no new privileges, no capabilities, its own files
 * alone. Makes the files of SQLite that it will need. What the kernel cannot do is logged as a
 * warning, and the role goes on without it; NOT_DONE for what the kernel should have done. */
MUST_CHECK bool sandbox_enter(const struct config *config, enum role role, const struct log *log,
			      struct err *err);
/* When everything is open: only the calls of the role's list, in all of its threads; another one
 * ends the process, which says its name before. Fails as sandbox_enter does. Once a process. */
MUST_CHECK bool sandbox_seal(const struct config *config, enum role role, const struct log *log,
			     struct err *err);
/* Of `sluice run`, which starts programs: no new privileges, no capabilities, and none of the calls
 * that no role needs. The roles inherit it. */
MUST_CHECK bool sandbox_supervise(const struct config *config, const struct log *log,
				  struct err *err);

#endif
