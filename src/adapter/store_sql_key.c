/* API keys as rows. What a row grants is decided by its MAC (port/store_api_key.h) and by whoever
 * asks; here it is columns. */
#include "adapter/store_sql_key.h"

#include "adapter/store_sql_parts.h"

#include <string.h>

#define KEY_COLUMNS                                                                        \
	"secret_hash, account, name, created_at, revoked_at, expires_at, scopes, ranges, " \
	"created_by, mac_key_id, mac"

static const char key_select[] = "SELECT id, " KEY_COLUMNS ", last_used_at, last_used_from "
				 "FROM api_keys WHERE id = ?";
static const char keys_select[] =
	"SELECT id, " KEY_COLUMNS ", last_used_at, last_used_from "
	"FROM api_keys WHERE (? = '' OR account = ?) AND id > ? ORDER BY id LIMIT ?";

static void key_take(struct sql *sql, struct store_api_key *ret_key)
{
	sql_take_text(sql, ret_key->id, sizeof ret_key->id);
	sql_take_bytes(sql, ret_key->secret_hash, sizeof ret_key->secret_hash);
	sql_take_text(sql, ret_key->account, sizeof ret_key->account);
	sql_take_text(sql, ret_key->name, sizeof ret_key->name);
	ret_key->created_at = sql_take_i64(sql);
	ret_key->revoked_at = sql_take_i64(sql);
	ret_key->expires_at = sql_take_i64(sql);
	ret_key->scopes = (permission_set)sql_take_i64(sql);
	sql_take_text(sql, ret_key->ranges, sizeof ret_key->ranges);
	sql_take_text(sql, ret_key->created_by, sizeof ret_key->created_by);
	ret_key->mac = sql_take_mac(sql);
	ret_key->last_used_at = sql_take_i64(sql);
	sql_take_text(sql, ret_key->last_used_from, sizeof ret_key->last_used_from);
}

/* The columns in their order. */
static void key_put(struct sql *sql, const struct store_api_key *key)
{
	sql_put_bytes(sql, key->secret_hash, sizeof key->secret_hash);
	sql_put_text(sql, key->account);
	sql_put_text(sql, key->name);
	sql_put_i64(sql, key->created_at);
	sql_put_i64(sql, key->revoked_at);
	sql_put_i64(sql, key->expires_at);
	sql_put_u64(sql, key->scopes);
	sql_put_text(sql, key->ranges);
	sql_put_text(sql, key->created_by);
	sql_put_mac(sql, &key->mac);
}

/* What it grants from now on; never its secret. */
static bool key_audit(struct db *db, const struct store_api_key *key, const char *action,
		      const char *other, const struct store_by *by, struct err *err)
{
	char detail[512];
	struct buf out = buf_of(detail, sizeof detail);
	buf_format(&out, "{\"key\":\"%s\",\"scopes\":\"", key->id);
	permission_set_write(key->scopes, &out);
	buf_format(&out, "\",\"expires_at\":%lld,\"revoked_at\":%lld,\"ranges\":%d",
		   (long long)key->expires_at, (long long)key->revoked_at, key->ranges[0] != 0);
	if (other != NULL)
		buf_format(&out, ",\"other\":\"%s\"", other);
	buf_byte(&out, '}');
	return audit_add(db, action, (struct id){ 0 }, buf_terminated(&out), by, err);
}

static bool key_insert(struct db *db, const struct store_api_key *key, const char *other,
		       const struct store_by *by, struct err *err)
{
	bool conflict = false;
	struct sql sql = sql_prepare(db,
				     "INSERT INTO api_keys (" KEY_COLUMNS ", id) "
				     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				     err);
	key_put(&sql, key);
	sql_put_text(&sql, key->id);
	if (!sql_run(&sql, &conflict))
		return false;
	if (conflict)
		return err_set(err, ERR_REFUSED, "there is an API key %s already", key->id);
	return key_audit(db, key, "api_key_created", other, by, err);
}

struct key_write {
	const struct store_api_key *key;
	struct store_api_key_change *change;
	const struct store_by *by;
};

static bool add_write(struct db *db, void *context, struct err *err)
{
	const struct key_write *write = context;
	return key_insert(db, write->key, NULL, write->by, err);
}

bool store_sql_key_add(struct store *store, const struct store_api_key *key,
		       const struct store_by *by, struct err *err)
{
	struct key_write write = { .key = key, .by = by };
	return sql_write(db_of(store), add_write, &write, err);
}

/* Compared by its MAC: whoever has changed it since has made another one. */
static bool key_update(struct db *db, const struct store_api_key_change *change, bool *ret_written,
		       struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "UPDATE api_keys SET secret_hash = ?, account = ?, name = ?, "
				     "created_at = ?, revoked_at = ?, expires_at = ?, scopes = ?, "
				     "ranges = ?, created_by = ?, mac_key_id = ?, mac = ? "
				     "WHERE id = ? AND mac_key_id = ? AND mac = ?",
				     err);
	key_put(&sql, change->key);
	sql_put_text(&sql, change->key->id);
	sql_put_mac(&sql, &change->before);
	if (!sql_run(&sql, NULL))
		return false;
	*ret_written = db_changes(db) == 1;
	return true;
}

static bool change_write(struct db *db, void *context, struct err *err)
{
	const struct key_write *write = context;
	struct store_api_key_change *change = write->change;
	const struct store_api_key *added = change->added;
	if (!key_update(db, change, &change->applied, err))
		return false;
	if (!change->applied)
		return true;
	return key_audit(db, change->key, change->action, added != NULL ? added->id : NULL,
			 write->by, err) &&
	       (added == NULL || key_insert(db, added, change->key->id, write->by, err));
}

bool store_sql_key_change(struct store *store, struct store_api_key_change *change,
			  const struct store_by *by, struct err *err)
{
	struct key_write write = { .change = change, .by = by };
	change->applied = false;
	return sql_write(db_of(store), change_write, &write, err);
}

struct uses {
	const struct store_api_key_use *items;
	size_t n;
};

static bool use_write(struct db *db, const struct store_api_key_use *use, struct err *err)
{
	char text[IP_TEXT_MAX + 1];
	struct buf from = buf_of(text, sizeof text);
	struct sql sql = sql_prepare(db,
				     "UPDATE api_keys SET last_used_at = ?, last_used_from = ? "
				     "WHERE id = ? AND last_used_at <= ?",
				     err);
	if (ip_is_known(use->from))
		ip_write(use->from, &from);
	sql_put_i64(&sql, use->at_ms);
	sql_put_text(&sql, buf_terminated(&from));
	sql_put_text(&sql, use->id);
	sql_put_i64(&sql, use->at_ms - API_KEY_USE_LEAST_MS);
	return sql_run(&sql, NULL);
}

static bool uses_write(struct db *db, void *context, struct err *err)
{
	const struct uses *uses = context;
	for (size_t i = 0; i < uses->n; i++)
		if (!use_write(db, &uses->items[i], err))
			return false;
	return true;
}

bool store_sql_keys_used(struct store *store, const struct store_api_key_use *uses, size_t n,
			 struct err *err)
{
	struct uses all = { uses, n };
	return sql_write(db_of(store), uses_write, &all, err);
}

bool store_sql_key_load(struct store *store, const char *id, struct store_api_key *ret_key,
			bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store), key_select, err);
	sql_put_text(&sql, id);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		key_take(&sql, ret_key);
	return sql_end(&sql);
}

bool store_sql_keys_list(struct store *store, const struct store_names *names,
			 struct store_api_key *ret_keys, size_t cap, size_t *ret_len,
			 struct err *err)
{
	struct sql sql = sql_prepare(db_of(store), keys_select, err);
	size_t len = 0;
	sql_put_text(&sql, names->account);
	sql_put_text(&sql, names->account);
	sql_put_text(&sql, names->after);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		key_take(&sql, &ret_keys[len++]);
	*ret_len = len;
	return sql_end(&sql);
}
