/* What a connection to MariaDB or MySQL is set up with: for db_mysql.c. */
#ifndef SLUICE_ADAPTER_DB_MYSQL_SESSION_H
#define SLUICE_ADAPTER_DB_MYSQL_SESSION_H

#include "adapter/db_mysql.h"

#include <mysql.h>

int64_t db_mysql_now_ms(void); /* monotonic */
/* Whole seconds, at least one: the server counts so. */
unsigned db_mysql_seconds(uint32_t ms);
/* Before it is connected. */
void db_mysql_configure(MYSQL *mysql, const struct db_mysql_options *options);
/* The statement that bounds how long the session may stand still within a transaction. Who does
 * holds its locks, and who wants to take its work over waits for them: the server ends the session.
 * MariaDB knows when one is within a transaction, MySQL ends what idles anywhere. */
void db_mysql_idle_text(MYSQL *mysql, const struct db_mysql_options *options, char ret_text[64]);

#endif
