/* An event loop of one thread: timers, and work that other threads hand over. libevent stays behind
 * it and the files of src/net that include loop_event.h. */
#ifndef SLUICE_NET_LOOP_H
#define SLUICE_NET_LOOP_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

/* Work that waits: one entry per request in flight is the most that callers make. */
#define LOOP_POSTS_MAX  8192
#define LOOP_TIMERS_MAX 8

struct loop;

/* Aborts when the kernel gives no epoll or eventfd. */
struct loop *loop_new(void);
void loop_free(struct loop *loop); /* accepts NULL; not while it runs */

/* Runs on the calling thread until loop_break. */
void loop_run(struct loop *loop);
/* Ends loop_run after the callback that runs now. On the loop's thread only. */
void loop_break(struct loop *loop);
/* True on the thread that runs the loop (ran it last), and before its first run. */
bool loop_is_current(const struct loop *loop);

/* Has run(arg) called on the loop's thread, in the order of the posts of one thread. From any
 * thread. False when LOOP_POSTS_MAX entries wait; the caller's own bound should lie below. */
MUST_CHECK bool loop_post(struct loop *loop, void (*run)(void *arg), void *arg);
/* Calls run(arg) every `ms` (>= 1) until the loop is freed. On the loop's thread or before it runs;
 * CHECKs LOOP_TIMERS_MAX. */
void loop_every(struct loop *loop, int64_t ms, void (*run)(void *arg), void *arg);
/* Wakes the loop, which calls what was given to loop_on_wake. Safe in a signal handler. */
void loop_wake(struct loop *loop);
void loop_on_wake(struct loop *loop, void (*run)(void *arg), void *arg); /* before it runs */

#endif
