/* A simulated chain with wallets that can sign: what the tests of src/sim/chain_*.c share. */
#ifndef SLUICE_TEST_UNIT_SIM_CHAIN_FIXTURE_H
#define SLUICE_TEST_UNIT_SIM_CHAIN_FIXTURE_H

#include "core/tx.h"
#include "port/chain.h"
#include "sim/chain_model.h"
#include "sim/chain_node.h"

#include "../testing.h"

#define CHAIN_ID  137
#define GWEI      1000000000ULL
#define TIP       (30 * GWEI)
#define CAP       (100 * GWEI)
#define TOKEN_GAS 60000
#define WALLETS   3

struct fixture {
	struct sim_chain *chain;
	struct sim_node *nodes[SIM_NODES_MAX];
	size_t nodes_len;
	struct address wallets[WALLETS];
	struct address contract;
	unsigned token;
	int64_t now_ms;
	void *curve;
};

struct signed_tx {
	struct hash32 hash;
	uint8_t bytes[TX_BYTES_MAX];
	size_t len;
};

/* Every wallet has 1,000 coins and 1,000,000 units of the token; finality lags by 4. */
struct fixture *fixture_new(uint64_t seed, size_t nodes_len);
struct fixture *fixture_new_with(uint64_t seed, size_t nodes_len,
				 const struct sim_chain_options *options);
void fixture_free(struct fixture *fixture);

struct address address_number(uint64_t number);
struct signed_tx sign(const struct fixture *fixture, unsigned wallet, const struct tx *tx);
/* A payment with the usual fees, ready to be changed and signed. */
struct tx coin_tx(uint64_t nonce, struct address to, uint64_t wei);
struct tx token_tx(const struct fixture *fixture, uint64_t nonce, struct address to,
		   uint64_t units);
struct chain_send send_to(struct sim_node *node, const struct signed_tx *tx);
/* Signs and sends to the first node, which must take it. Returns the hash. */
struct hash32 submit(struct fixture *fixture, unsigned wallet, const struct tx *tx);
/* The first node's word. */
enum chain_send_state offer(struct fixture *fixture, unsigned wallet, const struct tx *tx);
void mine(struct fixture *fixture, unsigned blocks);
struct chain_receipt receipt_of(struct sim_node *node, struct hash32 hash);
enum chain_lookup lookup_of(struct sim_node *node, struct hash32 hash);
struct chain_head head_of(struct sim_node *node);
uint64_t nonce_of(struct fixture *fixture, size_t node, uint64_t block, unsigned wallet);
uint64_t u64_of(struct u256 value);

#endif
