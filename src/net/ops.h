/* The ops endpoint of a role: /livez, /readyz and /metrics on a port and a thread of their own, so
 * that they answer whatever hangs elsewhere. The callbacks run on that thread: they read what other
 * threads have left for them (atomics, cached verdicts) and never wait. */
#ifndef SLUICE_NET_OPS_H
#define SLUICE_NET_OPS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/metric.h"

#include <stdbool.h>
#include <stdint.h>

struct ops;

#define OPS_BODY_MAX    4096                  /* of /livez and /readyz */
#define OPS_METRICS_MAX ((size_t)1024 * 1024) /* METRICS_MAX histograms take about 700 kB */

struct ops_options {
	const char *listen; /* "127.0.0.1:3100"; port 0: the kernel's choice */
	/* True gives 200, false 503. May write a JSON body of up to OPS_BODY_MAX bytes; without one
	 * it is {"status":"ok"} or {"status":"failing"}. */
	bool (*live)(void *context, struct buf *out);
	bool (*ready)(void *context, struct buf *out);
	/* Writes further metrics, in the same text format, behind those of `metrics`: what is read
	 * at the moment of the question. NULL for none. */
	void (*measure)(void *context, struct buf *out);
	void *context;
	const struct metrics *metrics; /* borrowed until ops_stop */
};

/* Listens and starts the thread, which takes no signals. Fails as http_server_open does. */
MUST_CHECK bool ops_start(const struct ops_options *options, struct ops **ret_ops, struct err *err);
uint16_t ops_port(const struct ops *ops);
/* Ends the thread and frees everything. Accepts NULL. */
void ops_stop(struct ops *ops);

#endif
