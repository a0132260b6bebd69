#include "adapter/store_sql_receivers.h"

#include "adapter/store_sql_parts.h"
#include "adapter/store_sql_proposal.h"
#include "base/json.h"

#include <string.h>

#define DETAIL_LEN_MAX 320
#define ALLOW_COLUMNS \
	"account, chain_id, receiver, label, added_by, added_at, active_at, mac_key_id, mac"

static void entry_take(struct sql *sql, struct store_allow_entry *ret_entry)
{
	memset(ret_entry, 0, sizeof *ret_entry);
	sql_take_text(sql, ret_entry->account, sizeof ret_entry->account);
	ret_entry->chain_id = sql_take_u64(sql);
	ret_entry->receiver = sql_take_address(sql);
	sql_take_text(sql, ret_entry->label, sizeof ret_entry->label);
	sql_take_text(sql, ret_entry->added_by, sizeof ret_entry->added_by);
	ret_entry->added_at = sql_take_i64(sql);
	ret_entry->active_at = sql_take_i64(sql);
	ret_entry->mac = sql_take_mac(sql);
}

/* ---- looks ---- */

struct keys {
	uint8_t allow[BATCH_MAX][ALLOW_KEY_BYTES];
	uint8_t known[BATCH_MAX][ALLOW_KEY_BYTES];
};

static struct keys keys_of(const struct store_receiver *receivers, size_t n)
{
	struct keys keys;
	for (size_t i = 0; i < BATCH_MAX; i++) {
		const struct intent *intent = receivers[i < n ? i : 0].intent;
		store_allow_key(intent->account, intent->chain_id, intent->to, keys.allow[i]);
		store_known_key(intent->account, intent->to, keys.known[i]);
	}
	return keys;
}

/* Who has asked for it: a batch may have a receiver more than once. */
static void row_take(struct sql *sql, const struct keys *keys, struct store_receiver *receivers,
		     size_t n)
{
	uint8_t key[ALLOW_KEY_BYTES];
	struct store_allow_entry entry;
	bool is_known = sql_take_i64(sql) != 0;
	sql_take_bytes(sql, key, sizeof key);
	entry_take(sql, &entry);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *wanted = is_known ? keys->known[i] : keys->allow[i];
		if (memcmp(key, wanted, sizeof key) != 0)
			continue;
		if (is_known) {
			receivers[i].is_known = true;
			receivers[i].known = entry.receiver;
		} else {
			receivers[i].is_listed = true;
			receivers[i].entry = entry;
		}
	}
}

bool store_sql_receivers_look(struct store *store, struct store_receiver *receivers, size_t n,
			      struct err *err)
{
	struct keys keys = keys_of(receivers, n);
	struct sql sql = sql_prepare(
		db_of(store),
		"SELECT 0, entry_key, " ALLOW_COLUMNS " FROM allow_list WHERE entry_key IN "
		"(" SQL_MARKS_BATCH ") UNION ALL SELECT 1, ends_key, account, 0, receiver, '', '', "
		"0, 0, 0, '' FROM known_receivers WHERE ends_key IN (" SQL_MARKS_BATCH ")",
		err);
	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_bytes(&sql, keys.allow[i], ALLOW_KEY_BYTES);
	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_bytes(&sql, keys.known[i], ALLOW_KEY_BYTES);
	for (size_t i = 0; i < n; i++)
		receivers[i].is_listed = receivers[i].is_known = false;
	while (sql_next(&sql))
		row_take(&sql, &keys, receivers, n);
	return sql_end(&sql);
}

/* ---- whom accounts know ---- */

struct acquaintance {
	uint8_t key[ALLOW_KEY_BYTES];
	const char *account;
	struct address receiver;
};

struct learning {
	struct acquaintance rows[BATCH_MAX]; /* in the order of their keys */
	size_t n;
	int64_t now_ms;
};

/* In one order, so that two who learn the same wait for each other once. */
static void acquaintance_add(struct learning *learning, const char *account,
			     struct address receiver)
{
	struct acquaintance row = { .account = account, .receiver = receiver };
	size_t at = learning->n++;
	store_known_key(account, receiver, row.key);
	for (; at > 0 && memcmp(learning->rows[at - 1].key, row.key, sizeof row.key) > 0; at--)
		learning->rows[at] = learning->rows[at - 1];
	learning->rows[at] = row;
}

static bool learn(struct db *db, void *context, struct err *err)
{
	const struct learning *learning = context;
	struct sql sql = sql_prepare(
		db,
		"{insert new} known_receivers (ends_key, account, receiver, since) VALUES "
		"(?, ?, ?, ?)",
		err);
	for (size_t i = 0; i < learning->n; i++) {
		const struct acquaintance *row = &learning->rows[i];
		if (i > 0)
			sql_put_next_row(&sql);
		sql_put_bytes(&sql, row->key, sizeof row->key);
		sql_put_text(&sql, row->account);
		sql_put_address(&sql, row->receiver);
		sql_put_i64(&sql, learning->now_ms);
	}
	return sql_run(&sql, NULL);
}

bool store_sql_receivers_learn(struct store *store, const struct intent *const *intents, size_t n,
			       int64_t now_ms, struct err *err)
{
	struct learning learning = { .now_ms = now_ms };
	for (size_t i = 0; i < n; i++)
		acquaintance_add(&learning, intents[i]->account, intents[i]->to);
	return sql_write(db_of(store), learn, &learning, err);
}

/* ---- the allow-list ---- */

struct allow_change {
	const struct store_allow_entry *entry;
	struct store_proposal_change *ends;
	const struct store_by *by;
	bool *done;
};

static void detail_write(const struct store_allow_entry *entry, struct buf *out)
{
	buf_byte(out, '{');
	json_write_member_text(out, "account", entry->account);
	json_write_member_u64(out, "chain_id", entry->chain_id);
	json_write_member_text(out, "receiver", address_text(entry->receiver).at);
	buf_byte(out, '}');
	CHECK(!out->overflow);
}

static bool allow_audit(struct db *db, const char *action, const struct allow_change *change,
			struct err *err)
{
	char detail[DETAIL_LEN_MAX];
	struct buf out = buf_of(detail, sizeof detail);
	detail_write(change->entry, &out);
	return audit_add(db, action, (struct id){ { 0 } }, buf_terminated(&out), change->by, err);
}

static bool allow_insert(struct db *db, const struct store_allow_entry *entry, bool *ret_conflict,
			 struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "INSERT INTO allow_list (entry_key, " ALLOW_COLUMNS
				     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				     err);
	sql_put_bytes(&sql, entry->place, sizeof entry->place);
	sql_put_text(&sql, entry->account);
	sql_put_u64(&sql, entry->chain_id);
	sql_put_address(&sql, entry->receiver);
	sql_put_text(&sql, entry->label);
	sql_put_text(&sql, entry->added_by);
	sql_put_i64(&sql, entry->added_at);
	sql_put_i64(&sql, entry->active_at);
	sql_put_mac(&sql, &entry->mac);
	return sql_run(&sql, ret_conflict);
}

static bool allow_write(struct db *db, void *context, struct err *err)
{
	const struct allow_change *change = context;
	const struct store_allow_entry *entry = change->entry;
	struct learning learning = { .now_ms = entry->added_at };
	bool conflict = false;
	if (!proposal_end(db, change->ends, change->by, change->done, err))
		return false;
	if (!*change->done)
		return true;
	if (!allow_insert(db, entry, &conflict, err))
		return false;
	*change->done = !conflict;
	if (conflict && change->ends != NULL) /* the proposal is not to end for nothing */
		return err_refuse(err, "proposal_void", "the receiver is on the list already");
	acquaintance_add(&learning, entry->account, entry->receiver);
	return conflict ||
	       (learn(db, &learning, err) && allow_audit(db, "allow_list_added", change, err));
}

bool store_sql_allow_add(struct store *store, const struct store_allow_entry *entry,
			 struct store_proposal_change *ends, const struct store_by *by,
			 bool *ret_added, struct err *err)
{
	struct allow_change change = { entry, ends, by, ret_added };
	return sql_write(db_of(store), allow_write, &change, err);
}

static bool allow_delete(struct db *db, void *context, struct err *err)
{
	const struct allow_change *change = context;
	const struct store_allow_entry *entry = change->entry;
	int64_t deleted = 0;
	if (!proposal_end(db, change->ends, change->by, change->done, err))
		return false;
	if (!*change->done)
		return true;
	struct sql sql = sql_prepare(
		db, "DELETE FROM allow_list WHERE entry_key = ? AND mac_key_id = ? AND mac = ?",
		err);
	sql_put_bytes(&sql, entry->place, sizeof entry->place);
	sql_put_mac(&sql, &entry->mac);
	if (!sql_run_count(&sql, &deleted))
		return false;
	*change->done = deleted > 0;
	if (deleted == 0 && change->ends != NULL)
		return err_refuse(err, "proposal_void", "the entry is not there any more");
	return deleted == 0 || allow_audit(db, "allow_list_removed", change, err);
}

bool store_sql_allow_remove(struct store *store, const struct store_allow_entry *entry,
			    struct store_proposal_change *ends, const struct store_by *by,
			    bool *ret_removed, struct err *err)
{
	struct allow_change change = { entry, ends, by, ret_removed };
	return sql_write(db_of(store), allow_delete, &change, err);
}

struct allow_seal {
	struct allow_change change;
	const struct mac_tag *before;
};

static bool allow_seal_write(struct db *db, void *context, struct err *err)
{
	const struct allow_seal *seal = context;
	const struct store_allow_entry *entry = seal->change.entry;
	uint8_t key[ALLOW_KEY_BYTES];
	int64_t changed = 0;
	store_allow_key(entry->account, entry->chain_id, entry->receiver, key);
	struct sql sql = sql_prepare(db,
				     "UPDATE allow_list SET mac_key_id = ?, mac = ? WHERE "
				     "entry_key = ? AND mac_key_id = ? AND mac = ?",
				     err);
	sql_put_mac(&sql, &entry->mac);
	sql_put_bytes(&sql, key, sizeof key);
	sql_put_mac(&sql, seal->before);
	if (!sql_run_count(&sql, &changed))
		return false;
	*seal->change.done = changed > 0;
	return changed == 0 || allow_audit(db, "allow_list_resealed", &seal->change, err);
}

bool store_sql_allow_reseal(struct store *store, const struct store_allow_entry *entry,
			    const struct mac_tag *before, const struct store_by *by, bool *ret_done,
			    struct err *err)
{
	struct allow_seal seal = { { entry, NULL, by, ret_done }, before };
	return sql_write(db_of(store), allow_seal_write, &seal, err);
}

static void listed_take(struct sql *sql, struct store_allow_entry *ret_entry)
{
	uint8_t place[ALLOW_KEY_BYTES];
	sql_take_bytes(sql, place, sizeof place);
	entry_take(sql, ret_entry);
	memcpy(ret_entry->place, place, sizeof place);
}

bool store_sql_allow_load(struct store *store, const uint8_t *place,
			  struct store_allow_entry *ret_entry, bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(
		db_of(store),
		"SELECT entry_key, " ALLOW_COLUMNS " FROM allow_list WHERE entry_key = ?", err);
	sql_put_bytes(&sql, place, ALLOW_KEY_BYTES);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		listed_take(&sql, ret_entry);
	return sql_end(&sql);
}

#define ALLOW_PAGE "SELECT entry_key, " ALLOW_COLUMNS " FROM allow_list WHERE "
static const char page_select[] = ALLOW_PAGE "entry_key > ? ORDER BY entry_key LIMIT ?";
static const char page_of_account_select[] =
	ALLOW_PAGE "account = ? AND entry_key > ? ORDER BY entry_key LIMIT ?";

bool store_sql_allow_list(struct store *store, const char *account,
			  const struct store_allow_entry *after,
			  struct store_allow_entry *ret_entries, size_t cap, size_t *ret_len,
			  struct err *err)
{
	uint8_t key[ALLOW_KEY_BYTES] = { 0 };
	bool of_all = account[0] == 0;
	if (after != NULL)
		memcpy(key, after->place, sizeof key);
	struct sql sql =
		sql_prepare(db_of(store), of_all ? page_select : page_of_account_select, err);
	if (!of_all)
		sql_put_text(&sql, account);
	sql_put_bytes(&sql, key, sizeof key);
	sql_put_i64(&sql, (int64_t)cap);
	*ret_len = 0;
	while (*ret_len < cap && sql_next(&sql))
		listed_take(&sql, &ret_entries[(*ret_len)++]);
	return sql_end(&sql);
}
