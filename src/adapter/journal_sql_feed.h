/* The journal's heads of the store's feed: what journal_sql.c reads of them. */
#ifndef SLUICE_ADAPTER_JOURNAL_SQL_FEED_H
#define SLUICE_ADAPTER_JOURNAL_SQL_FEED_H

#include "adapter/journal_sql_row.h"

/* What stands there of the same life and number: nothing, so that it is to be written; or another
 * one. */
MUST_CHECK bool journal_feed_look(struct db *db, const uint8_t key[32],
				  const struct feed_head *head, bool *ret_write,
				  bool *inout_different, struct err *err);
MUST_CHECK bool journal_feed_after(struct db *db, const uint8_t key[32], int64_t sequence,
				   struct journal_feed_head *ret_heads, size_t cap, size_t *ret_len,
				   struct err *err);
MUST_CHECK bool journal_feed_last(struct db *db, const uint8_t key[32], bool *ret_any,
				  struct journal_feed_head *ret_head, struct err *err);

#endif
