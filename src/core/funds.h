/* Payouts that wait for funds while smaller ones pass them. Pure.
 *
 * A payout that has lacked funds for a while has a claim, the oldest of each asset: from that time
 * on the younger ones get no more of a wallet's purse than stays there. So half of what was there
 * and of what comes is set aside, until it is enough; and what the younger ones got since then,
 * which the rule needs to know, is in the journal. One above the ceiling can never be paid, and has
 * no claim.
 */
#ifndef SLUICE_CORE_FUNDS_H
#define SLUICE_CORE_FUNDS_H

#include "core/catalogue.h"

/* Has a payout that lacks funds since a time (0: it does not) a claim by now? ret_from_ms: since
 * when. A time that is still to come was written under a wrong clock, and is none. */
bool funds_has_claim(int64_t since_ms, int64_t passed_over_ms, int64_t now_ms,
		     int64_t *ret_from_ms);
/* Is the amount within all limits of one wallet: can it ever be paid from one? */
bool funds_fit_ceiling(const struct asset *asset, struct amount amount);
/* May a younger payout draw on a purse?
 *
 * left   what stays in the purse after it.
 * spent  what younger ones got of it since the claim began, this one included.
 * need   what the claim takes of the purse.
 */
bool funds_leave_enough(struct u256 left, struct u256 spent, struct u256 need);

#endif
