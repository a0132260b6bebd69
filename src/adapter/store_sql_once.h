/* Requests that are repeated, for the files of the SQL store. */
#ifndef SLUICE_ADAPTER_STORE_SQL_ONCE_H
#define SLUICE_ADAPTER_STORE_SQL_ONCE_H

#include "adapter/store_sql_parts.h"
#include "port/store_once.h"

bool store_sql_once_load(struct store *store, const struct store_once *once,
			 struct store_once_row *ret_row, struct buf *ret_answer, bool *ret_found,
			 struct err *err);
bool store_sql_once_answer(struct store *store, const struct store_once *once, unsigned status,
			   struct str answer, int64_t now_ms, struct err *err);
/* Inside a write: REFUSED (once_taken) when another attempt has the key. */
MUST_CHECK bool once_claim(struct db *db, const struct store_once *once, int64_t now_ms,
			   struct err *err);

#endif
