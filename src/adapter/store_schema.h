/* The schema of the store, as numbered steps that only go forward. */
#ifndef SLUICE_ADAPTER_STORE_SCHEMA_H
#define SLUICE_ADAPTER_STORE_SCHEMA_H

#include "port/db.h"

/* The range of schema versions that this binary works with. */
#define STORE_SCHEMA_MIN 1
#define STORE_SCHEMA_MAX 1

/* Brings the schema up to STORE_SCHEMA_MAX. Several starters at once are fine. REFUSED when a step
 * that was applied earlier has another checksum, or the schema is newer than this binary. */
MUST_CHECK bool store_schema_migrate(struct db *db, int64_t now_ms, struct err *err);
/* REFUSED unless the schema's version is in the range; the text says what to do. */
/* The newest version that was applied; 0 without any. */
MUST_CHECK bool store_schema_version(struct db *db, int *ret_version, struct err *err);
MUST_CHECK bool store_schema_check(struct db *db, struct err *err);

#endif
