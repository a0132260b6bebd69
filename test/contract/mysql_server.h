/* The server of run_with_mysql.mjs. Functions abort when it does not do what is asked for. */
#ifndef SLUICE_TEST_CONTRACT_MYSQL_SERVER_H
#define SLUICE_TEST_CONTRACT_MYSQL_SERVER_H

#include "port/db.h"

#include <stddef.h>

struct db *mysql_server_open(const char *database, const char *user);
/* As root: one statement, the name put behind it. */
void mysql_server_say(const char *text, const char *name);
/* A new database; its name, unique among all test programs. */
void mysql_server_database(char *ret_name, size_t cap);

#endif
