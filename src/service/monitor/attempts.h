/* The attempts of a page of slots, read together: attempts.c. */
#ifndef SLUICE_SERVICE_MONITOR_ATTEMPTS_H
#define SLUICE_SERVICE_MONITOR_ATTEMPTS_H

#include "core/withdrawal.h"
#include "service/monitor/claims.h"

/* Most slots have one. */
#define FETCHED_MAX (2 * WATCH_BATCH)

struct monitor;

struct attempts_page {
	struct attempt rows[FETCHED_MAX];
	size_t len;
	struct id of[WATCH_BATCH]; /* these slots */
	size_t of_len;
};

/* Reads those of n slots, at most WATCH_BATCH, for monitor_attempts_load, until they are forgotten
 * or others are fetched. */
MUST_CHECK bool monitor_attempts_fetch(struct monitor *self, const struct id *slots, size_t n,
				       struct err *err);
void monitor_attempts_forget(struct monitor *self);
/* All attempts of a slot, into self->attempts. */
MUST_CHECK bool monitor_attempts_load(struct monitor *self, struct id slot, size_t *ret_len,
				      struct err *err);

#endif
