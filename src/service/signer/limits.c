/* The signer's own limits of an hour and a day, per wallet and asset. What counts is the journal:
 * it cannot be edited. Slots that are reserved and not journaled yet are added. */
#include "service/signer/signer_trust.h"

#include "base/defence.h"
#include "core/reason.h"

static struct limit_sum *sum_find(struct signer *self, const struct signer_wallet *wallet,
				  const struct asset *asset)
{
	for (size_t i = 0; i < self->sums_len; i++)
		if (self->sums[i].wallet == wallet && self->sums[i].asset == asset)
			return &self->sums[i];
	return NULL;
}

static void sum_add(struct limit_sum *sum, struct amount amount)
{
	sum->hour.units = u256_add_saturated(sum->hour.units, amount.units);
	sum->day.units = u256_add_saturated(sum->day.units, amount.units);
}

static bool is_of_asset(const struct transfer *slot, const struct asset *asset)
{
	if (asset->is_native)
		return !slot->is_token;
	return slot->is_token && address_equal(slot->to, asset->contract);
}

static bool slot_add(struct signer *self, struct limit_sum *sum, const struct transfer *slot,
		     struct err *err)
{
	struct journal_slot key = { slot->chain_id, slot->wallet, slot->nonce };
	struct hash32 pay_hash;
	struct wei ceiling;
	uint32_t attempts = 0;
	bool has_pay = false;
	bool has_cancel = false;
	if (slot->stage != TRANSFER_RESERVED || slot->is_cancel || !is_of_asset(slot, sum->asset))
		return true;
	if (!journal_slot_of(self->options.journal, &key, &has_pay, &has_cancel, &pay_hash,
			     &ceiling, &attempts, err))
		return false;
	if (!has_pay)
		sum_add(sum, slot->amount);
	return true;
}

/* First the slots, then the rights: what is journaled in between counts twice, and never not. */
static bool sum_load(struct signer *self, const struct signer_wallet *wallet,
		     const struct asset *asset, struct limit_sum *ret_sum, struct err *err)
{
	const struct limit_window *window = NULL;
	*ret_sum = (struct limit_sum){ .wallet = wallet, .asset = asset };
	for (size_t i = 0; i < wallet->slots_fresh_from; i++)
		if (!slot_add(self, ret_sum, &wallet->slots[i], err))
			return false;
	if (!signer_spending_window(self, wallet, asset, &window, err))
		return false;
	ret_sum->hour.units = u256_add_saturated(ret_sum->hour.units, window->hour.units);
	ret_sum->day.units = u256_add_saturated(ret_sum->day.units, window->day.units);
	return true;
}

static bool is_above(struct amount sum, struct amount more, struct amount limit)
{
	sum.units = u256_add_saturated(sum.units, more.units);
	return !amount_is_zero(limit) && amount_compare(sum, limit) > 0;
}

bool signer_limit_judge(struct signer *self, const struct signer_wallet *wallet,
			const struct asset *asset, struct amount amount, const char **ret_reason,
			struct err *err)
{
	*ret_reason = NULL;
	if (!DEFENCE("signer_limits") ||
	    (amount_is_zero(asset->hour_max) && amount_is_zero(asset->day_max)))
		return true;
	struct limit_sum *sum = sum_find(self, wallet, asset);
	if (sum == NULL && self->sums_len == PURSES_MAX) {
		*ret_reason = reason_code(REASON_SLOT); /* no room to count in: the next step has */
		return true;
	}
	if (sum == NULL) {
		sum = &self->sums[self->sums_len];
		if (!sum_load(self, wallet, asset, sum, err))
			return false;
		self->sums_len++;
	}
	if (is_above(sum->hour, amount, asset->hour_max))
		*ret_reason = reason_code(REASON_HOUR_LIMIT);
	else if (is_above(sum->day, amount, asset->day_max))
		*ret_reason = reason_code(REASON_DAY_LIMIT);
	return true;
}

void signer_limit_take(struct signer *self, const struct signer_wallet *wallet,
		       const struct asset *asset, struct amount amount)
{
	struct limit_sum *sum = sum_find(self, wallet, asset);
	if (sum != NULL)
		sum_add(sum, amount);
}

void signer_limit_give_back(struct signer *self, const struct signer_wallet *wallet,
			    const struct asset *asset, struct amount amount)
{
	struct limit_sum *sum = sum_find(self, wallet, asset);
	if (sum == NULL)
		return;
	sum->hour.units = u256_sub_saturated(sum->hour.units, amount.units);
	sum->day.units = u256_sub_saturated(sum->day.units, amount.units);
}
