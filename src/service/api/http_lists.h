/* The way of lists to a replica of the store, where there is one, and back to the store when it
 * does not answer. On the loop thread. Included by http*.c alone. */
#ifndef SLUICE_SERVICE_API_HTTP_LISTS_H
#define SLUICE_SERVICE_API_HTTP_LISTS_H

#include "service/api/http.h"

/* A replica that has not answered by then is not waited for: the store is asked. jobs_expire looks
 * a few times a second, so that it may take twice as long. */
#define LISTS_WAIT_MS 250
/* Lists that wait for the replica's thread; further ones go to the store. */
#define LISTS_JOBS_MAX 64

/* NULL without a replica; the functions below accept that. post, context: as of jobs_options. */
struct lists *lists_new(const struct api_options *options,
			void (*post)(void *context, void (*run)(void *arg), void *arg),
			void *context);
void lists_free(struct lists *lists); /* after lists_stop */
MUST_CHECK bool lists_start(struct lists *lists, struct err *err);
void lists_stop(struct lists *lists);
void lists_expire(struct lists *lists);
/* Answers the exchange with the list, now or later. */
void lists_submit(struct exchange *exchange, const struct list_query *query);

#endif
