/* Chains, assets and wallets: texts into core/catalogue.h, with what must hold between them. */
#include "cmd/config_texts.h"

#include "base/check.h"
#include "base/hex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GWEI_DECIMALS   9
#define NATIVE_DECIMALS 18 /* the native coin's base unit is the wei */

/* Where a complaint belongs: "assets[3].min". */
struct spot {
	const struct config_lines *lines;
	const char *list;
	size_t index;
	struct err *err;
};

static bool refuse(const struct spot *spot, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool refuse(const struct spot *spot, const char *key, const char *format, ...)
{
	char path_bytes[CONFIG_PATH_LEN_MAX + 1], text[ERR_TEXT_LEN];
	struct buf path = buf_of(path_bytes, sizeof path_bytes);
	buf_format(&path, "%s[%zu]%s%s", spot->list, spot->index, key[0] != '\0' ? "." : "", key);
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return config_lines_refuse(spot->lines, buf_terminated(&path), spot->err, "%s", text);
}

/* "0" is zero: none. The rule has refused everything that is no decimal. */
static bool decimal_read(const struct spot *spot, const char *key, const char *text,
			 unsigned decimals, struct amount *ret_amount)
{
	switch (amount_read(str_from(text), decimals, ret_amount)) {
	case AMOUNT_OK:
		return true;
	case AMOUNT_NOT_POSITIVE:
		ret_amount->units = u256_zero();
		return true;
	case AMOUNT_TOO_MANY_DECIMALS:
		return refuse(spot, key, "\"%s\" has more than %u decimals", text, decimals);
	case AMOUNT_TOO_LARGE:
		return refuse(spot, key, "\"%s\" is too large", text);
	case AMOUNT_MALFORMED:
		break;
	}
	return refuse(spot, key, "\"%s\" is no decimal", text);
}

static bool gwei_read(const struct spot *spot, const char *key, const char *text,
		      struct wei *ret_wei)
{
	struct amount amount;
	if (!decimal_read(spot, key, text, GWEI_DECIMALS, &amount))
		return false;
	*ret_wei = (struct wei){ amount.units };
	return true;
}

static bool fees_read(const struct spot *spot, const struct config_text_chain *text,
		      struct fee_limits *ret_fees)
{
	struct amount slot_max;
	if (!gwei_read(spot, "tip_min_gwei", text->tip_min_gwei, &ret_fees->tip_min) ||
	    !gwei_read(spot, "fee_cap_max_gwei", text->fee_cap_max_gwei, &ret_fees->cap_max) ||
	    !decimal_read(spot, "slot_fee_max", text->slot_fee_max, NATIVE_DECIMALS, &slot_max))
		return false;
	ret_fees->slot_fee_max = wei_of_amount(slot_max);
	if (u256_is_zero(ret_fees->cap_max.value))
		return refuse(spot, "fee_cap_max_gwei", "must not be 0");
	if (wei_compare(ret_fees->tip_min, ret_fees->cap_max) > 0)
		return refuse(spot, "tip_min_gwei", "is above fee_cap_max_gwei");
	return true;
}

static bool chain_read(struct config *config, const struct spot *spot,
		       const struct config_text_chain *text)
{
	struct catalogue *catalogue = &config->catalogue;
	uint64_t id = config_u64(text->chain_id);
	if (catalogue_chain_by_name(catalogue, str_from(text->name)) != NULL)
		return refuse(spot, "name", "\"%s\" is used twice", text->name);
	if (catalogue_chain_by_id(catalogue, id) != NULL)
		return refuse(spot, "chain_id", "%s is used twice", text->chain_id);
	if ((text->rpc_count > 0) == (text->rpc_file != NULL))
		return refuse(spot, "rpc", "give either rpc or rpc_file");
	struct chain_params *chain = &catalogue->chains[catalogue->chains_len];
	CHECK(str_copy(str_from(text->name), chain->name, sizeof chain->name));
	chain->chain_id = id;
	chain->has_finality = config_bool(text->finality);
	chain->depth_paid = config_u64(text->confirmations);
	chain->depth_unpaid = config_u64(text->unpaid_confirmations);
	if (chain->depth_unpaid < chain->depth_paid)
		return refuse(spot, "unpaid_confirmations", "is below confirmations");
	if (!fees_read(spot, text, &chain->fees))
		return false;
	chain->bump_after_ms = (int64_t)config_u64(text->bump_after_s) * 1000;
	chain->rebroadcast_after_ms = (int64_t)config_u64(text->rebroadcast_after_s) * 1000;
	chain->poll_ms = (int64_t)config_u64(text->poll_ms);
	chain->native_gas_limit = config_u64(text->native_gas_limit);
	struct config_chain *ends = &config->chains[catalogue->chains_len];
	ends->rpc_len = text->rpc_count;
	for (size_t i = 0; i < text->rpc_count; i++)
		ends->rpc[i] = text->rpc[i];
	if (config_urls_repeat(ends->rpc, ends->rpc_len))
		return refuse(spot, "rpc", "a URL is in it twice");
	ends->rpc_file = text->rpc_file;
	ends->ws = text->ws;
	ends->rpc_timeout_ms = (int64_t)config_u64(text->rpc_timeout_ms);
	catalogue->chains_len++;
	return true;
}

static bool chain_find(const struct spot *spot, const struct catalogue *catalogue, const char *name,
		       size_t *ret_index)
{
	const struct chain_params *chain = catalogue_chain_by_name(catalogue, str_from(name));
	if (chain == NULL)
		return refuse(spot, "chain", "there is no chain \"%s\"", name);
	*ret_index = (size_t)(chain - catalogue->chains);
	return true;
}

static bool contract_read(const struct catalogue *catalogue, const struct spot *spot,
			  const struct config_text_asset *text, struct asset *asset)
{
	uint64_t chain_id = catalogue->chains[asset->chain].chain_id;
	asset->is_native = config_bool(text->native);
	if (asset->is_native == (text->contract != NULL))
		return refuse(spot, "", "give either native: true or a contract");
	if (asset->is_native) {
		if (catalogue_native(catalogue, chain_id) != NULL)
			return refuse(spot, "native", "the chain has a native coin already");
		asset->decimals = NATIVE_DECIMALS;
		if (config_u64(text->decimals) != NATIVE_DECIMALS)
			return refuse(spot, "decimals", "the native coin has %d", NATIVE_DECIMALS);
		return true;
	}
	CHECK(address_read(str_from(text->contract), &asset->contract) == ADDRESS_OK);
	if (address_is_zero(asset->contract))
		return refuse(spot, "contract", "is the zero address");
	if (catalogue_is_token(catalogue, chain_id, asset->contract))
		return refuse(spot, "contract", "is used twice");
	if (text->decimals == NULL)
		return refuse(spot, "decimals", "is missing");
	asset->decimals = (unsigned)config_u64(text->decimals);
	return true;
}

/* Zero is none, which is above everything. */
static bool limit_exceeds(struct amount low, struct amount high)
{
	return !amount_is_zero(low) && !amount_is_zero(high) && amount_compare(low, high) > 0;
}

static bool limits_read(const struct spot *spot, const struct config_text_asset *text,
			struct asset *asset)
{
	unsigned decimals = asset->decimals;
	if (!decimal_read(spot, "min", text->min, decimals, &asset->minimum) ||
	    !decimal_read(spot, "max", text->max, decimals, &asset->maximum) ||
	    !decimal_read(spot, "signature_above", text->signature_above, decimals,
			  &asset->signature_above) ||
	    !decimal_read(spot, "signer_max", text->signer_max, decimals, &asset->payment_max) ||
	    !decimal_read(spot, "hour_max", text->hour_max, decimals, &asset->hour_max) ||
	    !decimal_read(spot, "day_max", text->day_max, decimals, &asset->day_max))
		return false;
	if (limit_exceeds(asset->minimum, asset->maximum))
		return refuse(spot, "min", "is above max");
	if (limit_exceeds(asset->minimum, asset->payment_max))
		return refuse(spot, "min", "is above signer_max");
	/* A payment above its window's limit would wait for ever. */
	if (limit_exceeds(asset->payment_max, asset->hour_max))
		return refuse(spot, "signer_max", "is above hour_max");
	if (limit_exceeds(asset->payment_max, asset->day_max))
		return refuse(spot, "signer_max", "is above day_max");
	if (limit_exceeds(asset->hour_max, asset->day_max))
		return refuse(spot, "hour_max", "is above day_max");
	return true;
}

static bool asset_read(struct config *config, const struct spot *spot,
		       const struct config_text_asset *text)
{
	struct catalogue *catalogue = &config->catalogue;
	struct asset *asset = &catalogue->assets[catalogue->assets_len];
	if (!chain_find(spot, catalogue, text->chain, &asset->chain))
		return false;
	const struct chain_params *chain = &catalogue->chains[asset->chain];
	if (catalogue_asset(catalogue, chain->chain_id, str_from(text->symbol)) != NULL)
		return refuse(spot, "symbol", "\"%s\" is used twice on %s", text->symbol,
			      chain->name);
	CHECK(str_copy(str_from(text->symbol), asset->symbol, sizeof asset->symbol));
	if (!contract_read(catalogue, spot, text, asset) || !limits_read(spot, text, asset))
		return false;
	asset->gas_floor = config_u64(text->gas_floor);
	asset->gas_ceiling = config_u64(text->gas_ceiling);
	if (asset->gas_floor > asset->gas_ceiling)
		return refuse(spot, "gas_floor", "is above gas_ceiling");
	if (amount_is_zero(asset->payment_max))
		config_warn(config, "%s on %s: the signer has no limit per payout (signer_max)",
			    asset->symbol, chain->name);
	else if (amount_is_zero(asset->maximum) ||
		 limit_exceeds(asset->maximum, asset->payment_max))
		config_warn(config,
			    "%s on %s: payouts above signer_max are accepted, and then rejected",
			    asset->symbol, chain->name);
	catalogue->assets_len++;
	return true;
}

static bool wallet_read(struct config *config, const struct spot *spot,
			const struct config_text_wallet *text)
{
	struct catalogue *catalogue = &config->catalogue;
	struct wallet_params *wallet = &catalogue->wallets[catalogue->wallets_len];
	if (!chain_find(spot, catalogue, text->chain, &wallet->chain))
		return false;
	uint64_t chain_id = catalogue->chains[wallet->chain].chain_id;
	CHECK(address_read(str_from(text->address), &wallet->address) == ADDRESS_OK);
	if (address_is_zero(wallet->address))
		return refuse(spot, "address", "is the zero address");
	if (catalogue_wallet(catalogue, chain_id, wallet->address) != NULL)
		return refuse(spot, "address", "is used twice on %s", text->chain);
	if (catalogue_is_token(catalogue, chain_id, wallet->address))
		return refuse(spot, "address", "is the contract of an asset");
	for (size_t i = 0; i < catalogue->wallets_len; i++)
		if (catalogue->wallets[i].chain == wallet->chain &&
		    strcmp(catalogue->wallets[i].key_ref, text->key) == 0)
			return refuse(spot, "key", "\"%s\" is used twice on %s", text->key,
				      text->chain);
	CHECK(str_copy(str_from(text->key), wallet->key_ref, sizeof wallet->key_ref));
	wallet->in_flight_max = (unsigned)config_u64(text->in_flight);
	wallet->fresh = config_bool(text->fresh);
	catalogue->wallets_len++;
	return true;
}

static bool approver_read(struct config *config, const struct spot *spot,
			  const struct config_text_approver *text)
{
	struct catalogue *catalogue = &config->catalogue;
	struct approver_params *approver = &catalogue->approvers[catalogue->approvers_len];
	CHECK(str_copy(str_from(text->name), approver->name, sizeof approver->name));
	if (!hex_read(str_from(text->key), approver->key, sizeof approver->key))
		return refuse(spot, "key", "is no key of 64 hexadecimal digits");
	for (size_t i = 0; i < catalogue->approvers_len; i++)
		if (memcmp(catalogue->approvers[i].key, approver->key, sizeof approver->key) == 0)
			return refuse(spot, "key", "is used twice");
	catalogue->approvers_len++;
	return true;
}

/* A payment that nobody can sign would wait until its time is up. */
static bool signatures_check(const struct config *config, struct spot *spot)
{
	const struct catalogue *catalogue = &config->catalogue;
	spot->list = "assets";
	for (spot->index = 0; spot->index < catalogue->assets_len; spot->index++)
		if (!amount_is_zero(catalogue->assets[spot->index].signature_above) &&
		    catalogue->approvers_len == 0)
			return refuse(spot, "signature_above",
				      "needs `approvers`, and there are none");
	return true;
}

static void chains_warn(struct config *config)
{
	const struct catalogue *catalogue = &config->catalogue;
	for (size_t i = 0; i < catalogue->chains_len; i++) {
		const char *name = catalogue->chains[i].name;
		bool has_wallet = false;
		for (size_t j = 0; j < catalogue->wallets_len; j++)
			has_wallet = has_wallet || catalogue->wallets[j].chain == i;
		if (!has_wallet)
			config_warn(config, "chain %s has no wallet", name);
		if (catalogue_native(catalogue, catalogue->chains[i].chain_id) == NULL)
			config_warn(config, "chain %s names no native coin among the assets", name);
	}
}

bool config_catalogue_read(struct config *config, struct err *err)
{
	const struct config_text *text = config->texts->text;
	const struct config_lines *lines = config->texts->lines;
	if (text->chains_count == 0)
		return config_lines_refuse(lines, "chains", err, "at least one is needed");
	if (text->assets_count == 0)
		return config_lines_refuse(lines, "assets", err, "at least one is needed");
	if (text->wallets_count == 0)
		return config_lines_refuse(lines, "wallets", err,
					   "at least one is needed (`sluice keys new` makes them)");
	struct spot spot = { .lines = lines, .list = "chains", .err = err };
	for (spot.index = 0; spot.index < text->chains_count; spot.index++)
		if (!chain_read(config, &spot, &text->chains[spot.index]))
			return false;
	spot.list = "assets";
	for (spot.index = 0; spot.index < text->assets_count; spot.index++)
		if (!asset_read(config, &spot, &text->assets[spot.index]))
			return false;
	spot.list = "wallets";
	for (spot.index = 0; spot.index < text->wallets_count; spot.index++)
		if (!wallet_read(config, &spot, &text->wallets[spot.index]))
			return false;
	spot.list = "approvers";
	for (spot.index = 0; spot.index < text->approvers_count; spot.index++)
		if (!approver_read(config, &spot, &text->approvers[spot.index]))
			return false;
	if (!signatures_check(config, &spot))
		return false;
	chains_warn(config);
	return true;
}
