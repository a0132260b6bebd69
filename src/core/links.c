#include "core/links.h"

#include "base/check.h"

void links_start(struct links *links, uint64_t number, struct hash32 hash)
{
	links->low = number;
	links->len = 1;
	links->at[number % LINKS_MAX] = hash;
}

uint64_t links_top(const struct links *links)
{
	CHECK(links->len > 0 && links->len <= LINKS_MAX);
	return links->low + links->len - 1;
}

void links_add(struct links *links, struct hash32 hash)
{
	uint64_t number = links_top(links) + 1;
	links->at[number % LINKS_MAX] = hash;
	if (links->len == LINKS_MAX)
		links->low++;
	else
		links->len++;
}

void links_cut(struct links *links, uint64_t number)
{
	CHECK(links_hash(links, number) != NULL);
	links->len = (size_t)(number - links->low) + 1;
}

const struct hash32 *links_hash(const struct links *links, uint64_t number)
{
	if (number < links->low || number - links->low >= links->len)
		return NULL;
	return &links->at[number % LINKS_MAX];
}

bool links_has(const struct links *links, uint64_t number, struct hash32 hash)
{
	const struct hash32 *known = links_hash(links, number);
	return known != NULL && hash32_equal(*known, hash);
}
