/* Lists out of a replica of the store, on a thread of their own: jobs in, answers in the jobs. A
 * list that is not proved to be young enough, or that the replica does not give, is not answered
 * here: the caller asks the store.
 *
 * Source: port/replica.h, ADR 22.
 */
#ifndef SLUICE_SERVICE_API_READER_H
#define SLUICE_SERVICE_API_READER_H

#include "service/api/work.h"

struct reader;

/* options: with a replica. */
struct reader *reader_new(const struct api_options *options);
void reader_free(struct reader *reader); /* accepts NULL */
/* Answers jobs of kind LIST, 1 to WORK_JOBS_MAX. STORE_UNAVAILABLE: ask the store; is_stale says
 * whether the replica has answered, but with what is too old. */
void reader_run(struct reader *reader, struct job **jobs, size_t n);

#endif
