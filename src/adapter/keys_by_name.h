/* port/keys.h over several key stores: the first part of a key reference, up to its '/', names the
 * store that has the key. Before a store that may be away (an HSM, a service) stands a circuit
 * breaker: while it is open, signatures of that store end NOT_DONE at once, and those of the others
 * go on. */
#ifndef SLUICE_ADAPTER_KEYS_BY_NAME_H
#define SLUICE_ADAPTER_KEYS_BY_NAME_H

#include "base/metric.h"
#include "port/clock.h"
#include "port/keys.h"

#define KEYS_STORES_MAX         16
#define KEYS_STORE_NAME_LEN_MAX 64

struct keys_store {
	const char *name; /* copied */
	struct keys *keys;
	const char *neighbour; /* the breaker's label, of [a-z0-9_-]; NULL: it is no neighbour */
};

struct keys_by_name_options {
	const struct keys_store *stores; /* names differ; one `keys` may have several names */
	size_t len;                      /* 1 to KEYS_STORES_MAX */
	struct clock *clock;             /* borrowed */
	struct metrics *metrics;         /* or NULL */
};

/* Takes the stores over: keys_close closes each of them once. */
struct keys *keys_by_name_new(const struct keys_by_name_options *options);

#endif
