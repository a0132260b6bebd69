/* port/db.h on SQLite: a file on a local disk, shared by the processes of one host.
 *
 * WAL, synchronous=FULL (an answered commit survives a power cut), foreign keys on. Write
 * transactions take turns by adapter/db_turnstile.h, so that no process starves another.
 */
#ifndef SLUICE_ADAPTER_DB_SQLITE_H
#define SLUICE_ADAPTER_DB_SQLITE_H

#include "base/err.h"
#include "port/db.h"

#include <stdint.h>

#define DB_SQLITE_BUSY_MS_DEFAULT  5000
#define DB_SQLITE_CACHE_KB_DEFAULT 2048
#define DB_SQLITE_OPEN_SUFFIX      "-open"
#define DB_SQLITE_RUN_SUFFIX       "-run"

struct db_sqlite_options {
	const char *path;  /* ":memory:" gives a database of its own: no turnstile, no host lock */
	uint32_t busy_ms;  /* how long a write waits for its turn; 0 is the default */
	uint32_t cache_kb; /* page cache; 0 is the default */
	bool read_only;    /* the file must exist; write transactions are refused */
	bool keeps_log;    /* the last one to close leaves path-wal and path-shm, empty */
};

/* Once in a process, before its first connection and its second thread; a process may do without.
 * SQLite then keeps no account of the memory it takes, which costs a lock for each piece. */
void db_sqlite_setup(void);

/* Opens the file, or creates it with mode 0600. The lock files path-next and path-turn
 * beside it take its mode, and so does the directory path-run, with the locks that have names. Who
 * has it open, not only for reading, holds a shared lock on path-open: see db_sqlite_claim.
 * NOT_DONE when the file cannot be opened, REFUSED when it is no database or the SQLite of this
 * machine is older than 3.35. Closed by db_close. */
MUST_CHECK bool db_sqlite_open(const struct db_sqlite_options *options, struct db **ret_db,
			       struct err *err);
/* All that `from` holds takes the place of what `to` holds; what `to` keeps for itself (temporary
 * tables and triggers) stays. Between databases in memory, without transactions or open statements:
 * for the simulator, which restores what it has copied. */
MUST_CHECK bool db_sqlite_replace(struct db *to, struct db *from, struct err *err);

#endif
