/* What a transaction is to the simulated chain, and what it does to a state. Part of the chain's
 * insides (sim/chain_parts.h). */
#ifndef SLUICE_SIM_CHAIN_STATE_H
#define SLUICE_SIM_CHAIN_STATE_H

#include "core/abi.h"
#include "port/chain.h"
#include "sim/chain_model.h"
#include "sim/chain_table.h"

#define SIM_GAS_PLAIN 21000

/* All that the chain remembers of its wallets, at one block. */
struct sim_state {
	uint64_t nonces[SIM_CHAIN_WALLETS];
	struct u256 balances[SIM_CHAIN_WALLETS][SIM_CHAIN_ASSETS];
	struct u256 fees[SIM_CHAIN_WALLETS]; /* paid so far */
	size_t deposits_len;                 /* that have arrived */
};

/* An address that something was sent to, or that is somebody. */
struct sim_party {
	struct address address;
	unsigned wallet; /* SIM_NONE: none */
	unsigned asset;  /* of a token's contract; 0: none */
	struct sim_receiver receiver;
	struct {
		uint64_t count;
		struct u256 sum;
		uint32_t newest;      /* inclusion */
	} payments[SIM_CHAIN_ASSETS]; /* on the canonical chain */
};

/* What is asked of the EVM, by a transaction or an estimate. */
struct sim_call {
	unsigned wallet; /* SIM_NONE: somebody without money */
	uint32_t to;     /* party */
	struct u256 value;
	bool is_transfer;  /* data is transfer(receiver, amount) */
	uint32_t receiver; /* party */
	struct u256 amount;
	uint64_t gas_intrinsic;
};

struct sim_effect {
	bool success;
	const char *reason; /* of a revert */
	bool is_token;
	enum sim_token_mode mode;
	unsigned asset;
	uint32_t receiver;   /* party */
	struct u256 leaves;  /* the wallet */
	struct u256 arrives; /* there */
	uint64_t gas;
};

struct sim_tx {
	struct hash32 hash;
	struct sim_call call;
	bool is_foreign;
	struct address from;
	uint64_t nonce;
	uint64_t tip; /* wei per gas, as the cap */
	uint64_t cap;
	uint64_t gas_limit;
	uint32_t newest; /* inclusion */
	uint8_t raw[TX_BYTES_MAX];
	size_t raw_len; /* 0: nobody saw them */
};

/* A transaction in a block, with what came of it there. */
struct sim_inclusion {
	uint32_t tx;
	uint32_t block;
	bool success;
	bool is_token;
	enum sim_token_mode mode;
	uint64_t gas_used;
	uint64_t gas_price;
	unsigned asset;
	uint32_t receiver; /* party */
	struct u256 paid;
	uint32_t older_of_tx;       /* inclusion of the same transaction, on another branch */
	uint32_t older_of_receiver; /* payment of the same asset before this one */
};

/* Sums that the chain's own checks keep in range. */
struct u256 sim_plus(struct u256 a, struct u256 b);
struct u256 sim_minus(struct u256 a, struct u256 b);
struct u256 sim_times(uint64_t a, uint64_t b);

uint32_t sim_party_of(struct sim_chain *chain, struct address address); /* made when it is new */

/* ---- chain_tx.c ---- */

enum sim_tx_fault {
	SIM_TX_GOOD,
	SIM_TX_UNREADABLE,
	SIM_TX_CHAIN_ID,
	SIM_TX_SIGNATURE,
	SIM_TX_FEES, /* tip above cap, or more than can be counted */
};
/* Reads and remembers signed bytes; the sender is recovered once per hash. */
enum sim_tx_fault sim_tx_take(struct sim_chain *chain, struct str raw, uint32_t *ret_tx);
/* Remembers one that nobody saw the bytes of. */
uint32_t sim_tx_add(struct sim_chain *chain, const struct sim_tx *tx);
struct sim_call sim_call_of(struct sim_chain *chain, struct address from, struct address to,
			    struct u256 value, const uint8_t *data, size_t data_len);
/* Gas limit x cap + value. */
struct u256 sim_tx_cost(const struct sim_tx *tx);

/* ---- chain_execute.c ---- */

/* Does not look at the price of gas. A value above the balance is a revert. */
struct sim_effect sim_effect_of(const struct sim_chain *chain, const struct sim_state *state,
				const struct sim_call *call);
/* May it be in a block on top of this state? */
bool sim_tx_fits(const struct sim_tx *tx, const struct sim_state *state, uint64_t base_fee);
/* Changes the state, and says what came of it; block and links are the caller's. */
struct sim_inclusion sim_execute(const struct sim_chain *chain, struct sim_state *state,
				 uint32_t tx, uint64_t base_fee);
/* At most CHAIN_LOGS_MAX. */
size_t sim_logs_of(const struct sim_chain *chain, const struct sim_inclusion *inclusion,
		   struct abi_log ret_logs[CHAIN_LOGS_MAX]);

#endif
