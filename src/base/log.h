/* Logs: one JSON object a line, Elastic Common Schema 8. A secret never goes into a log line; the
 * lint looks for the obvious ones.
 *
 * A struct log is made in cmd and handed down. Lines are written with one write(2) each, so that
 * several threads and processes can share a file.
 */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR, /* somebody should look */
};

struct log_about;

struct log {
	int fd;               /* borrowed */
	enum log_level level; /* lines below it are dropped */
	const char *service;  /* "sluice-api"; borrowed */
	/* Milliseconds since 1970; a function so that the simulator's lines carry simulated time.
	 */
	int64_t (*now_ms)(void *clock);
	void *clock;
	/* NULL: lines go to fd. Otherwise here, and nowhere else: the simulator listens. */
	void (*hear)(void *listener, enum log_level level, const struct log_about *about,
		     const char *message);
	void *listener;
};

/* What a line is about. Zero fields are left out. */
struct log_about {
	const char *action;        /* event.action: stable snake case, "transfer_signed" */
	const char *outcome;       /* event.outcome: "success", "failure", "unknown" */
	const char *trace_id;      /* the correlation id */
	const char *withdrawal_id; /* labels.withdrawal_id */
	const char *transfer_id;   /* labels.transfer_id */
	const char *tx_hash;       /* labels.tx_hash */
	const char *wallet;        /* labels.wallet */
	const struct err *err;     /* error.type and error.message */
	bool alarm;                /* labels.alarm: a person should be told */
};

/* `log` may be NULL: nothing is written. */
void log_line(const struct log *log, enum log_level level, const struct log_about *about,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));
bool log_level_read(struct str text, enum log_level *ret_level);

#endif
