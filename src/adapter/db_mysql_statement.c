/* Statements of MariaDB and MySQL: prepared once, their rows run one by one, or many as one
 * array-bound statement. */
#include "adapter/db_mysql_parts.h"

#include "adapter/db_marks.h"
#include "adapter/db_mysql_code.h"
#include "adapter/db_mysql_session.h"
#include "base/buf.h"
#include "base/check.h"

#include <stdlib.h>
#include <string.h>

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
	return db_mysql_fault(statement->owner, mysql_stmt_errno(statement->stmt),
			      mysql_stmt_error(statement->stmt), statement->sql, err);
}

static void columns_make(struct db_statement *statement, MYSQL_RES *meta)
{
	statement->columns_len = mysql_num_fields(meta);
	statement->columns = calloc(statement->columns_len, sizeof *statement->columns);
	statement->results = calloc(statement->columns_len, sizeof *statement->results);
	CHECK(statement->columns != NULL && statement->results != NULL);
	for (unsigned i = 0; i < statement->columns_len; i++) {
		struct db_mysql_column *column = &statement->columns[i];
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

void db_mysql_statement_free(struct db_statement *statement)
{
	(void)mysql_stmt_close(statement->stmt);
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
	*statement = (struct db_statement){ .sql = NULL };
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
	db_mysql_statement_free(statement);
	return false;
}

static void statement_reset(struct db_statement *statement)
{
	if (statement->open)
		(void)mysql_stmt_free_result(statement->stmt);
	if (statement->rows != NULL && !statement->is_later)
		db_mysql_rows_clear(statement->rows);
	statement->open = false;
	statement->finished = false;
}

static void binds_clear(struct db_statement *statement)
{
	for (size_t i = 0; i < statement->parameters; i++)
		statement->binds[i] = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_NULL };
}

struct db_statement *db_mysql_prepare(struct db *base, const char *sql, struct err *err)
{
	struct db_mysql *self = db_mysql_of(base);
	if (!db_mysql_keep(self, err))
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

void db_mysql_bind_null(struct db_statement *statement, int at)
{
	*bind_of(statement, at) = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_NULL };
}

void db_mysql_bind_i64(struct db_statement *statement, int at, int64_t value)
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
	struct db_mysql_copy *copy = &statement->copies[at - 1];
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

void db_mysql_bind_bytes(struct db_statement *statement, int at, const void *bytes, size_t len)
{
	bind_copy(statement, at, MYSQL_TYPE_BLOB, bytes, len);
}

void db_mysql_bind_text(struct db_statement *statement, int at, struct str text)
{
	bind_copy(statement, at, MYSQL_TYPE_STRING, text.at, text.len);
}

void db_mysql_bind_next_row(struct db_statement *statement)
{
	CHECK(!statement->open && !statement->finished && statement->columns == NULL);
	CHECK(!statement->is_later);
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
		struct db_mysql_column *column = &statement->columns[i];
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
	if (!db_mysql_query(self, "SAVEPOINT many", err))
		return DB_FAILED;
	for (size_t i = 0; i < db_mysql_rows_len(statement->rows) && step == DB_DONE; i++)
		step = statement_execute(statement, db_mysql_rows_one(statement->rows, i), err);
	if ((step == DB_CONFLICT && !db_mysql_query(self, "ROLLBACK TO SAVEPOINT many", err)) ||
	    (step != DB_FAILED && !db_mysql_query(self, "RELEASE SAVEPOINT many", err)))
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

/* --- rows that wait ---------------------------------------------------------------------------
 */

void db_mysql_later_drop(struct db_mysql *self)
{
	for (size_t i = 0; i < self->later_len; i++) {
		self->later[i]->is_later = false;
		db_mysql_rows_clear(self->later[i]->rows);
	}
	self->later_len = 0;
}

/* As one array where the server takes it. Its count of rows is the sum of all of them. */
static enum db_step later_execute(struct db_statement *statement, int64_t *ret_changed,
				  struct err *err)
{
	size_t len = db_mysql_rows_len(statement->rows);
	enum db_step step = DB_DONE;
	*ret_changed = 0;
	if (len > 1 && statement->owner->takes_arrays) {
		step = rows_run_array(statement, err);
		*ret_changed = (int64_t)mysql_stmt_affected_rows(statement->stmt);
		return step;
	}
	for (size_t i = 0; i < len && step == DB_DONE; i++) {
		step = statement_execute(statement, db_mysql_rows_one(statement->rows, i), err);
		*ret_changed += (int64_t)mysql_stmt_affected_rows(statement->stmt);
	}
	return step;
}

static bool later_end(struct db_statement *statement, struct err *err)
{
	const char *database = statement->owner->options.database;
	int64_t len = (int64_t)db_mysql_rows_len(statement->rows);
	int64_t changed = 0;
	enum db_step step = later_execute(statement, &changed, err);
	if (step == DB_CONFLICT)
		return err_set(err, ERR_NOT_DONE, "%s: %.80s: a unique key stood in the way",
			       database, statement->sql);
	if (step == DB_DONE && statement->changes_one && changed != len)
		return err_set(err, ERR_NOT_DONE, "%s: %.80s: %lld rows changed, not %lld",
			       database, statement->sql, (long long)changed, (long long)len);
	return step == DB_DONE;
}

/* Half of them would stay. */
bool db_mysql_later_run(struct db_mysql *self, struct err *err)
{
	bool done = true;
	if (self->later_len == 0)
		return true;
	if (self->undone)
		done = err_set(err, ERR_NOT_DONE, "%s: an earlier fault rolled back",
			       self->options.database);
	for (size_t i = 0; i < self->later_len && done; i++)
		done = later_end(self->later[i], err);
	db_mysql_later_drop(self);
	self->undone = self->undone || !done;
	return done;
}

static void later_add(struct db_statement *statement, bool changes_one)
{
	struct db_mysql *self = statement->owner;
	if (statement->rows == NULL)
		statement->rows = db_mysql_rows_new(statement->parameters);
	if (!statement->is_later) {
		CHECK(db_mysql_rows_len(statement->rows) == 0);
		self->later[self->later_len++] = statement;
		statement->is_later = true;
		statement->changes_one = changes_one;
	}
	CHECK(statement->changes_one == changes_one);
	db_mysql_rows_add(statement->rows, statement->binds);
	statement->finished = true;
}

bool db_mysql_later(struct db_statement *statement, bool changes_one, struct err *err)
{
	struct db_mysql *self = statement->owner;
	CHECK(!statement->open && !statement->finished && statement->columns == NULL);
	bool is_full = statement->is_later ? db_mysql_rows_len(statement->rows) == DB_ROWS_MAX
					   : self->later_len == LATER_MAX;
	if (is_full && !db_mysql_later_run(self, err))
		return false;
	later_add(statement, changes_one);
	return true;
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
	if (!db_mysql_later_run(self, err))
		return DB_FAILED;
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

enum db_step db_mysql_step(struct db_statement *statement, struct err *err)
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

void db_mysql_reset(struct db_statement *statement)
{
	(void)statement_end(statement, DB_DONE);
}

static const struct db_mysql_column *column_of(const struct db_statement *statement, int at)
{
	CHECK(statement->open && at >= 0 && (unsigned)at < statement->columns_len);
	return &statement->columns[at];
}

bool db_mysql_column_is_null(struct db_statement *statement, int at)
{
	return column_of(statement, at)->is_null != 0;
}

int64_t db_mysql_column_i64(struct db_statement *statement, int at)
{
	const struct db_mysql_column *column = column_of(statement, at);
	return column->is_number && !column->is_null ? column->number : 0;
}

struct str db_mysql_column_bytes(struct db_statement *statement, int at)
{
	const struct db_mysql_column *column = column_of(statement, at);
	if (column->is_number || column->is_null || column->len > column->cap)
		return (struct str){ 0 };
	return str_from_bytes(column->bytes, column->len);
}

void db_mysql_statements_end(struct db_mysql *self)
{
	for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
		if (!self->slots[i].open)
			continue;
		(void)mysql_stmt_free_result(self->slots[i].stmt);
		self->slots[i].open = false;
		self->slots[i].finished = true;
	}
}
