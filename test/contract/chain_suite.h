/* The contract of the chain port: one suite, run on every chain. The place where it runs is linked
 * to it: a real node behind JSON-RPC (test_chain_jsonrpc.c), or the simulator's (test_chain_sim.c).
 * Blocks are mined when a test says so, so nothing here depends on time. */
#ifndef SLUICE_TEST_CONTRACT_CHAIN_SUITE_H
#define SLUICE_TEST_CONTRACT_CHAIN_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/tx.h"
#include "port/chain.h"

#define PLACE_CHAIN_ID 31337
#define PLACE_COIN     "0xde0b6b3a7640000" /* wei: one coin */
#define PLACE_WALLETS  4                   /* that one test makes, at most */
#define PLACE_RAW_MAX  1024

struct wallet {
	uint8_t key[32];
	struct address address;
};

struct raw {
	char bytes[PLACE_RAW_MAX];
	struct str text;
	struct hash32 hash;
};

/* ---- what a place gives: fees of 2 and 10 gwei suffice, 300 M gas fit, two blocks are not final
 * ---- */

/* For one test. ret_wallets: the number below the test's first wallet, whom nobody has used. */
void place_open(struct chain **ret_chain, unsigned *ret_wallets);
void place_close(void);
/* A token of six decimals that says when a balance is too low; a contract that refuses coins, one
 * that burns all gas. */
struct address place_token(void);
struct address place_refusing(void);
struct address place_burning(void);
void place_coin(struct address wallet); /* has one coin from now on */
void place_mint(struct address wallet, uint64_t units);
void place_mine(unsigned blocks);
/* Other blocks instead of the last ones, without what was in them. */
void place_reorg(unsigned blocks);
void place_pool_drop(void);

/* ---- what the suite gives ---- */

struct wallet wallet_number(unsigned number);
struct wallet make_wallet(void); /* that nobody has used, with one coin */
struct tx make_tx(uint64_t nonce, struct address to, uint64_t value);
void sign(const struct wallet *wallet, const struct tx *tx, struct raw *ret_raw);
enum chain_send_state send_raw(struct str text);
struct chain_receipt receipt_of(struct hash32 hash);
/* Its tests and those of the place; returns how many failed. */
int chain_suite_run(const struct CMUnitTest *more, size_t n);

#endif
