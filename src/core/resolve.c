#include "core/resolve.h"

#include "base/check.h"
#include "base/defence.h"
#include "base/keccak.h"
#include "core/permission.h"

#include <string.h>

#define LABEL      "sluice decisions 1"
#define SHOWN_MAX  512
#define FIELDS_MAX 512

_Static_assert(sizeof(struct decision) < FIELDS_MAX, "all columns and their lengths fit");

/* ---- the case ---- */

_Static_assert(sizeof(struct hash32) == KECCAK256_BYTES, "a digest");

static void text_show(struct buf *out, const char *text, size_t cap)
{
	buf_prefixed(out, text, strnlen(text, cap));
}

/* Seen when it is mined already. */
static bool is_doubted(const struct transfer *slot)
{
	return slot->outcome == OUTCOME_FOREIGN || slot->outcome == OUTCOME_UNPROVEN;
}

struct resolve_case resolve_case_of(const struct withdrawal *row, const struct transfer *slot)
{
	struct resolve_case of = { .version = row != NULL ? row->version : slot->version };
	char storage[SHOWN_MAX];
	struct buf out = buf_of(storage, sizeof storage);
	if (row != NULL) {
		of.withdrawal = row->intent.id;
		buf_prefixed_u64(&out, row->stage);
		buf_prefixed_u64(&out, row->round);
		text_show(&out, row->held_reason, sizeof row->held_reason);
	}
	if (slot != NULL) {
		of.transfer = slot->id;
		/* Not whether it is final, with what that tells: people may be quicker. */
		buf_prefixed_u64(&out, slot->stage >= TRANSFER_MINED);
		buf_prefixed_u64(&out, is_doubted(slot) ? slot->outcome : OUTCOME_NONE);
		buf_prefixed(&out, slot->mined_hash.bytes, sizeof slot->mined_hash.bytes);
		text_show(&out, slot->held_reason, sizeof slot->held_reason);
	}
	CHECK(!out.overflow);
	keccak256(storage, out.len, of.shown.bytes);
	return of;
}

/* ---- decisions ---- */

bool resolve_case_equal(const struct resolve_case *a, const struct resolve_case *b)
{
	return id_equal(a->withdrawal, b->withdrawal) && id_equal(a->transfer, b->transfer) &&
	       a->version == b->version && hash32_equal(a->shown, b->shown);
}

const char *resolve_verdict_text(enum resolve_verdict verdict)
{
	switch (verdict) {
	case RESOLVE_PAID_BY:
		return "paid_by";
	case RESOLVE_NOT_PAID:
		return "not_paid";
	}
	return "unknown";
}

bool resolve_verdict_read(struct str text, enum resolve_verdict *ret_verdict)
{
	for (int i = RESOLVE_PAID_BY; i <= RESOLVE_NOT_PAID; i++) {
		if (!str_equal_text(text, resolve_verdict_text((enum resolve_verdict)i)))
			continue;
		*ret_verdict = (enum resolve_verdict)i;
		return true;
	}
	return false;
}

static struct str fields_of(const struct decision *decision, char *storage)
{
	struct buf out = buf_of(storage, FIELDS_MAX);
	buf_prefixed(&out, decision->of.withdrawal.bytes, ID_BYTES);
	buf_prefixed(&out, decision->of.transfer.bytes, ID_BYTES);
	buf_prefixed_u64(&out, decision->of.version);
	buf_prefixed(&out, decision->of.shown.bytes, sizeof decision->of.shown.bytes);
	buf_prefixed(&out, decision->person, strnlen(decision->person, sizeof decision->person));
	buf_prefixed(&out, decision->key_id, strnlen(decision->key_id, sizeof decision->key_id));
	buf_prefixed_u64(&out, (uint64_t)decision->verdict);
	buf_prefixed(&out, decision->tx_hash.bytes, sizeof decision->tx_hash.bytes);
	buf_prefixed_u64(&out, (uint64_t)decision->decided_at);
	CHECK(!out.overflow);
	return buf_view(&out);
}

void decision_seal(const struct mac_keys *keys, struct decision *decision)
{
	char storage[FIELDS_MAX];
	CHECK(decision->person[0] != 0 && decision->key_id[0] != 0);
	decision->mac = row_mac_make(keys, LABEL, fields_of(decision, storage));
}

bool decision_is_sealed(const struct mac_keys *keys, const struct decision *decision)
{
	char storage[FIELDS_MAX];
	return row_mac_verify(keys, LABEL, fields_of(decision, storage), &decision->mac);
}

bool decision_agrees(const struct decision *a, const struct decision *b)
{
	return resolve_case_equal(&a->of, &b->of) && a->verdict == b->verdict &&
	       hash32_equal(a->tx_hash, b->tx_hash);
}

bool decision_same_person(const struct decision *a, const struct decision *b)
{
	return strcmp(a->key_id, b->key_id) == 0 ||
	       person_compare(a->person, b->person) != PERSON_OTHER;
}

bool resolve_is_decided(const struct decision *decisions, size_t n, struct decision *ret_decision)
{
	const struct decision *second = DEFENCE("two_people") ? NULL : &decisions[0];
	for (size_t i = 1; i < n; i++) {
		if (!decision_agrees(&decisions[0], &decisions[i]))
			return false;
		if (!decision_same_person(&decisions[0], &decisions[i]))
			second = &decisions[i];
	}
	if (second == NULL)
		return false;
	*ret_decision = second->decided_at < decisions[0].decided_at ? decisions[0] : *second;
	return true;
}

/* ---- what the chain says ---- */

static enum resolve_payment native_judge(const struct intent *intent, struct address wallet,
					 const struct resolve_tx *tx)
{
	int to_amount = u256_compare(tx->value.value, intent->amount.units);
	if (!address_equal(tx->to, intent->to))
		return tx->data_len == 0 || to_amount < 0 ? PAYMENT_EXCLUDED : PAYMENT_UNCLEAR;
	if (u256_is_zero(tx->value.value))
		return PAYMENT_EXCLUDED;
	return to_amount == 0 && address_equal(tx->from, wallet) ? PAYMENT_PROVEN : PAYMENT_UNCLEAR;
}

static enum resolve_payment token_judge(const struct intent *intent, struct address wallet,
					const struct resolve_tx *tx)
{
	size_t seen = 0;
	size_t named = 0;
	size_t paid = 0;
	if (tx->logs_len > tx->logs_cap)
		return PAYMENT_UNCLEAR;
	for (size_t i = 0; i < tx->logs_len; i++) {
		struct abi_transfer event;
		if (!address_equal(tx->logs[i].contract, intent->contract) ||
		    !abi_read_transfer_log(&tx->logs[i], &event))
			continue;
		bool ours = address_equal(event.to, intent->to);
		seen++;
		named += ours ? 1 : 0;
		paid += ours && address_equal(event.from, wallet) &&
					amount_compare(event.amount, intent->amount) == 0
				? 1
				: 0;
	}
	if (named == 0)
		return PAYMENT_EXCLUDED;
	return seen == 1 && paid == 1 && address_equal(tx->to, intent->contract) ? PAYMENT_PROVEN
										 : PAYMENT_UNCLEAR;
}

enum resolve_payment resolve_payment_judge(const struct intent *intent, struct address wallet,
					   const struct resolve_tx *tx)
{
	if (!tx->success)
		return PAYMENT_EXCLUDED;
	return intent->is_native ? native_judge(intent, wallet, tx)
				 : token_judge(intent, wallet, tx);
}

/* What the transaction's own logs say that the wallet paid to others. */
static struct u256 logged_out(const struct intent *intent, struct address wallet,
			      const struct resolve_tx *tx)
{
	struct u256 sum = u256_zero();
	for (size_t i = 0; i < tx->logs_len && i < tx->logs_cap; i++) {
		struct abi_transfer event;
		if (address_equal(tx->logs[i].contract, intent->contract) &&
		    abi_read_transfer_log(&tx->logs[i], &event) &&
		    address_equal(event.from, wallet) && !address_equal(event.to, intent->to))
			sum = u256_add_saturated(sum, event.amount.units);
	}
	return sum;
}

enum resolve_moved resolve_moved_judge(const struct intent *intent, struct address wallet,
				       const struct resolve_tx *tx,
				       const struct resolve_balances *balances)
{
	if (!balances->known)
		return MOVED_UNKNOWN;
	struct u256 fall = u256_sub_saturated(balances->wallet[0], balances->wallet[1]);
	int to_logged = u256_compare(fall, logged_out(intent, wallet, tx));
	int to_before = u256_compare(balances->receiver[1], balances->receiver[0]);
	if (to_before > 0 || (balances->is_alone && to_logged > 0))
		return MOVED_MAYBE;
	if (to_before < 0)
		return MOVED_UNKNOWN;
	return u256_is_zero(fall) || (balances->is_alone && to_logged == 0) ? MOVED_NOTHING
									    : MOVED_UNKNOWN;
}

/* A host's clock that is further from the chain's than this has an alarm of its own to raise; a
 * payment that is not older by more than this is people's to tell apart. */
#define CLOCKS_DIFFER_MS 7200000

bool resolve_is_older(int64_t block_time_ms, int64_t created_at_ms)
{
	return block_time_ms < created_at_ms && created_at_ms - block_time_ms > CLOCKS_DIFFER_MS;
}

static enum resolve_act refuse(enum reason reason, enum reason *ret_reason)
{
	*ret_reason = reason;
	return RESOLVE_REFUSE;
}

static enum resolve_act paid_decide(const struct resolve_facts *facts, enum reason *ret_reason)
{
	/* What an earlier slot paid needs no later one; but one that is open may pay as well. */
	bool has_end = facts->has_slot ? facts->slot_is_over : facts->named_is_earlier;
	if (!has_end)
		return refuse(REASON_RESOLVE_SLOT_IS_OPEN, ret_reason);
	if (facts->named_is_anothers)
		return refuse(REASON_RESOLVE_TX_OF_ANOTHER, ret_reason);
	if (facts->named == RESOLVE_SEEN_ABSENT)
		return refuse(REASON_RESOLVE_TX_NOT_FOUND, ret_reason);
	if (facts->named == RESOLVE_SEEN_UNKNOWN ||
	    (facts->has_slot && facts->consumer != RESOLVE_SEEN_FINAL))
		return RESOLVE_WAIT;
	if (facts->named_is_older && DEFENCE("named_is_younger"))
		return refuse(REASON_RESOLVE_TX_IS_OLDER, ret_reason);
	if (facts->named_payment == PAYMENT_PROVEN)
		return RESOLVE_COMPLETE;
	/* A token that logs what it does wrongly, or not at all: people have seen the money, and
	 * what is said to be paid is never paid again. */
	bool surely_not = facts->named_payment == PAYMENT_EXCLUDED && facts->moved == MOVED_NOTHING;
	if (!facts->named_is_own || surely_not)
		return refuse(REASON_RESOLVE_TX_IS_NO_PAYMENT, ret_reason);
	return RESOLVE_COMPLETE;
}

/* Of a payment with status 1 that no log tells of, people say that it did not pay. Every node has
 * to show the same receipt, and balances, where a node still knows them, may not tell otherwise. */
static enum resolve_act silent_decide(const struct resolve_facts *facts, enum reason *ret_reason)
{
	if (!facts->seen_by_all)
		return RESOLVE_WAIT;
	if (facts->moved == MOVED_MAYBE && DEFENCE("balances_are_asked"))
		return refuse(REASON_RESOLVE_MAY_HAVE_PAID, ret_reason);
	return RESOLVE_UNPAID;
}

static enum resolve_act unpaid_decide(const struct resolve_facts *facts, enum reason *ret_reason)
{
	if (!facts->has_slot || !facts->slot_is_over)
		return RESOLVE_RELEASE;
	if (DEFENCE("consumer_is_final") && facts->consumer != RESOLVE_SEEN_FINAL)
		return RESOLVE_WAIT;
	if (!DEFENCE("unpaid_is_excluded"))
		return RESOLVE_UNPAID;
	if (facts->consumer_payment == PAYMENT_PROVEN)
		return refuse(REASON_RESOLVE_WAS_PAID, ret_reason);
	if (facts->consumer_payment != PAYMENT_EXCLUDED)
		return refuse(REASON_RESOLVE_MAY_HAVE_PAID, ret_reason);
	return facts->is_token_success ? silent_decide(facts, ret_reason) : RESOLVE_UNPAID;
}

enum resolve_act resolve_decide(const struct resolve_facts *facts, enum reason *ret_reason)
{
	*ret_reason = REASON_NONE;
	if (!facts->row_is_good)
		return refuse(REASON_RESOLVE_STILL_IN_DOUBT, ret_reason);
	switch (facts->verdict) {
	case RESOLVE_PAID_BY:
		return paid_decide(facts, ret_reason);
	case RESOLVE_NOT_PAID:
		return unpaid_decide(facts, ret_reason);
	}
	return refuse(REASON_RESOLVE_STILL_IN_DOUBT, ret_reason);
}

enum resolve_act resolve_back_decide(const struct resolve_back_facts *facts,
				     enum reason *ret_reason)
{
	*ret_reason = REASON_NONE;
	if (facts->block_is_there == facts->block_is_gone)
		return RESOLVE_WAIT;
	if (facts->block_is_there)
		return RESOLVE_RELEASE;
	if (facts->has_bytes && !facts->may_pay_again)
		return RESOLVE_UNPAID;
	if (!facts->has_bytes || !facts->has_room)
		return refuse(REASON_RESOLVE_WOULD_PAY_AGAIN, ret_reason);
	/* Whichever wins the nonce, nothing else may be on its way to the same receiver. */
	if (facts->later_is_out && DEFENCE("later_round_stands"))
		return refuse(REASON_RESOLVE_LATER_ROUND_IS_OUT, ret_reason);
	return RESOLVE_FILL;
}

enum resolve_act resolve_otherwise_decide(const struct decision *decision,
					  const struct transfer *slot, enum reason *ret_reason)
{
	*ret_reason = REASON_NONE;
	if (decision->verdict == RESOLVE_NOT_PAID)
		return slot->outcome == OUTCOME_SUCCEEDED
			       ? refuse(REASON_RESOLVE_WAS_PAID, ret_reason)
			       : RESOLVE_RELEASE;
	bool is_it = !lifecycle_outcome_is_unpaid(slot->outcome) &&
		     hash32_equal(decision->tx_hash, slot->mined_hash);
	return is_it ? RESOLVE_RELEASE : refuse(REASON_RESOLVE_TX_IS_NO_PAYMENT, ret_reason);
}
