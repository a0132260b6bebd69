#include "adapter/sql_row.h"

#include "base/check.h"
#include "base/defence.h"

#include <string.h>

/* Transactions that meet again and again give way in turns: more often is a fault. */
#define WRITE_TRIES_MAX 20

struct sql sql_prepare(struct db *db, const char *text, struct err *err)
{
	struct sql sql; /* its scratch stays unset on purpose: a kilobyte per statement adds up */
	sql.db = db;
	sql.at = 1;
	sql.err = err;
	sql.scratch_len = 0;
	sql.statement = db_prepare(db, text, err);
	sql.failed = sql.statement == NULL;
	return sql;
}

void sql_put_i64(struct sql *sql, int64_t value)
{
	if (!sql->failed)
		db_bind_i64(sql->db, sql->statement, sql->at++, value);
}

void sql_put_u64(struct sql *sql, uint64_t value)
{
	sql_put_i64(sql, value <= INT64_MAX ? (int64_t)value : INT64_MAX);
}

void sql_put_bytes(struct sql *sql, const void *bytes, size_t len)
{
	if (!sql->failed)
		db_bind_bytes(sql->db, sql->statement, sql->at++, bytes, len);
}

void sql_put_null(struct sql *sql)
{
	if (!sql->failed)
		db_bind_null(sql->db, sql->statement, sql->at++);
}

void sql_put_text(struct sql *sql, const char *text)
{
	if (text == NULL)
		sql_put_null(sql);
	else if (!sql->failed)
		db_bind_text(sql->db, sql->statement, sql->at++, str_from(text));
}

void sql_put_copy(struct sql *sql, const void *bytes, size_t len)
{
	CHECK(sql->scratch_len < SQL_SCRATCH && len <= U256_BYTES);
	uint8_t *copy = sql->scratch[sql->scratch_len++];
	memcpy(copy, bytes, len);
	sql_put_bytes(sql, copy, len);
}

void sql_put_id(struct sql *sql, struct id id)
{
	if (id_is_zero(id))
		sql_put_null(sql);
	else
		sql_put_copy(sql, id.bytes, sizeof id.bytes);
}

void sql_put_u256(struct sql *sql, struct u256 value)
{
	uint8_t bytes[U256_BYTES];
	u256_to_bytes(value, bytes);
	sql_put_copy(sql, bytes, sizeof bytes);
}

void sql_put_address(struct sql *sql, struct address address)
{
	sql_put_copy(sql, address.bytes, sizeof address.bytes);
}

void sql_put_hash(struct sql *sql, struct hash32 hash)
{
	if (hash32_is_zero(hash))
		sql_put_null(sql);
	else
		sql_put_copy(sql, hash.bytes, sizeof hash.bytes);
}

void sql_put_mac(struct sql *sql, const struct mac_tag *tag)
{
	sql_put_i64(sql, tag->key_id);
	if (tag->key_id == 0)
		sql_put_null(sql);
	else
		sql_put_bytes(sql, tag->bytes, sizeof tag->bytes);
}

void sql_put_next_row(struct sql *sql)
{
	if (sql->failed)
		return;
	db_bind_next_row(sql->db, sql->statement);
	sql->at = 1;
	sql->scratch_len = 0;
}

_Static_assert(BATCH_MAX == 64, "SQL_MARKS_BATCH has as many marks");

/* Bytes, and no id of its own: a zero one is no NULL here. */
void sql_put_ids(struct sql *sql, const struct id *ids, size_t n)
{
	CHECK(n > 0 && n <= BATCH_MAX);
	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_bytes(sql, ids[i < n ? i : 0].bytes, ID_BYTES);
}

bool sql_run(struct sql *sql, bool *ret_conflict)
{
	if (ret_conflict != NULL)
		*ret_conflict = false;
	if (sql->failed)
		return false;
	enum db_step step = db_step(sql->db, sql->statement, sql->err);
	CHECK(step != DB_ROW); /* a write returns none */
	if (step == DB_CONFLICT && ret_conflict == NULL)
		return err_set(sql->err, ERR_NOT_DONE, "a unique key stood in the way");
	if (step == DB_CONFLICT)
		*ret_conflict = true;
	sql->failed = step == DB_FAILED;
	return !sql->failed;
}

bool sql_run_count(struct sql *sql, int64_t *ret_changed)
{
	if (!sql_run(sql, NULL))
		return false;
	*ret_changed = db_changes(sql->db);
	return true;
}

static bool later(struct sql *sql, bool changes_one)
{
	sql->failed = sql->failed || !db_later(sql->db, sql->statement, changes_one, sql->err);
	return !sql->failed;
}

bool sql_later_one(struct sql *sql)
{
	return later(sql, true);
}

bool sql_later_any(struct sql *sql)
{
	return later(sql, false);
}

bool sql_next(struct sql *sql)
{
	if (sql->failed)
		return false;
	enum db_step step = db_step(sql->db, sql->statement, sql->err);
	sql->at = 0;
	sql->failed = step == DB_FAILED;
	CHECK(step != DB_CONFLICT);
	return step == DB_ROW;
}

bool sql_end(struct sql *sql)
{
	if (sql->statement != NULL)
		db_reset(sql->db, sql->statement);
	return !sql->failed;
}

int64_t sql_take_i64(struct sql *sql)
{
	return db_column_i64(sql->db, sql->statement, sql->at++);
}

uint64_t sql_take_u64(struct sql *sql)
{
	int64_t value = sql_take_i64(sql);
	return value < 0 ? 0 : (uint64_t)value;
}

uint32_t sql_take_u32(struct sql *sql)
{
	int64_t value = sql_take_i64(sql);
	return value < 0 || value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

void sql_take_bytes(struct sql *sql, void *ret_bytes, size_t len)
{
	struct str bytes = db_column_bytes(sql->db, sql->statement, sql->at++);
	memset(ret_bytes, 0, len);
	if (bytes.len == len)
		memcpy(ret_bytes, bytes.at, len);
}

size_t sql_take_blob(struct sql *sql, void *ret_bytes, size_t cap)
{
	struct str bytes = db_column_bytes(sql->db, sql->statement, sql->at++);
	if (bytes.len > cap)
		return 0;
	if (bytes.len > 0)
		memcpy(ret_bytes, bytes.at, bytes.len);
	return bytes.len;
}

void sql_take_text(struct sql *sql, char *ret_text, size_t capacity)
{
	struct str text = db_column_bytes(sql->db, sql->statement, sql->at++);
	if (!str_copy(text, ret_text, capacity))
		ret_text[0] = 0;
}

struct id sql_take_id(struct sql *sql)
{
	struct id id;
	sql_take_bytes(sql, id.bytes, sizeof id.bytes);
	return id;
}

struct u256 sql_take_u256(struct sql *sql)
{
	uint8_t bytes[U256_BYTES];
	sql_take_bytes(sql, bytes, sizeof bytes);
	return u256_from_bytes(bytes);
}

struct address sql_take_address(struct sql *sql)
{
	struct address address;
	sql_take_bytes(sql, address.bytes, sizeof address.bytes);
	return address;
}

struct hash32 sql_take_hash(struct sql *sql)
{
	struct hash32 hash;
	sql_take_bytes(sql, hash.bytes, sizeof hash.bytes);
	return hash;
}

struct mac_tag sql_take_mac(struct sql *sql)
{
	struct mac_tag tag = { .key_id = sql_take_u32(sql) };
	sql_take_bytes(sql, tag.bytes, sizeof tag.bytes);
	return tag;
}

void sql_skip(struct sql *sql, int columns)
{
	sql->at += columns;
}

static bool write_once(struct db *db, bool (*body)(struct db *db, void *context, struct err *err),
		       void *context, struct err *err)
{
	if (!db_begin(db, true, err))
		return false;
	if (!body(db, context, err)) {
		struct err late = { 0 };
		if (DEFENCE("all_or_nothing") || !db_commit(db, &late))
			db_rollback(db);
		return false;
	}
	return db_commit(db, err);
}

bool sql_write(struct db *db, bool (*body)(struct db *db, void *context, struct err *err),
	       void *context, struct err *err)
{
	for (int tries = 1;; tries++) {
		if (write_once(db, body, context, err))
			return true;
		if (tries == WRITE_TRIES_MAX || !db_may_repeat(db))
			return false;
	}
}

void items_order(struct id (*id_of)(const void *items, size_t at), const void *items, size_t n,
		 size_t ret_places[BATCH_MAX])
{
	CHECK(n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++) {
		struct id id = id_of(items, i);
		size_t at = i;
		for (; at > 0; at--) {
			struct id before = id_of(items, ret_places[at - 1]);
			if (id_compare(before, id) <= 0)
				break;
			ret_places[at] = ret_places[at - 1];
		}
		ret_places[at] = i;
	}
}

size_t items_pass(struct id (*id_of)(const void *items, size_t at), const void *items,
		  const size_t *places, size_t n, size_t pass, size_t ret_places[BATCH_MAX])
{
	size_t len = 0;
	size_t seen = 0;
	for (size_t i = 0; i < n; i++) {
		bool again =
			i > 0 && id_equal(id_of(items, places[i]), id_of(items, places[i - 1]));
		seen = again ? seen + 1 : 0;
		if (seen == pass)
			ret_places[len++] = places[i];
	}
	return len;
}
