/* What the store thread asks the cache that several processes share: the limit of each request's
 * API key, and copies in place of reads. All of it may fail, and then nothing is different but
 * slower: each process has judged by a limit of its own before (rate.h), and the store has what
 * copies have.
 */
#ifndef SLUICE_SERVICE_API_SHARED_H
#define SLUICE_SERVICE_API_SHARED_H

#include "service/api/work.h"

struct shared;

/* NULL when there is no cache; the functions below accept that. */
struct shared *shared_new(const struct api_options *options);
void shared_free(struct shared *shared);
/* Gives jobs whose key has no token left the problem RATE_LIMITED, and writes how much is left. */
void shared_judge(struct shared *shared, struct job **jobs, size_t n);
/* Answers the views of which there is a copy. */
void shared_answer(struct shared *shared, struct job **jobs, size_t n);
/* A view that the store has answered: kept for shared_keep. */
void shared_note(struct shared *shared, const struct job *job, const struct withdrawal *row);
/* Puts what was noted into the cache. */
void shared_keep(struct shared *shared);

#endif
