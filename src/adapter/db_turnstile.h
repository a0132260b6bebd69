/* Whose turn it is to write: fairness between the processes that share one SQLite file.
 *
 * A single lock lets the process that just wrote take it again before the waiting ones wake up, and
 * starves them for seconds. With two locks the next writer waits for `turn` while it holds `next`,
 * so that the one who leaves has to queue behind it. The kernel drops both locks of a process that
 * dies, also by kill -9. The locks belong to the open file description: two turnstiles of one
 * process exclude each other too.
 *
 * Source: design.md section 5.
 */
#ifndef SLUICE_ADAPTER_DB_TURNSTILE_H
#define SLUICE_ADAPTER_DB_TURNSTILE_H

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct db_turnstile {
	int next_fd;
	int turn_fd;
};

/* Opens (creates with `mode`) the files path-next and path-turn. Closed by db_turnstile_deinit. */
MUST_CHECK bool db_turnstile_init(struct db_turnstile *ret_turnstile, const char *path, mode_t mode,
				  struct err *err);
void db_turnstile_deinit(struct db_turnstile *turnstile);
/* Waits for the turn, at most wait_ms; NOT_DONE when it did not come, for instance because its
 * holder is stopped. */
MUST_CHECK bool db_turnstile_enter(struct db_turnstile *turnstile, uint32_t wait_ms,
				   struct err *err);
void db_turnstile_leave(struct db_turnstile *turnstile);

/* Opens path with a suffix for locking: created with `mode`, closed on exec. -1 and errno. */
int db_turnstile_open_file(const char *path, const char *suffix, mode_t mode);

#endif
