/* What the signer's wallets can pay, what they may, and what they have paid: purses, limits, the
 * journal's sums, and claims on funds. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_MONEY_H
#define SLUICE_SERVICE_SIGNER_SIGNER_MONEY_H

#include "core/catalogue.h"
#include "port/journal.h"
#include "service/signer/signer_names.h"

struct signer;
struct signer_wallet;
struct candidate;

/* A purse of one wallet: what is left of one asset after all that is in flight. */
struct purse {
	struct signer_wallet *wallet;
	const struct asset *asset; /* native or token */
	bool known;
	struct u256 left;
};

#define PURSES_MAX 256

/* What a wallet's payments of an asset add up to: journaled, reserved, and chosen in this step. */
struct limit_sum {
	const struct signer_wallet *wallet;
	const struct asset *asset;
	struct amount hour;
	struct amount day;
};

/* What the journal says that a wallet has paid of an asset. */
struct spending {
	struct limit_window *window;  /* NULL before it is first used */
	bool has_window;              /* it holds every right up to */
	int64_t window_at;            /* this place of the journal */
	bool has_total;               /* it is what was paid */
	struct journal_span total_of; /* in this span, up to */
	int64_t total_at;             /* this place */
	struct amount total;
};

/* A payout for which funds of its asset are set aside (core/funds.h). */
struct funds_claim {
	bool stands;
	struct id withdrawal; /* the last one that was told of, when none stands */
	struct amount amount;
	int64_t from_ms;
};

/* funds.c */
/* Reads what the wallets of a chain hold at one block and subtracts all that is not mined there. */
MUST_CHECK bool signer_purses_load(struct signer *self, size_t chain, struct err *err);
/* Do the wallet's purses cover amount and gas (at the fee ceiling)? Taking CHECKs that they are
 * known. */
bool signer_purse_covers(struct signer *self, const struct signer_wallet *wallet,
			 const struct asset *asset, struct amount amount, uint64_t gas_limit);
/* What a payout takes of the purse of its asset, and what that purse has now (0 when nobody knows).
 */
struct u256 signer_purse_draw(const struct signer *self, const struct asset *asset,
			      struct amount amount, uint64_t gas_limit);
struct u256 signer_purse_left(struct signer *self, const struct signer_wallet *wallet,
			      const struct asset *asset);
void signer_purse_take(struct signer *self, const struct signer_wallet *wallet,
		       const struct asset *asset, struct amount amount, uint64_t gas_limit);

/* spending.c */
void signer_spending_init(struct signer *self); /* wallets_len is known */
void signer_spending_deinit(struct signer *self);
/* What was appended to the journal since is read once for each batch; this begins one. */
void signer_spending_look_again(struct signer *self);
/* The wallet changes hands: what is known of it is read anew. */
void signer_spending_forget(struct signer *self, const struct signer_wallet *wallet);
/* What the wallet has paid of the asset in the last hour and day, by the journal as it is now.
 * *ret_window stays the signer's, until the next call. */
MUST_CHECK bool signer_spending_window(struct signer *self, const struct signer_wallet *wallet,
				       const struct asset *asset,
				       const struct limit_window **ret_window, struct err *err);
/* What it has paid of the asset in a span. */
MUST_CHECK bool signer_spending_total(struct signer *self, const struct signer_wallet *wallet,
				      const struct asset *asset, const struct journal_span *span,
				      struct amount *ret_total, struct err *err);

/* passed_over.c */
/* Which payouts of a chain have a claim on funds, with this step's candidates. */
MUST_CHECK bool signer_claims_refresh(struct signer *self, size_t chain, struct err *err);
/* Does a candidate that the wallet's purses cover leave there what is set aside for an older one?
 */
MUST_CHECK bool signer_claims_allow(struct signer *self, const struct candidate *candidate,
				    const struct signer_wallet *wallet, bool *ret_allowed,
				    struct err *err);

#endif
