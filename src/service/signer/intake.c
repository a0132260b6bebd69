/* From wake-ups to candidates: withdrawals that the signer believes, may pay, and has not paid. All
 * that may not be paid now is answered here: it waits, is held, or ends (with its void). */
#include "service/signer/signer_ending.h"
#include "service/signer/signer_loss.h"

#include "base/defence.h"
#include "core/policy.h"
#include "core/reason.h"
#include "port/deny_list.h"

#include <string.h>

#define SLOTLESS_MS 10000
/* Claims are kept when so much of their time has passed: one part in so many. */
#define CLAIM_KEPT_SHARE 3

/* What the journal says of a row's right to be paid. */
struct journal_word {
	const char *distrust;       /* NULL: the row's round is the next one to spend */
	bool has_void;              /* it was ended, and the store has not heard of it yet */
	bool has_next;              /* the row's round is spent; */
	struct journal_right right; /* the void, or by this one */
};

static bool journal_ask(struct signer *self, const struct withdrawal *row,
			struct journal_word *ret_word, struct err *err)
{
	struct journal_right rights[ATTEMPTS_MAX];
	size_t len = 0;
	ret_word->distrust = NULL;
	ret_word->has_void = ret_word->has_next = false;
	if (!signer_rights_load(self, row, rights, &len, err))
		return false;
	if (!DEFENCE("journal_right"))
		return true;
	if (len != row->round)
		ret_word->distrust = reason_code(REASON_ROUNDS_DO_NOT_MATCH_JOURNAL);
	for (size_t i = 0; i < len; i++) {
		if (rights[i].is_void) {
			ret_word->has_void = true;
			ret_word->right = rights[i];
			return true;
		}
		if (rights[i].round < row->round)
			continue;
		ret_word->distrust = reason_code(REASON_RIGHT_ALREADY_SPENT);
		if (rights[i].round != row->round)
			continue;
		ret_word->has_next = true;
		ret_word->right = rights[i];
	}
	return true;
}

bool signer_queued_judge(struct signer *self, const struct withdrawal *row,
			 const char **ret_distrust, struct err *err)
{
	struct journal_word word = { .distrust = NULL };
	if (!journal_ask(self, row, &word, err))
		return false;
	*ret_distrust = word.has_void ? NULL : word.distrust;
	return true;
}

static void candidate_add(struct signer *self, struct withdrawal *row,
			  const struct message_ack *ack)
{
	CHECK(self->candidates_len < BATCH_MAX);
	struct candidate *candidate = &self->candidates[self->candidates_len++];
	*candidate = (struct candidate){ .row = row, .ack = *ack };
	candidate->asset = catalogue_asset(self->options.catalogue, row->intent.chain_id,
					   str_from(row->intent.asset));
}

/* A later round needs the chain's own word that the one before was not paid. True: go on; false and
 * no error: the row is answered. */
static bool round_check(struct signer *self, const struct withdrawal *row,
			const struct message_ack *ack, bool *ret_go_on, struct err *err)
{
	enum round_verdict verdict = ROUND_UNPAID;
	if (row->round > 0 && !signer_round_judge(self, row, row->round - 1, &verdict, err))
		return false;
	*ret_go_on = verdict == ROUND_UNPAID;
	const char *distrust = signer_round_distrust(verdict);
	if (distrust != NULL)
		return signer_hold_if_same(self, row, distrust, ack, err);
	if (verdict == ROUND_UNPROVEN)
		signer_change_wait(self, row, reason_code(REASON_PREVIOUS_ROUND_NOT_PROVEN_UNPAID),
				   ack);
	return true;
}

/* A row that may not be paid: paid already in a life that the store has lost, or not to be trusted.
 */
static bool spent_answer(struct signer *self, const struct withdrawal *row,
			 const struct journal_word *word, const struct message_ack *ack,
			 struct err *err)
{
	bool answered = false;
	if (word->has_next && !signer_adopt(self, row, &word->right, ack, &answered, err))
		return false;
	return answered || signer_hold_if_same(self, row, word->distrust, ack, err);
}

/* Who was approved yesterday may be on the list today. False: nobody can say. */
static bool deny_list_ask(struct signer *self, const struct withdrawal *row, bool *ret_denied)
{
	struct deny_list *list = self->options.deny_list;
	struct err err;
	*ret_denied = false;
	if (list == NULL || !DEFENCE("signer_asks_deny_list"))
		return true;
	bool stands = deny_list_look(list, &err);
	if (!stands && !self->deny_list_told) {
		struct log_about about = { .action = "deny_list_unavailable", .alarm = true };
		metric_count(self->alarms, 1);
		log_line(self->options.log, LOG_ERROR, &about,
			 "deny_list_unavailable nobody is paid until there is one: %s", err.text);
	}
	self->deny_list_told = !stands;
	*ret_denied = stands && deny_list_has(list, row->intent.to);
	return stands;
}

/* People are asked, and the processor waits for them. */
static enum reason expired_why(const struct withdrawal *row)
{
	bool asked = row->approval.expires_at == APPROVAL_ASKS;
	return asked ? REASON_APPROVALS_MISSING : REASON_APPROVAL_EXPIRED;
}

/* What may stop or refuse a payment that is otherwise good. */
static bool good_take(struct signer *self, struct withdrawal *row, const struct message_ack *ack,
		      struct err *err)
{
	const struct asset *asset = catalogue_asset(self->options.catalogue, row->intent.chain_id,
						    str_from(row->intent.asset));
	enum refusal refusal = policy_signer_decide(self->options.catalogue, asset, &row->intent);
	bool is_denied, is_signed;
	bool is_known = deny_list_ask(self, row, &is_denied);
	if (DEFENCE("signer_refuses") && refusal != REFUSAL_NONE)
		return signer_end(self, row, WITHDRAWAL_REJECTED, REFUSAL_SIGNER_LIMIT, ack, err);
	if (is_denied)
		return signer_end(self, row, WITHDRAWAL_REJECTED, REFUSAL_RECEIVER_DENIED, ack,
				  err);
	if (!signer_signature_look(self, row, &is_signed, err))
		return false;
	if (DEFENCE("approval_expires") &&
	    row->approval.expires_at <= clock_now_ms(self->options.clock))
		signer_change_wait(self, row, reason_code(expired_why(row)), ack);
	else if (!is_signed)
		signer_change_wait(self, row, reason_code(REASON_APPROVALS_MISSING), ack);
	else if (!is_known)
		signer_change_wait(self, row, reason_code(REASON_DENY_LIST_UNAVAILABLE), ack);
	else if ((signer_stops_of(self, &row->intent) & CONTROL_SIGNING) != 0)
		signer_change_wait(self, row, reason_code(REASON_PAUSED), ack);
	else
		candidate_add(self, row, ack);
	return true;
}

/* What its client wants no more, or the processor has refused, whose word for it stands in the row:
 * it changes how the row ends, and not that it does. */
static bool wish_take(struct signer *self, struct withdrawal *row, const struct message_ack *ack,
		      struct err *err)
{
	enum refusal refusal;
	if (refusal_read(str_from(row->failure_code), &refusal) && refusal_is_of_rules(refusal))
		return signer_end(self, row, WITHDRAWAL_REJECTED, refusal, ack, err);
	return signer_end(self, row, WITHDRAWAL_CANCELED, REFUSAL_CANCELED, ack, err);
}

static bool queued_take(struct signer *self, struct withdrawal *row, const struct message_ack *ack,
			struct err *err)
{
	struct journal_word word = { .distrust = signer_row_distrust(self, row) };
	const char *hold = NULL;
	bool go_on = false;
	if (word.distrust == NULL && !journal_ask(self, row, &word, err))
		return false;
	if (word.has_void)
		return signer_end_by_void(self, row, &word.right, ack, err);
	if (word.distrust != NULL)
		return spent_answer(self, row, &word, ack, err);
	if (!signer_loss_judge(self, row, &hold, err))
		return false;
	if (hold != NULL)
		return signer_hold_if_same(self, row, hold, ack, err);
	if (!round_check(self, row, ack, &go_on, err))
		return false;
	if (!go_on)
		return true;
	/* The request to end it is no sealed column; the approval is. */
	bool refused = row->approval.expires_at == APPROVAL_REFUSES && DEFENCE("refusal_stands");
	if (row->cancel_requested || refused)
		return wish_take(self, row, ack, err);
	return good_take(self, row, ack, err);
}

/* A wake-up is written with the change that it announces: one for a row that was never handed over,
 * or never was, is somebody else's. It grants nothing; a person hears of it. */
static void message_tell(const struct signer *self, const struct message *message)
{
	struct id_text id = id_text(message->ack.subject);
	struct log_about about = { .action = "message_without_cause",
				   .trace_id = message->correlation_id,
				   .withdrawal_id = id.at,
				   .alarm = true };
	metric_count(self->alarms, 1);
	log_line(self->options.log, LOG_ERROR, &about,
		 "message_without_cause nothing was handed over to the signer");
}

static bool row_take(struct signer *self, struct withdrawal *row, const struct message *message,
		     struct err *err)
{
	if (row->stage < WITHDRAWAL_QUEUED)
		message_tell(self, message);
	if (row->held_reason[0] != 0 ||
	    (DEFENCE("ended_is_ended") && lifecycle_is_terminal(row->stage)) ||
	    (row->stage < WITHDRAWAL_QUEUED && DEFENCE("only_what_was_handed_over"))) {
		self->idle[self->idle_len++] = message->ack;
		return true;
	}
	if (DEFENCE("receives_are_bounded") && message->receives > RECEIVES_WITHOUT_VERDICT_MAX) {
		signer_change_hold(self, row, reason_code(REASON_DEAD_LETTER), &message->ack, true);
		return true;
	}
	if (row->stage == WITHDRAWAL_ASSIGNED)
		return signer_end_assigned(self, row, &message->ack, err);
	return queued_take(self, row, &message->ack, err);
}

/* A part that is away (journal, chain) is no verdict about the row: it waits. Counting such
 * receives would hold every row that was tried while it was away. */
void signer_row_wait(struct signer *self, const struct withdrawal *row,
		     const struct message_ack *ack, const struct err *fault)
{
	struct log_about about = { .action = "decision_waits", .err = fault };
	log_line(self->options.log, LOG_WARN, &about, "a part of the signer is away");
	signer_change_wait(self, row, reason_code(REASON_UNAVAILABLE), ack);
}

/* Oldest first; ids carry the time. */
static void messages_sort(struct message *messages, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct message moved = messages[i];
		size_t at = i;
		for (; at > 0 && id_compare(messages[at - 1].ack.subject, moved.ack.subject) > 0;
		     at--)
			messages[at] = messages[at - 1];
		messages[at] = moved;
	}
}

bool signer_row_judge(struct signer *self, struct withdrawal *row, struct err *err)
{
	static const struct message_ack none = { .queue = QUEUE_NONE };
	self->candidates_len = self->changes_len = self->idle_len = 0;
	signer_ahead_forget(self);
	signer_loss_forget(self);
	if (row->held_reason[0] != 0 || row->stage < WITHDRAWAL_QUEUED ||
	    lifecycle_is_terminal(row->stage))
		return true;
	if (!(row->stage == WITHDRAWAL_ASSIGNED ? signer_end_assigned(self, row, &none, err)
						: queued_take(self, row, &none, err)))
		return false;
	return signer_changes_write(self, err);
}

static bool rows_take(struct signer *self, size_t n, struct err *err)
{
	struct id ids[BATCH_MAX];
	CHECK(n > 0 && n <= BATCH_MAX);
	messages_sort(self->messages, n);
	for (size_t i = 0; i < n; i++)
		ids[i] = self->messages[i].ack.subject;
	if (!store_withdrawals_load(self->options.store, ids, n, self->rows, self->found, err))
		return false;
	signer_names_look(self, n);
	self->ends.collects = true;
	for (size_t i = 0; i < n; i++) {
		struct err fault = { 0 };
		if (!self->found[i]) {
			message_tell(self, &self->messages[i]);
			self->idle[self->idle_len++] = self->messages[i].ack;
		} else if (!row_take(self, &self->rows[i], &self->messages[i], &fault)) {
			signer_row_wait(self, &self->rows[i], &self->messages[i].ack, &fault);
		}
	}
	self->ends.collects = false;
	signer_ends_write(self);
	signer_names_forget(self);
	return true;
}

/* Candidates without wallet or with a reason to wait become changes; the rest is reserved. */
static void waits_collect(struct signer *self)
{
	size_t kept = 0;
	for (size_t i = 0; i < self->candidates_len; i++) {
		struct candidate *candidate = &self->candidates[i];
		if (candidate->wait_reason == NULL)
			self->candidates[kept++] = *candidate;
		else
			signer_change_wait(self, candidate->row, candidate->wait_reason,
					   &candidate->ack);
	}
	self->candidates_len = kept;
}

static bool answers_write(struct signer *self, struct err *err)
{
	if (self->idle_len > 0 && !queue_ack(self->options.queue, self->idle, self->idle_len, err))
		return false;
	return signer_changes_write(self, err);
}

/* Nodes and the journal may have taken their time, and a claim that runs out is somebody else's
 * work as well. One that cannot be kept is no fault: whoever takes it finds what the rows say. */
static void claims_keep(const struct signer *self, size_t n, int64_t *inout_claimed_at)
{
	struct message_ack acks[BATCH_MAX];
	struct err err = { 0 };
	int64_t now = clock_monotonic_ms(self->options.clock);
	if (now - *inout_claimed_at < self->options.visibility_ms / CLAIM_KEPT_SHARE)
		return;
	*inout_claimed_at = now;
	for (size_t i = 0; i < n; i++)
		acks[i] = self->messages[i].ack;
	if (queue_extend(self->options.queue, acks, n, self->options.visibility_ms, &err))
		return;
	struct log_about about = { .action = "claims_not_kept", .err = &err };
	log_line(self->options.log, LOG_WARN, &about, "wake-ups may be worked on twice");
}

static bool owns_any(const struct signer *self)
{
	for (size_t i = 0; i < self->wallets_len; i++)
		if (self->wallets[i].owned)
			return true;
	return !DEFENCE("who_owns_nothing_takes_nothing");
}

/* How many wake-ups are taken: as many as slots are free. When none has been free for a while (all
 * wallets stopped, say), some are looked at all the same: ends and cancels need no slot, and the
 * others learn what they wait for. Who has no wallet at all would take them from those who have. */
static size_t intake_size(struct signer *self, size_t free_slots)
{
	int64_t now = clock_monotonic_ms(self->options.clock);
	if (self->intake_at == 0) /* wallets that have not entered yet are no news */
		self->intake_at = now + SLOTLESS_MS;
	if (free_slots == 0 && (now < self->intake_at || !owns_any(self)))
		return 0;
	self->intake_at = now + SLOTLESS_MS;
	return free_slots > 0 && free_slots < BATCH_MAX ? free_slots : BATCH_MAX;
}

bool signer_intake(struct signer *self, size_t free_slots, bool *ret_worked, struct err *err)
{
	size_t n = 0;
	size_t max = intake_size(self, free_slots);
	int64_t claimed_at = clock_monotonic_ms(self->options.clock);
	self->candidates_len = self->changes_len = self->idle_len = 0;
	signer_ahead_forget(self);
	signer_loss_forget(self);
	signer_spending_look_again(self);
	if (max == 0 || self->store_paused)
		return true;
	if (!queue_claim(self->options.queue, QUEUE_SIGNING, max, self->options.visibility_ms,
			 self->messages, &n, err))
		return false;
	if (n == 0)
		return true;
	*ret_worked = true;
	if (!rows_take(self, n, err))
		return false;
	claims_keep(self, n, &claimed_at);
	if (self->candidates_len > 0)
		signer_choose(self);
	waits_collect(self);
	claims_keep(self, n, &claimed_at);
	return answers_write(self, err) && (self->candidates_len == 0 || signer_reserve(self, err));
}
