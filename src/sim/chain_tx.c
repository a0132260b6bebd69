/* Signed bytes become a transaction that the chain knows: read, its sender recovered, its calldata
 * understood, once per hash. What a contract of ours is not asked in the one way that we know is
 * left without effect. */
#include "sim/chain_parts.h"

#include <string.h>

#define GAS_ZERO_BYTE    4
#define GAS_BYTE         16
#define TRANSFER_WORD_TO 4 /* behind the selector */

struct u256 sim_plus(struct u256 a, struct u256 b)
{
	struct u256 sum;
	CHECK(u256_add(a, b, &sum));
	return sum;
}

struct u256 sim_minus(struct u256 a, struct u256 b)
{
	struct u256 difference;
	CHECK(u256_sub(a, b, &difference));
	return difference;
}

struct u256 sim_times(uint64_t a, uint64_t b)
{
	struct u256 product;
	CHECK(u256_mul_u64(u256_from_u64(a), b, &product));
	return product;
}

uint32_t sim_party_of(struct sim_chain *chain, struct address address)
{
	struct hash32 key = sim_table_key(address);
	uint32_t id = sim_table_find(&chain->party_of, key);
	if (id != SIM_NONE)
		return id;
	CHECK(chain->parties_len < SIM_CHAIN_TXS_MAX);
	chain->parties = sim_grown(chain->parties, &chain->parties_cap, chain->parties_len + 1,
				   sizeof *chain->parties);
	id = (uint32_t)chain->parties_len++;
	struct sim_party *party = &chain->parties[id];
	*party = (struct sim_party){ .address = address, .wallet = SIM_NONE };
	for (size_t i = 0; i < SIM_CHAIN_ASSETS; i++)
		party->payments[i].newest = SIM_NONE;
	sim_table_put(&chain->party_of, key, id);
	return id;
}

static uint64_t intrinsic_gas(const uint8_t *data, size_t data_len)
{
	uint64_t gas = SIM_GAS_PLAIN;
	for (size_t i = 0; i < data_len; i++)
		gas += data[i] == 0 ? GAS_ZERO_BYTE : GAS_BYTE;
	return gas;
}

/* Is it transfer(address,uint256)? Written anew it must give the same bytes. */
static bool transfer_read(const uint8_t *data, size_t data_len, struct address *ret_receiver,
			  struct amount *ret_amount)
{
	uint8_t again[ABI_TRANSFER_BYTES];
	if (data_len != ABI_TRANSFER_BYTES)
		return false;
	memcpy(ret_receiver->bytes, data + TRANSFER_WORD_TO + 12, ADDRESS_BYTES);
	ret_amount->units = u256_from_bytes(data + TRANSFER_WORD_TO + U256_BYTES);
	abi_write_transfer(*ret_receiver, *ret_amount, again);
	return memcmp(again, data, sizeof again) == 0;
}

struct sim_call sim_call_of(struct sim_chain *chain, struct address from, struct address to,
			    struct u256 value, const uint8_t *data, size_t data_len)
{
	struct address receiver;
	struct amount amount;
	uint32_t sender = sim_table_find(&chain->party_of, sim_table_key(from));
	struct sim_call call = { .wallet = SIM_NONE,
				 .to = sim_party_of(chain, to),
				 .receiver = SIM_NONE,
				 .value = value,
				 .gas_intrinsic = intrinsic_gas(data, data_len) };
	if (sender != SIM_NONE)
		call.wallet = chain->parties[sender].wallet;
	if (transfer_read(data, data_len, &receiver, &amount)) {
		call.is_transfer = true;
		call.receiver = sim_party_of(chain, receiver);
		call.amount = amount.units;
	}
	return call;
}

uint32_t sim_tx_add(struct sim_chain *chain, const struct sim_tx *tx)
{
	CHECK(chain->txs_len < SIM_CHAIN_TXS_MAX);
	chain->txs = sim_grown(chain->txs, &chain->txs_cap, chain->txs_len + 1, sizeof *chain->txs);
	uint32_t id = (uint32_t)chain->txs_len++;
	chain->txs[id] = *tx;
	chain->txs[id].newest = SIM_NONE;
	sim_table_put(&chain->tx_of, tx->hash, id);
	chain->counts.txs_known++;
	return id;
}

static bool fees_read(const struct tx *tx, struct sim_tx *known)
{
	return u256_to_u64(tx->fees.tip.value, &known->tip) &&
	       u256_to_u64(tx->fees.cap.value, &known->cap) && known->tip <= known->cap;
}

enum sim_tx_fault sim_tx_take(struct sim_chain *chain, struct str raw, uint32_t *ret_tx)
{
	struct tx tx;
	struct tx_signature signature;
	struct sim_tx known = { .hash = tx_hash_of(raw) };
	uint32_t id = sim_table_find(&chain->tx_of, known.hash);
	if (id != SIM_NONE) {
		*ret_tx = id;
		return SIM_TX_GOOD;
	}
	if (!tx_read_signed(raw, &tx, &signature))
		return SIM_TX_UNREADABLE;
	if (tx.chain_id != chain->options.chain_id)
		return SIM_TX_CHAIN_ID;
	if (!fees_read(&tx, &known))
		return SIM_TX_FEES;
	if (!signature_recover(chain->signatures, tx_signing_hash(&tx), &signature, &known.from))
		return SIM_TX_SIGNATURE;
	known.nonce = tx.nonce;
	CHECK(raw.len <= sizeof known.raw);
	memcpy(known.raw, raw.at, raw.len);
	known.raw_len = raw.len;
	known.gas_limit = tx.gas_limit;
	known.call = sim_call_of(chain, known.from, tx.to, tx.value.value, tx.data, tx.data_len);
	*ret_tx = sim_tx_add(chain, &known);
	return SIM_TX_GOOD;
}

struct u256 sim_tx_cost(const struct sim_tx *tx)
{
	return u256_add_saturated(sim_times(tx->gas_limit, tx->cap), tx->call.value);
}
