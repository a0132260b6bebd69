/* The cache in a Redis that several processes share. Source: redis.io commands, ADR 15.
 *
 * Keys stand below a prefix of the deployment. A copy is a string: its version in 19 digits, and
 * the value; a dropped key is the string "-" for a while. Versions are compared and tokens taken by
 * scripts, each of which touches one key.
 *
 * Calls are pipelined over one connection, which is thrown away after anything that is not as
 * expected: a late answer never meets another question. What Redis says is bounded and parsed; it
 * may be anybody's words.
 */
#ifndef SLUICE_ADAPTER_CACHE_REDIS_H
#define SLUICE_ADAPTER_CACHE_REDIS_H

#include "base/log.h"
#include "base/metric.h"
#include "net/tls_client.h"
#include "port/cache.h"
#include "port/clock.h"

#define CACHE_REDIS_PREFIX_MAX   64
#define CACHE_REDIS_PASSWORD_MAX 512

struct cache_redis_options {
	const char *host; /* a name is looked up beside the calls, which do not wait for it */
	uint16_t port;
	const char *username;      /* NULL: the default one */
	const char *password_file; /* NULL: no password; read at each connection */
	struct tls_client *tls;    /* becomes the cache's; NULL: not encrypted */
	const char *prefix;        /* 1 to CACHE_REDIS_PREFIX_MAX visible ASCII characters */
	int64_t timeout_ms;        /* of a call, with its connection; > 0 */
	struct clock *clock;       /* borrowed */
	const struct log *log;     /* borrowed; NULL: nobody is told */
	struct metrics *metrics;   /* borrowed; may be NULL */
};

/* Connects to nothing yet: a Redis that is away is no reason not to start. */
struct cache *cache_redis_new(const struct cache_redis_options *options);

#endif
