/* Acceptance: up to BATCH_MAX withdrawals become durable in one transaction, each with its event,
 * its audit record and its wake-up. Then, and only then, the API answers 202. */
#include "adapter/store_sql_parts.h"
#include "base/defence.h"
#include "core/intent.h"

#include <string.h>

_Static_assert(BATCH_MAX <= DB_ROWS_MAX, "a batch is one statement");

static const char insert_text[] =
	"INSERT INTO withdrawals (id, account, chain_id, asset, is_native, contract, decimals, "
	"receiver, amount, key_hash, external_id, external_hash, fingerprint, created_at, "
	"created_by, key_owner, correlation_id, metadata, intent_key_id, intent_mac, stage, version, due_at, updated_at) "
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

static void external_hash_make(const struct intent *intent, uint8_t ret_hash[KEY_HASH_BYTES])
{
	key_hash_make(intent->account, str_from(intent->external_id), ret_hash);
}

static void withdrawal_put(struct sql *sql, const struct withdrawal *row)
{
	const struct intent *intent = &row->intent;
	uint8_t external_hash[KEY_HASH_BYTES];
	sql_put_id(sql, intent->id);
	sql_put_text(sql, intent->account);
	sql_put_u64(sql, intent->chain_id);
	sql_put_text(sql, intent->asset);
	sql_put_i64(sql, intent->is_native);
	sql_put_bytes(sql, intent->contract.bytes, ADDRESS_BYTES);
	sql_put_i64(sql, intent->decimals);
	sql_put_bytes(sql, intent->to.bytes, ADDRESS_BYTES);
	sql_put_u256(sql, intent->amount.units);
	sql_put_bytes(sql, DEFENCE("idempotency_key") ? intent->key_hash : intent->id.bytes,
		      KEY_HASH_BYTES);
	if (intent->external_id[0] == 0) {
		sql_put_null(sql);
		sql_put_null(sql);
	} else {
		external_hash_make(intent, external_hash);
		sql_put_text(sql, intent->external_id);
		sql_put_copy(sql, external_hash, KEY_HASH_BYTES);
	}
	sql_put_bytes(sql, intent->fingerprint, sizeof intent->fingerprint);
	sql_put_i64(sql, intent->created_at);
	sql_put_text(sql, intent->created_by);
	sql_put_text(sql, intent->key_owner);
	sql_put_text(sql, row->correlation_id);
	sql_put_text(sql, row->metadata[0] == 0 ? NULL : row->metadata);
	sql_put_mac(sql, &row->intent_mac);
	sql_put_i64(sql, row->stage);
	sql_put_u64(sql, row->version);
	sql_put_i64(sql, row->due_at);
	sql_put_i64(sql, row->updated_at);
}

/* All of them, or, when one meets a unique key, none. */
static bool withdrawals_insert(struct db *db, struct store_accept *const *items, size_t n,
			       bool *ret_conflict, struct err *err)
{
	struct sql sql = sql_prepare(db, insert_text, err);
	for (size_t i = 0; i < n; i++) {
		CHECK(items[i]->withdrawal.stage == WITHDRAWAL_ACCEPTED);
		CHECK(items[i]->withdrawal.version == 1);
		if (i > 0)
			sql_put_next_row(&sql);
		withdrawal_put(&sql, &items[i]->withdrawal);
	}
	return sql_run(&sql, ret_conflict);
}

/* The row that holds a key (or external id) hash. */
static bool row_by_hash(struct db *db, const char *text, const uint8_t hash[KEY_HASH_BYTES],
			struct withdrawal *ret_row, bool *ret_found, struct err *err)
{
	struct sql sql = sql_prepare(db, text, err);
	sql_put_bytes(&sql, hash, KEY_HASH_BYTES);
	*ret_found = sql_next(&sql);
	if (*ret_found)
		withdrawal_take(&sql, ret_row);
	return sql_end(&sql);
}

static bool row_by_key(struct db *db, const uint8_t hash[KEY_HASH_BYTES],
		       struct withdrawal *ret_row, bool *ret_found, struct err *err)
{
	return row_by_hash(
		db, "SELECT " WITHDRAWAL_COLUMNS " FROM withdrawals WHERE key_hash = ? {for share}",
		hash, ret_row, ret_found, err);
}

static bool row_by_external_id(struct db *db, const struct intent *intent,
			       struct withdrawal *ret_row, bool *ret_found, struct err *err)
{
	uint8_t hash[KEY_HASH_BYTES];
	*ret_found = false;
	if (intent->external_id[0] == 0)
		return true;
	external_hash_make(intent, hash);
	return row_by_hash(db,
			   "SELECT " WITHDRAWAL_COLUMNS
			   " FROM withdrawals WHERE external_hash = ? {for share}",
			   hash, ret_row, ret_found, err);
}

/* Judges a row that stands under the item's key. */
static enum store_accept_result result_of_existing(const struct store_accept *item)
{
	const struct intent *ours = &item->withdrawal.intent;
	const struct intent *theirs = &item->existing.intent;
	if (id_equal(ours->id, theirs->id))
		return STORE_ACCEPTED; /* our own insert, seen again after an unclear commit */
	if (memcmp(ours->fingerprint, theirs->fingerprint, sizeof ours->fingerprint) == 0)
		return STORE_REPLAYED;
	return STORE_KEY_REUSED;
}

static bool id_is_taken(struct db *db, struct id id, bool *ret_taken, struct err *err)
{
	struct sql sql = sql_prepare(db, "SELECT 1 FROM withdrawals WHERE id = ?", err);
	sql_put_id(&sql, id);
	*ret_taken = sql_next(&sql);
	return sql_end(&sql);
}

/* The insert met a unique key: find out which, so that the client gets the right answer. */
static bool conflict_explain(struct db *db, struct store_accept *item, struct err *err)
{
	bool found = false;
	if (!row_by_key(db, item->withdrawal.intent.key_hash, &item->existing, &found, err))
		return false;
	if (found) {
		item->result = result_of_existing(item);
		return true;
	}
	if (!row_by_external_id(db, &item->withdrawal.intent, &item->existing, &found, err))
		return false;
	item->result = STORE_EXTERNAL_ID_TAKEN;
	if (found)
		return true;
	/* Another withdrawal has the id: a clock that went back, or a broken source of entropy. One
	 * item's bad luck, and not its neighbours'. */
	if (!id_is_taken(db, item->withdrawal.intent.id, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_NOT_DONE, "a unique key conflicts, but with no row");
	item->result = STORE_ID_TAKEN;
	return true;
}

static bool messages_insert(struct db *db, struct store_accept *const *items, size_t n,
			    struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "INSERT INTO messages (queue, subject, correlation_id, "
				     "created_at, visible_at) VALUES (?, ?, ?, ?, ?)",
				     err);
	for (size_t i = 0; i < n; i++) {
		const struct withdrawal *row = &items[i]->withdrawal;
		if (i > 0)
			sql_put_next_row(&sql);
		sql_put_i64(&sql, QUEUE_REQUEST);
		sql_put_id(&sql, row->intent.id);
		sql_put_text(&sql, row->correlation_id);
		sql_put_i64(&sql, row->updated_at);
		sql_put_i64(&sql, row->updated_at);
	}
	return sql_run(&sql, NULL);
}

static bool events_add(struct db *db, struct store_accept *const *items, size_t n, struct err *err)
{
	struct event_row events[BATCH_MAX];
	struct store_by by[BATCH_MAX];
	for (size_t i = 0; i < n; i++) {
		const struct withdrawal *row = &items[i]->withdrawal;
		by[i] = (struct store_by){ .actor = ACTOR_API,
					   .who = items[i]->who,
					   .request_id = row->correlation_id,
					   .now_ms = row->updated_at };
		events[i] = (struct event_row){ .withdrawal = row->intent.id,
						.sequence = row->version,
						.type = "accepted",
						.stage = row->stage,
						.detail = "" };
	}
	return event_rows_add(db, events, by, n, err);
}

struct accept_batch {
	struct store_accept *items;
	size_t n;
	struct store_accept *order[BATCH_MAX];
	bool is_new[BATCH_MAX]; /* in that order: inserted by this transaction */
	bool is_ordered;
};

static void batch_order(struct accept_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct store_accept *item = &batch->items[i];
		size_t at = i;
		for (; at > 0 && batch->is_ordered; at--) {
			if (memcmp(batch->order[at - 1]->withdrawal.intent.key_hash,
				   item->withdrawal.intent.key_hash, KEY_HASH_BYTES) <= 0)
				break;
			batch->order[at] = batch->order[at - 1];
		}
		batch->order[at] = item;
	}
}

/* As many at once as have no key that stands there already: halves until it is found who has one,
 * then more again. */
static bool items_insert(struct db *db, struct accept_batch *batch, struct err *err)
{
	size_t len = batch->n;
	for (size_t at = 0; at < batch->n;) {
		bool conflict = false;
		if (len > batch->n - at)
			len = batch->n - at;
		if (!withdrawals_insert(db, &batch->order[at], len, &conflict, err))
			return false;
		if (conflict && len > 1) {
			len /= 2;
			continue;
		}
		if (conflict && !conflict_explain(db, batch->order[at], err))
			return false;
		for (size_t i = at; i < at + len; i++) {
			batch->is_new[i] = !conflict;
			if (!conflict)
				batch->order[i]->result = STORE_ACCEPTED;
		}
		at += len;
		len = conflict ? 1 : 2 * len;
	}
	return true;
}

/* What a new row has beside it. One that stood there already has it all, also when it is our own,
 * seen again. */
static bool new_items_follow(struct db *db, struct accept_batch *batch, struct err *err)
{
	struct store_accept *items[BATCH_MAX];
	size_t n = 0;
	for (size_t i = 0; i < batch->n; i++)
		if (batch->is_new[i])
			items[n++] = batch->order[i];
	return n == 0 || (events_add(db, items, n, err) && messages_insert(db, items, n, err));
}

/* As they came; after it had to give way to others, in the order of the keys, so that those who
 * have keys in common meet at the first of them, and not each at another. */
static bool batch_accept(struct db *db, void *context, struct err *err)
{
	struct accept_batch *batch = context;
	batch_order(batch);
	batch->is_ordered = true;
	return items_insert(db, batch, err) && new_items_follow(db, batch, err);
}

/* After a commit without a clear answer: what stands there now is the answer, also for an item that
 * met another one of its own batch, which may be lost with it. */
static bool batch_look(struct db *db, void *context, struct err *err)
{
	struct accept_batch *batch = context;
	for (size_t i = 0; i < batch->n; i++)
		if (!conflict_explain(db, &batch->items[i], err))
			return false;
	return true;
}

bool store_sql_accept(struct store *store, struct store_accept *items, size_t n, struct err *err)
{
	struct accept_batch batch = { .items = items, .n = n };
	struct err fault = { 0 };
	if (sql_write(db_of(store), batch_accept, &batch, &fault))
		return true;
	if (fault.kind == ERR_MAYBE_DONE) {
		struct err look = { 0 };
		if (sql_write(db_of(store), batch_look, &batch, &look))
			return true;
	}
	if (err != NULL)
		*err = fault;
	return false;
}
