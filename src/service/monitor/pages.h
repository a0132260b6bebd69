/* Mined and final slots, by pages. */
#ifndef SLUICE_SERVICE_MONITOR_PAGES_H
#define SLUICE_SERVICE_MONITOR_PAGES_H

#include "service/monitor/monitor_parts.h"

/* All slots of a wallet at `stage` that were mined between two blocks, by pages in rows, in the
 * order of their blocks; `act` is given the length of each, which is not 0. What is held waits for
 * a person and is not looked at: however many there are, they keep nobody else from being
 * completed. */
MUST_CHECK bool monitor_pages_walk(struct monitor *self, const struct wallet *wallet,
				   enum transfer_stage stage, uint64_t from, uint64_t to,
				   bool (*act)(struct monitor *self, size_t n, struct err *err),
				   struct err *err);

#endif
