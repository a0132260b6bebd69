#include "sim/chain_table.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define CAP_FIRST 64

/* Addresses of tests differ in a few bytes only, so all of them are mixed in. */
static size_t place_of(struct hash32 key, size_t cap)
{
	uint64_t words[4];
	uint64_t mixed = 0;
	memcpy(words, key.bytes, sizeof words);
	for (size_t i = 0; i < 4; i++) {
		mixed = (mixed ^ words[i]) * 0x9e3779b97f4a7c15U;
		mixed ^= mixed >> 32;
	}
	return (size_t)mixed & (cap - 1);
}

void sim_table_deinit(struct sim_table *table)
{
	free(table->entries);
	*table = (struct sim_table){ 0 };
}

static struct sim_table_entry *entry_of(const struct sim_table *table, struct hash32 key)
{
	size_t place = place_of(key, table->cap);
	while (table->entries[place].id != SIM_NONE &&
	       !hash32_equal(table->entries[place].key, key))
		place = (place + 1) & (table->cap - 1);
	return &table->entries[place];
}

uint32_t sim_table_find(const struct sim_table *table, struct hash32 key)
{
	return table->cap == 0 ? SIM_NONE : entry_of(table, key)->id;
}

static void table_grow(struct sim_table *table)
{
	struct sim_table bigger = { .cap = table->cap == 0 ? CAP_FIRST : 2 * table->cap,
				    .len = table->len };
	bigger.entries = malloc(bigger.cap * sizeof *bigger.entries);
	CHECK(bigger.entries != NULL);
	for (size_t i = 0; i < bigger.cap; i++)
		bigger.entries[i].id = SIM_NONE;
	for (size_t i = 0; i < table->cap; i++)
		if (table->entries[i].id != SIM_NONE)
			*entry_of(&bigger, table->entries[i].key) = table->entries[i];
	free(table->entries);
	*table = bigger;
}

void sim_table_put(struct sim_table *table, struct hash32 key, uint32_t id)
{
	CHECK(id != SIM_NONE);
	/* At most half full: what is not there is found out soon. */
	if (2 * (table->len + 1) > table->cap)
		table_grow(table);
	struct sim_table_entry *entry = entry_of(table, key);
	CHECK(entry->id == SIM_NONE);
	*entry = (struct sim_table_entry){ .key = key, .id = id };
	table->len++;
}

struct hash32 sim_table_key(struct address address)
{
	struct hash32 key = { { 0 } };
	memcpy(key.bytes, address.bytes, ADDRESS_BYTES);
	return key;
}

void *sim_grown(void *array, size_t *cap, size_t needed, size_t item_size)
{
	if (needed <= *cap)
		return array;
	size_t bigger = *cap == 0 ? CAP_FIRST : *cap;
	while (bigger < needed)
		bigger *= 2;
	void *grown = realloc(array, bigger * item_size);
	CHECK(grown != NULL);
	*cap = bigger;
	return grown;
}
