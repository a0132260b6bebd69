/* Requests that wait for a withdrawal to change: GET /v1/withdrawals/{id}?wait_ms=N. On the loop
 * thread. A waiter holds its connection and a place here, and no thread: when it is told that its
 * withdrawal has changed, and once in a while in any case, it looks at the store by a job like
 * every other. So what is told (ear.h) only makes it quicker. Included by http*.c alone.
 *
 * Source: ADR 24.
 */
#ifndef SLUICE_SERVICE_API_HTTP_WAITERS_H
#define SLUICE_SERVICE_API_HTTP_WAITERS_H

#include "service/api/http.h"

/* A quarter of the connections that a server has, and of these a quarter for one API key: whoever
 * waits keeps a connection from others. Who finds no place is answered at once. */
#define WAITERS_MAX        256
#define WAITERS_OF_KEY_MAX 64
/* Between two looks of a waiter that was told nothing. */
#define WAIT_LOOK_MS 1000

struct waiters;

/* post, context: as of jobs_options. */
struct waiters *waiters_new(const struct api_options *options,
			    void (*post)(void *context, void (*run)(void *arg), void *arg),
			    void *context);
void waiters_free(struct waiters *waiters); /* after waiters_stop */
MUST_CHECK bool waiters_start(struct waiters *waiters, struct err *err);
void waiters_stop(struct waiters *waiters);
/* Looks for those whose time has come; a few times a second. is_ending: for all, and the last time.
 */
void waiters_tick(struct waiters *waiters, bool is_ending);
/* Answers the exchange with the withdrawal, now or later. */
void waiters_submit(struct exchange *exchange, struct id id, const struct wait_query *query);
/* Goes on with an exchange that waits, once it was judged again. */
void waiters_look(struct exchange *exchange);
/* The exchange is about to be answered: it waits no more, if it did. */
void waiters_leave(struct exchange *exchange);

#endif
