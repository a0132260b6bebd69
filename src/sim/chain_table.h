/* From 32-byte keys to small numbers: a hash table with open addressing that grows. */
#ifndef SLUICE_SIM_CHAIN_TABLE_H
#define SLUICE_SIM_CHAIN_TABLE_H

#include "core/address.h"

#include <stddef.h>
#include <stdint.h>

#define SIM_NONE UINT32_MAX

struct sim_table_entry {
	struct hash32 key;
	uint32_t id; /* SIM_NONE: free */
};

struct sim_table {
	struct sim_table_entry *entries;
	size_t cap; /* a power of two, or 0 */
	size_t len;
};

void sim_table_deinit(struct sim_table *table);
/* SIM_NONE when it is not there. */
uint32_t sim_table_find(const struct sim_table *table, struct hash32 key);
/* CHECKs that the key is new. */
void sim_table_put(struct sim_table *table, struct hash32 key, uint32_t id);
/* An address as a key. */
struct hash32 sim_table_key(struct address address);

/* An array with room for `needed` items, doubled when it is too small; aborts without memory. */
void *sim_grown(void *array, size_t *cap, size_t needed, size_t item_size);

#endif
