#include "sim/chain_pool.h"

#include "base/check.h"

#include <string.h>

static const struct sim_pool_queue *queue_of(const struct sim_pool *pool, unsigned wallet)
{
	CHECK(wallet < SIM_CHAIN_WALLETS);
	return &pool->wallets[wallet];
}

/* The first entry at the nonce or above it. */
static size_t place_of(const struct sim_pool_queue *queue, uint64_t nonce)
{
	size_t low = 0, high = queue->len;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (queue->entries[middle].nonce < nonce)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct sim_pool_entry *sim_pool_find(const struct sim_pool *pool, unsigned wallet,
					   uint64_t nonce)
{
	const struct sim_pool_queue *queue = queue_of(pool, wallet);
	size_t place = place_of(queue, nonce);
	if (place == queue->len || queue->entries[place].nonce != nonce)
		return NULL;
	return &queue->entries[place];
}

bool sim_pool_put(struct sim_pool *pool, unsigned wallet, struct sim_pool_entry entry)
{
	CHECK(wallet < SIM_CHAIN_WALLETS);
	struct sim_pool_queue *queue = &pool->wallets[wallet];
	size_t place = place_of(queue, entry.nonce);
	if (place < queue->len && queue->entries[place].nonce == entry.nonce) {
		queue->entries[place] = entry;
		return true;
	}
	bool full = queue->len == SIM_POOL_MAX;
	if (full && place == queue->len)
		return false;
	queue->len -= full ? 1 : 0;
	memmove(&queue->entries[place + 1], &queue->entries[place],
		(queue->len - place) * sizeof queue->entries[0]);
	queue->entries[place] = entry;
	queue->len++;
	return !full;
}

void sim_pool_prune(struct sim_pool *pool, unsigned wallet, uint64_t nonce)
{
	CHECK(wallet < SIM_CHAIN_WALLETS);
	struct sim_pool_queue *queue = &pool->wallets[wallet];
	size_t gone = place_of(queue, nonce);
	queue->len -= gone;
	memmove(&queue->entries[0], &queue->entries[gone], queue->len * sizeof queue->entries[0]);
}

size_t sim_pool_executable(const struct sim_pool *pool, unsigned wallet, uint64_t nonce)
{
	const struct sim_pool_queue *queue = queue_of(pool, wallet);
	size_t first = place_of(queue, nonce);
	size_t n = 0;
	while (first + n < queue->len && queue->entries[first + n].nonce == nonce + n)
		n++;
	return n;
}

size_t sim_pool_len(const struct sim_pool *pool)
{
	size_t len = 0;
	for (size_t i = 0; i < SIM_CHAIN_WALLETS; i++)
		len += pool->wallets[i].len;
	return len;
}

static size_t queue_evict(struct sim_pool_queue *queue, struct sim_random *random,
			  unsigned per_mille)
{
	size_t kept = 0;
	size_t before = queue->len;
	for (size_t i = 0; i < before; i++)
		if (!sim_random_chance(random, per_mille))
			queue->entries[kept++] = queue->entries[i];
	queue->len = kept;
	return before - kept;
}

size_t sim_pool_evict(struct sim_pool *pool, struct sim_random *random, unsigned per_mille)
{
	size_t gone = 0;
	for (size_t i = 0; i < SIM_CHAIN_WALLETS; i++)
		gone += queue_evict(&pool->wallets[i], random, per_mille);
	return gone;
}
