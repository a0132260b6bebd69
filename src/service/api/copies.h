/* Copies of withdrawals as GET /v1/withdrawals/{id} shows them, in a cache that several processes
 * share. Used by the store thread; only a view is ever answered from one.
 *
 * The cache may be anybody's. A copy carries a MAC of the API over deployment, withdrawal, account,
 * version, time and text: whatever else is there is no copy. So a liar has one that was true a few
 * seconds ago, and no other.
 *
 * Source: ADR 15.
 */
#ifndef SLUICE_SERVICE_API_COPIES_H
#define SLUICE_SERVICE_API_COPIES_H

#include "core/intent.h"
#include "port/cache.h"

#define COPY_KEY_MAX   48 /* "w:" and the id */
#define COPY_FRAME_MAX 128
/* Clocks of hosts may differ by so much; a copy from further ahead is none. */
#define COPY_SKEW_MS 1000

struct copy {
	struct id withdrawal;
	uint64_t version;
	int64_t made_ms;    /* wall clock */
	struct str account; /* 1 to ACCOUNT_LEN_MAX bytes; borrowed */
	struct str body;    /* JSON; at least one byte; borrowed */
};

/* The key of a withdrawal's copy. */
void copy_key_write(struct id withdrawal, struct buf *out);
/* What is put into the cache. keys: those of the API's identity grants. */
void copy_write(const struct copy *copy, const struct mac_keys *keys, struct id deployment,
		struct buf *out);
/* What came out of it. False: it is none of ours, or of another withdrawal, or older than life_ms.
 * ret_copy: slices of `value`. */
bool copy_read(struct str value, struct id withdrawal, const struct mac_keys *keys,
	       struct id deployment, int64_t now_ms, int64_t life_ms, struct copy *ret_copy);

#endif
