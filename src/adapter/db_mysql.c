/* MariaDB and MySQL behind port/db.h, by prepared statements. A statement's whole result is read
 * when it runs, so that others can run before its last row was looked at. */
#include "adapter/db_mysql_parts.h"

#include "adapter/db_marks.h"
#include "adapter/db_mysql_code.h"
#include "adapter/db_mysql_session.h"
#include "base/buf.h"
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_MIN 80000UL /* MySQL's; MariaDB's 10.11 is above it */

/* --- faults -------------------------------------------------------------------------------------
 */

bool db_mysql_fault(struct db_mysql *self, unsigned code, const char *text, const char *doing,
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

bool db_mysql_query(struct db_mysql *self, const char *sql, struct err *err)
{
	self->used_at = db_mysql_now_ms();
	if (mysql_query(self->mysql, sql) == 0)
		return true;
	return db_mysql_fault(self, mysql_errno(self->mysql), mysql_error(self->mysql), sql, err);
}

/* --- the connection -----------------------------------------------------------------------------
 */

/* One number out of a query of ours; 0 when it has no row. */
static bool number_ask(struct db_mysql *self, const char *sql, int64_t *ret_number, struct err *err)
{
	*ret_number = 0;
	if (!db_mysql_query(self, sql, err))
		return false;
	MYSQL_RES *result = mysql_store_result(self->mysql);
	if (result == NULL)
		return db_mysql_fault(self, mysql_errno(self->mysql), mysql_error(self->mysql), sql,
				      err);
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
	return db_mysql_query(self,
			      "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
			      err) &&
	       db_mysql_query(self, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
			      err) &&
	       db_mysql_query(self, wait, err) && db_mysql_query(self, idle, err) &&
	       (self->options.reads_only
			? db_mysql_query(self, "SET SESSION TRANSACTION READ ONLY", err)
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
		return db_mysql_fault(self, mysql_errno(self->mysql), mysql_error(self->mysql),
				      "connect", err);
	self->lost = false;
	self->takes_arrays = !options->row_by_row && db_mysql_rows_taken(self->mysql);
	self->way.seed = mysql_thread_id(self->mysql); /* the server's number of this connection */
	if (session_begin(self, err))
		return true;
	self->lost = true; /* half a session is none */
	return false;
}

static void connection_end(struct db_mysql *self)
{
	for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
		struct db_statement *statement = &self->slots[i];
		if (statement->stmt != NULL)
			db_mysql_statement_free(statement);
	}
	self->statements = 0;
	self->later_len = 0;
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
bool db_mysql_keep(struct db_mysql *self, struct err *err)
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
		return db_mysql_query(self, "START TRANSACTION", err);
	return db_mysql_query(self, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", err) &&
	       db_mysql_query(self, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", err);
}

/* A connection that idled for too long is found to be gone now, when nothing has happened yet. */
static bool db_mysql_begin(struct db *base, bool write, struct err *err)
{
	struct db_mysql *self = db_mysql_of(base);
	self->undone = self->gave_way = false;
	if (write)
		db_way_pause(&self->way);
	if (!db_mysql_keep(self, err))
		return false;
	if (transaction_open(self, write, err))
		return true;
	return self->lost && db_mysql_keep(self, err) && transaction_open(self, write, err);
}

static void db_mysql_rollback(struct db *base)
{
	struct db_mysql *self = db_mysql_of(base);
	struct err err = { 0 };
	db_mysql_statements_end(self);
	db_mysql_later_drop(self);
	/* Without a rollback that was answered the server's end of the connection ends it. */
	if (!self->lost && !db_mysql_query(self, "ROLLBACK", &err))
		self->lost = true;
}

/* A deadlock while committing undoes it; whatever else goes wrong leaves it unknown. */
static bool db_mysql_commit(struct db *base, struct err *err)
{
	struct db_mysql *self = db_mysql_of(base);
	struct err late = { 0 };
	db_mysql_statements_end(self);
	if (!db_mysql_later_run(self, &late)) {
		db_mysql_rollback(base);
		return err_set(err, ERR_NOT_DONE, "%s", late.text);
	}
	if (self->undone || self->lost) {
		db_mysql_rollback(base);
		return err_set(err, ERR_NOT_DONE, "%s: commit: an earlier fault rolled back",
			       self->options.database);
	}
	if (db_mysql_query(self, "COMMIT", &late)) {
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
	if (db_mysql_query(self, sql, err))
		return transaction_keep(self, true, err);
	return db_mysql_is_made_already(mysql_errno(self->mysql)) &&
	       transaction_keep(self, false, err);
}

static bool db_mysql_exec(struct db *base, const char *sql, struct err *err)
{
	struct db_mysql *self = db_mysql_of(base);
	struct buf text;
	if (!db_mysql_keep(self, err) || !db_mysql_later_run(self, err))
		return false;
	bool done = db_marks_replace(DB_DIALECT_MYSQL, sql, &text, err) &&
		    text_exec(self, buf_terminated(&text), err);
	buf_free(&text);
	return done;
}

static bool db_mysql_may_repeat(struct db *base)
{
	const struct db_mysql *self = db_mysql_of(base);
	return self->gave_way && !self->lost && db_way_may_repeat(&self->way);
}

static int64_t db_mysql_changes(struct db *base)
{
	return db_mysql_of(base)->changes;
}

/* --- open and close -----------------------------------------------------------------------------
 */

/* Named by the database: the server has one list of such locks. */
static bool db_mysql_schema_lock(struct db *base, bool take, struct err *err)
{
	struct db_mysql *self = db_mysql_of(base);
	char sql[96];
	int64_t done = 0;
	(void)snprintf(sql, sizeof sql,
		       take ? "SELECT GET_LOCK(CONCAT(DATABASE(), '.schema'), %u)"
			    : "SELECT RELEASE_LOCK(CONCAT(DATABASE(), '.schema'))",
		       db_mysql_seconds(self->options.wait_ms));
	if (!db_mysql_keep(self, err) || !number_ask(self, sql, &done, err))
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
	struct db_mysql *self = db_mysql_of(base);
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
	.later = db_mysql_later,
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
