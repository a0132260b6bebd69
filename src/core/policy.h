/* The rules that the processor applies to an accepted withdrawal. Pure: facts in, decision out. */
#ifndef SLUICE_CORE_POLICY_H
#define SLUICE_CORE_POLICY_H

#include "core/catalogue.h"
#include "core/refusal.h"
#include "core/withdrawal.h"

/* Does the configured asset (NULL: none under that symbol) still mean what the row says? False is
 * an edited row or a rebound symbol: hold, never pay. */
bool policy_asset_matches(const struct asset *asset, const struct intent *intent);
/* REFUSAL_NONE allows. */
enum refusal policy_decide(const struct asset *asset, const struct intent *intent);
/* Does an amount of this asset need the signature of an approver? */
bool policy_wants_signature(const struct asset *asset, struct amount amount);
/* The signer's own: limits for one payment, and receivers that are never paid. */
enum refusal policy_signer_decide(const struct catalogue *catalogue, const struct asset *asset,
				  const struct intent *intent);

#endif
