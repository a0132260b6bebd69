/* The API server's inside: parsed requests in, answers out. http*.c beside it translate HTTP;
 * nothing else here knows it, so that the simulator can call these functions.
 *
 * Two threads: the loop thread parses and authenticates (request.h, query.h, auth.h); the store
 * thread (jobs.h) runs work_run on batches of jobs (work.h) and commits the acceptances that wait
 * together in one transaction. server.h is what cmd starts.
 */
#ifndef SLUICE_SERVICE_API_API_H
#define SLUICE_SERVICE_API_API_H

#include "base/ip.h"
#include "base/log.h"
#include "base/metric.h"
#include "core/catalogue.h"
#include "core/intent.h"
#include "port/cache.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/password.h"
#include "port/queue.h"
#include "port/replica.h"
#include "port/secrets.h"
#include "port/store_transfer.h"
#include "service/api/outside_token.h"
#include "service/api/rate.h"

struct deny_list;

struct api_options {
	struct store *store; /* of the store thread; all borrowed */
	struct queue *queue;
	struct cache *cache;         /* of the store thread, shared with others; NULL: none */
	struct cache *rate_cache;    /* of the loop thread alone; NULL without a limit */
	struct cache *address_cache; /* likewise, of addresses: who has many pushes no key out */
	struct cache *ear;           /* of the thread that hears what changes; NULL: none */
	struct clock *clock;
	struct entropy *entropy;
	const struct catalogue *catalogue;
	const struct log *log;
	struct metrics *metrics;
	struct id deployment;
	struct mac_keys intent_keys;
	struct mac_keys identity_keys; /* of rows that grant something to somebody */
	struct mac_keys access_keys;   /* of the tokens that a login gives */
	struct secrets *secrets;       /* of the store thread */
	const struct password_hasher *hasher;
	struct outside_options outside; /* keys NULL: no outside identity provider */
	struct mac_keys controls_keys;  /* seals what people decide */
	struct mac_keys policy_keys;    /* seals policies */
	struct deny_list *deny_list;    /* of the store thread; NULL: none is configured */
	unsigned unpause_people;        /* how many it takes: 2, else 1 */
	bool accounts_required;         /* to be declared, or any name is one */
	unsigned policy_people;
	unsigned allow_list_people;
	const char *instance;
	const struct ip_range *proxies; /* whose X-Forwarded-For is believed; borrowed */
	size_t proxies_len;
	int64_t key_cache_ms; /* how long a verdict about an API key is kept in memory: 5 s */
	size_t jobs_max;      /* waiting requests before 503: 4096 */
	int64_t wait_max_ms;  /* that a new withdrawal may have to wait before 503; 0: any time */
	struct rate_limits rates;
	int64_t copy_life_ms;        /* of a status copy in the cache; 0: none are kept */
	struct replica *replica;     /* of the store, for lists; NULL: none */
	int64_t replica_age_ms;      /* how old its lists may be */
	struct cache *replica_cache; /* of the thread that reads it; NULL: none */
	/* The store is on a server that another one may replace, without its last commits: what it
	 * calls not approved may be paid, and the signer looks at the chain before it ends. */
	bool ends_by_signer;
	int64_t job_timeout_ms; /* how long one waits for the store before 503; 0: 5 s */
};

#endif
