/* The clock of the machine. */
#ifndef SLUICE_ADAPTER_CLOCK_POSIX_H
#define SLUICE_ADAPTER_CLOCK_POSIX_H

#include "port/clock.h"

/* Has no state: nothing to release. Safe for any thread. */
void clock_posix_init(struct clock *ret_clock);

#endif
