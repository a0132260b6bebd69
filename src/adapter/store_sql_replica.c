#include "adapter/store_sql_replica.h"

#include "adapter/store_schema.h"
#include "adapter/store_sql_parts.h"

#include <stdlib.h>

/* A process that has not marked for so long is gone, or does not know its old marks any more. */
#define MARK_LIFE_MS (INT64_C(24) * 3600 * 1000)

struct store_sql_replica {
	struct replica base;
	struct store_sql_replica_options options;
	struct id writer; /* random: whoever else marks has another name, this process before its
			     restart too */
	struct db *db;    /* the reading thread's; NULL: none is open */
};

/* The body of the transaction that marks. */
struct mark {
	struct id writer;
	int64_t mark_ms;
	int64_t now_ms;
};

static struct store_sql_replica *self_of(struct replica *replica)
{
	return (struct store_sql_replica *)(void *)replica;
}

static bool mark_raise(struct db *db, const struct mark *mark, bool *ret_found, struct err *err)
{
	int64_t changed = 0;
	struct sql sql = sql_prepare(
		db, "UPDATE replica_marks SET mark = ?, written_at = ? WHERE writer = ?", err);
	sql_put_i64(&sql, mark->mark_ms);
	sql_put_i64(&sql, mark->now_ms);
	sql_put_id(&sql, mark->writer);
	if (!sql_run_count(&sql, &changed))
		return false;
	*ret_found = changed > 0;
	return true;
}

/* The first mark of a process. It clears away those of processes that are gone. */
static bool mark_add(struct db *db, const struct mark *mark, struct err *err)
{
	struct sql old = sql_prepare(db, "DELETE FROM replica_marks WHERE written_at < ?", err);
	sql_put_i64(&old, mark->now_ms - MARK_LIFE_MS);
	if (!sql_run(&old, NULL))
		return false;
	struct sql sql = sql_prepare(
		db, "INSERT INTO replica_marks (writer, mark, written_at) VALUES (?, ?, ?)", err);
	sql_put_id(&sql, mark->writer);
	sql_put_i64(&sql, mark->mark_ms);
	sql_put_i64(&sql, mark->now_ms);
	return sql_run(&sql, NULL);
}

static bool mark_write(struct db *db, void *context, struct err *err)
{
	bool found = false;
	return mark_raise(db, context, &found, err) && (found || mark_add(db, context, err));
}

static bool store_sql_replica_mark(struct replica *replica, int64_t mark_ms, int64_t now_ms,
				   struct err *err)
{
	struct store_sql_replica *self = self_of(replica);
	struct mark mark = { self->writer, mark_ms, now_ms };
	return sql_write(self->options.primary, mark_write, &mark, err);
}

/* In the list's own snapshot: a proxy may lead each connection to another server, and a server may
 * change its schema at any time. */
static bool facts_read(struct store_sql_replica *self, int64_t *ret_mark_ms, struct err *err)
{
	int64_t version = 0;
	*ret_mark_ms = 0;
	struct sql sql =
		sql_prepare(self->db,
			    "SELECT (SELECT COALESCE(MAX(version), 0) FROM schema_migrations), "
			    "COALESCE((SELECT mark FROM replica_marks WHERE writer = ?), 0)",
			    err);
	sql_put_id(&sql, self->writer);
	if (sql_next(&sql)) {
		version = sql_take_i64(&sql);
		*ret_mark_ms = sql_take_i64(&sql);
	}
	if (!sql_end(&sql))
		return false;
	if (*ret_mark_ms < 0)
		*ret_mark_ms = 0; /* not of our writing */
	return (version >= STORE_SCHEMA_MIN && version <= STORE_SCHEMA_MAX) ||
	       err_set(err, ERR_REFUSED,
		       "the replica's schema has version %lld; this program takes %d to %d",
		       (long long)version, STORE_SCHEMA_MIN, STORE_SCHEMA_MAX);
}

static bool snapshot_read(struct store_sql_replica *self, const struct store_filter *filter,
			  struct store_view *ret_views, struct store_page *ret_page,
			  int64_t *ret_mark_ms, struct err *err)
{
	if (!db_begin(self->db, false, err))
		return false;
	bool good = facts_read(self, ret_mark_ms, err) &&
		    store_sql_list_read(self->db, filter, ret_views, ret_page, err);
	db_rollback(self->db);
	return good;
}

static bool store_sql_replica_list(struct replica *replica, const struct store_filter *filter,
				   struct store_view *ret_views, struct store_page *ret_page,
				   int64_t *ret_mark_ms, struct err *err)
{
	struct store_sql_replica *self = self_of(replica);
	if (self->db == NULL && !self->options.open(self->options.context, &self->db, err))
		return false;
	if (snapshot_read(self, filter, ret_views, ret_page, ret_mark_ms, err))
		return true;
	db_close(self->db);
	self->db = NULL;
	return false;
}

static void store_sql_replica_close(struct replica *replica)
{
	struct store_sql_replica *self = self_of(replica);
	db_close(self->db);
	free(self);
}

struct replica *store_sql_replica_new(const struct store_sql_replica_options *options)
{
	static const struct replica_ops ops = {
		.mark = store_sql_replica_mark,
		.list = store_sql_replica_list,
		.close = store_sql_replica_close,
	};
	struct store_sql_replica *self = calloc(1, sizeof *self);
	CHECK(self != NULL && options->primary != NULL && options->open != NULL);
	self->base.ops = &ops;
	self->options = *options;
	entropy_fill(options->entropy, self->writer.bytes, sizeof self->writer.bytes);
	return &self->base;
}
