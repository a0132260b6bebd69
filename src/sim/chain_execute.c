/* What a transaction does to a state, and the logs that tell of it. */
#include "sim/chain_parts.h"

#include <string.h>

#define GAS_REVERT_NATIVE 2300 /* what a contract gets to say no with */
#define FEE_ON_TRANSFER   100  /* one of so many units */

/* An address that nobody has: where the log of SIM_TOKEN_OTHER_LOG comes from. */
static const struct address other_contract = { {
	0x0d, 0xdc, 0x0d, 0xdc, 0x0d, 0xdc, 0x0d, 0xdc, 0x0d, 0xdc,
	0x0d, 0xdc, 0x0d, 0xdc, 0x0d, 0xdc, 0x0d, 0xdc, 0x0d, 0xdc,
} };

static struct sim_effect reverts(const struct sim_effect *effect, const char *reason)
{
	struct sim_effect reverted = *effect;
	reverted.success = false;
	reverted.reason = reason;
	reverted.leaves = reverted.arrives = u256_zero();
	return reverted;
}

static struct sim_effect native_effect(const struct sim_chain *chain, const struct sim_state *state,
				       const struct sim_call *call)
{
	struct sim_effect effect = { .success = true,
				     .receiver = call->to,
				     .leaves = call->value,
				     .arrives = call->value,
				     .gas = call->gas_intrinsic };
	if (chain->parties[call->to].receiver.reverts) {
		effect.gas += GAS_REVERT_NATIVE;
		return reverts(&effect, "execution reverted");
	}
	if (u256_compare(state->balances[call->wallet][0], call->value) < 0)
		return reverts(&effect, "insufficient balance for transfer");
	return effect;
}

/* What arrives of what leaves. */
static struct u256 arrival_of(enum sim_token_mode mode, struct u256 amount)
{
	uint64_t rest;
	struct u256 fee = u256_div_u64(amount, FEE_ON_TRANSFER, &rest);
	if (mode != SIM_TOKEN_OTHER_AMOUNT)
		return amount;
	return u256_sub_saturated(amount, u256_is_zero(fee) ? u256_from_u64(1) : fee);
}

static enum sim_token_mode mode_of(const struct sim_chain *chain, const struct sim_call *call,
				   unsigned asset)
{
	enum sim_token_mode own = chain->parties[call->receiver].receiver.token_mode;
	/* Nobody gets anything from a paused token. */
	if (chain->tokens[asset].mode == SIM_TOKEN_PAUSED || own == SIM_TOKEN_GOOD)
		return chain->tokens[asset].mode;
	return own;
}

static struct sim_effect token_effect(const struct sim_chain *chain, const struct sim_state *state,
				      const struct sim_call *call, unsigned asset)
{
	struct sim_effect effect = { .success = true,
				     .is_token = true,
				     .mode = mode_of(chain, call, asset),
				     .asset = asset,
				     .receiver = call->receiver,
				     .leaves = call->amount,
				     .gas = chain->tokens[asset].gas };
	if (effect.gas < call->gas_intrinsic)
		effect.gas = call->gas_intrinsic;
	if (!u256_is_zero(call->value))
		return reverts(&effect, "execution reverted");
	if (effect.mode == SIM_TOKEN_PAUSED)
		return reverts(&effect, "execution reverted: Pausable: paused");
	if (chain->parties[call->receiver].receiver.blocked)
		return reverts(&effect,
			       "execution reverted: Blacklistable: account is blacklisted");
	if (address_is_zero(chain->parties[call->receiver].address))
		return reverts(&effect, "execution reverted: ERC20: transfer to the zero address");
	if (u256_compare(state->balances[call->wallet][asset], call->amount) < 0)
		return reverts(&effect,
			       "execution reverted: ERC20: transfer amount exceeds balance");
	if (effect.mode == SIM_TOKEN_SAYS_FALSE)
		effect.leaves = u256_zero();
	else
		effect.arrives = arrival_of(effect.mode, call->amount);
	return effect;
}

struct sim_effect sim_effect_of(const struct sim_chain *chain, const struct sim_state *state,
				const struct sim_call *call)
{
	CHECK(call->wallet < chain->wallets_len);
	unsigned asset = chain->parties[call->to].asset;
	if (asset != 0 && call->is_transfer)
		return token_effect(chain, state, call, asset);
	return native_effect(chain, state, call);
}

bool sim_tx_fits(const struct sim_tx *tx, const struct sim_state *state, uint64_t base_fee)
{
	unsigned wallet = tx->call.wallet;
	return tx->cap >= base_fee && state->nonces[wallet] == tx->nonce &&
	       u256_compare(sim_tx_cost(tx), state->balances[wallet][0]) <= 0;
}

static void move(const struct sim_chain *chain, struct sim_state *state, unsigned wallet,
		 const struct sim_effect *effect)
{
	unsigned receiver = chain->parties[effect->receiver].wallet;
	struct u256 *from = &state->balances[wallet][effect->asset];
	*from = sim_minus(*from, effect->leaves);
	if (receiver == SIM_NONE)
		return;
	struct u256 *to = &state->balances[receiver][effect->asset];
	*to = sim_plus(*to, effect->arrives);
}

struct sim_inclusion sim_execute(const struct sim_chain *chain, struct sim_state *state,
				 uint32_t id, uint64_t base_fee)
{
	const struct sim_tx *tx = &chain->txs[id];
	unsigned wallet = tx->call.wallet;
	CHECK(sim_tx_fits(tx, state, base_fee));
	uint64_t room = tx->cap - base_fee;
	uint64_t price = base_fee + (tx->tip < room ? tx->tip : room);
	/* The gas is bought before anything is executed. */
	struct u256 *purse = &state->balances[wallet][0];
	struct u256 bought = sim_times(tx->gas_limit, price);
	*purse = sim_minus(*purse, bought);
	struct sim_effect effect = sim_effect_of(chain, state, &tx->call);
	if (effect.gas > tx->gas_limit) {
		effect.gas = tx->gas_limit;
		effect = reverts(&effect, "out of gas");
	}
	move(chain, state, wallet, &effect);
	struct u256 fee = sim_times(effect.gas, price);
	*purse = sim_plus(*purse, sim_minus(bought, fee));
	state->fees[wallet] = sim_plus(state->fees[wallet], fee);
	state->nonces[wallet]++;
	return (struct sim_inclusion){ .tx = id,
				       .success = effect.success,
				       .is_token = effect.is_token,
				       .mode = effect.mode,
				       .gas_used = effect.gas,
				       .gas_price = price,
				       .asset = effect.asset,
				       .receiver = effect.receiver,
				       .paid = effect.arrives,
				       .older_of_tx = SIM_NONE,
				       .older_of_receiver = SIM_NONE };
}

static struct hash32 word_of(struct address address)
{
	struct hash32 word = { { 0 } };
	memcpy(word.bytes + 32 - ADDRESS_BYTES, address.bytes, ADDRESS_BYTES);
	return word;
}

/* The Keccak-256 of "Transfer(address,address,uint256)". */
static const struct hash32 topic_transfer = { {
	0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0,
	0x68, 0xfc, 0x37, 0x8d, 0xaa, 0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4,
	0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
} };

size_t sim_logs_of(const struct sim_chain *chain, const struct sim_inclusion *inclusion,
		   struct abi_log ret_logs[CHAIN_LOGS_MAX])
{
	const struct sim_tx *tx = &chain->txs[inclusion->tx];
	if (!inclusion->success || !inclusion->is_token ||
	    inclusion->mode == SIM_TOKEN_SAYS_FALSE || inclusion->mode == SIM_TOKEN_NO_LOG)
		return 0;
	struct abi_log log = { .contract = chain->parties[tx->call.to].address,
			       .topics = { topic_transfer, word_of(tx->from),
					   word_of(chain->parties[inclusion->receiver].address) },
			       .topics_len = 3,
			       .data_len = U256_BYTES };
	u256_to_bytes(inclusion->paid, log.data);
	if (inclusion->mode == SIM_TOKEN_OTHER_LOG)
		log.contract = other_contract;
	size_t n = inclusion->mode == SIM_TOKEN_TWO_LOGS ? 2 : 1;
	for (size_t i = 0; i < n; i++)
		ret_logs[i] = log;
	return n;
}
