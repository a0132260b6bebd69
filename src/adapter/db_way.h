/* What a connection does whose transaction was undone for the sake of another one: it lets the
 * others go first, longer each time in a row, before it comes again; or it gives up. How long is
 * drawn, so that those who met do not meet once more. What is drawn is no secret, and from no
 * source of any. */
#ifndef SLUICE_ADAPTER_DB_WAY_H
#define SLUICE_ADAPTER_DB_WAY_H

#include <stdbool.h>
#include <stdint.h>

/* Twenty times in a row take two seconds. */
#define DB_WAY_PAUSE_US_MAX 128000
/* Somebody has kept a lock for the whole deadline, twice: he does more than to be in the way. */
#define DB_WAY_WAITS_MAX 2

struct db_way {
	uint64_t seed;       /* differs among the connections that meet */
	uint64_t drawn;      /* so far */
	unsigned gave;       /* in a row, since the last commit */
	unsigned waited_out; /* of these, the last ones that had waited for the whole deadline */
};

void db_way_give(struct db_way *way, bool waited_out);
void db_way_committed(struct db_way *way);
bool db_way_may_repeat(const struct db_way *way);
/* Microseconds, up to DB_WAY_PAUSE_US_MAX; 0 when it gave way to nobody. */
uint32_t db_way_draw_us(struct db_way *way);
void db_way_pause(struct db_way *way); /* sleeps for as long */

#endif
