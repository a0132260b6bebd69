/* The newest blocks of a chain, each the parent of the next: what is known of the canonical chain
 * without asking again. A block that stands in it is canonical for as long as the head does. */
#ifndef SLUICE_CORE_LINKS_H
#define SLUICE_CORE_LINKS_H

#include "core/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Four times the depth of the dangerous verdict by default; what is older is asked for. */
#define LINKS_MAX 1024

struct links {
	uint64_t low; /* numbers low to low + len - 1 */
	size_t len;
	struct hash32 at[LINKS_MAX]; /* a ring: by number % LINKS_MAX */
};

/* Forgets all but this block. */
void links_start(struct links *links, uint64_t number, struct hash32 hash);
/* Adds the child of the newest block; the oldest goes when the ring is full. CHECKs len > 0. */
void links_add(struct links *links, struct hash32 hash);
/* Forgets the blocks above `number`; CHECKs that it is one of them. */
void links_cut(struct links *links, uint64_t number);
/* The newest number; CHECKs len > 0. */
uint64_t links_top(const struct links *links);
/* NULL when the number is not among them. */
const struct hash32 *links_hash(const struct links *links, uint64_t number);
/* Is this the block of its number? False also when the number is not among them. */
bool links_has(const struct links *links, uint64_t number, struct hash32 hash);

#endif
