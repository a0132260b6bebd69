/* The contract of port/db.h, checked once for every driver: what is in a transaction and what is
 * not, and that results are ones a caller may rely on. Only this file calls the ops table. */
#include "port/db.h"

#include "port/stop_point.h"

bool db_begin(struct db *db, bool write, struct err *err)
{
	PORT_CALL();
	CHECK(db && !db->in_transaction);
	if (!db->ops->begin(db, write, err))
		return false;
	db->in_transaction = true;
	db->writing = write;
	return true;
}

bool db_commit(struct db *db, struct err *err)
{
	PORT_CALL();
	struct err fault = { 0 };
	bool done;

	CHECK(db && db->in_transaction);
	done = db->ops->commit(db, &fault);
	db->in_transaction = false;
	db->writing = false;
	if (done)
		return true;
	CHECK(fault.kind == ERR_NOT_DONE || fault.kind == ERR_MAYBE_DONE);
	if (err)
		*err = fault;
	return false;
}

void db_rollback(struct db *db)
{
	CHECK(db);
	if (!db->in_transaction)
		return;
	db->ops->rollback(db);
	db->in_transaction = false;
	db->writing = false;
}

bool db_may_repeat(struct db *db)
{
	CHECK(db && !db->in_transaction);
	return db->ops->may_repeat(db);
}

bool db_exec(struct db *db, const char *sql, struct err *err)
{
	PORT_CALL();
	CHECK(db && sql && sql[0]);
	CHECK(!db->in_transaction || db->writing);
	return db->ops->exec(db, sql, err);
}

struct db_statement *db_prepare(struct db *db, const char *sql, struct err *err)
{
	CHECK(db && sql && sql[0]);
	return db->ops->prepare(db, sql, err);
}

void db_bind_null(struct db *db, struct db_statement *statement, int at)
{
	CHECK(db && statement && at >= 1);
	db->ops->bind_null(statement, at);
}

void db_bind_i64(struct db *db, struct db_statement *statement, int at, int64_t value)
{
	CHECK(db && statement && at >= 1);
	db->ops->bind_i64(statement, at, value);
}

void db_bind_bytes(struct db *db, struct db_statement *statement, int at, const void *bytes,
		   size_t len)
{
	CHECK(db && statement && at >= 1);
	CHECK(bytes || len == 0);
	db->ops->bind_bytes(statement, at, bytes, len);
}

void db_bind_text(struct db *db, struct db_statement *statement, int at, struct str text)
{
	CHECK(db && statement && at >= 1);
	CHECK(text.at || text.len == 0);
	db->ops->bind_text(statement, at, text);
}

void db_bind_next_row(struct db *db, struct db_statement *statement)
{
	CHECK(db && statement && db->in_transaction && db->writing);
	db->ops->bind_next_row(statement);
}

bool db_later(struct db *db, struct db_statement *statement, bool changes_one, struct err *err)
{
	PORT_CALL();
	CHECK(db && statement && db->in_transaction && db->writing);
	return db->ops->later(statement, changes_one, err);
}

enum db_step db_step(struct db *db, struct db_statement *statement, struct err *err)
{
	PORT_CALL();
	struct err fault = { 0 };
	enum db_step step;

	CHECK(db && statement);
	step = db->ops->step(statement, &fault);
	CHECK(step == DB_ROW || step == DB_DONE || step == DB_CONFLICT || step == DB_FAILED);
	if (step != DB_FAILED)
		return step;
	CHECK(fault.kind != ERR_NONE);
	if (err)
		*err = fault;
	return DB_FAILED;
}

void db_reset(struct db *db, struct db_statement *statement)
{
	CHECK(db && statement);
	db->ops->reset(statement);
}

int64_t db_changes(struct db *db)
{
	int64_t changes;

	CHECK(db);
	changes = db->ops->changes(db);
	CHECK(changes >= 0);
	return changes;
}

bool db_column_is_null(struct db *db, struct db_statement *statement, int at)
{
	CHECK(db && statement && at >= 0);
	return db->ops->column_is_null(statement, at);
}

int64_t db_column_i64(struct db *db, struct db_statement *statement, int at)
{
	CHECK(db && statement && at >= 0);
	return db->ops->column_i64(statement, at);
}

struct str db_column_bytes(struct db *db, struct db_statement *statement, int at)
{
	struct str bytes;

	CHECK(db && statement && at >= 0);
	bytes = db->ops->column_bytes(statement, at);
	CHECK(bytes.at || bytes.len == 0);
	return bytes;
}

bool db_schema_lock(struct db *db, struct err *err)
{
	CHECK(db && !db->in_transaction);
	return db->ops->schema_lock(db, true, err);
}

void db_schema_unlock(struct db *db)
{
	struct err err = { 0 };

	CHECK(db && !db->in_transaction);
	(void)db->ops->schema_lock(db, false, &err);
}

enum db_lock db_host_lock(struct db *db, const char *name)
{
	enum db_lock lock;

	CHECK(db && name && name[0]);
	lock = db->ops->host_lock(db, name);
	CHECK(lock == DB_LOCK_HELD || lock == DB_LOCK_GAINED || lock == DB_LOCK_TAKEN ||
	      lock == DB_LOCK_UNSUPPORTED || lock == DB_LOCK_PRIVATE);
	return lock;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	CHECK(!db->in_transaction);
	db->ops->close(db);
}
