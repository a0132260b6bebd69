/* How long to wait before the next try. */
#ifndef SLUICE_CORE_RETRY_H
#define SLUICE_CORE_RETRY_H

#include <stdint.h>

struct retry_policy {
	int64_t first_ms; /* > 0 */
	int64_t max_ms;   /* >= first_ms */
};

/* first × 2^attempt up to max, then spread over [half, whole] by `random` (any value), so that many
 * that failed together do not come back together. attempt counts from 0. Pure. */
int64_t retry_delay_ms(const struct retry_policy *policy, uint32_t attempt, uint32_t random);

#endif
