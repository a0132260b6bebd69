/* A new password from a person: a file, a terminal that does not show it, or standard input. Never
 * an argument, which everybody on the machine can read. */
#ifndef SLUICE_CMD_PASSWORD_INPUT_H
#define SLUICE_CMD_PASSWORD_INPUT_H

#include "base/secret.h"

/* path: a file of mode 0600; NULL: asks, at a terminal twice. The caller frees ret_password. */
MUST_CHECK bool password_input_read(const char *path, struct secret *ret_password, struct err *err);

#endif
