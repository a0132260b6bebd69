#include "core/catalogue.h"

#include "../testing.h"

static const struct address our_wallet = { { 1 } };
static const struct address other_wallet = { { 2 } };
static const struct address contract = { { 3 } };

static const struct catalogue catalogue = {
	.chains = { { .name = "polygon", .chain_id = 137 }, { .name = "amoy", .chain_id = 80002 } },
	.chains_len = 2,
	.assets = { { .chain = 0, .symbol = "USDC", .contract = { { 3 } } },
		    { .chain = 1, .symbol = "POL", .is_native = true },
		    { .chain = 1, .symbol = "USDC", .contract = { { 4 } } } },
	.assets_len = 3,
	.wallets = { { .chain = 0, .address = { { 1 } } }, { .chain = 1, .address = { { 2 } } } },
	.wallets_len = 2,
};

static void chains_are_found_by_name_and_by_id(void **state)
{
	(void)state;
	assert_ptr_equal(catalogue_chain_by_name(&catalogue, STR("amoy")), &catalogue.chains[1]);
	assert_null(catalogue_chain_by_name(&catalogue, STR("Amoy")));
	assert_ptr_equal(catalogue_chain_by_id(&catalogue, 80002), &catalogue.chains[1]);
	assert_null(catalogue_chain_by_id(&catalogue, 1));
}

/* One symbol may stand for an asset on each of several chains. */
static void an_asset_is_a_symbol_on_a_chain(void **state)
{
	(void)state;
	assert_ptr_equal(catalogue_asset(&catalogue, 137, STR("USDC")), &catalogue.assets[0]);
	assert_ptr_equal(catalogue_asset(&catalogue, 80002, STR("USDC")), &catalogue.assets[2]);
	assert_null(catalogue_asset(&catalogue, 137, STR("POL")));
	assert_null(catalogue_asset(&catalogue, 137, STR("usdc")));
	assert_int_equal(catalogue_chain_id_of(&catalogue, &catalogue.assets[2]), 80002);
	struct asset astray = { .chain = 2 };
	assert_aborts((void)catalogue_chain_id_of(&catalogue, &astray));
}

static void the_native_coin_is_a_chains_own(void **state)
{
	(void)state;
	assert_ptr_equal(catalogue_native(&catalogue, 80002), &catalogue.assets[1]);
	assert_null(catalogue_native(&catalogue, 137));
}

/* What is never paid: our wallets, of any chain, and the contracts of that chain's tokens. */
static void our_wallets_and_tokens_are_known(void **state)
{
	(void)state;
	assert_true(catalogue_is_wallet(&catalogue, our_wallet));
	assert_true(catalogue_is_wallet(&catalogue, other_wallet));
	assert_false(catalogue_is_wallet(&catalogue, contract));
	assert_true(catalogue_is_token(&catalogue, 137, contract));
	assert_false(catalogue_is_token(&catalogue, 80002, contract));
	assert_false(catalogue_is_token(&catalogue, 137, our_wallet));
	/* The native coin's contract is the zero address, and no token. */
	assert_false(catalogue_is_token(&catalogue, 80002, (struct address){ { 0 } }));
}

static void a_wallet_belongs_to_a_chain(void **state)
{
	(void)state;
	assert_ptr_equal(catalogue_wallet(&catalogue, 80002, other_wallet), &catalogue.wallets[1]);
	assert_null(catalogue_wallet(&catalogue, 137, other_wallet));
	assert_null(catalogue_wallet(&catalogue, 137, contract));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains_are_found_by_name_and_by_id),
		cmocka_unit_test(an_asset_is_a_symbol_on_a_chain),
		cmocka_unit_test(the_native_coin_is_a_chains_own),
		cmocka_unit_test(our_wallets_and_tokens_are_known),
		cmocka_unit_test(a_wallet_belongs_to_a_chain),
	};
	return cmocka_run_group_tests_name("core/catalogue", tests, NULL, NULL);
}
