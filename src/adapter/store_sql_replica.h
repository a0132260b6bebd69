/* port/replica.h over SQL: marks go through the store's own connection, lists come over one to the
 * replica, which is made when it is needed. */
#ifndef SLUICE_ADAPTER_STORE_SQL_REPLICA_H
#define SLUICE_ADAPTER_STORE_SQL_REPLICA_H

#include "port/db.h"
#include "port/entropy.h"
#include "port/replica.h"

struct store_sql_replica_options {
	struct db *primary; /* borrowed; of the thread that has the store */
	/* Connects to the replica, on the thread that reads. */
	bool (*open)(void *context, struct db **ret_db, struct err *err);
	void *context;
	struct entropy *entropy; /* borrowed for the call */
};

/* Connects to nothing yet. */
struct replica *store_sql_replica_new(const struct store_sql_replica_options *options);

#endif
