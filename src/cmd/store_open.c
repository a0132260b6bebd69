#include "cmd/store_open.h"

#include "adapter/db_sqlite.h"
#include "adapter/journal_sql.h"
#include "adapter/queue_store.h"
#include "adapter/store_sql.h"
#include "base/hash.h"
#include "base/hex.h"
#include "cmd/database_open.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void store_run_directory(const struct config *config, char ret_path[STORE_RUN_LEN_MAX + 1])
{
	uint8_t digest[SHA256_BYTES];
	const char *store_path = config->store.path;
	int len = snprintf(ret_path, STORE_RUN_LEN_MAX + 1, "%s" DB_SQLITE_RUN_SUFFIX, store_path);
	if (len <= STORE_RUN_LEN_MAX)
		return;
	struct buf out = buf_of(ret_path, STORE_RUN_LEN_MAX + 1);
	sha256(store_path, strlen(store_path), digest);
	buf_text(&out, "/tmp/sluice-");
	hex_write(&out, digest, 8);
	(void)buf_terminated(&out);
}

/* Without its directory, nobody is woken, and everybody looks. */
static void socket_prefix(const struct config *config, char *ret_prefix, size_t cap)
{
	char path[STORE_RUN_LEN_MAX + 1];
	store_run_directory(config, path);
	(void)mkdir(path, 0700);
	(void)snprintf(ret_prefix, cap, "%s/wake", path);
}

static bool schema_fault(const struct config *config, struct err *err)
{
	char bytes[512];
	struct buf text = buf_of(bytes, sizeof bytes);
	database_tell(&config->store, &text);
	return err_wrap(err, "%s (see `sluice migrate`)", buf_terminated(&text));
}

static bool parts_open(const struct config *config, bool with_queue, struct clock *clock,
		       struct entropy *entropy, struct opened_store *opened, struct err *err)
{
	char prefix[STORE_RUN_LEN_MAX + sizeof "/wake"];
	if (!store_sql_open(opened->db, &opened->store, err))
		return schema_fault(config, err);
	if (!with_queue)
		return true;
	socket_prefix(config, prefix, sizeof prefix);
	return queue_store_open(opened->db, clock, entropy, prefix, &opened->queue, err);
}

bool opened_store_open(const struct config *config, uint32_t cache_kb, bool with_queue,
		       struct clock *clock, struct entropy *entropy, struct metrics *metrics,
		       struct opened_store *ret_opened, struct err *err)
{
	const struct database_watch watch = { clock, metrics, "store" };
	struct opened_store opened = { 0 };
	if (!config->store.is_mysql && access(config->store.path, F_OK) != 0)
		return err_set(err, ERR_NOT_DONE,
			       "there is no database at %s; `sluice migrate` makes it",
			       config->store.path);
	if (!database_open(&config->store, DATABASE_ROLE, cache_kb, metrics != NULL ? &watch : NULL,
			   &opened.db, err))
		return false;
	if (!parts_open(config, with_queue, clock, entropy, &opened, err)) {
		opened_store_close(&opened);
		return false;
	}
	*ret_opened = opened;
	return true;
}

void opened_store_close(struct opened_store *opened)
{
	queue_close(opened->queue);
	store_close(opened->store);
	db_close(opened->db);
	*opened = (struct opened_store){ 0 };
}

bool store_migrate(const struct config *config, struct clock *clock, struct err *err)
{
	struct db *db;
	if (!database_open(&config->store, DATABASE_MIGRATE, STORE_CACHE_KB_OTHER, NULL, &db, err))
		return false;
	bool ok = store_sql_migrate(db, clock_now_ms(clock), err);
	db_close(db);
	return ok;
}

bool journal_migrate(const struct config *config, struct err *err)
{
	struct db *db;
	if (!config->journal.is_mysql)
		return true;
	if (!database_open(&config->journal, DATABASE_MIGRATE, STORE_CACHE_KB_OTHER, NULL, &db,
			   err))
		return err_wrap(err, "journal");
	bool ok = journal_sql_create(db, err);
	db_close(db);
	return ok;
}
