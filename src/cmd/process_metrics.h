/* What the kernel knows of this process, in Prometheus' text format under the usual names.
 * Source: prometheus.io, "Writing client libraries", process metrics. */
#ifndef SLUICE_CMD_PROCESS_METRICS_H
#define SLUICE_CMD_PROCESS_METRICS_H

#include "base/buf.h"

/* Resident and virtual memory, CPU seconds, start time, file descriptors, and build information.
 * Reads /proc; what cannot be read is left out. */
void process_metrics_write(struct buf *out);

#endif
