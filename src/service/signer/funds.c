/* What a wallet can still pay: its balance at one explicit block, less everything of ours that is
 * not mined at or below that block. Native payouts and gas share one purse. */
#include "service/signer/signer_parts.h"

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

static void purse_subtract(struct signer *self, const struct signer_wallet *wallet,
			   const struct asset *asset, struct u256 units)
{
	struct purse *purse = asset == NULL ? NULL : purse_of(self, wallet, asset);
	if (purse != NULL)
		purse->left = u256_sub_saturated(purse->left, units);
}

static const struct asset *token_of(const struct signer *self, const struct transfer *slot)
{
	const struct catalogue *catalogue = self->options.catalogue;
	for (size_t i = 0; i < catalogue->assets_len; i++) {
		const struct asset *asset = &catalogue->assets[i];
		if (!asset->is_native &&
		    catalogue_chain_id_of(catalogue, asset) == slot->chain_id &&
		    address_equal(asset->contract, slot->to))
			return asset;
	}
	return NULL;
}

static void slot_subtract(struct signer *self, const struct signer_wallet *wallet,
			  const struct transfer *slot)
{
	const struct asset *native =
		catalogue_native(self->options.catalogue, wallet->row.chain_id);
	purse_subtract(self, wallet, native, slot->value.value);
	purse_subtract(self, wallet, native, gas_ceiling(self, wallet->chain, slot->gas_limit));
	if (slot->is_token)
		purse_subtract(self, wallet, token_of(self, slot), slot->amount.units);
}

/* Slots of a stage that the monitor saw mined above the block that we look at. */
static bool mined_subtract(struct signer *self, const struct signer_wallet *wallet,
			   enum transfer_stage stage, uint64_t block, struct err *err)
{
	struct transfer mined[IN_FLIGHT_MAX];
	struct store_transfer_filter filter = { .wallet_id = wallet->row.id,
						.first = stage,
						.last = stage,
						.mined_block_min = block + 1,
						.mined_block_max = UINT64_MAX,
						.limit = IN_FLIGHT_MAX };
	size_t len = IN_FLIGHT_MAX;
	while (len == IN_FLIGHT_MAX) {
		if (!store_transfers_load(self->options.store, &filter, mined, &len, err))
			return false;
		for (size_t i = 0; i < len; i++)
			slot_subtract(self, wallet, &mined[i]);
		if (len == 0)
			return true;
		filter.has_after = true;
		filter.after_block = mined[len - 1].mined_block;
		filter.after_nonce = mined[len - 1].nonce;
	}
	return true;
}

/* Slots in flight, and those mined above the block: final ones too, when our node lags behind the
 * monitor's. */
static bool wallet_subtract(struct signer *self, const struct signer_wallet *wallet, uint64_t block,
			    struct err *err)
{
	for (size_t i = 0; i < wallet->slots_len; i++)
		slot_subtract(self, wallet, &wallet->slots[i]);
	return mined_subtract(self, wallet, TRANSFER_MINED, block, err) &&
	       mined_subtract(self, wallet, TRANSFER_FINAL, block, err);
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
	if (!signer_head(self, chain, 0, &head, err) ||
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

bool signer_purse_covers(struct signer *self, const struct signer_wallet *wallet,
			 const struct asset *asset, struct amount amount, uint64_t gas_limit)
{
	struct draw draw;
	if (!draw_of(self, wallet, asset, amount, gas_limit, &draw))
		return false;
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
