#include "core/refusal.h"

#include "base/check.h"

struct refusal_row {
	const char *code;
	const char *text;
};

static const struct refusal_row rows[REFUSAL_COUNT] = {
	[REFUSAL_NONE] = { "", "" },
	[REFUSAL_CHAIN_UNKNOWN] = { "chain_unknown", "this chain is not configured" },
	[REFUSAL_ASSET_UNKNOWN] = { "asset_unknown", "this asset is not configured on this chain" },
	[REFUSAL_ADDRESS_MALFORMED] = { "address_malformed",
					"an address is 0x and 40 hexadecimal digits" },
	[REFUSAL_ADDRESS_CHECKSUM] = { "address_checksum",
				       "the letters' case does not match the EIP-55 checksum" },
	[REFUSAL_ADDRESS_ZERO] = { "address_zero", "the zero address cannot be paid" },
	[REFUSAL_ADDRESS_IS_TOKEN] = { "address_is_token",
				       "a token's own contract cannot be paid" },
	[REFUSAL_ADDRESS_IS_OURS] = { "address_is_ours",
				      "the address is one of the paying wallets" },
	[REFUSAL_AMOUNT_MALFORMED] = { "amount_malformed",
				       "an amount is a decimal string such as \"12.5\"" },
	[REFUSAL_AMOUNT_DECIMALS] = { "amount_decimals",
				      "more digits after the point than the asset has" },
	[REFUSAL_AMOUNT_TOO_LARGE] = { "amount_too_large",
				       "the amount is 2^256 base units or more" },
	[REFUSAL_AMOUNT_NOT_POSITIVE] = { "amount_not_positive",
					  "the amount must be greater than zero" },
	[REFUSAL_BELOW_MINIMUM] = { "below_minimum", "the amount is below the asset's minimum" },
	[REFUSAL_ABOVE_MAXIMUM] = { "above_maximum", "the amount is above the asset's maximum" },
	[REFUSAL_POLICY_DENIED] = { "policy_denied", "a rule of the policy denies it" },
	[REFUSAL_POLICY_NO_RULE] = { "policy_no_rule", "no rule of the policy allows it" },
	[REFUSAL_LIMIT_EXCEEDED] = { "limit_exceeded", "a limit of the policy has no room for it" },
	[REFUSAL_RECEIVER_DENIED] = { "receiver_denied", "the receiver is on the deny-list" },
	[REFUSAL_RECEIVER_LOOKS_ALIKE] = { "receiver_looks_alike",
					   "the receiver has the first and last digits of another "
					   "one that the account knows" },
	[REFUSAL_RECEIVER_IS_CONTRACT] = { "receiver_is_contract", "the receiver is a contract" },
	[REFUSAL_APPROVAL_DENIED] = { "approval_denied", "a person who was asked says no" },
	[REFUSAL_APPROVAL_TIMEOUT] = { "approval_timeout",
				       "not enough people approved it in time" },
	[REFUSAL_SCREENING_DENIED] = { "screening_denied", "the screening service denies it" },
	[REFUSAL_SIGNER_LIMIT] = { "signer_limit", "the signer's own limit for one payment" },
	[REFUSAL_FEE_ABOVE_CAP] = { "fee_above_cap", "fees are above the configured cap" },
	[REFUSAL_RECEIVER_REFUSES] = { "receiver_refuses",
				       "the receiver does not take the payment" },
	[REFUSAL_CANCELED] = { "canceled", "canceled on request" },
};

const char *refusal_code(enum refusal refusal)
{
	CHECK(refusal < REFUSAL_COUNT);
	return rows[refusal].code;
}

const char *refusal_text(enum refusal refusal)
{
	CHECK(refusal < REFUSAL_COUNT);
	return rows[refusal].text;
}

bool refusal_read(struct str code, enum refusal *ret_refusal)
{
	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
		if (str_equal_text(code, rows[i].code)) {
			*ret_refusal = (enum refusal)i;
			return true;
		}
	}
	return false;
}

bool refusal_is_of_rules(enum refusal refusal)
{
	return refusal >= REFUSAL_BELOW_MINIMUM && refusal < REFUSAL_SIGNER_LIMIT;
}
