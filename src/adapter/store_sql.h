/* The store over any SQL database behind port/db.h. One instance per connection, one thread each.
 */
#ifndef SLUICE_ADAPTER_STORE_SQL_H
#define SLUICE_ADAPTER_STORE_SQL_H

#include "port/db.h"
#include "port/store.h"

/* db is borrowed and must outlive the store. REFUSED when the schema's version does not fit. */
MUST_CHECK bool store_sql_open(struct db *db, struct store **ret_store, struct err *err);
/* Makes or upgrades the schema; safe with several starters at once. */
MUST_CHECK bool store_sql_migrate(struct db *db, int64_t now_ms, struct err *err);

#endif
