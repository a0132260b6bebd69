/* Slots on their way out: what is reserved is journaled, signed and stored; what is stored is sent;
 * what the monitor wishes for is sent again or bumped. Everything here starts from rows, so that a
 * crash at any point goes on here. verify.c says which of them may, price.c with which gas. */
#include "service/signer/signer_recovery.h"

#include "base/defence.h"
#include "core/reason.h"
#include "core/transfer.h"
#include "core/wish.h"

#include <string.h>

#define KEYS_PAUSE_MIN_MS 200
#define KEYS_PAUSE_MAX_MS 10000

/* A wish is acted on at most once per interval, and only while it speaks of the newest attempt. */
static bool has_wish(const struct signer *self, const struct signer_wallet *wallet,
		     const struct transfer *slot)
{
	const struct chain_params *params = &self->options.catalogue->chains[wallet->chain];
	int64_t now_ms = clock_now_ms(self->options.clock);
	/* A time that is still to come was written under a wrong clock. */
	bool due = slot->sent_at < 0 || slot->sent_at > now_ms ||
		   now_ms - slot->sent_at >= params->rebroadcast_after_ms;
	return slot->stage == TRANSFER_BROADCAST && slot->wish != WISH_NONE &&
	       (slot->wish_attempts_seen == slot->attempts || !DEFENCE("attempts_seen")) && due;
}

/* The wish to cancel what may be out is acted on at once: each block may pay. It stands until a
 * cancellation is stored; where fees or keys forbid that, it is tried again once per interval. */
static bool has_cancel(const struct signer *self, const struct signer_wallet *wallet,
		       const struct transfer *slot)
{
	const struct chain_params *params = &self->options.catalogue->chains[wallet->chain];
	const struct slot_tried *tried = &wallet->tried[slot->nonce % SLOTS_MAX];
	int64_t age_ms = clock_monotonic_ms(self->options.clock) - tried->at;
	bool early = tried->at != 0 && tried->nonce == slot->nonce &&
		     age_ms < params->rebroadcast_after_ms;
	return slot->cancel_wanted && slot->stage != TRANSFER_RESERVED &&
	       slot->attempts < ATTEMPTS_MAX && !early;
}

static void tried_note(const struct signer *self, struct slot_work *work)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	uint64_t nonce = work->slot->nonce;
	if (work->cancels && !work->drop)
		work->wallet->tried[nonce % SLOTS_MAX] =
			(struct slot_tried){ now == 0 ? 1 : now, nonce };
}

/* Adds a slot to the batch, if it needs anything. */
static void work_add(struct signer *self, struct signer_wallet *wallet, struct transfer *slot)
{
	bool wished = has_wish(self, wallet, slot);
	if (slot->held_reason[0] != 0)
		return;
	bool cancels = has_cancel(self, wallet, slot);
	if (slot->stage == TRANSFER_BROADCAST && !wished && !cancels)
		return;
	/* A stopped wallet signs nothing for the first time; what may be out is still cared for. */
	bool recovers = self->options.recovers && signer_wallet_recovers(wallet);
	bool stopped = wallet->row.stop_reason[0] != 0 || wallet->unsure;
	if (slot->stage == TRANSFER_RESERVED && stopped && !recovers)
		return;
	bool is_fresh = slot >= wallet->slots + wallet->slots_fresh_from;
	if (slot->stage == TRANSFER_RESERVED && !is_fresh && !DEFENCE("reserved_goes_on"))
		return;
	CHECK(self->work_len < BATCH_MAX);
	struct slot_work *work = &self->work[self->work_len++];
	work->wallet = wallet;
	work->slot = slot;
	work->row = NULL;
	work->asset = NULL;
	work->is_fresh = is_fresh;
	work->sign = slot->stage == TRANSFER_RESERVED;
	work->wished = wished;
	work->cancels = cancels;
	work->turns = false;
	work->stored_pays = false;
	work->is_stale = false;
	work->is_bump =
		cancels || (wished && slot->wish == WISH_BUMP && slot->attempts < ATTEMPTS_MAX);
	work->sign |= work->is_bump;
	work->drop = false;
}

/* The next batch of slots, of all wallets in turn: what waits in one holds up no other. */
struct slot_cursor {
	size_t wallet;
	size_t slot;
};

static void work_collect(struct signer *self, struct slot_cursor *cursor)
{
	self->work_len = 0;
	for (; cursor->wallet < self->wallets_len; cursor->wallet++, cursor->slot = 0) {
		struct signer_wallet *wallet = &self->wallets[cursor->wallet];
		for (; cursor->slot < wallet->slots_len && wallet->owned; cursor->slot++) {
			if (self->work_len == BATCH_MAX)
				return;
			work_add(self, wallet, &wallet->slots[cursor->slot]);
		}
	}
}

/* The attempt's row in the journal: one number after what stands there, since a crash may have left
 * rows of attempts that were never stored, and so never sent. Such a row serves again, if it allows
 * this fee: keys that are away do not fill the journal. *ret_good: the slot's own rows do not
 * differ from the entry's. */
static bool attempt_fill(struct signer *self, struct slot_work *work, bool *ret_good,
			 struct err *err)
{
	struct journal_entry *entry = &work->entry;
	bool has_pay = false;
	bool has_cancel = false;
	struct hash32 pay_hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	CHECK(wei_of_gas(work->tx.gas_limit, work->tx.fees.cap, &entry->fee_ceiling));
	entry->has_attempt = true;
	entry->attempt_number = 1;
	*ret_good = true;
	if (work->is_fresh)
		return true;
	if (!journal_slot_of(self->options.journal, &entry->slot, &has_pay, &has_cancel, &pay_hash,
			     &ceiling, &attempts, err))
		return false;
	entry->attempt_number = attempts + 1;
	entry->has_attempt =
		attempts <= work->slot->attempts || wei_compare(entry->fee_ceiling, ceiling) > 0;
	/* After a cancel row the slot signs only cancellations. */
	*ret_good = entry->kind == JOURNAL_CANCEL ||
		    ((!has_cancel || !DEFENCE("after_cancel_no_payment")) &&
		     (!has_pay || hash32_equal(pay_hash, entry->payload_hash)));
	return true;
}

void signer_right_fill(const struct signer *self, const struct transfer *slot,
		       const struct withdrawal *row, const struct journal_slot *key,
		       struct journal_right *right)
{
	*right = (struct journal_right){ .withdrawal = slot->withdrawal,
					 .round = slot->round,
					 .chain_id = slot->chain_id,
					 .time_ms = clock_now_ms(self->options.clock),
					 .slot = *key };
	pay_tag_make(self->options.pay_tag_key, &row->intent, right->pay_tag);
	right->asset = row->intent.contract;
	right->amount = row->intent.amount;
}

static bool entry_fill(struct signer *self, struct slot_work *work, bool *ret_good, struct err *err)
{
	const struct transfer *slot = work->slot;
	struct journal_entry *entry = &work->entry;
	memset(entry, 0, sizeof *entry);
	entry->has_slot = true;
	entry->slot = (struct journal_slot){ .chain_id = slot->chain_id,
					     .wallet = slot->wallet,
					     .nonce = slot->nonce };
	entry->kind = work->pays ? JOURNAL_PAY : JOURNAL_CANCEL;
	entry->payload_hash = tx_payload_hash(&work->tx, slot->wallet);
	/* With a bump the right was spent long ago; a slot without a withdrawal has none. */
	if (!work->is_bump && !id_is_zero(slot->withdrawal)) {
		entry->has_right = work->pays;
		if (!work->pays && !signer_slot_may_end(self, slot, work->row, &entry->has_right,
							&work->drop, err))
			return false;
		if (entry->has_right)
			signer_right_fill(self, slot, work->row, &entry->slot, &entry->right);
	}
	return attempt_fill(self, work, ret_good, err);
}

static size_t works_to_sign(struct signer *self, struct slot_work *ret_works[BATCH_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < self->work_len; i++)
		if (self->work[i].sign && !self->work[i].drop)
			ret_works[n++] = &self->work[i];
	return n;
}

/* The journal's own bound, whatever became of the attempts in the store: a bump goes out with its
 * newest bytes, a first attempt waits until the fee is one that stands there. */
static void attempts_limit(struct signer *self, struct slot_work *work)
{
	if (work->drop || !work->entry.has_attempt || work->entry.attempt_number <= ATTEMPTS_MAX)
		return;
	signer_tell_slot(self, work->wallet, work->slot, "attempts_exhausted");
	work->drop = !work->is_bump;
	work->sign = work->is_bump = false;
}

static bool conflict_stop(struct signer *self, struct slot_work *work, struct err *err)
{
	if (!signer_work_drop_if_torn(self, work, err))
		return false;
	if (work->drop)
		return true;
	work->drop = true;
	signer_log_slot(self, work->slot, "journal_differs", NULL, "", true);
	return signer_wallet_stop(self, work->wallet, reason_code(REASON_JOURNAL_DIFFERS), err);
}

/* Is it the right that differs: was the withdrawal ended, or paid, since it was looked at? */
static bool right_differs(struct signer *self, const struct slot_work *work, bool *ret_differs,
			  struct err *err)
{
	const char *distrust = NULL;
	bool spent = false;
	bool wait = false;
	bool may = false;
	*ret_differs = false;
	if (!work->entry.has_right)
		return true;
	if (work->pays) {
		if (!signer_slot_may_pay(self, work->slot, work->row, &distrust, &spent, &wait,
					 err))
			return false;
		*ret_differs = distrust != NULL;
		return true;
	}
	if (!signer_slot_may_end(self, work->slot, work->row, &may, &wait, err))
		return false;
	*ret_differs = !may;
	return true;
}

/* Was it no more than the attempt's number that another signer took, between the look and this? One
 * that hung, and wakes after its lease was taken over, does so; its attempt is never stored, and so
 * never sent. */
static bool number_is_taken(struct signer *self, struct slot_work *work, bool *ret_taken,
			    struct err *err)
{
	uint32_t number = work->entry.attempt_number;
	bool good = false;
	*ret_taken = false;
	if (!work->entry.has_attempt || !DEFENCE("number_is_looked_at_again"))
		return true;
	work->is_fresh = false;
	if (!attempt_fill(self, work, &good, err))
		return false;
	*ret_taken = good && work->entry.attempt_number > number;
	return true;
}

/* Nothing of the entry was written. A right that is gone makes the slot its self-transfer, in the
 * next step; with a number that is gone the next step takes another; a difference of the slot
 * itself is for a person. */
static bool conflict_judge(struct signer *self, struct slot_work *work, struct err *err)
{
	bool differs = false;
	bool taken = false;
	if (!right_differs(self, work, &differs, err) ||
	    (!differs && !number_is_taken(self, work, &taken, err)))
		return false;
	if (!differs && !taken)
		return conflict_stop(self, work, err);
	work->drop = true;
	signer_log_slot(self, work->slot, differs ? "right_taken" : "attempt_taken", NULL, "",
			false);
	return true;
}

static bool works_journal(struct signer *self, struct err *err)
{
	struct journal_entry entries[BATCH_MAX];
	enum journal_verdict verdicts[BATCH_MAX];
	struct slot_work *works[BATCH_MAX];
	size_t n = works_to_sign(self, works);
	for (size_t i = 0; i < n; i++) {
		bool good = true;
		if (!entry_fill(self, works[i], &good, err))
			return false;
		if (!good && !conflict_stop(self, works[i], err))
			return false;
		attempts_limit(self, works[i]);
	}
	n = works_to_sign(self, works);
	for (size_t i = 0; i < n; i++)
		entries[i] = works[i]->entry;
	if (n == 0)
		return true;
	if (!journal_append_many(self->options.journal, entries, n, verdicts, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (verdicts[i] != JOURNAL_DIFFERENT || !DEFENCE("journal_right"))
			signer_wallet_journaled(works[i]->wallet, works[i]->slot->nonce);
		else if (!conflict_judge(self, works[i], err))
			return false;
	}
	return true;
}

/* Keys that are away are asked again after a pause that grows. */
static void keys_wait(struct signer *self, struct signer_wallet *wallet)
{
	int64_t pause_ms = wallet->keys_pause_ms * 2;
	if (pause_ms < KEYS_PAUSE_MIN_MS)
		pause_ms = KEYS_PAUSE_MIN_MS;
	if (DEFENCE("keys_pause_is_bounded") && pause_ms > KEYS_PAUSE_MAX_MS)
		pause_ms = KEYS_PAUSE_MAX_MS;
	int64_t at = clock_monotonic_ms(self->options.clock) + pause_ms;
	if (wallet->keys_at >= at - pause_ms)
		return; /* told by another slot of this batch */
	wallet->keys_pause_ms = pause_ms;
	wallet->keys_at = at;
}

static void keys_spare(struct signer *self)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	for (size_t i = 0; i < self->work_len; i++)
		if (self->work[i].sign && now < self->work[i].wallet->keys_at)
			self->work[i].drop = true;
}

static enum wish_reason reason_of(const struct slot_work *work)
{
	if (!work->is_bump)
		return WISH_REASON_NONE;
	return work->turns ? WISH_REASON_CANCEL : work->slot->wish_reason;
}

/* Makes the attempt's bytes and hash out of r and s; the recovery against the pinned address is
 * also the verification before use. */
static bool attempt_make(struct signer *self, struct slot_work *work,
			 const struct keys_result *result, int64_t now_ms)
{
	struct attempt *attempt = &work->attempt;
	struct tx_signature signature;
	if (!signature_complete(self->context, work->digest, result->r, result->s, result->parity,
				work->wallet->params->address, &signature))
		return false;
	memset(attempt, 0, sizeof *attempt);
	struct buf raw = buf_of(attempt->raw, sizeof attempt->raw);
	tx_write_signed(&work->tx, &signature, &raw);
	CHECK(!raw.overflow);
	attempt->raw_len = raw.len;
	attempt->transfer = work->slot->id;
	attempt->number = work->slot->attempts + 1;
	attempt->is_cancel = !work->pays;
	attempt->reason = reason_of(work);
	attempt->fees = work->tx.fees;
	attempt->gas_limit = work->tx.gas_limit;
	attempt->tx_hash = tx_hash_of(buf_view(&raw));
	attempt->signed_at = now_ms;
	work->wallet->keys_pause_ms = 0;
	return true;
}

static bool works_sign(struct signer *self, struct err *err)
{
	struct keys_request requests[BATCH_MAX];
	struct keys_result results[BATCH_MAX];
	struct slot_work *works[BATCH_MAX];
	int64_t now_ms = clock_now_ms(self->options.clock);
	size_t n = works_to_sign(self, works);
	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		works[i]->digest = tx_signing_hash(&works[i]->tx);
		requests[i] = (struct keys_request){ .key_ref = works[i]->wallet->params->key_ref,
						     .digest = works[i]->digest };
	}
	keys_sign_many(self->options.keys, requests, n, results);
	for (size_t i = 0; i < n; i++) {
		if (!results[i].done) {
			works[i]->drop = true;
			keys_wait(self, works[i]->wallet);
			signer_log_slot(self, works[i]->slot, "signing_waits", NULL,
					results[i].err.text, true);
		} else if (!attempt_make(self, works[i], &results[i], now_ms)) {
			works[i]->drop = true;
			if (!signer_wallet_stop(self, works[i]->wallet,
						reason_code(REASON_SIGNATURE_MISMATCH), err))
				return false;
		}
	}
	return true;
}

static void stored_apply(struct signer *self, struct slot_work *work, enum store_write result)
{
	switch (result) {
	case STORE_WRITTEN:
	case STORE_EXISTS:
		metric_count(self->signatures, 1);
		metric_count(self->bumps, work->is_bump ? 1 : 0);
		if (work->is_bump)
			signer_log_slot(self, work->slot,
					work->turns ? "slot_canceled" : "slot_bumped",
					&work->attempt.tx_hash,
					wish_reason_text(work->attempt.reason), false);
		work->slot->attempts = work->attempt.number;
		if (work->slot->stage == TRANSFER_RESERVED)
			work->slot->stage = TRANSFER_SIGNED;
		break;
	case STORE_FENCED:
		work->wallet->owned = false;
		work->wallet->lease.epoch = 0;
		work->drop = true;
		signer_log_wallet(self, work->wallet, "wallet_lost", "", false);
		break;
	case STORE_TAKEN:
	case STORE_MOVED:
	case STORE_PAUSED:
		work->drop = DEFENCE("unstored_is_not_sent"); /* its row was not stored */
		break;
	}
}

static bool works_store(struct signer *self, struct err *err)
{
	struct store_by by = signer_by(self);
	struct slot_work *works[BATCH_MAX];
	/* Keys may have taken their time, and the store takes no first bytes that were made by
	 * other switches than its own: one who turns his all day would keep everybody waiting. */
	if (works_to_sign(self, works) > 0 && DEFENCE("switches_after_signing"))
		signer_pauses_look_again(self);
	size_t n = works_to_sign(self, works);
	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		self->adds[i] = (struct store_attempt){ .attempt = works[i]->attempt,
							.wallet_id = works[i]->wallet->row.id,
							.epoch = works[i]->wallet->lease.epoch,
							.controls = self->controls.set.version,
							.recovers = self->options.recovers };
	if (!store_attempts_add(self->options.store, self->adds, n, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		stored_apply(self, works[i], self->adds[i].result);
	return true;
}

/* Without a new signature a slot goes out with its newest bytes: those that pay what has gone on
 * without them stay here. */
static void stale_spare(struct signer *self)
{
	for (size_t i = 0; i < self->work_len; i++)
		if (self->work[i].is_stale && !self->work[i].sign)
			self->work[i].drop |= DEFENCE("stale_is_not_sent");
}

static bool batch_run(struct signer *self, bool *ret_worked, struct err *err)
{
	size_t done = 0;
	self->work_at = clock_monotonic_ms(self->options.clock);
	signer_controls_look(self);
	if (!signer_works_verify(self, err))
		return false;
	keys_spare(self);
	if (!signer_works_price(self, err) || !works_journal(self, err))
		return false;
	stale_spare(self);
	if (!works_sign(self, err) || (!DEFENCE("stored_before_sent") && !signer_send(self, err)) ||
	    !works_store(self, err))
		return false;
	for (size_t i = 0; i < self->work_len; i++) {
		tried_note(self, &self->work[i]);
		done += self->work[i].drop ? 0 : 1;
	}
	*ret_worked |= done > 0; /* what was given up is tried again after a pause */
	return done == 0 || signer_send(self, err);
}

bool signer_slots(struct signer *self, bool *ret_worked, struct err *err)
{
	struct slot_cursor cursor = { 0 };
	/* A batch per wallet at most, since one holds a wallet's slots. */
	for (size_t i = 0; i <= self->wallets_len; i++) {
		work_collect(self, &cursor);
		if (self->work_len == 0)
			return true;
		if (!batch_run(self, ret_worked, err))
			return false;
	}
	return true;
}
