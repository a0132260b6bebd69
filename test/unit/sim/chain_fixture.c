#include "chain_fixture.h"

#include "core/abi.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#define START_MS 1800000000000

static void key_of(unsigned wallet, uint8_t ret_key[32])
{
	memset(ret_key, 0, 32);
	ret_key[31] = (uint8_t)(wallet + 1);
}

static struct address wallet_address(const struct fixture *fixture, unsigned wallet)
{
	secp256k1_pubkey point;
	uint8_t key[32], bytes[65];
	size_t len = sizeof bytes;
	key_of(wallet, key);
	assert_int_equal(secp256k1_ec_pubkey_create(fixture->curve, &point, key), 1);
	secp256k1_ec_pubkey_serialize(fixture->curve, bytes, &len, &point,
				      SECP256K1_EC_UNCOMPRESSED);
	return address_of_public_key(bytes + 1);
}

static struct u256 coins(uint64_t count)
{
	struct u256 wei;
	assert_true(u256_mul_u64(u256_from_u64(count), 1000000000000000000U, &wei));
	return wei;
}

struct fixture *fixture_new_with(uint64_t seed, size_t nodes_len,
				 const struct sim_chain_options *options)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	struct sim_node_settings settings = sim_node_settings_default();
	assert_non_null(fixture);
	fixture->curve = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	fixture->now_ms = START_MS;
	fixture->contract = address_number(0x70ce4);
	fixture->chain = sim_chain_new(options, sim_random_of(seed));
	fixture->token = sim_chain_token_add(fixture->chain, fixture->contract, 6, TOKEN_GAS);
	for (unsigned i = 0; i < WALLETS; i++) {
		fixture->wallets[i] = wallet_address(fixture, i);
		assert_int_equal(sim_chain_wallet_add(fixture->chain, fixture->wallets[i], 0), i);
		sim_chain_fund(fixture->chain, i, 0, coins(1000));
		sim_chain_fund(fixture->chain, i, fixture->token, u256_from_u64(1000000));
	}
	for (size_t i = 0; i < nodes_len; i++)
		fixture->nodes[i] = sim_node_add(fixture->chain, &settings);
	fixture->nodes_len = nodes_len;
	mine(fixture, 1);
	return fixture;
}

struct fixture *fixture_new(uint64_t seed, size_t nodes_len)
{
	const struct sim_chain_options options = {
		.chain_id = CHAIN_ID, .time_ms = START_MS, .has_finality = true, .finality_lag = 4
	};
	return fixture_new_with(seed, nodes_len, &options);
}

void fixture_free(struct fixture *fixture)
{
	sim_chain_free(fixture->chain);
	secp256k1_context_destroy(fixture->curve);
	free(fixture);
}

struct address address_number(uint64_t number)
{
	struct address address = { { 0xaa } };
	for (size_t i = 0; i < 8; i++)
		address.bytes[12 + i] = (uint8_t)(number >> (56 - 8 * i));
	return address;
}

struct signed_tx sign(const struct fixture *fixture, unsigned wallet, const struct tx *tx)
{
	struct hash32 digest = tx_signing_hash(tx);
	secp256k1_ecdsa_recoverable_signature made;
	struct tx_signature signature;
	struct signed_tx out;
	uint8_t key[32], compact[64];
	int parity = 0;
	key_of(wallet, key);
	assert_int_equal(secp256k1_ecdsa_sign_recoverable(fixture->curve, &made, digest.bytes, key,
							  NULL, NULL),
			 1);
	secp256k1_ecdsa_recoverable_signature_serialize_compact(fixture->curve, compact, &parity,
								&made);
	memcpy(signature.r, compact, 32);
	memcpy(signature.s, compact + 32, 32);
	signature.parity = (uint8_t)parity;
	struct buf buf = buf_of(out.bytes, sizeof out.bytes);
	tx_write_signed(tx, &signature, &buf);
	assert_false(buf.overflow);
	out.len = buf.len;
	out.hash = tx_hash_of(buf_view(&buf));
	return out;
}

struct tx coin_tx(uint64_t nonce, struct address to, uint64_t wei)
{
	return (struct tx){ .chain_id = CHAIN_ID,
			    .nonce = nonce,
			    .fees = { .tip = { u256_from_u64(TIP) },
				      .cap = { u256_from_u64(CAP) } },
			    .gas_limit = 30000,
			    .to = to,
			    .value = { u256_from_u64(wei) } };
}

struct tx token_tx(const struct fixture *fixture, uint64_t nonce, struct address to, uint64_t units)
{
	struct tx tx = coin_tx(nonce, fixture->contract, 0);
	tx.gas_limit = 80000;
	tx.data_len = ABI_TRANSFER_BYTES;
	abi_write_transfer(to, (struct amount){ u256_from_u64(units) }, tx.data);
	return tx;
}

struct chain_send send_to(struct sim_node *node, const struct signed_tx *tx)
{
	struct chain_send send;
	struct str raw = str_from_bytes(tx->bytes, tx->len);
	chain_send_many(sim_node_port(node), &raw, 1, &send);
	return send;
}

enum chain_send_state offer(struct fixture *fixture, unsigned wallet, const struct tx *tx)
{
	struct signed_tx made = sign(fixture, wallet, tx);
	return send_to(fixture->nodes[0], &made).state;
}

struct hash32 submit(struct fixture *fixture, unsigned wallet, const struct tx *tx)
{
	struct signed_tx made = sign(fixture, wallet, tx);
	struct chain_send send = send_to(fixture->nodes[0], &made);
	if (send.state != CHAIN_SEND_ACCEPTED)
		fail_msg("not taken: %s", send.text);
	return made.hash;
}

void mine(struct fixture *fixture, unsigned blocks)
{
	for (unsigned i = 0; i < blocks; i++) {
		fixture->now_ms += 2000;
		sim_chain_mine(fixture->chain, fixture->now_ms);
	}
}

struct chain_receipt receipt_of(struct sim_node *node, struct hash32 hash)
{
	struct chain_receipt receipt;
	struct err err;
	assert_true(chain_receipts(sim_node_port(node), &hash, 1, &receipt, &err));
	return receipt;
}

enum chain_lookup lookup_of(struct sim_node *node, struct hash32 hash)
{
	enum chain_lookup lookup;
	struct err err;
	assert_true(chain_lookups(sim_node_port(node), &hash, 1, &lookup, &err));
	return lookup;
}

struct chain_head head_of(struct sim_node *node)
{
	struct chain_head head;
	struct err err;
	assert_true(chain_head(sim_node_port(node), &head, &err));
	return head;
}

uint64_t nonce_of(struct fixture *fixture, size_t node, uint64_t block, unsigned wallet)
{
	struct chain_nonce nonce;
	struct err err;
	assert_true(chain_nonces(sim_node_port(fixture->nodes[node]), block,
				 &fixture->wallets[wallet], 1, &nonce, &err));
	assert_true(nonce.known);
	return nonce.count;
}

uint64_t u64_of(struct u256 value)
{
	uint64_t small = 0;
	assert_true(u256_to_u64(value, &small));
	return small;
}
