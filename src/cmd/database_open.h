/* A connection to the store's database, or the journal's, whichever of the back ends it is in. */
#ifndef SLUICE_CMD_DATABASE_OPEN_H
#define SLUICE_CMD_DATABASE_OPEN_H

#include "cmd/config.h"
#include "base/metric.h"
#include "port/clock.h"
#include "port/db.h"

enum database_user {
	DATABASE_ROLE,    /* what a role may: no change of the schema */
	DATABASE_MIGRATE, /* who changes the schema */
	DATABASE_READ,    /* who reads a replica */
};

/* Who looks after a connection to a server. All borrowed. */
struct database_watch {
	struct clock *clock;
	struct metrics *metrics; /* may be NULL */
	const char *neighbour;   /* "store", "journal" */
};

/* A database of SQLite is made, in a directory that is made, if it is not there yet. cache_kb: what
 * SQLite keeps in memory. watch: NULL for a command, which ends when nobody answers. */
MUST_CHECK bool database_open(const struct config_database *database, enum database_user user,
			      uint32_t cache_kb, const struct database_watch *watch,
			      struct db **ret_db, struct err *err);
/* For messages: its path, or "name on host:port". */
void database_tell(const struct config_database *database, struct buf *out);

#endif
