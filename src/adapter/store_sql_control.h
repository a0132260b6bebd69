/* Pause switches, for the files of the SQL store. */
#ifndef SLUICE_ADAPTER_STORE_SQL_CONTROL_H
#define SLUICE_ADAPTER_STORE_SQL_CONTROL_H

#include "adapter/store_sql_parts.h"

bool store_sql_controls_load(struct store *store, struct control_set *ret_set, struct err *err);
bool store_sql_controls_change(struct store *store, struct store_control_change *change,
			       const struct store_by *by, struct err *err);
bool store_sql_of_key(struct store *store, const uint8_t key_hash[KEY_HASH_BYTES],
		      struct withdrawal *ret_row, bool *ret_found, struct err *err);
/* The version of the pause switches, locked against their change until the transaction ends. */
struct controls_now {
	bool found;
	uint64_t version;
};
MUST_CHECK bool controls_version_lock(struct db *db, struct controls_now *ret_now, struct err *err);
/* Is that still what a decision was made by? */
bool controls_are(const struct controls_now *now, uint64_t version);

#endif
