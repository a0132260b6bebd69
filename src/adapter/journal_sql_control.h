/* The journal's sets of pause switches: what journal_sql.c reads of them. */
#ifndef SLUICE_ADAPTER_JOURNAL_SQL_CONTROL_H
#define SLUICE_ADAPTER_JOURNAL_SQL_CONTROL_H

#include "adapter/journal_sql_row.h"

/* What stands there of the same version: nothing, so that it is to be written; or another one. */
MUST_CHECK bool journal_controls_look(struct db *db, const uint8_t key[32],
				      const struct journal_controls *controls, bool *ret_write,
				      bool *inout_different, struct err *err);
MUST_CHECK bool journal_controls_newest(struct db *db, const uint8_t key[32], bool *ret_any,
					struct journal_controls *ret_controls, struct err *err);

#endif
