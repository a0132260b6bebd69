/* SQLite behind port/db.h.
 *
 * One struct is one connection, used by one thread. A write transaction is: the turn (turnstile),
 * BEGIN IMMEDIATE, the statements, COMMIT or ROLLBACK, the turn given back. What SQLite itself
 * would wait for (another program that writes the file) is bounded by the same deadline.
 */
#include "adapter/db_sqlite.h"

#include "adapter/db_marks.h"
#include "adapter/db_turnstile.h"
#include "base/buf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SQLITE_VERSION_MIN 3035000 /* RETURNING, and WAL as we rely on it */

/* The SQL of the domain is a fixed set of literals; a connection that meets more of them than this
 * builds its text at run time, which is a bug. */
#define STATEMENTS_MAX     256
#define STATEMENT_SLOTS    512 /* a power of two, at most half full */
#define HOST_LOCKS_MAX     128 /* wallets, chains and a few services */
#define HOST_LOCK_NAME_MAX 96
#define CONFIGURE_WAIT_MS  10000 /* of the others that open the same new file */
#define JOURNAL_SIZE_BYTES 67108864

_Static_assert(STATEMENT_SLOTS >= 2 * STATEMENTS_MAX, "probing stays short");

struct db_statement {
	const char *sql; /* the literal: its address is the key */
	sqlite3_stmt *stmt;
	struct db_sqlite *owner;
	int columns; /* of its rows; 0 when it has none */
	bool writes;
	bool many_steps; /* has rows: parameters must outlive the first step, so they are copied */
	bool open;       /* between the first step and its end */
	bool finished;   /* stepped to its end; needs db_prepare before the next use */
};

struct host_lock {
	char name[HOST_LOCK_NAME_MAX];
	int fd;
};

struct db_sqlite {
	struct db base;
	sqlite3 *sqlite;
	char *path;
	uint32_t busy_ms;
	bool read_only;
	bool shared; /* a file: turnstile and host locks exist */
	mode_t mode;
	struct db_turnstile turnstile;
	int open_fd; /* shared lock: the file is in use; -1 */
	struct db_statement slot[STATEMENT_SLOTS];
	size_t statements;
	size_t open_statements;
	struct db_statement
		*filling; /* some of its many rows were run, behind a savepoint; or NULL */
	size_t rows;      /* of it, so far */
	int rows_code;    /* what the first of them said that was not stored; else SQLITE_DONE */
	struct host_lock lock[HOST_LOCKS_MAX];
	size_t locks;
};

static struct db_sqlite *db_sqlite_of(struct db *db)
{
	return (struct db_sqlite *)db;
}

/* Nothing reaches the file before COMMIT, so that a fault before it is never "maybe". */
static enum err_kind kind_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
	case SQLITE_NOTADB:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return ERR_REFUSED;
	default:
		return ERR_NOT_DONE;
	}
}

static bool fault(struct db_sqlite *db, int code, const char *doing, struct err *err)
{
	return err_set(err, kind_of(code), "%s: %s: %s (%d)", db->path, doing,
		       sqlite3_errmsg(db->sqlite), code);
}

/* --- transactions -------------------------------------------------------------------------------
 */

/* A statement that was left in the middle keeps its snapshot; the end of a transaction ends it. */
static void reset_open_statements(struct db_sqlite *db)
{
	for (size_t i = 0; db->open_statements > 0 && i < STATEMENT_SLOTS; i++) {
		if (!db->slot[i].open)
			continue;
		sqlite3_reset(db->slot[i].stmt);
		db->slot[i].open = false;
		db->slot[i].finished = true;
		db->open_statements--;
	}
	CHECK(db->open_statements == 0);
}

static bool db_sqlite_begin(struct db *base, bool write, struct err *err)
{
	struct db_sqlite *db = db_sqlite_of(base);
	int code;

	/* A read that was left open outside of a transaction is a bug: its snapshot is stale, and a
	 * write on top of it fails. See db_reset. */
	CHECK(db->open_statements == 0);
	if (write && db->read_only)
		return err_set(err, ERR_REFUSED, "%s: opened for reading only", db->path);
	if (write && db->shared && !db_turnstile_enter(&db->turnstile, db->busy_ms, err))
		return err_wrap(err, "%s", db->path);
	code = sqlite3_exec(db->sqlite, write ? "BEGIN IMMEDIATE" : "BEGIN", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		return true;
	fault(db, code, "begin", err);
	if (write && db->shared)
		db_turnstile_leave(&db->turnstile);
	return false;
}

static void leave_transaction(struct db_sqlite *db)
{
	reset_open_statements(db);
	db->filling = NULL;
	/* After some faults SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(db->sqlite))
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	CHECK(sqlite3_get_autocommit(db->sqlite));
	if (db->base.writing && db->shared)
		db_turnstile_leave(&db->turnstile);
}

/* COMMIT that leaves the transaction open (busy, a deferred constraint) is followed by a rollback:
 * nothing happened. COMMIT that fails on the way to the disk may have left its last frame there,
 * and the next recovery may find it. */
static bool db_sqlite_commit(struct db *base, struct err *err)
{
	struct db_sqlite *db = db_sqlite_of(base);
	int code;

	reset_open_statements(db);
	if (sqlite3_get_autocommit(db->sqlite)) {
		leave_transaction(db);
		return err_set(err, ERR_NOT_DONE, "%s: commit: an earlier fault rolled back",
			       db->path);
	}
	code = sqlite3_exec(db->sqlite, "COMMIT", NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		bool undone = !sqlite3_get_autocommit(db->sqlite) &&
			      ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED ||
			       (code & 0xff) == SQLITE_CONSTRAINT);
		err_set(err, undone || !base->writing ? ERR_NOT_DONE : ERR_MAYBE_DONE,
			"%s: commit: %s (%d)", db->path, sqlite3_errmsg(db->sqlite), code);
	}
	leave_transaction(db);
	return code == SQLITE_OK;
}

static void db_sqlite_rollback(struct db *base)
{
	leave_transaction(db_sqlite_of(base));
}

static bool exec_alone(struct db_sqlite *db, const char *sql, struct err *err)
{
	int code;

	if (db->shared && !db->read_only && !db_turnstile_enter(&db->turnstile, db->busy_ms, err))
		return err_wrap(err, "%s", db->path);
	code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		/* Such a statement commits itself: what fails on the way to the disk is unknown. */
		bool unknown = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_FULL;
		fault(db, code, "exec", err);
		if (err && unknown)
			err->kind = ERR_MAYBE_DONE;
	}
	if (db->shared && !db->read_only)
		db_turnstile_leave(&db->turnstile);
	return code == SQLITE_OK;
}

static bool db_sqlite_exec(struct db *base, const char *sql, struct err *err)
{
	struct db_sqlite *db = db_sqlite_of(base);
	struct buf text;
	bool done = false;

	if (!db_marks_replace(DB_DIALECT_SQLITE, sql, &text, err))
		goto out;
	if (!base->in_transaction) {
		done = exec_alone(db, buf_terminated(&text), err);
		goto out;
	}
	int code = sqlite3_exec(db->sqlite, buf_terminated(&text), NULL, NULL, NULL);
	done = code == SQLITE_OK || fault(db, code, "exec", err);
out:
	buf_free(&text);
	return done;
}

/* --- statements ---------------------------------------------------------------------------------
 */

static struct db_statement *statement_slot(struct db_sqlite *db, const char *sql)
{
	uint64_t mixed = (uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(mixed >> 32) & (STATEMENT_SLOTS - 1);

	/* Ends: at least half of the slots are free, see statement_make. */
	while (db->slot[at].sql && db->slot[at].sql != sql)
		at = (at + 1) & (STATEMENT_SLOTS - 1);
	return &db->slot[at];
}

/* Ends what the first of many rows began: all of them stay, or none. A fault that rolled everything
 * back has taken the savepoint too. */
static void rows_end(struct db_sqlite *db, bool keep)
{
	int code = SQLITE_OK;

	db->filling = NULL;
	if (sqlite3_get_autocommit(db->sqlite))
		return;
	if (!keep)
		code = sqlite3_exec(db->sqlite, "ROLLBACK TO many", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db->sqlite, "RELEASE many", NULL, NULL, NULL);
	/* Half of the rows would stay: better none of the transaction. */
	if (code != SQLITE_OK)
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

static void statement_reset(struct db_statement *statement)
{
	sqlite3_reset(statement->stmt);
	if (statement->owner->filling == statement)
		rows_end(statement->owner, false);
	if (statement->open)
		statement->owner->open_statements--;
	statement->open = false;
	statement->finished = false;
}

static bool statement_make(struct db_sqlite *db, struct db_statement *ret_statement,
			   const char *sql, struct err *err)
{
	struct buf text;
	sqlite3_stmt *stmt = NULL;
	const char *tail = "";
	bool done = false;
	int code;

	if (!db_marks_replace(DB_DIALECT_SQLITE, sql, &text, err))
		goto out;
	code = sqlite3_prepare_v3(db->sqlite, buf_terminated(&text), (int)text.len + 1,
				  SQLITE_PREPARE_PERSISTENT, &stmt, &tail);
	if (code != SQLITE_OK) {
		fault(db, code, text.at, err);
		goto out;
	}
	CHECK(stmt && *tail == '\0'); /* one statement, and not an empty one */
	CHECK(db->statements < STATEMENTS_MAX);
	db->statements++;
	*ret_statement = (struct db_statement){
		.sql = sql,
		.stmt = stmt,
		.owner = db,
		.writes = !sqlite3_stmt_readonly(stmt),
		.many_steps = sqlite3_column_count(stmt) > 0,
		.columns = sqlite3_column_count(stmt),
	};
	done = true;
out:
	buf_free(&text);
	return done;
}

static struct db_statement *db_sqlite_prepare(struct db *base, const char *sql, struct err *err)
{
	struct db_sqlite *db = db_sqlite_of(base);
	struct db_statement *statement = statement_slot(db, sql);

	if (!statement->sql)
		return statement_make(db, statement, sql, err) ? statement : NULL;
	statement_reset(statement);
	sqlite3_clear_bindings(statement->stmt);
	return statement;
}

/* A parameter that does not exist, or one bound in the middle of a read, is a bug. */
static void bound(const struct db_statement *statement, int code)
{
	CHECK(!statement->open && !statement->finished);
	CHECK(code == SQLITE_OK);
}

static void db_sqlite_bind_null(struct db_statement *statement, int at)
{
	bound(statement, sqlite3_bind_null(statement->stmt, at));
}

static void db_sqlite_bind_i64(struct db_statement *statement, int at, int64_t value)
{
	bound(statement, sqlite3_bind_int64(statement->stmt, at, value));
}

static void db_sqlite_bind_bytes(struct db_statement *statement, int at, const void *bytes,
				 size_t len)
{
	/* A NULL pointer would bind NULL. */
	bound(statement,
	      sqlite3_bind_blob64(statement->stmt, at, len ? bytes : "", len,
				  statement->many_steps ? SQLITE_TRANSIENT : SQLITE_STATIC));
}

static void db_sqlite_bind_text(struct db_statement *statement, int at, struct str text)
{
	bound(statement,
	      sqlite3_bind_text64(statement->stmt, at, text.len ? text.at : "", text.len,
				  statement->many_steps ? SQLITE_TRANSIENT : SQLITE_STATIC,
				  SQLITE_UTF8));
}

/* The first of many, or one more: there is no way to hand over several, and none is needed. */
static void db_sqlite_bind_next_row(struct db_statement *statement)
{
	struct db_sqlite *db = statement->owner;

	CHECK(statement->writes && !statement->many_steps && !statement->finished);
	CHECK(!db->filling || db->filling == statement);
	if (!db->filling) {
		db->filling = statement;
		db->rows = 0;
		/* Where SQLite has rolled back by itself it would be a transaction of its own. */
		db->rows_code =
			sqlite3_get_autocommit(db->sqlite)
				? SQLITE_ABORT_ROLLBACK
				: sqlite3_exec(db->sqlite, "SAVEPOINT many", NULL, NULL, NULL);
		if (db->rows_code == SQLITE_OK)
			db->rows_code = SQLITE_DONE;
	}
	CHECK(++db->rows < DB_ROWS_MAX);
	if (db->rows_code == SQLITE_DONE)
		db->rows_code = sqlite3_step(statement->stmt);
	sqlite3_reset(statement->stmt);
	sqlite3_clear_bindings(statement->stmt);
}

static bool is_conflict(int code)
{
	return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
	       code == SQLITE_CONSTRAINT_ROWID || code == SQLITE_CONSTRAINT_CHECK;
}

static enum db_step statement_end(struct db_statement *statement, int code, struct err *err)
{
	struct db_sqlite *db = statement->owner;

	if (code != SQLITE_DONE && !is_conflict(code))
		fault(db, code, statement->sql, err);
	statement_reset(statement);
	statement->finished = true;
	if (code == SQLITE_DONE)
		return DB_DONE;
	return is_conflict(code) ? DB_CONFLICT : DB_FAILED;
}

/* The last row of many. When one of them was not stored, the reset takes back the others. */
static int rows_run(struct db_statement *statement)
{
	struct db_sqlite *db = statement->owner;
	int code = db->rows_code;

	if (code == SQLITE_DONE)
		code = sqlite3_step(statement->stmt);
	if (code == SQLITE_DONE)
		rows_end(db, true);
	return code;
}

static enum db_step db_sqlite_step(struct db_statement *statement, struct err *err)
{
	struct db_sqlite *db = statement->owner;
	int code;

	CHECK(!statement->finished);
	/* A write outside of a write transaction would not wait for its turn. */
	CHECK(!statement->writes || db->base.writing);
	/* After some faults SQLite rolls back by itself; what follows would commit one by one. */
	if (db->base.in_transaction && sqlite3_get_autocommit(db->sqlite)) {
		err_set(err, ERR_NOT_DONE, "%s: an earlier fault rolled back", db->path);
		statement_reset(statement);
		statement->finished = true;
		return DB_FAILED;
	}
	code = db->filling == statement ? rows_run(statement) : sqlite3_step(statement->stmt);
	if (code != SQLITE_ROW)
		return statement_end(statement, code, err);
	if (!statement->open)
		db->open_statements++;
	statement->open = true;
	return DB_ROW;
}

/* Nothing is kept: a statement costs no round trip. */
static bool db_sqlite_later(struct db_statement *statement, bool changes_one, struct err *err)
{
	struct db_sqlite *db = statement->owner;

	CHECK(statement->writes && !statement->many_steps && db->filling != statement);
	switch (db_sqlite_step(statement, err)) {
	case DB_DONE:
		if (!changes_one || sqlite3_changes(db->sqlite) == 1)
			return true;
		return err_set(err, ERR_NOT_DONE, "%s: %.80s: %d rows changed, not one", db->path,
			       statement->sql, sqlite3_changes(db->sqlite));
	case DB_CONFLICT:
		return err_set(err, ERR_NOT_DONE, "%s: %.80s: a unique key stood in the way",
			       db->path, statement->sql);
	case DB_ROW:
	case DB_FAILED:
		break;
	}
	return false;
}

static void db_sqlite_reset(struct db_statement *statement)
{
	statement_reset(statement);
	statement->finished = true;
}

/* Writers take turns: none is undone for another. */
static bool db_sqlite_may_repeat(struct db *base)
{
	(void)base;
	return false;
}

static int64_t db_sqlite_changes(struct db *base)
{
	return sqlite3_changes(db_sqlite_of(base)->sqlite);
}

static void column_exists(const struct db_statement *statement, int at)
{
	CHECK(statement->open);
	CHECK(at >= 0 && at < statement->columns);
}

static bool db_sqlite_column_is_null(struct db_statement *statement, int at)
{
	column_exists(statement, at);
	return sqlite3_column_type(statement->stmt, at) == SQLITE_NULL;
}

static int64_t db_sqlite_column_i64(struct db_statement *statement, int at)
{
	column_exists(statement, at);
	if (sqlite3_column_type(statement->stmt, at) != SQLITE_INTEGER)
		return 0;
	return sqlite3_column_int64(statement->stmt, at);
}

static struct str db_sqlite_column_bytes(struct db_statement *statement, int at)
{
	const void *bytes;
	int type;

	column_exists(statement, at);
	type = sqlite3_column_type(statement->stmt, at);
	if (type != SQLITE_BLOB && type != SQLITE_TEXT)
		return (struct str){ 0 };
	bytes = sqlite3_column_blob(statement->stmt, at);
	if (!bytes)
		return (struct str){ 0 };
	return str_from_bytes(bytes, (size_t)sqlite3_column_bytes(statement->stmt, at));
}

/* --- host locks ---------------------------------------------------------------------------------
 */

/* A write transaction holds the whole file, its schema too. */
static bool db_sqlite_schema_lock(struct db *base, bool take, struct err *err)
{
	(void)base;
	(void)take;
	(void)err;
	return true;
}

/* The name becomes a part of a file's name. */
static void check_lock_name(const char *name)
{
	size_t len = strlen(name);

	CHECK(len > 0 && len < HOST_LOCK_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		CHECK(isalnum((unsigned char)name[i]) || strchr("-_.:", name[i]));
}

static enum db_lock db_sqlite_host_lock(struct db *base, const char *name)
{
	struct db_sqlite *db = db_sqlite_of(base);
	char suffix[HOST_LOCK_NAME_MAX + 16];
	int fd;

	if (!db->shared)
		return DB_LOCK_PRIVATE;
	check_lock_name(name);
	for (size_t i = 0; i < db->locks; i++)
		if (strcmp(db->lock[i].name, name) == 0)
			return DB_LOCK_HELD;
	CHECK(db->locks < HOST_LOCKS_MAX);
	(void)snprintf(suffix, sizeof suffix, DB_SQLITE_RUN_SUFFIX "/lock-%s", name);
	fd = db_turnstile_open_file(db->path, suffix, db->mode);
	/* A lock file that cannot be opened proves nothing about the other owner: not ours. */
	if (fd < 0)
		return DB_LOCK_TAKEN;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return DB_LOCK_TAKEN;
	}
	(void)snprintf(db->lock[db->locks].name, HOST_LOCK_NAME_MAX, "%s", name);
	db->lock[db->locks].fd = fd;
	db->locks++;
	return DB_LOCK_GAINED;
}

/* --- open and close -----------------------------------------------------------------------------
 */

static void db_sqlite_close(struct db *base)
{
	struct db_sqlite *db = db_sqlite_of(base);

	for (size_t i = 0; i < STATEMENT_SLOTS; i++)
		sqlite3_finalize(db->slot[i].stmt);
	CHECK(sqlite3_close(db->sqlite) == SQLITE_OK);
	for (size_t i = 0; i < db->locks; i++)
		close(db->lock[i].fd);
	db_turnstile_deinit(&db->turnstile);
	if (db->open_fd >= 0)
		close(db->open_fd);
	free(db->path);
	free(db);
}

static const struct db_ops db_sqlite_ops = {
	.begin = db_sqlite_begin,
	.commit = db_sqlite_commit,
	.rollback = db_sqlite_rollback,
	.exec = db_sqlite_exec,
	.prepare = db_sqlite_prepare,
	.bind_null = db_sqlite_bind_null,
	.bind_i64 = db_sqlite_bind_i64,
	.bind_bytes = db_sqlite_bind_bytes,
	.bind_text = db_sqlite_bind_text,
	.bind_next_row = db_sqlite_bind_next_row,
	.later = db_sqlite_later,
	.step = db_sqlite_step,
	.reset = db_sqlite_reset,
	.may_repeat = db_sqlite_may_repeat,
	.changes = db_sqlite_changes,
	.column_is_null = db_sqlite_column_is_null,
	.column_i64 = db_sqlite_column_i64,
	.column_bytes = db_sqlite_column_bytes,
	.schema_lock = db_sqlite_schema_lock,
	.host_lock = db_sqlite_host_lock,
	.close = db_sqlite_close,
};

void db_sqlite_setup(void)
{
	CHECK(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
}

/* Creates an empty file of our own mode; SQLite would leave it readable for everybody, and gives
 * the WAL the mode of the file. An existing file is not opened here: closing it would drop the
 * POSIX locks that another connection of this process holds on it. */
static bool create_file(struct db_sqlite *db, struct err *err)
{
	int fd = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	if (errno == EEXIST)
		return true;
	return err_set(err, ERR_NOT_DONE, "%s: %s", db->path, strerror(errno));
}

static bool configure_wal(struct db_sqlite *db, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	bool wal = false;
	int code;

	code = sqlite3_prepare_v2(db->sqlite, "PRAGMA journal_mode=WAL", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		wal = strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
	else
		fault(db, code, "journal mode", err);
	sqlite3_finalize(stmt);
	if (code != SQLITE_ROW)
		return false;
	if (!wal && db->shared)
		return err_set(err, ERR_REFUSED, "%s: the file system does not carry WAL",
			       db->path);
	return true;
}

static bool configure(struct db_sqlite *db, const struct db_sqlite_options *options,
		      struct err *err)
{
	uint32_t cache_kb = options->cache_kb ? options->cache_kb : DB_SQLITE_CACHE_KB_DEFAULT;
	char text[512];
	int code, on = 1;

	sqlite3_busy_timeout(db->sqlite, (int)db->busy_ms);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_extended_result_codes(db->sqlite, 1);
	if (!db->read_only && !configure_wal(db, err))
		return false;
	if (options->keeps_log &&
	    sqlite3_file_control(db->sqlite, NULL, SQLITE_FCNTL_PERSIST_WAL, &on) != SQLITE_OK)
		return err_set(err, ERR_NOT_DONE, "%s: its log cannot be kept", db->path);
	(void)snprintf(text, sizeof text,
		       "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
		       "PRAGMA wal_autocheckpoint=1000; PRAGMA trusted_schema=OFF;"
		       "PRAGMA journal_size_limit=%d; PRAGMA temp_store=MEMORY;"
		       "PRAGMA cache_size=-%u",
		       JOURNAL_SIZE_BYTES, cache_kb);
	code = sqlite3_exec(db->sqlite, text, NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return fault(db, code, "configure", err);
	/* Reads the header, so that a file which is no database is found now. */
	code = sqlite3_exec(db->sqlite, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	return code == SQLITE_OK || fault(db, code, "open", err);
}

static bool connect_file(struct db_sqlite *db, const struct db_sqlite_options *options,
			 struct err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int code;

	if (db->shared && !db->read_only && !create_file(db, err))
		return false;
	/* The file exists, or is in memory: SQLite never makes one with a mode of its own. */
	flags |= db->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	code = sqlite3_open_v2(db->path, &db->sqlite, flags, NULL);
	if (code != SQLITE_OK)
		return fault(db, code, "open", err);
	return configure(db, options, err);
}

/* Nobody puts another file in the place of one that is in use. */
static bool use(struct db_sqlite *db, struct err *err)
{
	db->open_fd = db_turnstile_open_file(db->path, DB_SQLITE_OPEN_SUFFIX, db->mode);
	if (db->open_fd < 0)
		return err_set(err, ERR_NOT_DONE, "%s%s: %s", db->path, DB_SQLITE_OPEN_SUFFIX,
			       strerror(errno));
	return flock(db->open_fd, LOCK_SH | LOCK_NB) == 0 ||
	       err_set(err, ERR_NOT_DONE, "%s is being restored", db->path);
}

/* Whoever may write the database may lock in it. */
static bool run_directory_make(struct db_sqlite *db, struct err *err)
{
	char path[PATH_MAX];
	mode_t mode = 0700 | db->mode | (db->mode & 0444) >> 2;

	if (snprintf(path, sizeof path, "%s" DB_SQLITE_RUN_SUFFIX, db->path) < (int)sizeof path &&
	    (mkdir(path, mode) == 0 || errno == EEXIST))
		return true;
	return err_set(err, ERR_NOT_DONE, "%s" DB_SQLITE_RUN_SUFFIX ": %s", db->path,
		       strerror(errno));
}

/* Openers of one file take turns too: the first one creates it and turns it to WAL. */
static bool connect_shared(struct db_sqlite *db, const struct db_sqlite_options *options,
			   struct err *err)
{
	struct stat status;
	bool done;

	db->mode = stat(db->path, &status) == 0 ? status.st_mode & 0666 : 0600;
	if (!use(db, err) || !db_turnstile_init(&db->turnstile, db->path, db->mode, err))
		return false;
	if (!db_turnstile_enter(&db->turnstile, CONFIGURE_WAIT_MS, err))
		return err_wrap(err, "%s", db->path);
	done = run_directory_make(db, err) && connect_file(db, options, err);
	db_turnstile_leave(&db->turnstile);
	return done;
}

/* By whatever link the file is reached, its locks have one name. */
static char *real_path(const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		real = strdup(path);
	CHECK(real);
	return real;
}

bool db_sqlite_open(const struct db_sqlite_options *options, struct db **ret_db, struct err *err)
{
	struct db_sqlite *db;
	bool done;

	CHECK(options && options->path && options->path[0] && ret_db);
	if (sqlite3_libversion_number() < SQLITE_VERSION_MIN)
		return err_set(err, ERR_REFUSED, "SQLite %s is too old: 3.35 is needed",
			       sqlite3_libversion());
	db = calloc(1, sizeof *db);
	CHECK(db);
	db->base.ops = &db_sqlite_ops;
	db->turnstile = (struct db_turnstile){ .next_fd = -1, .turn_fd = -1 };
	db->open_fd = -1;
	db->path = real_path(options->path);
	db->busy_ms = options->busy_ms ? options->busy_ms : DB_SQLITE_BUSY_MS_DEFAULT;
	db->read_only = options->read_only;
	db->shared = strcmp(db->path, ":memory:") != 0;
	done = db->shared && !db->read_only ? connect_shared(db, options, err)
					    : connect_file(db, options, err);
	if (!done) {
		db_sqlite_close(&db->base);
		return false;
	}
	*ret_db = &db->base;
	return true;
}

bool db_sqlite_replace(struct db *to, struct db *from, struct err *err)
{
	sqlite3 *target = db_sqlite_of(to)->sqlite;
	CHECK(!to->in_transaction && !from->in_transaction);
	CHECK(db_sqlite_of(to)->open_statements == 0);
	sqlite3_backup *backup =
		sqlite3_backup_init(target, "main", db_sqlite_of(from)->sqlite, "main");
	if (backup == NULL)
		return err_set(err, ERR_NOT_DONE, "replace: %s", sqlite3_errmsg(target));
	int code = sqlite3_backup_step(backup, -1);
	(void)sqlite3_backup_finish(backup);
	return code == SQLITE_DONE ||
	       err_set(err, ERR_NOT_DONE, "replace: %s", sqlite3_errstr(code));
}
