/* Accounts as rows. What one lets in is decided by its MAC, in port/store_account.h. */
#include "adapter/store_sql_account.h"

#include "adapter/store_sql_parts.h"
#include "base/json.h"

#define ACCOUNT_COLUMNS "name, created_at, created_by, disabled_at, mac_key_id, mac"

static void account_take(struct sql *sql, struct store_account *ret_account)
{
	*ret_account = (struct store_account){ 0 };
	sql_take_text(sql, ret_account->name, sizeof ret_account->name);
	ret_account->created_at = sql_take_i64(sql);
	sql_take_text(sql, ret_account->created_by, sizeof ret_account->created_by);
	ret_account->disabled_at = sql_take_i64(sql);
	ret_account->mac = sql_take_mac(sql);
}

static bool account_audit(struct db *db, const struct store_account *account, const char *action,
			  const struct store_by *by, struct err *err)
{
	char detail[256];
	struct buf out = buf_of(detail, sizeof detail);
	buf_byte(&out, '{');
	json_write_member_text(&out, "account", account->name);
	json_write_member_bool(&out, "disabled", account->disabled_at != 0);
	buf_byte(&out, '}');
	return audit_add(db, action, (struct id){ 0 }, buf_terminated(&out), by, err);
}

struct account_write {
	const struct store_account *account;
	struct store_account_change *change;
	const struct store_by *by;
	bool *added;
};

static bool room_check(struct db *db, struct err *err)
{
	struct sql sql = sql_prepare(db, "SELECT COUNT(*) FROM accounts", err);
	int64_t n = 0;
	if (sql_next(&sql))
		n = sql_take_i64(&sql);
	if (!sql_end(&sql))
		return false;
	return n < ACCOUNTS_MAX ||
	       err_set(err, ERR_REFUSED, "there are %d accounts already", ACCOUNTS_MAX);
}

static bool add_write(struct db *db, void *context, struct err *err)
{
	const struct account_write *write = context;
	const struct store_account *account = write->account;
	bool conflict = false;
	if (!room_check(db, err))
		return false;
	struct sql sql = sql_prepare(
		db, "INSERT INTO accounts (" ACCOUNT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)", err);
	sql_put_text(&sql, account->name);
	sql_put_i64(&sql, account->created_at);
	sql_put_text(&sql, account->created_by);
	sql_put_i64(&sql, account->disabled_at);
	sql_put_mac(&sql, &account->mac);
	if (!sql_run(&sql, &conflict))
		return false;
	*write->added = !conflict;
	return conflict || account_audit(db, account, "account_created", write->by, err);
}

bool store_sql_account_add(struct store *store, const struct store_account *account,
			   const struct store_by *by, bool *ret_added, struct err *err)
{
	struct account_write write = { .account = account, .by = by, .added = ret_added };
	return sql_write(db_of(store), add_write, &write, err);
}

static bool change_write(struct db *db, void *context, struct err *err)
{
	const struct account_write *write = context;
	struct store_account_change *change = write->change;
	const struct store_account *account = change->account;
	struct sql sql = sql_prepare(db,
				     "UPDATE accounts SET created_at = ?, created_by = ?, "
				     "disabled_at = ?, mac_key_id = ?, mac = ? WHERE name = ? "
				     "AND mac_key_id = ? AND mac = ?",
				     err);
	sql_put_i64(&sql, account->created_at);
	sql_put_text(&sql, account->created_by);
	sql_put_i64(&sql, account->disabled_at);
	sql_put_mac(&sql, &account->mac);
	sql_put_text(&sql, account->name);
	sql_put_mac(&sql, &change->before);
	if (!sql_run(&sql, NULL))
		return false;
	change->applied = db_changes(db) == 1;
	return !change->applied || account_audit(db, account, change->action, write->by, err);
}

bool store_sql_account_change(struct store *store, struct store_account_change *change,
			      const struct store_by *by, struct err *err)
{
	struct account_write write = { .change = change, .by = by };
	change->applied = false;
	return sql_write(db_of(store), change_write, &write, err);
}

bool store_sql_account_load(struct store *store, const char *name,
			    struct store_account *ret_account, bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(
		db_of(store), "SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE name = ?", err);
	sql_put_text(&sql, name);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		account_take(&sql, ret_account);
	return sql_end(&sql);
}

bool store_sql_accounts_list(struct store *store, struct store_account *ret_accounts, size_t cap,
			     size_t *ret_len, struct err *err)
{
	struct sql sql =
		sql_prepare(db_of(store),
			    "SELECT " ACCOUNT_COLUMNS " FROM accounts ORDER BY name LIMIT ?", err);
	size_t len = 0;
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		account_take(&sql, &ret_accounts[len++]);
	*ret_len = len;
	return sql_end(&sql);
}
