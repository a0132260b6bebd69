/* Why a rule says no: one exhaustive list, also the stable `code` of the API and of failures. */
#ifndef SLUICE_CORE_REFUSAL_H
#define SLUICE_CORE_REFUSAL_H

#include "base/str.h"

/* Stored as text (refusal_code), never as a number; codes are never renamed. */
enum refusal {
	REFUSAL_NONE = 0,
	/* of a request */
	REFUSAL_CHAIN_UNKNOWN,
	REFUSAL_ASSET_UNKNOWN,
	REFUSAL_ADDRESS_MALFORMED,
	REFUSAL_ADDRESS_CHECKSUM,
	REFUSAL_ADDRESS_ZERO,
	REFUSAL_ADDRESS_IS_TOKEN,
	REFUSAL_ADDRESS_IS_OURS,
	REFUSAL_AMOUNT_MALFORMED,
	REFUSAL_AMOUNT_DECIMALS,
	REFUSAL_AMOUNT_TOO_LARGE,
	REFUSAL_AMOUNT_NOT_POSITIVE,
	/* of the processor's rules */
	REFUSAL_BELOW_MINIMUM,
	REFUSAL_ABOVE_MAXIMUM,
	REFUSAL_POLICY_DENIED,
	REFUSAL_POLICY_NO_RULE,
	REFUSAL_LIMIT_EXCEEDED,
	REFUSAL_RECEIVER_DENIED,
	REFUSAL_RECEIVER_LOOKS_ALIKE,
	REFUSAL_RECEIVER_IS_CONTRACT,
	REFUSAL_APPROVAL_DENIED,
	REFUSAL_APPROVAL_TIMEOUT,
	REFUSAL_SCREENING_DENIED,
	/* of the signer */
	REFUSAL_SIGNER_LIMIT,
	REFUSAL_FEE_ABOVE_CAP,
	REFUSAL_RECEIVER_REFUSES,
	REFUSAL_CANCELED,
	REFUSAL_COUNT,
};

/* Snake case, for instance "address_is_ours"; "" for REFUSAL_NONE. Static storage. */
const char *refusal_code(enum refusal refusal);
bool refusal_read(struct str code, enum refusal *ret_refusal);
/* Is it one of the processor's rules? */
bool refusal_is_of_rules(enum refusal refusal);
/* A sentence for people. */
const char *refusal_text(enum refusal refusal);

#endif
