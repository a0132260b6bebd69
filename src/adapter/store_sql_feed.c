/* The feed: positions of committed rows, and the seals over them. What a row says goes into one
 * digest here, column by column, as it is stored: whatever its length and form, so that nothing
 * that an editor writes reads as what stood there before. */
#include "adapter/store_sql_parts.h"

#include "base/defence.h"
#include "base/hash.h"
#include "port/store_feed.h"

#include <string.h>

/* The columns of a row, each with what it is: 'i' a number, 'b' bytes or text. The first three are
 * what the row is known by, with its position: see row_take. */
#define EVENT_COLUMNS "feed, withdrawal_id, sequence, at, type, actor, stage, detail"
#define EVENT_FORM    "ibiibiib"
#define AUDIT_COLUMNS "feed, subject, id, at, actor, who, request_id, action, detail"
#define AUDIT_FORM    "ibiiibbbb"

#define SEAL_COLUMNS                                                                           \
	"number, life, events_to, events_rows, audit_to, audit_rows, sealed_at, complete_at, " \
	"previous, tags, mac_key_id, mac"

/* What one row is hashed in; one that an editor made longer has a digest of its beginning and its
 * length. */
#define ROW_BYTES_MAX 8192

static void bytes_digest(struct buf *in, struct str bytes)
{
	uint8_t digest[SHA256_BYTES];
	sha256(bytes.at, bytes.len, digest);
	buf_u64(in, bytes.len);
	buf_bytes(in, digest, sizeof digest);
}

/* Numbers and short columns go in as they are; a long one by its own digest. */
static void column_write(struct buf *in, struct sql *sql, char form)
{
	if (db_column_is_null(sql->db, sql->statement, sql->at)) {
		buf_byte(in, 'n');
	} else if (form == 'i') {
		buf_byte(in, 'i');
		buf_u64(in, (uint64_t)db_column_i64(sql->db, sql->statement, sql->at));
	} else {
		struct str bytes = db_column_bytes(sql->db, sql->statement, sql->at);
		bool is_long = bytes.len > ROW_BYTES_MAX / 16;
		buf_byte(in, is_long ? 'l' : 'b');
		if (is_long)
			bytes_digest(in, bytes);
		else
			buf_prefixed(in, bytes.at, bytes.len);
	}
	sql->at++;
}

static void row_digest(struct sql *sql, const char *form, uint8_t ret_digest[SHA256_BYTES])
{
	char storage[ROW_BYTES_MAX];
	struct buf in = buf_of(storage, sizeof storage);
	sql->at = 1; /* all but the position */
	for (const char *at = form + 1; *at != 0; at++)
		column_write(&in, sql, *at);
	CHECK(!in.overflow);
	sha256(in.at, in.len, ret_digest);
}

static void row_take(struct sql *sql, enum feed_kind kind, struct feed_row *ret_row)
{
	*ret_row = (struct feed_row){ .kind = kind };
	ret_row->position = sql_take_i64(sql);
	ret_row->withdrawal = sql_take_id(sql);
	ret_row->number = sql_take_i64(sql);
	ret_row->at_ms = sql_take_i64(sql);
	row_digest(sql, kind == FEED_EVENTS ? EVENT_FORM : AUDIT_FORM, ret_row->digest);
}

static bool rows_take(struct sql *sql, enum feed_kind kind, struct feed_row *ret_rows, size_t cap,
		      size_t *ret_len)
{
	size_t len = 0;
	while (len < cap && sql_next(sql))
		row_take(sql, kind, &ret_rows[len++]);
	*ret_len = len;
	return sql_end(sql);
}

/* Those without a position lie beside each other in the index. Where some thousand wait, MariaDB
 * would rather read the table from its first row on, for the sake of the order, and newer rows
 * stand behind all that have a position: with the index it sorts what waits. */
bool store_sql_feed_pending(struct store *store, enum feed_kind kind, struct feed_row *ret_rows,
			    size_t cap, size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     kind == FEED_EVENTS
					     ? "SELECT " EVENT_COLUMNS
					       " FROM events {by events_feed} WHERE feed IS NULL "
					       "ORDER BY withdrawal_id, sequence LIMIT ?"
					     : "SELECT " AUDIT_COLUMNS
					       " FROM audit {by audit_feed} WHERE feed IS NULL "
					       "ORDER BY id LIMIT ?",
				     err);
	sql_put_i64(&sql, (int64_t)cap);
	return rows_take(&sql, kind, ret_rows, cap, ret_len);
}

bool store_sql_feed_rows(struct store *store, enum feed_kind kind, int64_t after,
			 struct feed_row *ret_rows, size_t cap, size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     kind == FEED_EVENTS
					     ? "SELECT " EVENT_COLUMNS
					       " FROM events WHERE feed > ? ORDER BY feed LIMIT ?"
					     : "SELECT " AUDIT_COLUMNS
					       " FROM audit WHERE feed > ? ORDER BY feed LIMIT ?",
				     err);
	sql_put_i64(&sql, after);
	sql_put_i64(&sql, (int64_t)cap);
	return rows_take(&sql, kind, ret_rows, cap, ret_len);
}

bool store_sql_audit_list(struct store *store, int64_t after, struct store_audit *ret_records,
			  size_t cap, size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT feed, at, actor, who, request_id, action, subject, "
				     "detail FROM audit WHERE feed > ? ORDER BY feed LIMIT ?",
				     err);
	size_t len = 0;
	sql_put_i64(&sql, after);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql)) {
		struct store_audit *record = &ret_records[len++];
		record->position = sql_take_i64(&sql);
		record->at_ms = sql_take_i64(&sql);
		record->actor = (enum actor)sql_take_i64(&sql);
		sql_take_text(&sql, record->who, sizeof record->who);
		sql_take_text(&sql, record->request_id, sizeof record->request_id);
		sql_take_text(&sql, record->action, sizeof record->action);
		record->subject = sql_take_id(&sql);
		sql_take_text(&sql, record->detail, sizeof record->detail);
	}
	*ret_len = len;
	return sql_end(&sql);
}

/* ---- seals ---- */

/* Counts that we cannot have written are above all bounds, and the MAC does not fit. */
static void seal_take(struct sql *sql, struct feed_seal *ret_seal)
{
	*ret_seal = (struct feed_seal){ .number = sql_take_u64(sql) };
	ret_seal->life = sql_take_u64(sql);
	for (size_t i = 0; i < FEED_KINDS; i++) {
		ret_seal->to[i] = sql_take_i64(sql);
		ret_seal->rows[i] = sql_take_u32(sql);
	}
	ret_seal->sealed_at = sql_take_i64(sql);
	ret_seal->complete_at = sql_take_i64(sql);
	sql_take_bytes(sql, ret_seal->previous, sizeof ret_seal->previous);
	(void)sql_take_blob(sql, ret_seal->tags, sizeof ret_seal->tags);
	ret_seal->mac = sql_take_mac(sql);
}

bool store_sql_feed_newest(struct store *store, struct feed_seal *ret_seal, bool *ret_any,
			   struct err *err)
{
	struct sql sql = sql_prepare(
		db_of(store),
		"SELECT " SEAL_COLUMNS " FROM feed_seals ORDER BY number DESC LIMIT 1", err);
	*ret_any = sql_next(&sql);
	if (*ret_any)
		seal_take(&sql, ret_seal);
	return sql_end(&sql);
}

bool store_sql_feed_next(struct store *store, uint64_t after, struct feed_seal *ret_seal,
			 bool *ret_any, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT " SEAL_COLUMNS
				     " FROM feed_seals WHERE number > ? ORDER BY number LIMIT 1",
				     err);
	sql_put_u64(&sql, after);
	*ret_any = sql_next(&sql);
	if (*ret_any)
		seal_take(&sql, ret_seal);
	return sql_end(&sql);
}

/* ---- writing ---- */

struct append {
	const struct store_lease *lease;
	const struct feed_seal *seal;
	const struct feed_row *rows;
	enum store_write result;
};

static bool seal_insert(struct db *db, const struct feed_seal *seal, bool *ret_taken,
			struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "INSERT INTO feed_seals (" SEAL_COLUMNS
				     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				     err);
	sql_put_u64(&sql, seal->number);
	sql_put_u64(&sql, seal->life);
	for (size_t i = 0; i < FEED_KINDS; i++) {
		sql_put_i64(&sql, seal->to[i]);
		sql_put_u64(&sql, seal->rows[i]);
	}
	sql_put_i64(&sql, seal->sealed_at);
	sql_put_i64(&sql, seal->complete_at);
	sql_put_bytes(&sql, seal->previous, sizeof seal->previous);
	sql_put_bytes(&sql, seal->tags,
		      (seal->rows[FEED_EVENTS] + seal->rows[FEED_AUDIT]) * FEED_TAG_BYTES);
	sql_put_mac(&sql, &seal->mac);
	return sql_run(&sql, ret_taken);
}

static void event_put(struct sql *sql, const struct feed_row *row)
{
	sql_put_i64(sql, row->position);
	sql_put_bytes(sql, row->withdrawal.bytes, sizeof row->withdrawal.bytes);
	sql_put_i64(sql, row->number);
}

static void audit_put(struct sql *sql, const struct feed_row *row)
{
	sql_put_i64(sql, row->position);
	sql_put_i64(sql, row->number);
}

/* *ret_taken: a row that is none of these has one of the positions. */
static bool positions_set(struct db *db, enum feed_kind kind, const struct feed_row *rows, size_t n,
			  bool *ret_taken, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     kind == FEED_EVENTS ? "UPDATE events SET feed = ? WHERE "
							   "withdrawal_id = ? AND sequence = ? "
							   "AND feed IS NULL"
							 : "UPDATE audit SET feed = ? WHERE id = ? "
							   "AND feed IS NULL",
				     err);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_put_next_row(&sql);
		if (kind == FEED_EVENTS)
			event_put(&sql, &rows[i]);
		else
			audit_put(&sql, &rows[i]);
	}
	return sql_run(&sql, ret_taken);
}

/* Many rows by one statement: how many it changed nobody says. */
static bool positions_count(struct db *db, enum feed_kind kind, int64_t after, int64_t to,
			    size_t *ret_count, struct err *err)
{
	struct sql sql = sql_prepare(
		db,
		kind == FEED_EVENTS ? "SELECT COUNT(*) FROM events WHERE feed > ? AND feed <= ?"
				    : "SELECT COUNT(*) FROM audit WHERE feed > ? AND feed <= ?",
		err);
	sql_put_i64(&sql, after);
	sql_put_i64(&sql, to);
	*ret_count = sql_next(&sql) ? (size_t)sql_take_u64(&sql) : 0;
	return sql_end(&sql);
}

static bool kind_write(struct db *db, struct append *append, enum feed_kind kind,
		       const struct feed_row *rows, struct err *err)
{
	size_t n = append->seal->rows[kind];
	int64_t to = append->seal->to[kind];
	size_t count = 0;
	bool taken = false;
	for (size_t at = 0; at < n && !taken; at += DB_ROWS_MAX) {
		size_t part = n - at < DB_ROWS_MAX ? n - at : DB_ROWS_MAX;
		if (!positions_set(db, kind, &rows[at], part, &taken, err))
			return false;
	}
	if (taken)
		append->result = STORE_TAKEN;
	if (taken || n == 0)
		return true;
	if (!positions_count(db, kind, to - (int64_t)n, to, &count, err))
		return false;
	if (count != n && DEFENCE("feed_rows_have_none"))
		append->result = STORE_MOVED;
	return true;
}

/* The transaction ends as it is: with nothing, where the result says so. */
static bool append_give_up(struct append *append, struct err *err)
{
	return append->result == STORE_WRITTEN ||
	       err_set(err, ERR_NOT_DONE, "the rows of the seal have moved");
}

static bool append_write(struct db *db, void *context, struct err *err)
{
	struct append *append = context;
	bool held = false;
	bool taken = false;
	append->result = STORE_WRITTEN;
	if (!lease_fence(db, append->lease, &held, err))
		return false;
	if (!held)
		append->result = STORE_FENCED;
	if (!held)
		return append_give_up(append, err);
	if (!seal_insert(db, append->seal, &taken, err))
		return false;
	if (taken)
		append->result = STORE_MOVED;
	for (size_t kind = 0, at = 0; kind < FEED_KINDS && append->result == STORE_WRITTEN;
	     kind++) {
		if (!kind_write(db, append, (enum feed_kind)kind, &append->rows[at], err))
			return false;
		at += append->seal->rows[kind];
	}
	return append_give_up(append, err);
}

bool store_sql_feed_append(struct store *store, const struct store_lease *lease,
			   const struct feed_seal *seal, const struct feed_row *rows,
			   enum store_write *ret_result, struct err *err)
{
	struct append append = { lease, seal, rows, STORE_WRITTEN };
	struct err why = { 0 };
	if (!sql_write(db_of(store), append_write, &append, &why) &&
	    append.result == STORE_WRITTEN) {
		if (err != NULL)
			*err = why;
		return false;
	}
	*ret_result = append.result;
	return true;
}
