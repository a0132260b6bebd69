#include "cmd/database_open.h"

#include "adapter/db_mysql.h"
#include "adapter/db_sqlite.h"
#include "base/buf.h"
#include "base/secret.h"
#include "cmd/log_open.h"
#include "cmd/secret_place.h"

#include <string.h>

#define PASSWORD_LEN_MAX 256

/* A role may make no file where its database is (cmd/sandbox.h): what SQLite has made stays. */
static bool sqlite_open(const struct config_database *database, enum database_user user,
			uint32_t cache_kb, struct db **ret_db, struct err *err)
{
	struct db_sqlite_options options = {
		.path = database->path,
		.cache_kb = cache_kb,
		.keeps_log = user == DATABASE_ROLE,
	};
	return directory_make_for(database->path, err) && db_sqlite_open(&options, ret_db, err);
}

static struct db_mysql_options mysql_options(const struct config_database *database,
					     enum database_user user)
{
	return (struct db_mysql_options){
		.host = database->socket == NULL ? database->host : NULL,
		.socket = database->socket,
		.port = database->port,
		.user = user == DATABASE_MIGRATE ? database->migrate_user : database->user,
		.reads_only = user == DATABASE_READ,
		.database = database->name,
		.tls_ca = database->tls_ca,
		.tls_cert = database->tls_cert,
		.tls_key = database->tls_key,
		.wait_ms = database->wait_ms,
	};
}

static bool mysql_open(const struct config_database *database, enum database_user user,
		       const struct database_watch *watch, struct db **ret_db, struct err *err)
{
	struct db_mysql_options options = mysql_options(database, user);
	const char *file = user == DATABASE_MIGRATE ? database->migrate_password_file
						    : database->password_file;
	struct secret content = { 0 };
	char password[PASSWORD_LEN_MAX + 1] = "";
	if (file != NULL) {
		if (!secret_place_path(file, &file, err) ||
		    !secret_read_file(&content, file, PASSWORD_LEN_MAX, err))
			return false;
		memcpy(password, content.at, content.len);
		options.password = password;
	}
	if (watch != NULL) {
		options.clock = watch->clock;
		options.metrics = watch->metrics;
		options.neighbour = watch->neighbour;
	}
	bool done = db_mysql_open(&options, ret_db, err);
	secret_wipe(password, sizeof password);
	secret_free(&content);
	return done;
}

bool database_open(const struct config_database *database, enum database_user user,
		   uint32_t cache_kb, const struct database_watch *watch, struct db **ret_db,
		   struct err *err)
{
	return database->is_mysql ? mysql_open(database, user, watch, ret_db, err)
				  : sqlite_open(database, user, cache_kb, ret_db, err);
}

void database_tell(const struct config_database *database, struct buf *out)
{
	if (!database->is_mysql)
		buf_text(out, database->path);
	else if (database->socket != NULL)
		buf_format(out, "%s at %s", database->name, database->socket);
	else
		buf_format(out, "%s on %s:%u", database->name, database->host, database->port);
}
