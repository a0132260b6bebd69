#include "service/processor/processor.h"

#include "base/defence.h"
#include "core/policy.h"
#include "core/reason.h"
#include "port/store_recover.h"
#include "service/processor/policies.h"

#include <stdlib.h>

#define POLICY_WAIT_MS 5000  /* before a withdrawal without a policy is looked at again */
#define FORGET_MS      60000 /* between two looks for windows that are over */

struct processor {
	struct processor_options options;
	struct message messages[BATCH_MAX];
	struct withdrawal rows[BATCH_MAX];
	struct store_change changes[BATCH_MAX];
	struct policy_verdict verdicts[BATCH_MAX];      /* of the changes; */
	char rules[BATCH_MAX][POLICY_NAME_LEN_MAX + 1]; /* and the names that they tell */
	const struct withdrawal *changed[BATCH_MAX];    /* their rows */
	struct policies *policies;
	uint64_t policy_version;     /* of the batch */
	const struct policy *policy; /* likewise; NULL: none that could be believed */
	int64_t sweep_at;            /* monotonic */
	int64_t forget_at;           /* likewise */
	struct metric *allowed;
	struct metric *refused;
	struct metric *held;
	struct metric *swept;
};

struct processor *processor_new(const struct processor_options *options)
{
	struct processor *self = calloc(1, sizeof *self);
	CHECK(self != NULL);
	CHECK(options->approval_keys.len > 0);
	self->options = *options;
	struct metrics *metrics = options->metrics;
	struct policies_options policies = { options->store, options->catalogue, options->log,
					     metrics, options->policy_keys };
	self->policies = policies_new(&policies);
	const char *decisions = "sluice_processor_decisions_total";
	const char *help = "Decisions about accepted withdrawals.";
	self->allowed = metric_add(metrics, METRIC_COUNTER, decisions, "outcome=\"allowed\"", help);
	self->refused = metric_add(metrics, METRIC_COUNTER, decisions, "outcome=\"refused\"", help);
	self->held = metric_add(metrics, METRIC_COUNTER, decisions, "outcome=\"held\"", help);
	self->swept = metric_add(metrics, METRIC_COUNTER, "sluice_sweeper_woken_total", "",
				 "Rows that were due and had not moved.");
	return self;
}

void processor_free(struct processor *processor)
{
	if (processor != NULL)
		policies_free(processor->policies);
	free(processor);
}

static void change_log(const struct processor *self, const struct withdrawal *row,
		       const char *action, const char *code, bool alarm)
{
	struct id_text id = id_text(row->intent.id);
	struct log_about about = { .action = action,
				   .outcome = "success",
				   .trace_id = row->correlation_id,
				   .withdrawal_id = id.at,
				   .alarm = alarm };
	log_line(self->options.log, alarm ? LOG_ERROR : LOG_INFO, &about, "%s %s", action, code);
}

static void hand_over(struct processor *self, const struct withdrawal *row, int64_t now_ms,
		      int64_t expires_at, struct store_change *change)
{
	change->to = WITHDRAWAL_QUEUED;
	change->has_approval = true;
	change->approval = (struct approval){ .policy_version = self->policy_version,
					      .approved_at = now_ms,
					      .expires_at = expires_at };
	change->approval_mac = approval_mac_make(&self->options.approval_keys, &row->intent,
						 &row->intent_mac, &change->approval);
}

static void decide_queued(struct processor *self, const struct withdrawal *row, int64_t now_ms,
			  struct store_change *change)
{
	change->event = row->stage == WITHDRAWAL_QUEUED ? "approval_renewed" : "queued";
	hand_over(self, row, now_ms, now_ms + self->options.approval_life_ms, change);
	metric_count(self->allowed, 1);
	change_log(self, row, "withdrawal_queued", "", false);
}

static void decide_held(struct processor *self, const struct withdrawal *row, const char *reason,
			struct store_change *change)
{
	change->to = row->stage;
	change->event = "held";
	change->held_reason = reason;
	metric_count(self->held, 1);
	change_log(self, row, "withdrawal_held", reason, true);
}

static void decide_rejected(struct processor *self, const struct withdrawal *row,
			    enum refusal refusal, struct store_change *change)
{
	change->to = WITHDRAWAL_REJECTED;
	change->event = "rejected";
	change->failure_code = refusal_code(refusal);
	metric_count(self->refused, 1);
	change_log(self, row, "withdrawal_rejected", refusal_code(refusal), false);
}

/* A store that was restored does not know who was paid under the same key, and one whose client was
 * told that the signer cancels it may not know it either. The signer finds out, and ends the row
 * with its void where nobody was: the approval that it gets ran out long ago, and pays nobody,
 * whatever becomes of the request to cancel. */
static void decide_unpayable(struct processor *self, const struct withdrawal *row,
			     enum refusal refusal, int64_t now_ms, struct store_change *change)
{
	change->event = "approval_refused";
	change->request_cancel = true;
	hand_over(self, row, now_ms, 0, change);
	metric_count(self->refused, 1);
	change_log(self, row, "approval_refused", refusal_code(refusal), false);
}

/* The grant ran out, and today's rules would not give it again. From the approval on only the
 * signer ends a withdrawal, with its void; this asks it to. */
static void decide_canceled(struct processor *self, const struct withdrawal *row,
			    enum refusal refusal, struct store_change *change)
{
	change->to = row->stage;
	change->event = "approval_refused";
	change->request_cancel = true;
	metric_count(self->refused, 1);
	change_log(self, row, "approval_refused", refusal_code(refusal), true);
}

/* Is there anything here for the processor to decide? A queued row comes back for a fresh approval.
 */
static bool is_ours(const struct withdrawal *row)
{
	if (row->held_reason[0] != 0)
		return false;
	if (row->stage == WITHDRAWAL_QUEUED)
		return str_equal_text(str_from(row->wait_reason),
				      reason_code(REASON_APPROVAL_EXPIRED));
	return row->stage == WITHDRAWAL_ACCEPTED;
}

/* Its client wants it no more: the signer ends it, whatever the rules say. */
static bool is_canceled(const struct withdrawal *row)
{
	return row->stage == WITHDRAWAL_ACCEPTED && row->cancel_requested;
}

/* Nobody decides without a policy, and nothing fails for want of one. */
static void decide_wait(struct processor *self, const struct withdrawal *row, enum reason reason,
			int64_t now_ms, struct store_change *change)
{
	const char *code = reason_code(reason);
	change->to = row->stage;
	change->event = "waiting";
	change->wait_reason =
		row->stage == WITHDRAWAL_QUEUED ? reason_code(REASON_APPROVAL_EXPIRED) : code;
	change->due_at = now_ms + reason_due_in_ms(reason, POLICY_WAIT_MS);
	if (!str_equal_text(str_from(row->wait_reason), change->wait_reason))
		change_log(self, row, "withdrawal_waits", code, true);
}

static void decide_refused(struct processor *self, const struct withdrawal *row,
			   enum refusal refusal, bool restored, int64_t now_ms,
			   struct store_change *change)
{
	if (row->stage == WITHDRAWAL_QUEUED)
		decide_canceled(self, row, refusal, change);
	else if (restored || (row->cancel_requested && DEFENCE("cancel_goes_to_the_signer")))
		decide_unpayable(self, row, refusal, now_ms, change);
	else
		decide_rejected(self, row, refusal, change);
}

/* The name outlives the policy, which a later batch may replace. */
static void rule_tell(struct processor *self, struct store_change *change, struct str name)
{
	size_t at = (size_t)(change - self->changes);
	CHECK(str_copy(name, self->rules[at], sizeof self->rules[at]));
	change->rule = self->rules[at];
}

/* What was approved before has taken its room then; who says so without the approval that shows it
 * has edited the row. */
static bool is_renewal(const struct processor *self, const struct withdrawal *row)
{
	return row->stage == WITHDRAWAL_QUEUED && row->approval.expires_at > 0 &&
	       approval_mac_verify(&self->options.approval_keys, &row->intent, &row->intent_mac,
				   &row->approval, &row->approval_mac);
}

static void claim(struct processor *self, const struct withdrawal *row, int64_t now_ms,
		  struct store_change *change)
{
	struct policy_verdict *verdict = &self->verdicts[change - self->changes];
	if (is_renewal(self, row) || !DEFENCE("limits_are_claimed"))
		return;
	/* A time that is ahead of ours, or before all, would shift a window that others share. */
	for (size_t i = 0; i < verdict->claims_len; i++) {
		int64_t at = verdict->claims[i].at;
		verdict->claims[i].at = at < 0 ? 0 : at > now_ms ? now_ms : at;
	}
	change->claims = verdict->claims;
	change->claims_len = verdict->claims_len;
}

static void judge(struct processor *self, const struct withdrawal *row, const struct asset *asset,
		  bool restored, int64_t now_ms, struct store_change *change)
{
	struct policy_verdict *verdict = &self->verdicts[change - self->changes];
	policy_judge(self->policy, self->options.catalogue, asset, &row->intent, verdict);
	if (verdict->rule != NULL)
		rule_tell(self, change, verdict->rule->name);
	switch (verdict->answer) {
	case POLICY_DENIED:
		decide_refused(self, row, verdict->refusal, restored, now_ms, change);
		break;
	case POLICY_ALLOWED:
		decide_queued(self, row, now_ms, change);
		claim(self, row, now_ms, change);
		break;
	}
}

static void decide(struct processor *self, const struct withdrawal *row, bool restored,
		   const struct message *message, int64_t now_ms, struct store_change *change)
{
	const struct intent *intent = &row->intent;
	const struct asset *asset =
		catalogue_asset(self->options.catalogue, intent->chain_id, str_from(intent->asset));
	*change = (struct store_change){ .withdrawal = intent->id,
					 .version = row->version,
					 .from = row->stage,
					 .ack = message->ack };
	if (DEFENCE("receives_are_bounded") && message->receives > RECEIVES_WITHOUT_VERDICT_MAX) {
		change->bury = true;
		decide_held(self, row, reason_code(REASON_DEAD_LETTER), change);
	} else if (DEFENCE("asset_is_pinned") && !policy_asset_matches(asset, intent)) {
		decide_held(self, row, reason_code(REASON_ASSET_MISMATCH), change);
	} else if (self->policy == NULL && is_canceled(row)) {
		decide_unpayable(self, row, REFUSAL_CANCELED, now_ms, change);
	} else if (self->policy == NULL) {
		decide_wait(self, row, REASON_POLICY_UNAVAILABLE, now_ms, change);
	} else {
		judge(self, row, asset, restored, now_ms, change);
	}
}

/* What had no room in a window was not applied: decided again, without the room. */
static size_t decide_again(struct processor *self, size_t n, bool restored, int64_t now_ms)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		struct store_change before = self->changes[i];
		const struct withdrawal *row = self->changed[i];
		if (before.room == STORE_ROOM_TAKEN)
			continue;
		struct str limit = self->verdicts[i].limits[before.room_at]->name;
		struct store_change *change = &self->changes[len++];
		*change = (struct store_change){ .withdrawal = before.withdrawal,
						 .version = before.version,
						 .from = before.from,
						 .ack = before.ack };
		rule_tell(self, change, limit);
		if (before.room != STORE_ROOM_FULL && is_canceled(row))
			decide_unpayable(self, row, REFUSAL_CANCELED, now_ms, change);
		else if (before.room == STORE_ROOM_FULL)
			decide_refused(self, row, REFUSAL_LIMIT_EXCEEDED, restored, now_ms, change);
		else
			decide_wait(self, row, REASON_LIMIT_UNREADABLE, now_ms, change);
	}
	return len;
}

static bool changes_write(struct processor *self, size_t n, bool restored, int64_t now_ms,
			  struct err *err)
{
	struct store_by by = { .actor = ACTOR_PROCESSOR,
			       .who = self->options.instance,
			       .request_id = "",
			       .now_ms = now_ms };
	if (!store_withdrawals_change(self->options.store, self->changes, n, &by, err))
		return false;
	n = decide_again(self, n, restored, now_ms);
	if (n > 0 && !store_withdrawals_change(self->options.store, self->changes, n, &by, err))
		return false;
	queue_notify(self->options.queue, QUEUE_SIGNING);
	return true;
}

static bool facts_load(struct processor *self, size_t n, bool *ret_found, bool *ret_restored,
		       struct err *err)
{
	struct id ids[BATCH_MAX];
	struct store_incarnation last;
	for (size_t i = 0; i < n; i++)
		ids[i] = self->messages[i].ack.subject;
	if (!store_withdrawals_load(self->options.store, ids, n, self->rows, ret_found, err) ||
	    !store_incarnation_load(self->options.store, &last, err) ||
	    !policies_refresh(self->policies, err))
		return false;
	self->policy = policies_current(self->policies, &self->policy_version);
	*ret_restored = last.is_old;
	return true;
}

static bool batch_decide(struct processor *self, size_t n, struct err *err)
{
	bool found[BATCH_MAX];
	bool restored = false;
	struct message_ack idle[BATCH_MAX];
	size_t changes = 0;
	size_t idle_len = 0;
	int64_t now_ms = clock_now_ms(self->options.clock);
	if (!facts_load(self, n, found, &restored, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (found[i] && is_ours(&self->rows[i])) {
			self->changed[changes] = &self->rows[i];
			decide(self, &self->rows[i], restored, &self->messages[i], now_ms,
			       &self->changes[changes++]);
		} else {
			idle[idle_len++] = self->messages[i].ack;
		}
	}
	if (idle_len > 0 && !queue_ack(self->options.queue, idle, idle_len, err))
		return false;
	return changes == 0 || changes_write(self, changes, restored, now_ms, err);
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

bool processor_step(struct processor *processor, bool *ret_worked, struct err *err)
{
	size_t n = 0;
	*ret_worked = false;
	if (!sweep(processor, ret_worked, err) || !forget(processor, ret_worked, err))
		return false;
	if (!queue_claim(processor->options.queue, QUEUE_REQUEST, BATCH_MAX,
			 processor->options.visibility_ms, processor->messages, &n, err))
		return false;
	if (n == 0)
		return true;
	*ret_worked = true;
	return batch_decide(processor, n, err);
}
