#include "core/catalogue.h"

#include <stddef.h>

const struct chain_params *catalogue_chain_by_name(const struct catalogue *catalogue,
						   struct str name)
{
	for (size_t i = 0; i < catalogue->chains_len; i++)
		if (str_equal_text(name, catalogue->chains[i].name))
			return &catalogue->chains[i];
	return NULL;
}

const struct chain_params *catalogue_chain_by_id(const struct catalogue *catalogue,
						 uint64_t chain_id)
{
	for (size_t i = 0; i < catalogue->chains_len; i++)
		if (catalogue->chains[i].chain_id == chain_id)
			return &catalogue->chains[i];
	return NULL;
}

uint64_t catalogue_chain_id_of(const struct catalogue *catalogue, const struct asset *asset)
{
	CHECK(asset->chain < catalogue->chains_len);
	return catalogue->chains[asset->chain].chain_id;
}

const struct asset *catalogue_asset(const struct catalogue *catalogue, uint64_t chain_id,
				    struct str symbol)
{
	for (size_t i = 0; i < catalogue->assets_len; i++) {
		const struct asset *asset = &catalogue->assets[i];
		if (catalogue_chain_id_of(catalogue, asset) == chain_id &&
		    str_equal_text(symbol, asset->symbol))
			return asset;
	}
	return NULL;
}

const struct asset *catalogue_native(const struct catalogue *catalogue, uint64_t chain_id)
{
	for (size_t i = 0; i < catalogue->assets_len; i++) {
		const struct asset *asset = &catalogue->assets[i];
		if (catalogue_chain_id_of(catalogue, asset) == chain_id && asset->is_native)
			return asset;
	}
	return NULL;
}

bool catalogue_is_wallet(const struct catalogue *catalogue, struct address address)
{
	for (size_t i = 0; i < catalogue->wallets_len; i++)
		if (address_equal(catalogue->wallets[i].address, address))
			return true;
	return false;
}

bool catalogue_is_token(const struct catalogue *catalogue, uint64_t chain_id,
			struct address address)
{
	for (size_t i = 0; i < catalogue->assets_len; i++) {
		const struct asset *asset = &catalogue->assets[i];
		if (!asset->is_native && catalogue_chain_id_of(catalogue, asset) == chain_id &&
		    address_equal(asset->contract, address))
			return true;
	}
	return false;
}

const struct wallet_params *catalogue_wallet(const struct catalogue *catalogue, uint64_t chain_id,
					     struct address address)
{
	for (size_t i = 0; i < catalogue->wallets_len; i++) {
		const struct wallet_params *wallet = &catalogue->wallets[i];
		CHECK(wallet->chain < catalogue->chains_len);
		if (catalogue->chains[wallet->chain].chain_id == chain_id &&
		    address_equal(wallet->address, address))
			return wallet;
	}
	return NULL;
}
