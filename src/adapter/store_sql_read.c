/* What the API reads: one withdrawal, lists of them, their events. Reads end before anything waits.
 */
#include "adapter/store_sql_parts.h"
#include "core/intent.h"

#include <string.h>

/* The hash that people look for: of the mined attempt, else of the newest. */
static bool newest_hash(struct db *db, const struct transfer *transfer, struct hash32 *ret_hash,
			struct err *err)
{
	if (!hash32_is_zero(transfer->mined_hash)) {
		*ret_hash = transfer->mined_hash;
		return true;
	}
	struct sql sql = sql_prepare(db,
				     "SELECT tx_hash FROM attempts WHERE transfer_id = ? "
				     "ORDER BY number DESC LIMIT 1",
				     err);
	sql_put_id(&sql, transfer->id);
	memset(ret_hash, 0, sizeof *ret_hash);
	if (sql_next(&sql))
		*ret_hash = sql_take_hash(&sql);
	return sql_end(&sql);
}

static bool view_complete(struct db *db, struct store_view *view, struct err *err)
{
	view->has_transfer = false;
	view->attempts = 0;
	memset(&view->tx_hash, 0, sizeof view->tx_hash);
	if (id_is_zero(view->withdrawal.transfer))
		return true;
	if (!transfer_load(db, view->withdrawal.transfer, &view->transfer, &view->has_transfer,
			   err))
		return false;
	if (!view->has_transfer)
		return true;
	view->attempts = view->transfer.attempts;
	return newest_hash(db, &view->transfer, &view->tx_hash, err);
}

bool store_sql_view(struct store *store, struct id id, struct store_view *ret_view, bool *ret_found,
		    struct err *err)
{
	struct db *db = db_of(store);
	if (!db_begin(db, false, err))
		return false;
	bool good = withdrawal_load(db, id, &ret_view->withdrawal, ret_found, err) &&
		    (!*ret_found || view_complete(db, ret_view, err));
	db_rollback(db);
	return good;
}

/* Filters that are not asked for are written as conditions that hold for every row: one statement
 * serves all combinations. The cursor is always a bound, and so is where the walk through the
 * account's own rows ends: whoever asks for what is not there must not have all of them read.
 * Stages are compared in the index. */
static const char list_text[] =
	"SELECT " WITHDRAWAL_COLUMNS " FROM withdrawals {by withdrawals_account} "
	"WHERE account = ? AND id < ? AND id >= ? AND stage BETWEEN ? AND ? AND (? = 0 OR asset = ?) AND created_at > ? "
	"ORDER BY id DESC LIMIT ?";
static const char list_external_text[] =
	"SELECT " WITHDRAWAL_COLUMNS " FROM withdrawals WHERE external_hash = ? AND account = ? "
	"AND id < ? AND id >= ? AND stage BETWEEN ? AND ? AND (? = 0 OR asset = ?) AND created_at > ? "
	"ORDER BY id DESC LIMIT ?";

static const char last_looked_text[] =
	"SELECT id FROM withdrawals {by withdrawals_account} "
	"WHERE account = ? AND id < ? AND id >= ? ORDER BY id DESC LIMIT 1 OFFSET ?";

/* By how much a row's time of creation may be after that in its id: both are asked of one clock,
 * one right after the other, and it may be set in between. */
#define CLOCK_SET_MS 600000

/* Above every id: their version is not 15. */
static const struct id id_end = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				    0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

static void put_cursor(struct sql *sql, const struct store_filter *filter)
{
	const struct id *before = filter->has_before ? &filter->before : &id_end;
	sql_put_bytes(sql, before->bytes, ID_BYTES);
}

static void put_asset(struct sql *sql, const struct store_filter *filter)
{
	sql_put_i64(sql, filter->asset != NULL ? 1 : 0);
	sql_put_text(sql, filter->asset == NULL ? "" : filter->asset);
}

static void put_stages(struct sql *sql, const struct store_filter *filter)
{
	sql_put_i64(sql, filter->has_status ? (int)filter->stage_first : 0);
	sql_put_i64(sql, filter->has_status ? (int)filter->stage_last : 99);
}

/* Where the walk ends at the latest: an id begins with the time that it was made at. */
static struct id first_since(const struct store_filter *filter)
{
	struct id id = { 0 };
	int64_t since_ms = filter->created_after_ms - CLOCK_SET_MS;
	for (int i = 0; i < 6 && since_ms > 0; i++)
		id.bytes[i] = (uint8_t)(since_ms >> (40 - 8 * i));
	return id;
}

static int64_t created_after(const struct store_filter *filter)
{
	return filter->created_after_ms == 0 ? -1 : filter->created_after_ms;
}

static struct sql list_prepare(struct db *db, const struct store_filter *filter, struct id first,
			       uint8_t external_hash[KEY_HASH_BYTES], struct err *err)
{
	struct sql sql;
	if (filter->external_id != NULL) {
		key_hash_make(filter->account, str_from(filter->external_id), external_hash);
		sql = sql_prepare(db, list_external_text, err);
		sql_put_bytes(&sql, external_hash, KEY_HASH_BYTES);
	} else {
		sql = sql_prepare(db, list_text, err);
	}
	sql_put_text(&sql, filter->account);
	put_cursor(&sql, filter);
	sql_put_bytes(&sql, first.bytes, ID_BYTES);
	put_stages(&sql, filter);
	put_asset(&sql, filter);
	sql_put_i64(&sql, created_after(filter));
	sql_put_i64(&sql, (int64_t)filter->limit);
	return sql;
}

/* A page without filters ends by its limit, and an external id has one row. */
static bool is_narrowed(const struct store_filter *filter)
{
	return filter->external_id == NULL &&
	       (filter->has_status || filter->asset != NULL || filter->created_after_ms != 0);
}

/* *inout_first: the last row that this page looks at, where there are that many. */
static bool last_looked(struct db *db, const struct store_filter *filter, struct id *inout_first,
			bool *ret_cut, struct err *err)
{
	*ret_cut = false;
	if (!is_narrowed(filter))
		return true;
	struct sql sql = sql_prepare(db, last_looked_text, err);
	sql_put_text(&sql, filter->account);
	put_cursor(&sql, filter);
	sql_put_bytes(&sql, inout_first->bytes, ID_BYTES);
	sql_put_i64(&sql, PAGE_LOOKED_MAX - 1);
	*ret_cut = sql_next(&sql);
	if (*ret_cut)
		*inout_first = sql_take_id(&sql);
	return sql_end(&sql);
}

bool store_sql_list_read(struct db *db, const struct store_filter *filter,
			 struct store_view *ret_views, struct store_page *ret_page, struct err *err)
{
	uint8_t external_hash[KEY_HASH_BYTES];
	struct id first = first_since(filter);
	bool is_cut;
	if (!last_looked(db, filter, &first, &is_cut, err))
		return false;
	struct sql sql = list_prepare(db, filter, first, external_hash, err);
	size_t len = 0;
	while (len < filter->limit && sql_next(&sql))
		withdrawal_take(&sql, &ret_views[len++].withdrawal);
	if (!sql_end(&sql))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!view_complete(db, &ret_views[i], err))
			return false;
	bool is_full = len == filter->limit;
	*ret_page = (struct store_page){ .len = len, .has_next = is_full || is_cut, .next = first };
	if (is_full)
		ret_page->next = ret_views[len - 1].withdrawal.intent.id;
	return true;
}

bool store_sql_list(struct store *store, const struct store_filter *filter,
		    struct store_view *ret_views, struct store_page *ret_page, struct err *err)
{
	struct db *db = db_of(store);
	if (!db_begin(db, false, err))
		return false;
	bool good = store_sql_list_read(db, filter, ret_views, ret_page, err);
	db_rollback(db);
	return good;
}

bool store_sql_events(struct store *store, struct id withdrawal, uint64_t after,
		      struct store_event *ret_events, size_t cap, size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT sequence, at, type, actor, stage, detail FROM events "
				     "WHERE withdrawal_id = ? AND sequence > ? "
				     "ORDER BY sequence LIMIT ?",
				     err);
	size_t len = 0;
	sql_put_id(&sql, withdrawal);
	sql_put_u64(&sql, after);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql)) {
		struct store_event *event = &ret_events[len++];
		event->sequence = sql_take_u64(&sql);
		event->at_ms = sql_take_i64(&sql);
		sql_take_text(&sql, event->type, sizeof event->type);
		event->actor = (enum actor)sql_take_i64(&sql);
		event->stage = (enum withdrawal_stage)sql_take_i64(&sql);
		sql_take_text(&sql, event->detail, sizeof event->detail);
	}
	*ret_len = len;
	return sql_end(&sql);
}
