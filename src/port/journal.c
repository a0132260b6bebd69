/* The contract of port/journal.h, checked once for every back end. Only this file calls the ops
 * table. */
#include "port/journal.h"

#include "port/stop_point.h"

#include <string.h>

static bool slots_equal(const struct journal_slot *a, const struct journal_slot *b)
{
	return a->chain_id == b->chain_id && a->nonce == b->nonce &&
	       address_equal(a->wallet, b->wallet);
}

static void check_right(const struct journal_entry *entry)
{
	const struct journal_right *right = &entry->right;

	CHECK(!id_is_zero(right->withdrawal));
	CHECK(right->time_ms >= 0);
	CHECK(memchr(right->void_stage, 0, sizeof right->void_stage));
	CHECK(memchr(right->void_code, 0, sizeof right->void_code));
	if (right->is_void) {
		CHECK(!entry->has_slot && right->void_stage[0]);
		return;
	}
	/* A right is spent on the slot of its own entry, on its own chain. */
	CHECK(entry->has_slot && slots_equal(&right->slot, &entry->slot));
	CHECK(right->chain_id == right->slot.chain_id);
}

static void check_resolution(const struct journal_resolution *resolution)
{
	CHECK(!id_is_zero(resolution->withdrawal) && !hash32_is_zero(resolution->tx_hash));
	CHECK(resolution->chain_id <= INT64_MAX && resolution->time_ms >= 0);
}

static void check_entry(const struct journal_entry *entry)
{
	CHECK(entry->has_slot || entry->has_right || entry->has_resolution ||
	      entry->has_feed_head || entry->has_controls);
	if (entry->has_controls)
		CHECK(entry->controls.version > 0 && entry->controls.time_ms >= 0);
	if (entry->has_feed_head)
		CHECK(entry->feed_head.head.number > 0 && entry->feed_head.time_ms >= 0);
	if (entry->has_resolution)
		check_resolution(&entry->resolution);
	if (entry->has_slot) {
		CHECK(entry->kind >= JOURNAL_PAY && entry->kind <= JOURNAL_FOREIGN);
		CHECK(entry->kind != JOURNAL_FOREIGN || !entry->has_attempt);
		CHECK(entry->slot.nonce <= INT64_MAX && entry->slot.chain_id <= INT64_MAX);
	}
	if (entry->has_attempt)
		CHECK(entry->has_slot && entry->attempt_number >= 1);
	if (entry->has_right)
		check_right(entry);
}

bool journal_append_many(struct journal *journal, const struct journal_entry *entries, size_t n,
			 enum journal_verdict *ret_verdicts, struct err *err)
{
	PORT_CALL();
	CHECK(journal && entries && ret_verdicts);
	CHECK(n >= 1 && n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		check_entry(&entries[i]);
	if (!journal->ops->append_many(journal, entries, n, ret_verdicts, err))
		return false;
	for (size_t i = 0; i < n; i++)
		CHECK(ret_verdicts[i] >= JOURNAL_WRITTEN && ret_verdicts[i] <= JOURNAL_DIFFERENT);
	return true;
}

bool journal_rights_of(struct journal *journal, struct id withdrawal, const uint8_t pay_tag[32],
		       struct journal_right *ret_rights, size_t cap, size_t *ret_len,
		       struct err *err)
{
	PORT_CALL();
	size_t len;

	CHECK(journal && pay_tag && ret_rights && ret_len && cap > 0);
	if (!journal->ops->rights_of(journal, withdrawal, pay_tag, ret_rights, cap, &len, err))
		return false;
	CHECK(len <= cap);
	for (size_t i = 1; i < len; i++)
		CHECK(ret_rights[i - 1].round <= ret_rights[i].round);
	*ret_len = len;
	return true;
}

bool journal_rights_any(struct journal *journal, const struct journal_name *names, size_t n,
			bool *ret_any, struct err *err)
{
	PORT_CALL();
	CHECK(journal && names && ret_any && n > 0 && n <= BATCH_MAX);
	return journal->ops->rights_any(journal, names, n, ret_any, err);
}

bool journal_slot_of(struct journal *journal, const struct journal_slot *slot, bool *ret_has_pay,
		     bool *ret_has_cancel, struct hash32 *ret_pay_hash,
		     struct wei *ret_fee_ceiling_max, uint32_t *ret_attempts, struct err *err)
{
	PORT_CALL();
	CHECK(journal && slot && ret_has_pay && ret_has_cancel && ret_pay_hash);
	CHECK(ret_fee_ceiling_max && ret_attempts);
	CHECK(slot->nonce <= INT64_MAX && slot->chain_id <= INT64_MAX);
	return journal->ops->slot_of(journal, slot, ret_has_pay, ret_has_cancel, ret_pay_hash,
				     ret_fee_ceiling_max, ret_attempts, err);
}

bool journal_sum_of(struct journal *journal, const struct journal_purse *purse,
		    const struct journal_span *span, struct amount *ret_total,
		    int64_t *ret_sequence, struct err *err)
{
	PORT_CALL();
	CHECK(journal && purse && span && ret_total && ret_sequence);
	CHECK(purse->chain_id <= INT64_MAX);
	return journal->ops->sum(journal, purse, span, ret_total, ret_sequence, err);
}

bool journal_window_of(struct journal *journal, const struct journal_purse *purse, int64_t now_ms,
		       struct limit_window *ret_window, int64_t *ret_sequence, struct err *err)
{
	PORT_CALL();
	CHECK(journal && purse && ret_window && ret_sequence);
	CHECK(purse->chain_id <= INT64_MAX && now_ms >= 0);
	return journal->ops->window(journal, purse, now_ms, ret_window, ret_sequence, err);
}

bool journal_rights_after(struct journal *journal, int64_t sequence,
			  struct journal_listed *ret_rights, size_t cap, size_t *ret_len,
			  struct err *err)
{
	PORT_CALL();
	size_t len;

	CHECK(journal && ret_rights && ret_len && cap > 0 && sequence >= 0);
	if (!journal->ops->rights_after(journal, sequence, ret_rights, cap, &len, err))
		return false;
	CHECK(len <= cap);
	for (size_t i = 0; i < len; i++)
		CHECK(ret_rights[i].sequence > (i == 0 ? sequence : ret_rights[i - 1].sequence));
	*ret_len = len;
	return true;
}

bool journal_next_nonce(struct journal *journal, uint64_t chain_id, struct address wallet,
			bool *ret_any, uint64_t *ret_next_nonce, struct err *err)
{
	PORT_CALL();
	CHECK(journal && ret_any && ret_next_nonce);
	CHECK(chain_id <= INT64_MAX);
	return journal->ops->next_nonce(journal, chain_id, wallet, ret_any, ret_next_nonce, err);
}

bool journal_resolution_of(struct journal *journal, struct id withdrawal, uint32_t round,
			   bool *ret_any, struct journal_resolution *ret_resolution,
			   struct err *err)
{
	PORT_CALL();
	CHECK(journal && ret_any && ret_resolution && !id_is_zero(withdrawal));
	return journal->ops->resolution_of(journal, withdrawal, round, ret_any, ret_resolution,
					   err);
}

bool journal_feed_heads_after(struct journal *journal, int64_t sequence,
			      struct journal_feed_head *ret_heads, size_t cap, size_t *ret_len,
			      struct err *err)
{
	PORT_CALL();
	CHECK(journal && ret_heads && ret_len && cap > 0 && sequence >= 0);
	return journal->ops->feed_heads_after(journal, sequence, ret_heads, cap, ret_len, err);
}

bool journal_feed_head_last(struct journal *journal, bool *ret_any,
			    struct journal_feed_head *ret_head, struct err *err)
{
	PORT_CALL();
	CHECK(journal && ret_any && ret_head);
	return journal->ops->feed_head_last(journal, ret_any, ret_head, err);
}

bool journal_controls_last(struct journal *journal, bool *ret_any,
			   struct journal_controls *ret_controls, struct err *err)
{
	PORT_CALL();
	CHECK(journal && ret_any && ret_controls);
	return journal->ops->controls_last(journal, ret_any, ret_controls, err);
}

void journal_close(struct journal *journal)
{
	if (journal)
		journal->ops->close(journal);
}
