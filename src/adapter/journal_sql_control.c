#include "adapter/journal_sql_control.h"

#include <string.h>

/* Reads the one row of a statement that is ready, if it has any; ends it. */
static bool one_take(struct sql *sql, const uint8_t key[32], bool *ret_any,
		     struct journal_controls *ret_controls, struct err *err)
{
	struct journal_controls_row row;
	bool any = sql_next(sql);
	bool verified = !any || journal_controls_take(sql, key, &row, err);
	if (!sql_end(sql) || !verified)
		return false;
	*ret_any = any;
	if (any)
		*ret_controls = row.controls;
	return true;
}

bool journal_controls_look(struct db *db, const uint8_t key[32],
			   const struct journal_controls *controls, bool *ret_write,
			   bool *inout_different, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT " JOURNAL_CONTROLS_COLUMNS " FROM controls WHERE version = ?", err);
	struct journal_controls found;
	bool any = false;
	sql_put_u64(&sql, controls->version);
	if (!one_take(&sql, key, &any, &found, err))
		return false;
	*ret_write = !any;
	*inout_different |= any && memcmp(found.mac, controls->mac, sizeof found.mac) != 0;
	return true;
}

bool journal_controls_newest(struct db *db, const uint8_t key[32], bool *ret_any,
			     struct journal_controls *ret_controls, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT " JOURNAL_CONTROLS_COLUMNS
				     " FROM controls ORDER BY version DESC LIMIT 1",
				     err);
	return one_take(&sql, key, ret_any, ret_controls, err);
}
