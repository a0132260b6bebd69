/* Is a batch of entries new, all of it? What pays without a hitch is, and then a few statements
 * look for all of it together; anything else is looked at entry by entry, in journal_sql.c. */
#include "adapter/journal_sql_row.h"

#include <string.h>

#define SLOT_IS "(chain_id = ? AND wallet = ? AND nonce = ?)"
#define SLOT_IS_8                                                                          \
	SLOT_IS " OR " SLOT_IS " OR " SLOT_IS " OR " SLOT_IS " OR " SLOT_IS " OR " SLOT_IS \
		" OR " SLOT_IS " OR " SLOT_IS
#define SLOT_IS_ANY                                                                       \
	"(" SLOT_IS_8 " OR " SLOT_IS_8 " OR " SLOT_IS_8 " OR " SLOT_IS_8 " OR " SLOT_IS_8 \
	" OR " SLOT_IS_8 " OR " SLOT_IS_8 " OR " SLOT_IS_8 ")"

/* Payments of slots by rights, as all that is paid without a hitch: nothing but these. */
static bool is_plain(const struct journal_entry *entry)
{
	return entry->has_slot && entry->kind == JOURNAL_PAY && !entry->is_on_chain &&
	       entry->has_right && !entry->right.is_void && entry->has_attempt &&
	       !entry->has_resolution && !entry->has_feed_head && !entry->has_controls;
}

static bool are_apart(const struct journal_entry *a, const struct journal_entry *b)
{
	return !slots_equal(&a->slot, &b->slot) &&
	       !id_equal(a->right.withdrawal, b->right.withdrawal) &&
	       memcmp(a->right.pay_tag, b->right.pay_tag, sizeof a->right.pay_tag) != 0;
}

static bool are_plain(const struct journal_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_plain(&entries[i]))
			return false;
		for (size_t j = 0; j < i; j++)
			if (!are_apart(&entries[i], &entries[j]))
				return false;
	}
	return true;
}

static bool anything_found(struct sql *sql, bool *ret_any)
{
	*ret_any = sql_next(sql);
	return sql_end(sql);
}

static bool slots_look(struct db *db, const char *text, const struct journal_entry *entries,
		       size_t n, bool *ret_any, struct err *err)
{
	struct sql sql = sql_prepare(db, text, err);

	for (size_t i = 0; i < BATCH_MAX; i++) {
		const struct journal_slot *slot = &entries[i < n ? i : 0].slot;
		sql_put_u64(&sql, slot->chain_id);
		sql_put_bytes(&sql, slot->wallet.bytes, ADDRESS_BYTES);
		sql_put_u64(&sql, slot->nonce);
	}
	return anything_found(&sql, ret_any);
}

static bool rights_look(struct db *db, const struct journal_entry *entries, size_t n, bool *ret_any,
			struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT 1 FROM rights WHERE withdrawal IN (" SQL_MARKS_BATCH
				     ") UNION ALL SELECT 1 FROM rights WHERE pay_tag IN "
				     "(" SQL_MARKS_BATCH ") LIMIT 1",
				     err);

	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_bytes(&sql, entries[i < n ? i : 0].right.withdrawal.bytes, ID_BYTES);
	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_bytes(&sql, entries[i < n ? i : 0].right.pay_tag, 32);
	return anything_found(&sql, ret_any);
}

bool journal_are_new(struct db *db, const struct journal_entry *entries, size_t n, bool *ret_new,
		     struct err *err)
{
	bool slot = true, attempt = true, right = true;

	*ret_new = false;
	if (n < 2 || !are_plain(entries, n))
		return true;
	if (!slots_look(db, "SELECT 1 FROM slots WHERE " SLOT_IS_ANY " LIMIT 1", entries, n, &slot,
			err) ||
	    !slots_look(db, "SELECT 1 FROM attempts WHERE " SLOT_IS_ANY " LIMIT 1", entries, n,
			&attempt, err) ||
	    !rights_look(db, entries, n, &right, err))
		return false;
	*ret_new = !slot && !attempt && !right;
	return true;
}

static void any_note(const struct journal_name *names, size_t n, struct id withdrawal,
		     const uint8_t pay_tag[32], bool *ret_any)
{
	for (size_t i = 0; i < n; i++)
		ret_any[i] |= id_equal(names[i].withdrawal, withdrawal) ||
			      memcmp(names[i].pay_tag, pay_tag, 32) == 0;
}

bool journal_names_any(struct db *db, const struct journal_name *names, size_t n, bool *ret_any,
		       struct err *err)
{
	struct sql sql = sql_prepare(db,
				     "SELECT withdrawal, pay_tag FROM rights WHERE withdrawal IN "
				     "(" SQL_MARKS_BATCH ") UNION ALL SELECT withdrawal, pay_tag "
				     "FROM rights WHERE pay_tag IN (" SQL_MARKS_BATCH ")",
				     err);

	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_bytes(&sql, names[i < n ? i : 0].withdrawal.bytes, ID_BYTES);
	for (size_t i = 0; i < BATCH_MAX; i++)
		sql_put_bytes(&sql, names[i < n ? i : 0].pay_tag, 32);
	memset(ret_any, 0, n * sizeof ret_any[0]);
	while (sql_next(&sql)) {
		uint8_t pay_tag[32];
		struct id withdrawal = sql_take_id(&sql);
		sql_take_bytes(&sql, pay_tag, sizeof pay_tag);
		any_note(names, n, withdrawal, pay_tag, ret_any);
	}
	return sql_end(&sql);
}
