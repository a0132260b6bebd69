/* The chain port against the simulator's node: what holds for a real one holds for it. */
#include "chain_suite.h"

#include "sim/chain_model.h"
#include "sim/chain_node.h"

#define START_MS  1700000000000
#define GWEI      1000000000ULL
#define TOKEN_GAS 60000

static struct {
	struct sim_chain *chain;
	struct sim_node *node;
	struct address token, refusing, burning;
	unsigned token_asset;
	int64_t now_ms;
} place;

static struct address address_named(uint8_t name)
{
	return (struct address){ { 0xaa, [19] = name } };
}

void place_mine(unsigned blocks)
{
	for (unsigned i = 0; i < blocks; i++) {
		place.now_ms += 2000;
		sim_chain_mine(place.chain, place.now_ms);
	}
}

void place_reorg(unsigned blocks)
{
	sim_chain_space_set(place.chain, 0);
	place.now_ms += 2000;
	assert_int_equal(sim_chain_reorg_final(place.chain, blocks, 0, place.now_ms), blocks);
	sim_chain_space_set(place.chain, 1000);
}

void place_pool_drop(void)
{
	(void)sim_node_evict(place.node, 1000);
}

static void fund(struct address wallet, unsigned asset, struct u256 units)
{
	unsigned index;
	assert_true(sim_chain_wallet_of(place.chain, wallet, &index));
	sim_chain_fund(place.chain, index, asset, units);
	place_mine(1);
}

void place_coin(struct address wallet)
{
	struct u256 coin;
	assert_true(u256_from_hex(STR(PLACE_COIN), &coin));
	fund(wallet, 0, coin);
}

void place_mint(struct address wallet, uint64_t units)
{
	fund(wallet, place.token_asset, u256_from_u64(units));
}

struct address place_token(void)
{
	return place.token;
}

struct address place_refusing(void)
{
	return place.refusing;
}

struct address place_burning(void)
{
	return place.burning;
}

static struct sim_node_settings settings_of_place(void)
{
	struct sim_node_settings settings = sim_node_settings_default();
	settings.flavour = SIM_NODE_ANVIL;
	settings.tip_min = GWEI;
	settings.executable_max = CHAIN_BATCH_MAX;
	settings.gapped_max = CHAIN_BATCH_MAX;
	return settings;
}

void place_open(struct chain **ret_chain, unsigned *ret_wallets)
{
	const struct sim_chain_options options = {
		.chain_id = PLACE_CHAIN_ID,
		.time_ms = START_MS,
		.has_finality = true,
		.finality_lag = 2,
		.base_fee = 2 * GWEI,
		.base_fee_min = GWEI,
		.base_fee_max = 4 * GWEI,
		.gas_limit = 300000000,
		.block_txs_max = 100,
	};
	const struct sim_receiver refuses = { .reverts = true };
	place.token = address_named(1);
	place.refusing = address_named(2);
	place.burning = address_named(3);
	place.now_ms = START_MS;
	place.chain = sim_chain_new(&options, sim_random_of(1));
	place.token_asset = sim_chain_token_add(place.chain, place.token, 6, TOKEN_GAS);
	for (unsigned i = 1; i <= PLACE_WALLETS; i++)
		(void)sim_chain_wallet_add(place.chain, wallet_number(i).address, 0);
	sim_chain_receiver_set(place.chain, place.refusing, &refuses);
	sim_chain_receiver_set(place.chain, place.burning, &refuses);
	const struct sim_node_settings settings = settings_of_place();
	place.node = sim_node_add(place.chain, &settings);
	*ret_chain = sim_node_port(place.node);
	*ret_wallets = 0;
}

void place_close(void)
{
	sim_chain_free(place.chain);
}

int main(void)
{
	return chain_suite_run(NULL, 0);
}
