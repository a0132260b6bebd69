/* A small SQL database, as a port under the store: prepared statements, one write transaction at a
 * time, and the few words in which dialects differ. Reached by db_*, store_sql*, queue_store and
 * journal_sql only.
 *
 * SQL is written once, for SQLite and MySQL/MariaDB, with marks that a driver replaces when it
 * prepares a statement:
 *
 * - {for update}: SQLite nothing (a write transaction holds the whole file); MySQL FOR UPDATE.
 *
 * - {for share}: SQLite nothing; LOCK IN SHARE MODE, the words that MariaDB and MySQL both have.
 * After an insert that met a unique key, whose row it holds shared: to want it alone is a deadlock.
 *
 * - {by events_feed}, {by audit_feed} and {by withdrawals_account}, behind a table: that index and
 * no other. SQLite INDEXED BY; MySQL FORCE INDEX.
 *
 * - {next NAME}, a column of BIGINT and one more; {next small NAME}, of INTEGER. At its end, where
 * only an editor brings it, it stays there: MySQL refuses what is beyond, and with it the whole
 * batch, which is others' too.
 *
 * - {least}, a function of two numbers: SQLite min; MySQL LEAST.
 *
 * - {insert new}, an insert that skips a row whose key exists: SQLite INSERT OR IGNORE INTO; MySQL
 *   INSERT IGNORE INTO. Only where every column is known to fit: MySQL's form hides truncation.
 *
 * - {blob N} and {text N}, column types in DDL: BLOB and TEXT; VARBINARY(N), which compares text
 * byte by byte and without padding.
 *
 * - {id}, 16 binary bytes; {u256}, 32 binary bytes.
 *
 * - {serial}, the column that numbers the rows by itself, as primary key: INTEGER PRIMARY KEY;
 * BIGINT AUTO_INCREMENT PRIMARY KEY.
 *
 * - {without rowid}: SQLite WITHOUT ROWID; MySQL nothing.
 *
 * A connection belongs to one thread.
 */
#ifndef SLUICE_PORT_DB_H
#define SLUICE_PORT_DB_H

#include "base/err.h"
#include "base/str.h"
#include "base/u256.h"

#include <stddef.h>
#include <stdint.h>

struct db;
struct db_statement;

enum db_step {
	DB_ROW,
	DB_DONE,
	DB_CONFLICT, /* a unique key or check said no; the transaction goes on */
	DB_FAILED,   /* err is set */
};

enum db_lock {
	DB_LOCK_GAINED,      /* this connection holds it from now on: whoever did before is gone */
	DB_LOCK_HELD,        /* this connection held it already */
	DB_LOCK_TAKEN,       /* another process of this host holds it */
	DB_LOCK_UNSUPPORTED, /* the database is not tied to one host */
	DB_LOCK_PRIVATE,     /* it is this process's own: there is nobody else */
};

#define DB_ROWS_MAX 64 /* of one statement */

struct db_ops {
	bool (*begin)(struct db *db, bool write, struct err *err);
	bool (*commit)(struct db *db, struct err *err);
	void (*rollback)(struct db *db);
	bool (*exec)(struct db *db, const char *sql, struct err *err);
	struct db_statement *(*prepare)(struct db *db, const char *sql, struct err *err);
	void (*bind_null)(struct db_statement *statement, int at);
	void (*bind_i64)(struct db_statement *statement, int at, int64_t value);
	void (*bind_bytes)(struct db_statement *statement, int at, const void *bytes, size_t len);
	void (*bind_text)(struct db_statement *statement, int at, struct str text);
	void (*bind_next_row)(struct db_statement *statement);
	bool (*later)(struct db_statement *statement, bool changes_one, struct err *err);
	enum db_step (*step)(struct db_statement *statement, struct err *err);
	void (*reset)(struct db_statement *statement);
	bool (*may_repeat)(struct db *db);
	int64_t (*changes)(struct db *db);
	bool (*column_is_null)(struct db_statement *statement, int at);
	int64_t (*column_i64)(struct db_statement *statement, int at);
	struct str (*column_bytes)(struct db_statement *statement, int at);
	bool (*schema_lock)(struct db *db, bool take, struct err *err);
	enum db_lock (*host_lock)(struct db *db, const char *name);
	void (*close)(struct db *db);
};

struct db {
	const struct db_ops *ops;
	bool in_transaction; /* kept by the wrapper */
	bool writing;
};

/* Starts a transaction. write: takes the turn (SQLite: turnstile and BEGIN IMMEDIATE) and may wait
 * for it up to the driver's deadline, then NOT_DONE. A read transaction sees one snapshot. */
MUST_CHECK bool db_begin(struct db *db, bool write, struct err *err);
/* NOT_DONE: rolled back for sure. MAYBE_DONE: look before doing it again. Ends the transaction
 * either way. */
MUST_CHECK bool db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db); /* nothing when no transaction is open */
/* Was the transaction that ended last undone for the sake of another one (a deadlock, a lock that
 * was waited for too long), and is it worth trying again? Then the whole of it may be done again:
 * db_begin itself lets the others go first, for a bounded time that grows with each time in a row.
 * Never after a MAYBE_DONE. */
bool db_may_repeat(struct db *db);
/* One statement without parameters or result, in its own transaction unless one is open. */
MUST_CHECK bool db_exec(struct db *db, const char *sql, struct err *err);
/* The prepared statement of `sql`, made once per connection; `sql` must live as long as the
 * connection (a literal; cached by its address). It is reset and its parameters are cleared. One
 * use at a time. NULL on failure. */
MUST_CHECK struct db_statement *db_prepare(struct db *db, const char *sql, struct err *err);
/* Parameters count from 1. The bytes of a statement that reads are copied here; those of one that
 * writes must live until db_step, or until db_bind_next_row. */
void db_bind_null(struct db *db, struct db_statement *statement, int at);
void db_bind_i64(struct db *db, struct db_statement *statement, int at, int64_t value);
void db_bind_bytes(struct db *db, struct db_statement *statement, int at, const void *bytes,
		   size_t len);
void db_bind_text(struct db *db, struct db_statement *statement, int at, struct str text);
/* Many rows by one INSERT … VALUES (?, …): what is bound by now is a row, and what follows belongs
 * to the next; db_step ends the last one. All of them are stored, or (CONFLICT, FAILED) none: one
 * that conflicts takes the others of its statement with it, and nothing that came before the
 * statement. At most DB_ROWS_MAX; a column has one type in all rows, or NULL. Only inside of a
 * write transaction, and nothing else runs there before the db_step; a db_prepare or db_reset of
 * the statement drops its rows. Afterwards db_changes has no meaning. An UPDATE may have many rows
 * too; but after its CONFLICT some of them may be changed, and the transaction has to end. */
void db_bind_next_row(struct db *db, struct db_statement *statement);
/* A write that nobody waits for, in the place of its db_step: what is bound is a row, and the
 * driver may keep it until somebody waits for something, at the latest until the commit. Then what
 * was kept runs first: rows of one statement together and in their order, on a cluster in one round
 * trip; statements in the order of their first rows. So writes by different statements, between two
 * that are waited for, may not touch the same rows in an order that matters. changes_one: each row
 * changes exactly one of the database's, as one that is locked does. Where it does not, and where
 * one conflicts, that is a fault of whatever waits; the transaction can only be rolled back then.
 * A driver that keeps nothing says so here. Only inside of a write transaction. Within one, a
 * statement has all of its rows by this with the same changes_one, or none. */
MUST_CHECK bool db_later(struct db *db, struct db_statement *statement, bool changes_one,
			 struct err *err);
/* Next row, or the end. After DONE or CONFLICT the statement is reset by the next db_prepare. */
enum db_step db_step(struct db *db, struct db_statement *statement, struct err *err);
/* Ends a half-read statement early, so that no read stays open. */
void db_reset(struct db *db, struct db_statement *statement);
/* Rows that the last write of this connection changed. */
int64_t db_changes(struct db *db);
/* Columns count from 0; slices live until the next step. A wrong type reads as 0 or empty. */
bool db_column_is_null(struct db *db, struct db_statement *statement, int at);
int64_t db_column_i64(struct db *db, struct db_statement *statement, int at);
struct str db_column_bytes(struct db *db, struct db_statement *statement, int at);
/* One connection at a time changes the schema: outside of a transaction, taken and given back by
 * the same one, or by its end. Waits up to the driver's deadline, then NOT_DONE. Where DDL belongs
 * to the transaction (SQLite) it is nothing. Where it does not (MySQL), each statement commits
 * alone, and what is there already counts as made, so that a run that was ended can be repeated. */
MUST_CHECK bool db_schema_lock(struct db *db, struct err *err);
void db_schema_unlock(struct db *db);
/* Takes a lock that the kernel releases when this process dies, kept until db_close. */
enum db_lock db_host_lock(struct db *db, const char *name);
void db_close(struct db *db); /* accepts NULL; CHECKs that no transaction is open */

#endif
