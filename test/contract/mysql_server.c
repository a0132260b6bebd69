#include "mysql_server.h"

#include "adapter/db_mysql.h"
#include "base/buf.h"
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct db *mysql_server_open(const char *database, const char *user)
{
	/* Sanitizers and a hundred threads on two cores are slow; the deadline is not under test.
	 */
	struct db_mysql_options options = { .socket = getenv("SLUICE_TEST_MYSQL_SOCKET"),
					    .user = user,
					    .database = database,
					    .wait_ms = 60000,
					    .row_by_row = getenv("SLUICE_TEST_MYSQL_ROW_BY_ROW") !=
							  NULL };
	struct err err = { 0 };
	struct db *db = NULL;
	if (!db_mysql_open(&options, &db, &err))
		fprintf(stderr, "%s\n", err.text);
	CHECK(db != NULL);
	return db;
}

void mysql_server_say(const char *text, const char *name)
{
	char bytes[256];
	struct err err = { 0 };
	struct db *db = mysql_server_open("mysql", "root");
	struct buf sql = buf_of(bytes, sizeof bytes);
	buf_text(&sql, text);
	buf_text(&sql, name);
	bool done = db_exec(db, buf_terminated(&sql), &err);
	if (!done)
		fprintf(stderr, "%s\n", err.text);
	CHECK(done);
	db_close(db);
}

void mysql_server_database(char *ret_name, size_t cap)
{
	static unsigned made;
	(void)snprintf(ret_name, cap, "t%d_%u", (int)getpid(), ++made);
	mysql_server_say("CREATE DATABASE ", ret_name);
}
