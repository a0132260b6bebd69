/* Slots on their way out: what is reserved is journaled, signed and stored; what is stored is sent;
 * what the monitor wishes for is sent again or bumped. Everything here starts from rows, so that a
 * crash at any point goes on here. */
#include "service/signer/signer_parts.h"

#include "core/transfer.h"

#include <string.h>

#define HEAD_AGE_MS 500

static bool newest_attempt(struct signer *self, const struct transfer *slot,
			   struct attempt *ret_attempt, bool *ret_found, struct err *err)
{
	size_t n = 0;
	if (!store_attempts_load(self->options.store, slot->id, self->attempts, ATTEMPTS_MAX, &n,
				 err))
		return false;
	*ret_found = n > 0;
	if (n > 0)
		*ret_attempt = self->attempts[n - 1];
	return true;
}

/* A wish is acted on at most once per interval, and only while it speaks of the newest attempt. */
static bool has_wish(const struct signer *self, const struct signer_wallet *wallet,
		     const struct transfer *slot)
{
	const struct chain_params *params = &self->options.catalogue->chains[wallet->chain];
	int64_t age_ms = clock_now_ms(self->options.clock) - slot->sent_at;
	return slot->stage == TRANSFER_BROADCAST && slot->wish != WISH_NONE &&
	       slot->wish_attempts_seen == slot->attempts && age_ms >= params->rebroadcast_after_ms;
}

/* Adds a slot to the step's work, if it needs any. */
static bool work_add(struct signer *self, struct signer_wallet *wallet, struct transfer *slot,
		     struct err *err)
{
	bool found = true;
	bool wished = has_wish(self, wallet, slot);
	if (slot->held_reason[0] != 0 || (slot->stage == TRANSFER_BROADCAST && !wished))
		return true;
	/* A stopped wallet signs nothing for the first time; what may be out is still cared for. */
	if (slot->stage == TRANSFER_RESERVED && wallet->row.stop_reason[0] != 0)
		return true;
	CHECK(self->work_len < BATCH_MAX);
	struct slot_work *work = &self->work[self->work_len];
	work->wallet = wallet;
	work->slot = slot;
	work->sign = slot->stage == TRANSFER_RESERVED;
	work->is_bump = wished && slot->wish == WISH_BUMP;
	work->drop = false;
	if (!work->sign && !newest_attempt(self, slot, &work->attempt, &found, err))
		return false;
	if (!found) { /* a row that says signed without bytes: only an editor does that */
		signer_log_slot(self, slot, "attempt_missing", NULL, "", true);
		return true;
	}
	if (work->is_bump) {
		work->last = work->attempt.fees;
		work->sign = slot->attempts < ATTEMPTS_MAX;
		work->is_bump = work->sign;
	}
	self->work_len++;
	return true;
}

static bool work_collect(struct signer *self, struct err *err)
{
	self->work_len = 0;
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		for (size_t k = 0; k < wallet->slots_len && wallet->owned; k++) {
			if (self->work_len == BATCH_MAX)
				return true;
			if (!work_add(self, wallet, &wallet->slots[k], err))
				return false;
		}
	}
	return true;
}

/* Why this slot must not pay: NULL, or a reason that also holds the withdrawal, except for a
 * cancel. */
static const char *slot_distrust(const struct signer *self, const struct transfer *slot,
				 const struct withdrawal *row, bool found)
{
	if (!found)
		return "withdrawal_missing";
	const char *distrust = signer_row_distrust(self, row);
	if (distrust != NULL)
		return distrust;
	struct transfer derived = *slot;
	transfer_bind(&derived, &row->intent);
	if (!hash32_equal(transfer_payload_hash(&derived), slot->payload_hash) ||
	    row->round != slot->round || !id_equal(row->transfer, slot->id))
		return "payload_mismatch";
	return row->held_reason[0] != 0 ? "held" : NULL;
}

static bool withdrawal_hold(struct signer *self, const struct withdrawal *row, const char *reason,
			    struct err *err)
{
	struct store_by by = signer_by(self);
	struct message_ack none = { .queue = QUEUE_NONE };
	if (row->held_reason[0] != 0 || lifecycle_is_terminal(row->stage))
		return true;
	self->changes_len = 0;
	signer_change_hold(self, row, reason, &none, false);
	return store_withdrawals_change(self->options.store, self->changes, 1, &by, err);
}

static bool slot_turn_cancel(struct signer *self, struct slot_work *work, const char *reason,
			     struct err *err)
{
	struct store_by by = signer_by(self);
	enum store_write result = STORE_FENCED;
	signer_log_slot(self, work->slot, "slot_turned_cancel", NULL, reason, true);
	if (!store_transfer_turn_cancel(self->options.store, work->slot, work->wallet->lease.epoch,
					&by, &result, err))
		return false;
	work->drop = result != STORE_WRITTEN;
	return true;
}

/* Facts of a slot that is about to be signed. An unsigned slot that became unpayable turns into its
 * self-transfer; a signed one is never bumped any more, only its old bytes go on being sent. */
static bool work_verify(struct signer *self, struct slot_work *work, const struct withdrawal *row,
			bool found, struct err *err)
{
	struct transfer *slot = work->slot;
	if (slot->is_cancel)
		return true;
	const char *reason = slot_distrust(self, slot, row, found);
	bool cancel = found && row->cancel_requested && !work->is_bump;
	if (reason == NULL && !cancel)
		return true;
	if (reason != NULL && found && strcmp(reason, "held") != 0 &&
	    !withdrawal_hold(self, row, reason, err))
		return false;
	if (work->is_bump) {
		work->sign = work->is_bump = false;
		return true;
	}
	return slot_turn_cancel(self, work, reason == NULL ? "cancel_requested" : reason, err);
}

static bool works_verify(struct signer *self, struct err *err)
{
	struct id ids[BATCH_MAX];
	struct slot_work *asked[BATCH_MAX];
	size_t n = 0;
	memset(self->found, 0, sizeof self->found);
	for (size_t i = 0; i < self->work_len; i++) {
		struct slot_work *work = &self->work[i];
		if (!work->sign || id_is_zero(work->slot->withdrawal))
			continue;
		asked[n] = work;
		ids[n++] = work->slot->withdrawal;
	}
	if (n == 0)
		return true;
	if (!store_withdrawals_load(self->options.store, ids, n, self->rows, self->found, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!work_verify(self, asked[i], &self->rows[i], self->found[i], err))
			return false;
	return true;
}

/* Fees of the new attempt. What would pass the cap waits: a first attempt in its slot, a bump by
 * sending the newest bytes again. */
static void work_price(struct signer *self, struct slot_work *work, const struct chain_head *head)
{
	const struct chain_params *params = &self->options.catalogue->chains[work->wallet->chain];
	struct fee_market market = { .base_fee = head->base_fee, .tip = head->tip };
	struct fees fees;
	enum refusal refusal = fee_choose(&market, work->is_bump ? &work->last : NULL,
					  work->slot->gas_limit, &params->fees, &fees);
	if (refusal != REFUSAL_NONE) {
		signer_log_slot(self, work->slot, "fee_above_cap", NULL, "", true);
		work->drop = !work->is_bump;
		work->sign = false;
		return;
	}
	if (work->slot->is_cancel)
		transfer_cancellation(work->slot, &work->tx);
	else
		transfer_payload(work->slot, &work->tx);
	work->tx.fees = fees;
	work->tx.gas_limit = work->slot->gas_limit;
}

static bool works_price(struct signer *self, struct err *err)
{
	for (size_t i = 0; i < self->work_len; i++) {
		struct slot_work *work = &self->work[i];
		struct chain_head head;
		if (!work->sign || work->drop)
			continue;
		if (!signer_head(self, work->wallet->chain, HEAD_AGE_MS, &head, err))
			return false;
		work_price(self, work, &head);
	}
	return true;
}

/* The number of the journal's attempt: one after what stands there, since a crash may have left
 * rows of attempts that were never stored, and so never sent. */
static bool journal_number(struct signer *self, const struct slot_work *work,
			   const struct journal_slot *slot, uint32_t *ret_number, bool *ret_good,
			   struct err *err)
{
	bool has_pay = false;
	bool has_cancel = false;
	struct hash32 pay_hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	*ret_number = 1;
	*ret_good = true;
	if (work->slot >= work->wallet->slots + work->wallet->slots_fresh_from)
		return true;
	if (!journal_slot_of(self->options.journal, slot, &has_pay, &has_cancel, &pay_hash,
			     &ceiling, &attempts, err))
		return false;
	*ret_number = attempts + 1;
	/* After a cancel row the slot signs only cancellations. */
	*ret_good = work->slot->is_cancel ||
		    (!has_cancel && (!has_pay || hash32_equal(pay_hash, work->slot->payload_hash)));
	return true;
}

static void right_fill(struct signer *self, const struct slot_work *work,
		       struct journal_right *right)
{
	const struct transfer *slot = work->slot;
	const struct withdrawal *row = NULL;
	for (size_t i = 0; i < BATCH_MAX && row == NULL; i++)
		if (self->found[i] && id_equal(self->rows[i].intent.id, slot->withdrawal))
			row = &self->rows[i];
	CHECK(row != NULL); /* works_verify loaded it */
	right->withdrawal = slot->withdrawal;
	right->round = slot->round;
	pay_tag_make(self->options.pay_tag_key, &row->intent, right->pay_tag);
	right->chain_id = row->intent.chain_id;
	right->asset = row->intent.contract;
	right->amount = row->intent.amount;
	right->time_ms = clock_now_ms(self->options.clock);
	right->slot = work->entry.slot;
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
	entry->kind = slot->is_cancel ? JOURNAL_CANCEL : JOURNAL_PAY;
	entry->payload_hash = slot->payload_hash;
	entry->has_attempt = true;
	entry->has_right = !id_is_zero(slot->withdrawal);
	if (entry->has_right)
		right_fill(self, work, &entry->right);
	CHECK(wei_of_gas(work->tx.gas_limit, work->tx.fees.cap, &entry->fee_ceiling));
	return journal_number(self, work, &entry->slot, &entry->attempt_number, ret_good, err);
}

static size_t works_to_sign(struct signer *self, struct slot_work *ret_works[BATCH_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < self->work_len; i++)
		if (self->work[i].sign && !self->work[i].drop)
			ret_works[n++] = &self->work[i];
	return n;
}

static bool conflict_stop(struct signer *self, struct slot_work *work, struct err *err)
{
	work->drop = true;
	signer_log_slot(self, work->slot, "journal_differs", NULL, "", true);
	return signer_wallet_stop(self, work->wallet, "journal_differs", err);
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
	}
	n = works_to_sign(self, works);
	for (size_t i = 0; i < n; i++)
		entries[i] = works[i]->entry;
	if (n == 0)
		return true;
	if (!journal_append_many(self->options.journal, entries, n, verdicts, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (verdicts[i] == JOURNAL_DIFFERENT && !conflict_stop(self, works[i], err))
			return false;
	return true;
}

/* Makes the attempt's bytes and hash out of r and s; the recovery against the pinned address is
 * also the verification before use. */
static bool attempt_make(struct signer *self, struct slot_work *work,
			 const struct keys_result *result, int64_t now_ms)
{
	struct attempt *attempt = &work->attempt;
	struct tx_signature signature;
	if (!signature_complete(self->context, tx_signing_hash(&work->tx), result->r, result->s,
				work->wallet->params->address, &signature))
		return false;
	memset(attempt, 0, sizeof *attempt);
	struct buf raw = buf_of(attempt->raw, sizeof attempt->raw);
	tx_write_signed(&work->tx, &signature, &raw);
	CHECK(!raw.overflow);
	attempt->raw_len = raw.len;
	attempt->transfer = work->slot->id;
	attempt->number = work->slot->attempts + 1;
	attempt->is_cancel = work->slot->is_cancel;
	attempt->fees = work->tx.fees;
	attempt->gas_limit = work->tx.gas_limit;
	attempt->tx_hash = tx_hash_of(buf_view(&raw));
	attempt->signed_at = now_ms;
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
	for (size_t i = 0; i < n; i++)
		requests[i] = (struct keys_request){ .key_ref = works[i]->wallet->params->key_ref,
						     .digest = tx_signing_hash(&works[i]->tx) };
	keys_sign_many(self->options.keys, requests, n, results);
	for (size_t i = 0; i < n; i++) {
		if (!results[i].done) {
			works[i]->drop = true;
			signer_log_slot(self, works[i]->slot, "signing_waits", NULL,
					results[i].err.text, true);
		} else if (!attempt_make(self, works[i], &results[i], now_ms)) {
			works[i]->drop = true;
			if (!signer_wallet_stop(self, works[i]->wallet, "signature_mismatch", err))
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
		work->slot->attempts = work->attempt.number;
		if (work->slot->stage == TRANSFER_RESERVED)
			work->slot->stage = TRANSFER_SIGNED;
		break;
	case STORE_FENCED:
		work->wallet->owned = false;
		work->wallet->lease.epoch = 0;
		work->drop = true;
		signer_log_wallet(self, work->wallet, "wallet_lost", "", true);
		break;
	case STORE_MOVED:
	case STORE_PAUSED:
		work->drop = true; /* never sent: its row was not stored */
		break;
	}
}

static bool works_store(struct signer *self, struct err *err)
{
	struct store_by by = signer_by(self);
	struct slot_work *works[BATCH_MAX];
	size_t n = works_to_sign(self, works);
	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		self->adds[i] = (struct store_attempt){ .attempt = works[i]->attempt,
							.wallet_id = works[i]->wallet->row.id,
							.epoch = works[i]->wallet->lease.epoch };
	if (!store_attempts_add(self->options.store, self->adds, n, &by, err))
		return false;
	for (size_t i = 0; i < n; i++)
		stored_apply(self, works[i], self->adds[i].result);
	return true;
}

bool signer_slots(struct signer *self, bool *ret_worked, struct err *err)
{
	if (!work_collect(self, err))
		return false;
	if (self->work_len == 0)
		return true;
	if (!works_verify(self, err) || !works_price(self, err) || !works_journal(self, err) ||
	    !works_sign(self, err) || !works_store(self, err))
		return false;
	size_t done = 0;
	for (size_t i = 0; i < self->work_len; i++)
		done += self->work[i].drop ? 0 : 1;
	*ret_worked = done > 0; /* what was given up is tried again after a pause */
	return done == 0 || signer_send(self, err);
}
