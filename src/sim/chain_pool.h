/* A pool of transactions that wait: per wallet in the order of nonces, one to a nonce. What may
 * come in is the node's business (chain_send.c). */
#ifndef SLUICE_SIM_CHAIN_POOL_H
#define SLUICE_SIM_CHAIN_POOL_H

#include "sim/chain_model.h"

#define SIM_POOL_MAX 256 /* per wallet */

struct sim_pool_entry {
	uint64_t nonce;
	uint32_t tx; /* of the chain */
};

struct sim_pool_queue {
	struct sim_pool_entry entries[SIM_POOL_MAX];
	size_t len;
};

struct sim_pool {
	struct sim_pool_queue wallets[SIM_CHAIN_WALLETS];
};

/* NULL when nothing waits at the nonce; until the next change. */
const struct sim_pool_entry *sim_pool_find(const struct sim_pool *pool, unsigned wallet,
					   uint64_t nonce);
/* Takes the place of what is at the nonce. False when the wallet's queue is full: then what has the
 * highest nonce stays out. */
bool sim_pool_put(struct sim_pool *pool, unsigned wallet, struct sim_pool_entry entry);
/* Forgets all nonces below. */
void sim_pool_prune(struct sim_pool *pool, unsigned wallet, uint64_t nonce);
/* How many wait without a gap from this nonce on. */
size_t sim_pool_executable(const struct sim_pool *pool, unsigned wallet, uint64_t nonce);
size_t sim_pool_len(const struct sim_pool *pool);
/* Throws so many in a thousand out; returns how many. */
size_t sim_pool_evict(struct sim_pool *pool, struct sim_random *random, unsigned per_mille);

#endif
