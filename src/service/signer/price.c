/* Gas and fees of the next attempt. Only what was reserved in this very step is priced by the
 * estimate of its reservation: the row of an older slot may have been edited, and the chain has
 * moved on. */
#include "service/signer/signer_quote.h"
#include "service/signer/signer_trust.h"

#include "core/reason.h"
#include "core/transfer.h"

/* Fees of the new attempt. What would pass the cap waits: a first attempt in its slot, a bump by
 * sending the newest bytes again. */
static void fees_choose(struct signer *self, struct slot_work *work, const struct fee_market *price)
{
	const struct chain_params *params = &self->options.catalogue->chains[work->wallet->chain];
	struct fees fees;
	enum refusal refusal = fee_choose(price, work->is_bump ? &work->tx.fees : NULL,
					  work->tx.gas_limit, &params->fees, &fees);
	if (refusal != REFUSAL_NONE) {
		signer_tell_slot(self, work->wallet, work->slot, reason_code(REASON_FEE_ABOVE_CAP));
		work->drop = !work->is_bump;
		work->sign = work->is_bump = false;
		return;
	}
	work->tx.fees = fees;
}

/* Gas that this payout can never have: the slot goes to its self-transfer, and the withdrawal goes
 * on by T4. Bytes that are out already may still win; then it was paid. */
static bool payout_give_up(struct signer *self, struct slot_work *work, struct err *err)
{
	if (!work->is_bump)
		return signer_work_turn_cancel(self, work, reason_code(REASON_GAS_ABOVE_CEILING),
					       err);
	signer_log_slot(self, work->slot, "slot_canceled", NULL,
			reason_code(REASON_GAS_ABOVE_CEILING), true);
	signer_work_cancel_sent(self, work);
	return true;
}

static bool gas_apply(struct signer *self, struct slot_work *work,
		      const struct chain_estimate *estimate, uint64_t block_gas_limit,
		      struct err *err)
{
	const struct catalogue *catalogue = self->options.catalogue;
	uint64_t ceiling = signer_gas_ceiling(catalogue, work->wallet->chain, work->asset);
	uint64_t floor = work->asset->gas_floor;
	if (estimate->state != CHAIN_ESTIMATE_OK)
		return true; /* it is as good as it was */
	if (estimate->gas > ceiling || estimate->gas > block_gas_limit)
		return payout_give_up(self, work, err);
	uint64_t gas_limit = gas_limit_of_estimate(estimate->gas, floor, ceiling);
	if (gas_limit > work->tx.gas_limit)
		work->tx.gas_limit = gas_limit;
	return true;
}

static bool is_priced(const struct slot_work *work, size_t chain)
{
	return work->sign && !work->drop && work->wallet->chain == chain;
}

static size_t works_to_estimate(struct signer *self, size_t chain,
				struct slot_work *ret_works[BATCH_MAX],
				struct chain_call ret_calls[BATCH_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < self->work_len; i++) {
		struct slot_work *work = &self->work[i];
		if (!is_priced(work, chain) || work->is_fresh || !work->pays || work->asset == NULL)
			continue;
		ret_calls[n] = (struct chain_call){ .from = work->wallet->row.address,
						    .to = work->tx.to,
						    .value = work->tx.value,
						    .data = work->tx.data,
						    .data_len = work->tx.data_len };
		ret_works[n++] = work;
	}
	return n;
}

/* *ret_answers false: the chain does not answer, and nothing was priced; ret_away says why. */
static bool chain_price(struct signer *self, size_t chain, bool *ret_answers, struct err *ret_away,
			struct err *err)
{
	struct chain_estimate estimates[BATCH_MAX];
	struct chain_call calls[BATCH_MAX];
	struct slot_work *works[BATCH_MAX];
	struct market market;
	size_t n = works_to_estimate(self, chain, works, calls);
	*ret_answers = signer_market(self, chain, &market, ret_away) &&
		       (n == 0 || chain_estimate_many(self->options.chains[chain], calls, n,
						      estimates, ret_away));
	if (!*ret_answers)
		return true;
	for (size_t i = 0; i < n; i++)
		if (!gas_apply(self, works[i], &estimates[i], market.gas_limit, err))
			return false;
	for (size_t i = 0; i < self->work_len; i++)
		if (is_priced(&self->work[i], chain))
			fees_choose(self, &self->work[i], &market.price);
	return true;
}

/* Slots of a chain that is away wait; those of the others go on. */
static void chain_drop(struct signer *self, size_t chain, const struct err *away)
{
	log_line(self->options.log, LOG_WARN,
		 &(struct log_about){ .action = "chain_unavailable", .err = away },
		 "slots wait for the chain");
	for (size_t i = 0; i < self->work_len; i++)
		if (is_priced(&self->work[i], chain))
			self->work[i].drop = true;
}

bool signer_works_price(struct signer *self, struct err *err)
{
	for (size_t chain = 0; chain < self->options.catalogue->chains_len; chain++) {
		struct err away = { 0 };
		bool any = false;
		bool answers = false;
		for (size_t i = 0; i < self->work_len; i++)
			any |= is_priced(&self->work[i], chain);
		if (!any)
			continue;
		if (!chain_price(self, chain, &answers, &away, err))
			return false;
		if (!answers)
			chain_drop(self, chain, &away);
	}
	return true;
}
