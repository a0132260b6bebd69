/* Before anything of a slot is signed or sent: is it still to be paid, is it still ours? What
 * became unpayable before its first signature turns into its self-transfer; what may be out already
 * is sent and bumped as it was signed, whatever the rows say now (T7). */
#include "service/signer/signer_loss.h"

#include "base/defence.h"
#include "core/policy.h"
#include "core/reason.h"
#include "core/transfer.h"

#include <string.h>

#define TX_GAS 21000 /* of any transaction */

static bool withdrawal_hold(struct signer *self, const struct withdrawal *row, const char *reason,
			    struct err *err)
{
	struct message_ack none = { .queue = QUEUE_NONE };
	if (row == NULL || row->held_reason[0] != 0 || lifecycle_is_terminal(row->stage))
		return true;
	self->changes_len = 0;
	signer_change_hold(self, row, reason, &none, false);
	return signer_changes_write(self, err);
}

/* The row of a slot's withdrawal, if it was found for this batch. */
static const struct withdrawal *row_of(const struct signer *self, const struct transfer *slot)
{
	for (size_t i = 0; i < self->work_len; i++)
		if (self->found[i] && id_equal(self->rows[i].intent.id, slot->withdrawal))
			return &self->rows[i];
	return NULL;
}

const struct withdrawal *signer_work_row(const struct signer *self, const struct slot_work *work)
{
	const struct withdrawal *row = row_of(self, work->slot);
	return row == NULL || signer_row_distrust(self, row) != NULL ? NULL : row;
}

bool signer_work_drop_if_torn(struct signer *self, struct slot_work *work, struct err *err)
{
	struct store_lease lease = work->wallet->lease;
	struct transfer again;
	bool found = false, owned = false;
	if (!store_transfer_load(self->options.store, work->slot->id, &again, &found, err) ||
	    !store_lease_take(self->options.store, &lease, self->options.instance,
			      clock_monotonic_ms(self->options.clock), &owned, err))
		return false;
	/* Other owners show in the lease as well; a slot that is in a block by now shows here. */
	bool moved = found && again.version != work->slot->version;
	/* Another owner may have written in the journal, and not yet in the store. */
	owned &= lease.epoch == work->wallet->lease.epoch;
	work->drop = (moved && DEFENCE("torn_read_again")) || (!owned && DEFENCE("owner_judges"));
	return true;
}

/* Rows that only an editor can have made so: nothing of this slot leaves, and its wallet stops,
 * since later nonces wait for it. */
static bool slot_refuse(struct signer *self, struct slot_work *work, const char *reason,
			struct err *err)
{
	const struct withdrawal *row = row_of(self, work->slot);
	bool told = work->wallet->row.stop_reason[0] != 0;
	if (!signer_work_drop_if_torn(self, work, err))
		return false;
	if (work->drop)
		return true;
	work->drop = true;
	if (!withdrawal_hold(self, row, reason, err))
		return false;
	if (told)
		return true;
	signer_log_slot(self, work->slot, "slot_refused", NULL, reason, true);
	return signer_wallet_stop(self, work->wallet, reason, err);
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

uint64_t signer_gas_ceiling(const struct catalogue *catalogue, size_t chain,
			    const struct asset *asset)
{
	if (asset == NULL || asset->is_native)
		return catalogue->chains[chain].native_gas_limit;
	return asset->gas_ceiling;
}

/* What the row says, within the signer's own bounds: gas is not under any MAC. */
uint64_t signer_work_gas_limit(const struct signer *self, const struct slot_work *work)
{
	const struct asset *asset = work->pays ? work->asset : NULL;
	uint64_t ceiling = signer_gas_ceiling(self->options.catalogue, work->wallet->chain, asset);
	uint64_t floor = asset != NULL && asset->gas_floor > TX_GAS ? asset->gas_floor : TX_GAS;
	uint64_t gas_limit = work->slot->gas_limit < floor ? floor : work->slot->gas_limit;
	return gas_limit > ceiling ? ceiling : gas_limit;
}

/* A first signature: the transaction out of the row, or the self-transfer. */
static void first_make(const struct signer *self, struct slot_work *work)
{
	struct transfer derived = *work->slot;
	work->pays = !work->slot->is_cancel;
	if (work->pays) {
		transfer_bind(&derived, &work->row->intent);
		transfer_payload(&derived, &work->tx);
	} else {
		transfer_cancellation(&derived, &work->tx);
	}
	work->tx.gas_limit = signer_work_gas_limit(self, work);
}

bool signer_work_turn_cancel(struct signer *self, struct slot_work *work, const char *reason,
			     struct err *err)
{
	if (!slot_turn_cancel(self, work, reason, err))
		return false;
	if (!work->drop)
		first_make(self, work);
	return true;
}

/* What the signer's own rules say today. *ret_reason: NULL, or why the slot is given up. */
static bool limits_judge(struct signer *self, const struct slot_work *work,
			 const struct withdrawal *row, const char **ret_reason, struct err *err)
{
	const struct amount nothing = { u256_zero() };
	const struct asset *asset = catalogue_asset(self->options.catalogue, row->intent.chain_id,
						    str_from(row->intent.asset));
	*ret_reason = "signer_limit";
	if (policy_signer_decide(self->options.catalogue, asset, &row->intent) != REFUSAL_NONE)
		return true;
	/* The slot itself is counted already. */
	if (!signer_limit_judge(self, work->wallet, asset, nothing, ret_reason, err))
		return false;
	if (*ret_reason != NULL)
		signer_limit_give_back(self, work->wallet, asset, row->intent.amount);
	return true;
}

/* Slots of an earlier step were made by whoever wrote the store. */
static bool old_judge(struct signer *self, struct slot_work *work, const struct withdrawal *row,
		      const char **ret_distrust, const char **ret_reason, struct err *err)
{
	bool wait = false;
	bool spent = false;
	*ret_distrust = *ret_reason = NULL;
	if (work->is_fresh)
		return true;
	if (!signer_slot_may_pay(self, work->slot, row, ret_distrust, &spent, &wait, err))
		return false;
	work->drop = wait;
	if (*ret_distrust != NULL || wait)
		return true;
	/* What was read of another wallet since it got its slot may have paid it: queued again, it
	 * is for people. */
	if (DEFENCE("slot_is_judged_anew") && !signer_loss_judge(self, row, ret_reason, err))
		return false;
	if (*ret_reason != NULL || spent)
		return true;
	return limits_judge(self, work, row, ret_reason, err);
}

/* Only what a believed row says is used. */
static void work_believe(const struct signer *self, struct slot_work *work)
{
	const struct withdrawal *row = signer_work_row(self, work);
	if (row == NULL)
		return;
	work->row = row;
	work->asset = catalogue_asset(self->options.catalogue, row->intent.chain_id,
				      str_from(row->intent.asset));
}

static bool first_verify(struct signer *self, struct slot_work *work, struct err *err)
{
	const struct withdrawal *row = row_of(self, work->slot);
	const char *reason = NULL;
	const char *distrust = signer_slot_distrust(self, work->wallet, work->slot, row);
	work_believe(self, work);
	if (work->slot->is_cancel)
		return true;
	/* After a restore nothing is paid: its bytes may be out, and nobody has them. */
	if (self->options.recovers)
		return slot_turn_cancel(self, work, reason_code(REASON_RECOVERING), err);
	if (DEFENCE("hold_before_signature") && distrust == NULL && row->held_reason[0] != 0)
		reason = "held";
	else if (DEFENCE("cancel_before_signature") && distrust == NULL && row->cancel_requested)
		reason = "cancel_requested";
	else if (distrust == NULL && (signer_stops_of(self, &row->intent) & CONTROL_SIGNING) != 0 &&
		 DEFENCE("pause_before_signature"))
		reason = reason_code(REASON_PAUSED);
	else if (distrust == NULL && !old_judge(self, work, row, &distrust, &reason, err))
		return false;
	if (work->drop || (distrust == NULL && reason == NULL))
		return true;
	if (!signer_work_drop_if_torn(self, work, err))
		return false;
	if (work->drop)
		return true;
	/* A void of its own ends the withdrawal when the slot has ended; nobody is called. */
	if (distrust != NULL && strcmp(distrust, RIGHT_IS_VOID) != 0 &&
	    !withdrawal_hold(self, row, distrust, err))
		return false;
	return slot_turn_cancel(self, work, distrust != NULL ? distrust : reason, err);
}

void signer_work_cancel_sent(const struct signer *self, struct slot_work *work)
{
	struct fees fees = work->tx.fees;
	work->pays = false;
	work->turns = true;
	transfer_cancellation(work->slot, &work->tx);
	work->tx.fees = fees;
	work->tx.gas_limit = signer_work_gas_limit(self, work);
}

/* One replacement per interval, by when the newest bytes were signed: what is known of their being
 * sent may have been lost with a process. What was not sent goes out instead. */
static bool is_early(const struct signer *self, const struct slot_work *work)
{
	const struct chain_params *params = &self->options.catalogue->chains[work->wallet->chain];
	int64_t now_ms = clock_now_ms(self->options.clock);
	int64_t signed_at = work->attempt.signed_at;
	/* A time that is still to come was written under a wrong clock. */
	return signed_at >= 0 && signed_at <= now_ms &&
	       now_ms - signed_at < params->rebroadcast_after_ms &&
	       DEFENCE("one_bump_per_interval");
}

/* The next signature of a slot whose newest bytes pay: is it a cancellation? Once the journal has
 * one it always is, whatever the row says by now. */
static bool bump_verify(struct signer *self, struct slot_work *work, bool canceled, struct err *err)
{
	const struct withdrawal *row = row_of(self, work->slot);
	if (work->is_stale) { /* it pays nobody: what became of the row is no matter */
		signer_work_cancel_sent(self, work);
		return true;
	}
	work_believe(self, work);
	/* The hold is the withdrawal's; its slot goes on. */
	const char *distrust = signer_slot_distrust(self, work->wallet, work->slot, row);
	if (distrust != NULL && !signer_work_drop_if_torn(self, work, err))
		return false;
	if (work->drop)
		return true;
	/* Whatever asked for the bump: a cancel that stands comes before it. */
	bool stands = distrust == NULL && row->cancel_requested && row->held_reason[0] == 0;
	bool first = stands && (work->cancels || DEFENCE("cancel_before_speed"));
	if ((canceled && DEFENCE("after_cancel_no_payment")) || first)
		signer_work_cancel_sent(self, work);
	else if (work->cancels &&
		 (!work->wished || work->slot->wish != WISH_BUMP || is_early(self, work)))
		work->sign = work->is_bump = false; /* it does not stand any more */
	return distrust == NULL || withdrawal_hold(self, row, distrust, err);
}

/* People gave the nonce to a cancellation, or the withdrawal is bound elsewhere by now. */
static bool is_left(const struct signer *self, const struct transfer *slot)
{
	const struct withdrawal *row = row_of(self, slot);
	bool bound = row != NULL && id_equal(row->transfer, slot->id) &&
		     (row->stage == WITHDRAWAL_ASSIGNED || row->stage == WITHDRAWAL_COMPLETED);
	return !bound || (slot->wish == WISH_BUMP && slot->wish_reason == WISH_REASON_CANCEL);
}

/* Which of its attempts goes out: the newest. Of what a client was told that it is paid, the newest
 * that pays: the chain took the payment back, and a cancellation was signed as well. */
static bool attempt_choose(struct signer *self, const struct slot_work *work, size_t n,
			   size_t *ret_chosen, struct err *err)
{
	const struct withdrawal *row = row_of(self, work->slot);
	*ret_chosen = n - 1;
	return row == NULL || signer_attempt_choose(self, row, work->slot, n, ret_chosen, err);
}

/* Bytes that may be out: they go out again only as they were signed and journaled, and a bump pays
 * what they pay, or nobody. */
static bool stored_verify(struct signer *self, struct slot_work *work, struct err *err)
{
	size_t n = 0;
	struct attempt_word word;
	if (!store_attempts_load(self->options.store, work->slot->id, self->attempts, ATTEMPTS_MAX,
				 &n, err))
		return false;
	if (n == 0)
		return slot_refuse(self, work, reason_code(REASON_ATTEMPT_MISSING), err);
	size_t chosen = n - 1;
	if (!attempt_choose(self, work, n, &chosen, err))
		return false;
	work->attempt = self->attempts[chosen];
	if (!signer_attempt_judge(self, work->wallet, work->slot, &work->attempt, &work->tx, &word,
				  err))
		return false;
	if (!word.ours || n != work->slot->attempts)
		return slot_refuse(self, work, reason_code(REASON_ATTEMPT_MISMATCH), err);
	work->pays = work->stored_pays = word.pays;
	work->is_stale = word.pays && word.canceled && is_left(self, work->slot);
	/* The first cancellation waits for nothing. */
	if (chosen + 1 < n || ((!work->cancels || !work->pays) && is_early(self, work)))
		work->sign = work->is_bump = false;
	return !work->is_bump || !work->pays || bump_verify(self, work, word.canceled, err);
}

static bool is_own_slot(const struct signer *self, const struct slot_work *work)
{
	const struct transfer *slot = work->slot;
	return slot->chain_id == self->options.catalogue->chains[work->wallet->chain].chain_id &&
	       address_equal(slot->wallet, work->wallet->params->address) &&
	       (slot->stage != TRANSFER_RESERVED || slot->attempts == 0);
}

static bool work_verify(struct signer *self, struct slot_work *work, struct err *err)
{
	if (!is_own_slot(self, work))
		return slot_refuse(self, work, reason_code(REASON_SLOT_MISMATCH), err);
	work->drop = signer_work_waits(self, work);
	work->wallet->pause_keeps |= work->drop;
	if (work->drop)
		return true;
	if (work->slot->stage != TRANSFER_RESERVED) {
		if (!stored_verify(self, work, err))
			return false;
		bool waits = signer_payment_waits(self, work);
		work->wallet->pause_keeps |= waits;
		work->drop |= waits;
		return true;
	}
	if (!first_verify(self, work, err))
		return false;
	if (!work->drop)
		first_make(self, work);
	return true;
}

static bool rows_load(struct signer *self, struct err *err)
{
	struct id ids[BATCH_MAX];
	size_t n = 0;
	memset(self->found, 0, sizeof self->found);
	for (size_t i = 0; i < self->work_len; i++)
		if (!id_is_zero(self->work[i].slot->withdrawal))
			ids[n++] = self->work[i].slot->withdrawal;
	return n == 0 ||
	       store_withdrawals_load(self->options.store, ids, n, self->rows, self->found, err);
}

bool signer_works_verify(struct signer *self, struct err *err)
{
	signer_loss_forget(self);
	signer_spending_look_again(self);
	if (!rows_load(self, err))
		return false;
	for (size_t i = 0; i < self->work_len; i++)
		if (!work_verify(self, &self->work[i], err))
			return false;
	return true;
}
