/* Fees of an attempt: the market's, or the last attempt's plus an eighth, within limits.
 * Source: EIP-1559; geth and bor replace a pooled transaction when tip and cap both rise by 10 %.
 */
#ifndef SLUICE_CORE_FEE_H
#define SLUICE_CORE_FEE_H

#include "core/amount.h"
#include "core/refusal.h"

struct fees {
	struct wei tip; /* maxPriorityFeePerGas, wei per gas */
	struct wei cap; /* maxFeePerGas, wei per gas; tip <= cap */
};

struct fee_market {
	struct wei base_fee; /* of the newest block */
	struct wei tip;      /* what the node suggests, or the configured minimum if higher */
};

struct fee_limits {
	struct wei tip_min;      /* Polygon refuses tips below 25 gwei */
	struct wei cap_max;      /* per gas */
	struct wei slot_fee_max; /* gas limit × cap over the life of a slot; zero means no limit */
};

/* Chooses the fees of the next attempt of a slot.
 *
 * market     tip and base fee of the last blocks, wei per gas.
 * last       fees of the newest attempt, or NULL for the first one.
 * gas_limit  of the attempt, for the limit in money.
 * ret_fees   tip <= cap; cap = 2 × base fee + tip of the market (survives 14 worst-case blocks);
 * with `last`, both at least +12.5 % over it, rounded up.
 *
 * Refuses with REFUSAL_FEE_ABOVE_CAP when what is needed passes `limits`: a first attempt waits, a
 * bump re-sends the newest bytes and waits. Needed is base + tip, and with `last` the bump; an
 * attempt that gets that, while 2 × base + tip passes the limit, takes the limit. CHECKs
 * gas_limit > 0. Pure.
 */
MUST_CHECK enum refusal fee_choose(const struct fee_market *market, const struct fees *last,
				   uint64_t gas_limit, const struct fee_limits *limits,
				   struct fees *ret_fees);
/* Has the market's tip passed what these fees can still pay on top of the base fee, by more than
 * one bump? A smaller difference is not worth one. */
bool fee_is_underbid(const struct fee_market *market, const struct fees *fees);
/* a × 9 / 8, rounded up; false on overflow. */
MUST_CHECK bool fee_bump(struct wei a, struct wei *ret_bumped);
/* estimate × 1.25, rounded up, then within floor and ceiling (CHECKs floor <= ceiling). An estimate
 * above the ceiling is the caller's to refuse. */
uint64_t gas_limit_of_estimate(uint64_t estimate, uint64_t floor, uint64_t ceiling);

#endif
