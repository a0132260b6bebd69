/* Policies as rows, and the end of windows that nobody asks about any more. */
#include "adapter/store_sql_policy.h"

#include "adapter/store_sql_parts.h"
#include "adapter/store_sql_proposal.h"
#include "base/hex.h"
#include "base/json.h"

#include <string.h>

struct policy_write {
	const struct store_policy *policy;
	struct str document;
	struct store_proposal_change *ends;
	const struct store_by *by;
	bool *added;
};

/* What an editor put above the new one, so that nothing could follow it. */
static bool strangers_remove(struct db *db, const struct store_policy *policy, bool *ret_right,
			     int64_t *ret_removed, struct err *err)
{
	struct sql look = sql_prepare(
		db, "SELECT version FROM policies ORDER BY version DESC LIMIT 1 {for update}", err);
	*ret_right = sql_next(&look) && sql_take_u64(&look) == policy->replaces;
	if (!sql_end(&look))
		return false;
	if (!*ret_right)
		return true;
	struct sql sql = sql_prepare(db, "DELETE FROM policies WHERE version >= ?", err);
	sql_put_u64(&sql, policy->version);
	return sql_run_count(&sql, ret_removed);
}

static bool policy_insert(struct db *db, const struct policy_write *write, bool *ret_conflict,
			  struct err *err)
{
	const struct store_policy *policy = write->policy;
	struct sql sql = sql_prepare(db,
				     "INSERT INTO policies (version, document, digest, set_at, "
				     "set_by, mac_key_id, mac) VALUES (?, ?, ?, ?, ?, ?, ?)",
				     err);
	sql_put_u64(&sql, policy->version);
	sql_put_bytes(&sql, write->document.at, write->document.len);
	sql_put_bytes(&sql, policy->digest, sizeof policy->digest);
	sql_put_i64(&sql, policy->set_at);
	sql_put_text(&sql, policy->set_by);
	sql_put_mac(&sql, &policy->mac);
	return sql_run(&sql, ret_conflict);
}

static bool policy_write(struct db *db, void *context, struct err *err)
{
	const struct policy_write *write = context;
	const struct store_policy *policy = write->policy;
	char detail[256];
	struct buf out = buf_of(detail, sizeof detail);
	bool right = true, conflict = false;
	int64_t removed = 0;
	*write->added = false;
	if (policy->replaces != 0 && !strangers_remove(db, policy, &right, &removed, err))
		return false;
	if (!right)
		return true;
	if (!proposal_end(db, write->ends, write->by, &right, err))
		return false;
	if (!right)
		return true;
	if (!policy_insert(db, write, &conflict, err))
		return false;
	*write->added = !conflict;
	if (conflict && write->ends != NULL) /* the proposal is not to end for nothing */
		return err_set(err, ERR_REFUSED, "there is a policy %llu already",
			       (unsigned long long)policy->version);
	if (conflict)
		return true;
	buf_text(&out, "{");
	json_write_member_u64(&out, "version", policy->version);
	if (policy->replaces != 0)
		json_write_member_u64(&out, "not_sealed", policy->replaces);
	if (removed > 0)
		json_write_member_u64(&out, "removed", (uint64_t)removed);
	json_write_name(&out, "digest");
	buf_byte(&out, '"');
	hex_write(&out, policy->digest, sizeof policy->digest);
	buf_text(&out, "\"}");
	return audit_add(db, "policy_set", (struct id){ 0 }, buf_terminated(&out), write->by, err);
}

bool store_sql_policy_add(struct store *store, const struct store_policy *policy,
			  struct str document, struct store_proposal_change *ends,
			  const struct store_by *by, bool *ret_added, struct err *err)
{
	struct policy_write write = { policy, document, ends, by, ret_added };
	return sql_write(db_of(store), policy_write, &write, err);
}

static void policy_take(struct sql *sql, struct store_policy *ret_policy)
{
	memset(ret_policy, 0, sizeof *ret_policy);
	ret_policy->version = sql_take_u64(sql);
	sql_take_bytes(sql, ret_policy->digest, sizeof ret_policy->digest);
	ret_policy->set_at = sql_take_i64(sql);
	sql_take_text(sql, ret_policy->set_by, sizeof ret_policy->set_by);
	ret_policy->mac = sql_take_mac(sql);
}

bool store_sql_policies_list(struct store *store, uint64_t below, struct store_policy *ret_policies,
			     size_t cap, size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db_of(store),
				     "SELECT version, digest, set_at, set_by, mac_key_id, mac FROM "
				     "policies WHERE version < ? ORDER BY version DESC LIMIT ?",
				     err);
	size_t len = 0;
	sql_put_u64(&sql, below);
	sql_put_i64(&sql, (int64_t)cap);
	while (len < cap && sql_next(&sql))
		policy_take(&sql, &ret_policies[len++]);
	*ret_len = len;
	return sql_end(&sql);
}

static bool document_load(struct db *db, uint64_t version, struct buf *ret_document,
			  struct err *err)
{
	struct sql sql = sql_prepare(db, "SELECT document FROM policies WHERE version = ?", err);
	sql_put_u64(&sql, version);
	if (sql_next(&sql))
		buf_str(ret_document, db_column_bytes(db, sql.statement, 0));
	return sql_end(&sql);
}

bool store_sql_policy_load(struct store *store, uint64_t known, struct store_policy *ret_policy,
			   struct buf *ret_document, bool *ret_found, struct err *err)
{
	struct db *db = db_of(store);
	struct sql sql = sql_prepare(db,
				     "SELECT version, digest, set_at, set_by, mac_key_id, mac FROM "
				     "policies ORDER BY version DESC LIMIT 1",
				     err);
	memset(ret_policy, 0, sizeof *ret_policy);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		policy_take(&sql, ret_policy);
	if (!sql_end(&sql))
		return false;
	return !*ret_found || ret_policy->version == known ||
	       document_load(db, ret_policy->version, ret_document, err);
}

/* ---- room ---- */

/* What a window would say; one that is not there has all of its room. */
static enum store_room room_of(struct str stored, const struct policy_claim *claim)
{
	struct policy_window window;
	int64_t ignored;
	if (!policy_window_read(stored, &window) ||
	    !policy_window_is_sound(&window, claim->window_ms, claim->at))
		return STORE_ROOM_BROKEN;
	return policy_window_take(&window, claim, &ignored) ? STORE_ROOM_TAKEN : STORE_ROOM_FULL;
}

bool store_sql_policy_room(struct store *store, const struct policy_claim *claims, size_t n,
			   enum store_room *ret_rooms, struct err *err)
{
	struct db *db = db_of(store);
	for (size_t i = 0; i < n; i++) {
		struct sql sql = sql_prepare(
			db, "SELECT parts FROM policy_windows WHERE limit_key = ?", err);
		sql_put_bytes(&sql, claims[i].key, POLICY_LIMIT_KEY_BYTES);
		struct str stored = { 0 };
		if (sql_next(&sql))
			stored = db_column_bytes(db, sql.statement, 0);
		ret_rooms[i] = room_of(stored, &claims[i]);
		if (!sql_end(&sql))
			return false;
	}
	return true;
}

/* ---- what is over ---- */

struct forgetting {
	int64_t now_ms;
	size_t limit;
	size_t *forgotten;
};

/* Locked before they are judged: one that is used again meanwhile is not over any more. */
static bool windows_over(struct db *db, const struct forgetting *forgetting,
			 uint8_t (*ret_keys)[POLICY_LIMIT_KEY_BYTES], size_t *ret_len,
			 struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT limit_key FROM policy_windows WHERE until_at < ? "
				     "ORDER BY until_at LIMIT ? {for update}",
				     err);
	sql_put_i64(&sql, forgetting->now_ms);
	sql_put_i64(&sql, (int64_t)forgetting->limit);
	*ret_len = 0;
	while (*ret_len < forgetting->limit && sql_next(&sql))
		sql_take_bytes(&sql, ret_keys[(*ret_len)++], POLICY_LIMIT_KEY_BYTES);
	return sql_end(&sql);
}

static bool windows_forget(struct db *db, const struct forgetting *forgetting, struct err *err)
{
	uint8_t keys[BATCH_MAX][POLICY_LIMIT_KEY_BYTES];
	size_t len;
	if (!windows_over(db, forgetting, keys, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		struct sql sql =
			sql_prepare(db, "DELETE FROM policy_windows WHERE limit_key = ?", err);
		sql_put_bytes(&sql, keys[i], sizeof keys[i]);
		if (!sql_run(&sql, NULL))
			return false;
	}
	*forgetting->forgotten += len;
	return true;
}

struct reservation_key {
	struct id withdrawal;
	uint8_t key[POLICY_LIMIT_KEY_BYTES];
};

static bool reservations_over(struct db *db, const struct forgetting *forgetting,
			      struct reservation_key *ret_keys, size_t *ret_len, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT withdrawal_id, limit_key FROM policy_reservations "
				     "WHERE until_at < ? ORDER BY until_at LIMIT ?",
				     err);
	sql_put_i64(&sql, forgetting->now_ms);
	sql_put_i64(&sql, (int64_t)forgetting->limit);
	*ret_len = 0;
	while (*ret_len < forgetting->limit && sql_next(&sql)) {
		struct reservation_key *key = &ret_keys[(*ret_len)++];
		key->withdrawal = sql_take_id(&sql);
		sql_take_bytes(&sql, key->key, sizeof key->key);
	}
	return sql_end(&sql);
}

static bool reservations_forget(struct db *db, const struct forgetting *forgetting, struct err *err)
{
	struct reservation_key keys[BATCH_MAX];
	size_t len;
	if (!reservations_over(db, forgetting, keys, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		struct sql sql = sql_prepare(db,
					     "DELETE FROM policy_reservations WHERE withdrawal_id "
					     "= ? AND limit_key = ?",
					     err);
		sql_put_id(&sql, keys[i].withdrawal);
		sql_put_bytes(&sql, keys[i].key, sizeof keys[i].key);
		if (!sql_run(&sql, NULL))
			return false;
	}
	*forgetting->forgotten += len;
	return true;
}

static bool forget(struct db *db, void *context, struct err *err)
{
	const struct forgetting *forgetting = context;
	*forgetting->forgotten = 0;
	return reservations_forget(db, forgetting, err) && windows_forget(db, forgetting, err);
}

bool store_sql_policy_forget(struct store *store, int64_t now_ms, size_t limit,
			     size_t *ret_forgotten, struct err *err)
{
	struct forgetting forgetting = { now_ms, limit, ret_forgotten };
	return sql_write(db_of(store), forget, &forgetting, err);
}
