/* Pause switches: a head with version and MAC, and the switches below it. Whoever changes them has
 * the head locked, and so has, shared, whoever writes what they could forbid. */
#include "adapter/store_sql_control.h"

#include "adapter/store_sql_proposal.h"
#include "base/defence.h"

#include <string.h>

#define HEAD_ID 1

/* ---- reading ---- */

static void head_take(struct sql *sql, struct control_set *ret_set)
{
	ret_set->has_head = true;
	ret_set->version = sql_take_u64(sql);
	ret_set->reset_version = sql_take_u64(sql);
	ret_set->changed_at = sql_take_i64(sql);
	ret_set->mac = sql_take_mac(sql);
}

static void row_take(struct sql *sql, enum control_scope scope, struct control *ret_row)
{
	memset(ret_row, 0, sizeof *ret_row);
	ret_row->scope = scope;
	sql_take_text(sql, ret_row->name, sizeof ret_row->name);
	ret_row->stops = sql_take_u32(sql);
	ret_row->version = sql_take_u64(sql);
	ret_row->since = sql_take_i64(sql);
	sql_take_text(sql, ret_row->who, sizeof ret_row->who);
	sql_take_text(sql, ret_row->reason, sizeof ret_row->reason);
}

/* One statement, and so one look at head and rows. Rows without a head come as well: they are still
 * what somebody stopped. */
bool store_sql_controls_load(struct store *store, struct control_set *ret_set, struct err *err)
{
	struct sql sql = sql_prepare(
		db_of(store),
		"SELECT 1, h.version, h.reset_version, h.changed_at, h.mac_key_id, h.mac, 0, '', 0, "
		"0, 0, '', '' FROM controls_head h WHERE h.id = ? "
		"UNION ALL SELECT 0, 0, 0, 0, 0, '', c.scope, c.name, c.stops, c.version, c.since, "
		"c.who, c.reason FROM controls c ORDER BY 1 DESC, 7, 8",
		err);
	memset(ret_set, 0, sizeof *ret_set);
	sql_put_i64(&sql, HEAD_ID);
	while (sql_next(&sql)) {
		if (sql_take_i64(&sql) != 0) {
			head_take(&sql, ret_set);
			continue;
		}
		ret_set->is_cut |= ret_set->len == CONTROLS_MAX;
		if (ret_set->is_cut)
			continue;
		sql_skip(&sql, 5);
		enum control_scope scope = (enum control_scope)sql_take_i64(&sql);
		row_take(&sql, scope, &ret_set->rows[ret_set->len++]);
	}
	return sql_end(&sql);
}

static bool version_read(struct db *db, const char *text, bool *ret_found, uint64_t *ret_version,
			 struct err *err)
{
	struct sql sql = sql_prepare(db, text, err);
	sql_put_i64(&sql, HEAD_ID);
	*ret_version = 0;
	*ret_found = sql_next(&sql);
	if (*ret_found)
		*ret_version = sql_take_u64(&sql);
	return sql_end(&sql);
}

bool controls_version_lock(struct db *db, struct controls_now *ret_now, struct err *err)
{
	return version_read(db, "SELECT version FROM controls_head WHERE id = ? {for share}",
			    &ret_now->found, &ret_now->version, err);
}

bool controls_are(const struct controls_now *now, uint64_t version)
{
	return (now->found && now->version == version) || !DEFENCE("switches_in_transaction");
}

/* ---- writing ---- */

struct change_batch {
	struct store_control_change *change;
	const struct store_by *by;
};

static bool head_write(struct db *db, const struct control_set *set, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "REPLACE INTO controls_head (id, version, reset_version, "
				     "changed_at, mac_key_id, mac) VALUES (?, ?, ?, ?, ?, ?)",
				     err);
	sql_put_i64(&sql, HEAD_ID);
	sql_put_u64(&sql, set->version);
	sql_put_u64(&sql, set->reset_version);
	sql_put_i64(&sql, set->changed_at);
	sql_put_mac(&sql, &set->mac);
	return sql_run(&sql, NULL);
}

static bool row_write(struct db *db, const struct control *row, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "INSERT INTO controls (scope, name, stops, version, since, "
				     "who, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
				     err);
	sql_put_i64(&sql, row->scope);
	sql_put_text(&sql, row->name);
	sql_put_i64(&sql, row->stops);
	sql_put_u64(&sql, row->version);
	sql_put_i64(&sql, row->since);
	sql_put_text(&sql, row->who);
	sql_put_text(&sql, row->reason);
	return sql_run(&sql, NULL);
}

/* All of them: what an editor put between them is gone with that. */
static bool rows_write(struct db *db, const struct control_set *set, struct err *err)
{
	if (!db_exec(db, "DELETE FROM controls", err))
		return false;
	for (size_t i = 0; i < set->len; i++)
		if (!row_write(db, &set->rows[i], err))
			return false;
	return true;
}

static bool change_write(struct db *db, void *context, struct err *err)
{
	const struct change_batch *batch = context;
	struct store_control_change *change = batch->change;
	struct controls_now now;
	if (!version_read(db, "SELECT version FROM controls_head WHERE id = ? {for update}",
			  &now.found, &now.version, err))
		return false;
	change->applied = now.found ? now.version == change->version : change->resets;
	if (!change->applied)
		return true;
	if (!proposal_end(db, change->ends, batch->by, &change->applied, err))
		return false;
	if (!change->applied)
		return true;
	return rows_write(db, change->set, err) && head_write(db, change->set, err) &&
	       audit_add(db, change->action, (struct id){ { 0 } }, change->detail, batch->by, err);
}

bool store_sql_controls_change(struct store *store, struct store_control_change *change,
			       const struct store_by *by, struct err *err)
{
	struct change_batch batch = { change, by };
	return sql_write(db_of(store), change_write, &batch, err);
}

/* ---- what was accepted before ---- */

bool store_sql_of_key(struct store *store, const uint8_t key_hash[KEY_HASH_BYTES],
		      struct withdrawal *ret_row, bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(
		db_of(store), "SELECT " WITHDRAWAL_COLUMNS " FROM withdrawals WHERE key_hash = ?",
		err);
	sql_put_bytes(&sql, key_hash, KEY_HASH_BYTES);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		withdrawal_take(&sql, ret_row);
	return sql_end(&sql);
}
