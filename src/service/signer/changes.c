/* Answers to withdrawals: collected over a step, written together, and told when they are written.
 */
#include "service/signer/signer_parts.h"

#include "base/defence.h"
#include "core/reason.h"

#include <string.h>

struct store_change *signer_change_next(struct signer *self, const struct withdrawal *row,
					const struct message_ack *ack, struct change_news news)
{
	CHECK(self->changes_len < BATCH_MAX);
	news.row = row;
	self->news[self->changes_len] = news;
	struct store_change *change = &self->changes[self->changes_len++];
	*change = (struct store_change){ .withdrawal = row->intent.id,
					 .version = row->version,
					 .from = row->stage,
					 .to = row->stage,
					 .ack = *ack };
	return change;
}

static void news_tell(struct signer *self, const struct store_change *change,
		      const struct change_news *news)
{
	metric_count(self->waiting, change->wait_reason != NULL ? 1 : 0);
	metric_count(self->held, change->held_reason != NULL ? 1 : 0);
	if (news->action != NULL)
		signer_log(self, news->row, news->action, news->text, news->alarm);
}

/* What was not written is not told: the row has moved, and one that was asleep knows nothing of it.
 * What may have been written is. */
bool signer_changes_write(struct signer *self, struct err *err)
{
	struct store_by by = signer_by(self);
	struct err fault = { 0 };
	if (self->changes_len == 0)
		return true;
	bool done = store_withdrawals_change(self->options.store, self->changes, self->changes_len,
					     &by, &fault);
	for (size_t i = 0; i < self->changes_len; i++)
		if (done ? self->changes[i].applied || !DEFENCE("told_when_written")
			 : fault.kind == ERR_MAYBE_DONE)
			news_tell(self, &self->changes[i], &self->news[i]);
	if (!done && err != NULL)
		*err = fault;
	return done;
}

/* What a reason to wait says of funds. Those that come before the funds are looked at, or because
 * nobody could look, say nothing. */
static enum store_funds funds_of(enum reason reason)
{
	if (reason == REASON_FUNDS || reason == REASON_FUNDS_ABOVE_CEILING)
		return STORE_FUNDS_LACKING;
	if (reason == REASON_SLOT || reason == REASON_CHAIN_UNAVAILABLE ||
	    reason == REASON_CHAIN_IS_AHEAD || reason == REASON_UNAVAILABLE ||
	    reason == REASON_APPROVAL_EXPIRED || reason == REASON_APPROVALS_MISSING ||
	    reason == REASON_PAUSED || reason == REASON_DENY_LIST_UNAVAILABLE)
		return STORE_FUNDS_KEPT;
	return STORE_FUNDS_THERE;
}

void signer_change_wait(struct signer *self, const struct withdrawal *row, const char *reason,
			const struct message_ack *ack)
{
	enum reason known = REASON_NONE;
	CHECK(reason_read(str_from(reason), &known));
	/* The first time is news, and mostly for a person; the hundredth is not. */
	bool is_new = strcmp(row->wait_reason, reason) != 0;
	struct change_news news = { .action = is_new ? "withdrawal_waits" : NULL,
				    .text = reason,
				    .alarm = reason_is_alarm(known) };
	struct store_change *change = signer_change_next(self, row, ack, news);
	change->event = "waiting";
	change->wait_reason = reason;
	change->funds = funds_of(known);
	change->due_at = clock_now_ms(self->options.clock) +
			 reason_due_in_ms(known, self->options.funds_wait_ms);
}

void signer_change_hold(struct signer *self, const struct withdrawal *row, const char *reason,
			const struct message_ack *ack, bool bury)
{
	struct change_news news = { .action = "withdrawal_held", .text = reason, .alarm = true };
	struct store_change *change = signer_change_next(self, row, ack, news);
	change->event = "held";
	change->held_reason = reason;
	change->bury = bury;
}

bool signer_hold_if_same(struct signer *self, const struct withdrawal *row, const char *reason,
			 const struct message_ack *ack, struct err *err)
{
	struct withdrawal again;
	bool found = false;
	if (!store_withdrawals_load(self->options.store, &row->intent.id, 1, &again, &found, err))
		return false;
	if (found && (again.version == row->version || !DEFENCE("torn_read_again")))
		signer_change_hold(self, row, reason, ack, false);
	else
		self->idle[self->idle_len++] = *ack;
	return true;
}
