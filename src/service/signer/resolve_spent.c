/* A queued row whose right the journal has as spent, on a slot that the store has without a
 * withdrawal: it was restored since. What two people say of it is compared with that slot, and with
 * the request that the right was spent for. Nobody is paid by what is done here. */
#include "service/signer/signer_resolve.h"

#include "base/defence.h"
#include "core/reason.h"
#include "core/refusal.h"
#include "core/transfer.h"

#include <string.h>

struct spent {
	struct journal_right right;
	struct transfer slot;
	bool is_same; /* the right was spent for exactly what the row asks for */
	bool has_own; /* rights of this very row are spent as well, in whatever round */
};

/* The journal knows what it let be signed; a slot that paid nobody says nothing of the request. */
static bool request_compare(struct signer *self, const struct withdrawal *row,
			    struct spent *inout_spent, struct err *err)
{
	struct transfer derived = inout_spent->slot;
	struct hash32 hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	bool has_pay = false;
	bool has_cancel = false;
	if (!journal_slot_of(self->options.journal, &inout_spent->right.slot, &has_pay, &has_cancel,
			     &hash, &ceiling, &attempts, err))
		return false;
	transfer_bind(&derived, &row->intent);
	inout_spent->is_same = id_equal(inout_spent->right.withdrawal, row->intent.id) ||
			       !has_pay || hash32_equal(transfer_payload_hash(&derived), hash);
	return true;
}

static bool spent_find(struct signer *self, const struct withdrawal *row, struct spent *ret_spent,
		       bool *ret_found, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	bool any = false;
	size_t n = 0;
	*ret_found = false;
	if (!signer_rights_load(self, row, rights, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (rights[i].is_void)
			return true; /* that ends it */
		ret_spent->has_own |= id_equal(rights[i].withdrawal, row->intent.id);
		if (rights[i].round != row->round)
			continue;
		ret_spent->right = rights[i];
		any = true;
	}
	if (!any)
		return true;
	if (!signer_slot_load(self, &ret_spent->right.slot, &ret_spent->slot, ret_found, err))
		return false;
	*ret_found &= id_is_zero(ret_spent->slot.withdrawal);
	if (*ret_found && !request_compare(self, row, ret_spent, err))
		return false;
	/* What was another request's says nothing of a row that has gone on behind it. */
	*ret_found &= ret_spent->is_same || !ret_spent->has_own || !DEFENCE("own_rights_stand");
	return true;
}

static bool refuse(struct signer *self, const struct work_case *work, enum reason reason,
		   struct err *err)
{
	return signer_case_end(self, work, STORE_RESOLVE_REFUSE, reason_code(reason), err);
}

/* The key of another request: what that was paid is no payment of this one, and under this key
 * nothing else is ever paid. No void: one would end the request that was paid, when its client
 * repeats it in a store that is restored once more. */
static bool other_request_end(struct signer *self, const struct work_case *work, struct err *err)
{
	if (work->decision.verdict == RESOLVE_PAID_BY)
		return refuse(self, work, REASON_RESOLVE_TX_OF_ANOTHER, err);
	return signer_case_end(self, work, STORE_RESOLVE_CANCEL, refusal_code(REFUSAL_CANCELED),
			       err);
}

/* It waits for its withdrawal: released, this one is bound to it, and the monitor completes it. */
static bool payout_end(struct signer *self, const struct work_case *work,
		       const struct transfer *slot, struct err *err)
{
	struct id owner;
	if (work->decision.verdict == RESOLVE_NOT_PAID)
		return refuse(self, work, REASON_RESOLVE_WAS_PAID, err);
	if (!store_attempt_owner(self->options.store, work->decision.tx_hash, &owner, err))
		return false;
	if (!id_equal(owner, slot->id))
		return refuse(self, work, REASON_RESOLVE_TX_IS_NO_PAYMENT, err);
	return signer_case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
}

/* Journaled for the request's first row, as the right is: whatever store comes back finds it. */
static bool said_journal(struct signer *self, const struct work_case *work,
			 const struct spent *spent, bool is_paid, enum journal_verdict *ret_verdict,
			 struct err *err)
{
	struct journal_entry entry = { .has_resolution = true };
	entry.resolution = (struct journal_resolution){
		.withdrawal = spent->right.withdrawal,
		.round = spent->right.round,
		.is_paid = is_paid,
		.chain_id = spent->slot.chain_id,
		.tx_hash = is_paid ? work->decision.tx_hash : spent->slot.mined_hash,
		.time_ms = clock_now_ms(self->options.clock),
	};
	return journal_append_many(self->options.journal, &entry, 1, ret_verdict, err);
}

/* Its nonce went to a stranger: as with any such slot. Unpaid, the row goes to its next round when
 * it is looked at again (adopt.c); paid, it is bound to the slot. */
static bool foreign_end(struct signer *self, const struct work_case *work,
			const struct spent *spent, struct err *err)
{
	struct resolve_facts facts;
	struct work_case again = *work;
	enum journal_verdict verdict = JOURNAL_DIFFERENT;
	enum reason reason = REASON_NONE;
	again.has_slot = true;
	again.slot = spent->slot;
	if (!signer_slot_facts(self, &again, &facts, err))
		return false;
	enum resolve_act act = resolve_decide(&facts, &reason);
	if (act == RESOLVE_REFUSE)
		return refuse(self, work, reason, err);
	if (act != RESOLVE_COMPLETE && act != RESOLVE_UNPAID)
		return true;
	if (!said_journal(self, work, spent, act == RESOLVE_COMPLETE, &verdict, err))
		return false;
	if (verdict == JOURNAL_DIFFERENT)
		return refuse(self, work, REASON_RESOLVE_STILL_IN_DOUBT, err);
	if (act == RESOLVE_UNPAID)
		return signer_case_end(self, work, STORE_RESOLVE_RELEASE, NULL, err);
	again.has_slot = false;
	again.binds = true;
	again.earlier = spent->slot;
	again.earlier.round = spent->right.round;
	return signer_case_end(self, &again, STORE_RESOLVE_COMPLETE, NULL, err);
}

bool signer_spent_resolve(struct signer *self, const struct work_case *work, bool *ret_answered,
			  struct err *err)
{
	struct work_case of_slot = *work;
	struct spent spent = { .has_own = false };
	*ret_answered = false;
	if (work->has_slot || work->has_earlier || work->row.stage != WITHDRAWAL_QUEUED ||
	    signer_row_distrust(self, &work->row) != NULL || !DEFENCE("spent_has_an_exit"))
		return true;
	if (!spent_find(self, &work->row, &spent, ret_answered, err))
		return false;
	if (!*ret_answered)
		return true;
	of_slot.wallet = signer_wallet_of(self, spent.slot.wallet_id);
	if (of_slot.wallet == NULL || !of_slot.wallet->owned)
		return true;
	if (!spent.is_same)
		return other_request_end(self, &of_slot, err);
	if (spent.slot.stage == TRANSFER_MINED &&
	    strcmp(spent.slot.held_reason, reason_code(REASON_PAYOUT_UNBOUND)) == 0)
		return payout_end(self, &of_slot, &spent.slot, err);
	if (spent.slot.stage != TRANSFER_FINAL)
		return true;
	if (spent.slot.outcome == OUTCOME_FOREIGN)
		return foreign_end(self, &of_slot, &spent, err);
	*ret_answered = lifecycle_outcome_is_unpaid(spent.slot.outcome);
	if (!*ret_answered)
		return true;
	if (work->decision.verdict == RESOLVE_PAID_BY)
		return refuse(self, &of_slot, REASON_RESOLVE_TX_IS_NO_PAYMENT, err);
	return signer_case_end(self, &of_slot, STORE_RESOLVE_RELEASE, NULL, err);
}
