/* "I am ready", said to whoever started this process: the supervisor, or systemd (Type=notify).
 * A datagram of NAME=value lines to the Unix socket that NOTIFY_SOCKET names.
 * Source: sd_notify(3). */
#ifndef SLUICE_CMD_NOTIFY_H
#define SLUICE_CMD_NOTIFY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NOTIFY_VARIABLE "NOTIFY_SOCKET"
#define NOTIFY_LEN_MAX  512

/* READY=1 and STATUS=status. Without a NOTIFY_SOCKET, and when nobody listens, nothing happens. */
void notify_ready(const char *status);
void notify_stopping(void);
/* To `sluice run`: why this process is about to end. True when it listens, and will say it; false
 * when somebody else or nobody does. */
bool notify_failure(const char *text);

/* The listening side. */
struct notify_server {
	int fd;
	char address[48]; /* the value for NOTIFY_SOCKET: "@sluice-run-…", an abstract name */
};

struct notify_message {
	pid_t pid; /* as the kernel says */
	bool is_ready;
	char status[128]; /* "" when the message has none */
	char failure[ERR_TEXT_LEN];
};

MUST_CHECK bool notify_server_open(struct notify_server *ret_server, struct err *err);
void notify_server_close(struct notify_server *server);
/* The next message that waits; false when there is none. */
bool notify_server_take(struct notify_server *server, struct notify_message *ret_message);

#endif
