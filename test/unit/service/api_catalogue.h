/* The deployment that the tests of the API share: one chain, its coin, a token, one wallet. */
#ifndef SLUICE_TEST_UNIT_SERVICE_API_CATALOGUE_H
#define SLUICE_TEST_UNIT_SERVICE_API_CATALOGUE_H

#include "../testing.h"

#include "core/catalogue.h"

#define CHAIN_ID    31337
#define TOKEN_TEXT  "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359"
#define WALLET_TEXT "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
#define PAYEE_TEXT  "0x52908400098527886E0F7030069857D2E4169EE7"

static inline struct address address_of(const char *text)
{
	struct address address;
	assert_int_equal(address_read(str_from(text), &address), ADDRESS_OK);
	return address;
}

static inline struct catalogue *catalogue_make(void)
{
	struct catalogue *catalogue = calloc(1, sizeof *catalogue);
	assert_non_null(catalogue);
	catalogue->chains_len = 1;
	catalogue->chains[0] = (struct chain_params){ .name = "polygon", .chain_id = CHAIN_ID };
	catalogue->assets_len = 2;
	catalogue->assets[0] = (struct asset){ .symbol = "POL", .is_native = true, .decimals = 18 };
	catalogue->assets[1] = (struct asset){ .symbol = "USDC",
					       .contract = address_of(TOKEN_TEXT),
					       .decimals = 6 };
	catalogue->wallets_len = 1;
	catalogue->wallets[0] = (struct wallet_params){ .address = address_of(WALLET_TEXT),
							.key_ref = "test",
							.in_flight_max = 16 };
	return catalogue;
}

#endif
