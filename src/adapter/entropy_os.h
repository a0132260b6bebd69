/* Random bytes of the kernel. Source: getrandom(2). */
#ifndef SLUICE_ADAPTER_ENTROPY_OS_H
#define SLUICE_ADAPTER_ENTROPY_OS_H

#include "port/entropy.h"

/* Has no state: nothing to release. Safe for any thread. */
void entropy_os_init(struct entropy *ret_entropy);

#endif
