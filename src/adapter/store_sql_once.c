/* Requests that are repeated, as rows: the key is taken in the transaction of what was asked for.
 */
#include "adapter/store_sql_once.h"

#include "base/defence.h"

#include <string.h>

static bool attempt_load(struct db *db, const struct store_once *once, struct id *ret_attempt,
			 struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT attempt FROM idempotency WHERE principal = ? AND key_hash = ?", err);
	sql_put_text(&sql, once->principal);
	sql_put_bytes(&sql, once->key_hash, sizeof once->key_hash);
	*ret_attempt = (struct id){ 0 };
	if (sql_next(&sql))
		*ret_attempt = sql_take_id(&sql);
	return sql_end(&sql);
}

/* A change with several audit records comes here for each of them. */
bool once_claim(struct db *db, const struct store_once *once, int64_t now_ms, struct err *err)
{
	struct id owner;
	bool conflict = false;
	if (!attempt_load(db, once, &owner, err))
		return false;
	if (id_equal(owner, once->attempt) || !DEFENCE("key_is_taken_once"))
		return true;
	if (id_is_zero(owner)) {
		struct sql sql = sql_prepare(db,
					     "INSERT INTO idempotency (principal, key_hash, "
					     "fingerprint, attempt, at, status, answer) VALUES "
					     "(?, ?, ?, ?, ?, 0, '')",
					     err);
		sql_put_text(&sql, once->principal);
		sql_put_bytes(&sql, once->key_hash, sizeof once->key_hash);
		sql_put_bytes(&sql, once->fingerprint, sizeof once->fingerprint);
		sql_put_id(&sql, once->attempt);
		sql_put_i64(&sql, now_ms);
		if (!sql_run(&sql, &conflict))
			return false;
		if (!conflict)
			return true;
	}
	return err_refuse(err, "once_taken", "another request has the key");
}

static bool answer_load(struct db *db, const struct store_once *once, struct buf *ret_answer,
			struct err *err)
{
	struct sql sql = sql_prepare(
		db, "SELECT answer FROM idempotency WHERE principal = ? AND key_hash = ?", err);
	sql_put_text(&sql, once->principal);
	sql_put_bytes(&sql, once->key_hash, sizeof once->key_hash);
	if (sql_next(&sql))
		buf_str(ret_answer, db_column_bytes(db, sql.statement, 0));
	return sql_end(&sql);
}

bool store_sql_once_load(struct store *store, const struct store_once *once,
			 struct store_once_row *ret_row, struct buf *ret_answer, bool *ret_found,
			 struct err *err)
{
	struct db *db = db_of(store);
	struct sql sql = sql_prepare(db,
				     "SELECT fingerprint, at, status FROM idempotency "
				     "WHERE principal = ? AND key_hash = ?",
				     err);
	sql_put_text(&sql, once->principal);
	sql_put_bytes(&sql, once->key_hash, sizeof once->key_hash);
	memset(ret_row, 0, sizeof *ret_row);
	*ret_found = sql_next(&sql);
	if (*ret_found) {
		sql_take_bytes(&sql, ret_row->fingerprint, sizeof ret_row->fingerprint);
		ret_row->at_ms = sql_take_i64(&sql);
		ret_row->status = sql_take_u32(&sql);
	}
	if (!sql_end(&sql))
		return false;
	return !*ret_found || answer_load(db, once, ret_answer, err);
}

struct answer_write {
	const struct store_once *once;
	unsigned status;
	struct str answer;
	int64_t now_ms;
};

static bool answer_write(struct db *db, void *context, struct err *err)
{
	const struct answer_write *write = context;
	struct sql sql = sql_prepare(db,
				     "UPDATE idempotency SET status = ?, answer = ? "
				     "WHERE principal = ? AND key_hash = ? AND attempt = ?",
				     err);
	sql_put_i64(&sql, write->status);
	sql_put_bytes(&sql, write->answer.at, write->answer.len);
	sql_put_text(&sql, write->once->principal);
	sql_put_bytes(&sql, write->once->key_hash, sizeof write->once->key_hash);
	sql_put_id(&sql, write->once->attempt);
	if (!sql_run(&sql, NULL))
		return false;
	struct sql old = sql_prepare(db, "DELETE FROM idempotency WHERE at < ?", err);
	sql_put_i64(&old, write->now_ms - ONCE_KEPT_MS);
	return sql_run(&old, NULL);
}

bool store_sql_once_answer(struct store *store, const struct store_once *once, unsigned status,
			   struct str answer, int64_t now_ms, struct err *err)
{
	struct answer_write write = { once, status, answer, now_ms };
	return sql_write(db_of(store), answer_write, &write, err);
}
