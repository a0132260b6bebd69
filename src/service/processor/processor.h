/* The processor: decides what the API accepted. Takes wake-ups of the request queue, gathers facts,
 * lets core/policy decide, writes the decision with its approval MAC. Also runs the sweeper. */
#ifndef SLUICE_SERVICE_PROCESSOR_PROCESSOR_H
#define SLUICE_SERVICE_PROCESSOR_PROCESSOR_H

#include "base/log.h"
#include "base/metric.h"
#include "core/catalogue.h"
#include "core/intent.h"
#include "port/chain.h"
#include "port/clock.h"
#include "port/deny_list.h"
#include "port/queue.h"
#include "port/screen.h"
#include "port/store.h"

struct processor_options {
	struct store *store; /* all borrowed */
	struct queue *queue;
	struct clock *clock;
	struct deny_list *deny_list;      /* NULL: none is configured */
	struct screen *screen;            /* likewise */
	struct chain *chains[CHAINS_MAX]; /* in the order of the catalogue; NULL: none to ask */
	const struct catalogue *catalogue;
	const struct log *log;
	struct metrics *metrics;
	struct mac_keys approval_keys;
	struct mac_keys policy_keys; /* verify policies */
	const char *instance;        /* for audit records: "processor-4711" */
	/* The store is on a server: others may write it, or replace it by one without its last
	 * commits. What was refused is ended by the signer, whose void keeps it ended. */
	bool ends_by_signer;
	int64_t approval_life_ms;  /* 24 h by default */
	int64_t visibility_ms;     /* 30 s by default */
	int64_t sweep_interval_ms; /* 1 s by default */
};

struct processor;

struct processor *processor_new(const struct processor_options *options);
void processor_free(struct processor *processor); /* accepts NULL */
/* One bounded batch. ret_worked: there was something to do, ask again at once. False is a fault of
 * a neighbour, already as text in err: log it, wait, step again. */
MUST_CHECK bool processor_step(struct processor *processor, bool *ret_worked, struct err *err);
/* Waits for answers of the screening service, as long as one may come. False: for none. */
bool processor_wait(struct processor *processor, int64_t timeout_ms);

#endif
