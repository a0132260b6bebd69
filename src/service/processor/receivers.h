/* What the processor knows of receivers, besides what the intent says: is one on the deny-list, or
 * on the account's allow-list? Does it look like another one that the account knows? A deny-list
 * that cannot be believed is none, and then nothing is decided, with an alarm, until there is one
 * again. Is it a contract? A node says so; while none does, such a row is not judged. An entry of
 * the allow-list that cannot be believed is none either, with an alarm. */
#ifndef SLUICE_SERVICE_PROCESSOR_RECEIVERS_H
#define SLUICE_SERVICE_PROCESSOR_RECEIVERS_H

#include "base/log.h"
#include "base/metric.h"
#include "core/policy_rules.h"
#include "port/chain.h"
#include "port/deny_list.h"
#include "port/store_receivers.h"

struct receivers_options {
	struct store *store;         /* all borrowed */
	struct deny_list *deny_list; /* NULL: none is configured */
	struct chain *const *chains; /* in the order of the catalogue; each NULL: nobody to ask */
	const struct catalogue *catalogue;
	const struct log *log;
	struct metrics *metrics;
	struct mac_keys keys; /* policy grants */
};

struct receivers;

struct receivers *receivers_new(const struct receivers_options *options);
void receivers_free(struct receivers *receivers); /* accepts NULL */
/* Once a step, also without work, so that people hear of it. False: nobody can be judged now. */
MUST_CHECK bool receivers_look(struct receivers *receivers);
/* What store and chains know about up to BATCH_MAX rows, in one look at each; nothing that the
 * policy has no use for. The rows are borrowed until the next load. */
MUST_CHECK bool receivers_load(struct receivers *receivers, const struct policy *policy,
			       int64_t policy_set_at, const struct withdrawal *const *rows,
			       size_t n, int64_t now_ms, struct err *err);
/* Of one of those rows, after a look that said true. ret_known: whom it looks like, if it does. */
struct policy_receiver receivers_facts(const struct receivers *receivers,
				       const struct withdrawal *row, struct address *ret_known);
/* The accounts of these rows know their receivers from now on. */
MUST_CHECK bool receivers_learn(struct receivers *receivers, const struct withdrawal *const *rows,
				size_t n, int64_t now_ms, struct err *err);

#endif
