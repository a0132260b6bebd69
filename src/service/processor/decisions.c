#include "service/processor/decisions.h"

#include "base/defence.h"
#include "core/policy.h"
#include "core/reason.h"

#include <stdlib.h>

#define POLICY_WAIT_MS 5000  /* before a withdrawal without a policy is looked at again */
#define ASKED_WAIT_MS  60000 /* and one that waits for people, whose every word wakes it */
#define SCREEN_WAIT_MS 1000  /* the shortest time before a screening is tried again */

struct decisions *decisions_new(const struct processor_options *options)
{
	struct decisions *self = calloc(1, sizeof *self);
	CHECK(self != NULL && options->approval_keys.len > 0);
	self->options = *options;
	struct metrics *metrics = options->metrics;
	const char *name = "sluice_processor_decisions_total";
	const char *help = "Decisions about accepted withdrawals.";
	self->allowed = metric_add(metrics, METRIC_COUNTER, name, "outcome=\"allowed\"", help);
	self->refused = metric_add(metrics, METRIC_COUNTER, name, "outcome=\"refused\"", help);
	self->held = metric_add(metrics, METRIC_COUNTER, name, "outcome=\"held\"", help);
	self->alike = metric_add(metrics, METRIC_COUNTER, "sluice_look_alikes_total", "",
				 "Payments to who looks like somebody else the account knows.");
	return self;
}

void decisions_free(struct decisions *decisions)
{
	free(decisions);
}

void decisions_begin(struct decisions *decisions, const struct decisions_facts *facts)
{
	decisions->facts = *facts;
	decisions->len = 0;
	decisions->allowed_len = 0;
}

static void change_log(const struct decisions *self, const struct withdrawal *row,
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

static void hand_over(struct decisions *self, const struct withdrawal *row, int64_t expires_at,
		      struct store_change *change)
{
	change->to = WITHDRAWAL_QUEUED;
	change->has_approval = true;
	change->approval = (struct approval){ .policy_version = self->facts.policy_version,
					      .approved_at = self->facts.now_ms,
					      .expires_at = expires_at };
	change->approval_mac = approval_mac_make(&self->options.approval_keys, &row->intent,
						 &row->intent_mac, &change->approval);
}

static void decide_queued(struct decisions *self, const struct withdrawal *row,
			  struct store_change *change)
{
	change->event = row->stage == WITHDRAWAL_QUEUED ? "approval_renewed" : "queued";
	hand_over(self, row, self->facts.now_ms + self->options.approval_life_ms, change);
	metric_count(self->allowed, 1);
	change_log(self, row, "withdrawal_queued", "", false);
}

static void decide_held(struct decisions *self, const struct withdrawal *row, const char *reason,
			struct store_change *change)
{
	change->to = row->stage;
	change->event = "held";
	change->held_reason = reason;
	metric_count(self->held, 1);
	change_log(self, row, "withdrawal_held", reason, true);
}

static void decide_rejected(struct decisions *self, const struct withdrawal *row,
			    enum refusal refusal, struct store_change *change)
{
	change->to = WITHDRAWAL_REJECTED;
	change->event = "rejected";
	change->failure_code = refusal_code(refusal);
	metric_count(self->refused, 1);
	change_log(self, row, "withdrawal_rejected", refusal_code(refusal), false);
}

/* A store that was restored does not know who was paid under the same key; one on a server may have
 * been replaced without its last commits, or be set back by who can write it. The signer finds out,
 * and ends the row with its void where nobody was: the approval that it gets ran out long ago, and
 * pays nobody, whatever becomes of the request to end it. */
static void decide_unpayable(struct decisions *self, const struct withdrawal *row,
			     enum refusal refusal, struct store_change *change)
{
	change->event = "approval_refused";
	change->request_cancel = true;
	change->failure_code = refusal_code(refusal);
	hand_over(self, row, APPROVAL_REFUSES, change);
	metric_count(self->refused, 1);
	change_log(self, row, "approval_refused", refusal_code(refusal), false);
}

/* The grant ran out, and today's rules would not give it again. From the approval on only the
 * signer ends a withdrawal, with its void; this asks it to. */
static void decide_canceled(struct decisions *self, const struct withdrawal *row,
			    enum refusal refusal, struct store_change *change)
{
	change->to = row->stage;
	change->event = "approval_refused";
	change->request_cancel = true;
	metric_count(self->refused, 1);
	change_log(self, row, "approval_refused", refusal_code(refusal), true);
}

static bool waits_for(const struct withdrawal *row, enum reason reason)
{
	return str_equal_text(str_from(row->wait_reason), reason_code(reason));
}

/* A queued row comes back for a fresh approval. */
bool decisions_want(const struct withdrawal *row)
{
	if (row->held_reason[0] != 0)
		return false;
	if (row->stage == WITHDRAWAL_QUEUED)
		return waits_for(row, REASON_APPROVAL_EXPIRED) ||
		       waits_for(row, REASON_APPROVALS_MISSING);
	return row->stage == WITHDRAWAL_ACCEPTED || row->stage == WITHDRAWAL_AWAITING_APPROVAL;
}

/* By the approval, whose MAC is looked at later, and not by what the row waits for now: something
 * else may be away meanwhile, and what people say is heard all the same. */
static bool is_question(const struct withdrawal *row)
{
	return row->stage <= WITHDRAWAL_QUEUED && row->approval.expires_at == APPROVAL_ASKS;
}

bool decisions_want_votes(const struct withdrawal *row)
{
	return row->stage == WITHDRAWAL_AWAITING_APPROVAL || is_question(row);
}

/* Its client wants it no more: the signer ends it, whatever the rules say. */
static bool is_canceled(const struct withdrawal *row)
{
	return row->stage < WITHDRAWAL_QUEUED && row->cancel_requested;
}

/* Why nothing can be decided; NONE when it can. */
static enum reason undecided_why(const struct decisions_facts *facts)
{
	if (facts->policy == NULL)
		return REASON_POLICY_UNAVAILABLE;
	return facts->receivers == NULL ? REASON_DENY_LIST_UNAVAILABLE : REASON_NONE;
}

/* Of a screening: a quarter of the time that it has waited already, so that a service which comes
 * back finds little before it at first, and one that does not is not asked about old rows again and
 * again. */
static int64_t wait_ms(const struct decisions *self, const struct withdrawal *row,
		       enum reason reason)
{
	int64_t most_ms = reason_due_in_ms(reason, POLICY_WAIT_MS);
	int64_t since = row->intent.created_at > 0 ? row->intent.created_at : 0; /* or edited */
	int64_t wait = (self->facts.now_ms - since) / 4;
	if (reason != REASON_SCREENING_UNAVAILABLE && reason != REASON_SCREENING_BUSY)
		return most_ms;
	if (wait < SCREEN_WAIT_MS)
		return SCREEN_WAIT_MS;
	return wait < most_ms ? wait : most_ms;
}

/* Nobody decides without a policy or a list, and nothing fails for want of one. */
static void decide_wait(struct decisions *self, const struct withdrawal *row, enum reason reason,
			struct store_change *change)
{
	const char *code = reason_code(reason);
	change->to = row->stage;
	change->event = "waiting";
	if (row->stage == WITHDRAWAL_QUEUED)
		code = reason_code(is_question(row) ? REASON_APPROVALS_MISSING
						    : REASON_APPROVAL_EXPIRED);
	change->wait_reason = code;
	change->due_at = self->facts.now_ms + wait_ms(self, row, reason);
	if (!str_equal_text(str_from(row->wait_reason), change->wait_reason))
		change_log(self, row, "withdrawal_waits", code, reason_is_alarm(reason));
}

static bool refusals_are_handed_over(const struct decisions *self)
{
	return self->options.ends_by_signer && DEFENCE("refusal_asks_the_chain");
}

static void decide_refused(struct decisions *self, const struct withdrawal *row,
			   enum refusal refusal, struct store_change *change)
{
	if (row->stage == WITHDRAWAL_QUEUED)
		decide_canceled(self, row, refusal, change);
	else if (self->facts.restored || refusals_are_handed_over(self))
		decide_unpayable(self, row, refusal, change);
	else
		decide_rejected(self, row, refusal, change);
}

/* The name outlives the policy, which a later batch may replace. */
static void rule_tell(struct decisions *self, struct store_change *change, struct str name)
{
	size_t at = (size_t)(change - self->changes);
	CHECK(str_copy(name, self->rules[at], sizeof self->rules[at]));
	change->rule = self->rules[at];
}

/* Are people asked already, about this row and under this policy? */
static bool is_asked(const struct decisions *self, const struct withdrawal *row)
{
	return is_question(row) && row->approval.policy_version == self->facts.policy_version &&
	       approval_mac_verify(&self->options.approval_keys, &row->intent, &row->intent_mac,
				   &row->approval, &row->approval_mac);
}

/* What was approved, or asked, before has taken its room then; who says so without the approval
 * that shows it has edited the row. */
static bool is_renewal(const struct decisions *self, const struct withdrawal *row)
{
	bool granted = row->stage == WITHDRAWAL_QUEUED && row->approval.expires_at > APPROVAL_ASKS;
	return (granted || is_asked(self, row)) &&
	       approval_mac_verify(&self->options.approval_keys, &row->intent, &row->intent_mac,
				   &row->approval, &row->approval_mac);
}

static void claim(struct decisions *self, const struct withdrawal *row, struct store_change *change)
{
	struct policy_verdict *verdict = &self->verdicts[change - self->changes];
	if (is_renewal(self, row) || !DEFENCE("limits_are_claimed"))
		return;
	/* A time that is ahead of ours, or before all, would shift a window that others share. */
	for (size_t i = 0; i < verdict->claims_len; i++) {
		int64_t at = verdict->claims[i].at;
		verdict->claims[i].at = at < 0                    ? 0
					: at > self->facts.now_ms ? self->facts.now_ms
								  : at;
	}
	change->claims = verdict->claims;
	change->claims_len = verdict->claims_len;
}

static void decide_allowed(struct decisions *self, const struct withdrawal *row,
			   struct store_change *change)
{
	decide_queued(self, row, change);
	claim(self, row, change);
}

/* Who sends dust from such an address waits for somebody to copy it from a list of payments. */
static void look_alike_tell(struct decisions *self, const struct withdrawal *row,
			    struct address known)
{
	struct id_text id = id_text(row->intent.id);
	struct log_about about = { .action = "receiver_looks_alike",
				   .outcome = "success",
				   .trace_id = row->correlation_id,
				   .withdrawal_id = id.at,
				   .alarm = true };
	metric_count(self->alike, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "receiver_looks_alike %s begins and ends as %s, whom %s knows",
		 address_text(row->intent.to).at, address_text(known).at, row->intent.account);
}

/* ---- people ---- */

/* The approval that pays nobody says since when people are asked, and under which policy. Who edits
 * the row into another stage has a grant that ran out long ago. */
static void approval_ask(struct decisions *self, const struct withdrawal *row,
			 struct store_change *change)
{
	hand_over(self, row, APPROVAL_ASKS, change);
	if (row->stage == WITHDRAWAL_QUEUED) {
		change->event = "approvals_asked";
		change->wait_reason = reason_code(REASON_APPROVALS_MISSING);
	} else {
		change->event = "awaiting_approval";
		change->to = WITHDRAWAL_AWAITING_APPROVAL;
	}
	claim(self, row, change);
	change_log(self, row, "approval_asked", change->rule, false);
}

static void approval_await(struct decisions *self, const struct withdrawal *row, int64_t until,
			   struct store_change *change)
{
	int64_t next = self->facts.now_ms + ASKED_WAIT_MS;
	change->to = row->stage;
	change->event = "waiting";
	change->wait_reason =
		row->stage == WITHDRAWAL_QUEUED ? reason_code(REASON_APPROVALS_MISSING) : NULL;
	change->due_at = next < until ? next : until;
}

/* A row on its way from the policy's verdict to its change. */
struct going {
	struct decisions *self;
	const struct withdrawal *row;
	const struct message *message;
	const struct decisions_votes *votes;
	struct store_change *change;
	struct policy_verdict *verdict;
	bool is_asked; /* people are, already */
};

static enum vote_answer votes_said(const struct going *going)
{
	const struct decisions *self = going->self;
	struct vote_ask ask = { going->row, self->facts.policy, going->verdict };
	if (!going->is_asked)
		return VOTES_MISSING;
	return votes_count(self->options.catalogue, &ask, going->votes->items, going->votes->len);
}

/* Who spoke in time is heard, however late that is looked at. */
static void approval_missing(const struct going *going)
{
	struct decisions *self = going->self;
	struct vote_ask ask = { going->row, self->facts.policy, going->verdict };
	if (!going->is_asked)
		approval_ask(self, going->row, going->change);
	else if (self->facts.now_ms >= vote_until(&ask))
		decide_refused(self, going->row, REFUSAL_APPROVAL_TIMEOUT, going->change);
	else
		approval_await(self, going->row, vote_until(&ask), going->change);
}

static void go_on(const struct going *going)
{
	if (going->verdict->answer == POLICY_ASKED && votes_said(going) != VOTES_APPROVE)
		approval_missing(going);
	else
		decide_allowed(going->self, going->row, going->change);
}

/* ---- screening ---- */

/* For people who look for it at the service. */
static void reference_tell(const struct going *going, const struct screen_answer *answer)
{
	char *reference = going->self->references[going->change - going->self->changes];
	if (answer->reference[0] == 0)
		return;
	CHECK(str_copy(str_from(answer->reference), reference, SCREEN_REFERENCE_LEN_MAX + 1));
	going->change->screening = reference;
}

static void screened(const struct going *going, const struct screen_answer *answer)
{
	reference_tell(going, answer);
	switch (answer->decision) {
	case SCREEN_ALLOW:
		break;
	case SCREEN_DENY:
		decide_refused(going->self, going->row, REFUSAL_SCREENING_DENIED, going->change);
		return;
	case SCREEN_REVIEW:
		policy_review(going->verdict);
		break;
	}
	go_on(going);
}

/* Nothing but an answer lets a row pass. False: it is not there yet. */
static bool screen(const struct going *going)
{
	struct decisions *self = going->self;
	struct screen_answer answer;
	switch (screening_of(self->facts.screening, going->row, going->message, &answer)) {
	case SCREENING_PENDING:
		return false;
	case SCREENING_ANSWERED:
		screened(going, &answer);
		break;
	case SCREENING_AWAY:
		if (DEFENCE("screening_fails_closed"))
			decide_wait(self, going->row, REASON_SCREENING_UNAVAILABLE, going->change);
		else
			go_on(going);
		break;
	case SCREENING_APART:
	case SCREENING_BUSY:
		decide_wait(self, going->row, REASON_SCREENING_BUSY, going->change);
		break;
	}
	return true;
}

/* What its client does not want any more need not be approved or screened to be canceled; a
 * person's "no" needs no service, and nobody is screened before the others have said yes. */
static bool permit(const struct going *going)
{
	const struct policy_verdict *verdict = going->verdict;
	bool asks = verdict->answer == POLICY_ASKED;
	if (!asks && !verdict->wants_screening) {
		decide_allowed(going->self, going->row, going->change);
		return true;
	}
	if (is_canceled(going->row)) {
		decide_unpayable(going->self, going->row, REFUSAL_CANCELED, going->change);
		return true;
	}
	enum vote_answer said = votes_said(going);
	if (said == VOTES_REJECT)
		decide_refused(going->self, going->row, REFUSAL_APPROVAL_DENIED, going->change);
	else if (asks && going->is_asked && said == VOTES_MISSING)
		approval_missing(going);
	else if (verdict->wants_screening)
		return screen(going);
	else
		go_on(going);
	return true;
}

/* What is approved, or asked of people, tells who looks like somebody else. */
static void receiver_note(struct decisions *self, const struct withdrawal *row,
			  const struct policy_receiver *receiver, struct address known,
			  const struct store_change *change)
{
	const struct policy_verdict *verdict = &self->verdicts[change - self->changes];
	if (!change->has_approval)
		return;
	if (verdict->warns_look_alike && row->stage == WITHDRAWAL_ACCEPTED)
		look_alike_tell(self, row, known);
	if (change->approval.expires_at > APPROVAL_ASKS && !receiver->looks_alike)
		self->allowed_rows[self->allowed_len++] = row;
}

/* False: there is no change yet. */
static bool judge(struct decisions *self, const struct withdrawal *row, const struct asset *asset,
		  const struct message *message, const struct decisions_votes *votes,
		  struct store_change *change)
{
	struct policy_verdict *verdict = &self->verdicts[change - self->changes];
	struct address known = { { 0 } };
	struct policy_receiver receiver = receivers_facts(self->facts.receivers, row, &known);
	if (receiver.is_unsure && !receiver.is_denied && DEFENCE("the_unsure_wait")) {
		if (is_canceled(row))
			decide_unpayable(self, row, REFUSAL_CANCELED, change);
		else
			decide_wait(self, row, REASON_CHAIN_UNAVAILABLE, change);
		return true;
	}
	policy_judge(self->facts.policy, self->options.catalogue, asset, &row->intent, &receiver,
		     verdict);
	if (verdict->rule != NULL)
		rule_tell(self, change, verdict->rule->name);
	struct going going = { self, row, message, votes, change, verdict, is_asked(self, row) };
	if (verdict->answer == POLICY_DENIED)
		decide_refused(self, row, verdict->refusal, change);
	else if (!permit(&going))
		return false;
	receiver_note(self, row, &receiver, known, change);
	return true;
}

/* By its sealed approval, whatever else somebody has made of the row since. */
static bool was_refused(const struct decisions *self, const struct withdrawal *row)
{
	return row->approval.expires_at == APPROVAL_REFUSES &&
	       approval_mac_verify(&self->options.approval_keys, &row->intent, &row->intent_mac,
				   &row->approval, &row->approval_mac) &&
	       DEFENCE("refusal_stands");
}

static enum refusal refusal_of(const struct withdrawal *row)
{
	enum refusal refusal;
	bool known = refusal_read(str_from(row->failure_code), &refusal);
	return known && refusal_is_of_rules(refusal) ? refusal : REFUSAL_CANCELED;
}

static bool decide(struct decisions *self, const struct withdrawal *row,
		   const struct message *message, const struct decisions_votes *votes,
		   struct store_change *change)
{
	const struct intent *intent = &row->intent;
	const struct asset *asset =
		catalogue_asset(self->options.catalogue, intent->chain_id, str_from(intent->asset));
	enum reason undecided = undecided_why(&self->facts);
	*change = (struct store_change){ .withdrawal = intent->id,
					 .version = row->version,
					 .from = row->stage,
					 .ack = message->ack };
	if (DEFENCE("receives_are_bounded") && message->receives > RECEIVES_WITHOUT_VERDICT_MAX) {
		change->bury = true;
		decide_held(self, row, reason_code(REASON_DEAD_LETTER), change);
	} else if (DEFENCE("asset_is_pinned") && !policy_asset_matches(asset, intent)) {
		decide_held(self, row, reason_code(REASON_ASSET_MISMATCH), change);
	} else if (was_refused(self, row)) {
		decide_unpayable(self, row, refusal_of(row), change);
	} else if (undecided != REASON_NONE && is_canceled(row)) {
		decide_unpayable(self, row, REFUSAL_CANCELED, change);
	} else if (undecided != REASON_NONE) {
		decide_wait(self, row, undecided, change);
	} else {
		return judge(self, row, asset, message, votes, change);
	}
	return true;
}

void decisions_add(struct decisions *decisions, const struct withdrawal *row,
		   const struct message *message, const struct decisions_votes *votes)
{
	size_t at = decisions->len;
	CHECK(at < BATCH_MAX);
	decisions->rows[at] = row;
	decisions->len += decide(decisions, row, message, votes, &decisions->changes[at]);
}

static void decide_again(struct decisions *self, const struct store_change *before, size_t at)
{
	const struct withdrawal *row = self->rows[at];
	struct store_change *change = &self->changes[at];
	*change = (struct store_change){ .withdrawal = before->withdrawal,
					 .version = before->version,
					 .from = before->from,
					 .ack = before->ack };
	if (before->room != STORE_ROOM_FULL && is_canceled(row))
		decide_unpayable(self, row, REFUSAL_CANCELED, change);
	else if (before->room == STORE_ROOM_FULL)
		decide_refused(self, row, REFUSAL_LIMIT_EXCEEDED, change);
	else
		decide_wait(self, row, REASON_LIMIT_UNREADABLE, change);
}

/* What was not allowed after all makes nobody known. */
static void allowed_forget(struct decisions *self, const struct withdrawal *row)
{
	size_t kept = 0;
	for (size_t i = 0; i < self->allowed_len; i++)
		if (self->allowed_rows[i] != row)
			self->allowed_rows[kept++] = self->allowed_rows[i];
	self->allowed_len = kept;
}

void decisions_repeat(struct decisions *decisions)
{
	size_t len = decisions->len;
	decisions->len = 0;
	for (size_t i = 0; i < len; i++) {
		struct store_change before = decisions->changes[i];
		if (before.room == STORE_ROOM_TAKEN)
			continue;
		size_t at = decisions->len++;
		decisions->rows[at] = decisions->rows[i];
		allowed_forget(decisions, decisions->rows[at]);
		decide_again(decisions, &before, at);
		rule_tell(decisions, &decisions->changes[at],
			  decisions->verdicts[i].limits[before.room_at]->name);
	}
}
