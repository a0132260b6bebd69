/* Wallets for people who run Sluice: which are stopped and why, and the way back when a person has
 * looked. Knows neither terminal nor HTTP. */
#ifndef SLUICE_SERVICE_ADMIN_WALLETS_H
#define SLUICE_SERVICE_ADMIN_WALLETS_H

#include "core/catalogue.h"
#include "port/store_transfer.h"

#define WALLET_START_REASON_MAX 160 /* bytes; the audit keeps it within 512, escaped */

struct admin_wallets {
	struct store *store; /* all borrowed */
	const struct catalogue *catalogue;
	const char *who; /* for the audit record: the user's name */
};

/* Up to WALLETS_MAX wallets as the store has them, also those that the configuration does not name
 * or whose chain it does not: catalogue_wallet tells. */
MUST_CHECK bool admin_wallets_list(const struct admin_wallets *admin,
				   struct wallet ret_wallets[WALLETS_MAX], size_t *ret_len,
				   struct err *err);
/* Lets a stopped wallet pay again. reason: 1 to WALLET_START_REASON_MAX bytes of UTF-8 without
 * control characters, for the audit record. ret_wallet: as it was before. REFUSED when there is no
 * such wallet, when it is not stopped, or when the journal knows more than the store and `force` is
 * not given. */
MUST_CHECK bool admin_wallet_start(const struct admin_wallets *admin, const char *chain,
				   const char *address, const char *reason, bool force,
				   int64_t now_ms, struct wallet *ret_wallet, struct err *err);

/* Lets a store that was restored and reconciled pay again: all wallets that are `recovered`.
 * REFUSED while one still recovers, and when there is none. */
MUST_CHECK bool admin_unpause(const struct admin_wallets *admin, const char *reason, int64_t now_ms,
			      size_t *ret_started, struct err *err);

#endif
