/* Metrics in Prometheus' text format. A registry of fixed size, filled at start, counted from any
 * thread with relaxed atomics, rendered by the ops endpoint.
 *
 * Names: base units, `_total` for counters; labels are fixed text of small sets (queue, outcome,
 * code, chain), never an address, a hash, an account.
 */
#ifndef SLUICE_BASE_METRIC_H
#define SLUICE_BASE_METRIC_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

#define METRICS_MAX        512 /* four of each route of the API, and what the services have */
#define METRIC_BUCKETS_MAX 14

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM, /* of seconds, 0.5 ms to 2 min; observed in microseconds */
};

struct metric {
	enum metric_type type;
	const char *name;           /* static: "sluice_withdrawals_accepted_total" */
	const char *help;           /* static */
	char labels[96];            /* `queue="signing",outcome="done"`, or "" */
	atomic_int_least64_t value; /* counter or gauge; histogram: sum in microseconds */
	atomic_int_least64_t buckets[METRIC_BUCKETS_MAX + 1];
};

struct metrics {
	struct metric metric[METRICS_MAX];
	atomic_size_t len; /* raised when a series is complete: it may be rendered meanwhile */
};

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);
/* Adds a series and returns it; it lives as long as the registry. Series of one name have one help.
 * CHECKs that there is room. `metrics` may be NULL: a shared sink is impossible
 * without globals, so NULL is returned, and the functions below accept it. */
struct metric *metric_add(struct metrics *metrics, enum metric_type type, const char *name,
			  const char *labels, const char *help);
void metric_count(struct metric *metric, int64_t by);
void metric_set(struct metric *metric, int64_t value);
void metric_observe_us(struct metric *metric, int64_t microseconds);
int64_t metric_value(const struct metric *metric);
/* Text format 0.0.4. */
void metrics_write(const struct metrics *metrics, struct buf *out);

#endif
