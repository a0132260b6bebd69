/* Rights that were spent before the store knew the row: it was restored since, and its client has
 * repeated the key, or the row is as old as the backup. The journal names the slot; the chain says
 * what became of it. Nobody is paid by what is done here. */
#include "service/signer/signer_loss.h"
#include "service/signer/signer_recovery.h"

#include "base/defence.h"
#include "core/reason.h"

#include <string.h>

static struct signer_wallet *wallet_of(struct signer *self, const struct journal_slot *slot)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].row.id != 0 &&
		    self->wallets[i].row.chain_id == slot->chain_id &&
		    address_equal(self->wallets[i].row.address, slot->wallet))
			return &self->wallets[i];
	return NULL;
}

bool signer_slot_load(struct signer *self, const struct journal_slot *slot,
		      struct transfer *ret_transfer, bool *ret_found, struct err *err)
{
	const struct signer_wallet *wallet = wallet_of(self, slot);
	*ret_found = false;
	return wallet == NULL || store_transfer_of_slot(self->options.store, wallet->row.id,
							slot->nonce, ret_transfer, ret_found, err);
}

/* Did the slot pay exactly what the row asks for? */
static bool paid_the_same(const struct transfer *slot, const struct withdrawal *row)
{
	const struct intent *intent = &row->intent;
	return slot->chain_id == intent->chain_id && slot->is_token == !intent->is_native &&
	       (intent->is_native || address_equal(slot->to, intent->contract)) &&
	       address_equal(slot->receiver, intent->to) &&
	       amount_compare(slot->amount, intent->amount) == 0;
}

static bool is_unbound_payout(const struct transfer *slot)
{
	return slot->stage == TRANSFER_MINED &&
	       strcmp(slot->held_reason, reason_code(REASON_PAYOUT_UNBOUND)) == 0;
}

static bool bind(struct signer *self, const struct transfer *slot, const struct withdrawal *row,
		 const struct message_ack *ack, struct err *err)
{
	struct store_by by = signer_by(self);
	const struct signer_wallet *wallet = signer_wallet_of(self, slot->wallet_id);
	struct store_binding binding = { .transfer = slot->id,
					 .transfer_version = slot->version,
					 .wallet_id = slot->wallet_id,
					 .epoch = wallet->lease.epoch,
					 .withdrawal = row->intent.id,
					 .version = row->version,
					 .round = row->round,
					 .ack = *ack };
	/* The row that is there is believed, and the journal has the slot as its own. */
	if ((DEFENCE("bound_is_closed") && !signer_payout_close(self, row, slot, err)) ||
	    !store_transfer_bind(self->options.store, &binding, &by, err))
		return false;
	if (binding.result != STORE_WRITTEN)
		return true;
	self->bound++;
	signer_log(self, row, "withdrawal_bound", "it was paid before the restore", false);
	return true;
}

/* The round is over, and did not pay: the next one of the tag is this row's. */
static void round_skip(struct signer *self, const struct withdrawal *row,
		       const struct message_ack *ack)
{
	struct change_news news = { .action = "round_spent",
				    .text = "before the restore, and it was not paid" };
	struct store_change *change = signer_change_next(self, row, ack, news);
	change->event = "round_spent";
	change->next_round = true;
	change->due_at = clock_now_ms(self->options.clock);
}

static bool unpaid_judge(struct signer *self, const struct withdrawal *row,
			 const struct message_ack *ack, struct err *err)
{
	enum round_verdict verdict = ROUND_UNPROVEN;
	if (!signer_round_judge(self, row, row->round, &verdict, err))
		return false;
	const char *distrust = signer_round_distrust(verdict);
	if (distrust != NULL)
		signer_change_hold(self, row, distrust, ack, false);
	else if (verdict == ROUND_UNPROVEN)
		signer_change_wait(self, row, reason_code(REASON_PREVIOUS_ROUND_NOT_PROVEN_UNPAID),
				   ack);
	else
		round_skip(self, row, ack);
	return true;
}

/* Of a stranger's transaction only people say what it was. */
static bool foreign_judge(struct signer *self, const struct withdrawal *row,
			  const struct message_ack *ack, bool *ret_answered, struct err *err)
{
	enum round_verdict verdict = ROUND_UNPROVEN;
	if (!signer_round_judge(self, row, row->round, &verdict, err))
		return false;
	*ret_answered = verdict == ROUND_UNPAID || !DEFENCE("strangers_are_for_people");
	if (*ret_answered)
		round_skip(self, row, ack);
	return true;
}

bool signer_adopt(struct signer *self, const struct withdrawal *row,
		  const struct journal_right *right, const struct message_ack *ack,
		  bool *ret_answered, struct err *err)
{
	struct transfer slot;
	bool found = false;
	*ret_answered = false;
	if (!signer_slot_load(self, &right->slot, &slot, &found, err))
		return false;
	if (!found && wallet_of(self, &right->slot) != NULL) {
		signer_change_wait(self, row, reason_code(REASON_RESTORE_NOT_RECONCILED), ack);
		*ret_answered = true;
		return true;
	}
	/* A slot that somebody has is no news of a restore. */
	if (!found || !id_is_zero(slot.withdrawal))
		return true;
	if (slot.stage == TRANSFER_FINAL && slot.outcome == OUTCOME_FOREIGN)
		return foreign_judge(self, row, ack, ret_answered, err);
	if (slot.stage == TRANSFER_FINAL && !lifecycle_outcome_is_unpaid(slot.outcome))
		return true;
	*ret_answered = true;
	if (slot.stage == TRANSFER_FINAL)
		return unpaid_judge(self, row, ack, err);
	const struct signer_wallet *wallet = signer_wallet_of(self, slot.wallet_id);
	if (!is_unbound_payout(&slot) || !wallet->owned) {
		signer_change_wait(self, row, reason_code(REASON_PREVIOUS_ROUND_NOT_PROVEN_UNPAID),
				   ack);
		return true;
	}
	/* The same key, and another request than the one that was paid. */
	if (!DEFENCE("bound_by_tag") ||
	    (DEFENCE("bound_is_the_same") && !paid_the_same(&slot, row))) {
		*ret_answered = false;
		return true;
	}
	return bind(self, &slot, row, ack, err);
}

/* ---- what nobody has asked for yet ---- */

static bool wallet_unbound_tell(struct signer *self, size_t index, bool *ret_done, struct err *err)
{
	struct slot_place *place = &self->recovery->unbound[index];
	struct store_transfer_filter filter = { .wallet_id = self->wallets[index].row.id,
						.first = TRANSFER_MINED,
						.last = TRANSFER_MINED,
						.mined_block_max = UINT64_MAX,
						.has_after = place->any,
						.after_block = place->block,
						.after_nonce = place->nonce,
						.limit = BATCH_MAX };
	struct transfer rows[BATCH_MAX];
	size_t n = 0;
	if (!store_transfers_load(self->options.store, &filter, rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (is_unbound_payout(&rows[i]) && id_is_zero(rows[i].withdrawal) &&
		    DEFENCE("unbound_is_told") && !signer_payout_tell(self, &rows[i], err))
			return false;
		*place = (struct slot_place){ true, rows[i].mined_block, rows[i].nonce };
	}
	*ret_done &= n < BATCH_MAX;
	return true;
}

bool signer_unbound_tell(struct signer *self, bool *ret_done, struct err *err)
{
	*ret_done = true;
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].row.id != 0 && signer_wallet_recovers(&self->wallets[i]) &&
		    !wallet_unbound_tell(self, i, ret_done, err))
			return false;
	return true;
}
