#include "core/policy.h"

#include "base/defence.h"

#include <stddef.h>

bool policy_asset_matches(const struct asset *asset, const struct intent *intent)
{
	return asset != NULL && asset->is_native == intent->is_native &&
	       address_equal(asset->contract, intent->contract) &&
	       asset->decimals == intent->decimals;
}

enum refusal policy_decide(const struct asset *asset, const struct intent *intent)
{
	CHECK(policy_asset_matches(asset, intent) || !DEFENCE("asset_is_pinned"));
	if (amount_compare(intent->amount, asset->minimum) < 0)
		return REFUSAL_BELOW_MINIMUM;
	if (!amount_is_zero(asset->maximum) && amount_compare(intent->amount, asset->maximum) > 0)
		return REFUSAL_ABOVE_MAXIMUM;
	return REFUSAL_NONE;
}

bool policy_wants_signature(const struct asset *asset, struct amount amount)
{
	return !amount_is_zero(asset->signature_above) &&
	       amount_compare(amount, asset->signature_above) > 0;
}

enum refusal policy_signer_decide(const struct catalogue *catalogue, const struct asset *asset,
				  const struct intent *intent)
{
	CHECK(policy_asset_matches(asset, intent) || !DEFENCE("asset_is_pinned"));
	if (address_is_zero(intent->to))
		return REFUSAL_ADDRESS_ZERO;
	if (catalogue_is_wallet(catalogue, intent->to))
		return REFUSAL_ADDRESS_IS_OURS;
	if (DEFENCE("tokens_are_not_paid") &&
	    catalogue_is_token(catalogue, intent->chain_id, intent->to))
		return REFUSAL_ADDRESS_IS_TOKEN;
	if (!amount_is_zero(asset->payment_max) &&
	    amount_compare(intent->amount, asset->payment_max) > 0)
		return REFUSAL_SIGNER_LIMIT;
	return REFUSAL_NONE;
}
