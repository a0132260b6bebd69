#include "adapter/journal_sql_row.h"

#include "base/buf.h"
#include "base/hash.h"

#include <string.h>

/* --- MACs ---------------------------------------------------------------------------------------
 */

#define MAC_MESSAGE_BYTES 1024 /* a right with both texts at full length is under 500 */

static struct buf message_start(void *storage, const char *label, const struct journal_link *link)
{
	struct buf out = buf_of(storage, MAC_MESSAGE_BYTES);

	buf_prefixed(&out, label, strlen(label));
	buf_prefixed_u64(&out, (uint64_t)link->sequence);
	buf_prefixed(&out, link->previous, sizeof link->previous);
	return out;
}

static void message_slot(struct buf *out, const struct journal_slot *slot)
{
	buf_prefixed_u64(out, slot->chain_id);
	buf_prefixed(out, slot->wallet.bytes, sizeof slot->wallet.bytes);
	buf_prefixed_u64(out, slot->nonce);
}

static void message_u256(struct buf *out, struct u256 value)
{
	uint8_t bytes[U256_BYTES];

	u256_to_bytes(value, bytes);
	buf_prefixed(out, bytes, sizeof bytes);
}

static void message_end(const struct buf *out, const uint8_t key[32], uint8_t ret_mac[32])
{
	CHECK(!out->overflow);
	hmac_sha256(key, 32, out->at, out->len, ret_mac);
}

static void slot_mac(const uint8_t key[32], const struct journal_slot_row *row, uint8_t ret_mac[32])
{
	uint8_t storage[MAC_MESSAGE_BYTES];
	struct buf out = message_start(storage, "sluice/journal/slots/1", &row->link);

	message_slot(&out, &row->slot);
	buf_prefixed_u64(&out, (uint64_t)row->kind);
	buf_prefixed(&out, row->payload_hash.bytes, sizeof row->payload_hash.bytes);
	message_end(&out, key, ret_mac);
}

static void right_mac(const uint8_t key[32], const struct journal_right_row *row,
		      uint8_t ret_mac[32])
{
	const struct journal_right *right = &row->right;
	uint8_t storage[MAC_MESSAGE_BYTES];
	struct buf out = message_start(storage, "sluice/journal/rights/1", &row->link);

	buf_prefixed(&out, right->withdrawal.bytes, sizeof right->withdrawal.bytes);
	buf_prefixed_u64(&out, right->round);
	buf_prefixed(&out, right->pay_tag, sizeof right->pay_tag);
	buf_prefixed_u64(&out, right->is_void);
	buf_prefixed(&out, right->void_stage, strlen(right->void_stage));
	buf_prefixed(&out, right->void_code, strlen(right->void_code));
	if (!right->is_void)
		message_slot(&out, &right->slot);
	buf_prefixed_u64(&out, right->chain_id);
	buf_prefixed(&out, right->asset.bytes, sizeof right->asset.bytes);
	message_u256(&out, right->amount.units);
	buf_prefixed_u64(&out, (uint64_t)right->time_ms);
	message_end(&out, key, ret_mac);
}

static void attempt_mac(const uint8_t key[32], const struct journal_attempt_row *row,
			uint8_t ret_mac[32])
{
	uint8_t storage[MAC_MESSAGE_BYTES];
	struct buf out = message_start(storage, "sluice/journal/attempts/1", &row->link);

	message_slot(&out, &row->slot);
	buf_prefixed_u64(&out, row->number);
	message_u256(&out, row->fee_ceiling.value);
	message_end(&out, key, ret_mac);
}

static void resolution_mac(const uint8_t key[32], const struct journal_resolution_row *row,
			   uint8_t ret_mac[32])
{
	const struct journal_resolution *resolution = &row->resolution;
	uint8_t storage[MAC_MESSAGE_BYTES];
	struct buf out = message_start(storage, "sluice/journal/resolutions/1", &row->link);

	buf_prefixed(&out, resolution->withdrawal.bytes, sizeof resolution->withdrawal.bytes);
	buf_prefixed_u64(&out, resolution->round);
	buf_prefixed_u64(&out, resolution->is_paid);
	buf_prefixed_u64(&out, resolution->chain_id);
	buf_prefixed(&out, resolution->tx_hash.bytes, sizeof resolution->tx_hash.bytes);
	buf_prefixed_u64(&out, (uint64_t)resolution->time_ms);
	message_end(&out, key, ret_mac);
}

static void feed_mac(const uint8_t key[32], const struct journal_feed_row *row, uint8_t ret_mac[32])
{
	const struct feed_head *head = &row->head.head;
	uint8_t storage[MAC_MESSAGE_BYTES];
	struct buf out = message_start(storage, "sluice/journal/feed_heads/1", &row->link);

	buf_prefixed_u64(&out, head->life);
	buf_prefixed_u64(&out, head->number);
	buf_prefixed(&out, head->mac, sizeof head->mac);
	buf_prefixed_u64(&out, (uint64_t)row->head.time_ms);
	message_end(&out, key, ret_mac);
}

static void controls_mac(const uint8_t key[32], const struct journal_controls_row *row,
			 uint8_t ret_mac[32])
{
	uint8_t storage[MAC_MESSAGE_BYTES];
	struct buf out = message_start(storage, "sluice/journal/controls/1", &row->link);

	buf_prefixed_u64(&out, row->controls.version);
	buf_prefixed(&out, row->controls.mac, sizeof row->controls.mac);
	buf_prefixed_u64(&out, (uint64_t)row->controls.time_ms);
	message_end(&out, key, ret_mac);
}

void journal_meta_mac(const uint8_t key[32], struct id deployment, uint8_t ret_mac[32])
{
	static const struct journal_link start = { .sequence = 0 };
	uint8_t storage[MAC_MESSAGE_BYTES];
	struct buf out = message_start(storage, "sluice/journal/meta/1", &start);

	buf_prefixed(&out, deployment.bytes, sizeof deployment.bytes);
	message_end(&out, key, ret_mac);
}

/* --- reading ------------------------------------------------------------------------------------
 */

static struct journal_link take_link(struct sql *sql)
{
	struct journal_link link;

	link.sequence = sql_take_i64(sql);
	sql_take_bytes(sql, link.previous, sizeof link.previous);
	sql_take_bytes(sql, link.mac, sizeof link.mac);
	return link;
}

static enum journal_kind take_kind(struct sql *sql)
{
	uint32_t kind = sql_take_u32(sql);

	return kind == JOURNAL_CANCEL || kind == JOURNAL_FOREIGN ? (enum journal_kind)kind
								 : JOURNAL_PAY;
}

static struct journal_slot take_slot(struct sql *sql)
{
	struct journal_slot slot;

	slot.chain_id = sql_take_u64(sql);
	slot.wallet = sql_take_address(sql);
	slot.nonce = sql_take_u64(sql);
	return slot;
}

static bool judge(const char *table, const struct journal_link *link, const uint8_t mac[32],
		  struct err *err)
{
	if (bytes_equal_constant_time(link->mac, mac, sizeof link->mac))
		return true;
	return err_set(err, ERR_REFUSED, "journal: row %lld in %s does not verify",
		       (long long)link->sequence, table);
}

bool journal_slot_take(struct sql *sql, const uint8_t key[32], struct journal_slot_row *ret_row,
		       struct err *err)
{
	struct journal_slot_row row;
	uint8_t mac[32];

	row.link = take_link(sql);
	row.slot = take_slot(sql);
	row.kind = take_kind(sql);
	row.payload_hash = sql_take_hash(sql);
	slot_mac(key, &row, mac);
	if (!judge("slots", &row.link, mac, err))
		return false;
	*ret_row = row;
	return true;
}

bool journal_right_take(struct sql *sql, const uint8_t key[32], struct journal_right_row *ret_row,
			struct err *err)
{
	struct journal_right_row row = { .link = take_link(sql) };
	struct journal_right *right = &row.right;
	uint8_t mac[32];

	right->withdrawal = sql_take_id(sql);
	right->round = sql_take_u32(sql);
	sql_take_bytes(sql, right->pay_tag, sizeof right->pay_tag);
	right->is_void = sql_take_i64(sql) != 0;
	sql_take_text(sql, right->void_stage, sizeof right->void_stage);
	sql_take_text(sql, right->void_code, sizeof right->void_code);
	right->slot.wallet = sql_take_address(sql);
	right->slot.nonce = sql_take_u64(sql);
	right->chain_id = sql_take_u64(sql);
	right->slot.chain_id = right->is_void ? 0 : right->chain_id;
	right->asset = sql_take_address(sql);
	right->amount.units = sql_take_u256(sql);
	right->time_ms = sql_take_i64(sql);
	right_mac(key, &row, mac);
	if (!judge("rights", &row.link, mac, err))
		return false;
	*ret_row = row;
	return true;
}

bool journal_attempt_take(struct sql *sql, const uint8_t key[32],
			  struct journal_attempt_row *ret_row, struct err *err)
{
	struct journal_attempt_row row;
	uint8_t mac[32];

	row.link = take_link(sql);
	row.slot = take_slot(sql);
	row.number = sql_take_u32(sql);
	row.fee_ceiling.value = sql_take_u256(sql);
	attempt_mac(key, &row, mac);
	if (!judge("attempts", &row.link, mac, err))
		return false;
	*ret_row = row;
	return true;
}

bool journal_resolution_take(struct sql *sql, const uint8_t key[32],
			     struct journal_resolution_row *ret_row, struct err *err)
{
	struct journal_resolution_row row = { .link = take_link(sql) };
	uint8_t mac[32];

	row.resolution.withdrawal = sql_take_id(sql);
	row.resolution.round = sql_take_u32(sql);
	row.resolution.is_paid = sql_take_i64(sql) != 0;
	row.resolution.chain_id = sql_take_u64(sql);
	row.resolution.tx_hash = sql_take_hash(sql);
	row.resolution.time_ms = sql_take_i64(sql);
	resolution_mac(key, &row, mac);
	if (!judge("resolutions", &row.link, mac, err))
		return false;
	*ret_row = row;
	return true;
}

bool journal_feed_take(struct sql *sql, const uint8_t key[32], struct journal_feed_row *ret_row,
		       struct err *err)
{
	struct journal_feed_row row = { .link = take_link(sql) };
	uint8_t mac[32];

	row.head.sequence = row.link.sequence;
	row.head.head.life = sql_take_u64(sql);
	row.head.head.number = sql_take_u64(sql);
	sql_take_bytes(sql, row.head.head.mac, sizeof row.head.head.mac);
	row.head.time_ms = sql_take_i64(sql);
	feed_mac(key, &row, mac);
	if (!judge("feed_heads", &row.link, mac, err))
		return false;
	*ret_row = row;
	return true;
}

bool journal_controls_take(struct sql *sql, const uint8_t key[32],
			   struct journal_controls_row *ret_row, struct err *err)
{
	struct journal_controls_row row = { .link = take_link(sql) };
	uint8_t mac[32];

	row.controls.version = sql_take_u64(sql);
	sql_take_bytes(sql, row.controls.mac, sizeof row.controls.mac);
	row.controls.time_ms = sql_take_i64(sql);
	controls_mac(key, &row, mac);
	if (!judge("controls", &row.link, mac, err))
		return false;
	*ret_row = row;
	return true;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void link_behind(const struct journal_head *head, struct journal_link *link)
{
	CHECK(head->sequence >= 0 && head->sequence < INT64_MAX);
	link->sequence = head->sequence + 1;
	memcpy(link->previous, head->mac, sizeof link->previous);
}

static void put_link(struct sql *sql, const struct journal_link *link)
{
	sql_put_i64(sql, link->sequence);
	sql_put_bytes(sql, link->previous, sizeof link->previous);
	sql_put_bytes(sql, link->mac, sizeof link->mac);
}

static void put_slot(struct sql *sql, const struct journal_slot *slot)
{
	sql_put_u64(sql, slot->chain_id);
	sql_put_address(sql, slot->wallet);
	sql_put_u64(sql, slot->nonce);
}

static bool run_and_move(struct sql *sql, const struct journal_link *link,
			 struct journal_head *head)
{
	if (!sql_later_one(sql))
		return false;
	head->sequence = link->sequence;
	memcpy(head->mac, link->mac, sizeof head->mac);
	return true;
}

bool journal_slot_insert(struct db *db, const uint8_t key[32], struct journal_head *head,
			 struct journal_slot_row *row, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "INSERT INTO slots (" JOURNAL_SLOT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		err);

	link_behind(head, &row->link);
	slot_mac(key, row, row->link.mac);
	put_link(&sql, &row->link);
	put_slot(&sql, &row->slot);
	sql_put_i64(&sql, row->kind);
	sql_put_bytes(&sql, row->payload_hash.bytes, sizeof row->payload_hash.bytes);
	return run_and_move(&sql, &row->link, head);
}

bool journal_right_insert(struct db *db, const uint8_t key[32], struct journal_head *head,
			  struct journal_right_row *row, struct err *err)
{
	const struct journal_right *right = &row->right;
	struct sql sql = sql_prepare(db,
				     "INSERT INTO rights (" JOURNAL_RIGHT_COLUMNS
				     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				     err);

	link_behind(head, &row->link);
	right_mac(key, row, row->link.mac);
	put_link(&sql, &row->link);
	sql_put_id(&sql, right->withdrawal);
	sql_put_u64(&sql, right->round);
	sql_put_bytes(&sql, right->pay_tag, sizeof right->pay_tag);
	sql_put_i64(&sql, right->is_void);
	sql_put_text(&sql, right->void_stage);
	sql_put_text(&sql, right->void_code);
	if (right->is_void) {
		sql_put_null(&sql);
		sql_put_null(&sql);
	} else {
		sql_put_address(&sql, right->slot.wallet);
		sql_put_u64(&sql, right->slot.nonce);
	}
	sql_put_u64(&sql, right->chain_id);
	sql_put_address(&sql, right->asset);
	sql_put_u256(&sql, right->amount.units);
	sql_put_i64(&sql, right->time_ms);
	return run_and_move(&sql, &row->link, head);
}

bool journal_attempt_insert(struct db *db, const uint8_t key[32], struct journal_head *head,
			    struct journal_attempt_row *row, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "INSERT INTO attempts (" JOURNAL_ATTEMPT_COLUMNS
				     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				     err);

	link_behind(head, &row->link);
	attempt_mac(key, row, row->link.mac);
	put_link(&sql, &row->link);
	put_slot(&sql, &row->slot);
	sql_put_u64(&sql, row->number);
	sql_put_u256(&sql, row->fee_ceiling.value);
	return run_and_move(&sql, &row->link, head);
}

bool journal_resolution_insert(struct db *db, const uint8_t key[32], struct journal_head *head,
			       struct journal_resolution_row *row, struct err *err)
{
	const struct journal_resolution *resolution = &row->resolution;
	struct sql sql = sql_prepare(db,
				     "INSERT INTO resolutions (" JOURNAL_RESOLUTION_COLUMNS
				     ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
				     err);

	link_behind(head, &row->link);
	resolution_mac(key, row, row->link.mac);
	put_link(&sql, &row->link);
	sql_put_id(&sql, resolution->withdrawal);
	sql_put_u64(&sql, resolution->round);
	sql_put_i64(&sql, resolution->is_paid);
	sql_put_u64(&sql, resolution->chain_id);
	sql_put_hash(&sql, resolution->tx_hash);
	sql_put_i64(&sql, resolution->time_ms);
	return run_and_move(&sql, &row->link, head);
}

bool journal_feed_insert(struct db *db, const uint8_t key[32], struct journal_head *head,
			 struct journal_feed_row *row, struct err *err)
{
	const struct feed_head *feed = &row->head.head;
	struct sql sql = sql_prepare(db,
				     "INSERT INTO feed_heads (" JOURNAL_FEED_COLUMNS
				     ") VALUES (?, ?, ?, ?, ?, ?, ?)",
				     err);

	link_behind(head, &row->link);
	feed_mac(key, row, row->link.mac);
	put_link(&sql, &row->link);
	sql_put_u64(&sql, feed->life);
	sql_put_u64(&sql, feed->number);
	sql_put_bytes(&sql, feed->mac, sizeof feed->mac);
	sql_put_i64(&sql, row->head.time_ms);
	return run_and_move(&sql, &row->link, head);
}

bool journal_controls_insert(struct db *db, const uint8_t key[32], struct journal_head *head,
			     struct journal_controls_row *row, struct err *err)
{
	struct sql sql = sql_prepare(
		db, "INSERT INTO controls (" JOURNAL_CONTROLS_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)",
		err);

	link_behind(head, &row->link);
	controls_mac(key, row, row->link.mac);
	put_link(&sql, &row->link);
	sql_put_u64(&sql, row->controls.version);
	sql_put_bytes(&sql, row->controls.mac, sizeof row->controls.mac);
	sql_put_i64(&sql, row->controls.time_ms);
	return run_and_move(&sql, &row->link, head);
}

/* --- the chain ----------------------------------------------------------------------------------
 */

#define TABLES 6

/* One statement, and so one look: between two of them another appender's rows may come, and the end
 * would be found in their midst. */
bool journal_last_sequence(struct db *db, int64_t *ret_sequence, struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT (SELECT max(sequence) FROM slots), "
				     "(SELECT max(sequence) FROM rights), "
				     "(SELECT max(sequence) FROM attempts), "
				     "(SELECT max(sequence) FROM resolutions), "
				     "(SELECT max(sequence) FROM feed_heads), "
				     "(SELECT max(sequence) FROM controls)",
				     err);
	int64_t last = 0;

	if (sql_next(&sql)) {
		for (int i = 0; i < TABLES; i++) {
			int64_t sequence = sql_take_i64(&sql);
			last = sequence > last ? sequence : last;
		}
	}
	if (!sql_end(&sql))
		return false;
	*ret_sequence = last;
	return true;
}

bool journal_head_is_kept(struct db *db, const struct journal_head *head, bool *ret_kept,
			  struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT mac FROM slots WHERE sequence = ? "
				     "UNION ALL SELECT mac FROM rights WHERE sequence = ? "
				     "UNION ALL SELECT mac FROM attempts WHERE sequence = ? "
				     "UNION ALL SELECT mac FROM resolutions WHERE sequence = ? "
				     "UNION ALL SELECT mac FROM feed_heads WHERE sequence = ? "
				     "UNION ALL SELECT mac FROM controls WHERE sequence = ?",
				     err);
	uint8_t mac[sizeof head->mac] = { 0 };

	for (int i = 0; i < TABLES; i++)
		sql_put_i64(&sql, head->sequence);
	if (sql_next(&sql))
		sql_take_bytes(&sql, mac, sizeof mac);
	if (!sql_end(&sql))
		return false;
	*ret_kept = head->sequence == 0 || memcmp(mac, head->mac, sizeof mac) == 0;
	return true;
}

/* A row found by its number must also be found by its values: a column of another type reads as
 * zero here, but would hide the row from the lookups that count. */
static bool is_found_by(struct sql *sql, int64_t sequence, struct err *err)
{
	int64_t rows = sql_next(sql) ? sql_take_i64(sql) : 0;

	if (!sql_end(sql))
		return false;
	if (rows == 1)
		return true;
	return err_set(err, ERR_REFUSED, "journal: row %lld is not found by its values",
		       (long long)sequence);
}

/* A row of any of the tables. */
union journal_row {
	struct journal_link link; /* each begins with it */
	struct journal_slot_row slot;
	struct journal_right_row right;
	struct journal_attempt_row attempt;
	struct journal_resolution_row resolution;
	struct journal_feed_row feed;
	struct journal_controls_row controls;
};

static bool take_slot_row(struct sql *sql, const uint8_t key[32], union journal_row *ret_row,
			  struct err *err)
{
	return journal_slot_take(sql, key, &ret_row->slot, err);
}

static void put_slot_values(struct sql *sql, const union journal_row *row)
{
	put_slot(sql, &row->slot.slot);
	sql_put_i64(sql, row->slot.kind);
}

static bool take_right_row(struct sql *sql, const uint8_t key[32], union journal_row *ret_row,
			   struct err *err)
{
	return journal_right_take(sql, key, &ret_row->right, err);
}

static void put_right_values(struct sql *sql, const union journal_row *row)
{
	const struct journal_right *right = &row->right.right;
	sql_put_id(sql, right->withdrawal);
	sql_put_u64(sql, right->round);
	sql_put_bytes(sql, right->pay_tag, sizeof right->pay_tag);
	sql_put_u64(sql, right->chain_id);
	sql_put_address(sql, right->asset);
	sql_put_i64(sql, right->time_ms);
	sql_put_address(sql, right->slot.wallet);
}

static bool take_attempt_row(struct sql *sql, const uint8_t key[32], union journal_row *ret_row,
			     struct err *err)
{
	return journal_attempt_take(sql, key, &ret_row->attempt, err);
}

static void put_attempt_values(struct sql *sql, const union journal_row *row)
{
	put_slot(sql, &row->attempt.slot);
	sql_put_u64(sql, row->attempt.number);
}

static bool take_resolution_row(struct sql *sql, const uint8_t key[32], union journal_row *ret_row,
				struct err *err)
{
	return journal_resolution_take(sql, key, &ret_row->resolution, err);
}

static void put_resolution_values(struct sql *sql, const union journal_row *row)
{
	const struct journal_resolution *resolution = &row->resolution.resolution;
	sql_put_id(sql, resolution->withdrawal);
	sql_put_u64(sql, resolution->round);
	sql_put_i64(sql, resolution->is_paid);
	sql_put_u64(sql, resolution->chain_id);
	sql_put_hash(sql, resolution->tx_hash);
}

static bool take_feed_row(struct sql *sql, const uint8_t key[32], union journal_row *ret_row,
			  struct err *err)
{
	return journal_feed_take(sql, key, &ret_row->feed, err);
}

static void put_feed_values(struct sql *sql, const union journal_row *row)
{
	sql_put_u64(sql, row->feed.head.head.life);
	sql_put_u64(sql, row->feed.head.head.number);
}

static bool take_controls_row(struct sql *sql, const uint8_t key[32], union journal_row *ret_row,
			      struct err *err)
{
	return journal_controls_take(sql, key, &ret_row->controls, err);
}

static void put_controls_values(struct sql *sql, const union journal_row *row)
{
	sql_put_u64(sql, row->controls.controls.version);
}

static const struct table {
	const char *by_number;
	bool (*take)(struct sql *sql, const uint8_t key[32], union journal_row *ret_row,
		     struct err *err);
	const char *by_values;
	void (*put_values)(struct sql *sql, const union journal_row *row);
} tables[] = {
	{ "SELECT " JOURNAL_SLOT_COLUMNS " FROM slots WHERE sequence = ?", take_slot_row,
	  "SELECT count(*) FROM slots WHERE sequence = ? AND chain_id = ? AND wallet = ? AND "
	  "nonce = ? AND kind = ?",
	  put_slot_values },
	{ "SELECT " JOURNAL_RIGHT_COLUMNS " FROM rights WHERE sequence = ?", take_right_row,
	  "SELECT count(*) FROM rights WHERE sequence = ? AND withdrawal = ? AND round = ? AND "
	  "pay_tag = ? AND chain_id = ? AND asset = ? AND time_ms = ? AND (is_void <> 0 OR "
	  "wallet = ?)",
	  put_right_values },
	{ "SELECT " JOURNAL_ATTEMPT_COLUMNS " FROM attempts WHERE sequence = ?", take_attempt_row,
	  "SELECT count(*) FROM attempts WHERE sequence = ? AND chain_id = ? AND wallet = ? AND "
	  "nonce = ? AND number = ?",
	  put_attempt_values },
	{ "SELECT " JOURNAL_RESOLUTION_COLUMNS " FROM resolutions WHERE sequence = ?",
	  take_resolution_row,
	  "SELECT count(*) FROM resolutions WHERE sequence = ? AND withdrawal = ? AND round = ? "
	  "AND is_paid = ? AND chain_id = ? AND tx_hash = ?",
	  put_resolution_values },
	{ "SELECT " JOURNAL_FEED_COLUMNS " FROM feed_heads WHERE sequence = ?", take_feed_row,
	  "SELECT count(*) FROM feed_heads WHERE sequence = ? AND life = ? AND number = ?",
	  put_feed_values },
	{ "SELECT " JOURNAL_CONTROLS_COLUMNS " FROM controls WHERE sequence = ?", take_controls_row,
	  "SELECT count(*) FROM controls WHERE sequence = ? AND version = ?", put_controls_values },
};
_Static_assert(sizeof tables / sizeof tables[0] == TABLES, "all of them are walked");

static bool table_visit(struct db *db, const struct table *table, const uint8_t key[32],
			int64_t sequence, struct journal_link *ret_link, int *count,
			struct err *err)
{
	struct sql sql = sql_prepare(db, table->by_number, err);
	union journal_row row;
	bool verified = true;

	sql_put_i64(&sql, sequence);
	bool any = sql_next(&sql);
	if (any)
		verified = table->take(&sql, key, &row, err);
	if (!sql_end(&sql) || !verified)
		return false;
	if (!any)
		return true;
	*ret_link = row.link;
	++*count;
	sql = sql_prepare(db, table->by_values, err);
	sql_put_i64(&sql, sequence);
	table->put_values(&sql, &row);
	return is_found_by(&sql, sequence, err);
}

static bool visit(struct db *db, const uint8_t key[32], int64_t sequence,
		  struct journal_link *ret_link, struct err *err)
{
	int count = 0;

	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		if (!table_visit(db, &tables[i], key, sequence, ret_link, &count, err))
			return false;
	if (count == 1)
		return true;
	return err_set(err, ERR_REFUSED, "journal: row %lld %s", (long long)sequence,
		       count ? "stands in two tables" : "is missing");
}

bool journal_walk(struct db *db, const uint8_t key[32], struct journal_head *head, int64_t last,
		  bool any_previous, struct err *err)
{
	struct journal_head at = *head;

	CHECK(at.sequence <= last);
	while (at.sequence < last) {
		struct journal_link link = { 0 };

		if (!visit(db, key, at.sequence + 1, &link, err))
			return false;
		if (!any_previous && memcmp(link.previous, at.mac, sizeof at.mac) != 0)
			return err_set(err, ERR_REFUSED, "journal: row %lld is not linked",
				       (long long)link.sequence);
		any_previous = false;
		at.sequence = link.sequence;
		memcpy(at.mac, link.mac, sizeof at.mac);
	}
	*head = at;
	return true;
}
