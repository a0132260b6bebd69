/* What a wallet can still pay: its balance at one explicit block, less everything of ours that is
 * not mined at or below that block. Native payouts and gas share one purse. */
#include "service/signer/signer_parts.h"

#include "base/defence.h"

#include <string.h>

static struct purse *purse_of(struct signer *self, const struct signer_wallet *wallet,
			      const struct asset *asset)
{
	for (size_t i = 0; i < self->purses_len; i++)
		if (self->purses[i].wallet == wallet && self->purses[i].asset == asset)
			return &self->purses[i];
	return NULL;
}

static void purse_add(struct signer *self, struct signer_wallet *wallet, const struct asset *asset)
{
	if (asset == NULL || purse_of(self, wallet, asset) != NULL)
		return;
	CHECK(self->purses_len < PURSES_MAX);
	self->purses[self->purses_len++] =
		(struct purse){ .wallet = wallet, .asset = asset, .left = u256_zero() };
}

/* The purses that this step's candidates can need, as far as there is room: the rest waits a step.
 */
static void purses_collect(struct signer *self, size_t chain)
{
	const struct asset *native = catalogue_native(
		self->options.catalogue, self->options.catalogue->chains[chain].chain_id);
	self->purses_len = 0;
	for (size_t i = 0; i < self->wallets_len; i++) {
		struct signer_wallet *wallet = &self->wallets[i];
		if (wallet->chain != chain || !signer_wallet_can_reserve(wallet))
			continue;
		if (self->purses_len + ASSETS_MAX + 1 > PURSES_MAX)
			return;
		purse_add(self, wallet, native);
		for (size_t k = 0; k < self->candidates_len; k++)
			if (self->candidates[k].asset->chain == chain)
				purse_add(self, wallet, self->candidates[k].asset);
	}
}

static struct u256 gas_ceiling(const struct signer *self, size_t chain, uint64_t gas_limit)
{
	struct wei cost;
	if (!wei_of_gas(gas_limit, self->options.catalogue->chains[chain].fees.cap_max, &cost))
		return u256_max();
	return cost.value;
}

/* What the wallet's slots take of its purses: those in flight, and those mined above the block,
 * final ones too, when our node lags behind the monitor's. */
static bool wallet_subtract(struct signer *self, const struct signer_wallet *wallet, uint64_t block,
			    struct err *err)
{
	struct store_taken taken[ASSETS_MAX + 1];
	struct purse *purses[ASSETS_MAX + 1];
	uint64_t gas = 0;
	size_t n = 0;
	for (size_t i = 0; i < self->purses_len; i++) {
		if (self->purses[i].wallet != wallet)
			continue;
		CHECK(n < ASSETS_MAX + 1);
		taken[n].contract = self->purses[i].asset->contract;
		purses[n++] = &self->purses[i];
	}
	if (n == 0 || !DEFENCE("funds_under_way"))
		return true;
	if (!store_taken_load(self->options.store, wallet->row.id, block, taken, n, &gas, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		purses[i]->left = u256_sub_saturated(purses[i]->left, taken[i].amount.units);
		if (purses[i]->asset->is_native)
			purses[i]->left = u256_sub_saturated(purses[i]->left,
							     gas_ceiling(self, wallet->chain, gas));
	}
	return true;
}

static bool balances_read(struct signer *self, size_t chain, uint64_t block, struct err *err)
{
	for (size_t from = 0; from < self->purses_len; from += CHAIN_BATCH_MAX) {
		struct chain_balance_query queries[CHAIN_BATCH_MAX];
		struct chain_balance balances[CHAIN_BATCH_MAX];
		size_t left = self->purses_len - from;
		size_t n = left < CHAIN_BATCH_MAX ? left : CHAIN_BATCH_MAX;
		for (size_t i = 0; i < n; i++) {
			const struct purse *purse = &self->purses[from + i];
			queries[i] = (struct chain_balance_query){
				.owner = purse->wallet->row.address,
				.is_token = !purse->asset->is_native,
				.token = purse->asset->contract,
			};
		}
		if (!chain_balances(self->options.chains[chain], block, queries, n, balances, err))
			return false;
		for (size_t i = 0; i < n; i++) {
			self->purses[from + i].known = balances[i].known;
			if (balances[i].known)
				self->purses[from + i].left = balances[i].units;
		}
	}
	return true;
}

bool signer_purses_load(struct signer *self, size_t chain, struct err *err)
{
	struct chain_head head;
	purses_collect(self, chain);
	if (self->purses_len == 0)
		return true;
	if (!signer_head(self, chain, HEAD_AGE_MS, &head, err) ||
	    !balances_read(self, chain, head.number, err))
		return false;
	for (size_t i = 0; i < self->wallets_len; i++) {
		const struct signer_wallet *wallet = &self->wallets[i];
		if (wallet->chain == chain && signer_wallet_can_reserve(wallet) &&
		    !wallet_subtract(self, wallet, head.number, err))
			return false;
	}
	return true;
}

/* The purses that a payout draws on: what it takes of the native coin, and of the asset. */
struct draw {
	struct purse *gas;
	struct purse *pays;
	struct u256 from_gas; /* everything, when the asset is the native coin */
};

static bool draw_of(struct signer *self, const struct signer_wallet *wallet,
		    const struct asset *asset, struct amount amount, uint64_t gas_limit,
		    struct draw *ret_draw)
{
	const struct asset *native =
		catalogue_native(self->options.catalogue, wallet->row.chain_id);
	ret_draw->gas = native == NULL ? NULL : purse_of(self, wallet, native);
	ret_draw->pays = purse_of(self, wallet, asset);
	ret_draw->from_gas = gas_ceiling(self, wallet->chain, gas_limit);
	if (asset->is_native)
		ret_draw->from_gas = u256_add_saturated(ret_draw->from_gas, amount.units);
	return ret_draw->gas != NULL && ret_draw->pays != NULL && ret_draw->gas->known &&
	       ret_draw->pays->known;
}

struct u256 signer_purse_draw(const struct signer *self, const struct asset *asset,
			      struct amount amount, uint64_t gas_limit)
{
	if (!asset->is_native)
		return amount.units;
	return u256_add_saturated(amount.units, gas_ceiling(self, asset->chain, gas_limit));
}

struct u256 signer_purse_left(struct signer *self, const struct signer_wallet *wallet,
			      const struct asset *asset)
{
	const struct purse *purse = purse_of(self, wallet, asset);
	return purse == NULL || !purse->known ? u256_zero() : purse->left;
}

bool signer_purse_covers(struct signer *self, const struct signer_wallet *wallet,
			 const struct asset *asset, struct amount amount, uint64_t gas_limit)
{
	struct draw draw;
	if (!draw_of(self, wallet, asset, amount, gas_limit, &draw))
		return false;
	if (!DEFENCE("funds_cover"))
		return true;
	return u256_compare(draw.gas->left, draw.from_gas) >= 0 &&
	       (asset->is_native || u256_compare(draw.pays->left, amount.units) >= 0);
}

void signer_purse_take(struct signer *self, const struct signer_wallet *wallet,
		       const struct asset *asset, struct amount amount, uint64_t gas_limit)
{
	struct draw draw;
	CHECK(draw_of(self, wallet, asset, amount, gas_limit, &draw));
	draw.gas->left = u256_sub_saturated(draw.gas->left, draw.from_gas);
	if (!asset->is_native)
		draw.pays->left = u256_sub_saturated(draw.pays->left, amount.units);
}
