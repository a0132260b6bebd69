#include "service/api/backoff.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES   4096
#define WAYS      8
#define TAG_BYTES 16
#define WHO_MAX   320

struct backoff_entry {
	uint8_t tag[TAG_BYTES];
	uint32_t failures; /* 0: free */
	int64_t failed_ms;
};

struct backoff_table {
	struct backoff_entry entries[ENTRIES];
};

/* Names, addresses and tokens are whatever strangers send, and push each other out. Codes are
 * failed at by those alone who hold a token of the user: what strangers send is not among them. */
struct backoff {
	uint8_t key[SHA256_BYTES];
	struct backoff_table *strangers, *codes;
};

struct backoff *backoff_new(struct entropy *entropy)
{
	struct backoff *backoff = calloc(1, sizeof *backoff);
	CHECK(backoff != NULL);
	backoff->strangers = calloc(1, sizeof *backoff->strangers);
	backoff->codes = calloc(1, sizeof *backoff->codes);
	CHECK(backoff->strangers != NULL && backoff->codes != NULL);
	entropy_fill(entropy, backoff->key, sizeof backoff->key);
	return backoff;
}

void backoff_free(struct backoff *backoff)
{
	if (backoff == NULL)
		return;
	free(backoff->strangers);
	free(backoff->codes);
	free(backoff);
}

static struct backoff_entry *entries_of(const struct backoff *backoff, const char *kind)
{
	bool is_code = strcmp(kind, BACKOFF_BY_CODE) == 0;
	return (is_code ? backoff->codes : backoff->strangers)->entries;
}

/* Where it stands, and how it is recognised there: no name is kept, since people type passwords
 * into the wrong field. */
static size_t place_of(const struct backoff *backoff, const char *kind, struct str who,
		       uint8_t ret_tag[TAG_BYTES])
{
	char bytes[WHO_MAX];
	uint8_t digest[SHA256_BYTES];
	struct buf text = buf_of(bytes, sizeof bytes);
	buf_prefixed(&text, kind, strlen(kind));
	buf_prefixed(&text, who.at, who.len);
	CHECK(!text.overflow);
	hmac_sha256(backoff->key, sizeof backoff->key, text.at, text.len, digest);
	memcpy(ret_tag, digest, TAG_BYTES);
	return ((size_t)digest[16] << 8 | digest[17]) % ENTRIES;
}

static bool is_live(const struct backoff_entry *entry, int64_t now_ms)
{
	return entry->failures > 0 && now_ms - entry->failed_ms < BACKOFF_FORGET_MS;
}

static int64_t wait_of(const struct backoff_entry *entry, uint32_t free_failures)
{
	int64_t wait_ms = BACKOFF_FIRST_MS;
	if (entry->failures < free_failures)
		return 0;
	for (uint32_t i = free_failures; i < entry->failures; i++) {
		wait_ms *= 2;
		if (wait_ms >= BACKOFF_MAX_MS)
			return BACKOFF_MAX_MS;
	}
	return wait_ms;
}

static uint32_t free_failures_of(const char *kind)
{
	if (strcmp(kind, BACKOFF_BY_PEER) == 0)
		return BACKOFF_FREE_OF_PEER;
	return strcmp(kind, BACKOFF_BY_TOKEN) == 0 ? BACKOFF_FREE_TOKENS : BACKOFF_FREE_FAILURES;
}

int64_t backoff_wait_ms(const struct backoff *backoff, const char *kind, struct str who,
			int64_t now_ms)
{
	uint8_t tag[TAG_BYTES];
	size_t place = place_of(backoff, kind, who, tag);
	const struct backoff_entry *entries = entries_of(backoff, kind);
	for (size_t i = 0; i < WAYS; i++) {
		const struct backoff_entry *entry = &entries[(place + i) % ENTRIES];
		if (!is_live(entry, now_ms) || memcmp(entry->tag, tag, TAG_BYTES) != 0)
			continue;
		int64_t left_ms =
			entry->failed_ms + wait_of(entry, free_failures_of(kind)) - now_ms;
		return left_ms > 0 ? left_ms : 0;
	}
	return 0;
}

/* The entry of this tag, else the one that matters least. */
static struct backoff_entry *entry_for(struct backoff_entry *entries, size_t place,
				       const uint8_t *tag, int64_t now_ms)
{
	struct backoff_entry *least = &entries[place];
	for (size_t i = 0; i < WAYS; i++) {
		struct backoff_entry *entry = &entries[(place + i) % ENTRIES];
		if (entry->failures > 0 && memcmp(entry->tag, tag, TAG_BYTES) == 0)
			return entry;
		if (!is_live(entry, now_ms))
			entry->failures = 0;
		if (entry->failures < least->failures)
			least = entry;
	}
	*least = (struct backoff_entry){ 0 };
	memcpy(least->tag, tag, TAG_BYTES);
	return least;
}

void backoff_fail(struct backoff *backoff, const char *kind, struct str who, int64_t now_ms)
{
	uint8_t tag[TAG_BYTES];
	size_t place = place_of(backoff, kind, who, tag);
	struct backoff_entry *entry = entry_for(entries_of(backoff, kind), place, tag, now_ms);
	if (!is_live(entry, now_ms))
		entry->failures = 0;
	entry->failures += entry->failures < UINT32_MAX ? 1 : 0;
	entry->failed_ms = now_ms;
}

static struct backoff_entry *entry_of(struct backoff *backoff, const char *kind, struct str who)
{
	uint8_t tag[TAG_BYTES];
	size_t place = place_of(backoff, kind, who, tag);
	struct backoff_entry *entries = entries_of(backoff, kind);
	for (size_t i = 0; i < WAYS; i++) {
		struct backoff_entry *entry = &entries[(place + i) % ENTRIES];
		if (entry->failures > 0 && memcmp(entry->tag, tag, TAG_BYTES) == 0)
			return entry;
	}
	return NULL;
}

uint32_t backoff_succeed(struct backoff *backoff, const char *kind, struct str who)
{
	struct backoff_entry *entry = entry_of(backoff, kind, who);
	uint32_t failures = entry == NULL ? 0 : entry->failures;
	if (entry != NULL)
		*entry = (struct backoff_entry){ 0 };
	return failures;
}

void backoff_forgive(struct backoff *backoff, const char *kind, struct str who, uint32_t failures)
{
	struct backoff_entry *entry = entry_of(backoff, kind, who);
	if (entry != NULL)
		entry->failures -= failures < entry->failures ? failures : entry->failures;
}
