#include "cmd/cache_open.h"

#include "adapter/cache_redis.h"
#include "cmd/secret_place.h"
#include "service/api/changes.h"
#include "service/api/copies.h"

#include <stdio.h>

/* Longer than any reader needs from the store to the cache, unless it is stopped in between; what
 * such a one puts there is as old as it says, and expires. */
#define DROPPED_MS_MAX 1000

_Static_assert(BATCH_MAX <= CACHE_BATCH_MAX,
	       "what a call of the store changes is one of the cache");

/* Who waits for one of them looks at once. */
static void change_tell(struct cache *cache, const struct id *ids, size_t n)
{
	char storage[CACHE_TEXT_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	changes_write(ids, n, &text);
	(void)!cache_publish(cache, CHANGES_CHANNEL, buf_view(&text), NULL);
}

static void copies_drop(const struct opened_cache *opened, const struct id *ids, size_t n)
{
	char storage[BATCH_MAX][COPY_KEY_MAX];
	struct str keys[BATCH_MAX];
	for (size_t i = 0; i < n; i++) {
		struct buf key = buf_of(storage[i], sizeof storage[i]);
		copy_key_write(ids[i], &key);
		keys[i] = buf_view(&key);
	}
	/* A copy that is not dropped expires. */
	(void)!cache_drop_many(opened->cache, keys, n, opened->dropped_ms, NULL);
}

/* The copies first: who is told reads the row, and may leave a copy of it. */
static void change_hear(struct store_listener *listener, const struct id *ids, size_t n)
{
	struct opened_cache *opened = (struct opened_cache *)(void *)listener;
	if (opened->dropped_ms > 0)
		copies_drop(opened, ids, n);
	change_tell(opened->cache, ids, n);
}

bool cache_connect(const struct config *config, const struct cache_watch *watch,
		   struct cache **ret_cache, struct err *err)
{
	char prefix[CACHE_REDIS_PREFIX_MAX + 1];
	const char *password_file = config->cache_password_file;
	*ret_cache = NULL;
	if (!config->has_cache)
		return true;
	if (password_file != NULL && !secret_place_path(password_file, &password_file, err))
		return err_wrap(err, "cache.password_file");
	const struct tls_client_options ends = { config->cache_tls_ca, config->cache_tls_cert,
						 config->cache_tls_key };
	struct tls_client *tls = NULL;
	if (ends.ca_file != NULL && !tls_client_new(&ends, &tls, err))
		return err_wrap(err, "cache");
	(void)snprintf(prefix, sizeof prefix, "sluice:%s:", id_text(watch->deployment).at);
	const struct cache_redis_options options = {
		.host = config->cache_redis.host,
		.port = config->cache_redis.port,
		.username = config->cache_username,
		.password_file = password_file,
		.tls = tls,
		.prefix = prefix,
		.timeout_ms = config->cache_timeout_ms,
		.clock = watch->clock,
		.log = watch->log,
		.metrics = watch->metrics,
	};
	*ret_cache = cache_redis_new(&options);
	return true;
}

bool opened_cache_open(struct opened_cache *opened, const struct config *config,
		       const struct cache_watch *watch, struct store *store, struct err *err)
{
	if (!cache_connect(config, watch, &opened->cache, err))
		return false;
	if (opened->cache == NULL)
		return true;
	opened->dropped_ms = config->api_status_copy_ms < DROPPED_MS_MAX
				     ? config->api_status_copy_ms
				     : DROPPED_MS_MAX;
	opened->listener.changed = change_hear;
	store->listener = &opened->listener;
	return true;
}

void opened_cache_close(struct opened_cache *opened)
{
	cache_close(opened->cache);
	*opened = (struct opened_cache){ 0 };
}
