/* Checks the contract of port/cache.h once for every back end, on the way in and on the way out. */
#include "port/cache.h"

#include "base/check.h"
#include "port/stop_point.h"

static void check_key(struct str key)
{
	CHECK(key.len >= 1 && key.len <= CACHE_KEY_LEN_MAX);
	for (size_t i = 0; i < key.len; i++)
		CHECK(key.at[i] > ' ' && key.at[i] <= '~');
}

static void check_batch(const struct cache *cache, const struct str *keys, size_t n)
{
	CHECK(cache != NULL && cache->ops != NULL);
	CHECK(n >= 1 && n <= CACHE_BATCH_MAX);
	for (size_t i = 0; keys != NULL && i < n; i++)
		check_key(keys[i]);
}

bool cache_get_many(struct cache *cache, const struct str *keys, size_t n, struct buf *ret_values,
		    struct err *err)
{
	PORT_CALL();
	CHECK(keys != NULL && ret_values != NULL);
	check_batch(cache, keys, n);
	for (size_t i = 0; i < n; i++)
		buf_reset(&ret_values[i]);
	if (!cache->ops->get_many(cache, keys, n, ret_values, err))
		return false;
	for (size_t i = 0; i < n; i++)
		CHECK(!ret_values[i].overflow && ret_values[i].len <= CACHE_VALUE_MAX);
	return true;
}

bool cache_put_many(struct cache *cache, const struct cache_copy *copies, size_t n, struct err *err)
{
	PORT_CALL();
	check_batch(cache, NULL, n);
	for (size_t i = 0; i < n; i++) {
		check_key(copies[i].key);
		CHECK(copies[i].value.len >= 1 && copies[i].value.len <= CACHE_VALUE_MAX);
		CHECK(copies[i].version <= INT64_MAX);
		CHECK(copies[i].life_ms >= 1 && copies[i].life_ms <= CACHE_LIFE_MS_MAX);
	}
	return cache->ops->put_many(cache, copies, n, err);
}

bool cache_drop_many(struct cache *cache, const struct str *keys, size_t n, int64_t life_ms,
		     struct err *err)
{
	PORT_CALL();
	CHECK(keys != NULL && life_ms >= 1 && life_ms <= CACHE_LIFE_MS_MAX);
	check_batch(cache, keys, n);
	return cache->ops->drop_many(cache, keys, n, life_ms, err);
}

bool cache_take_many(struct cache *cache, struct cache_bucket *buckets, size_t n, struct err *err)
{
	PORT_CALL();
	check_batch(cache, NULL, n);
	for (size_t i = 0; i < n; i++) {
		check_key(buckets[i].key);
		CHECK(buckets[i].rate >= 1 && buckets[i].rate <= CACHE_RATE_MAX);
		CHECK(buckets[i].burst >= 1 && buckets[i].burst <= CACHE_RATE_MAX);
	}
	if (!cache->ops->take_many(cache, buckets, n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		CHECK(buckets[i].left <= buckets[i].burst);
		CHECK(buckets[i].taken || buckets[i].wait_ms > 0);
	}
	return true;
}

bool cache_publish(struct cache *cache, struct str channel, struct str text, struct err *err)
{
	PORT_CALL();
	check_batch(cache, &channel, 1);
	CHECK(text.len >= 1 && text.len <= CACHE_TEXT_MAX);
	return cache->ops->publish(cache, channel, text, err);
}

bool cache_hear(struct cache *cache, struct str channel, int64_t timeout_ms, struct buf *ret_text,
		struct err *err)
{
	PORT_CALL();
	check_batch(cache, &channel, 1);
	CHECK(timeout_ms >= 0 && timeout_ms <= CACHE_HEAR_MS_MAX);
	CHECK(ret_text->cap >= CACHE_TEXT_MAX);
	buf_reset(ret_text);
	if (!cache->ops->hear(cache, channel, timeout_ms, ret_text, err))
		return false;
	CHECK(!ret_text->overflow && ret_text->len <= CACHE_TEXT_MAX);
	return true;
}

void cache_close(struct cache *cache)
{
	if (cache != NULL)
		cache->ops->close(cache);
}
