/* A payout that lacks funds while smaller ones pass it: after a while funds are set aside for it.
 * Rows and journal tell all that decides, so that a restart changes nothing: since when the oldest
 * one waits is in its row, and what others got since then is in the journal. A claim is found when
 * its payout is looked at, and stands while its row says so. */
#include "service/signer/signer_trust.h"

#include "core/funds.h"

static struct funds_claim *claim_of(struct signer *self, const struct asset *asset)
{
	return &self->claims[asset - self->options.catalogue->assets];
}

/* Its row is read again: another signer, a person or its client may have ended the wait. */
static bool claim_check(struct signer *self, struct funds_claim *claim, struct err *err)
{
	struct withdrawal row;
	bool found = false;
	if (!claim->stands)
		return true;
	if (!store_withdrawals_load(self->options.store, &claim->withdrawal, 1, &row, &found, err))
		return false;
	claim->stands = found && row.stage == WITHDRAWAL_QUEUED && row.funds_since != 0 &&
			row.held_reason[0] == 0 && !row.cancel_requested;
	return true;
}

/* Has this candidate a claim? Of each asset the oldest one counts. */
static void claim_consider(struct signer *self, const struct candidate *candidate)
{
	const struct withdrawal *row = candidate->row;
	struct funds_claim *claim = claim_of(self, candidate->asset);
	int64_t from_ms = 0;
	if (!funds_has_claim(row->funds_since, self->options.passed_over_ms,
			     clock_now_ms(self->options.clock), &from_ms) ||
	    !funds_fit_ceiling(candidate->asset, row->intent.amount) ||
	    (claim->stands && id_compare(claim->withdrawal, row->intent.id) <= 0))
		return;
	if (!id_equal(claim->withdrawal, row->intent.id))
		signer_log(self, row, "withdrawal_passed_over", "funds are set aside for it", true);
	*claim = (struct funds_claim){ .stands = true,
				       .withdrawal = row->intent.id,
				       .amount = row->intent.amount,
				       .from_ms = from_ms };
}

bool signer_claims_refresh(struct signer *self, size_t chain, struct err *err)
{
	const struct catalogue *catalogue = self->options.catalogue;
	if (self->options.passed_over_ms == 0)
		return true;
	for (size_t i = 0; i < catalogue->assets_len; i++)
		if (catalogue->assets[i].chain == chain &&
		    !claim_check(self, &self->claims[i], err))
			return false;
	for (size_t i = 0; i < self->candidates_len; i++)
		if (self->candidates[i].asset->chain == chain)
			claim_consider(self, &self->candidates[i]);
	return true;
}

/* What younger ones of this step's candidates get of the asset from the wallet; ret_met: the
 * claim's own one is among those that have a wallet, whichever. */
static struct u256 chosen_sum(const struct signer *self, const struct asset *asset,
			      const struct signer_wallet *wallet, struct id claimant, bool *ret_met)
{
	struct u256 sum = u256_zero();
	*ret_met = false;
	for (size_t i = 0; i < self->candidates_len; i++) {
		const struct candidate *other = &self->candidates[i];
		if (other->wallet == NULL || other->asset != asset)
			continue;
		*ret_met |= id_equal(other->row->intent.id, claimant);
		if (other->wallet == wallet && id_compare(other->row->intent.id, claimant) > 0)
			sum = u256_add_saturated(sum, other->row->intent.amount.units);
	}
	return sum;
}

bool signer_claims_allow(struct signer *self, const struct candidate *candidate,
			 const struct signer_wallet *wallet, bool *ret_allowed, struct err *err)
{
	const struct asset *asset = candidate->asset;
	const struct funds_claim *claim = claim_of(self, asset);
	struct amount amount = candidate->row->intent.amount;
	uint64_t gas_limit = signer_gas_ceiling(self->options.catalogue, asset->chain, asset);
	const struct journal_span span = { .since_ms = claim->from_ms, .above = claim->withdrawal };
	struct amount spent;
	bool met = false;
	*ret_allowed = true;
	if (!claim->stands || id_compare(candidate->row->intent.id, claim->withdrawal) <= 0)
		return true;
	struct u256 chosen = chosen_sum(self, asset, wallet, claim->withdrawal, &met);
	if (met)
		return true;
	if (!signer_spending_total(self, wallet, asset, &span, &spent, err))
		return false;
	struct u256 left = u256_sub_saturated(signer_purse_left(self, wallet, asset),
					      signer_purse_draw(self, asset, amount, gas_limit));
	struct u256 others = u256_add_saturated(spent.units, chosen);
	*ret_allowed = funds_leave_enough(left, u256_add_saturated(others, amount.units),
					  signer_purse_draw(self, asset, claim->amount, gas_limit));
	return true;
}
