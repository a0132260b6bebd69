/* Inside of the sandbox, for its own files. */
#ifndef SLUICE_CMD_SANDBOX_PARTS_H
#define SLUICE_CMD_SANDBOX_PARTS_H

#include "cmd/sandbox.h"

/* What became of a wish to the kernel. */
enum sandbox_end {
	SANDBOX_DONE,
	SANDBOX_UNABLE, /* the kernel does not know it, or another sandbox forbids it: err says so
			 */
	SANDBOX_FAILED,
};

/* Only the role's own files from here on, for this thread and those that it starts. */
enum sandbox_end sandbox_files(const struct config *config, enum role role, const struct log *log,
			       struct err *err);

/* Kinds of calls; which calls they are is in sandbox_call_list.c. */
enum {
	SANDBOX_CALLS_COMMON = 1 << 0,
	SANDBOX_CALLS_MODULE = 1 << 1,  /* what the module of an HSM may need */
	SANDBOX_CALLS_CHECKER = 1 << 2, /* of sanitizers; SANDBOX_CALLS_COMMON has none of them */
	SANDBOX_CALLS_STREAMS = 1 << 3, /* not by names: streams to daemons of this host */
	SANDBOX_CALLS_NAMED = SANDBOX_CALLS_STREAMS - 1,
};
/* The names of one kind, ended by NULL. */
const char *const *sandbox_call_names(unsigned kind);
/* What no process of Sluice needs. */
const char *const *sandbox_never_names(void);

/* In all threads of the process. logs_only: the kernel notes other calls and lets them pass. */
enum sandbox_end sandbox_calls(unsigned kinds, bool logs_only, const struct log *log,
			       struct err *err);
/* For a process that starts others: everything but the calls of sandbox_never_names. */
enum sandbox_end sandbox_calls_never(bool logs_only, struct err *err);

#ifdef SLUICE_DEFENCE_SWITCHES
/* Tries what SLUICE_TEST_SANDBOX lists, and logs what came of it; nothing without the variable. */
void sandbox_try(const struct log *log);
#endif

#endif
