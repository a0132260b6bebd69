/* MariaDB and MySQL behind port/db.h, by prepared statements. A statement's whole result is read
 * when it runs, so that others can run before its last row was looked at. */
#include "adapter/db_mysql.h"

#include "adapter/db_marks.h"
#include "adapter/db_mysql_code.h"
#include "adapter/db_mysql_rows.h"
#include "adapter/db_way.h"
#include "adapter/db_mysql_session.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/secret.h"
#include "net/circuit_breaker.h"

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in db_sqlite.c: SQL is a fixed set of literals. */
#define STATEMENTS_MAX  256
#define STATEMENT_SLOTS 512     /* a power of two, at most half full */
#define TEXTS_LEN       7       /* of the options, but for the password */
#define VERSION_MIN     80000UL /* MySQL's; MariaDB's 10.11 is above it */

_Static_assert(STATEMENT_SLOTS >= 2 * STATEMENTS_MAX, "probing stays short");

struct column {
	bool is_number;
	int64_t number;
	my_bool is_null;
	unsigned long len;
	char *bytes;
	unsigned long cap;
};

/* A parameter's bytes, copied when they are bound: callers hand out what lives on their stacks. */
struct copy {
	void *at;
	size_t cap;
};

struct db_statement {
	const char *sql; /* the literal: its address is the key */
	MYSQL_STMT *stmt;
	struct db_mysql *owner;
	MYSQL_BIND *binds; /* one for each parameter */
	int64_t *numbers;
	struct copy *copies;
	unsigned long parameters;
	struct db_mysql_rows *rows; /* of many, but for the last; NULL before the first of them */
	struct column *columns;     /* NULL: it has no rows */
	MYSQL_BIND *results;
	unsigned columns_len;
	bool open;     /* at a row */
	bool finished; /* stepped to its end; needs db_prepare before the next use */
};

struct db_mysql {
	struct db base;
	MYSQL *mysql;
	struct db_mysql_options options;
	struct circuit_breaker breaker; /* before new connections; unused without a clock */
	struct secret password;         /* a copy of ours, with its zero; empty: without one */
	char *texts[TEXTS_LEN];         /* copies of the texts of the options */
	bool takes_arrays;              /* the server: of rows, in one statement */
	bool lost;                      /* the connection is gone */
	bool undone;                    /* an earlier fault has rolled the open transaction back */
	bool gave_way;                  /* it was for the sake of another transaction */
	struct db_way way;
	int64_t used_at; /* monotonic, in ms */
	int64_t changes;
	struct db_statement slots[STATEMENT_SLOTS];
	size_t statements;
};

static struct db_mysql *self_of(struct db *db)
{
	return (struct db_mysql *)(void *)db;
}

/* --- faults -------------------------------------------------------------------------------------
 */

static bool fault(struct db_mysql *self, unsigned code, const char *text, const char *doing,
		  struct err *err)
{
	self->lost = self->lost || db_mysql_is_lost(code);
	if (db_mysql_is_undone(code) && !self->gave_way)
		db_way_give(&self->way, db_mysql_has_waited(code));
	self->gave_way = self->gave_way || db_mysql_is_undone(code);
	self->undone = self->undone || (self->base.in_transaction &&
					(db_mysql_is_lost(code) || db_mysql_is_undone(code)));
	return err_set(err, db_mysql_is_refused(code) ? ERR_REFUSED : ERR_NOT_DONE,
		       "%s: %.80s: %s (%u)", self->options.database, doing, text, code);
}

static bool query(struct db_mysql *self, const char *sql, struct err *err)
{
	self->used_at = db_mysql_now_ms();
	if (mysql_query(self->mysql, sql) == 0)
		return true;
	return fault(self, mysql_errno(self->mysql), mysql_error(self->mysql), sql, err);
}

/* --- the connection -----------------------------------------------------------------------------
 */

/* One number out of a query of ours; 0 when it has no row. */
static bool number_ask(struct db_mysql *self, const char *sql, int64_t *ret_number, struct err *err)
{
	*ret_number = 0;
	if (!query(self, sql, err))
		return false;
	MYSQL_RES *result = mysql_store_result(self->mysql);
	if (result == NULL)
		return fault(self, mysql_errno(self->mysql), mysql_error(self->mysql), sql, err);
	MYSQL_ROW row = mysql_fetch_row(result);
	if (row != NULL && row[0] != NULL)
		*ret_number = strtoll(row[0], NULL, 10);
	mysql_free_result(result);
	return true;
}

/* Settings of the server that would lose what it has answered; and whether it is the primary. */
static bool durability_check(struct db_mysql *self, struct err *err)
{
	int64_t flushes = 0, logs = 0, copies = 0;
	if (!number_ask(self, "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit", &flushes, err) ||
	    !number_ask(self, "SELECT @@GLOBAL.log_bin AND @@GLOBAL.sync_binlog <> 1", &logs,
			err) ||
	    !number_ask(self, "SELECT @@GLOBAL.read_only", &copies, err))
		return false;
	if (copies != 0)
		return err_set(err, ERR_NOT_DONE, "%s: the server takes no writes",
			       self->options.database);
	if (flushes != 1)
		return err_set(err, ERR_REFUSED,
			       "%s: the server may lose answered commits: set "
			       "innodb_flush_log_at_trx_commit=1",
			       self->options.database);
	return logs == 0 || err_set(err, ERR_REFUSED,
				    "%s: the server may lose answered commits: set sync_binlog=1",
				    self->options.database);
}

static bool session_begin(struct db_mysql *self, struct err *err)
{
	char wait[64];
	char idle[64];
	db_mysql_idle_text(self->mysql, &self->options, idle);
	(void)snprintf(wait, sizeof wait, "SET SESSION innodb_lock_wait_timeout = %u",
		       db_mysql_seconds(self->options.wait_ms));
	if (mysql_get_server_version(self->mysql) < VERSION_MIN)
		return err_set(err, ERR_REFUSED, "%s: the server %s is too old",
			       self->options.database, mysql_get_server_info(self->mysql));
	return query(self, "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
		     err) &&
	       query(self, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", err) &&
	       query(self, wait, err) && query(self, idle, err) &&
	       (self->options.reads_only ? query(self, "SET SESSION TRANSACTION READ ONLY", err)
					 : durability_check(self, err));
}

static bool connection_make(struct db_mysql *self, struct err *err)
{
	const struct db_mysql_options *options = &self->options;
	self->mysql = mysql_init(NULL);
	CHECK(self->mysql != NULL);
	db_mysql_configure(self->mysql, options);
	/* Rows that match count as changed, as SQLite counts them. */
	if (mysql_real_connect(self->mysql, options->host, options->user, options->password,
			       options->database, options->port, options->socket,
			       CLIENT_FOUND_ROWS) == NULL)
		return fault(self, mysql_errno(self->mysql), mysql_error(self->mysql), "connect",
			     err);
	self->lost = false;
	self->takes_arrays = !options->row_by_row && db_mysql_rows_taken(self->mysql);
	self->way.seed = mysql_thread_id(self->mysql); /* the server's number of this connection */
	if (session_begin(self, err))
		return true;
	self->lost = true; /* half a session is none */
	return false;
}

static void room_free(struct db_statement *statement)
{
	for (unsigned i = 0; i < statement->columns_len; i++)
		free(statement->columns[i].bytes);
	free(statement->columns);
	free(statement->results);
	free(statement->binds);
	free(statement->numbers);
	for (unsigned long i = 0; i < statement->parameters && statement->copies != NULL; i++)
		free(statement->copies[i].at);
	free(statement->copies);
	db_mysql_rows_free(statement->rows);
}

static void connection_end(struct db_mysql *self)
{
	for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
		struct db_statement *statement = &self->slots[i];
		if (statement->stmt != NULL)
			(void)mysql_stmt_close(statement->stmt);
		room_free(statement);
		*statement = (struct db_statement){ .sql = NULL };
	}
	self->statements = 0;
	if (self->mysql != NULL)
		mysql_close(self->mysql);
	self->mysql = NULL;
}

/* A server that refuses (a password, its version) is there. */
static bool connection_try(struct db_mysql *self, struct err *err)
{
	struct circuit_pass pass;
	struct err why = { 0 };
	struct clock *clock = self->options.clock;
	if (clock == NULL)
		return connection_make(self, err);
	if (circuit_breaker_enter(&self->breaker, clock_monotonic_ms(clock), 1, &pass) == 0)
		return err_set(err, ERR_NOT_DONE,
			       "%s: the server did not answer, and is left alone for some seconds",
			       self->options.database);
	bool made = connection_make(self, &why);
	bool failed = !made && why.kind != ERR_REFUSED;
	circuit_breaker_leave(&self->breaker, clock_monotonic_ms(clock), pass, !failed, failed);
	if (!made && err != NULL)
		*err = why;
	return made;
}

/* Outside of a transaction a connection that is gone is made anew; the server ends one that idles,
 * and does not say so before it is asked. */
static bool connection_keep(struct db_mysql *self, struct err *err)
{
	if (self->base.in_transaction)
		return true;
	if (!self->lost && db_mysql_now_ms() - self->used_at >= self->options.idle_ms / 2)
		self->lost = mysql_ping(self->mysql) != 0;
	if (!self->lost)
		return true;
	connection_end(self);
	return connection_try(self, err);
}

/* --- transactions -------------------------------------------------------------------------------
 */

static bool transaction_open(struct db_mysql *self, bool write, struct err *err)
{
	if (write)
		return query(self, "START TRANSACTION", err);
	return query(self, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", err) &&
	       query(self, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", err);
}

/* A connection that idled for too long is found to be gone now, when nothing has happened yet. */
static bool db_mysql_begin(struct db *base, bool write, struct err *err)
{
	struct db_mysql *self = self_of(base);
	self->undone = self->gave_way = false;
	if (write)
		db_way_pause(&self->way);
	if (!connection_keep(self, err))
		return false;
	if (transaction_open(self, write, err))
		return true;
	return self->lost && connection_keep(self, err) && transaction_open(self, write, err);
}

static void statements_end(struct db_mysql *self)
{
	for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
		if (!self->slots[i].open)
			continue;
		(void)mysql_stmt_free_result(self->slots[i].stmt);
		self->slots[i].open = false;
		self->slots[i].finished = true;
	}
}

static void db_mysql_rollback(struct db *base)
{
	struct db_mysql *self = self_of(base);
	struct err err = { 0 };
	statements_end(self);
	/* Without a rollback that was answered the server's end of the connection ends it. */
	if (!self->lost && !query(self, "ROLLBACK", &err))
		self->lost = true;
}

/* A deadlock while committing undoes it; whatever else goes wrong leaves it unknown. */
static bool db_mysql_commit(struct db *base, struct err *err)
{
	struct db_mysql *self = self_of(base);
	struct err late = { 0 };
	statements_end(self);
	if (self->undone || self->lost) {
		db_mysql_rollback(base);
		return err_set(err, ERR_NOT_DONE, "%s: commit: an earlier fault rolled back",
			       self->options.database);
	}
	if (query(self, "COMMIT", &late)) {
		if (base->writing)
			db_way_committed(&self->way);
		return true;
	}
	bool undone = !base->writing || self->gave_way;
	self->lost = self->lost || !undone;
	return err_set(err, undone ? ERR_NOT_DONE : ERR_MAYBE_DONE, "%s", late.text);
}

/* What changes the schema commits by itself, also when it finds it changed already (and then the
 * server does not say so); the rest of the transaction is another one. */
static bool transaction_keep(struct db_mysql *self, bool is_told, struct err *err)
{
	unsigned status = 0;
	if (!self->base.in_transaction)
		return true;
	CHECK(mariadb_get_infov(self->mysql, MARIADB_CONNECTION_SERVER_STATUS, &status) == 0);
	return (is_told && (status & SERVER_STATUS_IN_TRANS) != 0) ||
	       transaction_open(self, self->base.writing, err);
}

static bool text_exec(struct db_mysql *self, const char *sql, struct err *err)
{
	if (query(self, sql, err))
		return transaction_keep(self, true, err);
	return db_mysql_is_made_already(mysql_errno(self->mysql)) &&
	       transaction_keep(self, false, err);
}

static bool db_mysql_exec(struct db *base, const char *sql, struct err *err)
{
	struct db_mysql *self = self_of(base);
	struct buf text;
	if (!connection_keep(self, err))
		return false;
	bool done = db_marks_replace(DB_DIALECT_MYSQL, sql, &text, err) &&
		    text_exec(self, buf_terminated(&text), err);
	buf_free(&text);
	return done;
}

/* --- statements ---------------------------------------------------------------------------------
 */

static struct db_statement *statement_slot(struct db_mysql *self, const char *sql)
{
	uint64_t mixed = (uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(mixed >> 32) & (STATEMENT_SLOTS - 1);
	/* Ends: at least half of the slots are free, see statement_make. */
	while (self->slots[at].sql != NULL && self->slots[at].sql != sql)
		at = (at + 1) & (STATEMENT_SLOTS - 1);
	return &self->slots[at];
}

static bool statement_fault(struct db_statement *statement, struct err *err)
{
	return fault(statement->owner, mysql_stmt_errno(statement->stmt),
		     mysql_stmt_error(statement->stmt), statement->sql, err);
}

static void columns_make(struct db_statement *statement, MYSQL_RES *meta)
{
	statement->columns_len = mysql_num_fields(meta);
	statement->columns = calloc(statement->columns_len, sizeof *statement->columns);
	statement->results = calloc(statement->columns_len, sizeof *statement->results);
	CHECK(statement->columns != NULL && statement->results != NULL);
	for (unsigned i = 0; i < statement->columns_len; i++) {
		struct column *column = &statement->columns[i];
		MYSQL_BIND *bind = &statement->results[i];
		column->is_number = IS_NUM(mysql_fetch_field_direct(meta, i)->type);
		bind->buffer_type = column->is_number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_BLOB;
		bind->is_null = &column->is_null;
		bind->length = &column->len;
	}
}

static bool statement_prepare(struct db_statement *statement, const struct buf *text,
			      struct err *err)
{
	my_bool measures = 1;
	if (mysql_stmt_prepare(statement->stmt, (const char *)text->at, (unsigned long)text->len) !=
	    0)
		return statement_fault(statement, err);
	(void)mysql_stmt_attr_set(statement->stmt, STMT_ATTR_UPDATE_MAX_LENGTH, &measures);
	statement->parameters = mysql_stmt_param_count(statement->stmt);
	statement->binds = calloc(statement->parameters + 1, sizeof *statement->binds);
	statement->numbers = calloc(statement->parameters + 1, sizeof *statement->numbers);
	statement->copies = calloc(statement->parameters + 1, sizeof *statement->copies);
	CHECK(statement->binds != NULL && statement->numbers != NULL && statement->copies != NULL);
	MYSQL_RES *meta = mysql_stmt_result_metadata(statement->stmt);
	if (meta == NULL)
		return true;
	columns_make(statement, meta);
	mysql_free_result(meta);
	return true;
}

static bool statement_make(struct db_mysql *self, struct db_statement *statement, const char *sql,
			   struct err *err)
{
	struct buf text;
	CHECK(self->statements < STATEMENTS_MAX);
	statement->sql = sql;
	statement->owner = self;
	statement->stmt = mysql_stmt_init(self->mysql);
	CHECK(statement->stmt != NULL);
	bool done = db_marks_replace(DB_DIALECT_MYSQL, sql, &text, err) &&
		    statement_prepare(statement, &text, err);
	buf_free(&text);
	if (done) {
		self->statements++;
		return true;
	}
	(void)mysql_stmt_close(statement->stmt);
	room_free(statement);
	*statement = (struct db_statement){ .sql = NULL };
	return false;
}

static void statement_reset(struct db_statement *statement)
{
	if (statement->open)
		(void)mysql_stmt_free_result(statement->stmt);
	if (statement->rows != NULL)
		db_mysql_rows_clear(statement->rows);
	statement->open = false;
	statement->finished = false;
}

static void binds_clear(struct db_statement *statement)
{
	for (size_t i = 0; i < statement->parameters; i++)
		statement->binds[i] = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_NULL };
}

static struct db_statement *db_mysql_prepare(struct db *base, const char *sql, struct err *err)
{
	struct db_mysql *self = self_of(base);
	if (!connection_keep(self, err))
		return NULL;
	struct db_statement *statement = statement_slot(self, sql);
	if (statement->sql == NULL && !statement_make(self, statement, sql, err))
		return NULL;
	statement_reset(statement);
	binds_clear(statement);
	return statement;
}

static MYSQL_BIND *bind_of(struct db_statement *statement, int at)
{
	CHECK(!statement->open && !statement->finished);
	CHECK(at >= 1 && (unsigned long)at <= statement->parameters);
	return &statement->binds[at - 1];
}

static void db_mysql_bind_null(struct db_statement *statement, int at)
{
	*bind_of(statement, at) = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_NULL };
}

static void db_mysql_bind_i64(struct db_statement *statement, int at, int64_t value)
{
	MYSQL_BIND *bind = bind_of(statement, at);
	statement->numbers[at - 1] = value;
	*bind = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_LONGLONG,
			      .buffer = &statement->numbers[at - 1] };
}

static void bind_copy(struct db_statement *statement, int at, enum enum_field_types type,
		      const void *bytes, size_t len)
{
	MYSQL_BIND *bind = bind_of(statement, at);
	struct copy *copy = &statement->copies[at - 1];
	if (copy->at == NULL || copy->cap < len) {
		free(copy->at);
		copy->cap = len + 1;
		copy->at = malloc(copy->cap);
		CHECK(copy->at != NULL);
	}
	if (len > 0)
		memcpy(copy->at, bytes, len);
	*bind = (MYSQL_BIND){ .buffer_type = type, .buffer = copy->at, .buffer_length = len };
}

static void db_mysql_bind_bytes(struct db_statement *statement, int at, const void *bytes,
				size_t len)
{
	bind_copy(statement, at, MYSQL_TYPE_BLOB, bytes, len);
}

static void db_mysql_bind_text(struct db_statement *statement, int at, struct str text)
{
	bind_copy(statement, at, MYSQL_TYPE_STRING, text.at, text.len);
}

static void db_mysql_bind_next_row(struct db_statement *statement)
{
	CHECK(!statement->open && !statement->finished && statement->columns == NULL);
	if (statement->rows == NULL)
		statement->rows = db_mysql_rows_new(statement->parameters);
	db_mysql_rows_add(statement->rows, statement->binds);
	binds_clear(statement);
}

/* The result is here; each column gets room for its longest value. */
static bool result_bind(struct db_statement *statement, struct err *err)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(statement->stmt);
	CHECK(meta != NULL && mysql_num_fields(meta) == statement->columns_len);
	for (unsigned i = 0; i < statement->columns_len; i++) {
		struct column *column = &statement->columns[i];
		unsigned long longest = mysql_fetch_field_direct(meta, i)->max_length;
		if (!column->is_number && (longest > column->cap || column->cap == 0)) {
			column->cap = longest + 1;
			column->bytes = realloc(column->bytes, column->cap);
			CHECK(column->bytes != NULL);
		}
		statement->results[i].buffer =
			column->is_number ? (void *)&column->number : column->bytes;
		statement->results[i].buffer_length =
			column->is_number ? sizeof column->number : column->cap;
	}
	mysql_free_result(meta);
	return mysql_stmt_bind_result(statement->stmt, statement->results) == 0 ||
	       statement_fault(statement, err);
}

static bool result_take(struct db_statement *statement, struct err *err)
{
	if (mysql_stmt_store_result(statement->stmt) != 0)
		return statement_fault(statement, err);
	statement->open = true;
	return result_bind(statement, err);
}

static enum db_step statement_end(struct db_statement *statement, enum db_step step)
{
	statement_reset(statement);
	statement->finished = true;
	return step;
}

/* DONE, CONFLICT or FAILED, of one execution. */
static enum db_step statement_execute(struct db_statement *statement, MYSQL_BIND *binds,
				      struct err *err)
{
	if ((statement->parameters == 0 || mysql_stmt_bind_param(statement->stmt, binds) == 0) &&
	    mysql_stmt_execute(statement->stmt) == 0)
		return DB_DONE;
	if (db_mysql_is_conflict(mysql_stmt_errno(statement->stmt)))
		return DB_CONFLICT;
	statement_fault(statement, err);
	return DB_FAILED;
}

/* One statement for the server too: a row that conflicts undoes the others. */
static enum db_step rows_run_array(struct db_statement *statement, struct err *err)
{
	unsigned len = (unsigned)db_mysql_rows_len(statement->rows);
	unsigned none = 0;
	(void)mysql_stmt_attr_set(statement->stmt, STMT_ATTR_ARRAY_SIZE, &len);
	enum db_step step = statement_execute(statement, db_mysql_rows_array(statement->rows), err);
	(void)mysql_stmt_attr_set(statement->stmt, STMT_ATTR_ARRAY_SIZE, &none);
	return step;
}

/* What the array does by itself a savepoint does here. */
static enum db_step rows_run_each(struct db_statement *statement, struct err *err)
{
	struct db_mysql *self = statement->owner;
	enum db_step step = DB_DONE;
	if (!query(self, "SAVEPOINT many", err))
		return DB_FAILED;
	for (size_t i = 0; i < db_mysql_rows_len(statement->rows) && step == DB_DONE; i++)
		step = statement_execute(statement, db_mysql_rows_one(statement->rows, i), err);
	if ((step == DB_CONFLICT && !query(self, "ROLLBACK TO SAVEPOINT many", err)) ||
	    (step != DB_FAILED && !query(self, "RELEASE SAVEPOINT many", err)))
		step = DB_FAILED;
	/* Half of them would stay. */
	self->undone = self->undone || step == DB_FAILED;
	return step;
}

static enum db_step rows_run(struct db_statement *statement, struct err *err)
{
	db_mysql_rows_add(statement->rows, statement->binds);
	enum db_step step = statement->owner->takes_arrays ? rows_run_array(statement, err)
							   : rows_run_each(statement, err);
	db_mysql_rows_clear(statement->rows);
	return step;
}

static enum db_step statement_run(struct db_statement *statement, struct err *err)
{
	struct db_mysql *self = statement->owner;
	/* A write outside of a write transaction would be one of its own. */
	CHECK(statement->columns != NULL || self->base.writing);
	self->used_at = db_mysql_now_ms();
	if (self->base.in_transaction && self->undone) {
		err_set(err, ERR_NOT_DONE, "%s: an earlier fault rolled back",
			self->options.database);
		return DB_FAILED;
	}
	if (statement->rows != NULL && db_mysql_rows_len(statement->rows) > 0)
		return rows_run(statement, err);
	enum db_step step = statement_execute(statement, statement->binds, err);
	if (step != DB_DONE)
		return step;
	if (statement->columns == NULL) {
		self->changes = (int64_t)mysql_stmt_affected_rows(statement->stmt);
		return DB_DONE;
	}
	return result_take(statement, err) ? DB_ROW : DB_FAILED;
}

static enum db_step db_mysql_step(struct db_statement *statement, struct err *err)
{
	CHECK(!statement->finished);
	if (!statement->open) {
		enum db_step step = statement_run(statement, err);
		if (step != DB_ROW)
			return statement_end(statement, step);
	}
	int code = mysql_stmt_fetch(statement->stmt);
	CHECK(code != MYSQL_DATA_TRUNCATED); /* every column has room for its longest */
	if (code == 0)
		return DB_ROW;
	if (code != MYSQL_NO_DATA)
		statement_fault(statement, err);
	return statement_end(statement, code == MYSQL_NO_DATA ? DB_DONE : DB_FAILED);
}

static void db_mysql_reset(struct db_statement *statement)
{
	(void)statement_end(statement, DB_DONE);
}

static bool db_mysql_may_repeat(struct db *base)
{
	const struct db_mysql *self = self_of(base);
	return self->gave_way && !self->lost && db_way_may_repeat(&self->way);
}

static int64_t db_mysql_changes(struct db *base)
{
	return self_of(base)->changes;
}

static const struct column *column_of(const struct db_statement *statement, int at)
{
	CHECK(statement->open && at >= 0 && (unsigned)at < statement->columns_len);
	return &statement->columns[at];
}

static bool db_mysql_column_is_null(struct db_statement *statement, int at)
{
	return column_of(statement, at)->is_null != 0;
}

static int64_t db_mysql_column_i64(struct db_statement *statement, int at)
{
	const struct column *column = column_of(statement, at);
	return column->is_number && !column->is_null ? column->number : 0;
}

static struct str db_mysql_column_bytes(struct db_statement *statement, int at)
{
	const struct column *column = column_of(statement, at);
	if (column->is_number || column->is_null || column->len > column->cap)
		return (struct str){ 0 };
	return str_from_bytes(column->bytes, column->len);
}

/* --- open and close -----------------------------------------------------------------------------
 */

/* Named by the database: the server has one list of such locks. */
static bool db_mysql_schema_lock(struct db *base, bool take, struct err *err)
{
	struct db_mysql *self = self_of(base);
	char sql[96];
	int64_t done = 0;
	(void)snprintf(sql, sizeof sql,
		       take ? "SELECT GET_LOCK(CONCAT(DATABASE(), '.schema'), %u)"
			    : "SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.schema'))",
		       db_mysql_seconds(self->options.wait_ms));
	if (!connection_keep(self, err) || !number_ask(self, sql, &done, err))
		return false;
	return done == 1 || err_set(err, ERR_NOT_DONE, "%s: somebody else changes the schema",
				    self->options.database);
}

static enum db_lock db_mysql_host_lock(struct db *base, const char *name)
{
	(void)base;
	(void)name;
	return DB_LOCK_UNSUPPORTED;
}

static void db_mysql_close(struct db *base)
{
	struct db_mysql *self = self_of(base);
	connection_end(self);
	secret_free(&self->password);
	for (size_t i = 0; i < TEXTS_LEN; i++)
		free(self->texts[i]);
	free(self);
}

static const struct db_ops db_mysql_ops = {
	.begin = db_mysql_begin,
	.commit = db_mysql_commit,
	.rollback = db_mysql_rollback,
	.exec = db_mysql_exec,
	.prepare = db_mysql_prepare,
	.bind_null = db_mysql_bind_null,
	.bind_i64 = db_mysql_bind_i64,
	.bind_bytes = db_mysql_bind_bytes,
	.bind_text = db_mysql_bind_text,
	.bind_next_row = db_mysql_bind_next_row,
	.step = db_mysql_step,
	.reset = db_mysql_reset,
	.may_repeat = db_mysql_may_repeat,
	.changes = db_mysql_changes,
	.column_is_null = db_mysql_column_is_null,
	.column_i64 = db_mysql_column_i64,
	.column_bytes = db_mysql_column_bytes,
	.schema_lock = db_mysql_schema_lock,
	.host_lock = db_mysql_host_lock,
	.close = db_mysql_close,
};

/* Connections are made anew for as long as there are any. */
static void texts_keep(struct db_mysql *self)
{
	struct db_mysql_options *options = &self->options;
	const char **const texts[TEXTS_LEN] = { &options->host,   &options->socket,
						&options->user,   &options->database,
						&options->tls_ca, &options->tls_cert,
						&options->tls_key };
	for (size_t i = 0; i < TEXTS_LEN; i++) {
		if (*texts[i] == NULL)
			continue;
		self->texts[i] = strdup(*texts[i]);
		CHECK(self->texts[i] != NULL);
		*texts[i] = self->texts[i];
	}
}

static bool password_keep(struct db_mysql *self, struct err *err)
{
	if (self->options.password == NULL)
		return true;
	size_t size = strlen(self->options.password) + 1;
	if (!secret_new(&self->password, size, err))
		return false;
	memcpy(self->password.at, self->options.password, size);
	self->options.password = (const char *)self->password.at;
	return true;
}

bool db_mysql_open(const struct db_mysql_options *options, struct db **ret_db, struct err *err)
{
	CHECK(options != NULL && options->user != NULL && options->database != NULL);
	struct db_mysql *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &db_mysql_ops;
	self->options = *options;
	if (self->options.port == 0)
		self->options.port = DB_MYSQL_PORT_DEFAULT;
	if (self->options.wait_ms == 0)
		self->options.wait_ms = DB_MYSQL_WAIT_MS_DEFAULT;
	if (self->options.idle_ms == 0)
		self->options.idle_ms = DB_MYSQL_IDLE_MS_DEFAULT;
	if (self->options.clock != NULL)
		circuit_breaker_init(&self->breaker, options->metrics, options->neighbour);
	texts_keep(self);
	if (!password_keep(self, err) || !connection_make(self, err)) {
		db_mysql_close(&self->base);
		return false;
	}
	*ret_db = &self->base;
	return true;
}
