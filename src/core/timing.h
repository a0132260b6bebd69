/* The default times of the lifecycle, in one place: those that are fixed, and those that a setting
 * gives (a test compares them with its default). doc/lifecycle.md is made from it. Pure. */
#ifndef SLUICE_CORE_TIMING_H
#define SLUICE_CORE_TIMING_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Before a proof is looked for again: blocks come in seconds, and depth takes minutes. */
#define PROOF_WAIT_MS 15000
/* Before an expired approval is looked at again: the processor renews it at once. */
#define EXPIRED_WAIT_MS 500
/* Before a paused one is looked at again: people lift pauses, and tell nobody else. */
#define PAUSED_WAIT_MS 5000
/* The longest time before a screening that gave no answer is tried again; at first it is less. */
#define SCREENING_WAIT_MS 30000
/* How far a swept row's due time moves ahead, so that one pass does not see the same rows again. */
#define SWEPT_AGAIN_MS 15000

/* How long a claim of the monitor hides its message; nobody configures it, since it ends them at
 * once. */
#define MONITOR_VISIBILITY_MS 30000
/* How often an owner looks at its leases, and renews them where the store is not of one host. */
#define LEASES_LOOK_MS 500
/* How long a lease that is not renewed is its owner's there. */
#define LEASE_TERM_MS 5000

struct timing {
	const char *what;
	int64_t ms;
	const char *setting; /* its key; NULL: fixed */
	const char *text;
};

/* Static storage. */
const struct timing *timings(size_t *ret_len);
/* "500 ms", "15 s", "24 h". */
void timing_write(int64_t ms, struct buf *out);
/* The table as Markdown, for doc/lifecycle.md. */
void timing_write_markdown(struct buf *out);

#endif
