#include "adapter/journal_sql_feed.h"

/* Reads the rows of a statement that is ready; ends it. */
static bool heads_take(struct sql *sql, const uint8_t key[32], struct journal_feed_head *ret_heads,
		       size_t cap, size_t *ret_len, struct err *err)
{
	struct journal_feed_row row;
	bool verified = true;
	size_t len = 0;
	while (len < cap && sql_next(sql)) {
		verified = journal_feed_take(sql, key, &row, err);
		if (!verified)
			break;
		ret_heads[len++] = row.head;
	}
	if (!sql_end(sql) || !verified)
		return false;
	*ret_len = len;
	return true;
}

bool journal_feed_look(struct db *db, const uint8_t key[32], const struct feed_head *head,
		       bool *ret_write, bool *inout_different, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT " JOURNAL_FEED_COLUMNS " FROM feed_heads WHERE life = ? AND number = ?",
		err);
	struct journal_feed_head found;
	size_t len = 0;
	sql_put_u64(&sql, head->life);
	sql_put_u64(&sql, head->number);
	if (!heads_take(&sql, key, &found, 1, &len, err))
		return false;
	*ret_write = len == 0;
	*inout_different |= len > 0 && !feed_head_equal(&found.head, head);
	return true;
}

bool journal_feed_after(struct db *db, const uint8_t key[32], int64_t sequence,
			struct journal_feed_head *ret_heads, size_t cap, size_t *ret_len,
			struct err *err)
{
	struct sql sql =
		sql_prepare(db,
			    "SELECT " JOURNAL_FEED_COLUMNS
			    " FROM feed_heads WHERE sequence > ? ORDER BY sequence LIMIT ?",
			    err);
	sql_put_i64(&sql, sequence);
	sql_put_i64(&sql, (int64_t)cap);
	return heads_take(&sql, key, ret_heads, cap, ret_len, err);
}

bool journal_feed_last(struct db *db, const uint8_t key[32], bool *ret_any,
		       struct journal_feed_head *ret_head, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT " JOURNAL_FEED_COLUMNS
				     " FROM feed_heads ORDER BY sequence DESC LIMIT 1",
				     err);
	size_t len = 0;
	if (!heads_take(&sql, key, ret_head, 1, &len, err))
		return false;
	*ret_any = len > 0;
	return true;
}
