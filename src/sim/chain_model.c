/* Who is there, what is set, and the answers to checkers. */
#include "sim/chain_model.h"

#include "sim/chain_parts.h"

#include <stdlib.h>

#define GWEI         1000000000U
#define BASE_FEE     (30 * (uint64_t)GWEI)
#define BASE_FEE_MIN (10 * (uint64_t)GWEI)
#define BASE_FEE_MAX (200 * (uint64_t)GWEI)
#define GAS_LIMIT    30000000
#define BLOCK_TXS    60

static void genesis_add(struct sim_chain *chain)
{
	chain->branches = sim_grown(NULL, &chain->branches_cap, 1, sizeof *chain->branches);
	chain->branches[chain->branches_len++] =
		(struct sim_branch){ .first = 0, .parent = SIM_NONE };
	uint32_t block = sim_block_begin(chain, 0, chain->options.time_ms, chain->options.base_fee);
	sim_block_end(chain, block);
	chain->moments = sim_grown(NULL, &chain->moments_cap, 1, sizeof *chain->moments);
	chain->moments[chain->moments_len++] = (struct sim_moment){ .head = block };
}

static void options_complete(struct sim_chain_options *options)
{
	if (options->base_fee == 0)
		options->base_fee = BASE_FEE;
	if (options->base_fee_min == 0)
		options->base_fee_min = BASE_FEE_MIN;
	if (options->base_fee_max == 0)
		options->base_fee_max = BASE_FEE_MAX;
	if (options->gas_limit == 0)
		options->gas_limit = GAS_LIMIT;
	if (options->block_txs_max == 0)
		options->block_txs_max = BLOCK_TXS;
	CHECK(options->chain_id > 0);
	CHECK(options->base_fee_min <= options->base_fee);
	CHECK(options->base_fee <= options->base_fee_max);
	/* A foreign transaction of each wallet comes before them all. */
	CHECK(options->block_txs_max + SIM_CHAIN_WALLETS <= SIM_BLOCK_TXS_MAX);
}

struct sim_chain *sim_chain_new(const struct sim_chain_options *options, struct sim_random random)
{
	struct sim_chain *chain = calloc(1, sizeof *chain);
	CHECK(chain != NULL);
	chain->options = *options;
	options_complete(&chain->options);
	chain->random = random;
	chain->signatures = signature_context_new();
	chain->space_per_mille = 1000;
	chain->assets_len = 1;
	genesis_add(chain);
	return chain;
}

void sim_chain_free(struct sim_chain *chain)
{
	if (chain == NULL)
		return;
	for (size_t i = 0; i < chain->nodes_len; i++)
		free(chain->nodes[i]);
	for (size_t i = 0; i < SIM_CHAIN_WALLETS; i++)
		free(chain->consumers[i].inclusions);
	signature_context_free(chain->signatures);
	sim_table_deinit(&chain->party_of);
	sim_table_deinit(&chain->tx_of);
	free(chain->parties);
	free(chain->deposits);
	free(chain->txs);
	free(chain->inclusions);
	free(chain->blocks);
	free(chain->branches);
	free(chain->canonical);
	free(chain->moments);
	free(chain->gossip);
	free(chain);
}

/* ---- who is there ---- */

unsigned sim_chain_wallet_add(struct sim_chain *chain, struct address address, uint64_t first_nonce)
{
	uint32_t party = sim_party_of(chain, address);
	CHECK(chain->blocks_len == 1 && chain->wallets_len < SIM_CHAIN_WALLETS);
	CHECK(chain->parties[party].wallet == SIM_NONE && chain->parties[party].asset == 0);
	unsigned wallet = (unsigned)chain->wallets_len++;
	chain->parties[party].wallet = wallet;
	chain->wallets[wallet] = party;
	chain->first_nonces[wallet] = first_nonce;
	chain->blocks[0].state.nonces[wallet] = first_nonce;
	return wallet;
}

unsigned sim_chain_token_add(struct sim_chain *chain, struct address contract, unsigned decimals,
			     uint64_t gas)
{
	uint32_t party = sim_party_of(chain, contract);
	CHECK(chain->blocks_len == 1 && chain->assets_len < SIM_CHAIN_ASSETS);
	CHECK(chain->parties[party].wallet == SIM_NONE && chain->parties[party].asset == 0);
	unsigned asset = (unsigned)chain->assets_len++;
	chain->parties[party].asset = asset;
	chain->tokens[asset].party = party;
	chain->tokens[asset].decimals = decimals;
	chain->tokens[asset].gas = gas;
	return asset;
}

static const struct sim_party *party_find(const struct sim_chain *chain, struct address address)
{
	uint32_t id = sim_table_find(&chain->party_of, sim_table_key(address));
	return id == SIM_NONE ? NULL : &chain->parties[id];
}

bool sim_chain_wallet_of(const struct sim_chain *chain, struct address address,
			 unsigned *ret_wallet)
{
	const struct sim_party *party = party_find(chain, address);
	if (party == NULL || party->wallet == SIM_NONE)
		return false;
	*ret_wallet = party->wallet;
	return true;
}

bool sim_chain_asset_of(const struct sim_chain *chain, struct address contract, unsigned *ret_asset)
{
	const struct sim_party *party = party_find(chain, contract);
	if (party == NULL || party->asset == 0)
		return false;
	*ret_asset = party->asset;
	return true;
}

/* ---- what is set ---- */

void sim_chain_token_mode_set(struct sim_chain *chain, unsigned asset, enum sim_token_mode mode)
{
	CHECK(asset >= 1 && asset < chain->assets_len && mode < SIM_TOKEN_MODES);
	chain->tokens[asset].mode = mode;
}

void sim_chain_receiver_set(struct sim_chain *chain, struct address address,
			    const struct sim_receiver *receiver)
{
	CHECK(receiver->token_mode < SIM_TOKEN_MODES);
	chain->parties[sim_party_of(chain, address)].receiver = *receiver;
}

void sim_chain_fund(struct sim_chain *chain, unsigned wallet, unsigned asset, struct u256 units)
{
	CHECK(wallet < chain->wallets_len && asset < chain->assets_len);
	chain->deposits = sim_grown(chain->deposits, &chain->deposits_cap, chain->deposits_len + 1,
				    sizeof *chain->deposits);
	chain->deposits[chain->deposits_len++] =
		(struct sim_deposit){ .wallet = wallet, .asset = asset, .units = units };
}

void sim_chain_finality_stall(struct sim_chain *chain, bool stalls)
{
	chain->finality_stalls = stalls;
}

void sim_chain_base_fee_set(struct sim_chain *chain, uint64_t base_fee, uint64_t blocks)
{
	CHECK(base_fee < UINT64_MAX / 4); /* sums of it stay in range */
	chain->fee_set = base_fee;
	chain->fee_set_blocks = blocks;
}

void sim_chain_space_set(struct sim_chain *chain, unsigned per_mille)
{
	CHECK(per_mille <= 1000);
	chain->space_per_mille = per_mille;
}

void sim_chain_foreign(struct sim_chain *chain, unsigned wallet, struct address to,
		       struct u256 value)
{
	CHECK(wallet < chain->wallets_len);
	chain->foreign[wallet].waits = true;
	chain->foreign[wallet].to = to;
	chain->foreign[wallet].value = value;
}

/* ---- the truth ---- */

uint64_t sim_chain_head(const struct sim_chain *chain)
{
	return chain->canonical_len - 1;
}

uint64_t sim_chain_finalized(const struct sim_chain *chain)
{
	return chain->moments[chain->moments_len - 1].finalized;
}

bool sim_chain_block(const struct sim_chain *chain, uint64_t number, struct sim_block *ret_block)
{
	if (number >= chain->canonical_len)
		return false;
	const struct sim_tree_block *block = &chain->blocks[chain->canonical[number]];
	*ret_block = (struct sim_block){ .number = number,
					 .hash = block->hash,
					 .time_ms = block->time_ms,
					 .base_fee = block->base_fee,
					 .txs_len = block->inclusions_len };
	if (block->parent != SIM_NONE)
		ret_block->parent = chain->blocks[block->parent].hash;
	return true;
}

static struct sim_mined mined_of(const struct sim_chain *chain, uint32_t id)
{
	const struct sim_inclusion *inclusion = &chain->inclusions[id];
	const struct sim_tree_block *block = &chain->blocks[inclusion->block];
	const struct sim_tx *tx = &chain->txs[inclusion->tx];
	return (struct sim_mined){ .tx_hash = tx->hash,
				   .block_hash = block->hash,
				   .block_number = block->number,
				   .nonce = tx->nonce,
				   .wallet = tx->call.wallet,
				   .success = inclusion->success,
				   .is_foreign = tx->is_foreign,
				   .paid_asset = inclusion->asset,
				   .is_odd = inclusion->is_token && inclusion->success &&
					     inclusion->mode != SIM_TOKEN_GOOD,
				   .paid_to = chain->parties[inclusion->receiver].address,
				   .paid = inclusion->paid };
}

bool sim_chain_consumer(const struct sim_chain *chain, unsigned wallet, uint64_t nonce,
			struct sim_mined *ret_mined)
{
	CHECK(wallet < chain->wallets_len);
	uint64_t first = chain->first_nonces[wallet];
	if (nonce < first || nonce - first >= chain->consumers[wallet].len)
		return false;
	*ret_mined = mined_of(chain, chain->consumers[wallet].inclusions[nonce - first]);
	return true;
}

bool sim_chain_mined(const struct sim_chain *chain, struct hash32 tx_hash,
		     struct sim_mined *ret_mined)
{
	uint32_t tx = sim_table_find(&chain->tx_of, tx_hash);
	if (tx == SIM_NONE)
		return false;
	uint32_t inclusion = sim_inclusion_seen(chain, tx, sim_head_block(chain));
	if (inclusion == SIM_NONE)
		return false;
	*ret_mined = mined_of(chain, inclusion);
	return true;
}

bool sim_chain_was_mined(const struct sim_chain *chain, struct hash32 tx_hash)
{
	uint32_t tx = sim_table_find(&chain->tx_of, tx_hash);
	return tx != SIM_NONE && chain->txs[tx].newest != SIM_NONE;
}

void sim_chain_payments(const struct sim_chain *chain, unsigned asset, struct address to,
			struct sim_payments *ret_payments)
{
	const struct sim_party *party = party_find(chain, to);
	CHECK(asset < chain->assets_len);
	*ret_payments = (struct sim_payments){ 0 };
	if (party == NULL || party->payments[asset].count == 0)
		return;
	ret_payments->count = party->payments[asset].count;
	ret_payments->sum = party->payments[asset].sum;
	ret_payments->newest = mined_of(chain, party->payments[asset].newest);
}

static const struct sim_state *state_of(const struct sim_chain *chain, unsigned wallet)
{
	CHECK(wallet < chain->wallets_len);
	return &chain->blocks[sim_head_block(chain)].state;
}

uint64_t sim_chain_nonce(const struct sim_chain *chain, unsigned wallet)
{
	return state_of(chain, wallet)->nonces[wallet];
}

struct u256 sim_chain_balance(const struct sim_chain *chain, unsigned wallet, unsigned asset)
{
	CHECK(asset < chain->assets_len);
	return state_of(chain, wallet)->balances[wallet][asset];
}

struct u256 sim_chain_fees_paid(const struct sim_chain *chain, unsigned wallet)
{
	return state_of(chain, wallet)->fees[wallet];
}

struct u256 sim_chain_funded(const struct sim_chain *chain, unsigned wallet, unsigned asset)
{
	const struct sim_state *state = state_of(chain, wallet);
	struct u256 sum = u256_zero();
	for (size_t i = 0; i < state->deposits_len; i++)
		if (chain->deposits[i].wallet == wallet && chain->deposits[i].asset == asset)
			sum = sim_plus(sum, chain->deposits[i].units);
	return sum;
}

const struct sim_chain_counts *sim_chain_counts(const struct sim_chain *chain)
{
	return &chain->counts;
}
