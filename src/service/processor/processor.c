#include "service/processor/processor.h"

#include "base/defence.h"
#include "port/store_recover.h"
#include "service/processor/decisions.h"
#include "service/processor/policies.h"
#include "service/processor/receivers.h"

#include <stdlib.h>

#define FORGET_MS             60000 /* between two looks for windows that are over */
#define SCREENING_WAIT_MS_MAX 20    /* for answers, before messages are looked for again */

struct processor {
	struct processor_options options;
	struct message messages[BATCH_MAX];
	struct withdrawal rows[BATCH_MAX];
	struct decisions *decisions;
	struct decisions_votes votes; /* of the row that is looked at */
	struct policies *policies;
	struct receivers *receivers;
	struct screening *screening;
	bool receivers_stand; /* of the step: are they known? */
	int64_t sweep_at;     /* monotonic */
	int64_t forget_at;    /* likewise */
	struct metric *swept;
	struct metric *broken;
};

struct processor *processor_new(const struct processor_options *options)
{
	struct processor *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	self->options = *options;
	struct metrics *metrics = options->metrics;
	struct policies_options policies = { options->store, options->catalogue, options->log,
					     metrics, options->policy_keys };
	struct receivers_options receivers = { options->store,       options->deny_list,
					       self->options.chains, options->catalogue,
					       options->log,         metrics,
					       options->policy_keys };
	self->policies = policies_new(&policies);
	self->receivers = receivers_new(&receivers);
	struct screening_options screening = { options->screen, options->clock, options->log,
					       metrics, options->visibility_ms };
	self->screening = screening_new(&screening);
	self->decisions = decisions_new(options);
	self->swept = metric_add(metrics, METRIC_COUNTER, "sluice_sweeper_woken_total", "",
				 "Rows that were due and had not moved.");
	self->broken = metric_add(metrics, METRIC_COUNTER, "sluice_approval_alarms_total", "",
				  "Approvals of people that somebody else wrote.");
	return self;
}

void processor_free(struct processor *processor)
{
	if (processor != NULL) {
		policies_free(processor->policies);
		receivers_free(processor->receivers);
		screening_free(processor->screening);
		decisions_free(processor->decisions);
	}
	free(processor);
}

static bool changes_write(struct processor *self, struct err *err)
{
	struct decisions *decisions = self->decisions;
	struct store *store = self->options.store;
	struct store_by by = { .actor = ACTOR_PROCESSOR,
			       .who = self->options.instance,
			       .request_id = "",
			       .now_ms = decisions->facts.now_ms };
	if (!store_withdrawals_change(store, decisions->changes, decisions->len, &by, err))
		return false;
	decisions_repeat(decisions);
	if (decisions->len > 0 &&
	    !store_withdrawals_change(store, decisions->changes, decisions->len, &by, err))
		return false;
	queue_notify(self->options.queue, QUEUE_SIGNING);
	return receivers_learn(self->receivers, decisions->allowed_rows, decisions->allowed_len,
			       decisions->facts.now_ms, err);
}

static bool receivers_of_batch(struct processor *self, size_t n, const bool *found,
			       const struct decisions_facts *facts, struct err *err)
{
	const struct withdrawal *rows[BATCH_MAX];
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		if (found[i] && decisions_want(&self->rows[i]))
			rows[len++] = &self->rows[i];
	return receivers_load(self->receivers, facts->policy, policies_set_at(self->policies), rows,
			      len, facts->now_ms, err);
}

static bool facts_load(struct processor *self, size_t n, bool *ret_found, struct err *err)
{
	struct id ids[BATCH_MAX];
	struct store_incarnation last;
	struct decisions_facts facts = { .now_ms = clock_now_ms(self->options.clock) };
	for (size_t i = 0; i < n; i++)
		ids[i] = self->messages[i].ack.subject;
	if (!store_withdrawals_load(self->options.store, ids, n, self->rows, ret_found, err) ||
	    !store_incarnation_load(self->options.store, &last, err) ||
	    !policies_refresh(self->policies, err))
		return false;
	facts.policy = policies_current(self->policies, &facts.policy_version);
	facts.restored = last.is_old;
	facts.receivers = self->receivers_stand ? self->receivers : NULL;
	facts.screening = self->screening;
	decisions_begin(self->decisions, &facts);
	return receivers_of_batch(self, n, ret_found, &facts, err);
}

static void vote_tell(const struct processor *self, const struct withdrawal *row)
{
	struct id_text id = id_text(row->intent.id);
	struct log_about about = { .action = "approval_seal_broken",
				   .outcome = "failure",
				   .trace_id = row->correlation_id,
				   .withdrawal_id = id.at,
				   .alarm = true };
	metric_count(self->broken, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "approval_seal_broken what a person is said to have said is somebody else's");
}

/* Those that are sealed; the others say nothing. */
static bool votes_of_row(struct processor *self, const struct withdrawal *row, struct err *err)
{
	struct decisions_votes *votes = &self->votes;
	uint64_t version = self->decisions->facts.policy_version;
	size_t kept = 0;
	votes->len = 0;
	if (!decisions_want_votes(row) || self->decisions->facts.policy == NULL)
		return true;
	if (!store_votes_load(self->options.store, row->intent.id, version, votes->items,
			      &votes->len, err))
		return false;
	for (size_t i = 0; i < votes->len; i++) {
		if (vote_is_sealed(&self->options.policy_keys, &votes->items[i]) ||
		    !DEFENCE("approvals_are_sealed"))
			votes->items[kept++] = votes->items[i];
		else
			vote_tell(self, row);
	}
	votes->len = kept;
	return true;
}

static bool batch_decide(struct processor *self, size_t n, struct err *err)
{
	bool found[BATCH_MAX];
	struct message_ack idle[BATCH_MAX];
	size_t idle_len = 0;
	if (!facts_load(self, n, found, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!found[i] || !decisions_want(&self->rows[i])) {
			idle[idle_len] = self->messages[i].ack;
			idle_len += idle[idle_len].queue != QUEUE_NONE;
			continue;
		}
		if (!votes_of_row(self, &self->rows[i], err))
			return false;
		decisions_add(self->decisions, &self->rows[i], &self->messages[i], &self->votes);
	}
	if (idle_len > 0 && !queue_ack(self->options.queue, idle, idle_len, err))
		return false;
	return self->decisions->len == 0 || changes_write(self, err);
}

/* Windows that nobody asks about any more. */
static bool forget(struct processor *self, bool *ret_worked, struct err *err)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	size_t forgotten = 0;
	if (now < self->forget_at)
		return true;
	if (!store_policy_forget(self->options.store, clock_now_ms(self->options.clock), BATCH_MAX,
				 &forgotten, err))
		return false;
	*ret_worked |= forgotten > 0;
	self->forget_at = forgotten > 0 ? now : now + FORGET_MS;
	return true;
}

static bool sweep(struct processor *self, bool *ret_worked, struct err *err)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	size_t woken[3] = { 0 };
	if (now < self->sweep_at)
		return true;
	if (!store_sweep(self->options.store, clock_now_ms(self->options.clock), BATCH_MAX, woken,
			 err))
		return false;
	size_t total = woken[0] + woken[1] + woken[2];
	/* A full pass means that more is due: go on without the pause. */
	self->sweep_at = total == BATCH_MAX ? now : now + self->options.sweep_interval_ms;
	metric_count(self->swept, (int64_t)total);
	if (woken[1] > 0)
		queue_notify(self->options.queue, QUEUE_SIGNING);
	*ret_worked |= total > 0;
	return true;
}

/* Those first whose answer is there: others wait for their places. */
static bool batch_take(struct processor *self, size_t *ret_len, struct err *err)
{
	screening_poll(self->screening);
	*ret_len = screening_take(self->screening, self->messages, BATCH_MAX);
	return *ret_len > 0 ||
	       queue_claim(self->options.queue, QUEUE_REQUEST, BATCH_MAX,
			   self->options.visibility_ms, self->messages, ret_len, err);
}

bool processor_step(struct processor *processor, bool *ret_worked, struct err *err)
{
	size_t n = 0;
	*ret_worked = false;
	processor->receivers_stand = receivers_look(processor->receivers);
	if (!sweep(processor, ret_worked, err) || !forget(processor, ret_worked, err))
		return false;
	if (!batch_take(processor, &n, err))
		return false;
	if (n == 0)
		return true;
	*ret_worked = true;
	if (!batch_decide(processor, n, err))
		return false;
	screening_forget(processor->screening);
	return true;
}

bool processor_wait(struct processor *processor, int64_t timeout_ms)
{
	return screening_wait(processor->screening, timeout_ms < SCREENING_WAIT_MS_MAX
							    ? timeout_ms
							    : SCREENING_WAIT_MS_MAX);
}
