/* A copy of a SQLite database while others write it, by SQLite's backup API; for backups. */
#ifndef SLUICE_ADAPTER_DB_SQLITE_COPY_H
#define SLUICE_ADAPTER_DB_SQLITE_COPY_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct db_sqlite_copy {
	const char *from; /* an existing database; never changed */
	const char *to;   /* must not exist */
	/* May be NULL. Pages so far, and in all. */
	void (*progress)(void *context, int64_t done, int64_t all);
	void *context;
};

/* Copies one snapshot: what was committed when the copy began. Writers go on meanwhile, and wait
 * for nothing. The copy is one file of mode 0600 without a write-ahead log, on disk, and passes
 * SQLite's integrity check. REFUSED when something stands at `to`, or the copy is not sound; after
 * a failure nothing of ours is left there. */
MUST_CHECK bool db_sqlite_copy(const struct db_sqlite_copy *copy, struct err *err);

/* Holds a database for itself: nobody else has it open, and nobody can open it until the descriptor
 * is closed or the process ends. The file itself need not exist. REFUSED: somebody has it open. */
MUST_CHECK bool db_sqlite_claim(const char *path, int *ret_fd, struct err *err);

/* Brings all that was committed into the one file at `path`, and empties its write-ahead log, so
 * that the file may be moved alone. For who has claimed it. NOT_DONE: it is no sound database, or
 * somebody has it open all the same; nothing of it is lost. */
MUST_CHECK bool db_sqlite_fold(const char *path, struct err *err);

#endif
