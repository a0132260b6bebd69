/* A thread that hears what has changed (changes.h), and tells the loop's thread. While there is
 * nothing to hear from it tries again, and nobody is told: who waits looks for himself. */
#ifndef SLUICE_SERVICE_API_EAR_H
#define SLUICE_SERVICE_API_EAR_H

#include "core/id.h"
#include "port/cache.h"

struct ear;

struct ear_options {
	struct cache *cache; /* of this thread alone; borrowed */
	/* As of jobs_options: has run(arg) called on the loop's thread. */
	void (*post)(void *context, void (*run)(void *arg), void *arg);
	void *context;
	/* On the loop's thread. */
	void (*heard)(void *arg, const struct id *ids, size_t n);
	/* More came than could be kept: any may have changed. */
	void (*missed)(void *arg);
	void *arg;
};

struct ear *ear_new(const struct ear_options *options);
/* NOT_DONE when the system has no thread left. */
MUST_CHECK bool ear_start(struct ear *ear, struct err *err);
void ear_stop(struct ear *ear);
void ear_free(struct ear *ear); /* after ear_stop; accepts NULL */

#endif
