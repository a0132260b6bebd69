/* The rows of one INSERT for MariaDB, kept until it runs: db_mysql.c adds them one by one, and runs
 * them as one array-bound statement, or row by row on a server that takes no arrays (MySQL). */
#ifndef SLUICE_ADAPTER_DB_MYSQL_ROWS_H
#define SLUICE_ADAPTER_DB_MYSQL_ROWS_H

#include "port/db.h"

#include <mysql.h>

struct db_mysql_rows;

/* Does the server take arrays? MariaDB does; MySQL does not. */
bool db_mysql_rows_taken(MYSQL *mysql);
/* For a statement of so many parameters, at least one. Aborts without memory. */
struct db_mysql_rows *db_mysql_rows_new(unsigned long parameters);
void db_mysql_rows_free(struct db_mysql_rows *rows); /* accepts NULL */
void db_mysql_rows_clear(struct db_mysql_rows *rows);
size_t db_mysql_rows_len(const struct db_mysql_rows *rows);
/* Copies what is bound: numbers (LONGLONG), bytes (BLOB, STRING) and NULL, the type of a column the
 * same in all rows. At most DB_ROWS_MAX. */
void db_mysql_rows_add(struct db_mysql_rows *rows, const MYSQL_BIND *binds);
/* Binds for all of them (STMT_ATTR_ARRAY_SIZE is their number), or for the row `at`. Live until the
 * next call. */
MYSQL_BIND *db_mysql_rows_array(struct db_mysql_rows *rows);
MYSQL_BIND *db_mysql_rows_one(struct db_mysql_rows *rows, size_t at);

#endif
