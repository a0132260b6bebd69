/* A process of this same executable that cannot outlive the one that started it. */
#ifndef SLUICE_CMD_CHILD_H
#define SLUICE_CMD_CHILD_H

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* Starts /proc/self/exe with `argv` (ended by NULL; argv[0] is what ps shows), in a process group
 * of its own, so that a Ctrl-C at the terminal reaches the supervisor alone. The kernel kills it
 * when this process dies in whatever way; call from the main thread only, since the kernel takes
 * the death of the starting thread. notify: the NOTIFY_SOCKET it gets, or NULL. */
MUST_CHECK bool child_start(const char *const *argv, const char *notify, pid_t *ret_pid,
			    struct err *err);
/* "exited with 1", "was killed by signal 9". */
void child_describe_end(int status, char *ret_text, size_t cap);

/* Writes the number into DIR/NAME.pid, at once for every reader; dir NULL does nothing. */
MUST_CHECK bool pid_file_write(const char *dir, const char *name, pid_t pid, struct err *err);
void pid_file_remove(const char *dir, const char *name);

#endif
