/* The seeds of `sluice sim`, spread over processes: a run itself is one thread, and shares nothing.
 */
#ifndef SLUICE_CMD_SIM_JOBS_H
#define SLUICE_CMD_SIM_JOBS_H

#include "sim/sim.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_JOBS_MAX 64

/* The seeds from options->seed on, every one once, in `jobs` (1 to SIM_JOBS_MAX) processes; with 1,
 * in this one. Tells progress on standard error when that is a terminal. ret_summary: of all of
 * them, also when it fails. False: what the first violation says; the other processes are ended. */
MUST_CHECK bool sim_jobs_run(const struct sim_options *options, uint64_t seeds, unsigned jobs,
			     struct sim_summary *ret_summary, struct err *err);

#endif
