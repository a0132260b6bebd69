/* What the processor decides of one batch: a store_change for each row that is its to decide, made
 * from the row, the policy and what else was gathered before. Waits for nobody and writes nothing
 * but the log: of a row that has to be screened first there is no change yet. */
#ifndef SLUICE_SERVICE_PROCESSOR_DECISIONS_H
#define SLUICE_SERVICE_PROCESSOR_DECISIONS_H

#include "core/policy_rules.h"
#include "core/vote.h"
#include "service/processor/processor.h"
#include "service/processor/receivers.h"
#include "service/processor/screening.h"

/* What every row of the batch is judged by. */
struct decisions_facts {
	int64_t now_ms;
	const struct policy *policy; /* borrowed; NULL: none that could be believed */
	uint64_t policy_version;
	const struct receivers *receivers; /* borrowed; NULL: not known */
	struct screening *screening;       /* borrowed; asks where the policy wants it */
	bool restored;                     /* the store is one that was restored */
};

/* What people said about one row, sealed. */
struct decisions_votes {
	size_t len;
	struct vote items[VOTES_MAX];
};

struct decisions {
	struct processor_options options;
	struct decisions_facts facts;
	size_t len;
	struct store_change changes[BATCH_MAX];
	const struct withdrawal *rows[BATCH_MAX];                 /* of the changes; borrowed */
	struct policy_verdict verdicts[BATCH_MAX];                /* likewise; */
	char rules[BATCH_MAX][POLICY_NAME_LEN_MAX + 1];           /* the names that they tell, */
	char references[BATCH_MAX][SCREEN_REFERENCE_LEN_MAX + 1]; /* and those of screenings */
	const struct withdrawal
		*allowed_rows[BATCH_MAX]; /* borrowed; those that the policy allowed */
	size_t allowed_len;
	struct metric *allowed, *refused, *held, *alike;
};

struct decisions *decisions_new(const struct processor_options *options);
void decisions_free(struct decisions *decisions); /* accepts NULL */
void decisions_begin(struct decisions *decisions, const struct decisions_facts *facts);
/* Is there anything for the processor to decide here? */
bool decisions_want(const struct withdrawal *row);
/* Does what people said count for it? */
bool decisions_want_votes(const struct withdrawal *row);
/* Adds the change of a row that it wants; the row outlives the batch, the votes need not. Or adds
 * none: then the row's message is kept by the screening. */
void decisions_add(struct decisions *decisions, const struct withdrawal *row,
		   const struct message *message, const struct decisions_votes *votes);
/* What had no room in a window was not applied: decides that again, without the room. The changes
 * that are left are those, as many as len says. */
void decisions_repeat(struct decisions *decisions);

#endif
