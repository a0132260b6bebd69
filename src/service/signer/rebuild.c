/* A journal that was lost is written anew. What the store holds signed the journal had as well: the
 * wallet's own signature says so. What the chain has besides is written as it is found (scan.c). A
 * row is whatever is believed of it; who was paid by the rest is not known (loss.c). Equal rows are
 * no news, so that all of this may end anywhere and begin again. */
#include "service/signer/signer_loss.h"
#include "service/signer/signer_recovery.h"

#include "base/defence.h"
#include "core/transfer.h"

#include <string.h>

#define SLOTS_A_STEP 256

/* A run that ended between journal and store has journaled an attempt, and the next one signed
 * under its number for less, as it may: the journal has the higher ceiling, of the same payload. */
static bool attempt_is_covered(struct signer *self, const struct journal_entry *entry,
			       bool *ret_covered, struct err *err)
{
	bool has_pay = false, has_cancel = false;
	struct hash32 pay_hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	*ret_covered = false;
	if (!entry->has_attempt || !DEFENCE("attempt_may_cost_less"))
		return true;
	if (!journal_slot_of(self->options.journal, &entry->slot, &has_pay, &has_cancel, &pay_hash,
			     &ceiling, &attempts, err))
		return false;
	bool is_same = entry->kind == JOURNAL_CANCEL
			       ? has_cancel
			       : has_pay && hash32_equal(pay_hash, entry->payload_hash);
	*ret_covered = is_same && attempts >= entry->attempt_number &&
		       wei_compare(entry->fee_ceiling, ceiling) <= 0;
	return true;
}

static bool entry_append(struct signer *self, const struct journal_entry *entry,
			 const struct transfer *slot, struct err *err)
{
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	bool covered = false;
	if (!journal_append_many(self->options.journal, entry, 1, &verdict, err))
		return false;
	if (verdict != JOURNAL_DIFFERENT)
		return true;
	if (!attempt_is_covered(self, entry, &covered, err))
		return false;
	return covered ||
	       err_set(err, ERR_REFUSED,
		       "the journal that is there tells of wallet %s, nonce %llu, differently "
		       "than the store. It is of another life: move it away",
		       address_text(slot->wallet).at, (unsigned long long)slot->nonce);
}

/* The slot's withdrawal, if its row is believed, and asks for this payment (NULL: for any). */
static bool owner_find(struct signer *self, const struct transfer *slot,
		       const struct hash32 *payload_hash, struct withdrawal *ret_row,
		       bool *ret_found, struct err *err)
{
	struct transfer derived = *slot;
	*ret_found = false;
	if (id_is_zero(slot->withdrawal))
		return true;
	if (!store_withdrawals_load(self->options.store, &slot->withdrawal, 1, ret_row, ret_found,
				    err))
		return false;
	*ret_found = *ret_found && signer_row_distrust(self, ret_row) == NULL &&
		     ret_row->intent.chain_id == slot->chain_id;
	if (!*ret_found || payload_hash == NULL)
		return true;
	transfer_bind(&derived, &ret_row->intent);
	*ret_found = hash32_equal(transfer_payload_hash(&derived), *payload_hash);
	return true;
}

/* When it was signed, as far as the store says: what it counts for the limits of a day. */
static int64_t signed_at(const struct signer *self, const struct attempt *attempt)
{
	int64_t now = clock_now_ms(self->options.clock);
	return attempt->signed_at > 0 && attempt->signed_at < now ? attempt->signed_at : now;
}

/* A signed payment of a slot: of its withdrawal, or of one that nobody knows. */
static bool payment_journal(struct signer *self, const struct transfer *slot, const struct tx *tx,
			    const struct attempt *attempt, bool is_stored, struct err *err)
{
	/* What the store does not hold, and does not pay the slot's withdrawal, is none of its
	 * attempts. */
	enum journal_kind kind =
		is_stored || id_is_zero(slot->withdrawal) ? JOURNAL_PAY : JOURNAL_FOREIGN;
	struct transfer payload = *slot;
	struct withdrawal row;
	bool known = false;
	struct journal_entry entry = { .has_slot = true,
				       .slot = { slot->chain_id, slot->wallet, slot->nonce },
				       .kind = JOURNAL_PAY,
				       .payload_hash = tx_payload_hash(tx, slot->wallet),
				       .is_on_chain = true,
				       .has_right = true };
	if (!owner_find(self, slot, &entry.payload_hash, &row, &known, err))
		return false;
	if (known) {
		signer_right_fill(self, slot, &row, &entry.slot, &entry.right);
		entry.right.time_ms = signed_at(self, attempt);
		return entry_append(self, &entry, slot, err);
	}
	/* It is none of those that this signer makes: nobody can ask for it again. */
	if (!transfer_read_payload(tx, &payload))
		return true;
	return signer_payout_add(self, &payload, kind, attempt->tx_hash, err);
}

/* The right of the round is spent with it, as with every signature. */
static bool cancellation_journal(struct signer *self, const struct transfer *slot,
				 const struct tx *tx, const struct attempt *attempt,
				 struct err *err)
{
	struct withdrawal row;
	bool known = false;
	struct journal_entry entry = { .has_slot = true,
				       .slot = { slot->chain_id, slot->wallet, slot->nonce },
				       .kind = JOURNAL_CANCEL,
				       .payload_hash = tx_payload_hash(tx, slot->wallet),
				       .has_right = true };
	if (!owner_find(self, slot, NULL, &row, &known, err))
		return false;
	entry.has_right = known;
	if (known) {
		signer_right_fill(self, slot, &row, &entry.slot, &entry.right);
		entry.right.time_ms = signed_at(self, attempt);
	}
	return entry_append(self, &entry, slot, err);
}

static bool attempt_number_journal(struct signer *self, const struct transfer *slot,
				   const struct tx *tx, const struct attempt *attempt, bool pays,
				   struct err *err)
{
	struct journal_entry entry = { .has_slot = true,
				       .slot = { slot->chain_id, slot->wallet, slot->nonce },
				       .kind = pays ? JOURNAL_PAY : JOURNAL_CANCEL,
				       .payload_hash = tx_payload_hash(tx, slot->wallet),
				       .is_on_chain = true,
				       .has_attempt = true,
				       .attempt_number = attempt->number };
	return !wei_of_gas(tx->gas_limit, tx->fees.cap, &entry.fee_ceiling) ||
	       entry_append(self, &entry, slot, err);
}

bool signer_found_journal(struct signer *self, const struct signer_wallet *wallet,
			  const struct transfer *slot, const struct attempt *attempt,
			  struct err *err)
{
	struct tx tx;
	bool pays = false;
	if (!signer_attempt_is_signed(self, wallet, slot->nonce, attempt, &tx, &pays))
		return true;
	return pays ? payment_journal(self, slot, &tx, attempt, false, err)
		    : cancellation_journal(self, slot, &tx, attempt, err);
}

static bool attempt_rebuild(struct signer *self, const struct signer_wallet *wallet,
			    const struct transfer *slot, const struct attempt *attempt,
			    struct err *err)
{
	struct tx tx;
	bool pays = false;
	if (!signer_attempt_is_signed(self, wallet, slot->nonce, attempt, &tx, &pays))
		return true;
	return (pays ? payment_journal(self, slot, &tx, attempt, true, err)
		     : cancellation_journal(self, slot, &tx, attempt, err)) &&
	       attempt_number_journal(self, slot, &tx, attempt, pays, err);
}

static bool slot_rebuild(struct signer *self, const struct signer_wallet *wallet, uint64_t nonce,
			 struct err *err)
{
	struct transfer slot;
	size_t n = 0;
	bool found = false;
	if (!store_transfer_of_slot(self->options.store, wallet->row.id, nonce, &slot, &found, err))
		return false;
	if (!found)
		return true;
	if (!store_attempts_load(self->options.store, slot.id, self->attempts, ATTEMPTS_MAX, &n,
				 err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct attempt attempt = self->attempts[i];
		if (!attempt_rebuild(self, wallet, &slot, &attempt, err))
			return false;
	}
	return true;
}

bool signer_rebuild(struct signer *self, bool *ret_rebuilt, struct err *err)
{
	struct recovery *recovery = self->recovery;
	size_t done = 0;
	*ret_rebuilt = true;
	if (!self->options.journal_lost)
		return true;
	for (size_t i = 0; i < self->wallets_len; i++) {
		const struct signer_wallet *wallet = &self->wallets[i];
		uint64_t *next = &recovery->rebuilt_to[i];
		if (wallet->row.id == 0 || !wallet->row.entered)
			continue;
		if (*next < wallet->row.first_nonce)
			*next = wallet->row.first_nonce;
		/* What is reserved from here on is journaled as ever. */
		if (recovery->rebuild_end[i] == 0)
			recovery->rebuild_end[i] = wallet->row.next_nonce;
		for (; *next < recovery->rebuild_end[i] && done < SLOTS_A_STEP; (*next)++, done++)
			if (!slot_rebuild(self, wallet, *next, err))
				return false;
		*ret_rebuilt &= *next >= recovery->rebuild_end[i];
	}
	return true;
}
