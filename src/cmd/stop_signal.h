/* SIGTERM and SIGINT: the first one asks to stop, the second one ends the process at once. */
#ifndef SLUICE_CMD_STOP_SIGNAL_H
#define SLUICE_CMD_STOP_SIGNAL_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

/* Before any thread is started: the signals are held back, in the threads that come after it too.
 */
void stop_signal_hold(void);
/* On the main thread, which alone gets them from now on: they interrupt its waits. hook, if not
 * NULL, is called in the handler. */
void stop_signal_release(void (*hook)(void));
bool stop_signal_came(void);
/* Sleeps; a signal to stop ends it. */
void stop_signal_sleep(int64_t ms);

#endif
