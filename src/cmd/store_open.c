#include "cmd/store_open.h"

#include "adapter/db_sqlite.h"
#include "adapter/queue_store.h"
#include "adapter/store_sql.h"
#include "base/hash.h"
#include "base/hex.h"
#include "cmd/log_open.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A socket's name has 107 bytes, and the queue's own name is put behind the prefix. */
#define SOCKET_PREFIX_LEN_MAX 80

/* Beside the database; below /tmp when that is too long a path. A wake-up grants nothing, and the
 * queue is looked at without any, so that the place needs no protection. */
static void socket_prefix(const char *store_path, char ret_prefix[SOCKET_PREFIX_LEN_MAX + 1])
{
	uint8_t digest[SHA256_BYTES];
	int len = snprintf(ret_prefix, SOCKET_PREFIX_LEN_MAX + 1, "%s-wake", store_path);
	if (len <= SOCKET_PREFIX_LEN_MAX)
		return;
	struct buf out = buf_of(ret_prefix, SOCKET_PREFIX_LEN_MAX + 1);
	sha256(store_path, strlen(store_path), digest);
	buf_text(&out, "/tmp/sluice-");
	hex_write(&out, digest, 8);
	(void)buf_terminated(&out);
}

static bool parts_open(const struct config *config, bool with_queue, struct clock *clock,
		       struct entropy *entropy, struct opened_store *opened, struct err *err)
{
	char prefix[SOCKET_PREFIX_LEN_MAX + 1];
	if (!store_sql_open(opened->db, &opened->store, err))
		return err_wrap(err, "%s (see `sluice migrate`)", config->store_path);
	if (!with_queue)
		return true;
	socket_prefix(config->store_path, prefix);
	return queue_store_open(opened->db, clock, entropy, prefix, &opened->queue, err);
}

bool opened_store_open(const struct config *config, uint32_t cache_kb, bool with_queue,
		       struct clock *clock, struct entropy *entropy,
		       struct opened_store *ret_opened, struct err *err)
{
	struct db_sqlite_options options = { .path = config->store_path, .cache_kb = cache_kb };
	struct opened_store opened = { 0 };
	if (access(config->store_path, F_OK) != 0)
		return err_set(err, ERR_NOT_DONE,
			       "there is no database at %s; `sluice migrate` makes it",
			       config->store_path);
	if (!db_sqlite_open(&options, &opened.db, err))
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
	struct db_sqlite_options options = { .path = config->store_path };
	struct db *db;
	if (!directory_make_for(config->store_path, err) || !db_sqlite_open(&options, &db, err))
		return false;
	bool ok = store_sql_migrate(db, clock_now_ms(clock), err);
	db_close(db);
	return ok;
}
