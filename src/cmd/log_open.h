/* The log of this process, as configured: log.file, or standard error. */
#ifndef SLUICE_CMD_LOG_OPEN_H
#define SLUICE_CMD_LOG_OPEN_H

#include "cmd/config.h"
#include "port/clock.h"

/* service: "sluice-api"; service and clock are borrowed. The file stays open until the process
 * ends. */
MUST_CHECK bool log_open(const struct config *config, const char *service, struct clock *clock,
			 struct log *ret_log, struct err *err);
/* Creates the directory `path` and what is missing above it, with mode 0700. */
MUST_CHECK bool directory_make(const char *path, struct err *err);
/* The same for the directory that `file` is to stand in. */
MUST_CHECK bool directory_make_for(const char *file, struct err *err);

#endif
