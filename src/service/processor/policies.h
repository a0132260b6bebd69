/* The policy in force, as the processor holds it: read from the store once a batch, compiled when
 * it has changed. What cannot be believed (no policy, a broken seal, an older version than was seen
 * before, a document that names what is not configured) is no policy: then nothing is decided, with
 * an alarm, until there is one again. */
#ifndef SLUICE_SERVICE_PROCESSOR_POLICIES_H
#define SLUICE_SERVICE_PROCESSOR_POLICIES_H

#include "base/log.h"
#include "base/metric.h"
#include "port/store_policy.h"

struct policies_options {
	struct store *store; /* all borrowed */
	const struct catalogue *catalogue;
	const struct log *log;
	struct metrics *metrics;
	struct mac_keys keys; /* policy grants */
};

struct policies;

struct policies *policies_new(const struct policies_options *options);
void policies_free(struct policies *policies); /* accepts NULL */
/* Looks at the store. False: it did not answer, and what was known stays. */
MUST_CHECK bool policies_refresh(struct policies *policies, struct err *err);
/* NULL: there is none that could be believed. Lives until the next refresh. */
const struct policy *policies_current(const struct policies *policies, uint64_t *ret_version);
/* When it was set, by its seal. */
int64_t policies_set_at(const struct policies *policies);

#endif
