/* What the processor knows of receivers, besides what the intent says: is one on the deny-list? A
 * list that cannot be believed is none, and then nothing is decided, with an alarm, until there is
 * one again. */
#ifndef SLUICE_SERVICE_PROCESSOR_RECEIVERS_H
#define SLUICE_SERVICE_PROCESSOR_RECEIVERS_H

#include "base/log.h"
#include "base/metric.h"
#include "core/policy_rules.h"
#include "port/deny_list.h"

struct receivers_options {
	struct deny_list *deny_list; /* all borrowed; NULL: none is configured */
	const struct log *log;
	struct metrics *metrics;
};

struct receivers;

struct receivers *receivers_new(const struct receivers_options *options);
void receivers_free(struct receivers *receivers); /* accepts NULL */
/* Once a step, also without work, so that people hear of it. False: nobody can be judged now. */
MUST_CHECK bool receivers_look(struct receivers *receivers);
/* After a look that said true. */
struct policy_receiver receivers_facts(const struct receivers *receivers,
				       const struct intent *intent);

#endif
