/* API keys as rows. What a row grants is decided by its MAC, in core/api_key.h. */
#include "adapter/store_sql_parts.h"

static const char key_columns[] =
	"SELECT id, secret_hash, account, name, created_at, revoked_at, may_resolve, "
	"mac_key_id, mac "
	"FROM api_keys WHERE id = ?";
static const char keys_columns[] =
	"SELECT id, secret_hash, account, name, created_at, revoked_at, may_resolve, "
	"mac_key_id, mac "
	"FROM api_keys ORDER BY created_at, id LIMIT ?";

static void key_take(struct sql *sql, struct store_api_key *ret_key)
{
	sql_take_text(sql, ret_key->id, sizeof ret_key->id);
	sql_take_bytes(sql, ret_key->secret_hash, sizeof ret_key->secret_hash);
	sql_take_text(sql, ret_key->account, sizeof ret_key->account);
	sql_take_text(sql, ret_key->name, sizeof ret_key->name);
	ret_key->created_at = sql_take_i64(sql);
	ret_key->revoked_at = sql_take_i64(sql);
	ret_key->may_resolve = sql_take_i64(sql) != 0;
	ret_key->mac = sql_take_mac(sql);
}

struct key_write {
	const struct store_api_key *key;
	const struct store_by *by;
	const char *text;
	const char *action;
};

/* Both statements take the same parameters in the same order. */
static bool key_write(struct db *db, void *context, struct err *err)
{
	const struct key_write *write = context;
	const struct store_api_key *key = write->key;
	char detail[80];
	struct buf out = buf_of(detail, sizeof detail);
	bool conflict = false;
	struct sql sql = sql_prepare(db, write->text, err);
	sql_put_bytes(&sql, key->secret_hash, sizeof key->secret_hash);
	sql_put_text(&sql, key->account);
	sql_put_text(&sql, key->name);
	sql_put_i64(&sql, key->created_at);
	sql_put_i64(&sql, key->revoked_at);
	sql_put_i64(&sql, key->may_resolve);
	sql_put_mac(&sql, &key->mac);
	sql_put_text(&sql, key->id);
	if (!sql_run(&sql, &conflict))
		return false;
	if (conflict)
		return err_set(err, ERR_REFUSED, "there is an API key %s already", key->id);
	if (db_changes(db) != 1)
		return err_set(err, ERR_REFUSED, "there is no API key %s", key->id);
	buf_format(&out, "{\"key\":\"%s\"}", key->id);
	return audit_add(db, write->action, (struct id){ 0 }, buf_terminated(&out), write->by, err);
}

bool store_sql_key_add(struct store *store, const struct store_api_key *key,
		       const struct store_by *by, struct err *err)
{
	struct key_write write = {
		key, by,
		"INSERT INTO api_keys (secret_hash, account, name, created_at, revoked_at, "
		"may_resolve, mac_key_id, mac, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"api_key_created"
	};
	return sql_write(db_of(store), key_write, &write, err);
}

bool store_sql_key_replace(struct store *store, const struct store_api_key *key,
			   const struct store_by *by, struct err *err)
{
	struct key_write write = {
		key, by,
		"UPDATE api_keys SET secret_hash = ?, account = ?, name = ?, created_at = ?, "
		"revoked_at = ?, may_resolve = ?, mac_key_id = ?, mac = ? WHERE id = ?",
		"api_key_changed"
	};
	return sql_write(db_of(store), key_write, &write, err);
}

bool store_sql_key_load(struct store *store, const char *id, struct store_api_key *ret_key,
			bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store), key_columns, err);
	sql_put_text(&sql, id);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		key_take(&sql, ret_key);
	return sql_end(&sql);
}

bool store_sql_keys_list(struct store *store, struct store_api_key *ret_keys, size_t cap,
			 size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store), keys_columns, err);
	size_t len = 0;
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		key_take(&sql, &ret_keys[len++]);
	*ret_len = len;
	return sql_end(&sql);
}
