/* Users as rows. What a row grants is decided by its MAC, in port/store_people.h. */
#include "adapter/store_sql_people.h"

#include "base/defence.h"
#include "base/json.h"

#include <string.h>

#define USER_COLUMNS                                                                        \
	"id, name, account, role, password, created_at, disabled_at, generation, version, " \
	"totp, totp_seed, mac_key_id, mac, totp_step"

static void user_take(struct sql *sql, struct store_user *ret_user)
{
	memset(ret_user, 0, sizeof *ret_user);
	ret_user->id = sql_take_id(sql);
	sql_take_text(sql, ret_user->name, sizeof ret_user->name);
	sql_take_text(sql, ret_user->account, sizeof ret_user->account);
	ret_user->role = (enum user_role)sql_take_i64(sql);
	sql_take_text(sql, ret_user->password, sizeof ret_user->password);
	ret_user->created_at = sql_take_i64(sql);
	ret_user->disabled_at = sql_take_i64(sql);
	ret_user->generation = sql_take_u64(sql);
	ret_user->version = sql_take_u64(sql);
	ret_user->totp = (enum totp_state)sql_take_i64(sql);
	sql_take_bytes(sql, ret_user->totp_seed, sizeof ret_user->totp_seed);
	ret_user->mac = sql_take_mac(sql);
	ret_user->totp_step = sql_take_i64(sql);
}

/* The columns that both statements write, in one order; the id comes last. */
static void user_put(struct sql *sql, const struct store_user *user)
{
	sql_put_text(sql, user->account);
	sql_put_i64(sql, user->role);
	sql_put_text(sql, user->password);
	sql_put_i64(sql, user->created_at);
	sql_put_i64(sql, user->disabled_at);
	sql_put_u64(sql, user->generation);
	sql_put_u64(sql, user->version);
	sql_put_i64(sql, user->totp);
	sql_put_bytes(sql, user->totp_seed, sizeof user->totp_seed);
	sql_put_mac(sql, &user->mac);
	sql_put_id(sql, user->id);
}

/* The name is in the record: the row it belongs to may be gone one day. */
static bool user_audit(struct db *db, const struct store_user *user, enum user_role before,
		       const char *action, const struct store_by *by, struct err *err)
{
	char detail[384];
	struct buf out = buf_of(detail, sizeof detail);
	buf_format(&out, "{\"user\":\"%s\",\"role\":\"%s\",\"version\":%llu", id_text(user->id).at,
		   user_role_text(user->role), (unsigned long long)user->version);
	json_write_member_text(&out, "name", user->name);
	json_write_member_text(&out, "account", user->account);
	if (before != 0)
		json_write_member_text(&out, "role_before", user_role_text(before));
	buf_byte(&out, '}');
	return audit_add(db, action, user->id, buf_terminated(&out), by, err);
}

struct user_new {
	const struct store_user *user;
	const struct store_by *by;
};

static bool user_insert(struct db *db, void *context, struct err *err)
{
	const struct user_new *new = context;
	bool conflict = false;
	struct sql sql = sql_prepare(
		db,
		"INSERT INTO users (name, account, role, password, created_at, disabled_at, "
		"generation, version, totp, totp_seed, mac_key_id, mac, id) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		err);
	sql_put_text(&sql, new->user->name);
	user_put(&sql, new->user);
	if (!sql_run(&sql, &conflict))
		return false;
	if (conflict)
		return err_refuse(err, "user_name_taken", "there is a user \"%s\" already",
				  new->user->name);
	return user_audit(db, new->user, 0, "user_created", new->by, err);
}

bool store_sql_user_add(struct store *store, const struct store_user *user,
			const struct store_by *by, struct err *err)
{
	struct user_new new = { user, by };
	return sql_write(db_of(store), user_insert, &new, err);
}

bool store_sql_user_find(struct store *store, struct str name, struct store_user *ret_user,
			 bool *ret_found, struct err *err)
{
	char text[USER_NAME_LEN_MAX + 1];
	*ret_found = false;
	if (!str_copy(name, text, sizeof text))
		return true; /* a name with a NUL in it is nobody's */
	struct sql sql =
		sql_prepare(db_of(store), "SELECT " USER_COLUMNS " FROM users WHERE name = ?", err);
	sql_put_text(&sql, text);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		user_take(&sql, ret_user);
	return sql_end(&sql);
}

bool store_sql_user_load(struct store *store, struct id id, struct store_user *ret_user,
			 bool *ret_found, struct err *err)
{
	struct sql sql =
		sql_prepare(db_of(store), "SELECT " USER_COLUMNS " FROM users WHERE id = ?", err);
	sql_put_id(&sql, id);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		user_take(&sql, ret_user);
	return sql_end(&sql);
}

bool store_sql_users_list(struct store *store, const struct store_names *names,
			  struct store_user *ret_users, size_t cap, size_t *ret_len,
			  struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT " USER_COLUMNS
				     " FROM users WHERE (? = '' OR account = ?) AND name > ? "
				     "ORDER BY name LIMIT ?",
				     err);
	size_t len = 0;
	sql_put_text(&sql, names->account);
	sql_put_text(&sql, names->account);
	sql_put_text(&sql, names->after);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		user_take(&sql, &ret_users[len++]);
	*ret_len = len;
	return sql_end(&sql);
}

bool user_hold(struct db *db, struct id user, uint64_t version, int64_t totp_step,
	       bool *ret_current, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT version, totp_step FROM users WHERE id = ? "
				     "{for update}",
				     err);
	sql_put_id(&sql, user);
	bool is_current = false;
	if (sql_next(&sql)) {
		is_current = sql_take_u64(&sql) == version;
		is_current = (totp_step == 0 || sql_take_i64(&sql) < totp_step) && is_current;
	}
	if (!sql_end(&sql))
		return false;
	*ret_current = is_current;
	if (!is_current || totp_step == 0)
		return true;
	struct sql step = sql_prepare(db, "UPDATE users SET totp_step = ? WHERE id = ?", err);
	sql_put_i64(&step, totp_step);
	sql_put_id(&step, user);
	return sql_run(&step, NULL);
}

/* Two who shut each other out at once meet here: one of both waits, and looks again. */
static bool admin_is_left(struct db *db, struct id besides, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT version FROM users WHERE role = ? AND account = '' "
				     "AND disabled_at = 0 AND id <> ? LIMIT 1 {for update}",
				     err);
	sql_put_i64(&sql, USER_ROLE_ADMIN);
	sql_put_id(&sql, besides);
	bool is_left = sql_next(&sql);
	if (!sql_end(&sql))
		return false;
	return is_left ||
	       err_refuse(err, "last_admin", "nobody would be left who says who may do what");
}

struct user_write {
	struct store_user_change *change;
	const struct store_by *by;
};

static bool user_update(struct db *db, void *context, struct err *err)
{
	struct user_write *write = context;
	struct store_user_change *change = write->change;
	change->applied = false;
	bool is_current = false;
	if (!user_hold(db, change->user->id, change->version, change->totp_step, &is_current, err))
		return false;
	if (!is_current)
		return true;
	if (change->keeps_admin && DEFENCE("admin_is_left") &&
	    !admin_is_left(db, change->user->id, err))
		return false;
	struct sql sql = sql_prepare(
		db,
		"UPDATE users SET account = ?, role = ?, password = ?, created_at = ?, "
		"disabled_at = ?, generation = ?, version = ?, totp = ?, totp_seed = ?, "
		"mac_key_id = ?, mac = ? WHERE id = ?",
		err);
	user_put(&sql, change->user);
	if (!sql_run(&sql, NULL))
		return false;
	change->applied = true;
	return user_audit(db, change->user, change->role_before, change->action, write->by, err);
}

bool store_sql_user_change(struct store *store, struct store_user_change *change,
			   const struct store_by *by, struct err *err)
{
	struct user_write write = { change, by };
	return sql_write(db_of(store), user_update, &write, err);
}
