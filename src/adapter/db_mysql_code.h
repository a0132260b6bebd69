/* What the codes of MariaDB and MySQL, and those of their client library, say about the world: for
 * db_mysql.c. */
#ifndef SLUICE_ADAPTER_DB_MYSQL_CODE_H
#define SLUICE_ADAPTER_DB_MYSQL_CODE_H

#include <stdbool.h>

/* The connection is gone. */
bool db_mysql_is_lost(unsigned code);
/* The transaction is over, or is better ended: after a lock that was waited for too long only the
 * statement is undone. */
bool db_mysql_is_undone(unsigned code);
/* Of these: for a lock, until the deadline. */
bool db_mysql_has_waited(unsigned code);
/* A unique key or a check said no. */
bool db_mysql_is_conflict(unsigned code);
/* What is there already was made by a run that was ended before it could say so: such statements
 * commit alone. */
bool db_mysql_is_made_already(unsigned code);
/* What would be said again, whoever asks and when. */
bool db_mysql_is_refused(unsigned code);

#endif
