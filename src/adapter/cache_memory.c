#include "adapter/cache_memory.h"

#include "base/check.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define WAYS         4 /* places that a key may have */
#define SAID_MAX     64
#define KEYS_MAX_MAX ((size_t)1 << 20)

enum place_kind {
	PLACE_FREE,
	PLACE_COPY,
	PLACE_DROPPED,
	PLACE_BUCKET,
};

struct place {
	enum place_kind kind;
	uint8_t key_len;
	char key[CACHE_KEY_LEN_MAX];
	int64_t until_ms; /* free from then on */
	uint64_t version; /* of a copy */
	struct buf value; /* of a copy; its own memory */
	int64_t full_us;  /* of a bucket: when it will be full again */
};

/* What was published and not heard yet; the oldest goes when there is no room. */
struct said {
	size_t len;
	char text[CACHE_TEXT_MAX];
};

struct cache_memory {
	struct cache base;
	struct said said[SAID_MAX];
	size_t said_len;
	uint8_t channel_len; /* of the channel that is listened to; 0: none */
	char channel[CACHE_KEY_LEN_MAX];
	struct clock *clock;
	size_t sets; /* a power of two */
	struct place *places;
};

_Static_assert(CACHE_KEY_LEN_MAX <= UINT8_MAX, "key_len holds it");

static struct cache_memory *memory_of(struct cache *cache)
{
	return (struct cache_memory *)(void *)cache;
}

/* FNV-1a. Keys are ids of ours: nobody chooses them to collide. */
static size_t key_set(const struct cache_memory *self, struct str key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ (uint8_t)key.at[i]) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ (hash >> 32)) & (self->sets - 1);
}

static void place_free(struct place *place)
{
	buf_free(&place->value);
	place->value = (struct buf){ 0 };
	place->kind = PLACE_FREE;
}

/* NULL: not there. What has expired is not there any more. */
static struct place *place_find(struct cache_memory *self, struct str key, int64_t now_ms)
{
	struct place *set = &self->places[key_set(self, key) * WAYS];
	for (size_t i = 0; i < WAYS; i++) {
		struct place *place = &set[i];
		if (place->kind != PLACE_FREE && now_ms >= place->until_ms)
			place_free(place);
		if (place->kind != PLACE_FREE && place->key_len == key.len &&
		    memcmp(place->key, key.at, key.len) == 0)
			return place;
	}
	return NULL;
}

/* A free one, or what will expire first. */
static struct place *victim_find(struct place *set)
{
	struct place *victim = &set[0];
	for (size_t i = 1; i < WAYS && victim->kind != PLACE_FREE; i++)
		if (set[i].kind == PLACE_FREE || set[i].until_ms < victim->until_ms)
			victim = &set[i];
	return victim;
}

/* The key's place, emptied unless it is of that kind. */
static struct place *place_take(struct cache_memory *self, struct str key, enum place_kind kind,
				int64_t now_ms)
{
	struct place *place = place_find(self, key, now_ms);
	if (place != NULL && place->kind == kind)
		return place;
	if (place == NULL)
		place = victim_find(&self->places[key_set(self, key) * WAYS]);
	place_free(place);
	place->kind = kind;
	place->key_len = (uint8_t)key.len;
	memcpy(place->key, key.at, key.len);
	place->full_us = 0;
	return place;
}

static bool memory_get_many(struct cache *cache, const struct str *keys, size_t n,
			    struct buf *ret_values, struct err *err)
{
	struct cache_memory *self = memory_of(cache);
	int64_t now_ms = clock_monotonic_ms(self->clock);
	(void)err;
	for (size_t i = 0; i < n; i++) {
		const struct place *place = place_find(self, keys[i], now_ms);
		if (place != NULL && place->kind == PLACE_COPY)
			buf_str(&ret_values[i], buf_view(&place->value));
		if (ret_values[i].overflow)
			buf_reset(&ret_values[i]);
	}
	return true;
}

static void copy_put(struct cache_memory *self, const struct cache_copy *copy, int64_t now_ms)
{
	struct place *place = place_find(self, copy->key, now_ms);
	if (place != NULL && (place->kind == PLACE_DROPPED ||
			      (place->kind == PLACE_COPY && place->version > copy->version)))
		return;
	place = place_take(self, copy->key, PLACE_COPY, now_ms);
	buf_free(&place->value);
	place->value = buf_new(copy->value.len);
	buf_str(&place->value, copy->value);
	place->version = copy->version;
	place->until_ms = now_ms + copy->life_ms;
}

static bool memory_put_many(struct cache *cache, const struct cache_copy *copies, size_t n,
			    struct err *err)
{
	struct cache_memory *self = memory_of(cache);
	int64_t now_ms = clock_monotonic_ms(self->clock);
	(void)err;
	for (size_t i = 0; i < n; i++)
		copy_put(self, &copies[i], now_ms);
	return true;
}

static bool memory_drop_many(struct cache *cache, const struct str *keys, size_t n, int64_t life_ms,
			     struct err *err)
{
	struct cache_memory *self = memory_of(cache);
	int64_t now_ms = clock_monotonic_ms(self->clock);
	(void)err;
	for (size_t i = 0; i < n; i++)
		place_take(self, keys[i], PLACE_DROPPED, now_ms)->until_ms = now_ms + life_ms;
	return true;
}

/* Tokens as a time: when the bucket will be full again. Each that is taken moves it by one. */
static void bucket_take(struct cache_memory *self, struct cache_bucket *bucket, int64_t now_ms)
{
	struct place *place = place_take(self, bucket->key, PLACE_BUCKET, now_ms);
	int64_t now_us = now_ms * 1000, token_us = CACHE_RATE_MAX / bucket->rate;
	int64_t empty_us = now_us + token_us * bucket->burst;
	int64_t full_us = place->full_us < now_us ? now_us : place->full_us;
	if (full_us > empty_us)
		full_us = empty_us;
	int64_t left = (empty_us - full_us) / token_us;
	bucket->taken = left >= 1;
	bucket->left = (unsigned)(bucket->taken ? left - 1 : 0);
	bucket->wait_ms = bucket->taken ? 0 : (full_us + token_us - empty_us) / 1000 + 1;
	place->full_us = bucket->taken ? full_us + token_us : full_us;
	place->until_ms = place->full_us / 1000 + 1;
}

static bool memory_take_many(struct cache *cache, struct cache_bucket *buckets, size_t n,
			     struct err *err)
{
	struct cache_memory *self = memory_of(cache);
	int64_t now_ms = clock_monotonic_ms(self->clock);
	(void)err;
	for (size_t i = 0; i < n; i++)
		bucket_take(self, &buckets[i], now_ms);
	return true;
}

static bool is_heard(const struct cache_memory *self, struct str channel)
{
	return self->channel_len == channel.len &&
	       memcmp(self->channel, channel.at, channel.len) == 0;
}

/* Nobody but its own thread can listen. */
static bool memory_publish(struct cache *cache, struct str channel, struct str text,
			   struct err *err)
{
	struct cache_memory *self = memory_of(cache);
	(void)err;
	if (!is_heard(self, channel))
		return true;
	if (self->said_len == SAID_MAX)
		memmove(&self->said[0], &self->said[1], --self->said_len * sizeof self->said[0]);
	struct said *said = &self->said[self->said_len++];
	said->len = text.len;
	memcpy(said->text, text.at, text.len);
	return true;
}

static bool memory_hear(struct cache *cache, struct str channel, int64_t timeout_ms,
			struct buf *ret_text, struct err *err)
{
	struct cache_memory *self = memory_of(cache);
	(void)err;
	if (!is_heard(self, channel)) {
		self->said_len = 0;
		self->channel_len = (uint8_t)channel.len;
		memcpy(self->channel, channel.at, channel.len);
	}
	if (self->said_len == 0) {
		(void)poll(NULL, 0, (int)timeout_ms);
		return true;
	}
	buf_bytes(ret_text, self->said[0].text, self->said[0].len);
	memmove(&self->said[0], &self->said[1], --self->said_len * sizeof self->said[0]);
	return true;
}

static void memory_close(struct cache *cache)
{
	struct cache_memory *self = memory_of(cache);
	for (size_t i = 0; i < self->sets * WAYS; i++)
		buf_free(&self->places[i].value);
	free(self->places);
	free(self);
}

struct cache *cache_memory_new(struct clock *clock, size_t keys_max)
{
	static const struct cache_ops ops = {
		.get_many = memory_get_many,
		.put_many = memory_put_many,
		.drop_many = memory_drop_many,
		.take_many = memory_take_many,
		.publish = memory_publish,
		.hear = memory_hear,
		.close = memory_close,
	};
	CHECK(keys_max >= 1 && keys_max <= KEYS_MAX_MAX);
	struct cache_memory *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->base.ops = &ops;
	self->clock = clock;
	self->sets = 1;
	while (self->sets * WAYS < keys_max)
		self->sets *= 2;
	self->places = calloc(self->sets * WAYS, sizeof *self->places);
	CHECK(self->places != NULL);
	return &self->base;
}
