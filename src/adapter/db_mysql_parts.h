/* What the files of this driver share: db_mysql.c connects and keeps transactions,
 * db_mysql_statement.c prepares, binds and runs. */
#ifndef SLUICE_ADAPTER_DB_MYSQL_PARTS_H
#define SLUICE_ADAPTER_DB_MYSQL_PARTS_H

#include "adapter/db_mysql.h"
#include "adapter/db_mysql_rows.h"
#include "adapter/db_way.h"
#include "base/secret.h"
#include "net/circuit_breaker.h"

#include <mysql.h>

/* As in db_sqlite.c: SQL is a fixed set of literals. */
#define STATEMENTS_MAX  256
#define STATEMENT_SLOTS 512 /* a power of two, at most half full */
#define TEXTS_LEN       7   /* of the options, but for the password */
#define LATER_MAX       16  /* statements whose rows wait at a time */

_Static_assert(STATEMENT_SLOTS >= 2 * STATEMENTS_MAX, "probing stays short");

struct db_mysql_column {
	bool is_number;
	int64_t number;
	my_bool is_null;
	unsigned long len;
	char *bytes;
	unsigned long cap;
};

/* A parameter's bytes, copied when they are bound: callers hand out what lives on their stacks. */
struct db_mysql_copy {
	void *at;
	size_t cap;
};

struct db_statement {
	const char *sql; /* the literal: its address is the key */
	MYSQL_STMT *stmt;
	struct db_mysql *owner;
	MYSQL_BIND *binds; /* one for each parameter */
	int64_t *numbers;
	struct db_mysql_copy *copies;
	unsigned long parameters;
	struct db_mysql_rows *rows; /* of many, but for the last; NULL before the first of them */
	struct db_mysql_column *columns; /* NULL: it has no rows */
	MYSQL_BIND *results;
	unsigned columns_len;
	bool open;     /* at a row */
	bool finished; /* stepped to its end; needs db_prepare before the next use */
	bool is_later; /* its rows wait (db_later), and change one each */
	bool changes_one;
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
	struct db_statement *later[LATER_MAX]; /* in the order of their first rows */
	size_t later_len;
};
static inline struct db_mysql *db_mysql_of(struct db *db)
{
	return (struct db_mysql *)(void *)db;
}

/* db_mysql.c */
/* What the server said, as an error; the connection remembers what it means for it. False. */
bool db_mysql_fault(struct db_mysql *self, unsigned code, const char *text, const char *doing,
		    struct err *err);
MUST_CHECK bool db_mysql_query(struct db_mysql *self, const char *sql, struct err *err);
/* A connection that is there, outside of a transaction made anew. */
MUST_CHECK bool db_mysql_keep(struct db_mysql *self, struct err *err);

/* db_mysql_statement.c */
struct db_statement *db_mysql_prepare(struct db *base, const char *sql, struct err *err);
void db_mysql_bind_null(struct db_statement *statement, int at);
void db_mysql_bind_i64(struct db_statement *statement, int at, int64_t value);
void db_mysql_bind_bytes(struct db_statement *statement, int at, const void *bytes, size_t len);
void db_mysql_bind_text(struct db_statement *statement, int at, struct str text);
void db_mysql_bind_next_row(struct db_statement *statement);
bool db_mysql_later(struct db_statement *statement, bool changes_one, struct err *err);
/* Runs what waits; when that fails, the transaction can only be rolled back. */
MUST_CHECK bool db_mysql_later_run(struct db_mysql *self, struct err *err);
void db_mysql_later_drop(struct db_mysql *self);
enum db_step db_mysql_step(struct db_statement *statement, struct err *err);
void db_mysql_reset(struct db_statement *statement);
bool db_mysql_column_is_null(struct db_statement *statement, int at);
int64_t db_mysql_column_i64(struct db_statement *statement, int at);
struct str db_mysql_column_bytes(struct db_statement *statement, int at);
/* Ends every read that is open. */
void db_mysql_statements_end(struct db_mysql *self);
/* Frees what a statement has, and the statement. */
void db_mysql_statement_free(struct db_statement *statement);

#endif
