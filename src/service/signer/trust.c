/* What the signer believes. Rows of the store are what its writers wrote only if MACs, journal and
 * the signer's own configuration say the same; whatever differs pays nobody (T7, T8).
 *
 * A withdrawal row is believed by its two MACs. A slot is derived anew from that row, and its right
 * is the journal's to give. Stored bytes are believed by their own signature. */
#include "service/signer/signer_loss.h"

#include "base/defence.h"
#include "core/policy.h"
#include "core/reason.h"
#include "core/transfer.h"
#include "port/store_policy.h"

#include <string.h>

const char *signer_row_distrust(const struct signer *self, const struct withdrawal *row)
{
	const struct signer_options *options = &self->options;
	const struct asset *asset = catalogue_asset(options->catalogue, row->intent.chain_id,
						    str_from(row->intent.asset));
	if (DEFENCE("intent_mac") && !intent_mac_verify(&options->intent_keys, options->deployment,
							&row->intent, &row->intent_mac))
		return reason_code(REASON_INTENT_MAC_INVALID);
	if (DEFENCE("approval_mac") &&
	    !approval_mac_verify(&options->approval_keys, &row->intent, &row->intent_mac,
				 &row->approval, &row->approval_mac))
		return reason_code(REASON_APPROVAL_MAC_INVALID);
	if (DEFENCE("asset_is_pinned") && !policy_asset_matches(asset, &row->intent))
		return reason_code(REASON_ASSET_MISMATCH);
	if (row->round >= ATTEMPTS_MAX) /* more than are read of the journal */
		return reason_code(REASON_ROUNDS_DO_NOT_MATCH_JOURNAL);
	return NULL;
}

/* The slot says what the row says, field by field: its payload hash is no secret, and an editor can
 * make one to his taste. */
static bool payload_matches(const struct signer_wallet *wallet, const struct transfer *slot,
			    const struct withdrawal *row)
{
	struct transfer derived = *slot;
	if (row->intent.chain_id != wallet->row.chain_id)
		return false;
	transfer_bind(&derived, &row->intent);
	return address_equal(derived.to, slot->to) &&
	       wei_compare(derived.value, slot->value) == 0 && derived.is_token == slot->is_token &&
	       address_equal(derived.receiver, slot->receiver) &&
	       amount_compare(derived.amount, slot->amount) == 0 &&
	       hash32_equal(transfer_payload_hash(&derived), slot->payload_hash);
}

const char *signer_slot_distrust(const struct signer *self, const struct signer_wallet *wallet,
				 const struct transfer *slot, const struct withdrawal *row)
{
	if (row == NULL)
		return reason_code(REASON_WITHDRAWAL_MISSING);
	const char *distrust = signer_row_distrust(self, row);
	if (distrust != NULL)
		return distrust;
	bool bound = row->stage == WITHDRAWAL_ASSIGNED && row->round == slot->round &&
		     id_equal(row->transfer, slot->id);
	if ((!bound && DEFENCE("slot_is_of_its_row")) ||
	    (!payload_matches(wallet, slot, row) && DEFENCE("slot_matches_row")))
		return reason_code(REASON_PAYLOAD_MISMATCH);
	return NULL;
}

void signer_row_name(const struct signer *self, const struct withdrawal *row,
		     struct journal_name *ret_name)
{
	ret_name->withdrawal = row->intent.id;
	pay_tag_make(self->options.pay_tag_key, &row->intent, ret_name->pay_tag);
}

/* Above an asset's threshold neither API nor processor can make an approval, nor both together. */
bool signer_signature_look(struct signer *self, const struct withdrawal *row, bool *ret_signed,
			   struct err *err)
{
	const struct signer_options *options = &self->options;
	const struct asset *asset = catalogue_asset(options->catalogue, row->intent.chain_id,
						    str_from(row->intent.asset));
	struct vote votes[VOTES_MAX];
	size_t n = 0;
	uint64_t version = row->approval.policy_version;
	*ret_signed = asset == NULL || !policy_wants_signature(asset, row->intent.amount) ||
		      !DEFENCE("large_payments_are_signed");
	if (*ret_signed)
		return true;
	if (!store_votes_load(options->store, row->intent.id, version, votes, &n, err))
		return false;
	*ret_signed = votes_are_signed(options->catalogue, row, version, votes, n);
	return true;
}

bool signer_rights_load(struct signer *self, const struct withdrawal *row,
			struct journal_right ret_rights[ATTEMPTS_MAX], size_t *ret_len,
			struct err *err)
{
	struct journal_name name;
	signer_row_name(self, row, &name);
	return signer_rights_under(self, &name, ret_rights, ATTEMPTS_MAX, ret_len, err);
}

static bool is_slot(const struct journal_slot *journaled, const struct transfer *slot)
{
	return journaled->chain_id == slot->chain_id && journaled->nonce == slot->nonce &&
	       address_equal(journaled->wallet, slot->wallet);
}

/* Why the journal does not let this slot pay: NULL, or the reason. *ret_spent: the right stands
 * there already, spent on this very slot. */
static const char *rights_judge(const struct journal_right *rights, size_t n,
				const struct transfer *slot, bool *ret_spent)
{
	uint32_t before = 0;
	*ret_spent = false;
	if (!DEFENCE("journal_right"))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		bool same = id_equal(rights[i].withdrawal, slot->withdrawal);
		if (same && rights[i].is_void)
			return RIGHT_IS_VOID;
		bool later = rights[i].round > slot->round;
		if (later || (!same && rights[i].round == slot->round))
			return reason_code(REASON_RIGHT_ALREADY_SPENT);
		if (rights[i].round < slot->round)
			before++;
		else if (is_slot(&rights[i].slot, slot))
			*ret_spent = true;
		else
			return reason_code(REASON_RIGHT_ALREADY_SPENT);
	}
	return before == slot->round ? NULL : reason_code(REASON_ROUNDS_DO_NOT_MATCH_JOURNAL);
}

bool signer_rights_judge(struct signer *self, const struct transfer *slot,
			 const struct withdrawal *row, const char **ret_distrust, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	bool spent = false;
	size_t n = 0;
	if (!signer_rights_load(self, row, rights, &n, err))
		return false;
	*ret_distrust = rights_judge(rights, n, slot, &spent);
	if (*ret_distrust != NULL && strcmp(*ret_distrust, RIGHT_IS_VOID) == 0)
		*ret_distrust = NULL;
	return true;
}

/* Is it the turn of the slot's round, by the journal, and by the chain for the rounds before? */
static bool round_is_next(struct signer *self, const struct transfer *slot,
			  const struct withdrawal *row, const char **ret_distrust, bool *ret_spent,
			  bool *ret_wait, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	enum round_verdict verdict = ROUND_UNPAID;
	size_t n = 0;
	*ret_wait = false;
	if (!signer_rights_load(self, row, rights, &n, err))
		return false;
	*ret_distrust = rights_judge(rights, n, slot, ret_spent);
	if (*ret_distrust != NULL || slot->round == 0)
		return true;
	/* Nothing of this round is signed yet: the rounds before are proved as for a new slot, even
	 * if they were when the right was spent; the chain may have taken that back. */
	if (!signer_round_judge(self, row, slot->round - 1, &verdict, err))
		return false;
	*ret_distrust = signer_round_distrust(verdict);
	*ret_wait = verdict == ROUND_UNPROVEN;
	return true;
}

/* Its approval verifies, and pays nobody: it is the question, or the refusal. Who writes the store
 * can give such a row a slot, and the look at how long it is good is made before one is taken. */
static bool is_approved(const struct withdrawal *row)
{
	return row->approval.expires_at > APPROVAL_ASKS || !DEFENCE("slot_is_approved");
}

bool signer_slot_may_pay(struct signer *self, const struct transfer *slot,
			 const struct withdrawal *row, const char **ret_distrust, bool *ret_spent,
			 bool *ret_wait, struct err *err)
{
	if (!round_is_next(self, slot, row, ret_distrust, ret_spent, ret_wait, err))
		return false;
	bool is_signed = true;
	if (*ret_distrust != NULL || *ret_spent || *ret_wait)
		return true;
	if (!is_approved(row)) {
		*ret_distrust = reason_code(REASON_APPROVAL_MAC_INVALID);
		return true;
	}
	if (!signer_signature_look(self, row, &is_signed, err))
		return false;
	if (!is_signed)
		*ret_distrust = reason_code(REASON_APPROVER_SIGNATURE_MISSING);
	return !is_signed || signer_loss_judge(self, row, ret_distrust, err);
}

bool signer_slot_may_end(struct signer *self, const struct transfer *slot,
			 const struct withdrawal *row, bool *ret_may, bool *ret_wait,
			 struct err *err)
{
	const char *distrust = NULL;
	bool spent = false;
	bool wait = false;
	*ret_may = *ret_wait = false;
	if (row == NULL)
		return true;
	*ret_may = !DEFENCE("rights_go_in_turn");
	if (*ret_may || row->stage != WITHDRAWAL_ASSIGNED || row->round != slot->round ||
	    !id_equal(row->transfer, slot->id))
		return true;
	/* What people have to look at first goes on behind this round all the same. */
	if (!round_is_next(self, slot, row, &distrust, &spent, &wait, err))
		return false;
	*ret_may = distrust == NULL && !spent && !wait;
	*ret_wait = distrust == NULL && !spent && wait;
	return true;
}

static bool is_self_transfer(const struct tx *tx, struct address wallet)
{
	return address_equal(tx->to, wallet) && u256_is_zero(tx->value.value) && tx->data_len == 0;
}

bool signer_attempt_read(const struct attempt *attempt, struct tx *ret_tx,
			 struct tx_signature *ret_signature)
{
	struct str raw = str_from_bytes(attempt->raw, attempt->raw_len);
	return hash32_equal(tx_hash_of(raw), attempt->tx_hash) &&
	       tx_read_signed(raw, ret_tx, ret_signature);
}

bool signer_attempt_is_signed(const struct signer *self, const struct signer_wallet *wallet,
			      uint64_t nonce, const struct attempt *attempt, struct tx *ret_tx,
			      bool *ret_pays)
{
	struct tx_signature signature;
	struct address signed_by;
	if (!signer_attempt_read(attempt, ret_tx, &signature) ||
	    ret_tx->chain_id != wallet->row.chain_id || ret_tx->nonce != nonce ||
	    !signature_recover(self->context, tx_signing_hash(ret_tx), &signature, &signed_by) ||
	    !address_equal(signed_by, wallet->params->address))
		return false;
	*ret_pays = !is_self_transfer(ret_tx, wallet->params->address);
	return true;
}

bool signer_attempt_judge(struct signer *self, const struct signer_wallet *wallet,
			  const struct transfer *slot, const struct attempt *attempt,
			  struct tx *ret_tx, struct attempt_word *ret_word, struct err *err)
{
	struct tx_signature signature;
	struct journal_slot key = { slot->chain_id, slot->wallet, slot->nonce };
	struct hash32 pay_hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	bool has_pay = false;
	*ret_word = (struct attempt_word){ 0 };
	if (!DEFENCE("stored_bytes_judged")) {
		ret_word->ours = signer_attempt_read(attempt, ret_tx, &signature);
		ret_word->pays = !is_self_transfer(ret_tx, wallet->params->address);
		return true;
	}
	if (!signer_attempt_is_signed(self, wallet, slot->nonce, attempt, ret_tx, &ret_word->pays))
		return true;
	if (!journal_slot_of(self->options.journal, &key, &has_pay, &ret_word->canceled, &pay_hash,
			     &ceiling, &attempts, err))
		return false;
	ret_word->ours = ret_word->canceled;
	if (ret_word->pays)
		ret_word->ours =
			has_pay && hash32_equal(pay_hash, tx_payload_hash(ret_tx, slot->wallet));
	return true;
}

/* Is that what people said, in the signer's own journal? */
static bool is_paid_elsewhere(const struct signer *self, const struct journal_resolution *said,
			      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (hash32_equal(said->tx_hash, self->attempts[i].tx_hash))
			return false;
	return said->is_paid;
}

bool signer_attempt_choose(struct signer *self, const struct withdrawal *row,
			   const struct transfer *slot, size_t n, size_t *ret_chosen,
			   struct err *err)
{
	struct journal_resolution said;
	bool any = false;
	*ret_chosen = n - 1;
	if (row->stage != WITHDRAWAL_COMPLETED || !id_equal(row->transfer, slot->id) ||
	    !DEFENCE("paid_is_paid_again"))
		return true;
	if (!journal_resolution_of(self->options.journal, row->intent.id, slot->round, &any, &said,
				   err))
		return false;
	if (any && is_paid_elsewhere(self, &said, n))
		return true;
	while (*ret_chosen > 0 && self->attempts[*ret_chosen].is_cancel)
		(*ret_chosen)--;
	if (self->attempts[*ret_chosen].is_cancel)
		*ret_chosen = n - 1;
	return true;
}
